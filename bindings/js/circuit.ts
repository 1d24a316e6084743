/**
 * A circuit as a program sees it: one peer of it, its tree, its members.
 *
 * Lives here: createCircuit and the calls of Circuit. Does not live here: keys, discovery and state
 * (bindings/node, bindings/browser), the core's orders (host), how calls reach the core (drive).
 *
 * Invariant: a call with wrong arguments is refused and changes nothing.
 */
import { Channel } from './channel.ts'
import { checkCapacity, checkOptions, checkPath, checkText, refuse } from './check.ts'
import type { WaitOptions } from './check.ts'
import { Refusal } from './errors.ts'
import { Host } from './host.ts'
import type { MemberEvent, Peer } from './member.ts'
import { checkCircuitOptions, checkInvite } from './options.ts'
import type { CircuitOptions, InviteOptions } from './options.ts'
import { checkCommand, PARTS, Process, StartRequest } from './process.ts'
import type { Command } from './process.ts'
import type { Stat } from './stat.ts'
import {
  CHAIN_BYTES_MAX, IN_START, IN_START_PATH_BYTES, IN_START_PAYLOAD, IN_START_PAYLOAD_BYTES,
  IN_START_WORDS, MEMBER_EVENTS_MAX, PEER_ID_BYTES_MAX
} from './tables.ts'
import { askAbout, listAt, makeAt, makeHere, openAt, scrubAt, statAt } from './tree.ts'
import type { Entry } from './tree.ts'
import { encode } from './values.ts'

export type { Admission } from './certificate.ts'
export type { MemberEvent, Peer } from './member.ts'
export type { CircuitOptions, InviteOptions, Limits, Right } from './options.ts'
export type { Command, Exit, ProcessOrder, Processes } from './process.ts'

/**
 * Makes this peer of a circuit: starts its transports, then its core.
 *
 * Rejects with BAD_ARGUMENT, or with what a transport's start says; then nothing runs.
 */
export async function createCircuit(options: CircuitOptions): Promise<Circuit> {
  checkCircuitOptions(options)
  const host = new Host(options)
  await host.begin()
  return new Circuit(host)
}

/**
 * One peer of a circuit. Made by `join` (or by a host's `createCircuit`).
 *
 * @example
 * await using circuit = await join({ name: 'alice', transports: [] })
 * const jobs = await circuit.make<number>('jobs', { capacity: 64 })
 * await jobs.send(1)
 */
export class Circuit {
  readonly #host: Host

  /** For the binding; programs use `join`. */
  constructor(host: Host) {
    this.#host = host
  }

  /** This peer. */
  get self(): Peer { return this.#host.self }

  /** Everyone who is here, this peer among them. */
  peers(): Peer[] { return this.#host.members.list() }

  /**
   * Makes a channel at a path: `jobs` is here, `/bob/jobs` at bob.
   *
   * Refusals: ANCHOR_TAKEN, BAD_PATH, NO_SUCH_PEER, AMBIGUOUS_NAME, NOT_PERMITTED, TOO_MANY. A Loss
   * says if it is known that nothing was made.
   *
   * @example
   * const jobs = await circuit.make<string>('jobs', { capacity: 64 })
   */
  async make<T = unknown>(
    path: string, options?: WaitOptions & { capacity?: number }
  ): Promise<Channel<T>> {
    checkOptions(options)
    checkPath(path)
    return makeAt<T>(this.#host.drive, path, checkCapacity(options?.capacity), 0, options)
  }

  /**
   * Opens the channel at a path. Refusals: NO_SUCH_ANCHOR, WRONG_KIND, NO_SUCH_PEER, NOT_PERMITTED.
   *
   * @example
   * const same = await circuit.open<string>('/alice/jobs')
   */
  async open<T = unknown>(path: string, options?: WaitOptions): Promise<Channel<T>> {
    checkPath(path)
    const opened = await openAt<T>(this.#host.drive, path, options)
    if (opened.kind === 'channel') return opened.channel
    throw new Refusal('WRONG_KIND', path)
  }

  /**
   * Makes a channel without a name, owned here; it may be sent inside a message.
   *
   * @example
   * const reply = circuit.channel<number>({ capacity: 1 })
   * await jobs.send({ question: 'how many', reply })
   */
  channel<T = unknown>(options?: { capacity?: number }): Channel<T> {
    checkOptions(options)
    const { drive } = this.#host
    return new Channel<T>(drive, makeHere(drive, checkCapacity(options?.capacity)))
  }

  /**
   * Starts a process at a path; resolves once it runs.
   *
   * Refusals: PROGRAM_NOT_FOUND, CANNOT_START, NO_PROCESSES, NOT_PERMITTED, ANCHOR_TAKEN.
   */
  async start(path: string, command: Command, options?: WaitOptions): Promise<Process> {
    checkPath(path)
    checkOptions(options)
    const packed = encode(checkCommand(command), [], this.#host.drive)
    const drive = this.#host.drive
    await askAbout(drive, {
      kind: IN_START,
      words: IN_START_WORDS,
      pathBytesAt: IN_START_PATH_BYTES,
      fill(words, at) {
        words[at + IN_START_PAYLOAD] = drive.payloads.put(packed)
        words[at + IN_START_PAYLOAD_BYTES] = packed.length
      }
    }, path, new StartRequest(path, command.path), options)
    return this.#attach(path, options)
  }

  /**
   * The process at a path, as `start` gave it. Refusals: NO_SUCH_ANCHOR, WRONG_KIND, NOT_PERMITTED.
   */
  async attach(path: string, options?: WaitOptions): Promise<Process> {
    checkPath(path)
    const opened = await openAt(this.#host.drive, path, options)
    if (opened.kind === 'process') return this.#attach(path, options)
    if (opened.kind === 'channel') opened.channel[Symbol.dispose]()
    throw new Refusal('WRONG_KIND', path)
  }

  /**
   * What stands below a path; `/` lists the peers, `/...` everything.
   *
   * @example
   * for await (const { path, kind } of circuit.list('/...')) console.log(path, kind)
   */
  async *list(path = '/', options?: WaitOptions): AsyncGenerator<Entry, void, undefined> {
    if (path !== '') checkPath(path)
    yield* await listAt(this.#host.drive, path, options)
  }

  /** What stands at a path is like now. Refusals: NO_SUCH_ANCHOR, NOT_PERMITTED. */
  async stat(path: string, options?: WaitOptions): Promise<Stat> {
    checkPath(path)
    return statAt(this.#host.drive, path, options)
  }

  /** Removes the channel or ends the process at a path. Refusals: NO_SUCH_ANCHOR, NOT_PERMITTED. */
  async scrub(path: string, options?: WaitOptions): Promise<void> {
    checkPath(path)
    return scrubAt(this.#host.drive, path, options)
  }

  /**
   * A channel of `joined` and `left` events that first tells who is here, this peer among them.
   * Disposing it, or leaving a loop over it, ends it.
   *
   * @example
   * for await (const { event, peer } of circuit.members()) {
   *   console.log(event, peer.name)
   *   if (event === 'left') break
   * }
   */
  members(): Channel<MemberEvent> {
    return this.#host.members.subscribe(makeHere(this.#host.drive, MEMBER_EVENTS_MAX))
  }

  /** A ticket that admits one peer. `expires`: milliseconds from now. Refusal NOT_PERMITTED. */
  async invite(options: InviteOptions = {}): Promise<string> {
    checkInvite(options)
    this.#host.drive.check()
    const host = this.#host.options
    if (host.invite === undefined) throw new Refusal('NOT_PERMITTED', 'invite')
    return host.invite(options)
  }

  /** Discovery proposes a peer. */
  found(peer: string, addresses: string[]): void {
    const id = checkText(peer, 'the peer', PEER_ID_BYTES_MAX)
    if (id.length === 0) refuse('the peer must not be empty')
    if (!Array.isArray(addresses) || !addresses.every((one) => typeof one === 'string')) {
      refuse('addresses must be a list of strings')
    }
    this.#host.found(peer, addresses)
  }

  /** For the binding: this peer has another certificate chain, which links show from now on. */
  certified(chain: Uint8Array): void {
    if (!(chain instanceof Uint8Array) || chain.length > CHAIN_BYTES_MAX) {
      refuse(`chain must be at most ${CHAIN_BYTES_MAX} bytes`)
    }
    this.#host.certified(chain)
  }

  /**
   * Leaves the circuit: its processes end, every peer is told, pending calls are refused with
   * LEAVING. Called twice it is the same leaving.
   */
  leave(): Promise<void> {
    return this.#host.leave()
  }

  /** Leaves. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.leave()
  }

  async #attach(path: string, options?: WaitOptions): Promise<Process> {
    const opened = await Promise.all(PARTS.map((part) => this.open(`${path}/${part}`, options)))
    return new Process(this.#host.drive, path, opened)
  }
}
