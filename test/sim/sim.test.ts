/**
 * Random programs over two to six peers on a network with every fault.
 *
 * Lives here: the corpus, replay to the byte, and so many seeds. Does not live here: programs
 * (draw.ts), what must hold (invariants/), deliberate bugs (mutations.test.ts), a million messages
 * (memory.test.ts).
 *
 * Replay: `npm run sim -- --seed N`.
 */
import { readFileSync } from 'node:fs'
import * as assert from 'uvu/assert'
import { use_core } from '../core/door.ts'
import { suite } from '../suite.ts'
import { checked_core } from './mutant.ts'
import { play } from './play.ts'
import type { Kept } from './program.ts'
import { reach } from './reach.ts'
import { search } from './search.ts'
import { BURSTS_FROM, burst_seed, program_of } from './seed.ts'
import { excuses_as_lines, tell } from './story.ts'

/** A nightly run sets CIRCUIT_DEEP for so many times as much. */
const DEEP = 1 + Number(process.env.CIRCUIT_DEEP ?? 0)
const SCHEDULES = 20_000 * DEEP
/** On the slower core. */
const CHECKED = 400 * DEEP
/** Bursts that are looked at for the short ways: a change after which they miss one has to bring
 * it back into what is drawn (bursts.ts). */
const REACHED = 300
const SHORT_WAYS = ['read_now done', 'send_now parked', 'send_many_now of several',
  'send_list_now of several',
  'receive_many_now of several', 'select_now done', 'select_now parked',
  'a select was met', 'sends to one channel together', 'frame offer_sends',
  'frame ends', 'frame delivers', 'sent where messages are out']
/** A machine with other things to do stops here, and says so. */
const MINUTES_MAX = 2.5 * DEEP
/** The same seeds each time: what breaks here was broken by a change. New ones: `npm run sim`. */
const FIRST_SEED = BURSTS_FROM + 30_000_000
const DEADLINE_MS = (MINUTES_MAX + 1) * 60_000

const test = suite('sim: random programs')

test('programs that failed once', async (t) => {
  const url = new URL('./seeds.json', import.meta.url)
  const { programs } = JSON.parse(readFileSync(url, 'utf8')) as { programs: Kept[] }
  assert.ok(programs.length > 0)
  t.after(() => { use_core(undefined) })
  for (const core of [undefined, await checked_core()]) {
    use_core(core)
    for (const { why, program } of programs) assert.equal(play(program).broken, [], why)
  }
}, { timeout_ms: DEADLINE_MS })

test('one seed replays everything, to the byte', () => {
  const seeds = [1, 2, 3, 4, 5, 6].flatMap((nth) => [nth, burst_seed(nth)])
  const stories = seeds.map((seed) => tell(program_of(seed, 'all')).hash)
  assert.equal(stories, seeds.map((seed) => tell(program_of(seed, 'all')).hash))
  assert.is(new Set(stories).size, stories.length)
})

test('a story tells who did what, what was said, and what was checked', () => {
  const { lines } = tell(program_of(2, 'all'))
  assert.match(lines[0]!, /^seed 2: \d peers/)
  assert.ok(lines.some((line) => /^ +\d+ ms {2}\w>\w {3}\w+ /.test(line)), 'a frame')
  assert.ok(lines.some((line) => /holds {3}at_most_once/.test(line)), 'an invariant')
})

test('bursts go through every short way of the core', () => {
  const counts = reach(Array.from({ length: REACHED }, (_, nth) => burst_seed(nth + 1)))
  for (const way of SHORT_WAYS) {
    assert.ok((counts.get(way)?.times ?? 0) > 0, `${way}: never in ${REACHED} programs`)
  }
}, { timeout_ms: DEADLINE_MS })

test('the core asserts its own invariants after each run of so many programs', async (t) => {
  t.after(() => { use_core(undefined) })
  use_core(await checked_core())
  for (let seed = FIRST_SEED; seed < FIRST_SEED + CHECKED; seed++) {
    const { broken } = play(program_of(seed, seed % 2 === 0 ? 'moments' : 'all'))
    assert.equal(broken, [], `seed ${seed}`)
  }
}, { timeout_ms: DEADLINE_MS })

test('so many programs keep every promise', async () => {
  const from = Number(process.env.CIRCUIT_SEED ?? FIRST_SEED)
  const found = await search({ from, schedules: SCHEDULES, minutes: MINUTES_MAX, workers: 2 })
  console.log(`\nsim: ${found.played} of ${SCHEDULES} schedules from seed ${from}, `
    + `${Math.round(found.played / found.seconds)} schedules/s`)
  for (const line of excuses_as_lines(found.excused)) console.log(line)
  const [first] = found.failures
  assert.is(found.failures.length, 0,
    first === undefined ? '' : JSON.stringify({ seed: first.seed, why: first.why }))
  assert.ok(found.played > 0)
}, { timeout_ms: DEADLINE_MS })

test.run()
