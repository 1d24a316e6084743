/**
 * Requests about paths: make, open, stat, scrub, list.
 *
 * Lives here: their records and what comes of them. Does not live here: what a path means (core),
 * arguments of the public calls (circuit).
 *
 * Invariants: looking creates nothing; a request that was given up is answered by nobody.
 */
import { Channel } from './channel.ts'
import { checkPath, checkWait } from './check.ts'
import type { WaitOptions } from './check.ts'
import type { Drive, Listener } from './drive.ts'
import { Refusal } from './errors.ts'
import { Operation, Request } from './operation.ts'
import { kindOf, StatOperation, stateOf } from './stat.ts'
import type { ElementKind, ElementState, Stat } from './stat.ts'
import {
  COMPLETION_FLAG_UNKNOWN, ELEMENT_CHANNEL, ERROR_OK, IN_LIST, IN_LIST_FLAGS, IN_LIST_PATH_BYTES,
  IN_LIST_WORDS, IN_MAKE, IN_MAKE_CAPACITY, IN_MAKE_FLAGS, IN_MAKE_PATH_BYTES, IN_MAKE_WORDS,
  IN_OPEN, IN_OPEN_PATH_BYTES, IN_OPEN_WORDS, IN_SCRUB, IN_SCRUB_PATH_BYTES, IN_SCRUB_REF,
  IN_SCRUB_WORDS, IN_STAT, IN_STAT_PATH_BYTES, IN_STAT_REF, IN_STAT_WORDS
} from './tables.ts'
import type { Completion } from './operation.ts'

/** One line of a list. */
export interface Entry {
  readonly path: string
  readonly kind: ElementKind
  /** Of channels and processes. */
  readonly state: ElementState
}

/** The fixed part of a record whose tail is a path. */
export interface PathRecord {
  readonly kind: number
  readonly words: number
  readonly pathBytesAt: number
  /** Writes the other fields of the record that begins at word `at`. */
  fill?(words: Uint32Array, at: number): void
}

/** Begins an operation on a path and gives its result. Refusals: BAD_ARGUMENT, then the core's. */
export async function askAbout<T>(
  drive: Drive, record: PathRecord, path: string, operation: Operation<T> & Listener,
  options?: WaitOptions
): Promise<T> {
  // The empty path is allowed where the caller let it through: it is this peer's own root.
  const tail = path === '' ? NO_BYTES : checkPath(path)
  const { signal, timeout_ms } = checkWait(options)
  const at = drive.begin(record.kind, record.words + (tail.length + 3 >>> 2), operation)
  const { words } = drive.memory
  record.fill?.(words, at)
  words[at + record.pathBytesAt] = tail.length
  drive.tail(at + record.words, tail)
  drive.go()
  operation.watch(drive, signal, timeout_ms)
  return operation.promise()
}

const NO_BYTES = new Uint8Array(0)

/** Makes a channel at a path; '' makes one without a name, here. */
export function makeAt<T>(
  drive: Drive, path: string, capacity: number, flags: number, options?: WaitOptions
): Promise<Channel<T>> {
  const made = new Request(path, ({ value }) => new Channel<T>(drive, value, path || undefined))
  return askAbout(drive, {
    kind: IN_MAKE,
    words: IN_MAKE_WORDS,
    pathBytesAt: IN_MAKE_PATH_BYTES,
    fill(words, at) {
      words[at + IN_MAKE_CAPACITY] = capacity
      words[at + IN_MAKE_FLAGS] = flags
    }
  }, path, made, options)
}

/** Makes a channel without a name and gives its reference at once. */
export function makeHere(drive: Drive, capacity: number): number {
  let ref = 0
  let failed: unknown
  const made = new Request<void>('(unnamed)', ({ value }) => { ref = value })
  const at = drive.begin(IN_MAKE, IN_MAKE_WORDS, made)
  const { words } = drive.memory
  words[at + IN_MAKE_CAPACITY] = capacity
  words[at + IN_MAKE_FLAGS] = 0
  words[at + IN_MAKE_PATH_BYTES] = 0
  drive.go()
  if (ref !== 0) return ref
  made.promise().catch((error: unknown) => { failed = error })
  drive.check()
  throw failed ?? new Refusal('TOO_MANY', 'channels of this peer')
}

/** What was found at a path: a channel, or another kind of element. */
export type Opened<T> = { readonly kind: 'channel', readonly channel: Channel<T> }
  | { readonly kind: Exclude<ElementKind, 'channel'> }

/** Finds what stands at a path. */
export function openAt<T>(drive: Drive, path: string, options?: WaitOptions): Promise<Opened<T>> {
  const opened = new Request<Opened<T>>(path, ({ value, payloadBytes }) =>
    payloadBytes === ELEMENT_CHANNEL
      ? { kind: 'channel', channel: new Channel<T>(drive, value, path) }
      : { kind: kindOf(payloadBytes) as Exclude<ElementKind, 'channel'> })
  return askAbout(drive, {
    kind: IN_OPEN, words: IN_OPEN_WORDS, pathBytesAt: IN_OPEN_PATH_BYTES
  }, path, opened, options)
}

/** What stands at a path is like now. */
export function statAt(drive: Drive, path: string, options?: WaitOptions): Promise<Stat> {
  return askAbout(drive, {
    kind: IN_STAT,
    words: IN_STAT_WORDS,
    pathBytesAt: IN_STAT_PATH_BYTES,
    fill(words, at) { words[at + IN_STAT_REF] = 0 }
  }, path, new StatOperation(path), options)
}

/** Removes what stands at a path. */
export function scrubAt(drive: Drive, path: string, options?: WaitOptions): Promise<void> {
  return askAbout(drive, {
    kind: IN_SCRUB,
    words: IN_SCRUB_WORDS,
    pathBytesAt: IN_SCRUB_PATH_BYTES,
    fill(words, at) { words[at + IN_SCRUB_REF] = 0 }
  }, path, new Request<void>(path, () => undefined), options)
}

/** What stands at and below a path; `/...` walks over all peers. */
export function listAt(drive: Drive, path: string, options?: WaitOptions): Promise<Entry[]> {
  return askAbout(drive, {
    kind: IN_LIST,
    words: IN_LIST_WORDS,
    pathBytesAt: IN_LIST_PATH_BYTES,
    fill(words, at) { words[at + IN_LIST_FLAGS] = 0 }
  }, path, new ListOperation(path), options)
}

/** Gathers the entries of a list, which has as many as there are anchors. */
class ListOperation extends Operation<Entry[]> {
  readonly #what: string
  readonly #entries: Entry[] = []

  constructor(what: string) {
    super()
    this.#what = what
  }

  entry(element: number, state: number, path: string): void {
    this.#entries.push({ path, kind: kindOf(element), state: stateOf(element, state) })
  }

  done({ status, flags }: Completion): void {
    if (status === ERROR_OK) this.resolve(this.#entries)
    else this.rejectStatus(status, this.#what, (flags & COMPLETION_FLAG_UNKNOWN) !== 0)
  }
}
