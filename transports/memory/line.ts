/**
 * One link in memory: its two directions and its two ends.
 *
 * Lives here: how one end's end reaches the other. Does not live here: when bytes arrive
 * (transports/memory/wire), what a link says (transports/link).
 *
 * Invariants: an end is over when both directions have ended, or LINK_CLOSE_MS after it closed; a
 * line leaves its network when both ends are over.
 */
import { StreamLink } from '../link.ts'
import { LINK_CLOSE_MS } from '../tables.ts'
import { Wire } from './wire.ts'
import type { LinkPlace, Pipe } from '../link.ts'
import type { MemoryNetwork } from '../memory.ts'
import type { Link } from '../transport.ts'
import type { MemoryTransport } from './peer.ts'

/** Both directions and both ends of one link. */
export class Line {
  readonly #network: MemoryNetwork
  readonly #pipes: [MemoryPipe, MemoryPipe]
  readonly #peers: [MemoryTransport, MemoryTransport]

  constructor(network: MemoryNetwork, from: MemoryTransport, to: MemoryTransport) {
    this.#network = network
    this.#peers = [from, to]
    const gone = () => { if (this.#pipes.every((pipe) => pipe.over)) network.remove(this) }
    this.#pipes = [
      new MemoryPipe(network, from, { peer: to.peer, outgoing: true, address: to.address }, gone),
      new MemoryPipe(network, to, { peer: from.peer, outgoing: false, address: from.address }, gone)
    ]
    const [out, back] = [this.#wire(0, 1), this.#wire(1, 0)]
    this.#pipes[0].join(out, back)
    this.#pipes[1].join(back, out)
  }

  #wire(from: 0 | 1, to: 0 | 1): Wire {
    const network = this.#network
    const [source, sink] = [this.#peers[from], this.#peers[to]]
    return new Wire(network.clock, network.random, network.options, {
      bytes: (chunks) => this.#pipes[to].link.bytes(chunks),
      ended: (clean) => this.#pipes[to].ended(clean),
      drained: () => { if (!source.killed) this.#pipes[from].link.drained() },
      cut: () => this.cut(),
      moves: () => network.passes(source, sink)
    })
  }

  joins(peer: string): boolean {
    return this.#peers.some((one) => one.peer === peer)
  }

  link(of: MemoryTransport): Link {
    return this.#pipes[this.#peers[0] === of ? 0 : 1].link
  }

  /** The direction that begins at this peer. */
  wire(from: string): Wire {
    return this.#pipes[this.#peers[0].peer === from ? 0 : 1].out
  }

  look(): void {
    for (const pipe of this.#pipes) pipe.out.look()
  }

  cut(): void {
    for (const pipe of this.#pipes) pipe.out.break(0, true)
  }

  kill(peer: string, silent: boolean): void {
    const [dead, other] = this.#peers[0].peer === peer ? this.#pipes : this.#pipes.toReversed()
    const { out } = dead!
    out.break(this.#network.random(out.under_way_bytes + 1), !silent)
    if (!silent) other!.out.forget()
    dead!.forget()
  }
}

/** One end of a line. */
export class MemoryPipe implements Pipe {
  readonly link: StreamLink
  readonly gone: Promise<void>
  over = false
  readonly #network: MemoryNetwork
  readonly #peer: MemoryTransport
  readonly #told: () => void
  #resolve = () => {}
  #out: Wire | undefined
  #in: Wire | undefined
  #ended = false
  #ending = false
  #timer: unknown

  constructor(network: MemoryNetwork, peer: MemoryTransport, place: LinkPlace, told: () => void) {
    this.#network = network
    this.#peer = peer
    this.#told = told
    this.gone = new Promise((resolve) => { this.#resolve = resolve })
    this.link = new StreamLink(place, this)
    peer.links.add(this)
  }

  get out(): Wire {
    return this.#out!
  }

  join(out: Wire, back: Wire): void {
    this.#out = out
    this.#in = back
  }

  write(pieces: readonly Uint8Array[]): boolean {
    return this.out.write(pieces)
  }

  pause(): void {
    if (!this.#ending) this.#in!.pause()
  }

  resume(): void {
    this.#in!.resume()
  }

  end(): void {
    if (this.#ending) return
    this.#ending = true
    this.out.end(true)
    if (this.#ended) return this.forget()
    this.#in!.resume()
    this.#timer = this.#network.clock.set(() => this.#peer.tell(() => {
      this.reset()
      this.link.ended(false)
    }), LINK_CLOSE_MS)
  }

  reset(): void {
    this.#ending = true
    this.out.break(0, true)
    this.#in!.forget()
    this.forget()
  }

  /** The other side's end came. */
  ended(clean: boolean): void {
    this.#ended = true
    if (!clean) this.out.shut()
    if (!clean || this.#ending) this.forget()
    this.link.ended(clean)
  }

  forget(): void {
    if (this.over) return
    this.over = true
    if (this.#timer !== undefined) this.#network.clock.clear(this.#timer)
    this.#peer.links.delete(this)
    this.#resolve()
    this.#told()
  }
}
