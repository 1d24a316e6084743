/**
 * Processes on anchors: their channels and what the host is told to do.
 *
 * Lives here: the element of a process, its four channels, the orders start, signal and stop. Does
 * not live here: real processes (bindings/node/process).
 *
 * Invariants: a process has its channels at `stdin`, `stdout`, `stderr` and `exit` below its own
 * path; `exit` is a latch; the host is told to stop a process once, when it is scrubbed.
 */
import { alloc, release } from './heap'
import { Text, text_of, text_ptr, text_release } from './bytes'
import { Errand, answer_to, errand_find, errand_free, errand_new } from './errand'
import { anchor_add, anchor_find, anchor_remove, no_anchor } from './path'
import { Payload, payload_free } from './payload'
import { Peer } from './peer'
import { payload_done, ref_channel } from './reference'
import { emit } from './ring'
import { found_channel, permitted, scrub_channel, serve_make, serve_scrub } from './serve'
import { record_bytes } from './start'
import { Table, table_add, table_find, table_new, table_remove } from './table'
import { is, no_peer } from './waiter'
import {
  ELEMENT_PROCESS, ERROR_ANCHOR_TAKEN, ERROR_BAD_PATH, ERROR_CANNOT_START, ERROR_LEFT,
  ERROR_NOT_PERMITTED, ERROR_NOT_RUNNING, ERROR_NO_SUCH_ANCHOR, ERROR_OK, ERROR_TOO_MANY,
  ERROR_WRONG_KIND, IN_ENDED_BYTES, IN_ENDED_PROCESS, IN_SIGNALED_BYTES, IN_SIGNALED_STATUS,
  IN_SIGNALED_TOKEN, IN_STARTED_BYTES, IN_STARTED_PROCESS, IN_STARTED_STATUS, MAKE_FLAG_LATCH,
  OUT_SIGNAL, OUT_SIGNAL_BYTES, OUT_SIGNAL_PROCESS, OUT_SIGNAL_SIGNAL, OUT_SIGNAL_TOKEN,
  OUT_START, OUT_START_BYTES, OUT_START_EXIT, OUT_START_PATH_BYTES, OUT_START_PAYLOAD,
  OUT_START_PAYLOAD_BYTES, OUT_START_PROCESS, OUT_START_STDERR, OUT_START_STDIN, OUT_START_STDOUT,
  OUT_STOP, OUT_STOP_BYTES, OUT_STOP_PROCESS, PATH_BYTES_MAX, PROCESS_STATE_ENDED,
  PROCESS_STATE_RUNNING, PROCESS_STATE_STARTING, RIGHT_PROCESS, STDIO_CAPACITY,
} from './tables'

// @ts-ignore: decorator
@unmanaged
export class Program {
  id: u32
  path: Text
  stdin: u32
  stdout: u32
  stderr: u32
  exit: u32
  state: u32
  /** Who waits for the start; 0 when answered. */
  errand: u32
}

export let programs: Table = changetype<Table>(0)
const name_at: usize = memory.data(PATH_BYTES_MAX + 16)

export function programs_open(): void {
  programs = table_new()
}

/** Writes `path/stdin` and so on (0 … 3) to name_at; gives its length. */
function part_name(ptr: usize, bytes: u32, part: u32): u32 {
  memory.copy(name_at, ptr, bytes)
  let at = name_at + bytes
  // The letters are written as numbers because the core has no strings.
  if (part == 0) { store<u64>(at, 0x6e696474732f); return bytes + 6 }
  if (part == 1) { store<u64>(at, 0x74756f6474732f); return bytes + 7 }
  if (part == 2) { store<u64>(at, 0x7272656474732f); return bytes + 7 }
  store<u64>(at, 0x746978652f)
  return bytes + 5
}

function paths_free(ptr: usize, bytes: u32): u32 {
  if (part_name(ptr, bytes, 1) > PATH_BYTES_MAX) return ERROR_BAD_PATH
  if (is(anchor_find(ptr, bytes))) return ERROR_ANCHOR_TAKEN
  for (let part: u32 = 0; part < 4; part++) {
    if (is(anchor_find(name_at, part_name(ptr, bytes, part)))) return ERROR_ANCHOR_TAKEN
  }
  return ERROR_OK
}

/** One channel of a process, with a count for the host; 0 when the table is full. */
function part_make(ptr: usize, bytes: u32, part: u32): u32 {
  const name_bytes = part_name(ptr, bytes, part)
  const latch: u32 = part == 3 ? MAKE_FLAG_LATCH : 0
  if (serve_make(no_peer, name_at, name_bytes, STDIO_CAPACITY, latch) != ERROR_OK) return 0
  found_channel.exported = true
  found_channel.count++
  return found_channel.id
}

function part_scrub(channel: u32): void {
  const c = ref_channel(channel)
  if (channel != 0 && is(c) && !c.scrubbed) scrub_channel(c)
}

function state_is(program: Program, state: u32): void {
  program.state = state
  anchor_find(text_ptr(program.path), program.path.bytes).state = state
}

function program_free(program: Program): void {
  part_scrub(program.stdin)
  part_scrub(program.stdout)
  part_scrub(program.stderr)
  part_scrub(program.exit)
  anchor_remove(text_ptr(program.path), program.path.bytes)
  table_remove(programs, program.id)
  text_release(program.path)
  release(changetype<usize>(program), offsetof<Program>())
}

function order_start(program: Program, payload: Payload): void {
  const path = program.path
  const out = emit(OUT_START, OUT_START_BYTES + path.bytes)
  store<u32>(out + OUT_START_PROCESS, program.id)
  store<u32>(out + OUT_START_PAYLOAD, payload.handle)
  store<u32>(out + OUT_START_PAYLOAD_BYTES, payload.bytes)
  store<u32>(out + OUT_START_STDIN, program.stdin)
  store<u32>(out + OUT_START_STDOUT, program.stdout)
  store<u32>(out + OUT_START_STDERR, program.stderr)
  store<u32>(out + OUT_START_EXIT, program.exit)
  store<u32>(out + OUT_START_PATH_BYTES, path.bytes)
  memory.copy(out + OUT_START_BYTES, text_ptr(path), path.bytes)
  payload_free(payload, true)
}

/**
 * Starts a process at a path; the answer to (peer, request) follows when the host has answered.
 * Takes the payload. Gives a status other than OK when it fails at once.
 */
export function serve_start(
  peer: Peer, request: u32, ptr: usize, bytes: u32, payload: Payload,
): u32 {
  let status = permitted(peer, RIGHT_PROCESS, ptr, bytes) ? paths_free(ptr, bytes)
    : ERROR_NOT_PERMITTED
  let errand = changetype<Errand>(0)
  if (status == ERROR_OK) {
    errand = errand_new(peer, request, 0)
    if (!is(errand)) status = ERROR_TOO_MANY
  }
  if (status != ERROR_OK) {
    payload_done(payload)
    return status
  }
  const program = changetype<Program>(alloc(offsetof<Program>()))
  program.id = table_add(programs, changetype<usize>(program))
  program.path = text_of(ptr, bytes)
  anchor_add(ptr, bytes, ELEMENT_PROCESS, program.id)
  state_is(program, PROCESS_STATE_STARTING)
  program.stdin = part_make(ptr, bytes, 0)
  program.stdout = part_make(ptr, bytes, 1)
  program.stderr = part_make(ptr, bytes, 2)
  program.exit = part_make(ptr, bytes, 3)
  if (program.exit == 0 || program.stderr == 0 || program.stdout == 0 || program.stdin == 0) {
    program_free(program)
    errand_free(errand)
    payload_done(payload)
    return ERROR_TOO_MANY
  }
  program.errand = errand.id
  order_start(program, payload)
  return ERROR_OK
}

function answered(errand_id: u32, status: u32, value: u32): void {
  const errand = errand_find(errand_id)
  if (!is(errand)) return
  if (errand.request != 0) answer_to(errand.peer, errand.request, status, value)
  errand_free(errand)
}

/** The host's answer to start. */
export function started(record: usize): void {
  if (record_bytes(record) != IN_STARTED_BYTES) return
  const program = changetype<Program>(table_find(programs, load<u32>(record + IN_STARTED_PROCESS)))
  const status = load<u32>(record + IN_STARTED_STATUS)
  if (!is(program) || program.state != PROCESS_STATE_STARTING) return
  const errand = program.errand
  program.errand = 0
  state_is(program, PROCESS_STATE_RUNNING)
  if (status != ERROR_OK) program_free(program)
  answered(errand, status < ERROR_LEFT ? status : ERROR_CANNOT_START, 0)
}

/** The host says that the process is gone. */
export function ended(record: usize): void {
  if (record_bytes(record) != IN_ENDED_BYTES) return
  const program = changetype<Program>(table_find(programs, load<u32>(record + IN_ENDED_PROCESS)))
  if (is(program)) state_is(program, PROCESS_STATE_ENDED)
}

/** Signals the process at a path; the answer follows when the host has answered. */
export function serve_signal(
  peer: Peer, request: u32, ptr: usize, bytes: u32, signal: u32,
): u32 {
  if (!permitted(peer, RIGHT_PROCESS, ptr, bytes)) return ERROR_NOT_PERMITTED
  const anchor = anchor_find(ptr, bytes)
  if (!is(anchor)) return ERROR_NO_SUCH_ANCHOR
  if (anchor.element != ELEMENT_PROCESS) return ERROR_WRONG_KIND
  const program = changetype<Program>(table_find(programs, anchor.subject))
  if (program.state == PROCESS_STATE_ENDED) return ERROR_NOT_RUNNING
  const errand = errand_new(peer, request, program.id)
  if (!is(errand)) return ERROR_TOO_MANY
  const out = emit(OUT_SIGNAL, OUT_SIGNAL_BYTES)
  store<u32>(out + OUT_SIGNAL_TOKEN, errand.id)
  store<u32>(out + OUT_SIGNAL_PROCESS, program.id)
  store<u32>(out + OUT_SIGNAL_SIGNAL, signal)
  return ERROR_OK
}

/** The host's answer to signal. */
export function signaled(record: usize): void {
  if (record_bytes(record) != IN_SIGNALED_BYTES) return
  const status = load<u32>(record + IN_SIGNALED_STATUS)
  const shown = status < ERROR_LEFT ? status : ERROR_NOT_RUNNING
  answered(load<u32>(record + IN_SIGNALED_TOKEN), shown, 0)
}

/** Ends a process: its channels and anchors go, and the host kills it. */
function program_scrub(id: u32): void {
  const program = changetype<Program>(table_find(programs, id))
  store<u32>(emit(OUT_STOP, OUT_STOP_BYTES) + OUT_STOP_PROCESS, id)
  const errand = program.errand
  program.errand = 0
  program_free(program)
  answered(errand, ERROR_CANNOT_START, 0)
}

/** Scrubs whatever element is at a path, or a channel by its id when that is not 0. */
export function scrub_element(peer: Peer, ptr: usize, bytes: u32, channel: u32): u32 {
  const anchor = channel == 0 ? anchor_find(ptr, bytes) : no_anchor
  if (!is(anchor) || anchor.element != ELEMENT_PROCESS) {
    return serve_scrub(peer, ptr, bytes, channel)
  }
  if (!permitted(peer, RIGHT_PROCESS, ptr, bytes)) return ERROR_NOT_PERMITTED
  program_scrub(anchor.subject)
  return ERROR_OK
}
