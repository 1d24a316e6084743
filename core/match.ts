/**
 * Who is matched with whom at a channel.
 *
 * Lives here: the order of matching (PROTOCOL rules 9 to 11, 15, 17 to 21). Does not live here:
 * what is said to the two (claim), what their answers do (channel), what an operation makes of it
 * (select).
 *
 * Invariants: the first free message goes to the first free receiver; an engaged offer is never
 * matched; a select never matches itself; of two selects the one with the smaller id is held first;
 * after `match` no two free offers of the channel fit each other.
 */
import { text_compare } from './bytes'
import {
  AIM_ROOM, CLAIMED, Channel, FREE, IS_READER, IS_SELECT, IS_STORED, IS_TRY, RESERVED, SEND,
  Waiter, arrival, dirty, engage, engaged, flagged, is, messages, no_payload, queue_push, queue_put,
  queue_take, waiter_new,
} from './waiter'
import {
  answer, deliver, deliver_latch, end_claim, gone, hold, takes_at_once,
} from './claim'
import { stored_bytes_max } from './limit'
import { say_end } from './say'
import { Payload } from './payload'
import { Peer, self_id } from './peer'
import {
  ERROR_CLOSED, ERROR_OK, ERROR_SCRUBBED, ERROR_TOO_MANY, ERROR_WOULD_BLOCK, MESSAGE_BYTES_MAX,
} from './tables'

// @ts-ignore: decorator
@inline function selecting(w: Waiter): bool { return flagged(w, IS_SELECT) }

function same_select(x: Waiter, y: Waiter): bool {
  if (!selecting(x) || !selecting(y)) return false
  if (is(x.op) || is(y.op)) return x.op == y.op
  return x.peer == y.peer && x.key == y.key
}

/** The total order of selects: the arbiter's peer id, then the arbiter's number for it. */
function smaller(x: Waiter, y: Waiter): bool {
  if (x.peer == y.peer) {
    return (is(x.op) ? x.op.id : x.key) < (is(y.op) ? y.op.id : y.key)
  }
  const x_id = is(x.op) ? self_id : x.peer.id
  const y_id = is(y.op) ? self_id : y.peer.id
  return text_compare(x_id, y_id) < 0
}

function pair(x: Waiter, y: Waiter): void {
  if (!selecting(x)) deliver(x, y)
  else if (!selecting(y) || smaller(x, y)) {
    engage(x, CLAIMED)
    x.partner = y
    engage(y, RESERVED)
    y.partner = x
    hold(x)
  } else {
    engage(y, CLAIMED)
    y.partner = x
    engage(x, RESERVED)
    x.partner = y
    hold(y)
  }
}

function match_rendezvous(c: Channel): void {
  let x = c.senders_first
  while (is(x) && is(c.receivers_first)) {
    let y = c.receivers_first
    while (is(y) && same_select(x, y)) y = y.next
    const next = x.next
    if (is(y)) {
      if (selecting(x) && over_share(x)) answer(x, ERROR_TOO_MANY)
      else pair(x, y)
    }
    x = next
  }
}

/**
 * True when another peer's message has no place here: its sender is told so. A select brings its
 * message with its grant: there must be room for the largest before it is asked.
 */
export function over_share(x: Waiter): bool {
  if (!is(x.peer)) return false
  const bytes = is(x.payload) ? x.payload.bytes : MESSAGE_BYTES_MAX
  return x.peer.stored_bytes + bytes > stored_bytes_max
}

/** Puts a message into the buffer, where a place is its own; `peer` sent it (null: this one). */
function keep(c: Channel, peer: Peer, payload: Payload): void {
  const message = waiter_new(SEND, true)
  message.channel = c
  message.flags = IS_STORED
  message.phase = FREE
  message.payload = payload
  message.seq = arrival()
  if (is(peer)) {
    message.key = peer.index
    message.offer = payload.bytes
  }
  queue_put(messages(c), message)
}

/** Puts a send that is in hand into its place in the buffer and tells its arbiter (rule 15). */
export function place(x: Waiter): void {
  // A select's is counted since its grant.
  if (is(x.peer) && !selecting(x)) {
    x.peer.in_bytes -= x.payload.bytes
    x.peer.stored_bytes += x.payload.bytes
  }
  keep(x.channel, x.peer, x.payload)
  x.payload = no_payload
  answer(x, ERROR_OK)
}

/**
 * Places another peer's plain send that parking and matching would place (rule 15), without the
 * offer between. False: nothing was done. The caller tells the arbiter.
 */
export function place_at_once(c: Channel, peer: Peer, payload: Payload): bool {
  if (c.used >= c.capacity || c.closed || c.latch || is(c.senders_first)) return false
  const stored_bytes = peer.stored_bytes + payload.bytes
  if (stored_bytes > stored_bytes_max) return false
  c.used++
  peer.stored_bytes = stored_bytes
  keep(c, peer, payload)
  if (is(c.receivers_first)) dirty(c)
  return true
}

function fill(c: Channel): bool {
  let moved = false
  while (is(c.senders_first) && c.used < c.capacity) {
    const x = c.senders_first
    moved = true
    if (over_share(x)) {
      answer(x, ERROR_TOO_MANY)
      continue
    }
    c.used++
    if (!selecting(x)) place(x)
    else {
      engage(x, CLAIMED)
      x.aim = AIM_ROOM
      hold(x)
    }
  }
  return moved
}

function hand_out(c: Channel): bool {
  let moved = false
  while (is(c.messages_first) && is(c.receivers_first)) {
    moved = true
    if (c.latch) deliver_latch(c.messages_first, c.receivers_first)
    else deliver(c.messages_first, c.receivers_first)
  }
  return moved
}

/** Tells the channel's end to whoever is free (rules 17 and 18). */
function finish(c: Channel): void {
  const status: u32 = c.scrubbed ? ERROR_SCRUBBED : ERROR_CLOSED
  while (is(c.senders_first)) {
    const x = c.senders_first
    if (selecting(x)) end_claim(x, status)
    else answer(x, status)
  }
  if (!c.scrubbed && c.used != 0) return
  while (is(c.receivers_first)) {
    const y = c.receivers_first
    if (flagged(y, IS_READER)) reader_end(y, status)
    else if (takes_at_once(y)) answer(y, status)
    else end_claim(y, status)
  }
}

function reader_end(y: Waiter, status: u32): void {
  say_end(y, status)
  if (!is(y.outs.first)) {
    gone(y)
    return
  }
  y.outs.ended = true
  queue_take(y)
  queue_push(engaged(y.channel), y)
}

/** Offers with try that found nothing (rule 21). */
function turn_away(c: Channel): void {
  let w = c.senders_first
  for (let side = 0; side < 2; side++) {
    while (is(w)) {
      const next = w.next
      if (flagged(w, IS_TRY)) answer(w, ERROR_WOULD_BLOCK)
      w = next
    }
    w = c.receivers_first
  }
}

/** Matches everything that can be matched at this channel now. */
export function match(c: Channel): void {
  if (c.capacity == 0) {
    if (!c.closed) match_rendezvous(c)
  } else {
    let moved = true
    while (moved) {
      moved = !c.closed && fill(c)
      if (hand_out(c)) moved = !c.latch
    }
  }
  if (c.closed) finish(c)
  if (c.tries != 0) turn_away(c)
}
