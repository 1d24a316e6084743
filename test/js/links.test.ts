/** Frames on their way out: how many leave in one write, and that none waits for others. */
import * as assert from 'uvu/assert'
import { MemoryNetwork } from '../../transports/memory.ts'
import type { Frame, Link, Transport } from '../../transports/transport.ts'
import { suite } from '../suite.ts'
import { peer, until } from './stand.ts'

const test = suite('js: links')

/** A transport whose links say how many frames each write has. */
function counted(inner: Transport, writes: number[]): Transport {
  const watch = (link: Link): Link => {
    const send = link.send.bind(link)
    link.send = (frames: readonly Frame[]) => {
      writes.push(frames.length)
      return send(frames)
    }
    return link
  }
  return {
    name: inner.name,
    start: (events) => inner.start({ ...events, link: (link) => events.link(watch(link)) }),
    addresses: () => inner.addresses(),
    speaks: (address) => inner.speaks(address),
    dial: async (...asked) => watch(await inner.dial(...asked)),
    stop: () => inner.stop()
  }
}

async function pair(t: Parameters<typeof peer>[0]) {
  const network = new MemoryNetwork()
  const writes: number[] = []
  const alice = await peer(t, { transports: [counted(network.transport('id-alice'), writes)] })
  const bob = await peer(t, {
    id: 'id-bob', name: 'bob', transports: [network.transport('id-bob')]
  })
  alice.found('id-bob', [...bob.self.addresses])
  await until(() => alice.peers().length === 2 && bob.peers().length === 2)
  const jobs = await bob.make<number>('jobs', { capacity: 256 })
  const far = await alice.open<number>('/bob/jobs')
  writes.length = 0
  return { writes, jobs, far }
}

test('a window of sends that are awaited one by one leaves in a few writes', async (t) => {
  const { writes, jobs, far } = await pair(t)
  await using writer = far.writer({ window: 256 })
  for (let i = 0; i < 256; i++) await writer.send(i)
  await writer.flush()
  assert.ok(writes.length <= 4, `${writes.length} writes`)
  assert.ok(Math.max(...writes) >= 128, `${writes}`)
  for (let i = 0; i < 256; i++) assert.is((await jobs.receive()).value, i)
})

test('an idle peer gets its first frames soon, a busy one gets more at once', async (t) => {
  const { writes, jobs, far } = await pair(t)
  const count = 1024
  await using writer = far.writer({ window: count })
  for (let i = 0; i < count; i++) await writer.send(i)
  const early = [...writes]
  const [first, second, third] = early
  assert.ok(first! >= 128 && first! < 192, `${early}`)
  assert.ok(second! >= 128 && third! >= first! + second!, `${early}`)
  for (let i = 0; i < count; i++) assert.is((await jobs.receive()).value, i)
})

test('a frame does not wait for a program that adds none', async (t) => {
  const { writes, far } = await pair(t)
  const sent = far.send(1)
  // Within the same turn of the event loop, before any timer or I/O.
  for (let step = 0; step < 32 && writes.length === 0; step++) await undefined
  assert.equal(writes, [1])
  await sent
})

test.run()
