/**
 * Requests: make, open, stat, close, scrub, list, start and signal, from this host.
 *
 * Lives here: checking the host's records, doing them here or asking the owner. Does not live
 * here: what the owner does (serve, program), what it replies (reply).
 *
 * Invariants: a request to a peer has an id in `requests` and stands in its peer's list until its
 * reply; its operation completes when its last request has ended; a lost peer ends its requests
 * with `left`, the outcome unknown when it could have changed something.
 */
import { alloc, release } from './heap'
import { Text, text_new, text_of, text_ptr, text_release } from './bytes'

import { peer_by_name, peer_name_count } from './directory'
import { contact, peer_here, peer_joined, peer_present } from './member'
import { KIND_REQUEST, complete, complete_element, op_new, op_usable, refuse } from './operation'
import { at_root, deep, peer_bytes, resolve, rest_at, rest_bytes, target } from './path'
import { drop_handle, payload_new } from './payload'
import { Peer, self_id, self_name } from './peer'
import { scrub_element, serve_signal, serve_start } from './program'
import { payload_done, ref_channel, ref_remote } from './reference'
import { crowd_at, members } from './roster'
import { emit } from './ring'
import {
  entry_to, found_channel, found_element, serve_close, serve_list, serve_make, serve_open,
  serve_stat, stat_buffered, stat_capacity, stat_closed, stat_out, stat_receivers, stat_senders,
} from './serve'
import { put_text, put_u32 } from './frame'
import { post, post_end } from './post'
import { record_bytes } from './start'
import { Table, table_add, table_new, table_remove } from './table'
import { Operation, is, no_payload, no_peer } from './waiter'
import {
  COMPLETION_FLAG_UNKNOWN, ELEMENT_PEER, ERROR_BAD_ARGUMENT, ERROR_LEFT, ERROR_OK, ERROR_SCRUBBED,
  ERROR_TOO_LARGE, ERROR_TOO_MANY, FRAME_CLOSE, FRAME_LIST, FRAME_MAKE, FRAME_OPEN, FRAME_SCRUB,
  FRAME_SIGNAL, FRAME_START, FRAME_STAT, IN_CLOSE_BYTES, IN_CLOSE_OP, IN_CLOSE_REF, IN_LIST_BYTES,
  IN_LIST_FLAGS, IN_LIST_OP, IN_LIST_PATH_BYTES, IN_MAKE_BYTES, IN_MAKE_CAPACITY, IN_MAKE_FLAGS,
  IN_MAKE_OP, IN_MAKE_PATH_BYTES, IN_OPEN_BYTES, IN_OPEN_OP, IN_OPEN_PATH_BYTES, IN_SCRUB_BYTES,
  IN_SCRUB_OP, IN_SCRUB_PATH_BYTES, IN_SCRUB_REF, IN_SIGNAL_BYTES, IN_SIGNAL_OP,
  IN_SIGNAL_PATH_BYTES, IN_SIGNAL_SIGNAL, IN_START_BYTES, IN_START_OP, IN_START_PATH_BYTES,
  IN_START_PAYLOAD, IN_START_PAYLOAD_BYTES, IN_STAT_BYTES, IN_STAT_OP, IN_STAT_PATH_BYTES,
  IN_STAT_REF, LIST_FLAG_DEEP, LIST_PEERS_MAX, MESSAGE_BYTES_MAX, OUT_STATS, OUT_STATS_BUFFERED,
  OUT_STATS_BYTES, OUT_STATS_CAPACITY, OUT_STATS_CLOSED, OUT_STATS_ELEMENT, OUT_STATS_OP,
  OUT_STATS_OUT, OUT_STATS_RECEIVERS, OUT_STATS_SENDERS, REF_REMOTE, REQUESTS_PER_PEER_MAX,
} from './tables'

// @ts-ignore: decorator
@unmanaged
export class Request {
  id: u32
  op: u32
  peer: Peer
  next: Request
  previous: Request
  /** The kind of the frame that asked, and its number. */
  kind: u32
  number: u32
  /** What stands before the paths of a list's entries. */
  prefix: Text
  /** The link was made for this alone. */
  alone: bool
}

const no_text: Text = changetype<Text>(0)
const SLASH: u8 = 0x2f
export let requests: Table = changetype<Table>(0)

export function requests_open(): void {
  requests = table_new()
}

/**
 * Begins a request frame to the target peer; its other fields follow, then post_end. To a member
 * without a session it is among the first frames of the one that is opened.
 */
function ask(op: Operation, peer: Peer, kind: u32): Request {
  const request = changetype<Request>(alloc(offsetof<Request>()))
  request.id = table_add(requests, changetype<usize>(request))
  request.op = op.id
  request.peer = peer
  request.kind = kind
  request.next = changetype<Request>(peer.requests)
  if (is(request.next)) request.next.previous = request
  peer.requests = changetype<usize>(request)
  request.alone = !is(peer.link)
  op.nones++
  peer.requests_out++
  if (!peer_joined(peer)) contact(peer)
  request.number = peer.made + 1
  post(peer, kind)
  put_u32(request.id)
  return request
}

export function forget(request: Request): void {
  request.peer.requests_out--
  if (is(request.previous)) request.previous.next = request.next
  else request.peer.requests = changetype<usize>(request.next)
  if (is(request.next)) request.next.previous = request.previous
  table_remove(requests, request.id)
  text_release(request.prefix)
  release(changetype<usize>(request), offsetof<Request>())
}

// @ts-ignore: decorator
@inline function asked_enough(peer: Peer): bool {
  return peer.requests_out >= REQUESTS_PER_PEER_MAX
}

/** Checks a record with a path as its tail, and where the path leads. 0, or the status. */
function leads(record: usize, fixed: u32, path_bytes: u32, id: u32, listing: bool): u32 {
  if (!op_usable(id) || path_bytes > 0xffff ||
    record_bytes(record) != fixed + (path_bytes + 3 & ~3)) return ERROR_BAD_ARGUMENT
  const status = resolve(record + fixed, path_bytes, listing)
  return status == ERROR_OK && is(target) && asked_enough(target) ? ERROR_TOO_MANY : status
}

export function make(record: usize): void {
  const id = load<u32>(record + IN_MAKE_OP)
  const path_bytes = load<u32>(record + IN_MAKE_PATH_BYTES)
  const capacity = load<u32>(record + IN_MAKE_CAPACITY)
  const flags = load<u32>(record + IN_MAKE_FLAGS)
  const unnamed = path_bytes == 0 && record_bytes(record) == IN_MAKE_BYTES && op_usable(id)
  let status = unnamed ? ERROR_OK : leads(record, IN_MAKE_BYTES, path_bytes, id, false)
  if (status == ERROR_OK && !unnamed && is(target)) {
    ask(op_new(id, KIND_REQUEST), target, FRAME_MAKE)
    put_text(rest_at, rest_bytes)
    put_u32(capacity)
    put_u32(flags)
    post_end(no_payload)
    return
  }
  if (status == ERROR_OK) {
    status = serve_make(no_peer, rest_at, unnamed ? 0 : rest_bytes, capacity, flags)
  }
  if (status != ERROR_OK) {
    refuse(id, status)
    return
  }
  found_channel.count++
  complete(op_new(id, KIND_REQUEST), ERROR_OK, 0, 0, found_channel.id)
}

export function open(record: usize): void {
  const id = load<u32>(record + IN_OPEN_OP)
  const status = leads(record, IN_OPEN_BYTES, load<u32>(record + IN_OPEN_PATH_BYTES), id, false)
  if (status == ERROR_OK && is(target)) {
    ask(op_new(id, KIND_REQUEST), target, FRAME_OPEN)
    put_text(rest_at, rest_bytes)
    post_end(no_payload)
    return
  }
  const served = status == ERROR_OK ? serve_open(no_peer, rest_at, rest_bytes) : status
  if (served != ERROR_OK) {
    refuse(id, served)
    return
  }
  if (is(found_channel)) found_channel.count++
  const ref = is(found_channel) ? found_channel.id : 0
  complete_element(op_new(id, KIND_REQUEST), found_element, ref)
}

/** 0, or why a reference cannot be asked about. Sets nothing. */
function ref_status(ref: u32): u32 {
  if ((ref & REF_REMOTE) == 0) return is(ref_channel(ref)) ? ERROR_OK : ERROR_SCRUBBED
  const remote = ref_remote(ref)
  if (!is(remote)) return ERROR_BAD_ARGUMENT
  if (remote.dead || !peer_here(remote.peer, remote.incarnation)) return ERROR_LEFT
  return asked_enough(remote.peer) ? ERROR_TOO_MANY : ERROR_OK
}

export function close(record: usize): void {
  const id = load<u32>(record + IN_CLOSE_OP)
  const ref = load<u32>(record + IN_CLOSE_REF)
  let status = record_bytes(record) == IN_CLOSE_BYTES && op_usable(id) && ref != 0
    ? ref_status(ref) : ERROR_BAD_ARGUMENT
  if (status == ERROR_OK && (ref & REF_REMOTE) != 0) {
    const remote = ref_remote(ref)
    ask(op_new(id, KIND_REQUEST), remote.peer, FRAME_CLOSE)
    put_u32(remote.channel)
    post_end(no_payload)
    return
  }
  if (status == ERROR_OK) status = serve_close(no_peer, ref)
  refuse(id, status)
}

/** stat and scrub: by reference, or by path when that is 0. */
function ask_about(id: u32, ref: u32, kind: u32): void {
  const remote = ref_remote(ref)
  ask(op_new(id, KIND_REQUEST), is(remote) ? remote.peer : target, kind)
  put_text(rest_at, is(remote) ? 0 : rest_bytes)
  put_u32(is(remote) ? remote.channel : 0)
  post_end(no_payload)
}

export function scrub(record: usize): void {
  const id = load<u32>(record + IN_SCRUB_OP)
  const ref = load<u32>(record + IN_SCRUB_REF)
  const path_bytes = load<u32>(record + IN_SCRUB_PATH_BYTES)
  let status = ref == 0 ? leads(record, IN_SCRUB_BYTES, path_bytes, id, false)
    : op_usable(id) && record_bytes(record) == IN_SCRUB_BYTES ? ref_status(ref)
      : ERROR_BAD_ARGUMENT
  const elsewhere = ref == 0 ? is(target) : (ref & REF_REMOTE) != 0
  if (status == ERROR_OK && elsewhere) {
    ask_about(id, ref, FRAME_SCRUB)
    return
  }
  if (status == ERROR_OK) status = scrub_element(no_peer, rest_at, rest_bytes, ref)
  refuse(id, status)
}

export function stats_out(op: u32): usize {
  const out = emit(OUT_STATS, OUT_STATS_BYTES)
  store<u32>(out + OUT_STATS_OP, op)
  return out
}

export function stat(record: usize): void {
  const id = load<u32>(record + IN_STAT_OP)
  const ref = load<u32>(record + IN_STAT_REF)
  const path_bytes = load<u32>(record + IN_STAT_PATH_BYTES)
  let status = ref == 0 ? leads(record, IN_STAT_BYTES, path_bytes, id, false)
    : op_usable(id) && record_bytes(record) == IN_STAT_BYTES ? ref_status(ref)
      : ERROR_BAD_ARGUMENT
  const elsewhere = ref == 0 ? is(target) : (ref & REF_REMOTE) != 0
  if (status == ERROR_OK && elsewhere) {
    ask_about(id, ref, FRAME_STAT)
    return
  }
  if (status == ERROR_OK) status = serve_stat(no_peer, rest_at, rest_bytes, ref)
  if (status == ERROR_OK) {
    const out = stats_out(id)
    store<u32>(out + OUT_STATS_ELEMENT, found_element)
    store<u32>(out + OUT_STATS_CAPACITY, stat_capacity)
    store<u32>(out + OUT_STATS_BUFFERED, stat_buffered)
    store<u32>(out + OUT_STATS_SENDERS, stat_senders)
    store<u32>(out + OUT_STATS_RECEIVERS, stat_receivers)
    store<u32>(out + OUT_STATS_CLOSED, stat_closed)
    store<u32>(out + OUT_STATS_OUT, stat_out)
  }
  refuse(id, status)
}

// Lists

/** `/` and the name of a peer, or its id where the name is not unique. */
function root_name(peer: Peer): Text {
  const name = is(peer) ? peer.name : self_name
  peer_by_name(text_ptr(name), name.bytes)
  const shown = peer_name_count == 1 && name.bytes != 0 ? name : is(peer) ? peer.id : self_id
  const text = text_new(shown.bytes + 1)
  store<u8>(text_ptr(text), SLASH)
  memory.copy(text_ptr(text) + 1, text_ptr(shown), shown.bytes)
  return text
}

// A list of all that leaves one out without a word would be no list of all.
function any_asked_enough(): bool {
  for (let place: u32 = 1; place <= members.count; place++) {
    const peer = crowd_at(members, place)
    if (peer_present(peer) && asked_enough(peer)) return true
  }
  return false
}

function list_root(op: Operation, into: bool): void {
  for (let place: u32 = 1; place <= members.count; place++) {
    const peer = crowd_at(members, place)
    if (!peer_present(peer)) continue
    const name = root_name(peer)
    entry_to(no_peer, op.id, name, 0, 0, ELEMENT_PEER, 0)
    text_release(name)
  }
  const name = root_name(no_peer)
  entry_to(no_peer, op.id, name, 0, 0, ELEMENT_PEER, 0)
  if (into) serve_list(no_peer, op.id, name, 0, 0, true)
  text_release(name)
  if (into) {
    op.unasked = <u16>members.count
    list_on(op)
  }
  if (op.nones == 0) complete(op, ERROR_OK, 0, 0, 0)
}

/**
 * A list of all asks so many members at once, and the next when one has replied: each may need a
 * link of its own. Downwards, since the last member takes the place of one who leaves.
 */
export function list_on(op: Operation): void {
  let place = min<u32>(op.unasked, members.count)
  for (; place != 0 && op.nones < LIST_PEERS_MAX; place--) {
    const peer = crowd_at(members, place)
    // One who took the place of another may have been asked.
    if (!peer_present(peer) || peer.listed == op.id) continue
    if (asked_enough(peer)) return complete(op, ERROR_TOO_MANY, 0, 0, 0)
    peer.listed = op.id
    ask(op, peer, FRAME_LIST).prefix = root_name(peer)
    put_text(0, 0)
    put_u32(LIST_FLAG_DEEP)
    post_end(no_payload)
  }
  op.unasked = <u16>place
}

export function list(record: usize): void {
  const id = load<u32>(record + IN_LIST_OP)
  const status = leads(record, IN_LIST_BYTES, load<u32>(record + IN_LIST_PATH_BYTES), id, true)
  if (status != ERROR_OK) {
    refuse(id, status)
    return
  }
  const into = deep || (load<u32>(record + IN_LIST_FLAGS) & LIST_FLAG_DEEP) != 0
  if (at_root && into && any_asked_enough()) {
    refuse(id, ERROR_TOO_MANY)
    return
  }
  const op = op_new(id, KIND_REQUEST)
  if (at_root) {
    op.verb = FRAME_LIST
    list_root(op, into)
    return
  }
  const prefix = peer_bytes == 0 ? no_text : text_of(record + IN_LIST_BYTES, peer_bytes)
  if (is(target)) {
    ask(op, target, FRAME_LIST).prefix = prefix
    put_text(rest_at, rest_bytes)
    put_u32(into ? LIST_FLAG_DEEP : 0)
    post_end(no_payload)
    return
  }
  const served = serve_list(no_peer, id, prefix, rest_at, rest_bytes, into)
  text_release(prefix)
  complete(op, served, 0, 0, 0)
}

// Processes

export function start(record: usize): void {
  const id = load<u32>(record + IN_START_OP)
  const handle = load<u32>(record + IN_START_PAYLOAD)
  const bytes = load<u32>(record + IN_START_PAYLOAD_BYTES)
  let status = leads(record, IN_START_BYTES, load<u32>(record + IN_START_PATH_BYTES), id, false)
  if (status == ERROR_OK && handle == 0) status = ERROR_BAD_ARGUMENT
  if (status == ERROR_OK && bytes > MESSAGE_BYTES_MAX) status = ERROR_TOO_LARGE
  if (status != ERROR_OK) {
    drop_handle(handle)
    refuse(id, status)
    return
  }
  const payload = payload_new(handle, bytes)
  const op = op_new(id, KIND_REQUEST)
  if (!is(target)) {
    const served = serve_start(no_peer, id, rest_at, rest_bytes, payload)
    if (served != ERROR_OK) complete(op, served, 0, 0, 0)
    return
  }
  ask(op, target, FRAME_START)
  put_text(rest_at, rest_bytes)
  post_end(payload)
  payload_done(payload)
}

export function signal(record: usize): void {
  const id = load<u32>(record + IN_SIGNAL_OP)
  const number = load<u32>(record + IN_SIGNAL_SIGNAL)
  let status = leads(record, IN_SIGNAL_BYTES, load<u32>(record + IN_SIGNAL_PATH_BYTES), id, false)
  if (status == ERROR_OK && (number == 0 || number > 64)) status = ERROR_BAD_ARGUMENT
  if (status != ERROR_OK) {
    refuse(id, status)
    return
  }
  const op = op_new(id, KIND_REQUEST)
  if (!is(target)) {
    const served = serve_signal(no_peer, id, rest_at, rest_bytes, number)
    if (served != ERROR_OK) complete(op, served, 0, 0, 0)
    return
  }
  ask(op, target, FRAME_SIGNAL)
  put_text(rest_at, rest_bytes)
  put_u32(number)
  post_end(no_payload)
}

/** The host gives a request up: it is completed, and its replies mean nothing any more. */
export function request_abort(op: Operation, status: u32): void {
  complete(op, status, 0, COMPLETION_FLAG_UNKNOWN, 0)
}
