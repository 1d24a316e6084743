/**
 * The run directory: entries, founding, certificates over its sockets, and who finds whom.
 */
import * as assert from 'uvu/assert'
import { spawnSync } from 'node:child_process'
import {
  chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync
} from 'node:fs'
import { connect, createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { verifyChain } from '../../bindings/js/certificate.ts'
import { Refusal } from '../../bindings/js/errors.ts'
import { idOfKey, signerOf } from '../../bindings/js/identity.ts'
import { admit, readTicket, useTicket, type Issuer } from '../../bindings/js/ticket.ts'
import {
  answerBytes, askCertify, chainIn, readRequest, requestBytes, serveCertify
} from '../../bindings/node/certify.ts'
import { LocalDiscovery } from '../../bindings/node/discovery-local.ts'
import { drive } from '../../bindings/node/drive.ts'
import { Membership } from '../../bindings/node/membership.ts'
import {
  certifySocket, Entries, foundingTurn, readEntries, removeEntry, runFolder, writeEntry, type Entry
} from '../../bindings/node/run-folder.ts'
import { State } from '../../bindings/node/state.ts'
import { suite, type TestContext } from '../suite.ts'

const test = suite('node: discovery through the run directory')

const id = async (byte: number) => (await signerOf(new Uint8Array(32).fill(byte))).id
const circuit = await id(1)
const alice = await id(2)
const bob = await id(3)

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'circuit-run-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function refused(doing: () => unknown, code: string): Promise<void> {
  const error = await (async () => { await doing() })().then(() => undefined, (why: unknown) => why)
  assert.instance(error, Refusal, `${code}: it was not refused`)
  assert.is((error as Refusal).code, code)
}

const entryOf = (peer: string, more: Partial<Entry> = {}): Entry => ({
  peer, circuit, circuit_name: 'default', name: 'alice', addresses: ['/ip4/127.0.0.1/tcp/1'],
  pid: process.pid, ...more
})

function discovery(t: TestContext, folder: string, peer: string, where = circuit) {
  const found: Array<[string, readonly string[]]> = []
  const { addresses: _, pid: __, ...entry } = entryOf(peer, { circuit: where })
  const local = new LocalDiscovery({
    folder, entry, mark: peer.slice(-8), found: (id, at) => { found.push([id, at]) }
  })
  t.after(() => local.close())
  return { local, found }
}

async function until(t: TestContext, holds: () => boolean): Promise<void> {
  while (!holds()) {
    t.signal.throwIfAborted()
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** A founder's membership, with its state in a folder of its own. */
async function founder(t: TestContext): Promise<{ state: State, membership: Membership }> {
  const state = await State.open(join(temporary(t), 'state'), drive)
  t.after(() => state.close())
  const signer = await state.makeCircuit()
  const root: Issuer = {
    signer, circuit: signer.id, chain: new Uint8Array(0), claims: undefined
  }
  state.keepChain(await admit(root, state.key.signer.id))
  return { state, membership: await Membership.of(state, drive) }
}

test('the run directory is this user\'s alone, or it is refused', async (t) => {
  const base = temporary(t)
  const { XDG_RUNTIME_DIR } = process.env
  t.after(() => {
    if (XDG_RUNTIME_DIR === undefined) delete process.env['XDG_RUNTIME_DIR']
    else process.env['XDG_RUNTIME_DIR'] = XDG_RUNTIME_DIR
  })
  process.env['XDG_RUNTIME_DIR'] = base
  const folder = runFolder()
  assert.is(folder, join(base, 'circuit'))
  assert.is(statSync(folder).mode & 0o777, 0o700)
  writeEntry(folder, entryOf(alice), 'm')
  chmodSync(folder, 0o755)
  await refused(runFolder, 'BAD_RUN_FOLDER')
  rmSync(folder, { recursive: true })
  writeFileSync(folder, '')
  await refused(runFolder, 'BAD_RUN_FOLDER')
  process.env['XDG_RUNTIME_DIR'] = join(base, 'gone')
  assert.match(runFolder(), /^\/(run\/user\/\d+\/circuit|tmp\/circuit-\d+)$/)
})

test('entries that are not as a peer wrote them are no entries', (t) => {
  const folder = temporary(t)
  writeEntry(folder, entryOf(alice), 'm')
  assert.equal(readEntries(folder).map(({ peer }) => peer), [alice])
  const { file } = readEntries(folder)[0]!
  const wrong = ['', '{', 'null', '[]', '{"version":1}',
    JSON.stringify({ version: 1, ...entryOf(bob) }), // of another name than its hash
    JSON.stringify({ version: 1, ...entryOf(alice, { addresses: Array(17).fill('/a') }) }),
    JSON.stringify({ version: 1, ...entryOf(alice, { name: 'x'.repeat(100) }) }),
    JSON.stringify({ version: 2, ...entryOf(alice) }), 'x'.repeat(20_000)]
  for (const text of wrong) {
    writeFileSync(file, text, { mode: 0o600 })
    assert.equal(readEntries(folder), [], text.slice(0, 40))
  }
  writeFileSync(join(folder, 'notes.json'), '{}')
  mkdirSync(join(folder, `${'0'.repeat(32)}.json`))
  assert.equal(readEntries(folder), [])
})

test('a folder in which nothing has changed is not read again', (t) => {
  const folder = temporary(t)
  writeEntry(folder, entryOf(alice), 'm')
  const entries = new Entries(folder)
  const peers = () => entries.read().map(({ peer }) => peer)
  // Older than any change that follows, whatever the kernel's ticks.
  utimesSync(folder, 1, 1)
  assert.equal(peers(), [alice])
  assert.is(entries.read(), entries.read())
  writeEntry(folder, entryOf(bob), 'm')
  utimesSync(folder, 2, 2)
  assert.equal(peers().sort(), [alice, bob].sort())
  writeEntry(folder, entryOf(bob, { addresses: [] }), 'm')
  utimesSync(folder, 3, 3)
  assert.equal(entries.read().find(({ peer }) => peer === bob)?.addresses, [])
  removeEntry(folder, circuit, alice)
  utimesSync(folder, 4, 4)
  assert.equal(peers(), [bob])
  removeEntry(folder, circuit, bob)
  utimesSync(folder, 4, 4)
  assert.equal(peers(), [bob], 'the time is the same')
  entries.forget()
  assert.equal(peers(), [])
  rmSync(folder, { recursive: true })
  assert.throws(() => entries.read())
})

test('peers of one circuit find each other at once, in whatever order they come', async (t) => {
  const folder = temporary(t)
  const one = discovery(t, folder, alice)
  const two = discovery(t, folder, bob)
  const stranger = discovery(t, folder, await id(4), await id(5))
  stranger.local.start()
  stranger.local.update(['/ip4/127.0.0.1/tcp/3'])
  one.local.announce()
  one.local.start()
  two.local.announce()
  two.local.start()
  one.local.update(['/ip4/127.0.0.1/tcp/1'])
  const start = performance.now()
  await until(t, () => two.found.length > 0)
  two.local.update(['/ip4/127.0.0.1/tcp/2'])
  await until(t, () => one.found.length > 0)
  const took_ms = performance.now() - start
  assert.equal(one.found, [[bob, ['/ip4/127.0.0.1/tcp/2']]])
  assert.equal(two.found, [[alice, ['/ip4/127.0.0.1/tcp/1']]])
  assert.equal(stranger.found, [])
  two.local.close()
  assert.not(readEntries(folder).some(({ peer }) => peer === bob))
  t.within(900, took_ms, 'being told by the watch, and not by the look each second,')
}, { timed: true })

test('what a killed peer left is swept, and a peer\'s own entry comes back', async (t) => {
  const folder = temporary(t)
  const dead = spawnSync(process.execPath, ['-e', '']).pid!
  writeEntry(folder, entryOf(bob, { pid: dead }), 'm')
  const { local, found } = discovery(t, folder, alice)
  local.announce()
  local.start()
  await until(t, () => readEntries(folder).length === 1)
  assert.equal(found, [], 'nobody was proposed')
  rmSync(readEntries(folder)[0]!.file)
  await until(t, () => readEntries(folder).length === 1)
})

test('one founds a circuit while the others wait for it', async (t) => {
  const folder = temporary(t)
  let inside = 0
  await Promise.all([1, 2, 3, 4].map(async (peer) => {
    const turn = await foundingTurn(folder, 'default', String(peer), () => drive.now())
    assert.is(++inside, 1)
    await new Promise((resolve) => setTimeout(resolve, 5))
    inside--
    turn.release()
  }))
  const turn = await foundingTurn(folder, 'default', 'm', () => drive.now())
  const other = await foundingTurn(folder, 'work', 'm', () => drive.now())
  turn.release()
  other.release()
})

test('a peer of the same user is certified over the socket, with all rights', async (t) => {
  const folder = temporary(t)
  const { membership } = await founder(t)
  const path = certifySocket(folder, membership.circuit, alice)
  const server = await serveCertify(path, (request) => membership.answer(request))
  t.after(() => new Promise((resolve) => server.close(resolve)))
  assert.is(statSync(path).mode & 0o777, 0o600)
  const request = requestBytes({ peer: bob, chain: new Uint8Array(0) })
  const chain = chainIn((await askCertify(path, request))!)
  const verdict = await verifyChain(membership.circuit, chain, bob, drive.now())
  assert.ok(verdict.valid && verdict.standing.admission.rights === 0xffff_ffff)
  assert.ok(await membership.verify(bob, chain))
  for (const wrong of [new Uint8Array(0), Uint8Array.of(1, 2, 3),
    requestBytes({ peer: 'nobody', chain: new Uint8Array(0) })]) {
    const answer = await askCertify(path, wrong)
    await refused(() => chainIn(answer!), 'BAD_REQUEST')
  }
})

test('a request of wrong length, or that never ends, ends its own connection only', async (t) => {
  const path = join(temporary(t), 's')
  const server = await serveCertify(path, async (bytes) => bytes)
  t.after(() => new Promise((resolve) => server.close(resolve)))
  const silent = connect(path)
  t.after(() => silent.destroy())
  await once(silent, 'connect')
  for (const bytes of [[255, 255, 255, 255], [0, 0, 0, 1, 5, 5]]) {
    const socket = connect(path)
    socket.write(Uint8Array.from(bytes))
    socket.resume()
    await once(socket, 'close')
  }
  assert.equal(await askCertify(path, Uint8Array.of(7)), Uint8Array.of(7))
  assert.is(await askCertify(join(temporary(t), 'none'), Uint8Array.of(7)), undefined)
  const mute = createServer((socket) => socket.resume().end())
  const nobody = join(temporary(t), 'n')
  mute.listen(nobody)
  await once(mute, 'listening')
  t.after(() => new Promise((resolve) => mute.close(resolve)))
  assert.is(await askCertify(nobody, Uint8Array.of(7)), undefined)
})

test('requests and answers read back, and wrong ones are refused', async () => {
  const request = { peer: bob, chain: Uint8Array.of(1, 2) }
  assert.equal(readRequest(requestBytes(request)), request)
  assert.is(readRequest(Uint8Array.of(0)), undefined)
  assert.equal(chainIn(answerBytes({ status: 0, chain: Uint8Array.of(9) })), Uint8Array.of(9))
  const used = answerBytes({ status: 35, chain: new Uint8Array(0) })
  await refused(() => chainIn(used), 'TICKET_USED')
  for (const status of [64, 9999]) {
    await refused(() => chainIn(answerBytes({ status, chain: new Uint8Array(0) })), 'BAD_REQUEST')
  }
  await refused(() => chainIn(Uint8Array.of(1)), 'BAD_REQUEST')
})

test('over the network only a proved peer with a valid chain is answered', async (t) => {
  const { membership } = await founder(t)
  const text = await membership.invite([], { expires: 60_000 })
  const ticket = await readTicket(text, drive.now())
  const chain = await useTicket(ticket, bob)
  const ask = async (peer: string, shown: Uint8Array, proved = peer) =>
    chainIn(await membership.answer(requestBytes({ peer, chain: shown }), proved))
  const lasting = await ask(bob, chain)
  const verdict = await verifyChain(membership.circuit, lasting, bob, drive.now())
  assert.ok(verdict.valid && !verdict.standing.provisional)
  assert.equal(await ask(bob, lasting), lasting, 'what lasts already is given back')
  await refused(() => ask(bob, chain, alice), 'BAD_REQUEST')
  await refused(() => ask(bob, new Uint8Array(0)), 'BAD_CERTIFICATE')
  await refused(() => ask(alice, chain), 'BAD_CERTIFICATE')
  await refused(async () => ask(alice, await useTicket(ticket, alice)), 'TICKET_USED')
  assert.is(await membership.verify(alice, await useTicket(ticket, alice)), undefined)
  assert.ok(await membership.verify(bob, chain))
})

test('a used ticket stays used over a restart, and the newcomer itself knows of it', async (t) => {
  const one = await founder(t)
  const ticket = await readTicket(await one.membership.invite([]), drive.now())
  assert.ok(await one.membership.verify(bob, await useTicket(ticket, bob)))
  one.state.close()
  const again = await State.open(one.state.folder, drive)
  t.after(() => again.close())
  const later = await Membership.of(again, drive)
  assert.is(await later.verify(alice, await useTicket(ticket, alice)), undefined)
  const newcomer = await State.open(join(temporary(t), 'state'), drive)
  t.after(() => newcomer.close())
  const second = await readTicket(await later.invite([]), drive.now())
  newcomer.keepChain(await useTicket(second, newcomer.key.signer.id))
  const place = await Membership.of(newcomer, drive)
  assert.ok(place.provisional)
  assert.is(await place.verify(alice, await useTicket(second, alice)), undefined)
  await refused(() => place.invite([]), 'NOT_PERMITTED')
  const { id: own } = newcomer.key.signer
  const request = requestBytes({ peer: own, chain: place.chain })
  const lasting = chainIn(await later.answer(request, own))
  assert.ok(await place.renew(lasting))
  assert.not(place.provisional)
  assert.not(await place.renew(Uint8Array.of(1)))
})

test('an invitation with rights or a time that do not exist is refused', async (t) => {
  const { membership } = await founder(t)
  for (const options of [{ rights: [] }, { rights: ['all'] }, { rights: ['toString'] },
    { rights: 'admin' }, { expires: 5 }, { expires: '1h' }]) {
    await refused(() => membership.invite([], options as never), 'BAD_ARGUMENT')
  }
})

test('a peer without a valid chain has no place in a circuit', async (t) => {
  const state = await State.open(join(temporary(t), 'state'), drive)
  t.after(() => state.close())
  await refused(() => Membership.of(state, drive), 'BAD_CERTIFICATE')
  await state.makeCircuit()
  await refused(() => Membership.of(state, drive), 'BAD_CERTIFICATE')
  assert.ok(idOfKey(state.key.signer.public_key))
})

test.run()
