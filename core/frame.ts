/**
 * Headers of frames: one CBOR array (RFC 8949) of unsigned integers, texts and arrays.
 *
 * Lives here: writing and reading headers in shortest form, and how many fields each kind has. Does
 * not live here: what a kind means (session, link, member, and those above), payloads (host).
 *
 * Invariants: the reader never leaves the header that was opened; after the first thing that is not
 * as it must be, `frame_bad` is true and all later reads give 0. The writer never leaves its area.
 */
import {
  FRAME_ACK, FRAME_ACK_FIELDS, FRAME_ASK, FRAME_ASK_FIELDS, FRAME_CLAIM, FRAME_CLAIM_FIELDS,
  FRAME_CLOSE, FRAME_CLOSE_FIELDS, FRAME_DELIVER, FRAME_DELIVER_FIELDS, FRAME_DELIVERS,
  FRAME_DELIVERS_FIELDS, FRAME_DIGEST, FRAME_DIGEST_FIELDS, FRAME_EDGE, FRAME_EDGE_FIELDS,
  FRAME_END, FRAME_ENDS, FRAME_ENDS_FIELDS, FRAME_END_FIELDS, FRAME_ENTRY, FRAME_ENTRY_FIELDS,
  FRAME_GRAFT, FRAME_GRAFT_FIELDS, FRAME_GRANT, FRAME_GRANT_FIELDS, FRAME_HAVE, FRAME_HAVE_FIELDS,
  FRAME_HELLO, FRAME_HELLO_FIELDS, FRAME_HOLDS, FRAME_HOLDS_FIELDS, FRAME_LEAVE, FRAME_LEAVE_ANSWER,
  FRAME_LEAVE_ANSWER_FIELDS, FRAME_LEAVE_FIELDS, FRAME_LIST, FRAME_LIST_FIELDS, FRAME_MAKE,
  FRAME_MAKE_FIELDS, FRAME_MEMBER, FRAME_MEMBER_FIELDS, FRAME_OFFER_READER,
  FRAME_OFFER_READER_FIELDS, FRAME_OFFER_RECEIVE, FRAME_OFFER_RECEIVE_FIELDS, FRAME_OFFER_SEND,
  FRAME_OFFER_SENDS, FRAME_OFFER_SENDS_FIELDS, FRAME_OFFER_SEND_FIELDS, FRAME_OPEN,
  FRAME_OPEN_FIELDS, FRAME_PING, FRAME_PING_FIELDS, FRAME_PONG, FRAME_PONG_FIELDS, FRAME_PROBED,
  FRAME_PROBED_FIELDS, FRAME_PROBE_FOR, FRAME_PROBE_FOR_FIELDS, FRAME_PRUNE, FRAME_PRUNE_FIELDS,
  FRAME_REFUSE, FRAME_REFUSE_FIELDS, FRAME_REPLY, FRAME_REPLY_FIELDS, FRAME_SCRUB,
  FRAME_SCRUB_FIELDS, FRAME_SIGNAL, FRAME_SIGNAL_FIELDS, FRAME_START, FRAME_START_FIELDS,
  FRAME_STAT, FRAME_STAT_FIELDS, FRAME_UNHOLD, FRAME_UNHOLD_FIELDS, FRAME_WANT, FRAME_WANT_FIELDS,
  FRAME_WITHDRAW, FRAME_WITHDRAW_FIELDS, HEADER_BYTES_MAX,
} from './tables'

const MAJOR_UNSIGNED: u32 = 0
const MAJOR_TEXT: u32 = 3
const MAJOR_ARRAY: u32 = 4

/** Six numbers, two more and an array, none of them over 5 bytes. */
const HEAD_BYTES_MAX: u32 = 48

/** Where a header is written; one at a time. */
const area: usize = memory.data(HEADER_BYTES_MAX)
const head_area: usize = memory.data(HEAD_BYTES_MAX)
let write_at: usize = 0
let write_end: usize = 0

/** How many fields follow the kind; 0 for a kind that does not exist (every kind has one). */
export function frame_fields(kind: u32): u32 {
  switch (kind) {
    case FRAME_HELLO: return FRAME_HELLO_FIELDS
    case FRAME_REFUSE: return FRAME_REFUSE_FIELDS
    case FRAME_PING: return FRAME_PING_FIELDS
    case FRAME_PONG: return FRAME_PONG_FIELDS
    case FRAME_ACK: return FRAME_ACK_FIELDS
    case FRAME_EDGE: return FRAME_EDGE_FIELDS
    case FRAME_HAVE: return FRAME_HAVE_FIELDS
    case FRAME_GRAFT: return FRAME_GRAFT_FIELDS
    case FRAME_PRUNE: return FRAME_PRUNE_FIELDS
    case FRAME_PROBE_FOR: return FRAME_PROBE_FOR_FIELDS
    case FRAME_PROBED: return FRAME_PROBED_FIELDS
    case FRAME_DIGEST: return FRAME_DIGEST_FIELDS
    case FRAME_HOLDS: return FRAME_HOLDS_FIELDS
    case FRAME_WANT: return FRAME_WANT_FIELDS
    case FRAME_OFFER_RECEIVE: return FRAME_OFFER_RECEIVE_FIELDS
    case FRAME_OFFER_SEND: return FRAME_OFFER_SEND_FIELDS
    case FRAME_GRANT: return FRAME_GRANT_FIELDS
    case FRAME_WITHDRAW: return FRAME_WITHDRAW_FIELDS
    case FRAME_ASK: return FRAME_ASK_FIELDS
    case FRAME_OFFER_READER: return FRAME_OFFER_READER_FIELDS
    case FRAME_OFFER_SENDS: return FRAME_OFFER_SENDS_FIELDS
    case FRAME_CLAIM: return FRAME_CLAIM_FIELDS
    case FRAME_DELIVER: return FRAME_DELIVER_FIELDS
    case FRAME_END: return FRAME_END_FIELDS
    case FRAME_UNHOLD: return FRAME_UNHOLD_FIELDS
    case FRAME_ENDS: return FRAME_ENDS_FIELDS
    case FRAME_DELIVERS: return FRAME_DELIVERS_FIELDS
    case FRAME_MAKE: return FRAME_MAKE_FIELDS
    case FRAME_OPEN: return FRAME_OPEN_FIELDS
    case FRAME_LIST: return FRAME_LIST_FIELDS
    case FRAME_STAT: return FRAME_STAT_FIELDS
    case FRAME_CLOSE: return FRAME_CLOSE_FIELDS
    case FRAME_SCRUB: return FRAME_SCRUB_FIELDS
    case FRAME_START: return FRAME_START_FIELDS
    case FRAME_SIGNAL: return FRAME_SIGNAL_FIELDS
    case FRAME_REPLY: return FRAME_REPLY_FIELDS
    case FRAME_ENTRY: return FRAME_ENTRY_FIELDS
    case FRAME_MEMBER: return FRAME_MEMBER_FIELDS
    case FRAME_LEAVE: return FRAME_LEAVE_FIELDS
    case FRAME_LEAVE_ANSWER: return FRAME_LEAVE_ANSWER_FIELDS
    default: return 0
  }
}

/** True for the kinds that may have a payload after the header. */
export function frame_carries(kind: u32): bool {
  return kind == FRAME_HELLO || kind == FRAME_OFFER_SEND || kind == FRAME_GRANT ||
    kind == FRAME_DELIVER || kind == FRAME_START || kind == FRAME_MEMBER
}

// Writing

function put_head(major: u32, value: u32): void {
  const first = major << 5
  assert(write_end - write_at >= 5, 'a header over its bound')
  if (value < 24) {
    store<u8>(write_at, first | value)
    write_at += 1
  } else if (value <= 0xff) {
    store<u8>(write_at, first | 24)
    store<u8>(write_at + 1, value)
    write_at += 2
  } else if (value <= 0xffff) {
    store<u8>(write_at, first | 25)
    store<u16>(write_at + 1, bswap<u16>(<u16>value))
    write_at += 3
  } else {
    store<u8>(write_at, first | 26)
    store<u32>(write_at + 1, bswap<u32>(value))
    write_at += 5
  }
}

/** Begins the whole header of a link's frame: the array and the kind. */
export function write_open(kind: u32): void {
  write_tail_open()
  put_head(MAJOR_ARRAY, frame_fields(kind) + 1)
  put_head(MAJOR_UNSIGNED, kind)
}

/** Begins the part of a session frame's header that stays the same however often it is sent. */
export function write_tail_open(): void {
  write_at = area
  write_end = area + HEADER_BYTES_MAX
}

/** Writes a field. */
export function put_u32(value: u32): void {
  put_head(MAJOR_UNSIGNED, value)
}

/** Writes a text field: `bytes` bytes of UTF-8. */
export function put_text(ptr: usize, bytes: u32): void {
  put_head(MAJOR_TEXT, bytes)
  assert(write_end - write_at >= <usize>bytes, 'a header over its bound')
  memory.copy(write_at, ptr, bytes)
  write_at += bytes
}

/** Begins an array field; `count` items follow. */
export function put_array(count: u32): void {
  put_head(MAJOR_ARRAY, count)
}

// @ts-ignore: decorator
@inline export function written_ptr(): usize {
  return area
}

export function written_bytes(): u32 {
  return <u32>(write_at - area)
}

/** Writes array, kind, number and received to `head_ptr`. */
export function write_session_head(kind: u32, number: u32, received: u32): void {
  write_at = head_area
  write_end = head_area + HEAD_BYTES_MAX
  put_head(MAJOR_ARRAY, frame_fields(kind) + 1)
  put_head(MAJOR_UNSIGNED, kind)
  put_head(MAJOR_UNSIGNED, number)
  put_head(MAJOR_UNSIGNED, received)
}

/** What stands there by now. */
export function head_bytes(): u32 {
  return <u32>(write_at - head_area)
}

// @ts-ignore: decorator
@inline export function head_ptr(): usize {
  return head_area
}

// Reading

let read_at: usize = 0
let read_limit: usize = 0

/** True once something of the open header could not be read. */
export let frame_bad: bool = false
/** The text that `read_text` found; it stands in the input area. */
export let text_at: usize = 0
export let text_bytes: u32 = 0

/** Opens a header of `bytes` bytes. */
export function read_open(ptr: usize, bytes: u32): void {
  read_at = ptr
  read_limit = ptr + bytes
  frame_bad = false
}

function spoil(): u32 {
  frame_bad = true
  read_at = read_limit
  return 0
}

function read_head(major: u32): u32 {
  if (read_at >= read_limit) return spoil()
  const first = <u32>load<u8>(read_at)
  if (first >> 5 != major) return spoil()
  read_at++
  const form = first & 31
  if (form < 24) return form
  const left = read_limit - read_at
  if (form == 24 && left >= 1) {
    const value = <u32>load<u8>(read_at)
    read_at += 1
    return value >= 24 ? value : spoil()
  }
  if (form == 25 && left >= 2) {
    const value = <u32>bswap<u16>(load<u16>(read_at))
    read_at += 2
    return value > 0xff ? value : spoil()
  }
  if (form == 26 && left >= 4) {
    const value = bswap<u32>(load<u32>(read_at))
    read_at += 4
    return value > 0xffff ? value : spoil()
  }
  return spoil()
}

/** The next field, an unsigned integer. */
export function read_u32(): u32 {
  return read_head(MAJOR_UNSIGNED)
}

/** The next field, a text, into `text_at` and `text_bytes`. False when it is none. */
export function read_text(): bool {
  const bytes = read_head(MAJOR_TEXT)
  text_at = read_at
  text_bytes = 0
  if (frame_bad) return false
  if (read_limit - read_at < <usize>bytes) {
    spoil()
    return false
  }
  text_bytes = bytes
  read_at += bytes
  return true
}

/** The next field, an array: how many items follow. More than bytes are left is bad. */
export function read_array(): u32 {
  const count = read_head(MAJOR_ARRAY)
  // Each item has a byte at least, so the caller's loop is bounded by the header.
  return read_limit - read_at >= <usize>count ? count : spoil()
}

/** True when the next item is a text; for items that may be one or a number. */
export function read_is_text(): bool {
  return read_at < read_limit && <u32>load<u8>(read_at) >> 5 == MAJOR_TEXT
}

/** True when the header was read whole and nothing is left. */
export function read_end(): bool {
  if (read_at != read_limit) spoil()
  return !frame_bad
}
