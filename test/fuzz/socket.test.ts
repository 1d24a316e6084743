/**
 * Bytes from the Unix socket that no verb says: a message, a refusal or the end of the connection,
 * never a fault, and the daemon serves on.
 *
 * Lives here: requests as verbs make them, bent by value and by byte, over a real socket. Does not
 * live here: each refusal by name (test/cli/socket.test.ts).
 *
 * Replay: `CIRCUIT_SEED=SEED node test/fuzz/socket.test.ts`.
 */
import * as assert from 'uvu/assert'
import { Encoder } from 'cbor-x'
import { connect } from 'node:net'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startDaemon } from '../../bindings/node/daemon.ts'
import {
  Wire, connect as connectWire, socketPath, type Message
} from '../../bindings/node/socket.ts'
import { suite } from '../suite.ts'
import { codes, limits } from '../core/door.ts'
import { Random } from '../property/random.ts'

/** The same each time: what breaks here was broken by a change. */
const FIRST_SEED = 1
const CONNECTIONS = 3_000
const AT_ONCE = 24
const BUDGET_MS = 15_000
const SILENT_MS = 60
const HEAP_BYTES_MAX = 200 * 1024 * 1024
const VERSION = 1

const encoder = new Encoder({ useRecords: false })
const state = mkdtempSync(join(tmpdir(), 'circuit-fuzz-'))
const test = suite('fuzz: the socket')

/** Requests as verbs make them. Those that end the daemon or start programs are not among them. */
const REQUESTS: Message[] = [
  { verb: 'ls', path: '/', long: true }, { verb: 'ls', path: '/...', json: true },
  { verb: 'mkchan', path: 'a', capacity: 4 }, { verb: 'mkchan', path: 'b' },
  { verb: 'send', path: 'a' }, { verb: 'send', path: 'b', try: true },
  { verb: 'recv', path: 'a' }, { verb: 'recv', path: 'a', try: true },
  { verb: 'recv', path: 'b', follow: true }, { verb: 'close', path: 'a' },
  { verb: 'scrub', path: 'b' }, { verb: 'peek', path: 'a' },
  { verb: 'select', cases: [{ recv: 'a' }, { after: 5 }, { default: true }] },
  { verb: 'select', cases: [{ send: 'a', text: 'x' }, { exit: 'p' }] },
  { verb: 'members' }, { verb: 'members', follow: true }, { verb: 'invite' },
  { verb: 'wait', paths: ['p'] }, { verb: 'waitall' }, { verb: 'signal', name: 'TERM', path: 'p' },
  { verb: 'stdout', path: 'p' }, { verb: 'mk@join', path: 'j' }, { verb: 'mk@leave', path: 'l' }
]
const WORDS: Message[] = [{ take: true }, { data: [new Uint8Array([1, 2])] }, { end: true },
  { withdraw: true }, { want: true }, { data: 'text' }]
const VALUES: unknown[] = [null, true, -1, 0, 1e9, 0.5, '', 'x', '/...', 'n'.repeat(2_000), [], {},
  [[]], [null], { recv: null }, new Uint8Array(3), 2n ** 60n, new Date(0), undefined]

function framed(body: Uint8Array): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  return Buffer.concat([length, body])
}

/** A request with some values that it should not have. */
function bent_value(random: Random, message: Message): Message {
  const copy: Message = { version: VERSION, ...message }
  if (random.once_in(4)) return copy
  const keys = [...Object.keys(copy), 'another']
  for (let left = random.between(1, 2); left > 0; left--) {
    copy[random.pick(keys)] = random.pick(VALUES)
  }
  if (copy['verb'] === 'leave' || copy['verb'] === 'mkproc') delete copy['verb']
  return copy
}

function bent_bytes(random: Random, bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  switch (random.below(8)) {
    case 0: copy[random.below(copy.length)] = random.below(256); return copy
    case 1: return copy.subarray(0, random.below(copy.length))
    case 2: return Buffer.concat([copy, random.bytes(random.between(1, 40))])
    case 3: return Buffer.from(random.bytes(random.below(80)))
    case 4: copy.writeUInt32BE(random.pick([0, 1, limits.VERB_FRAME_BYTES_MAX! + 1, 0xffffffff]))
      return copy
    default: return copy
  }
}

/** What a mad verb says on one connection. */
function said(random: Random): Buffer {
  const words = [bent_value(random, random.pick(REQUESTS))]
  while (random.once_in(2)) words.push(random.pick(WORDS))
  const parts = words.map((word) => framed(encoder.encode(word)))
  return bent_bytes(random, Buffer.concat(parts))
}

/** Says bytes in pieces, hears for a while, and gives the codes of what was answered. */
async function converse(random: Random, bytes: Buffer): Promise<number[]> {
  const socket = connect(socketPath(state))
  socket.on('error', () => {})
  const wire = new Wire(socket)
  const heard: number[] = []
  const hearing = (async () => {
    for await (const word of wire.messages()) {
      if (typeof word['error'] === 'number') heard.push(word['error'])
    }
  })().catch(() => { heard.push(codes.BAD_REQUEST!) })
  for (let at = 0; at < bytes.length;) {
    const end = random.once_in(3) ? at + random.between(1, 9) : bytes.length
    socket.write(bytes.subarray(at, end))
    at = end
  }
  if (random.once_in(3)) socket.end()
  const late = setTimeout(() => wire.destroy(), random.once_in(4) ? 1 : SILENT_MS)
  await hearing
  clearTimeout(late)
  wire.destroy()
  return heard
}

async function serves(): Promise<void> {
  const wire = await connectWire(state)
  await wire.send({ version: VERSION, verb: 'members' })
  const words: Message[] = []
  for await (const word of wire.messages()) words.push(word)
  wire.destroy()
  assert.is(words.at(-1)?.['done'], true, JSON.stringify(words))
}

test('no bytes of a mad verb bring about a fault, and the daemon serves on', async () => {
  const seed = Number(process.env.CIRCUIT_SEED ?? FIRST_SEED)
  const random = new Random(seed)
  const daemon = await startDaemon({
    name: 'fuzzed', state, discovery: 'none', listen: ['/ip4/127.0.0.1/tcp/0'], processes: false
  })
  const tally = new Map<number, number>()
  let connections = 0
  try {
    await serves()
    const end = Date.now() + BUDGET_MS
    while (connections < CONNECTIONS && Date.now() < end) {
      const all = await Promise.all(Array.from({ length: AT_ONCE }, () =>
        converse(random, said(random))))
      connections += AT_ONCE
      for (const code of all.flat()) tally.set(code, (tally.get(code) ?? 0) + 1)
    }
    assert.is(tally.get(codes.FAULT!), undefined, `seed ${seed}: a fault was told`)
    assert.ok(tally.has(codes.BAD_REQUEST!) && tally.size > 3, JSON.stringify([...tally]))
    assert.ok(process.memoryUsage().heapUsed < HEAP_BYTES_MAX)
    await serves()
    console.log(`fuzz: ${connections} connections from seed ${seed}, answers by code: ` +
      JSON.stringify([...tally].sort((a, b) => b[1] - a[1])))
  } finally {
    await daemon.leave()
    rmSync(state, { recursive: true, force: true })
  }
}, { timeout_ms: 60_000 })
test.run()
