/**
 * Makes spec/vectors/certificates.json: ids, chains, tickets and service names for every language.
 *
 * Lives here: the cases. Does not live here: replaying them (certificates.test.ts and its kin in
 * other languages). Run with `--write` to write the file; Ed25519 signs the same bytes the same
 * way, so it changes only when a case does.
 */
import { writeFileSync } from 'node:fs'
import { certify, verifyChain, type Grant } from '../../bindings/js/certificate.ts'
import { decodePlain, encodePlain, type Plain } from '../../bindings/js/cose.ts'
import { signerOf, type Signer } from '../../bindings/js/identity.ts'
import {
  exchange, makeTicket, readTicket, useTicket, type Issuer
} from '../../bindings/js/ticket.ts'
import { serviceOf } from '../../bindings/node/mdns-records.ts'

export const VECTORS = new URL('../../spec/vectors/certificates.json', import.meta.url)

/** `status`: 0, or a code of errors.json. `expires_ms` counts from now; 0 is never. */
export interface ChainVector {
  id: string, shows: string[], circuit: string, peer: string, now_ms: number, chain: string
  status: number, rights?: number, prefix?: string, expires_ms?: number
}

export interface Vectors {
  about: string
  keys: Array<{ seed: string, public_key: string, id: string, service: string }>
  chains: ChainVector[]
  tickets: Array<{
    id: string, shows: string[], now_ms: number, text: string, status: number
    circuit?: string, addresses?: string[]
  }>
}

const NOW = 1_800_000_000_000
const HOUR_S = NOW / 1000 + 3600
const NOTHING = new Uint8Array(0)
const BAD_CERTIFICATE = 38
const ABOUT = 'Keys as peer ids and mDNS services, chains and tickets with what they give. ' +
  'Bytes are hexadecimal. Made by test/vectors/certificates.ts.'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const seedOf = (byte: number) => new Uint8Array(32).fill(byte)

/** All vectors, made anew. */
export async function certificateVectors(): Promise<Vectors> {
  const signers = await Promise.all([1, 2, 3, 4].map((byte) => signerOf(seedOf(byte))))
  const keys = signers.map(({ id, public_key }, at) => (
    { seed: hex(seedOf(at + 1)), public_key: hex(public_key), id, service: serviceOf(id) }
  ))
  const [circuit, alice, bob, other] = signers as [Signer, Signer, Signer, Signer]
  return {
    about: ABOUT, keys,
    chains: [
      ...await goodChains(circuit, alice, bob), ...await badChains(circuit, alice, bob, other)
    ],
    tickets: await tickets(circuit, alice)
  }
}

const whole = (subject: Signer, more: Partial<Grant> = {}): Grant =>
  ({ subject: subject.id, rights: 7, prefix: '', expires_s: 0, pass: 7, ...more })

async function two(
  circuit: Signer, alice: Signer, bob: Signer, first: Partial<Grant>, second: Partial<Grant>
): Promise<Uint8Array> {
  const one = await certify(circuit, circuit.id, NOTHING, whole(alice, first))
  return await certify(alice, circuit.id, one, whole(bob, { pass: 0, ...second }))
}

async function goodChains(circuit: Signer, alice: Signer, bob: Signer): Promise<ChainVector[]> {
  const at = { circuit: circuit.id, now_ms: NOW, status: 0 }
  const root: Issuer = { signer: circuit, circuit: circuit.id, chain: NOTHING, claims: undefined }
  const text = await makeTicket(root,
    { addresses: [], rights: 3, lasting_ms: 3_600_000, seed: seedOf(9), now: NOW })
  const used = await useTicket(await readTicket(text, NOW), bob.id)
  const verdict = await verifyChain(circuit.id, used, bob.id, NOW)
  if (!verdict.valid) throw new Error(verdict.reason)
  const lasting = await exchange(root, verdict.standing)
  const wider = { prefix: '/alice', expires_s: HOUR_S + 1 }
  const narrow = { rights: 1, prefix: '/alice/jobs', expires_s: HOUR_S }
  return [
    {
      id: 'one', shows: ['CERT-2', 'CERT-3'], ...at, peer: alice.id, rights: 7, prefix: '',
      expires_ms: 0, chain: hex(await certify(circuit, circuit.id, NOTHING, whole(alice)))
    },
    {
      id: 'narrowed', shows: ['CERT-4'], ...at, peer: bob.id, rights: 1, prefix: '/alice/jobs',
      expires_ms: 3_600_000,
      chain: hex(await two(circuit, alice, bob, wider, narrow))
    },
    {
      id: 'by-ticket', shows: ['CERT-8'], ...at, peer: bob.id, rights: 3, prefix: '',
      expires_ms: 3_600_000, chain: hex(used)
    },
    {
      id: 'exchanged', shows: ['CERT-10'], ...at, peer: bob.id, rights: 3, prefix: '',
      expires_ms: 0, chain: hex(lasting)
    }
  ]
}

async function badChains(
  circuit: Signer, alice: Signer, bob: Signer, other: Signer
): Promise<ChainVector[]> {
  const made = (first: Partial<Grant>, second: Partial<Grant>) =>
    two(circuit, alice, bob, first, second)
  const good = await made({}, {})
  const items = decodePlain(good) as Plain[]
  const forger: Signer = { ...other, id: circuit.id }
  const ticket = { rights: 3, pass: 1, once: true, expires_s: HOUR_S }
  const cases: Array<[id: string, rule: string, chain: Uint8Array, now_ms?: number]> = [
    ['empty', 'CERT-3', NOTHING],
    ['cut-short', 'CERT-3', good.subarray(0, -1)],
    ['trailing', 'CERT-3', Uint8Array.of(...good, 0)],
    ['head-cut', 'CERT-3', encodePlain(items.slice(1))],
    ['tail-cut', 'CERT-3', encodePlain(items.slice(0, 1))],
    ['twice', 'CERT-3', encodePlain([items[0]!, items[0]!])],
    ['other-circuit', 'CERT-3', await certify(other, other.id, NOTHING, whole(bob))],
    ['forged', 'CERT-2', await certify(forger, circuit.id, NOTHING, whole(bob))],
    ['wider-rights', 'CERT-4', await made({ rights: 1 }, { rights: 3 })],
    ['wider-prefix', 'CERT-4', await made({ prefix: '/a' }, { prefix: '/ab' })],
    ['no-prefix', 'CERT-4', await made({ prefix: '/a' }, {})],
    ['later', 'CERT-4', await made({ expires_s: HOUR_S }, { expires_s: HOUR_S + 1 })],
    ['never', 'CERT-4', await made({ expires_s: HOUR_S }, {})],
    ['not-passed-on', 'CERT-4', await made({ pass: 0 }, {})],
    ['expired', 'CERT-5', await made({}, { expires_s: HOUR_S }), HOUR_S * 1000],
    ['a-ticket', 'CERT-5', await certify(circuit, circuit.id, NOTHING, whole(bob, ticket))],
    ['ticket-of-ticket', 'CERT-6', await made(ticket, {
      rights: 3, expires_s: HOUR_S, ticket: { ticket: other.id, expires_s: HOUR_S }
    })]
  ]
  return cases.map(([id, rule, chain, now_ms = NOW]) => ({
    id, shows: [rule], circuit: circuit.id, peer: bob.id, now_ms, chain: hex(chain),
    status: BAD_CERTIFICATE
  }))
}

async function tickets(circuit: Signer, alice: Signer): Promise<Vectors['tickets']> {
  const addresses = [`/ip4/192.0.2.1/tcp/4001/p2p/${alice.id}`]
  const root: Issuer = { signer: circuit, circuit: circuit.id, chain: NOTHING, claims: undefined }
  const text = await makeTicket(root,
    { addresses, rights: 3, lasting_ms: 3_600_000, seed: seedOf(9), now: NOW })
  const shows = ['CERT-7']
  const changed = text.slice(0, 40) + (text[40] === 'A' ? 'B' : 'A') + text.slice(41)
  return [
    { id: 'whole', shows, now_ms: NOW, text, status: 0, circuit: circuit.id, addresses },
    { id: 'expired', shows, now_ms: NOW + 3_600_000, text, status: 34 },
    { id: 'cut', shows, now_ms: NOW, text: text.slice(0, -1), status: 33 },
    { id: 'changed', shows, now_ms: NOW, text: changed, status: 33 }
  ]
}

/** The file's text. */
export async function vectorsText(): Promise<string> {
  return `${JSON.stringify(await certificateVectors(), undefined, 2)}\n`
}

if (process.argv.includes('--write')) writeFileSync(VECTORS, await vectorsText())
