/**
 * Real processes die and sleep: a short form of `npm run reliability`, on a machine that is busy.
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { rounds } from './rounds.ts'

const test = suite('reliability: real processes')

const PEERS = 4
const ROUNDS = 1
/** Three times the targets of the long form: other tests run beside this one. */
const KILLED_MS = 3_000
const STOPPED_MS = 9_000
const CONTINUED_MS = 9_000

for (const [road, unix] of [['libp2p', false], ['Unix sockets', true]] as const) {
  test(`death, sleep and waking of a process are soon known over ${road}`, async (t) => {
    const found = await rounds({ peers: PEERS, rounds: ROUNDS, unix })
    const most_ms = (values: number[]): number => {
      assert.is(values.length, ROUNDS)
      assert.ok(values.every(Number.isFinite), 'it became known')
      return Math.max(...values) * 1_000
    }
    const [killed, stopped, continued] =
      [most_ms(found.killed), most_ms(found.stopped), most_ms(found.continued)]
    t.within(KILLED_MS, killed, 'kill -9')
    t.within(STOPPED_MS, stopped, 'SIGSTOP')
    t.within(CONTINUED_MS, continued, 'SIGCONT')
  }, { timeout_ms: 90_000, timed: true })
}

test.run()
