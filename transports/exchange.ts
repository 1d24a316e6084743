/**
 * One request and its answer on a byte stream of their own.
 *
 * Lives here: a message behind its length, put together and taken apart. Does not live here: what
 * is asked (bindings/node/certify), streams (transports/libp2p/exchange, Unix sockets).
 *
 * A message stands behind its length, a u32 with the highest byte first. Each side sends one.
 */

/** How much and how long one exchange may be. */
export interface ExchangeBounds { readonly bytes_max: number, readonly timeout_ms: number }

/** Gives the answer's bytes to a request's; `peer` is proved. A rejection ends the stream. */
export type Answering = (peer: string, request: Uint8Array) => Promise<Uint8Array>

const LENGTH_BYTES = 4

/** A message behind its length. */
export function lengthened(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(LENGTH_BYTES + bytes.length)
  new DataView(whole.buffer).setUint32(0, bytes.length)
  whole.set(bytes, LENGTH_BYTES)
  return whole
}

/** Gathers the one message of a stream from its parts. Holds at most `bytes_max` and one part. */
export class OneMessage {
  readonly #bytes_max: number
  #held = new Uint8Array(0)

  constructor(bytes_max: number) {
    this.#bytes_max = bytes_max
  }

  /**
   * Takes the next part.
   *
   * @returns the message once it is whole.
   * @throws RangeError when it is longer than allowed, or more comes behind it.
   */
  take(part: Uint8Array): Uint8Array | undefined {
    const held = new Uint8Array(this.#held.length + part.length)
    held.set(this.#held)
    held.set(part, this.#held.length)
    this.#held = held
    if (held.length < LENGTH_BYTES) return undefined
    const bytes = new DataView(held.buffer).getUint32(0)
    if (bytes > this.#bytes_max || held.length > LENGTH_BYTES + bytes) {
      throw new RangeError('the message is too long')
    }
    return held.length === LENGTH_BYTES + bytes ? held.subarray(LENGTH_BYTES) : undefined
  }
}
