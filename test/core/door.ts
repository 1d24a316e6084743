/**
 * The wasm door of the core, as spec/abi.md says it and nothing more.
 *
 * Lives here: the tables read straight from spec/tables (not from generated constants, so that a
 * wrong generator is seen too), writing input records, reading output records, one `run`.
 * Does not live here: who owns a payload, which operations are under way (host.ts), other peers
 * (test/net).
 *
 * Invariants: no view of a memory that has grown since is used; all output is copied out at once.
 */
import { readFileSync } from 'node:fs'

export interface Shape { kind: number, name: string, fields: string[], tail?: string }
interface Tables {
  header: string[]
  input: Shape[]
  output: Shape[]
  frames: Shape[]
  constants: { group: string, values: Record<string, number> }[]
}
interface ErrorLine { code: number, name: string, kind: string }
interface LimitLine { name: string, value: number }

function table(name: string): unknown {
  const url = new URL(`../../spec/tables/${name}.json`, import.meta.url)
  return JSON.parse(readFileSync(url, 'utf8'))
}

export const records = table('records') as Tables
const errors = (table('errors') as { errors: ErrorLine[] }).errors
const limits_list = (table('limits') as { limits: LimitLine[] }).limits

/** Values of one group of constants of records.json, by name. */
export function constants(group: string): Record<string, number> {
  const found = records.constants.find((line) => line.group === group)
  if (found === undefined) throw new Error(`no constants ${group}`)
  return found.values
}

export const limits: Record<string, number> =
  Object.fromEntries(limits_list.map((line) => [line.name, line.value]))
export const codes: Record<string, number> =
  Object.fromEntries(errors.map((line) => [line.name, line.code]))
const code_names = new Map(errors.map((line) => [line.code, line.name]))

/** The name of a status, or a text that no test expects. */
export function status_name(code: number): string {
  return code_names.get(code) ?? `unknown status ${code}`
}

const input_shapes = new Map(records.input.map((shape) => [shape.name, shape]))
const output_shapes = new Map(records.output.map((shape) => [shape.kind, shape]))
const text_encoder = new TextEncoder()
const text_decoder = new TextDecoder()

export function bytes_of(text: string): Uint8Array { return text_encoder.encode(text) }
export function text_of(bytes: Uint8Array): string { return text_decoder.decode(bytes) }

/** Little-endian bytes of a row of u32. */
export function words(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4)
  const view = new DataView(bytes.buffer)
  for (let nth = 0; nth < values.length; nth++) view.setUint32(nth * 4, values[nth]!, true)
  return bytes
}

export function join(...parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) { bytes.set(part, at); at += part.length }
  return bytes
}

const no_tail = new Uint8Array(0)

/** One input record as bytes. Fields that are left out are 0; a name that does not exist throws. */
export function input_record(
  name: string, fields: Record<string, number>, tail: Uint8Array = no_tail
): Uint8Array {
  const shape = input_shapes.get(name)
  if (shape === undefined) throw new Error(`no input record ${name}`)
  const count = 1 + shape.fields.length + Math.ceil(tail.length / 4)
  const bytes = new Uint8Array(count * 4)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, shape.kind | count << 16, true)
  for (const field in fields) {
    const nth = shape.fields.indexOf(field)
    if (nth < 0) throw new Error(`${name} has no field ${field}`)
    view.setUint32(4 + nth * 4, fields[field]!, true)
  }
  bytes.set(tail, 4 + shape.fields.length * 4)
  return bytes
}

/** One input record from all its fields in their order, for those that are written most. */
export function input_row(name: string, fields: readonly number[],
  tail: Uint8Array = no_tail): Uint8Array {
  const shape = input_shapes.get(name)
  if (shape?.fields.length !== fields.length) throw new Error(`${name} has other fields`)
  const count = 1 + fields.length + (tail.length + 3 >> 2)
  const bytes = new Uint8Array(count * 4)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, shape.kind | count << 16, true)
  for (let nth = 0; nth < fields.length; nth++) view.setUint32(4 + nth * 4, fields[nth]!, true)
  bytes.set(tail, 4 + fields.length * 4)
  return bytes
}

/** One output record: its fields by name, and its tail still padded. */
export interface Output { name: string, fields: Record<string, number>, tail: Uint8Array }

/** The u32 of a record's tail. */
export function tail_words(record: Output, count: number): number[] {
  const view = new DataView(record.tail.buffer, record.tail.byteOffset, record.tail.length)
  return Array.from({ length: count }, (_, index) => view.getUint32(index * 4, true))
}

/** Text from a record's tail. */
export function tail_text(record: Output, from: number, bytes: number): string {
  return text_of(record.tail.subarray(from, from + bytes))
}

/** `check`: asserts the invariants of all rooms, in a build that has it (core/check.ts). */
interface Exports {
  memory: WebAssembly.Memory
  init(seed: number): number
  run(n: number): number
  send_now(...values: number[]): number
  receive_now(...values: number[]): number
  read_now(...values: number[]): number
  select_now(...values: number[]): number
  send_many_now(...values: number[]): number
  send_list_now(...values: number[]): number
  receive_many_now(...values: number[]): number
  read_many_now(...values: number[]): number
  check?(): void
}

/** The calls of the second door. */
export const CALLS = ['send_now', 'receive_now', 'read_now', 'select_now', 'send_many_now',
  'send_list_now', 'receive_many_now', 'read_many_now'] as const
export type Call = typeof CALLS[number]

let compiled: WebAssembly.Module | undefined

/** Doors that are made from now on open to this module; undefined: to the usual one again. */
export function use_core(module: WebAssembly.Module | undefined): void { compiled = module }

/** The module under test: dist/circuit.wasm, or the file that CIRCUIT_WASM names. */
export function core_module(): WebAssembly.Module {
  const path = process.env.CIRCUIT_WASM ?? new URL('../../dist/circuit.wasm', import.meta.url)
  compiled ??= new WebAssembly.Module(readFileSync(path))
  return compiled
}

export class Trap extends Error {}

const header_at = new Map(records.header.map((name, nth) => [name, nth * 4]))
const now_at = header_at.get('now_ms')!

/** An instance of the core behind its linear areas. */
export class Door {
  private readonly exports: Exports
  private readonly header_ptr: number
  poisoned = false
  /** The last view; its buffer is detached when the core's memory has grown since. */
  private last_view: DataView

  constructor(seed: number) {
    const instance = new WebAssembly.Instance(core_module(), {})
    this.exports = instance.exports as unknown as Exports
    this.header_ptr = this.exports.init(seed >>> 0) >>> 0
    this.last_view = new DataView(this.exports.memory.buffer)
  }

  private view(): DataView {
    const { buffer } = this.exports.memory
    if (this.last_view.buffer !== buffer) this.last_view = new DataView(buffer)
    return this.last_view
  }

  /** A cell of the header by its name in records.json. */
  cell(name: string): number {
    const at = header_at.get(name)
    if (at === undefined) throw new Error(`no header cell ${name}`)
    return this.view().getUint32(this.header_ptr + at, true)
  }

  memory_bytes(): number { return this.exports.memory.buffer.byteLength }

  /** A copy of so many bytes of the core's memory, of a poisoned instance too. */
  bytes(from: number, count: number): Uint8Array {
    return new Uint8Array(this.exports.memory.buffer).slice(from, from + count)
  }

  /** Wipes what the core keeps behind its areas, as a bug of ours might. */
  wipe(): void {
    const from = Math.max(this.cell('input_ptr') + this.cell('input_bytes'),
      this.cell('output_ptr') + this.cell('output_bytes'))
    new Uint8Array(this.exports.memory.buffer).fill(0, from)
  }

  /**
   * One `run` with as many of `pending` as the input area holds, at most `count_max`.
   * Takes those that the core consumed out of `pending`; gives the output records.
   */
  step(pending: Uint8Array[], now_ms: number, count_max = limits.RECORDS_PER_RUN_MAX!): Output[] {
    if (this.poisoned) throw new Error('a poisoned instance was called')
    const at = this.cell('input_ptr')
    const room = this.cell('input_bytes')
    const memory = new Uint8Array(this.exports.memory.buffer)
    let used = 0
    let count = 0
    for (const record of pending) {
      if (count === count_max || used + record.length > room) break
      memory.set(record, at + used)
      used += record.length
      count++
    }
    if (count === 0 && pending.length > 0) throw new Error('a record larger than the input area')
    this.view().setUint32(this.header_ptr + now_at, now_ms >>> 0, true)
    const produced = this.call(count)
    const consumed = this.cell('consumed')
    if (consumed > count) throw new Error(`consumed ${consumed} of ${count} records`)
    if (produced !== this.cell('produced')) throw new Error('run and the header disagree')
    if (consumed > 0) pending.splice(0, consumed)
    return this.read(produced)
  }

  /** One call of the second door, by its name. */
  now(name: Call, ...values: number[]): number {
    if (this.poisoned) throw new Error('a poisoned instance was called')
    return this.exports[name](...values) >>> 0
  }

  /** Writes words to where the input area begins. */
  write(values: readonly number[]): void {
    new Uint8Array(this.exports.memory.buffer).set(words(values), this.cell('input_ptr'))
  }

  /** Words from where the input area begins. */
  written(count: number): number[] {
    const from = this.cell('input_ptr')
    return Array.from({ length: count }, (_, nth) => this.view().getUint32(from + 4 * nth, true))
  }

  private call(count: number): number {
    try {
      const produced = this.exports.run(count) >>> 0
      this.exports.check?.()
      return produced
    } catch (error) {
      this.poisoned = true
      const at = this.cell('fault_file_ptr')
      const bytes = this.cell('fault_file_bytes')
      const file = new TextDecoder('utf-16le').decode(
        new Uint8Array(this.exports.memory.buffer, at, bytes))
      const where = `${file}:${this.cell('fault_line')}:${this.cell('fault_column')}`
      throw new Trap(`the core trapped at ${where} (${(error as Error).message})`)
    }
  }

  private read(count: number): Output[] {
    const base = this.cell('output_ptr')
    const end = base + this.cell('output_bytes')
    const view = this.view()
    const outputs: Output[] = []
    let at = base
    for (let index = 0; index < count; index++) {
      const first = view.getUint32(at, true)
      const bytes = (first >>> 16) * 4
      const shape = output_shapes.get(first & 0xffff)
      if (shape === undefined) throw new Error(`an output record of unknown kind ${first & 0xffff}`)
      const head = 4 + shape.fields.length * 4
      if (bytes < head || at + bytes > end) throw new Error(`${shape.name} has a wrong length`)
      const fields: Record<string, number> = {}
      for (let nth = 0; nth < shape.fields.length; nth++) {
        fields[shape.fields[nth]!] = view.getUint32(at + 4 + nth * 4, true)
      }
      const tail = bytes === head ? no_tail
        : new Uint8Array(this.exports.memory.buffer.slice(at + head, at + bytes))
      outputs.push({ name: shape.name, fields, tail })
      at += bytes
    }
    return outputs
  }
}
