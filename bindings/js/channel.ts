/**
 * Channels as programs use them.
 *
 * Lives here: Channel, and receiving in two steps for hosts whose receiver is another program. Does
 * not live here: windows (window), select (select), messages (message), where a channel lives and
 * what happens in it (core).
 *
 * Invariants: a Channel holds one handle of its reference, given back once, by dispose or when it
 * is collected; a refused call has changed nothing.
 */
import { checkWait, refuse } from './check.ts'
import type { WaitOptions } from './check.ts'
import type { Drive } from './drive.ts'
import { receiveMany, sendMany } from './many.ts'
import {
  openWith, packedNow, parcelOf, receiveNow, ReceiveOperation, sendNow, SendOperation,
  SHAPE_ITERATED, SHAPE_RECEIVED, SHAPE_TRIED, writeSend
} from './message.ts'
import type { Received } from './message.ts'
import type { Now } from './now.ts'
import { HoldOperation } from './offered.ts'
import type { Offered } from './offered.ts'
import { Request } from './operation.ts'
import { StatOperation } from './stat.ts'
import type { ChannelStat } from './stat.ts'
import {
  IN_CLOSE, IN_CLOSE_REF, IN_CLOSE_WORDS, IN_RECEIVE, IN_RECEIVE_FLAGS, IN_RECEIVE_REF,
  IN_RECEIVE_TIMEOUT_MS, IN_RECEIVE_WORDS, IN_SCRUB, IN_SCRUB_PATH_BYTES, IN_SCRUB_REF,
  IN_SCRUB_WORDS, IN_STAT, IN_STAT_PATH_BYTES, IN_STAT_REF, IN_STAT_WORDS, OP_FLAG_HOLD, OP_FLAG_TRY
} from './tables.ts'
import { Reference } from './values.ts'
import { Reader } from './window.ts'
import { Writer } from './writer.ts'

// An engine reads an imported constant anew each time it is used; these become part of its code.
const RECEIVED = SHAPE_RECEIVED
const TRIED = SHAPE_TRIED
const ITERATED = SHAPE_ITERATED

/** A case of a select that receives. */
export interface Receiving<T> { readonly kind: 'receive', readonly channel: Channel<T> }
/** A case of a select that sends. */
export interface Sending<T = unknown> {
  readonly kind: 'send', readonly channel: Channel<T>, readonly value: T
}

/**
 * A channel, wherever it lives. Made by `circuit.make`, `circuit.open` and `circuit.channel`, or
 * received inside a message. Any value that CBOR can say goes through it as a copy.
 *
 * @example
 * const jobs = circuit.channel<number>({ capacity: 2 })
 * await jobs.send(1)
 * await jobs.send(2)
 * await jobs.close()
 * for await (const job of jobs) console.log(job)   // 1, 2
 */
export class Channel<T = unknown> extends Reference {
  /** The path under which it was made or opened; undefined when it has none or it is not known. */
  readonly path: string | undefined
  readonly #home: Drive
  readonly #now: Now
  #ref: number

  /** For the binding: programs get channels from a circuit. */
  constructor(drive: Drive, ref: number, path?: string, counted = true) {
    super()
    this.#home = drive
    this.#now = drive.now
    this.#ref = ref
    this.path = path
    if (counted) drive.holds(this, ref)
  }

  /** For the binding: the driver of the circuit that it belongs to. */
  get home(): Drive { return this.#home }

  /** The core's number for it; 0 once it was disposed. */
  get ref(): number { return this.#ref }

  /** How sentences name it. */
  get what(): string { return this.path ?? '(unnamed)' }

  /**
   * Sends one message; resolves when the owner has it: at a rendezvous when a receiver took it, in
   * a buffer when it has its place.
   *
   * The value is copied before the call returns. Refusals, nothing changed: CLOSED, SCRUBBED,
   * TIMED_OUT, TOO_LARGE, NOT_ENCODABLE, BAD_ARGUMENT, LEAVING. Loss LEFT (of the owner) says if it
   * is known that it was not sent; RECEIVER_LEFT: a receiver that left may have taken it.
   * spec: PROTOCOL 9, 15, 16, 22.
   *
   * @example
   * await jobs.send({ name: 'a', size: 3 }, { timeout: 1000 })
   */
  send(value: T, options?: WaitOptions): Promise<void> {
    const sent = (options === undefined
      ? sendNow(this.#now, this.#ref, value, this, false) : undefined)
      ?? this.#send(value, options, false)
    return sent as Promise<unknown> as Promise<void>
  }

  /**
   * Sends if it can be done now; gives false when it would have to wait for a partner. Over a
   * distance it takes one round trip. Rejects as `send` does.
   *
   * @example
   * if (!await jobs.trySend(job)) console.log('nobody is ready')
   */
  trySend(value: T, options?: WaitOptions): Promise<boolean> {
    return (options === undefined
      ? sendNow(this.#now, this.#ref, value, this, true) : undefined)
      ?? this.#send(value, options, true)
  }

  /**
   * Receives one message. `ok` is false, and `value` undefined, when the channel is closed and
   * drained; `again` says that it came back from a peer that was declared left, which may have
   * seen it.
   *
   * Refusals: SCRUBBED, TIMED_OUT, BAD_ARGUMENT, LEAVING. Losses: LEFT (nothing was taken),
   * UNREADABLE (the message was no CBOR item and is gone). spec: PROTOCOL 9, 17, 20.
   *
   * @example
   * const { value, ok } = await jobs.receive({ timeout: 1000 })
   * if (ok) console.log(value)
   */
  receive(options?: WaitOptions): Promise<Received<T>> {
    return this.#receive<Received<T>>(options, RECEIVED)
  }

  /**
   * Receives if there is a message now; undefined when it would have to wait.
   *
   * @example
   * const now = await jobs.tryReceive()
   * console.log(now === undefined ? 'nothing yet' : now.value)
   */
  tryReceive(options?: WaitOptions): Promise<Received<T> | undefined> {
    return this.#receive<Received<T> | undefined>(options, TRIED)
  }

  /**
   * Sends the messages of a list in its order, as so many calls of `send` each awaited would: when
   * one fails, it rejects as `send` does and the later ones are not sent. What can be sent at once
   * is, in this call. Over a distance a list sent by a writer is faster.
   *
   * @example
   * await jobs.sendMany([1, 2, 3])
   */
  sendMany(values: readonly T[]): Promise<void> {
    return sendMany(this, values)
  }

  /**
   * Receives what is there, up to `most` messages (1 … 65536); waits for one when there is none.
   * An empty list when the channel is closed and drained. Rejects as `receive` does; that a message
   * comes again is told by `receive` alone. Over a distance it gives one message: a list of a
   * reader is faster.
   *
   * @example
   * await jobs.sendMany([1, 2, 3])
   * for (const job of await jobs.receiveMany(64)) console.log(job)
   */
  receiveMany(most: number, options?: WaitOptions): Promise<T[]> {
    return receiveMany(this, most, options)
  }

  /** Receives until the channel is closed and drained. Leaving the loop changes nothing in it. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T, undefined> {
    let over = false
    return {
      next: () => over
        ? Promise.resolve({ value: undefined, done: true })
        : this.#receive<IteratorResult<T, undefined>>(undefined, ITERATED),
      return: () => {
        over = true
        return Promise.resolve({ value: undefined, done: true })
      },
      [Symbol.asyncIterator]() { return this }
    }
  }

  /**
   * Closes the channel: what is buffered is still received, new sends are refused. Refusals: CLOSED
   * when it was closed before, SCRUBBED. spec: PROTOCOL 17.
   */
  close(options?: WaitOptions): Promise<void> {
    return this.#request(options, IN_CLOSE, IN_CLOSE_WORDS, IN_CLOSE_REF)
  }

  /**
   * Removes the channel: everyone blocked gets SCRUBBED, what is buffered is dropped, its path is
   * free. spec: PROTOCOL 18.
   */
  scrub(options?: WaitOptions): Promise<void> {
    return this.#request(options, IN_SCRUB, IN_SCRUB_WORDS, IN_SCRUB_REF, IN_SCRUB_PATH_BYTES)
  }

  /**
   * What stands in the channel now.
   *
   * @example
   * const { buffered, capacity, closed } = await jobs.stat()
   */
  async stat(options?: WaitOptions): Promise<ChannelStat> {
    const operation = new StatOperation(this.what)
    const { drive, signal, timeout_ms } = this.#begun(options)
    const at = drive.begin(IN_STAT, IN_STAT_WORDS, operation)
    drive.memory.words[at + IN_STAT_REF] = this.#ref
    drive.memory.words[at + IN_STAT_PATH_BYTES] = 0
    drive.go()
    operation.watch(drive, signal, timeout_ms)
    return await operation.promise() as ChannelStat
  }

  /** The case of a select that receives from this channel. */
  receiving(): Receiving<T> {
    return { kind: 'receive', channel: this }
  }

  /** The case of a select that sends `value` here; it is copied when select is called. */
  sending(value: T): Sending<T> {
    return { kind: 'send', channel: this, value }
  }

  /**
   * A writer that has up to `window` sends under way; for throughput. `window`: 1 … 65536.
   *
   * @example
   * await using out = jobs.writer({ window: 256 })
   * for (let i = 0; i < 1000; i++) await out.send(i)
   */
  writer(options: { window: number }): Writer<T> {
    return new Writer<T>(this, options)
  }

  /**
   * A reader that lets up to `prefetch` messages come before they are asked for; for throughput.
   * What is unread when it ends goes back to the head of the channel, in order. A rendezvous
   * channel (capacity 0) has no window: there each read is a receive. `prefetch`: 1 … 65536.
   * spec: PROTOCOL 24.
   *
   * @example
   * using inp = jobs.reader({ prefetch: 256 })
   * for await (const job of inp) console.log(job)
   */
  reader(options: { prefetch: number }): Reader<T> {
    return new Reader<T>(this, options)
  }

  /** Gives the handle back; the channel itself lives on. Later calls on this object are refused. */
  [Symbol.dispose](): void {
    if (this.#ref === 0) return
    this.#home.letGo(this)
    this.#home.releaseRef(this.#ref)
    this.#ref = 0
  }

  /** For the binding: a channel that was lent is now held, or was taken back. */
  settle(held: boolean): void {
    if (held) this.#home.holds(this, this.#ref)
    else this.#ref = 0
  }

  /** For the binding: refuses the use of a channel that was disposed. */
  checkHeld(): void {
    if (this.#ref === 0) refuse(`the channel ${this.what} was disposed`)
  }

  #send(value: T, options: WaitOptions | undefined, trying: boolean): Promise<boolean> {
    const home = this.#home
    let operation: SendOperation
    try {
      this.checkHeld()
      const { signal, timeout_ms } = checkWait(options)
      const parcel = parcelOf(value, this.#ref, home)
      if (options === undefined && parcel.refs.length === 0) {
        const { packed, bytes } = parcel
        const sent = packedNow(this.#now, this.#ref, packed, bytes, this, trying)
        if (sent !== undefined) return sent
      }
      operation = SendOperation.of(this, trying)
      writeSend(home, this.#ref, parcel, timeout_ms, trying ? OP_FLAG_TRY : 0, operation)
      home.go()
      if (signal !== undefined) operation.watch(home, signal)
    } catch (error) {
      return Promise.reject(error)
    }
    return operation.promise()
  }

  #receive<R>(options: WaitOptions | undefined, shape: number): Promise<R> {
    if (options === undefined) {
      const received = receiveNow<R>(this.#now, this.#ref, this, shape)
      if (received !== undefined) return received
    }
    const operation = ReceiveOperation.of<R>(this, shape)
    try {
      const home = this.#home
      this.checkHeld()
      const { signal, timeout_ms } = checkWait(options)
      const at = timeout_ms === 0
        ? home.beginTimeless(IN_RECEIVE, IN_RECEIVE_WORDS, operation)
        : home.begin(IN_RECEIVE, IN_RECEIVE_WORDS, operation)
      const { words } = home.memory
      words[at + IN_RECEIVE_REF] = this.#ref
      words[at + IN_RECEIVE_TIMEOUT_MS] = timeout_ms
      words[at + IN_RECEIVE_FLAGS] = shape === TRIED ? OP_FLAG_TRY : 0
      home.go()
      if (signal !== undefined) operation.watch(home, signal)
    } catch (error) {
      return Promise.reject(error)
    }
    return operation.promise()
  }

  async #request(
    options: WaitOptions | undefined, kind: number, words: number, refAt: number,
    pathBytesAt?: number
  ): Promise<void> {
    const { drive, signal, timeout_ms } = this.#begun(options)
    const operation = new Request<void>(this.what, () => undefined)
    const at = drive.begin(kind, words, operation)
    drive.memory.words[at + refAt] = this.#ref
    if (pathBytesAt !== undefined) drive.memory.words[at + pathBytesAt] = 0
    drive.go()
    operation.watch(drive, signal, timeout_ms)
    return operation.promise()
  }

  #begun(options: WaitOptions | undefined) {
    this.checkHeld()
    return { drive: this.#home, ...checkWait(options) }
  }
}

openWith((drive, ref, counted) => new Channel(drive, ref, undefined, counted))

/**
 * Receives in two steps: the message is shown and keeps its place until it is taken. For hosts
 * whose receiver is another program, which may die before it has the message.
 *
 * Resolves when a message is offered, or with `ok: false` when the channel is closed and drained.
 * `try`: rejects with WOULD_BLOCK when there is none now. Rejects as `receive` does.
 *
 * @example
 * const offer = await receiveOffered(jobs)
 * if (await delivered(offer.value)) await offer.take()
 * else offer.deny()
 */
export async function receiveOffered<T>(
  channel: Channel<T>, options?: WaitOptions & { try?: boolean }
): Promise<Offered<T>> {
  if (!(channel instanceof Channel)) refuse('receiveOffered needs a channel')
  channel.checkHeld()
  const { signal, timeout_ms } = checkWait(options)
  const drive = channel.home
  const held = [{ name: 0, what: channel.what, receives: true }]
  const operation = new HoldOperation<T>(drive, held, true)
  const at = drive.begin(IN_RECEIVE, IN_RECEIVE_WORDS, operation)
  const { words } = drive.memory
  words[at + IN_RECEIVE_REF] = channel.ref
  words[at + IN_RECEIVE_TIMEOUT_MS] = timeout_ms
  words[at + IN_RECEIVE_FLAGS] = OP_FLAG_HOLD | (options?.try === true ? OP_FLAG_TRY : 0)
  drive.go()
  return operation.offer(signal)
}
