/**
 * What an owner tells the two parties of a match, wherever their operations live.
 *
 * Lives here: hold claims, deliveries (a claim with the message), commits, releases, ends. To an
 * operation of this core they go as mail (opened by select) or, where the answer is sure, at once;
 * to another core as frames. Does not live here: who is matched (match), what answers do (channel).
 *
 * Invariants (PROTOCOL rules 7 to 14): an engaged offer has at most one claim out; a plain local
 * receive is free whenever its offer is, so a delivery to it is granted at once; an offer has at
 * most one piece of mail, because all mail is opened before channels are matched again.
 */
import { complete_message, complete_sends } from './operation'
import { map_remove, Map2, map_new } from './map'
import { peer_at } from './directory'
import { Payload } from './payload'
import { payload_done } from './reference'
import { say_claim, say_deliver, say_end, say_unhold } from './say'
import { deliver_over } from './session'
import {
  AIM_END, AIM_LATCH, AIM_PARTNER, FIRM, FREE, HELD, IS_AGAIN, IS_ASKED, IS_READER, IS_SELECT,
  IS_STORED, IS_STRUCK, IS_TRY, Operation, SEND, SHIPPED, Waiter, dirty, engage, engaged, flagged,
  home, is, no_channel, no_payload, no_peer, no_waiter, queue_push, queue_put, queue_take,
  waiter_free,
} from './waiter'
import {
  COMPLETION_FLAG_AGAIN, COMPLETION_FLAG_UNKNOWN, ERROR_OK, ERROR_RECEIVER_LEFT, ERROR_WITHDRAWN,
} from './tables'

export const MAIL_HOLD: u8 = 1
export const MAIL_FIRM: u8 = 2
export const MAIL_END: u8 = 3
export const MAIL_UNHOLD: u8 = 4

/** Parked offers of other peers, by peer index and the arbiter's offer id. */
export let parked: Map2 = changetype<Map2>(0)
let mail_first: Waiter = no_waiter
let mail_last: Waiter = no_waiter

export function claims_open(): void {
  parked = map_new()
}

function mail_put(w: Waiter, mail: u8): void {
  assert(w.mail == 0, 'an offer with two pieces of mail')
  w.mail = mail
  w.line_next = no_waiter
  if (is(mail_last)) mail_last.line_next = w
  else mail_first = w
  mail_last = w
}

/** The next offer with mail, its mail still on it, or null. */
export function mail_take(): Waiter {
  const w = mail_first
  if (!is(w)) return w
  mail_first = w.line_next
  if (!is(mail_first)) mail_last = no_waiter
  w.line_next = no_waiter
  return w
}

/** Frees a local offer, or leaves that to the opening of its mail. */
export function waiter_drop(w: Waiter): void {
  payload_done(w.payload)
  w.payload = no_payload
  if (w.mail == 0) waiter_free(w)
  else w.flags |= IS_STRUCK
}

/** Takes an offer off its channel; the struct stays with its operation. */
export function detach(w: Waiter): void {
  const c = w.channel
  queue_take(w)
  if (flagged(w, IS_TRY)) c.tries--
  c.waiters--
  c.count--
  w.channel = no_channel
  dirty(c)
}

/** Ends what another peer parked here, its payload included. */
export function strike(w: Waiter): void {
  const peer = w.peer
  map_remove(parked, peer.index, w.offer)
  if (is(w.peer_previous)) w.peer_previous.peer_next = w.peer_next
  else peer.parked = changetype<usize>(w.peer_next)
  if (is(w.peer_next)) w.peer_next.peer_previous = w.peer_previous
  peer.in_offers--
  if (w.direction == SEND && is(w.payload)) unparked(w, w.payload)
  w.peer = no_peer
}

/** An offer's message is here no more: of what its peer may have here, that much is free again. */
export function unparked(x: Waiter, payload: Payload): void {
  const peer = x.peer
  if (!is(peer)) return
  if (flagged(x, IS_SELECT)) peer.stored_bytes -= payload.bytes
  else peer.in_bytes -= payload.bytes
}

/** A message leaves the buffer: of what its sender may have there, that much is free again. */
export function unstored(message: Waiter): void {
  const peer = message.key == 0 ? no_peer : peer_at(message.key)
  if (is(peer)) peer.stored_bytes -= message.offer
}

/** The offer is over for its owner. */
export function gone(w: Waiter): void {
  if (is(w.peer)) strike(w)
  if (is(w.op)) { detach(w); return }
  deliver_over(w)
  if (flagged(w, IS_STORED)) {
    unstored(w)
    queue_take(w)
    dirty(w.channel)
  } else detach(w)
  payload_done(w.payload)
  waiter_free(w)
}

/** Free again, at its own place. */
export function free(w: Waiter): void {
  queue_take(w)
  w.phase = FREE
  w.aim = AIM_PARTNER
  w.partner = no_waiter
  queue_put(home(w), w)
  dirty(w.channel)
}

/** Asks an arbiter to hold its select for this offer (rules 10 and 11). */
export function hold(w: Waiter): void {
  if (is(w.op)) mail_put(w, MAIL_HOLD)
  else say_claim(w, ERROR_OK)
}

/** Lets a held select go, and its offer is free again. */
export function unhold(w: Waiter): void {
  if (is(w.op)) mail_put(w, MAIL_UNHOLD)
  else {
    say_unhold(w)
    // The payload of another peer's select came with its grant and comes again with the next.
    if (is(w.payload)) unparked(w, w.payload)
    payload_done(w.payload)
    w.payload = no_payload
  }
  free(w)
}

/**
 * Tells the arbiter how its offer ended (rule 9's commit is `OK`), and forgets the offer. One that
 * was out to a receiver declared left cannot say that it was not done (rule 22).
 */
export function answer(w: Waiter, status: u32): void {
  if (status != ERROR_OK && flagged(w, IS_AGAIN)) status = ERROR_RECEIVER_LEFT
  if (!is(w.op)) {
    say_end(w, status)
    gone(w)
    return
  }
  const op = w.op
  detach(w)
  if (flagged(w, IS_SELECT)) {
    w.status = <u8>status
    mail_put(w, MAIL_END)
    return
  }
  waiter_drop(w)
  complete_end(op, status, 0, 1)
}

/**
 * The completion by an owner's `end`, of a list for `count` offers: an abort shows as itself, a
 * doubt as unknown (rule 22).
 */
export function complete_end(op: Operation, status: u32, which: u32, count: u32): void {
  const shown = status == ERROR_WITHDRAWN && op.abort != 0 ? op.abort : status
  const flags = status == ERROR_RECEIVER_LEFT ? COMPLETION_FLAG_UNKNOWN : 0
  complete_sends(op, shown, which, flags, count)
}

/** A firm claim that the channel has ended (rules 17 and 18). */
export function end_claim(w: Waiter, status: u32): void {
  engage(w, FIRM)
  w.aim = AIM_END
  w.partner = no_waiter
  w.status = <u8>status
  if (is(w.op)) mail_put(w, MAIL_FIRM)
  else say_claim(w, status)
}

/** True for a receive of this core that takes whatever is delivered, at once. */
// @ts-ignore: decorator
@inline export function takes_at_once(y: Waiter): bool {
  return is(y.op) && !flagged(y, IS_SELECT) && !y.op.hold
}

/** The message of x was granted: a place is free, or its sender is done (rule 9). */
export function sender_done(x: Waiter): void {
  if (x.phase == SHIPPED) { gone(x); return }
  if (flagged(x, IS_STORED)) {
    x.channel.used--
    gone(x)
  } else answer(x, ERROR_OK)
}

/**
 * The receiver of x's message said no (rules 9, 12 and 14), or `died`: then it may have it, though
 * its grant never comes (rule 22). A plain send keeps its place, marked; a select may not choose
 * another case while one of them may have happened, so it ends.
 */
export function sender_denied(x: Waiter, died: bool): void {
  if (died) x.flags |= IS_AGAIN
  const c = x.channel
  if (x.phase == SHIPPED) gone(x)
  else if (flagged(x, IS_STORED)) {
    if (c.scrubbed) {
      c.used--
      gone(x)
    } else free(x)
  } else if (flagged(x, IS_SELECT)) {
    if (died) answer(x, ERROR_RECEIVER_LEFT)
    else unhold(x)
  } else if (flagged(x, IS_ASKED)) answer(x, ERROR_WITHDRAWN)
  else free(x)
}

function deliver_at_once(x: Waiter, y: Waiter): void {
  const op = y.op
  const payload = x.payload
  x.payload = no_payload
  const flags = flagged(x, IS_AGAIN) ? COMPLETION_FLAG_AGAIN : 0
  unparked(x, payload)
  detach(y)
  waiter_drop(y)
  complete_message(op, 0, flags, payload)
  sender_done(x)
}

// A message of the buffer into a window (rule 24). Without credit the reader is not free.
function deliver_to_reader(x: Waiter, y: Waiter): void {
  const outs = y.outs
  outs.credit--
  if (outs.credit == 0) {
    queue_take(y)
    queue_push(engaged(y.channel), y)
  }
  x.line_next = no_waiter
  if (is(outs.last)) outs.last.line_next = x
  else outs.first = x
  outs.last = x
  outs.count++
  say_deliver(y, x.payload, flagged(x, IS_AGAIN), x)
}

/**
 * Claims y with the message of x, which is in hand (rule 9; also rule 11's commit to a held
 * receiver).
 */
export function deliver(x: Waiter, y: Waiter): void {
  if (takes_at_once(y)) {
    deliver_at_once(x, y)
    return
  }
  engage(x, HELD)
  x.partner = y
  if (flagged(y, IS_READER)) {
    deliver_to_reader(x, y)
    return
  }
  engage(y, FIRM)
  y.aim = AIM_PARTNER
  y.partner = x
  y.status = <u8>ERROR_OK
  if (is(y.op)) mail_put(y, MAIL_FIRM)
  else say_deliver(y, x.payload, flagged(x, IS_AGAIN), y)
}

/** A copy of a latch's message for y; the message stays. */
export function deliver_latch(x: Waiter, y: Waiter): void {
  const payload = x.payload
  payload.count++
  if (takes_at_once(y)) {
    const op = y.op
    detach(y)
    waiter_drop(y)
    complete_message(op, 0, 0, payload)
    return
  }
  engage(y, FIRM)
  y.aim = AIM_LATCH
  y.status = <u8>ERROR_OK
  if (!is(y.op)) say_deliver(y, payload, false, y)
  y.payload = payload
  if (is(y.op)) mail_put(y, MAIL_FIRM)
}
