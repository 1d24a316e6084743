/**
 * Frames between arbiters and owners, coming in.
 *
 * Lives here: checking offers, claims, deliveries, grants and their kin from other peers, and
 * handing them to the owner's half (channel) or the arbiter's (select). Does not live here: links
 * and numbering (link, session), requests (request).
 *
 * Invariants: a frame is checked whole before anything changes; what cannot be true is a violation
 * (false), what merely crossed with an end is ignored (true); rights are checked here, at the
 * owner, before an offer is parked.
 */
import { AWAY_CHOSEN, AWAY_IDLE, away_find, away_free } from './away'
import { text_ptr } from './bytes'
import { asked, granted, killed, park_for, park_reader, reader_granted } from './channel'
import { complete_end, parked } from './claim'
import { read_end, read_u32 } from './frame'
import { over_limit } from './limit'
import { KIND_SELECT, KIND_SEND, OP_HELD } from './operation'
import { map_find } from './map'
import { place_at_once } from './match'
import { path_under } from './path'
import { PAIR_BYTES, Payload, payload_new } from './payload'
import { Peer } from './peer'
import { reader_arrived, reader_ended } from './reader'
import { payload_done, ref_channel } from './reference'
import { end_offer, refs_over, say_done, take_refs } from './say'
import { on_end, on_firm, on_hold, on_unhold } from './select'
import { settle } from './settle'
import {
  CLAIMED, Channel, FIRM, IS_AGAIN, IS_READER, IS_SELECT, IS_TRY, RECEIVE, SEND, Waiter, ZOMBIE,
  flagged, is, no_operation, no_payload, waiter_new,
} from './waiter'
import {
  DELIVER_FLAG_AGAIN, ERROR_CLOSED, ERROR_LEFT, ERROR_NOT_PERMITTED, ERROR_OK, ERROR_RECEIVER_LEFT,
  ERROR_SCRUBBED, ERROR_TOO_MANY, ERROR_WRONG_KIND, FRAME_OFFER_READER,
  FRAME_OFFER_SEND, FRAME_OFFER_SENDS, OFFERS_PER_PEER_MAX, OFFER_FLAG_SELECT, OFFER_FLAG_TRY,
  PARKED_BYTES_PER_PEER_MAX, PREFETCH_MAX, RIGHT_CHANNEL,
} from './tables'

/** True when the peer may do channel operations on this channel (spec/certificate.md). */
export function may_use(peer: Peer, c: Channel): bool {
  if ((peer.rights & RIGHT_CHANNEL) == 0) return false
  // A channel without a name is reached only by whoever was sent a reference to it.
  if (!is(peer.prefix) || !is(c.anchor)) return true
  return path_under(text_ptr(c.anchor), c.anchor.bytes, text_ptr(peer.prefix), peer.prefix.bytes)
}

/** 0, or the status with which the offer ends at once. */
function offer_status(peer: Peer, c: Channel, kind: u32): u32 {
  if (!is(c)) return ERROR_SCRUBBED
  if (!may_use(peer, c)) return ERROR_NOT_PERMITTED
  if (c.latch && c.used != 0 && kind == FRAME_OFFER_SEND) return ERROR_CLOSED
  // Rule 24: only a buffer's messages may wait in a window.
  if (kind == FRAME_OFFER_READER && (c.latch || c.capacity == 0)) return ERROR_WRONG_KIND
  return ERROR_OK
}

// @ts-ignore: decorator
@inline function too_much(peer: Peer, payload: Payload): bool {
  const bytes = is(payload) ? payload.bytes : 0
  return peer.in_offers >= OFFERS_PER_PEER_MAX ||
    peer.in_bytes + bytes > PARKED_BYTES_PER_PEER_MAX
}

/** offer_receive and offer_send. Takes the payload. False: a violation. */
export function offer_in(peer: Peer, kind: u32, payload: Payload): bool {
  const offer = read_u32()
  const channel = read_u32()
  const flags = read_u32()
  const select = read_u32()
  const sending = kind == FRAME_OFFER_SEND
  const plain_send = sending && select == 0
  const shape = (select != 0) == ((flags & OFFER_FLAG_SELECT) != 0) && is(payload) == plain_send
  const refs = !sending || take_refs(peer, payload)
  const fits = shape && refs && read_end() &&
    !is(changetype<Waiter>(map_find(parked, peer.index, offer)))
  if (!fits || too_much(peer, payload)) {
    payload_done(payload)
    return fits && over_limit()
  }
  if (plain_send) {
    plain_send_in(peer, offer, channel, flags, payload, refs_over)
    return true
  }
  const c = ref_channel(channel)
  const status = offer_status(peer, c, kind)
  if (status != ERROR_OK) end_offer(peer, offer, status)
  else {
    const w = waiter_new(sending ? SEND : RECEIVE, true)
    w.key = select
    if (select != 0) w.flags |= IS_SELECT
    offer_park(c, w, peer, offer, flags)
  }
  return true
}

function offer_park(c: Channel, w: Waiter, peer: Peer, offer: u32, flags: u32): void {
  if ((flags & OFFER_FLAG_TRY) != 0) w.flags |= IS_TRY
  park_for(c, w, peer, offer)
}

/** A plain send that breaks no rule. Takes the payload; `over`: it is not whole. */
function plain_send_in(
  peer: Peer, offer: u32, channel: u32, flags: u32, payload: Payload, over: bool
): void {
  const c = ref_channel(channel)
  const status = over ? ERROR_TOO_MANY : offer_status(peer, c, FRAME_OFFER_SEND)
  if (status != ERROR_OK) {
    payload_done(payload)
    end_offer(peer, offer, status)
  } else if (place_at_once(c, peer, payload)) say_done(peer, offer)
  else {
    const w = waiter_new(SEND, true)
    w.payload = payload
    offer_park(c, w, peer, offer, flags)
  }
}

/**
 * offer_sends, delivers: each of the `count` payloads from `at` on as if it had come by itself.
 * Takes them. False: a violation; those before it have happened, those after it have not.
 */
export function series_in(peer: Peer, kind: u32, at: usize, count: u32): bool {
  const sends = kind == FRAME_OFFER_SENDS
  let offer = read_u32()
  const channel = sends ? read_u32() : 0
  let fits = read_end()
  for (; count != 0; count--, at += PAIR_BYTES) {
    const payload = payload_new(load<u32>(at), load<u32>(at, 4))
    if (!fits) payload_done(payload)
    else {
      fits = sends ? send_in(peer, offer++, channel, payload)
        : delivered(away_find(peer, offer), payload, false)
      settle()
    }
  }
  return fits
}

/** One of `offer_sends`. */
function send_in(peer: Peer, offer: u32, channel: u32, payload: Payload): bool {
  let fits = !is(changetype<Waiter>(map_find(parked, peer.index, offer)))
  if (fits && too_much(peer, payload)) fits = over_limit()
  if (fits) plain_send_in(peer, offer, channel, 0, payload, false)
  else payload_done(payload)
  return fits
}

/** offer_reader. False: a violation. */
export function offer_reader_in(peer: Peer): bool {
  const offer = read_u32()
  const channel = read_u32()
  const credit = read_u32()
  if (!read_end() || credit == 0 || credit > PREFETCH_MAX ||
    is(changetype<Waiter>(map_find(parked, peer.index, offer)))) return false
  if (too_much(peer, no_payload)) return over_limit()
  const c = ref_channel(channel)
  const status = offer_status(peer, c, FRAME_OFFER_READER)
  if (status != ERROR_OK) end_offer(peer, offer, status)
  else park_reader(c, waiter_new(RECEIVE, true), peer, offer, credit)
  return true
}

/** grant. Takes the payload. False: a violation. */
export function grant_in(peer: Peer, payload: Payload): bool {
  const w = changetype<Waiter>(map_find(parked, peer.index, read_u32()))
  const count = read_u32()
  const refs = take_refs(peer, payload)
  if (!refs || !read_end() || refs_over) {
    payload_done(payload)
    return refs_over && over_limit()
  }
  if (!is(w)) {
    payload_done(payload)
    return true
  }
  const brings = w.direction == SEND && flagged(w, IS_SELECT) && w.phase != FIRM
  const waits = w.phase == CLAIMED || w.phase == FIRM && !is(w.unheard) || w.phase == ZOMBIE
  if (flagged(w, IS_READER) ? is(payload) : brings && !is(payload) || !waits) {
    payload_done(payload)
    return false
  }
  if (flagged(w, IS_READER)) return reader_granted(w, count)
  if (brings) {
    w.payload = payload
    peer.stored_bytes += payload.bytes
  } else payload_done(payload)
  return granted(w)
}

/** withdraw. False: a violation. */
export function withdraw_in(peer: Peer): bool {
  const w = changetype<Waiter>(map_find(parked, peer.index, read_u32()))
  if (!read_end()) return false
  if (is(w)) killed(w, false)
  return true
}

/** ask: a plain send wants to be withdrawn. False: a violation. */
export function ask_in(peer: Peer): bool {
  const w = changetype<Waiter>(map_find(parked, peer.index, read_u32()))
  if (!read_end()) return false
  if (!is(w)) return true
  if (w.direction != SEND || flagged(w, IS_SELECT)) return false
  asked(w)
  return true
}

/** True when the peer speaks of an offer of ours, or of its grant, and has not said it has it. */
function unheard(w: Waiter): bool {
  return is(w) && <i32>(w.seq - w.peer.acked) > 0
}

/** claim: hold, or the channel's end. False: a violation. */
export function claim_in(peer: Peer): bool {
  const w = away_find(peer, read_u32())
  const status = read_u32()
  if (!read_end() || status != ERROR_OK && status != ERROR_CLOSED && status != ERROR_SCRUBBED) {
    return false
  }
  if (!is(w)) return true
  if (flagged(w, IS_READER) || w.phase != AWAY_IDLE || unheard(w)) return false
  const selecting = w.op.kind == KIND_SELECT
  if (status == ERROR_OK) {
    if (!selecting) return false
    on_hold(w)
    return true
  }
  if (w.direction == SEND && !selecting) return false
  w.status = <u8>status
  on_firm(w)
  return true
}

/** deliver: a message for a receive. Takes the payload. False: a violation. */
export function deliver_in(peer: Peer, payload: Payload): bool {
  const w = away_find(peer, read_u32())
  // Without its message it is for an offer that was taken back, or it cannot be.
  if (!is(payload)) return !is(w)
  const again = (read_u32() & DELIVER_FLAG_AGAIN) != 0
  const refs = take_refs(peer, payload)
  let fits = refs && read_end()
  if (fits && refs_over) fits = over_limit()
  if (fits) return delivered(w, payload, again)
  payload_done(payload)
  return false
}

/** A message for w, which may be no more. Takes the payload. False: a violation. */
function delivered(w: Waiter, payload: Payload, again: bool): bool {
  let fits = !unheard(w)
  if (!fits || !is(w)) {
    payload_done(payload)
    return fits
  }
  if (flagged(w, IS_READER)) {
    fits = reader_arrived(w, payload, again)
    if (!fits) payload_done(payload)
    return fits
  }
  const commits = w.phase == AWAY_CHOSEN && w.op.state == OP_HELD
  if (w.direction != RECEIVE || w.phase != AWAY_IDLE && !commits) {
    payload_done(payload)
    return false
  }
  w.payload = payload
  if (again) w.flags |= IS_AGAIN
  on_firm(w)
  return true
}

/** end: how an offer ended. False: a violation. */
export function end_in(peer: Peer): bool {
  const w = away_find(peer, read_u32())
  const status = read_u32()
  // An owner cannot claim a loss or a fault on our behalf, but the loss of a receiver (rule 22).
  const doubt = status == ERROR_RECEIVER_LEFT
  if (!read_end() || status >= ERROR_LEFT && !doubt) return false
  if (!is(w)) return true
  if (unheard(w)) return false
  if (flagged(w, IS_READER)) {
    if (status == ERROR_OK || doubt) return false
    reader_ended(w, <u8>status)
    return true
  }
  const held = w.phase == AWAY_CHOSEN && w.op.state == OP_HELD
  const matched = w.direction == SEND && (w.op.kind != KIND_SELECT || held)
  if (status == ERROR_OK || doubt ? !matched : w.phase != AWAY_IDLE) return false
  on_end(w, <u8>status)
  return true
}

/**
 * ends: so many plain sends of ours are done. False: a violation. None of them can have ended
 * otherwise, so an unknown one is no crossing, and the work is bound by what is out.
 */
export function ends_in(peer: Peer): bool {
  const first = read_u32()
  const count = read_u32()
  if (!read_end() || count == 0) return false
  for (let i: u32 = 0; i < count; i++) {
    const w = away_find(peer, first + i)
    if (!is(w) || !is(w.op) || w.op.kind != KIND_SEND || unheard(w)) return false
  }
  let op = no_operation
  let which: u32 = 0
  let done: u32 = 0
  for (let i: u32 = 0; i < count; i++) {
    const w = away_find(peer, first + i)
    if (w.op != op || w.which != which + done) {
      if (done != 0) complete_end(op, ERROR_OK, which, done)
      op = w.op
      which = w.which
      done = 0
    }
    done++
    away_free(w)
  }
  complete_end(op, ERROR_OK, which, done)
  return true
}

/** unhold: a held select is let go. False: a violation. */
export function unhold_in(peer: Peer): bool {
  const w = away_find(peer, read_u32())
  if (!read_end()) return false
  if (!is(w)) return true
  if (flagged(w, IS_READER) || w.phase != AWAY_CHOSEN || w.op.state != OP_HELD || unheard(w)) {
    return false
  }
  on_unhold(w)
  return true
}
