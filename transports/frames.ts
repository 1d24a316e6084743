/**
 * Cuts a stream of bytes into frames, and joins frames into writes.
 *
 * Lives here: `varint frame_bytes, varint header_bytes, header, payload`, and nothing more. Does
 * not live here: what a header says (core/session), when to read and to write (transports/link).
 *
 * Invariants: a reader gives the same frames however its bytes were cut; a frame's length alone
 * buys at most WRITE_BYTES_MAX of memory; after a violation nothing more is given. A header or
 * payload that lies in one chunk is a view of it, not a copy.
 *
 * spec: [WIRE-1]
 */
import {
  FRAME_BYTES_MAX, HEADER_BYTES_MAX, WRITE_BYTES_MAX
} from './tables.ts'
import type { Frame } from './transport.ts'

const VARINT_BITS_MAX = 28
/** A payload from here on is not copied: a piece more costs less than its copy. */
const VIEWED_BYTES = 4096
/** Up to here a loop copies faster than a typed array's own way. */
const LOOPED_BYTES = 32
const NOTHING: Uint8Array = new Uint8Array(0)

const FRAME_LENGTH = 0
const HEADER_LENGTH = 1
const HEADER = 2
const PAYLOAD = 3

/** Why bytes are not frames. */
export type FrameViolation = 'bad varint' | 'frame too long' | 'bad header length'

/** Takes the chunks of one stream and gives its frames. */
export class FrameReader {
  #chunks: Uint8Array[] = []
  #next = 0
  #chunk = NOTHING
  #at = 0
  #stage = FRAME_LENGTH
  #value = 0
  #bits = 0
  #frame_bytes = 0
  #header_bytes = 0
  #header = NOTHING
  #piece: Uint8Array | undefined
  #filled = 0
  #violation: FrameViolation | undefined

  /** Set once bytes came that no frame may have; what came before them was given whole. */
  get violation(): FrameViolation | undefined {
    return this.#violation
  }

  /** True in the middle of a frame, when no whole one is left to take. */
  get partial(): boolean {
    return this.#stage !== FRAME_LENGTH || this.#bits > 0 || this.#at < this.#chunk.length ||
      this.#next < this.#chunks.length
  }

  /** Hands over the next bytes of the stream; they may not be changed after it. */
  push(chunk: Uint8Array): void {
    if (this.#violation === undefined && chunk.length > 0) this.#chunks.push(chunk)
  }

  /**
   * Takes the whole frames that are there, at most `most`; none when the next is not whole yet, or
   * after a violation. A payload of no bytes is undefined. The frames are views of the chunks.
   */
  take(most: number): Frame[] {
    const frames: Frame[] = []
    while (frames.length < most && this.#violation === undefined) {
      const frame = this.#frame()
      if (frame === undefined) break
      frames.push(frame)
    }
    return frames
  }

  #frame(): Frame | undefined {
    if (this.#stage === FRAME_LENGTH) {
      const length = this.#varint()
      if (length === undefined) return undefined
      if (length > FRAME_BYTES_MAX) return this.#refuse('frame too long')
      this.#frame_bytes = length
      this.#stage = HEADER_LENGTH
    }
    if (this.#stage === HEADER_LENGTH) {
      const length = this.#varint()
      if (length === undefined) return undefined
      if (length === 0 || length > this.#frame_bytes || length > HEADER_BYTES_MAX) {
        return this.#refuse('bad header length')
      }
      this.#header_bytes = length
      this.#stage = HEADER
    }
    if (this.#stage === HEADER) {
      const header = this.#bytes(this.#header_bytes)
      if (header === undefined) return undefined
      this.#header = header
      this.#stage = PAYLOAD
    }
    const payload_bytes = this.#frame_bytes - this.#header_bytes
    const payload = payload_bytes === 0 ? undefined : this.#bytes(payload_bytes)
    if (payload === undefined && payload_bytes > 0) return undefined
    const header = this.#header
    this.#header = NOTHING
    this.#stage = FRAME_LENGTH
    return { header, payload }
  }

  #refuse(violation: FrameViolation): undefined {
    this.#violation = violation
    this.#chunks = []
    this.#chunk = this.#header = NOTHING
    this.#piece = undefined
  }

  /** One form for each number, so that no two byte streams mean the same frames. */
  #varint(): number | undefined {
    while (this.#more()) {
      const byte = this.#chunk[this.#at++]!
      this.#value |= (byte & 0x7f) << this.#bits
      this.#bits += 7
      if (byte < 0x80) {
        if (byte === 0 && this.#bits > 7) return this.#refuse('bad varint')
        const value = this.#value
        this.#value = this.#bits = 0
        return value
      }
      if (this.#bits === VARINT_BITS_MAX) return this.#refuse('bad varint')
    }
    return undefined
  }

  /** The next `count` bytes: a view when one chunk holds them, else gathered as they come. */
  #bytes(count: number): Uint8Array | undefined {
    if (!this.#more()) return undefined
    const { buffer, byteOffset, length } = this.#chunk
    if (this.#piece === undefined && length - this.#at >= count) {
      const view = new Uint8Array(buffer, byteOffset + this.#at, count)
      this.#at += count
      return view
    }
    let piece = this.#piece ?? new Uint8Array(Math.min(count, WRITE_BYTES_MAX))
    while (this.#filled < count && this.#more()) {
      if (this.#filled === piece.length) {
        // A length alone buys one write of memory; the rest is given once that much has come.
        const whole = new Uint8Array(count)
        whole.set(piece)
        piece = whole
      }
      const end = Math.min(this.#chunk.length, this.#at + piece.length - this.#filled)
      piece.set(this.#chunk.subarray(this.#at, end), this.#filled)
      this.#filled += end - this.#at
      this.#at = end
    }
    this.#piece = piece
    if (this.#filled < count) return undefined
    this.#piece = undefined
    this.#filled = 0
    return piece
  }

  #more(): boolean {
    if (this.#at < this.#chunk.length) return true
    if (this.#next === this.#chunks.length) {
      // Nothing is left: let go of the last chunk, so that an idle link holds no buffer.
      if (this.#next > 0) this.#chunks = []
      this.#next = this.#at = 0
      this.#chunk = NOTHING
      return false
    }
    this.#chunk = this.#chunks[this.#next++]!
    this.#at = 0
    return true
  }
}

/** The bytes that a frame takes on the wire. */
export function frameBytes(frame: Frame): number {
  const header = frame.header.length
  const whole = header + (frame.payload?.length ?? 0)
  return varintBytes(whole) + varintBytes(header) + whole
}

/**
 * Joins frames into as few writes as `write_bytes_max` allows; each is full but the last. A write
 * is a list of pieces: a payload of VIEWED_BYTES or more is views, all else is copied once. Throws
 * RangeError for a frame over its limits, since the other side would reset the link for it.
 */
export function joinFrames(
  frames: readonly Frame[], write_bytes_max: number = WRITE_BYTES_MAX
): Uint8Array[][] {
  let copied = 0
  for (const frame of frames) {
    const bytes = checkedBytes(frame)
    const payload_bytes = frame.payload?.length ?? 0
    copied += payload_bytes < VIEWED_BYTES ? bytes : bytes - payload_bytes
  }
  const joiner = new Joiner(copied, write_bytes_max)
  for (const { header, payload } of frames) {
    joiner.varint(header.length + (payload?.length ?? 0))
    joiner.varint(header.length)
    joiner.bytes(header)
    if (payload === undefined) continue
    if (payload.length < VIEWED_BYTES) joiner.bytes(payload)
    else joiner.view(payload)
  }
  return joiner.end()
}

function checkedBytes(frame: Frame): number {
  const header = frame.header.length
  const whole = header + (frame.payload?.length ?? 0)
  if (header === 0 || header > HEADER_BYTES_MAX || whole > FRAME_BYTES_MAX) {
    throw new RangeError(`a frame of ${whole} bytes with a header of ${header} is over its limits`)
  }
  return frameBytes(frame)
}

function varintBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : 4
}

/** Fills writes one after the other; what is copied goes into one block. */
class Joiner {
  readonly #write_bytes_max: number
  readonly #block: Uint8Array
  readonly #writes: Uint8Array[][] = []
  #write: Uint8Array[] = []
  /** Bytes that the write still takes. */
  #room: number
  /** What of the block is in no piece yet. */
  #from = 0
  #at = 0

  constructor(copied: number, write_bytes_max: number) {
    this.#block = new Uint8Array(copied)
    this.#room = this.#write_bytes_max = write_bytes_max
  }

  varint(value: number): void {
    for (; value > 0x7f; value >>>= 7) this.#byte(value & 0x7f | 0x80)
    this.#byte(value)
  }

  bytes(bytes: Uint8Array): void {
    const count = bytes.length
    if (count < this.#room && count <= LOOPED_BYTES) {
      const block = this.#block
      const at = this.#at
      for (let i = 0; i < count; i++) block[at + i] = bytes[i]!
      this.#at += count
      this.#room -= count
      return
    }
    for (let from = 0; from < count;) {
      const part = Math.min(count - from, this.#room)
      this.#block.set(bytes.subarray(from, from + part), this.#at)
      from += part
      this.#at += part
      this.#took(part)
    }
  }

  view(bytes: Uint8Array): void {
    this.#cut()
    for (let from = 0; from < bytes.length;) {
      const part = Math.min(bytes.length - from, this.#room)
      this.#write.push(bytes.subarray(from, from + part))
      from += part
      this.#took(part)
    }
  }

  /** All writes. */
  end(): Uint8Array[][] {
    this.#cut()
    if (this.#write.length > 0) this.#writes.push(this.#write)
    return this.#writes
  }

  #byte(value: number): void {
    this.#block[this.#at++] = value
    this.#took(1)
  }

  #took(bytes: number): void {
    this.#room -= bytes
    if (this.#room > 0) return
    this.#cut()
    this.#writes.push(this.#write)
    this.#write = []
    this.#room = this.#write_bytes_max
  }

  /** What was copied since the last piece becomes one. */
  #cut(): void {
    if (this.#at === this.#from) return
    this.#write.push(this.#block.subarray(this.#from, this.#at))
    this.#from = this.#at
  }
}
