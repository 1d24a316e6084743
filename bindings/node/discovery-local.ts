/**
 * Peers of one user on one machine find each other through the run directory.
 *
 * Lives here: this peer's entry from start to close, and watching for others'. Does not live here:
 * the folder and its files (run-folder), certificates (membership), what to do with who was found
 * (join).
 *
 * The watch tells of a change within milliseconds; where the system has no watch left, a look each
 * LOOK_MS finds the same. Every AGAIN_MS all living peers are looked for and proposed again: a link
 * may have broken on both sides, and a watch may say nothing.
 *
 * Invariants: only peers of the same circuit key are proposed; the entry is gone after close.
 */
import { watch, type FSWatcher } from 'node:fs'
import { askCertify } from './certify.ts'
import {
  Entries, entryLives, hasEntry, readEntries, removeEntry, writeEntry, type Entry, type Found
} from './run-folder.ts'

export interface LocalOptions {
  readonly folder: string
  readonly entry: Omit<Entry, 'addresses' | 'pid'>
  /** Sets this writer's files apart from others'. */
  readonly mark: string
  found(peer: string, addresses: readonly string[]): void
}

const LOOK_MS = 1000
const AGAIN_MS = 5000

/** Keeps one peer's entry and watches the others'. */
export class LocalDiscovery {
  readonly #options: LocalOptions
  readonly #proposed = new Map<string, string>()
  readonly #entries: Entries
  /** As they were when last looked at. */
  #known: readonly Found[] | undefined
  #addresses: readonly string[] = []
  #watcher: FSWatcher | undefined
  #looking: NodeJS.Timeout | undefined
  #soon: NodeJS.Immediate | undefined
  #since_again_ms = 0
  #closed = false

  constructor(options: LocalOptions) {
    this.#options = options
    this.#entries = new Entries(options.folder)
  }

  /** Writes the entry, without addresses yet: a newcomer may ask this peer for a certificate. */
  announce(): void {
    this.update([])
  }

  /** Writes the entry anew with the addresses under which this peer can be dialled. */
  update(addresses: readonly string[]): void {
    if (this.#closed) return
    this.#addresses = addresses
    const { folder, entry, mark } = this.#options
    writeEntry(folder, { ...entry, addresses, pid: process.pid }, mark)
  }

  /** Starts looking for others. */
  start(): void {
    const { folder } = this.#options
    try {
      this.#watcher = watch(folder, { persistent: false }, () => this.#lookSoon())
      this.#watcher.on('error', () => { this.#watcher = undefined })
    } catch { /* no watches left: the looks by time are enough */ }
    this.#look()
    this.#sweep().catch(() => {})
  }

  /** Removes the entry and stops looking. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#watcher?.close()
    clearTimeout(this.#looking)
    clearImmediate(this.#soon)
    const { folder, entry } = this.#options
    removeEntry(folder, entry.circuit, entry.peer)
  }

  /** Many files change at once when a peer starts: they are read once. */
  #lookSoon(): void {
    this.#soon ??= setImmediate(() => {
      this.#soon = undefined
      this.#entries.forget()
      this.#look()
    })
  }

  #look(): void {
    if (this.#closed) return
    clearTimeout(this.#looking)
    const wait_ms = this.#watcher === undefined ? LOOK_MS : AGAIN_MS
    this.#looking = setTimeout(() => {
      this.#since_again_ms += wait_ms
      if (this.#since_again_ms >= AGAIN_MS) {
        this.#since_again_ms = 0
        this.#proposed.clear()
      }
      this.#look()
    }, wait_ms).unref()
    if (this.#watcher === undefined) this.#entries.forget()
    const before = this.#known
    const entries = this.#known = this.#read()
    if (entries === undefined || entries !== before) this.#keepEntry()
    for (const entry of this.#others(entries ?? [])) {
      const text = entry.addresses.join(' ')
      if (text === '' || this.#proposed.get(entry.peer) === text) continue
      this.#proposed.set(entry.peer, text)
      if (entryLives(entry)) this.#options.found(entry.peer, entry.addresses)
    }
  }

  /** Folders for temporary files are swept by the system; a peer that runs stays listed. */
  #keepEntry(): void {
    const { folder, entry } = this.#options
    try {
      if (!hasEntry(folder, entry.circuit, entry.peer)) this.update(this.#addresses)
    } catch { /* the folder is gone as well: who runs finds each other by other means */ }
  }

  #read(): readonly Found[] | undefined {
    try {
      return this.#entries.read()
    } catch {
      return undefined // the folder was removed under us
    }
  }

  #others(entries: readonly Found[]): Found[] {
    const { entry } = this.#options
    return entries.filter(({ circuit, peer }) => circuit === entry.circuit && peer !== entry.peer)
  }

  /** Takes away what killed peers left. */
  async #sweep(): Promise<void> {
    for (const entry of readEntries(this.#options.folder)) {
      if (entryLives(entry)) continue
      // The process may run where its number is not seen from here; its socket is.
      const answer = await askCertify(entry.socket, new Uint8Array(0))
      if (answer !== undefined) continue
      removeEntry(this.#options.folder, entry.circuit, entry.peer)
    }
  }
}
