/**
 * A peer that serves the verbs of its user's shells.
 *
 * Lives here: the daemon's life: joining, the socket (0600), one errand for each connection, going
 * over to another circuit, the end. Does not live here: what a verb does (daemon-channels.ts and
 * its siblings), bytes on the socket (socket.ts), when a person wants the end (bindings/cli).
 *
 * Invariants: whatever comes on a connection, the other connections and the peer run on; the
 * processes of the peer end with it.
 */
import { rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import type { Circuit } from '../js/circuit.ts'
import { Fault, Refusal } from '../js/errors.ts'
import { VERBS_MAX, VERB_REQUEST_MS } from '../js/tables.ts'
import { channel_workers, type Worker } from './daemon-channels.ts'
import { Errand, tellable, VERB_VERSION } from './daemon-errand.ts'
import { member_workers } from './daemon-members.ts'
import { process_workers } from './daemon-processes.ts'
import { openFolder } from './folder.ts'
import { join, type JoinOptions } from './join.ts'
import { socketPath, Wire } from './socket.ts'

/** For verbs to read what became of them when the daemon ends. */
const LAST_WORDS_MS = 200
/** Of group and others: the socket is its owner's alone from the moment that it is there. */
const OTHERS = 0o177

export interface DaemonOptions extends JoinOptions { state: string }

/**
 * Joins and serves. Resolves when verbs are answered.
 *
 * `state` is absolute; the socket is where `socketPath` says. Rejects as `join` does, and with
 * BAD_STATE when the socket cannot be made; then nothing is left behind.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const daemon = new Daemon(options)
  await daemon.start()
  return daemon
}

/** A peer that serves verbs. Made by `startDaemon`. */
export class Daemon {
  /** Resolves when the peer has left and serves no more. Rejects when it can do nothing more. */
  readonly ended: Promise<void>
  #options: DaemonOptions
  readonly #wires = new Set<Wire>()
  readonly #workers: Map<string, Worker>
  #tell_end: (error?: unknown) => void = () => {}
  #circuit: Circuit | undefined
  #server: Server | undefined
  #leaving: Promise<void> | undefined

  constructor(options: DaemonOptions) {
    this.#options = options
    this.ended = new Promise((resolve, reject) => {
      this.#tell_end = (error) => error === undefined ? resolve() : reject(error)
    })
    this.ended.catch(() => {})
    this.#workers = new Map(Object.entries({
      ...channel_workers, ...process_workers, ...member_workers,
      leave: () => this.leave(),
      join: (errand) => this.#rejoin(errand.text('ticket'))
    }))
  }

  /** The circuit that this peer is in now. */
  get circuit(): Circuit {
    if (this.#circuit === undefined) throw new Refusal('LEAVING')
    return this.#circuit
  }

  async start(): Promise<void> {
    this.#circuit = await join(this.#options)
    try {
      this.#server = await listen(this.#options.state, (socket) => { void this.#attend(socket) })
    } catch (error) {
      await this.#circuit.leave()
      throw new Refusal('BAD_STATE', `${this.#options.state} (${(error as Error).message})`)
    }
  }

  /** Leaves the circuit, tells the verbs that wait, stops serving. Once; later calls wait too. */
  leave(): Promise<void> {
    this.#leaving ??= this.#end()
    return this.#leaving
  }

  async #end(): Promise<void> {
    this.#server?.close()
    await this.#circuit?.leave()
    this.#circuit = undefined
    setTimeout(() => {
      for (const wire of this.#wires) wire.destroy()
      this.#tell_end()
    }, LAST_WORDS_MS)
  }

  /** A ticket names another circuit: this peer leaves the one it is in and joins that. */
  async #rejoin(ticket: string): Promise<void> {
    const left = this.circuit
    this.#circuit = undefined
    await left.leave()
    try {
      const options = { ...this.#options, tickets: [ticket] }
      this.#circuit = await join(options)
      this.#options = options
    } catch (error) {
      this.#circuit = await join(this.#options).catch((again: unknown) => {
        this.#tell_end(again)
        throw error
      })
      throw error
    }
  }

  async #attend(socket: Socket): Promise<void> {
    const wire = new Wire(socket)
    this.#wires.add(wire)
    wire.closed.addEventListener('abort', () => this.#wires.delete(wire))
    const late = setTimeout(() => wire.destroy(), VERB_REQUEST_MS)
    let errand: Errand | undefined
    try {
      if (this.#wires.size > VERBS_MAX) throw new Refusal('TOO_MANY', 'VERBS_MAX')
      for await (const message of wire.messages()) {
        clearTimeout(late)
        if (errand !== undefined) errand.heard(message)
        else void this.#work(errand = new Errand(wire, message))
      }
    } catch (error) {
      if (errand !== undefined) await errand.failed(error)
      else await wire.send(tellable(error))
    }
    clearTimeout(late)
    errand?.withdraw()
    wire.end()
  }

  async #work(errand: Errand): Promise<void> {
    try {
      const { version, verb } = errand.request
      const worker = this.#workers.get(String(verb))
      if (version !== VERB_VERSION || worker === undefined) {
        const asked = `${String(verb).slice(0, 64)} of version ${Number(version)}`
        throw new Refusal('BAD_REQUEST', `it knows no ${asked}`)
      }
      await errand.done(await worker(errand, this.circuit) ?? 0)
    } catch (error) {
      await errand.failed(error)
      // A core that trapped is of no more use; whoever started the daemon can start another.
      if (error instanceof Fault) this.#tell_end(error)
    }
  }
}

/** A socket that is there already was left by a daemon that was killed: the folder is ours now. */
async function listen(state: string, attend: (socket: Socket) => void): Promise<Server> {
  const path = socketPath(state)
  openFolder(dirname(path))
  rmSync(path, { force: true })
  const server = createServer(attend)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    // The socket is made within this call, so nothing else is made under this mask.
    const before = process.umask(OTHERS)
    server.listen(path, resolve)
    process.umask(before)
  })
  return server
}
