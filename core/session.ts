/**
 * What two peers owe each other: numbered frames, resending, acknowledgements.
 *
 * Lives here: giving frames to the attached link within its window, keeping them until they are
 * acknowledged, and taking numbers in. Does not live here: making frames (post), which link is
 * attached (link), what a frame means (member, and those above).
 *
 * Invariants: frames go out in the order of their numbers, on the attached link only; a frame is
 * kept until its number is acknowledged or the session ends; `acked ≤ sent ≤ made` modulo 2^32; at
 * most one lone `ack` a peer and turn; a frame that holds a count on its payload gives it up
 * through `payloads_done_next`.
 */
import { alloc, release } from './heap'
import {
  head_bytes, head_ptr, put_u32, write_open, write_session_head, written_bytes, written_ptr,
} from './frame'
import { link_needed } from './dial'
import { peers_first } from './directory'
import { Payload } from './payload'
import {
  LINK_ATTACHED, Link, Out, PEER_JOINED, PEER_KNOWN, Peer, frame_out, joined_change, joined_count,
  no_out, no_peer, no_timer, some,
} from './peer'
import {
  Series, answers, dirty_all, out_bytes, post_done, serial, series_check, series_out,
  session_dirty, write_series,
} from './post'
import { ring_full } from './ring'
import { now_ms, timer_clear, timer_set } from './timer'
import { Waiter } from './waiter'
import { watch_in, watch_off } from './watch'
import {
  ACK_DELAY_MS, ACK_FRAMES, FRAME_ACK, FRAME_DELIVERS, LINK_IDLE_MS, LINK_WINDOW_BYTES,
  PROBE_INTERVAL_MS,
} from './tables'

export const TIMER_ACK: u32 = 64

let done_first: Out = no_out
let done_last: Out = no_out

// Frames going out

/** True while the other side reads: what it brings about by itself stays within the window. */
export function link_flows(link: Link): bool {
  return link.out_bytes < LINK_WINDOW_BYTES
}

/** True when a frame of this size may go; a link with nothing out takes one of any size. */
function fits(link: Link, bytes: u32): bool {
  return link.out_bytes == 0 || link.out_bytes + bytes <= LINK_WINDOW_BYTES
}

/** Gives the link what is queued, as far as its window and (unless `now`) the output area go. */
export function session_pump(peer: Peer, now: bool): void {
  const link = peer.link
  while (some(peer.unsent) && some(link)) {
    const out = peer.unsent
    const payload = out.payload
    const series = changetype<Series>(out)
    let tail_bytes: u32 = 0
    let payload_bytes = some(payload) ? payload.bytes : 0
    let count: u32 = 1
    if (serial(out.kind)) {
      write_series(series, peer.received)
      payload_bytes = series.payload_bytes
      count = series.count
    } else {
      write_session_head(out.kind, out.number, peer.received)
      tail_bytes = out.bytes
    }
    if (!fits(link, head_bytes() + tail_bytes + payload_bytes)) return
    if (!now && ring_full()) {
      session_dirty(peer)
      return
    }
    if (count > 1) series_out(link, series)
    else {
      const tail = changetype<usize>(out) + offsetof<Out>()
      const handle = some(payload) ? payload.handle : 0
      frame_out(link, handle, payload_bytes, head_ptr(), head_bytes(), tail, tail_bytes)
    }
    if (<i32>(out.number - peer.sent) > 0) peer.sent = out.number
    peer.unsent = out.next
    told(peer)
  }
}

/** What was received has been said. The timer runs on and looks again when it is due. */
function told(peer: Peer): void {
  peer.received_told = peer.received
  peer.ack_due = false
}

/** Says what was received in a frame of its own. */
export function session_ack(peer: Peer): void {
  write_open(FRAME_ACK)
  put_u32(peer.received)
  frame_out(peer.link, 0, 0, written_ptr(), written_bytes(), 0, 0)
  told(peer)
}

function flush(peer: Peer): void {
  if (!some(peer.link)) {
    if (some(peer.first)) link_needed(peer)
    return
  }
  session_pump(peer, false)
  const owed = peer.received - peer.received_told
  if (owed == 0 || !link_flows(peer.link)) return
  if (peer.ack_due || owed >= ACK_FRAMES) session_ack(peer)
  else if (!some(peer.ack_timer)) {
    peer.ack_timer = timer_set(ACK_DELAY_MS, TIMER_ACK, changetype<usize>(peer))
  }
}

/** Sends what this turn has brought. Called once at the end of each turn. */
export function sessions_flush(): void {
  let peer = dirty_all()
  while (some(peer)) {
    const next = peer.dirty_next
    // While it is on the list, so that it does not come on it again.
    post_done(peer)
    peer.dirty = false
    peer.dirty_next = no_peer
    flush(peer)
    peer = next
  }
}

/** The acknowledgement of a peer is due. */
export function session_ack_due(peer: Peer): void {
  peer.ack_timer = no_timer
  if (peer.received == peer.received_told) return
  peer.ack_due = true
  session_dirty(peer)
}

// Numbers coming in

/** True when a peer may say that it has received this: not more than was sent. */
export function session_may_have(peer: Peer, received: u32): bool {
  return received - peer.acked <= peer.sent - peer.acked
}

/** The other side has everything up to `received`. False when that was never sent. */
export function session_acked(peer: Peer, received: u32): bool {
  // A frame that was made before another was acknowledged may say less than is known: no matter.
  if (<i32>(received - peer.acked) <= 0) return true
  if (!session_may_have(peer, received)) return false
  peer.acked = received
  while (some(peer.first) && <i32>(received - peer.first.number) >= 0) pop(peer)
  return true
}

function pop(peer: Peer): void {
  const out = peer.first
  peer.first = out.next
  if (!some(out.next)) peer.last = no_out
  // A new link may not have got yet what the old one had brought.
  if (peer.unsent == out) peer.unsent = out.next
  if (answers(out.kind)) peer.answer_bytes -= out_bytes(out)
  if (some(out.holder)) out.holder.unheard = no_out
  finish(out)
}

function finish(out: Out): void {
  if (!some(out.payload) || serial(out.kind)) {
    release(changetype<usize>(out), out_bytes(out))
    return
  }
  out.next = no_out
  if (some(done_last)) done_last.next = out
  else done_first = out
  done_last = out
}

/** The next payload that a frame needs no more, or null. The caller takes over its count. */
export function payloads_done_next(): Payload {
  const out = done_first
  if (!some(out)) return changetype<Payload>(0)
  done_first = out.next
  if (!some(done_first)) done_last = no_out
  const payload = out.payload
  release(changetype<usize>(out), out_bytes(out))
  return payload
}

/** Gives up one count on a payload of this room's own, in the way of a sent frame. */
export function payload_over(payload: Payload): void {
  const out = changetype<Out>(alloc(offsetof<Out>()))
  out.payload = payload
  finish(out)
}

/** Ties the deliver that was just made to whatever must know whether it has been acknowledged. */
export function deliver_holds(peer: Peer, holder: Waiter): void {
  peer.last.holder = holder
  holder.unheard = peer.last
}

/**
 * What a deliver was for has ended: should it still wait for its acknowledgement, then without its
 * message, so that nobody can keep messages here by taking offers back.
 */
export function deliver_over(holder: Waiter): void {
  const out = holder.unheard
  if (!some(out)) return
  holder.unheard = no_out
  out.holder = changetype<Waiter>(0)
  if (out.kind == FRAME_DELIVERS) {
    changetype<Series>(out).count = 0
    changetype<Series>(out).payload_bytes = 0
  } else payload_over(out.payload)
  out.payload = changetype<Payload>(0)
}

/** The answer of `session_take`: a new frame, one that was here before, one out of number. */
export const TAKEN_NEW: u32 = 0
export const TAKEN_BEFORE: u32 = 1
export const TAKEN_WRONG: u32 = 2

/** Takes the numbers of a session frame in. */
export function session_take(peer: Peer, number: u32, received: u32): u32 {
  if (!session_acked(peer, received)) return TAKEN_WRONG
  const step = <i32>(number - peer.received)
  if (step <= 0) {
    // A frame that was resent on a new link may have come on the old one, and been acknowledged on
    // it when it was cut already: it is owed an acknowledgement again (the model's ACK_AGAIN).
    if (<i32>(peer.received_told - number) >= 0) peer.received_told = number - 1
    session_dirty(peer)
    return TAKEN_BEFORE
  }
  if (step != 1) return TAKEN_WRONG
  peer.received = number
  session_dirty(peer)
  return TAKEN_NEW
}

// Beginning and ending

/** A session with a peer that had none begins; frames that wait for it are its first. */
export function session_begin(peer: Peer, incarnation: u32): void {
  assert(peer.state == PEER_KNOWN && peer.acked == 0, 'a session over another')
  peer.state = PEER_JOINED
  joined_change(1)
  peer.incarnation = incarnation
  peer.since_ms = now_ms
  peer.epoch = 0
  peer.received = 0
  peer.received_told = 0
  peer.parted = false
  peer.heard_ms = now_ms
  watch_off(peer)
  watch_in(peer, PROBE_INTERVAL_MS)
}

/** Its link has done what it was made for: if nothing else needs it, it is closed soon. */
export function session_brief(peer: Peer): void {
  peer.used_ms = now_ms - LINK_IDLE_MS
  watch_in(peer, 2 * ACK_DELAY_MS)
}

/** A link was attached: all that is not acknowledged goes out on it, from the first. */
export function session_resume(peer: Peer): void {
  peer.unsent = peer.first
  session_dirty(peer)
}

/** Forgets what was to be sent. The caller sets the new state. */
export function session_end(peer: Peer): void {
  if (peer.state == PEER_JOINED) joined_change(-1)
  while (some(peer.first)) pop(peer)
  peer.done_count = 0
  peer.made = 0
  peer.sent = 0
  peer.acked = 0
  if (some(peer.ack_timer)) timer_clear(peer.ack_timer)
  peer.ack_timer = no_timer
  peer.ack_due = false
}

/** Asserts the invariants of every session; for tests. */
export function sessions_check(): void {
  let joined: u32 = 0
  for (let peer = peers_first; some(peer); peer = peer.next) {
    if (peer.state == PEER_JOINED) {
      joined++
      assert(peer.incarnation > peer.left_incarnation, 'a session with one who was declared left')
    } else assert(!some(peer.link) && peer.sent == 0, 'a link without a session')
    assert(!some(peer.link) || peer.link.state == LINK_ATTACHED, 'a link that is not attached')
    assert(peer.sent - peer.acked <= peer.made - peer.acked, 'sent before it was made')
    assert(peer.done_count == 0, 'an end that was not said')
    let number = peer.acked
    let answer_bytes: u32 = 0
    for (let out = peer.first; some(out); out = out.next) {
      assert(out.number == ++number, 'a frame is missing')
      if (serial(out.kind)) series_check(changetype<Series>(out))
      assert(!some(out.holder) || out.holder.unheard == out, 'a deliver for nobody')
      if (answers(out.kind)) answer_bytes += out_bytes(out)
    }
    assert(number == peer.made, 'a frame is missing at the end')
    assert(answer_bytes == peer.answer_bytes, 'answers miscounted')
  }
  assert(joined == joined_count, 'joined peers miscounted')
}
