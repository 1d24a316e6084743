/**
 * Hello: judging it, choosing between links, attaching one to its session.
 *
 * Lives here: the frames of a handshake, the host's verified, rights and their expiry. Does not
 * live here: the end of links and sessions (link), certificates (host).
 *
 * The handshake has three legs: hello, hello as the answer, ack. The dialler attaches when the
 * answer is judged, the acceptor when the ack comes, so each says nothing of the session before the
 * other has seen its chain. The ack tells where the dialler's session stands at that moment; its
 * hello may be older than that.
 *
 * Invariants: at most one link of a peer is attached; nothing of a link is looked at while the host
 * verifies its chain.
 */
import { Text, readable, text_of, text_ptr, text_release } from './bytes'
import { dial_off } from './dial'
import { self_is_lower } from './directory'
import { frame_bad, read_end, read_u32 } from './frame'
import {
  leaving, link_close, link_refuse, link_violation, renew, say_hello, say_refuse, session_begun,
  session_over, violation,
} from './link'
import { tell_host } from './notice'
import { drop_handle } from './payload'
import {
  LINK_ANSWERED, LINK_ATTACHED, LINK_HELLO, LINK_VERIFY, LINK_WAIT, LOST_DECLARED, LOST_RETURNED,
  Link, MEMBER_NONE, PEER_JOINED, PEER_KNOWN, PEER_LOST, Peer, joined_count, link_by_id, no_link,
  no_timer, self_incarnation, sized, some,
} from './peer'
import { edge_attached } from './overlay'
import { heard } from './probe'
import { emit } from './ring'
import {
  session_ack, session_acked, session_begin, session_may_have, session_resume,
} from './session'
import { elapsed, now_ms, timer_clear, timer_set } from './timer'
import { watch_in } from './watch'
import {
  CHAIN_BYTES_MAX, ERROR_BAD_FRAME, ERROR_BAD_NUMBER, ERROR_BAD_VERSION, ERROR_DECLARED_LEFT,
  ERROR_DUPLICATE_LINK, ERROR_GONE, ERROR_NO_CHAIN, ERROR_OVER_LIMIT, HELLO_FLAG_ANSWER,
  HELLO_FLAG_LEFT, IN_VERIFIED_BYTES, IN_VERIFIED_EXPIRES_MS, IN_VERIFIED_LINK,
  IN_VERIFIED_PREFIX_BYTES, IN_VERIFIED_RIGHTS, IN_VERIFIED_STATUS, LINK_BRIEF_MS, LINK_IDLE_MS,
  MEMBERS_MAX, OUT_VERIFY, OUT_VERIFY_BYTES, OUT_VERIFY_ID_BYTES, OUT_VERIFY_LINK,
  OUT_VERIFY_PAYLOAD, OUT_VERIFY_PAYLOAD_BYTES, PATH_BYTES_MAX, PROBE_INTERVAL_MS, SUSPECT_MS,
  TIMEOUT_MS_MAX, WIRE_VERSION,
} from './tables'

export const TIMER_EXPIRY: u32 = 68

// Frames and records of a handshake

/**
 * A hello: the host is asked about the chain in its payload. The cursor stands after the kind;
 * `fields` says if the header has as many as it should.
 */
export function hello_in(link: Link, fields: bool, chain: u32, chain_bytes: u32): void {
  const version = read_u32()
  if (link.state == LINK_HELLO) {
    link.chain = chain
  } else {
    drop_handle(chain)
    return link_violation(link, ERROR_BAD_FRAME)
  }
  if (!frame_bad && version != WIRE_VERSION) return link_violation(link, ERROR_BAD_VERSION)
  const incarnation = read_u32()
  const your = read_u32()
  const received = read_u32()
  const epoch = read_u32()
  const flags = read_u32()
  const answer = (flags & HELLO_FLAG_ANSWER) != 0
  if (!read_end() || !fields || incarnation == 0 || answer != link.outgoing) {
    return link_violation(link, ERROR_BAD_FRAME)
  }
  if (chain == 0) return link_close(link, ERROR_NO_CHAIN)
  if (chain_bytes > CHAIN_BYTES_MAX) return link_violation(link, ERROR_OVER_LIMIT)
  link.their_incarnation = incarnation
  link.their_your = your
  link.their_received = received
  link.their_epoch = epoch
  link.their_flags = flags
  link.state = LINK_VERIFY
  const bytes = link.peer.id.bytes
  const at = emit(OUT_VERIFY, OUT_VERIFY_BYTES + bytes)
  store<u32>(at + OUT_VERIFY_LINK, link.id)
  store<u32>(at + OUT_VERIFY_PAYLOAD, chain)
  store<u32>(at + OUT_VERIFY_PAYLOAD_BYTES, chain_bytes)
  store<u32>(at + OUT_VERIFY_ID_BYTES, bytes)
  memory.copy(at + OUT_VERIFY_BYTES, text_ptr(link.peer.id), bytes)
}

/** `verified`: the host's word on a chain. */
export function verified_in(record: usize): void {
  const bytes = load<u32>(record + IN_VERIFIED_PREFIX_BYTES)
  if (!sized(record, IN_VERIFIED_BYTES, bytes)) return
  const link = link_by_id(load<u32>(record + IN_VERIFIED_LINK))
  if (!some(link) || link.state != LINK_VERIFY || bytes > PATH_BYTES_MAX) return
  drop_handle(link.chain)
  link.chain = 0
  const prefix = record + IN_VERIFIED_BYTES
  if (load<u32>(record + IN_VERIFIED_STATUS) != 0 || !readable(prefix, bytes)) {
    return link_close(link, ERROR_NO_CHAIN)
  }
  link.rights = load<u32>(record + IN_VERIFIED_RIGHTS)
  text_release(link.prefix)
  link.prefix = bytes == 0 ? changetype<Text>(0) : text_of(prefix, bytes)
  link.expires_ms = load<u32>(record + IN_VERIFIED_EXPIRES_MS)
  link.verified_ms = now_ms
  link.state = LINK_WAIT
  judge(link)
}

/** The dialler's ack: it has accepted our answer. */
export function handshake_end(link: Link, received: u32): void {
  const peer = link.peer
  // What was judged when the hello came may be over since: declared left, or followed by another.
  const incarnation = link.their_incarnation
  if (incarnation <= peer.left_incarnation) return link_refuse(link, ERROR_DECLARED_LEFT)
  if (outrun(peer, incarnation)) return session_over(peer, LOST_RETURNED, ERROR_GONE, no_link)
  if (peer.state == PEER_KNOWN ? received != 0 : !session_may_have(peer, received)) {
    if (peer.state == PEER_JOINED) violation(peer, ERROR_BAD_NUMBER)
    else link_refuse(link, ERROR_BAD_NUMBER)
    return
  }
  link.their_received = received
  attach(link)
}

/** The other side ends a link and says why. */
export function refused(link: Link, code: u32): void {
  const peer = link.peer
  const proved = link.state == LINK_ANSWERED || link.state == LINK_ATTACHED
  if (code != ERROR_DECLARED_LEFT || !proved) return link_close(link, code)
  if (leaving) return part(link)
  if (link.state == LINK_ATTACHED) return renew(peer, no_link, self_incarnation)
  renew(peer, link, self_incarnation)
  say_hello(link, HELLO_FLAG_ANSWER)
}

/** The old session of a peer is cleared away: a link that waited for that goes on. */
export function lost_clear(peer: Peer): void {
  peer.state = PEER_KNOWN
  // Judging one link may end others, so the list is looked at afresh each time.
  for (let link = peer.links; some(link) && peer.state != PEER_LOST;) {
    if (link.state != LINK_WAIT) {
      link = link.next
      continue
    }
    judge(link)
    link = peer.links
  }
}

// Judging

/** Tells the other side that its incarnation was declared left; the link stays for the next one. */
function turn_away(link: Link): void {
  if (link.outgoing) say_refuse(link, ERROR_DECLARED_LEFT)
  else say_hello(link, HELLO_FLAG_ANSWER | HELLO_FLAG_LEFT)
  link.their_incarnation = 0
  link.state = LINK_HELLO
}

/** True when an incoming link stays beside those that are there. spec: WIRE-5 */
function stays(link: Link): bool {
  const peer = link.peer
  // Dials that cross: both sides see both, and both keep the lower id's.
  for (let own = peer.links; some(own); own = own.next) {
    if (!own.outgoing || own.state == LINK_ATTACHED) continue
    if (elapsed(now_ms, own.up_ms) < <i32>SUSPECT_MS) return !self_is_lower(peer)
  }
  const other = peer.link
  if (!some(other) || !other.outgoing) return true
  // Counting the attached link as well, the other side says that it is over for it.
  const epoch = link.their_your == self_incarnation ? link.their_epoch : 0
  if (epoch >= peer.epoch) return true
  // Silence speaks against ours even if the other side never saw it attached.
  return !self_is_lower(peer) || elapsed(now_ms, peer.heard_ms) >= <i32>SUSPECT_MS
}

/** Closes the links that give way: our own dials, and what the same dialler said before. */
function give_way(link: Link, attached_too: bool): void {
  for (let other = link.peer.links; some(other);) {
    const next = other.next
    const attached = other.state == LINK_ATTACHED
    const spoken = other.outgoing || other.state >= LINK_ANSWERED
    if (other != link && spoken && (attached_too || !attached)) {
      link_close(other, ERROR_DUPLICATE_LINK)
    }
    other = next
  }
}

/** True when what is pending with the peer is pending with an earlier run of it. */
function outrun(peer: Peer, incarnation: u32): bool {
  if (peer.state == PEER_JOINED) return incarnation > peer.incarnation
  // What waits for the first session with an earlier incarnation waits in vain too.
  return incarnation > peer.member_incarnation && some(peer.first)
}

/** Judges a hello whose chain is valid. Each way out but a lost peer's leaves LINK_WAIT. */
function judge(link: Link): void {
  const peer = link.peer
  if (peer.state == PEER_LOST) return
  const incarnation = link.their_incarnation
  if (link.outgoing && link.their_your != self_incarnation) {
    link_refuse(link, ERROR_BAD_FRAME)
    return
  }
  if (link.outgoing && (link.their_flags & HELLO_FLAG_LEFT) != 0) {
    come_back(link)
    return
  }
  const joined = peer.state == PEER_JOINED
  if (incarnation <= peer.left_incarnation || joined && incarnation < peer.incarnation) {
    turn_away(link)
    return
  }
  if (outrun(peer, incarnation)) {
    session_over(peer, LOST_RETURNED, ERROR_GONE, link)
    return
  }
  if (!joined && !begins(link)) return
  // The acceptor of a session in progress looks at the ack instead: this hello may have crossed.
  if (link.outgoing || !joined && link.their_your == self_incarnation) {
    if (!continues(link)) return
  }
  if (link.outgoing) attach(link)
  else answer(link)
}

/** True when a new session may begin; else the link is refused. */
function begins(link: Link): bool {
  if (!leaving && joined_count < MEMBERS_MAX) return true
  link_refuse(link, leaving ? ERROR_GONE : ERROR_OVER_LIMIT)
  return false
}

function answer(link: Link): void {
  if (!stays(link)) {
    link_refuse(link, ERROR_DUPLICATE_LINK)
    return
  }
  give_way(link, false)
  link.state = LINK_ANSWERED
  say_hello(link, HELLO_FLAG_ANSWER)
}

/**
 * True when the other side's place in the session can be ours. When it cannot, one of the two has
 * ended the session and the other does not know: the other side's incarnation is over.
 */
function continues(link: Link): bool {
  const peer = link.peer
  if (peer.state == PEER_KNOWN) {
    // With nothing received it may have attached a link whose ack we never got: a beginning.
    if (link.their_received == 0) return true
    peer.left_incarnation = link.their_incarnation
    session_over(peer, LOST_DECLARED, ERROR_DECLARED_LEFT, link)
    return false
  }
  // Epoch 0 says that it has no session, which is right only as long as nothing has passed.
  const fresh = peer.acked == 0 && peer.received == 0
  const ahead = <i32>(link.their_received - peer.sent) > 0
  if (link.their_epoch == 0 ? fresh : !ahead) return true
  session_over(peer, LOST_DECLARED, ERROR_DECLARED_LEFT, link)
  return false
}

/** The other side has declared us left. */
function come_back(link: Link): void {
  if (leaving) return part(link)
  renew(link.peer, link, self_incarnation)
  link.their_incarnation = 0
  link.state = LINK_HELLO
  say_hello(link, 0)
}

/** A peer that has no session with us needs no goodbye. */
function part(link: Link): void {
  link.peer.parted = true
  link_close(link, ERROR_GONE)
}

// Attaching

/** The link carries the session from now on; all other links of the peer end. */
function attach(link: Link): void {
  const peer = link.peer
  const left_ms = <i64>link.expires_ms - elapsed(now_ms, link.verified_ms)
  if (link.expires_ms != 0 && left_ms <= 0) return link_refuse(link, ERROR_NO_CHAIN)
  if (peer.state == PEER_KNOWN) {
    if (!begins(link)) return
    session_begin(peer, link.their_incarnation)
    session_begun(peer)
  }
  give_way(link, true)
  link.state = LINK_ATTACHED
  link.attached_ms = now_ms
  link.arrived = peer.acked + peer.received
  if (some(link.timer)) timer_clear(link.timer)
  link.timer = no_timer
  peer.link = link
  peer.epoch = max(peer.epoch, link.their_epoch) + 1
  heard(peer)
  peer.idled = false
  peer.vouched = false
  peer.wanted = false
  peer.sought = false
  peer.checked = false
  // Nobody has used it yet: one that was only to see whether the peer lives is soon closed.
  peer.used_ms = now_ms - (LINK_IDLE_MS - LINK_BRIEF_MS)
  // While the session needed no link nobody watched it.
  if (!some(peer.watch_timer)) watch_in(peer, PROBE_INTERVAL_MS)
  dial_off(peer)
  peer.rights = link.rights
  text_release(peer.prefix)
  peer.prefix = link.prefix
  link.prefix = changetype<Text>(0)
  if (some(peer.expiry_timer)) timer_clear(peer.expiry_timer)
  peer.expiry_timer = no_timer
  if (link.expires_ms != 0) expire_in(peer, <u32>left_ms)
  session_acked(peer, link.their_received)
  session_resume(peer)
  if (link.outgoing) session_ack(peer)
  edge_attached(peer)
  // Its rights may be others than those on the last link.
  if (peer.member != MEMBER_NONE) tell_host(peer)
}

/** Sets the end of the peer's rights; one timer may not reach that far. */
function expire_in(peer: Peer, ms: u32): void {
  const step = min(ms, TIMEOUT_MS_MAX)
  peer.expiry_left_ms = ms - step
  peer.expiry_timer = timer_set(step, TIMER_EXPIRY, changetype<usize>(peer))
}

/** The peer's chain has expired: its session ends. */
export function expiry_due(peer: Peer): void {
  peer.expiry_timer = no_timer
  if (peer.expiry_left_ms != 0) expire_in(peer, peer.expiry_left_ms)
  else session_over(peer, LOST_DECLARED, ERROR_NO_CHAIN, no_link)
}
