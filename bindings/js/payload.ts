/**
 * The payload table: what a u32 handle at the core's door stands for.
 *
 * Lives here: handles, given out LIFO. Does not live here: what a payload holds (values), who owns
 * it when (spec/abi.md, ABI-20 and ABI-21).
 *
 * Invariants: a handle is never 0; a handle is free or holds exactly one payload; `size` counts
 * those that hold one, so it is 0 when the core has given everything back.
 */

/** A value that is immutable and has not left this peer, or the CBOR item of any value. */
export type Packed = Uint8Array | Span | string | number | bigint | boolean | null

/**
 * An item among the bytes that a link brought: `bytes` from `from` up to `to`. An object of three
 * fields costs a third of a view, and most items are read once. Nobody changes the bytes.
 */
export class Span {
  readonly bytes: Uint8Array
  readonly from: number
  readonly to: number

  constructor(bytes: Uint8Array, from: number, to: number) {
    this.bytes = bytes
    this.from = from
    this.to = to
  }
}

/** What a number has at most as a CBOR item. */
export const NUMBER_BYTES = 9

/** The table of one core's payloads. */
export class Payloads {
  readonly #slots: (Packed | undefined)[] = [undefined, undefined]
  readonly #free: number[] = []
  #free_count = 0
  /** The handle that the next `put` gives; it is not among the free ones. */
  next = 1

  /** Payloads in the table. */
  get size(): number { return this.#slots.length - 2 - this.#free_count }

  /** Takes a payload in and gives its handle. */
  put(packed: Packed): number {
    const handle = this.next
    const count = this.#free_count
    this.#slots[handle] = packed
    if (count > 0) {
      this.next = this.#free[count - 1]!
      this.#free_count = count - 1
    } else {
      this.next = this.#slots.push(undefined) - 1
    }
    return handle
  }

  /** Reads a payload and leaves it in the table. */
  peek(handle: number): Packed {
    const packed = this.#slots[handle]
    if (packed === undefined) throw new Error(`payload ${handle} is not in the table`)
    return packed
  }

  /** Reads a payload and frees its handle. */
  take(handle: number): Packed {
    const packed = this.taken(handle)
    if (packed === undefined) throw new Error(`payload ${handle} is not in the table`)
    return packed
  }

  /** As `take`; undefined when there is none. */
  taken(handle: number): Packed | undefined {
    const packed = this.#slots[handle]
    if (packed === undefined) return undefined
    this.#slots[handle] = undefined
    this.#free[this.#free_count++] = this.next
    this.next = handle
    return packed
  }
}
