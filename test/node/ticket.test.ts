/**
 * Tickets: what one admits, once, until when, and the exchange for a lasting certificate.
 */
import * as assert from 'uvu/assert'
import { certify, verifyChain, type Standing } from '../../bindings/js/certificate.ts'
import { encodePlain } from '../../bindings/js/cose.ts'
import { Refusal } from '../../bindings/js/errors.ts'
import { base64url, signerOf, type Signer } from '../../bindings/js/identity.ts'
import { CERTIFICATES_MAX, TICKET_USES_MAX } from '../../bindings/js/tables.ts'
import {
  TicketUses, admit, exchange, makeTicket, readTicket, useTicket, type Invitation, type Issuer
} from '../../bindings/js/ticket.ts'
import { suite } from '../suite.ts'

const test = suite('node: tickets')

const NOW = 1_800_000_000_000
const HOUR_MS = 3_600_000
const seed = (byte: number) => new Uint8Array(32).fill(byte)
const circuit = await signerOf(seed(1))
const alice = await signerOf(seed(2))
const bob = await signerOf(seed(3))
const carol = await signerOf(seed(4))
const ADDRESSES = [`/ip4/192.0.2.1/tcp/4001/p2p/${alice.id}`]

/** The circuit's own key. */
const root: Issuer = {
  signer: circuit, circuit: circuit.id, chain: new Uint8Array(0), claims: undefined
}

const invitation = (more: Partial<Invitation> = {}): Invitation =>
  ({ addresses: ADDRESSES, rights: 3, lasting_ms: HOUR_MS, seed: seed(9), now: NOW, ...more })

async function standing(chain: Uint8Array, peer: Signer, now = NOW): Promise<Standing> {
  const verdict = await verifyChain(circuit.id, chain, peer.id, now)
  assert.ok(verdict.valid, verdict.valid ? '' : verdict.reason)
  return verdict.standing
}

async function reasonOf(chain: Uint8Array, peer: Signer, now = NOW): Promise<string> {
  const verdict = await verifyChain(circuit.id, chain, peer.id, now)
  return verdict.valid ? 'valid' : verdict.reason
}

/** A member that was certified by the circuit's key. */
async function member(signer: Signer, wanted = {}): Promise<Issuer> {
  const chain = await admit(root, signer.id, wanted)
  return { signer, circuit: circuit.id, chain, claims: (await standing(chain, signer)).claims }
}

async function refused(doing: Promise<unknown>, code: string): Promise<void> {
  const error = await doing.then(() => undefined, (reason: unknown) => reason)
  assert.instance(error, Refusal, `${code}: it was not refused`)
  assert.is((error as Refusal).code, code)
}

test('a ticket admits a newcomer with the ticket\'s rights, with nobody else at hand', async () => {
  const text = await makeTicket(root, invitation())
  assert.match(text, /^circuit-[A-Za-z0-9_-]+$/)
  const ticket = await readTicket(`  ${text}\n`, NOW)
  assert.is(ticket.circuit, circuit.id)
  assert.equal(ticket.addresses, ADDRESSES)
  assert.is(ticket.gives.rights, 3)
  const chain = await useTicket(ticket, bob.id)
  const given = await standing(chain, bob)
  assert.equal(given.admission, { rights: 3, prefix: '', expires: HOUR_MS })
  assert.ok(given.provisional)
  assert.equal(given.uses.map(({ subject }) => subject), [bob.id])
  assert.is(await reasonOf(chain, carol), 'wrong_subject')
})

test('a ticket that was cut, changed or made up is no ticket', async () => {
  const text = await makeTicket(root, invitation())
  const wrong = ['', 'circuit-', 'hello', text.slice(0, -1), text.slice(0, 100), `${text}A`,
    text.slice(1), text.toUpperCase(), text.replace(/^circuit/, 'cirquit'), `${text}${text}`,
    `circuit-${'A'.repeat(20_000)}`]
  for (let at = 8; at < text.length; at += 7) {
    wrong.push(text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1))
  }
  for (const changed of wrong) await refused(readTicket(changed, NOW), 'BAD_TICKET')
})

test('a ticket whose parts do not belong together is no ticket', async () => {
  const body = async (item: Parameters<typeof encodePlain>[0]) => {
    const bytes = encodePlain(item)
    const digest = await crypto.subtle.digest('SHA-256', Uint8Array.from(bytes))
    const check = new Uint8Array(digest).subarray(0, 4)
    return `circuit-${base64url(Uint8Array.from([...bytes, ...check]))}`
  }
  const chain = await certify(circuit, circuit.id, new Uint8Array(0), {
    subject: (await signerOf(seed(9))).id, rights: 3, prefix: '', pass: 1, once: true,
    expires_s: NOW / 1000 + 60
  })
  const key = circuit.public_key
  await readTicket(await body([1, key, ADDRESSES, chain, seed(9)]), NOW)
  const many = await admit(root, (await signerOf(seed(9))).id)
  for (const item of [
    [2, key, ADDRESSES, chain, seed(9)], [1, key, ADDRESSES, chain, seed(8)],
    [1, alice.public_key, ADDRESSES, chain, seed(9)], [1, key, [5], chain, seed(9)],
    [1, key, ['x'.repeat(300)], chain, seed(9)], [1, key, Array(17).fill('/a'), chain, seed(9)],
    [1, key, ADDRESSES, new Uint8Array(3), seed(9)], [1, key, ADDRESSES, chain], 7,
    [1, key, ADDRESSES, many, seed(9)] // would admit any number of peers
  ]) await refused(readTicket(await body(item as never), NOW), 'BAD_TICKET')
})

test('an expired ticket is refused, and so is what was made with it', async () => {
  const text = await makeTicket(root, invitation())
  await readTicket(text, NOW + HOUR_MS - 1000)
  await refused(readTicket(text, NOW + HOUR_MS), 'TICKET_EXPIRED')
  const chain = await useTicket(await readTicket(text, NOW), bob.id)
  assert.is(await reasonOf(chain, bob, NOW + HOUR_MS), 'expired')
})

test('a newcomer that takes more than the ticket gives is refused', async () => {
  const ticket = await readTicket(await makeTicket(root, invitation({ rights: 1 })), NOW)
  assert.is(await reasonOf(await useTicket(ticket, bob.id), bob), 'valid')
  assert.is(await reasonOf(await useTicket(ticket, bob.id, { rights: 3 }), bob), 'wider_rights')
  assert.is(await reasonOf(await useTicket(ticket, bob.id, { expires_s: 0 }), bob), 'wider_expiry')
  assert.is(await reasonOf(await useTicket(ticket, bob.id, { pass: 1 }), bob), 'not_passed_on')
  const other = { ticket: alice.id, expires_s: NOW / 1000 + 60 }
  assert.is(await reasonOf(await useTicket(ticket, bob.id, { ticket: other }), bob), 'bad_claims')
})

test('a ticket\'s own key is no member', async () => {
  const ticket = await readTicket(await makeTicket(root, invitation()), NOW)
  assert.is(await reasonOf(ticket.chain, ticket.signer), 'only_a_ticket')
})

test('the second user of a ticket is refused by whoever knows of the first', async () => {
  const ticket = await readTicket(await makeTicket(root, invitation()), NOW)
  const first = await standing(await useTicket(ticket, bob.id), bob)
  const second = await standing(await useTicket(ticket, carol.id), carol)
  const uses = new TicketUses()
  assert.is(uses.learn(first.uses, NOW), 'new')
  assert.is(uses.learn(first.uses, NOW), 'known')
  assert.is(uses.learn(second.uses, NOW), 'used')
  const later = new TicketUses(uses.kept()) // as the next run reads them
  assert.is(later.learn(second.uses, NOW), 'used')
  // who has not met the first cannot know: a ticket works without asking anybody
  assert.is(new TicketUses().learn(second.uses, NOW), 'new')
})

test('the exchange gives a lasting chain, and tells everybody of the ticket', async () => {
  const ticket = await readTicket(await makeTicket(root, invitation()), NOW)
  const before = await standing(await useTicket(ticket, bob.id), bob)
  const after = await standing(await exchange(await member(alice), before), bob)
  assert.equal(after.admission, { rights: 3, prefix: '', expires: 0 })
  assert.not(after.provisional)
  assert.is(after.claims.pass, 0)
  const uses = new TicketUses()
  assert.is(uses.learn(after.uses, NOW), 'new')
  const second = await standing(await useTicket(ticket, carol.id), carol)
  assert.is(uses.learn(second.uses, NOW), 'used')
})

test('a member passes on no more than it has', async () => {
  const narrow = await member(alice, { rights: 1, prefix: '/alice' })
  await refused(makeTicket(narrow, invitation({ rights: 3 })), 'NOT_PERMITTED')
  await refused(makeTicket(narrow, invitation({ rights: 1, prefix: '/bob' })), 'NOT_PERMITTED')
  const ticket = await readTicket(await makeTicket(narrow, invitation({ rights: 1 })), NOW)
  const given = await standing(await useTicket(ticket, bob.id), bob)
  assert.is(given.admission.prefix, '/alice')
  const wide = await readTicket(await makeTicket(root, invitation()), NOW)
  const wider = await standing(await useTicket(wide, carol.id), carol)
  await refused(exchange(narrow, wider), 'NOT_PERMITTED')
  const short = await member(alice, { expires_s: 0 })
  const soon = { ...short, claims: { ...short.claims!, expires_s: NOW / 1000 + 60 } }
  const brief = await makeTicket(soon, invitation())
  await refused(readTicket(brief, NOW + 60_000), 'TICKET_EXPIRED')
})

test('who may not pass on invites nobody', async () => {
  const last = await member(alice, { pass: 0 })
  await refused(makeTicket(last, invitation()), 'NOT_PERMITTED')
  await refused(admit(last, bob.id), 'NOT_PERMITTED')
  const before = await member(alice, { pass: 1 }) // may certify, and no more than that
  await refused(makeTicket(before, invitation()), 'NOT_PERMITTED')
  assert.is(await reasonOf(await admit(before, bob.id), bob), 'valid')
})

test('only a newcomer that was given admin may invite in its turn', async () => {
  const plain = await readTicket(await makeTicket(root, invitation()), NOW)
  assert.is((await standing(await useTicket(plain, bob.id), bob)).claims.pass, 0)
  const admin = await readTicket(await makeTicket(root, invitation({ rights: 7 })), NOW)
  const given = await standing(await useTicket(admin, bob.id), bob)
  assert.is(given.claims.pass, CERTIFICATES_MAX - 2)
  const lasting = await exchange(root, given)
  const issuer: Issuer = {
    signer: bob, circuit: circuit.id, chain: lasting, claims: (await standing(lasting, bob)).claims
  }
  const next = await readTicket(await makeTicket(issuer, invitation({ seed: seed(10) })), NOW)
  assert.is(await reasonOf(await useTicket(next, carol.id), carol), 'valid')
})

test('a ticket lasts from a second to thirty days', async () => {
  for (const lasting_ms of [0, -1, 999, NaN, Infinity, 2_592_000_001]) {
    await refused(makeTicket(root, invitation({ lasting_ms })), 'BAD_ARGUMENT')
  }
})

test('the memory of uses forgets the expired only, and when it is full admits nobody', () => {
  const use = (ticket: number, expires_s: number, subject = 'b') =>
    ({ ticket: `t${ticket}`, subject, expires_s })
  const later_s = NOW / 1000 + 100
  const uses = new TicketUses()
  const many = Array.from({ length: TICKET_USES_MAX }, (_, at) => use(at, later_s))
  assert.is(uses.learn(many, NOW), 'new')
  assert.is(uses.learn([use(-1, later_s)], NOW), 'full')
  assert.is(uses.learn([use(5, later_s, 'c')], NOW), 'used')
  assert.is(uses.learn([use(5, later_s)], NOW), 'known')
  assert.is(uses.learn([use(-1, later_s + 5)], NOW + 100_000), 'new')
  assert.is(uses.kept().length, 1)
  assert.is(uses.learn([use(-2, NOW / 1000)], NOW + 100_000), 'known', 'expired: not kept')
  assert.is(new TicketUses().learn([use(1, 1e12)], NOW), 'new')
})

test.run()
