/**
 * The host side of one peer: the core's orders, its introduction, its leaving.
 *
 * Lives here: carrying out what is no answer to an operation, and the order of beginning and end.
 * Does not live here: the program's calls (circuit), frames (links), dials (dials), processes
 * (process).
 *
 * Invariants: the core's first record says who this peer is; links that come before wait; after
 * leaving every call is refused with LEAVING and nothing of the circuit keeps running.
 */
import { checkText } from './check.ts'
import { Dials } from './dials.ts'
import { Drive, wallClock } from './drive.ts'
import type { Orders } from './drive.ts'
import { Refusal } from './errors.ts'
import type { Fault } from './errors.ts'
import { Links } from './links.ts'
import { decodeInfo, encodeInfo, Members } from './member.ts'
import type { Peer } from './member.ts'
import { textAt } from './memory.ts'
import { Request } from './operation.ts'
import { LIMITS } from './options.ts'
import type { CircuitOptions, Limits } from './options.ts'
import { ProcessOrders } from './process.ts'
import {
  IN_FOUND, IN_FOUND_ID_BYTES, IN_FOUND_WORDS, IN_LEAVE, IN_LEAVE_WORDS, IN_LIMIT, IN_LIMIT_LIMIT,
  IN_LIMIT_VALUE, IN_LIMIT_WORDS, IN_SELF, IN_SELF_CHAIN, IN_SELF_CHAIN_BYTES, IN_SELF_ID_BYTES,
  IN_SELF_INCARNATION, IN_SELF_INFO, IN_SELF_INFO_BYTES, IN_SELF_NAME_BYTES, IN_SELF_WORDS,
  NAME_BYTES_MAX, OUT_DIAL, OUT_FRAME, OUT_SERIES, OUT_PEER, OUT_PEER_EVENT, OUT_PEER_ID_BYTES,
  OUT_PEER_INCARNATION, OUT_PEER_INFO, OUT_PEER_NAME_BYTES, OUT_PEER_WORDS, OUT_RENEW,
  OUT_RENEW_INCARNATION, OUT_SIGNAL, OUT_START, OUT_STOP, OUT_UNLINK, OUT_VERIFY,
  PEER_EVENT_KNOWN, PEER_EVENT_LEFT, PEER_ID_BYTES_MAX,
} from './tables.ts'
import { bytesOf } from './values.ts'

const decoder = new TextDecoder()

/** One core with everything that serves it. */
export class Host implements Orders {
  readonly drive: Drive
  readonly members: Members
  readonly options: CircuitOptions
  readonly #links: Links
  readonly #dials: Dials
  readonly #processes: ProcessOrders
  readonly #since = wallClock()
  #incarnation: number
  #chain: Uint8Array
  #introduced = false
  #leaving: Promise<void> | undefined = undefined

  constructor(options: CircuitOptions) {
    const drive = new Drive(options)
    this.options = options
    this.drive = drive
    this.#incarnation = options.incarnation
    this.#chain = options.chain
    this.members = new Members(drive)
    this.#links = new Links(drive, {
      transports: options.transports,
      verify: (peer, chain) => options.verify(peer, chain),
      moved: () => {
        this.#introduce()
        this.options.moved?.()
      }
    })
    this.#dials = new Dials(drive, options.transports, (link) => this.#links.dialled(link))
    this.#processes = new ProcessOrders(drive, options.processes)
    drive.attach(this)
  }

  /** Starts the transports, then the core. Rejects when a transport cannot start; nothing runs. */
  async begin(): Promise<void> {
    try {
      await this.#links.start()
    } catch (error) {
      this.drive.end(new Refusal('LEAVING'))
      throw error
    }
    this.#introduced = true
    this.#bound()
    this.#introduce()
    this.#links.open()
  }

  /** This peer. */
  get self(): Peer { return this.members.peer(this.options.id) ?? this.#own() }

  /** Discovery proposes a peer. */
  found(peer: string, addresses: readonly string[]): void {
    this.#dials.learn(peer, addresses)
    if (this.drive.ended || !this.#introduced) return
    const id = checkText(peer, 'the peer', PEER_ID_BYTES_MAX)
    const at = this.drive.record(IN_FOUND, IN_FOUND_WORDS + (id.length + 3 >>> 2))
    this.drive.memory.words[at + IN_FOUND_ID_BYTES] = id.length
    this.drive.tail(at + IN_FOUND_WORDS, id)
    this.drive.go()
  }

  /** This peer has another certificate chain: links that come from now on show it. */
  certified(chain: Uint8Array): void {
    this.#chain = chain
    this.#introduce()
  }

  /** Leaves the circuit and ends everything; called twice it is the same leaving. */
  leave(): Promise<void> {
    this.#leaving ??= this.#leave()
    return this.#leaving
  }

  /** For the driver. */
  order(kind: number, words: Uint32Array, bytes: Uint8Array, at: number): void {
    switch (kind) {
      case OUT_FRAME: return this.#links.frame(words, bytes, at, false)
      case OUT_SERIES: return this.#links.frame(words, bytes, at, true)
      case OUT_DIAL: return this.#dials.dial(words, bytes, at)
      case OUT_UNLINK: return this.#links.unlink(words, at)
      case OUT_VERIFY: return this.#links.verify(words, bytes, at)
      case OUT_PEER: return this.#peer(words, bytes, at)
      case OUT_START: return this.#processes.start(words, bytes, at)
      case OUT_SIGNAL: return this.#processes.signal(words, at)
      case OUT_STOP: return this.#processes.stop(words, at)
      case OUT_RENEW: return this.#renew(words[at + OUT_RENEW_INCARNATION]!)
      default: throw new Error(`the core gave a record of kind ${kind}, which is none`)
    }
  }

  /** For the driver. */
  soon(): void { this.#links.soon() }

  drained(): void {
    this.#links.drained()
  }

  /** For the driver. */
  failed(fault: Fault): void {
    this.#dials.stop()
    this.#links.reset()
    this.#processes.close().catch(() => {})
    this.drive.later(() => this.options.failed?.(fault))
  }

  #own(): Peer {
    const { id, name, labels = {} } = this.options
    const addresses = this.#links.addresses()
    return { id, name, incarnation: this.#incarnation, addresses, labels, since: this.#since }
  }

  /** Lowers the core's bounds as the options say. */
  #bound(): void {
    for (const [name, value] of Object.entries(this.options.limits ?? {})) {
      if (value === undefined) continue
      const at = this.drive.record(IN_LIMIT, IN_LIMIT_WORDS)
      const { words } = this.drive.memory
      words[at + IN_LIMIT_LIMIT] = LIMITS.get(name as keyof Limits)!
      words[at + IN_LIMIT_VALUE] = value
    }
  }

  /** Tells the core who this peer is, at first and when its addresses change. */
  #introduce(): void {
    if (!this.#introduced || this.drive.ended) return
    const own = this.#own()
    const id = checkText(own.id, 'id', PEER_ID_BYTES_MAX)
    const name = checkText(own.name, 'name', NAME_BYTES_MAX)
    const info = encodeInfo({ addresses: [...own.addresses], labels: { ...own.labels } })
    const { payloads, memory } = this.drive
    const tail = new Uint8Array(id.length + name.length)
    tail.set(id)
    tail.set(name, id.length)
    const at = this.drive.record(IN_SELF, IN_SELF_WORDS + (tail.length + 3 >>> 2))
    const { words } = memory
    words[at + IN_SELF_INCARNATION] = own.incarnation
    words[at + IN_SELF_CHAIN] = payloads.put(this.#chain)
    words[at + IN_SELF_CHAIN_BYTES] = this.#chain.length
    words[at + IN_SELF_INFO] = payloads.put(info)
    words[at + IN_SELF_INFO_BYTES] = info.length
    words[at + IN_SELF_ID_BYTES] = id.length
    words[at + IN_SELF_NAME_BYTES] = name.length
    this.drive.tail(at + IN_SELF_WORDS, tail)
    this.drive.go()
    this.members.joined(own)
  }

  #renew(incarnation: number): void {
    this.#incarnation = incarnation
    this.drive.later(() => {
      this.members.joined(this.#own())
      this.options.renewed?.(incarnation)
    })
  }

  #peer(words: Uint32Array, bytes: Uint8Array, at: number): void {
    const idBytes = words[at + OUT_PEER_ID_BYTES]!
    const id = textAt(bytes, at + OUT_PEER_WORDS, idBytes)
    const event = words[at + OUT_PEER_EVENT]!
    if (event === PEER_EVENT_LEFT) return this.drive.later(() => this.members.left(id))
    const from = (at + OUT_PEER_WORDS) * 4 + idBytes
    const name = decoder.decode(bytes.subarray(from, from + words[at + OUT_PEER_NAME_BYTES]!))
    const info = words[at + OUT_PEER_INFO]!
    const { addresses, labels } = info === 0
      ? { addresses: [], labels: {} } : decodeInfo(bytesOf(this.drive.payloads.peek(info)))
    const incarnation = words[at + OUT_PEER_INCARNATION]!
    this.#dials.learn(id, addresses)
    this.drive.later(() => {
      const before = this.members.peer(id)
      const since = before?.incarnation === incarnation ? before.since : wallClock()
      const peer = Object.freeze({ id, name, incarnation, addresses, labels, since })
      if (event !== PEER_EVENT_KNOWN) this.members.joined(peer)
      this.options.member?.(peer)
    })
  }

  async #leave(): Promise<void> {
    const drive = this.drive
    try {
      await this.#processes.close()
      if (!drive.ended) {
        const left = new Request<void>('the circuit', () => undefined)
        drive.begin(IN_LEAVE, IN_LEAVE_WORDS, left)
        drive.go()
        await left.promise()
      }
      await this.options.ending?.()
    } finally {
      drive.end(new Refusal('LEAVING'))
      this.#dials.stop()
      await this.#links.stop()
    }
  }
}
