/**
 * One operation of the host: from its record to its one completion, and the promise between.
 *
 * Lives here: settling, AbortSignals, timeouts that the core does not keep. Does not live here: ids
 * and records (drive), what each kind of operation makes of its completion (channel, select, …).
 *
 * Invariants: an operation settles once; an operation that ended in the call that began it gives a
 * promise that is settled already; its listener and its timer end with it.
 */
import type { Drive } from './drive.ts'
import { failure, Refusal } from './errors.ts'
import { COMPLETION_FLAG_UNKNOWN, ERROR_OK, ERROR_WITHDRAWN } from './tables.ts'

/** A completion as the core gave it. One object is filled anew for each: read it at once. */
export interface Completion {
  status: number
  which: number
  flags: number
  payload: number
  payloadBytes: number
  value: number
  refs: readonly number[]
}

/** What an id at the core's door leads to. */
export interface Receiver {
  /** The one completion. `drive` is where it came from. */
  done(completion: Completion, drive: Drive): void
  /** Instead of a completion: the core trapped, or the circuit was left. */
  fail(error: Error): void
}

const PENDING = 0
const FULFILLED = 1
const REJECTED = 2

/** Set by `capture`, for the one promise that is being made. */
let captured_resolve: (value: unknown) => void
let captured_reject: (error: unknown) => void
// One function for all promises: none is made for each.
const capture = (resolve: (value: unknown) => void, reject: (error: unknown) => void): void => {
  captured_resolve = resolve
  captured_reject = reject
}

/** An operation with one result of type T. */
export abstract class Operation<T> implements Receiver {
  id = 0
  #state = PENDING
  #outcome: unknown = undefined
  #resolve: ((value: unknown) => void) | undefined = undefined
  #reject: ((error: unknown) => void) | undefined = undefined
  #drive: Drive | undefined = undefined
  #signal: AbortSignal | undefined = undefined
  #timer: unknown = undefined
  #late = false

  abstract done(completion: Completion, drive: Drive): void

  /** True until it has a result or an error. */
  get pending(): boolean { return this.#state === PENDING }

  /** The result of an operation that had none waiting for it. */
  protected get result(): unknown {
    return this.#state === FULFILLED ? this.#outcome : undefined
  }

  fail(error: Error): void {
    this.reject(error)
  }

  /** Withdraws it when `signal` aborts; after `timeout_ms` where the core keeps no time for it. */
  watch(drive: Drive, signal: AbortSignal | undefined, timeout_ms = 0): void {
    if (this.#state !== PENDING) return
    this.#drive = drive
    if (signal !== undefined) {
      this.#signal = signal
      signal.addEventListener('abort', this)
    }
    if (timeout_ms > 0) this.#timer = drive.timers.set(() => this.#expire(), timeout_ms)
  }

  /** The signal aborted. */
  handleEvent(): void {
    this.withdraw()
  }

  /** Takes it back; what became of it follows. */
  protected withdraw(): void {
    this.#drive?.withdraw(this.id)
  }

  /** The one result, as a promise that is settled when the operation is. */
  promise(): Promise<T> {
    if (this.#state === FULFILLED) return Promise.resolve(this.#outcome as T)
    if (this.#state === REJECTED) return Promise.reject(this.#outcome)
    const promise = new Promise<unknown>(capture)
    this.#resolve = captured_resolve
    this.#reject = captured_reject
    return promise as Promise<T>
  }

  /** As new, for an operation that has ended and whose promise was settled when it was made. */
  protected renew(): void {
    this.#state = PENDING
    this.#outcome = undefined
    this.#signal = undefined
    this.#late = false
  }

  resolve(value: T): void {
    if (this.#state !== PENDING) return
    this.#state = FULFILLED
    this.#release()
    if (this.#resolve !== undefined) this.#resolve(value)
    else this.#outcome = value
  }

  reject(error: unknown): void {
    if (this.#state !== PENDING) return
    this.#state = REJECTED
    this.#release()
    if (this.#reject !== undefined) this.#reject(error)
    else this.#outcome = error
  }

  /** Rejects with what a status stands for; a withdrawal has the reason of who withdrew. */
  rejectStatus(status: number, what: string, unknown: boolean, chosen?: string | number): void {
    if (status === ERROR_WITHDRAWN) {
      if (this.#signal?.aborted === true) return this.reject(this.#signal.reason)
      if (this.#late) return this.reject(new Refusal('TIMED_OUT', what, chosen))
    }
    this.reject(failure(status, what, unknown, chosen))
  }

  #expire(): void {
    this.#timer = undefined
    this.#late = true
    this.withdraw()
  }

  #release(): void {
    if (this.#signal !== undefined) this.#signal.removeEventListener('abort', this)
    if (this.#timer !== undefined) this.#drive?.timers.clear(this.#timer)
    this.#timer = undefined
  }
}

/** An operation that asks once and reads its answer from the completion. */
export class Request<T> extends Operation<T> {
  readonly #what: string
  readonly #read: (completion: Completion, drive: Drive) => T

  /** `what` fills the sentences of errors; `read` makes the result of a completion that is OK. */
  constructor(what: string, read: (completion: Completion, drive: Drive) => T) {
    super()
    this.#what = what
    this.#read = read
  }

  done(completion: Completion, drive: Drive): void {
    const { status, flags } = completion
    if (status === ERROR_OK) this.resolve(this.#read(completion, drive))
    else this.rejectStatus(status, this.#what, (flags & COMPLETION_FLAG_UNKNOWN) !== 0)
  }
}
