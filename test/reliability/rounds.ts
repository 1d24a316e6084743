/**
 * Real peers die, sleep and wake, again and again.
 *
 * Lives here: the rounds and their figures. Does not live here: the processes (fleet.ts).
 */
import { setTimeout as pass } from 'node:timers/promises'
import { Fleet, now_ms, type Peer } from './fleet.ts'

/** Seconds of each round; Infinity where it did not happen in time. */
export interface Rounds { killed: number[], stopped: number[], continued: number[] }

export interface RoundsOptions {
  peers: number
  rounds: number
  /** The peers link over Unix sockets, and not over libp2p. */
  unix: boolean
  /** Called after each round. */
  watch?: (line: string) => void
}

const WAIT_MS = 60_000
/** For starting, which is not measured: eight processes at a load of 30 took over a minute. */
const START_MS = 180_000
/** From full lists to links between all, which the lists do not show. */
const LINKED_MS = 3_000
const PAUSE_MIN_MS = 300
const PAUSE_SPAN_MS = 700
/** A third of a turn, so that rounds meet the peers' clocks everywhere. */
const STEP = 0.381966

/** Starts the peers, runs the rounds, ends all. */
export async function rounds(options: RoundsOptions): Promise<Rounds> {
  const fleet = new Fleet(options.unix)
  const found: Rounds = { killed: [], stopped: [], continued: [] }
  try {
    for (let one = 0; one < options.peers; one++) {
      const peer = fleet.start(`peer-${one}`)
      if (one === 0) await fleet.until(() => peer.id !== '', START_MS)
    }
    await settled(fleet)
    await pass(LINKED_MS)
    for (let round = 0; round < options.rounds; round++) {
      await pass(PAUSE_MIN_MS + round * STEP % 1 * PAUSE_SPAN_MS)
      await killed(fleet, fleet.peers[round % options.peers]!, found)
      await pass(PAUSE_MIN_MS + (round + 0.5) * STEP % 1 * PAUSE_SPAN_MS)
      await stopped(fleet, fleet.peers[(round + 3) % options.peers]!, found)
      options.watch?.(`      … round ${round + 1}: ${shown(found)}`)
    }
  } finally {
    await fleet.end()
  }
  return found
}

const shown = (found: Rounds): string => Object.entries(found)
  .map(([name, values]) => `${name} ${(values as number[]).at(-1)!.toFixed(2)} s`).join(', ')

async function settled(fleet: Fleet): Promise<void> {
  if (await fleet.until(() => fleet.full(), START_MS)) return
  const lists = fleet.peers.map(({ name, listed }) => `${name} lists ${listed.size}`)
  throw new Error(`the peers did not all meet: ${lists.join(', ')}`)
}

/** Seconds from `since_ms` until the last of the others says that the peer has left. */
async function left(fleet: Fleet, peer: Peer, since_ms: number): Promise<number> {
  const others = fleet.others(peer)
  const heard = (other: Peer): number => other.left.get(peer.id) ?? -Infinity
  const all = await fleet.until(() => others.every((one) => heard(one) >= since_ms), WAIT_MS)
  return all ? (Math.max(...others.map(heard)) - since_ms) / 1000 : Infinity
}

async function killed(fleet: Fleet, peer: Peer, found: Rounds): Promise<void> {
  const since_ms = now_ms()
  peer.child.kill('SIGKILL')
  found.killed.push(await left(fleet, peer, since_ms))
  await fleet.kill(peer)
  fleet.start(peer.name)
  await settled(fleet)
}

async function stopped(fleet: Fleet, peer: Peer, found: Rounds): Promise<void> {
  const since_ms = now_ms()
  peer.child.kill('SIGSTOP')
  found.stopped.push(await left(fleet, peer, since_ms))
  await pass(PAUSE_MIN_MS)
  const again_ms = now_ms()
  peer.child.kill('SIGCONT')
  const others = fleet.others(peer)
  const back = (other: Peer): number => other.listed.get(peer.id)?.at_ms ?? -Infinity
  const all = await fleet.until(
    () => others.every((one) => back(one) >= again_ms) && fleet.full(), WAIT_MS)
  const last_ms = Math.max(...others.map(back),
    ...[...peer.listed.values()].map(({ at_ms }) => at_ms))
  found.continued.push(all ? (last_ms - again_ms) / 1000 : Infinity)
  if (!all) await settled(fleet)
}
