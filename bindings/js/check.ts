/**
 * The arguments of public calls.
 *
 * Lives here: what each kind of argument must be, and the refusal that says so. Does not live here:
 * what only the core can judge (paths' meaning, rights, limits of a peer).
 *
 * Invariants: every check throws a Refusal before anything has changed, or gives the argument in
 * the form that the core's door wants.
 */
import { Refusal } from './errors.ts'
import { CAPACITY_MAX, PATH_BYTES_MAX, TIMEOUT_MS_MAX } from './tables.ts'

/** What every call that waits takes. */
export interface WaitOptions {
  /** Withdraws the operation when it aborts; the call rejects with the signal's own reason. */
  signal?: AbortSignal | undefined
  /** Milliseconds, 1 … 2^31 - 1, after which it is withdrawn and refused with TIMED_OUT. */
  timeout?: number | undefined
}

const U32_MAX = 0xffffffff

/** Refuses with BAD_ARGUMENT. */
export function refuse(what: string): never {
  throw new Refusal('BAD_ARGUMENT', what)
}

/** Refuses options that are not an object. */
export function checkOptions(options: unknown): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null) refuse('the options must be an object')
}

/** A timeout as the door wants it: whole milliseconds, 0 for none. */
export function checkTimeout(timeout: unknown): number {
  if (timeout === undefined) return 0
  if (typeof timeout === 'number' && timeout > 0 && timeout <= TIMEOUT_MS_MAX) {
    return Math.ceil(timeout)
  }
  refuse(`timeout must be a number of milliseconds from 1 to ${TIMEOUT_MS_MAX}, or be left out`)
}

/** A delay in whole milliseconds, 0 included. */
export function checkDelay(ms: unknown): number {
  if (typeof ms === 'number' && ms >= 0 && ms <= TIMEOUT_MS_MAX) return Math.ceil(ms)
  refuse(`a delay must be a number of milliseconds from 0 to ${TIMEOUT_MS_MAX}`)
}

/** An AbortSignal, or undefined. Throws its reason when it has aborted already. */
export function checkSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined) return undefined
  const given = signal as AbortSignal | null
  if (typeof given !== 'object' || given === null || typeof given.addEventListener !== 'function' ||
    typeof given.aborted !== 'boolean') refuse('signal must be an AbortSignal')
  if (given.aborted) throw given.reason
  return given
}

/** The options of a call that waits, in the form of the core's door. */
export function checkWait(
  options: WaitOptions | undefined
): { signal: AbortSignal | undefined, timeout_ms: number } {
  if (options === undefined) return NO_OPTIONS
  checkOptions(options)
  const timeout_ms = checkTimeout(options.timeout)
  return { signal: checkSignal(options.signal), timeout_ms }
}

const NO_OPTIONS = { signal: undefined, timeout_ms: 0 }

/** A whole number between two bounds. */
export function checkWhole(value: unknown, name: string, least: number, most: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) {
    return value
  }
  refuse(`${name} must be a whole number from ${least} to ${most}`)
}

/** A channel's capacity; undefined is 0. */
export function checkCapacity(capacity: unknown): number {
  return capacity === undefined ? 0 : checkWhole(capacity, 'capacity', 0, CAPACITY_MAX)
}

/** A u32. */
export function checkU32(value: unknown, name: string): number {
  return checkWhole(value, name, 0, U32_MAX)
}

const encoder = new TextEncoder()

/** A text of at most `most` bytes as UTF-8. */
export function checkText(value: unknown, name: string, most: number): Uint8Array {
  if (typeof value !== 'string') refuse(`${name} must be a string`)
  // Each unit of a string makes at least one byte: no long string is encoded only to be refused.
  const bytes = value.length <= most ? encoder.encode(value) : undefined
  if (bytes === undefined || bytes.length > most) refuse(`${name} must be at most ${most} bytes`)
  return bytes
}

/** A path as UTF-8; what its segments may hold is the core's to judge. */
export function checkPath(path: unknown): Uint8Array {
  if (path === '') refuse('the path must not be empty')
  return checkText(path, 'the path', PATH_BYTES_MAX)
}
