/**
 * The core alone: a rendezvous pair through its door, one record a call and 64 a call.
 *
 * Lives here: words written and read as a host would, with nothing of a host around them. Does not
 * live here: promises and values (local.ts).
 */
import { readFileSync } from 'node:fs'
import {
  HEADER_INPUT_PTR, HEADER_NOW_MS, HEADER_OUTPUT_PTR, IN_MAKE, IN_MAKE_OP, IN_MAKE_WORDS,
  IN_RECEIVE, IN_RECEIVE_FLAGS, IN_RECEIVE_OP, IN_RECEIVE_REF, IN_RECEIVE_TIMEOUT_MS,
  IN_RECEIVE_WORDS, IN_SEND, IN_SEND_FLAGS, IN_SEND_OP, IN_SEND_PAYLOAD, IN_SEND_PAYLOAD_BYTES,
  IN_SEND_REF, IN_SEND_REFS_COUNT, IN_SEND_TIMEOUT_MS, IN_SEND_WORDS, OUT_COMPLETION,
  OUT_COMPLETION_OP, OUT_COMPLETION_PAYLOAD, OUT_COMPLETION_STATUS, OUT_COMPLETION_VALUE
} from '../../bindings/js/tables.ts'
import { PlainMachine } from './plain.ts'
import { same, type Work } from './timing.ts'

interface Exports { memory: WebAssembly.Memory, init(seed: number): number, run(n: number): number }

const BATCH_RECORDS = 64
const HEADER_CELLS = 32
const GENERATIONS = 1 << 12
const SLOT_BITS = 20
const PAYLOAD_BYTES = 8

/** One core, and the sums of what it gave back. */
class Door {
  readonly #exports: Exports
  #words: Uint32Array
  readonly #input: number
  readonly #output: number
  readonly #now: number
  #at = 0
  payloads = 0
  completions = 0
  value = 0

  constructor(wasm: WebAssembly.Module) {
    this.#exports = new WebAssembly.Instance(wasm, {}).exports as unknown as Exports
    const header = this.#exports.init(1) >>> 0
    const cells = new Uint32Array(this.#exports.memory.buffer, header, HEADER_CELLS)
    this.#input = cells[HEADER_INPUT_PTR]! >>> 2
    this.#output = cells[HEADER_OUTPUT_PTR]! >>> 2
    this.#now = (header >>> 2) + HEADER_NOW_MS
    this.#words = new Uint32Array(this.#exports.memory.buffer)
    this.#at = this.#input
  }

  make(): number {
    this.#begin(IN_MAKE, IN_MAKE_WORDS, IN_MAKE_OP, 1)
    this.run(1)
    return this.value
  }

  send(op: number, channel: number, payload: number): void {
    const at = this.#begin(IN_SEND, IN_SEND_WORDS, IN_SEND_OP, op)
    const words = this.#words
    words[at + IN_SEND_REF] = channel
    words[at + IN_SEND_PAYLOAD] = payload
    words[at + IN_SEND_PAYLOAD_BYTES] = PAYLOAD_BYTES
    words[at + IN_SEND_TIMEOUT_MS] = 0
    words[at + IN_SEND_FLAGS] = 0
    words[at + IN_SEND_REFS_COUNT] = 0
  }

  receive(op: number, channel: number): void {
    const at = this.#begin(IN_RECEIVE, IN_RECEIVE_WORDS, IN_RECEIVE_OP, op)
    const words = this.#words
    words[at + IN_RECEIVE_REF] = channel
    words[at + IN_RECEIVE_TIMEOUT_MS] = 0
    words[at + IN_RECEIVE_FLAGS] = 0
  }

  run(count: number): void {
    this.#words[this.#now] = 1
    const produced = this.#exports.run(count)
    this.#at = this.#input
    if (this.#words.length === 0) this.#words = new Uint32Array(this.#exports.memory.buffer)
    const words = this.#words
    for (let i = 0, at = this.#output; i < produced; i++) {
      const word = words[at]!
      if ((word & 0xffff) !== OUT_COMPLETION || words[at + OUT_COMPLETION_STATUS] !== 0) {
        throw new Error(`output record ${word & 0xffff}`)
      }
      this.completions += words[at + OUT_COMPLETION_OP]! > 0 ? 1 : 0
      this.payloads += words[at + OUT_COMPLETION_PAYLOAD]!
      this.value = words[at + OUT_COMPLETION_VALUE]!
      at += word >>> 16
    }
  }

  #begin(kind: number, count: number, opAt: number, op: number): number {
    const at = this.#at
    const words = this.#words
    for (let i = 1; i < count; i++) words[at + i] = 0
    words[at] = kind | count << 16
    words[at + opAt] = op
    this.#at = at + count
    return at
  }
}

/** Ids as the door wants them: a slot, and a generation that changes with each use. */
const idOf = (slot: number, use: number) =>
  ((use % (GENERATIONS - 1) + 1) << SLOT_BITS | slot) >>> 0

/** The works of this file. */
export function doorWorks(): Work[] {
  const wasm = new WebAssembly.Module(
    readFileSync(new URL('../../dist/circuit.wasm', import.meta.url)))
  const single = new Door(wasm)
  const single_channel = single.make()
  const batched = new Door(wasm)
  const batched_channel = batched.make()
  return [{
    name: 'a rendezvous pair in the core alone',
    unit: 'pair',
    goals: [{
      ours: `the core, run(${BATCH_RECORDS})`, target: '≤ 60 ns', most_ns: 60,
      shown: ['the core, run(1) for each record', 'plain TypeScript, a call for each record']
    }],
    contenders: [
      {
        name: 'the core, run(1) for each record',
        run: (count) => checked(single, count, () => {
          for (let i = 1; i <= count; i++) {
            single.receive(idOf(2, i), single_channel)
            single.run(1)
            single.send(idOf(3, i), single_channel, i)
            single.run(1)
          }
        })
      },
      {
        name: `the core, run(${BATCH_RECORDS})`,
        run: (count) => checked(batched, count, () => runBatches(batched, batched_channel, count))
      },
      { name: 'plain TypeScript, a call for each record', run: runPlain }
    ]
  }]
}

function runBatches(door: Door, channel: number, count: number): void {
  const pairs = BATCH_RECORDS / 2
  for (let from = 1; from <= count; from += pairs) {
    const until = Math.min(count, from + pairs - 1)
    for (let i = from; i <= until; i++) {
      const slot = 2 * (i - from + 1)
      door.receive(idOf(slot, from), channel)
      door.send(idOf(slot + 1, from), channel, i)
    }
    door.run(2 * (until - from + 1))
  }
}

function checked(door: Door, count: number, work: () => void): void {
  door.payloads = 0
  door.completions = 0
  work()
  same(door.completions, 2 * count, 'completions')
  same(door.payloads, count * (count + 1) / 2, 'the sum of the payloads')
}

function runPlain(count: number): void {
  const machine = new PlainMachine()
  const channel = machine.make()
  let payloads = 0
  let completions = 0
  for (let i = 1; i <= count; i++) {
    machine.receive(2 * i, channel)
    completions += machine.take().length
    machine.send(2 * i + 1, channel, i)
    for (const completion of machine.take()) {
      completions += 1
      payloads += completion.payload
    }
  }
  same(completions, 2 * count, 'completions')
  same(payloads, count * (count + 1) / 2, 'the sum of the payloads')
}
