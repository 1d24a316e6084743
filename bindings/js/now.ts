/**
 * The second door of the core: a plain operation in one call, without a record.
 *
 * Lives here: when that call may be made, what it takes from the tables of the host, telling the
 * operation that ended with it. Does not live here: what the core does in it (core/now.ts), the
 * promises (message), everything that needs a record (drive).
 *
 * Invariants: NOW_RECORD has changed nothing; an id is taken only for what parked and a payload's
 * handle only while the core has it; no call is made while records are handed out; the views are
 * made anew after each call that may grow the memory; the clock is looked at every LOOKS_EVERY
 * calls when the core has a deadline, so that a loop which never lets go of the event loop still
 * sees its timeouts.
 *
 * Only the calls of the core stand in `try`: code in its block is not optimized as well.
 */
import type { Drive, Listener } from './drive.ts'
import type { CoreExports, Memory } from './memory.ts'
import { NUMBER_BYTES, Span } from './payload.ts'
import type { Packed, Payloads } from './payload.ts'
import type { Slots } from './slots.ts'
import {
  COMPLETION_FLAG_MESSAGE, ERROR_OK, HEADER_NOW_OP, HEADER_NOW_PAYLOAD, HEADER_NOW_CASE,
  HEADER_NOW_OUT, HEADER_NOW_WHICH, LIST_AWAY_MAX, LIST_NOW_MAX, NOW_DONE, NOW_PARKED, NOW_RECORD,
  REF_REMOTE
} from './tables.ts'
import { keep, keepable, keptBytes } from './values.ts'

const LOOKS_EVERY = 64
// An engine reads an imported constant anew each time it is used; these become part of its code.
const RECORD = NOW_RECORD
const DONE = NOW_DONE
const PARKED = NOW_PARKED
const OP = HEADER_NOW_OP
const OUT = HEADER_NOW_OUT
const PAYLOAD = HEADER_NOW_PAYLOAD
const CASE = HEADER_NOW_CASE
/** As a number that needs no box. */
const REMOTE = REF_REMOTE | 0
/** Words of a case of a select: a reference, a payload (0: it receives), its length. */
export const CASE_WORDS = 3
const NO_REFS: readonly number[] = []

/** Calls of one core's second door. Each gives one of NOW_RECORD, _DONE, _PARKED, _NONE. */
export class Now {
  /** The message of the last receive or choice that gave NOW_DONE. Read at once. */
  packed: Packed = null
  /** The case of the last choice that gave NOW_DONE. */
  which = 0
  /** After a send that gave NOW_DONE: messages of its channel leave this peer. */
  leaves = false
  /** A call may be made without a look at the driver: it is idle, and the core has no deadline. */
  free = true
  readonly #drive: Drive
  readonly #memory: Memory
  #header: Uint32Array
  readonly #payloads: Payloads
  readonly #slots: Slots<Listener>
  readonly #send: CoreExports['send_now']
  readonly #receive: CoreExports['receive_now']
  readonly #read: CoreExports['read_now']
  readonly #select: CoreExports['select_now']
  readonly #send_many: CoreExports['send_many_now']
  readonly #send_list: CoreExports['send_list_now']
  readonly #receive_many: CoreExports['receive_many_now']
  readonly #read_many: CoreExports['read_many_now']
  /** Sends of lists to other peers that have no outcome yet; who waits for them counts them off. */
  listed = 0
  /** Of what has just parked, sends to another peer. */
  #away = 0
  #calls = 0

  constructor(drive: Drive, slots: Slots<Listener>, core: CoreExports) {
    this.#drive = drive
    this.#memory = drive.memory
    this.#header = drive.memory.header
    this.#payloads = drive.payloads
    this.#slots = slots
    this.#send = core.send_now
    this.#receive = core.receive_now
    this.#read = core.read_now
    this.#select = core.select_now
    this.#send_many = core.send_many_now
    this.#send_list = core.send_list_now
    this.#receive_many = core.receive_many_now
    this.#read_many = core.read_many_now
  }

  /** Sends. After NOW_PARKED the caller says with `park` at once who waits. */
  send(ref: number, packed: Packed, bytes: number, flags: number): number {
    if (!this.free && !this.#allowed()) return RECORD
    const payloads = this.#payloads
    let found: number
    try {
      found = this.#send(this.#slots.next, ref, payloads.next, bytes, flags)
    } catch (error) {
      return this.#drive.break(error)
    }
    const header = this.#live()
    if (found === DONE) {
      const other = header[OP]!
      this.leaves = other === 0 && header[OUT] !== 0
      if (other === 0) {
        payloads.put(packed)
        if (this.leaves) this.#drive.deferred.sent(1)
      } else if (!this.#told(other, packed, header[CASE]!)) return RECORD
    } else if (found === PARKED) {
      payloads.put(packed)
      this.#away = (ref & REMOTE) !== 0 ? 1 : 0
    }
    return found
  }

  /** Receives through a reader into `packed`, if a message is there. */
  read(reader: number): number {
    if (!this.free && !this.#allowed()) return RECORD
    let found: number
    try {
      found = this.#read(reader)
    } catch (error) {
      return this.#drive.break(error)
    }
    const header = this.#live()
    return found !== DONE || this.#took(header) ? found : RECORD
  }

  /** Receives into `packed`. After NOW_PARKED the caller says with `park` at once who waits. */
  receive(ref: number, flags: number): number {
    if (!this.free && !this.#allowed()) return RECORD
    let found: number
    try {
      found = this.#receive(this.#slots.next, ref, flags)
    } catch (error) {
      return this.#drive.break(error)
    }
    const header = this.#live()
    return found !== DONE || this.#took(header) ? found : RECORD
  }

  /**
   * Sends the values of a list from `from` on, as long as they are small and immutable and can be
   * sent in this call: the first `most` of them, then twice as many as long as all were taken.
   * Gives the place of the first that was not sent.
   */
  sendMany(ref: number, values: readonly unknown[], from: number, most: number): number {
    let nth = from
    try {
      while (nth < values.length && this.#ready()) {
        const wanted = Math.min(values.length - nth, most)
        const listed = this.#list(values, nth, wanted)
        const sent = listed === 0 ? 0 : this.#listSent(ref, listed)
        nth += sent
        if (sent < wanted) break
        most = Math.min(2 * most, LIST_NOW_MAX)
      }
    } catch (error) {
      this.#drive.break(error)
    }
    return nth
  }

  /**
   * Sends items to a channel of another peer as one operation, the first `most` of them or as many
   * as can be offered now. Gives how many were: of none there is nothing, else the caller says with
   * `park` at once who waits, and is told of so many at a time as `value` says.
   */
  sendList(ref: number, items: readonly (Uint8Array | Span)[], most: number): number {
    if (!this.#ready()) return 0
    const wanted = Math.min(most, LIST_AWAY_MAX)
    this.#listItems(items, wanted)
    let sent: number
    try {
      sent = this.#send_list(this.#slots.next, ref, wanted)
    } catch (error) {
      this.#drive.break(error)
      return 0
    }
    this.#memory.live()
    const { words } = this.#memory
    for (let nth = wanted; nth > sent; nth--) this.#payloads.take(words[2 * nth - 2]!)
    if (sent === 0) return 0
    this.listed += sent
    this.#away = sent
    return sent
  }

  /** Receives through a reader what is there into `into`, until that has `most`. */
  readMany(reader: number, into: unknown[], most: number): void {
    this.#takeMany(this.#read_many, reader, into, most)
  }

  /** Receives what is there into `into`, as it stands in the table, until that has `most`. */
  receiveMany(ref: number, into: unknown[], most: number): void {
    this.#takeMany(this.#receive_many, ref, into, most)
  }

  #takeMany(
    call: CoreExports['receive_many_now'], from: number, into: unknown[], most: number
  ): void {
    try {
      while (into.length < most && this.#ready()) {
        const wanted = Math.min(most - into.length, LIST_NOW_MAX)
        const received = call(from, wanted)
        const header = this.#memory.live()
        const { words } = this.#memory
        const payloads = this.#payloads
        for (let at = 0; at < 2 * received; at += 2) into.push(payloads.take(words[at]!))
        if (header[HEADER_NOW_OP] !== 0) this.#tellAll(received, undefined)
        if (received < wanted) return
      }
    } catch (error) {
      this.#drive.break(error)
    }
  }

  /** Where the cases of a select are written; undefined when none may be made now. */
  cells(): Uint32Array | undefined {
    return this.#ready() ? this.#memory.words : undefined
  }

  /**
   * One of the first `count` cases in `cells`: `which`, and `packed` of one that receives. The
   * payloads of sends are in the table; after NOW_DONE the one that happened is not the caller's
   * any more. After NOW_PARKED the caller says with `park` at once who waits.
   */
  select(count: number, flags: number): number {
    let found: number
    try {
      found = this.#select(this.#slots.next, count, flags)
    } catch (error) {
      return this.#drive.break(error)
    }
    const header = this.#memory.live()
    if (found !== NOW_DONE) return found
    this.which = header[HEADER_NOW_WHICH]!
    const sent = this.#memory.words[CASE_WORDS * this.which + 1]!
    const other = header[HEADER_NOW_OP]!
    if (sent !== 0 && other === 0 && header[OUT] !== 0) this.#drive.deferred.sent(1)
    const told = sent === 0 ? this.#took(header)
      : other === 0 || this.#told(other, this.#payloads.take(sent), header[HEADER_NOW_CASE]!)
    return told ? found : NOW_RECORD
  }

  /** Says who waits for what has just parked. The listener may hear of it before this returns. */
  park(listener: Listener): void {
    this.#slots.take(listener)
    const sends = this.#away
    if (sends === 0) return
    this.#away = 0
    this.#drive.deferred.sent(sends)
  }

  /** The header's cells, as of now. */
  #live(): Uint32Array {
    const header = this.#header
    return header.length === 0 ? this.#header = this.#memory.live() : header
  }

  #ready(): boolean {
    return this.free || this.#allowed()
  }

  #allowed(): boolean {
    if (!this.#drive.idle) return false
    this.#calls += 1
    return this.#calls % LOOKS_EVERY !== 0 || !this.#drive.late()
  }

  /** False when the driver broke, as `#told`. */
  #took(header: Uint32Array): boolean {
    const packed = this.#payloads.taken(header[PAYLOAD]!)
    if (packed === undefined) return this.#broken('a payload that is not in the table')
    const other = header[OP]!
    if (other !== 0 && !this.#told(other, undefined, header[CASE]!)) return false
    this.packed = packed
    return true
  }

  /** Writes up to `most` values of a list, with their payloads in the table. Gives how many. */
  #list(values: readonly unknown[], from: number, most: number): number {
    const { words } = this.#memory
    const payloads = this.#payloads
    for (let nth = 0; nth < most; nth++) {
      const value = values[from + nth]
      if (typeof value === 'number') {
        words[2 * nth] = payloads.put(value)
        words[2 * nth + 1] = NUMBER_BYTES
      } else if (keepable(value)) {
        const packed = keep(value)
        words[2 * nth] = payloads.put(packed)
        words[2 * nth + 1] = keptBytes(packed)
      } else return nth
    }
    return most
  }

  /** Writes the first `count` items, with their payloads in the table. */
  #listItems(items: readonly (Uint8Array | Span)[], count: number): void {
    const { words } = this.#memory
    const payloads = this.#payloads
    for (let nth = 0; nth < count; nth++) {
      const item = items[nth]!
      words[2 * nth] = payloads.put(item)
      words[2 * nth + 1] = item instanceof Span ? item.to - item.from : item.length
    }
  }

  /** Sends what was written. Gives how many were taken; the others are out of the table again. */
  #listSent(ref: number, listed: number): number {
    const sent = this.#send_many(ref, listed)
    const header = this.#memory.live()
    const { words } = this.#memory
    const payloads = this.#payloads
    for (let nth = listed; nth > sent; nth--) payloads.take(words[2 * nth - 2]!)
    if (header[HEADER_NOW_OP] !== 0) this.#tellAll(sent, payloads)
    if (sent > 0 && header[OUT] !== 0) this.#drive.deferred.sent(sent)
    return sent
  }

  /**
   * Tells the operations in a list of `count` that was sent or received; those that receive have
   * their messages in `payloads`. All is read first: who is told may call the core.
   */
  #tellAll(count: number, payloads: Payloads | undefined): void {
    const { words, header } = this.#memory
    // A list ends with the first select that it meets.
    const last = header[HEADER_NOW_CASE]!
    const met: number[] = []
    for (let at = 0; at < 2 * count; at += 2) if (words[at + 1] !== 0) met.push(at)
    const ops = met.map((at) => words[at + 1]!)
    const messages = met.map((at) => payloads?.take(words[at]!))
    for (let nth = 0; nth < ops.length && !this.#drive.ended; nth++) {
      this.#told(ops[nth]!, messages[nth], nth === ops.length - 1 ? last : 0)
    }
  }

  /** `op` ended with the one that was called for; `packed`: with this message. */
  #told(op: number, packed: Packed | undefined, chosen: number): boolean {
    const listener = this.#slots.find(op)
    if (chosen !== 0 || listener?.paired === undefined) {
      return this.#toldApart(op, listener, packed, chosen)
    }
    this.#slots.release(op)
    listener.paired(packed, -1)
    return true
  }

  /** As `#told`, for what is no plain operation, or waits by a record. */
  #toldApart(
    op: number, listener: Listener | undefined, packed: Packed | undefined, chosen: number
  ): boolean {
    if (listener === undefined) return this.#broken(`an end of operation ${op}, which is none`)
    try {
      if (listener.paired !== undefined) {
        this.#slots.release(op)
        listener.paired(packed, chosen - 1)
        return true
      }
      const flags = packed === undefined ? 0 : COMPLETION_FLAG_MESSAGE
      const payload = packed === undefined ? 0 : this.#payloads.put(packed)
      this.#drive.complete(op, {
        status: ERROR_OK, which: 0, flags, payload, payloadBytes: 0, value: 0, refs: NO_REFS
      })
      return true
    } catch (error) {
      this.#drive.break(error)
      return false
    }
  }

  #broken(what: string): boolean {
    this.#drive.break(new Error(what))
    return false
  }
}
