/**
 * Frames with several payloads: the lengths at their beginning, the places of what goes out.
 *
 * Lives here: `varint frame_bytes, 0, varint header_bytes, varint payloads, varint payload_bytes …`
 * as far as it is more than a frame with one payload. Does not live here: cutting and joining
 * (frames), records (line).
 *
 * Invariant: lengths that were read fill their frame to the byte.
 *
 * spec: [WIRE-38]
 */
import { HEADER_BYTES_MAX, PAYLOADS_PER_FRAME_MAX } from './tables.ts'

const VARINT_BITS_MAX = 28
const NOTHING: Uint8Array = new Uint8Array(0)

/** The least that follows the 0: four lengths, a header and two payloads. */
export const SERIES_BYTES_MIN = 7

/** How many bytes a length takes. */
export function varintBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : 4
}

/** What stands before the header of one frame. */
export class Lengths {
  header_bytes = 0
  /** Payloads. */
  count = 0
  readonly payload_bytes: number[] = []
  #at = 0

  /**
   * Reads them from what follows the 0, which is `bytes` from `from` up to `to`. Gives where the
   * header begins; -1 when they are not as they must be.
   */
  read(bytes: Uint8Array, from: number, to: number): number {
    this.#at = from
    const header_bytes = this.#next(bytes, to)
    const count = this.#next(bytes, to)
    if (header_bytes === 0 || header_bytes > HEADER_BYTES_MAX) return -1
    if (count < 2 || count > PAYLOADS_PER_FRAME_MAX) return -1
    let end = header_bytes
    for (let nth = 0; nth < count; nth++) {
      const length = this.#next(bytes, to)
      if (length === 0) return -1
      this.payload_bytes[nth] = length
      end += length
    }
    if (this.#at + end !== to) return -1
    this.header_bytes = header_bytes
    this.count = count
    return this.#at
  }

  /** The next length; 0, which none may be, when it is in no right form. */
  #next(bytes: Uint8Array, to: number): number {
    let value = 0
    for (let bits = 0; bits < VARINT_BITS_MAX && this.#at < to; bits += 7) {
      const byte = bytes[this.#at++]!
      value |= (byte & 0x7f) << bits
      if (byte < 0x80) return byte === 0 ? 0 : value
    }
    return 0
  }
}

/** Where the payloads of a frame stand that goes out. */
export class Places {
  readonly bytes: Uint8Array[] = []
  readonly from: number[] = []
  readonly to: number[] = []
  count = 0
  /** Of all payloads. */
  payload_bytes = 0
  /** Of all their lengths. */
  lengths_bytes = 0

  add(bytes: Uint8Array, from: number, to: number): void {
    const nth = this.count++
    this.bytes[nth] = bytes
    this.from[nth] = from
    this.to[nth] = to
    this.payload_bytes += to - from
    this.lengths_bytes += varintBytes(to - from)
  }

  /** Lets go of the bytes. */
  clear(): void {
    this.bytes.fill(NOTHING, 0, this.count)
    this.count = this.payload_bytes = this.lengths_bytes = 0
  }
}
