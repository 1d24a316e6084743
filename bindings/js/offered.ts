/**
 * Receiving in two steps: a message is offered, then taken or denied.
 *
 * Lives here: the operation behind `receiveOffered` and `selectOffered`. Does not live here: the
 * records that begin it (channel, select), the message's place meanwhile (core).
 *
 * Invariants: an offer is settled once, by `take`, `deny` or its end; a message that was not taken
 * keeps its place, and the channels in it come with no handle.
 */
import type { Drive } from './drive.ts'
import { failure } from './errors.ts'
import type { CaseName } from './errors.ts'
import { lentChannels, valueOf } from './message.ts'
import { Operation } from './operation.ts'
import type { Completion } from './operation.ts'
import {
  COMPLETION_FLAG_AGAIN, COMPLETION_FLAG_MESSAGE, COMPLETION_FLAG_SHARED, COMPLETION_FLAG_UNKNOWN,
  ERROR_CLOSED, ERROR_LEAVING, ERROR_OK, ERROR_TIMED_OUT, ERROR_WITHDRAWN, ERROR_WOULD_BLOCK,
  IN_TAKE, IN_TAKE_OP, IN_TAKE_WORDS, WHICH_DEFAULT
} from './tables.ts'
import type { Reference } from './values.ts'

/** A message that is shown and keeps its place until it is taken. */
export interface Offered<T> {
  readonly value: T
  /** False: the channel is closed and drained; there is nothing to take. */
  readonly ok: boolean
  readonly again: boolean
  /** The case that it came on; 0 for a plain receive. */
  readonly case: CaseName
  /** Takes the message. Rejects when it was too late: it went back to its place. */
  take(): Promise<void>
  /** Gives it back; it goes to its place. */
  deny(): void
}

/** What the operation knows of one case. */
export interface HeldCase {
  readonly name: CaseName, readonly what: string, readonly receives: boolean
}

/** What an error of a select is about: the case that met it, or all of them. */
export function blamed(
  cases: readonly HeldCase[], status: number, which: number
): { what: string, name: CaseName | undefined } {
  const own = status === ERROR_TIMED_OUT || status === ERROR_WITHDRAWN
    || status === ERROR_WOULD_BLOCK || status === ERROR_LEAVING
  const chosen = own ? undefined : cases[which]
  if (chosen !== undefined) return { what: chosen.what, name: chosen.name }
  return { what: cases.map((one) => one.what).join(', '), name: undefined }
}

const NAMELESS = { what: '(unnamed)' }

/** A receive or a select with the flag hold. */
export class HoldOperation<T> extends Operation<Offered<T>> {
  readonly #drive: Drive
  readonly #cases: readonly HeldCase[]
  readonly #plain: boolean
  #signal: AbortSignal | undefined = undefined
  #channels: readonly (Reference & { settle?(held: boolean): void })[] = []
  #over = false
  #late: unknown = undefined
  #taken: Promise<void> | undefined = undefined
  #settle: { resolve: () => void, reject: (error: unknown) => void } | undefined = undefined
  readonly #abort = () => this.#drive.withdraw(this.id)

  /** `plain`: a receive, whose errors name no case. */
  constructor(drive: Drive, cases: readonly HeldCase[], plain: boolean) {
    super()
    this.#drive = drive
    this.#cases = cases
    this.#plain = plain
  }

  /** The offer, once there is one. */
  offer(signal: AbortSignal | undefined): Promise<Offered<T>> {
    this.#signal = signal
    if (!this.#over) signal?.addEventListener('abort', this.#abort)
    return this.promise()
  }

  /** The core shows a message. */
  offered(offer: Completion, drive: Drive): void {
    const chosen = this.#cases[offer.which]
    const channels = lentChannels(offer.refs, drive)
    this.#channels = channels
    let value: unknown
    try {
      value = valueOf(drive.payloads.peek(offer.payload), true, channels, chosen ?? NAMELESS)
    } catch (error) {
      // Nobody can ever read it: it is taken out of the way, as a receive would do.
      this.#take().catch(() => {})
      return this.reject(error)
    }
    this.#resolveWith(value, true, (offer.flags & COMPLETION_FLAG_AGAIN) !== 0, chosen?.name ?? 0)
  }

  done(completion: Completion, drive: Drive): void {
    const { status, which, flags } = completion
    this.#over = true
    this.#signal?.removeEventListener('abort', this.#abort)
    const message = (flags & COMPLETION_FLAG_MESSAGE) !== 0
    const gift = message && (flags & COMPLETION_FLAG_SHARED) === 0
    if (gift) drive.payloads.take(completion.payload)
    for (const channel of this.#channels) channel.settle?.(message)
    if (this.pending) return this.#doneUnoffered(status, which, flags)
    if (status === ERROR_OK) return this.#settle?.resolve()
    this.#late = this.#reason(status, which, flags)
    this.#settle?.reject(this.#late)
  }

  override fail(error: Error): void {
    this.#over = true
    this.#signal?.removeEventListener('abort', this.#abort)
    this.#late = error
    this.#settle?.reject(error)
    super.fail(error)
  }

  /** It ended without an offer: a send or a timer was the case, or none, or an error. */
  #doneUnoffered(status: number, which: number, flags: number): void {
    const chosen = this.#cases[which]
    if (status === ERROR_OK) {
      this.#resolveWith(undefined, true, false,
        which === WHICH_DEFAULT ? 'default' : chosen?.name ?? 0)
    } else if (status === ERROR_CLOSED && chosen?.receives === true) {
      this.#resolveWith(undefined, false, false, chosen.name)
    } else {
      this.reject(this.#reason(status, which, flags))
    }
  }

  #reason(status: number, which: number, flags: number): unknown {
    if (status === ERROR_WITHDRAWN && this.#signal?.aborted === true) return this.#signal.reason
    const { what, name } = blamed(this.#cases, status, which)
    const unknown = (flags & COMPLETION_FLAG_UNKNOWN) !== 0
    return failure(status, what, unknown, this.#plain ? undefined : name)
  }

  #resolveWith(value: unknown, ok: boolean, again: boolean, name: CaseName): void {
    this.resolve({
      value: value as T, ok, again, case: name, take: () => this.#take(), deny: () => this.#deny()
    })
  }

  #take(): Promise<void> {
    if (this.#taken !== undefined) return this.#taken
    if (this.#over) {
      return this.#late === undefined ? Promise.resolve() : Promise.reject(this.#late)
    }
    this.#taken = new Promise((resolve, reject) => { this.#settle = { resolve, reject } })
    try {
      const at = this.#drive.record(IN_TAKE, IN_TAKE_WORDS)
      this.#drive.memory.words[at + IN_TAKE_OP] = this.id
      this.#drive.go()
    } catch (error) {
      this.#settle?.reject(error)
    }
    return this.#taken
  }

  #deny(): void {
    if (!this.#over && this.#taken === undefined) this.#drive.withdraw(this.id)
  }
}
