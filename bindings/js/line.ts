/**
 * One link as its core's host sees it: frames that come in and frames that wait to go out.
 *
 * Lives here: frames as records of the core and as bytes of the link, what the core is owed for
 * them. Does not live here: how frames lie in bytes (frames, series), when they go (links, turns,
 * gathering).
 *
 * Invariants: a header is copied once on its way in and once on its way out, a payload not at all
 * on its way in; a line that the core let go of takes nothing in.
 */
import type { Link, LinkEvents } from '../../transports/transport.ts'
import { copyBytes } from './copy.ts'
import type { Drive } from './drive.ts'
import { FrameCutter, FrameJoiner } from './frames.ts'
import type { FrameTaker } from './frames.ts'
import { Span } from './payload.ts'
import { Places } from './series.ts'
import type { Lengths } from './series.ts'
import {
  DOWN_REASON_CLOSED, DOWN_REASON_RESET, IN_FRAME, IN_FRAME_HEADER_BYTES, IN_FRAME_LINK,
  IN_FRAME_PAYLOAD, IN_FRAME_PAYLOAD_BYTES, IN_FRAME_WORDS, IN_SERIES, IN_SERIES_HEADER_BYTES,
  IN_SERIES_LINK, IN_SERIES_PAYLOADS_COUNT, IN_SERIES_WORDS, OUT_FRAME_HEADER_BYTES,
  OUT_FRAME_PAYLOAD, OUT_FRAME_PAYLOAD_BYTES, OUT_FRAME_WORDS, OUT_SERIES_HEADER_BYTES,
  OUT_SERIES_PAYLOADS_COUNT, OUT_SERIES_WORDS
} from './tables.ts'
import type { Taker } from './turns.ts'
import { bytesOf } from './values.ts'

/** What a line tells. */
export interface LineHost {
  /** Bytes came in: they are in the cutter. */
  bytes(line: Line): void
  /** The link is full no more. */
  roomAgain(line: Line): void
  lost(line: Line, reason: number): void
}

const NO_PAYLOAD: Uint8Array = new Uint8Array(0)
/**
 * With so many payloads in the table, more than windows hold, a further one is copied: each could
 * be all that waits of a chunk of 64 KiB.
 */
const SPANS_MAX = 4096

/** Of a payload in a series: its handle and its length. */
const PAIR_WORDS = 2
/** Of the frame that is written now. */
const places = new Places()

/** One link. */
export class Line implements LinkEvents, Taker, FrameTaker {
  readonly id: number
  readonly link: Link
  readonly #host: LineHost
  readonly #drive: Drive
  readonly cutter = new FrameCutter()
  readonly joiner = new FrameJoiner()
  /** As the core counts them: in `joiner`, in a full link, taken by the link and not told. */
  outBytes = 0
  heldBytes = 0
  takenBytes = 0
  full = false
  waiting = false
  given = 0
  /** The core knows it. */
  known = true
  closing = false

  constructor(host: LineHost, drive: Drive, id: number, link: Link) {
    this.#host = host
    this.#drive = drive
    this.id = id
    this.link = link
  }

  bytes(chunks: Iterable<Uint8Array>): void {
    for (const chunk of chunks) this.cutter.push(plainBytes(chunk))
    this.#host.bytes(this)
  }

  ready(): void {
    if (!this.full) return
    this.full = false
    this.takenBytes += this.heldBytes
    this.heldBytes = 0
    this.#host.roomAgain(this)
  }

  down(clean: boolean): void {
    const whole = clean && !this.cutter.partial
    this.#host.lost(this, whole ? DOWN_REASON_CLOSED : DOWN_REASON_RESET)
  }

  /** For the cutter: a frame becomes a record, its payload an entry of the table. */
  frame(bytes: Uint8Array, header: number, payload: number, end: number): void {
    const drive = this.#drive
    const header_bytes = payload - header
    const tail_words = header_bytes + 3 >>> 2
    const at = drive.record(IN_FRAME, IN_FRAME_WORDS + tail_words)
    const { words, bytes: into } = drive.memory
    words[at + IN_FRAME_LINK] = this.id
    words[at + IN_FRAME_PAYLOAD] = payload === end ? 0 : this.#keep(bytes, payload, end)
    words[at + IN_FRAME_PAYLOAD_BYTES] = end - payload
    words[at + IN_FRAME_HEADER_BYTES] = header_bytes
    words[at + IN_FRAME_WORDS + tail_words - 1] = 0
    copyBytes(bytes, header, header_bytes, into, (at + IN_FRAME_WORDS) * 4)
  }

  /** For the cutter: the same of a frame with several payloads. */
  series(bytes: Uint8Array, header: number, lengths: Lengths): void {
    const drive = this.#drive
    const { header_bytes, count, payload_bytes } = lengths
    const fixed_words = IN_SERIES_WORDS + PAIR_WORDS * count
    const tail_words = header_bytes + 3 >>> 2
    const at = drive.record(IN_SERIES, fixed_words + tail_words)
    const { words, bytes: into } = drive.memory
    words[at + IN_SERIES_LINK] = this.id
    words[at + IN_SERIES_PAYLOADS_COUNT] = count
    words[at + IN_SERIES_HEADER_BYTES] = header_bytes
    let from = header + header_bytes
    for (let nth = 0, cell = at + IN_SERIES_WORDS; nth < count; nth++, cell += PAIR_WORDS) {
      const length = payload_bytes[nth]!
      words[cell] = this.#keep(bytes, from, from + length)
      words[cell + 1] = length
      from += length
    }
    words[at + fixed_words + tail_words - 1] = 0
    copyBytes(bytes, header, header_bytes, into, (at + fixed_words) * 4)
  }

  /** A payload stays where it lies, unless so many wait that what lies around them is too much. */
  #keep(bytes: Uint8Array, from: number, to: number): number {
    const { payloads } = this.#drive
    const alone = payloads.size >= SPANS_MAX && to - from < bytes.length / 2
    return payloads.put(alone ? bytes.slice(from, to) : new Span(bytes, from, to))
  }

  /** Order: write a frame. What was kept as it is in the table is spelled now. */
  write(words: Uint32Array, bytes: Uint8Array, at: number): void {
    const from = (at + OUT_FRAME_WORDS) * 4
    const header_bytes = words[at + OUT_FRAME_HEADER_BYTES]!
    const handle = words[at + OUT_FRAME_PAYLOAD]!
    this.outBytes += header_bytes + words[at + OUT_FRAME_PAYLOAD_BYTES]!
    const packed = handle === 0 ? NO_PAYLOAD : this.#drive.payloads.peek(handle)
    if (packed instanceof Span) {
      const { bytes: held, from: begin, to } = packed
      return this.joiner.add(bytes, from, header_bytes, held, begin, to - begin)
    }
    const spelled = bytesOf(packed)
    this.joiner.add(bytes, from, header_bytes, spelled, 0, spelled.length)
  }

  /** Order: write a frame with several payloads. */
  writeSeries(words: Uint32Array, bytes: Uint8Array, at: number): void {
    const { payloads } = this.#drive
    const header_bytes = words[at + OUT_SERIES_HEADER_BYTES]!
    const end = at + OUT_SERIES_WORDS + PAIR_WORDS * words[at + OUT_SERIES_PAYLOADS_COUNT]!
    this.outBytes += header_bytes
    for (let cell = at + OUT_SERIES_WORDS; cell < end; cell += PAIR_WORDS) {
      const packed = payloads.peek(words[cell]!)
      this.outBytes += words[cell + 1]!
      if (packed instanceof Span) places.add(packed.bytes, packed.from, packed.to)
      else {
        const spelled = bytesOf(packed)
        places.add(spelled, 0, spelled.length)
      }
    }
    this.joiner.addSeries(bytes, end * 4, header_bytes, places)
    places.clear()
  }
}

function plainBytes(bytes: Uint8Array): Uint8Array {
  // A subclass of a platform would show in programs that receive parts of it.
  return bytes.constructor === Uint8Array
    ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}
