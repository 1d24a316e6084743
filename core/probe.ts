/**
 * Silence: when a peer is probed, suspected and left.
 *
 * Lives here: ping and pong, the clocks of silence, failed dials as evidence, and doubt in
 * ourselves when we were late. Does not live here: what a left peer means for channels (those
 * above), indirect probes (the overlay).
 *
 * The rules are those of SWIM (Das, Gupta, Motivala, 2002) on direct links: probe, suspect, left;
 * a peer refutes by coming back as a higher incarnation.
 *
 * Invariants: a session with a link, or that wants one, has a watch timer; one ping a peer is out
 * at a time; nobody is left by the silence of a time in which we ourselves did not run.
 */
import { dial_again, dial_missed, dial_now, link_wanted, pending } from './dial'
import { peer_at, peer_settle, peers_first } from './directory'
import { put_u32, write_open } from './frame'
import { link_close, say_link, session_over } from './link'
import {
  EDGE_NONE, LOST_DECLARED, LOST_UNREACHED, Link, PEER_JOINED, PEER_KNOWN, Peer, no_link, no_timer,
  sized, some,
} from './peer'
import { random } from './random'
import { link_flows, watch_in } from './session'
import { elapsed, now_ms, timer_any, timer_first_ms } from './timer'
import {
  DIAL_REASON_REFUSED, ERROR_DECLARED_LEFT, ERROR_GONE, FRAME_PING, FRAME_PONG,
  IN_DIAL_FAILED_BYTES, IN_DIAL_FAILED_PEER, IN_DIAL_FAILED_REASON, LATE_MS, LEFT_MS, LINK_IDLE_MS,
  PROBE_INTERVAL_MS, REFUSED_LEFT_MS, SUSPECT_MS,
} from './tables'

const REFUSED_MIN: u32 = 2

/** Something came from the peer on its attached link. */
// @ts-ignore: decorator
@inline export function heard(peer: Peer): void {
  peer.heard_ms = now_ms
  peer.pinged = false
  peer.suspected = false
}

/** Asks for a sign of life, or gives one. */
export function say_probe(link: Link, kind: u32, token: u32): void {
  write_open(kind)
  put_u32(token)
  put_u32(link.peer.received)
  say_link(link, 0, 0)
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
}

/** Looks at a peer's silence. */
export function watch_due(peer: Peer): void {
  peer.watch_timer = no_timer
  const silent = <u32>max(elapsed(now_ms, peer.heard_ms), 0)
  if (peer.state == PEER_KNOWN && peer.wanted) {
    if (silent >= LEFT_MS) session_over(peer, LOST_UNREACHED, ERROR_DECLARED_LEFT, no_link)
    else watch_in(peer, LEFT_MS - silent)
    return
  }
  if (peer.state != PEER_JOINED || !some(peer.link) && !link_wanted(peer)) return
  if (idle(peer)) return link_close(peer.link, ERROR_GONE)
  if (silent >= LEFT_MS) {
    session_over(peer, LOST_DECLARED, ERROR_DECLARED_LEFT, no_link)
    return
  }
  if (some(peer.link)) question(peer, silent)
  const next = silent < PROBE_INTERVAL_MS ? PROBE_INTERVAL_MS
    : silent < SUSPECT_MS ? SUSPECT_MS : LEFT_MS
  watch_in(peer, next - silent)
}

/** True when the link serves nobody: it is closed, and the session stays. */
function idle(peer: Peer): bool {
  return some(peer.link) && peer.edge == EDGE_NONE && !pending(peer) && peer.parked == 0 &&
    peer.requests_in == 0 && peer.link.out_bytes == 0 &&
    elapsed(now_ms, peer.used_ms) >= <i32>LINK_IDLE_MS
}

/** A link that is silent is asked; one that does not answer may be dead: another is dialled. */
function question(peer: Peer, silent: u32): void {
  if (silent >= SUSPECT_MS && !peer.suspected) {
    peer.suspected = true
    dial_now(peer)
  }
  if (silent >= PROBE_INTERVAL_MS && !peer.pinged) {
    peer.pinged = true
    say_probe(peer.link, FRAME_PING, random())
  }
}

/** A ping: answered with the same token. */
export function answer_probe(link: Link, token: u32): void {
  // Who asks without reading gets no answer that would pile up.
  if (link_flows(link)) say_probe(link, FRAME_PONG, token)
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
  peer.checked = false
  dial_missed(peer)
  if (load<u32>(record + IN_DIAL_FAILED_REASON) == DIAL_REASON_REFUSED) peer.refused++
  else peer.refused = 0
  const gone = peer.state == PEER_JOINED && !some(peer.links) && peer.refused >= REFUSED_MIN &&
    elapsed(now_ms, peer.broken_ms) >= <i32>REFUSED_LEFT_MS
  if (gone) {
    session_over(peer, LOST_DECLARED, ERROR_DECLARED_LEFT, no_link)
    return
  }
  dial_again(peer)
  peer_settle(peer)
}
