/**
 * The whole of one peer: which part answers which input, and in which order things end.
 *
 * Lives here: handing application frames to their part, timers, lost and joined peers, the end of a
 * run. Does not live here: any rule of those parts.
 *
 * Invariants: after each input the step is settled; when a peer is lost everything that was pending
 * with it ends in that same step, before the peer may begin anew.
 */
import { away_pump } from './away'
import { Text } from './bytes'
import { killed } from './channel'
import { peers_first } from './directory'
import { answer_to, errands_lost, reply, reply_end } from './errand'
import { put_u32, read_end, read_text, read_u32, text_at, text_bytes } from './frame'
import {
  KIND_LEAVE, KIND_READ, KIND_REQUEST, TIMER_CASE, TIMER_OPERATION, complete, op_find, op_from,
  op_new, op_slot, op_usable, part, refuse,
} from './operation'
import {
  frame_count, frame_kind, frame_list, frame_payload, frame_peer, leave_begin, leave_done,
  session_timer,
} from './intake'
import { answer_bytes_max, over, over_clear } from './limit'
import { next_lost, violation } from './link'
import { lost_done, next_joined } from './member'
import {
  ask_in, claim_in, deliver_in, end_in, ends_in, grant_in, offer_in, offer_reader_in, series_in,
  unhold_in, withdraw_in,
} from './parked'
import { path_valid } from './path'
import { Payload } from './payload'
import { overlay_turn } from './overlay'
import { LOST_PARTED, Peer, no_timer } from './peer'
import { serial } from './post'
import { scrub_element, serve_signal, serve_start } from './program'
import { read_end as end_read, reader_lost, readers_flush } from './reader'
import { payload_done, ref_remote, refs_lost } from './reference'
import { entry_in, reply_in, requests_lost } from './reply'
import { request_abort } from './request'
import { abort, after_due, owner_lost } from './select'
import {
  found_channel, found_element, serve_close, serve_list, serve_make, serve_open, serve_stat,
  stat_buffered, stat_capacity, stat_closed, stat_out, stat_receivers, stat_senders,
} from './serve'
import { payloads_done_next, sessions_flush } from './session'
import { record_bytes } from './start'
import { settle } from './settle'
import { timer_clear, timer_due } from './timer'
import { IS_READER, Operation, Waiter, flagged, is, no_operation } from './waiter'
import {
  ERROR_BAD_FRAME, ERROR_BAD_PATH, ERROR_LEAVING, ERROR_OK, ERROR_OVER_LIMIT, ERROR_TIMED_OUT,
  ERROR_WITHDRAWN,
  FRAME_ASK, FRAME_CLAIM, FRAME_CLOSE, FRAME_DELIVER, FRAME_END, FRAME_ENDS, FRAME_ENTRY,
  FRAME_GRANT, FRAME_LIST, FRAME_MAKE, FRAME_OFFER_READER, FRAME_OFFER_RECEIVE, FRAME_OFFER_SEND,
  FRAME_OPEN, FRAME_REPLY, FRAME_SCRUB, FRAME_SIGNAL, FRAME_START, FRAME_STAT,
  FRAME_UNHOLD, FRAME_WITHDRAW, IN_LEAVE_BYTES, IN_LEAVE_OP, IN_WITHDRAW_BYTES, IN_WITHDRAW_OP,
  LIST_FLAG_DEEP,
} from './tables'

let leaving: Operation = no_operation

/** Ends an operation whose time is over or that the host withdraws. */
export function give_up(op: Operation, status: u8): void {
  if (op.kind == KIND_REQUEST) request_abort(op, status)
  else if (op.kind == KIND_READ) end_read(op, status)
  else if (op.kind != KIND_LEAVE) abort(op, status)
}

export function withdraw(record: usize): void {
  if (record_bytes(record) != IN_WITHDRAW_BYTES) return
  const op = op_find(load<u32>(record + IN_WITHDRAW_OP))
  if (is(op)) give_up(op, <u8>ERROR_WITHDRAWN)
}

// Requests of other peers

/** A path of a request; empty where the kind allows it. Sets text_at and text_bytes. */
function path_read(may_be_empty: bool): bool {
  if (!read_text()) return false
  return text_bytes == 0 ? may_be_empty : path_valid(text_at, text_bytes)
}

function stat_reply(peer: Peer, request: u32): void {
  if (!reply(peer, request, ERROR_OK, 7)) return
  put_u32(found_element)
  put_u32(stat_capacity)
  put_u32(stat_buffered)
  put_u32(stat_senders)
  put_u32(stat_receivers)
  put_u32(stat_closed)
  put_u32(stat_out)
  reply_end()
}

function open_reply(peer: Peer, request: u32): void {
  if (!reply(peer, request, ERROR_OK, 2)) return
  put_u32(found_element)
  put_u32(is(found_channel) ? found_channel.id : 0)
  reply_end()
}

function named_in(peer: Peer, kind: u32, request: u32): bool {
  const valid = path_read(kind == FRAME_LIST || kind == FRAME_STAT || kind == FRAME_SCRUB)
  const ptr = text_at
  const bytes = text_bytes
  const first = kind == FRAME_OPEN ? 0 : read_u32()
  const second = kind == FRAME_MAKE ? read_u32() : 0
  if (!read_end()) return false
  let status: u32 = ERROR_BAD_PATH
  if (!valid || bytes == 0 && first == 0 && kind != FRAME_LIST) {
    answer_to(peer, request, status, 0)
    return true
  }
  if (kind == FRAME_MAKE) {
    status = serve_make(peer, ptr, bytes, first, second)
    answer_to(peer, request, status, status == ERROR_OK ? found_channel.id : 0)
    return true
  }
  if (kind == FRAME_OPEN) {
    status = serve_open(peer, ptr, bytes)
    if (status == ERROR_OK) open_reply(peer, request)
  } else if (kind == FRAME_STAT) {
    status = serve_stat(peer, ptr, bytes, first)
    if (status == ERROR_OK) stat_reply(peer, request)
  } else if (kind == FRAME_SCRUB) status = scrub_element(peer, ptr, bytes, first)
  else if (kind == FRAME_SIGNAL) {
    status = serve_signal(peer, request, ptr, bytes, first)
    if (status == ERROR_OK) return true
  } else {
    const deep = (first & LIST_FLAG_DEEP) != 0
    status = serve_list(peer, request, changetype<Text>(0), ptr, bytes, deep)
  }
  if (status != ERROR_OK || kind != FRAME_OPEN && kind != FRAME_STAT) {
    answer_to(peer, request, status, 0)
  }
  return true
}

function start_in(peer: Peer, request: u32, payload: Payload): bool {
  const valid = path_read(false)
  if (!read_end() || !is(payload)) {
    payload_done(payload)
    return false
  }
  if (!valid) payload_done(payload)
  const status = valid ? serve_start(peer, request, text_at, text_bytes, payload) : ERROR_BAD_PATH
  if (status != ERROR_OK) answer_to(peer, request, status, 0)
  return true
}

function request_in(peer: Peer, kind: u32, payload: Payload): bool {
  const request = read_u32()
  if (kind == FRAME_START) return start_in(peer, request, payload)
  payload_done(payload)
  if (kind != FRAME_CLOSE) return named_in(peer, kind, request)
  const channel = read_u32()
  if (!read_end()) return false
  answer_to(peer, request, serve_close(peer, channel), 0)
  return true
}

/** One application frame; false: it breaks the rules. */
function application(peer: Peer, kind: u32, payload: Payload): bool {
  if (kind == FRAME_OFFER_SEND || kind == FRAME_OFFER_RECEIVE) return offer_in(peer, kind, payload)
  if (serial(kind)) return series_in(peer, kind, frame_list, frame_count)
  if (kind == FRAME_DELIVER) return deliver_in(peer, payload)
  if (kind == FRAME_GRANT) return grant_in(peer, payload)
  if (kind >= FRAME_MAKE && kind <= FRAME_SIGNAL) return request_in(peer, kind, payload)
  payload_done(payload)
  if (kind == FRAME_END) return end_in(peer)
  if (kind == FRAME_ENDS) return ends_in(peer)
  if (kind == FRAME_CLAIM) return claim_in(peer)
  if (kind == FRAME_UNHOLD) return unhold_in(peer)
  if (kind == FRAME_WITHDRAW) return withdraw_in(peer)
  if (kind == FRAME_ASK) return ask_in(peer)
  if (kind == FRAME_OFFER_READER) return offer_reader_in(peer)
  if (kind == FRAME_REPLY) return reply_in(peer)
  if (kind == FRAME_ENTRY) return entry_in(peer)
  return false
}

/** The application frame that the session has just taken. */
export function frame_taken(): void {
  const peer = frame_peer
  over_clear()
  const fine = application(peer, frame_kind, frame_payload)
  // Who asks on and never says that it has the answers would fill this peer's memory with them.
  const full = peer.answer_bytes > answer_bytes_max
  if (!fine || full) violation(peer, over || full ? ERROR_OVER_LIMIT : ERROR_BAD_FRAME)
}

// Peers that come and go

/**
 * Everything that was pending with a peer whose session has ended (PROTOCOL rules 6 and 7).
 * `died`: it may have taken what was on its way to it (rules 22 and 23).
 */
function peer_lost(peer: Peer, died: bool): void {
  refs_lost(peer, peer.incarnation)
  while (peer.parked != 0) killed(changetype<Waiter>(peer.parked), died)
  while (peer.away != 0) {
    const w = changetype<Waiter>(peer.away)
    if (flagged(w, IS_READER)) reader_lost(w)
    else owner_lost(w)
  }
  requests_lost(peer)
  errands_lost(peer)
  settle()
}

/** This peer has left: what is still under way, with others or here, ends. */
function all_over(): void {
  for (let peer = peers_first; is(peer); peer = peer.next) peer_lost(peer, true)
  let op = op_from(1)
  while (is(op)) {
    const next_slot = op_slot(op) + 1
    give_up(op, <u8>ERROR_LEAVING)
    op = op_from(next_slot)
  }
  settle()
}

/** A session has begun: what waits for an earlier incarnation waits in vain. */
function peer_begun(peer: Peer): void {
  refs_lost(peer, peer.incarnation - 1)
  let w = changetype<Waiter>(peer.away)
  while (is(w)) {
    if (!ref_remote(w.key).dead) {
      w = w.peer_next
      continue
    }
    if (flagged(w, IS_READER)) reader_lost(w)
    else owner_lost(w)
    // Others may have ended with it: the list is read anew.
    w = changetype<Waiter>(peer.away)
  }
  settle()
  away_pump(peer)
}

/** What follows from an input: matches, lost and joined peers, payloads that are needed no more. */
export function aftermath(): void {
  settle()
  for (let peer = next_lost(); is(peer); peer = next_lost()) {
    peer_lost(peer, peer.lost_how != LOST_PARTED)
    lost_done(peer)
  }
  for (let peer = next_joined(); is(peer); peer = next_joined()) peer_begun(peer)
  if (is(leaving) && leave_done()) {
    all_over()
    const op = leaving
    leaving = no_operation
    complete(op, ERROR_OK, 0, 0, 0)
  }
  for (let payload = payloads_done_next(); is(payload); payload = payloads_done_next()) {
    payload_done(payload)
  }
}

/** Runs the timers that are due, each with its consequences. */
export function timers_run(): void {
  for (let timer = timer_due(); is(timer); timer = timer_due()) {
    const kind = timer.kind
    const subject = timer.subject
    timer_clear(timer)
    if (kind == TIMER_OPERATION) {
      const op = changetype<Operation>(subject)
      op.timer = no_timer
      give_up(op, <u8>ERROR_TIMED_OUT)
    } else if (kind == TIMER_CASE) {
      const op = changetype<Operation>(subject)
      op.after = no_timer
      after_due(op)
    } else session_timer(kind, subject)
    aftermath()
  }
}

/** The end of a run: what was gathered goes out. */
export function run_end(): void {
  readers_flush()
  settle()
  overlay_turn()
  sessions_flush()
}

export function leave(record: usize): void {
  const id = load<u32>(record + IN_LEAVE_OP)
  if (record_bytes(record) != IN_LEAVE_BYTES || !op_usable(id) || is(leaving)) {
    refuse(id, ERROR_WITHDRAWN)
    return
  }
  leaving = op_new(id, KIND_LEAVE)
  // What was taken is granted before the goodbye, and nothing is taken after it.
  readers_flush()
  part()
  leave_begin()
}
