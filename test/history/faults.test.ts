/**
 * Histories with faults: a peer frozen until it is declared left, and thawed; a peer killed.
 *
 * Lives here: rounds with such a fault in the middle. Does not live here: what faults do to single
 * operations (test/death).
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { huntOnce } from './hunt.ts'
import { Place } from './place.ts'

const test = suite('history: faults')
/** More operations than there is time for: the end of the fault ends the round. */
const SIZE = { clients: 3, operations: 1_000_000 }
const place = new Place()

test.before(() => place.start(['a', 'b', 'c']))
test.after(() => place.end())

test('what was seen could have happened, though a peer was frozen beyond left and thawed',
  async () => {
    const { why, lost } = await huntOnce(place, 1, SIZE, 'freeze')
    assert.is(why, '')
    assert.ok(lost > 0, 'somebody met the fault')
  }, { timeout_ms: 60_000 })

test('what was seen could have happened, though a peer was killed', async () => {
  const { why, lost } = await huntOnce(place, 2, SIZE, 'kill')
  assert.is(why, '')
  assert.ok(lost > 0, 'somebody met the fault')
}, { timeout_ms: 60_000 })

test.run()
