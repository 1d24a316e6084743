/**
 * Peers of one user on one machine: their link is a Unix socket, and TCP where there is none.
 */
import * as assert from 'uvu/assert'
import {
  chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync
} from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join as pathOf } from 'node:path'
import type { Circuit } from '../../bindings/js/circuit.ts'
import { readTicket } from '../../bindings/js/ticket.ts'
import { join, type JoinOptions } from '../../bindings/node/join.ts'
import { linkSocket } from '../../bindings/node/run-folder.ts'
import { suite, type TestContext } from '../suite.ts'

const test = suite('node: links on one machine')

const base = mkdtempSync(pathOf(tmpdir(), 'circuit-near-'))
const folder = pathOf(base, 'circuit')
const { XDG_RUNTIME_DIR } = process.env
let states = 0

test.before(() => { process.env['XDG_RUNTIME_DIR'] = base })
test.after(() => {
  if (XDG_RUNTIME_DIR === undefined) delete process.env['XDG_RUNTIME_DIR']
  else process.env['XDG_RUNTIME_DIR'] = XDG_RUNTIME_DIR
  rmSync(base, { recursive: true, force: true })
})

const stateFor = () => pathOf(base, `state-${++states}`)

async function joined(t: TestContext, name: string, options: JoinOptions): Promise<Circuit> {
  const circuit = await join({
    name, state: stateFor(), discovery: ['local'], listen: ['/ip4/127.0.0.1/tcp/0'], ...options
  })
  t.after(() => circuit.leave())
  return circuit
}

async function until(t: TestContext, holds: () => boolean): Promise<void> {
  while (!holds()) {
    t.signal.throwIfAborted()
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

const meet = (t: TestContext, ...peers: Circuit[]): Promise<void> =>
  until(t, () => peers.every((one) => one.peers().length === peers.length))

/** A message there and back, so that a link stands. */
async function talk(from: Circuit, to: Circuit): Promise<void> {
  const { name } = to.self
  const channel = await to.make<string>('talk', { capacity: 1 })
  await (await from.open<string>(`/${name}/talk`)).send('hello')
  assert.is((await channel.receive()).value, 'hello')
  await to.scrub('talk')
}

/** Ends of connections that this process has: over Unix sockets, over TCP. */
function ends(): { unix: number, tcp: number } {
  const all = process.getActiveResourcesInfo()
  const count = (kind: string) => all.filter((one) => one === kind).length
  return { unix: count('PipeWrap'), tcp: count('TCPSocketWrap') }
}

const links = () => readdirSync(folder).filter((name) => name.endsWith('.link'))

test('two peers link over a Unix socket, and tell nobody its address', async (t) => {
  const before = ends()
  const alice = await joined(t, 'alice', { circuit: 'near' })
  const bob = await joined(t, 'bob', { circuit: 'near' })
  await meet(t, alice, bob)
  await talk(alice, bob)
  const after = ends()
  assert.is(after.tcp, before.tcp, 'no connection over TCP')
  assert.ok(after.unix >= before.unix + 2, 'both ends of one connection')
  assert.is(links().length, 2)
  for (const name of links()) assert.is(statSync(pathOf(folder, name)).mode & 0o777, 0o600)
  for (const { addresses } of [...alice.peers(), ...bob.peers()]) {
    assert.not(addresses.some((one) => one.includes('unix')), addresses.join())
  }
  await alice.leave()
  await bob.leave()
  assert.equal(links(), [])
})

test('a peer without the road is reached over TCP', async (t) => {
  const before = ends()
  const alice = await joined(t, 'alice', { circuit: 'far', unix: false })
  assert.equal(links(), [])
  const bob = await joined(t, 'bob', { circuit: 'far' })
  await meet(t, alice, bob)
  await talk(bob, alice)
  assert.ok(ends().tcp >= before.tcp + 2)
})

/** Listens where a peer's socket would be, and says nothing; gives how many came. */
async function mute(t: TestContext, path: string): Promise<{ met: number, end(): Promise<void> }> {
  const held = new Set<Socket>()
  const counted = { met: 0, end: async () => {} }
  const server = createServer((socket) => {
    counted.met++
    held.add(socket)
  })
  server.listen(`${path}.mute`)
  await once(server, 'listening')
  chmodSync(`${path}.mute`, 0o600)
  renameSync(`${path}.mute`, path)
  counted.end = async () => {
    if (!server.listening) return
    for (const socket of held) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
  t.after(() => counted.end())
  t.after(() => rmSync(path, { force: true }))
  return counted
}

// Alice is in no run directory: only bob dials, and he finds somebody else where she would be.
for (const how of ['says nothing', 'has gone']) {
  test(`where the road ${how}, TCP is taken within a second or so`, async (t) => {
    const alice = await joined(t, 'alice', { discovery: 'none' })
    const ticket = await alice.invite()
    const { circuit } = await readTicket(ticket, 0)
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const path = linkSocket(folder, circuit, alice.self.id)
    const somebody = await mute(t, path)
    if (how === 'has gone') await somebody.end()
    assert.ok(existsSync(path))
    const before = ends()
    const began = performance.now()
    const bob = await joined(t, 'bob', { tickets: [ticket] })
    await meet(t, alice, bob)
    t.within(6_000, performance.now() - began, 'meeting')
    await talk(alice, bob)
    assert.ok(ends().tcp >= before.tcp + 2)
    assert.is(somebody.met > 0, how === 'says nothing')
  }, { timed: true })
}

test('where a path is too long for a socket, peers do without it', async (t) => {
  const long = pathOf(base, 'x'.repeat(50))
  mkdirSync(long, { mode: 0o700 })
  process.env['XDG_RUNTIME_DIR'] = long
  t.after(() => { process.env['XDG_RUNTIME_DIR'] = base })
  const alice = await joined(t, 'alice', { circuit: 'long' })
  const bob = await joined(t, 'bob', { tickets: [await alice.invite()] })
  await meet(t, alice, bob)
  await talk(alice, bob)
  assert.not(readdirSync(pathOf(long, 'circuit')).some((name) => name.endsWith('.link')))
})

test.run()
