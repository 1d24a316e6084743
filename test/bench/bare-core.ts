/**
 * A core without a host: words written and read at its door, and nothing more.
 *
 * Lives here: the operations that are measured at the door, as records or as calls. Does not live
 * here: what is measured (door.ts, scale.ts), promises and values (bindings/js).
 *
 * Invariant: everything that comes out is read; an operation that did not end well throws.
 */
import { readFileSync } from 'node:fs'
import { constants, input_record, records } from '../core/door.ts'

interface Exports {
  memory: WebAssembly.Memory
  init(seed: number): number
  run(count: number): number
  send_now?(op: number, ref: number, payload: number, bytes: number, flags: number): number
  receive_now?(op: number, ref: number, flags: number): number
}

const CELLS = new Map(records.header.map((name, at) => [name, at]))
const kindOf = (name: string) => records.input.find((shape) => shape.name === name)!.kind
const SEND = kindOf('send') | 8 << 16
const RECEIVE = kindOf('receive') | 5 << 16
const SELECT = kindOf('select')
const SELECT_WORDS = 5
const CASE_WORDS = 4
const CASE_RECEIVE = constants('case')['receive']!
const COMPLETION = records.output.find((shape) => shape.name === 'completion')!.kind
const [AT_OP, AT_STATUS, AT_PAYLOAD, AT_VALUE] = ['op', 'status', 'payload', 'value'].map((field) =>
  1 + records.output.find((shape) => shape.name === 'completion')!.fields.indexOf(field)) as
  [number, number, number, number]
const PEER = records.output.find((shape) => shape.name === 'peer')!.kind
const NOW_DONE = 1
const NOW_PARKED = 2
const PAYLOAD_BYTES = 8
const SLOT_BITS = 20
const GENERATIONS = (1 << 12) - 1

/** An id as the door wants it: a slot, and a generation that changes with each use. */
export const idOf = (slot: number, use: number) =>
  ((use % GENERATIONS + 1) << SLOT_BITS | slot) >>> 0

let compiled: WebAssembly.Module | undefined

/** The core that was built. */
export function coreModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(
    readFileSync(new URL('../../dist/circuit.wasm', import.meta.url)))
  return compiled
}

/** One core, and sums of what it gave back. */
export class BareCore {
  readonly #exports: Exports
  readonly #header: number
  readonly #input: number
  readonly #output: number
  #words: Uint32Array
  #at: number
  #records = 0
  payloads = 0
  completions = 0
  value = 0
  /** What it said of other peers. */
  peers = 0

  constructor(seed = 1) {
    this.#exports = new WebAssembly.Instance(coreModule(), {}).exports as unknown as Exports
    this.#header = this.#exports.init(seed) >>> 2
    this.#words = new Uint32Array(this.#exports.memory.buffer)
    this.#input = this.#cell('input_ptr') >>> 2
    this.#output = this.#cell('output_ptr') >>> 2
    this.#at = this.#input
    this.#words[this.#header + CELLS.get('now_ms')!] = 1
  }

  /** Bytes in blocks that are given out. */
  get bytes_used(): number { return this.#cell('memory_bytes_used') }

  /** True when it has a door for plain operations without records. */
  get has_calls(): boolean { return this.#exports.send_now !== undefined }

  /** Any record, run at once. */
  put(name: string, fields: Record<string, number>, tail?: Uint8Array): void {
    const record = input_record(name, fields, tail)
    this.#live()
    new Uint8Array(this.#words.buffer).set(record, this.#at * 4)
    this.#at += record.length >>> 2
    this.#records += 1
    this.run()
  }

  make(op: number, capacity: number, path?: Uint8Array): number {
    this.put('make', { op, capacity, path_bytes: path?.length ?? 0 }, path)
    return this.value
  }

  send(op: number, channel: number, payload: number): void {
    const at = this.#at
    const words = this.#words
    words[at] = SEND
    words[at + 1] = op
    words[at + 2] = channel
    words[at + 3] = payload
    words[at + 4] = PAYLOAD_BYTES
    words[at + 5] = 0
    words[at + 6] = 0
    words[at + 7] = 0
    this.#at = at + 8
    this.#records += 1
  }

  receive(op: number, channel: number): void {
    const at = this.#at
    const words = this.#words
    words[at] = RECEIVE
    words[at + 1] = op
    words[at + 2] = channel
    words[at + 3] = 0
    words[at + 4] = 0
    this.#at = at + 5
    this.#records += 1
  }

  /** A select that receives from one of some channels. */
  select(op: number, channels: readonly number[]): void {
    const at = this.#at
    const words = this.#words
    const length = SELECT_WORDS + CASE_WORDS * channels.length
    words[at] = SELECT | length << 16
    words[at + 1] = op
    words[at + 2] = 0
    words[at + 3] = 0
    words[at + 4] = channels.length
    for (let i = 0; i < channels.length; i++) {
      const to = at + SELECT_WORDS + CASE_WORDS * i
      words[to] = CASE_RECEIVE
      words[to + 1] = channels[i]!
      words[to + 2] = 0
      words[to + 3] = 0
    }
    this.#at = at + length
    this.#records += 1
  }

  /** Gives the core what was written, and reads all that it says. */
  run(): void {
    let count = this.#records
    this.#records = 0
    this.#at = this.#input
    do {
      this.#read(this.#exports.run(count))
      count = 0
    } while (this.#cell('more') !== 0)
  }

  /** Without a record: parks a receive. */
  receiveNow(op: number, channel: number): void {
    if (this.#exports.receive_now!(op, channel, 0) !== NOW_PARKED) throw new Error('not parked')
  }

  /** Without a record: sends to the parked receive `op`, which has the message then. */
  sendNow(id: number, channel: number, payload: number, op: number): void {
    const found = this.#exports.send_now!(id, channel, payload, PAYLOAD_BYTES, 0)
    if (found !== NOW_DONE || this.#cell('now_op') !== op) throw new Error('not taken')
    this.payloads += payload
    this.completions += 2
  }

  #read(produced: number): void {
    const words = this.#live()
    for (let i = 0, at = this.#output; i < produced; i++) {
      const word = words[at]!
      if ((word & 0xffff) === COMPLETION) {
        if (words[at + AT_STATUS] !== 0) throw new Error(`status ${words[at + AT_STATUS]}`)
        this.completions += words[at + AT_OP]! > 0 ? 1 : 0
        this.payloads += words[at + AT_PAYLOAD]!
        this.value = words[at + AT_VALUE]!
      } else if ((word & 0xffff) === PEER) {
        this.peers += 1
      }
      at += word >>> 16
    }
  }

  /** The words as of now: after a growth the view has no length. */
  #live(): Uint32Array {
    if (this.#words.length === 0) this.#words = new Uint32Array(this.#exports.memory.buffer)
    return this.#words
  }

  #cell(name: string): number { return this.#live()[this.#header + CELLS.get(name)!]! }
}
