/**
 * The run directory: which peers of this user run on this machine.
 *
 * Lives here: where it is, one entry for each peer, the names of its sockets, reading entries, the
 * lock of a founder. Does not live here: watching for peers (discovery-local), certifying and links
 * over the sockets beside the entries (certify, membership; near).
 *
 * Only its owner enters the folder, and the kernel sees to it: whoever can read an entry or reach a
 * socket in it is this user. An entry is written as a whole and named by a hash of its circuit and
 * peer, and its sockets likewise, so that no content of a file leads anywhere.
 *
 * Invariants: an entry that cannot be read is no entry; a peer removes its own only, and those
 * whose process is dead and whose sockets nobody serves.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { refusal } from '../js/errors.ts'
import { keyOfId } from '../js/identity.ts'
import { ADDRESS_BYTES_MAX, KNOWN_ADDRESSES_MAX, NAME_BYTES_MAX } from '../js/tables.ts'
import { NotPrivate, openFolder, readPrivate, userId, writePrivate } from './folder.ts'
import { runs, takeLock, type Lock } from './lock.ts'

/** What a running peer says of itself to its user's other peers. */
export interface Entry {
  /** Peer ids of the peer and of its circuit's key. */
  readonly peer: string
  readonly circuit: string
  /** The circuit's name on this machine, and the peer's. */
  readonly circuit_name: string
  readonly name: string
  readonly addresses: readonly string[]
  readonly pid: number
}

/** An entry that was read, with the socket on which its peer certifies. */
export interface Found extends Entry { readonly socket: string, readonly file: string }

/** What a peer has in the folder. */
const ENDINGS = ['json', 'certify', 'link']
const ENTRY_BYTES_MAX = 16_384
const ENTRIES_MAX = 256
const LOCK_WAIT_MS = 3000
const LOCK_LOOK_MS = 15

/**
 * The run directory, made when there is none: `circuit` in `$XDG_RUNTIME_DIR`, or in
 * `/run/user/<user number>` where a service or `su` has no such variable, else
 * `/tmp/circuit-<user number>`. The first of them whose own folder is this user's.
 *
 * @throws refusal BAD_RUN_FOLDER when it is not this user's alone.
 */
export function runFolder(): string {
  const user = userId()
  const base = [process.env['XDG_RUNTIME_DIR'], `/run/user/${user}`].find(isOwn)
  const folder = base === undefined ? `/tmp/circuit-${user}` : join(base, 'circuit')
  try {
    openFolder(folder)
  } catch (error) {
    if (!(error instanceof NotPrivate)) throw error
    throw refusal('BAD_RUN_FOLDER', `${folder} (${error.message})`)
  }
  return folder
}

/** Where a peer's socket for certificates is. */
export function certifySocket(folder: string, circuit: string, peer: string): string {
  return join(folder, `${nameOf(circuit, peer)}.certify`)
}

/** Where a peer's socket for links is. */
export function linkSocket(folder: string, circuit: string, peer: string): string {
  return join(folder, `${nameOf(circuit, peer)}.link`)
}

/** Writes a peer's own entry in the place of the one before. */
export function writeEntry(folder: string, entry: Entry, mark: string): void {
  const text = JSON.stringify({ version: 1, ...entry })
  writePrivate(join(folder, `${nameOf(entry.circuit, entry.peer)}.json`), text, mark)
}

/** True when a peer's entry is there. */
export function hasEntry(folder: string, circuit: string, peer: string): boolean {
  return existsSync(join(folder, `${nameOf(circuit, peer)}.json`))
}

/** Removes a peer's entry and sockets. */
export function removeEntry(folder: string, circuit: string, peer: string): void {
  const name = nameOf(circuit, peer)
  for (const ending of ENDINGS) rmSync(join(folder, `${name}.${ending}`), { force: true })
}

/** The entries that can be read, the longest unchanged first. Nothing of them is proved alive. */
export function readEntries(folder: string): Found[] {
  const found: Array<Found & { changed: number }> = []
  for (const name of readdirSync(folder)) {
    if (found.length >= ENTRIES_MAX) break
    const [, hash] = /^([0-9a-f]{32})\.json$/.exec(name) ?? []
    const file = join(folder, name)
    const entry = hash === undefined ? undefined : readEntry(file)
    if (entry === undefined || nameOf(entry.circuit, entry.peer) !== hash) continue
    const socket = join(folder, `${hash}.certify`)
    found.push({ ...entry, socket, file, changed: changedAt(file) })
  }
  return found.sort((one, other) => one.changed - other.changed)
}

/** The entries of a folder, read again only when one has come, gone or been replaced. */
export class Entries {
  readonly #folder: string
  #changed_ms = NaN
  #found: Found[] = []

  constructor(folder: string) {
    this.#folder = folder
  }

  /** The next `read` reads: of two changes within one tick of the kernel the time tells one. */
  forget(): void {
    this.#changed_ms = NaN
  }

  /** As `readEntries`; the same list as before when nothing has changed since. */
  read(): readonly Found[] {
    const changed_ms = changedAt(this.#folder)
    if (changed_ms === this.#changed_ms) return this.#found
    this.#found = readEntries(this.#folder)
    // The time from before: what changes while they are read is read again.
    this.#changed_ms = changed_ms
    return this.#found
  }
}

/** True when the process that wrote an entry still runs. */
export function entryLives(entry: Entry): boolean {
  return runs(entry.pid)
}

/**
 * Waits until nobody else founds a circuit of this name, and takes the turn.
 *
 * @param now gives milliseconds since 1970.
 * @throws refusal STATE_IN_USE when another's turn does not end.
 */
export async function foundingTurn(
  folder: string, circuit_name: string, mark: string, now: () => number
): Promise<Lock> {
  const path = join(folder, `${hashOf(circuit_name)}.founding`)
  for (let waited_ms = 0; waited_ms < LOCK_WAIT_MS; waited_ms += LOCK_LOOK_MS) {
    const lock = takeLock(path, mark, now())
    if (lock !== undefined) return lock
    await new Promise((resolve) => setTimeout(resolve, LOCK_LOOK_MS))
  }
  throw refusal('STATE_IN_USE', path)
}

function nameOf(circuit: string, peer: string): string {
  return hashOf(`${circuit} ${peer}`)
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}

function readEntry(file: string): Entry | undefined {
  try {
    const bytes = readPrivate(file, ENTRY_BYTES_MAX)
    const item = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown> | null
    if (typeof item !== 'object' || item === null || item['version'] !== 1) return undefined
    const { peer, circuit, circuit_name, name, addresses, pid } = item
    if (!isId(peer) || !isId(circuit) || !isName(circuit_name) || !isName(name)) return undefined
    if (!Number.isSafeInteger(pid) || !Array.isArray(addresses)) return undefined
    if (addresses.length > KNOWN_ADDRESSES_MAX || !addresses.every(isAddress)) return undefined
    return { peer, circuit, circuit_name, name, addresses, pid: pid as number }
  } catch {
    return undefined // half of a foreign file, or one that has just gone
  }
}

function isOwn(path: string | undefined): boolean {
  if (!path) return false
  const found = statSync(path, { throwIfNoEntry: false })
  return found !== undefined && found.isDirectory() && found.uid === userId()
}

function isId(item: unknown): item is string {
  return typeof item === 'string' && keyOfId(item) !== undefined
}

function isName(item: unknown): item is string {
  return typeof item === 'string' && Buffer.byteLength(item) <= NAME_BYTES_MAX
}

function isAddress(item: unknown): item is string {
  return typeof item === 'string' && item.length <= ADDRESS_BYTES_MAX
}

function changedAt(file: string): number {
  try {
    return statSync(file).mtimeMs
  } catch {
    return Infinity
  }
}
