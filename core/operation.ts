/**
 * Operations: what the host asked for and has not been answered.
 *
 * Lives here: finding one by the host's id, the one completion of each. Does not live
 * here: the struct (waiter), what an operation does (select, request, reader).
 *
 * Invariants: an operation is in `slots` from its start to its completion; it completes once; the
 * host's slot numbers are small, so the table is as long as the largest.
 */
import { alloc, release } from './heap'
import { emit } from './ring'
import { Payload, payload_free, payload_ref } from './payload'
import { timer_clear, timer_set } from './timer'
import { NARROW_OPERATION_BYTES, Operation, is, no_operation } from './waiter'
import { ref_retain } from './reference'
import {
  COMPLETION_FLAG_MESSAGE, COMPLETION_FLAG_PART, COMPLETION_FLAG_SHARED, OPERATIONS_MAX,
  OUT_COMPLETION, OUT_COMPLETION_BYTES, OUT_COMPLETION_FLAGS, OUT_COMPLETION_OP,
  OUT_COMPLETION_PAYLOAD, OUT_COMPLETION_PAYLOAD_BYTES, OUT_COMPLETION_REFS_COUNT,
  OUT_COMPLETION_STATUS, OUT_COMPLETION_VALUE, OUT_COMPLETION_WHICH, OUT_OFFERED, OUT_OFFERED_BYTES,
  OUT_OFFERED_FLAGS, OUT_OFFERED_OP, OUT_OFFERED_PAYLOAD, OUT_OFFERED_PAYLOAD_BYTES,
  OUT_OFFERED_REFS_COUNT, OUT_OFFERED_WHICH,
} from './tables'

export const KIND_SEND: u8 = 1
export const KIND_RECEIVE: u8 = 2
export const KIND_SELECT: u8 = 3
export const KIND_REQUEST: u8 = 4
export const KIND_READ: u8 = 6
export const KIND_LEAVE: u8 = 7

/** States at the arbiter (PROTOCOL rule 1; OFFERED is a firm claim that waits for `take`). */
export const OP_FREE: u8 = 0
export const OP_HELD: u8 = 1
export const OP_OFFERED: u8 = 2

export const TIMER_OPERATION: u32 = 1
export const TIMER_CASE: u32 = 2

const SLOT_MASK: u32 = 0xfffff
const SLOTS_FIRST: u32 = 64
let slots: usize = 0
let slots_count: u32 = 0
/** Operations under way. */
export let operations: u32 = 0
/** This peer has said goodbye: it takes nothing more from other owners (rule 23). */
export let parting: bool = false

/** From now on no claim of another owner is granted. */
export function part(): void {
  parting = true
}

function widen(slot: u32): void {
  let count = max(slots_count, SLOTS_FIRST)
  while (count <= slot) count *= 2
  const wider = alloc(count << 2)
  if (slots != 0) {
    memory.copy(wider, slots, slots_count << 2)
    release(slots, slots_count << 2)
  }
  slots = wider
  slots_count = count
}

/** True when the host may use this id for a new operation. */
export function op_usable(id: u32): bool {
  const slot = id & SLOT_MASK
  if (slot == 0 || slot > OPERATIONS_MAX) return false
  return slot >= slots_count || load<u32>(slots + (<usize>slot << 2)) == 0
}

/** A new operation; `op_usable` must have said yes. */
export function op_new(id: u32, kind: u8): Operation {
  const wide = kind > KIND_RECEIVE
  const op = changetype<Operation>(alloc(wide ? offsetof<Operation>() : NARROW_OPERATION_BYTES))
  op.wide = wide
  op_begin(op, id, kind)
  return op
}

/** Gives an operation its id, from now on and until `op_end`. */
export function op_begin(op: Operation, id: u32, kind: u8): void {
  const slot = id & SLOT_MASK
  if (slot >= slots_count) widen(slot)
  op.id = id
  op.kind = kind
  // One that is begun again may have been a reader's.
  op.subject = 0
  store<u32>(slots + (<usize>slot << 2), <u32>changetype<usize>(op))
  operations++
}

/** Takes its id from an operation. */
export function op_end(op: Operation): void {
  store<u32>(slots + (<usize>(op.id & SLOT_MASK) << 2), 0)
  operations--
}

export function op_find(id: u32): Operation {
  const slot = id & SLOT_MASK
  if (slot >= slots_count) return no_operation
  const op = changetype<Operation>(<usize>load<u32>(slots + (<usize>slot << 2)))
  return is(op) && op.id == id ? op : no_operation
}

/** Walks the operations: the first under way in a slot from `slot` on, or null. */
export function op_from(slot: u32): Operation {
  for (; slot < slots_count; slot++) {
    const op = changetype<Operation>(<usize>load<u32>(slots + (<usize>slot << 2)))
    if (is(op)) return op
  }
  return no_operation
}

/** The slot of an operation. */
// @ts-ignore: decorator
@inline export function op_slot(op: Operation): u32 { return op.id & SLOT_MASK }

export function op_timeout(op: Operation, ms: u32): void {
  if (ms != 0) op.timer = timer_set(ms, TIMER_OPERATION, changetype<usize>(op))
}

export function op_free(op: Operation): void {
  if (is(op.timer)) timer_clear(op.timer)
  const wide = op.wide
  if (wide && is(op.after)) timer_clear(op.after)
  op_end(op)
  release(changetype<usize>(op), wide ? offsetof<Operation>() : NARROW_OPERATION_BYTES)
}

/** One completion, with room for `refs_count` references behind it. */
function completion(
  id: u32, status: u32, which: u32, flags: u32, handle: u32, bytes: u32, value: u32,
  refs_count: u32
): usize {
  const out = emit(OUT_COMPLETION, OUT_COMPLETION_BYTES + (refs_count << 2))
  store<u32>(out + OUT_COMPLETION_OP, id)
  store<u32>(out + OUT_COMPLETION_STATUS, status)
  store<u32>(out + OUT_COMPLETION_WHICH, which)
  store<u32>(out + OUT_COMPLETION_FLAGS, flags)
  store<u32>(out + OUT_COMPLETION_PAYLOAD, handle)
  store<u32>(out + OUT_COMPLETION_PAYLOAD_BYTES, bytes)
  store<u32>(out + OUT_COMPLETION_VALUE, value)
  store<u32>(out + OUT_COMPLETION_REFS_COUNT, refs_count)
  return out + OUT_COMPLETION_BYTES
}

/** A completion for an id that became no operation: refused, or done at once (status OK). */
export function refuse(id: u32, status: u32): void {
  completion(id, status, 0, 0, 0, 0, 0, 0)
}

/** The completion of an operation without a message; frees it. */
export function complete(op: Operation, status: u32, which: u32, flags: u32, value: u32): void {
  completion(op.id, status, which, flags, 0, 0, value, 0)
  op_free(op)
}

/**
 * `count` sends, or the only one, ended so, from the `which`th of the list on. The last frees the
 * operation.
 */
export function complete_sends(
  op: Operation, status: u32, which: u32, flags: u32, count: u32
): void {
  const rest = op.sends - count
  if (<i32>rest > 0) {
    op.sends = rest
    completion(op.id, status, which, flags | COMPLETION_FLAG_PART, 0, 0, count, 0)
  } else complete(op, status, which, flags, op.sends)
}

/** The completion with a message that has no references and goes to the host as a gift. */
export function complete_bare(id: u32, handle: u32, bytes: u32): void {
  completion(id, 0, 0, COMPLETION_FLAG_MESSAGE, handle, bytes, 0, 0)
}

/** The completion of open: the element's kind stands where others have a message's length. */
export function complete_element(op: Operation, element: u32, ref: u32): void {
  completion(op.id, 0, 0, 0, 0, element, ref, 0)
  op_free(op)
}

/**
 * The completion with a message; takes the caller's count on the payload and frees the operation. A
 * payload that nobody else needs goes to the host as a gift, else it is shared.
 */
export function complete_message(op: Operation, which: u32, flags: u32, payload: Payload): void {
  const count = payload.refs_count
  const gift = payload.count == 1
  flags |= COMPLETION_FLAG_MESSAGE | (gift ? 0 : COMPLETION_FLAG_SHARED)
  const refs = completion(op.id, 0, which, flags, payload.handle, payload.bytes, 0, count)
  for (let i: u32 = 0; i < count; i++) {
    const ref = payload_ref(payload, i)
    if (!gift) ref_retain(ref)
    store<u32>(refs + (<usize>i << 2), ref)
  }
  if (gift) payload_free(payload, true)
  else payload.count--
  op_free(op)
}

/** Shows a message to the host of a hold operation; the payload is lent. */
export function offer_message(op: Operation, which: u32, flags: u32, payload: Payload): void {
  const count = payload.refs_count
  const out = emit(OUT_OFFERED, OUT_OFFERED_BYTES + (count << 2))
  store<u32>(out + OUT_OFFERED_OP, op.id)
  store<u32>(out + OUT_OFFERED_WHICH, which)
  store<u32>(out + OUT_OFFERED_FLAGS, flags | COMPLETION_FLAG_MESSAGE)
  store<u32>(out + OUT_OFFERED_PAYLOAD, payload.handle)
  store<u32>(out + OUT_OFFERED_PAYLOAD_BYTES, payload.bytes)
  store<u32>(out + OUT_OFFERED_REFS_COUNT, count)
  for (let i: u32 = 0; i < count; i++) {
    store<u32>(out + OUT_OFFERED_BYTES + (<usize>i << 2), payload_ref(payload, i))
  }
}
