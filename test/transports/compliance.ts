/**
 * What every transport must do: one suite for all of them.
 *
 * Lives here: the five duties of transports/transport.ts as one list. Does not live here: the tests
 * of each duty (test/transports/compliance), what one transport does beyond them (its own file).
 */
import { suite } from '../suite.ts'
import { dialTests } from './compliance/dials.ts'
import { closeTests, resetTests } from './compliance/ends.ts'
import { frameTests, strangeTests } from './compliance/frames.ts'
import { pressureTests } from './compliance/pressure.ts'
import { startTests } from './compliance/start.ts'
import type { World, Within } from './compliance/witness.ts'

/** Registers the whole suite under a name; `setup` makes a new world for each test. */
export function compliance(name: string, setup: () => Promise<World>): void {
  const test = suite(`transports: ${name} does its duties`)
  const within: Within = (title, body, options) => {
    test(title, async (t) => {
      const world = await setup()
      t.after(() => world.close())
      await body(world, t)
    }, options)
  }
  startTests(within)
  dialTests(within)
  frameTests(within)
  strangeTests(within)
  pressureTests(within)
  closeTests(within)
  resetTests(within)
  test.run()
}
