/**
 * The driver: the one that calls the core, and the only reader of clock and chance.
 *
 * Lives here: the wasm instance, records in and out, the deadline, poisoning. Does not live here:
 * views and areas (memory), ids (slots), payloads (payload), calls without records (now), links
 * (links), what operations and orders mean (the rooms that made them).
 *
 * Invariants: the core is never called while its last records are being handed out: what is begun
 * meanwhile goes in with the next call of the same turn; all records of a call are copied out
 * before the first is acted on; user code runs between turns only, and what it throws breaks none;
 * after a trap every pending and every later call gets the same Fault.
 */
import { Deferred } from './deferred.ts'
import { Fault, Refusal } from './errors.ts'
import { begun, Memory, textAt } from './memory.ts'
import type { CoreExports } from './memory.ts'
import type { Completion, Receiver } from './operation.ts'
import { Now } from './now.ts'
import { Payloads } from './payload.ts'
import type { Packed } from './payload.ts'
import { Slots } from './slots.ts'
import {
  ABI_VERSION, COMPLETION_FLAG_PART, HEADER_ABI_VERSION, HEADER_DEADLINE_MS, HEADER_HAS_DEADLINE,
  HEADER_MORE, HEADER_NOW_MS, IN_RELEASE, IN_RELEASE_REF, IN_RELEASE_WORDS, IN_WITHDRAW,
  IN_WITHDRAW_OP, IN_WITHDRAW_WORDS, NOW_RECORD, OUT_COMPLETION, OUT_COMPLETION_FLAGS,
  OUT_COMPLETION_OP, OUT_COMPLETION_PAYLOAD, OUT_COMPLETION_PAYLOAD_BYTES,
  OUT_COMPLETION_REFS_COUNT, OUT_COMPLETION_STATUS, OUT_COMPLETION_VALUE, OUT_COMPLETION_WHICH,
  OUT_COMPLETION_WORDS, OUT_DROP, OUT_DROP_PAYLOAD, OUT_ENTRY, OUT_ENTRY_ELEMENT, OUT_ENTRY_OP,
  OUT_ENTRY_PATH_BYTES, OUT_ENTRY_STATE, OUT_ENTRY_WORDS, OUT_OFFERED, OUT_OFFERED_FLAGS,
  OUT_OFFERED_OP, OUT_OFFERED_PAYLOAD, OUT_OFFERED_PAYLOAD_BYTES, OUT_OFFERED_REFS_COUNT,
  OUT_OFFERED_WHICH, OUT_OFFERED_WORDS, OUT_STATS, OUT_STATS_OP
} from './tables.ts'

/** Timers of the host: setTimeout's shape, so that tests hand in their own. */
export interface Timers {
  set(fn: () => void, ms: number): unknown
  clear(timer: unknown): void
}

/** What the driver hands on: records that are no answer to an operation. */
export interface Orders {
  /** One record of `words` at `at`; its tail is in `bytes`. Read before it returns. */
  order(kind: number, words: Uint32Array, bytes: Uint8Array, at: number): void
  /** A turn has ended: what was gathered in it may go out. Core calls from here wait. */
  drained(): void
  /** Sends wait for their call of the core: `deferred.say` is to be called in this turn. */
  soon?(): void
  /** The core is of no more use. */
  failed(fault: Fault): void
}

/** A Receiver that also gets what comes before a completion. */
export interface Listener extends Receiver {
  offered?(offer: Completion, drive: Drive): void
  /**
   * Instead of `done`: a plain operation ended well together with another one, a receive with the
   * message `packed`, a select by its case `which`.
   */
  paired?(packed: Packed | undefined, which: number): void
  entry?(element: number, state: number, path: string): void
  /** `words` from `at` on are a `stats` record. */
  stats?(words: Uint32Array, at: number): void
}

/** What a driver is made with. */
export interface DriveOptions {
  wasm: WebAssembly.Module
  seed?: number | undefined
  clock?: (() => number) | undefined
  timers?: Timers | undefined
}

const NO_REFS: readonly number[] = []

const systemTimers: Timers = {
  set: (fn, ms) => setTimeout(fn, ms > 0 ? ms + 1 : 0), // Node rounds down: it woke too early
  clear: (timer) => { clearTimeout(timer as ReturnType<typeof setTimeout>) }
}

/** Milliseconds since 1970, for people to read; nothing is decided by it. */
export function wallClock(): number {
  return Date.now()
}

/** One core and its host side. */
export class Drive {
  readonly memory: Memory
  readonly payloads = new Payloads()
  readonly timers: Timers
  readonly #run: (count: number) => number
  readonly #clock: () => number
  readonly #start: number
  #now = 0
  #orders: Orders | undefined = undefined

  readonly deferred = new Deferred(this)
  readonly now: Now
  readonly #slots = new Slots<Listener>()
  readonly #completion: Completion =
    { status: 0, which: 0, flags: 0, payload: 0, payloadBytes: 0, value: 0, refs: NO_REFS }
  #busy = false
  /** Something was written that looks at the time. */
  #timed = true
  #later: (() => void)[] = []
  #timer: unknown = undefined
  #armed = 0
  #ended: Error | undefined = undefined
  readonly #handles = new FinalizationRegistry<number>((ref) => this.releaseRef(ref))

  constructor(options: DriveOptions) {
    this.#clock = options.clock ?? (() => performance.now())
    this.timers = options.timers ?? systemTimers
    this.#start = this.#clock()
    const seed = options.seed ?? crypto.getRandomValues(new Uint32Array(1))[0]!
    const core = new WebAssembly.Instance(options.wasm, {}).exports as unknown as CoreExports
    this.memory = new Memory(core.memory, begun(core, seed >>> 0))
    this.#run = core.run
    this.now = new Now(this, this.#slots, core)
    const version = this.memory.header[HEADER_ABI_VERSION]
    if (version !== ABI_VERSION) {
      throw new Refusal('BAD_ARGUMENT', `circuit.wasm has ABI ${version}, and not ${ABI_VERSION}`)
    }
  }

  /** Where records that answer no operation go. Set once, before the first record. */
  attach(orders: Orders): void {
    this.#orders = orders
  }

  /** Operations that have no completion yet. */
  get operations(): number { return this.#slots.size + this.now.listed }

  /** True when the core may be called at once. */
  get idle(): boolean { return !this.#busy && this.#ended === undefined }

  /** Throws when the core trapped or the circuit was left. */
  check(): void {
    if (this.#ended !== undefined) throw this.#ended
  }

  /** True when calls are refused. */
  get ended(): boolean { return this.#ended !== undefined }

  /**
   * Begins an operation: room for a record of `words` words in `memory.words`, its kind and op
   * written. Gives the record's index; the caller fills the rest at once and calls `go`.
   */
  begin(kind: number, words: number, listener: Listener & { id?: number }): number {
    this.#timed = true
    return this.beginTimeless(kind, words, listener)
  }

  /** As `begin`, for an operation that looks at no time: the clock need not be read for it. */
  beginTimeless(kind: number, words: number, listener: Listener & { id?: number }): number {
    if (this.#ended !== undefined) throw this.#ended
    const op = this.#slots.take(listener)
    if (listener.id !== undefined) listener.id = op
    const at = this.memory.reserve(words)
    this.memory.words[at] = kind | words << 16
    this.memory.words[at + 1] = op
    return at
  }

  /** Room for a record that is no operation. The caller fills it at once and calls `go`. */
  record(kind: number, words: number): number {
    if (this.#ended !== undefined) throw this.#ended
    this.#timed = true
    const at = this.memory.reserve(words)
    this.memory.words[at] = kind | words << 16
    return at
  }

  /** Writes a record's tail from word `at` on, padded with zeros. */
  tail(at: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.memory.words[at + (bytes.length + 3 >>> 2) - 1] = 0
    this.memory.bytes.set(bytes, at * 4)
  }

  /** Calls the core with what was written, unless it is being served: then it follows. */
  go(): void {
    if (!this.#busy && this.#ended === undefined) this.#turn()
  }

  /** Asks for `deferred.say` at the end of what the program does now. */
  soon(): void { this.#orders?.soon?.() }

  /** Takes an operation back; its completion tells the outcome. */
  withdraw(op: number): void {
    if (this.#ended !== undefined) return
    const at = this.record(IN_WITHDRAW, IN_WITHDRAW_WORDS)
    this.memory.words[at + IN_WITHDRAW_OP] = op
    this.go()
  }

  /** One handle of a reference is gone. */
  releaseRef(ref: number): void {
    if (this.#ended !== undefined || ref === 0) return
    const at = this.record(IN_RELEASE, IN_RELEASE_WORDS)
    this.memory.words[at + IN_RELEASE_REF] = ref
    this.go()
  }

  /** Gives the handle back when `holder` is collected. */
  holds(holder: object, ref: number): void {
    this.#handles.register(holder, ref, holder)
  }

  /** The holder gives its handle back itself. */
  letGo(holder: object): void {
    this.#handles.unregister(holder)
  }

  /** Runs user code between turns. What it throws is thrown again where nothing of ours runs. */
  later(fn: () => void): void {
    this.#later.push(fn)
    if (!this.#busy) this.#runLater()
  }

  /** Ends the driver: pending and later calls get `error`. No call of the core follows. */
  end(error: Error): void {
    if (this.#ended !== undefined) return
    this.#ended = error
    this.now.free = false
    if (this.#timer !== undefined) this.timers.clear(this.#timer)
    this.#timer = undefined
    this.deferred.stop()
    this.#slots.clear((listener) => listener.fail(error))
  }

  /** Ends the driver for an error that is nobody's but ours. Gives NOW_RECORD: nothing was done. */
  break(error: unknown): number {
    this.#poison(error)
    return NOW_RECORD
  }

  /** True when the core's deadline has passed. */
  late(): boolean {
    return (this.memory.header[HEADER_DEADLINE_MS]! - this.#millisecond() | 0) <= 0
  }

  /** Hands out one completion that no record said; what follows from it goes in at once. */
  complete(op: number, completion: Completion): void {
    this.#busy = true
    this.now.free = false
    this.#slots.find(op)!.done(completion, this)
    this.#slots.release(op)
    this.#rests()
    if (this.memory.count > 0) this.go()
    else if (this.#later.length > 0) this.#runLater()
  }

  /** The core is not being served any more. */
  #rests(): void {
    this.#busy = false
    this.now.free = this.#ended === undefined && this.memory.header[HEADER_HAS_DEADLINE] === 0
  }

  #turn(): void {
    const { memory } = this
    this.#busy = true
    this.now.free = false
    this.deferred.said()
    try {
      do {
        do {
          const { header } = memory
          // Reading the clock costs as much as the core's own work for a local message.
          if (this.#timed || header[HEADER_HAS_DEADLINE] !== 0) {
            header[HEADER_NOW_MS] = this.#millisecond()
            this.#timed = false
          }
          const produced = this.#run(memory.count)
          memory.afterRun()
          if (produced > 0) {
            memory.copyOut(produced)
            this.#handOut(produced)
          }
        } while (memory.header[HEADER_MORE] !== 0 || memory.count > 0)
        this.#orders?.drained()
      } while (memory.count > 0)
    } catch (error) {
      this.#poison(error)
    }
    this.#rests()
    if (this.#ended === undefined) this.#arm()
    if (this.#later.length > 0) this.#runLater()
  }

  #millisecond(): number {
    const now = this.#clock() - this.#start
    if (now > this.#now) this.#now = now
    return Math.floor(this.#now) >>> 0
  }

  #handOut(count: number): void {
    const { out, outBytes } = this.memory
    for (let i = 0, at = 0; i < count; i++) {
      const word = out[at]!
      switch (word & 0xffff) {
        case OUT_COMPLETION: this.#complete(out, at); break
        case OUT_DROP: this.payloads.take(out[at + OUT_DROP_PAYLOAD]!); break
        case OUT_OFFERED: this.#offer(out, at); break
        case OUT_ENTRY: this.#entry(out, outBytes, at); break
        case OUT_STATS: this.#slots.find(out[at + OUT_STATS_OP]!)?.stats?.(out, at); break
        default: this.#orders?.order(word & 0xffff, out, outBytes, at)
      }
      at += word >>> 16
    }
  }

  #complete(out: Uint32Array, at: number): void {
    const op = out[at + OUT_COMPLETION_OP]!
    const listener = this.#slots.find(op)
    if (listener === undefined) throw new Error(`a completion of operation ${op}, which is none`)
    const completion = this.#completion
    const refs = out[at + OUT_COMPLETION_REFS_COUNT]!
    completion.status = out[at + OUT_COMPLETION_STATUS]!
    completion.which = out[at + OUT_COMPLETION_WHICH]!
    completion.flags = out[at + OUT_COMPLETION_FLAGS]!
    completion.payload = out[at + OUT_COMPLETION_PAYLOAD]!
    completion.payloadBytes = out[at + OUT_COMPLETION_PAYLOAD_BYTES]!
    completion.value = out[at + OUT_COMPLETION_VALUE]!
    completion.refs = refs === 0 ? NO_REFS : this.#cells(at + OUT_COMPLETION_WORDS, refs)
    listener.done(completion, this)
    // Not before: should `done` find a breach of the door's rules, this operation fails with all.
    if ((completion.flags & COMPLETION_FLAG_PART) === 0) this.#slots.release(op)
  }

  #offer(out: Uint32Array, at: number): void {
    const refs = out[at + OUT_OFFERED_REFS_COUNT]!
    this.#slots.find(out[at + OUT_OFFERED_OP]!)?.offered?.({
      status: 0,
      which: out[at + OUT_OFFERED_WHICH]!,
      flags: out[at + OUT_OFFERED_FLAGS]!,
      payload: out[at + OUT_OFFERED_PAYLOAD]!,
      payloadBytes: out[at + OUT_OFFERED_PAYLOAD_BYTES]!,
      value: 0,
      refs: this.#cells(at + OUT_OFFERED_WORDS, refs)
    }, this)
  }

  #entry(out: Uint32Array, bytes: Uint8Array, at: number): void {
    const path = textAt(bytes, at + OUT_ENTRY_WORDS, out[at + OUT_ENTRY_PATH_BYTES]!)
    this.#slots.find(out[at + OUT_ENTRY_OP]!)
      ?.entry?.(out[at + OUT_ENTRY_ELEMENT]!, out[at + OUT_ENTRY_STATE]!, path)
  }

  #cells(from: number, count: number): number[] {
    return Array.from(this.memory.out.subarray(from, from + count))
  }

  /** One timer, never later than the core's deadline; an early one looks and waits again. */
  #arm(): void {
    const { header } = this.memory
    if (header[HEADER_HAS_DEADLINE] === 0) {
      if (this.#timer !== undefined) this.timers.clear(this.#timer)
      this.#timer = undefined
      return
    }
    const deadline = header[HEADER_DEADLINE_MS]!
    if (this.#timer !== undefined) {
      if ((deadline - this.#armed | 0) >= 0) return
      this.timers.clear(this.#timer)
    }
    this.#armed = deadline
    const delay = Math.max(0, deadline - Math.floor(this.#now) | 0)
    this.#timer = this.timers.set(() => this.#due(), delay)
  }

  #due(): void {
    this.#timer = undefined
    if (this.#ended !== undefined || this.#busy) return
    const { header } = this.memory
    if (header[HEADER_HAS_DEADLINE] !== 0 && this.late()) this.#turn()
    else this.#arm()
  }

  #runLater(): void {
    while (this.#later.length > 0 && !this.#busy) {
      const callbacks = this.#later
      this.#later = []
      for (const callback of callbacks) {
        try { callback() } catch (error) { queueMicrotask(() => { throw error }) }
      }
    }
  }

  /** A trap, or a breach of the door's rules on our side: either way nothing can be relied on. */
  #poison(error: unknown): void {
    let { file, line, column } = this.memory.fault()
    if (line === 0 && !(error instanceof WebAssembly.RuntimeError)) file = 'bindings/js'
    if (line === 0 && error instanceof Error) file = `${file} (${error.message})`
    const fault = new Fault(file, line, column, error)
    this.end(fault)
    try { this.#orders?.failed(fault) } catch (thrown) { queueMicrotask(() => { throw thrown }) }
  }
}
