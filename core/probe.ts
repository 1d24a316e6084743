/**
 * Silence: when a peer is probed and accused.
 *
 * Lives here: ping and pong, whose turn it is, the clocks of silence, failed dials as evidence,
 * links that nobody needs, and doubt in ourselves when we were late. Does not live here: probes
 * through others (vouch), what an accusation leads to (suspicion), what a left peer means for
 * channels (those above).
 *
 * Invariants: a session with a link, or that wants one, has a watch timer; nobody is accused for
 * the silence of a time in which we ourselves did not run.
 */
import { dial_again, dial_missed, dial_now, link_wanted, pending } from './dial'
import { peer_at, peer_settle, peers_first, self_is_lower } from './directory'
import { edge_over, edges } from './edge'
import { link_close, say_ping, say_probe, session_over } from './link'
import {
  EDGE_NONE, LINK_ATTACHED, LOST_DECLARED, LOST_UNREACHED, Link, MEMBER_NONE, PEER_JOINED,
  PEER_KNOWN, Peer, link_by_id, no_link, no_timer, sized, some,
} from './peer'
import { link_flows } from './session'
import { accuse, doubt_more, doubted_ms, suspicion_rest, suspicions_afresh } from './suspicion'
import { elapsed, now_ms, timer_any, timer_clear, timer_first_ms } from './timer'
import { probers_ask, vouch } from './vouch'
import { watch_in } from './watch'
import {
  DIAL_REASON_NO_ADDRESS, DIAL_REASON_REFUSED, ERROR_DECLARED_LEFT, ERROR_GONE, ERROR_SILENT,
  FRAME_PONG, IN_DIAL_FAILED_BYTES, IN_DIAL_FAILED_PEER, IN_DIAL_FAILED_REASON, IN_HEARD_BYTES,
  IN_HEARD_LINK, LATE_MS, LEFT_MS, LINK_IDLE_MS, PROBES_SPREAD, PROBE_AGAIN_MS, PROBE_INTERVAL_MS,
  PROBE_TURN_MS, REFUSED_LEFT_MS, SUSPECT_MS, UNREACHED_MS, VOUCHED_MS,
} from './tables'

const REFUSED_MIN: u32 = 2

/** Something came from the peer on its attached link. */
// @ts-ignore: decorator
@inline export function heard(peer: Peer): void {
  peer.heard_ms = now_ms
  peer.pinged = false
  peer.helped = false
  peer.suspected = false
  if (peer.suspicion != 0) suspicion_rest(peer)
  if (peer.awaited) vouch(peer)
}

/** `heard`: a part of a frame came in. A large frame on a slow link is no silence. */
export function heard_in(record: usize): void {
  if (!sized(record, IN_HEARD_BYTES, 0)) return
  const link = link_by_id(load<u32>(record + IN_HEARD_LINK))
  if (some(link) && link.state == LINK_ATTACHED) heard(link.peer)
}

/** A ping: answered with the same token. `crossed`: our own was on its way. */
export function answer_probe(link: Link, token: u32, crossed: bool): void {
  const peer = link.peer
  // Both have asked: then the higher id counts as the last.
  peer.asked = crossed && !self_is_lower(peer)
  watch_anew(peer)
  // Nobody needs the link any more; or who asks does not read, and answers would pile up.
  if (peer.link == link && link_flows(link)) say_probe(link, FRAME_PONG, token)
}

/** The answer to a ping: how long it took is remembered, and forgotten slowly. */
export function probe_answered(peer: Peer, token: u32): void {
  const took = elapsed(now_ms, token)
  if (elapsed(token, peer.pinged_ms) >= 0 && took >= 0 && took <= <i32>LEFT_MS) {
    peer.rtt_ms = max(<u32>took, peer.rtt_ms - peer.rtt_ms / 8)
  }
  watch_anew(peer)
}

/**
 * Begins a turn, once the clock is set and before anything else: a host that calls late has slept,
 * and what it did not hear meanwhile says nothing about others.
 */
export function turn_begin(): void {
  if (!timer_any() || elapsed(now_ms, timer_first_ms()) <= <i32>LATE_MS) return
  for (let peer = peers_first; some(peer); peer = peer.next) {
    peer.heard_ms = now_ms
    peer.broken_ms = now_ms
    peer.refused = 0
  }
  doubt_more()
  suspicions_afresh()
}

/** It was heard just now: nothing needs to be looked at until it has been silent again. */
function watch_anew(peer: Peer): void {
  if (some(peer.watch_timer)) timer_clear(peer.watch_timer)
  watch_due(peer)
}

/**
 * After how much silence a link is probed. It grows with the square of the edges: so what a peer
 * says for all its edges shrinks, and the third of those who look after it still notices soon.
 */
function interval_ms(): u32 {
  const count = max(edges.count, PROBES_SPREAD)
  return PROBE_INTERVAL_MS * count * count / (PROBES_SPREAD * PROBES_SPREAD)
}

/** True when the peer itself was heard so lately that what others say against it may be wrong. */
export function hears(peer: Peer): bool {
  return some(peer.link) && elapsed(now_ms, peer.heard_ms) < <i32>(2 * interval_ms())
}

/** Looks at a peer's silence. */
export function watch_due(peer: Peer): void {
  peer.watch_timer = no_timer
  const silent = <u32>max(elapsed(now_ms, peer.heard_ms), 0)
  if (peer.state == PEER_KNOWN && peer.wanted) {
    if (silent < LEFT_MS) return watch_in(peer, LEFT_MS - silent)
    unreached(peer)
    session_over(peer, LOST_UNREACHED, ERROR_DECLARED_LEFT, no_link)
    return
  }
  if (peer.state != PEER_JOINED || !some(peer.link) && !link_wanted(peer)) return
  if (idle(peer)) {
    peer.idled = true
    return link_close(peer.link, ERROR_GONE)
  }
  // One that has not said who it is cannot be accused.
  if (silent >= (peer.member == MEMBER_NONE ? LEFT_MS : UNREACHED_MS)) return give_up(peer)
  const interval = interval_ms()
  // Both sides were heard at about the same time, and one of them that asks is enough: in turns.
  let turn = interval
  if (peer.asked && !peer.pinged) turn += PROBE_TURN_MS / max(edges.count, 1)
  if (silent >= turn) question(peer, silent, interval)
  if (some(peer.watch_timer) || peer.state != PEER_JOINED) return
  if (silent < turn) watch_in(peer, turn - silent)
  else watch_in(peer, some(peer.link) || !peer.suspected ? PROBE_AGAIN_MS : PROBE_INTERVAL_MS)
}

/** True when the link serves nobody: it is closed, and the session stays. */
function idle(peer: Peer): bool {
  return some(peer.link) && peer.edge == EDGE_NONE && !pending(peer) && peer.parked == 0 &&
    peer.requests_in == 0 && peer.link.out_bytes == 0 &&
    elapsed(now_ms, peer.used_ms) >= <i32>LINK_IDLE_MS
}

/** A peer that others see and we cannot reach: what waits for it has waited long enough. */
function give_up(peer: Peer): void {
  if (peer.member == MEMBER_NONE || pending(peer)) {
    session_over(peer, LOST_DECLARED, ERROR_DECLARED_LEFT, no_link)
    return
  }
  edge_over(peer)
  if (some(peer.link)) link_close(peer.link, ERROR_SILENT)
}

/**
 * A link that is silent is probed, over and over; then others are asked; then the peer is accused,
 * and another link is dialled, since this one may be dead. spec: MEM-20
 */
function question(peer: Peer, silent: u32, interval: u32): void {
  if (some(peer.link) && link_flows(peer.link)) say_ping(peer)
  const patience = doubted_ms(max(SUSPECT_MS - PROBE_INTERVAL_MS, 3 * peer.rtt_ms))
  const seen = peer.vouched ? min(silent, <u32>max(elapsed(now_ms, peer.vouched_ms), 0)) : silent
  if (seen >= interval + patience / 2 && !peer.helped) {
    peer.helped = true
    probers_ask(peer)
  }
  if (seen < interval + patience) return
  if (!peer.suspected) {
    peer.suspected = true
    dial_now(peer)
  }
  accuse(peer)
}

/** A member that the circuit sees could not be dialled: it is accused, but not over and over. */
function unreached(peer: Peer): void {
  if (peer.vouched && elapsed(now_ms, peer.vouched_ms) < <i32>VOUCHED_MS) return
  accuse(peer)
}

/** Those above wait for a peer without a session: it is lost when LEFT_MS bring no link. */
export function await_peer(peer: Peer): void {
  if (peer.wanted) return
  peer.wanted = true
  if (peer.state != PEER_KNOWN) return
  peer.heard_ms = now_ms
  watch_in(peer, LEFT_MS)
}

/** `dial_failed`: a refusal is evidence that nobody runs there; other reasons are not. */
export function dial_failed_in(record: usize): void {
  if (!sized(record, IN_DIAL_FAILED_BYTES, 0)) return
  const peer = peer_at(load<u32>(record + IN_DIAL_FAILED_PEER))
  if (!some(peer) || !peer.dialling) return
  peer.dialling = false
  dial_missed(peer)
  const reason = load<u32>(record + IN_DIAL_FAILED_REASON)
  if (reason == DIAL_REASON_REFUSED) peer.refused++
  else peer.refused = 0
  const linked = some(peer.links)
  const gone = peer.state == PEER_JOINED && !linked && !peer.idled &&
    peer.refused >= REFUSED_MIN && elapsed(now_ms, peer.broken_ms) >= <i32>REFUSED_LEFT_MS
  if (gone) {
    session_over(peer, LOST_DECLARED, ERROR_DECLARED_LEFT, no_link)
    return
  }
  // Many live where nobody can dial them; but one who has an address must answer for it. A session
  // that lost its link is watched anyway.
  const asked = peer.checked || peer.state == PEER_KNOWN && peer.tries >= REFUSED_MIN
  if (!linked && asked && link_wanted(peer) && reason != DIAL_REASON_NO_ADDRESS) unreached(peer)
  peer.checked = false
  dial_again(peer)
  peer_settle(peer)
}
