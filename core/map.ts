/**
 * A map from two u32 to a pointer.
 *
 * Lives here: open addressing with linear probing and backward-shift deletion. Does not live here:
 * what the keys mean.
 *
 * Invariants: at most three quarters full; no tombstones, so a long life does not slow it.
 */
import { alloc, release } from './heap'

const ROWS_FIRST: u32 = 32

// @ts-ignore: decorator
@unmanaged
export class Map2 {
  rows: usize
  mask: u32
  used: u32
}

// @ts-ignore: decorator
@unmanaged
class Row {
  subject: usize
  a: u32
  b: u32
}

export function map_new(): Map2 {
  const map = changetype<Map2>(alloc(offsetof<Map2>()))
  map.mask = ROWS_FIRST - 1
  map.rows = alloc(ROWS_FIRST * offsetof<Row>())
  return map
}

// @ts-ignore: decorator
@inline function row_of(map: Map2, at: u32): Row {
  return changetype<Row>(map.rows + <usize>at * offsetof<Row>())
}

// @ts-ignore: decorator
@inline function home(map: Map2, a: u32, b: u32): u32 {
  let h = a * 0x9e3779b1 ^ b * 0x85ebca6b
  h ^= h >> 15
  return h * 0x2c1b3c6d >> 7 & map.mask
}

function find_row(map: Map2, a: u32, b: u32): u32 {
  let at = home(map, a, b)
  while (true) {
    const row = row_of(map, at)
    if (row.subject == 0 || row.a == a && row.b == b) return at
    at = at + 1 & map.mask
  }
}

/** What stands under the key, or 0. */
export function map_find(map: Map2, a: u32, b: u32): usize {
  return row_of(map, find_row(map, a, b)).subject
}

function widen(map: Map2): void {
  const old = map.rows
  const count = map.mask + 1
  map.rows = alloc(count * 2 * offsetof<Row>())
  map.mask = count * 2 - 1
  for (let i: u32 = 0; i < count; i++) {
    const from = changetype<Row>(old + <usize>i * offsetof<Row>())
    if (from.subject == 0) continue
    const to = row_of(map, find_row(map, from.a, from.b))
    to.subject = from.subject
    to.a = from.a
    to.b = from.b
  }
  release(old, count * offsetof<Row>())
}

/** Puts a subject under a key that is not there yet. */
export function map_add(map: Map2, a: u32, b: u32, subject: usize): void {
  if (map.used * 4 >= (map.mask + 1) * 3) widen(map)
  const row = row_of(map, find_row(map, a, b))
  assert(row.subject == 0 && subject != 0, 'a key twice in a map')
  row.subject = subject
  row.a = a
  row.b = b
  map.used++
}

export function map_remove(map: Map2, a: u32, b: u32): void {
  let hole = find_row(map, a, b)
  assert(row_of(map, hole).subject != 0, 'a key that is not in the map')
  map.used--
  let at = hole
  while (true) {
    at = at + 1 & map.mask
    const row = row_of(map, at)
    if (row.subject == 0) break
    // A row may move back into the hole only if its home does not lie behind the hole.
    if ((at - home(map, row.a, row.b) & map.mask) < (at - hole & map.mask)) continue
    const into = row_of(map, hole)
    into.subject = row.subject
    into.a = row.a
    into.b = row.b
    hole = at
  }
  row_of(map, hole).subject = 0
}
