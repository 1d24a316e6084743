/**
 * Readers: a window of messages sent ahead of being asked for.
 *
 * Lives here: the arbiter's side of a prefetch window. Does not live here: what is out and goes
 * back at the owner (channel: reader_granted, killed).
 *
 * Invariants: a message that arrived is the owner's until a read takes it; grants are counted and
 * said once a run; a window holds messages of a buffer only. The reads of a reader without a window
 * are receives: on this core's own channels, and where the owner says that there is no buffer.
 */
import { alloc, release } from './heap'
import { away_add, away_free, away_withdraw } from './away'
import { header } from './fault'
import { receive_many_now, receive_now } from './now'
import {
  KIND_READ, KIND_RECEIVE, complete, complete_message, op_find, op_from, op_new, op_slot,
  op_timeout, op_usable, parting, refuse,
} from './operation'
import { PAIR_BYTES, Payload, payload_free } from './payload'
import { payload_done, ref_channel, ref_release, ref_remote, ref_retain } from './reference'
import { input } from './ring'
import { say_grant } from './say'
import { abort } from './select'
import { receive_from, receive_instead, record_bytes } from './start'
import { Table, table_add, table_find, table_new, table_remove } from './table'
import {
  IS_READER, Operation, RECEIVE, Waiter, is, no_operation, no_waiter, waiter_free, waiter_new,
} from './waiter'
import {
  COMPLETION_FLAG_AGAIN, ERROR_BAD_ARGUMENT, ERROR_LEAVING, ERROR_LEFT, ERROR_OK, ERROR_SCRUBBED,
  ERROR_TOO_MANY, ERROR_WITHDRAWN, ERROR_WRONG_KIND, HEADER_NOW_OP, HEADER_NOW_PAYLOAD,
  IN_READER_BYTES, IN_READER_END_BYTES, IN_READER_END_READER, IN_READER_OP, IN_READER_PREFETCH,
  IN_READER_REF, IN_READ_BYTES, IN_READ_OP, IN_READ_READER, IN_READ_TIMEOUT_MS, LIST_NOW_MAX,
  NOW_DONE, NOW_RECORD, OP_FLAG_TRY, PREFETCH_MAX, REF_REMOTE, TIMEOUT_MS_MAX,
} from './tables'

// @ts-ignore: decorator
@unmanaged
class Arrived {
  next: Arrived
  payload: Payload
  again: bool
}

// @ts-ignore: decorator
@unmanaged
export class Reader {
  id: u32
  ref: u32
  offer: Waiter
  first: Arrived
  last: Arrived
  reads_first: Operation
  reads_last: Operation
  arrived: u32
  prefetch: u32
  /** Taken and not yet granted. */
  taken: u32
  grant_next: Reader
  granting: bool
  /** Its reads are receives. */
  plain: bool
  status: u8
}

let readers: Table = changetype<Table>(0)
const no_reader: Reader = changetype<Reader>(0)
const no_arrived: Arrived = changetype<Arrived>(0)
let granting: Reader = no_reader

export function readers_open(): void {
  readers = table_new()
}

export function reader(record: usize): void {
  const id = load<u32>(record + IN_READER_OP)
  const ref = load<u32>(record + IN_READER_REF)
  const prefetch = load<u32>(record + IN_READER_PREFETCH)
  let status: u32 = ERROR_OK
  const remote = ref_remote(ref)
  if (record_bytes(record) != IN_READER_BYTES || !op_usable(id) || prefetch == 0 ||
    prefetch > PREFETCH_MAX || (ref & REF_REMOTE) != 0 && !is(remote)) status = ERROR_BAD_ARGUMENT
  else if (is(remote) && remote.dead) status = ERROR_LEFT
  else if (!is(remote) && !is(ref_channel(ref))) status = ERROR_SCRUBBED
  if (status != ERROR_OK) {
    refuse(id, status)
    return
  }
  const r = changetype<Reader>(alloc(offsetof<Reader>()))
  r.ref = ref
  r.prefetch = prefetch
  r.plain = !is(remote)
  r.id = table_add(readers, changetype<usize>(r))
  ref_retain(ref)
  if (is(remote)) {
    const w = waiter_new(RECEIVE, true)
    w.flags = IS_READER
    w.seq = prefetch
    w.case_next = changetype<Waiter>(changetype<usize>(r))
    r.offer = w
    if (r.id == 0 || !away_add(w, remote)) {
      waiter_free(w)
      r.offer = no_waiter
      reader_free(r)
      refuse(id, ERROR_TOO_MANY)
      return
    }
  }
  complete(op_new(id, KIND_READ), ERROR_OK, 0, 0, r.id)
}

// A reader's offer has no operation; where others list cases it has its reader.
// @ts-ignore: decorator
@inline function reader_of(w: Waiter): Reader {
  return changetype<Reader>(changetype<usize>(w.case_next))
}

function reader_free(r: Reader): void {
  if (r.id != 0) table_remove(readers, r.id)
  ref_release(r.ref)
  release(changetype<usize>(r), offsetof<Reader>())
}

function took(r: Reader): void {
  r.taken++
  if (r.granting) return
  r.granting = true
  r.grant_next = granting
  granting = r
}

/** Says the grants of this run, and forgets readers' offers that have nothing out any more. */
export function readers_flush(): void {
  while (is(granting)) {
    const r = granting
    granting = r.grant_next
    r.granting = false
    if (r.taken != 0 && is(r.offer)) say_grant(r.offer, r.taken)
    r.taken = 0
    if (is(r.offer) && r.status != ERROR_OK && r.arrived == 0) {
      away_free(r.offer)
      r.offer = no_waiter
    }
    if (r.id == 0) reader_free(r)
  }
}

function arrived_take(r: Reader): Arrived {
  const a = r.first
  r.first = a.next
  if (!is(r.first)) r.last = no_arrived
  r.arrived--
  return a
}

export function read(record: usize): void {
  const id = load<u32>(record + IN_READ_OP)
  const timeout_ms = load<u32>(record + IN_READ_TIMEOUT_MS)
  const r = changetype<Reader>(table_find(readers, load<u32>(record + IN_READ_READER)))
  if (record_bytes(record) != IN_READ_BYTES || !op_usable(id) || !is(r) ||
    timeout_ms > TIMEOUT_MS_MAX) {
    refuse(id, ERROR_BAD_ARGUMENT)
    return
  }
  if (r.plain) {
    receive_from(id, r.ref, timeout_ms, 0)
    const receive = op_find(id)
    if (is(receive)) receive.subject = changetype<usize>(r)
    return
  }
  if (parting) {
    refuse(id, ERROR_LEAVING)
    return
  }
  const op = op_new(id, KIND_READ)
  if (is(r.first)) {
    const a = arrived_take(r)
    const payload = a.payload
    const again = a.again
    release(changetype<usize>(a), offsetof<Arrived>())
    took(r)
    complete_message(op, 0, again ? COMPLETION_FLAG_AGAIN : 0, payload)
  } else if (r.status != ERROR_OK) complete(op, r.status, 0, 0, 0)
  else {
    op_timeout(op, timeout_ms)
    op.subject = changetype<usize>(r)
    op.previous = r.reads_last
    if (is(r.reads_last)) r.reads_last.next = op
    else r.reads_first = op
    r.reads_last = op
  }
}

/** Takes plain messages that have arrived into the list, `count` at most. Gives how many. */
function arrived_now(r: Reader, count: u32): u32 {
  let nth: u32 = 0
  for (; nth < count; nth++) {
    const a = r.first
    if (!is(a) || a.again || a.payload.refs_count != 0 || parting) break
    arrived_take(r)
    // Nobody was met.
    store<u64>(input + nth * PAIR_BYTES, a.payload.handle)
    payload_free(a.payload, true)
    release(changetype<usize>(a), offsetof<Arrived>())
    took(r)
  }
  store<u32>(header + HEADER_NOW_OP, 0)
  return nth
}

/**
 * Takes the next message of a reader that has arrived, or that stands in a channel of this core;
 * its grant goes out with the next run. Anything but NOW_DONE has changed nothing. spec: ABI-48
 */
export function read_now(id: u32): u32 {
  const r = changetype<Reader>(table_find(readers, id))
  if (!is(r)) return NOW_RECORD
  if (r.plain) return receive_now(0, r.ref, OP_FLAG_TRY)
  if (arrived_now(r, 1) == 0) return NOW_RECORD
  store<u32>(header + HEADER_NOW_PAYLOAD, load<u32>(input))
  return NOW_DONE
}

/** The same of many, into the list, `count` at most. Gives how many. spec: ABI-53 */
export function read_many_now(id: u32, count: u32): u32 {
  const r = changetype<Reader>(table_find(readers, id))
  if (!is(r)) return 0
  return r.plain ? receive_many_now(r.ref, count) : arrived_now(r, min(count, LIST_NOW_MAX))
}

function unlist(r: Reader, op: Operation): void {
  if (is(op.previous)) op.previous.next = op.next
  else r.reads_first = op.next
  if (is(op.next)) op.next.previous = op.previous
  else r.reads_last = op.previous
  op.next = no_operation
  op.previous = no_operation
}

/** Ends a waiting read: withdrawn, timed out, or its reader's end. */
export function read_end(op: Operation, status: u32): void {
  unlist(changetype<Reader>(op.subject), op)
  complete(op, status, 0, 0, 0)
}

/** There is no window (rule 24): the reads that wait, and all later ones, are receives. */
function without_window(r: Reader): void {
  away_free(r.offer)
  r.offer = no_waiter
  r.plain = true
  while (is(r.reads_first)) {
    const op = r.reads_first
    unlist(r, op)
    receive_instead(op, r.ref)
  }
}

/** A message for a reader came in; false when it was over the window. Takes the payload. */
export function reader_arrived(w: Waiter, payload: Payload, again: bool): bool {
  const r = reader_of(w)
  const op = r.reads_first
  if (is(op) && !parting) {
    r.reads_first = op.next
    if (is(op.next)) op.next.previous = no_operation
    else r.reads_last = no_operation
    op.next = no_operation
    took(r)
    complete_message(op, 0, again ? COMPLETION_FLAG_AGAIN : 0, payload)
    return true
  }
  if (r.arrived + r.taken >= r.prefetch || r.status != ERROR_OK) return false
  const a = changetype<Arrived>(alloc(offsetof<Arrived>()))
  a.payload = payload
  a.again = again
  if (is(r.last)) r.last.next = a
  else r.first = a
  r.last = a
  r.arrived++
  return true
}

function fail_reads(r: Reader, status: u32): void {
  while (is(r.reads_first)) read_end(r.reads_first, status)
}

/** The owner says that nothing more comes; what has arrived is still read. */
export function reader_ended(w: Waiter, status: u8): void {
  const r = reader_of(w)
  if (status == ERROR_WRONG_KIND) {
    without_window(r)
    return
  }
  r.status = status
  fail_reads(r, status)
  if (r.arrived == 0 && r.taken == 0) {
    away_free(w)
    r.offer = no_waiter
  }
}

/** Ends the reads that wait as plain receives, which know their reader. */
function end_plain_reads(r: Reader): void {
  let op = op_from(1)
  while (is(op)) {
    const next_slot = op_slot(op) + 1
    if (op.kind == KIND_RECEIVE && op.subject == changetype<usize>(r)) {
      abort(op, <u8>ERROR_WITHDRAWN)
    }
    op = op_from(next_slot)
  }
}

function drop_arrived(r: Reader): void {
  while (is(r.first)) {
    const a = arrived_take(r)
    payload_done(a.payload)
    release(changetype<usize>(a), offsetof<Arrived>())
  }
}

/** The owner is gone, and what it had sent ahead with it. Frees the offer. */
export function reader_lost(w: Waiter): void {
  const r = reader_of(w)
  r.status = <u8>ERROR_LEFT
  r.offer = no_waiter
  drop_arrived(r)
  away_free(w)
  fail_reads(r, ERROR_LEFT)
}

/** The host stops a reader: unread messages are the owner's again. */
export function reader_end(record: usize): void {
  if (record_bytes(record) != IN_READER_END_BYTES) return
  const r = changetype<Reader>(table_find(readers, load<u32>(record + IN_READER_END_READER)))
  if (!is(r)) return
  // What was taken must be granted before the withdrawal says no to the rest.
  if (r.taken != 0 && is(r.offer)) say_grant(r.offer, r.taken)
  r.taken = 0
  if (is(r.offer)) away_withdraw(r.offer)
  r.offer = no_waiter
  r.status = <u8>ERROR_WITHDRAWN
  drop_arrived(r)
  fail_reads(r, ERROR_WITHDRAWN)
  if (r.plain) end_plain_reads(r)
  table_remove(readers, r.id)
  r.id = 0
  if (!r.granting) reader_free(r)
}
