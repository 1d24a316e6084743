/**
 * Links over Unix sockets, for the peers of one user on one machine.
 *
 * Lives here: listening, dialling, which connections live. Does not live here: who gets at a socket
 * (transports/unix/place), who is proved to be there (transports/unix/greeting), a connection as a
 * pipe (transports/unix/pipe), where a peer's socket is and its key (the host).
 *
 * Bytes are not encrypted: they never leave the kernel, and only this user and root reach it.
 *
 * Invariants: nobody is connected to, and nobody is let in, before the folder and the socket were
 * looked at; only sockets of the one folder are dialled, whatever an address says; a connection
 * that is no link ends within HELLO_TIMEOUT_MS; connections and links are bounded; `stop` ends
 * within 3 × LINK_CLOSE_MS.
 *
 * spec: TR-26 to TR-34
 */
import { existsSync } from 'node:fs'
import { createServer, Socket, type Server } from 'node:net'
import { dirname } from 'node:path'
import { DialFailure, linkAt } from './dial.ts'
import {
  ERROR_CANNOT_LISTEN, HELLO_TIMEOUT_MS, LINKS_MAX, LINK_WINDOW_BYTES, NEAR_DIAL_MS,
  SENTENCE_CANNOT_LISTEN
} from './tables.ts'
import {
  greetAsDialler, greetAsListener, Reading, type UnixIdentity
} from './unix/greeting.ts'
import { SocketPipe } from './unix/pipe.ts'
import {
  addressOf, checkFolder, checkSocket, listenAt, pathIn, removeSocket
} from './unix/place.ts'
import type { DialReason, Link, Transport, TransportEvents } from './transport.ts'

export type { UnixIdentity } from './unix/greeting.ts'

/** `mark` sets the files of this listener apart from those of others in the folder. */
export interface UnixOptions {
  readonly identity: UnixIdentity
  readonly mark: string
  /**
   * The path of a peer's socket: all in one folder of mode 0700, with names that end in `.link`.
   * Whoever is found there must prove to be the peer.
   */
  pathOf(peer: string): string
}

const STREAM = { allowHalfOpen: true, highWaterMark: LINK_WINDOW_BYTES }

/** A Transport; nothing listens before `start`. */
export class UnixTransport implements Transport {
  readonly name = 'unix'
  readonly #options: UnixOptions
  readonly #path: string
  readonly #folder: string
  readonly #server: Server
  /** Connections that are no links yet. */
  readonly #greeting = new Set<Socket>()
  readonly #pipes = new Set<SocketPipe>()
  readonly #dials = new Set<string>()
  readonly #stop = new AbortController()
  #events: TransportEvents | undefined
  /** What tells our socket from others; undefined while there is none. */
  #socket: string | undefined
  #stopped: Promise<void> | undefined
  #pipes_gone = () => {}

  constructor(options: UnixOptions) {
    this.#options = options
    this.#path = options.pathOf(options.identity.peer)
    this.#folder = dirname(this.#path)
    this.#server = createServer(STREAM, (socket) => { void this.#accept(socket) })
    this.#server.maxConnections = LINKS_MAX
  }

  async start(events: TransportEvents): Promise<void> {
    if (this.#events !== undefined) throw new Error('a transport is started once')
    this.#events = events
    try {
      this.#socket = await listenAt(this.#server, this.#path, this.#options.mark)
      this.#server.on('error', () => {}) // one connection was not accepted
    } catch (cause) {
      const sentence = SENTENCE_CANNOT_LISTEN.replace('{what}', addressOf(this.#path))
      throw Object.assign(new Error(sentence, { cause }), { code: ERROR_CANNOT_LISTEN })
    }
  }

  addresses(): readonly string[] {
    return this.#socket === undefined ? [] : [addressOf(this.#path)]
  }

  near(peer: string): readonly string[] {
    const path = this.#options.pathOf(peer)
    return existsSync(path) ? [addressOf(path)] : []
  }

  speaks(address: string): boolean {
    return pathIn(this.#folder, address) !== undefined
  }

  async dial(peer: string, addresses: readonly string[], signal: AbortSignal): Promise<Link> {
    if (this.#dials.has(peer)) throw new Error(`a dial of ${peer} is under way`)
    const spoken = [...new Set(addresses)].filter((address) => this.speaks(address))
    if (spoken.length === 0) throw new DialFailure('no_address', peer)
    this.#dials.add(peer)
    const ends = AbortSignal.any([signal, this.#stop.signal, AbortSignal.timeout(NEAR_DIAL_MS)])
    try {
      return await linkAt(peer, spoken, ends,
        (address, abort) => this.#reach(peer, pathIn(this.#folder, address)!, abort), reasonOf)
    } finally {
      this.#dials.delete(peer)
    }
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#end()
    return this.#stopped
  }

  async #end(): Promise<void> {
    this.#stop.abort(new Error('the transport stops'))
    this.#server.close()
    if (this.#socket !== undefined) removeSocket(this.#path, this.#socket)
    this.#socket = undefined
    for (const socket of this.#greeting) socket.destroy()
    for (const pipe of this.#pipes) pipe.link.close()
    if (this.#pipes.size === 0) return
    // Each ends by itself within LINK_CLOSE_MS.
    await new Promise<void>((resolve) => { this.#pipes_gone = resolve })
  }

  async #reach(peer: string, path: string, signal: AbortSignal): Promise<Link> {
    checkFolder(this.#folder)
    const found = checkSocket(path)
    const socket = this.#greeted(new Socket(STREAM))
    const abort = () => { socket.destroy() }
    signal.addEventListener('abort', abort)
    try {
      signal.throwIfAborted()
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject)
        socket.once('close', () => reject(new Error('the connection closed')))
        socket.connect(path, resolve)
      })
      if (checkSocket(path) !== found) throw new Error('another socket is there now')
      const road = new Reading(socket)
      await greetAsDialler(road, this.#options.identity, peer, found)
      signal.throwIfAborted()
      return this.#attach(road, { peer, outgoing: true, address: addressOf(path) })
    } catch (error) {
      socket.destroy()
      throw signal.aborted ? signal.reason : error
    } finally {
      signal.removeEventListener('abort', abort)
      this.#greeting.delete(socket)
    }
  }

  async #accept(accepted: Socket): Promise<void> {
    const socket = this.#greeted(accepted)
    const late = setTimeout(() => socket.destroy(), HELLO_TIMEOUT_MS)
    try {
      if (this.#socket === undefined) throw new Error('nobody listens any more')
      const road = new Reading(socket)
      const peer = await greetAsListener(road, this.#options.identity, this.#socket)
      if (this.#stop.signal.aborted || socket.destroyed) throw new Error('it is too late')
      const address = addressOf(this.#path)
      this.#events?.link(this.#attach(road, { peer, outgoing: false, address }))
    } catch {
      socket.destroy()
    } finally {
      clearTimeout(late)
      this.#greeting.delete(socket)
    }
  }

  /** A socket that is no link yet; it is ended with all others. */
  #greeted(socket: Socket): Socket {
    this.#greeting.add(socket)
    socket.on('error', () => {})
    return socket
  }

  #attach(road: Reading, place: { peer: string, outgoing: boolean, address: string }): Link {
    const pipe = new SocketPipe(road.socket, road.rest(), place, () => {
      this.#pipes.delete(pipe)
      if (this.#pipes.size === 0) this.#pipes_gone()
    })
    this.#pipes.add(pipe)
    return pipe.link
  }
}

function reasonOf(error: unknown): DialReason {
  if (error instanceof DialFailure) return error.reason
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  return code === 'ECONNREFUSED' || code === 'ENOENT' ? 'refused' : 'unreachable'
}
