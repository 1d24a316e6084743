/**
 * When to dial a peer.
 *
 * Lives here: which peers are sought, the wait before the next dial, the order to dial. Does not
 * live here: opening sockets (transports), what is said on a link (link), when a peer is left
 * (probe).
 *
 * Invariants: at most one dial to a peer is under way; nobody is dialled who has a link, but one
 * whose link is silent; a session alone is no reason for a link: an edge is, and something to say
 * or awaited; waits double from REDIAL_MIN_MS with jitter.
 */
import { text_ptr } from './bytes'
import { self_is_lower } from './directory'
import {
  EDGE_NONE, PEER_JOINED, PEER_KNOWN, PEER_LOST, Peer, joined_count, no_timer, some,
} from './peer'
import { random_below } from './random'
import { emit } from './ring'
import { now_ms, timer_clear, timer_set } from './timer'
import { watch_in } from './watch'
import {
  MEMBERS_MAX, OUT_DIAL, OUT_DIAL_BYTES, OUT_DIAL_ID_BYTES, OUT_DIAL_PEER, PROBE_INTERVAL_MS,
  REDIAL_MAX_MS, REDIAL_MIN_MS, REFUSED_LEFT_MS, REJOIN_MAX_MS, REJOIN_TRIES_MAX,
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

/** True when something is to be said to the peer of a session, or awaited from it. */
export function pending(peer: Peer): bool {
  return some(peer.first) || peer.away != 0 || peer.requests != 0 || peer.checked
}

/** True when there is a reason for a link to the peer. */
export function link_wanted(peer: Peer): bool {
  if (peer.state == PEER_LOST || peer.parted) return false
  if (peer.edge != EDGE_NONE || pending(peer)) return true
  if (peer.state == PEER_JOINED) return false
  return (peer.sought || peer.wanted) && joined_count < MEMBERS_MAX
}

/** True when a link to the peer is wished for and none is there or on its way. */
function due(peer: Peer): bool {
  return !some(peer.links) && link_wanted(peer)
}

/** The wait after so many failures: doubling, with a jitter of up to a half. */
function wait_ms(peer: Peer): u32 {
  const hurried = peer.state == PEER_JOINED || peer.wanted || peer.edge != EDGE_NONE
  const longest = hurried ? REDIAL_MAX_MS : REJOIN_MAX_MS
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
  if (peer.sought && peer.tries >= REJOIN_TRIES_MAX) {
    peer.sought = false
    if (!due(peer)) return
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

/** A session without a link has something to say, or an edge: its silence counts from now. */
export function link_needed(peer: Peer): void {
  // A link that comes up may never be attached.
  const waits = peer.dialling || some(peer.dial_timer) || some(peer.links)
  if (peer.state == PEER_JOINED && !some(peer.link) && !(waits && some(peer.watch_timer))) {
    peer.heard_ms = now_ms
    if (!some(peer.watch_timer)) watch_in(peer, PROBE_INTERVAL_MS)
  }
  dial_again(peer)
}

/** Dials once, whatever failed before; nothing follows when it fails. */
export function dial_try(peer: Peer): void {
  if (peer.state == PEER_KNOWN && !some(peer.links)) dial_now(peer)
}

/** Discovery speaks of it: it is sought, without forgetting what failed before. */
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
