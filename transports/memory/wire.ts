/**
 * One direction of a link in memory: bytes on their way from one peer to another.
 *
 * Lives here: when bytes arrive and how many may be under way. Does not live here: which peers may
 * talk (transports/memory), what a link says (transports/link).
 *
 * Invariants: bytes arrive in order; at most one write more than `window_bytes` is under way before
 * `write` gives false, and `drained` follows once there is room; nothing arrives after an end, and
 * while `moves` says no. What was written is copied, as on a real network.
 */
import type { Clock, Random } from './clock.ts'

/** How a network carries bytes; every field has a default in MemoryNetwork. */
export interface WireOptions {
  /** From a write to its arrival, in whole milliseconds, and up to how much more by chance. */
  readonly latency_ms: number
  readonly jitter_ms: number
  /** Bytes a millisecond; Infinity for no limit. */
  readonly bytes_per_ms: number
  /** Bytes written and not yet taken by the other side before `write` gives false. */
  readonly window_bytes: number
  /** Bytes arrive in pieces of a random size up to this; Infinity leaves writes whole. */
  readonly chunk_bytes_max: number
  /** How many of a million pieces break their link at a random byte. */
  readonly cuts_per_million: number
}

/** Who is told what. */
export interface WireEnds {
  bytes(chunks: Uint8Array[]): void
  ended(clean: boolean): void
  drained(): void
  /** The link must break here and now. */
  cut(): void
  /** False while nothing passes: a partition, a frozen peer. */
  moves(): boolean
}

type Entry = { at_ms: number, bytes: Uint8Array } | { at_ms: number, clean: boolean }

/** One direction. It starts paused. */
export class Wire {
  readonly #clock: Clock
  readonly #random: Random
  readonly #options: WireOptions
  readonly #ends: WireEnds
  #entries: Entry[] = []
  #timer: unknown
  #free_at_ms = 0
  #last_at_ms = 0
  #written_bytes = 0
  #carried_bytes = 0
  #cut_at_bytes = Infinity
  #paused = true
  #full = false
  #closed = false

  constructor(clock: Clock, random: Random, options: WireOptions, ends: WireEnds) {
    this.#clock = clock
    this.#random = random
    this.#options = options
    this.#ends = ends
  }

  /** Bytes that were written and have not been taken by the other side. */
  get under_way_bytes(): number {
    let bytes = 0
    for (const entry of this.#entries) if ('bytes' in entry) bytes += entry.bytes.length
    return bytes
  }

  write(pieces: readonly Uint8Array[]): boolean {
    if (this.#closed) return false
    const { latency_ms, jitter_ms, bytes_per_ms, chunk_bytes_max, window_bytes } = this.#options
    const copy = joined(pieces)
    this.#written_bytes += copy.length
    const begin_ms = Math.max(this.#clock.now_ms(), this.#free_at_ms)
    this.#free_at_ms = begin_ms + copy.length / bytes_per_ms
    for (let from = 0; from < copy.length;) {
      const most = Math.min(copy.length - from, chunk_bytes_max)
      const size = chunk_bytes_max === Infinity ? most : 1 + this.#random(most)
      const jitter = jitter_ms > 0 ? this.#random(jitter_ms + 1) : 0
      const at_ms = this.#free_at_ms + latency_ms + jitter
      this.#put({ at_ms, bytes: copy.subarray(from, from + size) })
      from += size
    }
    if (this.#written_bytes - this.#carried_bytes >= window_bytes) this.#full = true
    return !this.#full
  }

  /** Nothing is written any more; the other side learns of it after what was written. */
  end(clean: boolean): void {
    if (this.#closed) return
    this.#put({ at_ms: this.#clock.now_ms() + this.#options.latency_ms, clean })
    this.#closed = true
  }

  /** Breaks off: of what is under way, `bytes` arrive, and then a broken end if `told`. */
  break(bytes: number, told: boolean): void {
    if (this.#closed && this.#entries.length === 0) return
    const kept: Entry[] = []
    for (const entry of this.#entries) {
      if (!('bytes' in entry) || bytes === 0) break
      kept.push({ at_ms: entry.at_ms, bytes: entry.bytes.subarray(0, bytes) })
      bytes -= Math.min(bytes, entry.bytes.length)
    }
    this.#entries = kept
    this.#last_at_ms = kept.at(-1)?.at_ms ?? 0
    this.#closed = false
    if (told) this.end(false)
    this.#closed = true
    this.#arm()
  }

  /** Takes no more; what is under way goes on. */
  shut(): void {
    this.#closed = true
  }

  /** Ends without a word: the side that would be told is gone. */
  forget(): void {
    this.#closed = true
    this.#entries = []
    if (this.#timer !== undefined) this.#clock.clear(this.#timer)
    this.#timer = undefined
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#arm()
  }

  /** Looks again: what held the bytes back may be over. */
  look(): void {
    this.#arm()
  }

  /** Breaks the link once this many more bytes have arrived. */
  cutAfterBytes(bytes: number): void {
    this.#cut_at_bytes = this.#carried_bytes + bytes
  }

  #put(entry: Entry): void {
    entry.at_ms = this.#last_at_ms = Math.max(this.#last_at_ms, entry.at_ms)
    this.#entries.push(entry)
    if (this.#entries.length === 1 || 'clean' in entry) this.#arm()
  }

  /** The next entry that may arrive: a broken end passes by what a paused side does not take. */
  #due(): Entry | undefined {
    if (!this.#paused) return this.#entries[0]
    const last = this.#entries.at(-1)
    return last !== undefined && 'clean' in last && !last.clean ? last : undefined
  }

  #arm(): void {
    const due = this.#due()
    if (due === undefined || !this.#ends.moves()) return
    if (this.#timer !== undefined) this.#clock.clear(this.#timer)
    const wait_ms = Math.max(0, Math.ceil(due.at_ms - this.#clock.now_ms()))
    this.#timer = this.#clock.set(() => {
      this.#timer = undefined
      this.#arrive()
    }, wait_ms)
  }

  #arrive(): void {
    if (!this.#ends.moves()) return
    const chunks: Uint8Array[] = []
    let clean: boolean | undefined
    let cut = false
    const now_ms = this.#clock.now_ms()
    for (let due = this.#due(); due !== undefined && due.at_ms <= now_ms; due = this.#due()) {
      if ('clean' in due) {
        clean = due.clean
        this.#entries = []
        break
      }
      this.#entries.shift()
      const [piece, whole] = this.#upToCut(due.bytes)
      chunks.push(piece)
      this.#carried_bytes += piece.length
      cut = !whole
      if (cut) break
    }
    if (chunks.length > 0) this.#ends.bytes(chunks)
    if (cut) return this.#ends.cut()
    if (clean !== undefined) return this.#ends.ended(clean)
    this.#drain()
    this.#arm()
  }

  #upToCut(bytes: Uint8Array): [piece: Uint8Array, whole: boolean] {
    const { cuts_per_million } = this.#options
    if (cuts_per_million > 0 && this.#random(1_000_000) < cuts_per_million) {
      this.cutAfterBytes(this.#random(bytes.length + 1))
    }
    const left = this.#cut_at_bytes - this.#carried_bytes
    return left > bytes.length ? [bytes, true] : [bytes.subarray(0, left), false]
  }

  #drain(): void {
    const under_way = this.#written_bytes - this.#carried_bytes
    if (!this.#full || under_way >= this.#options.window_bytes) return
    this.#full = false
    this.#ends.drained()
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces[0]!.slice()
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
