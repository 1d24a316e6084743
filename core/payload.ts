/**
 * Messages' bytes as the core sees them: a handle of the host, a length, and references.
 *
 * Lives here: counting who still needs a payload, and saying `drop` when nobody does. Does not live
 * here: the bytes (host), what a reference means (reference).
 *
 * Invariants: every payload that came in leaves exactly once, as a gift or as a drop; `refs` holds
 * one count on each of its references until then.
 */
import { alloc, release } from './heap'
import { emit } from './ring'
import { OUT_DROP, OUT_DROP_BYTES, OUT_DROP_PAYLOAD } from './tables'

// @ts-ignore: decorator
@unmanaged
export class Payload {
  handle: u32
  bytes: u32
  count: u32
  refs: usize
  refs_count: u32
  /** The next message of the same series of sends. */
  next: Payload
}

/** A payload in a list: its handle, then its length. */
export const PAIR_BYTES: u32 = 8

export const no_payload: Payload = changetype<Payload>(0)

export function payload_new(handle: u32, bytes: u32): Payload {
  const payload = changetype<Payload>(alloc(offsetof<Payload>()))
  payload.handle = handle
  payload.bytes = bytes
  payload.count = 1
  return payload
}

// @ts-ignore: decorator
@inline export function payload_ref(payload: Payload, index: u32): u32 {
  return load<u32>(payload.refs + (<usize>index << 2))
}

/** Makes room for the ids of `count` references; the caller fills it. */
export function payload_refs_open(payload: Payload, count: u32): void {
  if (count == 0) return
  payload.refs = alloc(count << 2)
  payload.refs_count = count
}

/** Says drop for a handle that became no Payload. */
export function drop_handle(handle: u32): void {
  if (handle != 0) store<u32>(emit(OUT_DROP, OUT_DROP_BYTES) + OUT_DROP_PAYLOAD, handle)
}

/**
 * Frees the struct itself. `gift`: the host has the handle now. The references' counts are the
 * caller's matter (reference.payload_done): a gift hands them on.
 */
export function payload_free(payload: Payload, gift: bool): void {
  if (!gift) drop_handle(payload.handle)
  if (payload.refs_count != 0) release(payload.refs, payload.refs_count << 2)
  release(changetype<usize>(payload), offsetof<Payload>())
}
