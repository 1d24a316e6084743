/**
 * How a peer comes by its certificate chain.
 *
 * Lives here: using a ticket, asking a peer of the same user, founding a circuit, in this order.
 * Does not live here: certificates and tickets (bindings/js), the files (state), answering others
 * (membership).
 *
 * Invariants: a chain that is valid is left as it is; one circuit of a name is founded at a time on
 * a machine; a ticket's key is used once, here, and kept nowhere; what is replaced is set aside.
 *
 * spec: spec/joining.md
 */
import { CHAIN_REASONS, verifyChain } from '../js/certificate.ts'
import { Refusal, refusal } from '../js/errors.ts'
import { admit, readTicket, useTicket, type Ticket } from '../js/ticket.ts'
import { byPeer, type Place } from './addresses.ts'
import { askCertify, chainIn, requestBytes } from './certify.ts'
import type { Drive } from './drive.ts'
import { foundingTurn, readEntries } from './run-folder.ts'
import type { State } from './state.ts'

export interface NewcomerOptions {
  /** The circuit's name on this machine. */
  readonly circuit_name: string
  readonly tickets: readonly string[]
  /** The run directory; undefined when this peer keeps away from it. */
  readonly run_folder: string | undefined
  /** Sets this writer's files apart from others'. */
  readonly mark: string
  readonly drive: Drive
  /** Asks a peer over the network; rejects when it is not reached. */
  ask(peer: string, addresses: readonly string[], request: Uint8Array): Promise<Uint8Array>
  /** Called once the chain is there, while nobody else on this machine founds the circuit. */
  settled(): Promise<void>
}

/**
 * Sees to it that the state has a valid chain.
 *
 * @returns whom the tickets name.
 * @throws refusal BAD_TICKET, TICKET_EXPIRED, TICKET_USED; BAD_CERTIFICATE when the chain that is
 * there is not valid and nobody gives another; NOT_PERMITTED when a circuit of that name runs on
 * this machine and none of its peers may pass on; STATE_IN_USE.
 */
export async function comeIn(state: State, options: NewcomerOptions): Promise<Place[]> {
  const tickets: Ticket[] = []
  // Read as of 1970: an expired ticket still names a circuit that this peer may be in already.
  for (const text of options.tickets) tickets.push(await readTicket(text, 0))
  const reason = await reasonAgainst(state, options.drive)
  const inviters = tickets.flatMap(({ addresses }) => byPeer(addresses))
  if (tickets.length > 0 && !await suffices(state, tickets, reason, options.drive)) {
    await useOne(state, tickets, options)
  } else if (reason !== undefined) {
    if (state.circuit_signer !== undefined) await certifySelf(state)
    else return await comeInLocally(state, options, reason).then(() => inviters)
  }
  await options.settled()
  return inviters
}

/** Why the chain that is there is not valid, if it is not. */
async function reasonAgainst(state: State, drive: Drive): Promise<string | undefined> {
  const { chain, circuit, key } = state
  const shown = chain ?? new Uint8Array(0)
  const verdict = await verifyChain(circuit ?? '', shown, key.signer.id, drive.now())
  return verdict.valid ? undefined : CHAIN_REASONS[verdict.reason]
}

/** True when a ticket would give nothing that the peer does not have. */
async function suffices(
  state: State, tickets: Ticket[], reason: string | undefined, drive: Drive
): Promise<boolean> {
  const { circuit, circuit_signer, chain, key } = state
  if (reason !== undefined || !tickets.some((ticket) => ticket.circuit === circuit)) return false
  if (circuit_signer !== undefined) return true
  const verdict = await verifyChain(circuit!, chain!, key.signer.id, drive.now())
  const rights = verdict.valid ? verdict.standing.claims.rights : 0
  return tickets.filter((ticket) => ticket.circuit === circuit)
    .every(({ gives }) => (gives.rights & ~rights) === 0)
}

/** Uses the first ticket that has not expired. */
async function useOne(state: State, tickets: Ticket[], options: NewcomerOptions): Promise<void> {
  const now = options.drive.now()
  const ticket = tickets.find(({ gives }) => gives.expires_s * 1000 > now)
  if (ticket === undefined) throw refusal('TICKET_EXPIRED')
  const { id } = state.key.signer
  const chain = await useTicket(ticket, id)
  const lasting = await exchanged(ticket, id, chain, options)
  if (state.circuit !== undefined && state.circuit !== ticket.circuit) state.setCircuitAside()
  state.keepChain(lasting ?? chain)
}

/**
 * Asks the ticket's maker for a chain that lasts, and finds out if the ticket was used before.
 *
 * @returns undefined when the maker is not reached: the ticket's own chain will do until then.
 */
async function exchanged(
  ticket: Ticket, id: string, chain: Uint8Array, options: NewcomerOptions
): Promise<Uint8Array | undefined> {
  for (const { peer, addresses } of byPeer(ticket.addresses)) {
    let answer: Uint8Array
    try {
      answer = await options.ask(peer, addresses, requestBytes({ peer: id, chain }))
    } catch {
      continue // not there, or not any more: a ticket needs nobody
    }
    try {
      const lasting = chainIn(answer)
      const verdict = await verifyChain(ticket.circuit, lasting, id, options.drive.now())
      if (verdict.valid) return lasting
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== 'NOT_PERMITTED') throw error
    }
  }
  return undefined
}

/** Asks this user's peers on this machine, and founds the circuit when none of them runs. */
async function comeInLocally(
  state: State, options: NewcomerOptions, reason: string
): Promise<void> {
  const { run_folder, circuit_name, mark, drive } = options
  if (run_folder === undefined) {
    await found(state, reason)
    return await options.settled()
  }
  const turn = await foundingTurn(run_folder, circuit_name, mark, () => drive.now())
  try {
    if (!await certifiedLocally(state, options)) await found(state, reason)
    await options.settled()
  } finally {
    turn.release()
  }
}

async function certifiedLocally(state: State, options: NewcomerOptions): Promise<boolean> {
  const { run_folder, circuit_name, drive } = options
  const { id } = state.key.signer
  const fits = state.circuit === undefined
    ? (entry: { circuit_name: string }) => entry.circuit_name === circuit_name
    : (entry: { circuit: string }) => entry.circuit === state.circuit
  const request = requestBytes({ peer: id, chain: new Uint8Array(0) })
  let refused: unknown
  for (const entry of readEntries(run_folder!).filter(fits)) {
    const answer = await askCertify(entry.socket, request)
    if (answer === undefined) continue // it was killed
    try {
      const chain = chainIn(answer)
      const verdict = await verifyChain(entry.circuit, chain, id, drive.now())
      if (!verdict.valid) throw refusal('BAD_CERTIFICATE', CHAIN_REASONS[verdict.reason])
      state.keepChain(chain)
      return true
    } catch (error) {
      refused = error
    }
  }
  if (refused !== undefined) throw refused
  return false
}

/** Makes a circuit's key, unless there is a circuit whose chain is no longer good. */
async function found(state: State, reason: string): Promise<void> {
  if (state.circuit !== undefined) throw refusal('BAD_CERTIFICATE', reason)
  await state.makeCircuit()
  await certifySelf(state)
}

async function certifySelf(state: State): Promise<void> {
  const signer = state.circuit_signer!
  const root = { signer, circuit: signer.id, chain: new Uint8Array(0), claims: undefined }
  state.keepChain(await admit(root, state.key.signer.id))
}
