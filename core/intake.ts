/**
 * The way in: frames and timers of sessions, and goodbyes.
 *
 * Lives here: what is done with each frame before those above see it, which timer is whose, and
 * leaving. Does not live here: frames of kinds 16 to 41 (those above; they call `violation` for a
 * bad one).
 *
 * Invariants: a session frame is looked at only on the attached link and only in its turn; a
 * payload that is not handed up is dropped; bytes from a peer lead to a frame, to a violation or to
 * nothing.
 */
import { TIMER_DIAL, dial_due, dials_stop, link_wanted, pending } from './dial'
import { peers_first } from './directory'
import { edge_over } from './edge'
import {
  frame_bad, frame_carries, frame_fields, read_array, read_end, read_open, read_u32,
} from './frame'
import { TIMER_EXPIRY, expiry_due, handshake_end, hello_in, refused } from './hello'
import {
  TIMER_HELLO, hello_late, link_violation, links_narrow, links_stop, session_over, violation,
} from './link'
import { gone, member_declared, members_over } from './member'
import { TIMER_TEND, edge_in, tend_due } from './overlay'
import { PAIR_BYTES, Payload, drop_handle, payload_new } from './payload'
import {
  EDGE_NONE, LINK_ANSWERED, LINK_ATTACHED, LINK_VERIFY, LINK_WAIT, LOST_PARTED, Link, MEMBER_NONE,
  PEER_JOINED, PEER_KNOWN, Peer, link_by_id, no_link, no_peer, no_timer, sized, some,
} from './peer'
import { post, post_end, serial } from './post'
import { answer_probe, heard, probe_answered, watch_due } from './probe'
import { roster_check } from './roster'
import { member_in } from './statement'
import {
  TAKEN_BEFORE, TAKEN_WRONG, TIMER_ACK, session_ack_due, session_acked, session_end, session_pump,
  session_take, sessions_check,
} from './session'
import { TIMER_SYNC, digest_in, holds_in, sync_due, want_in } from './sync'
import { Suspicion, TIMER_SUSPICION, suspicion_lasted } from './suspicion'
import { Timer, now_ms, timer_clear, timer_set } from './timer'
import {
  TIMER_GRAFT, TIMER_LAZY, graft_due, graft_in, have_in, lazy_due, prune_in,
} from './tree'
import { probe_for_in, probed_in } from './vouch'
import { TIMER_WATCH, watch_off } from './watch'
import {
  ERROR_BAD_FRAME, ERROR_BAD_NUMBER, ERROR_GONE, ERROR_OVER_LIMIT, FRAME_ACK, FRAME_DIGEST,
  FRAME_EDGE, FRAME_GRAFT, FRAME_HAVE, FRAME_HELLO, FRAME_HOLDS, FRAME_LEAVE, FRAME_LEAVE_ANSWER,
  FRAME_MEMBER, FRAME_OFFER_RECEIVE, FRAME_PING, FRAME_PONG, FRAME_PROBED,
  FRAME_PROBE_FOR, FRAME_PRUNE, FRAME_REFUSE, FRAME_WANT, HEADER_BYTES_MAX, IN_FRAME_BYTES,
  IN_FRAME_HEADER_BYTES, IN_FRAME_LINK, IN_FRAME_PAYLOAD, IN_SERIES, IN_SERIES_BYTES,
  IN_SERIES_HEADER_BYTES, IN_SERIES_PAYLOADS_COUNT, LEAVE_TIMEOUT_MS, MESSAGE_BYTES_MAX,
  PAYLOADS_PER_FRAME_MAX,
} from './tables'

const TIMER_LEAVE: u32 = 69

/** What `frame_in` found: a frame of kinds 16 to 41, to be read from after its `received`. */
export let frame_peer: Peer = no_peer
export let frame_kind: u32 = 0
/** Its payload, or null. It belongs to those above, with its one count. */
export let frame_payload: Payload = changetype<Payload>(0)
/** Of a series: where its payloads stand in the input area, and how many they are. */
export let frame_list: usize = 0
export let frame_count: u32 = 0

let leave_timer: Timer = no_timer
let leaving: bool = false
let leave_late: bool = false

// Frames

/** Gives up the payloads of a list. */
function drop_all(at: usize, count: u32): void {
  for (; count != 0; count--, at += PAIR_BYTES) drop_handle(load<u32>(at))
}

/**
 * The records `frame` and `series`. True when it is for those above, who read it to its end with
 * the functions of frame and call `violation` when it is bad.
 */
export function frame_in(record: usize): bool {
  const series = (load<u32>(record) & 0xffff) == IN_SERIES
  const record_bytes = load<u32>(record) >> 16 << 2
  const least = series ? IN_SERIES_BYTES : IN_FRAME_BYTES
  if (record_bytes < least) return false
  // The one payload of a frame stands in its fields as those of a series in their list.
  const list = record + (series ? IN_SERIES_BYTES : IN_FRAME_PAYLOAD)
  const count = series ? load<u32>(record + IN_SERIES_PAYLOADS_COUNT) : 1
  const header_bytes = load<u32>(record + (series ? IN_SERIES_HEADER_BYTES : IN_FRAME_HEADER_BYTES))
  // A list that is longer than its record cannot be given back.
  if (count > record_bytes / PAIR_BYTES) return false
  const fixed = series ? least + count * PAIR_BYTES : least
  const link = link_by_id(load<u32>(record + IN_FRAME_LINK))
  if (!sized(record, fixed, header_bytes) || !some(link)) {
    drop_all(list, count)
    return false
  }
  read_open(record + fixed, header_bytes)
  const items = read_array()
  const kind = read_u32()
  const fields = !frame_bad && items == frame_fields(kind) + 1
  if (kind == FRAME_HELLO && !series && !frame_bad) {
    hello_in(link, fields, load<u32>(list), load<u32>(list, 4))
    return false
  }
  const fits = serial(kind) ? series && count >= 2 && count <= PAYLOADS_PER_FRAME_MAX : !series
  let code: u32 = fits ? 0 : ERROR_BAD_FRAME
  for (let i: u32 = 0; i < count && code == 0; i++) {
    code = fault_of(kind, fields, header_bytes, list + i * PAIR_BYTES)
  }
  if (code != 0) {
    drop_all(list, count)
    link_violation(link, code)
    return false
  }
  if (kind >= FRAME_OFFER_RECEIVE) return session_frame(link, kind, list, count)
  link_frame(link, kind)
  return false
}

/** What is wrong with the outside of a frame and one of its payloads, 0 for nothing. */
function fault_of(kind: u32, fields: bool, header_bytes: u32, at: usize): u32 {
  if (header_bytes > HEADER_BYTES_MAX || load<u32>(at, 4) > MESSAGE_BYTES_MAX) {
    return ERROR_OVER_LIMIT
  }
  if (!fields || frame_fields(kind) == 0) return ERROR_BAD_FRAME
  const payload = load<u32>(at)
  if (serial(kind)) return payload == 0 ? ERROR_BAD_FRAME : 0
  return payload != 0 && !frame_carries(kind) ? ERROR_BAD_FRAME : 0
}

/** A frame of the link itself. */
function link_frame(link: Link, kind: u32): void {
  if (kind > FRAME_ACK) return overlay_frame(link, kind)
  const first = read_u32()
  const second = kind == FRAME_PING || kind == FRAME_PONG ? read_u32() : first
  if (!read_end()) return link_violation(link, ERROR_BAD_FRAME)
  if (kind == FRAME_REFUSE) return refused(link, first)
  if (kind == FRAME_ACK && link.state == LINK_ANSWERED) return handshake_end(link, first)
  if (link.state != LINK_ATTACHED) return link_violation(link, ERROR_BAD_FRAME)
  const peer = link.peer
  const asked = peer.pinged
  heard(peer)
  if (!session_acked(peer, second)) return violation(peer, ERROR_BAD_NUMBER)
  if (kind == FRAME_PING) answer_probe(link, first, asked)
  else if (kind == FRAME_PONG) probe_answered(peer, first)
}

/** A frame of the overlay; it counts as a sign of life. */
function overlay_frame(link: Link, kind: u32): void {
  if (link.state != LINK_ATTACHED) return link_violation(link, ERROR_BAD_FRAME)
  const peer = link.peer
  heard(peer)
  if (!overlay_in(peer, kind)) violation(peer, ERROR_BAD_FRAME)
}

function overlay_in(peer: Peer, kind: u32): bool {
  if (kind == FRAME_DIGEST) return digest_in(peer)
  if (kind == FRAME_HOLDS) return holds_in(peer)
  if (kind == FRAME_WANT) return want_in(peer)
  if (kind == FRAME_PROBE_FOR) return probe_for_in(peer)
  if (kind == FRAME_PROBED) return probed_in()
  if (kind == FRAME_HAVE) return have_in(peer)
  if (kind == FRAME_GRAFT) return graft_in(peer)
  if (kind == FRAME_PRUNE) return prune_in(peer)
  if (kind == FRAME_EDGE) {
    const wish = read_u32()
    return read_end() && edge_in(peer, wish)
  }
  return true
}

/** A frame of the session: its number is taken in, then it is looked at. */
function session_frame(link: Link, kind: u32, list: usize, count: u32): bool {
  const peer = link.peer
  const number = read_u32()
  const received = read_u32()
  if (frame_bad || link.state != LINK_ATTACHED) {
    drop_all(list, count)
    link_violation(link, ERROR_BAD_FRAME)
    return false
  }
  heard(peer)
  const taken = session_take(peer, number, received)
  if (taken == TAKEN_WRONG || taken == TAKEN_BEFORE) {
    drop_all(list, count)
    if (taken == TAKEN_WRONG) violation(peer, ERROR_BAD_NUMBER)
    return false
  }
  const handle = load<u32>(list)
  const bytes = load<u32>(list, 4)
  if (kind == FRAME_MEMBER) {
    if (!member_in(peer, handle, bytes)) violation(peer, ERROR_BAD_FRAME)
    return false
  }
  peer.used_ms = now_ms
  if (kind == FRAME_LEAVE || kind == FRAME_LEAVE_ANSWER) {
    const answer = kind == FRAME_LEAVE_ANSWER
    if (!read_end() || answer && !leaving) violation(peer, ERROR_BAD_FRAME)
    else if (answer) peer.parted = true
    else goodbye(peer)
    return false
  }
  frame_peer = peer
  frame_kind = kind
  frame_list = list
  frame_count = count
  const lone = handle != 0 && count == 1
  frame_payload = lone ? payload_new(handle, bytes) : changetype<Payload>(0)
  return true
}

// Goodbyes

/** A peer leaves: it gets its answer, after all that was said before, and its session ends. */
function goodbye(peer: Peer): void {
  post(peer, FRAME_LEAVE_ANSWER)
  post_end(changetype<Payload>(0))
  session_pump(peer, true)
  session_over(peer, LOST_PARTED, ERROR_GONE, no_link)
}

/**
 * Says goodbye to all that have a link; they tell the others. Nothing new begins; what is under way
 * may end until `leave_done`.
 */
export function leave_begin(): void {
  if (leaving) return
  leaving = true
  links_narrow()
  leave_timer = timer_set(LEAVE_TIMEOUT_MS, TIMER_LEAVE, 0)
  for (let peer = peers_first; some(peer); peer = peer.next) {
    const reachable = some(peer.link) || link_wanted(peer)
    peer.sought = false
    peer.checked = false
    edge_over(peer)
    if (peer.state == PEER_KNOWN) {
      peer.wanted = false
      watch_off(peer)
    } else if (peer.state == PEER_JOINED) {
      peer.parted = !reachable
      if (!reachable) continue
      post(peer, FRAME_LEAVE)
      post_end(changetype<Payload>(0))
    }
  }
}

function all_parted(): bool {
  for (let peer = peers_first; some(peer); peer = peer.next) {
    if (peer.state == PEER_JOINED && !peer.parted) return false
  }
  return true
}

/** True once all have answered or the time is over; then every session and link has ended. */
export function leave_done(): bool {
  if (gone || !leaving) return gone
  if (!leave_late && !all_parted()) return false
  if (some(leave_timer)) timer_clear(leave_timer)
  leave_timer = no_timer
  dials_stop()
  for (let peer = peers_first; some(peer); peer = peer.next) {
    session_end(peer)
    peer.state = PEER_KNOWN
    watch_off(peer)
    if (some(peer.dial_timer)) timer_clear(peer.dial_timer)
    peer.dial_timer = no_timer
  }
  members_over()
  links_stop()
  return true
}

// Timers

/** A timer of these rooms is due; its pointer is no more. */
export function session_timer(kind: u32, subject: usize): void {
  if (kind == TIMER_ACK) session_ack_due(changetype<Peer>(subject))
  else if (kind == TIMER_DIAL) dial_due(changetype<Peer>(subject))
  else if (kind == TIMER_HELLO) hello_late(changetype<Link>(subject))
  else if (kind == TIMER_WATCH) watch_due(changetype<Peer>(subject))
  else if (kind == TIMER_EXPIRY) expiry_due(changetype<Peer>(subject))
  else if (kind == TIMER_TEND) tend_due()
  else if (kind == TIMER_SYNC) sync_due()
  else if (kind == TIMER_LAZY) lazy_due()
  else if (kind == TIMER_GRAFT) graft_due()
  else if (kind == TIMER_SUSPICION) {
    const peer = suspicion_lasted(changetype<Suspicion>(subject))
    if (some(peer)) member_declared(peer)
  } else if (kind == TIMER_LEAVE) {
    leave_timer = no_timer
    leave_late = true
  }
}

/** Asserts the invariants of these rooms; for tests. */
export function session_check(): void {
  sessions_check()
  for (let peer = peers_first; some(peer); peer = peer.next) {
    let attached: u32 = 0
    for (let link = peer.links; some(link); link = link.next) {
      assert(link.peer == peer && link_by_id(link.id) == link, 'a link that cannot be found')
      assert((link.state == LINK_VERIFY) == (link.chain != 0), 'a chain out of its time')
      assert(link.state != LINK_WAIT || !some(peer.link), 'a link that waits beside another')
      if (link.state == LINK_ATTACHED) attached++
    }
    assert(attached == (some(peer.link) ? 1 : 0), 'links attached miscounted')
    const watched = some(peer.watch_timer)
    assert(watched || !some(peer.link), 'a link that nobody watches')
    assert(watched || peer.state != PEER_JOINED || leaving || !link_wanted(peer),
      'a session that wants a link, and nobody watches')
    assert(!watched || peer.state == PEER_JOINED || peer.wanted, 'a watch over nothing')
    assert(peer.state != PEER_KNOWN || peer.wanted && watched || peer.checked || leaving ||
      !pending(peer), 'something waits for a peer, and nobody watches')
    assert(peer.dialling || some(peer.dial_timer) || some(peer.links) || leaving ||
      !link_wanted(peer), 'a link is wanted, and none is on its way')
    assert(some(peer.info) ? peer.member != MEMBER_NONE : true, 'an info of one who is not here')
    assert((peer.edge == EDGE_NONE) == (peer.edge_place == 0), 'an edge out of its place')
  }
  roster_check()
}
