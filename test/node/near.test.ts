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
import { join, type JoinOptions } from '../../bindings/node/join.ts'
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

/** Puts somebody who says nothing in the place of every socket for links. */
async function muted(t: TestContext): Promise<void> {
  const held = new Set<Socket>()
  for (const name of links()) {
    const path = pathOf(folder, name)
    const server = createServer((socket) => { held.add(socket) })
    server.listen(`${path}.mute`)
    await once(server, 'listening')
    chmodSync(`${path}.mute`, 0o600)
    renameSync(`${path}.mute`, path)
    t.after(() => new Promise((resolve) => {
      for (const socket of held) socket.destroy()
      server.close(resolve)
    }))
  }
}

test('where the road does not answer, TCP is taken within a second or so', async (t) => {
  const alice = await joined(t, 'alice', { circuit: 'mute' })
  await muted(t)
  const began = performance.now()
  const bob = await joined(t, 'bob', { circuit: 'mute' })
  await muted(t)
  await meet(t, alice, bob)
  t.within(6_000, performance.now() - began, 'meeting')
  await talk(alice, bob)
}, { timed: true })

test('a socket that nobody serves any more is no obstacle', async (t) => {
  const alice = await joined(t, 'alice', { circuit: 'stale' })
  for (const name of links()) {
    const path = pathOf(folder, name)
    rmSync(path)
    const server = createServer(() => {})
    server.listen(`${path}.x`)
    await once(server, 'listening')
    renameSync(`${path}.x`, path)
    chmodSync(path, 0o600)
    await new Promise((resolve) => server.close(resolve))
    assert.ok(existsSync(path))
  }
  const bob = await joined(t, 'bob', { circuit: 'stale' })
  await meet(t, alice, bob)
  await talk(bob, alice)
})

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
