/**
 * Readers: messages of one channel that come before they are asked for.
 *
 * Lives here: Reader. Does not live here: writers (writer), the plain operations (channel),
 * prefetched messages and where they go back to (core).
 *
 * Invariant: a reader has no message of its own: what was not given out is the core's.
 */
import type { Channel } from './channel.ts'
import { checkOptions, checkWait, checkWhole, refuse } from './check.ts'
import type { WaitOptions } from './check.ts'
import type { Drive } from './drive.ts'
import { receiveList } from './many.ts'
import { ReceiveOperation, SHAPE_ITERATED, SHAPE_RECEIVED, readNow } from './message.ts'
import type { Received } from './message.ts'
import { Request } from './operation.ts'
import {
  IN_READ, IN_READER, IN_READER_END, IN_READER_END_READER, IN_READER_END_WORDS,
  IN_READER_PREFETCH, IN_READER_REF, IN_READER_WORDS, IN_READ_READER, IN_READ_TIMEOUT_MS,
  IN_READ_WORDS, PREFETCH_MAX, REF_REMOTE
} from './tables.ts'

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
