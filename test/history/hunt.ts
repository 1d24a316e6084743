/**
 * Rounds of random operations among real peers, one after the other, each checked.
 *
 * Lives here: a hunt, its faults, its report. Does not live here: a round (place.ts), the check
 * (check.ts), the command line (main.ts).
 */
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { blame } from './blame.ts'
import { check } from './check.ts'
import { draw } from './draw.ts'
import type { History } from './history.ts'
import { Stuck, type Peer, type Place } from './place.ts'

export type Fault = 'none' | 'freeze' | 'kill'

/** What one round gave; `why` is empty when its history could have happened. */
export interface Round {
  seed: number
  operations: number
  /** Messages that were marked *again*, and operations that ended with a loss or not at all. */
  again: number
  lost: number
  steps: number
  check_ms: number
  why: string
}

/** Long enough for a peer to be left, and for all to have met again after a thaw. */
const BEFORE_MS = 300
const FROZEN_MS = 4_000
const AFTER_MS = 2_500
/** On a busy machine it takes longer until the others know. */
const KNOWN_MS_MAX = 60_000

/** Runs one round and checks it. `seed` chooses the operations. */
export async function huntOnce(
  place: Place, seed: number, size: { clients: number, operations: number }, fault: Fault = 'none'
): Promise<Round> {
  try {
    const history = await place.round({
      seed, ...size, ...fault !== 'none' && { fault: faultOf(place, fault, 'c') }
    })
    return judge(seed, history)
  } catch (error) {
    if (!(error instanceof Stuck)) throw error
    return { seed, operations: 0, again: 0, lost: 0, steps: 0, check_ms: 0, why: error.message }
  }
}

/** Checks a history. */
export function judge(seed: number, history: History): Round {
  const began = performance.now()
  const verdict = check(history)
  const check_ms = performance.now() - began
  const results = history.operations.map(({ result }) => result)
  const count = (fits: (result: History['operations'][0]['result']) => boolean) =>
    results.filter(fits).length
  let why = ''
  if (verdict.kind === 'undecided') why = `no verdict after ${verdict.steps} steps`
  if (verdict.kind === 'rejected') {
    const { sentence, operations } = blame(history, verdict)
    why = `${sentence}\n${draw(operations)}\nthe whole history: ${keep(seed, history)}`
  }
  return {
    seed, operations: results.length, steps: verdict.steps, check_ms, why,
    again: count((result) => result.kind === 'done' && result.again === true),
    lost: count(({ kind }) => kind === 'lost' || kind === 'unknown')
  }
}

function faultOf(place: Place, fault: Fault, victim: string) {
  return async (peers: ReadonlyMap<string, Peer>): Promise<void> => {
    const { process, ...peer } = peers.get(victim)!
    const before = place.partings(victim)
    const known = async () => {
      for (let ms = 0; ms < KNOWN_MS_MAX && place.partings(victim) === before; ms += BEFORE_MS) {
        await sleep(BEFORE_MS)
      }
    }
    await sleep(BEFORE_MS)
    if (fault === 'kill') {
      process.kill('SIGKILL')
      await peer.exit
      await known()
    } else {
      process.kill('SIGSTOP')
      await sleep(FROZEN_MS)
      await known()
      process.kill('SIGCONT')
    }
    await sleep(AFTER_MS)
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** The history as JSON, for a closer look; an end that is not known is missing. */
function keep(seed: number, history: History): string {
  const file = join(tmpdir(), `circuit-history-${seed}-${process.pid}.json`)
  writeFileSync(file, JSON.stringify(history, (_, value) =>
    value === Infinity ? undefined : value as unknown, 1))
  return file
}
