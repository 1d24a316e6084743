/**
 * The short way of plain operations on a channel of this core that can happen at once.
 *
 * Lives here: what match would do, without making an offer for it. Does not live here: anything
 * that waits, selects, other peers (match, claim).
 *
 * Invariants: it does exactly what parking and matching would do, in the same order; it is taken
 * only when nobody of the same kind stands before the operation.
 */
import { takes_at_once, unstored, waiter_drop } from './claim'
import { hand_over, complete_message, refuse } from './operation'
import { Payload } from './payload'
import {
  Channel, FREE, IS_AGAIN, IS_STORED, IS_TRY, SEND, arrival, dirty, flagged, is, messages,
  no_channel, no_payload, queue_put, queue_take, waiter_free, waiter_new,
} from './waiter'
import { COMPLETION_FLAG_AGAIN, ERROR_OK } from './tables'

/** Sends to a receiver that waits, or into a free place. False: it must be parked. */
export function quick_send(id: u32, c: Channel, payload: Payload): bool {
  if (c.closed || c.dirty || is(c.senders_first)) return false
  if (c.capacity == 0) {
    const y = c.receivers_first
    if (!is(y) || !takes_at_once(y)) return false
    const op = y.op
    queue_take(y)
    if (flagged(y, IS_TRY)) c.tries--
    c.waiters--
    c.count--
    y.channel = no_channel
    if (c.count == 0 || c.scrubbed) dirty(c)
    waiter_drop(y)
    complete_message(op, 0, 0, payload)
    refuse(id, ERROR_OK)
    return true
  }
  if (c.used >= c.capacity) return false
  const message = waiter_new(SEND)
  message.channel = c
  message.flags = IS_STORED
  message.phase = FREE
  message.payload = payload
  message.seq = arrival()
  c.used++
  queue_put(messages(c), message)
  if (is(c.receivers_first)) dirty(c)
  refuse(id, ERROR_OK)
  return true
}

/** Receives the first message of the buffer. False: it must be parked. */
export function quick_receive(id: u32, c: Channel): bool {
  const x = c.messages_first
  if (!is(x) || c.dirty || c.latch || is(c.receivers_first)) return false
  const payload = x.payload
  x.payload = no_payload
  unstored(x)
  queue_take(x)
  c.used--
  if (is(c.senders_first) || c.closed) dirty(c)
  hand_over(id, 0, flagged(x, IS_AGAIN) ? COMPLETION_FLAG_AGAIN : 0, payload)
  waiter_free(x)
  return true
}
