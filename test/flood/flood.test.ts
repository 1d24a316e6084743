/**
 * A member that floods slows others down by a bounded factor, over real libp2p. The bound here is
 * loose, since the machine may be busy; `npm run flood` prints the figures.
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { measure_flood, middle, told } from './flood.ts'

const RATIO_MAX = 10

const test = suite('flood')
test('a flood by a member leaves others their turns', async () => {
  const rounds = await measure_flood(3, 200)
  const round = middle(rounds)
  console.log(told(round))
  assert.ok(round.frames_per_second > 500, 'it was a flood')
  assert.ok(round.flood_ms / round.quiet_ms < RATIO_MAX, told(round))
}, { timeout_ms: 120_000 })
test.run()
