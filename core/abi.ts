/**
 * The door: `init` and `run`, and the second door for what needs no record.
 *
 * Lives here: which input record goes to which part, and when the core stops taking them. Does not
 * live here: what a record does. spec: spec/abi.md
 *
 * Invariants: a bad record is refused or ignored and never traps; a call's outputs are in the order
 * of their causes; no input is taken while outputs wait behind the area.
 */
import { away_open } from './away'
import { claims_open } from './claim'
import { directory_open } from './directory'
import { edges_open } from './edge'
import { errands_open } from './errand'
import { header } from './fault'
import { bytes_used } from './heap'
import { verified_in } from './hello'
import { frame_in } from './intake'
import { limit } from './limit'
import { link_down_in, link_ready_in, link_up_in } from './link'
import { found_in, self_in } from './member'
import { now_recording } from './now'
import { aftermath, frame_taken, leave, run_end, timers_run, withdraw } from './node'
import { links_open } from './peer'
import { dirty_any } from './post'
import { dial_failed_in, heard_in, turn_begin } from './probe'
import { ended, programs_open, signaled, started } from './program'
import { random_seed } from './random'
import { read, reader, reader_end, readers_open } from './reader'
import { ref_release, ref_retain, references_open } from './reference'
import { close, list, make, open, requests_open, scrub, signal, start, stat } from './request'
import { input, output, produced, ring_full, ring_open, ring_turn, ring_waiting } from './ring'
import { roster_open } from './roster'
import { receive, record_bytes, select, send, take } from './start'
import { sync_open } from './sync'
import { time_is, timer_any, timer_first_ms } from './timer'
import { tree_open } from './tree'
import { vouch_open } from './vouch'
import { waiters_open } from './waiter'
import {
  ABI_VERSION, HEADER_ABI_VERSION, HEADER_CONSUMED, HEADER_DEADLINE_MS, HEADER_HAS_DEADLINE,
  HEADER_INPUT_BYTES, HEADER_INPUT_PTR, HEADER_MEMORY_BYTES_USED, HEADER_MORE, HEADER_NOW_MS,
  HEADER_OUTPUT_BYTES, HEADER_OUTPUT_PTR, HEADER_PRODUCED, INPUT_BYTES, IN_CLOSE, IN_DIAL_FAILED,
  IN_ENDED, IN_FOUND, IN_FRAME, IN_HEARD, IN_LEAVE, IN_LIMIT, IN_LINK_DOWN, IN_LINK_READY,
  IN_LINK_UP, IN_LIST, IN_MAKE, IN_OPEN, IN_READ, IN_READER, IN_READER_END, IN_RECEIVE,
  IN_RELEASE, IN_RELEASE_BYTES, IN_RELEASE_REF, IN_RETAIN, IN_SCRUB, IN_SELECT, IN_SELF, IN_SEND,
  IN_SERIES, IN_SIGNAL, IN_SIGNALED, IN_START, IN_STARTED, IN_STAT, IN_TAKE, IN_VERIFIED,
  IN_WITHDRAW, OUTPUT_BYTES,
} from './tables'

export { send_list_now } from './away'
export { select_now } from './choice'
export { receive_many_now, receive_now, send_many_now, send_now } from './now'
export { read_many_now, read_now } from './reader'

/** Makes the instance ready; gives the address of the header. Called once. */
export function init(seed: u32): usize {
  ring_open()
  waiters_open()
  references_open()
  claims_open()
  away_open()
  readers_open()
  requests_open()
  errands_open()
  programs_open()
  links_open()
  directory_open()
  roster_open()
  edges_open()
  sync_open()
  vouch_open()
  tree_open()
  random_seed(seed)
  store<u32>(header + HEADER_ABI_VERSION, ABI_VERSION)
  store<u32>(header + HEADER_INPUT_PTR, <u32>input)
  store<u32>(header + HEADER_INPUT_BYTES, INPUT_BYTES)
  store<u32>(header + HEADER_OUTPUT_PTR, <u32>output)
  store<u32>(header + HEADER_OUTPUT_BYTES, OUTPUT_BYTES)
  store<u32>(header + HEADER_MEMORY_BYTES_USED, bytes_used)
  return header
}

/** Records that begin or end an operation on a channel. False: not one of these. */
function operation(kind: u32, record: usize): bool {
  if (kind == IN_SEND) send(record)
  else if (kind == IN_RECEIVE) receive(record)
  else if (kind == IN_SELECT) select(record)
  else if (kind == IN_WITHDRAW) withdraw(record)
  else if (kind == IN_TAKE) take(record)
  else if (kind == IN_READ) read(record)
  else if (kind == IN_READER) reader(record)
  else if (kind == IN_READER_END) reader_end(record)
  else return false
  return true
}

/** Records that ask about anchors, processes and references. False: not one of these. */
function request(kind: u32, record: usize): bool {
  if (kind == IN_MAKE) make(record)
  else if (kind == IN_OPEN) open(record)
  else if (kind == IN_CLOSE) close(record)
  else if (kind == IN_SCRUB) scrub(record)
  else if (kind == IN_STAT) stat(record)
  else if (kind == IN_LIST) list(record)
  else if (kind == IN_START) start(record)
  else if (kind == IN_SIGNAL) signal(record)
  else if (kind == IN_LEAVE) leave(record)
  else if (kind == IN_STARTED) started(record)
  else if (kind == IN_ENDED) ended(record)
  else if (kind == IN_SIGNALED) signaled(record)
  else if (kind == IN_LIMIT) limit(record)
  else if (kind == IN_RELEASE || kind == IN_RETAIN) counted(kind, record)
  else return false
  return true
}

function counted(kind: u32, record: usize): void {
  if (record_bytes(record) != IN_RELEASE_BYTES) return
  const ref = load<u32>(record + IN_RELEASE_REF)
  if (kind == IN_RELEASE) ref_release(ref)
  else ref_retain(ref)
}

/** Records about links and other peers. False: not one of these. */
function network(kind: u32, record: usize): bool {
  if (kind == IN_FRAME || kind == IN_SERIES) {
    if (frame_in(record)) frame_taken()
  } else if (kind == IN_LINK_UP) link_up_in(record)
  else if (kind == IN_LINK_DOWN) link_down_in(record)
  else if (kind == IN_LINK_READY) link_ready_in(record)
  else if (kind == IN_HEARD) heard_in(record)
  else if (kind == IN_VERIFIED) verified_in(record)
  else if (kind == IN_DIAL_FAILED) dial_failed_in(record)
  else if (kind == IN_FOUND) found_in(record)
  else if (kind == IN_SELF) self_in(record)
  else return false
  return true
}

/** A whole record of at least two words stands at `at`, the end of the area is at `end`. */
function whole(at: usize, end: usize): bool {
  if (at + 8 > end) return false
  const bytes = record_bytes(at)
  return bytes >= 8 && at + bytes <= end
}

/**
 * Takes `count` records from the input area at the time in the header, and gives the number of
 * output records. spec: ABI-2 … ABI-5
 */
export function run(count: u32): u32 {
  now_recording(true)
  const waited = ring_waiting()
  ring_turn()
  time_is(load<u32>(header + HEADER_NOW_MS))
  let consumed: u32 = 0
  if (!ring_waiting()) {
    if (!waited) turn_begin()
    timers_run()
    let at = input
    const end = input + INPUT_BYTES
    while (consumed < count && !ring_full()) {
      // What follows a record that is cut off cannot be found.
      if (!whole(at, end)) {
        consumed = count
        break
      }
      const kind = load<u32>(at) & 0xffff
      if (!operation(kind, at) && !network(kind, at)) request(kind, at)
      aftermath()
      at += record_bytes(at)
      consumed++
    }
    run_end()
  }
  now_recording(false)
  store<u32>(header + HEADER_CONSUMED, consumed)
  store<u32>(header + HEADER_PRODUCED, produced)
  store<u32>(header + HEADER_MORE, consumed < count || ring_waiting() || dirty_any() ? 1 : 0)
  store<u32>(header + HEADER_HAS_DEADLINE, timer_any() ? 1 : 0)
  if (timer_any()) store<u32>(header + HEADER_DEADLINE_MS, timer_first_ms())
  store<u32>(header + HEADER_MEMORY_BYTES_USED, bytes_used)
  return produced
}
