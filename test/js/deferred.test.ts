/**
 * Calls without a record whose frames go out later: when that is.
 *
 * Lives here: sends to another peer, grants of a window. Does not live here: what the core does in
 * such a call (test/net/second_door.test.ts), windows otherwise (peers.test.ts).
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { select } from '../../bindings/js/index.ts'
import { MemoryNetwork } from '../../transports/memory.ts'
import type { TestContext } from '../suite.ts'
import { codeOf, peer, turn, until } from './stand.ts'

const test = suite('js: deferred')
const MANY = 1000

/** Two peers whose clocks stand: nothing is ever due, so only what is asked for calls the core. */
async function timeless(t: TestContext) {
  const network = new MemoryNetwork()
  const [alice, bob] = await Promise.all(['alice', 'bob'].map((name) => peer(t, {
    id: `id-${name}`, name, transports: [network.transport(`id-${name}`)], clock: () => 0
  })))
  alice!.found('id-bob', [...bob!.self.addresses])
  await until(() => alice!.peers().length === 2 && bob!.peers().length === 2)
  return [alice!, bob!] as const
}

test('sends to another peer leave in the turn in which they were made', async (t) => {
  const [alice, bob] = await timeless(t)
  const there = await bob.make<number>('there', { capacity: 2 * MANY })
  const from_here = await alice.open<number>('/bob/there')
  const sends = Array.from({ length: MANY }, (_, nth) => from_here.send(nth))
  for (let nth = 0; nth < MANY; nth++) assert.is((await there.receive()).value, nth)
  await Promise.all(sends)
})

test('one send is as soon there as many are', async (t) => {
  const [alice, bob] = await timeless(t)
  const there = await bob.make<string>('there', { capacity: 1 })
  const from_here = await alice.open<string>('/bob/there')
  const received = there.receive()
  await from_here.send('text')
  assert.is((await received).value, 'text')
  const writer = from_here.writer({ window: 8 })
  await writer.send('more')
  assert.is((await there.receive()).value, 'more')
  await writer.flush()
})

test('what is asked for after a send goes after it', async (t) => {
  const [alice, bob] = await timeless(t)
  const there = await bob.make<number>('there', { capacity: 4 })
  const from_here = await alice.open<number>('/bob/there')
  const writer = from_here.writer({ window: 8 })
  await writer.send(1)
  const direct = from_here.send(2)
  const closed = from_here.close()
  await Promise.all([direct, closed, writer.flush()])
  assert.equal([(await there.receive()).value, (await there.receive()).value], [1, 2])
  assert.is((await there.receive()).ok, false)
})

test('trying to send to another peer gives false when it would have to wait', async (t) => {
  const [alice, bob] = await timeless(t)
  const there = await bob.make<unknown>('there', { capacity: 1 })
  const from_here = await alice.open<unknown>('/bob/there')
  for (const value of [1, new Uint8Array(2), { an: 'object' }]) {
    assert.equal(await Promise.all([from_here.trySend(value), from_here.trySend(value)]),
      [true, false])
    assert.equal((await there.receive()).value, value)
  }
  await there.close()
  assert.is(await codeOf(from_here.send(1)), 'CLOSED')
})

test('a sender hears of what was read though the reader asks for nothing more', async (t) => {
  const [alice, bob] = await timeless(t)
  const here = alice.channel<number>({ capacity: 4 })
  const carry = await bob.make<typeof here>('carry', { capacity: 1 })
  await (await alice.open<typeof here>('/bob/carry')).send(here)
  const there = (await carry.receive()).value!
  using reader = there.reader({ prefetch: 64 })
  for (let nth = 0; nth < 4; nth++) await here.send(nth)
  assert.is((await reader.receive()).value, 0)
  await here.send(4)
  // It has gone to the reader, and nothing is under way any more.
  for (let nth = 0; nth < 20; nth++) await turn()
  const waits = here.send(5)
  assert.is((await reader.receive()).value, 1)
  // No more reads: the message has its place as soon as the grant is here.
  await waits
})

test('what waits for its call ends with the peer', async (t) => {
  const [alice, bob] = await timeless(t)
  const there = await bob.make<number>('there')
  const from_here = await alice.open<number>('/bob/there')
  const sends = [1, 2, 3].map((value) => codeOf(from_here.send(value)))
  await alice.leave()
  assert.equal(await Promise.all(sends), ['LEFT', 'LEFT', 'LEFT'])
  assert.is((await there.stat()).senders, 0)
})

test('whatever sends beside a channel, a reader elsewhere has it in that turn', async (t) => {
  const [alice, bob] = await timeless(t)
  const here = await alice.make<unknown>('here', { capacity: 8 })
  const other = alice.channel<number>()
  const out = here.writer({ window: 8 })
  const reader = (await bob.open('/alice/here')).reader({ prefetch: 8 })
  const first = reader.receive()
  await here.send(0)
  assert.is((await first).value, 0)
  const ways: [value: unknown, send: (value: unknown) => Promise<unknown>][] = [
    [1, (value) => here.send(value)], [2, (value) => here.trySend(value)],
    [3, (value) => here.sendMany([value])], [4, (value) => out.send(value)],
    [5, (value) => select({ out: here.sending(value), in: other.receiving() })],
    [new Uint8Array(6), (value) => here.send(value)],
    [new Uint8Array(700), (value) => out.send(value)]
  ]
  for (const [value, send] of ways) {
    const received = reader.receive()
    // The reader has said all that it has to say, so nothing else calls the sender's core.
    for (let nth = 0; nth < 20; nth++) await turn()
    await send(value)
    assert.equal((await received).value, value)
  }
  await out.flush()
})

test('what was placed to leave and stays after all is a message of its own', async (t) => {
  const [alice, bob] = await timeless(t)
  const here = await alice.make<Uint8Array>('here', { capacity: 64 })
  const reader = (await bob.open<Uint8Array>('/alice/here')).reader({ prefetch: 4 })
  const out = here.writer({ window: 64 })
  const values = Array.from({ length: 40 }, (_, nth) => new Uint8Array(60 + 30 * nth).fill(nth))
  await out.send(values[0]!)
  assert.equal((await reader.receive()).value, values[0])
  for (const value of values.slice(1)) await out.send(value)
  await out.flush()
  reader[Symbol.dispose]()
  while ((await here.stat()).out > 0) await turn()
  let stays = 0
  for (const value of values.slice(1)) {
    const got = (await here.receive()).value!
    assert.equal(got, value)
    if (got.buffer.byteLength <= value.length + 3) stays += 1
  }
  assert.is(stays, values.length - 1, 'no other message can be seen around it')
})

test.run()
