/**
 * Writers: many sends to one channel under way at once.
 *
 * Lives here: Writer, its window, those that wait for it. Does not live here: readers (window),
 * plain sends (channel), what becomes of a message (core).
 *
 * Invariants: a writer has at most `window` sends under way, in the order of its calls; an error of
 * one is told by the next call and by `flush`, once it is known. A list to another peer goes in
 * parts, each of them one operation that tells of each of its messages.
 */
import type { Channel } from './channel.ts'
import { checkOptions, checkWait, checkWhole, refuse } from './check.ts'
import type { WaitOptions } from './check.ts'
import type { Drive } from './drive.ts'
import { failure, Refusal } from './errors.ts'
import { parcelOf, plainItems, writeSend } from './message.ts'
import { Operation } from './operation.ts'
import type { Completion, Receiver } from './operation.ts'
import {
  COMPLETION_FLAG_UNKNOWN, ERROR_OK, ERROR_WITHDRAWN, NOW_DONE, NOW_PARKED, OPERATIONS_MAX,
  PREFETCH_MAX, REF_REMOTE
} from './tables.ts'

const TAKEN = Promise.resolve()
const NO_LIST = -1
/** Messages of a list to another peer that are handed to the core in one call; of fewer each is. */
const LISTED_MAX = 64
const LISTED_MIN = 2

/** One wait of a writer's caller: for room in the window, or for all to be done. */
class Turn extends Operation<void> {
  readonly value: unknown
  /** Of a list that is `value`: the place of the next message; -1: it is none. */
  nth: number
  readonly #what: string
  readonly #line: Set<Turn>

  constructor(what: string, line: Set<Turn>, value: unknown, nth: number) {
    super()
    this.#what = what
    this.#line = line
    this.value = value
    this.nth = nth
    line.add(this)
  }

  done(): void { this.resolve() }

  protected override withdraw(): void {
    this.#line.delete(this)
    this.rejectStatus(ERROR_WITHDRAWN, this.#what, false)
  }
}

/**
 * Sends with a window: `send` resolves as soon as fewer than `window` sends are under way, `flush`
 * when the owner has all of them.
 */
export class Writer<T> implements Receiver {
  readonly window: number
  readonly #channel: Channel<T>
  readonly #drive: Drive
  readonly #remote: boolean
  #under_way = 0
  /** Its channel is here, and messages of it go to other peers. */
  #leaves = false
  /** Those that wait follow at the end of the driver's turn. */
  #following = false
  #error: Error | undefined = undefined
  #ended = false
  readonly #waiting = new Set<Turn>()
  readonly #flushing = new Set<Turn>()

  constructor(channel: Channel<T>, options: { window: number }) {
    checkOptions(options)
    this.window = checkWhole(options?.window, 'window', 1, PREFETCH_MAX)
    channel.checkHeld()
    this.#channel = channel
    this.#drive = channel.home
    this.#remote = (channel.ref & REF_REMOTE) !== 0
  }

  /**
   * Takes one message; the value is copied when its send begins. Rejects with what became of an
   * earlier one, if that is known to have failed; then later ones fail as well. The options end the
   * wait for room in the window; a message that was taken is sent.
   */
  send(value: T, options?: WaitOptions): Promise<void> {
    try {
      if (this.#error !== undefined) throw this.#error
      if (this.#ended) refuse('the writer was ended')
      if (this.#under_way < this.window && this.#waiting.size === 0) {
        if (options !== undefined) checkWait(options)
        this.#begin(value)
        return TAKEN
      }
      return this.#wait(this.#waiting, options, value, NO_LIST)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Takes the messages of a list in its order, as so many calls of `send` each awaited would, with
   * one promise for all: resolves when the last was taken; until then the list and its values must
   * not change. When one fails it rejects as `send` does and the later ones are not sent.
   *
   * @example
   * using out = jobs.writer({ window: 256 })
   * await out.sendMany([1, 2, 3])
   */
  sendMany(values: readonly T[]): Promise<void> {
    try {
      if (this.#error !== undefined) throw this.#error
      if (this.#ended) refuse('the writer was ended')
      const taken = this.#waiting.size === 0 ? this.#takeFrom(values, 0) : 0
      return taken === values.length
        ? TAKEN : this.#wait(this.#waiting, undefined, values, taken)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Resolves when the owner has all that was sent; rejects with the first failure. */
  flush(options?: WaitOptions): Promise<void> {
    try {
      if (this.#error !== undefined) throw this.#error
      if (this.#under_way === 0 && this.#waiting.size === 0) return TAKEN
      return this.#wait(this.#flushing, options, undefined, NO_LIST)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Sends no more through this writer; what is under way goes on. */
  [Symbol.dispose](): void {
    this.#ended = true
  }

  /** Waits for what is under way, then ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true
    await this.flush()
  }

  /** For the driver: one of the sends has its outcome. */
  done(completion: Completion): void {
    const { status, flags, value } = completion
    if (value > 0) this.#drive.now.listed -= value
    this.#under_way -= value > 0 ? value : 1
    if (status !== ERROR_OK && this.#error === undefined) {
      const unknown = (flags & COMPLETION_FLAG_UNKNOWN) !== 0
      this.#break(failure(status, this.#channel.what, unknown))
    }
    if (this.#waiting.size > 0) {
      // After this turn of the driver nothing takes a record.
      if (!this.#following) this.#drive.later(this.#next)
      this.#following = true
    } else if (this.#under_way === 0) this.#flushed()
  }

  /** For the driver: no outcome will come. */
  fail(error: Error): void {
    this.#under_way = 0
    this.#break(error)
    this.#flushed()
  }

  /** Begins the sends of a list from `nth` on as far as the window goes; where it stopped. */
  #takeFrom(values: readonly T[], nth: number): number {
    while (nth < values.length && this.#under_way < this.window) {
      if (this.#error !== undefined) throw this.#error
      const sent = this.#remote ? this.#beginList(values, nth) : 0
      if (sent > 0) nth += sent
      else this.#begin(values[nth++])
    }
    return nth
  }

  /**
   * Begins what it can of a list from `nth` on, in one call; gives how many. What is wrong with the
   * next value, `#begin` says.
   */
  #beginList(values: readonly unknown[], nth: number): number {
    const room = Math.min(values.length - nth, this.window - this.#under_way, LISTED_MAX)
    if (room < LISTED_MIN) return 0
    const { ref } = this.#channel
    const items = plainItems(values, nth, room, this.#drive)
    // Reading a value may have sent others.
    const most = Math.min(items.length, this.window - this.#under_way)
    if (most < LISTED_MIN) return 0
    const { now } = this.#drive
    const sent = now.sendList(ref, items, most)
    if (sent === 0) return 0
    this.#under_way += sent
    now.park(this)
    return sent
  }

  #begin(value: unknown): void {
    this.#channel.checkHeld()
    const drive = this.#drive
    const { ref } = this.#channel
    const parcel = parcelOf(value, ref, drive, this.#leaves)
    if (parcel.refs.length === 0) {
      const found = drive.now.send(ref, parcel.packed, parcel.bytes, 0)
      if (found === NOW_DONE) {
        this.#leaves = drive.now.leaves
        return
      }
      if (found === NOW_PARKED) {
        this.#under_way += 1
        drive.now.park(this)
        return
      }
    }
    writeSend(drive, ref, parcel, 0, 0, this)
    this.#under_way += 1
    drive.go()
  }

  /** Those that wait follow as far as the window goes. */
  readonly #next = (): void => {
    // What ends meanwhile makes room for this loop, and begins no other.
    while (this.#under_way < this.window && this.#waiting.size > 0) {
      this.#follow(this.#waiting.values().next().value!)
    }
    this.#following = false
    if (this.#under_way === 0) this.#flushed()
  }

  #wait(
    line: Set<Turn>, options: WaitOptions | undefined, value: unknown, nth: number
  ): Promise<void> {
    const { signal, timeout_ms } = checkWait(options)
    if (line.size >= OPERATIONS_MAX) {
      throw new Refusal('TOO_MANY', 'sends that wait for the window')
    }
    const turn = new Turn(this.#channel.what, line, value, nth)
    turn.watch(this.#drive, signal, timeout_ms)
    return turn.promise()
  }

  /** The first that waits. A list of which there is a rest goes on waiting, as the first. */
  #follow(turn: Turn): void {
    const { value, nth } = turn
    try {
      if (nth !== NO_LIST) {
        if (this.#ended) refuse('the writer was ended')
        turn.nth = this.#takeFrom(value as readonly T[], nth)
        if (turn.nth < (value as readonly T[]).length) return
      } else {
        this.#waiting.delete(turn)
        this.#begin(value)
      }
      turn.done()
    } catch (error) {
      turn.reject(error)
    }
    this.#waiting.delete(turn)
  }

  #break(error: Error): void {
    this.#error ??= error
    for (const turn of this.#waiting) turn.reject(this.#error)
    this.#waiting.clear()
  }

  #flushed(): void {
    for (const turn of this.#flushing) {
      if (this.#error !== undefined) turn.reject(this.#error)
      else turn.done()
    }
    this.#flushing.clear()
  }
}
