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
export type Packed = Uint8Array | string | number | bigint | boolean | null

/** The table of one core's payloads. */
export class Payloads {
  #slots: (Packed | undefined)[] = [undefined]
  #free: number[] = []
  size = 0

  /** Takes a payload in and gives its handle. */
  put(packed: Packed): number {
    this.size += 1
    const handle = this.#free.pop() ?? this.#slots.length
    this.#slots[handle] = packed
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
    const packed = this.peek(handle)
    this.#slots[handle] = undefined
    this.#free.push(handle)
    this.size -= 1
    return packed
  }
}
