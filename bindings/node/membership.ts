/**
 * One peer's place in its circuit: its own chain, whom it admits, whom it may certify.
 *
 * Lives here: judging the chains that others show, with the memory of used tickets; inviting;
 * answering requests for certificates. Does not live here: what makes a chain valid
 * (bindings/js/certificate), tickets (bindings/js/ticket), where the files are (state), how a
 * newcomer gets its first chain (entry), links (core, transports).
 *
 * Invariants: nobody is admitted by a ticket whose other user is known; a use is on the disk before
 * its user is admitted; nobody is given more than this peer has.
 *
 * spec: spec/joining.md
 */
import {
  CHAIN_REASONS, verifyChain, type Admission, type Standing
} from '../js/certificate.ts'
import { refusal } from '../js/errors.ts'
import { keyOfId } from '../js/identity.ts'
import {
  CERTIFY_BYTES_MAX, RIGHT_ADMIN, RIGHT_CHANNEL, RIGHT_PROCESS, TICKET_MS
} from '../js/tables.ts'
import { admit, exchange, makeTicket, type Issuer } from '../js/ticket.ts'
import { answerBytes, readRequest, refusing, type Answer } from './certify.ts'
import type { Drive } from './drive.ts'
import type { State } from './state.ts'

export type Right = 'channel' | 'process' | 'admin'

export interface InviteOptions {
  /** What the newcomer may do; channel and process when left out. */
  rights?: Right[]
  /** Milliseconds until the ticket expires; an hour when left out. */
  expires?: number
}

const RIGHT_BITS: Record<Right, number> =
  { channel: RIGHT_CHANNEL, process: RIGHT_PROCESS, admin: RIGHT_ADMIN }

/** A peer's place in its circuit, over a state that has a valid chain. */
export class Membership {
  readonly circuit: string
  readonly #state: State
  readonly #drive: Drive
  #standing: Standing

  private constructor(state: State, drive: Drive, circuit: string, standing: Standing) {
    this.circuit = circuit
    this.#state = state
    this.#drive = drive
    this.#standing = standing
  }

  /**
   * Takes up the place that the state's chain gives.
   *
   * @throws refusal BAD_CERTIFICATE when it gives none.
   */
  static async of(state: State, drive: Drive): Promise<Membership> {
    const { circuit, chain, key } = state
    const shown = chain ?? new Uint8Array(0)
    const verdict = await verifyChain(circuit ?? '', shown, key.signer.id, drive.now())
    if (!verdict.valid) throw refusal('BAD_CERTIFICATE', CHAIN_REASONS[verdict.reason])
    const membership = new Membership(state, drive, circuit!, verdict.standing)
    membership.#learn(verdict.standing) // who comes with the same ticket is not this peer
    return membership
  }

  /** The own chain, as it is shown to others. */
  get chain(): Uint8Array {
    return this.#state.chain!
  }

  /** True while the own chain ends with the ticket that it came from. */
  get provisional(): boolean {
    return this.#standing.provisional
  }

  /**
   * Says what a peer may do that shows a chain.
   *
   * @param peer its proved peer id.
   * @returns undefined when it may nothing: the chain is not valid, or its ticket has another user.
   */
  async verify(peer: string, chain: Uint8Array): Promise<Admission | undefined> {
    try {
      const judged = await this.#judge(peer, chain)
      return 'admission' in judged ? judged.admission : undefined
    } catch {
      return undefined // a use that cannot be kept would admit a second user in the next run
    }
  }

  /**
   * Makes a ticket.
   *
   * @param addresses of this peer, each with its peer id.
   * @throws refusal NOT_PERMITTED, BAD_ARGUMENT.
   */
  async invite(addresses: readonly string[], options: InviteOptions = {}): Promise<string> {
    const { rights = ['channel', 'process'], expires = TICKET_MS } = options
    if (!Array.isArray(rights) || rights.length === 0) {
      throw refusal('BAD_ARGUMENT', 'rights must be a list of channel, process and admin')
    }
    let bits = 0
    for (const right of rights) {
      const bit = Object.hasOwn(RIGHT_BITS, right) ? RIGHT_BITS[right] : undefined
      if (bit === undefined) throw refusal('BAD_ARGUMENT', `there is no right ${String(right)}`)
      bits |= bit
    }
    if (typeof expires !== 'number') throw refusal('BAD_ARGUMENT', 'expires is in milliseconds')
    return await makeTicket(this.#issuer(), {
      addresses, rights: bits, lasting_ms: expires, seed: this.#drive.random(32),
      now: this.#drive.now()
    })
  }

  /**
   * Answers a request for a certificate.
   *
   * @param request its bytes, any at all.
   * @param proved the peer id that the path has proved; undefined when the path proves that the
   * same user asks, who gets what this peer has.
   */
  async answer(request: Uint8Array, proved?: string): Promise<Uint8Array> {
    let answer: Answer
    try {
      answer = { status: 0, chain: await this.#certify(request, proved) }
    } catch (error) {
      answer = refusing(error)
    }
    return answerBytes(answer)
  }

  /** Keeps a better chain of its own, if it is one. */
  async renew(chain: Uint8Array): Promise<boolean> {
    const { key } = this.#state
    const verdict = await verifyChain(this.circuit, chain, key.signer.id, this.#drive.now())
    if (!verdict.valid || verdict.standing.provisional) return false
    this.#state.keepChain(chain)
    this.#standing = verdict.standing
    return true
  }

  async #certify(request: Uint8Array, proved: string | undefined): Promise<Uint8Array> {
    const asked = request.length > CERTIFY_BYTES_MAX ? undefined : readRequest(request)
    if (asked === undefined || keyOfId(asked.peer) === undefined) {
      throw refusal('BAD_REQUEST', 'it is no request for a certificate')
    }
    if (proved === undefined) return await admit(this.#issuer(), asked.peer)
    if (asked.peer !== proved) throw refusal('BAD_REQUEST', 'it is about another peer')
    const judged = await this.#judge(proved, asked.chain)
    if (!('admission' in judged)) throw judged
    return judged.provisional ? await exchange(this.#issuer(), judged) : asked.chain
  }

  async #judge(peer: string, chain: Uint8Array): Promise<Standing | Error> {
    const verdict = await verifyChain(this.circuit, chain, peer, this.#drive.now())
    if (!verdict.valid) return refusal('BAD_CERTIFICATE', CHAIN_REASONS[verdict.reason])
    const learnt = this.#learn(verdict.standing)
    if (learnt === 'used') return refusal('TICKET_USED')
    if (learnt === 'full') return refusal('TOO_MANY', 'TICKET_USES_MAX')
    return verdict.standing
  }

  #learn(standing: Standing): ReturnType<State['uses']['learn']> {
    const learnt = this.#state.uses.learn(standing.uses, this.#drive.now())
    if (learnt === 'new') this.#state.keepUses()
    return learnt
  }

  #issuer(): Issuer {
    const { circuit } = this
    const { circuit_signer, key } = this.#state
    if (circuit_signer !== undefined) {
      return { signer: circuit_signer, circuit, chain: new Uint8Array(0), claims: undefined }
    }
    return { signer: key.signer, circuit, chain: this.chain, claims: this.#standing.claims }
  }
}
