/**
 * A search over many episodes on several threads.
 *
 * Lives here: starting the threads, their sum, the report. Does not live here: what an episode is
 * (crowd.ts, traffic.ts), the command (main.ts).
 *
 * Invariant: what is played depends on the first seed, the number of threads and the sources alone;
 * only where it stops depends on time, unless frames say so.
 */
import { Worker } from 'node:worker_threads'
import { fileURLToPath } from 'node:url'
import { codes } from '../core/door.ts'
import { Coverage, instrumented } from './coverage.ts'
import type { Log } from './traffic.ts'

/** The core with the names of its globals, by which its state is kept. */
export const DIST = process.env.CIRCUIT_WASM ??
  fileURLToPath(new URL('../../dist/.circuit.named.wasm', import.meta.url))

export interface Job { seed: number, frames: number, ms_max: number, threads: number }
/** `trail`: what the core had been given, when the seed alone does not say it. */
export interface Failure { seed: number, sentence: string, trail: Log | undefined }
/** What one thread has done so far. */
export interface Found {
  done: boolean, episodes: number, next: number, frames: number, inputs: number, attached: number
  new_logs: number, codes: [number, number][], seen: Uint8Array, failure?: Failure
}
export interface Sum {
  episodes: number, frames: number, inputs: number, attached: number, new_logs: number
  ms: number, next_seed: number, codes: Map<number, number>, coverage: Coverage
  failures: Failure[]
}

const code_names = new Map(Object.entries(codes).map(([name, code]) => [code, name]))

/** Sums up the threads; `next_seed` is where another search goes on. */
function sum_of(
  parts: readonly (Found | undefined)[], job: Job, coverage: Coverage, ms: number
): Sum {
  const sum: Sum = { episodes: 0, frames: 0, inputs: 0, attached: 0, new_logs: 0, ms,
    next_seed: job.seed, codes: new Map(), coverage, failures: [] }
  for (const part of parts) {
    if (part === undefined) continue
    sum.episodes += part.episodes
    sum.frames += part.frames
    sum.inputs += part.inputs
    sum.attached += part.attached
    sum.new_logs += part.new_logs
    sum.next_seed = Math.max(sum.next_seed, job.seed + part.next)
    for (const [code, count] of part.codes) sum.codes.set(code, (sum.codes.get(code) ?? 0) + count)
    coverage.merge(part.seen)
    if (part.failure !== undefined) sum.failures.push(part.failure)
  }
  return sum
}

/** Plays episodes until `frames` are reached or `ms_max` is over, or one fails. */
export async function search(job: Job, progress?: (sum: Sum) => void): Promise<Sum> {
  const build = instrumented()
  const coverage = new Coverage(build.counters)
  const parts: (Found | undefined)[] = Array.from({ length: job.threads }, () => undefined)
  const begun = performance.now()
  const sum = (): Sum => sum_of(parts, job, coverage, performance.now() - begun)
  await Promise.all(parts.map((_, nth) => new Promise<void>((resolve, reject) => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url),
      { workerData: { job, build, nth, of: job.threads } })
    worker.on('message', (found: Found) => {
      parts[nth] = found
      progress?.(sum())
    })
    worker.once('error', reject)
    worker.once('exit', () => resolve())
  })))
  return sum()
}

/** The figures of a search as lines for people. */
export function told(sum: Sum): string[] {
  const seconds = sum.ms / 1000
  const millions = (count: number): string => `${(count / 1e6).toFixed(2)} M`
  const ends = [...sum.codes].filter(([code]) => code_names.has(code) && code >= 128)
    .sort((a, b) => b[1] - a[1]).map(([code, count]) => `${code_names.get(code)} ${count}`)
  return [
    `${millions(sum.inputs)} inputs, of them ${millions(sum.frames)} frames, in ${sum.episodes} ` +
      `episodes and ${seconds.toFixed(1)} s: ${millions(sum.frames / seconds)} frames/s`,
    `sessions begun or resumed: ${sum.attached}; links that the core ended: ${ends.join(', ')}`,
    `bent traffic that found new code: ${sum.new_logs} variants`
  ]
}
