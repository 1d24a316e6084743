/**
 * How operations on channels begin: the host's records send, receive, select and take.
 *
 * Lives here: checking a record whole before anything changes, making its offers, the order in
 * which a select tries its cases. Does not live here: what happens next (select, match), records of
 * other kinds (request, reader).
 *
 * Invariants: a bad record changes nothing and gives its payloads back; cases whose owner is here
 * are tried in a random order, so that the choice among ready ones is uniform; cases elsewhere are
 * sent only if none of those was ready.
 */
import { away_add } from './away'
import { park } from './channel'
import { waiter_drop } from './claim'
import { message_bytes_max } from './limit'
import {
  KIND_RECEIVE, KIND_SELECT, KIND_SEND, TIMER_CASE, complete, op_find, op_new, op_timeout,
  complete_bare, op_usable, refuse,
} from './operation'
import { receive_now, send_now, taken_bytes } from './now'
import { Payload, drop_handle, payload_new, payload_refs_open } from './payload'
import { random_below } from './random'
import { ref_channel, ref_remote, ref_retain } from './reference'
import { header } from './fault'
import { abort, after_due, take_offered } from './select'
import { settle } from './settle'
import { timer_set } from './timer'
import { IS_SELECT, IS_TRY, Operation, RECEIVE, SEND, Waiter, is, waiter_new } from './waiter'
import {
  CASES_MAX, CASE_AFTER, CASE_RECEIVE, CASE_SEND, ERROR_BAD_ARGUMENT, ERROR_CLOSED, ERROR_LEFT,
  ERROR_OK, ERROR_SCRUBBED, ERROR_TOO_LARGE, ERROR_TOO_MANY, ERROR_WOULD_BLOCK, HEADER_NOW_OP,
  HEADER_NOW_PAYLOAD, NOW_DONE, NOW_NONE, NOW_RECORD, IN_RECEIVE_BYTES, IN_RECEIVE_FLAGS,
  IN_RECEIVE_OP, IN_RECEIVE_REF, IN_RECEIVE_TIMEOUT_MS, IN_SELECT_BYTES, IN_SELECT_CASES_COUNT,
  IN_SELECT_FLAGS, IN_SELECT_OP, IN_SELECT_TIMEOUT_MS, IN_SEND_BYTES, IN_SEND_FLAGS, IN_SEND_OP,
  IN_SEND_PAYLOAD, IN_SEND_PAYLOAD_BYTES, IN_SEND_REF, IN_SEND_REFS_COUNT, IN_SEND_TIMEOUT_MS,
  IN_TAKE_BYTES, IN_TAKE_OP, OP_FLAG_HOLD, OP_FLAG_TRY, REFS_PER_MESSAGE_MAX, REF_REMOTE,
  TIMEOUT_MS_MAX, WHICH_DEFAULT,
} from './tables'

/** Bytes of a select's case before its references. */
const CASE_BYTES: u32 = 16
const order: usize = memory.data(CASES_MAX * 4)

// @ts-ignore: decorator
@inline function field(record: usize, offset: u32): u32 {
  return load<u32>(record + offset)
}

// @ts-ignore: decorator
@inline export function record_bytes(record: usize): u32 {
  return load<u32>(record) >> 16 << 2
}

/** True when the channel of a reference is at another peer. */
// @ts-ignore: decorator
@inline function far(ref: u32): bool { return (ref & REF_REMOTE) != 0 }

/** 0, or why an operation on this reference cannot begin. */
function ref_status(ref: u32, sending: bool): u32 {
  if (far(ref)) {
    const remote = ref_remote(ref)
    if (!is(remote)) return ERROR_BAD_ARGUMENT
    return remote.dead ? ERROR_LEFT : ERROR_OK
  }
  const channel = ref_channel(ref)
  if (!is(channel)) return ref == 0 ? ERROR_BAD_ARGUMENT : ERROR_SCRUBBED
  return sending && channel.latch && channel.used != 0 ? ERROR_CLOSED : ERROR_OK
}

/** 0, or why this message cannot be sent. */
function message_status(handle: u32, bytes: u32, refs: usize, count: u32): u32 {
  if (handle == 0 || count > REFS_PER_MESSAGE_MAX) return ERROR_BAD_ARGUMENT
  if (bytes > message_bytes_max) return ERROR_TOO_LARGE
  for (let i: u32 = 0; i < count; i++) {
    const ref = load<u32>(refs + (<usize>i << 2))
    if (is(ref_channel(ref)) || is(ref_remote(ref))) continue
    return ref == 0 || far(ref) ? ERROR_BAD_ARGUMENT : ERROR_SCRUBBED
  }
  return ERROR_OK
}

function message(handle: u32, bytes: u32, refs: usize, count: u32): Payload {
  const payload = payload_new(handle, bytes)
  payload_refs_open(payload, count)
  for (let i: u32 = 0; i < count; i++) {
    const ref = load<u32>(refs + (<usize>i << 2))
    store<u32>(payload.refs + (<usize>i << 2), ref)
    ref_retain(ref)
  }
  return payload
}

/** Puts an offer at its owner; false when no more offers can be named. */
function place_offer(op: Operation, w: Waiter, ref: u32): bool {
  w.op = op
  w.case_next = op.first
  op.first = w
  if (!far(ref)) {
    park(ref_channel(ref), w)
    return true
  }
  if (away_add(w, ref_remote(ref))) return true
  op.first = w.case_next
  waiter_drop(w)
  return false
}

function begin_plain(op: Operation, w: Waiter, ref: u32, timeout_ms: u32): void {
  op_timeout(op, timeout_ms)
  if (!place_offer(op, w, ref)) complete(op, ERROR_TOO_MANY, 0, 0, 0)
}

export function send(record: usize): void {
  const refs_count = field(record, IN_SEND_REFS_COUNT)
  const refs = record + IN_SEND_BYTES
  const handle = field(record, IN_SEND_PAYLOAD)
  const bytes = field(record, IN_SEND_PAYLOAD_BYTES)
  const ref = field(record, IN_SEND_REF)
  const id = field(record, IN_SEND_OP)
  let status: u32 = ERROR_BAD_ARGUMENT
  if (refs_count <= REFS_PER_MESSAGE_MAX && op_usable(id) &&
    record_bytes(record) == IN_SEND_BYTES + (refs_count << 2) &&
    field(record, IN_SEND_TIMEOUT_MS) <= TIMEOUT_MS_MAX) {
    status = message_status(handle, bytes, refs, refs_count)
    if (status == ERROR_OK) status = ref_status(ref, true)
  }
  if (status != ERROR_OK) {
    drop_handle(handle)
    refuse(id, status)
    return
  }
  const flags = field(record, IN_SEND_FLAGS)
  const timeout_ms = field(record, IN_SEND_TIMEOUT_MS)
  if ((refs_count | timeout_ms) == 0 && sent_now(id, ref, handle, bytes, flags)) return
  const w = waiter_new(SEND, far(ref))
  w.payload = message(handle, bytes, refs, refs_count)
  if ((flags & OP_FLAG_TRY) != 0) w.flags = IS_TRY
  begin_plain(op_new(id, KIND_SEND), w, ref, timeout_ms)
}

/** The short way of a send, with its completions. False: nothing was done. */
function sent_now(id: u32, ref: u32, handle: u32, bytes: u32, flags: u32): bool {
  const found = send_now(id, ref, handle, bytes, flags)
  if (found == NOW_DONE) {
    const other = load<u32>(header + HEADER_NOW_OP)
    // A message that has its place is sent before it is received.
    const placed = ref_channel(ref).capacity != 0
    if (placed) refuse(id, ERROR_OK)
    if (other != 0) complete_bare(other, handle, bytes)
    if (!placed) refuse(id, ERROR_OK)
  } else if (found == NOW_NONE) {
    drop_handle(handle)
    refuse(id, ERROR_WOULD_BLOCK)
  }
  return found != NOW_RECORD
}

/** A plain receive on a reference; also what a reader of this core's own channel does. */
export function receive_from(id: u32, ref: u32, timeout_ms: u32, flags: u32): void {
  const status = timeout_ms > TIMEOUT_MS_MAX ? ERROR_BAD_ARGUMENT : ref_status(ref, false)
  if (status != ERROR_OK) {
    refuse(id, status)
    return
  }
  if (timeout_ms == 0 && (flags & OP_FLAG_HOLD) == 0 && received_now(id, ref, flags)) return
  const w = waiter_new(RECEIVE, far(ref))
  if ((flags & OP_FLAG_TRY) != 0) w.flags = IS_TRY
  const op = op_new(id, KIND_RECEIVE)
  op.hold = (flags & OP_FLAG_HOLD) != 0
  begin_plain(op, w, ref, timeout_ms)
}

/** The short way of a receive, with its completions. False: nothing was done. */
function received_now(id: u32, ref: u32, flags: u32): bool {
  const found = receive_now(id, ref, flags)
  if (found == NOW_DONE) {
    const other = load<u32>(header + HEADER_NOW_OP)
    complete_bare(id, load<u32>(header + HEADER_NOW_PAYLOAD), taken_bytes)
    if (other != 0) refuse(other, ERROR_OK)
  } else if (found == NOW_NONE) refuse(id, ERROR_WOULD_BLOCK)
  return found != NOW_RECORD
}

/** An operation that waited in another way goes on as a plain receive. */
export function receive_instead(op: Operation, ref: u32): void {
  op.kind = KIND_RECEIVE
  const w = waiter_new(RECEIVE, far(ref))
  if (!place_offer(op, w, ref)) complete(op, ERROR_TOO_MANY, 0, 0, 0)
}

export function receive(record: usize): void {
  const id = field(record, IN_RECEIVE_OP)
  if (record_bytes(record) != IN_RECEIVE_BYTES || !op_usable(id)) {
    refuse(id, ERROR_BAD_ARGUMENT)
    return
  }
  receive_from(id, field(record, IN_RECEIVE_REF), field(record, IN_RECEIVE_TIMEOUT_MS),
    field(record, IN_RECEIVE_FLAGS))
}

// A case: kind | refs_count << 16, reference or milliseconds, payload, payload bytes, references.
// @ts-ignore: decorator
@inline function case_kind(at: usize): u32 { return load<u32>(at) & 0xffff }
// @ts-ignore: decorator
@inline function case_refs(at: usize): u32 { return load<u32>(at) >> 16 }
// @ts-ignore: decorator
@inline function case_ref(at: usize): u32 { return load<u32>(at, 4) }
// @ts-ignore: decorator
@inline function case_payload(at: usize): u32 { return load<u32>(at, 8) }
// @ts-ignore: decorator
@inline function case_bytes(at: usize): u32 { return load<u32>(at, 12) }

/** Notes where each case (of the first CASES_MAX) begins; false: the record is not what it says. */
function cases_found(record: usize, count: u32): bool {
  const end = record + record_bytes(record)
  let at = record + IN_SELECT_BYTES
  for (let i: u32 = 0; i < count; i++) {
    if (at + CASE_BYTES > end) return false
    if (i < CASES_MAX) store<u32>(order + (<usize>i << 2), <u32>at)
    const refs = case_refs(at)
    if (refs > REFS_PER_MESSAGE_MAX) return false
    at += CASE_BYTES + (refs << 2)
  }
  return at == end
}

/** Gives back the payloads of a whole record that has more cases than `order` has room for. */
function cases_drop(record: usize, count: u32): void {
  let at = record + IN_SELECT_BYTES
  for (let i: u32 = 0; i < count; i++) {
    if (case_kind(at) == CASE_SEND) drop_handle(case_payload(at))
    at += CASE_BYTES + (case_refs(at) << 2)
  }
}

function case_status(at: usize): u32 {
  const kind = case_kind(at)
  if (kind == CASE_AFTER) return case_ref(at) > TIMEOUT_MS_MAX ? ERROR_BAD_ARGUMENT : ERROR_OK
  if (kind != CASE_RECEIVE && kind != CASE_SEND) return ERROR_BAD_ARGUMENT
  if (kind == CASE_SEND) {
    const status = message_status(case_payload(at), case_bytes(at), at + CASE_BYTES, case_refs(at))
    if (status != ERROR_OK) return status
  }
  return ref_status(case_ref(at), kind == CASE_SEND)
}

/** Gives every payload back and completes with the case that is to blame. */
function select_refuse(id: u32, count: u32, status: u32, which: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const at = <usize>load<u32>(order + (<usize>i << 2))
    if (case_kind(at) == CASE_SEND) drop_handle(case_payload(at))
  }
  if (op_usable(id)) complete(op_new(id, KIND_SELECT), status, which, 0, 0)
  else refuse(id, status)
}

/** Sets the select's timer: the earliest of its timer cases. */
function after_begin(op: Operation, count: u32): void {
  let earliest: u32 = TIMEOUT_MS_MAX
  let found = false
  for (let i: u32 = 0; i < count; i++) {
    const at = <usize>load<u32>(order + (<usize>i << 2))
    if (case_kind(at) != CASE_AFTER || found && case_ref(at) >= earliest) continue
    found = true
    earliest = case_ref(at)
    op.after_case = <u16>i
  }
  if (found) op.after = timer_set(earliest, TIMER_CASE, changetype<usize>(op))
}

function case_offer(at: usize, which: u32, flags: u32): Waiter {
  const sending = case_kind(at) == CASE_SEND
  const w = waiter_new(sending ? SEND : RECEIVE, far(case_ref(at)))
  w.which = <u8>which
  w.flags = IS_SELECT | ((flags & OP_FLAG_TRY) != 0 ? IS_TRY : 0)
  if (sending) {
    w.payload = message(case_payload(at), case_bytes(at), at + CASE_BYTES, case_refs(at))
  }
  return w
}

// @ts-ignore: decorator
@inline function elsewhere(at: usize): bool {
  return case_kind(at) != CASE_AFTER && far(case_ref(at))
}

/** Gives back the payloads of cases from `from` on that were not tried. */
function untried(shuffled: usize, from: u32, count: u32): void {
  for (let i = from; i < count; i++) {
    const which = load<u32>(shuffled + (<usize>i << 2))
    const at = <usize>load<u32>(order + (<usize>which << 2))
    if (case_kind(at) == CASE_SEND) drop_handle(case_payload(at))
  }
}

const shuffled: usize = memory.data(CASES_MAX * 4)

/** A random order with the cases of this core first. Gives the number of those. */
function shuffle(count: u32): u32 {
  let here: u32 = 0
  let there = count
  for (let i: u32 = 0; i < count; i++) {
    const at = <usize>load<u32>(order + (<usize>i << 2))
    if (elsewhere(at)) {
      there--
      store<u32>(shuffled + (<usize>there << 2), i)
    } else {
      store<u32>(shuffled + (<usize>here << 2), i)
      here++
    }
  }
  for (let i = here; i > 1; i--) {
    const other = shuffled + (<usize>random_below(i) << 2)
    const last = shuffled + (<usize>(i - 1) << 2)
    const kept = load<u32>(other)
    store<u32>(other, load<u32>(last))
    store<u32>(last, kept)
  }
  return here
}

/** Tries the cases one after the other until the select has ended. */
function select_begin(id: u32, op: Operation, count: u32, flags: u32): void {
  shuffle(count)
  for (let i: u32 = 0; i < count; i++) {
    const which = load<u32>(shuffled + (<usize>i << 2))
    const at = <usize>load<u32>(order + (<usize>which << 2))
    if (case_kind(at) == CASE_AFTER) {
      if (case_ref(at) != 0) continue
      untried(shuffled, i + 1, count)
      // A case before it may hold the select as a sender: then the outcome comes first (rule 5).
      op.after_case = <u16>which
      after_due(op)
      return
    }
    const w = case_offer(at, which, flags)
    if (!place_offer(op, w, case_ref(at))) {
      untried(shuffled, i + 1, count)
      abort(op, <u8>ERROR_TOO_MANY)
      return
    }
    if (!elsewhere(at)) settle()
    if (op_find(id) != op) {
      untried(shuffled, i + 1, count)
      return
    }
  }
}

export function select(record: usize): void {
  const id = field(record, IN_SELECT_OP)
  const count = field(record, IN_SELECT_CASES_COUNT)
  const flags = field(record, IN_SELECT_FLAGS)
  const found = cases_found(record, count)
  if (!found || count > CASES_MAX) {
    if (found) cases_drop(record, count)
    refuse(id, ERROR_BAD_ARGUMENT)
    return
  }
  let offers: u32 = 0
  for (let i: u32 = 0; i < count; i++) {
    const at = <usize>load<u32>(order + (<usize>i << 2))
    const status = case_status(at)
    if (status != ERROR_OK) {
      select_refuse(id, count, status, i)
      return
    }
    if (case_kind(at) != CASE_AFTER) offers++
  }
  const timeout_ms = field(record, IN_SELECT_TIMEOUT_MS)
  const trying = (flags & OP_FLAG_TRY) != 0
  if (!op_usable(id) || timeout_ms > TIMEOUT_MS_MAX || count == 0 && !trying && timeout_ms == 0) {
    select_refuse(id, count, ERROR_BAD_ARGUMENT, 0)
    return
  }
  const op = op_new(id, KIND_SELECT)
  op.cases = <u16>offers
  op.hold = (flags & OP_FLAG_HOLD) != 0
  if (offers == 0 && trying) {
    complete(op, ERROR_OK, WHICH_DEFAULT, 0, 0)
    return
  }
  op_timeout(op, timeout_ms)
  after_begin(op, count)
  select_begin(id, op, count, flags)
}

export function take(record: usize): void {
  if (record_bytes(record) != IN_TAKE_BYTES) return
  const op = op_find(field(record, IN_TAKE_OP))
  if (is(op)) take_offered(op)
}
