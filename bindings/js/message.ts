/**
 * Messages between a host and its core: a value becomes a payload, a payload a value.
 *
 * Lives here: which values stay as they are inside the peer, the references that go with a message,
 * the operations that carry one. Does not live here: how values are spelled (values), who waits for
 * what (channel, window, select).
 *
 * Invariants: a payload that the core never got is not in the table; a message that cannot be read
 * gives its references back.
 */
import { leavingString, stayingString } from './bytestring.ts'
import type { Drive, Listener } from './drive.ts'
import type { Now } from './now.ts'
import { failure, Loss } from './errors.ts'
import { Operation } from './operation.ts'
import type { Completion } from './operation.ts'
import {
  COMPLETION_FLAG_AGAIN, COMPLETION_FLAG_SHARED, COMPLETION_FLAG_UNKNOWN, ERROR_CLOSED, ERROR_OK,
  ERROR_WOULD_BLOCK, IN_SEND, IN_SEND_FLAGS, IN_SEND_PAYLOAD, IN_SEND_PAYLOAD_BYTES, IN_SEND_REF,
  IN_SEND_REFS_COUNT, IN_SEND_TIMEOUT_MS, IN_SEND_WORDS, NOW_DONE, NOW_NONE, NOW_PARKED,
  OP_FLAG_TRY, REF_REMOTE
} from './tables.ts'
import { decode, decodeSpan, encode, keep, keepable, keptBytes } from './values.ts'
import type { Reference } from './values.ts'
import { NUMBER_BYTES, Span } from './payload.ts'
import type { Packed } from './payload.ts'

/** What a receive gives. `ok` is false when the channel is closed and drained. */
export type Received<T> =
  | { readonly value: T, readonly ok: true, readonly again: boolean }
  | { readonly value: undefined, readonly ok: false, readonly again: false }

/** Makes the channel of a reference; `counted` when the host got a handle with it. */
export type Opener = (drive: Drive, ref: number, counted: boolean) => Reference & Disposable

let opener: Opener

/** Says how references become channels; channel.ts does, once. */
export function openWith(open: Opener): void {
  opener = open
}

/** A value on its way in: what the table will hold, its length, the references in it. */
export interface Parcel { packed: Packed, bytes: number, refs: number[] }

/**
 * Makes a parcel for the channel `ref`; `leaves`: of one here, whose messages go to other peers.
 * Refusals: NOT_ENCODABLE, TOO_LARGE, TOO_MANY.
 */
export function parcelOf(value: unknown, ref: number, drive: Drive, leaves = false): Parcel {
  const here = (ref & REF_REMOTE) === 0
  if (here && keepable(value)) {
    const packed = keep(value)
    return { packed, bytes: keptBytes(packed), refs: NO_REFS }
  }
  if (value instanceof Uint8Array) {
    const packed = here && !leaves ? stayingString(value) : leavingString(value)
    const bytes = packed instanceof Span ? packed.to - packed.from : packed.length
    return { packed, bytes, refs: NO_REFS }
  }
  const refs: number[] = []
  const packed = encode(value, refs, drive)
  return { packed, bytes: packed.length, refs }
}

/**
 * The items of up to `most` values of a list from `from` on, to leave this peer: of those before
 * the first that has references in it, or that cannot be sent.
 */
export function plainItems(
  values: readonly unknown[], from: number, most: number, drive: Drive
): (Uint8Array | Span)[] {
  const items: (Uint8Array | Span)[] = []
  try {
    for (let nth = from; nth < from + most; nth++) {
      const value = values[nth]
      if (value instanceof Uint8Array) items.push(leavingString(value))
      else {
        const refs: number[] = []
        const item = encode(value, refs, drive)
        if (refs.length > 0) break
        items.push(item)
      }
    }
  } catch { /* Whoever sends that one alone is told what is wrong with it. */ }
  return items
}

const NO_REFS: number[] = []
/** How a receive gives its message. */
export const SHAPE_RECEIVED = 0
export const SHAPE_ITERATED = 1
export const SHAPE_TRIED = 2

// An engine reads a constant of an import or export anew each time; these become part of its code.
const ITERATED = SHAPE_ITERATED
const TRIED = SHAPE_TRIED
const SENDS = 3
const DONE = NOW_DONE
const NONE = NOW_NONE
const PARKED = NOW_PARKED
const TRY = OP_FLAG_TRY
const NUMBER = NUMBER_BYTES
const NO_CHANNELS: readonly Reference[] = []

/** Writes one `send` record; the caller calls `go`. */
export function writeSend(
  drive: Drive, ref: number, { packed, bytes, refs }: Parcel, timeout_ms: number, flags: number,
  listener: Parameters<Drive['begin']>[2]
): void {
  const count = IN_SEND_WORDS + refs.length
  const at = timeout_ms === 0
    ? drive.beginTimeless(IN_SEND, count, listener) : drive.begin(IN_SEND, count, listener)
  const { words } = drive.memory
  words[at + IN_SEND_REF] = ref
  words[at + IN_SEND_PAYLOAD] = drive.payloads.put(packed)
  words[at + IN_SEND_PAYLOAD_BYTES] = bytes
  words[at + IN_SEND_TIMEOUT_MS] = timeout_ms
  words[at + IN_SEND_FLAGS] = flags
  words[at + IN_SEND_REFS_COUNT] = refs.length
  for (let i = 0; i < refs.length; i++) words[at + IN_SEND_WORDS + i] = refs[i]!
}

/** The value of a message that the core has handed over. Throws a Loss UNREADABLE. */
export function messageOf(completion: Completion, drive: Drive, source: Named): unknown {
  const shared = (completion.flags & COMPLETION_FLAG_SHARED) !== 0
  const packed = shared
    ? drive.payloads.peek(completion.payload)
    : drive.payloads.take(completion.payload)
  const refs = completion.refs
  const channels = refs.length === 0 ? NO_CHANNELS : refs.map((ref) => opener(drive, ref, true))
  return valueOf(packed, shared, channels, source)
}

/** The value of what the table holds; `shared` when others will read it too. */
export function valueOf(
  packed: Packed, shared: boolean, channels: readonly Reference[], source: Named
): unknown {
  if (typeof packed !== 'object' || packed === null) return packed
  try {
    if (!(packed instanceof Span)) return decode(shared ? packed.slice() : packed, channels)
    if (!shared) return decodeSpan(packed, channels)
    return decode(packed.bytes.slice(packed.from, packed.to), channels)
  } catch (error) {
    for (const channel of channels) (channel as Reference & Disposable)[Symbol.dispose]()
    throw Object.assign(new Loss('UNREADABLE', source.what, 'unknown'), { cause: error })
  }
}

/** The channels of a message that is only lent: they hold no handle yet. */
export function lentChannels(refs: readonly number[], drive: Drive): (Reference & Disposable)[] {
  return refs.map((ref) => opener(drive, ref, false))
}

/** What names itself in sentences. */
export interface Named { readonly what: string }

/**
 * The last operation of each kind that ended in the call that began it: nobody has it any more. It
 * is used for the next one.
 */
let spare_send: SendOperation | undefined
let spare_receive: ReceiveOperation<never> | undefined

const SENT = Promise.resolve(true)
const NOT_SENT = Promise.resolve(false)

/**
 * Sends without a record: in this call, or parked. Undefined when it needs one, or when the value
 * is none that stays as it is.
 */
export function sendNow(
  now: Now, ref: number, value: unknown, source: Named, trying: boolean
): Promise<boolean> | undefined {
  if (typeof value === 'number') return packedNow(now, ref, value, NUMBER, source, trying)
  if (!keepable(value)) return undefined
  const packed = keep(value)
  return packedNow(now, ref, packed, keptBytes(packed), source, trying)
}

/** Sends what the payload table would hold as `sendNow` does. */
export function packedNow(
  now: Now, ref: number, packed: Packed, bytes: number, source: Named, trying: boolean
): Promise<boolean> | undefined {
  switch (now.send(ref, packed, bytes, trying ? TRY : 0)) {
    case DONE: return SENT
    case NONE: return NOT_SENT
    case PARKED: {
      const parked = new Parked(source, SENDS)
      const outcome = parked.outcome()
      now.park(parked)
      return outcome as Promise<boolean>
    }
    default: return undefined
  }
}

/** Receives without a record: in this call, or parked. Undefined when it needs one. */
export function receiveNow<R>(
  now: Now, ref: number, source: Named, shape: number
): Promise<R> | undefined {
  switch (now.receive(ref, shape === TRIED ? TRY : 0)) {
    case DONE: return receivedOf(now.packed, source, shape) as Promise<R>
    case NONE: return NOTHING as Promise<R>
    case PARKED: {
      const parked = new Parked(source, shape)
      now.park(parked)
      return parked.outcome() as Promise<R>
    }
    default: return undefined
  }
}

/** Receives through a reader without a record what is there. Undefined when it needs one. */
export function readNow<R>(
  drive: Drive, reader: number, source: Named, shape: number
): Promise<R> | undefined {
  const { now } = drive
  if (now.read(reader) !== DONE) return undefined
  return receivedOf(now.packed, source, shape) as Promise<R>
}

function receivedOf(packed: Packed, source: Named, shape: number): Promise<unknown> {
  if (typeof packed !== 'object' || packed === null) {
    return Promise.resolve(shaped(packed, false, shape))
  }
  try {
    return Promise.resolve(shaped(valueOf(packed, false, NO_CHANNELS, source), false, shape))
  } catch (error) {
    return Promise.reject(error)
  }
}

/** A plain operation that parked: nothing but its outcome ends it. One class for both kinds. */
class Parked implements Listener {
  readonly #source: Named
  /** How a receive gives its message; SENDS for a send. */
  readonly #shape: number
  /** Also rejects: with a promise that did. A second function would cost as much as the first. */
  #resolve: ((outcome: unknown) => void) | undefined

  constructor(source: Named, shape: number) {
    this.#source = source
    this.#shape = shape
    this.#resolve = undefined
  }

  /** The promise of the outcome; asked for once, before there can be one. */
  outcome(): Promise<unknown> {
    return new Promise((resolve) => { this.#resolve = resolve })
  }

  paired(packed: Packed | undefined): void {
    if (packed === undefined) return this.#resolve!(true)
    if (typeof packed !== 'object' || packed === null) {
      return this.#resolve!(shaped(packed, false, this.#shape))
    }
    let value: unknown
    try { value = valueOf(packed, false, NO_CHANNELS, this.#source) } catch (error) {
      return this.fail(error)
    }
    this.#resolve!(shaped(value, false, this.#shape))
  }

  done(completion: Completion, drive: Drive): void {
    const { status, flags } = completion
    const sending = this.#shape === SENDS
    if (status === ERROR_CLOSED && !sending) return this.#resolve!(endOf(this.#shape))
    if (status === ERROR_WOULD_BLOCK && sending) return this.#resolve!(false)
    if (status !== ERROR_OK) {
      const unknown = (flags & COMPLETION_FLAG_UNKNOWN) !== 0
      return this.fail(failure(status, this.#source.what, unknown))
    }
    if (sending) return this.#resolve!(true)
    let value: unknown
    try { value = messageOf(completion, drive, this.#source) } catch (error) {
      if (!(error instanceof Loss)) throw error
      return this.fail(error)
    }
    this.#resolve!(shaped(value, (flags & COMPLETION_FLAG_AGAIN) !== 0, this.#shape))
  }

  fail(error: unknown): void {
    this.#resolve!(Promise.reject(error))
  }
}

function shaped(value: unknown, again: boolean, shape: number): object {
  return shape === ITERATED ? { value, done: false } : { value, ok: true, again }
}

/** What a receive gives of a channel that is closed and drained. */
function endOf(shape: number): object {
  return shape === ITERATED ? FINISHED : DRAINED
}

/** A send that waits for its outcome. Resolves to true, with `try` also to false. */
export class SendOperation extends Operation<boolean> {
  #source: Named
  #trying: boolean

  private constructor(source: Named, trying: boolean) {
    super()
    this.#source = source
    this.#trying = trying
  }

  static of(source: Named, trying: boolean): SendOperation {
    const spare = spare_send
    if (spare === undefined) return new SendOperation(source, trying)
    spare_send = undefined
    spare.#source = source
    spare.#trying = trying
    return spare
  }

  override promise(): Promise<boolean> {
    if (this.pending) return super.promise()
    const promise = this.succeeded ? SENT : super.promise()
    this.renew()
    spare_send = this
    return promise
  }

  done(completion: Completion): void {
    const { status } = completion
    if (status === ERROR_OK) this.resolve(true)
    else if (status === ERROR_WOULD_BLOCK && this.#trying) this.resolve(false)
    else {
      const unknown = (completion.flags & COMPLETION_FLAG_UNKNOWN) !== 0
      this.rejectStatus(status, this.#source.what, unknown)
    }
  }

  /** True when it was sent. */
  get succeeded(): boolean { return this.result === true }
}

const DRAINED: Received<never> = { value: undefined, ok: false, again: false }
const FINISHED: IteratorReturnResult<undefined> = { value: undefined, done: true }
const NOTHING: Promise<unknown> = Promise.resolve(undefined)

/** A receive that waits for its message. */
export class ReceiveOperation<R> extends Operation<R> {
  #source: Named
  #shape: number

  private constructor(source: Named, shape: number) {
    super()
    this.#source = source
    this.#shape = shape
  }

  static of<R>(source: Named, shape: number): ReceiveOperation<R> {
    const spare = spare_receive as ReceiveOperation<R> | undefined
    if (spare === undefined) return new ReceiveOperation<R>(source, shape)
    spare_receive = undefined
    spare.#source = source
    spare.#shape = shape
    return spare
  }

  override promise(): Promise<R> {
    const promise = super.promise()
    if (!this.pending) {
      this.renew()
      spare_receive = this as unknown as ReceiveOperation<never>
    }
    return promise
  }

  done(completion: Completion, drive: Drive): void {
    const { status } = completion
    if (status === ERROR_OK) {
      let value: unknown
      try { value = messageOf(completion, drive, this.#source) } catch (error) {
        return this.#unreadable(error)
      }
      const again = (completion.flags & COMPLETION_FLAG_AGAIN) !== 0
      this.resolve(shaped(value, again, this.#shape) as R)
    } else if (status === ERROR_CLOSED) {
      this.resolve(endOf(this.#shape) as R)
    } else if (status === ERROR_WOULD_BLOCK && this.#shape === TRIED) {
      this.resolve(undefined as R)
    } else {
      const unknown = (completion.flags & COMPLETION_FLAG_UNKNOWN) !== 0
      this.rejectStatus(status, this.#source.what, unknown)
    }
  }

  /** A payload that is missing from the table is our fault and ends the turn; bytes are not. */
  #unreadable(error: unknown): void {
    if (!(error instanceof Loss)) throw error
    this.reject(error)
  }
}
