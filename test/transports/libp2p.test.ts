/**
 * The libp2p transport: the duties of all, and what real sockets and processes add.
 */
import { connect } from 'node:net'
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { libp2pTransport } from '../../transports/libp2p.ts'
import {
  HELLO_TIMEOUT_MS, LINK_CLOSE_MS, LINK_WINDOW_BYTES, STREAMS_PER_PEER_MAX, STREAM_WINDOW_BYTES
} from '../../transports/tables.ts'
import { compliance } from './compliance.ts'
import { frame, linked, peerOf, same, Witness } from './compliance/witness.ts'
import { joined } from './framed.ts'
import { frames, frozen, killed, STATES, stopped } from './processes.ts'
import { filled } from './samples.ts'
import { strangerOf } from './strangers.ts'
import type { Made, Peer, World } from './compliance/witness.ts'
import type { TestContext } from '../suite.ts'
import type { Stream } from '@libp2p/interface'

let made = 0

async function make(listen = ['/ip4/127.0.0.1/tcp/0']): Promise<Made> {
  const key = new Uint8Array(32)
  new DataView(key.buffer).setUint32(0, ++made)
  const transport = await libp2pTransport({ key, listen })
  return { peer: transport.peer, transport }
}

async function world(): Promise<World> {
  const ends: Array<() => Promise<void>> = []
  return {
    make,
    nowhere: '/ip4/127.0.0.1/tcp/1',
    raw: async (to, chunks) => {
      const stranger = await strangerOf()
      ends.push(() => stranger.stop())
      const stream = await stranger.open(to.transport.addresses())
      const ended = closed(stream)
      for (const chunk of chunks) stream.send(chunk)
      return { ended }
    },
    close: async () => { for (const end of ends) await end() }
  }
}

function closed(stream: Stream): Promise<void> {
  if (stream.status !== 'open') return Promise.resolve()
  return new Promise((resolve) => stream.addEventListener('close', () => resolve()))
}

compliance('libp2p', world)

const test = suite('transports: libp2p beyond its duties')

async function pair(t: TestContext): Promise<[Peer, Peer]> {
  const here = await world()
  return [await peerOf(here, t), await peerOf(here, t)]
}

for (const how of STATES) {
  test(`a killed process is down at once (${how}), and a dial of it is refused`, async (t) => {
    await killed(t, await peerOf(await world(), t), how)
  }, { timeout_ms: 20_000, timed: true })
}

test('a frozen process ends nothing, and goes on where it was when it thaws', async (t) => {
  await frozen(t, await peerOf(await world(), t))
}, { timeout_ms: 20_000 })

test('100,000 small frames to a slow reader take bounded memory', async (t) => {
  const [a, b] = await pair(t)
  const [near, far] = await linked(a, b)
  far.keep = false
  far.onFrames = () => {
    far.link.pause()
    setTimeout(() => far.link.resume(), 1)
  }
  const before = process.memoryUsage.rss()
  let most = 0
  let ahead = 0
  // More than the socket takes at once: a `ready` that comes too early piles up.
  const lot = frames(2_500, 100)
  for (let sent = 0; sent < 100_000; sent += lot.length) {
    const readies = near.readies
    const room = near.send(lot)
    ahead = Math.max(ahead, sent - far.count)
    if (!room) await near.until(() => near.readies > readies)
    most = Math.max(most, process.memoryUsage.rss() - before)
  }
  await far.until(() => far.count === 100_000)
  const bound = 2 * STREAM_WINDOW_BYTES + 8 * LINK_WINDOW_BYTES
  assert.ok(ahead * 111 < bound, `${ahead * 111} bytes under way`)
  assert.ok(most < 150e6, `${most} bytes more memory`)
}, { timeout_ms: 20_000 })

test('a stranger with the bare library reads what is written here, and is read', async (t) => {
  const b = await peerOf(await world(), t)
  const stranger = await strangerOf()
  t.after(() => stranger.stop())
  const stream = await stranger.open(b.transport.addresses())
  const far = new Witness(await b.next())
  const come: Uint8Array[] = []
  let bytes = 0
  let all = () => {}
  const read = new Promise<void>((resolve) => { all = resolve })
  // Around where a message is written in another way, and the most that a Noise message holds.
  const sizes = [1, 100, 4083, 4084, 4085, 4096, 16_366, 16_384, 65_507, 65_508, 3]
  const sent = sizes.map((size, i) => filled(size, i))
  const sent_bytes = sizes.reduce((sum, size) => sum + size, 0)
  stream.addEventListener('message', ({ data }) => {
    come.push(data.subarray())
    bytes += data.byteLength
    if (bytes === sent_bytes) all()
  })
  for (const one of sent) {
    const { readies } = far
    if (!far.link.send([one])) await far.until(() => far.readies > readies)
  }
  await read
  assert.is(Buffer.compare(Buffer.concat(come), Buffer.concat(sent)), 0)
  const frames = sizes.map((size, i) => frame(8, size, i))
  for (const one of frames) for (const piece of joined([one])) stream.send(piece)
  await far.until(() => far.count === frames.length)
  same(far.frames_seen, frames)
})

test('a connection lives as long as its last link', async (t) => {
  const b = await peerOf(await world(), t)
  const stranger = await strangerOf()
  t.after(() => stranger.stop())
  const connection = await stranger.connect(b.transport.addresses())
  const ends = new Promise<void>((resolve) => connection.addEventListener('close', () => resolve()))
  const open = () => connection.newStream('/circuit/1')
  const streams = [await open(), await open()]
  const [one, two] = [new Witness(await b.next()), new Witness(await b.next())]
  one.link.close(true)
  await one.gone()
  await closed(streams[0]!)
  streams[1]!.send(Uint8Array.of(2, 1, 7, 7))
  await two.until(() => two.count === 1)
  assert.is(connection.status, 'open')
  two.link.close()
  await streams[1]!.close()
  const began = performance.now()
  await ends
  t.within(2_000, performance.now() - began, 'the end of the connection')
}, { timed: true })

test('a stranger may not have many streams, nor any of another protocol', async (t) => {
  const b = await peerOf(await world(), t)
  const stranger = await strangerOf()
  t.after(() => stranger.stop())
  const connection = await stranger.connect(b.transport.addresses())
  const other = await connection.newStream('/ipfs/ping/1.0.0').catch((error: Error) => error.name)
  assert.is(other, 'UnsupportedProtocolError')
  const opened: Stream[] = []
  for (let i = 0; i < STREAMS_PER_PEER_MAX + 4; i++) {
    const signal = AbortSignal.timeout(opened.length < STREAMS_PER_PEER_MAX ? 30_000 : 1_000)
    const stream = await connection.newStream('/circuit/1', { signal }).catch(() => undefined)
    if (stream !== undefined) opened.push(stream)
  }
  assert.is(opened.length, STREAMS_PER_PEER_MAX)
  assert.is(b.incoming.length, STREAMS_PER_PEER_MAX)
})

test('stopping is bounded while the other side is frozen', async (t) => {
  await stopped(t, await peerOf(await world(), t), 3 * LINK_CLOSE_MS + 500)
}, { timed: true })

test('whoever connects and says nothing is sent away', async (t) => {
  const b = await peerOf(await world(), t)
  const stranger = await strangerOf()
  t.after(() => stranger.stop())
  const connection = await stranger.connect(b.transport.addresses())
  const port = Number(/\/tcp\/(\d+)/.exec(b.transport.addresses()[0]!)![1])
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.resume()
  const began = performance.now()
  await Promise.all([connection, socket].map((one) => new Promise<void>((resolve) =>
    'on' in one ? one.on('close', () => resolve()) : one.addEventListener('close', () => resolve())
  )))
  const took_ms = performance.now() - began
  // The two had connected before.
  assert.ok(took_ms > HELLO_TIMEOUT_MS - 2_000, `${took_ms} ms`)
  t.within(HELLO_TIMEOUT_MS + 2_000, took_ms, 'sending them away')
}, { timeout_ms: 3 * HELLO_TIMEOUT_MS, timed: true })

test('garbage on the socket ends that connection alone', async (t) => {
  const [a, b] = await pair(t)
  const [near, far] = await linked(a, b)
  const port = Number(/\/tcp\/(\d+)/.exec(b.transport.addresses()[0]!)![1])
  await Promise.all(Array.from({ length: 20 }, (_, i) => new Promise<void>((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.on('close', () => resolve())
    socket.resume()
    socket.write(filled(2_000 + i, i))
  })))
  near.send(frames(1, 5))
  await far.until(() => far.count === 1)
  assert.is(b.incoming.length, 0)
})

test('sixteen peers may dial one at the same moment', async (t) => {
  const b = await peerOf(await world(), t)
  const dialling = Array.from({ length: 16 }, async () => {
    const from = await peerOf(await world(), t)
    const signal = AbortSignal.timeout(30_000)
    return new Witness(await from.transport.dial(b.peer, b.transport.addresses(), signal))
  })
  const near = await Promise.all(dialling)
  const far = await Promise.all(near.map(async () => new Witness(await b.next())))
  for (const one of near) one.send(frames(1, 1))
  await Promise.all(far.map((one) => one.until(() => one.count === 1)))
}, { timeout_ms: 20_000 })

test('addresses are of real interfaces, without a peer id, loopback last', async (t) => {
  const b = await peerOf(await world(), t, () => make(['/ip4/0.0.0.0/tcp/0']))
  const addresses = b.transport.addresses()
  assert.match(addresses.at(-1)!, /^\/ip4\/127\.0\.0\.1\/tcp\/[1-9]\d*$/)
  for (const one of addresses) assert.not.match(one, /0\.0\.0\.0|p2p/)
  const a = await peerOf(await world(), t)
  const signal = AbortSignal.timeout(30_000)
  const address = `${addresses.at(-1)}/p2p/${b.peer}`
  const link = await a.transport.dial(b.peer, [address], signal)
  assert.is(link.peer, b.peer)
  link.close(true)
})

test('a taken port is a sentence, and the transport is over', async (t) => {
  const b = await peerOf(await world(), t)
  const taken = [...b.transport.addresses()]
  const { transport } = await make(taken)
  const error = await transport.start({ link: () => {} }).catch((one: Error) => one)
  assert.match((error as Error).message, /^Cannot listen at \/ip4\/127/)
})

test('a key that cannot be read is refused', async () => {
  const error = await libp2pTransport({ key: new Uint8Array(7) }).catch((one: Error) => one)
  assert.instance(error, Error)
})

test.run()
