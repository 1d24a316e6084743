/**
 * Explicit windows: many sends or receives of one channel under way at once.
 *
 * Lives here: Writer and Reader. Does not live here: the plain operations (channel), prefetched
 * messages and where they go back to (core).
 *
 * Invariants: a writer has at most `window` sends under way, in the order of its calls; an error of
 * one is told by the next call and by `flush`, once it is known; a reader has no message of its
 * own: what was not given out is the core's.
 */
import type { Channel } from './channel.ts'
import { checkOptions, checkWait, checkWhole, refuse } from './check.ts'
import type { WaitOptions } from './check.ts'
import type { Drive } from './drive.ts'
import { failure, Refusal } from './errors.ts'
import { receiveList } from './many.ts'
import {
  ReceiveOperation, SHAPE_ITERATED, SHAPE_RECEIVED, parcelOf, readNow, writeSend
} from './message.ts'
import type { Received } from './message.ts'
import { Operation, Request } from './operation.ts'
import type { Completion, Receiver } from './operation.ts'
import {
  COMPLETION_FLAG_UNKNOWN, ERROR_OK, ERROR_WITHDRAWN, IN_READ, IN_READER, IN_READER_END,
  IN_READER_END_READER, IN_READER_END_WORDS, IN_READER_PREFETCH, IN_READER_REF, IN_READER_WORDS,
  IN_READ_READER, IN_READ_TIMEOUT_MS, IN_READ_WORDS, NOW_DONE, NOW_PARKED, OPERATIONS_MAX,
  PREFETCH_MAX, REF_REMOTE
} from './tables.ts'

const TAKEN = Promise.resolve()

/** One wait of a writer's caller: for room in the window, or for all to be done. */
class Turn extends Operation<void> {
  readonly value: unknown
  readonly #what: string
  readonly #line: Set<Turn>

  constructor(what: string, line: Set<Turn>, value?: unknown) {
    super()
    this.#what = what
    this.#line = line
    this.value = value
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
  #under_way = 0
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
      if (this.#waiting.size >= OPERATIONS_MAX) {
        throw new Refusal('TOO_MANY', 'sends that wait for the window')
      }
      return this.#wait(this.#waiting, options, value)
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
      const taken = this.#takeFrom(values, 0)
      return taken === values.length ? TAKEN : this.#sendFrom(values, taken)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Resolves when the owner has all that was sent; rejects with the first failure. */
  flush(options?: WaitOptions): Promise<void> {
    try {
      if (this.#error !== undefined) throw this.#error
      if (this.#under_way === 0 && this.#waiting.size === 0) return TAKEN
      return this.#wait(this.#flushing, options)
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
    this.#under_way -= 1
    const { status, flags } = completion
    if (status !== ERROR_OK && this.#error === undefined) {
      const unknown = (flags & COMPLETION_FLAG_UNKNOWN) !== 0
      this.#break(failure(status, this.#channel.what, unknown))
    }
    if (this.#waiting.size > 0) this.#next()
    if (this.#under_way === 0) this.#flushed()
  }

  /** For the driver: no outcome will come. */
  fail(error: Error): void {
    this.#under_way -= 1
    this.#break(error)
    if (this.#under_way === 0) this.#flushed()
  }

  /** Begins the sends of a list from `nth` on as far as the window goes; where it stopped. */
  #takeFrom(values: readonly T[], nth: number): number {
    if (this.#error !== undefined) throw this.#error
    if (this.#ended) refuse('the writer was ended')
    while (nth < values.length && this.#under_way < this.window) this.#begin(values[nth++])
    return nth
  }

  async #sendFrom(values: readonly T[], nth: number): Promise<void> {
    while (nth < values.length) {
      await this.send(values[nth]!)
      nth = this.#takeFrom(values, nth + 1)
    }
  }

  #begin(value: unknown): void {
    this.#channel.checkHeld()
    const drive = this.#drive
    const { ref } = this.#channel
    const parcel = parcelOf(value, ref, drive)
    if (parcel.refs.length === 0) {
      const found = drive.now.send(ref, parcel.packed, parcel.bytes, 0)
      if (found === NOW_DONE) return
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
  #next(): void {
    for (const turn of this.#waiting) {
      if (this.#under_way >= this.window) break
      this.#waiting.delete(turn)
      this.#follow(turn)
    }
  }

  #wait(line: Set<Turn>, options: WaitOptions | undefined, value?: unknown): Promise<void> {
    const { signal, timeout_ms } = checkWait(options)
    const turn = new Turn(this.#channel.what, line, value)
    turn.watch(this.#drive, signal, timeout_ms)
    return turn.promise()
  }

  #follow(turn: Turn): void {
    try {
      this.#begin(turn.value)
      turn.done()
    } catch (error) {
      turn.reject(error)
    }
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

/**
 * Receives with a prefetch: up to `prefetch` messages are on their way before they are asked for.
 */
export class Reader<T> {
  readonly prefetch: number
  readonly #channel: Channel<T>
  readonly #drive: Drive
  readonly #remote: boolean
  #id = 0
  /** Messages that were taken since the sender was told for sure. */
  #taken = 0
  #opening: Promise<number> | undefined = undefined
  #ended = false

  constructor(channel: Channel<T>, options: { prefetch: number }) {
    checkOptions(options)
    this.prefetch = checkWhole(options?.prefetch, 'prefetch', 1, PREFETCH_MAX)
    channel.checkHeld()
    this.#channel = channel
    this.#drive = channel.home
    this.#remote = (channel.ref & REF_REMOTE) !== 0
    this.#opening = this.#open()
    // Told by the first receive.
    this.#opening.catch(() => {})
  }

  /** Receives one message, as a channel does. */
  receive(options?: WaitOptions): Promise<Received<T>> {
    return this.#read<Received<T>>(options, SHAPE_RECEIVED)
  }

  /**
   * Receives what has come, up to `most` messages (1 … 65536), with one promise for all; waits for
   * one when there is none. An empty list when the channel is closed and drained. Rejects as
   * `receive` does; that a message comes again is told by `receive` alone.
   *
   * @example
   * await jobs.sendMany([1, 2, 3])
   * using inp = jobs.reader({ prefetch: 256 })
   * for (const job of await inp.receiveMany(64)) console.log(job)
   */
  receiveMany(most: number, options?: WaitOptions): Promise<T[]> {
    return receiveList(this, this.#channel, most, options, (into) => this.#take(into, most))
  }

  /** Receives until the channel is closed and drained. Leaving the loop ends the reader. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined> {
    return {
      next: () => this.#ended
        ? Promise.resolve({ value: undefined, done: true })
        : this.#read<IteratorResult<T, undefined>>(undefined, SHAPE_ITERATED),
      return: () => {
        this[Symbol.dispose]()
        return Promise.resolve({ value: undefined, done: true })
      },
      [Symbol.asyncIterator]() { return this }
    }
  }

  /** Ends the reader; what was not received goes back to the head of the channel, in order. */
  [Symbol.dispose](): void {
    if (this.#ended) return
    this.#ended = true
    if (this.#id !== 0) this.#end(this.#id)
    else this.#opening?.then((id) => this.#end(id), () => {})
  }

  async #open(): Promise<number> {
    const opened = new Request<number>(this.#channel.what, (completion) => {
      this.#id = completion.value
      return completion.value
    })
    const at = this.#drive.begin(IN_READER, IN_READER_WORDS, opened)
    const { words } = this.#drive.memory
    words[at + IN_READER_REF] = this.#channel.ref
    words[at + IN_READER_PREFETCH] = this.prefetch
    this.#drive.go()
    return opened.promise()
  }

  #read<R>(options: WaitOptions | undefined, shape: number): Promise<R> {
    if (options === undefined && this.#id !== 0 && !this.#ended) {
      const received = readNow<R>(this.#drive, this.#id, this.#channel, shape)
      if (received !== undefined) {
        if (this.#remote) this.#took(1)
        return received
      }
    }
    const operation = ReceiveOperation.of<R>(this.#channel, shape)
    try {
      if (this.#ended) refuse('the reader was ended')
      const { signal, timeout_ms } = checkWait(options)
      if (this.#id === 0) return this.#opening!.then(() => this.#read<R>(options, shape))
      const at = timeout_ms === 0
        ? this.#drive.beginTimeless(IN_READ, IN_READ_WORDS, operation)
        : this.#drive.begin(IN_READ, IN_READ_WORDS, operation)
      const { words } = this.#drive.memory
      words[at + IN_READ_READER] = this.#id
      words[at + IN_READ_TIMEOUT_MS] = timeout_ms
      this.#drive.go()
      if (signal !== undefined) operation.watch(this.#drive, signal)
    } catch (error) {
      return Promise.reject(error)
    }
    return operation.promise()
  }

  #take(into: unknown[], most: number): void {
    if (this.#id === 0 || this.#ended) return
    const first = into.length
    this.#drive.now.readMany(this.#id, into, most)
    if (this.#remote && into.length > first) this.#took(into.length - first)
  }

  /** The sender is told at the latest when half of the window is used up. */
  #took(count: number): void {
    this.#taken += count
    if (2 * this.#taken < this.prefetch) return this.#drive.deferred.taken()
    this.#taken = 0
    this.#drive.go()
  }

  #end(id: number): void {
    if (this.#drive.ended) return
    const at = this.#drive.record(IN_READER_END, IN_READER_END_WORDS)
    this.#drive.memory.words[at + IN_READER_END_READER] = id
    this.#drive.go()
  }
}
