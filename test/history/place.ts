/**
 * Real peers, each a process of its own, and rounds of random operations among them.
 *
 * Lives here: starting the processes, a round from its channels to its history, faults in the
 * middle of it. Does not live here: what the peers do (peer.ts), what is made of a history
 * (check.ts).
 *
 * Everything is in a folder and a run directory of its own, on the loopback, and ends with `end`.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readLog, type ChannelFact, type History, type Operation } from './history.ts'
import type { Answer, Order } from './peer.ts'

export interface RoundOptions {
  seed: number
  /** Clients of each peer, and operations of each of them. */
  clients: number
  operations: number
  /** Called when all have begun: kills and freezes. Peers that it killed end there. */
  fault?: (peers: ReadonlyMap<string, Peer>) => Promise<void>
}

const CAPACITIES = [0, 1, 3, 0, 1]
const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const ENDING_MS = 30_000
/** A busy machine takes seconds to start a process. */
const START_MS = 120_000
/** In this time most clients have done what they can; a busy machine is given more. */
const MOST_MS = 1_200
const MOST_OPERATIONS = 300

/** An order that a peer did not carry out in time: something waits for ever. */
export class Stuck extends Error {}

/** One peer's process. */
export class Peer {
  readonly name: string
  readonly process: ChildProcess
  readonly exit: Promise<void>
  readonly #stuck_ms: number
  #answers: Answer[] = []
  #wake: () => void = () => {}
  gone = false

  constructor(name: string, child: ChildProcess, stuck_ms: number) {
    this.name = name
    this.process = child
    this.#stuck_ms = stuck_ms
    child.on('message', (answer: Answer) => {
      this.#answers.push(answer)
      this.#wake()
    })
    this.exit = new Promise((resolve) => child.once('exit', () => {
      this.gone = true
      this.#wake()
      resolve()
    }))
  }

  tell(order: Order): void {
    if (!this.gone) this.process.send(order)
  }

  /** Waits for an answer; at once when the process is gone. */
  async answered(what: Answer['done'], ms = this.#stuck_ms): Promise<void> {
    const until = performance.now() + ms
    for (;;) {
      const failed = this.#answers.find(({ error }) => error !== undefined)
      if (failed !== undefined) throw new Error(`peer ${this.name}: ${failed.error}`)
      const at = this.#answers.findIndex(({ done }) => done === what)
      if (at >= 0) this.#answers.splice(at, 1)
      if (at >= 0 || this.gone) return
      if (performance.now() > until) throw new Stuck(`peer ${this.name}: no end of "${what}"`)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        setTimeout(resolve, 500).unref()
      })
    }
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL')
    await this.exit
  }
}

/** Peers that write histories. */
export class Place {
  readonly folder = mkdtempSync(join(tmpdir(), 'circuit-history-'))
  readonly peers = new Map<string, Peer>()
  readonly #program: string
  readonly #stuck_ms: number
  readonly #unix: boolean
  #rounds = 0

  /**
   * `tree`: where the sources are; another one for a mutated product. `stuck_ms`: what takes longer
   * is taken for an operation that never ends; `unix`: the peers link over Unix sockets, and not
   * over libp2p.
   */
  constructor({ tree = ROOT, stuck_ms = 120_000, unix = false }:
  { tree?: string, stuck_ms?: number, unix?: boolean } = {}) {
    this.#unix = unix
    this.#stuck_ms = stuck_ms
    this.#program = join(tree, 'test/history/peer.ts')
    mkdirSync(join(this.folder, 'run'), { mode: 0o700 })
  }

  /** Starts peers of these names; resolves when each sees all. */
  async start(names: readonly string[]): Promise<void> {
    const { CIRCUIT_STATE: _, ...inherited } = process.env
    const env = {
      ...inherited, HOME: this.folder, XDG_RUNTIME_DIR: join(this.folder, 'run'),
      XDG_STATE_HOME: this.folder, CIRCUIT_HISTORY_PEERS: String(names.length),
      CIRCUIT_HISTORY_ROAD: this.#unix ? 'unix' : 'libp2p'
    }
    for (const [nth, name] of names.entries()) {
      const child = fork(this.#program, [name, String(nth + 1), this.folder], {
        env, stdio: ['ignore', 'inherit', 'inherit', 'ipc']
      })
      this.peers.set(name, new Peer(name, child, this.#stuck_ms))
    }
    await this.#all('joined', START_MS)
    await this.#all('met', START_MS)
  }

  /** One round: fresh channels, random operations, a close and a drain of everything. */
  async round(options: RoundOptions): Promise<History> {
    const round = ++this.#rounds
    const { seed, clients, operations } = options
    const names = [...this.peers.values()].filter(({ gone }) => !gone).map(({ name }) => name)
    const channels: ChannelFact[] = CAPACITIES.map((capacity, nth) => ({
      name: `c${round}-${nth}`, owner: names[(nth + seed) % names.length]!, capacity
    }))
    this.#tell({ do: 'make', channels })
    await this.#all('make')
    this.#tell({ do: 'begin', round, seed, clients, operations, channels })
    await this.#all('begin')
    const ran = this.#all('ran')
    ran.catch(() => {})
    if (options.fault !== undefined) await options.fault(this.peers)
    else await Promise.race([this.#most(round), ran])
    this.#tell({ do: 'stop' })
    await this.#all('stop')
    this.#tell({ do: 'close' })
    await this.#all('close')
    await ran
    this.#tell({ do: 'forget' })
    await this.#all('forget')
    return this.history(round, channels)
  }

  /** What the logs say of a round. */
  history(round: number, channels: ChannelFact[]): History {
    const operations: Operation[] = []
    const partings = []
    let nth = 0
    for (const name of this.peers.keys()) {
      const text = readFileSync(join(this.folder, `${name}.log`), 'utf8')
      const log = readLog(name, ++nth, text)
      operations.push(...log.operations.filter((one) => one.round === round))
      partings.push(...log.partings)
    }
    return { channels, operations, partings }
  }

  /** How often the others have said that a peer has left. */
  partings(name: string): number {
    return this.history(0, []).partings.filter(({ one, other }) =>
      one !== name && other === name).length
  }

  async end(): Promise<void> {
    this.#tell({ do: 'end' })
    const late = setTimeout(() => {
      for (const { process } of this.peers.values()) process.kill('SIGKILL')
    }, ENDING_MS)
    await Promise.all([...this.peers.values()].map(({ exit }) => exit))
    clearTimeout(late)
    rmSync(this.folder, { recursive: true, force: true })
  }

  #tell(order: Order): void {
    for (const peer of this.peers.values()) peer.tell(order)
  }

  async #all(what: Answer['done'], ms?: number): Promise<void> {
    await Promise.all([...this.peers.values()].map((peer) => peer.answered(what, ms)))
  }

  /** Some clients wait until their channel is closed: nobody waits for them. */
  async #most(round: number): Promise<void> {
    for (const end = performance.now() + this.#stuck_ms; performance.now() < end;) {
      await new Promise((resolve) => setTimeout(resolve, MOST_MS))
      if (this.history(round, []).operations.length >= MOST_OPERATIONS) return
    }
  }
}
