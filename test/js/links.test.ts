/** Frames on their way out: how many leave in one write, and that none waits for others. */
import * as assert from 'uvu/assert'
import type { Drive } from '../../bindings/js/drive.ts'
import { FrameCutter } from '../../bindings/js/frames.ts'
import { Links } from '../../bindings/js/links.ts'
import type { LinkHost } from '../../bindings/js/links.ts'
import { Payloads, Span } from '../../bindings/js/payload.ts'
import { FRAME_BYTES_MAX, IN_FRAME, IN_HEARD } from '../../bindings/js/tables.ts'
import { MemoryNetwork } from '../../transports/memory.ts'
import type { Link, LinkEvents, Transport } from '../../transports/transport.ts'
import { bytesOf } from '../../bindings/js/values.ts'
import { suite } from '../suite.ts'
import { joined } from '../transports/framed.ts'
import { filled, varint } from '../transports/samples.ts'
import { peer, until } from './stand.ts'

const test = suite('js: links')

/** A transport whose links are kept, and say how many frames each write has. */
function counted(inner: Transport, writes: number[], links: Link[]): Transport {
  const watch = (link: Link): Link => {
    links.push(link)
    const send = link.send.bind(link)
    link.send = (pieces: readonly Uint8Array[]) => {
      const cutter = new FrameCutter()
      for (const piece of pieces) cutter.push(piece)
      writes.push(cutter.cut(Infinity, { frame: () => {}, series: () => {} }))
      return send(pieces)
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
  const links: Link[] = []
  const transport = counted(network.transport('id-alice'), writes, links)
  const alice = await peer(t, { transports: [transport] })
  const bob = await peer(t, {
    id: 'id-bob', name: 'bob', transports: [network.transport('id-bob')]
  })
  alice.found('id-bob', [...bob.self.addresses])
  await until(() => alice.peers().length === 2 && bob.peers().length === 2)
  const jobs = await bob.make<number>('jobs', { capacity: 256 })
  const far = await alice.open<number>('/bob/jobs')
  writes.length = 0
  return { network, writes, links, alice, bob, jobs, far }
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

test('a reader that takes messages one by one says so in few writes', async (t) => {
  const { writes, alice, bob } = await pair(t)
  const here = bob.channel<number>({ capacity: 1024 })
  const carry = await alice.make<typeof here>('carry', { capacity: 1 })
  await (await bob.open<typeof here>('/alice/carry')).send(here)
  const there = (await carry.receive()).value!
  const prefetch = 256
  using reader = there.reader({ prefetch })
  const count = 8 * prefetch
  const sent = Promise.all(Array.from({ length: count }, (_, nth) => here.send(nth)))
  assert.is((await reader.receive()).value, 0)
  writes.length = 0
  const began = performance.now()
  for (let nth = 1; nth < count; nth++) assert.is((await reader.receive()).value, nth)
  await sent
  // Each half of the window, each time that none is left, and each turn of the clock.
  const turns = Math.ceil(performance.now() - began)
  assert.ok(writes.length <= 4 * count / prefetch + 2 * turns, `${writes.length} writes`)
})

test('bytes that are no frames reset their link after the frames before them', async (t) => {
  const { network, links, jobs, far, alice, bob } = await pair(t)
  const peers = () => [...alice.peers(), ...bob.peers()].map(({ id, incarnation }) =>
    `${id} ${incarnation}`).sort()
  const before = peers()
  const bad = [
    Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff), Uint8Array.of(2, 9, 1, 1), Uint8Array.of(0, 0),
    Uint8Array.from(varint(FRAME_BYTES_MAX + 1)), Uint8Array.of(0x83, 0x00, 1, 2, 3)
  ]
  for (const [i, bytes] of bad.entries()) {
    await far.send(i)
    const known = links.length
    network.inject('id-alice', 'id-bob', bytes)
    await until(() => links.length > known)
    await far.send(-i)
    assert.is((await jobs.receive()).value, i)
    assert.is((await jobs.receive()).value, -i)
  }
  assert.equal(peers(), before, 'the sessions live on')
})

/** A link whose host is played: what it records, and its table. */
function played() {
  const kinds: number[] = []
  let events: LinkEvents | undefined
  const words = new Uint32Array(8192)
  const drive = {
    ended: false, payloads: new Payloads(),
    record: (kind: number) => {
      kinds.push(kind)
      return 0
    },
    go: () => {}, tail: () => {}, timers: { set: () => 1, clear: () => {} },
    memory: { header: new Uint32Array(64), words, bytes: new Uint8Array(words.buffer) }
  }
  const links = new Links(drive as unknown as Drive, {} as LinkHost)
  links.open()
  const link = { peer: 'x', open: (told: LinkEvents) => { events = told } }
  assert.ok(links.dialled(link as unknown as Link))
  kinds.length = 0
  return { kinds, payloads: drive.payloads, bytes: (bytes: Uint8Array) => events!.bytes([bytes]) }
}

test('bytes that make no whole frame are heard, and whole frames are said once', () => {
  const { kinds, payloads, bytes } = played()
  const [frame] = joined([{ header: filled(3, 1), payload: filled(90, 2) }])
  bytes(frame!.subarray(0, 40))
  bytes(frame!.subarray(40, 80))
  bytes(frame!.subarray(80))
  assert.equal(kinds, [IN_HEARD, IN_HEARD, IN_FRAME])
  assert.is(payloads.size, 1)
})

test('payloads that wait keep little alive but themselves when they are many', () => {
  const { payloads, bytes } = played()
  const small = { header: filled(3, 1), payload: filled(20, 2) }
  const around = { header: filled(16_000, 1), payload: undefined }
  const many = 10_000
  const [chunk] = joined([small, around])
  for (let nth = 0; nth < many; nth++) bytes(chunk!.slice())
  assert.is(payloads.size, many)
  let held = 0
  for (let handle = 1; handle <= many; handle++) {
    const packed = payloads.peek(handle)
    assert.equal(bytesOf(packed), small.payload)
    held += packed instanceof Span ? packed.bytes.length : (packed as Uint8Array).buffer.byteLength
  }
  assert.ok(held < 5_000 * chunk!.length, `${held} bytes`)
  // One that is most of its chunk stays in it.
  const [large] = joined([{ header: filled(3, 1), payload: filled(3_000, 2) }])
  bytes(large!)
  assert.instance(payloads.peek(many + 1), Span)
})

test('a message that comes in small pieces keeps its link alive and comes whole', async (t) => {
  const network = new MemoryNetwork({ chunk_bytes_max: 9 })
  const alice = await peer(t, { transports: [network.transport('id-alice')] })
  const bob = await peer(t, {
    id: 'id-bob', name: 'bob', transports: [network.transport('id-bob')]
  })
  alice.found('id-bob', [...bob.self.addresses])
  await until(() => alice.peers().length === 2 && bob.peers().length === 2)
  const jobs = await bob.make<Uint8Array>('jobs', { capacity: 1 })
  const far = await alice.open<Uint8Array>('/bob/jobs')
  for (const size of [0, 1, 23, 24, 62, 64, 65, 300, 4_096, 20_000]) {
    const message = filled(size, size)
    await far.send(message)
    const { value } = await jobs.receive()
    assert.is(Buffer.compare(value!, message), 0, `${size} bytes`)
    assert.is(value!.constructor, Uint8Array)
  }
})

test.run()
