/**
 * Many programs on all cores of the machine.
 *
 * Lives here: worker processes, sharing seeds out, the line of progress, what failed. Does not live
 * here: what a worker does with its seeds (worker.ts), one run (play.ts).
 *
 * Invariant: which seeds are played depends on `from` and `schedules` alone, not on the number of
 * workers.
 */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Kept } from './program.ts'

/**
 * What is searched: `schedules` seeds from `from` on, or fewer in `minutes` (0: no bound).
 * `checked`: the core asserts the invariants of all its rooms after each run, and takes longer.
 */
export interface Wanted { from: number, schedules: number, minutes: number, workers?: number,
  shrink?: boolean, checked?: boolean }
export interface Failure extends Kept { invariant: string }
/** What a worker says, some times a second. */
export interface Report { played: number, failures: Failure[], excused: [string, number][] }
/** What a worker is told: it plays `from`, `from + step` and so on below `end`. */
export interface Share { from: number, step: number, end: number, until_ms: number,
  shrink: boolean, checked: boolean }

export interface Found { played: number, seconds: number, failures: Failure[],
  excused: Map<string, number> }

const PROGRESS_MS = 1_000

/** Searches; `show` is given a line of progress, `fail` each failure as it is found. */
export async function search(wanted: Wanted, show?: (line: string) => void,
  fail?: (failure: Failure) => void): Promise<Found> {
  const workers = wanted.workers ?? availableParallelism()
  const began = performance.now()
  const until_ms = wanted.minutes > 0 ? Date.now() + wanted.minutes * 60_000 : 0
  const found: Found = { played: 0, seconds: 0, failures: [], excused: new Map() }
  const timer = setInterval(() => { show?.(progress(found, began, wanted)) }, PROGRESS_MS)
  const { from, schedules, shrink, checked } = wanted
  const children = Array.from({ length: workers }, (_, nth) => work({
    from: from + nth, step: workers, end: from + schedules, until_ms, shrink: shrink ?? true,
    checked: checked ?? false
  }, (report) => { take(found, report, fail) }))
  try {
    await Promise.all(children)
  } finally {
    clearInterval(timer)
  }
  found.seconds = (performance.now() - began) / 1000
  found.failures.sort((a, b) => a.seed - b.seed)
  return found
}

/** One worker, from its start to its end. */
function work(share: Share, hear: (report: Report) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const child: ChildProcess = fork(fileURLToPath(new URL('./worker.ts', import.meta.url)),
      [JSON.stringify(share)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    const end = (): void => { child.kill() }
    process.once('exit', end)
    child.on('message', (report) => { hear(report as Report) })
    child.once('error', reject)
    child.once('close', (code, signal) => {
      process.off('exit', end)
      if (code === 0) resolve()
      else reject(new Error(`a worker ended with ${signal ?? `code ${code}`}`))
    })
  })
}

function take(found: Found, report: Report, fail?: (failure: Failure) => void): void {
  found.played += report.played
  for (const [name, times] of report.excused) {
    found.excused.set(name, (found.excused.get(name) ?? 0) + times)
  }
  for (const failure of report.failures) {
    found.failures.push(failure)
    fail?.(failure)
  }
}

function progress(found: Found, began: number, { schedules, minutes }: Wanted): string {
  const seconds = (performance.now() - began) / 1000
  const of = minutes > 0 ? `${(seconds / 60).toFixed(1)} of ${minutes} minutes`
    : `${(100 * found.played / schedules).toFixed(0)} %`
  return `${found.played} schedules, ${Math.round(found.played / seconds)} schedules/s, `
    + `${found.failures.length} seeds failed, ${of}`
}
