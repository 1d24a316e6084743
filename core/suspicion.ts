/**
 * Suspicion: when what is said against a member becomes its end.
 *
 * Lives here: who accuses whom, how long a suspicion takes, how far we doubt ourselves. Does not
 * live here: silence and probes (probe), how statements travel (gossip), what becomes of one who
 * left (member).
 *
 * The rules are those of SWIM (Das, Gupta, Motivala, 2002) with the timeouts of Lifeguard (Dadgar,
 * Phillips, Currey, 2017): they grow with the circuit, shrink with each independent accuser, and
 * are longer at a peer that has reason to doubt itself. spec: MEM-20 … MEM-24
 *
 * Invariants: a suspicion is of one version of a member and ends with it; each accuser counts once;
 * it is armed, and then the member suspect, or it is only remembered.
 */
import { alloc, release } from './heap'
import { text_hash, text_ptr } from './bytes'
import { gossip } from './gossip'
import { leaving } from './link'
import { by_is } from './news'
import {
  MEMBER_ALIVE, MEMBER_NONE, MEMBER_SUSPECT, PEER_LOST, Peer, no_peer, no_timer, self_id, some,
} from './peer'
import { crowd_at, members, members_count, self_hash } from './roster'
import { Timer, elapsed, now_ms, timer_clear, timer_set } from './timer'
import {
  ACCUSERS_MAX, DOUBT_MAX, MEMBER_EVENT_SUSPECT, SUSPICION_KEPT_MS, SUSPICION_MAX_MS,
  SUSPICION_MIN_MS,
} from './tables'

export const TIMER_SUSPICION: u32 = 72

/** What two of three accusers take off, in thousandths: log 2 / log 3. */
const SECOND_MILLI: u32 = 631

// @ts-ignore: decorator
@unmanaged
export class Suspicion {
  peer: Peer
  version: u32
  /** Hashes of the accusers' ids. */
  first: u32
  second: u32
  third: u32
  count: u32
  since_ms: u32
  armed: bool
  timer: Timer
}

/** How far we doubt ourselves, 0 … DOUBT_MAX. */
let doubt: u32 = 0

/** Something speaks for it that we are slow, or cut off. */
export function doubt_more(): void {
  doubt = min(doubt + 1, DOUBT_MAX)
}

/** A second has passed without that. */
export function doubt_less(): void {
  if (doubt != 0) doubt--
}

/** A time as it counts for one who doubts itself. */
export function doubted_ms(ms: u32): u32 {
  return ms * (1 + doubt)
}

// @ts-ignore: decorator
@inline export function suspicion_of(peer: Peer): Suspicion {
  return changetype<Suspicion>(peer.suspicion)
}

/**
 * How much longer a suspicion takes than among ten, in thousandths: a refutation has to come back
 * through a circuit of this size. 2 log10 n - 1, by a logarithm that is linear between powers of 2.
 */
function growth_milli(n: u32): u32 {
  const bits = 31 - clz<u32>(n)
  const log2 = (bits << 10) + (n << 10 >> bits) - 1024
  return max(602 * log2 / 1024, 2000) - 1000
}

/** How long a suspicion takes that so many share. */
function lasting_ms(count: u32): u32 {
  const n = members_count + 1
  let ms = SUSPICION_MAX_MS
  // Where three others cannot agree, one alone must not be quick.
  if (n > ACCUSERS_MAX) {
    const range = SUSPICION_MAX_MS - SUSPICION_MIN_MS
    if (count == 2) ms -= range * SECOND_MILLI / 1000
    else if (count >= ACCUSERS_MAX) ms -= range
  }
  return doubted_ms(ms * growth_milli(n) / 1000)
}

function own_hash(): u32 {
  return self_hash()
}

function accuses(suspicion: Suspicion, by: u32): bool {
  const count = suspicion.count
  return count > 0 && suspicion.first == by || count > 1 && suspicion.second == by ||
    count > 2 && suspicion.third == by
}

function accuser_add(suspicion: Suspicion, by: u32): void {
  if (suspicion.count == 0) suspicion.first = by
  else if (suspicion.count == 1) suspicion.second = by
  else suspicion.third = by
  suspicion.count++
}

/** The suspicion of this version of a member; a new one when there is none, or of an older. */
function suspicion_ensure(peer: Peer, version: u32): Suspicion {
  const known = suspicion_of(peer)
  if (some(known)) {
    if (known.version == version) return known
    suspicion_end(peer)
  }
  const suspicion = changetype<Suspicion>(alloc(offsetof<Suspicion>()))
  suspicion.peer = peer
  suspicion.version = version
  suspicion.since_ms = now_ms
  peer.suspicion = changetype<usize>(suspicion)
  return suspicion
}

function timer_is(suspicion: Suspicion, ms: u32): void {
  if (some(suspicion.timer)) timer_clear(suspicion.timer)
  suspicion.timer = timer_set(ms, TIMER_SUSPICION, changetype<usize>(suspicion))
}

/** The clock of a suspicion runs, from when it began. */
function arm(suspicion: Suspicion): void {
  if (!suspicion.armed) suspicion.since_ms = now_ms
  suspicion.armed = true
  suspicion.peer.member = MEMBER_SUSPECT
  const passed = <u32>max(elapsed(now_ms, suspicion.since_ms), 0)
  const full = lasting_ms(suspicion.count)
  timer_is(suspicion, full > passed ? full - passed : 0)
}

/** Nothing is said against the member any more. */
export function suspicion_end(peer: Peer): void {
  const suspicion = suspicion_of(peer)
  if (!some(suspicion)) return
  if (some(suspicion.timer)) timer_clear(suspicion.timer)
  if (peer.member == MEMBER_SUSPECT) peer.member = MEMBER_ALIVE
  peer.suspicion = 0
  release(changetype<usize>(suspicion), offsetof<Suspicion>())
}

/** We hear the member ourselves: what is said against it is only remembered. */
export function suspicion_rest(peer: Peer): void {
  const suspicion = suspicion_of(peer)
  if (!some(suspicion) || !suspicion.armed) return
  suspicion.armed = false
  peer.member = MEMBER_ALIVE
  timer_is(suspicion, SUSPICION_KEPT_MS)
}

/** This peer has not heard from a member in time: it says so, once for each version. */
export function accuse(peer: Peer): void {
  if (peer.member == MEMBER_NONE || peer.state == PEER_LOST || leaving) return
  const version = some(suspicion_of(peer)) ? max(suspicion_of(peer).version, peer.version)
    : peer.version
  const suspicion = suspicion_ensure(peer, version)
  const heard = accuses(suspicion, own_hash()) || suspicion.count == ACCUSERS_MAX
  if (!heard) accuser_add(suspicion, own_hash())
  if (!suspicion.armed || !heard) arm(suspicion)
  if (heard) return
  by_is(text_ptr(self_id), self_id.bytes)
  gossip(no_peer, peer, MEMBER_EVENT_SUSPECT, version, 1)
}

/**
 * Another accuses a member, in a version that is not older than what we know. True: that is news.
 * `silent`: we do not hear the member ourselves.
 */
export function accused(peer: Peer, version: u32, by: usize, by_bytes: u32, silent: bool): bool {
  const known = suspicion_of(peer)
  if (some(known) && known.version > version) return false
  const suspicion = suspicion_ensure(peer, version)
  const hash = text_hash(by, by_bytes)
  if (accuses(suspicion, hash) || suspicion.count == ACCUSERS_MAX) return false
  accuser_add(suspicion, hash)
  if (silent) arm(suspicion)
  else if (!some(suspicion.timer)) timer_is(suspicion, SUSPICION_KEPT_MS)
  return true
}

/** The time of a suspicion is over: gives the member who has left, null if it only remembered. */
export function suspicion_lasted(suspicion: Suspicion): Peer {
  const peer = suspicion.peer
  suspicion.timer = no_timer
  if (suspicion.armed) return peer
  suspicion_end(peer)
  return no_peer
}

/** We did not run for a while: what was said meanwhile may still wait, so all clocks begin anew. */
export function suspicions_afresh(): void {
  for (let place: u32 = 1; place <= members.count; place++) {
    const suspicion = suspicion_of(crowd_at(members, place))
    if (!some(suspicion) || !suspicion.armed) continue
    suspicion.armed = false
    arm(suspicion)
  }
}
