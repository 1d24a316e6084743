/**
 * A relay between two real peers that does to their TCP connections what bad networks do.
 *
 * Lives here: listening, passing bytes on, cutting at an exact byte, stalling one way, dripping.
 * Does not live here: when to do it (the tests), the peers (peer.ts).
 *
 * A cut ends both sides after exactly the bytes that were allowed; what was allowed has been passed
 * on. Every second cut is a reset, the others look like an orderly end. Without an order it is a
 * good wire: it takes no more from one side than the other takes.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** Toward the peer that is behind the proxy, or from it. */
export type Way = 'in' | 'out'

interface Pair { near: Socket, far: Socket, budget: number, cut: boolean }

export class Proxy {
  /** Where the peer behind it listens; connections before it is set are refused. */
  target = 0
  /** Connections that were ended in the middle, and bytes that were passed on. */
  cuts = 0
  readonly bytes: Record<Way, number> = { in: 0, out: 0 }
  /** For each new connection: bytes, both ways counted, after which it is cut. */
  budget: () => number = () => Infinity
  /** True: new connections are refused. */
  closed = false
  readonly #server: Server
  readonly #pairs = new Set<Pair>()
  readonly #stalled = new Set<Way>()
  #drip: { bytes: number, ms: number } | undefined

  private constructor(server: Server) {
    this.#server = server
    server.on('connection', (near) => this.#accept(near))
  }

  /** A proxy at a port of its own. */
  static async open(): Promise<Proxy> {
    const server = createServer({ allowHalfOpen: true, noDelay: true })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new Proxy(server)
  }

  /** The multiaddr at which peers shall dial. */
  get address(): string {
    return `/ip4/127.0.0.1/tcp/${(this.#server.address() as AddressInfo).port}`
  }

  /** Resets every connection now. */
  cut(): void {
    for (const pair of [...this.#pairs]) this.#cut(pair)
  }

  /** Passes nothing on in one way until `flow`; the other side's bytes wait in the kernel. */
  stall(way: Way): void {
    this.#stalled.add(way)
    for (const { near, far } of this.#pairs) (way === 'in' ? near : far).pause()
  }

  /** At most so many bytes in so many milliseconds, both ways, until `flow`. */
  drip(bytes: number, ms: number): void {
    this.#drip = { bytes, ms }
  }

  /** A good wire again. */
  flow(): void {
    this.#stalled.clear()
    this.#drip = undefined
    for (const { near, far } of this.#pairs) {
      near.resume()
      far.resume()
    }
  }

  async close(): Promise<void> {
    this.closed = true
    const ended = new Promise((resolve) => this.#server.close(resolve))
    this.cut()
    await ended
  }

  #accept(near: Socket): void {
    near.on('error', () => {})
    if (this.closed || this.target === 0) {
      near.resetAndDestroy()
      return
    }
    const far = connect({
      port: this.target, host: '127.0.0.1', noDelay: true, allowHalfOpen: true
    })
    const pair: Pair = { near, far, budget: this.budget(), cut: false }
    this.#pairs.add(pair)
    far.on('error', () => {})
    for (const socket of [near, far]) {
      socket.once('close', () => {
        this.#pairs.delete(pair)
        near.destroy()
        far.destroy()
      })
    }
    this.#pass(pair, near, far, 'in')
    this.#pass(pair, far, near, 'out')
  }

  #pass(pair: Pair, from: Socket, to: Socket, way: Way): void {
    if (this.#stalled.has(way)) from.pause()
    from.on('data', (bytes: Buffer) => {
      const allowed = bytes.subarray(0, Math.max(0, pair.budget))
      pair.budget -= allowed.length
      this.bytes[way] += allowed.length
      const last = allowed.length < bytes.length || pair.budget === 0
      const went = allowed.length === 0
        || to.write(allowed, () => { if (last) this.#cut(pair) })
      if (last && allowed.length === 0) this.#cut(pair)
      if (this.#drip !== undefined) this.#slow(from, allowed.length)
      else if (!went) {
        from.pause()
        to.once('drain', () => { if (!this.#stalled.has(way)) from.resume() })
      }
    })
    from.on('end', () => to.end())
  }

  /** Holds a side up for as long as its bytes take at the dripping rate. */
  #slow(from: Socket, bytes: number): void {
    const drip = this.#drip!
    from.pause()
    setTimeout(() => from.resume(), Math.ceil(bytes / drip.bytes) * drip.ms)
  }

  #cut(pair: Pair): void {
    if (pair.cut) return
    pair.cut = true
    this.cuts++
    for (const socket of [pair.near, pair.far]) {
      // Node does not survive its own end with a reset of a socket that is being shut down.
      if (this.cuts % 2 === 0 && !socket.writableEnded) socket.resetAndDestroy()
      else socket.destroy()
    }
  }
}
