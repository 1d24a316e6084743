/**
 * Who gets a link over a Unix socket: this user alone, and only as the peer whose key it holds.
 */
import { spawn } from 'node:child_process'
import {
  chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync,
  writeFileSync
} from 'node:fs'
import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { suite, type TestContext } from '../suite.ts'
import { HELLO_TIMEOUT_MS, LINKS_MAX, NEAR_DIAL_MS } from '../../transports/tables.ts'
import {
  greetAsDialler, greetAsListener, greetingBytes, Reading
} from '../../transports/unix/greeting.ts'
import { addressOf, checkSocket } from '../../transports/unix/place.ts'
import { dial, linked, peerOf, reasonOf, Witness, type Peer } from './compliance/witness.ts'
import { connected, greeted, identityOf, impostor, socketOf, unixPeer } from './sockets.ts'

const test = suite('transports: who gets in over a Unix socket')

const keyOf = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
const ROOT = 0
const NOBODY = 65_534
const NONCE = new Uint8Array(32).fill(9)

function folderOf(t: TestContext): string {
  const above = mkdtempSync(join(tmpdir(), 'circuit-trust-'))
  t.after(() => rmSync(above, { recursive: true, force: true }))
  const folder = join(above, 'run')
  mkdirSync(folder, { mode: 0o700 })
  return folder
}

async function peerIn(t: TestContext, folder: string, byte: number): Promise<Peer> {
  const never = { make: () => unixPeer(folder, keyOf(byte)) } as never
  return peerOf(never, t)
}

/** Two peers in a folder, and the path of the second one's socket. */
async function pairIn(t: TestContext) {
  const folder = folderOf(t)
  const [a, b] = [await peerIn(t, folder, 1), await peerIn(t, folder, 2)]
  return { folder, a, b, path: socketOf(folder, b.peer) }
}

const dialled = (from: Peer, peer: string, path: string) =>
  reasonOf(from.transport.dial(peer, [addressOf(path)], AbortSignal.timeout(30_000)))

/** The two still have each other, whatever happened. */
async function unharmed(a: Peer, b: Peer): Promise<void> {
  const [near, far] = await linked(a, b)
  near.send([{ header: Uint8Array.of(1), payload: undefined }])
  await far.until(() => far.count === 1)
  near.link.close(true)
}

// spec: TR-27
test('nobody listens in a folder that others may enter or replace', async (t) => {
  const folder = folderOf(t)
  const start = async () => {
    const { transport } = await unixPeer(folder, keyOf(1))
    const error = await transport.start({ link: () => {} }).catch((why: Error) => why)
    assert.match((error as Error).message, /^Cannot listen at \/unix\//)
    assert.equal(transport.addresses(), [])
    await transport.stop()
  }
  chmodSync(folder, 0o710)
  await start()
  chmodSync(folder, 0o700)
  chmodSync(join(folder, '..'), 0o777)
  await start()
  chmodSync(join(folder, '..'), 0o700)
  renameSync(folder, `${folder}-away`)
  symlinkSync(`${folder}-away`, folder)
  await start()
  rmSync(folder)
  writeFileSync(folder, '')
  await start()
})

// spec: TR-27
test('nobody is connected to where others may enter, or have put something', async (t) => {
  const { folder, a, b, path } = await pairIn(t)
  const refused = async (why: string) =>
    assert.is(await dialled(a, b.peer, path), 'unreachable', why)
  await unharmed(a, b)
  const real = `${path}.real`
  renameSync(path, real)
  const { met } = await impostor(t, path, (socket) => socket.destroy())
  chmodSync(path, 0o606)
  await refused('a socket of mode 0606')
  rmSync(path)
  symlinkSync(real, path)
  await refused('a symbolic link')
  rmSync(path)
  writeFileSync(path, '', { mode: 0o600 })
  await refused('a file')
  rmSync(path)
  renameSync(real, path)
  chmodSync(folder, 0o701)
  await refused('a folder of mode 0701')
  chmodSync(folder, 0o700)
  assert.is(met, 0)
  await unharmed(a, b)
})

// spec: TR-27
test('a socket that is another one as soon as it is connected is left again', async (t) => {
  const { a, b, path } = await pairIn(t)
  await impostor(t, `${path}.other`, () => {})
  // The kernel is asked within the call; the place is looked at once more when it has answered.
  const dialling = dialled(a, b.peer, path)
  renameSync(`${path}.other`, path)
  assert.is(await dialling, 'unreachable')
  assert.is(b.incoming.length, 0)
})

/** What comes of a connection that is asked for while this process is another user's. */
async function asNobody(path: string): Promise<string> {
  process.seteuid!(NOBODY)
  let socket: Socket
  try {
    socket = connect(path) // asks the kernel before it returns
  } finally {
    process.seteuid!(ROOT)
  }
  return await new Promise((resolve) => {
    socket.once('connect', () => {
      socket.destroy()
      resolve('connected')
    })
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(String(code)))
  })
}

// spec: TR-26
test('another user gets no connection, and is not connected to', async (t) => {
  if (process.getuid?.() !== ROOT) t.skip('it needs root to be another user')
  const { folder, a, b, path } = await pairIn(t)
  // The way there is open: it is the folder that keeps them out, and then the socket.
  chmodSync(join(folder, '..'), 0o755)
  assert.is(await asNobody(path), 'EACCES')
  chmodSync(folder, 0o755)
  assert.is(await asNobody(path), 'EACCES')
  chmodSync(path, 0o666)
  assert.is(await asNobody(path), 'connected')
  chmodSync(path, 0o600)
  chmodSync(folder, 0o700)
  chownSync(path, NOBODY, NOBODY)
  assert.is(await dialled(a, b.peer, path), 'unreachable')
  chownSync(path, ROOT, ROOT)
  chownSync(folder, NOBODY, NOBODY)
  assert.is(await dialled(a, b.peer, path), 'unreachable')
  chownSync(folder, ROOT, ROOT)
  await unharmed(a, b)
})

// spec: TR-28
test('an address leads to a socket of the own folder or nowhere', async (t) => {
  const { folder, a, b } = await pairIn(t)
  const other = folderOf(t)
  const there = socketOf(other, b.peer)
  const counted = await impostor(t, there, (socket) => socket.destroy())
  const wrong = [addressOf(there), addressOf(`${folder}/../run/x.link`), `/unix/${folder}/x.link`,
    addressOf(join(folder, 'x.certify')), addressOf(join(folder, '.link')),
    addressOf(join(folder, 'sub', 'x.link')), '/unix/%', '/unix/', '/unix',
    `/unix/%2f${folder.slice(1).replaceAll('/', '%2f')}%2fx.link`]
  for (const address of wrong) assert.not(a.transport.speaks(address), address)
  assert.is(await reasonOf(dial(a, b.peer, wrong)), 'no_address')
  assert.is(counted.met, 0)
  assert.ok(a.transport.speaks(addressOf(join(folder, 'x.link'))))
})

test('the folder above may be a link, as /tmp is on some systems', async (t) => {
  const above = join(folderOf(t), '..')
  symlinkSync(above, `${above}-link`)
  t.after(() => rmSync(`${above}-link`))
  const folder = join(`${above}-link`, 'run')
  const [a, b] = [await peerIn(t, folder, 1), await peerIn(t, folder, 2)]
  await unharmed(a, b)
})

test('too long a path is refused in a sentence', async (t) => {
  const folder = join(folderOf(t), 'x'.repeat(60))
  mkdirSync(folder, { mode: 0o700 })
  const { transport } = await unixPeer(folder, keyOf(1))
  const error = await transport.start({ link: () => {} }).catch((why: Error) => why) as Error
  assert.match(error.message, /^Cannot listen at \/unix\//)
  assert.match((error.cause as Error).message, /too many for a socket/)
  await transport.stop()
})

test('what a killed peer left is replaced, and is refused until then', async (t) => {
  const folder = folderOf(t)
  const a = await peerIn(t, folder, 1)
  const { peer, transport } = await unixPeer(folder, keyOf(2))
  const path = socketOf(folder, peer)
  const file = new URL('child.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [file, '2', 'echo', folder],
    { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.ok(existsSync(path))
  assert.is(await reasonOf(dial(a, peer, [addressOf(path)])), 'refused')
  t.after(() => transport.stop())
  await transport.start({ link: (link) => link.close(true) })
  const link = await dial(a, peer, transport.addresses())
  assert.is(link.peer, peer)
})

test('a peer that stops leaves the socket of its successor alone', async (t) => {
  const folder = folderOf(t)
  const a = await peerIn(t, folder, 1)
  const before = await unixPeer(folder, keyOf(2))
  await before.transport.start({ link: () => {} })
  const after = await peerIn(t, folder, 2)
  await before.transport.stop()
  await unharmed(a, after)
  await after.transport.stop()
  assert.not(existsSync(socketOf(folder, after.peer)))
})

// spec: TR-29
test('nobody is taken for a peer whose key he has not', async (t) => {
  const { a, b, path } = await pairIn(t)
  const [carol, mallory] = [await identityOf(keyOf(3)), keyOf(4)]
  const { sign } = await identityOf(mallory)
  // As the side that dials: it says that it is carol.
  const { socket, ended } = await connected(path)
  const road = new Reading(socket)
  await greetAsDialler(road, { ...carol, sign }, b.peer, checkSocket(path))
  socket.resume()
  await ended
  assert.is(b.incoming.length, 0)
  // As the side that listens: it is found where carol would be, and says that it is she.
  const at = path.replace(/[^/]+$/, 'carol.link')
  await impostor(t, at, (one) => {
    void greetAsListener(new Reading(one), { ...carol, sign }, checkSocket(at)).catch(() => {})
  })
  assert.is(await dialled(a, carol.peer, at), 'wrong_peer')
  await unharmed(a, b)
})

/** Passes all bytes of a connection on to another socket and back, and keeps those of the first. */
async function passOn(one: Socket, path: string, kept: Buffer[] = []): Promise<void> {
  const { socket: other } = await connected(path)
  one.on('data', (bytes: Buffer) => {
    kept.push(bytes)
    other.write(bytes)
  })
  other.on('data', (bytes: Buffer) => one.write(bytes))
  one.on('close', () => other.destroy())
  other.on('close', () => one.destroy())
}

// spec: TR-30
test('a program between two peers gets no link of either', async (t) => {
  const { a, b, path } = await pairIn(t)
  const real = path.replace('.link', '.real')
  renameSync(path, real)
  const kept: Buffer[] = []
  const counted = await impostor(t, path, (socket) => { void passOn(socket, real, kept) })
  assert.is(await dialled(a, b.peer, path), 'wrong_peer')
  assert.is(counted.met, 1)
  assert.ok(Buffer.concat(kept).length > 0, 'it did hear the greeting')
  assert.is(b.incoming.length, 0)
})

// spec: TR-30
test('a greeting that was heard serves nobody again', async (t) => {
  const { a, b, path } = await pairIn(t)
  const carol = keyOf(3)
  const said: Buffer[] = []
  const { socket } = await greeted(path, b.peer, carol, (bytes) => said.push(Buffer.from(bytes)))
  new Witness(await b.next())
  socket.destroy()
  assert.is(said.length, 2, 'a greeting and a signature')
  const again = await connected(path)
  for (const bytes of said) again.socket.write(bytes)
  again.socket.resume()
  await again.ended
  assert.is(b.incoming.length, 0)
  await unharmed(a, b)
})

// spec: TR-30
test('what a peer signs as one side serves nobody as the other', async (t) => {
  const { a, b, path } = await pairIn(t)
  // Its own bytes come back to whoever dials,
  const echo = path.replace(/[^/]+$/, 'echo.link')
  await impostor(t, echo, (socket) => socket.pipe(socket))
  assert.is(await dialled(a, b.peer, echo), 'wrong_peer')
  assert.is(await dialled(a, a.peer, echo), 'wrong_peer')
  // and to whoever listens, under its own name and under another's.
  for (const peer of [b.peer, a.peer]) {
    const { socket, ended } = await connected(path)
    const road = new Reading(socket)
    const greeting = greetingBytes({ nonce: NONCE, peer })
    socket.write(greeting)
    await road.take(greetingBytes({ nonce: NONCE, peer: b.peer }).length)
    socket.write(await road.take(64))
    road.rest()
    socket.resume()
    await ended
  }
  assert.is(b.incoming.length, 0)
})

// spec: TR-31
test('a greeting of any other shape ends its connection at once', async (t) => {
  const { a, b, path } = await pairIn(t)
  const good = greetingBytes({ nonce: NONCE, peer: a.peer })
  const version = Uint8Array.from(good).fill(2, 0, 1)
  const empty = Uint8Array.from(good).fill(0, 33, 34)
  const long = Uint8Array.from(good).fill(129, 33, 34)
  const letters = Uint8Array.from(good).fill(0xff, 34)
  for (const bytes of [version, empty, long]) {
    const { socket, ended } = await connected(path)
    socket.write(bytes)
    socket.resume()
    await ended
  }
  const { socket, ended } = await connected(path)
  socket.write(letters)
  socket.write(new Uint8Array(64))
  socket.resume()
  await ended
  for (let length = 0; length < good.length + 64; length += 7) {
    const part = await connected(path)
    part.socket.end(Buffer.concat([good, new Uint8Array(64)]).subarray(0, length))
    part.socket.resume()
    await part.ended
  }
  assert.is(b.incoming.length, 0)
  await unharmed(a, b)
})

// spec: TR-31
test('a dial ends when the other side greets in any other shape, or ends', async (t) => {
  const { a, b, path } = await pairIn(t)
  const good = Buffer.concat([greetingBytes({ nonce: NONCE, peer: b.peer }), new Uint8Array(64)])
  const answers = [good, good.subarray(0, 40), good.subarray(0, 0),
    Uint8Array.from(good).fill(7, 0, 1), Uint8Array.from(good).fill(0, 33, 34)]
  for (const [nth, answer] of answers.entries()) {
    const at = path.replace(/[^/]+$/, `${nth}.link`)
    await impostor(t, at, (socket) => socket.end(answer))
    assert.is(await dialled(a, b.peer, at), nth === 0 ? 'wrong_peer' : 'unreachable')
  }
})

// spec: TR-31
test('whoever says nothing is sent away, and keeps no dial waiting', async (t) => {
  const { a, b, path } = await pairIn(t)
  const began = performance.now()
  const { socket, ended } = await connected(path)
  socket.resume()
  const at = path.replace(/[^/]+$/, 'mute.link')
  await impostor(t, at, () => {})
  assert.is(await dialled(a, b.peer, at), 'unreachable')
  t.within(NEAR_DIAL_MS + 1_000, performance.now() - began, 'the dial')
  await ended
  const took_ms = performance.now() - began
  assert.ok(took_ms > HELLO_TIMEOUT_MS - 100, `${took_ms} ms`)
  t.within(HELLO_TIMEOUT_MS + 2_000, took_ms, 'sending it away')
  assert.is(b.incoming.length, 0)
}, { timeout_ms: 3 * HELLO_TIMEOUT_MS, timed: true })

// spec: TR-31
test('so many connect and no more, and links that are there stay', async (t) => {
  const { a, b, path } = await pairIn(t)
  const [near, far] = await linked(a, b)
  const mute = await Promise.all(Array.from({ length: LINKS_MAX - 1 }, () => connected(path)))
  const { socket, ended } = await connected(path)
  socket.resume()
  await ended
  near.send([{ header: Uint8Array.of(1), payload: undefined }])
  await far.until(() => far.count === 1)
  for (const one of mute) one.socket.destroy()
  await Promise.all(mute.map((one) => one.ended))
})

test.run()
