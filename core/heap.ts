/**
 * Memory of the core: blocks by size class.
 *
 * Lives here: alloc and release of blocks, the count of bytes in use, telling a pointer from none.
 * Does not live here: tables of ids (table), what is in a block.
 *
 * Invariants: a block is zeroed when it is given out; sizes up to 512 bytes go by steps of 8,
 * larger ones by powers of two; a released block stays in its class. Nothing is ever given back to
 * the engine, so the memory in use (`bytes_used`) and the memory held differ.
 */
const STEP_BITS: u32 = 3
const SMALL_BYTES_MAX: u32 = 512
const SMALL_CLASSES: u32 = SMALL_BYTES_MAX >> STEP_BITS
const BLOCK_BYTES_MAX: u32 = 1 << 26

/** Heads of the free lists: the small classes from 1 on, then the powers of two. */
const bins: usize = memory.data(4 * 128)
let top: usize = 0
let end: usize = 0

/** Bytes in blocks that are given out now. */
export let bytes_used: u32 = 0

// @ts-ignore: decorator
@inline function class_of(bytes: u32): u32 {
  if (bytes <= SMALL_BYTES_MAX) return (bytes + 7) >> STEP_BITS
  return SMALL_CLASSES + 32 - clz<u32>(bytes - 1)
}

// @ts-ignore: decorator
@inline function bytes_of(size_class: u32): u32 {
  return size_class <= SMALL_CLASSES ? size_class << STEP_BITS : 1 << (size_class - SMALL_CLASSES)
}

function grow(bytes: u32): usize {
  if (top == 0) {
    top = (__heap_base + 15) & ~15
    end = <usize>memory.size() << 16
  }
  if (top + bytes > end) {
    const need = <i32>((top + bytes - end + 0xffff) >> 16)
    // Doubling up to 16 MiB at a time keeps the number of grows small.
    const wish = max(need, min(memory.size(), 256))
    if (memory.grow(wish) < 0) assert(memory.grow(need) >= 0, 'out of memory')
    end = <usize>memory.size() << 16
  }
  const block = top
  top += bytes
  return block
}

/** A zeroed block of at least `bytes`; 0 bytes give the smallest block. */
export function alloc(bytes: u32): usize {
  assert(bytes <= BLOCK_BYTES_MAX, 'a block over its bound')
  const size_class = class_of(max<u32>(bytes, 1))
  const size = bytes_of(size_class)
  bytes_used += size
  const bin = bins + (<usize>size_class << 2)
  const block = <usize>load<u32>(bin)
  if (block == 0) return grow(size)
  store<u32>(bin, load<u32>(block))
  // Engines call out for memory.fill, which costs more than the stores of a small block.
  if (size > SMALL_BYTES_MAX) memory.fill(block, 0, size)
  else for (let at = block; at < block + size; at += 8) store<u64>(at, 0)
  return block
}

/** Gives a block back; `bytes` as it was asked for. */
export function release(block: usize, bytes: u32): void {
  assert(block != 0, 'release of nothing')
  const size_class = class_of(max<u32>(bytes, 1))
  bytes_used -= bytes_of(size_class)
  const bin = bins + (<usize>size_class << 2)
  store<u32>(block, load<u32>(bin))
  store<u32>(bin, <u32>block)
}

/** What a block of so many bytes takes. */
// @ts-ignore: decorator
@inline export function block_bytes(bytes: u32): u32 { return bytes_of(class_of(bytes)) }

/** Blocks that take so much are kept by their owner for later: they count as given back. */
// @ts-ignore: decorator
@inline export function set_aside(bytes: u32): void { bytes_used -= bytes }

/** Blocks that were set aside are in use again. */
// @ts-ignore: decorator
@inline export function taken_up(bytes: u32): void { bytes_used += bytes }

/** True when a pointer points somewhere. */
// @ts-ignore: decorator
@inline export function is<T>(subject: T): bool { return changetype<usize>(subject) != 0 }
