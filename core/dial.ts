/**
 * When to dial a peer.
 *
 * Lives here: which peers are sought, the wait before the next dial, the order to dial. Does not
 * live here: opening sockets (transports), what is said on a link (link), when a peer is left
 * (probe).
 *
 * Invariants: at most one dial to a peer is under way; nobody is dialled who has a link, but one
 * whose link is silent; waits double from REDIAL_MIN_MS with jitter.
 */
import { text_ptr } from './bytes'
import { PEER_JOINED, PEER_LOST, Peer, joined_count, no_timer, self_is_lower, some } from './peer'
import { random_below } from './random'
import { emit } from './ring'
import { timer_clear, timer_set } from './timer'
import {
  OUT_DIAL, OUT_DIAL_BYTES, OUT_DIAL_ID_BYTES, OUT_DIAL_PEER, PEERS_MAX, REDIAL_MAX_MS,
  REDIAL_MIN_MS, REFUSED_LEFT_MS, REJOIN_MAX_MS, REJOIN_TRIES_MAX,
} from './tables'

export const TIMER_DIAL: u32 = 65

/** So many failures count on when a peer that was given up is sought again. */
const SEEK_TRIES: u32 = 5

let stopped: bool = false

/** Nobody is dialled any more: this peer has left. */
export function dials_stop(): void {
  stopped = true
}

/** Dials now, unless a dial is under way. */
export function dial_now(peer: Peer): void {
  if (stopped || peer.dialling) return
  if (some(peer.dial_timer)) timer_clear(peer.dial_timer)
  peer.dial_timer = no_timer
  peer.dialling = true
  const bytes = peer.id.bytes
  const at = emit(OUT_DIAL, OUT_DIAL_BYTES + bytes)
  store<u32>(at + OUT_DIAL_PEER, peer.index)
  store<u32>(at + OUT_DIAL_ID_BYTES, bytes)
  memory.copy(at + OUT_DIAL_BYTES, text_ptr(peer.id), bytes)
}

/** True when a link to the peer is wished for and none is there or on its way. */
function due(peer: Peer): bool {
  if (peer.state == PEER_LOST || peer.parted || some(peer.links)) return false
  if (peer.state == PEER_JOINED) return true
  return (peer.sought || peer.wanted) && joined_count < PEERS_MAX
}

/** The wait after so many failures: doubling, with a jitter of up to a half. */
function wait_ms(peer: Peer): u32 {
  const longest = peer.state == PEER_JOINED || peer.wanted ? REDIAL_MAX_MS : REJOIN_MAX_MS
  let full = min(REDIAL_MIN_MS << min<u32>(peer.tries, 10), longest)
  // An address that refuses is asked often, until it is time to say that the peer has left.
  if (peer.state == PEER_JOINED && peer.refused != 0) full = min(full, REFUSED_LEFT_MS / 2)
  return full - random_below(full / 2 + 1)
}

function dial_in(peer: Peer, ms: u32): void {
  if (stopped || peer.dialling || some(peer.dial_timer)) return
  peer.dial_timer = timer_set(ms, TIMER_DIAL, changetype<usize>(peer))
}

/** Dials when it is time: after a failed dial, or when the last link ended. */
export function dial_again(peer: Peer): void {
  if (!due(peer)) return
  if (peer.state != PEER_JOINED && !peer.wanted && peer.tries >= REJOIN_TRIES_MAX) {
    peer.sought = false
    return
  }
  if (peer.tries == 0) dial_soon(peer)
  else dial_in(peer, wait_ms(peer))
}

/**
 * The first dial. Both sides often have the same reason at the same time: the lower id dials at
 * once, the higher a little later, so that they seldom cross.
 */
export function dial_soon(peer: Peer): void {
  if (!due(peer)) return
  if (self_is_lower(peer)) dial_now(peer)
  else dial_in(peer, REDIAL_MIN_MS + random_below(REDIAL_MIN_MS))
}

/** Discovery or another peer speaks of it: it is sought, without forgetting what failed before. */
export function dial_seek(peer: Peer): void {
  if (!peer.sought) peer.tries = min(peer.tries, SEEK_TRIES)
  peer.sought = true
  dial_again(peer)
}

/** Dials at once if there is no link: somebody waits for it. */
export function dial_urgent(peer: Peer): void {
  if (due(peer)) dial_now(peer)
}

/** The wait is over. */
export function dial_due(peer: Peer): void {
  peer.dial_timer = no_timer
  if (due(peer)) dial_now(peer)
}

/** A dial failed, or its link ended before it was attached. */
export function dial_missed(peer: Peer): void {
  peer.tries = min(peer.tries + 1, REJOIN_TRIES_MAX)
}

/** A link is attached: no dial is due. */
export function dial_off(peer: Peer): void {
  if (some(peer.dial_timer)) timer_clear(peer.dial_timer)
  peer.dial_timer = no_timer
  peer.refused = 0
}
