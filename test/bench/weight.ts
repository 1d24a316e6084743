/**
 * What a process holds: alive after a collection, and resident.
 *
 * Lives here: asking for a collection, summing up. Does not live here: when that is (steady.ts).
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Bytes: reachable objects and buffers, and what the machine has given to the process. */
export interface Weight { live: number, resident: number }

let collect: (() => void) | undefined

/** For what is under way to be done with, and what hangs on it to be let go. */
const SETTLING_MS = 50

/** Collects twice, with a pause in between, then weighs. */
export async function weigh(): Promise<Weight> {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc')
    collect = runInNewContext('gc') as () => void
  }
  collect()
  await new Promise((resolve) => setTimeout(resolve, SETTLING_MS))
  collect()
  const { heapUsed, external, rss } = process.memoryUsage()
  return { live: heapUsed + external, resident: rss }
}
