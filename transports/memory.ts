/**
 * A network in one process, with the faults of a real one on demand.
 *
 * Lives here: who listens, who may talk to whom, what breaks. Does not live here: bytes on their
 * way (transports/memory/wire), time and chance (transports/memory/clock), faults that come by a
 * plan (test/sim).
 *
 * Invariants: with a given clock and seed, the same calls give the same events at the same moments;
 * a frozen peer is told nothing and nothing of it moves until it thaws; a killed peer is never told
 * anything again. Links are kept until both sides have ended.
 */
import { machine_clock, randomOf } from './memory/clock.ts'
import { Line } from './memory/line.ts'
import { MemoryTransport, SCHEME } from './memory/peer.ts'
import { DIAL_TIMEOUT_MS, LINK_WINDOW_BYTES } from './tables.ts'
import type { Clock, Random } from './memory/clock.ts'
import type { WireOptions } from './memory/wire.ts'
import type { DialReason, Link, Transport } from './transport.ts'

export type { Clock } from './memory/clock.ts'

/** Every field may be left out: then nothing is lost, and bytes arrive in the next turn. */
export interface MemoryOptions extends Partial<WireOptions> {
  /** By default the machine's clock. */
  readonly clock?: Clock
  /** Where all chance comes from: jitter, sizes of pieces, where a kill cuts. */
  readonly seed?: number
  readonly dial_timeout_ms?: number
}

/** A link breaks after so many bytes from the first peer to the second; else now. */
export interface CutOptions { readonly bytes?: number }

/** Peers, and what passes between them. */
export class MemoryNetwork {
  readonly clock: Clock
  readonly random: Random
  readonly options: WireOptions & { readonly dial_timeout_ms: number }
  readonly #peers = new Map<string, MemoryTransport>()
  readonly #listeners = new Map<string, MemoryTransport>()
  readonly #owners = new Map<string, string>()
  readonly #blocked = new Set<string>()
  readonly #vanished = new Set<string>()
  readonly #lines = new Set<Line>()

  constructor(options: MemoryOptions = {}) {
    const { clock, seed, ...rest } = options
    this.clock = clock ?? machine_clock
    this.random = randomOf(seed ?? 1)
    this.options = {
      latency_ms: 0, jitter_ms: 0, bytes_per_ms: Infinity, window_bytes: LINK_WINDOW_BYTES,
      chunk_bytes_max: Infinity, cuts_per_million: 0, dial_timeout_ms: DIAL_TIMEOUT_MS, ...rest
    }
  }

  /** The transport of a peer; made again for a peer that was stopped or killed. */
  transport(peer: string, options: { readonly address?: string } = {}): Transport {
    const present = this.#peers.get(peer)
    if (present?.over === false) throw new Error(`${peer} is on this network already`)
    const made = new MemoryTransport(this, peer, options.address ?? `${SCHEME}${peer}`)
    this.#peers.set(peer, made)
    this.#vanished.delete(peer)
    return made
  }

  /** How many links have not ended on both sides. */
  get links(): number {
    return this.#lines.size
  }

  /** Lets nothing pass from one peer to another; what is under way waits. */
  block(from: string, to: string): void {
    this.#blocked.add(`${from} ${to}`)
  }

  /** Lets nothing pass between the peers of the one side and those of the other. */
  partition(some: readonly string[], others: readonly string[]): void {
    for (const one of some) {
      for (const other of others) {
        this.block(one, other)
        this.block(other, one)
      }
    }
  }

  /** Ends every block and partition; what waited goes on. */
  heal(): void {
    this.#blocked.clear()
    for (const line of this.#lines) line.look()
  }

  /** Holds a peer still: nothing reaches it and nothing of it moves. */
  freeze(peer: string): void {
    this.#present(peer).frozen = true
  }

  /** Lets a frozen peer go on; what was held back is told in order. */
  thaw(peer: string): void {
    const one = this.#present(peer)
    if (!one.frozen) return
    one.frozen = false
    one.tellHeld()
    for (const line of this.#lines) if (line.joins(peer)) line.look()
  }

  /**
   * Ends a peer in the middle of whatever it does. Its links break at a random byte of what is
   * under way, and dials of it are refused; when `silent`, as if its machine lost power, nobody is
   * told and dials have no answer.
   */
  kill(peer: string, { silent = false } = {}): void {
    const one = this.#present(peer)
    one.killed = true
    this.unlisten(one)
    if (silent) this.#vanished.add(peer)
    for (const line of this.#lines) if (line.joins(peer)) line.kill(peer, silent)
  }

  /** Breaks every link between two peers; both are told. */
  cut(from: string, to: string, { bytes }: CutOptions = {}): void {
    for (const line of this.#lines) {
      if (!line.joins(from) || !line.joins(to)) continue
      if (bytes !== undefined) line.wire(from).cutAfterBytes(bytes)
      else line.cut()
    }
  }

  /** Puts bytes on every link from one peer to another, as a peer that breaks the rules would. */
  inject(from: string, to: string, bytes: Uint8Array): void {
    for (const line of this.#lines) {
      if (line.joins(from) && line.joins(to)) line.wire(from).write([bytes])
    }
  }

  /** True when something may go from one to the other now. */
  passes(from: MemoryTransport, to: MemoryTransport): boolean {
    return !from.frozen && !to.frozen && !to.killed && !this.#blocked.has(`${from.peer} ${to.peer}`)
  }

  /** A peer begins to listen; false when its address is taken. */
  listen(one: MemoryTransport): boolean {
    if (this.#listeners.has(one.address)) return false
    this.#listeners.set(one.address, one)
    this.#owners.set(one.address, one.peer)
    return true
  }

  /** A peer listens no more. */
  unlisten(one: MemoryTransport): void {
    if (this.#listeners.get(one.address) === one) this.#listeners.delete(one.address)
  }

  /** A line has ended on both sides. */
  remove(line: Line): void {
    this.#lines.delete(line)
  }

  /** Asks for a peer at an address, a round trip away; a question that is lost has no answer. */
  ask(
    from: MemoryTransport, address: string, peer: string, answer: (found: Link | DialReason) => void
  ): void {
    const { clock, options: { latency_ms } } = this
    clock.set(() => {
      const owner = this.#owners.get(address) ?? ''
      const lost = this.#blocked.has(`${from.peer} ${owner}`) ||
        this.#blocked.has(`${owner} ${from.peer}`) || this.#vanished.has(owner)
      const to = this.#listeners.get(address)
      if (lost || to?.frozen === true) return
      clock.set(() => from.tell(() => {
        if (to === undefined || to.killed) answer('refused')
        else if (to.peer !== peer) answer('wrong_peer')
        else answer(this.#join(from, to))
      }), latency_ms)
    }, latency_ms)
  }

  #join(from: MemoryTransport, to: MemoryTransport): Link {
    const line = new Line(this, from, to)
    this.#lines.add(line)
    this.clock.set(() => to.tell(() => to.greet(line.link(to))), this.options.latency_ms)
    return line.link(from)
  }

  #present(peer: string): MemoryTransport {
    const one = this.#peers.get(peer)
    if (one === undefined) throw new Error(`${peer} is not on this network`)
    return one
  }
}
