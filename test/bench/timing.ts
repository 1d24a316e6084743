/**
 * Timing: how often a work is done, in which order, and what is said of it.
 *
 * Lives here: calibration, rounds, medians, what contenders share. Does not live here: the works
 * (the other files of this folder), processes for them (apart.ts), how figures are shown
 * (report.ts).
 *
 * Invariants: contenders of one work take turns within every round, one at a time, and another
 * begins each round, so that a busy moment of the machine hits all; those that have a process of
 * their own keep it from the first call that warms them up to their last round; a contender that
 * gives a wrong result, or none in time, has no figure but a sentence.
 */

import type { Fact, Goal } from './goal.ts'

/** One way of doing a work. */
export interface Contender {
  name: string
  /**
   * Does the work `count` times and checks the outcome: rejects when it is wrong. Gives the
   * milliseconds that it took when not all of the call is to be counted.
   */
  run(count: number): Promise<number | void> | number | void
  /** Begins it in a process of its own, where `run` is called and not in this one. */
  begin?(): Promise<Apart>
  /** What a reader must know to compare. */
  note?: string
  /** Why it is not run here: what is missing. */
  absent?: string
  /** What it does wrong elsewhere, found in this run; its figure stands all the same. */
  wrong?: string
}

/** A contender in a process of its own, which stands still between its turns. */
export interface Apart {
  /** Lets it do its work; rejects when it is wrong, or has no end in time. */
  timed(count: number): Promise<Taken>
  /** Ends the process. */
  end(): Promise<void>
}

/** `processor_ms` is left out by contenders that do their work in other processes. */
export interface Taken { ms: number, processor_ms?: number }

/** The same work, done in several ways. */
export interface Work {
  name: string
  /** What is counted: `pair`, `message`, … */
  unit: string
  contenders: Contender[]
  /** Bytes of payload in one unit; then megabytes a second are shown as well. */
  bytes?: number
  /** As many in every round, without calibration. */
  count?: number
  rounds?: number
  /** All of it is done by this process, which never waits for another. */
  alone?: boolean
  /** What is to be reached in it. */
  goals?: Goal[]
}

/** What is measured together: works in turns, then what is counted; `end` gives all back. */
export interface Part {
  works?: Work[]
  counts?: (() => Promise<Fact[]>)[]
  end?(): Promise<void> | void
}

/** What came out for one contender. Nanoseconds for one unit; a sentence when it failed. */
export interface Figure {
  work: string
  contender: string
  unit: string
  count: number
  rounds_ns: number[]
  median_ns: number
  least_ns: number
  most_ns: number
  /** Median of the processor time of this process; it says more when the machine is busy. */
  processor_ns?: number
  processor_rounds_ns?: number[]
  alone?: boolean
  bytes?: number
  note?: string
  failure?: string
  absent?: string
  wrong?: string
}

const ROUNDS = 9
const ROUND_MS = 200
/**
 * Of works that need no other process: many and short. The machine is slow for a tenth of a second
 * or for some, when its neighbours are busy, and a round should lie within such a time or outside
 * of it with all its contenders. Between processes a round that short would measure its beginning.
 */
const ALONE_ROUNDS = 75
const ALONE_ROUND_MS = 20
/** The last step of calibration; all steps together are twice that, and warm the code up. */
const CALIBRATED_MS = 150
const COUNT_FIRST = 16
const COUNT_MAX = 2 ** 22
/** A round that takes so long will not end: a message was lost. */
export const LIMIT_MS = 20_000

interface Runner {
  contender: Contender
  count: number
  rounds_ns: number[]
  processor_ns: number[]
  failure?: string
  apart?: Apart
}

/** Measures all contenders of a work, in turns. */
export async function measure(work: Work): Promise<Figure[]> {
  const runners: Runner[] = work.contenders.map((contender) =>
    ({ contender, count: work.count ?? 0, rounds_ns: [], processor_ns: [] }))
  try {
    for (const runner of runners) {
      await guarded(runner, async () => {
        const apart = await runner.contender.begin?.()
        if (apart !== undefined) runner.apart = apart
        await calibrate(runner, work)
      })
    }
    const rounds = work.rounds ?? (work.alone === true ? ALONE_ROUNDS : ROUNDS)
    for (let round = 0; round < rounds; round++) {
      for (let turn = 0; turn < runners.length; turn++) {
        const runner = runners[(turn + round) % runners.length]!
        await guarded(runner, async () => {
          const { ms, processor_ms } = await turnOf(runner, runner.count)
          runner.rounds_ns.push(ms * 1e6 / runner.count)
          if (processor_ms === undefined) return
          runner.processor_ns.push(processor_ms * 1e6 / runner.count)
        })
      }
    }
  } finally {
    await Promise.all(runners.map(({ apart }) => apart?.end()))
  }
  return runners.map((runner) => figureOf(work, runner))
}

/** Warms it up, and finds how many make a round. */
async function calibrate(runner: Runner, { count: fixed, alone }: Work): Promise<void> {
  if (fixed !== undefined) {
    await turnOf(runner, fixed)
    return
  }
  for (let count = COUNT_FIRST; ; count *= 2) {
    let { ms } = await turnOf(runner, count)
    // Once more: a hiccup of the machine would make the count too small.
    if (ms >= CALIBRATED_MS) ms = Math.min(ms, (await turnOf(runner, count)).ms)
    if (ms < CALIBRATED_MS && count < COUNT_MAX) continue
    const round_ms = alone === true ? ALONE_ROUND_MS : ROUND_MS
    runner.count = Math.max(1, Math.min(COUNT_MAX, Math.round(count * round_ms / ms)))
    return
  }
}

function turnOf({ apart, contender }: Runner, count: number): Promise<Taken> {
  return apart === undefined ? timed(contender, count) : apart.timed(count)
}

/** One turn of a contender in this process. */
export async function timed(contender: Contender, count: number): Promise<Taken> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end within ${LIMIT_MS / 1000} s`)), LIMIT_MS)
  })
  try {
    const from = performance.now()
    const processor_from = process.cpuUsage()
    const own = await Promise.race([contender.run(count), late])
    const ms = performance.now() - from
    const { user, system } = process.cpuUsage(processor_from)
    return typeof own === 'number' ? { ms: own } : { ms, processor_ms: (user + system) / 1e3 }
  } finally {
    clearTimeout(timer)
  }
}

async function guarded(runner: Runner, step: () => Promise<void>): Promise<void> {
  if (runner.failure !== undefined || runner.contender.absent !== undefined) return
  try {
    await step()
  } catch (error) {
    runner.failure = error instanceof Error ? error.message : String(error)
    await runner.apart?.end()
  }
}

function figureOf({ name, unit, bytes, alone }: Work, runner: Runner): Figure {
  const { contender, count, rounds_ns, processor_ns, failure } = runner
  const sorted = sortedOf(rounds_ns)
  const figure: Figure = {
    work: name, contender: contender.name, unit, count, rounds_ns,
    median_ns: sorted[sorted.length >> 1] ?? NaN,
    least_ns: sorted[0] ?? NaN,
    most_ns: sorted.at(-1) ?? NaN
  }
  const processor = sortedOf(processor_ns)[processor_ns.length >> 1]
  if (processor !== undefined) {
    figure.processor_ns = processor
    figure.processor_rounds_ns = processor_ns
  }
  if (alone !== undefined) figure.alone = alone
  if (bytes !== undefined) figure.bytes = bytes
  if (contender.note !== undefined) figure.note = contender.note
  if (contender.absent !== undefined) figure.absent = contender.absent
  if (contender.wrong !== undefined) figure.wrong = contender.wrong
  if (failure !== undefined) figure.failure = failure
  return figure
}

const sortedOf = (values: readonly number[]) => [...values].sort((a, b) => a - b)

/** Throws when two numbers that must be the same are not. */
export function same(found: number, expected: number, what: string): void {
  if (found !== expected) throw new Error(`${what}: ${found} and not ${expected}`)
}

/** So many senders share the messages numbered 1 to `count`; each waits for each of its own. */
export async function sendEach(
  senders: number, bytes: number, count: number, send: (message: Uint8Array) => Promise<unknown>
): Promise<void> {
  let next = 1
  await Promise.all(Array.from({ length: senders }, async () => {
    const message = new Uint8Array(bytes)
    const view = new DataView(message.buffer)
    while (next <= count) {
      view.setUint32(0, next++)
      await send(message)
    }
  }))
}

/** `count` shared among `parts` as evenly as it goes; those that get none are left out. */
export function quotas(count: number, parts: number): number[] {
  return Array.from({ length: Math.min(parts, count) }, (_, at) =>
    Math.floor(count / parts) + (at < count % parts ? 1 : 0))
}
