/**
 * A libp2p stream with nothing on it but numbered messages of one length.
 *
 * Lives here: the node (as transports/libp2p makes it), writing with backpressure, cutting what
 * comes into messages. Does not live here: the works (bare.ts, bare-far.ts).
 */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { Libp2p, Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'

export const PROTOCOL = '/circuit-bench/1'
/** An order: count, bytes, whether to echo. Its answer: the sum of the numbers. */
export const ORDER_BYTES = 12
export const ANSWER_BYTES = 8
const WINDOW_BYTES = 1 << 20

/** A node that does nothing on its own. */
export function bareNode(listen: string[]): Promise<Libp2p> {
  return createLibp2p({
    addresses: { listen },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({
      streamOptions: { maxStreamWindowSize: WINDOW_BYTES, maxReadBufferLength: 2 * WINDOW_BYTES }
    })],
    connectionMonitor: { enabled: false },
    connectionGater: { denyDialMultiaddr: () => false }
  })
}

/** What a run of messages said: the sum of the numbers at their beginnings. */
export interface Numbers { sum: number, first: Uint8Array }

/** One stream of messages. One call of `numbers` at a time. */
export class BareStream {
  readonly #stream: Stream
  readonly #chunks: Uint8Array[] = []
  #wake: (() => void) | undefined
  #at = 0

  constructor(stream: Stream) {
    this.#stream = stream
    stream.addEventListener('message', ({ data }) => {
      if (data instanceof Uint8Array) this.#chunks.push(data)
      else for (const chunk of data) this.#chunks.push(chunk)
      this.#wake?.()
    })
  }

  /** Writes; a promise only when the stream is full, for when it has room again. */
  send(bytes: Uint8Array): Promise<void> | undefined {
    this.#stream.send(bytes)
    return this.#stream.writableNeedsDrain ? this.#drained() : undefined
  }

  /** Reads `count` messages of `bytes` bytes each. `each`, if given, gets every whole one. */
  async numbers(
    count: number, bytes: number, each?: (message: Uint8Array) => void
  ): Promise<Numbers> {
    let sum = 0
    let first: Uint8Array = new Uint8Array(0)
    for (let i = 0; i < count; i++) {
      let message = this.#take(bytes)
      while (message === undefined) {
        await new Promise<void>((resolve) => { this.#wake = resolve })
        this.#wake = undefined
        message = this.#take(bytes)
      }
      if (i === 0) first = message
      sum += (message[0]! << 24 | message[1]! << 16 | message[2]! << 8 | message[3]!) >>> 0
      each?.(message)
    }
    return { sum, first }
  }

  async #drained(): Promise<void> {
    while (this.#stream.writableNeedsDrain) {
      await new Promise((resolve) => {
        this.#stream.addEventListener('drain', resolve, { once: true })
      })
    }
  }

  /** The next message: a view when one chunk holds it. */
  #take(bytes: number): Uint8Array | undefined {
    const chunk = this.#chunks[0]
    if (chunk === undefined) return undefined
    if (chunk.length - this.#at > bytes) {
      this.#at += bytes
      return chunk.subarray(this.#at - bytes, this.#at)
    }
    let there = -this.#at
    for (const one of this.#chunks) {
      there += one.length
      if (there >= bytes) return this.#gather(bytes)
    }
    return undefined
  }

  #gather(bytes: number): Uint8Array {
    const message = new Uint8Array(bytes)
    for (let filled = 0; filled < bytes;) {
      const chunk = this.#chunks[0]!
      const part = chunk.subarray(this.#at, this.#at + bytes - filled)
      message.set(part, filled)
      filled += part.length
      this.#at += part.length
      if (this.#at === chunk.length) {
        this.#chunks.shift()
        this.#at = 0
      }
    }
    return message
  }
}
