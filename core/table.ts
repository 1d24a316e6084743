/**
 * Tables that give ids: generation over slot, in a u32.
 *
 * Lives here: handing out, finding and taking back ids. Does not live here: what stands behind
 * them.
 *
 * Invariants: an id is `generation << 20 | slot`, slot from 1, generation 11 bits and never 0, so
 * that bit 31 stays free; free slots are used again oldest first and only when at least SPARE of
 * them are free, so that an id comes back after SPARE times the generations at the earliest, far
 * more than may be under way between two peers.
 */
import { alloc, release } from './heap'

const SLOT_BITS: u32 = 20
const SLOT_MASK: u32 = (1 << SLOT_BITS) - 1
const GENERATION_MASK: u32 = 0x7ff
const SPARE: u32 = 1024
const ROWS_FIRST: u32 = 64

// @ts-ignore: decorator
@unmanaged
export class Table {
  rows: usize
  rows_count: u32
  /** Slots handed out so far; the ones above were never used. */
  top: u32
  used: u32
  free_first: u32
  free_last: u32
  free_count: u32
}

// A row: the pointer (0 when free), then the id in use or, when free, the last id and the next
// free.
// @ts-ignore: decorator
@unmanaged
class Row {
  subject: usize
  id: u32
  next: u32
}

export function table_new(): Table {
  const table = changetype<Table>(alloc(offsetof<Table>()))
  table.rows_count = ROWS_FIRST
  table.rows = alloc(ROWS_FIRST * offsetof<Row>())
  return table
}

// @ts-ignore: decorator
@inline function row_of(table: Table, slot: u32): Row {
  return changetype<Row>(table.rows + <usize>(slot - 1) * offsetof<Row>())
}

function widen(table: Table): void {
  const bytes = table.rows_count * offsetof<Row>()
  const rows = alloc(bytes * 2)
  memory.copy(rows, table.rows, bytes)
  release(table.rows, bytes)
  table.rows = rows
  table.rows_count *= 2
}

/** A new id for `subject`; 0 when the table is full. */
export function table_add(table: Table, subject: usize): u32 {
  assert(subject != 0, 'nothing in a table')
  let slot: u32
  let generation: u32 = 1
  if (table.free_count > SPARE || table.top == SLOT_MASK) {
    if (table.free_count == 0) return 0
    slot = table.free_first
    const row = row_of(table, slot)
    table.free_first = row.next
    if (row.next == 0) table.free_last = 0
    table.free_count--
    generation = (row.id >> SLOT_BITS) % GENERATION_MASK + 1
  } else {
    if (table.top == table.rows_count) widen(table)
    slot = ++table.top
  }
  const row = row_of(table, slot)
  row.subject = subject
  row.next = 0
  row.id = generation << SLOT_BITS | slot
  table.used++
  return row.id
}

/** What stands behind an id, or 0. */
export function table_find(table: Table, id: u32): usize {
  const slot = id & SLOT_MASK
  if (slot == 0 || slot > table.top) return 0
  const row = row_of(table, slot)
  return row.id == id ? row.subject : 0
}

export function table_remove(table: Table, id: u32): void {
  assert(table_find(table, id) != 0, 'an id that is not in the table')
  const slot = id & SLOT_MASK
  const row = row_of(table, slot)
  row.subject = 0
  row.next = 0
  if (table.free_last != 0) row_of(table, table.free_last).next = slot
  else table.free_first = slot
  table.free_last = slot
  table.free_count++
  table.used--
}

/** Walks the slots: what stands in slot `slot` (1 … table.top), or 0. */
export function table_at(table: Table, slot: u32): usize {
  return row_of(table, slot).subject
}
