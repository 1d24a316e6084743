/**
 * The overlay: the few links that a peer keeps up, over which membership is spread.
 *
 * Lives here: how many edges there are, asking for one, accepting and refusing, replacing what is
 * lost; looking after all of that once a second. Does not live here: the list of edges (edge), what
 * goes over them (gossip, sync), when a link is dialled (dial), silence (probe).
 *
 * After HyParView (Leitão, Pereira, Rodrigues, 2007): the edges are its active view. Its passive
 * view is the member list, which everybody has, so nothing is shuffled.
 *
 * Invariants: an edge is held by both sides or on its way to be; a small circuit is a full mesh;
 * nobody is asked again before EDGE_PAUSE_MS; at most one member that left is dialled a second.
 */
import { dial_soon, dial_try, link_needed, link_wanted } from './dial'
import {
  edge_asked, edge_held, edge_over, edges, edges_held, edges_wake, edges_woken,
} from './edge'
import { put_u32, write_open } from './frame'
import { digest_say, sync_soon } from './sync'
import { leaving, say_link } from './link'
import {
  EDGE_ASKED, EDGE_HELD, EDGE_NONE, Link, PEER_JOINED, PEER_LOST, Peer, no_timer, some,
} from './peer'
import { random_below } from './random'
import {
  crowd_any, crowd_at, departed, departed_remove, members, members_count,
} from './roster'
import { doubt_less } from './suspicion'
import { Timer, elapsed, now_ms, timer_clear, timer_set } from './timer'
import {
  CHECK_MS, EDGES_SLACK, EDGE_ASK_MS, EDGE_MEND_MS, EDGE_PAUSE_MS, EDGE_WISH_ACCEPT, EDGE_WISH_ASK,
  EDGE_WISH_OFF, EDGE_WISH_URGENT, FRAME_EDGE, REJOIN_MAX_MS, REJOIN_MIN_MS, REJOIN_TRIES_MAX,
  SYNC_MS, TEND_LATE_MS, TEND_MS,
} from './tables'

export const TIMER_TEND: u32 = 70

/** A peer that failed so often is asked so many times more seldom. */
const PAUSES_MAX: u32 = 6
/** So many dials to those who left go by before the next doubling of the wait. */
const REJOINS_PER_WAIT: u32 = 4
/** Members drawn for each edge that is lacking before it is left to the next second. */
const DRAWS_PER_EDGE: u32 = 8

let tend_timer: Timer = no_timer
/** When it is time for what is done once a second; its timer waits longer. */
let tend_ms: u32 = 0
let synced_ms: u32 = 0
let checked_ms: u32 = 0
let rejoined_ms: u32 = 0
let rejoins: u32 = 0
let rejoin_wait_ms: u32 = REJOIN_MIN_MS

/** How many edges a peer seeks: enough to hold together when a third of all die at once. */
function goal(): u32 {
  // One more than the members, this peer; its logarithm rounded up, and two.
  const full = 34 - clz<u32>(members_count)
  return min(full, members_count)
}

function goal_full(): u32 {
  return 34 - clz<u32>(members_count)
}

/** Somebody came, or left and may come back: those who left are dialled often again. */
export function rejoin_afresh(): void {
  rejoins = 0
  rejoin_wait_ms = REJOIN_MIN_MS
  rejoined_ms = now_ms
  edges_wake()
}

/**
 * The end of a run. Something woke this peer: what is to be done once a second is done now if it is
 * time, and needs no wake of its own.
 */
export function overlay_turn(): void {
  if (some(tend_timer) && elapsed(now_ms, tend_ms) >= 0) {
    timer_clear(tend_timer)
    tend_due()
  }
  if (!edges_woken()) return
  if (leaving || members_count == 0 && departed.count == 0) return
  seek()
  if (some(tend_timer)) return
  synced_ms = now_ms
  checked_ms = now_ms
  tend_in(TEND_MS / 2 + random_below(TEND_MS))
}

/** Looks after all in `ms`, or somewhat later when edges will wake this peer by then. */
function tend_in(ms: u32): void {
  tend_ms = now_ms + ms
  tend_timer = timer_set(edges.count == 0 ? ms : ms + TEND_LATE_MS, TIMER_TEND, 0)
}

/** This peer has left. */
export function overlay_stop(): void {
  if (some(tend_timer)) timer_clear(tend_timer)
  tend_timer = no_timer
}

// Edges

function say_edge(link: Link, wish: u32): void {
  write_open(FRAME_EDGE)
  put_u32(wish)
  say_link(link, 0, 0)
}

function say_ask(peer: Peer): void {
  say_edge(peer.link, edges_held == 0 ? EDGE_WISH_URGENT : EDGE_WISH_ASK)
}

/** True when the peer may be asked: it has not refused, or failed, just now. */
function may_ask(peer: Peer): bool {
  if (peer.edge != EDGE_NONE || peer.state == PEER_LOST) return false
  const pause = EDGE_PAUSE_MS * min(peer.tries + 1, PAUSES_MAX)
  return !peer.edge_refused || elapsed(now_ms, peer.edge_ms) >= <i32>pause
}

function ask(peer: Peer): void {
  edge_asked(peer)
  if (some(peer.link)) say_ask(peer)
  else if (peer.state == PEER_JOINED) link_needed(peer)
  else dial_soon(peer)
}

/** It is no edge, and is not asked again soon. */
function edge_refused(peer: Peer): void {
  edge_over(peer)
  peer.edge_refused = true
  peer.edge_ms = now_ms
}

/** A link was attached: the edge that was wished for, or held, is asked for on it. */
export function edge_attached(peer: Peer): void {
  if (peer.edge != EDGE_NONE) say_ask(peer)
}

/** Lets go of one edge in a polite way; not of `but`. */
function shed(but: Peer): void {
  const first = random_below(edges.count)
  for (let i: u32 = 0; i < edges.count; i++) {
    const peer = crowd_at(edges, (first + i) % edges.count + 1)
    if (peer == but || peer.edge != EDGE_HELD) continue
    if (some(peer.link)) say_edge(peer.link, EDGE_WISH_OFF)
    edge_refused(peer)
    return
  }
}

/** The frame `edge`. False: it broke the rules. */
export function edge_in(peer: Peer, wish: u32): bool {
  if (wish > EDGE_WISH_ACCEPT) return false
  if (wish == EDGE_WISH_OFF) {
    if (peer.edge != EDGE_NONE) edge_refused(peer)
  } else if (wish == EDGE_WISH_ACCEPT) {
    if (peer.edge == EDGE_NONE) say_edge(peer.link, EDGE_WISH_OFF)
    else if (edge_held(peer)) sync_soon(peer)
  } else asked(peer, wish == EDGE_WISH_URGENT)
  return true
}

function asked(peer: Peer, urgent: bool): void {
  const most = goal_full() + EDGES_SLACK
  if (leaving || peer.edge == EDGE_NONE && edges_held >= most && !urgent) {
    say_edge(peer.link, EDGE_WISH_OFF)
    return
  }
  if (edge_held(peer)) sync_soon(peer)
  say_edge(peer.link, EDGE_WISH_ACCEPT)
  if (edges_held > most) shed(peer)
}

// Seeking

/** Asks as many members as edges are lacking. */
function seek(): void {
  if (leaving || edges.count >= goal()) return
  if (members_count <= goal_full()) {
    for (let place: u32 = 1; place <= members.count; place++) {
      const peer = crowd_at(members, place)
      if (may_ask(peer)) ask(peer)
    }
    return
  }
  let draws = (goal() - edges.count) * DRAWS_PER_EDGE
  for (; draws != 0 && edges.count < goal(); draws--) {
    const peer = crowd_any(members)
    if (may_ask(peer)) ask(peer)
  }
}

/** True when the edge has had no link for long, or one on which nothing is heard. */
function lost(peer: Peer): bool {
  if (some(peer.link) && !peer.suspected) return false
  const since = some(peer.link) ? peer.heard_ms : peer.broken_ms
  return elapsed(now_ms, since) >= <i32>EDGE_MEND_MS
}

/** Edges that were asked in vain, or have no link for long. */
function mend(): void {
  for (let place = edges.count; place != 0; place--) {
    const peer = crowd_at(edges, place)
    if (peer.edge == EDGE_ASKED) {
      if (elapsed(now_ms, peer.edge_ms) >= <i32>EDGE_ASK_MS) edge_refused(peer)
    } else if (members_count > goal_full() && lost(peer)) edge_refused(peer)
  }
  if (edges_held > goal_full() + EDGES_SLACK) shed(changetype<Peer>(0))
}

/** Dials one of those who left without a goodbye. */
function rejoin(): void {
  if (departed.count == 0 || elapsed(now_ms, rejoined_ms) < <i32>rejoin_wait_ms) return
  const peer = crowd_any(departed)
  if (peer.tries >= REJOIN_TRIES_MAX) departed_remove(peer)
  else dial_try(peer)
  rejoined_ms = now_ms
  const full = min(REJOIN_MIN_MS << min<u32>(++rejoins / REJOINS_PER_WAIT, 8), REJOIN_MAX_MS)
  rejoin_wait_ms = full - random_below(full / 2)
}

/** Links with a member that is nobody's business of ours, to see whether it is still here. */
function check(): void {
  if (elapsed(now_ms, checked_ms) < <i32>CHECK_MS || members_count <= goal_full()) return
  checked_ms = now_ms
  const peer = crowd_any(members)
  if (peer.state == PEER_LOST || some(peer.links) || link_wanted(peer)) return
  peer.checked = true
  if (peer.state == PEER_JOINED) link_needed(peer)
  else dial_soon(peer)
}

/** Compares the list with one edge. */
function sync(): void {
  if (edges.count == 0 || elapsed(now_ms, synced_ms) < <i32>SYNC_MS) return
  synced_ms = now_ms
  const peer = crowd_any(edges)
  if (peer.edge == EDGE_HELD) digest_say(peer)
}

/** Once a second. */
export function tend_due(): void {
  tend_timer = no_timer
  if (leaving || members_count == 0 && departed.count == 0) return
  doubt_less()
  mend()
  seek()
  rejoin()
  check()
  sync()
  tend_in(TEND_MS - random_below(TEND_MS / 8))
}
