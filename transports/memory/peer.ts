/**
 * One peer's transport on a memory network.
 *
 * Lives here: the five duties for one peer, and holding still while it is frozen. Does not live
 * here: who may talk to whom (transports/memory), bytes on their way (transports/memory/wire).
 *
 * Invariants: nothing is told to a frozen peer until it thaws, then all of it in order; nothing is
 * told to a peer that was killed.
 */
import { DialFailure, reasonOfAll } from '../dial.ts'
import { ADDRESSES_PER_PEER_MAX, ERROR_CANNOT_LISTEN, SENTENCE_CANNOT_LISTEN } from '../tables.ts'
import type { MemoryNetwork } from '../memory.ts'
import type { DialReason, Link, Transport, TransportEvents } from '../transport.ts'
import type { MemoryPipe } from './line.ts'

/** What every address on a memory network begins with. */
export const SCHEME = 'memory:'

/** A Transport. Made by MemoryNetwork's `transport`. */
export class MemoryTransport implements Transport {
  readonly name = 'memory'
  readonly peer: string
  readonly address: string
  readonly links = new Set<MemoryPipe>()
  frozen = false
  killed = false
  readonly #network: MemoryNetwork
  readonly #dials = new Set<string>()
  #held: Array<() => void> = []
  #events: TransportEvents | undefined
  #stopped: Promise<void> | undefined
  #over = false

  /** Makes it; nothing listens before `start`. */
  constructor(network: MemoryNetwork, peer: string, address: string) {
    this.#network = network
    this.peer = peer
    this.address = address
  }

  /** True when its peer may come to the network again. */
  get over(): boolean {
    return this.#over || this.killed
  }

  async start(events: TransportEvents): Promise<void> {
    if (this.#events !== undefined) throw new Error('a transport is started once')
    this.#events = events
    if (this.#network.listen(this)) return
    const sentence = SENTENCE_CANNOT_LISTEN.replace('{what}', this.address)
    throw Object.assign(new Error(sentence), { code: ERROR_CANNOT_LISTEN })
  }

  addresses(): readonly string[] {
    return this.#events === undefined || this.over ? [] : [this.address]
  }

  speaks(address: string): boolean {
    return address.startsWith(SCHEME)
  }

  async dial(peer: string, addresses: readonly string[], signal: AbortSignal): Promise<Link> {
    if (this.#dials.has(peer)) throw new Error(`a dial of ${peer} is under way`)
    const targets = addresses.filter((one) => this.speaks(one)).slice(0, ADDRESSES_PER_PEER_MAX)
    const reasons: DialReason[] = []
    this.#dials.add(peer)
    try {
      for (const target of targets) {
        const found = await this.#reach(target, peer, signal)
        if (typeof found !== 'string') return found
        reasons.push(found)
      }
    } finally {
      this.#dials.delete(peer)
    }
    throw new DialFailure(reasonOfAll(reasons), peer)
  }

  #reach(address: string, peer: string, signal: AbortSignal): Promise<Link | DialReason> {
    const { clock, options } = this.#network
    return new Promise((resolve) => {
      let answered = false
      const answer = (found: Link | DialReason) => {
        if (answered && typeof found !== 'string') found.close(true)
        if (answered) return
        answered = true
        clock.clear(timer)
        signal.removeEventListener('abort', give_up)
        resolve(found)
      }
      const give_up = () => answer('unreachable')
      const timer = clock.set(() => this.tell(give_up), options.dial_timeout_ms)
      signal.addEventListener('abort', give_up)
      if (signal.aborted || this.over) give_up()
      else this.#network.ask(this, address, peer, answer)
    })
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#end()
    return this.#stopped
  }

  async #end(): Promise<void> {
    this.#network.unlisten(this)
    const ends = [...this.links].map((pipe) => {
      pipe.link.close()
      return pipe.gone
    })
    await Promise.all(ends)
    this.#over = true
  }

  /** A link came in; a transport that stopped takes none. */
  greet(link: Link): void {
    if (this.#stopped === undefined) this.#events?.link(link)
    else link.close(true)
  }

  /** Runs what this peer would see: later while it is frozen, never once it is dead. */
  tell(event: () => void): void {
    if (this.killed) return
    if (this.frozen) this.#held.push(event)
    else event()
  }

  tellHeld(): void {
    const held = this.#held
    this.#held = []
    for (const event of held) this.#network.clock.set(() => this.tell(event), 0)
  }
}
