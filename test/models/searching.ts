/**
 * One test for each search of a model.
 *
 * Lives here: beginning the searches, two at a time, and a test that awaits each. Does not live
 * here: which searches (models.test.ts, long.test.ts, left_out.test.ts), searching
 * (spec/models/check.ts).
 */
import * as assert from 'uvu/assert'
import { asExpected, describe, missingTools, searchAll } from '../../spec/models/check.ts'
import type { Found, Search } from '../../spec/models/check.ts'
import type { suite, TestContext } from '../suite.ts'

/** Of one test: its search may wait for others on a busy machine. */
const SEARCH_LIMIT_MS = 200_000

function needTools(t: TestContext): void {
  const missing = missingTools()
  if (missing !== '') t.skip(missing)
}

/** Adds the tests to a suite. */
export function testSearches(test: ReturnType<typeof suite>, chosen: Search[]): void {
  let found: Promise<Found>[] = []
  test('spin and the compiler begin', (t) => {
    needTools(t)
    found = searchAll(chosen)
  })
  chosen.forEach((one, nth) => {
    const name = one.left_out === undefined ? `${one.name} has no error`
      : `without ${one.left_out} (${one.says}) ${one.name} has an error`
    test(name, async (t) => {
      needTools(t)
      const result = await found[nth]!
      console.log(`\n${describe(result)}`)
      assert.ok(asExpected(result), describe(result))
    }, { timeout_ms: SEARCH_LIMIT_MS })
  })
}
