/**
 * A peer that has nothing to do, beside another one: what it costs.
 *
 * Lives here: the processor time and memory of a daemon, read from the kernel. Does not live here:
 * how it starts (start.ts).
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import type { Fact } from './goal.ts'
import { Place } from './place.ts'
import { startPeer, watchMembers } from './start.ts'
import type { Part } from './timing.ts'

const WORK = 'an idle peer, another one is there'
/** What runs five times a second is compiled late: in a shorter time that is measured, too. */
const SETTLING_MS = 30_000
const WINDOW_MS = 20_000
const WINDOWS = 3
const SHARE_MOST = 0.3

/** The part. */
export function idleCounts(): Part {
  return { counts: [idle] }
}

async function idle(): Promise<Fact[]> {
  if (!existsSync('/proc/self/schedstat')) {
    return [{ work: WORK, name: '', value: NaN, unit: '', failure: 'needs Linux: /proc' }]
  }
  const place = new Place()
  try {
    await startPeer(place, 'near')
    const joined = watchMembers(place)
    const { pid } = await startPeer(place, 'idle')
    await joined('idle')
    await pause(SETTLING_MS)
    const shares: number[] = []
    for (let window = 0; window < WINDOWS; window++) {
      const before_ns = processorTime(pid!)
      const from = performance.now()
      await pause(WINDOW_MS)
      const spent_ms = (processorTime(pid!) - before_ns) / 1e6
      shares.push(spent_ms / (performance.now() - from) * 100)
    }
    shares.sort((a, b) => a - b)
    const spread = `${shares[0]!.toFixed(3)} … ${shares.at(-1)!.toFixed(3)} %`
    return [
      {
        work: WORK, name: 'of one processor', value: shares[WINDOWS >> 1]!, unit: '%',
        target: { text: `≤ ${SHARE_MOST} %`, most: SHARE_MOST },
        beside: 'gocircuit, measured apart, 0.15 %',
        note: `${WINDOWS} times ${WINDOW_MS / 1000} s: ${spread}`
      },
      {
        work: WORK, name: 'resident memory', value: status(pid!, 'VmRSS'), unit: 'B',
        beside: 'gocircuit, measured apart, 10 MB'
      },
      {
        work: WORK, name: 'resident memory without files that are mapped',
        value: status(pid!, 'RssAnon'), unit: 'B'
      }
    ]
  } finally {
    await place.end()
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Nanoseconds on a processor, all threads together. */
function processorTime(pid: number): number {
  const tasks = `/proc/${pid}/task`
  let sum = 0
  for (const task of readdirSync(tasks)) {
    sum += Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0])
  }
  return sum
}

/** A line of the kernel's status of a process, in bytes. */
function status(pid: number, name: string): number {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm')
    .exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(found?.[1]) * 1024
}
