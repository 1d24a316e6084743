/**
 * The host of a core under fuzz: records written in place, outputs read in place.
 *
 * Lives here: the input area as a place to write, payload handles and who owns them, running a
 * batch to its end. Does not live here: what the records say (own.ts, crowd.ts).
 *
 * Invariants, at every output: a payload comes back once and only while the core owns it (ABI-20,
 * ABI-21); nothing is written while outputs are read.
 */
import { constants, limits, records } from '../core/door.ts'
import type { Instance } from './instance.ts'

export const IN = Object.fromEntries(records.input.map(({ name, kind }) => [name, kind]))
const OUT = Object.fromEntries(records.output.map(({ name, kind }) => [name, kind]))
const IN_FRAME = IN.frame!
const IN_SERIES = IN.series!
const OUT_FRAME = OUT.frame!
const OUT_SERIES = OUT.series!
const OUT_DROP = OUT.drop!
const OUT_COMPLETION = OUT.completion!
const OUT_START = OUT.start!
const FRAME_WORDS = 5
const SERIES_WORDS = 4
const HANDLES = 1 << 16
const RUNS_MAX = 20_000
const SHARED = constants('completion_flag').shared!
/** Room that one record may need at the end of a batch: a header over the bound and its frame. */
const RECORD_WORDS_MAX = 5_000

/** Where outputs go. `at` is the word after the record's head. */
export interface Outputs {
  frame(link: number, at: number): void
  series(link: number, at: number): void
  completion(at: number): void
  order(kind: number, at: number, words: number): void
}

export class Desk {
  readonly instance: Instance
  now_ms = 1_000
  /** Records and frames given to the core so far. */
  inputs = 0
  frames = 0
  /** Where the next byte of a header goes. */
  at = 0
  private word: number
  private count = 0
  private frame_at = 0
  private readonly owned = new Uint8Array(HANDLES)
  private handle = 0
  held = 0
  private readonly outputs: Outputs

  constructor(instance: Instance, outputs: Outputs) {
    this.instance = instance
    this.word = instance.input
    this.outputs = outputs
  }

  /** A core that was brought back: of what was given, it owns the first `kept` payloads. */
  reset(kept: number): void {
    this.owned.fill(0)
    this.owned.fill(1, 1, 1 + kept)
    this.held = kept
    this.handle = kept
    this.now_ms = 1_000
    this.word = this.instance.input
    this.count = 0
  }

  // Payloads

  /** A handle that the core owns from now on. */
  give(): number {
    for (let tries = 0; tries < HANDLES; tries++) {
      this.handle = (this.handle + 1) % HANDLES
      if (this.handle === 0 || this.owned[this.handle] !== 0) continue
      this.owned[this.handle] = 1
      this.held++
      return this.handle
    }
    throw new Error('the core holds every payload that there is')
  }

  take_back(handle: number): void {
    if (handle === 0 || handle >= HANDLES || this.owned[handle] === 0) {
      throw new Error(`payload ${handle} came back, and was not the core's`)
    }
    this.owned[handle] = 0
    this.held--
  }

  // Writing

  /** True while another record of any size fits. */
  get room(): boolean {
    return this.count < limits.RECORDS_PER_RUN_MAX! - 1 &&
      this.word + RECORD_WORDS_MAX < this.instance.input + this.instance.input_words
  }

  /** A record of up to four fields without a tail. */
  put(kind: number, words: number, a = 0, b = 0, c = 0, d = 0): number {
    const { words: cells } = this.instance
    const at = this.word
    cells[at] = kind | words << 16
    if (words > 1) cells[at + 1] = a
    if (words > 2) cells[at + 2] = b
    if (words > 3) cells[at + 3] = c
    if (words > 4) cells[at + 4] = d
    for (let nth = 5; nth < words; nth++) cells[at + nth] = 0
    this.word += words
    this.count++
    this.inputs++
    return at
  }

  /** A record whose fields are written by the caller, with `tail` behind them. */
  put_tail(kind: number, fields: number, tail: Uint8Array): number {
    const tail_words = tail.length + 3 >> 2
    const at = this.word
    const { words: cells, bytes } = this.instance
    cells[at] = kind | 1 + fields + tail_words << 16
    if (tail_words > 0) cells[at + fields + tail_words] = 0
    bytes.set(tail, at + 1 + fields << 2)
    this.word += 1 + fields + tail_words
    this.count++
    this.inputs++
    return at
  }

  /** Bytes as a record, whatever they are. */
  put_raw(record: Uint32Array): void {
    this.instance.words.set(record, this.word)
    this.word += record.length
    this.count++
    this.inputs++
  }

  /** Begins a frame: its header is written at `at` from here. */
  frame_begin(): void {
    this.frame_at = this.word
    this.at = this.word + FRAME_WORDS << 2
  }

  /** Where the header of the frame began. */
  get header_at(): number { return this.frame_at + FRAME_WORDS << 2 }

  /** Ends it; with several payloads, each of so many bytes, it is a series. */
  frame_end(link: number, payload_bytes: number, payloads = 1): void {
    const { words, bytes } = this.instance
    const header_bytes = this.at - this.header_at
    const start = this.frame_at
    for (let at = this.at; (at & 3) !== 0; at++) bytes[at] = 0
    const header_words = header_bytes + 3 >> 2
    words[start + 1] = link
    if (payloads > 1) {
      const list = start + SERIES_WORDS
      const header = list + 2 * payloads
      words.copyWithin(header, start + FRAME_WORDS, start + FRAME_WORDS + header_words)
      words[start + 2] = payloads
      words[start + 3] = header_bytes
      for (let at = list; at < header; at += 2) {
        words[at] = payload_bytes === 0 ? 0 : this.give()
        words[at + 1] = payload_bytes
      }
      this.word = header + header_words
    } else {
      words[start + 2] = payload_bytes === 0 ? 0 : this.give()
      words[start + 3] = payload_bytes
      words[start + 4] = header_bytes
      this.word = start + FRAME_WORDS + header_words
    }
    words[start] = (payloads > 1 ? IN_SERIES : IN_FRAME) | this.word - start << 16
    this.count++
    this.inputs++
    this.frames++
  }

  // CBOR in shortest form

  head(major: number, value: number): void {
    const { bytes } = this.instance
    const first = major << 5
    if (value < 0 || value > 0xffff) {
      bytes[this.at] = first | 26
      bytes[this.at + 1] = value >>> 24
      bytes[this.at + 2] = value >>> 16
      bytes[this.at + 3] = value >>> 8
      bytes[this.at + 4] = value
      this.at += 5
    } else if (value < 24) bytes[this.at++] = first | value
    else if (value < 0x100) {
      bytes[this.at] = first | 24
      bytes[this.at + 1] = value
      this.at += 2
    } else {
      bytes[this.at] = first | 25
      bytes[this.at + 1] = value >>> 8
      bytes[this.at + 2] = value
      this.at += 3
    }
  }

  u32(value: number): void { this.head(0, value) }

  text(bytes: Uint8Array): void {
    this.head(3, bytes.length)
    this.instance.bytes.set(bytes, this.at)
    this.at += bytes.length
  }

  // Running

  /** Gives the batch to the core and hands out what comes, until the core has no more to do. */
  run(): void {
    const { instance } = this
    let count = this.count
    for (let runs = 0; ; runs++) {
      if (runs > RUNS_MAX) throw new Error('the core never says that it is done')
      const produced = instance.run(count, this.now_ms)
      const { consumed } = instance
      const more = instance.more
      this.read(produced)
      if (consumed < count) this.shift(consumed)
      count -= consumed
      if (count === 0 && !more) break
    }
    this.count = 0
    this.word = instance.input
  }

  /** Moves what was not taken to the front of the area. */
  private shift(consumed: number): void {
    const { words, input } = this.instance
    let from = input
    for (let nth = 0; nth < consumed; nth++) from += words[from]! >>> 16
    words.copyWithin(input, from, this.word)
    this.word -= from - input
  }

  private read(produced: number): void {
    const { words, output } = this.instance
    for (let nth = 0, at = output; nth < produced; nth++) {
      const head = words[at]!
      const kind = head & 0xffff
      if (kind === OUT_FRAME) this.outputs.frame(words[at + 1]!, at + 1)
      else if (kind === OUT_SERIES) this.outputs.series(words[at + 1]!, at + 1)
      else if (kind === OUT_DROP) this.take_back(words[at + 1]!)
      else if (kind === OUT_COMPLETION) {
        const payload = words[at + 5]!
        if (payload !== 0 && (words[at + 4]! & SHARED) === 0) this.take_back(payload)
        this.outputs.completion(at + 1)
      } else {
        if (kind === OUT_START) this.take_back(words[at + 2]!)
        this.outputs.order(kind, at + 1, head >>> 16)
      }
      at += head >>> 16
    }
  }
}
