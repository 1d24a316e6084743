/**
 * Links over libp2p: TCP, Noise and Yamux, one long-lived stream `/circuit/1` for each dial.
 *
 * Lives here: listening, dialling, which connections live. Does not live here: one stream as a pipe
 * (transports/libp2p/pipe), which of two links stays and when to dial again (core).
 *
 * Invariants: a connection lives no longer than HELLO_TIMEOUT_MS without a link on it; streams of a
 * connection, connections and links are bounded, whoever opens them; nothing here ends a link for
 * being silent, since the core's probes decide that; `stop` ends within 3 × LINK_CLOSE_MS.
 */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPairFromSeed, privateKeyFromProtobuf } from '@libp2p/crypto/keys'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { DialFailure, firstOf, linkAt, reasonOfAll } from './dial.ts'
import { noiseCrypto } from './libp2p/cipher.ts'
import { answerOn, askOn } from './libp2p/exchange.ts'
import { StreamPipe } from './libp2p/pipe.ts'
import { joining } from './libp2p/sealed.ts'
import {
  ADDRESSES_PER_PEER_MAX, ADDRESS_POLL_MS, DIAL_STAGGER_MS, DIAL_TIMEOUT_MS, ERROR_CANNOT_LISTEN,
  HELLO_TIMEOUT_MS, LINKS_MAX, LINK_CLOSE_MS, SENTENCE_CANNOT_LISTEN,
  STREAMS_PER_PEER_MAX, STREAM_WINDOW_BYTES
} from './tables.ts'
import type { Answering, ExchangeBounds } from './exchange.ts'
import type { DialReason, Link, Transport, TransportEvents } from './transport.ts'
import type { Connection, Libp2p, Listener, PrivateKey, Stream } from '@libp2p/interface'

/** The protocol of the stream: one for each wire version. */
export const PROTOCOL = '/circuit/1'

const ED25519_SEED_BYTES = 32
const ADDRESS = /^\/(ip4|ip6|dns|dns4|dns6)\/[^/]+\/tcp\/\d{1,5}(\/p2p\/([^/]+))?$/
const LOOPBACK = /^\/ip4\/127\.|^\/ip6\/::1\//
/** How long a connection without a link may wait for the dial that it belongs to. */
const SPARE_MS = 100

/** `key`: an Ed25519 seed of 32 bytes, or a private key in libp2p's protobuf form. */
export interface Libp2pOptions {
  readonly key: Uint8Array
  /** Multiaddrs to listen at; by default any free port of every IPv4 interface. */
  readonly listen?: readonly string[]
}

/**
 * Makes the transport; nothing listens before `start`. Rejects when the key or an address cannot
 * be read.
 */
export async function libp2pTransport(options: Libp2pOptions): Promise<Libp2pTransport> {
  const key = await privateKeyOf(options.key)
  const listen = [...options.listen ?? ['/ip4/0.0.0.0/tcp/0']]
  return new Libp2pTransport(await nodeOf(key, listen), listen)
}

async function privateKeyOf(key: Uint8Array): Promise<PrivateKey> {
  return key.length === ED25519_SEED_BYTES
    ? await generateKeyPairFromSeed('Ed25519', key)
    : privateKeyFromProtobuf(key)
}

function nodeOf(privateKey: PrivateKey, listen: string[]): Promise<Libp2p> {
  return createLibp2p({
    start: false,
    privateKey,
    addresses: { listen },
    transports: [tcp({ inboundSocketInactivityTimeout: 0, outboundSocketInactivityTimeout: 0 })],
    connectionEncrypters: [(parts) => joining(noise({ crypto: noiseCrypto })(parts))],
    streamMuxers: [yamux({
      maxInboundStreams: STREAMS_PER_PEER_MAX,
      maxOutboundStreams: STREAMS_PER_PEER_MAX,
      // A window wider than the buffer behind it would end a paused stream.
      streamOptions: {
        maxStreamWindowSize: STREAM_WINDOW_BYTES, maxReadBufferLength: 2 * STREAM_WINDOW_BYTES
      }
    })],
    // A stream for each ping, and an end for a peer that answers late: the core's probes decide.
    connectionMonitor: { enabled: false },
    connectionGater: { denyDialMultiaddr: () => false },
    connectionManager: {
      maxConnections: LINKS_MAX,
      inboundConnectionThreshold: LINKS_MAX,
      maxIncomingPendingConnections: LINKS_MAX,
      inboundUpgradeTimeout: HELLO_TIMEOUT_MS,
      inboundStreamProtocolNegotiationTimeout: HELLO_TIMEOUT_MS
    }
  })
}

interface Held { links: number, reaper: ReturnType<typeof setTimeout> }

/** A Transport; `peer` is its own libp2p peer id. Made by libp2pTransport. */
export class Libp2pTransport implements Transport {
  readonly name = 'libp2p'
  readonly peer: string
  readonly #node: Libp2p
  readonly #listen: readonly string[]
  readonly #listeners = new Set<Listener>()
  readonly #connections = new Map<Connection, Held>()
  readonly #pipes = new Set<StreamPipe>()
  readonly #dials = new Set<string>()
  readonly #stop = new AbortController()
  #events: TransportEvents | undefined
  #poll: ReturnType<typeof setInterval> | undefined
  #stopped: Promise<void> | undefined
  #pipes_gone = () => {}

  constructor(node: Libp2p, listen: readonly string[]) {
    this.#node = node
    this.#listen = listen
    this.peer = node.peerId.toString()
  }

  async start(events: TransportEvents): Promise<void> {
    if (this.#events !== undefined) throw new Error('a transport is started once')
    this.#events = events
    const node = this.#node
    node.addEventListener('transport:listening', ({ detail }) => this.#listeners.add(detail))
    node.addEventListener('transport:close', ({ detail }) => this.#listeners.delete(detail))
    node.addEventListener('connection:open', ({ detail }) => this.#hold(detail))
    node.addEventListener('connection:close', ({ detail }) => this.#forget(detail))
    try {
      await node.handle(PROTOCOL, (stream, connection) => this.#accept(stream, connection), {
        maxInboundStreams: STREAMS_PER_PEER_MAX, maxOutboundStreams: STREAMS_PER_PEER_MAX
      })
      await node.start()
    } catch (cause) {
      await this.stop()
      const sentence = SENTENCE_CANNOT_LISTEN.replace('{what}', this.#listen.join(', '))
      throw Object.assign(new Error(sentence, { cause }), { code: ERROR_CANNOT_LISTEN })
    }
    this.#watchAddresses()
  }

  addresses(): readonly string[] {
    const all = [...this.#listeners].flatMap((listener) => listener.getAddrs().map(String))
    // Everyone has a loopback of their own: whoever dials from elsewhere tries it last.
    const [near, far] = [true, false].map((is) => all.filter((one) => LOOPBACK.test(one) === is))
    return [...new Set([...far!, ...near!])]
  }

  speaks(address: string): boolean {
    if (!ADDRESS.test(address)) return false
    try {
      multiaddr(address)
      return true
    } catch {
      return false
    }
  }

  async dial(peer: string, addresses: readonly string[], signal: AbortSignal): Promise<Link> {
    if (this.#dials.has(peer)) throw new Error(`a dial of ${peer} is under way`)
    const spoken = [...new Set(addresses)].filter((address) => this.speaks(address))
    if (spoken.length === 0) throw new DialFailure('no_address', peer)
    const named = (address: string) => ADDRESS.exec(address)![3] ?? peer
    const targets = spoken.filter((address) => named(address) === peer)
    if (targets.length === 0) throw new DialFailure('wrong_peer', peer)
    this.#dials.add(peer)
    const ends = AbortSignal.any([signal, this.#stop.signal])
    try {
      return await linkAt(peer, targets, ends,
        (address, abort) => this.#reach(peer, address.replace(/\/p2p\/.*/, ''), abort), reasonOf)
    } finally {
      this.#dials.delete(peer)
    }
  }

  /**
   * Answers requests of peers, members or not, on streams of another protocol: one request and one
   * answer each. Call it before `start`.
   */
  async serve(protocol: string, bounds: ExchangeBounds, answer: Answering): Promise<void> {
    await this.#node.handle(protocol, (stream, connection) => {
      void answerOn(stream, connection.remotePeer.toString(), answer, bounds)
    }, { maxInboundStreams: STREAMS_PER_PEER_MAX })
  }

  /**
   * Asks a peer that serves a protocol. The peer that answers is proved.
   *
   * Rejects when no address leads to it, or when it does not serve that, or not in time.
   */
  async ask(
    peer: string, addresses: readonly string[], protocol: string, request: Uint8Array,
    bounds: ExchangeBounds
  ): Promise<Uint8Array> {
    const ends = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(bounds.timeout_ms)])
    const plain = addresses.filter((address) => this.speaks(address))
      .map((address) => address.replace(/\/p2p\/.*/, ''))
    if (plain.length === 0) throw new DialFailure('no_address', peer)
    return await firstOf(plain.slice(0, ADDRESSES_PER_PEER_MAX), DIAL_STAGGER_MS, ends,
      async (address, signal) => {
        const connection = await this.#node.dial(multiaddr(address), { signal, force: true })
        try {
          if (connection.remotePeer.toString() !== peer) throw new DialFailure('wrong_peer', peer)
          return await askOn(await connection.newStream(protocol, { signal }), request, bounds)
        } finally {
          this.#release(connection, SPARE_MS)
        }
      }, () => {})
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#end()
    return this.#stopped
  }

  async #end(): Promise<void> {
    this.#stop.abort(new Error('the transport stops'))
    clearInterval(this.#poll)
    for (const pipe of this.#pipes) pipe.link.close()
    const links_gone = new Promise<void>((resolve) => {
      this.#pipes_gone = resolve
      if (this.#pipes.size === 0) resolve()
    })
    await within(2 * LINK_CLOSE_MS, links_gone)
    await within(LINK_CLOSE_MS, Promise.resolve(this.#node.stop()).catch(() => {}))
    for (const connection of [...this.#connections.keys()]) {
      connection.abort(new Error('the transport stopped'))
      this.#forget(connection)
    }
  }

  /** One address: a connection of its own, so that what it proves is about now and this address. */
  async #reach(peer: string, address: string, signal: AbortSignal): Promise<Link> {
    const ends = AbortSignal.any([signal, AbortSignal.timeout(DIAL_TIMEOUT_MS)])
    const connection = await this.#node.dial(multiaddr(address), { signal: ends, force: true })
    try {
      if (connection.remotePeer.toString() !== peer) throw new DialFailure('wrong_peer', peer)
      return this.#attach(await connection.newStream(PROTOCOL, { signal: ends }), connection, true)
    } catch (error) {
      // libp2p joins dials of one address: another dial may be about to use this connection.
      this.#release(connection, SPARE_MS)
      throw error
    }
  }

  #accept(stream: Stream, connection: Connection): void {
    if (this.#stop.signal.aborted || this.#pipes.size >= LINKS_MAX) {
      stream.abort(new Error('no room for another link'))
      return
    }
    this.#events?.link(this.#attach(stream, connection, false))
  }

  #attach(stream: Stream, connection: Connection, outgoing: boolean): Link {
    const address = connection.remoteAddr.toString().replace(/\/p2p\/[^/]*$/, '')
    const place = { peer: connection.remotePeer.toString(), outgoing, address }
    this.#hold(connection).links++
    const pipe = new StreamPipe(stream, place, () => {
      this.#pipes.delete(pipe)
      if (this.#pipes.size === 0) this.#pipes_gone()
      const held = this.#connections.get(connection)
      if (held === undefined) return
      held.links--
      // Whoever answers an end leaves the closing to the other: a socket that is closed with bytes
      // unread is reset, and that may overtake the answer.
      this.#release(connection, pipe.answered ? LINK_CLOSE_MS : 0)
    })
    this.#pipes.add(pipe)
    if (this.#stop.signal.aborted) pipe.link.close(true)
    return pipe.link
  }

  #hold(connection: Connection): Held {
    const present = this.#connections.get(connection)
    if (present !== undefined) return present
    const reaper = setTimeout(() => this.#release(connection, 0), HELLO_TIMEOUT_MS)
    const held = { links: 0, reaper }
    this.#connections.set(connection, held)
    if (connection.status === 'closed') queueMicrotask(() => this.#forget(connection))
    return held
  }

  #forget(connection: Connection): void {
    clearTimeout(this.#connections.get(connection)?.reaper)
    this.#connections.delete(connection)
    const peer = connection.remotePeer
    const others = [...this.#connections.keys()].some((one) => one.remotePeer.equals(peer))
    // What libp2p remembers of peers would grow with every stranger.
    if (!others && this.#node.status === 'started') {
      this.#node.peerStore.delete(peer).catch(() => {})
    }
  }

  /** Closes a connection that has no link in `ms` from now. */
  #release(connection: Connection, ms: number): void {
    const held = this.#connections.get(connection)
    if (held === undefined || held.links > 0) return
    clearTimeout(held.reaper)
    if (ms > 0) {
      held.reaper = setTimeout(() => this.#release(connection, 0), ms)
      return
    }
    const signal = AbortSignal.timeout(LINK_CLOSE_MS)
    connection.close({ signal }).catch((error) => connection.abort(error))
  }

  #watchAddresses(): void {
    let known = this.addresses().join()
    this.#poll = setInterval(() => {
      const addresses = this.addresses()
      if (addresses.join() === known) return
      known = addresses.join()
      this.#events?.addresses?.(addresses)
    }, ADDRESS_POLL_MS)
    this.#poll.unref?.()
  }
}

/** libp2p says why in names, codes and errors inside of errors. */
function reasonOf(error: unknown): DialReason {
  if (error instanceof DialFailure) return error.reason
  if (!(error instanceof Error)) return 'unreachable'
  // Our own peer answered: libp2p does not dial itself.
  if (error.name === 'InvalidPeerIdError') return 'wrong_peer'
  if ((error as { code?: unknown }).code === 'ECONNREFUSED') return 'refused'
  const inner = error instanceof AggregateError ? error.errors : [error.cause]
  const reasons = inner.filter((one) => one instanceof Error).map(reasonOf)
  return reasons.length === 0 ? 'unreachable' : reasonOfAll(reasons)
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<void>((resolve) => { timer = setTimeout(resolve, ms) })
  await Promise.race([work, late])
  clearTimeout(timer)
}
