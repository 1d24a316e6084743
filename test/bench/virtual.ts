/**
 * Peers on a network whose time is counted, not spent: each byte takes the same time to the other
 * side, and nothing else takes any.
 *
 * Lives here: the clock, and peers that have met. Does not live here: the network itself
 * (transports/memory), what is counted (trips.ts).
 *
 * Invariant: time goes on only when all that could be done at the present moment was done, so a
 * duration here is a sum of ways, and says nothing about the machine.
 */
import { readFileSync } from 'node:fs'
import { createCircuit, type Circuit } from './circuit.ts'
import { MemoryNetwork, type Clock } from '../../dist/transports/memory.js'

/** One way. Long beside every pause that cores and drivers make on their own. */
export const WAY_MS = 1000
const ALL_RIGHTS = 7
/** Turns of the event loop after which nothing more happens in a moment. */
const SETTLING_TURNS = 6
const STEPS_MAX = 100_000

interface Due { at_ms: number, order: number, callback: () => void }

/** A clock that is moved by hand. */
export class VirtualClock implements Clock {
  #now_ms = 0
  #order = 0
  readonly #due = new Set<Due>()

  now_ms(): number { return this.#now_ms }

  set(callback: () => void, ms: number): Due {
    const due = { at_ms: this.#now_ms + ms, order: this.#order++, callback }
    this.#due.add(due)
    return due
  }

  clear(timer: unknown): void { this.#due.delete(timer as Due) }

  /** Lets time go by until the promise is settled; gives its value. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const seen = promise.finally(() => { settled = true })
    // Looked at below; a rejection before that is not a stray one.
    seen.catch(() => {})
    for (let steps = 0; ; steps++) {
      for (let turn = 0; turn < SETTLING_TURNS && !settled; turn++) {
        await new Promise((resolve) => setImmediate(resolve))
      }
      if (settled) return seen
      if (steps > STEPS_MAX) throw new Error('it never ends')
      this.#next()
    }
  }

  /** Lets so much time go by. */
  async pass(ms: number): Promise<void> {
    await this.until(new Promise<void>((resolve) => { this.set(resolve, ms) }))
  }

  #next(): void {
    let first: Due | undefined
    for (const due of this.#due) {
      if (first === undefined || due.at_ms < first.at_ms
        || due.at_ms === first.at_ms && due.order < first.order) first = due
    }
    if (first === undefined) throw new Error('nothing is under way')
    this.#due.delete(first)
    this.#now_ms = Math.max(this.#now_ms, first.at_ms)
    first.callback()
  }
}

/** Peers that have met. `end` lets them leave. */
export interface Circle<N extends readonly string[]> {
  clock: VirtualClock
  network: MemoryNetwork
  peers: { [I in keyof N]: Circuit }
  end(): Promise<void>
}

/** Makes peers with these names; with `order` -1 the last one has the lowest id. */
export async function circle<const N extends readonly string[]>(
  names: N, order = 1
): Promise<Circle<N>> {
  const clock = new VirtualClock()
  const network = new MemoryNetwork({ clock, latency_ms: WAY_MS })
  const wasm = new WebAssembly.Module(
    readFileSync(new URL('../../dist/circuit.wasm', import.meta.url)))
  const idOf = (at: number) => `id-${100 + order * at}`
  const made = await Promise.all(names.map((name, at) => createCircuit({
    wasm,
    id: idOf(at),
    name,
    incarnation: 1,
    chain: new Uint8Array([1]),
    transports: [network.transport(idOf(at))],
    verify: async () => ({ rights: ALL_RIGHTS, prefix: '', expires: 0 }),
    seed: at + 1,
    clock: () => clock.now_ms(),
    timers: clock
  })))
  const met = () => made.every((one) => one.peers().length === names.length)
  for (const one of made) {
    for (const other of made) {
      if (one !== other) one.found(other.self.id, [...other.self.addresses])
    }
  }
  while (!met()) await clock.pass(WAY_MS)
  return {
    clock, network, peers: made as unknown as { [I in keyof N]: Circuit },
    end: async () => { await clock.until(Promise.all(made.map((one) => one.leave()))) }
  }
}
