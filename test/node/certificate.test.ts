/**
 * Certificate chains: what is valid, and every way in which one is not.
 */
import * as assert from 'uvu/assert'
import {
  certify, earlier, lastClaims, verifyChain, within, type ChainReason, type Grant
} from '../../bindings/js/certificate.ts'
import {
  NotPlain, decodePlain, encodePlain, signSign1, type Plain
} from '../../bindings/js/cose.ts'
import {
  base64url, fromBase64url, idOfKey, keyOfId, signedBy, signerOf, type Signer
} from '../../bindings/js/identity.ts'
import { suite } from '../suite.ts'

const test = suite('node: certificates')

const NOW = 1_800_000_000_000
const HOUR_S = NOW / 1000 + 3600

const signer = (byte: number): Promise<Signer> => signerOf(new Uint8Array(32).fill(byte))
const circuit = await signer(1)
const alice = await signer(2)
const bob = await signer(3)
const carol = await signer(4)
const other = await signer(5)

const all = (subject: Signer, more: Partial<Grant> = {}): Grant =>
  ({ subject: subject.id, rights: 7, prefix: '', expires_s: 0, pass: 7, ...more })

/** circuit → alice → bob, each link as given. */
async function chainOf(first: Partial<Grant> = {}, second: Partial<Grant> = {}) {
  const one = await certify(circuit, circuit.id, new Uint8Array(0), all(alice, first))
  return await certify(alice, circuit.id, one, all(bob, { pass: 3, ...second }))
}

async function reasonOf(chain: Uint8Array, peer = bob, now = NOW): Promise<ChainReason | 'valid'> {
  const verdict = await verifyChain(circuit.id, chain, peer.id, now)
  return verdict.valid ? 'valid' : verdict.reason
}

/** A certificate whose claims are a map of any content, signed by `by`. */
async function signed(by: Signer, claims: Array<[number, Plain]>): Promise<Plain> {
  return await signSign1(by, encodePlain(new Map(claims)))
}

const rightClaims = (): Array<[number, Plain]> =>
  [[1, circuit.id], [2, bob.id], [3, circuit.id], [-70001, 7], [-70003, 0]]

test('a peer id is the key, both ways, in one spelling', async () => {
  assert.match(alice.id, /^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/)
  assert.equal(keyOfId(alice.id), alice.public_key)
  assert.is(idOfKey(alice.public_key), alice.id)
  // RFC 8032, section 7.1, test 1: its public key, through libp2p's own library
  const hex = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'
  const seed = Buffer.from(hex, 'hex')
  const known = await signerOf(seed)
  const { keys } = await libp2p()
  assert.is(known.id, (await keys(seed)).id)
  assert.is(Buffer.from(known.public_key).toString('hex').slice(0, 8), 'd75a9801')
  for (const wrong of ['', '1', `1${alice.id}`, alice.id.slice(1), `${alice.id}1`, 'Qm', '0OIl',
    'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N', 'x'.repeat(1000)]) {
    assert.is(keyOfId(wrong), undefined, wrong)
  }
})

async function libp2p() {
  const { generateKeyPairFromSeed } = await import('@libp2p/crypto/keys')
  const { peerIdFromPrivateKey } = await import('@libp2p/peer-id')
  return {
    keys: async (seed: Uint8Array) =>
      ({ id: peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', seed)).toString() })
  }
}

test('a signature is one key\'s over one text', async () => {
  const bytes = new TextEncoder().encode('one text')
  const signature = await alice.sign(bytes)
  assert.ok(await signedBy(alice.public_key, signature, bytes))
  assert.not(await signedBy(bob.public_key, signature, bytes))
  assert.not(await signedBy(alice.public_key, signature, bytes.subarray(1)))
  assert.not(await signedBy(alice.public_key, signature.subarray(1), bytes))
  assert.not(await signedBy(new Uint8Array(32).fill(255), signature, bytes))
})

test('base64url has one spelling', () => {
  for (const length of [0, 1, 2, 3, 4, 5000]) {
    const bytes = Uint8Array.from({ length }, (_, at) => at * 7)
    assert.equal(fromBase64url(base64url(bytes)), bytes)
  }
  for (const wrong of ['A', 'AB=', 'A+', '!', 'AB', ' ']) assert.is(fromBase64url(wrong), undefined)
})

test('CBOR is read in its one shortest spelling only', () => {
  const item: Plain = new Map<number, Plain>([
    [0, [0, 23, 24, 255, 256, 65535, 65536, 2 ** 32, Number.MAX_SAFE_INTEGER]], [1, 'grüße'],
    [-1, Uint8Array.of(1, 2)], [-70001, [-1, -24, -25, -257]], [500, { tag: 18, value: [] }]
  ])
  const bytes = encodePlain(item)
  assert.equal(encodePlain(decodePlain(bytes)), bytes)
  const wrong = ['', '18', '1801', '190001', '1a00000001', '1b0000000000000001', '0000', '8101ff',
    '9f00ff', 'a20100', 'a201000100', 'a202000100', 'a1616100', '62ffff', '41', 'f6', 'f4', 'fb',
    '1bffffffffffffffff', '9affffffff', 'baffffffff', '5affffffff', '8181818181818181818100']
  for (const hex of wrong) {
    assert.throws(() => decodePlain(Buffer.from(hex, 'hex')),
      (error: Error) => error instanceof NotPlain, hex)
  }
  for (let cut = 0; cut < bytes.length; cut++) {
    assert.throws(() => decodePlain(bytes.subarray(0, cut)))
  }
})

test('a valid chain gives what its narrowest certificate says', async () => {
  const chain = await chainOf({ prefix: '/alice' },
    { rights: 1, prefix: '/alice/jobs', expires_s: HOUR_S, pass: 0 })
  const verdict = await verifyChain(circuit.id, chain, bob.id, NOW)
  assert.ok(verdict.valid)
  assert.equal(verdict.standing.admission,
    { rights: 1, prefix: '/alice/jobs', expires: 3_600_000 })
  assert.is(verdict.standing.provisional, false)
  assert.is(lastClaims(chain)?.subject, bob.id)
  assert.is(await reasonOf(await chainOf()), 'valid')
  const whole = await verifyChain(circuit.id, await chainOf(), bob.id, NOW)
  assert.ok(whole.valid && whole.standing.admission.expires === 0)
})

test('any changed byte makes a chain worth nothing', async () => {
  const chain = await chainOf()
  for (let at = 0; at < chain.length; at += 3) {
    const changed = chain.slice()
    changed[at]! ^= 1 << (at % 8)
    assert.is.not(await reasonOf(changed), 'valid', `byte ${at}`)
  }
})

test('a chain signed by somebody else is forged', async () => {
  const one = await certify(circuit, circuit.id, new Uint8Array(0), all(alice))
  const forger: Signer = { ...other, id: alice.id }
  assert.is(await reasonOf(await certify(forger, circuit.id, one, all(bob, { pass: 0 }))), 'forged')
  const root: Signer = { ...other, id: circuit.id }
  assert.is(await reasonOf(await certify(root, circuit.id, new Uint8Array(0), all(bob))), 'forged')
})

test('a cut, shuffled, lengthened or unreadable chain is refused', async () => {
  const chain = await chainOf()
  const [first, second] = decodePlain(chain) as [Plain, Plain]
  assert.is(await reasonOf(encodePlain([first])), 'wrong_subject')
  assert.is(await reasonOf(encodePlain([second])), 'wrong_circuit')
  assert.is(await reasonOf(encodePlain([second, first])), 'wrong_circuit')
  assert.is(await reasonOf(encodePlain([first, first])), 'cut')
  assert.is(await reasonOf(encodePlain([first, second, second])), 'cut')
  assert.is(await reasonOf(encodePlain([])), 'unreadable')
  assert.is(await reasonOf(encodePlain(new Map())), 'unreadable')
  assert.is(await reasonOf(Uint8Array.from([...chain, 0])), 'unreadable')
  assert.is(await reasonOf(chain.subarray(0, -1)), 'unreadable')
  assert.is(await reasonOf(new Uint8Array(0)), 'empty')
  assert.is(await reasonOf(new Uint8Array(8193)), 'too_large')
})

test('a chain has at most eight certificates', async () => {
  let chain: Uint8Array = new Uint8Array(0)
  let issuer = circuit
  for (let pass = 8; pass >= 0; pass--) {
    const next = await signer(20 + pass)
    chain = await certify(issuer, circuit.id, chain, all(next, { pass }))
    assert.is(await reasonOf(chain, next), pass === 0 ? 'too_long' : 'valid')
    issuer = next
  }
})

test('nothing wider than the issuer has is accepted', async () => {
  assert.is(await reasonOf(await chainOf({ rights: 1 }, { rights: 3 })), 'wider_rights')
  assert.is(await reasonOf(await chainOf({ prefix: '/a' })), 'wider_prefix')
  assert.is(await reasonOf(await chainOf({ prefix: '/a' }, { prefix: '/ab' })), 'wider_prefix')
  assert.is(await reasonOf(await chainOf({ expires_s: HOUR_S })), 'wider_expiry')
  assert.is(await reasonOf(await chainOf({ expires_s: HOUR_S }, { expires_s: HOUR_S + 1 })),
    'wider_expiry')
  assert.is(await reasonOf(await chainOf({ pass: 0 }, { pass: 0 })), 'not_passed_on')
  assert.is(await reasonOf(await chainOf({ pass: 3 }, { pass: 3 })), 'not_passed_on')
  assert.is(await reasonOf(await chainOf({ rights: 3, prefix: '/a', expires_s: HOUR_S, pass: 4 },
    { rights: 3, prefix: '/a', expires_s: HOUR_S, pass: 3 })), 'valid')
})

test('a chain ends at its expiry, to the millisecond', async () => {
  const chain = await chainOf({}, { expires_s: HOUR_S })
  assert.is(await reasonOf(chain, bob, HOUR_S * 1000 - 1), 'valid')
  assert.is(await reasonOf(chain, bob, HOUR_S * 1000), 'expired')
})

test('a chain is worth nothing to another peer or in another circuit', async () => {
  assert.is(await reasonOf(await chainOf(), carol), 'wrong_subject')
  const verdict = await verifyChain(other.id, await chainOf(), bob.id, NOW)
  assert.ok(!verdict.valid && verdict.reason === 'wrong_circuit')
  // alice is in both circuits; what she signed for the other one does not count here
  const [first] = decodePlain(await chainOf()) as Plain[]
  const there = await certify(other, other.id, new Uint8Array(0), all(alice))
  const [, second] = decodePlain(await certify(alice, other.id, there, all(bob))) as Plain[]
  assert.is(await reasonOf(encodePlain([first!, second!])), 'wrong_circuit')
})

test('claims in a wrong form, and unknown ones, are refused', async () => {
  const only = async (claims: Array<[number, Plain]>) =>
    await reasonOf(encodePlain([await signed(circuit, claims)]))
  assert.is(await only(rightClaims()), 'valid')
  const without = (key: number) => rightClaims().filter(([have]) => have !== key)
  for (const key of [1, 2, 3, -70001, -70003]) assert.is(await only(without(key)), 'bad_claims')
  const wrong: Array<[number, Plain]> = [
    [1, 'me'], [2, 5], [3, new Uint8Array(3)], [4, 0], [4, -5], [4, 'never'], [-70001, -1],
    [-70001, 2 ** 32], [-70002, ''], [-70002, 'jobs'], [-70002, '/a//b'], [-70002, '/a/'],
    [-70003, 9], [-70004, 1], [-70005, [alice.id]], [-70005, ['x', HOUR_S]], [5, NOW / 1000]
  ]
  for (const claim of wrong) {
    assert.is(await only([...without(claim[0]), claim]), 'bad_claims', String(claim))
  }
})

test('an algorithm other than EdDSA is refused before anything is checked', async () => {
  const item = await signed(circuit, rightClaims()) as { tag: number, value: Plain[] }
  const [, open, payload, signature] = item.value
  const es256 = encodePlain(new Map([[1, -7]]))
  const changed = { tag: 18, value: [es256, open!, payload!, signature!] }
  assert.is(await reasonOf(encodePlain([changed])), 'not_eddsa')
  const extra = { tag: 18, value: [item.value[0]!, new Map([[4, 1]]), payload!, signature!] }
  assert.is(await reasonOf(encodePlain([extra])), 'unreadable')
  assert.is(await reasonOf(encodePlain([{ tag: 98, value: item.value }])), 'unreadable')
})

test('random bytes are never a chain, and never throw', async () => {
  const start = await chainOf()
  let seed = 12345
  for (let round = 0; round < 500; round++) {
    const bytes = start.slice(0, 1 + (seed % start.length))
    for (let change = 0; change < 4; change++) {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
      bytes[seed % bytes.length] = seed >>> 24
    }
    assert.is.not(await reasonOf(bytes), 'valid')
  }
})

test('a prefix ends at a slash, and never is the latest expiry', () => {
  assert.ok(within('/a/b', '/a') && within('/a', '/a') && within('/x', ''))
  assert.not(within('/ab', '/a') || within('', '/a') || within('/', '/a'))
  assert.equal([earlier(0, 0), earlier(0, 5), earlier(5, 0), earlier(4, 5)], [0, 5, 5, 4])
})

test.run()
