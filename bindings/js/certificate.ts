/**
 * Certificates: who may act in a circuit, with which rights, until when, and may it pass that on.
 *
 * Lives here: the claims, signing one more link of a chain, judging a whole chain. Does not live
 * here: how bytes are spelled and signed (cose), tickets and who used them (ticket), what a right
 * permits (core), when somebody is certified (bindings/node/certify).
 *
 * A chain is a CBOR list of COSE_Sign1 items. The circuit's key signed the first, each subject
 * signed the next, and the last subject is the peer that shows it. Every certificate names the
 * circuit, so that a link made in one circuit is worth nothing in another.
 *
 * Invariants: a chain that is judged valid gives no more than any of its certificates; the verdict
 * depends on the arguments alone; strangers' bytes never throw.
 *
 * spec: spec/certificate.md; RFC 8392 (CBOR claims), RFC 9052 (COSE_Sign1).
 */
import {
  NotPlain, decodePlain, encodePlain, isMap, payloadOfSign1, signSign1, verifySign1, type Plain
} from './cose.ts'
import { keyOfId, type Signer } from './identity.ts'
import { CERTIFICATES_MAX, CHAIN_BYTES_MAX, PATH_BYTES_MAX } from './tables.ts'

/** What one certificate says. */
export interface Claims {
  /** Peer ids: who signed, whom it is about, and the circuit that it holds in. */
  readonly issuer: string
  readonly subject: string
  readonly circuit: string
  /** Bits: right.* of the tables. */
  readonly rights: number
  /** Only at and below this path; '' is everywhere. */
  readonly prefix: string
  /** Seconds since 1970, the first at which it holds no more; 0 is never. */
  readonly expires_s: number
  /** How many certificates may follow this one in a chain; 0: it may not be passed on. */
  readonly pass: number
  /** True for the key inside a ticket: it may certify one newcomer and is no member itself. */
  readonly once: boolean
  /** The ticket that this certificate was given in exchange for. */
  readonly ticket: Use | undefined
}

/** That a ticket's key was used: remembered until the ticket has expired. */
export interface Use { readonly ticket: string, readonly expires_s: number }

/** What a core is told about a peer. */
export interface Admission {
  /** Bits: right.* of the tables. */
  rights: number
  /** '' is everywhere. */
  prefix: string
  /** Milliseconds from now; 0 is never. */
  expires: number
}

/** What a valid chain gives to the peer at its end. */
export interface Standing {
  readonly admission: Admission
  /** The last certificate, which is the narrowest of all. */
  readonly claims: Claims
  /** Every use of a ticket that the chain tells of, with who used it. */
  readonly uses: ReadonlyArray<Use & { readonly subject: string }>
  /** True when the chain runs through a ticket's own key at its end: it ends with the ticket. */
  readonly provisional: boolean
}

/** Why a chain is not valid, as a part of a sentence. */
export const CHAIN_REASONS = {
  empty: 'no chain was shown',
  too_large: 'it is larger than a chain may be',
  too_long: 'it has more certificates than a chain may have',
  unreadable: 'its bytes cannot be read as one list of certificates',
  not_eddsa: 'it is signed by an algorithm other than EdDSA',
  bad_claims: 'a certificate does not say what it must, or says it in a wrong form',
  wrong_circuit: 'it comes from another circuit',
  cut: 'a certificate in it is missing, or they are out of order',
  forged: 'a signature in it is not its issuer\'s',
  wider_rights: 'a certificate gives more rights than its issuer has',
  wider_prefix: 'a certificate reaches further than its issuer may',
  wider_expiry: 'a certificate lasts longer than its issuer\'s own',
  not_passed_on: 'an issuer in it may not pass on that much',
  expired: 'it has expired',
  wrong_subject: 'it belongs to another peer',
  only_a_ticket: 'it is a ticket\'s own, and a ticket is no member'
} as const

export type ChainReason = keyof typeof CHAIN_REASONS

export type Verdict =
  | { readonly valid: true, readonly standing: Standing }
  | { readonly valid: false, readonly reason: ChainReason }

/** What certify writes; the issuer and the circuit it knows. */
export type Grant = Omit<Claims, 'issuer' | 'circuit' | 'once' | 'ticket'> & Partial<Claims>

const CLAIM = {
  issuer: 1, subject: 2, audience: 3, expires: 4,
  // RFC 8392 leaves keys below -65536 to private use.
  rights: -70001, prefix: -70002, pass: -70003, once: -70004, ticket: -70005
}
const KNOWN = new Set(Object.values(CLAIM))
const U32_MAX = 0xffff_ffff

/**
 * Adds one certificate to a chain.
 *
 * @param signer the issuer: the circuit's key, or the subject at the end of `chain`.
 * @param circuit the circuit's public key as a peer id.
 * @param chain the issuer's own chain; empty for the circuit's key.
 * @param grant what the new certificate says. It is not compared with what the issuer has: a chain
 * that gives more than that is refused by everyone.
 * @returns the bytes of the longer chain.
 * @throws NotPlain when `chain` cannot be read.
 */
export async function certify(
  signer: Signer, circuit: string, chain: Uint8Array, grant: Grant
): Promise<Uint8Array> {
  const before = chain.length === 0 ? [] : decodePlain(chain)
  if (!Array.isArray(before)) throw new NotPlain('a chain is a list')
  const claims = { once: false, ticket: undefined, ...grant, issuer: signer.id, circuit }
  const signed = await signSign1(signer, encodePlain(itemOf(claims)))
  return encodePlain([...before, signed])
}

/**
 * Judges a chain that a peer shows.
 *
 * @param circuit the circuit's public key as a peer id.
 * @param chain any bytes at all.
 * @param peer the proved peer id of who shows it.
 * @param now milliseconds since 1970.
 * @returns what it gives, or the one reason why it gives nothing. Never throws.
 * spec: spec/certificate.md
 */
export async function verifyChain(
  circuit: string, chain: Uint8Array, peer: string, now: number
): Promise<Verdict> {
  const signed = itemsOf(chain)
  if (typeof signed === 'string') return invalid(signed)
  const links: Claims[] = []
  for (const item of signed) {
    const claims = claimsOf(item)
    if (typeof claims === 'string') return invalid(claims)
    links.push(claims)
  }
  const broken = followReason(circuit, links) ?? endReason(links, peer, now)
  if (broken !== undefined) return invalid(broken)
  for (const [at, item] of signed.entries()) {
    const key = keyOfId(links[at]!.issuer)
    if (key === undefined || !await verifySign1(item, key)) return invalid('forged')
  }
  return { valid: true, standing: standingOf(links, now) }
}

/** What the last certificate of a chain says, unproved; undefined when it cannot be read. */
export function lastClaims(chain: Uint8Array): Claims | undefined {
  const signed = itemsOf(chain)
  const claims = typeof signed === 'string' ? undefined : claimsOf(signed.at(-1)!)
  return typeof claims === 'object' ? claims : undefined
}

/** True when `path` is at or below `prefix`. */
export function within(path: string, prefix: string): boolean {
  return prefix === '' || path === prefix || path.startsWith(`${prefix}/`)
}

/** The earlier of two expiries, where 0 is never. */
export function earlier(one: number, other: number): number {
  if (one === 0 || other === 0) return one + other
  return Math.min(one, other)
}

function itemsOf(chain: Uint8Array): Plain[] | ChainReason {
  if (chain.length === 0) return 'empty'
  if (chain.length > CHAIN_BYTES_MAX) return 'too_large'
  const list = plainOf(chain)
  if (!Array.isArray(list) || list.length === 0) return 'unreadable'
  return list.length > CERTIFICATES_MAX ? 'too_long' : list
}

function plainOf(bytes: Uint8Array): Plain | undefined {
  try {
    return decodePlain(bytes)
  } catch (error) {
    if (error instanceof NotPlain) return undefined
    throw error
  }
}

function itemOf(claims: Claims): Plain {
  const item = new Map<number, Plain>([
    [CLAIM.issuer, claims.issuer], [CLAIM.subject, claims.subject],
    [CLAIM.audience, claims.circuit], [CLAIM.rights, claims.rights], [CLAIM.pass, claims.pass]
  ])
  if (claims.expires_s !== 0) item.set(CLAIM.expires, claims.expires_s)
  if (claims.prefix !== '') item.set(CLAIM.prefix, claims.prefix)
  if (claims.once) item.set(CLAIM.once, 1)
  if (claims.ticket) item.set(CLAIM.ticket, [claims.ticket.ticket, claims.ticket.expires_s])
  return item
}

function claimsOf(item: Plain): Claims | ChainReason {
  const payload = payloadOfSign1(item)
  if (payload === 'not COSE_Sign1') return 'unreadable'
  if (payload === 'not EdDSA') return 'not_eddsa'
  const map = plainOf(payload)
  if (!isMap(map)) return 'unreadable'
  // A claim that is not understood might narrow what the others give.
  for (const key of map.keys()) if (!KNOWN.has(key)) return 'bad_claims'
  const issuer = idIn(map.get(CLAIM.issuer))
  const subject = idIn(map.get(CLAIM.subject))
  const circuit = idIn(map.get(CLAIM.audience))
  const rights = numberIn(map.get(CLAIM.rights), U32_MAX)
  const pass = numberIn(map.get(CLAIM.pass), CERTIFICATES_MAX)
  if (issuer === undefined || subject === undefined || circuit === undefined) return 'bad_claims'
  if (rights === undefined || pass === undefined) return 'bad_claims'
  const rest = optionalClaims(map)
  return rest === undefined ? 'bad_claims' : { issuer, subject, circuit, rights, pass, ...rest }
}

function optionalClaims(
  map: Map<number, Plain>
): Pick<Claims, 'expires_s' | 'prefix' | 'once' | 'ticket'> | undefined {
  const expires_s = map.has(CLAIM.expires) ? secondsIn(map.get(CLAIM.expires)) : 0
  const prefix = map.has(CLAIM.prefix) ? prefixIn(map.get(CLAIM.prefix)) : ''
  if (expires_s === undefined || prefix === undefined) return undefined
  const once = map.has(CLAIM.once)
  if (once && (map.get(CLAIM.once) !== 1 || expires_s === 0)) return undefined
  if (!map.has(CLAIM.ticket)) return { expires_s, prefix, once, ticket: undefined }
  const ticket = useIn(map.get(CLAIM.ticket))
  return ticket === undefined ? undefined : { expires_s, prefix, once, ticket }
}

function idIn(item: Plain | undefined): string | undefined {
  return typeof item === 'string' && keyOfId(item) !== undefined ? item : undefined
}

function numberIn(item: Plain | undefined, most: number): number | undefined {
  return typeof item === 'number' && item >= 0 && item <= most ? item : undefined
}

function secondsIn(item: Plain | undefined): number | undefined {
  return item === 0 ? undefined : numberIn(item, Number.MAX_SAFE_INTEGER / 1000)
}

function prefixIn(item: Plain | undefined): string | undefined {
  if (typeof item !== 'string' || item.length > PATH_BYTES_MAX) return undefined
  return /^(\/[^/]+)+$/.test(item) ? item : undefined
}

function useIn(item: Plain | undefined): Use | undefined {
  if (!Array.isArray(item) || item.length !== 2) return undefined
  const ticket = idIn(item[0])
  const expires_s = secondsIn(item[1])
  return ticket === undefined || expires_s === undefined ? undefined : { ticket, expires_s }
}

/** Whether each certificate follows from the one before it and gives no more. */
function followReason(circuit: string, links: Claims[]): ChainReason | undefined {
  if (links[0]!.issuer !== circuit) return 'wrong_circuit'
  let before: Claims | undefined
  for (const claims of links) {
    if (claims.circuit !== circuit) return 'wrong_circuit'
    if (before !== undefined) {
      if (claims.issuer !== before.subject) return 'cut'
      if (before.once && (claims.once || claims.ticket !== undefined)) return 'bad_claims'
      if (claims.pass >= before.pass) return 'not_passed_on'
      if ((claims.rights & ~before.rights) !== 0) return 'wider_rights'
      if (!within(claims.prefix, before.prefix)) return 'wider_prefix'
      if (earlier(claims.expires_s, before.expires_s) !== claims.expires_s) return 'wider_expiry'
    }
    before = claims
  }
  return undefined
}

function endReason(links: Claims[], peer: string, now: number): ChainReason | undefined {
  const last = links.at(-1)!
  if (last.subject !== peer) return 'wrong_subject'
  if (last.once) return 'only_a_ticket'
  // Expiries only shrink along a chain, so the last is the earliest.
  if (last.expires_s !== 0 && last.expires_s * 1000 <= now) return 'expired'
  return undefined
}

function standingOf(links: Claims[], now: number): Standing {
  const claims = links.at(-1)!
  const uses: Array<Use & { subject: string }> = []
  for (const [at, { subject, ticket }] of links.entries()) {
    if (ticket !== undefined) uses.push({ ...ticket, subject })
    const before = links[at - 1]
    if (before?.once) uses.push({ ticket: before.subject, expires_s: before.expires_s, subject })
  }
  const expires = claims.expires_s === 0 ? 0 : claims.expires_s * 1000 - now
  return {
    admission: { rights: claims.rights, prefix: claims.prefix, expires },
    claims, uses, provisional: links.some((link) => link.once)
  }
}

function invalid(reason: ChainReason): Verdict {
  return { valid: false, reason }
}
