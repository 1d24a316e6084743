/**
 * The core's memory as the host sees it.
 *
 * Lives here: the only views of wasm memory, records on their way in, records copied out. Does not
 * live here: what a record says (drive and the rooms above it), payload bytes (payload).
 *
 * Invariants: views are looked at anew after every call of the core, so none outlives a growth; a
 * record that does not fit into the input area waits in a chunk of the same length, in order; what
 * `copyOut` gave stays whole until the next `copyOut`.
 */
import { Fault } from './errors.ts'
import {
  HEADER_CONSUMED, HEADER_FAULT_COLUMN, HEADER_FAULT_FILE_BYTES, HEADER_FAULT_FILE_PTR,
  HEADER_FAULT_LINE, HEADER_INPUT_BYTES, HEADER_INPUT_PTR, HEADER_OUTPUT_BYTES, HEADER_OUTPUT_PTR,
  RECORDS_PER_RUN_MAX
} from './tables.ts'

/** What circuit.wasm exports. */
export interface CoreExports {
  readonly memory: WebAssembly.Memory
  init(seed: number): number
  run(count: number): number
  send_now(op: number, ref: number, payload: number, bytes: number, flags: number): number
  receive_now(op: number, ref: number, flags: number): number
  read_now(reader: number): number
  select_now(op: number, count: number, flags: number): number
  send_many_now(ref: number, count: number): number
  send_list_now(op: number, ref: number, count: number): number
  receive_many_now(ref: number, count: number): number
  read_many_now(reader: number, count: number): number
}

/** Records one after the other: the words, the same as bytes, how far they are filled. */
interface Chunk { words: Uint32Array, bytes: Uint8Array, at: number, count: number }

/** Header cells that the views of the header cover; the table's last cell is below. */
const HEADER_WORDS = 32
/** The longest file name that a fault is believed to have. */
const FAULT_FILE_BYTES_MAX = 1024

const decoder = new TextDecoder()

/** Makes the core ready; gives where its header is. Faults when it traps. */
export function begun(core: CoreExports, seed: number): number {
  try {
    return core.init(seed)
  } catch (error) {
    throw new Fault('circuit.wasm (init)', 0, 0, error)
  }
}

/** The text of `count` bytes that stand from word `at` on. */
export function textAt(bytes: Uint8Array, at: number, count: number): string {
  return decoder.decode(bytes.subarray(at * 4, at * 4 + count))
}

function chunkOf(words: Uint32Array): Chunk {
  const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
  return { words, bytes, at: 0, count: 0 }
}

/** The views of one core's memory, its input and its output. */
export class Memory {
  /** The header's cells. */
  header: Uint32Array
  /** Where the record that was last reserved is written. */
  words: Uint32Array
  bytes: Uint8Array
  /** The records of the last call that were copied out. */
  readonly out: Uint32Array
  readonly outBytes: Uint8Array

  readonly #memory: WebAssembly.Memory
  readonly #headerPtr: number
  readonly #inputPtr: number
  readonly #inputBytes: number
  readonly #outputPtr: number
  readonly #outputBytes: number
  #area: Chunk
  #output: Uint32Array
  #waiting: Chunk[] = []
  #last: Chunk

  /** `headerPtr` is what `init` gave. */
  constructor(memory: WebAssembly.Memory, headerPtr: number) {
    this.#memory = memory
    this.#headerPtr = headerPtr >>> 0
    const header = new Uint32Array(memory.buffer, this.#headerPtr, HEADER_WORDS)
    this.#inputPtr = header[HEADER_INPUT_PTR]!
    this.#inputBytes = header[HEADER_INPUT_BYTES]!
    this.#outputPtr = header[HEADER_OUTPUT_PTR]!
    this.#outputBytes = header[HEADER_OUTPUT_BYTES]!
    this.header = header
    this.#area = chunkOf(this.#view(this.#inputPtr, this.#inputBytes))
    this.#output = this.#view(this.#outputPtr, this.#outputBytes)
    this.#last = this.#area
    this.words = this.#area.words
    this.bytes = this.#area.bytes
    this.out = new Uint32Array(this.#outputBytes >>> 2)
    this.outBytes = new Uint8Array(this.out.buffer)
  }

  /** Records that `run` is to be given now. */
  get count(): number { return this.#area.count }

  /** Words that the longest record may have. */
  get recordWordsMax(): number { return Math.min(0xffff, this.#inputBytes >>> 2) }

  /** Room for one record in `words`; gives the index of its first word. */
  reserve(words: number): number {
    let chunk = this.#last
    if (chunk.at + words > chunk.words.length || chunk.count === RECORDS_PER_RUN_MAX) {
      chunk = chunkOf(new Uint32Array(this.#inputBytes >>> 2))
      this.#waiting.push(chunk)
      this.#target(chunk)
    }
    const at = chunk.at
    chunk.at = at + words
    chunk.count += 1
    return at
  }

  /** The header's cells, as of now: after a growth the views have no length and are made anew. */
  live(): Uint32Array {
    if (this.header.length === 0) this.#renew()
    return this.header
  }

  /** After a call: makes the views anew and keeps the records that the core has not taken. */
  afterRun(): void {
    this.live()
    const area = this.#area
    const consumed = this.header[HEADER_CONSUMED]!
    if (consumed >= area.count) {
      area.at = 0
      area.count = 0
      if (this.#waiting.length > 0) this.#refill()
    } else if (consumed > 0) {
      let from = 0
      for (let i = 0; i < consumed; i++) from += area.words[from]! >>> 16
      area.words.copyWithin(0, from, area.at)
      area.at -= from
      area.count -= consumed
    }
  }

  /** Copies `count` records of the output area to `out`. */
  copyOut(count: number): void {
    const { out } = this
    const output = this.#output
    let end = 0
    for (let i = 0; i < count; i++) {
      const words = output[end]! >>> 16
      if (words === 0 || end + words > output.length) throw new Error('an output record has no end')
      end += words
    }
    // A typed array's own copying costs more than a loop for the one or two records of most calls.
    if (end <= 64) for (let i = 0; i < end; i++) out[i] = output[i]!
    else out.set(output.subarray(0, end))
  }

  /** Where a trap happened, as far as the core could say. */
  fault(): { file: string, line: number, column: number } {
    const header = this.#view(this.#headerPtr, HEADER_WORDS * 4)
    const ptr = header[HEADER_FAULT_FILE_PTR]!
    const bytes = Math.min(header[HEADER_FAULT_FILE_BYTES]!, FAULT_FILE_BYTES_MAX) & ~1
    const whole = ptr !== 0 && (ptr & 1) === 0 && ptr + bytes <= this.#memory.buffer.byteLength
    const units = whole ? new Uint16Array(this.#memory.buffer, ptr, bytes >>> 1) : []
    return {
      file: String.fromCharCode(...units) || 'circuit.wasm',
      line: header[HEADER_FAULT_LINE]!,
      column: header[HEADER_FAULT_COLUMN]!
    }
  }

  #view(ptr: number, bytes: number): Uint32Array {
    return new Uint32Array(this.#memory.buffer, ptr, bytes >>> 2)
  }

  #renew(): void {
    this.header = this.#view(this.#headerPtr, HEADER_WORDS * 4)
    this.#output = this.#view(this.#outputPtr, this.#outputBytes)
    const { at, count } = this.#area
    const area = Object.assign(chunkOf(this.#view(this.#inputPtr, this.#inputBytes)), { at, count })
    const writing = this.#last === this.#area
    this.#area = area
    if (writing) this.#target(area)
  }

  /** The area is empty: the first waiting chunk moves into it. */
  #refill(): void {
    const chunk = this.#waiting.shift()!
    this.#area.words.set(chunk.words.subarray(0, chunk.at))
    this.#area.at = chunk.at
    this.#area.count = chunk.count
    if (this.#last === chunk) this.#target(this.#area)
  }

  #target(chunk: Chunk): void {
    this.#last = chunk
    this.words = chunk.words
    this.bytes = chunk.bytes
  }
}
