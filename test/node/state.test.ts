/**
 * The state folder: what is made at the first start, kept, refused, and held by one peer only.
 */
import * as assert from 'uvu/assert'
import { spawn } from 'node:child_process'
import { createPublicKey } from 'node:crypto'
import {
  chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync,
  symlinkSync, writeFileSync
} from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Refusal } from '../../bindings/js/errors.ts'
import { base64url, signerOf } from '../../bindings/js/identity.ts'
import { KNOWN_PEERS_MAX } from '../../bindings/js/tables.ts'
import { admit } from '../../bindings/js/ticket.ts'
import type { Drive } from '../../bindings/node/drive.ts'
import { pemOf, seedOf } from '../../bindings/node/keys.ts'
import { runs, takeLock } from '../../bindings/node/lock.ts'
import { State, stateFolder } from '../../bindings/node/state.ts'
import { over } from '../alive.ts'
import { suite, type TestContext } from '../suite.ts'

const test = suite('node: the state folder')

const NOW = 1_800_000_000_000
let chance = 0
const drive: Drive = {
  now: () => NOW,
  random: (bytes) => Uint8Array.from({ length: bytes }, () => chance++ % 251)
}

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'circuit-state-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'a', 'state')
}

async function refused(doing: Promise<unknown>, code: string): Promise<Refusal> {
  const error = await doing.then(() => undefined, (reason: unknown) => reason)
  assert.instance(error, Refusal, `${code}: it was not refused`)
  assert.is((error as Refusal).code, code)
  return error as Refusal
}

/** All files with their bytes, to show that nothing changed. */
function filesOf(folder: string): Record<string, string> {
  return Object.fromEntries(readdirSync(folder).sort()
    .map((name) => [name, readFileSync(join(folder, name)).toString('hex')]))
}

test('a first start makes private keys, and the next finds them', async (t) => {
  const folder = folderFor(t)
  const first = await State.open(folder, drive)
  const circuit = await first.makeCircuit()
  const root = { signer: circuit, circuit: circuit.id, chain: new Uint8Array(0), claims: undefined }
  first.keepChain(await admit(root, first.key.signer.id))
  const { id } = first.key.signer
  first.close()
  assert.is(statSync(folder).mode & 0o777, 0o700)
  for (const name of ['peer.key', 'circuit.key', 'chain.cbor']) {
    assert.is(statSync(join(folder, name)).mode & 0o777, 0o600, name)
  }
  const next = await State.open(folder, drive)
  t.after(() => next.close())
  assert.is(next.key.signer.id, id)
  assert.is(next.circuit_signer?.id, circuit.id)
  assert.is(next.circuit, circuit.id)
  assert.equal(new Uint8Array(next.chain!), new Uint8Array(first.chain!))
})

test('a key file is what OpenSSL, which is in Node, reads', async (t) => {
  const folder = folderFor(t)
  const state = await State.open(folder, drive)
  state.close()
  const shown = createPublicKey(readFileSync(join(folder, 'peer.key'))).export({ format: 'jwk' })
  assert.is(shown.crv, 'Ed25519')
  assert.is(shown.x, base64url(state.key.signer.public_key))
})

test('PEM text reads back as the seed, and other keys are no seed', () => {
  const seed = drive.random(32)
  assert.equal(Uint8Array.from(seedOf(pemOf(seed))!), seed)
  assert.is(seedOf('-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'), undefined)
  assert.is(seedOf(''), undefined)
})

test('incarnations rise over runs, and with the clock when the folder was lost', async (t) => {
  const folder = folderFor(t)
  const one = await State.open(folder, drive)
  const first = one.nextIncarnation()
  const second = one.nextIncarnation()
  assert.ok(second > first)
  one.keepIncarnation(second + 10)
  one.keepIncarnation(5)
  one.close()
  const two = await State.open(folder, { ...drive, now: () => 0 })
  assert.is(two.nextIncarnation(), second + 11)
  two.close()
  rmSync(folder, { recursive: true })
  const three = await State.open(folder, { ...drive, now: () => NOW + 60_000 })
  t.after(() => three.close())
  assert.ok(three.nextIncarnation() > second + 11)
})

test('peers, ports and used tickets come back, within their bounds', async (t) => {
  const folder = folderFor(t)
  const one = await State.open(folder, drive)
  const ids: string[] = []
  for (let at = 0; at < KNOWN_PEERS_MAX + 3; at++) {
    const seed = new Uint8Array(32)
    new DataView(seed.buffer).setUint32(0, at)
    ids.push((await signerOf(seed)).id)
  }
  for (const id of ids) one.keepPeer(id, [`/ip4/192.0.2.1/tcp/${id.length}`])
  one.keepPeer(ids[3]!, ['/ip4/192.0.2.7/tcp/1', 'x'.repeat(1000)])
  one.keepPeer(ids[4]!, [])
  one.keepPort(4711)
  const use = { ticket: ids[0]!, subject: ids[1]!, expires_s: NOW / 1000 + 60 }
  assert.is(one.uses.learn([use], NOW), 'new')
  one.keepUses()
  one.close()
  const two = await State.open(folder, drive)
  t.after(() => two.close())
  assert.is(two.known().length, KNOWN_PEERS_MAX)
  assert.equal(two.known().at(-1), { id: ids[3], addresses: ['/ip4/192.0.2.7/tcp/1'] })
  assert.is(two.known()[0]?.id, ids[4], 'the longest unseen went first')
  assert.is(two.port, 4711)
  assert.is(two.uses.learn([{ ...use, subject: ids[2]! }], NOW), 'used')
})

test('wrong bytes in any file are refused by name, and nothing is overwritten', async (t) => {
  const folder = folderFor(t)
  const first = await State.open(folder, drive)
  await first.makeCircuit()
  first.nextIncarnation()
  first.close()
  const cases: Array<[string, string, string]> = [
    ['peer.key', 'not a key', 'BAD_KEY'], ['circuit.key', '', 'BAD_KEY'],
    ['chain.cbor', 'zzz', 'BAD_STATE_FILE'], ['incarnation', '-5\n', 'BAD_STATE_FILE'],
    ['incarnation', '4294967296\n', 'BAD_STATE_FILE'], ['port', '70000\n', 'BAD_STATE_FILE'],
    ['port', 'x'.repeat(100), 'BAD_STATE_FILE'], ['known.json', '{', 'BAD_STATE_FILE'],
    ['known.json', '{"version":1,"peers":[{"id":"x","addresses":[]}]}', 'BAD_STATE_FILE'],
    ['known.json', '{"version":2,"peers":[]}', 'BAD_STATE_FILE'],
    ['tickets.json', '{"version":1,"uses":[1]}', 'BAD_STATE_FILE']
  ]
  for (const [name, bytes, code] of cases) {
    const path = join(folder, name)
    const before = existsSync(path) ? readFileSync(path) : undefined
    writeFileSync(path, bytes, { mode: 0o600 })
    const files = filesOf(folder)
    const error = await refused(State.open(folder, drive), code)
    assert.ok(error.message.includes(path), error.message)
    assert.equal(filesOf(folder), files)
    if (before === undefined) rmSync(path)
    else writeFileSync(path, before)
  }
  const again = await State.open(folder, drive)
  again.close()
})

test('a key that others may read, and a link in its place, are refused', async (t) => {
  const folder = folderFor(t)
  const first = await State.open(folder, drive)
  first.close()
  const path = join(folder, 'peer.key')
  chmodSync(path, 0o644)
  await refused(State.open(folder, drive), 'BAD_KEY')
  chmodSync(path, 0o600)
  writeFileSync(join(folder, 'elsewhere'), readFileSync(path), { mode: 0o600 })
  rmSync(path)
  symlinkSync(join(folder, 'elsewhere'), path)
  await refused(State.open(folder, drive), 'BAD_KEY')
})

test('a folder that others may enter is refused, an empty one is closed to them', async (t) => {
  const folder = folderFor(t)
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  const first = await State.open(folder, drive)
  first.close()
  assert.is(statSync(folder).mode & 0o777, 0o700)
  chmodSync(folder, 0o750)
  await refused(State.open(folder, drive), 'BAD_STATE')
  const file = join(folder, 'peer.key')
  await refused(State.open(file, drive), 'BAD_STATE')
  await refused(State.open(join(file, 'below'), drive), 'BAD_STATE')
})

test('two peers do not share a folder, in one process or in two', async (t) => {
  const folder = folderFor(t)
  const one = await State.open(folder, drive)
  await refused(State.open(folder, drive), 'STATE_IN_USE')
  one.close()
  const holder = await holderOf(t, join(folder, 'lock'))
  await refused(State.open(folder, drive), 'STATE_IN_USE')
  holder.kill('SIGSTOP') // frozen is not dead
  await refused(State.open(folder, drive), 'STATE_IN_USE')
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  const three = await State.open(folder, drive)
  three.close()
  assert.not(existsSync(join(folder, 'lock')))
})

test('a lock whose process number is used again, or that is no lock, holds nothing', (t) => {
  const folder = folderFor(t)
  mkdirSync(folder, { recursive: true })
  const path = join(folder, 'lock')
  for (const text of [`${process.pid} 1\n`, '999999999 5\n', '', 'garbage', `${process.pid}`]) {
    writeFileSync(path, text)
    const lock = takeLock(path, 'm', NOW)
    assert.ok(lock, JSON.stringify(text))
    assert.not(takeLock(path, 'n', NOW))
    lock.release()
    lock.release()
  }
  assert.equal(readdirSync(folder), [])
})

test('a process that has ended and was not reaped does not run', async (t) => {
  // The shell becomes a program that asks for no child's exit; until then its child waits.
  const waits = '(while read -r name < /proc/$$/comm && [ "$name" != sleep ]; do sleep 0.01; done)'
  const parent = spawn('/bin/sh', ['-c', `${waits} & echo $!; exec sleep 100`],
    { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(async () => {
    parent.kill('SIGKILL')
    await once(parent, 'exit')
  })
  const child = Number(await once(parent.stdout, 'data'))
  assert.ok(runs(parent.pid!) && runs(process.pid))
  await over(child)
  assert.ok(existsSync(`/proc/${child}`), 'it was reaped')
  assert.not(runs(child))
})

test('of many that find a dead holder at once, one takes the lock', async (t) => {
  const folder = folderFor(t)
  mkdirSync(folder, { recursive: true })
  const path = join(folder, 'lock')
  writeFileSync(path, '999999999 5\n')
  const holders = await Promise.all(Array.from({ length: 6 }, () => tryOf(t, path)))
  assert.is(holders.filter((line) => line === 'held').length, 1)
})

test('the folder is where it was asked to be, else by XDG and the circuit\'s name', (t) => {
  const { CIRCUIT_STATE, XDG_STATE_HOME } = process.env
  t.after(() => {
    restore('CIRCUIT_STATE', CIRCUIT_STATE)
    restore('XDG_STATE_HOME', XDG_STATE_HOME)
  })
  delete process.env['CIRCUIT_STATE']
  process.env['XDG_STATE_HOME'] = '/x'
  assert.is(stateFolder(), '/x/circuit/default')
  assert.is(stateFolder('work'), '/x/circuit/work')
  assert.is(stateFolder('work', 'here'), join(process.cwd(), 'here'))
  process.env['CIRCUIT_STATE'] = '/y'
  assert.is(stateFolder('work'), '/y')
})

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name]
  else process.env[name] = value
}

const LOCK = JSON.stringify(new URL('../../bindings/node/lock.ts', import.meta.url).href)

/** Another process that holds a lock until it is killed. */
async function holderOf(t: TestContext, path: string) {
  const child = started(t, path)
  const [line] = await once(child.stdout!, 'data')
  assert.is(String(line).trim(), 'held')
  return child
}

/** What another process says that tried to take a lock. */
async function tryOf(t: TestContext, path: string): Promise<string> {
  const child = started(t, path)
  const [line] = await once(child.stdout!, 'data')
  return String(line).trim()
}

function started(t: TestContext, path: string) {
  const code = `import { runs, takeLock } from ${LOCK}
    console.log(takeLock(${JSON.stringify(path)}, 'p' + process.pid, Date.now()) ? 'held' : 'not')
    setTimeout(() => {}, 20_000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code],
    { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => {
    child.kill('SIGKILL')
    child.stdout.destroy()
  })
  return child
}

test.run()
