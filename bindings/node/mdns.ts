/**
 * Peers of one circuit on one local network, found by multicast DNS.
 *
 * Lives here: the socket, the interfaces that it speaks on, when it asks, answers and says goodbye.
 * Does not live here: packets (mdns-records), what to do with who was found (join).
 *
 * One socket at 0.0.0.0:5353, shared with every other responder of the machine, is a member of the
 * group on each interface that is up, lo included, and sends each packet once on each of them.
 * Questions come each second at first, then slower; any change of the interfaces starts over.
 *
 * Invariants: a burst of questions gets an answer at least every ANSWER_GAP_MS, not one each; an
 * interface or packet that fails costs itself only; nothing is found that only the other machine
 * could dial.
 *
 * spec: spec/joining.md; RFC 6762 sections 5.2, 6, 8.3, 10.1, 14.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { networkInterfaces } from 'node:os'
import { isLoopback } from './addresses.ts'
import {
  answerOf, queryFor, readPacket, serviceOf, servicesAnswer, type Announcement
} from './mdns-records.ts'

export interface MdnsOptions {
  /** The circuit's public key as a peer id. */
  readonly circuit: string
  readonly peer: string
  /** 32 random letters and digits, of this run. */
  readonly instance: string
  /** Where this peer listens now, as multiaddrs without its id. */
  addresses(): readonly string[]
  /** A peer was heard of: again with every question, so that a failed dial is tried again. */
  found(peer: string, addresses: string[]): void
}

interface Interface {
  readonly ip4: string
  readonly ip6: string[]
  readonly internal: boolean
}

const GROUP = '224.0.0.251'
const PORT = 5353
const HOPS = 255
const NO_ADDRESS = '0.0.0.0'
const ANSWER_GAP_MS = 250
const ANNOUNCE_AGAIN_MS = 1000
const INTERFACES_MS = 2000

/** After this many questions at one pace comes the next pace. */
const PACES = [{ ms: 1000, times: 10 }, { ms: 5000, times: 12 }, { ms: 60_000, times: Infinity }]

/** Speaks mDNS for one peer from start to close. */
export class Mdns {
  readonly #options: MdnsOptions
  readonly #service: string
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #proposed = new Map<string, string>()
  #socket: Socket | undefined
  #interfaces: Interface[] = []
  #asking: NodeJS.Timeout | undefined
  #asked = 0
  #answering: NodeJS.Timeout | undefined
  #again = false

  constructor(options: MdnsOptions) {
    this.#options = options
    this.#service = serviceOf(options.circuit)
  }

  /**
   * Opens the socket, asks and announces.
   *
   * @throws the system's error when port 5353 cannot be shared; the peer does without mDNS then.
   */
  async start(): Promise<void> {
    // The lookup answers at once: send must leave before the next interface is set.
    const socket = createSocket({
      type: 'udp4', reuseAddr: true, lookup: (host, _options, done) => done(null, host, 4)
    })
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind(PORT, '0.0.0.0', () => {
        socket.off('error', reject)
        resolve()
      })
    })
    socket.on('error', () => {}) // of one packet; the next may do better
    socket.on('message', (bytes, from) => this.#hear(bytes, from))
    socket.setMulticastTTL(HOPS)
    socket.setMulticastLoopback(true)
    this.#socket = socket
    this.#watchInterfaces()
  }

  /** Says where this peer is now, twice: call it when the addresses changed. */
  announce(): void {
    this.#answer()
    this.#later(() => this.#answer(), ANNOUNCE_AGAIN_MS)
  }

  /** Says goodbye and closes the socket. */
  async close(): Promise<void> {
    const socket = this.#socket
    this.#socket = undefined
    for (const timer of this.#timers) clearTimeout(timer)
    clearTimeout(this.#asking)
    clearTimeout(this.#answering)
    if (socket === undefined) return
    this.#send(socket, (on) => this.#answerOn(on, true))
    await new Promise<void>((resolve) => socket.close(resolve))
  }

  #watchInterfaces(): void {
    const socket = this.#socket
    if (socket === undefined) return
    const before = JSON.stringify(this.#interfaces)
    this.#interfaces = interfacesNow()
    for (const { ip4 } of this.#interfaces) {
      try {
        socket.addMembership(GROUP, ip4)
      } catch { /* a member already, or the interface has no multicast */ }
    }
    if (JSON.stringify(this.#interfaces) !== before) {
      this.#asked = 0
      this.#ask()
      this.announce()
    }
    this.#later(() => this.#watchInterfaces(), INTERFACES_MS)
  }

  #ask(): void {
    if (this.#socket === undefined) return
    this.#proposed.clear()
    this.#send(this.#socket, () => queryFor(this.#service))
    clearTimeout(this.#asking)
    this.#asking = setTimeout(() => this.#ask(), paceAfter(this.#asked++))
  }

  /** Answers now, or once more when the gap after the last answer is over. */
  #answer(): void {
    if (this.#socket === undefined) return
    if (this.#answering !== undefined) {
      this.#again = true
      return
    }
    this.#again = false
    this.#send(this.#socket, (on) => this.#answerOn(on, false))
    this.#answering = setTimeout(() => {
      this.#answering = undefined
      if (this.#again) this.#answer()
    }, ANSWER_GAP_MS)
  }

  #answerOn(on: Interface, gone: boolean): Uint8Array | undefined {
    const { peer, instance } = this.#options
    const all = this.#options.addresses()
    // Another machine that reads a loopback address would dial itself.
    const addresses = on.internal ? all : all.filter((address) => !isLoopback(address))
    const announcement: Announcement = {
      service: this.#service, instance, peer, addresses, ip4: [on.ip4], ip6: on.ip6
    }
    return answerOf(announcement, gone)
  }

  #send(socket: Socket, packetOn: (on: Interface) => Uint8Array | undefined): void {
    for (const on of this.#interfaces) {
      const packet = packetOn(on)
      if (packet === undefined) continue
      try {
        socket.setMulticastInterface(on.ip4)
        socket.send(packet, PORT, GROUP, () => {})
      } catch { /* the interface is gone; the next look at them takes it out */ }
    }
  }

  #hear(bytes: Uint8Array, from: RemoteInfo): void {
    if (this.#socket === undefined) return
    const heard = readPacket(bytes, this.#service)
    if (heard?.kind === 'query') this.#answer()
    if (heard?.kind === 'services') this.#send(this.#socket, () => servicesAnswer(this.#service))
    if (heard?.kind !== 'peers') return
    // Without any route a sender has no address of its own; such a packet cannot leave a machine.
    const here = from.address === NO_ADDRESS ||
      this.#interfaces.some(({ ip4 }) => ip4 === from.address)
    for (const peer of heard.gone) this.#proposed.delete(peer)
    for (const { peer, addresses } of heard.peers) {
      const dialable = here ? addresses : addresses.filter((address) => !isLoopback(address))
      if (peer !== this.#options.peer && dialable.length > 0) this.#propose(peer, dialable)
    }
  }

  /** Once between two questions, unless the addresses changed. */
  #propose(peer: string, addresses: string[]): void {
    const text = addresses.toSorted().join(' ')
    if (this.#proposed.get(peer) === text) return
    this.#proposed.set(peer, text)
    this.#options.found(peer, addresses)
  }

  #later(what: () => void, ms: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      what()
    }, ms)
    this.#timers.add(timer)
  }
}

function paceAfter(asked: number): number {
  let left = asked
  for (const { ms, times } of PACES) {
    if (left < times) return ms
    left -= times
  }
  return PACES.at(-1)!.ms
}

/** Interfaces that are up and have an IPv4 address; the first stands for each. */
function interfacesNow(): Interface[] {
  const found: Interface[] = []
  for (const places of Object.values(networkInterfaces())) {
    const ip4 = places?.find(({ family }) => family === 'IPv4')
    if (ip4 === undefined) continue
    const ip6 = places!.filter(({ family }) => family === 'IPv6')
      .map(({ address }) => address).filter((address) => !/^fe80:/i.test(address))
    found.push({ ip4: ip4.address, internal: ip4.internal, ip6 })
  }
  return found
}
