/**
 * What replies to our requests mean.
 *
 * Lives here: replies and the lines of lists coming in, and requests whose peer has left. Does not
 * live here: asking (request), what the owner does (serve, program).
 *
 * Invariants: a reply to a request that was given up changes nothing; its shape must fit what was
 * asked, or it is a violation.
 */
import { read_array, read_end, read_text, read_u32, text_at, text_bytes } from './frame'
import { complete, complete_element, op_find } from './operation'
import { Peer } from './peer'
import { ref_of } from './reference'
import { Request, forget, list_on, requests, stats_out } from './request'
import { entry_to } from './serve'
import { session_brief } from './session'
import { table_find } from './table'
import { Operation, is, no_peer } from './waiter'
import {
  COMPLETION_FLAG_UNKNOWN, ERROR_LEFT, ERROR_OK, ERROR_TOO_MANY, ERROR_WRONG_KIND, FRAME_LIST,
  FRAME_MAKE, FRAME_OPEN, FRAME_STAT, OUT_STATS_ELEMENT,
} from './tables'

/** One request of the operation has ended; the last one completes it. */
function request_end(op: Operation, status: u32, flags: u32, value: u32): void {
  const id = op.id
  op.nones--
  if (op.unasked != 0) list_on(op)
  // A list of all peers goes on without one that left; what it found stands.
  if (is(op_find(id)) && op.nones == 0) complete(op, status, 0, flags, value)
}

function reply_open(op: Operation, peer: Peer, element: u32, channel: u32): void {
  const ref = channel != 0 ? ref_of(peer, peer.incarnation, channel) : 0
  if (channel != 0 && ref == 0) request_end(op, ERROR_TOO_MANY, 0, 0)
  else complete_element(op, element, ref)
}

function reply_stat(op: Operation): void {
  const out = stats_out(op.id)
  for (let i: usize = 0; i < 7; i++) store<u32>(out + OUT_STATS_ELEMENT + (i << 2), read_u32())
}

/** reply. False: a violation. */
export function reply_in(peer: Peer): bool {
  const request = changetype<Request>(table_find(requests, read_u32()))
  const status = read_u32()
  const values = read_array()
  if (!is(request) || request.peer != peer) {
    for (let i: u32 = 0; i < values && i < 16; i++) read_u32()
    return read_end() && values <= 16
  }
  const kind = request.kind
  const wanted: u32 = status != ERROR_OK || kind != FRAME_OPEN && kind != FRAME_STAT ? 1
    : kind == FRAME_OPEN ? 2 : 7
  // Nobody can answer what it has not got.
  if (<i32>(request.number - peer.acked) > 0) return false
  if (values != wanted || status >= ERROR_LEFT) return false
  const op = op_find(request.op)
  const alone = request.alone
  forget(request)
  if (!is(op)) return true
  if (alone && op.verb == FRAME_LIST) session_brief(peer)
  if (status == ERROR_OK && kind == FRAME_STAT) {
    reply_stat(op)
    if (!read_end()) return false
    request_end(op, status, 0, 0)
    return true
  }
  const first = read_u32()
  const second = wanted == 2 ? read_u32() : 0
  if (!read_end()) {
    request_end(op, ERROR_WRONG_KIND, 0, 0)
    return false
  }
  if (status == ERROR_OK && kind == FRAME_OPEN) reply_open(op, peer, first, second)
  else if (status == ERROR_OK && kind == FRAME_MAKE) {
    const ref = ref_of(peer, peer.incarnation, first)
    request_end(op, ref == 0 ? ERROR_TOO_MANY : ERROR_OK, 0, ref)
  } else request_end(op, status, 0, 0)
  return true
}

/** entry: one line of a list that we asked for. False: a violation. */
export function entry_in(peer: Peer): bool {
  const request = changetype<Request>(table_find(requests, read_u32()))
  if (!read_text()) return false
  const ptr = text_at
  const bytes = text_bytes
  const element = read_u32()
  const state = read_u32()
  if (!read_end()) return false
  const ours = is(request) && request.peer == peer && request.kind == FRAME_LIST
  if (ours && is(op_find(request.op))) {
    entry_to(no_peer, request.op, request.prefix, ptr, bytes, element, state)
  }
  return true
}

/** The peer has left: its requests end. */
export function requests_lost(peer: Peer): void {
  while (peer.requests != 0) {
    const request = changetype<Request>(peer.requests)
    const op = op_find(request.op)
    const kind = request.kind
    const asked_many = is(op) && op.verb == FRAME_LIST
    forget(request)
    if (!is(op)) continue
    // What was never sent was not done.
    const harmless = peer.lost_unsent || kind == FRAME_OPEN || kind == FRAME_LIST ||
      kind == FRAME_STAT
    request_end(op, asked_many ? ERROR_OK : ERROR_LEFT, harmless ? 0 : COMPLETION_FLAG_UNKNOWN, 0)
  }
}
