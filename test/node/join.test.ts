/**
 * Joining as a program does: the first start, the second peer, tickets, and what is refused.
 *
 * Everything is in folders of the test's own; XDG_RUNTIME_DIR leads there, too.
 */
import * as assert from 'uvu/assert'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join as pathOf } from 'node:path'
import { lastClaims } from '../../bindings/js/certificate.ts'
import type { Circuit } from '../../bindings/js/circuit.ts'
import { Refusal } from '../../bindings/js/errors.ts'
import { signerOf } from '../../bindings/js/identity.ts'
import { join, type JoinOptions } from '../../bindings/node/join.ts'
import { nameFor } from '../../bindings/node/presence.ts'
import { writeEntry } from '../../bindings/node/run-folder.ts'
import { suite, type TestContext } from '../suite.ts'

/** Three times the promise. */
const SECOND_MS_MAX = 6_000
const test = suite('node: join')

const base = mkdtempSync(pathOf(tmpdir(), 'circuit-join-'))
const { XDG_RUNTIME_DIR, XDG_STATE_HOME, CIRCUIT_STATE } = process.env
let folders = 0

test.before(() => {
  process.env['XDG_RUNTIME_DIR'] = base
  process.env['XDG_STATE_HOME'] = pathOf(base, 'home')
  delete process.env['CIRCUIT_STATE']
})

test.after(() => {
  for (const [name, value] of Object.entries({ XDG_RUNTIME_DIR, XDG_STATE_HOME, CIRCUIT_STATE })) {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
  rmSync(base, { recursive: true, force: true })
})

const stateFor = () => pathOf(base, `state-${++folders}`)
const LOCAL = { discovery: ['local'] as ['local'], listen: ['/ip4/127.0.0.1/tcp/0'] }
const ALONE = { discovery: 'none' as const, listen: ['/ip4/127.0.0.1/tcp/0'] }

/** Joins, and leaves after the test. Circuits of different tests do not meet: each has its name. */
async function joined(t: TestContext, options: JoinOptions): Promise<Circuit> {
  const circuit = await join({ state: stateFor(), ...options })
  t.after(() => circuit.leave())
  return circuit
}

async function refused(doing: Promise<unknown>, code: string): Promise<Refusal> {
  const error = await doing.then(() => undefined, (reason: unknown) => reason)
  assert.instance(error, Refusal, `${code}: it was not refused`)
  assert.is((error as Refusal).code, code)
  return error as Refusal
}

const namesOf = (circuit: Circuit) => circuit.peers().map(({ name }) => name).sort()

/** Waits until each circuit has exactly these members. */
async function meet(t: TestContext, circuits: Circuit[], names: string[]): Promise<void> {
  const all = names.toSorted().join()
  while (!circuits.every((circuit) => namesOf(circuit).join() === all)) {
    if (t.signal.aborted) throw new Error(circuits.map(namesOf).join(' | '))
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

test('a circuit of one touches no file and hears nobody', async (t) => {
  const before = readdirSync(base)
  const circuit = await join({ transports: [], name: 'solo' })
  t.after(() => circuit.leave())
  assert.is(circuit.self.name, 'solo')
  assert.equal(circuit.self.addresses, [])
  const jobs = await circuit.make<number>('jobs', { capacity: 1 })
  await jobs.send(5)
  assert.is((await jobs.receive()).value, 5)
  await refused(circuit.invite(), 'NOT_PERMITTED')
  assert.equal(readdirSync(base), before)
})

test('the second peer of a user joins the first one\'s circuit by itself', async (t) => {
  const alice = await joined(t, { ...LOCAL, name: 'alice', circuit: 'second' })
  const start = performance.now()
  const bob = await joined(t, { ...LOCAL, name: 'bob', circuit: 'second' })
  await meet(t, [alice, bob], ['alice', 'bob'])
  t.within(SECOND_MS_MAX, performance.now() - start, 'the second peer')
  const jobs = await alice.make<string>('jobs', { capacity: 1 })
  await (await bob.open<string>('/alice/jobs')).send('hello')
  assert.is((await jobs.receive()).value, 'hello')
  const carol = await joined(t, { ...LOCAL, name: 'carol', circuit: 'second' })
  await meet(t, [alice, bob, carol], ['alice', 'bob', 'carol'])
  await bob.leave()
  await meet(t, [alice, carol], ['alice', 'carol'])
}, { timed: true })

test('of peers that start at once for the first time, one founds the circuit', async (t) => {
  const names = ['p1', 'p2', 'p3', 'p4']
  const peers = await Promise.all(
    names.map((name) => joined(t, { ...LOCAL, name, circuit: 'race' })))
  await meet(t, peers, names)
})

test('circuits of different names stay apart, and so do those without discovery', async (t) => {
  const one = await joined(t, { ...LOCAL, name: 'one', circuit: 'apart-1' })
  const two = await joined(t, { ...LOCAL, name: 'two', circuit: 'apart-2' })
  const three = await joined(t, { ...ALONE, name: 'three', circuit: 'apart-1' })
  const four = await joined(t, { ...LOCAL, name: 'four', circuit: 'apart-1' })
  await meet(t, [one, four], ['one', 'four'])
  assert.equal([namesOf(two), namesOf(three)], [['two'], ['three']])
})

test('a peer of another circuit gets no link, even when it knows the address', async (t) => {
  const one = await joined(t, { ...ALONE, name: 'one' })
  const two = await joined(t, { ...ALONE, name: 'two' })
  two.found(one.self.id, [...one.self.addresses])
  one.found(two.self.id, [...two.self.addresses])
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.equal([namesOf(one), namesOf(two)], [['one'], ['two']])
})

test('a peer comes back with its id, circuit and port, as a later incarnation', async (t) => {
  const state = stateFor()
  const wanted: JoinOptions = { discovery: 'none', name: 'alice', state }
  const first = await join(wanted)
  const { id, incarnation, addresses } = first.self
  await first.leave()
  const again = await joined(t, wanted)
  assert.is(again.self.id, id)
  assert.ok(again.self.incarnation > incarnation)
  assert.equal(again.self.addresses, addresses)
  await refused(join(wanted), 'STATE_IN_USE')
})

test('peers that met before find each other again without any discovery', async (t) => {
  const states = [stateFor(), stateFor()] as const
  const meeting = (number: 0 | 1, discovery: JoinOptions['discovery']) => join({
    name: `m${number}`, circuit: 'again', state: states[number], discovery
  } as JoinOptions)
  const one = await meeting(0, ['local'])
  const two = await meeting(1, ['local'])
  await meet(t, [one, two], ['m0', 'm1'])
  await two.leave()
  await one.leave()
  const back = await meeting(0, 'none')
  t.after(() => back.leave())
  const other = await meeting(1, 'none')
  t.after(() => other.leave())
  await meet(t, [back, other], ['m0', 'm1'])
})

test('a ticket joins a stranger, once, and what it gave lasts', async (t) => {
  const alice = await joined(t, { ...ALONE, name: 'alice' })
  const ticket = await alice.invite({ rights: ['channel'], expires: 60_000 })
  const state = stateFor()
  const bob = await join({ ...ALONE, name: 'bob', tickets: [ticket], state })
  await meet(t, [alice, bob], ['alice', 'bob'])
  const jobs = await alice.make<number>('jobs', { capacity: 1 })
  await (await bob.open<number>('/alice/jobs')).send(1)
  assert.is((await jobs.receive()).value, 1)
  await refused(bob.start('/alice/p', { path: 'true' }), 'NOT_PERMITTED')
  await refused(bob.invite(), 'NOT_PERMITTED')
  await refused(join({ ...ALONE, state: stateFor(), tickets: [ticket] }), 'TICKET_USED')
  await bob.leave()
  // The used ticket may stay in the command line that starts the peer.
  const again = await joined(t, { ...ALONE, name: 'bob', tickets: [ticket], state })
  await meet(t, [alice, again], ['alice', 'bob'])
})

test('a ticket works while its maker is away, until somebody gives a lasting chain', async (t) => {
  const state = stateFor()
  const founder = await join({ ...ALONE, name: 'alice', state })
  const ticket = await founder.invite({ expires: 60_000 })
  await founder.leave()
  const bobs = stateFor()
  const bob = await joined(t, { ...ALONE, name: 'bob', tickets: [ticket], state: bobs })
  assert.equal(namesOf(bob), ['bob'])
  const ends_s = () => lastClaims(readFileSync(pathOf(bobs, 'chain.cbor')))?.expires_s
  assert.ok(ends_s()! > 0, 'what the ticket gives ends with the ticket')
  const back = await joined(t, { ...ALONE, name: 'alice', state })
  bob.found(back.self.id, [...back.self.addresses])
  await meet(t, [back, bob], ['alice', 'bob'])
  while (ends_s() !== 0 && !t.signal.aborted) await new Promise((resolve) => setTimeout(resolve, 5))
  const late = await join({ ...ALONE, state: stateFor(), tickets: [ticket] })
    .catch((error: unknown) => error)
  // Offline it is used a second time; whoever knows of the first refuses the second.
  if (late instanceof Error) assert.unreachable(late.message)
  t.after(() => (late as Circuit).leave())
  const second = late as Circuit
  second.found(back.self.id, [...back.self.addresses])
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.equal(namesOf(back), ['alice', 'bob'])
})

test('a ticket for another circuit takes the peer there, and sets the old one aside', async (t) => {
  const alice = await joined(t, { ...ALONE, name: 'alice' })
  const state = stateFor()
  const before = await join({ ...ALONE, name: 'bob', state })
  const { id } = before.self
  await before.leave()
  const key = readFileSync(pathOf(state, 'circuit.key'))
  const bob = await joined(t, { ...ALONE, name: 'bob', state, tickets: [await alice.invite()] })
  await meet(t, [alice, bob], ['alice', 'bob'])
  assert.is(bob.self.id, id)
  const former = readdirSync(state).find((name) => name.startsWith('former-'))!
  assert.equal(readFileSync(pathOf(state, former, 'circuit.key')), key)
  assert.not(existsSync(pathOf(state, 'circuit.key')))
})

test('a wrong or expired ticket is refused before anything changes', async (t) => {
  const alice = await joined(t, { ...ALONE, name: 'alice' })
  const state = stateFor()
  await refused(join({ ...ALONE, state, tickets: ['circuit-nonsense'] }), 'BAD_TICKET')
  const short = await alice.invite({ expires: 1000 })
  await new Promise((resolve) => setTimeout(resolve, 1100))
  await refused(join({ ...ALONE, state, tickets: [short] }), 'TICKET_EXPIRED')
  assert.equal(readdirSync(state), ['peer.key'], 'the folder is free, and in no circuit')
})

test('a newcomer is refused where no running peer may pass on', async (t) => {
  const alice = await joined(t, { ...ALONE, name: 'alice' })
  const ticket = await alice.invite()
  const bob = await joined(t, { ...LOCAL, name: 'bob', circuit: 'guest', tickets: [ticket] })
  await meet(t, [alice, bob], ['alice', 'bob'])
  await refused(join({ ...LOCAL, circuit: 'guest', state: stateFor() }), 'NOT_PERMITTED')
})

test('wrong options are refused before a file is touched', async () => {
  const before = readdirSync(base)
  const wrong: unknown[] = [{ name: '' }, { name: 'a/b' }, { name: '..' }, { name: 'x'.repeat(65) },
    { name: 5 }, { circuit: '../x' }, { state: 5 }, { state: '' }, { tickets: 'circuit-x' },
    { listen: [5] }, { transports: 'tcp' }, { discovery: ['dht'] }, { discovery: 'all' },
    { signal: {} }, { labels: { a: 5 }, transports: [] }, { nam: 'alice' }, 'alice', null]
  for (const options of wrong) {
    await refused(join(options as JoinOptions), 'BAD_ARGUMENT')
  }
  assert.equal(readdirSync(base), before)
})

test('a key may be given, and a wrong one is refused', async (t) => {
  const key = new Uint8Array(32).fill(7)
  const state = stateFor()
  const alice = await joined(t, { ...ALONE, name: 'alice', key, state })
  assert.not(existsSync(pathOf(state, 'peer.key')))
  assert.is(alice.self.id, (await signerOf(key)).id)
  await refused(join({ ...ALONE, key: 'nonsense', state: stateFor() }), 'BAD_KEY')
})

test('an address that is not ours is refused, and the folder is free again', async (t) => {
  const state = stateFor()
  const wrong = { ...LOCAL, circuit: 'unheard', listen: ['/ip4/203.0.113.77/tcp/1'], state }
  await refused(join(wrong), 'CANNOT_LISTEN')
  const again = await joined(t, { ...wrong, listen: LOCAL.listen })
  assert.is(again.peers().length, 1)
})

test('a signal ends the joining, and afterwards leaves', async (t) => {
  const reason = new Error('enough')
  const state = stateFor()
  assert.is(await join({ ...ALONE, state, signal: AbortSignal.abort(reason) })
    .catch((error: unknown) => error), reason)
  const soon = new AbortController()
  const joining = join({ ...ALONE, state, signal: soon.signal }).catch((error: unknown) => error)
  soon.abort(reason)
  assert.is(await joining, reason)
  const later = new AbortController()
  const circuit = await joined(t, { ...ALONE, state, signal: later.signal })
  later.abort(reason)
  await circuit.leave() // the same leaving
  await refused(circuit.make('x'), 'LEAVING')
})

test('a peer without a name has the machine\'s, with a number when that is taken', async (t) => {
  const alice = await joined(t, { ...LOCAL, circuit: 'names' })
  const bob = await joined(t, { ...LOCAL, circuit: 'names' })
  const plain = nameFor(hostname(), alice.self.id, undefined)
  assert.equal([alice.self.name, bob.self.name], [plain, `${plain}-2`])
  assert.is(nameFor('a b/c.example', 'x', undefined), 'abc')
  assert.is(nameFor('///', 'x', undefined), 'peer')
})

test('an entry of the run directory that nobody wrote for us leads nowhere', async (t) => {
  const folder = pathOf(base, 'circuit')
  const alice = await joined(t, { ...LOCAL, name: 'alice', circuit: 'liar' })
  const liar = await joined(t, { ...ALONE, name: 'liar' })
  // It names the right circuit and a peer of another: the certificate decides.
  const { circuit } = JSON.parse(readFileSync(entryFile(folder, alice.self.id), 'utf8'))
  writeEntry(folder, {
    peer: liar.self.id, circuit, circuit_name: 'liar', name: 'alice', pid: process.pid,
    addresses: liar.self.addresses
  }, 'm')
  writeFileSync(pathOf(folder, 'x.json'), '{', { mode: 0o600 })
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.equal(namesOf(alice), ['alice'])
})

function entryFile(folder: string, peer: string): string {
  const name = readdirSync(folder).find((file) => file.endsWith('.json') &&
    readFileSync(pathOf(folder, file), 'utf8').includes(`"peer":"${peer}"`))
  assert.ok(name)
  return pathOf(folder, name!)
}

test.run()
