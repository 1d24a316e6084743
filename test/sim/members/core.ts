/**
 * The core's door without a copy: for a thousand cores in one process.
 *
 * Lives here: records written straight into the input area and read where they stand. Does not live
 * here: what a record leads to (member.ts), the door as tests of records read it (test/core/door).
 *
 * Invariants: places of fields come from spec/tables; views are made anew when memory has grown;
 * outputs are read before the next record is written.
 */
import { records } from '../../core/door.ts'
import { core_module } from '../../core/door.ts'

interface Exports { memory: WebAssembly.Memory, init(seed: number): number, run(n: number): number }

const cell = (name: string): number => {
  const index = records.header.indexOf(name)
  if (index < 0) throw new Error(`no header cell ${name}`)
  return index
}
const INPUT_PTR = cell('input_ptr')
const INPUT_BYTES = cell('input_bytes')
const OUTPUT_PTR = cell('output_ptr')
const NOW_MS = cell('now_ms')
const DEADLINE_MS = cell('deadline_ms')
const HAS_DEADLINE = cell('has_deadline')
const CONSUMED = cell('consumed')
const MORE = cell('more')
const FAULT_LINE = cell('fault_line')
const FAULT_FILE_PTR = cell('fault_file_ptr')
const FAULT_FILE_BYTES = cell('fault_file_bytes')
const RECORDS_MAX = 1024

/** A record's kind and the number of its fields, by its name in records.json. */
function shape(side: 'input' | 'output', name: string): { kind: number, fields: string[] } {
  const found = records[side].find((one) => one.name === name)
  if (found === undefined) throw new Error(`no ${side} record ${name}`)
  return found
}

/** An input record: its kind, and what order its fields have. */
export interface Input { readonly kind: number, readonly words: number }

/** The input record of this name; throws when its fields are not these, in this order. */
export function input(name: string, ...fields: string[]): Input {
  const found = shape('input', name)
  if (found.fields.join() !== fields.join()) throw new Error(`${name} has ${found.fields.join()}`)
  return { kind: found.kind, words: 1 + fields.length }
}

/** The kind of an output record. */
export function output(name: string): number { return shape('output', name).kind }

/** Where a field stands in an output record, in words from the record's begin. */
export function place(name: string, field: string): number {
  const index = shape('output', name).fields.indexOf(field)
  if (index < 0) throw new Error(`${name} has no field ${field}`)
  return 1 + index
}

/** Where the tail of an output record begins, in words. */
export function tail(name: string): number { return 1 + shape('output', name).fields.length }

/** An instance of the core. */
export class Core {
  words: Uint32Array
  bytes: Uint8Array
  /** Byte address of the output area. */
  readonly output_ptr: number
  private readonly exports: Exports
  private readonly header: number
  private readonly input_ptr: number
  private readonly input_bytes: number
  private used = 0
  private count = 0

  constructor(seed: number) {
    this.exports = new WebAssembly.Instance(core_module(), {}).exports as unknown as Exports
    const header_ptr = this.exports.init(seed >>> 0) >>> 0
    this.words = new Uint32Array(this.exports.memory.buffer)
    this.bytes = new Uint8Array(this.exports.memory.buffer)
    this.header = header_ptr >>> 2
    this.input_ptr = this.words[this.header + INPUT_PTR]!
    this.input_bytes = this.words[this.header + INPUT_BYTES]!
    this.output_ptr = this.words[this.header + OUTPUT_PTR]!
  }

  memory_bytes(): number { return this.exports.memory.buffer.byteLength }

  /** True when a record with a tail of so many bytes still fits the next call. */
  fits(tail_bytes: number): boolean {
    return this.count < RECORDS_MAX && this.used + 64 + tail_bytes <= this.input_bytes
  }

  /** Writes a record with its fields; the tail, if any, is the first `tail_bytes` of `from`. */
  put(
    record: Input, tail_bytes: number, from: Uint8Array | undefined,
    a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0
  ): void {
    const begin = this.input_ptr + this.used
    const at = begin >>> 2
    const tail_at = begin + record.words * 4
    const size = record.words + (tail_bytes + 3 >>> 2)
    const { words, bytes } = this
    // All seven are written; what is over is the next record's, or the tail's.
    words[at + 1] = a
    words[at + 2] = b
    words[at + 3] = c
    words[at + 4] = d
    words[at + 5] = e
    words[at + 6] = f
    words[at + 7] = g
    words[at] = record.kind | size << 16
    if (from !== undefined && tail_bytes > 0) {
      words[(tail_at + tail_bytes - 1) >>> 2] = 0
      for (let index = 0; index < tail_bytes; index++) bytes[tail_at + index] = from[index]!
    }
    this.used += size * 4
    this.count++
  }

  /** One call of `run`; gives the number of output records. */
  run(now_ms: number): number {
    this.words[this.header + NOW_MS] = now_ms
    let produced = 0
    try {
      produced = this.exports.run(this.count) >>> 0
    } catch (error) {
      throw new Error(`the core trapped at ${this.fault()}`, { cause: error })
    } finally {
      this.look()
    }
    const consumed = this.words[this.header + CONSUMED]!
    if (consumed === this.count) {
      this.used = 0
      this.count = 0
    } else this.keep(consumed)
    return produced
  }

  /** True when `run` is to be called again at once. */
  more(): boolean { return this.words[this.header + MORE] !== 0 }

  /** How long until the core's deadline, from `now_ms` on; Infinity without one. */
  due_in_ms(now_ms: number): number {
    if (this.words[this.header + HAS_DEADLINE] === 0) return Infinity
    return Math.max(this.words[this.header + DEADLINE_MS]! - now_ms | 0, 0)
  }

  /** The records that were not taken go to the front. */
  private keep(consumed: number): void {
    let at = this.input_ptr
    for (let one = 0; one < consumed; one++) at += (this.words[at >>> 2]! >>> 16) * 4
    const end = this.input_ptr + this.used
    this.bytes.copyWithin(this.input_ptr, at, end)
    this.used = end - at
    this.count -= consumed
  }

  private look(): void {
    const { buffer } = this.exports.memory
    if (this.words.buffer === buffer) return
    this.words = new Uint32Array(buffer)
    this.bytes = new Uint8Array(buffer)
  }

  private fault(): string {
    this.look()
    const at = this.words[this.header + FAULT_FILE_PTR]!
    const bytes = this.words[this.header + FAULT_FILE_BYTES]!
    const file = new TextDecoder('utf-16le').decode(this.bytes.slice(at, at + bytes))
    return `${file}:${this.words[this.header + FAULT_LINE]!}`
  }
}
