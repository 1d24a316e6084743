/**
 * The arbiter: where an operation lives, and what it makes of claims.
 *
 * Lives here: PROTOCOL rules 1 to 6 and the arbiter's part of 21, for plain operations and selects,
 * whether the owner is here or elsewhere. Does not live here: the owner's half (channel, match,
 * claim), how an operation begins (start), readers (reader).
 *
 * Invariants: an operation is free, held by one of its offers, or offered to the host by one; a
 * grant of a firm claim is final; the only "no" is a withdrawal; timers and aborts end it at once
 * unless it is held as a sender.
 */
import { AWAY_CHOSEN, AWAY_IDLE, AWAY_LINED, away_free, away_withdraw } from './away'
import { MAIL_END, MAIL_FIRM, MAIL_HOLD, complete_end, unparked, waiter_drop } from './claim'
import { asked, granted, killed } from './channel'
import {
  KIND_RECEIVE, KIND_SELECT, KIND_SEND, OP_FREE, OP_HELD, OP_OFFERED, complete, complete_message,
  complete_sends, offer_message, parting,
} from './operation'
import { Payload } from './payload'
import { say_ask, say_grant } from './say'
import {
  AIM_LATCH, FIRM, IS_AGAIN, IS_SENT, IS_STRUCK, Operation, SEND, Waiter, flagged, is,
  no_payload, no_waiter, waiter_free,
} from './waiter'
import {
  COMPLETION_FLAG_AGAIN, COMPLETION_FLAG_UNKNOWN, ERROR_LEFT, ERROR_OK, ERROR_WOULD_BLOCK,
  WHICH_DEFAULT,
} from './tables'

/** The abort of an operation whose own timer case is due. */
const ABORT_AFTER: u8 = 255

// @ts-ignore: decorator
@inline function away(w: Waiter): bool { return is(w.peer) }

function line_push(op: Operation, w: Waiter, claim: u8): void {
  if (away(w)) w.phase = AWAY_LINED
  w.aim = away(w) ? claim : w.aim
  w.line_next = no_waiter
  if (is(op.line_last)) op.line_last.line_next = w
  else op.line_first = w
  op.line_last = w
}

function unlink_case(op: Operation, w: Waiter): void {
  if (op.first == w) op.first = w.case_next
  else {
    let before = op.first
    while (before.case_next != w) before = before.case_next
    before.case_next = w.case_next
  }
  w.case_next = no_waiter
}

/** Takes one offer back and frees it. */
function drop_case(w: Waiter): void {
  if (away(w)) away_withdraw(w)
  else {
    if (is(w.channel)) killed(w, false)
    waiter_drop(w)
  }
}

function drop_cases(op: Operation): void {
  while (is(op.first)) {
    const w = op.first
    op.first = w.case_next
    drop_case(w)
  }
}

/** Grants what the owner claimed for w. */
function grant(w: Waiter): void {
  if (away(w)) {
    say_grant(w, 1)
    w.seq = w.peer.made
  } else granted(w)
}

/** Grants for the last time, and frees the offer. */
function grant_last(w: Waiter): void {
  grant(w)
  if (away(w)) away_free(w)
  else waiter_drop(w)
}

/** The message that a firm claim carries; the offer keeps it no more. */
function take_message(w: Waiter): Payload {
  const from = away(w) || w.aim == AIM_LATCH ? w : w.partner
  const payload = from.payload
  from.payload = no_payload
  if (from != w) unparked(from, payload)
  return payload
}

function message_flags(w: Waiter): u32 {
  const from = away(w) || w.aim == AIM_LATCH ? w : w.partner
  return flagged(from, IS_AGAIN) ? COMPLETION_FLAG_AGAIN : 0
}

/** The operation ends with w's message. */
function take(op: Operation, w: Waiter): void {
  const flags = message_flags(w)
  const payload = take_message(w)
  const which = w.which
  unlink_case(op, w)
  drop_cases(op)
  grant_last(w)
  complete_message(op, which, flags, payload)
}

/** The operation ends with w's case as its owner says; `final`: the owner has forgotten it. */
function finish(op: Operation, w: Waiter, status: u32, final: bool): void {
  const which = w.which
  // The other offers of a list go on.
  if (op.sends == 0) unlink_case(op, w)
  drop_cases(op)
  if (!final) grant_last(w)
  else if (away(w)) away_free(w)
  else waiter_drop(w)
  complete_end(op, status, which, 1)
}

/** The operation ends by itself: aborted, timed out, lost, its timer case. */
export function end_operation(op: Operation, status: u32, which: u32, flags: u32): void {
  drop_cases(op)
  complete(op, status, which, flags, 0)
}

/** A firm claim on a free operation, or the commit of a held receive (rule 2, rule 11). */
function accept(op: Operation, w: Waiter): void {
  // A grant after the goodbye would not be heard: the owner gives the message to another.
  if (parting && away(w)) return
  if (w.status != ERROR_OK) {
    finish(op, w, w.status, false)
    return
  }
  if (!op.hold) {
    take(op, w)
    return
  }
  op.state = OP_OFFERED
  op.holder = w
  if (away(w)) w.phase = AWAY_CHOSEN
  const from = away(w) || w.aim == AIM_LATCH ? w : w.partner
  offer_message(op, w.which, message_flags(w), from.payload)
}

/** A hold claim came in (rules 2 and 3). */
export function on_hold(w: Waiter): void {
  const op = w.op
  if (parting && away(w)) return
  if (op.state != OP_FREE) {
    line_push(op, w, MAIL_HOLD)
    return
  }
  op.state = OP_HELD
  op.holder = w
  if (away(w)) w.phase = AWAY_CHOSEN
  grant(w)
}

/** A firm claim came in: a message, or the channel's end (in w.status). */
export function on_firm(w: Waiter): void {
  const op = w.op
  if (op.state == OP_FREE || op.state == OP_HELD && op.holder == w) accept(op, w)
  else line_push(op, w, MAIL_FIRM)
}

/** A held operation is let go (rules 5, 6 and 21). */
export function on_unhold(w: Waiter): void {
  const op = w.op
  op.state = OP_FREE
  op.holder = no_waiter
  if (away(w)) w.phase = AWAY_IDLE
  if (op.abort == ABORT_AFTER) end_operation(op, ERROR_OK, op.after_case, 0)
  else if (op.abort != 0) end_operation(op, op.abort, 0, 0)
  else if (op.lost != 0) end_operation(op, op.lost, op.lost_case, 0)
  else if (op.nones != 0 && op.nones == op.cases) end_operation(op, ERROR_OK, WHICH_DEFAULT, 0)
  else serve(op)
}

function serve(op: Operation): void {
  const w = op.line_first
  if (!is(w)) return
  op.line_first = w.line_next
  if (!is(op.line_first)) op.line_last = no_waiter
  w.line_next = no_waiter
  const claim = away(w) ? w.aim : w.phase == FIRM ? MAIL_FIRM : MAIL_HOLD
  if (away(w)) {
    w.phase = AWAY_IDLE
    w.aim = 0
  }
  if (claim == MAIL_FIRM) on_firm(w)
  else on_hold(w)
}

/** An offer's end, said by its owner: commit, closed for a plain send, nothing ready, refused. */
export function on_end(w: Waiter, status: u8): void {
  const op = w.op
  if (op.kind != KIND_SELECT) {
    finish(op, w, status, true)
    return
  }
  if (op.holder == w || status != ERROR_WOULD_BLOCK && op.state == OP_FREE) {
    finish(op, w, status, true)
    return
  }
  const which = w.which
  unlink_case(op, w)
  if (away(w)) away_free(w)
  else waiter_drop(w)
  if (status == ERROR_WOULD_BLOCK) {
    op.nones++
    if (op.state == OP_FREE && op.nones == op.cases) {
      end_operation(op, ERROR_OK, WHICH_DEFAULT, 0)
    }
  } else if (op.lost == 0) {
    op.lost = status
    op.lost_case = which
  }
}

/** Opens one piece of mail of a local offer. */
export function open_mail(w: Waiter): void {
  const mail = w.mail
  w.mail = 0
  if (flagged(w, IS_STRUCK)) waiter_free(w)
  else if (mail == MAIL_HOLD) on_hold(w)
  else if (mail == MAIL_FIRM) on_firm(w)
  else if (mail == MAIL_END) on_end(w, w.status)
  else on_unhold(w)
}

/** Rules 5 and 16: the host withdraws, the time is over, or a timer case is due. */
export function abort(op: Operation, status: u8): void {
  if (op.kind == KIND_SEND) {
    const w = op.first
    if (op.abort != 0 || !is(w)) return
    op.abort = status
    if (!away(w)) asked(w)
    else if (flagged(w, IS_SENT)) say_ask(w)
    else end_operation(op, status, 0, 0)
    return
  }
  if (op.state == OP_HELD && op.holder.direction == SEND) {
    if (op.abort == 0) op.abort = status
    return
  }
  if (status == ABORT_AFTER) end_operation(op, ERROR_OK, op.after_case, 0)
  else end_operation(op, status, 0, 0)
}

/** The select's own timer case is due. */
export function after_due(op: Operation): void {
  abort(op, ABORT_AFTER)
}

/** The host takes what it was offered; false when nothing is offered, or it is too late. */
export function take_offered(op: Operation): bool {
  if (op.state != OP_OFFERED || parting && away(op.holder)) return false
  take(op, op.holder)
  return true
}

/** The owner of an away offer is gone (rule 6). Frees the offer. */
export function owner_lost(w: Waiter): void {
  const op = w.op
  const sent = flagged(w, IS_SENT)
  const which = w.which
  const unknown = COMPLETION_FLAG_UNKNOWN
  if (op.kind == KIND_SEND) {
    op.first = no_waiter
    away_free(w)
    complete_sends(op, ERROR_LEFT, which, sent ? unknown : 0, 1)
    return
  }
  if (op.kind == KIND_RECEIVE || op.state == OP_FREE || op.holder == w) {
    const held_sender = op.state == OP_HELD && op.holder == w && w.direction == SEND
    unlink_case(op, w)
    away_free(w)
    end_operation(op, ERROR_LEFT, which, held_sender ? unknown : 0)
    return
  }
  line_remove(op, w)
  unlink_case(op, w)
  away_free(w)
  if (op.lost == 0) {
    op.lost = <u8>ERROR_LEFT
    op.lost_case = which
  }
}

function line_remove(op: Operation, w: Waiter): void {
  let before = no_waiter
  for (let at = op.line_first; is(at); at = at.line_next) {
    if (at == w) {
      if (is(before)) before.line_next = w.line_next
      else op.line_first = w.line_next
      if (op.line_last == w) op.line_last = before
      w.line_next = no_waiter
      return
    }
    before = at
  }
}
