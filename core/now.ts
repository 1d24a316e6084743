/**
 * The short way of plain operations, and the second door, which is nothing but this way.
 *
 * Lives here: what happens at once, or parks, when all that it touches is here and plain. Does not
 * live here: whatever else may be (start and match).
 *
 * Invariants: it does exactly what parking and matching would do, in the same order; what gives
 * NOW_RECORD has changed nothing; nothing is put out and no channel is left to be matched but one
 * that nobody holds, so no turn need follow but the one that says what goes to other peers.
 */
import { send_away } from './away'
import { header } from './fault'
import { block_bytes, set_aside, taken_up } from './heap'
import { message_bytes_max } from './limit'
import {
  KIND_RECEIVE, KIND_SEND, OP_FREE, op_begin, op_end, op_free, op_new, op_usable,
} from './operation'
import { PAIR_BYTES, Payload, payload_free, payload_new } from './payload'
import { ref_channel } from './reference'
import { input } from './ring'
import {
  Channel, FREE, IS_READER, IS_SELECT, IS_STORED, NARROW_OPERATION_BYTES, NARROW_WAITER_BYTES,
  Operation, RECEIVE, SEND, Waiter, arrival, dirty, flagged, is, messages, no_waiter, queue_put,
  queue_take, receivers, senders, waiter_free, waiter_new,
} from './waiter'
import { deliver, unstored } from './claim'
import {
  HEADER_NOW_CASE, HEADER_NOW_OP, HEADER_NOW_OUT, HEADER_NOW_PAYLOAD, LIST_NOW_MAX, NOW_DONE,
  NOW_NONE, NOW_PARKED, NOW_RECORD, OP_FLAG_TRY, REF_REMOTE,
} from './tables'

/** The length of the message of the last NOW_DONE of a receive. */
export let taken_bytes: u32 = 0

/** The most that `oddness` gives of a channel that is closed and not odd otherwise. */
const CLOSED_ALONE: u32 = 0xff
/** What is set aside at most: more than a program parks and ends in turns. */
const ASIDE_MAX: u32 = 64
// Offers that ended here with their operations, a sender also with its payload, and messages that
// were taken with theirs: they are as the next of their kind wants them.
let aside_receivers: Waiter = no_waiter
let aside_senders: Waiter = no_waiter
let aside_messages: Waiter = no_waiter
let aside_count: u32 = 0

/** What an operation takes that is parked here: itself, its offer and the payload of a send. */
// @ts-ignore: decorator
@inline function parked_bytes(sending: bool): u32 {
  const bytes = block_bytes(NARROW_WAITER_BYTES) + block_bytes(NARROW_OPERATION_BYTES)
  return sending ? bytes + block_bytes(offsetof<Payload>()) : bytes
}

/** What a message of a buffer takes. */
// @ts-ignore: decorator
@inline function stored_bytes(): u32 {
  return block_bytes(offsetof<Waiter>()) + block_bytes(offsetof<Payload>())
}

/** Records are being taken: they do more at the end of a select than is done here. */
let recording = false

/** A run begins or ends. */
export function now_recording(begins: bool): void {
  recording = begins
}

/** An operation that parked on this way and whose end touches nothing but what it waits at. */
function plain(w: Waiter): bool {
  if (!is(w.op) || !w.op.plain) return false
  return w.flags == 0 ? w.channel.count > 1 : plain_select(w)
}

function plain_select(w: Waiter): bool {
  const op = w.op
  if (w.flags != IS_SELECT || recording || op.state != OP_FREE) return false
  for (let x = op.first; is(x); x = x.case_next) if (x.phase != FREE) return false
  return true
}

/** In the lowest byte that it is closed, above that it is not settled or not used as others are. */
// @ts-ignore: decorator
@inline function oddness(c: Channel): u32 {
  return load<u32>(changetype<usize>(c), offsetof<Channel>('closed'))
}

/** A message without references that nobody shares. */
// @ts-ignore: decorator
@inline function bare(payload: Payload): bool {
  return payload.refs_count == 0 && payload.count == 1
}

/** Takes an offer out of its line. */
// @ts-ignore: decorator
@inline function line_leave(w: Waiter): void {
  const c = w.channel
  queue_take(w)
  c.waiters--
  c.count--
}

/** Ends a select by one of its offers; the messages of its sends are the host's matter. */
function end_select(op: Operation): void {
  let w = op.first
  while (is(w)) {
    const next = w.case_next
    const c = w.channel
    line_leave(w)
    // Nobody can reach it any more, but perhaps by its path: the next record looks.
    if (c.count == 0) dirty(c)
    if (is(w.payload)) payload_free(w.payload, true)
    waiter_free(w)
    w = next
  }
  op_free(op)
}

/** Ends the operation of a plain offer. */
function end(w: Waiter): void {
  const op = w.op
  store<u32>(header + HEADER_NOW_OP, op.id)
  if (w.flags != 0) {
    store<u32>(header + HEADER_NOW_CASE, <u32>w.which + 1)
    end_select(op)
    return
  }
  store<u32>(header + HEADER_NOW_CASE, 0)
  const sending = w.direction == SEND
  line_leave(w)
  if (aside_count >= ASIDE_MAX) {
    if (sending) payload_free(w.payload, true)
    waiter_free(w)
    op_free(op)
    return
  }
  op_end(op)
  aside_count++
  set_aside(parked_bytes(sending))
  if (sending) {
    w.next = aside_senders
    aside_senders = w
  } else {
    w.next = aside_receivers
    aside_receivers = w
  }
}

/** Takes up what was set aside; gives what comes after it in its list. */
function take_up(w: Waiter): Waiter {
  aside_count--
  return w.next
}

/** Puts an offer into its line. */
// @ts-ignore: decorator
@inline export function line_up(c: Channel, w: Waiter): void {
  w.channel = c
  w.seq = arrival()
  w.phase = FREE
  c.waiters++
  c.count++
  queue_put(w.direction == SEND ? senders(c) : receivers(c), w)
}

/** Parks a plain offer; null when the id cannot be used. */
function park(id: u32, c: Channel, sending: bool): Waiter {
  if (!op_usable(id)) return no_waiter
  const kind = sending ? KIND_SEND : KIND_RECEIVE
  let w = sending ? aside_senders : aside_receivers
  if (is(w)) {
    const next = take_up(w)
    taken_up(parked_bytes(sending))
    op_begin(w.op, id, kind)
    if (sending) aside_senders = next
    else aside_receivers = next
  } else {
    w = waiter_new(sending ? SEND : RECEIVE, false)
    if (sending) w.payload = payload_new(0, 0)
    const op = op_new(id, kind)
    op.first = w
    // Only such a one may be set aside.
    op.plain = true
    w.op = op
  }
  line_up(c, w)
  return w
}

/** A message of the buffer, not yet in its place. */
function message(c: Channel): Waiter {
  let x = aside_messages
  if (is(x)) {
    aside_messages = take_up(x)
    taken_up(stored_bytes())
  } else {
    x = waiter_new(SEND, true)
    x.payload = payload_new(0, 0)
    x.flags = IS_STORED
    x.phase = FREE
  }
  x.channel = c
  return x
}

function message_done(x: Waiter): void {
  if (aside_count >= ASIDE_MAX) {
    payload_free(x.payload, true)
    waiter_free(x)
    return
  }
  aside_count++
  set_aside(stored_bytes())
  x.next = aside_messages
  aside_messages = x
}

/** NOW_DONE when a message can be sent at once, NOW_NONE when its send would wait. */
// @ts-ignore: decorator
@inline export function vacant(c: Channel, bytes: u32): u32 {
  if (!is(c) || oddness(c) != 0 || bytes > message_bytes_max) return NOW_RECORD
  const full = c.used >= c.capacity
  const y = c.receivers_first
  if (is(y) && (!full || c.capacity == 0)) {
    return (plain(y) || flagged(y, IS_READER)) && !is(c.senders_first) ? NOW_DONE : NOW_RECORD
  }
  return full ? NOW_NONE : NOW_DONE
}

/**
 * Gives a message to whoever waits, or its place, at a channel that is vacant. To a reader at
 * another peer it goes from its place; its frame waits for the next run. spec: ABI-54
 */
export function give(c: Channel, handle: u32, bytes: u32): void {
  const y = c.receivers_first
  if (is(y) && is(y.op)) {
    end(y)
    return
  }
  store<u32>(header + HEADER_NOW_OP, 0)
  const w = message(c)
  w.payload.handle = handle
  w.payload.bytes = bytes
  w.seq = arrival()
  c.used++
  queue_put(messages(c), w)
  if (is(y)) deliver(w, y)
  store<u32>(header + HEADER_NOW_OUT, <u32>is(c.engaged_first))
}

/** Sends, or parks unless `flags` has try. spec: ABI-43, ABI-44 */
export function send_now(id: u32, ref: u32, handle: u32, bytes: u32, flags: u32): u32 {
  if ((ref & REF_REMOTE) != 0) return send_away(id, ref, handle, bytes, flags)
  if (handle == 0) return NOW_RECORD
  const c = ref_channel(ref)
  const found = vacant(c, bytes)
  if (found == NOW_DONE) give(c, handle, bytes)
  if (found != NOW_NONE || (flags & OP_FLAG_TRY) != 0) return found
  const w = park(id, c, true)
  if (!is(w)) return NOW_RECORD
  w.payload.handle = handle
  w.payload.bytes = bytes
  return NOW_PARKED
}

// A list is pairs in the input area: a payload, then its length or, after the call, who met it.
/** Entries of the list under way that met an operation. */
let list_met: u32 = 0

/** The end of a list of at most `count` entries in the input area, of which none is done yet. */
// @ts-ignore: decorator
@inline function list_begin(count: u32): usize {
  list_met = 0
  return input + min(count, LIST_NOW_MAX) * PAIR_BYTES
}

/** Notes who met an entry. False: the list ends with it, for there is one cell for a case. */
// @ts-ignore: decorator
@inline function list_goes_on(at: usize): bool {
  const other = load<u32>(header + HEADER_NOW_OP)
  store<u32>(at, other, 4)
  if (other == 0) return true
  list_met++
  return load<u32>(header + HEADER_NOW_CASE) == 0
}

/** Says what was met in the entries before `at`. Gives how many those are. */
// @ts-ignore: decorator
@inline function list_end(at: usize): u32 {
  store<u32>(header + HEADER_NOW_OP, list_met)
  return <u32>(at - input) / PAIR_BYTES
}

/**
 * Sends the `count` messages of the list in the input area in their order, until one cannot be sent
 * at once. Gives how many were. spec: ABI-46
 */
export function send_many_now(ref: u32, count: u32): u32 {
  const c = ref_channel(ref)
  const end = list_begin(count)
  let at = input
  for (let more = true; more && at < end; at += PAIR_BYTES) {
    const handle = load<u32>(at)
    const bytes = load<u32>(at, 4)
    if (handle == 0 || vacant(c, bytes) != NOW_DONE) break
    give(c, handle, bytes)
    more = list_goes_on(at)
  }
  return list_end(at)
}

/** NOW_DONE when a message can be taken at once, NOW_NONE when a receive would wait. */
export function standing(c: Channel): u32 {
  if (!is(c) || oddness(c) > CLOSED_ALONE) return NOW_RECORD
  const s = c.senders_first
  const x = c.messages_first
  if (is(x)) {
    return x.flags == IS_STORED && bare(x.payload) && (!is(s) || plain(s)) ? NOW_DONE : NOW_RECORD
  }
  if (is(s) && c.capacity == 0) return plain(s) && bare(s.payload) ? NOW_DONE : NOW_RECORD
  return c.closed ? NOW_RECORD : NOW_NONE
}

/** Takes the first message of a channel where one stands. */
export function take(c: Channel): void {
  const s = c.senders_first
  const x = c.messages_first
  const payload = is(x) ? x.payload : s.payload
  store<u32>(header + HEADER_NOW_PAYLOAD, payload.handle)
  store<u32>(header + HEADER_NOW_OP, 0)
  taken_bytes = payload.bytes
  if (is(x)) {
    if (x.key != 0) unstored(x)
    queue_take(x)
    x.key = 0
    if (is(s)) {
      // The first that waits gets the place.
      payload.handle = s.payload.handle
      payload.bytes = s.payload.bytes
      x.seq = arrival()
      queue_put(messages(c), x)
    } else {
      c.used--
      message_done(x)
    }
  }
  if (is(s)) end(s)
}

/** Receives, or parks unless `flags` has try. spec: ABI-43, ABI-44 */
export function receive_now(id: u32, ref: u32, flags: u32): u32 {
  const c = ref_channel(ref)
  const found = standing(c)
  if (found == NOW_DONE) take(c)
  if (found != NOW_NONE || (flags & OP_FLAG_TRY) != 0) return found
  return is(park(id, c, false)) ? NOW_PARKED : NOW_RECORD
}

/** Receives what is there into the list, `count` messages at most. Gives how many. spec: ABI-47 */
export function receive_many_now(ref: u32, count: u32): u32 {
  const c = ref_channel(ref)
  const end = list_begin(count)
  let at = input
  for (let more = true; more && at < end && standing(c) == NOW_DONE; at += PAIR_BYTES) {
    take(c)
    store<u32>(at, load<u32>(header + HEADER_NOW_PAYLOAD))
    more = list_goes_on(at)
  }
  return list_end(at)
}
