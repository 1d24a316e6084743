/**
 * Tickets: one line of text that admits one newcomer, and the memory of who used which.
 *
 * Lives here: making, reading and using a ticket, exchanging what it gave for a lasting
 * certificate, remembering uses. Does not live here: certificates themselves (certificate), where
 * uses are kept (bindings/node/state), the path on which the exchange travels
 * (bindings/node/certify), random bytes and the time (handed in).
 *
 * A ticket holds addresses, a chain and the seed of a fresh key at that chain's end, marked *once*.
 * The newcomer signs a certificate for its own key with it and forgets the seed: that needs nobody
 * else. Such a chain ends when the ticket does; until then any member that may pass on gives a
 * lasting one in exchange, which names the ticket, so that whoever sees it knows of the use.
 *
 * Invariants: a ticket gives no more than its maker has; one ticket has one user in a memory; a
 * full memory admits nobody new instead of forgetting a use.
 *
 * spec: spec/certificate.md
 */
import {
  certify, earlier, lastClaims, verifyChain, within, type Claims, type Grant, type Standing
} from './certificate.ts'
import { NotPlain, decodePlain, encodePlain, type Plain } from './cose.ts'
import { refusal } from './errors.ts'
import { base64url, fromBase64url, idOfKey, keyOfId, signerOf, type Signer } from './identity.ts'
import {
  ADDRESS_BYTES_MAX, CERTIFICATES_MAX, RIGHT_ADMIN, TICKET_ADDRESSES_MAX, TICKET_BYTES_MAX,
  TICKET_MS_MAX, TICKET_USES_MAX
} from './tables.ts'

/** A ticket that was read, whole and in time. */
export interface Ticket {
  /** The circuit's public key as a peer id. */
  readonly circuit: string
  /** Where the inviter can be reached, each with its peer id at the end. */
  readonly addresses: readonly string[]
  readonly chain: Uint8Array
  /** The ticket's own key. */
  readonly signer: Signer
  /** What a newcomer gets. */
  readonly gives: Pick<Claims, 'rights' | 'prefix' | 'expires_s' | 'pass'>
}

/** Who certifies: a key, the circuit, and the chain down to that key; empty for the circuit's. */
export interface Issuer {
  readonly signer: Signer
  readonly circuit: string
  readonly chain: Uint8Array
  /** What the issuer has; undefined for the circuit's own key, which has everything. */
  readonly claims: Claims | undefined
}

export interface Invitation {
  readonly addresses: readonly string[]
  /** Bits: right.* of the tables. */
  readonly rights: number
  /** '' is everywhere the inviter may go. */
  readonly prefix?: string
  /** Milliseconds from now. */
  readonly lasting_ms: number
  /** 32 fresh random bytes. */
  readonly seed: Uint8Array
  /** Milliseconds since 1970. */
  readonly now: number
}

const HEAD = 'circuit-'
const VERSION = 1
const CHECK_BYTES = 4

/**
 * Makes a ticket.
 *
 * @returns one word of letters, digits, `-` and `_`, that anybody who reads it can use once.
 * @throws refusal NOT_PERMITTED when the issuer may not pass on, or not that much; BAD_ARGUMENT
 * when it would last not at all or too long.
 */
export async function makeTicket(issuer: Issuer, invitation: Invitation): Promise<string> {
  const { rights, now, lasting_ms, prefix = '' } = invitation
  const own = issuer.claims
  // A newcomer that is given admin may invite in its turn; the ticket's own key takes one step.
  const pass = (rights & RIGHT_ADMIN) !== 0 ? passOf(issuer) : 1
  if (passOf(issuer) < 1 || pass < 1) throw refusal('NOT_PERMITTED', 'invite')
  if (own !== undefined && (rights & ~own.rights) !== 0) throw refusal('NOT_PERMITTED', 'invite')
  if (own !== undefined && prefix !== '' && !within(prefix, own.prefix)) {
    throw refusal('NOT_PERMITTED', prefix)
  }
  if (!(lasting_ms >= 1000 && lasting_ms <= TICKET_MS_MAX)) {
    throw refusal('BAD_ARGUMENT', 'a ticket lasts from one second to 30 days')
  }
  const signer = await signerOf(invitation.seed)
  const expires_s = earlier(Math.floor((now + lasting_ms) / 1000), own?.expires_s ?? 0)
  const chain = await certify(issuer.signer, issuer.circuit, issuer.chain, {
    subject: signer.id, rights, prefix: prefix || (own?.prefix ?? ''), expires_s, pass, once: true
  })
  const addresses = invitation.addresses
    .filter((address) => address.length <= ADDRESS_BYTES_MAX).slice(0, TICKET_ADDRESSES_MAX)
  const body = encodePlain([VERSION, keyOfId(issuer.circuit)!, addresses, chain, invitation.seed])
  return HEAD + base64url(Uint8Array.from([...body, ...await checkOf(body)]))
}

/**
 * Reads a ticket and checks all of it that can be checked alone.
 *
 * @param text any text; white space around it is left out.
 * @param now milliseconds since 1970.
 * @throws refusal BAD_TICKET when it is not whole or not valid, TICKET_EXPIRED.
 */
export async function readTicket(text: string, now: number): Promise<Ticket> {
  const item = await itemIn(text.trim())
  if (!Array.isArray(item) || item.length !== 5 || item[0] !== VERSION) throw refusal('BAD_TICKET')
  const [, key, addresses, chain, seed] = item
  if (!(key instanceof Uint8Array) || key.length !== 32) throw refusal('BAD_TICKET')
  if (!(chain instanceof Uint8Array) || !(seed instanceof Uint8Array)) throw refusal('BAD_TICKET')
  if (!Array.isArray(addresses) || !addresses.every(isAddress)) throw refusal('BAD_TICKET')
  if (seed.length !== 32 || addresses.length > TICKET_ADDRESSES_MAX) throw refusal('BAD_TICKET')
  const circuit = idOfKey(key)
  const signer = await signerOf(seed)
  seed.fill(0)
  // A trial: the certificate that a newcomer would make shows whether the chain bears one.
  const trial = await useTicket({ circuit, chain, signer }, circuit)
  const verdict = await verifyChain(circuit, trial, circuit, now)
  if (!verdict.valid) {
    throw refusal(verdict.reason === 'expired' ? 'TICKET_EXPIRED' : 'BAD_TICKET')
  }
  if (!verdict.standing.provisional) throw refusal('BAD_TICKET') // it would admit many
  return { circuit, addresses, chain, signer, gives: verdict.standing.claims }
}

/**
 * Certifies a newcomer with a ticket's key.
 *
 * @param newcomer its peer id.
 * @param wanted narrows what the ticket gives; wider than that is refused by every member.
 * @returns the newcomer's chain, good until the ticket expires.
 */
export async function useTicket(
  ticket: Pick<Ticket, 'circuit' | 'chain' | 'signer'>, newcomer: string,
  wanted: Partial<Grant> = {}
): Promise<Uint8Array> {
  const given = lastClaims(ticket.chain)
  if (given === undefined) throw refusal('BAD_TICKET')
  return await certify(ticket.signer, ticket.circuit, ticket.chain, {
    subject: newcomer, rights: given.rights, prefix: given.prefix, expires_s: given.expires_s,
    pass: given.pass - 1, ...wanted
  })
}

/**
 * Gives a member whose chain ends with a ticket a lasting one instead.
 *
 * @param issuer who answers.
 * @param standing of the chain that the peer showed, valid, and its ticket's use remembered.
 * @returns a chain with the same rights that lasts as long as the issuer's own.
 * @throws refusal NOT_PERMITTED when the issuer may not pass on, or not all of that: the peer asks
 * another then.
 */
export async function exchange(issuer: Issuer, standing: Standing): Promise<Uint8Array> {
  const { claims } = standing
  const own = issuer.claims
  if (own !== undefined) {
    const given = (claims.rights & ~own.rights) === 0 && within(claims.prefix, own.prefix)
    if (!given) throw refusal('NOT_PERMITTED', 'certify')
  }
  const use = standing.uses.find(({ subject }) => subject === claims.subject)
  return await admit(issuer, claims.subject, {
    rights: claims.rights, prefix: claims.prefix, pass: claims.pass,
    ticket: use && { ticket: use.ticket, expires_s: use.expires_s }
  })
}

/**
 * Certifies a peer as far as the issuer can.
 *
 * @param wanted what it should have; everything when left out. It gets no more than the issuer has.
 * @throws refusal NOT_PERMITTED when the issuer may not pass on, or has nothing of it.
 */
export async function admit(
  issuer: Issuer, peer: string, wanted: Partial<Grant> = {}
): Promise<Uint8Array> {
  const own = issuer.claims
  const most = passOf(issuer)
  if (most < 0) throw refusal('NOT_PERMITTED', 'certify')
  const prefix = narrower(wanted.prefix ?? '', own?.prefix ?? '')
  if (prefix === undefined) throw refusal('NOT_PERMITTED', 'certify')
  const { rights = 0xffff_ffff, ticket } = wanted
  return await certify(issuer.signer, issuer.circuit, issuer.chain, {
    subject: peer, prefix, ticket,
    rights: (rights & (own?.rights ?? 0xffff_ffff)) >>> 0,
    expires_s: own?.expires_s ?? 0,
    pass: Math.min(wanted.pass ?? most, most)
  })
}

/** Who used which ticket, as long as the tickets last. */
export class TicketUses {
  readonly #uses = new Map<string, { subject: string, expires_s: number }>()

  /** Takes what was kept in an earlier run. */
  constructor(kept: Iterable<TicketUse> = []) {
    for (const { ticket, subject, expires_s } of kept) {
      this.#uses.set(ticket, { subject, expires_s })
    }
  }

  /**
   * Learns the uses that a valid chain tells of, all of them or none.
   *
   * @param now milliseconds since 1970; what has expired by then is forgotten.
   * @returns `used` when one of the tickets is known with another user; `full` when there is no
   * room to remember; `new` when something was learnt, `known` when nothing.
   */
  learn(uses: readonly TicketUse[], now: number): 'new' | 'known' | 'used' | 'full' {
    for (const [ticket, { expires_s }] of this.#uses) {
      if (expires_s * 1000 <= now) this.#uses.delete(ticket)
    }
    const living = uses.filter(({ expires_s }) => expires_s * 1000 > now)
    for (const { ticket, subject } of living) {
      const known = this.#uses.get(ticket)
      if (known !== undefined && known.subject !== subject) return 'used'
    }
    const fresh = living.filter(({ ticket }) => !this.#uses.has(ticket))
    if (fresh.length === 0) return 'known'
    if (this.#uses.size + fresh.length > TICKET_USES_MAX) return 'full'
    const last_s = Math.ceil((now + TICKET_MS_MAX) / 1000)
    for (const { ticket, subject, expires_s } of fresh) {
      this.#uses.set(ticket, { subject, expires_s: Math.min(expires_s, last_s) })
    }
    return 'new'
  }

  /** What is remembered now. */
  kept(): TicketUse[] {
    return [...this.#uses].map(([ticket, use]) => ({ ticket, ...use }))
  }
}

export interface TicketUse {
  readonly ticket: string
  readonly subject: string
  readonly expires_s: number
}

/** How many certificates may follow one that this issuer makes. */
function passOf(issuer: Issuer): number {
  return (issuer.claims?.pass ?? CERTIFICATES_MAX) - 1
}

function narrower(one: string, other: string): string | undefined {
  if (within(one, other)) return one
  return within(other, one) ? other : undefined
}

function isAddress(item: Plain): item is string {
  return typeof item === 'string' && item.length <= ADDRESS_BYTES_MAX
}

async function itemIn(text: string): Promise<Plain> {
  if (!text.startsWith(HEAD) || text.length > TICKET_BYTES_MAX) throw refusal('BAD_TICKET')
  const bytes = fromBase64url(text.slice(HEAD.length))
  if (bytes === undefined || bytes.length <= CHECK_BYTES) throw refusal('BAD_TICKET')
  const body = bytes.subarray(0, -CHECK_BYTES)
  const check = await checkOf(body)
  if (!check.every((byte, at) => bytes[body.length + at] === byte)) throw refusal('BAD_TICKET')
  try {
    return decodePlain(body)
  } catch (error) {
    if (error instanceof NotPlain) throw refusal('BAD_TICKET')
    throw error
  }
}

/** A slip of the copying hand is told from a ticket that nobody signed. */
async function checkOf(body: Uint8Array): Promise<Uint8Array> {
  const digest = await globalThis.crypto.subtle.digest('SHA-256', new Uint8Array(body))
  return new Uint8Array(digest).subarray(0, CHECK_BYTES)
}
