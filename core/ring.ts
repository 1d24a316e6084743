/**
 * The areas of the door and the output queue behind them.
 *
 * Lives here: where records are read and written, and what happens when the output area is full.
 * Does not live here: what a record says (record), when the core stops (abi).
 *
 * Invariants: records leave in the order in which they were made; when the area is full they wait
 * in blocks, and no input is taken until those are empty, so one input's outputs bound the wait.
 */
import { alloc, release } from './heap'
import { INPUT_BYTES, OUTPUT_BYTES, RECORDS_PER_RUN_MAX } from './tables'

const BLOCK_BYTES: u32 = 16384

// @ts-ignore: decorator
@unmanaged
class Block {
  next: Block
  bytes: u32
  filled: u32
  taken: u32
}

export let input: usize = 0
export let output: usize = 0
/** Records and bytes in the output area now. */
export let produced: u32 = 0
let written: u32 = 0
let first: Block = changetype<Block>(0)
let last: Block = changetype<Block>(0)

export function ring_open(): void {
  input = alloc(INPUT_BYTES)
  output = alloc(OUTPUT_BYTES)
}

/** True when the area has no room and records wait: take no more input. */
export function ring_full(): bool {
  return changetype<usize>(first) != 0 || produced >= RECORDS_PER_RUN_MAX
}

/** True when records wait behind the area. */
export function ring_waiting(): bool {
  return changetype<usize>(first) != 0
}

/** Begins a call: the host has drained the area; what waited moves in first. */
export function ring_turn(): void {
  produced = 0
  written = 0
  while (changetype<usize>(first) != 0) {
    const block = first
    const base = changetype<usize>(block) + offsetof<Block>()
    while (block.taken < block.filled) {
      const from = base + block.taken
      const bytes = load<u32>(from) >> 16 << 2
      if (written + bytes > OUTPUT_BYTES || produced >= RECORDS_PER_RUN_MAX) return
      memory.copy(output + written, from, bytes)
      written += bytes
      produced++
      block.taken += bytes
    }
    first = block.next
    if (changetype<usize>(first) == 0) last = changetype<Block>(0)
    release(changetype<usize>(block), offsetof<Block>() + block.bytes)
  }
}

function queued(bytes: u32): usize {
  if (changetype<usize>(last) == 0 || last.filled + bytes > last.bytes) {
    const size = max(BLOCK_BYTES, bytes)
    const block = changetype<Block>(alloc(offsetof<Block>() + size))
    block.bytes = size
    if (changetype<usize>(last) == 0) first = block
    else last.next = block
    last = block
  }
  const at = changetype<usize>(last) + offsetof<Block>() + last.filled
  last.filled += bytes
  return at
}

/** Room for one output record of `bytes` (rounded up to a word), its first word written. */
export function emit(kind: u32, bytes: u32): usize {
  bytes = (bytes + 3) & ~3
  let at: usize
  if (changetype<usize>(first) != 0 || written + bytes > OUTPUT_BYTES ||
    produced >= RECORDS_PER_RUN_MAX) {
    at = queued(bytes)
  } else {
    at = output + written
    written += bytes
    produced++
  }
  store<u32>(at, kind | bytes >> 2 << 16)
  // A tail that does not fill its last word leaves zeros there, so that outputs compare as bytes.
  store<u32>(at + bytes - 4, 0)
  return at
}
