/**
 * Edges: which links are kept up, and that others are to be sought.
 *
 * Lives here: the list of edges, beginning and ending one. Does not live here: how many are sought,
 * and who is asked to be one (overlay).
 *
 * Invariant: a peer is on the list exactly while its `edge` is not EDGE_NONE.
 */
import { EDGE_ASKED, EDGE_HELD, EDGE_NONE, Peer } from './peer'
import { Crowd, crowd_add, crowd_new, crowd_remove } from './roster'
import { now_ms } from './timer'

/** Edges, held and asked for. */
export let edges: Crowd = changetype<Crowd>(0)
export let edges_held: u32 = 0
let woken: bool = false

export function edges_open(): void {
  edges = crowd_new(offsetof<Peer>('edge_place'))
}

/** Who is here has changed, or an edge was lost: looked after at the end of this run. */
export function edges_wake(): void {
  woken = true
}

/** True when `edges_wake` was said since the last time. */
export function edges_woken(): bool {
  const was = woken
  woken = false
  return was
}

/** The peer, no edge yet, is asked to be one. */
export function edge_asked(peer: Peer): void {
  peer.edge = EDGE_ASKED
  peer.edge_ms = now_ms
  crowd_add(edges, peer)
}

/** The peer is an edge from now on. False: it was one. */
export function edge_held(peer: Peer): bool {
  if (peer.edge == EDGE_HELD) return false
  if (peer.edge == EDGE_NONE) crowd_add(edges, peer)
  peer.edge = EDGE_HELD
  peer.edge_refused = false
  peer.lazy = false
  edges_held++
  return true
}

/** The peer is no edge any more; another is sought. */
export function edge_over(peer: Peer): void {
  if (peer.edge == EDGE_NONE) return
  if (peer.edge == EDGE_HELD) edges_held--
  peer.edge = EDGE_NONE
  crowd_remove(edges, peer)
  edges_wake()
}
