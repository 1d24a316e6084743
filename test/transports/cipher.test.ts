/** The ciphers of Noise: the same bytes as the library's own, whichever of them does the work. */
import { Socket } from 'node:net'
import { pureJsCrypto } from '@chainsafe/libp2p-noise'
import { Uint8ArrayList } from 'uint8arraylist'
import * as assert from 'uvu/assert'
import { libp2pTransport } from '../../transports/libp2p.ts'
import { noiseCrypto } from '../../transports/libp2p/cipher.ts'
import { wholeOf } from '../../transports/libp2p/sealed.ts'
import { suite } from '../suite.ts'
import { frame, linked, peerOf } from './compliance/witness.ts'
import { filled, seeded } from './samples.ts'
import type { World } from './compliance/witness.ts'
import type { TestContext } from '../suite.ts'

const test = suite('transports: the cipher and its writes')

const TAG_BYTES = 16
const SIZES = [0, 1, 12, 511, 512, 513, 4_000, 65_519]

test('a message is sealed as the library seals it, and opens both ways', () => {
  const key = filled(32, 7)
  for (const size of SIZES) {
    for (const data of [filled(0, 0), filled(32, 3)]) {
      const [text, nonce] = [filled(size, size), filled(12, size + 1)]
      const sealed = noiseCrypto.chaCha20Poly1305Encrypt(text, nonce, data, key)
      const theirs = pureJsCrypto.chaCha20Poly1305Encrypt(text, nonce, data, key)
      assert.is(Buffer.compare(sealed.subarray(), theirs.subarray()), 0, `${size} bytes`)
      const opened = noiseCrypto.chaCha20Poly1305Decrypt(theirs, nonce, data, key)
      assert.is(Buffer.compare(opened.subarray(), text), 0, `${size} bytes opened`)
    }
  }
})

test('one bit that is wrong, in the text, the tag, the nonce or the key, opens nothing', () => {
  for (const size of [100, 5_000]) {
    const [key, nonce, none] = [filled(32, 1), filled(12, 2), filled(0, 0)]
    const sealed = noiseCrypto.chaCha20Poly1305Encrypt(filled(size, 3), nonce, none, key).subarray()
    const flipped = (bytes: Uint8Array, at: number) =>
      bytes.map((one, i) => i === at ? one ^ 1 : one)
    const open = (bytes: Uint8Array, by = nonce, under = key) => () =>
      noiseCrypto.chaCha20Poly1305Decrypt(Uint8Array.from(bytes), by, none, under)
    assert.not.throws(open(sealed))
    assert.throws(open(flipped(sealed, 0)))
    assert.throws(open(flipped(sealed, size)))
    assert.throws(open(flipped(sealed, size + TAG_BYTES - 1)))
    assert.throws(open(sealed, flipped(nonce, 4)))
    assert.throws(open(sealed, nonce, flipped(key, 31)))
  }
})

test('messages come whole and in order however the socket cut them', () => {
  const random = seeded(3)
  const sizes = [1, 0, 5, 65_535, 300, 0, 0, 2, 255, 256, 40_000, 1]
  const messages = sizes.map((size, i) => filled(size, i))
  const stream = Buffer.concat(messages.map((one) =>
    Buffer.concat([Uint8Array.of(one.length >> 8, one.length & 0xff), one])))
  for (let round = 0; round < 40; round++) {
    const held = new Uint8ArrayList()
    const come: Uint8Array[] = []
    for (let at = 0; at < stream.length;) {
      const end = Math.min(stream.length, at + 1 + random(random(2) === 0 ? 4 : 70_000))
      const piece = Uint8Array.from(stream.subarray(at, end))
      const some = wholeOf(held, random(2) === 0 ? piece : new Uint8ArrayList(piece))
      come.push(...some.map((one) => one.slice()))
      at = end
    }
    assert.is(held.byteLength, 0)
    const expected = messages.filter(({ length }) => length > 0)
    assert.is(come.length, expected.length)
    expected.forEach((one, i) => assert.is(Buffer.compare(one, come[i]!), 0, `message ${i}`))
  }
})

test('a message that comes alone is given as it lies, and nothing is held', () => {
  for (const wrapped of [false, true]) {
    const held = new Uint8ArrayList()
    const chunk = Buffer.concat([Uint8Array.of(1, 4), filled(260, 7)])
    const [one, ...more] = wholeOf(held, wrapped ? new Uint8ArrayList(chunk) : chunk)
    assert.is(more.length, 0)
    assert.instance(one, Uint8Array)
    assert.is((one as Uint8Array).buffer, chunk.buffer)
    assert.is(Buffer.compare(one as Uint8Array, filled(260, 7)), 0)
    assert.is(held.byteLength, 0)
  }
})

/** Counts every write to a socket of this process until the test ends. */
function countedWrites(t: TestContext): { count: number } {
  const counted = { count: 0 }
  const write = Socket.prototype.write
  Socket.prototype.write = function (this: Socket, ...asked: Parameters<typeof write>) {
    counted.count++
    return write.apply(this, asked)
  } as typeof write
  t.after(() => { Socket.prototype.write = write })
  return counted
}

let made = 0

async function make() {
  const key = filled(32, 100 + ++made)
  const transport = await libp2pTransport({ key, listen: ['/ip4/127.0.0.1/tcp/0'] })
  return { peer: transport.peer, transport }
}

const world: World = {
  make, nowhere: '', raw: () => Promise.reject(new Error('no raw')), close: async () => {}
}

test('what a link sends at once is one write, and small frames bring none back', async (t) => {
  const [near, far] = await linked(await peerOf(world, t), await peerOf(world, t))
  near.send([frame(8, 16, 0)])
  await far.until(() => far.count === 1)
  const writes = countedWrites(t)
  near.send(Array.from({ length: 200 }, (_, i) => frame(8, 16, i)))
  assert.is(writes.count, 1)
  for (let i = 0; i < 100; i++) {
    near.send([frame(8, 16, i)])
    await far.until(() => far.count === 202 + i)
  }
  // The muxer's own pings, one each way and its answer, may still come.
  assert.ok(writes.count <= 101 + 4, `${writes.count} writes`)
})

test.run()
