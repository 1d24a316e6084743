/**
 * Links and sessions, their beginnings and ends.
 *
 * Lives here: link_up, link_down and link_ready, what is said on a link outside the session, ending
 * links, ending sessions, coming back as a new incarnation. Does not live here: judging a hello and
 * attaching (hello), numbers (session), when to dial (dial), dispatch of frames (member).
 *
 * Invariants: nothing is said to a peer before its chain is valid, but our own hello when we
 * dialled; a peer whose session ended is in the line of `next_lost` once, and no link of it is
 * attached until `lost_done`.
 */
import { readable } from './bytes'
import { dial_again, dial_missed } from './dial'
import { id_is_self, peer_ensure, peer_settle, peers_first } from './directory'
import { edge_over } from './edge'
import { put_u32, write_open, written_bytes, written_ptr } from './frame'
import {
  LINK_ANSWERED, LINK_ATTACHED, LINK_WAIT, LOST_DECLARED, LOST_HEARD, LOST_RENEWED,
  LOST_RETURNED, Link, PEER_JOINED, PEER_LOST, Peer, frame_out, link_by_id, link_free, link_new,
  links_count, no_link, no_peer, no_timer, self_chain, self_chain_bytes, self_id,
  self_incarnation, self_renewed, sized, some,
} from './peer'
import { session_dirty } from './post'
import { emit } from './ring'
import { session_end } from './session'
import { elapsed, now_ms, timer_set } from './timer'
import { watch_off } from './watch'
import {
  ERROR_BAD_FRAME, ERROR_DUPLICATE_LINK, ERROR_GONE, ERROR_OVER_LIMIT, ERROR_SILENT, FRAME_HELLO,
  FRAME_PING, FRAME_REFUSE, HELLO_TIMEOUT_MS, IN_LINK_DOWN_BYTES, IN_LINK_DOWN_LINK,
  IN_LINK_READY_BYTES, IN_LINK_READY_LINK, IN_LINK_READY_TAKEN_BYTES, IN_LINK_UP_BYTES,
  IN_LINK_UP_ID_BYTES, IN_LINK_UP_LINK, IN_LINK_UP_OUTGOING, LINKS_MAX, OUT_RENEW, OUT_RENEW_BYTES,
  OUT_RENEW_INCARNATION, OUT_RENEW_PEER, OUT_UNLINK, OUT_UNLINK_BYTES, OUT_UNLINK_CODE,
  OUT_UNLINK_LINK, PEER_ID_BYTES_MAX, REDIAL_MAX_MS, WIRE_VERSION,
} from './tables'

export const TIMER_HELLO: u32 = 66
export const TIMER_EXPIRY: u32 = 68

/** This peer says goodbye: no session begins any more. */
export let leaving: bool = false
let closed: bool = false
let lost_first: Peer = no_peer
let lost_last: Peer = no_peer
let joined_first: Peer = no_peer
let joined_last: Peer = no_peer

/** From here on only those links are taken that carry goodbyes. */
export function links_narrow(): void {
  leaving = true
}

/** Every later link is closed at once: this peer has left. */
export function links_stop(): void {
  closed = true
  for (let peer = peers_first; some(peer);) {
    const next = peer.next
    while (some(peer.links)) {
      const last = !some(peer.links.next)
      link_close(peer.links, ERROR_GONE)
      if (last) break
    }
    peer = next
  }
}

// Saying

export function say_link(link: Link, payload: u32, payload_bytes: u32): void {
  frame_out(link, payload, payload_bytes, written_ptr(), written_bytes(), 0, 0)
}

export function say_hello(link: Link, flags: u32): void {
  const peer = link.peer
  const joined = peer.state == PEER_JOINED
  write_open(FRAME_HELLO)
  put_u32(WIRE_VERSION)
  put_u32(self_incarnation)
  put_u32(link.their_incarnation != 0 ? link.their_incarnation : joined ? peer.incarnation : 0)
  put_u32(joined ? peer.received : 0)
  put_u32(joined ? peer.epoch : 0)
  put_u32(flags)
  say_link(link, self_chain, self_chain_bytes)
}

export function say_refuse(link: Link, code: u32): void {
  write_open(FRAME_REFUSE)
  put_u32(code)
  say_link(link, 0, 0)
}

/** Asks for a sign of life, or gives one. */
export function say_probe(link: Link, kind: u32, token: u32): void {
  write_open(kind)
  put_u32(token)
  put_u32(link.peer.received)
  say_link(link, 0, 0)
}

/** Asks for a sign of life; the token says when. */
export function say_ping(peer: Peer): void {
  if (!peer.pinged) peer.pinged_ms = now_ms
  peer.pinged = true
  peer.asked = true
  say_probe(peer.link, FRAME_PING, now_ms)
}

function unlink(id: u32, code: u32): void {
  const at = emit(OUT_UNLINK, OUT_UNLINK_BYTES)
  store<u32>(at + OUT_UNLINK_LINK, id)
  store<u32>(at + OUT_UNLINK_CODE, code)
}

// The end of links

/** A link is gone. The peer may be freed with it. */
function link_over(link: Link): void {
  const peer = link.peer
  if (link.state == LINK_ATTACHED) {
    // A link that breaks as soon as it is there must not be dialled without a pause for ever, and
    // the pause stays short while each link carries something.
    if (peer.acked + peer.received != link.arrived) peer.tries = 0
    if (elapsed(now_ms, link.attached_ms) >= <i32>REDIAL_MAX_MS) peer.tries = 0
    else dial_missed(peer)
  } else if (link.outgoing) {
    dial_missed(peer)
  }
  link_free(link)
  dial_again(peer)
  peer_settle(peer)
}

/** Ends a link from here. */
export function link_close(link: Link, code: u32): void {
  unlink(link.id, code)
  link_over(link)
}

/** Ends a link and says why, when the other side has shown who it is. */
export function link_refuse(link: Link, code: u32): void {
  if (link.outgoing || link.state >= LINK_WAIT) say_refuse(link, code)
  link_close(link, code)
}

// The end of sessions

/**
 * Ends the session with a peer, or the wait for one. Its links end with it, `keep` excepted. The
 * rest follows when those above have taken it from `next_lost` and said `lost_done`.
 */
export function session_over(peer: Peer, how: u32, code: u32, keep: Link): void {
  if (peer.state == PEER_LOST) return
  peer.lost_unsent = peer.state != PEER_JOINED
  const over = peer.state == PEER_JOINED ? peer.incarnation
    : how == LOST_RETURNED ? peer.member_incarnation : 0
  if (how != LOST_RENEWED) peer.left_incarnation = max(peer.left_incarnation, over)
  session_end(peer)
  edge_over(peer)
  const declared = how == LOST_DECLARED || how == LOST_HEARD
  peer.state = PEER_LOST
  peer.lost_how = how
  peer.wanted = false
  watch_off(peer)
  for (let link = peer.links; some(link);) {
    const next = link.next
    // The other side may live on: it learns at once that it has to come back as a new incarnation.
    if (declared && link.state == LINK_ATTACHED) say_refuse(link, code)
    if (link != keep) link_close(link, code)
    link = next
  }
  peer.lost_next = no_peer
  if (some(lost_last)) lost_last.lost_next = peer
  else lost_first = peer
  lost_last = peer
}

/** The peer broke the rules of the session: it ends here and now. */
export function violation(peer: Peer, code: u32): void {
  if (peer.state == PEER_JOINED) session_over(peer, LOST_DECLARED, code, no_link)
}

/** The rules of a link were broken. */
export function link_violation(link: Link, code: u32): void {
  if (link.state == LINK_ATTACHED) violation(link.peer, code)
  else link_refuse(link, code)
}

/** The next peer whose session has ended, or null. It is the caller's until `lost_done`. */
export function next_lost(): Peer {
  const peer = lost_first
  if (!some(peer)) return no_peer
  lost_first = peer.lost_next
  if (!some(lost_first)) lost_last = no_peer
  return peer
}

/** The next peer whose session has just begun, or null. */
export function next_begun(): Peer {
  while (some(joined_first)) {
    const peer = joined_first
    joined_first = peer.joined_next
    if (!some(joined_first)) joined_last = no_peer
    peer.joined_queued = false
    if (peer.state == PEER_JOINED) return peer
  }
  return no_peer
}

/** A session has begun: those above are told through `next_begun`. */
export function session_begun(peer: Peer): void {
  if (peer.joined_queued) return
  peer.joined_queued = true
  peer.joined_next = no_peer
  if (some(joined_last)) joined_last.joined_next = peer
  else joined_first = peer
  joined_last = peer
}

/**
 * This peer was declared left: it takes the next incarnation after that. All sessions end, though
 * the others are members as before. `keep`, when not null, is a link on which the new one is shown.
 */
export function renew(by: Peer, keep: Link, incarnation: u32): void {
  const index = by.index
  self_renewed(incarnation)
  for (let peer = peers_first; some(peer);) {
    const next = peer.next
    if (peer.state == PEER_JOINED) {
      session_over(peer, LOST_RENEWED, ERROR_GONE, keep)
      // Its links were not at fault: it is dialled at once.
      peer.tries = 0
    } else {
      close_others(peer, keep)
    }
    peer = next
  }
  const at = emit(OUT_RENEW, OUT_RENEW_BYTES)
  store<u32>(at + OUT_RENEW_PEER, index)
  store<u32>(at + OUT_RENEW_INCARNATION, self_incarnation)
}

function close_others(peer: Peer, keep: Link): void {
  for (let link = peer.links; some(link);) {
    const next = link.next
    if (link != keep && (link.outgoing || link.state >= LINK_ANSWERED)) link_close(link, ERROR_GONE)
    link = next
  }
}

// Input records

/** `link_up`: the dialler says hello; the acceptor waits for it. */
export function link_up_in(record: usize): void {
  const bytes = load<u32>(record + IN_LINK_UP_ID_BYTES)
  if (!sized(record, IN_LINK_UP_BYTES, bytes)) return
  const id = load<u32>(record + IN_LINK_UP_LINK)
  if (id == 0 || some(link_by_id(id))) return
  const ptr = record + IN_LINK_UP_BYTES
  if (closed || !some(self_id) || id_is_self(ptr, bytes)) return unlink(id, ERROR_GONE)
  if (bytes == 0 || bytes > PEER_ID_BYTES_MAX || !readable(ptr, bytes)) {
    return unlink(id, ERROR_BAD_FRAME)
  }
  const outgoing = load<u32>(record + IN_LINK_UP_OUTGOING) != 0
  // Our own dials, one for each peer at most, have their place: who fills this peer with links must
  // not keep it from others.
  const peer = outgoing || links_count < LINKS_MAX ? peer_ensure(ptr, bytes) : no_peer
  if (!some(peer)) return unlink(id, ERROR_OVER_LIMIT)
  if (outgoing) peer.dialling = false
  if (leaving && peer.state != PEER_JOINED) return unlink(id, ERROR_GONE)
  if (outgoing && served(peer)) return unlink(id, ERROR_DUPLICATE_LINK)
  const link = link_new(id, peer, outgoing)
  link.timer = timer_set(HELLO_TIMEOUT_MS, TIMER_HELLO, changetype<usize>(link))
  if (outgoing) say_hello(link, 0)
}

/** True when our own dial has come too late: the peer's own is as good as attached. */
function served(peer: Peer): bool {
  for (let link = peer.links; some(link); link = link.next) {
    if (link.state == LINK_ANSWERED || link.state == LINK_ATTACHED && !peer.suspected) return true
  }
  return false
}

/** `link_down`: the host has lost it. */
export function link_down_in(record: usize): void {
  if (!sized(record, IN_LINK_DOWN_BYTES, 0)) return
  const link = link_by_id(load<u32>(record + IN_LINK_DOWN_LINK))
  if (some(link)) link_over(link)
}

/** `link_ready`: the host has taken bytes of frames; there is room for more. */
export function link_ready_in(record: usize): void {
  if (!sized(record, IN_LINK_READY_BYTES, 0)) return
  const link = link_by_id(load<u32>(record + IN_LINK_READY_LINK))
  if (!some(link)) return
  link.out_bytes -= min(load<u32>(record + IN_LINK_READY_TAKEN_BYTES), link.out_bytes)
  if (link.state == LINK_ATTACHED) session_dirty(link.peer)
}

/** The other side has not shown itself in time. */
export function hello_late(link: Link): void {
  link.timer = no_timer
  link_close(link, ERROR_SILENT)
}
