/**
 * A core for millions of inputs a second: records are written in place, states are kept and
 * brought back.
 *
 * Lives here: the areas as views, one `run`, snapshots. Does not live here: what is written
 * (crowd.ts, traffic.ts), which build of the core (coverage.ts).
 *
 * Invariants: views are made anew when the memory has grown; a restored core is the same to the
 * byte: its memory up to the heap's top, zeros behind it, and every global.
 */
import { readFileSync } from 'node:fs'
import { records } from '../core/door.ts'
import { with_globals } from './globals.ts'

const HEADER = Object.fromEntries(records.header.map((name, nth) => [name, nth]))
const NOW_MS = HEADER.now_ms!
const CONSUMED = HEADER.consumed!
const MORE = HEADER.more!
const DEADLINE_MS = HEADER.deadline_ms!
const HAS_DEADLINE = HEADER.has_deadline!
const BYTES_USED = HEADER.memory_bytes_used!
/** Given before `init`, so that no core grows while it is small, and a snapshot stays short. */
const PAGES_FIRST = 64
const TOP = 'core/heap/top'
const RANDOM = 'core/random/state'

interface Exports {
  memory: WebAssembly.Memory
  init(seed: number): number
  run(count: number): number
  check?(): void
}

export interface Snapshot { bytes: Uint8Array, globals: unknown[] }

/** A trap, with the place in the core. */
export class Trap extends Error {}

/** Compiles a core for `Instance`. */
export function module_of(path: string | URL): WebAssembly.Module {
  return new WebAssembly.Module(with_globals(readFileSync(path)) as BufferSource)
}

export class Instance {
  bytes: Uint8Array = new Uint8Array(0)
  words: Uint32Array = new Uint32Array(0)
  /** Of the areas, as an index in `words`. */
  readonly input: number
  readonly output: number
  readonly input_words: number
  private readonly header: number
  private readonly exports: Exports
  private readonly globals: WebAssembly.Global[] = []
  private readonly top: WebAssembly.Global
  private readonly random: WebAssembly.Global<'i64'>

  constructor(module: WebAssembly.Module, seed: number) {
    const instance = new WebAssembly.Instance(module, {})
    this.exports = instance.exports as unknown as Exports
    this.exports.memory.grow(PAGES_FIRST)
    this.header = (this.exports.init(seed >>> 0) >>> 0) >> 2
    for (const { name, kind } of WebAssembly.Module.exports(module)) {
      if (kind !== 'global') continue
      const global = instance.exports[name] as WebAssembly.Global
      // Those that never change cannot be set.
      try { global.value = global.value } catch { continue }
      this.globals.push(global)
    }
    this.top = instance.exports[TOP] as WebAssembly.Global
    this.random = instance.exports[RANDOM] as WebAssembly.Global<'i64'>
    this.look()
    this.input = this.words[this.header + HEADER.input_ptr!]! >> 2
    this.output = this.words[this.header + HEADER.output_ptr!]! >> 2
    this.input_words = this.words[this.header + HEADER.input_bytes!]! >> 2
  }

  private look(): void {
    const { buffer } = this.exports.memory
    this.bytes = new Uint8Array(buffer)
    this.words = new Uint32Array(buffer)
  }

  /** Takes `count` records that stand in the input area; gives how many outputs there are. */
  run(count: number, now_ms: number): number {
    this.words[this.header + NOW_MS] = now_ms >>> 0
    let produced = 0
    try {
      produced = this.exports.run(count)
    } catch (error) {
      throw this.trap(error)
    }
    if (this.bytes.length === 0) this.look()
    return produced
  }

  /** Asserts the core's invariants; only in a build that has them (core/check.ts). */
  check(): void {
    try {
      this.exports.check?.()
    } catch (error) {
      throw this.trap(error)
    }
  }

  private trap(error: unknown): Error {
    if (!(error instanceof WebAssembly.RuntimeError)) return error as Error
    this.look()
    const cell = (name: string): number => this.words[this.header + HEADER[name]!]!
    const from = cell('fault_file_ptr')
    const file = new TextDecoder('utf-16le').decode(
      this.bytes.slice(from, from + cell('fault_file_bytes')))
    const where = `${file}:${cell('fault_line')}:${cell('fault_column')}`
    return new Trap(`the core trapped at ${where} (${error.message})\n${error.stack ?? ''}`)
  }

  get consumed(): number { return this.words[this.header + CONSUMED]! }
  get more(): boolean { return this.words[this.header + MORE]! !== 0 }
  get bytes_used(): number { return this.words[this.header + BYTES_USED]! }
  get memory_bytes(): number { return this.bytes.length }
  /** How long until the next deadline; undefined without one. */
  due_ms(now_ms: number): number | undefined {
    if (this.words[this.header + HAS_DEADLINE] === 0) return undefined
    return Math.max(0, this.words[this.header + DEADLINE_MS]! - now_ms | 0)
  }

  snapshot(): Snapshot {
    const top = this.top.value as number >>> 0
    return { bytes: this.bytes.slice(0, top), globals: this.globals.map(({ value }) => value) }
  }

  /** Begins the core's own draws anew. */
  draw_from(seed: number): void { this.random.value = BigInt(seed) }

  restore({ bytes, globals }: Snapshot): void {
    const top = this.top.value as number >>> 0
    this.bytes.set(bytes)
    if (top > bytes.length) this.bytes.fill(0, bytes.length, top)
    for (let nth = 0; nth < globals.length; nth++) this.globals[nth]!.value = globals[nth]
  }
}
