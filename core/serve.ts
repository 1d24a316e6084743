/**
 * What this peer does for whoever asks about its anchors: its own host or another peer.
 *
 * Lives here: make, open, stat, close, scrub and list at the owner, and the rights for them
 * (spec/certificate.md). Does not live here: processes (program), how the question came (request).
 *
 * Invariants: rights are checked before anything changes; `peer` null is this host, which may all.
 */
import { Text, text_of, text_ptr } from './bytes'
import { channel_new, close, scrub } from './channel'
import { capacity_max, channels_per_peer_max } from './limit'
import { may_use } from './parked'
import {
  Anchor, anchor_add, anchor_at, anchor_find, anchor_from, anchor_remove, anchors_count,
  path_under,
} from './path'
import { PEER_JOINED, Peer } from './peer'
import { emit } from './ring'
import { put_text, put_u32 } from './frame'
import { post, post_end } from './post'
import { table_find } from './table'
import {
  Channel, HELD, IS_STORED, SEND, Waiter, channels, flagged, is, no_channel, no_payload,
} from './waiter'
import { ref_channel } from './reference'
import {
  ELEMENT_ANCHOR, ELEMENT_CHANNEL, ERROR_ANCHOR_TAKEN, ERROR_BAD_ARGUMENT, ERROR_CLOSED,
  ERROR_NOT_PERMITTED, ERROR_NO_SUCH_ANCHOR, ERROR_OK, ERROR_SCRUBBED, ERROR_TOO_MANY,
  ERROR_WRONG_KIND, FRAME_ENTRY, LIST_BYTES_MAX, MAKE_FLAG_LATCH, OUT_ENTRY, OUT_ENTRY_BYTES,
  OUT_ENTRY_ELEMENT, OUT_ENTRY_OP, OUT_ENTRY_PATH_BYTES, OUT_ENTRY_STATE, RIGHT_CHANNEL,
  RIGHT_PROCESS,
} from './tables'

const SLASH: u8 = 0x2f

/** What the last successful call found or made. */
export let found_element: u32 = 0
export let found_channel: Channel = no_channel
export let stat_capacity: u32 = 0
export let stat_buffered: u32 = 0
export let stat_senders: u32 = 0
export let stat_receivers: u32 = 0
export let stat_closed: u32 = 0
export let stat_out: u32 = 0

/** True when the peer has this right for this path. */
export function permitted(peer: Peer, right: u32, ptr: usize, bytes: u32): bool {
  if (!is(peer)) return true
  if ((peer.rights & right) == 0) return false
  if (!is(peer.prefix)) return true
  return path_under(ptr, bytes, text_ptr(peer.prefix), peer.prefix.bytes)
}

/** Makes a channel; without a path it has no name. Sets found_channel. */
export function serve_make(peer: Peer, ptr: usize, bytes: u32, capacity: u32, flags: u32): u32 {
  if (bytes != 0 && !permitted(peer, RIGHT_CHANNEL, ptr, bytes)) return ERROR_NOT_PERMITTED
  if (capacity > capacity_max || (flags & ~MAKE_FLAG_LATCH) != 0) return ERROR_BAD_ARGUMENT
  if (bytes != 0 && is(anchor_find(ptr, bytes))) return ERROR_ANCHOR_TAKEN
  if (is(peer) && peer.channels_made >= channels_per_peer_max) return ERROR_TOO_MANY
  const c = channel_new(capacity, (flags & MAKE_FLAG_LATCH) != 0)
  if (!is(c)) return ERROR_TOO_MANY
  if (bytes != 0) {
    c.anchor = text_of(ptr, bytes)
    anchor_add(ptr, bytes, ELEMENT_CHANNEL, c.id)
  }
  if (is(peer)) {
    c.maker = peer
    c.exported = true
    peer.channels_made++
    peer.pins++
  }
  found_channel = c
  return ERROR_OK
}

/** Finds what is at a path. Sets found_element and found_channel. */
export function serve_open(peer: Peer, ptr: usize, bytes: u32): u32 {
  const anchor = anchor_find(ptr, bytes)
  if (!permitted(peer, RIGHT_CHANNEL | RIGHT_PROCESS, ptr, bytes)) return ERROR_NOT_PERMITTED
  if (!is(anchor)) return ERROR_NO_SUCH_ANCHOR
  found_element = anchor.element
  found_channel = no_channel
  if (anchor.element == ELEMENT_CHANNEL) {
    found_channel = changetype<Channel>(table_find(channels, anchor.subject))
    if (is(peer)) found_channel.exported = true
  }
  return ERROR_OK
}

function count_free(first: Waiter): u32 {
  let count: u32 = 0
  for (let w = first; is(w); w = w.next) count++
  return count
}

/** What waits is what no match has yet; `out` counts the messages that a claim carries. */
function stat_channel(c: Channel): void {
  found_element = ELEMENT_CHANNEL
  stat_capacity = c.capacity
  stat_buffered = count_free(c.messages_first)
  stat_senders = count_free(c.senders_first)
  stat_receivers = count_free(c.receivers_first)
  stat_closed = c.closed ? 1 : 0
  stat_out = 0
  for (let w = c.engaged_first; is(w); w = w.next) {
    if (w.direction != SEND || w.phase != HELD) continue
    stat_out++
    if (flagged(w, IS_STORED)) stat_buffered++
  }
}

/** By channel id, or by path when that is 0. Sets the stat_… values. */
export function serve_stat(peer: Peer, ptr: usize, bytes: u32, channel: u32): u32 {
  if (channel != 0) {
    const c = ref_channel(channel)
    if (!is(c) || c.scrubbed) return ERROR_SCRUBBED
    if (is(peer) && !may_use(peer, c)) return ERROR_NOT_PERMITTED
    stat_channel(c)
    return ERROR_OK
  }
  const status = serve_open(peer, ptr, bytes)
  if (status != ERROR_OK) return status
  if (is(found_channel)) {
    stat_channel(found_channel)
    return ERROR_OK
  }
  stat_capacity = 0
  stat_buffered = 0
  stat_senders = 0
  stat_receivers = 0
  stat_closed = anchor_find(ptr, bytes).state
  stat_out = 0
  return ERROR_OK
}

export function serve_close(peer: Peer, channel: u32): u32 {
  const c = ref_channel(channel)
  if (!is(c) || c.scrubbed) return ERROR_SCRUBBED
  if (is(peer) && !may_use(peer, c)) return ERROR_NOT_PERMITTED
  return close(c) ? ERROR_OK : ERROR_CLOSED
}

/** Scrubs a channel and frees its anchor. */
export function scrub_channel(c: Channel): void {
  const anchor = c.anchor
  if (is(anchor)) anchor_remove(text_ptr(anchor), anchor.bytes)
  scrub(c)
}

/** A channel by its id, or by path when that is 0. */
export function serve_scrub(peer: Peer, ptr: usize, bytes: u32, channel: u32): u32 {
  if (channel != 0) {
    const c = ref_channel(channel)
    if (!is(c) || c.scrubbed) return ERROR_SCRUBBED
    if (is(peer) && !may_use(peer, c)) return ERROR_NOT_PERMITTED
    scrub_channel(c)
    return ERROR_OK
  }
  const anchor = anchor_find(ptr, bytes)
  if (!permitted(peer, RIGHT_CHANNEL, ptr, bytes)) return ERROR_NOT_PERMITTED
  if (!is(anchor)) return ERROR_NO_SUCH_ANCHOR
  if (anchor.element != ELEMENT_CHANNEL) return ERROR_WRONG_KIND
  scrub_channel(changetype<Channel>(table_find(channels, anchor.subject)))
  return ERROR_OK
}

// Lists

/** One line of a list to whoever asked; `prefix` (or null) stands before the path for this host. */
export function entry_to(
  peer: Peer, request: u32, prefix: Text, ptr: usize, bytes: u32, element: u32, state: u32,
): void {
  if (is(peer)) {
    if (peer.state != PEER_JOINED) return
    post(peer, FRAME_ENTRY)
    put_u32(request)
    put_text(ptr, bytes)
    put_u32(element)
    put_u32(state)
    post_end(no_payload)
    return
  }
  // The prefix has no last slash, so that it alone is the path of the peer itself.
  const prefix_bytes = is(prefix) ? prefix.bytes : 0
  const slash: u32 = prefix_bytes != 0 && bytes != 0 ? 1 : 0
  const out = emit(OUT_ENTRY, OUT_ENTRY_BYTES + prefix_bytes + slash + bytes)
  store<u32>(out + OUT_ENTRY_OP, request)
  store<u32>(out + OUT_ENTRY_ELEMENT, element)
  store<u32>(out + OUT_ENTRY_STATE, state)
  store<u32>(out + OUT_ENTRY_PATH_BYTES, prefix_bytes + slash + bytes)
  let at = out + OUT_ENTRY_BYTES
  if (prefix_bytes != 0) memory.copy(at, text_ptr(prefix), prefix_bytes)
  at += prefix_bytes
  if (slash != 0) store<u8>(at++, SLASH)
  memory.copy(at, ptr, bytes)
}

function state_of(anchor: Anchor): u32 {
  if (anchor.element == ELEMENT_CHANNEL) {
    return changetype<Channel>(table_find(channels, anchor.subject)).closed ? 1 : 0
  }
  return anchor.state
}

function entry_of(peer: Peer, request: u32, prefix: Text, anchor: Anchor): void {
  entry_to(peer, request, prefix, text_ptr(anchor.path), anchor.path.bytes, anchor.element,
    state_of(anchor))
}

/** The bytes of the path up to the end of the segment that follows the first `bytes` of it. */
function child_bytes(path: Text, bytes: u32): u32 {
  let end: u32 = bytes == 0 ? 0 : bytes + 1
  while (end < path.bytes && load<u8>(text_ptr(path) + end) != SLASH) end++
  return end
}

/** Lists what is below a path (all of this peer when it is empty), or the element at it. */
export function serve_list(
  peer: Peer, request: u32, prefix: Text, ptr: usize, bytes: u32, deep: bool,
): u32 {
  if (!permitted(peer, RIGHT_CHANNEL | RIGHT_PROCESS, ptr, bytes)) return ERROR_NOT_PERMITTED
  const itself = bytes == 0 ? changetype<Anchor>(0) : anchor_find(ptr, bytes)
  if (is(itself) && deep) entry_of(peer, request, prefix, itself)
  let listed: u32 = 0
  let last: usize = 0
  let last_bytes: u32 = 0
  for (let i = anchor_from(ptr, bytes); i < anchors_count; i++) {
    // A peer that asks faster than it reads is refused long before it would be cut.
    if (is(peer) && peer.answer_bytes > LIST_BYTES_MAX) return ERROR_TOO_MANY
    const anchor = anchor_at(i)
    const path = anchor.path
    // Names that only begin alike sort between a path and what is below it.
    if (bytes != 0 && (path.bytes < bytes || memory.compare(text_ptr(path), ptr, bytes) != 0)) break
    if (anchor == itself || !path_under(text_ptr(path), path.bytes, ptr, bytes)) continue
    listed++
    if (deep) {
      entry_of(peer, request, prefix, anchor)
      continue
    }
    const child = child_bytes(path, bytes)
    if (child == last_bytes && memory.compare(text_ptr(path), last, child) == 0) continue
    // An element at the child's own path has a line of its own.
    if (child != path.bytes && is(anchor_find(text_ptr(path), child))) continue
    last = text_ptr(path)
    last_bytes = child
    if (child == path.bytes) entry_of(peer, request, prefix, anchor)
    else entry_to(peer, request, prefix, last, child, ELEMENT_ANCHOR, 0)
  }
  if (is(itself) && !deep && listed == 0) entry_of(peer, request, prefix, itself)
  return listed == 0 && !is(itself) && bytes != 0 ? ERROR_NO_SUCH_ANCHOR : ERROR_OK
}
