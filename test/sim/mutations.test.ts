/**
 * Every invariant catches a bug.
 *
 * Lives here: each bug of mutations.ts put into the core and found. Does not live here: what holds
 * without one (sim.test.ts).
 *
 * `node test/sim/mutations.test.ts WORDS` tries the bugs whose sentence has these words.
 */
import * as assert from 'uvu/assert'
import { use_core } from '../core/door.ts'
import { suite } from '../suite.ts'
import { INVARIANTS } from './invariants/names.ts'
import { changed, mutant } from './mutant.ts'
import { MUTATIONS } from './mutations.ts'
import type { Mutation } from './mutations.ts'
import { play } from './play.ts'
import { burst_seed, program_of } from './seed.ts'

const DEADLINE_MS = 60_000
/** Shown by a run of its own (memory.test.ts). */
const ELSEWHERE = ['memory_is_steady']

const test = suite('sim: deliberate bugs')
const words = process.argv[2] ?? ''

/** The first seed whose run breaks the invariant; what else broke before is counted. */
function seek(mutation: Mutation): { seed: number, others: Set<string> } {
  const { caught_by, faults, within, bursts } = mutation
  const others = new Set<string>()
  for (let nth = 1; nth <= within; nth++) {
    const seed = bursts === true ? burst_seed(nth) : nth
    for (const { invariant } of play(program_of(seed, faults)).broken) {
      if (invariant === caught_by) return { seed: nth, others }
      others.add(invariant)
    }
  }
  return { seed: 0, others }
}

for (const mutation of MUTATIONS.filter(({ bug }) => bug.includes(words))) {
  const { bug, caught_by, within } = mutation
  test(`${bug}: ${caught_by}`, async (t) => {
    t.after(() => { use_core(undefined) })
    use_core(await mutant(mutation))
    const { seed, others } = seek(mutation)
    const also = others.size === 0 ? '' : `, after ${[...others].join(', ')}`
    console.log(`${seed === 0 ? 'not ' : ''}caught by ${caught_by} (seed ${seed} of ${within}${
      also}): ${bug}`)
    assert.ok(seed > 0, `not within ${within} seeds`)
  }, { timeout_ms: DEADLINE_MS })
}

if (words === '') {
  test('every invariant has a bug that it catches', () => {
    const caught = new Set(MUTATIONS.map(({ caught_by }) => caught_by))
    for (const { name } of INVARIANTS) {
      assert.ok(caught.has(name) || ELSEWHERE.includes(name), name)
    }
    for (const name of caught) assert.ok(INVARIANTS.some((one) => one.name === name), name)
  })

  test('a place that is no more is said, with what to do', () => {
    const gone = { file: 'select.ts', find: 'a line that never was', put: '' }
    assert.throws(() => changed(gone, 'another line'), /write its place in test\/sim\/mutations.ts/)
    assert.throws(() => changed({ ...gone, find: 'line' }, 'line line'), /has 2 places/)
  })
}

test.run()
