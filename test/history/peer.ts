/**
 * A peer in a process of its own whose clients write histories.
 *
 * Lives here: joining, the channels of a round, starting and ending its clients, as the parent
 * says. Does not live here: what the clients do (client.ts), the parent (place.ts).
 *
 * Run by place.ts: `peer.ts NAME NTH FOLDER`.
 */
import { openSync } from 'node:fs'
import { join as pathOf } from 'node:path'
import type { Circuit } from '../../bindings/js/circuit.ts'
import { join } from '../../bindings/node/join.ts'
import { closeOne, drainOne, Log, runClient, type Handles } from './client.ts'
import { now_us, type ChannelFact } from './history.ts'

/** What the parent says. */
export type Order =
  /** Make the own channels of a round. */
  | { do: 'make', channels: ChannelFact[] }
  /** Open all of them and begin. */
  | { do: 'begin', round: number, seed: number, clients: number, operations: number,
    channels: ChannelFact[] }
  /** Begin nothing more. */
  | { do: 'stop' }
  /** Close the own channels and receive what is left; all that waits ends. */
  | { do: 'close' }
  /** Every peer is through: the channels are of no more use. */
  | { do: 'forget' }
  | { do: 'end' }

/** What it answers: which order is carried out; `ran` when its clients are through. */
export interface Answer { done: 'joined' | 'met' | Order['do'] | 'ran', error?: string }

const IDS_PER_PEER = 1_000_000
const REOPEN_MS = 100
const OPEN_MS = 5_000
const [name = 'a', nth = '0', folder = '.'] = process.argv.slice(2)
const log = new Log(openSync(pathOf(folder, `${name}.log`), 'a'))

class Round {
  readonly handles: Handles = new Map()
  readonly #circuit: Circuit
  readonly #order: Extract<Order, { do: 'begin' }>
  readonly #clients: Promise<void>[] = []
  readonly #reopening = new Set<string>()
  stopped = false

  constructor(circuit: Circuit, order: Extract<Order, { do: 'begin' }>) {
    this.#circuit = circuit
    this.#order = order
  }

  async begin(): Promise<void> {
    const { channels, round, seed, clients, operations } = this.#order
    for (const { name: path, owner } of channels) {
      this.handles.set(path, await this.#circuit.open<number>(`/${owner}/${path}`, {
        timeout: OPEN_MS
      }))
    }
    for (let client = 1; client <= clients; client++) {
      this.#clients.push(runClient({
        client, round, seed: seed * 1000 + Number(nth) * 100 + client, operations, log,
        handles: this.handles, fresh: () => Number(nth) * IDS_PER_PEER + ++values,
        stopped: () => this.stopped, lost: (channel) => { void this.#reopen(channel) }
      }))
    }
    this.ran().catch(failed)
  }

  async ran(): Promise<void> {
    await Promise.all(this.#clients)
  }

  async close(): Promise<void> {
    const own = this.#order.channels.filter(({ owner }) => owner === name)
    const as = { client: 0, round: this.#order.round, handles: this.handles, log }
    for (const { name: path } of own) await closeOne(as, path)
    for (const { name: path } of own) await drainOne(as, path)
    await this.ran()
  }

  async forget(): Promise<void> {
    for (const channel of this.handles.values()) channel?.[Symbol.dispose]()
    for (const { name: path, owner } of this.#order.channels) {
      if (owner === name) await this.#circuit.scrub(path)
    }
  }

  /** Its owner was lost: it may come back. */
  async #reopen(path: string): Promise<void> {
    const owner = this.#order.channels.find((one) => one.name === path)!.owner
    if (this.#reopening.has(path) || owner === name) return
    this.#reopening.add(path)
    this.handles.get(path)?.[Symbol.dispose]()
    this.handles.set(path, undefined)
    while (!this.stopped && this.handles.get(path) === undefined) {
      await this.#circuit.open<number>(`/${owner}/${path}`, { timeout: REOPEN_MS })
        .then((channel) => this.handles.set(path, channel))
        .catch(() => new Promise((resolve) => setTimeout(resolve, REOPEN_MS)))
    }
    this.#reopening.delete(path)
  }
}

let values = 0

function answer(message: Answer): void {
  process.send?.(message)
}

function failed(error: unknown): void {
  const text = error instanceof Error ? error.stack ?? error.message : String(error)
  answer({ done: 'end', error: text })
}

/** Notes who left; a peer that was declared left itself, and came back, has parted from all. */
async function watch(circuit: Circuit): Promise<void> {
  let known = circuit.self.incarnation
  const others = new Set<string>()
  const note = (peer: string) => log.write({ at: 'left', peer, us: now_us() })
  for await (const { event, peer } of circuit.members()) {
    if (peer.name !== name) {
      others.add(peer.name)
      if (event === 'left') note(peer.name)
    } else if (peer.incarnation !== known) {
      known = peer.incarnation
      for (const other of others) note(other)
    }
  }
}

async function main(): Promise<void> {
  const circuit = await join({
    name, state: pathOf(folder, name), listen: ['/ip4/127.0.0.1/tcp/0'], discovery: ['local'],
    unix: process.env['CIRCUIT_HISTORY_ROAD'] === 'unix'
  })
  void watch(circuit).catch(() => {})
  let round: Round | undefined
  const carryOut = async (order: Order): Promise<void> => {
    if (order.do === 'make') {
      for (const { name: path, owner, capacity } of order.channels) {
        if (owner === name) (await circuit.make(path, { capacity }))[Symbol.dispose]()
      }
    } else if (order.do === 'begin') {
      const begun = round = new Round(circuit, order)
      await begun.begin()
      void begun.ran().then(() => answer({ done: 'ran' }))
    } else if (order.do === 'stop') {
      round!.stopped = true
    } else if (order.do === 'close') {
      await round!.close()
    } else if (order.do === 'forget') {
      await round!.forget()
    } else {
      await circuit.leave()
      process.disconnect()
    }
  }
  process.on('message', (order: Order) => {
    carryOut(order).then(() => process.connected && answer({ done: order.do }), failed)
  })
  process.on('disconnect', () => setTimeout(() => process.exit(0), 1_000).unref())
  const met = setInterval(() => {
    if (circuit.peers().length < Number(process.env['CIRCUIT_HISTORY_PEERS'] ?? '1')) return
    clearInterval(met)
    answer({ done: 'met' })
  }, 20)
  answer({ done: 'joined' })
}

main().catch(failed)
