/**
 * Strings of bytes: copies that the core keeps, and comparing them.
 *
 * Lives here: `Text` (bytes with a length, in one block), equality, order, hash. Does not live
 * here: what the bytes mean (names: path; member; frame).
 *
 * Invariant: a Text is never changed after it was made.
 */
import { alloc, release } from './heap'

// @ts-ignore: decorator
@unmanaged
export class Text {
  bytes: u32
}

// @ts-ignore: decorator
@inline export function text_ptr(text: Text): usize {
  return changetype<usize>(text) + offsetof<Text>()
}

/** A Text of `bytes` bytes for the caller to fill, once. */
export function text_new(bytes: u32): Text {
  const text = changetype<Text>(alloc(offsetof<Text>() + bytes))
  text.bytes = bytes
  return text
}

/** Copies `bytes` bytes into a Text of the core's own. */
export function text_of(ptr: usize, bytes: u32): Text {
  const text = changetype<Text>(alloc(offsetof<Text>() + bytes))
  text.bytes = bytes
  memory.copy(text_ptr(text), ptr, bytes)
  return text
}

export function text_release(text: Text): void {
  if (changetype<usize>(text) != 0) {
    release(changetype<usize>(text), offsetof<Text>() + text.bytes)
  }
}

/** True when the text has exactly these bytes. */
export function text_is(text: Text, ptr: usize, bytes: u32): bool {
  return text.bytes == bytes && memory.compare(text_ptr(text), ptr, bytes) == 0
}

/** FNV-1a over the bytes, 32 bits. It goes over the wire: spec/membership.md MEM-5. */
export function text_hash(ptr: usize, bytes: u32): u32 {
  let hash: u32 = 0x811c9dc5
  for (let at = ptr; at < ptr + bytes; at++) hash = (hash ^ <u32>load<u8>(at)) * 0x01000193
  return hash
}

/** Order by bytes; a text that begins another comes first. */
export function bytes_compare(a: usize, a_bytes: u32, b: usize, b_bytes: u32): i32 {
  const order = memory.compare(a, b, min(a_bytes, b_bytes))
  if (order != 0) return order
  return a_bytes < b_bytes ? -1 : a_bytes > b_bytes ? 1 : 0
}

export function text_compare(a: Text, b: Text): i32 {
  return bytes_compare(text_ptr(a), a.bytes, text_ptr(b), b.bytes)
}

/** True for well-formed UTF-8 (RFC 3629) without control characters. */
export function readable(ptr: usize, bytes: u32): bool {
  const end = ptr + bytes
  while (ptr < end) {
    const lead = <u32>load<u8>(ptr)
    if (lead < 0x20 || lead == 0x7f) return false
    if (lead < 0x80) { ptr += 1; continue }
    const more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1
    if (lead < 0xc2 || lead > 0xf4 || ptr + <usize>more >= end) return false
    const second = <u32>load<u8>(ptr + 1)
    // The second byte rules out overlong forms, surrogates and what is past U+10FFFF.
    const low: u32 = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80
    const high: u32 = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf
    if (second < low || second > high) return false
    for (let i: usize = 2; i <= <usize>more; i++) {
      if ((<u32>load<u8>(ptr + i) & 0xc0) != 0x80) return false
    }
    ptr += 1 + <usize>more
  }
  return true
}
