/**
 * Random programs over two to four peers with cuts, delays, stalls, freezes and deaths.
 *
 * Lives here: running seeds, making a failing program smaller, the corpus of seeds that failed
 * once. Does not live here: programs (program.ts), what must hold (invariant.ts).
 *
 * Replay: `node test/sim/random.test.ts SEED`.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { shrink } from '../property/shrink.ts'
import { settle_and_check } from './invariant.ts'
import { program_of } from './program.ts'
import { World } from './world.ts'
import type { Program } from './program.ts'

/** A nightly run sets CIRCUIT_DEEP for so many times as much. */
const DEEP = 1 + Number(process.env.CIRCUIT_DEEP ?? 0)
const SEEDS_PER_RUN = 2_000 * DEEP
const BUDGET_MS = 60_000 * DEEP
const SHRINK_TRIES = 400

/** A program of the corpus. */
interface Kept { shows: string, program: Program }

function failure(program: Program): Error | undefined {
  try {
    const world = new World(program)
    world.run()
    settle_and_check(world)
    return undefined
  } catch (error) { return error as Error }
}

/** The sentence without its names and numbers, to know a failure again in a smaller program. */
function gist(error: Error): string { return error.message.replace(/[a-z]?\d+/g, '#').slice(0, 40) }

function check(program: Program): void {
  const first = failure(program)
  if (first === undefined) return
  const wanted = gist(first)
  const steps = shrink(program.steps, (some) => {
    const found = failure({ ...program, steps: [...some] })
    return found !== undefined && gist(found) === wanted
  }, SHRINK_TRIES)
  const last = failure({ ...program, steps }) ?? first
  const { seed, nodes, delay_max_ms, channels } = program
  const told = steps.map((step) => `  ${JSON.stringify(step)}`).join('\n')
  const frame = JSON.stringify({ nodes, delay_max_ms, channels })
  throw new Error(`seed ${seed} of ${program.steps.length} steps: ${frame}\n${told}\n${last.stack}`)
}

const test = suite('sim: random programs')
const replay = process.argv[2]
if (replay !== undefined && /^\d+$/.test(replay)) {
  test(`seed ${replay}`, () => check(program_of(Number(replay))), { timeout_ms: 120_000 })
} else {
  test('programs that failed once', () => {
    const url = new URL('./seeds.json', import.meta.url)
    const { programs } = JSON.parse(readFileSync(url, 'utf8')) as { programs: Kept[] }
    for (const { program } of programs) check(program)
  }, { timeout_ms: 60_000 })

  test('one seed replays everything, to the byte', () => {
    const story = (seed: number): string => {
      const hash = createHash('sha256')
      const world = new World(program_of(seed))
      world.net.watch = ({ from, to, header, text, at_ms }) => {
        hash.update(`${at_ms} ${from.name} ${to.name} ${text} `).update(header)
      }
      world.run()
      world.wait(3_000)
      return hash.digest('hex')
    }
    for (const seed of [1, 2, 3, 4, 5]) assert.is(story(seed), story(seed))
    assert.is.not(story(1), story(2))
  })

  test('programs of new seeds keep every promise', () => {
    const first = Number(process.env.CIRCUIT_SEED ?? Date.now() % 1_000_000_000)
    const end = Date.now() + BUDGET_MS
    let nth = 0
    while (nth < SEEDS_PER_RUN && Date.now() < end) check(program_of(first + nth++))
    console.log(`sim: ${nth} programs from seed ${first}`)
  }, { timeout_ms: 2 * BUDGET_MS })
}

test.run()
