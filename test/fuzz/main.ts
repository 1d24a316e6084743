/**
 * `npm run fuzz`: a long search for frames and records that the core cannot take.
 *
 * Lives here: options, progress, the report, replaying one episode. Does not live here: the search
 * (search.ts).
 *
 * Run: `npm run fuzz [-- --frames N] [--minutes M] [--seed S] [--threads T] [--uncovered]`; to play
 * one episode again `-- --replay --seed S`, or `-- --trail FILE` for one of bent traffic.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { instrumented } from './coverage.ts'
import { Crowd } from './crowd.ts'
import { Grammar } from './grammar.ts'
import { Instance, module_of } from './instance.ts'
import { search, told } from './search.ts'
import type { Failure, Sum } from './search.ts'
import { Replay } from './traffic.ts'

const FRAMES = 20_000_000
const SHOW_MS = 5_000
const EPISODE_FRAMES = 20_000

const { values } = parseArgs({ options: {
  frames: { type: 'string' }, minutes: { type: 'string' }, seed: { type: 'string' },
  threads: { type: 'string' }, uncovered: { type: 'boolean' }, replay: { type: 'boolean' },
  trail: { type: 'string' }
} })

if (values.trail !== undefined) play_trail(values.trail)
else if (values.replay === true) replay(Number(values.seed ?? 1))
else await main()

/** Plays the episode of one seed on the core with checks, where a failure names its line. */
function replay(seed: number): void {
  const crowd = new Crowd(new Instance(module_of(instrumented().path), 1), new Grammar())
  crowd.episode(seed, EPISODE_FRAMES)
  console.log(`seed ${seed}: ${crowd.desk.frames} frames, all well`)
}

/** Plays the records that a failed search wrote down. */
function play_trail(file: string): void {
  const module = module_of(instrumented().path)
  const rows = JSON.parse(readFileSync(file, 'utf8')) as [number, number[]][]
  const trail = rows.map(([now_ms, record]) => ({ now_ms, record: Uint32Array.from(record) }))
  new Replay(() => new Instance(module, 1), []).again(trail)
  console.log(`${trail.length} records, all well`)
}

/** Says how a failed episode is played again. */
function tell_failure({ seed, sentence, trail }: Failure): void {
  let again = `--replay --seed ${seed}`
  if (trail !== undefined) {
    const file = join(tmpdir(), `circuit-fuzz-${seed}.json`)
    writeFileSync(file, JSON.stringify(trail.map(({ now_ms, record }) => [now_ms, [...record]])))
    again = `--trail ${file}`
  }
  console.log(`seed ${seed} (again: npm run fuzz -- ${again}): ${sentence}`)
}

async function main(): Promise<void> {
  const minutes = values.minutes === undefined ? undefined : Number(values.minutes)
  const frames = Number(values.frames ?? (minutes === undefined ? FRAMES : Infinity))
  const seed = Number(values.seed ?? Date.now() % 1_000_000_000)
  const threads = Number(values.threads ?? availableParallelism())
  console.log(`fuzz: from seed ${seed} on ${threads} threads`)
  let shown = Date.now()
  const progress = (sum: Sum): void => {
    if (Date.now() - shown < SHOW_MS) return
    shown = Date.now()
    console.log(`  ${told(sum)[0]}`)
  }
  const job = { seed, frames, threads, ms_max: (minutes ?? 24 * 60) * 60_000 }
  const sum = await search(job, progress)
  for (const line of told(sum)) console.log(line)
  console.log(sum.coverage.report())
  if (values.uncovered === true) for (const line of sum.coverage.uncovered()) console.log(line)
  sum.failures.forEach(tell_failure)
  console.log(sum.failures.length === 0 ? `nothing broke; go on with --seed ${sum.next_seed}`
    : `${sum.failures.length} episodes broke the core`)
  process.exitCode = sum.failures.length === 0 ? 0 : 1
}
