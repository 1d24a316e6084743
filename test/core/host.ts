/**
 * A small, strict host for one core: what every binding does, with all of the door's rules checked.
 *
 * Lives here: payloads (who owns each, ABI-20, ABI-21), operation ids (ABI-10), the one completion
 * of each operation (ABI-11), virtual time (ABI-5), one method for each operation.
 * Does not live here: records as bytes (door.ts), links to other cores (test/net/net.ts).
 *
 * Invariants, checked at every record: a payload is handed back once and only while the core owns
 * it; an operation completes once, is offered at most once and never after its completion; an id
 * is used again only after its completion and with the next generation.
 */
import {
  Door, bytes_of, constants, input_record, join, limits, status_name, tail_text, tail_words, words
} from './door.ts'
import type { Output } from './door.ts'
import { is_frame, payloads_of } from './frames.ts'

export { codes, constants, limits } from './door.ts'
export type { Output } from './door.ts'

export const WHICH_DEFAULT = constants('which').default!
export const REF_REMOTE = constants('ref').remote!
const completion_flag = constants('completion_flag')
const op_flag = constants('op_flag')
const case_kind = constants('case')

/** How an operation ended. `text` is the message when there is one. */
export interface Outcome {
  op: number, status: string, which: number, value: number, payload_bytes: number, refs: number[]
  text: string | undefined, again: boolean, shared: boolean, unknown: boolean
}
export interface Offer { which: number, text: string, again: boolean, refs: number[] }
export interface Case { receive?: number, send?: number, after?: number, text?: string,
  refs?: number[] }
export interface Options { timeout?: number, try?: boolean, hold?: boolean, refs?: number[],
  bytes?: number }
export interface Stats { element: number, capacity: number, buffered: number, senders: number,
  receivers: number, closed: number, out: number }
export interface Entry { path: string, element: number, state: number }
/** A record that the host passes on; `texts` are its payloads, `text` all of them. */
export interface Order extends Output { text: string, texts: string[] }
interface Running { kind: string, offered: boolean }

const LOOPS_MAX = 100_000

export class Host {
  readonly door: Door
  now_ms: number
  /** Records that the host did not act on itself: frames, orders, members. The owner drains it. */
  readonly orders: Order[] = []
  readonly outcomes = new Map<number, Outcome>()
  readonly offers = new Map<number, Offer>()
  readonly stats = new Map<number, Stats>()
  readonly entries = new Map<number, Entry[]>()
  readonly running = new Map<number, Running>()
  /** When set, inputs wait until `run` instead of going in one by one. */
  batching = false
  /** At most this many records go into one call. */
  records_per_run = limits.RECORDS_PER_RUN_MAX!
  runs = 0
  /** Called when a run is over and every record of it was acted on. */
  after_run: (() => void) | undefined
  protected readonly pending: Uint8Array[] = []
  private readonly payloads = new Map<number, string>()
  private next_payload = 1
  private readonly generations: number[] = [0]
  private readonly free_slots: number[] = []

  constructor(seed = 1, now_ms = 1000) {
    this.door = new Door(seed)
    this.now_ms = now_ms >>> 0
  }

  // Payloads

  /** Hands a payload to the core. */
  give(text: string): number {
    const handle = this.next_payload++
    this.payloads.set(handle, text)
    return handle
  }

  /** Reads a payload that the core owns and lends. */
  lent(handle: number): string {
    const text = this.payloads.get(handle)
    if (text === undefined) throw new Error(`payload ${handle} is not the core's to lend`)
    return text
  }

  protected back(handle: number): string {
    const text = this.lent(handle)
    this.payloads.delete(handle)
    return text
  }

  /** Payloads that the core still owns. */
  held_payloads(): string[] { return [...this.payloads.values()] }

  // Operation ids

  protected op(kind: string): number {
    const slot = this.free_slots.pop() ?? this.generations.push(0) - 1
    const generation = (this.generations[slot]! + 1) % 4096
    this.generations[slot] = generation
    const op = (generation << 20 | slot) >>> 0
    this.running.set(op, { kind, offered: false })
    return op
  }

  /** The operation has ended: its slot may be used again. */
  protected reuse(op: number): void {
    this.free_slots.push(op & 0xfffff)
  }

  // Input

  /** Writes any record; runs at once unless batching. */
  put(name: string, fields: Record<string, number>, tail?: Uint8Array): void {
    this.raw(input_record(name, fields, tail))
  }

  /** Writes bytes as a record, whatever they are. */
  raw(record: Uint8Array): void {
    this.pending.push(record)
    if (!this.batching) this.run()
  }

  /** Runs until every record is taken and the core has no more to do. */
  run(): void {
    let loops = 0
    do {
      if (++loops > LOOPS_MAX) throw new Error('the core never says that it is done')
      this.runs++
      const outputs = this.door.step(this.pending, this.now_ms, this.records_per_run)
      for (const record of outputs) this.act(record)
    } while (this.pending.length > 0 || this.door.cell('more') !== 0)
    this.after_run?.()
  }

  /** The core's next deadline as a distance from now in ms, or undefined. */
  due_in_ms(): number | undefined {
    if (this.door.cell('has_deadline') === 0) return undefined
    return Math.max(0, this.door.cell('deadline_ms') - this.now_ms | 0)
  }

  /** Lets time go by, with a run at each deadline on the way. */
  advance(ms: number): void {
    let left = ms
    let loops = 0
    for (;;) {
      const due = this.due_in_ms()
      if (due === undefined || due > left) break
      if (++loops > LOOPS_MAX) throw new Error('deadlines never end')
      this.now_ms = this.now_ms + due >>> 0
      left -= due
      this.run()
      if (left === 0 && this.due_in_ms() === 0) throw new Error('a deadline that does not move')
    }
    this.now_ms = this.now_ms + left >>> 0
    this.run()
  }

  // Output

  private act(record: Output): void {
    const { fields } = record
    switch (record.name) {
      case 'completion': return this.complete(record)
      case 'offered': return this.offer(record)
      case 'drop': this.back(fields.payload!); return
      case 'stats': return this.note_stats(record)
      case 'entry': return this.note_entry(record)
      default: {
        const texts = this.order_texts(record)
        this.orders.push(Object.assign(record, { texts, text: texts.join(' ') }))
      }
    }
  }

  /** The payloads of an order as they are now: lent for this moment, or, of a start, a gift. */
  private order_texts(order: Output): string[] {
    const { name, fields } = order
    if (is_frame(order)) return payloads_of(order).map(({ handle }) => this.lent(handle))
    const handle = name === 'peer' ? fields.info : fields.payload
    if (handle === undefined || handle === 0) return []
    return [name === 'start' ? this.back(handle) : this.lent(handle)]
  }

  protected complete(record: Output): void {
    const { fields } = record
    const op = fields.op!
    if (!this.running.has(op)) throw new Error(`a completion of ${op}, which is not under way`)
    this.running.delete(op)
    this.reuse(op)
    const flags = fields.flags!
    const shared = (flags & completion_flag.shared!) !== 0
    let text: string | undefined
    if ((flags & completion_flag.message!) !== 0) {
      text = shared ? this.lent(fields.payload!) : this.back(fields.payload!)
    } else if (fields.payload !== 0) throw new Error('a payload without the flag message')
    this.outcomes.set(op, {
      op, status: status_name(fields.status!), which: fields.which!, value: fields.value!,
      payload_bytes: fields.payload_bytes!, refs: tail_words(record, fields.refs_count!), text,
      again: (flags & completion_flag.again!) !== 0, shared,
      unknown: (flags & completion_flag.unknown!) !== 0
    })
  }

  private offer(record: Output): void {
    const { fields } = record
    const running = this.running.get(fields.op!)
    if (running === undefined) throw new Error('an offer to an operation that is not under way')
    if (running.offered) throw new Error('a second offer to one operation')
    running.offered = true
    this.offers.set(fields.op!, {
      which: fields.which!, text: this.lent(fields.payload!),
      again: (fields.flags! & completion_flag.again!) !== 0,
      refs: tail_words(record, fields.refs_count!)
    })
  }

  private note_stats(record: Output): void {
    if (!this.running.has(record.fields.op!)) throw new Error('stats of an unknown operation')
    this.stats.set(record.fields.op!, record.fields as unknown as Stats)
  }

  private note_entry(record: Output): void {
    const { op, element, state, path_bytes } = record.fields as Record<string, number>
    if (!this.running.has(op!)) throw new Error('an entry of an unknown operation')
    const list = this.entries.get(op!) ?? []
    list.push({ path: tail_text(record, 0, path_bytes!), element: element!, state: state! })
    this.entries.set(op!, list)
  }

  // Operations: each gives its op

  make(capacity: number, path = '', flags = 0): number {
    const op = this.op('make')
    const tail = bytes_of(path)
    this.put('make', { op, capacity, flags, path_bytes: tail.length }, tail)
    return op
  }

  open(path: string): number { return this.by_path('open', path, {}) }

  send(ref: number, text: string, options: Options = {}): number {
    const op = this.op('send')
    const refs = options.refs ?? []
    this.put('send', {
      op, ref, payload: this.give(text), payload_bytes: options.bytes ?? bytes_of(text).length,
      timeout_ms: options.timeout ?? 0, flags: flags_of(options), refs_count: refs.length
    }, words(refs))
    return op
  }

  receive(ref: number, options: Options = {}): number {
    const op = this.op('receive')
    this.put('receive', { op, ref, timeout_ms: options.timeout ?? 0, flags: flags_of(options) })
    return op
  }

  select(cases: readonly Case[], options: Options = {}): number {
    const op = this.op('select')
    const tail = join(...cases.map((one) => this.case_words(one)))
    this.put('select', {
      op, timeout_ms: options.timeout ?? 0, flags: flags_of(options), cases_count: cases.length
    }, tail)
    return op
  }

  private case_words(one: Case): Uint8Array {
    if (one.after !== undefined) return words([case_kind.after!, one.after, 0, 0])
    if (one.receive !== undefined) return words([case_kind.receive!, one.receive, 0, 0])
    const text = one.text ?? ''
    const refs = one.refs ?? []
    return words([(case_kind.send! | refs.length << 16) >>> 0, one.send!, this.give(text),
      bytes_of(text).length, ...refs])
  }

  withdraw(op: number): void { this.put('withdraw', { op }) }
  take(op: number): void { this.put('take', { op }) }
  retain(ref: number): void { this.put('retain', { ref }) }
  release(ref: number): void { this.put('release', { ref }) }
  reader_end(reader: number): void { this.put('reader_end', { reader }) }

  close(ref: number): number {
    const op = this.op('close')
    this.put('close', { op, ref })
    return op
  }

  scrub(ref: number, path = ''): number { return this.by_path('scrub', path, { ref }) }
  stat(ref: number, path = ''): number { return this.by_path('stat', path, { ref }) }
  list(path: string, flags = 0): number { return this.by_path('list', path, { flags }) }

  reader(ref: number, prefetch: number): number {
    const op = this.op('reader')
    this.put('reader', { op, ref, prefetch })
    return op
  }

  read(reader: number, timeout = 0): number {
    const op = this.op('read')
    this.put('read', { op, reader, timeout_ms: timeout })
    return op
  }

  start(path: string, command: string): number {
    const tail = { payload: this.give(command), payload_bytes: bytes_of(command).length }
    return this.by_path('start', path, tail)
  }

  signal(path: string, signal: number): number { return this.by_path('signal', path, { signal }) }

  leave(): number {
    const op = this.op('leave')
    this.put('leave', { op })
    return op
  }

  private by_path(name: string, path: string, fields: Record<string, number>): number {
    const op = this.op(name)
    const tail = bytes_of(path)
    this.put(name, { ...fields, op, path_bytes: tail.length }, tail)
    return op
  }

  // What tests ask

  /** The status of an operation's outcome, or `waiting`. */
  status(op: number): string { return this.outcomes.get(op)?.status ?? 'waiting' }

  /** The outcome of an operation that must have ended. */
  outcome(op: number): Outcome {
    const outcome = this.outcomes.get(op)
    if (outcome === undefined) throw new Error('the operation has not ended')
    return outcome
  }

  /** The message that an operation received; throws unless it received one. */
  text(op: number): string {
    const { status, text } = this.outcome(op)
    if (status !== 'OK' || text === undefined) throw new Error(`no message: ${status}`)
    return text
  }

  /** Makes a channel that must be made, and gives its reference. */
  channel(capacity = 0, path = '', flags = 0): number {
    const made = this.outcome(this.make(capacity, path, flags))
    if (made.status !== 'OK') throw new Error(`make: ${made.status}`)
    return made.value
  }

  /** What stat says of a channel. */
  seen(ref: number): Stats {
    const op = this.stat(ref)
    const found = this.stats.get(op)
    if (found === undefined) throw new Error(`stat: ${this.status(op)}`)
    return found
  }

  /** Throws unless nothing is under way and the core owns no payload but `kept`. */
  check_settled(kept: readonly string[] = []): void {
    const waiting = [...this.running.values()].map((one) => one.kind)
    if (waiting.length > 0) throw new Error(`still under way: ${waiting.join(', ')}`)
    const rest = this.held_payloads().filter((text) => !kept.includes(text))
    if (rest.length > 0) throw new Error(`payloads never came back: ${rest.slice(0, 9).join(', ')}`)
  }
}

function flags_of(options: Options): number {
  return (options.try === true ? op_flag.try! : 0) | (options.hold === true ? op_flag.hold! : 0)
}
