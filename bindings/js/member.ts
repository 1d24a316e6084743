/**
 * Who is in the circuit, and the channel that tells who comes and goes.
 *
 * Lives here: the list of peers as the host shows it, the info that travels with a member,
 * subscriptions. Does not live here: who is a member (core), addresses to dial (dials).
 *
 * Invariants: a subscription first tells who is here, then each `left` of a peer that it told
 * `joined`, and each `joined` of a new incarnation after the `left` of the old one; what a slow
 * reader has not taken is gathered per peer, so what is held is bounded by the peers.
 */
import { Channel } from './channel.ts'
import type { Drive } from './drive.ts'
import { parcelOf, writeSend } from './message.ts'
import { Request } from './operation.ts'
import type { Completion, Receiver } from './operation.ts'
import {
  ADDRESS_BYTES_MAX, ERROR_OK, IN_RETAIN, IN_RETAIN_REF, IN_RETAIN_WORDS, IN_SCRUB,
  IN_SCRUB_PATH_BYTES, IN_SCRUB_REF, IN_SCRUB_WORDS, INFO_BYTES_MAX, KNOWN_ADDRESSES_MAX
} from './tables.ts'
import { decode, encode } from './values.ts'

/** One member of the circuit. */
export interface Peer {
  readonly id: string
  readonly name: string
  readonly incarnation: number
  readonly addresses: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  /** When it joined, as this peer saw it: milliseconds since 1970. */
  readonly since: number
}

/** What `members` tells. */
export interface MemberEvent { readonly event: 'joined' | 'left', readonly peer: Peer }

/** What travels with a member: a CBOR map of two entries. */
export interface Info { addresses: string[], labels: Record<string, string> }

/** The info as bytes; addresses that do not fit are left out, the last first. */
export function encodeInfo(info: Info): Uint8Array {
  const addresses = info.addresses.slice(0, KNOWN_ADDRESSES_MAX)
  for (;;) {
    const bytes = encode({ addresses, labels: info.labels }, [], undefined)
    if (bytes.length <= INFO_BYTES_MAX || addresses.length === 0) return bytes
    addresses.pop()
  }
}

/** The info of another peer; what cannot be read as such is left out. */
export function decodeInfo(bytes: Uint8Array): Info {
  let value: unknown
  try { value = decode(bytes, []) } catch { value = undefined }
  const given = (typeof value === 'object' && value !== null ? value : {}) as Partial<Info>
  const addresses = Array.isArray(given.addresses) ? given.addresses : []
  const labels = typeof given.labels === 'object' && given.labels !== null ? given.labels : {}
  const fits = (one: unknown) => typeof one === 'string' && one.length <= ADDRESS_BYTES_MAX
  const texts = Object.entries(labels).filter(([, text]) => typeof text === 'string')
  return {
    addresses: addresses.filter(fits).slice(0, KNOWN_ADDRESSES_MAX),
    labels: Object.fromEntries(texts)
  }
}

/** The members that one peer sees, itself among them. */
export class Members {
  readonly #drive: Drive
  readonly #peers = new Map<string, Peer>()
  readonly #subscriptions = new Set<Subscription>()
  readonly #dropped = new FinalizationRegistry<Subscription>((subscription) => subscription.end())

  constructor(drive: Drive) {
    this.#drive = drive
  }

  /** Everyone who is here. */
  list(): Peer[] { return [...this.#peers.values()] }

  peer(id: string): Peer | undefined { return this.#peers.get(id) }

  /** A peer is here, or is here with other addresses, labels or incarnation. */
  joined(peer: Peer): void {
    this.#peers.set(peer.id, peer)
    for (const subscription of this.#subscriptions) subscription.changed(peer.id)
  }

  left(id: string): void {
    if (!this.#peers.delete(id)) return
    for (const subscription of this.#subscriptions) subscription.changed(id)
  }

  /** Feeds the channel `ref`, of which the host has one handle, and gives it out. */
  subscribe(ref: number): Channel<MemberEvent> {
    const subscription = new Subscription(this.#drive, this, ref, () => {
      this.#subscriptions.delete(subscription)
    })
    const channel = new MemberChannel(this.#drive, ref, () => subscription.end())
    this.#dropped.register(channel, subscription)
    this.#subscriptions.add(subscription)
    subscription.start()
    return channel
  }
}

/** Leaving a loop over it, or disposing it, ends the subscription. */
class MemberChannel extends Channel<MemberEvent> {
  readonly #end: () => void

  constructor(drive: Drive, ref: number, end: () => void) {
    super(drive, ref, 'members')
    this.#end = end
  }

  override [Symbol.asyncIterator](): AsyncIterableIterator<MemberEvent, undefined> {
    const inner = super[Symbol.asyncIterator]()
    return {
      next: () => inner.next(),
      return: () => {
        this[Symbol.dispose]()
        return inner.return!()
      },
      [Symbol.asyncIterator]() { return this }
    }
  }

  override [Symbol.dispose](): void {
    this.#end()
    super[Symbol.dispose]()
  }
}

/** One reader of events: what it was told, and what it still has to be told. */
class Subscription implements Receiver {
  readonly #drive: Drive
  readonly #members: Members
  readonly #ref: number
  readonly #ended: () => void
  readonly #told = new Map<string, Peer>()
  readonly #changed = new Set<string>()
  #sending = false
  #over = false

  constructor(drive: Drive, members: Members, ref: number, ended: () => void) {
    this.#drive = drive
    this.#members = members
    this.#ref = ref
    this.#ended = ended
  }

  /** Takes a handle of its own, so that the program's may go first, and tells who is here. */
  start(): void {
    const at = this.#drive.record(IN_RETAIN, IN_RETAIN_WORDS)
    this.#drive.memory.words[at + IN_RETAIN_REF] = this.#ref
    for (const { id } of this.#members.list()) this.#changed.add(id)
    this.#tell()
  }

  changed(id: string): void {
    this.#changed.add(id)
    this.#tell()
  }

  done(completion: Completion): void {
    this.#sending = false
    if (completion.status !== ERROR_OK) this.end()
    else this.#tell()
  }

  fail(): void {
    this.#over = true
    this.#ended()
  }

  end(): void {
    if (this.#over) return
    this.#over = true
    this.#ended()
    if (this.#drive.ended) return
    const at = this.#drive.begin(IN_SCRUB, IN_SCRUB_WORDS, new Request('members', () => undefined))
    this.#drive.memory.words[at + IN_SCRUB_REF] = this.#ref
    this.#drive.memory.words[at + IN_SCRUB_PATH_BYTES] = 0
    this.#drive.releaseRef(this.#ref)
  }

  #tell(): void {
    if (this.#sending || this.#over || this.#drive.ended) return
    const event = this.#next()
    if (event === undefined) return
    this.#sending = true
    writeSend(this.#drive, this.#ref, parcelOf(event, this.#ref, this.#drive), 0, 0, this)
    this.#drive.go()
  }

  #next(): MemberEvent | undefined {
    for (const id of this.#changed) {
      const told = this.#told.get(id)
      const here = this.#members.peer(id)
      if (told !== undefined && told.incarnation !== here?.incarnation) {
        this.#told.delete(id)
        if (here === undefined) this.#changed.delete(id)
        return { event: 'left', peer: told }
      }
      this.#changed.delete(id)
      if (told === undefined && here !== undefined) {
        this.#told.set(id, here)
        return { event: 'joined', peer: here }
      }
    }
    return undefined
  }
}
