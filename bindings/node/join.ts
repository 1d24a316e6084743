/**
 * Joining a circuit under Node: keys, certificates, transports, discovery and the core, wired.
 *
 * Lives here: the order of all that, and its undoing when a step fails. Does not live here: each
 * step (state, newcomer, membership, presence, transports), the calls of a circuit (bindings/js).
 *
 * Invariants: when join rejects, nothing of it runs and the folder is free; the state folder is
 * held until the circuit has been left.
 */
import { createServer } from 'node:net'
import { hostname } from 'node:os'
import { Circuit, createCircuit, type Peer } from '../js/circuit.ts'
import { refusal } from '../js/errors.ts'
import { signerOf } from '../js/identity.ts'
import { ERROR_CANNOT_LISTEN, KNOWN_DIALLED_MAX } from '../js/tables.ts'
import type { Libp2pTransport } from '../../transports/libp2p.ts'
import type { Transport } from '../../transports/transport.ts'
import { placesOf, type Place } from './addresses.ts'
import { CERTIFY_BOUNDS, CERTIFY_PROTOCOL, chainIn, requestBytes } from './certify.ts'
import { drive } from './drive.ts'
import { stateFolder } from './folder.ts'
import { checkJoin, type JoinOptions } from './join-options.ts'
import { Membership } from './membership.ts'
import { NearTransport } from './near.ts'
import { comeIn } from './newcomer.ts'
import { Presence, nameFor } from './presence.ts'
import { createProcesses } from './process.ts'
import { runFolder } from './run-folder.ts'
import { State } from './state.ts'
import { circuitWasm } from './wasm.ts'

export type { Discovery, JoinOptions } from './join-options.ts'

/**
 * Joins a circuit: the one this peer was in before, the one of a ticket, the one of that name that
 * runs on this machine, or a new one.
 *
 * It resolves when this peer runs; whoever is found joins it from then on. The circuit ends with
 * `leave`, at the end of `await using`, or when `signal` aborts.
 *
 * Refusals: BAD_ARGUMENT; STATE_IN_USE, BAD_STATE, BAD_STATE_FILE, BAD_KEY, BAD_RUN_FOLDER;
 * BAD_TICKET, TICKET_EXPIRED, TICKET_USED; BAD_CERTIFICATE, NOT_PERMITTED; CANNOT_LISTEN. Nothing
 * runs then.
 *
 * @example
 * await using circuit = await join({ name: 'alice' })
 * const jobs = await circuit.make<number>('jobs', { capacity: 64 })
 */
export async function join(options: JoinOptions = {}): Promise<Circuit> {
  checkJoin(options)
  const wasm = circuitWasm() // compiles while files are read
  wasm.catch(() => {})
  if (options.transports?.length === 0) return await alone(options, await wasm)
  const joining = new Joining(options)
  try {
    return await joining.run(wasm)
  } catch (error) {
    await joining.undo()
    throw refusalOf(error)
  }
}

/** A circuit of one: no file, no network. */
async function alone(options: JoinOptions, wasm: WebAssembly.Module): Promise<Circuit> {
  const { id } = await signerOf(drive.random(32))
  const processes = processesOf(options)
  const circuit = await createCircuit({
    wasm, id, name: options.name ?? nameFor(hostname(), id, undefined), incarnation: 1,
    chain: new Uint8Array(0), transports: [], verify: async () => undefined,
    ...options.labels && { labels: options.labels },
    ...options.limits && { limits: options.limits }, ...processes && { processes }
  })
  leaveWith(options.signal, circuit)
  return circuit
}

/** The steps of one join, each with what undoes it. */
class Joining {
  readonly #options: JoinOptions
  readonly #mark = Buffer.from(drive.random(6)).toString('hex')
  #state: State | undefined
  #membership: Membership | undefined
  #presence: Presence | undefined
  #libp2p: Libp2pTransport | undefined
  #run_folder: string | undefined
  #name = ''
  readonly #asked = new Set<string>()

  constructor(options: JoinOptions) {
    this.#options = options
  }

  async run(wasm: Promise<WebAssembly.Module>): Promise<Circuit> {
    const options = this.#options
    // A quarter of a second to load: it starts first and is waited for last.
    const libp2p = options.transports ? undefined : import('../../transports/libp2p.ts')
    libp2p?.catch(() => {})
    const folder = stateFolder(options.circuit, options.state)
    const state = this.#state = await State.open(folder, drive, options.key)
    const inviters = await this.#comeIn(state)
    options.signal?.throwIfAborted()
    const transports = options.transports ??
      [...this.#near(state), await this.#listening(state, (await libp2p)!)]
    const circuit = await this.#create(state, transports, await wasm)
    if (options.signal?.aborted) {
      await circuit.leave()
      throw options.signal.reason
    }
    this.#present(state, circuit, inviters)
    leaveWith(options.signal, circuit)
    return circuit
  }

  /** Ends what a failed join has begun. */
  async undo(): Promise<void> {
    await this.#presence?.close()
    await this.#libp2p?.stop()
    this.#state?.close()
  }

  async #comeIn(state: State): Promise<Place[]> {
    const { circuit: circuit_name = 'default', discovery = ['local', 'mdns'], tickets = [] }
      = this.#options
    const run_folder = this.#run_folder = discovery.includes('local') ? runFolder() : undefined
    const presence = this.#presence = new Presence({
      peer: state.key.signer.id, circuit_name, run_folder, mark: this.#mark, drive,
      mdns: discovery.includes('mdns')
    })
    return await comeIn(state, {
      circuit_name, tickets, run_folder, mark: this.#mark, drive,
      ask: (peer, addresses, request) => askFromOutside(state, peer, addresses, request),
      settled: async () => {
        const membership = this.#membership = await Membership.of(state, drive)
        this.#name = this.#options.name ?? nameFor(hostname(), membership.circuit, run_folder)
        await presence.open(membership, this.#name)
      }
    })
  }

  /** The road to peers of the same user here, unless it was not wanted. */
  #near(state: State): Transport[] {
    const run_folder = this.#run_folder
    if (run_folder === undefined || this.#options.unix === false) return []
    const { circuit } = this.#membership!
    const { signer } = state.key
    return [new NearTransport({ signer, circuit, run_folder, mark: this.#mark, drive })]
  }

  async #listening(
    state: State, { libp2pTransport }: typeof import('../../transports/libp2p.ts')
  ): Promise<Transport> {
    const port = state.port !== undefined && await isFree(state.port) ? state.port : 0
    const listen = this.#options.listen ?? [`/ip4/0.0.0.0/tcp/${port}`]
    const transport = this.#libp2p = await libp2pTransport({ key: state.key.seed, listen })
    await transport.serve(CERTIFY_PROTOCOL, CERTIFY_BOUNDS,
      (peer, request) => this.#membership!.answer(request, peer))
    return transport
  }

  async #create(
    state: State, transports: Transport[], wasm: WebAssembly.Module
  ): Promise<Circuit> {
    const membership = this.#membership!
    const { labels, limits } = this.#options
    const processes = processesOf(this.#options)
    const end = async () => {
      await this.#presence?.close()
      state.close()
    }
    const circuit: Circuit = await createCircuit({
      wasm, id: state.key.signer.id, name: this.#name, transports,
      incarnation: state.nextIncarnation(),
      chain: membership.chain,
      verify: (peer, chain) => membership.verify(peer, chain),
      renewed: (incarnation) => state.keepIncarnation(incarnation),
      member: (peer) => this.#met(state, circuit, peer),
      moved: () => this.#presence!.tell(),
      invite: (wanted) => {
        const { id, addresses } = circuit.self
        return membership.invite(placesOf(id, addresses), wanted)
      },
      ending: end, failed: () => { void end() },
      ...labels && { labels }, ...limits && { limits }, ...processes && { processes }
    })
    return circuit
  }

  #present(state: State, circuit: Circuit, inviters: Place[]): void {
    const { self } = circuit
    if (state.port === undefined && this.#options.listen === undefined) {
      const port = self.addresses.map((one) => /\/tcp\/(\d+)/.exec(one)?.[1]).find(Boolean)
      if (port !== undefined) state.keepPort(Number(port))
    }
    for (const { id, addresses } of state.known().slice(-KNOWN_DIALLED_MAX)) {
      circuit.found(id, [...addresses])
    }
    for (const { peer, addresses } of inviters) {
      if (peer !== self.id) circuit.found(peer, addresses)
    }
    this.#presence!.start(circuit)
  }

  /** A member was heard of: it is remembered, and may have a lasting chain for this peer. */
  #met(state: State, circuit: Circuit, { id, addresses }: Peer): void {
    if (id === state.key.signer.id) return
    state.keepPeer(id, addresses)
    if (this.#membership!.provisional) void this.#exchange(circuit, id, addresses)
  }

  async #exchange(
    circuit: Circuit, peer: string, addresses: readonly string[]
  ): Promise<void> {
    const libp2p = this.#libp2p
    const membership = this.#membership!
    if (libp2p === undefined || this.#asked.has(peer)) return
    this.#asked.add(peer)
    const request = requestBytes({ peer: libp2p.peer, chain: membership.chain })
    try {
      const answer = await libp2p.ask(peer, addresses, CERTIFY_PROTOCOL, request, CERTIFY_BOUNDS)
      if (await membership.renew(chainIn(answer))) circuit.certified(membership.chain)
    } catch { /* it may not pass on, or has gone: another member may */ }
  }
}

/** Transports know the table's numbers, and not its classes. */
function refusalOf(error: unknown): unknown {
  const { code, cause } = error as { code?: unknown, cause?: unknown }
  if (code !== ERROR_CANNOT_LISTEN) return error
  const refused = refusal('CANNOT_LISTEN', /at (.+); /.exec((error as Error).message)?.[1])
  refused.cause = cause
  return refused
}

/** Asks over a connection of its own, before this peer listens anywhere. */
async function askFromOutside(
  state: State, peer: string, addresses: readonly string[], request: Uint8Array
): Promise<Uint8Array> {
  const { libp2pTransport } = await import('../../transports/libp2p.ts')
  const transport = await libp2pTransport({ key: state.key.seed, listen: [] })
  await transport.start({ link: (link) => link.close(true) })
  try {
    return await transport.ask(peer, addresses, CERTIFY_PROTOCOL, request, CERTIFY_BOUNDS)
  } finally {
    await transport.stop()
  }
}

function processesOf(options: JoinOptions) {
  if (options.processes === false) return undefined
  return options.processes ?? createProcesses()
}

/** Leaves when the signal aborts; whoever aborted does not wait for it. */
function leaveWith(signal: AbortSignal | undefined, circuit: Circuit): void {
  signal?.addEventListener('abort', () => { circuit.leave().catch(() => {}) }, { once: true })
}

/** True when a TCP port of this machine is nobody's now. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '0.0.0.0' }, () => server.close(() => resolve(true)))
  })
}
