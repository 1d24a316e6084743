/**
 * Real processes die and sleep: a short form of `npm run reliability`, on a machine that is busy.
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { rounds } from './rounds.ts'

const test = suite('reliability: real processes')

const PEERS = 4
const ROUNDS = 2
/** Three times the targets of the long form: other tests run beside this one. */
const KILLED_S = 3
const STOPPED_S = 9
const CONTINUED_S = 9

test('death, sleep and waking of a process are soon known to all', async () => {
  const found = await rounds({ peers: PEERS, rounds: ROUNDS })
  const most = (values: number[]): number => {
    assert.is(values.length, ROUNDS)
    return Math.max(...values)
  }
  assert.ok(most(found.killed) <= KILLED_S, `kill -9: ${found.killed.join()} s`)
  assert.ok(most(found.stopped) <= STOPPED_S, `SIGSTOP: ${found.stopped.join()} s`)
  assert.ok(most(found.continued) <= CONTINUED_S, `SIGCONT: ${found.continued.join()} s`)
}, { timeout_ms: 90_000 })

test.run()
