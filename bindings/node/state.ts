/**
 * The state folder: what one peer keeps between its runs.
 *
 * Lives here: where the folder is, which files it has, reading them whole at the start and writing
 * them when something changed. Does not live here: how files are kept private (folder), the key's
 * form (keys), who holds the folder (lock), what a chain means (bindings/js/certificate).
 *
 * Invariants: one living process has a folder; a file that is not as it was written is refused by
 * name and stays; an incarnation is on the disk before it is used, and no later one is smaller; a
 * ticket's use is on the disk before its user is admitted; lists have a bound.
 */
import { existsSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { lastClaims } from '../js/certificate.ts'
import { Refusal, refusal } from '../js/errors.ts'
import {
  ADDRESS_BYTES_MAX, CHAIN_BYTES_MAX, KNOWN_ADDRESSES_MAX, KNOWN_PEERS_MAX, TICKET_USES_MAX
} from '../js/tables.ts'
import { keyOfId, type Signer } from '../js/identity.ts'
import { TicketUses, type TicketUse } from '../js/ticket.ts'
import type { Drive } from './drive.ts'
import { NotPrivate, openFolder, readPrivate, writePrivate } from './folder.ts'
import { keyOf, makeKey, readKey, type Key } from './keys.ts'
import { takeLock, type Lock } from './lock.ts'

export { stateFolder } from './folder.ts'

/** A peer of an earlier run, and where it was last seen. */
export interface KnownPeer { readonly id: string, readonly addresses: readonly string[] }

const FILE = {
  lock: 'lock', peer_key: 'peer.key', circuit_key: 'circuit.key', chain: 'chain.cbor',
  incarnation: 'incarnation', port: 'port', known: 'known.json', uses: 'tickets.json'
}
const LIST_BYTES_MAX = 2_097_152
const NUMBER_BYTES_MAX = 16
const U32_MAX = 0xffff_ffff
const KEEP_DELAY_MS = 500
const LOCK_TRIES = 3
const FORMER_LETTERS = 12

/** A peer whose folder was lost must come back as a later incarnation: they start by the clock. */
const INCARNATION_EPOCH_S = 1_577_836_800 // 2020

/** An open state folder. Its holder closes it. */
export class State {
  readonly folder: string
  /** The peer's own key. */
  readonly key: Key
  /** Who used which ticket. Call keepUses after it learnt something. */
  readonly uses: TicketUses
  /** The port of the last run; undefined when there is none. */
  readonly port: number | undefined
  #circuit_key: Key | undefined
  #chain: Uint8Array | undefined
  #incarnation: number
  #known: Map<string, readonly string[]>
  #timer: NodeJS.Timeout | undefined
  #closed = false
  readonly #drive: Drive
  readonly #lock: Lock
  readonly #mark: string

  private constructor(read: Read, held: Held) {
    this.folder = held.folder
    this.key = read.key
    this.uses = new TicketUses(read.uses)
    this.port = read.port
    this.#circuit_key = read.circuit_key
    this.#chain = read.chain
    this.#incarnation = read.incarnation
    this.#known = new Map(read.known.map(({ id, addresses }) => [id, addresses]))
    this.#drive = held.drive
    this.#lock = held.lock
    this.#mark = held.mark
  }

  /**
   * Opens a folder, making it and the peer's key when there is none.
   *
   * @param folder its path, absolute.
   * @param given a key to use instead of the folder's own, which is then neither read nor written.
   * @throws refusal STATE_IN_USE, BAD_STATE, BAD_KEY, BAD_STATE_FILE. Nothing was overwritten.
   */
  static async open(folder: string, drive: Drive, given?: string | Uint8Array): Promise<State> {
    const mark = Buffer.from(drive.random(6)).toString('hex')
    let lock: Lock | undefined
    try {
      openFolder(folder)
      lock = lockOf(folder, mark, drive.now())
      if (lock === undefined) throw refusal('STATE_IN_USE', folder)
      const held = { folder, drive, lock, mark }
      return new State(await readAll(held, given), held)
    } catch (error) {
      lock?.release()
      if (error instanceof Refusal) throw error
      const why = error instanceof Error ? error.message : String(error)
      throw refusal('BAD_STATE', `${folder} (${why})`)
    }
  }

  /** The circuit's key, when this peer holds it. */
  get circuit_signer(): Signer | undefined {
    return this.#circuit_key?.signer
  }

  /** The peer's own certificate chain. */
  get chain(): Uint8Array | undefined {
    return this.#chain
  }

  /** The circuit that this folder belongs to, as a peer id. */
  get circuit(): string | undefined {
    if (this.#circuit_key !== undefined) return this.#circuit_key.signer.id
    return this.#chain === undefined ? undefined : lastClaims(this.#chain)?.circuit
  }

  /** Makes a circuit's key: this peer founds a circuit. */
  async makeCircuit(): Promise<Signer> {
    if (this.circuit !== undefined) throw new Error('the folder belongs to a circuit already')
    const path = join(this.folder, FILE.circuit_key)
    this.#circuit_key = await makeKey(path, this.#drive.random(32), this.#mark)
    return this.#circuit_key.signer
  }

  /**
   * Ends the folder's bond to its circuit: the circuit's key, the chain and the known peers move
   * into a folder named after the circuit, where they can be taken from by hand.
   */
  setCircuitAside(): void {
    const { circuit } = this
    if (circuit === undefined) return
    const aside = join(this.folder, `former-${circuit.slice(-FORMER_LETTERS)}`)
    openFolder(aside)
    for (const name of [FILE.circuit_key, FILE.chain, FILE.known]) {
      const path = join(this.folder, name)
      if (existsSync(path)) renameSync(path, join(aside, name))
    }
    this.#circuit_key = undefined
    this.#chain = undefined
    this.#known.clear()
  }

  /** Keeps the peer's own chain, on the disk when it returns. */
  keepChain(chain: Uint8Array): void {
    this.#write(FILE.chain, chain, true)
    this.#chain = chain
  }

  /** Takes the next incarnation: above every one before, and on the disk when it returns. */
  nextIncarnation(): number {
    const by_clock = Math.floor(this.#drive.now() / 1000) - INCARNATION_EPOCH_S
    this.keepIncarnation(Math.min(Math.max(this.#incarnation + 1, by_clock, 1), U32_MAX))
    return this.#incarnation
  }

  /** Keeps an incarnation that the core took; a smaller one than is known changes nothing. */
  keepIncarnation(incarnation: number): void {
    if (incarnation <= this.#incarnation) return
    this.#write(FILE.incarnation, `${incarnation}\n`, true)
    this.#incarnation = incarnation
  }

  /** Keeps the port for the next run. */
  keepPort(port: number): void {
    if (port !== this.port) this.#write(FILE.port, `${port}\n`)
  }

  /** Peers of this run and earlier ones, the last seen last. */
  known(): KnownPeer[] {
    return [...this.#known].map(([id, addresses]) => ({ id, addresses }))
  }

  /** Remembers where a peer was seen, soon on the disk. The longest unseen is forgotten first. */
  keepPeer(id: string, addresses: readonly string[]): void {
    const fit = addresses.filter((address) => address.length <= ADDRESS_BYTES_MAX)
    if (fit.length === 0 || this.#closed) return
    this.#known.delete(id)
    this.#known.set(id, fit.slice(0, KNOWN_ADDRESSES_MAX))
    for (const [oldest] of this.#known) {
      if (this.#known.size <= KNOWN_PEERS_MAX) break
      this.#known.delete(oldest)
    }
    this.#timer ??= setTimeout(() => this.#writeKnown(), KEEP_DELAY_MS).unref()
  }

  /** Keeps the uses of tickets, on the disk when it returns. */
  keepUses(): void {
    this.#write(FILE.uses, JSON.stringify({ version: 1, uses: this.uses.kept() }), true)
  }

  /** Writes what is left to write and lets the folder go. Nothing else may be called after it. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#timer !== undefined) this.#writeKnown()
    this.#lock.release()
  }

  #writeKnown(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    try {
      this.#write(FILE.known, JSON.stringify({ version: 1, peers: this.known() }))
    } catch {
      // A full disk costs the next run some proposals, not this run its life.
    }
  }

  #write(name: string, bytes: Uint8Array | string, lasting = false): void {
    writePrivate(join(this.folder, name), bytes, this.#mark, lasting)
  }
}

interface Held { folder: string, drive: Drive, lock: Lock, mark: string }

interface Read {
  key: Key
  circuit_key: Key | undefined
  chain: Uint8Array | undefined
  incarnation: number
  port: number | undefined
  known: KnownPeer[]
  uses: TicketUse[]
}

function lockOf(folder: string, mark: string, now: number): Lock | undefined {
  for (let tries = 0; tries < LOCK_TRIES; tries++) {
    const lock = takeLock(join(folder, FILE.lock), mark, now)
    if (lock !== undefined) return lock
  }
  return undefined
}

/** Reads everything before anything is written, so that a refusal leaves the folder as it was. */
async function readAll(held: Held, given: string | Uint8Array | undefined): Promise<Read> {
  const { folder, drive, mark } = held
  const peer_key = join(folder, FILE.peer_key)
  const circuit_key = await readKey(join(folder, FILE.circuit_key))
  const key = given === undefined ? await readKey(peer_key) : await keyOf(given)
  const rest = {
    circuit_key,
    chain: readChain(join(folder, FILE.chain)),
    incarnation: readNumber(join(folder, FILE.incarnation), U32_MAX) ?? 0,
    port: readNumber(join(folder, FILE.port), 65535),
    known: readList(join(folder, FILE.known), 'peers', KNOWN_PEERS_MAX, isKnownPeer),
    uses: readList(join(folder, FILE.uses), 'uses', TICKET_USES_MAX, isUse)
  }
  return { ...rest, key: key ?? await makeKey(peer_key, drive.random(32), mark) }
}

function readChain(path: string): Uint8Array | undefined {
  const chain = read(path, CHAIN_BYTES_MAX)
  if (chain !== undefined && lastClaims(chain) === undefined) throw refusal('BAD_STATE_FILE', path)
  return chain
}

function readNumber(path: string, most: number): number | undefined {
  const bytes = read(path, NUMBER_BYTES_MAX)
  if (bytes === undefined) return undefined
  const text = new TextDecoder().decode(bytes)
  const number = /^[1-9]\d{0,9}\n$/.test(text) ? Number(text) : NaN
  if (!(number <= most)) throw refusal('BAD_STATE_FILE', path)
  return number
}

function readList<T>(
  path: string, name: string, most: number, fits: (item: unknown) => item is T
): T[] {
  const bytes = read(path, LIST_BYTES_MAX)
  if (bytes === undefined) return []
  try {
    const whole = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown
    const list = isObject(whole) && whole['version'] === 1 ? whole[name] : undefined
    if (Array.isArray(list) && list.length <= most && list.every(fits)) return list
  } catch { /* refused below, like every other wrong content */ }
  throw refusal('BAD_STATE_FILE', path)
}

function read(path: string, bytes_max: number): Uint8Array | undefined {
  try {
    return readPrivate(path, bytes_max)
  } catch (error) {
    if (error instanceof NotPrivate) throw refusal('BAD_STATE_FILE', `${path} (${error.message})`)
    throw error
  }
}

function isObject(item: unknown): item is Record<string, unknown> {
  return typeof item === 'object' && item !== null
}

function isKnownPeer(item: unknown): item is KnownPeer {
  if (!isObject(item) || typeof item['id'] !== 'string') return false
  const { id, addresses } = item
  return keyOfId(id) !== undefined && Array.isArray(addresses) &&
    addresses.length <= KNOWN_ADDRESSES_MAX && addresses.every((one) => typeof one === 'string')
}

function isUse(item: unknown): item is TicketUse {
  if (!isObject(item)) return false
  const { ticket, subject, expires_s } = item
  return typeof ticket === 'string' && typeof subject === 'string' &&
    typeof expires_s === 'number' && Number.isSafeInteger(expires_s)
}
