/** The daemon's socket: wrong bytes, wrong words, many connections. */
import * as assert from 'uvu/assert'
import { Encoder } from 'cbor-x'
import { connect, type Socket } from 'node:net'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sentenceOf } from '../../bindings/js/errors.ts'
import { VERB_FRAME_BYTES_MAX } from '../../bindings/js/tables.ts'
import {
  connect as connectWire, socketPath, Wire, type Message
} from '../../bindings/node/socket.ts'
import { suite } from '../suite.ts'
import { Place, Running } from './place.ts'

/** The same each time: what breaks here was broken by a change. */
const FIRST_SEED = 1

const test = suite('cli: the socket')
const place = new Place()
test.before(async () => { await place.start('alice') })
test.after(() => place.end())

const encoder = new Encoder({ useRecords: false })

function framed(body: Uint8Array): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  return Buffer.concat([length, body])
}

function dial(): Promise<Socket> {
  const socket = connect(socketPath(place.state('alice')))
  socket.on('error', () => {})
  return new Promise((resolve) => socket.once('connect', () => resolve(socket)))
}

/** Sends bytes, says no more, and gives all that came back until the end. */
async function answers(bytes: Uint8Array): Promise<Message[]> {
  const socket = await dial()
  const wire = new Wire(socket)
  socket.write(bytes)
  const words: Message[] = []
  for await (const word of wire.messages()) words.push(word)
  wire.destroy()
  return words
}

async function serves(): Promise<void> {
  assert.is((await place.call(['ls', '/'])).stdout, '/alice\n')
}

const sentence = new RegExp(`^${sentenceOf('BAD_REQUEST', '.+')}$`)

async function refused(bytes: Uint8Array, what: RegExp): Promise<void> {
  const words = await answers(bytes)
  assert.is(words.length, 1, JSON.stringify(words))
  assert.match(String(words[0]!['sentence']), sentence)
  assert.match(String(words[0]!['sentence']), what)
}

test('wrong bytes get one clear sentence, and only that connection ends', async () => {
  const waiting = connectWire(place.state('alice'))
  await refused(Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), /a message of 1195725856 bytes/)
  await refused(Buffer.from([0, 0, 0, 0]), /a message of 0 bytes/)
  const over = Buffer.alloc(4)
  over.writeUInt32BE(VERB_FRAME_BYTES_MAX + 1)
  await refused(over, /a message of \d+ bytes/)
  await refused(framed(Buffer.from('{"verb":"ls"}')), /CBOR/)
  await refused(framed(encoder.encode([1, 2])), /CBOR map/)
  await refused(framed(encoder.encode('ls')), /CBOR map/)
  await refused(framed(Buffer.from([0x9a, 0xff, 0xff, 0xff, 0xff])), /not CBOR/)
  const still = await waiting
  await still.send({ version: 1, verb: 'members', path: '' })
  for await (const word of still.messages()) {
    if (word['done'] === true) break
    assert.ok(word['print'] instanceof Uint8Array)
  }
  still.destroy()
  await serves()
})

test('wrong requests get one clear sentence', async () => {
  const wrong: [Message, RegExp][] = [
    [{}, /knows no undefined/], [{ version: 1 }, /knows no undefined/],
    [{ version: 1, verb: 'toString' }, /knows no toString/],
    [{ version: 1, verb: '__proto__' }, /knows no __proto__/],
    [{ version: 2, verb: 'ls', path: '/' }, /of version 2/],
    [{ version: 1, verb: 'ls' }, /path is/],
    [{ version: 1, verb: 'ls', path: 5 }, /path is a text/],
    [{ version: 1, verb: 'mkchan', path: 'x', capacity: 'many' }, /capacity is a number/],
    [{ version: 1, verb: 'select', cases: 'x' }, /cases is a list/],
    [{ version: 1, verb: 'select', cases: [null] }, /a case has/],
    [{ version: 1, verb: 'select', cases: [{ recv: 5 }] }, /a case has/],
    [{ version: 1, verb: 'wait', paths: [1] }, /paths is a list/]
  ]
  for (const [request, what] of wrong) await refused(framed(encoder.encode(request)), what)
  await serves()
})

test('words that nobody asked for end the errand', async () => {
  const request = framed(encoder.encode({ version: 1, verb: 'members', follow: true }))
  const words = await answers(Buffer.concat([request, framed(encoder.encode({ take: true }))]))
  assert.match(String(words.at(-1)!['sentence']), /was not asked/)
  await place.call(['mkchan', 'c', '4'])
  const send = framed(encoder.encode({ version: 1, verb: 'send', path: 'c' }))
  const data = framed(encoder.encode({ data: 'not a list' }))
  const socket = await dial()
  const wire = new Wire(socket)
  socket.write(send)
  for await (const word of wire.messages()) {
    if (word['want'] === true) socket.write(data)
    else assert.match(String(word['sentence']), /list of byte strings/)
  }
  assert.is((await place.call(['recv', 'c', '--try'])).code, 75)
})

test('thousands of random messages harm nobody', async () => {
  let seed = Number(process.env['CIRCUIT_SEED'] ?? FIRST_SEED)
  console.log(`\nsocket fuzz: CIRCUIT_SEED=${seed}`)
  const random = (below: number) => {
    seed = (seed * 48_271 + 11) % 2_147_483_647
    return seed % below
  }
  const verbs = ['ls', 'send', 'recv', 'select', 'peek', 'mkproc', 'wait', 'members', 'signal']
  const body = () => {
    const words: Message = {
      version: 1, verb: verbs[random(verbs.length)], path: ['/', 'c', '/alice/c', ''][random(4)],
      try: random(2) === 0, cases: [{ recv: 'c' }, { after: random(50) }], command: random(9)
    }
    const bytes = Buffer.from(encoder.encode(words))
    for (let flips = random(4); flips > 0; flips--) bytes[random(bytes.length)] = random(256)
    return random(3) === 0 ? bytes.subarray(0, 1 + random(bytes.length - 1)) : bytes
  }
  for (let round = 0; round < 100; round++) {
    await Promise.all(Array.from({ length: 20 }, async () => {
      const socket = await dial()
      socket.resume()
      const closed = new Promise((resolve) => socket.once('close', resolve))
      const bytes = framed(body())
      socket.write(random(8) === 0 ? bytes.subarray(random(bytes.length)) : bytes)
      if (random(2) === 0) socket.write(framed(body()))
      if (random(4) === 0) socket.destroy()
      else socket.end()
      await closed
    }))
  }
  await serves()
}, { timeout_ms: 25_000 })

test('a connection that asks nothing is closed', async () => {
  const socket = await dial()
  socket.resume()
  const began = performance.now()
  await new Promise((resolve) => socket.once('close', resolve))
  assert.ok(performance.now() - began > 3_000)
})

test('a state folder with a long name has its socket elsewhere', async () => {
  const name = 'x'.repeat(120)
  mkdirSync(place.state(name), { mode: 0o700 })
  const peer = place.run(['start', '--name', 'long', '--state', place.state(name), '--no-mdns'])
  await peer.printed(/\n/)
  assert.is((await place.call(['ls', '/'], { at: name })).code, 0)
  const { XDG_RUNTIME_DIR: _, ...elsewhere } = place.env
  const verb = new Running(['ls', '/', '--state', place.state(name)], elsewhere)
  assert.is((await verb.ended).stdout, '/alice\n/long\n')
  await peer.kill('SIGTERM')
}, { timeout_ms: 15_000 })

test('a socket left by a killed daemon is in nobody\'s way, nor is another file', async () => {
  const peer = await place.start('bob')
  await peer.kill('SIGKILL')
  const { code, stderr } = await place.call(['ls'], { at: 'bob' })
  assert.is(code, 1)
  assert.match(stderr, /No peer runs here/)
  await (await place.start('bob')).kill('SIGTERM')
  writeFileSync(join(place.state('bob'), 'socket'), 'not a socket', { mode: 0o600 })
  assert.match((await place.call(['ls'], { at: 'bob' })).stderr, /No peer runs here/)
  await place.start('bob')
  assert.is((await place.call(['ls', '/'], { at: 'bob' })).code, 0)
}, { timeout_ms: 20_000 })

test.run()
