/**
 * The short way of plain operations, and the second door, which is nothing but this way.
 *
 * Lives here: what happens at once, or parks, when all that it touches is here and plain. Does not
 * live here: whatever else may be (start and match).
 *
 * Invariants: it does exactly what parking and matching would do, in the same order; what gives
 * NOW_RECORD has changed nothing; nothing is put out and no channel is left to be matched, so no
 * turn need follow.
 */
import { header } from './fault'
import { message_bytes_max } from './limit'
import { KIND_RECEIVE, KIND_SEND, op_free, op_new, op_usable } from './operation'
import { Payload, payload_free, payload_new } from './payload'
import { random_below } from './random'
import { ref_channel } from './reference'
import { input } from './ring'
import {
  Channel, FREE, IS_STORED, RECEIVE, SEND, Waiter, arrival, is, messages, no_payload,
  queue_put, queue_take, receivers, senders, waiter_free, waiter_new,
} from './waiter'
import { unstored } from './claim'
import {
  CASES_MAX, HEADER_NOW_OP, HEADER_NOW_PAYLOAD, HEADER_NOW_WHICH, NOW_DONE, NOW_NONE, NOW_PARKED,
  NOW_RECORD, OP_FLAG_TRY,
} from './tables'

/** The length of the message of the last NOW_DONE of a receive. */
export let taken_bytes: u32 = 0

/** A plain operation of this core whose end touches nothing but itself and its channel. */
function plain(w: Waiter): bool {
  const op = w.op
  return w.flags == 0 && is(op) && !op.hold && !is(op.timer) && w.channel.count > 1
}

/** A message without references that nobody shares. */
// @ts-ignore: decorator
@inline function bare(payload: Payload): bool {
  return payload.refs_count == 0 && payload.count == 1
}

/** Ends the operation of a plain offer; its payload was taken. */
function end(w: Waiter): void {
  const c = w.channel
  const op = w.op
  store<u32>(header + HEADER_NOW_OP, op.id)
  queue_take(w)
  c.waiters--
  c.count--
  waiter_free(w)
  op_free(op)
}

function park(id: u32, kind: u8, c: Channel, w: Waiter): u32 {
  const op = op_new(id, kind)
  op.first = w
  w.op = op
  w.channel = c
  w.phase = FREE
  w.seq = arrival()
  c.waiters++
  c.count++
  queue_put(w.direction == SEND ? senders(c) : receivers(c), w)
  return NOW_PARKED
}

/** Sends, or parks unless `flags` has try. spec: ABI-43 */
export function send_now(id: u32, ref: u32, handle: u32, bytes: u32, flags: u32): u32 {
  const c = ref_channel(ref)
  if (!is(c) || c.dirty || c.closed || c.scrubbed || c.latch) return NOW_RECORD
  if (handle == 0 || bytes > message_bytes_max || !op_usable(id)) return NOW_RECORD
  store<u32>(header + HEADER_NOW_OP, 0)
  const full = c.used >= c.capacity
  const y = c.receivers_first
  if (is(y) && (!full || c.capacity == 0)) {
    if (!plain(y) || is(c.senders_first)) return NOW_RECORD
    end(y)
    return NOW_DONE
  }
  if (full && (flags & OP_FLAG_TRY) != 0) return NOW_NONE
  const w = waiter_new(SEND)
  w.payload = payload_new(handle, bytes)
  if (full) return park(id, KIND_SEND, c, w)
  w.channel = c
  w.flags = IS_STORED
  w.phase = FREE
  w.seq = arrival()
  c.used++
  queue_put(messages(c), w)
  return NOW_DONE
}

/** NOW_DONE when a message can be taken at once, NOW_NONE when a receive would wait. */
function standing(c: Channel): u32 {
  if (!is(c) || c.dirty || c.scrubbed || c.latch) return NOW_RECORD
  const s = c.senders_first
  const x = c.messages_first
  if (is(x)) {
    return x.flags == IS_STORED && bare(x.payload) && (!is(s) || plain(s)) ? NOW_DONE : NOW_RECORD
  }
  if (is(s) && c.capacity == 0) return plain(s) && bare(s.payload) ? NOW_DONE : NOW_RECORD
  return c.closed ? NOW_RECORD : NOW_NONE
}

/** Takes the first message of a channel where one stands. */
function take(c: Channel): void {
  const s = c.senders_first
  const x = c.messages_first
  const from = is(x) ? x : s
  const payload = from.payload
  from.payload = no_payload
  store<u32>(header + HEADER_NOW_PAYLOAD, payload.handle)
  store<u32>(header + HEADER_NOW_OP, 0)
  taken_bytes = payload.bytes
  payload_free(payload, true)
  if (is(x)) {
    unstored(x)
    queue_take(x)
    if (is(s)) {
      // The first that waits gets the place: the struct serves again.
      x.payload = s.payload
      x.key = 0
      x.seq = arrival()
      queue_put(messages(c), x)
    } else {
      c.used--
      waiter_free(x)
    }
  }
  if (is(s)) end(s)
}

/** Receives, or parks unless `flags` has try. spec: ABI-43 */
export function receive_now(id: u32, ref: u32, flags: u32): u32 {
  const c = ref_channel(ref)
  const found = standing(c)
  if (found == NOW_DONE) take(c)
  if (found != NOW_NONE || (flags & OP_FLAG_TRY) != 0) return found
  return op_usable(id) ? park(id, KIND_RECEIVE, c, waiter_new(RECEIVE)) : NOW_RECORD
}

/**
 * Receives from one of the `count` references in the input area, each as likely as the others that
 * could be received from. spec: ABI-44
 */
export function choose_now(count: u32): u32 {
  if (count > CASES_MAX) return NOW_RECORD
  const ready = input + (CASES_MAX << 2)
  let ready_count: u32 = 0
  for (let i: u32 = 0; i < count; i++) {
    const found = standing(ref_channel(load<u32>(input + (<usize>i << 2))))
    if (found == NOW_RECORD) return found
    if (found != NOW_DONE) continue
    store<u32>(ready + (<usize>ready_count << 2), i)
    ready_count++
  }
  if (ready_count == 0) return NOW_NONE
  const chosen = ready_count == 1 ? 0 : random_below(ready_count)
  const which = load<u32>(ready + (<usize>chosen << 2))
  store<u32>(header + HEADER_NOW_WHICH, which)
  take(ref_channel(load<u32>(input + (<usize>which << 2))))
  return NOW_DONE
}
