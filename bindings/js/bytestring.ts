/**
 * Byte strings as CBOR items, the most frequent message: written and read without the encoder.
 *
 * Lives here: an item that is nothing but one byte string. Does not live here: byte strings inside
 * of other values, and all other items (values).
 */
import { copyBytes, copyOf } from './copy.ts'
import { Refusal } from './errors.ts'
import { Span } from './payload.ts'
import { MESSAGE_BYTES_MAX } from './tables.ts'

/** What the first three bits of the item say. */
export const MAJOR_BYTES = 2
/** What an engine keeps on its heap, where a copy costs no more than a view. */
const SMALL_BYTES_MAX = 64
/** Items that leave are placed in blocks; one that stays keeps no more than this alive. */
const BLOCK_BYTES = 8192
const PLACED_BYTES_MAX = 1024

let block = new Uint8Array(0)
let block_at = BLOCK_BYTES

/** Refuses with TOO_LARGE what is longer than a message may be. */
export function refuseLarge(bytes: number): void {
  if (bytes > MESSAGE_BYTES_MAX) throw new Refusal('TOO_LARGE', `a message of ${bytes} bytes`)
}

/** One byte string item with a copy of `value`. Refusal: TOO_LARGE. */
export function byteString(value: Uint8Array): Uint8Array {
  const head = headOf(value.length)
  refuseLarge(head + value.length)
  const item = new Uint8Array(head + value.length)
  writeItem(item, 0, head, value)
  return item
}

/**
 * As `byteString`, for an item that leaves this peer, so that no program here sees what lies around
 * it: small ones lie one behind the other. Beyond 64 bytes an array of its own would cost five
 * times as much.
 */
export function leavingString(value: Uint8Array): Uint8Array | Span {
  if (value.length > PLACED_BYTES_MAX) return byteString(value)
  const head = headOf(value.length)
  const item_bytes = head + value.length
  if (block_at + item_bytes > BLOCK_BYTES) {
    block = new Uint8Array(BLOCK_BYTES)
    block_at = 0
  }
  const from = block_at
  writeItem(block, from, head, value)
  block_at += item_bytes
  return new Span(block, from, block_at)
}

/**
 * As `byteString`, for an item that may stay: one whose content is copied out of it by whoever
 * receives it here, and which is no longer small itself, is placed as if it left.
 */
export function stayingString(value: Uint8Array): Uint8Array | Span {
  const count = value.length
  const placed = count <= SMALL_BYTES_MAX && count + headOf(count) > SMALL_BYTES_MAX
  return placed ? leavingString(value) : byteString(value)
}

function headOf(count: number): number {
  return count < 24 ? 1 : count < 0x100 ? 2 : count < 0x10000 ? 3 : 5
}

function writeItem(into: Uint8Array, at: number, head: number, value: Uint8Array): void {
  const count = value.length
  into[at] = MAJOR_BYTES << 5 | (head === 1 ? count : head === 2 ? 24 : head === 3 ? 25 : 26)
  for (let i = 1; i < head; i++) into[at + i] = count >>> (head - 1 - i) * 8
  copyBytes(value, 0, count, into, at + head)
}

/**
 * The content of the byte string item from `from` up to `to`, or undefined when it is something
 * else. A small one is a copy, any other a view.
 */
export function contentOf(bytes: Uint8Array, from: number, to: number): Uint8Array | undefined {
  const short = bytes[from]! & 31
  const head = short < 24 ? 1 : short === 24 ? 2 : short === 25 ? 3 : short === 26 ? 5 : 0
  const begin = from + head
  if (head === 0 || to < begin) return undefined
  let count = head === 1 ? short : 0
  for (let at = from + 1; at < begin; at++) count = count * 256 + bytes[at]!
  if (to !== begin + count) return undefined
  // What lies around it in a block are messages that have not gone yet.
  if (count > SMALL_BYTES_MAX && bytes.length !== BLOCK_BYTES) return bytes.subarray(begin, to)
  // A view costs as much and keeps all of the bytes alive; of bytes on the heap it costs 400 ns.
  return copyOf(bytes, begin, to)
}
