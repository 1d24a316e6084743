/**
 * Paths and the tree of anchors of this peer.
 *
 * Lives here: what a path is, which peer it names, the sorted list of this peer's anchors. Does not
 * live here: what is on an anchor (request, process).
 *
 * Invariants: `anchors` is sorted by bytes, each path once, without a leading slash; looking never
 * makes one.
 */
import { alloc, release } from './heap'
import { Text, bytes_compare, readable, text_is, text_of, text_ptr, text_release } from './bytes'
import { peer_by_id, peer_by_name, peer_name_count, peer_name_left } from './directory'
import { peer_present } from './member'
import { Peer, self_id } from './peer'
import { is, no_peer } from './waiter'
import {
  ERROR_AMBIGUOUS_NAME, ERROR_BAD_PATH, ERROR_LEFT, ERROR_NO_SUCH_PEER, ERROR_OK, PATH_BYTES_MAX,
  SEGMENT_BYTES_MAX,
} from './tables'

const SLASH: u8 = 0x2f
const DOT: u8 = 0x2e
const ANCHORS_FIRST: u32 = 64

// @ts-ignore: decorator
@unmanaged
export class Anchor {
  path: Text
  element: u32
  /** The channel's or the process's id. */
  subject: u32
  /** Of a process: process_state. A channel knows its own. */
  state: u32
}

export const no_anchor: Anchor = changetype<Anchor>(0)
let anchors: usize = 0
let anchors_room: u32 = 0
export let anchors_count: u32 = 0

/**
 * Where a path leads: the peer (null: this one), the rest of the path, whether it ends in `...`.
 */
export let target: Peer = no_peer
export let rest_at: usize = 0
export let rest_bytes: u32 = 0
/** The path is `/` alone: the list of peers. */
export let at_root: bool = false
export let deep: bool = false
/** How much of the path as given names the peer, its slash included; 0: a path of this peer. */
export let peer_bytes: u32 = 0

function segment_bytes(ptr: usize, bytes: u32): u32 {
  let n: u32 = 0
  while (n < bytes && load<u8>(ptr + n) != SLASH) n++
  return n
}

function only_dots(ptr: usize, bytes: u32): bool {
  if (bytes > 3) return false
  for (let i: u32 = 0; i < bytes; i++) if (load<u8>(ptr + i) != DOT) return false
  return true
}

/** True for names joined by single slashes, at least one. */
export function path_valid(ptr: usize, bytes: u32): bool {
  if (bytes == 0 || bytes > PATH_BYTES_MAX || !readable(ptr, bytes)) return false
  while (true) {
    const n = segment_bytes(ptr, bytes)
    if (n == 0 || n > SEGMENT_BYTES_MAX || only_dots(ptr, n)) return false
    if (n == bytes) return true
    ptr += n + 1
    bytes -= n + 1
  }
}

function find_peer(ptr: usize, bytes: u32): u32 {
  target = no_peer
  if (text_is(self_id, ptr, bytes)) return ERROR_OK
  const by_id = peer_by_id(ptr, bytes)
  if (is(by_id)) {
    target = by_id
    return peer_present(by_id) ? ERROR_OK : ERROR_LEFT
  }
  target = peer_by_name(ptr, bytes)
  if (peer_name_count > 1) return ERROR_AMBIGUOUS_NAME
  // One whose session ends in this very step is as good as gone; the next step finds it again.
  if (peer_name_count == 1) return !is(target) || peer_present(target) ? ERROR_OK : ERROR_LEFT
  return peer_name_left ? ERROR_LEFT : ERROR_NO_SUCH_PEER
}

/**
 * Finds where a path leads and sets `target` and the rest. The rest is a valid path, or empty for
 * the peer itself; `listing` allows an empty rest and a last `...`.
 */
export function resolve(ptr: usize, bytes: u32, listing: bool): u32 {
  target = no_peer
  at_root = false
  deep = false
  peer_bytes = 0
  if (bytes > PATH_BYTES_MAX) return ERROR_BAD_PATH
  if (listing && bytes >= 3 && only_dots(ptr + bytes - 3, 3) &&
    (bytes == 3 || load<u8>(ptr + bytes - 4) == SLASH)) {
    deep = true
    bytes -= bytes == 3 || bytes == 4 ? 3 : 4
  }
  if (bytes != 0 && load<u8>(ptr) == SLASH) {
    ptr++
    bytes--
    if (bytes == 0) {
      at_root = true
      return listing ? ERROR_OK : ERROR_BAD_PATH
    }
    const n = segment_bytes(ptr, bytes)
    if (n == 0) return ERROR_BAD_PATH
    peer_bytes = n + 1
    const status = find_peer(ptr, n)
    if (status != ERROR_OK) return status
    const more = n < bytes ? n + 1 : n
    ptr += more
    bytes -= more
  }
  rest_at = ptr
  rest_bytes = bytes
  if (bytes == 0) return listing ? ERROR_OK : ERROR_BAD_PATH
  return path_valid(ptr, bytes) ? ERROR_OK : ERROR_BAD_PATH
}

// @ts-ignore: decorator
@inline function slot(index: u32): usize {
  return anchors + (<usize>index << 2)
}

export function anchor_at(index: u32): Anchor {
  return changetype<Anchor>(<usize>load<u32>(slot(index)))
}

/** The index of the first anchor that is not before the path. */
export function anchor_from(ptr: usize, bytes: u32): u32 {
  let low: u32 = 0
  let high = anchors_count
  while (low < high) {
    const middle = low + high >> 1
    const path = anchor_at(middle).path
    if (bytes_compare(text_ptr(path), path.bytes, ptr, bytes) < 0) low = middle + 1
    else high = middle
  }
  return low
}

export function anchor_find(ptr: usize, bytes: u32): Anchor {
  const index = anchor_from(ptr, bytes)
  if (index == anchors_count) return no_anchor
  const anchor = anchor_at(index)
  return text_is(anchor.path, ptr, bytes) ? anchor : no_anchor
}

/** Adds an anchor at a path that has none. */
export function anchor_add(ptr: usize, bytes: u32, element: u32, subject: u32): Anchor {
  if (anchors_count == anchors_room) {
    const room = max(anchors_room * 2, ANCHORS_FIRST)
    const wider = alloc(room << 2)
    if (anchors != 0) {
      memory.copy(wider, anchors, anchors_count << 2)
      release(anchors, anchors_room << 2)
    }
    anchors = wider
    anchors_room = room
  }
  const index = anchor_from(ptr, bytes)
  memory.copy(slot(index + 1), slot(index), anchors_count - index << 2)
  const anchor = changetype<Anchor>(alloc(offsetof<Anchor>()))
  anchor.path = text_of(ptr, bytes)
  anchor.element = element
  anchor.subject = subject
  store<u32>(slot(index), <u32>changetype<usize>(anchor))
  anchors_count++
  return anchor
}

export function anchor_remove(ptr: usize, bytes: u32): void {
  const index = anchor_from(ptr, bytes)
  const anchor = anchor_at(index)
  assert(text_is(anchor.path, ptr, bytes), 'an anchor that is not there')
  anchors_count--
  memory.copy(slot(index), slot(index + 1), anchors_count - index << 2)
  text_release(anchor.path)
  release(changetype<usize>(anchor), offsetof<Anchor>())
}

/** True when `path` is `prefix` itself or lies below it; an empty prefix holds everything. */
export function path_under(ptr: usize, bytes: u32, prefix: usize, prefix_bytes: u32): bool {
  if (prefix_bytes == 0) return true
  if (bytes < prefix_bytes || memory.compare(ptr, prefix, prefix_bytes) != 0) return false
  return bytes == prefix_bytes || load<u8>(ptr + prefix_bytes) == SLASH
}
