/**
 * Spreading statements about members over edges.
 *
 * Lives here: which edges are told. Does not live here: the frame that tells them (news), what a
 * statement changes here (statement), which peers are edges (overlay).
 *
 * Invariant: a statement is passed on only when it was news here, so it passes each peer once; over
 * edges that are lazy only its mark goes (tree).
 */
import { edges } from './edge'
import { say_alive, say_left, say_self, say_suspect } from './news'
import { EDGE_HELD, Peer } from './peer'
import { crowd_at } from './roster'
import { MEMBER_EVENT_ALIVE, MEMBER_EVENT_SUSPECT } from './tables'
import { lazy_news } from './tree'

/** Passes news on over all edges but the one that brought it (null: our own news). spec: MEM-14 */
export function gossip(from: Peer, about: Peer, event: u32, version: u32, hops: u32): void {
  let lazy = false
  for (let place: u32 = 1; place <= edges.count; place++) {
    const to = crowd_at(edges, place)
    if (to == from || to.edge != EDGE_HELD) continue
    if (to.lazy && (to != about || event != MEMBER_EVENT_SUSPECT)) {
      lazy = true
      continue
    }
    if (event == MEMBER_EVENT_SUSPECT) say_suspect(to, about, version, hops)
    else if (to == about) continue
    else if (event == MEMBER_EVENT_ALIVE) say_alive(to, about, hops)
    else say_left(to, about, hops)
  }
  if (lazy) lazy_news(about)
}

/** Something about us is new: all edges are told, lazy ones as well. */
export function gossip_self(): void {
  for (let place: u32 = 1; place <= edges.count; place++) {
    const to = crowd_at(edges, place)
    if (to.edge == EDGE_HELD) say_self(to, 1)
  }
}
