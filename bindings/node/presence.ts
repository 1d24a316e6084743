/**
 * Being found, and finding: all of a peer's discovery from its start to its end.
 *
 * Lives here: which ways are open, and telling them when addresses change. Does not live here: each
 * way itself (discovery-local, mdns, membership's answers), what the core makes of a proposal.
 *
 * Invariants: discovery only proposes, and a way that fails costs itself only; after close nothing
 * of it runs and the run directory has nothing of this peer.
 */
import type { Server } from 'node:net'
import { KNOWN_ADDRESSES_MAX } from '../js/tables.ts'
import { serveCertify } from './certify.ts'
import { LocalDiscovery } from './discovery-local.ts'
import type { Drive } from './drive.ts'
import type { Mdns } from './mdns.ts'
import type { Membership } from './membership.ts'
import { certifySocket, readEntries, removeEntry } from './run-folder.ts'

export interface PresenceOptions {
  readonly peer: string
  readonly circuit_name: string
  readonly run_folder: string | undefined
  readonly mdns: boolean
  readonly mark: string
  readonly drive: Drive
}

/** What presence needs of a running circuit. */
export interface Finder {
  readonly self: { readonly addresses: readonly string[] }
  found(peer: string, addresses: string[]): void
}

const INSTANCE_BYTES = 16

/** A peer's discovery, from `open` over `start` to `close`. */
export class Presence {
  readonly #options: PresenceOptions
  #local: LocalDiscovery | undefined
  #mdns: Mdns | undefined
  #server: Server | undefined
  #membership: Membership | undefined
  #finder: Finder | undefined
  #addresses: readonly string[] = []
  #speaking: Promise<void> | undefined
  #closed: Promise<void> | undefined
  readonly #atExit = () => this.#removeEntry()

  constructor(options: PresenceOptions) {
    this.#options = options
  }

  /** Shows this peer in the run directory, before it has addresses, and answers there. */
  async open(membership: Membership, name: string): Promise<void> {
    const { run_folder: folder, peer, circuit_name, mark } = this.#options
    this.#membership = membership
    if (folder === undefined) return
    process.once('exit', this.#atExit)
    const { circuit } = membership
    try {
      const path = certifySocket(folder, circuit, peer)
      this.#server = await serveCertify(path, (request) => membership.answer(request))
      this.#server.unref()
    } catch { /* too long a path: newcomers ask another peer, or use a ticket */ }
    this.#local = new LocalDiscovery({
      folder, mark, entry: { peer, circuit, circuit_name, name },
      found: (id, addresses) => this.#finder?.found(id, [...addresses])
    })
    this.#local.announce()
  }

  /** Proposes whoever is found to a running circuit, and tells others where it listens. */
  start(finder: Finder): void {
    this.#finder = finder
    this.tell()
    this.#local?.start()
    if (this.#options.mdns) this.#speaking = this.#speak()
  }

  /** Tells where this peer listens now, if that changed. */
  tell(): void {
    const addresses = (this.#finder?.self.addresses ?? []).slice(0, KNOWN_ADDRESSES_MAX)
    if (addresses.join() === this.#addresses.join()) return
    this.#addresses = addresses
    this.#mdns?.announce()
    try {
      this.#local?.update(addresses)
    } catch { /* the run directory is gone; looking goes on, and so does mDNS */ }
  }

  /** Says goodbye in every way. Called twice it is the same closing. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#finder = undefined
    process.off('exit', this.#atExit)
    this.#local?.close()
    this.#server?.close()
    this.#removeEntry()
    await this.#speaking
    await this.#mdns?.close()
  }

  async #speak(): Promise<void> {
    const { peer, drive } = this.#options
    const { Mdns } = await import('./mdns.ts')
    const instance = Buffer.from(drive.random(INSTANCE_BYTES)).toString('hex')
    const mdns = new Mdns({
      circuit: this.#membership!.circuit, peer, instance,
      addresses: () => this.#addresses,
      found: (id, addresses) => this.#finder?.found(id, addresses)
    })
    try {
      await mdns.start()
      this.#mdns = mdns
      if (this.#closed !== undefined) await mdns.close()
    } catch { /* port 5353 is somebody's alone, or no network is up: the other ways are open */ }
  }

  #removeEntry(): void {
    const { run_folder: folder, peer } = this.#options
    const circuit = this.#membership?.circuit
    if (folder !== undefined && circuit !== undefined) removeEntry(folder, circuit, peer)
  }
}

/**
 * A name for a peer that was given none: the machine's, with a number behind it while a peer of
 * that name runs in the same circuit on this machine.
 */
export function nameFor(host: string, circuit: string, folder: string | undefined): string {
  const [label = ''] = host.split('.')
  const fit = label.replace(/[^\w-]/g, '').slice(0, 40) || 'peer'
  const taken = new Set((folder === undefined ? [] : readEntries(folder))
    .filter((entry) => entry.circuit === circuit).map(({ name }) => name))
  for (let number = 1; ; number++) {
    const name = number === 1 ? fit : `${fit}-${number}`
    if (!taken.has(name)) return name
  }
}
