/**
 * Processes as a program sees them and as a host is told of them; the test plays the processes.
 *
 * Lives here: the orders of the core, Process, leaving with processes. Does not live here: programs
 * that really run (test/node).
 */
import * as assert from 'uvu/assert'
import { refusal } from '../../bindings/js/index.ts'
import type { Processes, ProcessOrder } from '../../bindings/js/index.ts'
import { MemoryNetwork } from '../../transports/memory.ts'
import { suite } from '../suite.ts'
import { codeOf, peer, peers, turn, until } from './stand.ts'

const test = suite('js: process')

/** Processes that run nothing: the test plays them. */
class Played implements Processes {
  readonly orders: ProcessOrder[] = []
  readonly ends: (() => void)[] = []
  readonly told: string[] = []
  async start(order: ProcessOrder, ended: () => void): Promise<void> {
    if (order.command.path === 'none') throw refusal('PROGRAM_NOT_FOUND', 'none')
    if (order.command.path === 'broken') throw new Error('no reason')
    this.orders.push(order)
    this.ends.push(ended)
    if (order.command.path === 'short') ended()
  }
  signal(number: number, signal: number): boolean {
    this.told.push(`signal ${signal}`)
    return this.orders.some((order) => order.process === number)
  }
  stop(): void { this.told.push('stop') }
  async close(): Promise<void> { this.told.push('close') }
}

test('a process somewhere is its channels, its signals and its exit', async (t) => {
  const network = new MemoryNetwork()
  const played = new Played()
  const bob = await peer(t, {
    id: 'id-bob', name: 'bob', transports: [network.transport('id-bob')], processes: played
  })
  const alice = await peer(t, { transports: [network.transport('id-alice')] })
  alice.found('id-bob', [...bob.self.addresses])
  await until(() => alice.peers().length === 2 && bob.peers().length === 2)
  const command = { path: 'make', args: ['-j2'], env: { A: 'b' }, dir: '/src' }
  const p = await alice.start('/bob/build', command)
  const order = played.orders[0]!
  assert.equal(order.command, command)
  assert.is(order.path, 'build')
  assert.equal(await p.stat(), { kind: 'process', state: 'running' })
  await p.stdin.send(new Uint8Array([1]))
  assert.equal((await order.stdin.receive()).value, new Uint8Array([1]))
  await order.stdout.send(new Uint8Array([2, 3]))
  await order.stdout.close()
  assert.equal(await Array.fromAsync(p.stdout), [new Uint8Array([2, 3])])
  await p.signal('TERM')
  await p.signal('SIGINT')
  await p.signal(9)
  assert.equal(played.told, ['signal 15', 'signal 2', 'signal 9'])
  assert.is(await codeOf(p.signal('NONE')), 'BAD_ARGUMENT')
  const waiting = [p.wait(), bob.attach('build').then((same) => same.wait())]
  await order.exit.send({ code: 3, signal: null })
  assert.equal(await Promise.all(waiting), [{ code: 3, signal: null }, { code: 3, signal: null }])
  played.ends[0]!()
  assert.equal(await p.wait({ timeout: 5000 }), { code: 3, signal: null })
  assert.equal(await p.stat(), { kind: 'process', state: 'ended' })
  assert.is(await codeOf(p.signal('TERM')), 'NOT_RUNNING')
  await p.scrub()
  assert.is(await codeOf(p.wait()), 'SCRUBBED')
  p[Symbol.dispose]()
})

test('a process that cannot start fails loudly, and its path stays free', async (t) => {
  const bob = await peer(t, { processes: new Played() })
  assert.is(await codeOf(bob.start('p', { path: 'none' })), 'PROGRAM_NOT_FOUND')
  assert.is(await codeOf(bob.start('p', { path: 'broken' })), 'CANNOT_START')
  const short = await bob.start('p', { path: 'short' })
  await turn()
  assert.equal(await short.stat(), { kind: 'process', state: 'ended' })
  assert.is(await codeOf(bob.start('p', { path: 'make' })), 'ANCHOR_TAKEN')
})

test('everyone who waits for an exit has a copy of its own', async (t) => {
  const played = new Played()
  const bob = await peer(t, { processes: played })
  const p = await bob.start('p', { path: 'make' })
  const exit = { code: 1, signal: null, core: new Uint8Array([1, 2]) }
  await played.orders[0]!.exit.send(exit)
  const [one, other] = await Promise.all([p.wait(), p.wait()]) as unknown as { core: Uint8Array }[]
  one!.core[0] = 9
  assert.equal(other!.core, new Uint8Array([1, 2]))
  assert.equal((await p.wait() as unknown as typeof other)!.core, new Uint8Array([1, 2]))
})

test('leaving ends the processes, then tells the peers, then stops the transports', async (t) => {
  const network = new MemoryNetwork()
  const played = new Played()
  let peersThen = -1
  const [alice] = await peers(t, ['alice'], network)
  const bob = await peer(t, {
    id: 'id-bob', name: 'bob', transports: [network.transport('id-bob')], processes: played,
    ending: async () => { peersThen = alice.peers().length }
  })
  bob.found('id-alice', [...alice.self.addresses])
  await until(() => alice.peers().length === 2)
  await bob.leave()
  assert.equal(played.told, ['close'])
  assert.is(peersThen, 1)
  await until(() => network.links === 0)
}, { timeout_ms: 20_000 })

test.run()
