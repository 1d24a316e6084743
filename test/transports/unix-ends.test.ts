/**
 * Links over Unix sockets whose other side is killed, frozen, or keeps to no rule.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { suite, type TestContext } from '../suite.ts'
import { LINK_CLOSE_MS, STREAM_WINDOW_BYTES } from '../../transports/tables.ts'
import { RECORD_CREDIT, RECORD_DATA, RECORD_END } from '../../transports/unix/pipe.ts'
import { linked, peerOf, Witness, type Peer } from './compliance/witness.ts'
import { joined } from './framed.ts'
import { frames, frozen, killed, STATES, stopped } from './processes.ts'
import { filled } from './samples.ts'
import { greeted, record, socketOf, unixPeer } from './sockets.ts'

const test = suite('transports: how links over Unix sockets end')

const keyOf = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
const STRANGER = 8

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'circuit-ends-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function peerIn(t: TestContext, folder: string, byte: number): Promise<Peer> {
  return peerOf({ make: () => unixPeer(folder, keyOf(byte)) } as never, t)
}

// spec: TR-22
for (const how of STATES) {
  test(`a killed process is down at once over a Unix socket (${how})`, async (t) => {
    const folder = folderOf(t)
    await killed(t, await peerIn(t, folder, 1), how, folder)
  }, { timeout_ms: 20_000, timed: true })
}

// spec: TR-22
test('a process that is frozen ends nothing over a Unix socket', async (t) => {
  const folder = folderOf(t)
  await frozen(t, await peerIn(t, folder, 1), folder)
}, { timeout_ms: 20_000 })

// spec: TR-23
test('stopping is bounded while the other side of a Unix socket is frozen', async (t) => {
  const folder = folderOf(t)
  await stopped(t, await peerIn(t, folder, 1), 3 * LINK_CLOSE_MS, folder)
}, { timeout_ms: 20_000, timed: true })

/** A peer, and a connection that has greeted it and is a link there. */
async function strangerAt(t: TestContext) {
  const folder = folderOf(t)
  const b = await peerIn(t, folder, 1)
  const coming = b.next()
  const stranger = await greeted(socketOf(folder, b.peer), b.peer, keyOf(STRANGER))
  t.after(() => stranger.socket.destroy())
  return { folder, b, far: new Witness(await coming), ...stranger }
}

const whole = Buffer.concat(joined([{ header: filled(3, 1), payload: filled(9, 1) }]))

// spec: TR-33
test('an end that was not said is a break, and one that was said is none', async (t) => {
  const { b, far, socket, ended } = await strangerAt(t)
  socket.write(record(RECORD_DATA, whole.length, whole))
  socket.end()
  await far.gone()
  assert.equal([far.count, far.downs], [1, [false]])
  await ended
  const coming = b.next()
  const other = await strangerAt(t)
  void coming
  other.socket.write(record(RECORD_DATA, whole.length, whole))
  other.socket.write(record(RECORD_END, 0))
  await other.far.gone()
  assert.equal([other.far.count, other.far.downs], [1, [true]])
  await other.ended
})

// spec: TR-33
test('an end is said back only when all before it was taken', async (t) => {
  const { far, socket, ended } = await strangerAt(t)
  const heard: Buffer[] = []
  socket.on('data', (bytes: Buffer) => heard.push(bytes))
  far.link.pause()
  socket.write(record(RECORD_DATA, whole.length, whole))
  socket.write(record(RECORD_END, 0))
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal([far.count, far.downs.length, heard.length], [0, 0, 0])
  far.link.resume()
  await far.gone()
  await ended
  assert.equal(Buffer.concat(heard), Buffer.from(record(RECORD_END, 0)))
})

// spec: TR-32
test('records that break the rules reset their link and touch no other', async (t) => {
  const much = STREAM_WINDOW_BYTES
  const over = Buffer.alloc(much + 1)
  const wrong: Uint8Array[][] = [
    [record(3, 0)], [record(255, 1)], [record(RECORD_DATA, 0)], [record(RECORD_CREDIT, 0)],
    [record(RECORD_CREDIT, 1)], [record(RECORD_END, 1)],
    [record(RECORD_END, 0), record(RECORD_END, 0)],
    [record(RECORD_END, 0), record(RECORD_DATA, whole.length, whole)],
    [record(RECORD_DATA, much + 1, over)]
  ]
  const { folder, b } = await strangerAt(t)
  const a = await peerIn(t, folder, 2)
  const [near, far] = await linked(a, b)
  for (const records of wrong) {
    const coming = b.next()
    const { socket, ended } = await greeted(socketOf(folder, b.peer), b.peer, keyOf(STRANGER))
    const victim = new Witness(await coming)
    if (records.length > 1) victim.link.pause()
    for (const one of records) socket.write(one)
    await victim.gone()
    await ended
    assert.equal(victim.downs, [false], records.map((one) => one.subarray(0, 4)).join(' '))
  }
  near.send(frames(1, 1))
  await far.until(() => far.count === 1)
})

// spec: TR-32
test('a record may come in any pieces, and as many in one as there are', async (t) => {
  const { far, socket } = await strangerAt(t)
  const count = 300
  const one = record(RECORD_DATA, whole.length, whole)
  for (const byte of Buffer.concat([one, one])) {
    socket.write(Uint8Array.of(byte))
    await new Promise((resolve) => setImmediate(resolve))
  }
  socket.write(Buffer.concat(Array.from({ length: count }, () => one)))
  await far.until(() => far.count === count + 2)
  // A frame in two records, and two frames in one.
  const half = whole.length >> 1
  socket.write(record(RECORD_DATA, half, whole.subarray(0, half)))
  socket.write(record(RECORD_DATA, whole.length - half, whole.subarray(half)))
  socket.write(record(RECORD_DATA, 2 * whole.length, Buffer.concat([whole, whole])))
  await far.until(() => far.count === count + 5)
})

// spec: TR-32
test('a paused link takes a window and no more, and gives credit when it goes on', async (t) => {
  const { far, socket, ended } = await strangerAt(t)
  const size = 65_536
  const body = Buffer.concat(joined(frames(1, size - 12)))
  assert.is(body.length, size)
  const credits: Buffer[] = []
  socket.on('data', (bytes: Buffer) => credits.push(bytes))
  far.link.pause()
  const parts = STREAM_WINDOW_BYTES / size
  for (let nth = 0; nth < parts; nth++) socket.write(record(RECORD_DATA, size, body))
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal([far.count, credits.length, far.downs.length], [0, 0, 0])
  far.link.resume()
  await far.until(() => far.count === parts)
  while (Buffer.concat(credits).length < 4) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(Buffer.concat(credits), Buffer.from(record(RECORD_CREDIT, STREAM_WINDOW_BYTES)))
  far.link.close(true)
  await ended
})

test('100,000 small frames to a slow reader of a Unix socket take bounded memory', async (t) => {
  const folder = folderOf(t)
  const [near, far] = await linked(await peerIn(t, folder, 1), await peerIn(t, folder, 2))
  far.keep = false
  far.onFrames = () => {
    far.link.pause()
    setTimeout(() => far.link.resume(), 1)
  }
  let ahead = 0
  const lot = frames(2_500, 100)
  for (let sent = 0; sent < 100_000; sent += lot.length) {
    const readies = near.readies
    const room = near.send(lot)
    ahead = Math.max(ahead, sent - far.count)
    if (!room) await near.until(() => near.readies > readies)
  }
  await far.until(() => far.count === 100_000)
  assert.ok(ahead * 111 < 3 * STREAM_WINDOW_BYTES, `${ahead * 111} bytes under way`)
}, { timeout_ms: 20_000 })

test.run()
