/**
 * Frames in the bytes of a link: cut out of what comes in, written into what goes out.
 *
 * Lives here: `varint frame_bytes, varint header_bytes, header, payload`, and nothing more. Does
 * not live here: what a header says (core/session), when to write (gathering), how bytes travel
 * (transports).
 *
 * Invariants: a cutter gives the same frames however their bytes came; a frame's length alone buys
 * at most WRITE_BYTES_MAX of memory; after a violation nothing more is given. A frame that lies in
 * one chunk is not copied; small payloads that go out are copied once, large ones are views.
 *
 * spec: [WIRE-1]
 */
import { copyBytes } from './copy.ts'
import { Lengths, SERIES_BYTES_MIN, varintBytes } from './series.ts'
import type { Places } from './series.ts'
import { FRAME_BYTES_MAX, HEADER_BYTES_MAX, WRITE_BYTES_MAX } from './tables.ts'

const VARINT_BITS_MAX = 28
/** A payload from here on is not copied: a piece more costs less than its copy. */
const VIEWED_BYTES = 4096
/** Two varints of at most four bytes. */
const LENGTHS_BYTES = 8
/** A joint has room for many small writes, and an idle link holds little. */
const JOINT_BYTES = 2048
/** One that is new has room for as many writes like the last one. */
const JOINT_WRITES = 4
/** So many writes of at most so many bytes: the burst is over. */
const SMALL_CUTS = 16
const SMALL_BYTES = 256
const NOTHING: Uint8Array = new Uint8Array(0)

const FRAME_LENGTH = 0
const HEADER_LENGTH = 1
const BODY = 2

/** Why bytes are not frames. */
export type FrameViolation =
  | 'bad varint' | 'frame too long' | 'bad header length' | 'bad payload lengths'

/** Who gets the frames of a cutter. */
export interface FrameTaker {
  /**
   * One whole frame: its header is `bytes` from `header` up to `payload`, its payload from there up
   * to `end`. Nobody changes these bytes any more.
   */
  frame(bytes: Uint8Array, header: number, payload: number, end: number): void
  /**
   * One whole frame with several payloads: its header begins at `header`, they follow it. Their
   * lengths are read before this returns.
   */
  series(bytes: Uint8Array, header: number, lengths: Lengths): void
}

/** Takes the chunks of one stream and gives its frames. */
export class FrameCutter {
  #chunks: Uint8Array[] = []
  #next = 0
  #chunk = NOTHING
  #at = 0
  #stage = FRAME_LENGTH
  #value = 0
  #bits = 0
  #frame_bytes = 0
  #header_bytes = 0
  #piece: Uint8Array | undefined
  #filled = 0
  #violation: FrameViolation | undefined
  readonly #lengths = new Lengths()

  /** Set once bytes came that no frame may have; what came before them was given whole. */
  get violation(): FrameViolation | undefined {
    return this.#violation
  }

  /** True when bytes were pushed that no frame that was given had. */
  get partial(): boolean {
    return this.#stage !== FRAME_LENGTH || this.#bits > 0 || this.#at < this.#chunk.length ||
      this.#next < this.#chunks.length
  }

  /** Hands over the next bytes of the stream; they may not be changed after it. */
  push(chunk: Uint8Array): void {
    if (this.#violation === undefined && chunk.length > 0) this.#chunks.push(chunk)
  }

  /**
   * Gives the whole frames that are there until `most` are; gives how many those were. One with
   * several payloads counts for as many.
   */
  cut(most: number, taker: FrameTaker): number {
    let given = 0
    while (given < most && this.#violation === undefined && this.#more()) {
      const between = this.#stage === FRAME_LENGTH && this.#bits === 0
      if (between) given += this.#short(most - given, taker)
      if (given < most) given += this.#any(taker)
    }
    return given
  }

  /** Gives the frames of this chunk that are whole and whose lengths have two bytes at most. */
  #short(most: number, taker: FrameTaker): number {
    const chunk = this.#chunk
    const limit = chunk.length
    let given = 0
    let from = this.#at
    while (given < most && limit - from >= 2) {
      let at = from
      let frame_bytes = chunk[at++]!
      if (frame_bytes > 0x7f) {
        const high = chunk[at++]!
        if (high > 0x7f || high === 0) break
        frame_bytes = frame_bytes & 0x7f | high << 7
      }
      if (at >= limit) break
      let header_bytes = chunk[at++]!
      if (header_bytes === 0) {
        const end = at + frame_bytes
        if (end > limit) break
        const count = this.#series(taker, chunk, at, end)
        if (count === 0) break
        given += count
        from = end
        continue
      }
      if (header_bytes > 0x7f) {
        if (at >= limit) break
        const high = chunk[at++]!
        if (high > 0x7f || high === 0) break
        header_bytes = header_bytes & 0x7f | high << 7
      }
      const end = at + frame_bytes
      // Whatever is odd about it is said on the long way.
      if (end > limit || header_bytes === 0 || header_bytes > frame_bytes) break
      taker.frame(chunk, at, at + header_bytes, end)
      given += 1
      from = end
    }
    this.#at = from
    return given
  }

  /** Gives the next frame, whatever its length and however it was cut. False: it is not whole. */
  #any(taker: FrameTaker): number {
    if (this.#stage === FRAME_LENGTH) {
      const length = this.#varint()
      if (length === undefined) return 0
      if (length > FRAME_BYTES_MAX) return this.#refuse('frame too long')
      this.#frame_bytes = length
      this.#stage = HEADER_LENGTH
    }
    if (this.#stage === HEADER_LENGTH) {
      const length = this.#varint()
      if (length === undefined) return 0
      const least = length === 0 ? SERIES_BYTES_MIN : length
      if (least > this.#frame_bytes || length > HEADER_BYTES_MAX) {
        return this.#refuse('bad header length')
      }
      this.#header_bytes = length
      this.#stage = BODY
    }
    return this.#body(taker)
  }

  /** The header and the payload: in one chunk, else gathered as they come. */
  #body(taker: FrameTaker): number {
    const count = this.#frame_bytes
    if (!this.#more()) return 0
    if (this.#piece === undefined && this.#chunk.length - this.#at >= count) {
      const at = this.#at
      this.#at += count
      this.#stage = FRAME_LENGTH
      return this.#give(taker, this.#chunk, at, at + count)
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
    if (this.#filled < count) return 0
    this.#piece = undefined
    this.#filled = 0
    this.#stage = FRAME_LENGTH
    return this.#give(taker, piece, 0, count)
  }

  #give(taker: FrameTaker, bytes: Uint8Array, from: number, to: number): number {
    if (this.#header_bytes === 0) {
      const count = this.#series(taker, bytes, from, to)
      if (count === 0) this.#refuse('bad payload lengths')
      return count
    }
    taker.frame(bytes, from, from + this.#header_bytes, to)
    return 1
  }

  /** Gives a frame with several payloads, and how many; 0 when its lengths are bad. */
  #series(taker: FrameTaker, bytes: Uint8Array, from: number, to: number): number {
    const header = this.#lengths.read(bytes, from, to)
    if (header < 0) return 0
    taker.series(bytes, header, this.#lengths)
    return this.#lengths.count
  }

  #refuse(violation: FrameViolation): 0 {
    this.#violation = violation
    this.#chunks = []
    this.#chunk = NOTHING
    this.#piece = undefined
    return 0
  }

  /** One form for each number, so that no two byte streams mean the same frames. */
  #varint(): number | undefined {
    while (this.#more()) {
      const byte = this.#chunk[this.#at++]!
      this.#value |= (byte & 0x7f) << this.#bits
      this.#bits += 7
      if (byte < 0x80) {
        if (byte === 0 && this.#bits > 7) return void this.#refuse('bad varint')
        const value = this.#value
        this.#value = this.#bits = 0
        return value
      }
      if (this.#bits === VARINT_BITS_MAX) return void this.#refuse('bad varint')
    }
    return undefined
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

/** Writes frames one behind the other as a link sends them. */
export class FrameJoiner {
  /** Pieces are views of it; what was handed on is not written again. */
  #joint = NOTHING
  #from = 0
  #at = 0
  #last_bytes = 0
  /** Pieces in a row that were small. */
  #small_cuts = 0
  #pieces: Uint8Array[] = []
  #count = 0

  /** Frames since the last `take`; one with several payloads counts for as many. */
  get count(): number { return this.#count }

  /**
   * Adds a frame: its header is `header_bytes` of `source` from `from` on, which is copied. The
   * payload, if there is one, is `payload_bytes` of `payload` from `payload_from` on; nobody may
   * change it before the link has sent it. Throws RangeError for a frame over its limits, since the
   * other side would reset the link for it.
   */
  add(
    source: Uint8Array, from: number, header_bytes: number,
    payload: Uint8Array, payload_from: number, payload_bytes: number
  ): void {
    const frame_bytes = header_bytes + payload_bytes
    if (header_bytes === 0 || header_bytes > HEADER_BYTES_MAX || frame_bytes > FRAME_BYTES_MAX) {
      throw new RangeError(
        `a frame of ${frame_bytes} bytes with a header of ${header_bytes} is over its limits`)
    }
    const viewed = payload_bytes >= VIEWED_BYTES
    this.#room(LENGTHS_BYTES + header_bytes + (viewed ? 0 : payload_bytes))
    this.#varint(frame_bytes)
    this.#varint(header_bytes)
    this.#copy(source, from, header_bytes)
    if (viewed) {
      this.#cut()
      this.#pieces.push(payload.subarray(payload_from, payload_from + payload_bytes))
    } else if (payload_bytes > 0) this.#copy(payload, payload_from, payload_bytes)
    this.#count += 1
  }

  /** Adds a frame whose header is as in `add`, and whose payloads are those of `places`. */
  addSeries(source: Uint8Array, from: number, header_bytes: number, places: Places): void {
    const { count, bytes, from: begins, to: ends } = places
    const lengths_bytes = varintBytes(header_bytes) + varintBytes(count) + places.lengths_bytes
    const frame_bytes = lengths_bytes + header_bytes + places.payload_bytes
    this.#room(LENGTHS_BYTES + frame_bytes)
    this.#varint(frame_bytes)
    this.#varint(0)
    this.#varint(header_bytes)
    this.#varint(count)
    for (let nth = 0; nth < count; nth++) this.#varint(ends[nth]! - begins[nth]!)
    this.#copy(source, from, header_bytes)
    for (let nth = 0; nth < count; nth++) {
      const begin = begins[nth]!
      // Small items lie one behind the other: what was sent in a row is copied at once.
      while (nth + 1 < count && bytes[nth + 1] === bytes[nth] && begins[nth + 1] === ends[nth]) {
        nth += 1
      }
      this.#copy(bytes[nth]!, begin, ends[nth]! - begin)
    }
    this.#count += count
  }

  /** All that was added since the last time, in pieces that nobody changes any more. */
  take(): Uint8Array[] {
    this.#cut()
    const pieces = this.#pieces
    this.#pieces = []
    this.#count = 0
    return pieces
  }

  /** Room for so many bytes in the joint; what is in it is a piece when they are over a write. */
  #room(bytes: number): void {
    if (this.#at - this.#from + bytes > WRITE_BYTES_MAX) this.#cut()
    if (this.#at + bytes <= this.#joint.length) return
    const begun = this.#at - this.#from
    const usual = Math.min(Math.max(2 * begun, JOINT_WRITES * this.#last_bytes), WRITE_BYTES_MAX)
    const joint = new Uint8Array(Math.max(begun + bytes, usual, JOINT_BYTES))
    joint.set(this.#joint.subarray(this.#from, this.#at))
    this.#joint = joint
    this.#from = 0
    this.#at = begun
  }

  #varint(value: number): void {
    let at = this.#at
    for (; value > 0x7f; value >>>= 7) this.#joint[at++] = value & 0x7f | 0x80
    this.#joint[at++] = value
    this.#at = at
  }

  #copy(source: Uint8Array, from: number, count: number): void {
    copyBytes(source, from, count, this.#joint, this.#at)
    this.#at += count
  }

  /** What was copied since the last piece becomes one. */
  #cut(): void {
    if (this.#at === this.#from) return
    this.#pieces.push(this.#joint.subarray(this.#from, this.#at))
    this.#last_bytes = this.#at - this.#from
    this.#from = this.#at
    this.#small_cuts = this.#last_bytes > SMALL_BYTES ? 0 : this.#small_cuts + 1
    // After a burst a link that says little keeps little.
    if (this.#small_cuts < SMALL_CUTS || this.#joint.length <= JOINT_BYTES) return
    this.#joint = NOTHING
    this.#from = this.#at = 0
  }
}
