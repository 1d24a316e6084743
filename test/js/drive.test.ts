/**
 * The driver under stress: re-entrancy, traps, growth, full areas, leaks, deadlines.
 *
 * Lives here: what the host does between calls of the core. Does not live here: what the calls mean
 * (channel.test.ts, select.test.ts), the door itself (test/core).
 */
import * as assert from 'uvu/assert'
import { Channel, createCircuit, Fault, receiveOffered, select } from '../../bindings/js/index.ts'
import type { CircuitOptions } from '../../bindings/js/index.ts'
import { Drive } from '../../bindings/js/drive.ts'
import type { Timers } from '../../bindings/js/drive.ts'
import { Host } from '../../bindings/js/host.ts'
import type { Completion } from '../../bindings/js/operation.ts'
import { makeHere } from '../../bindings/js/tree.ts'
import {
  ABI_VERSION, ERROR_CLOSED, HEADER_ABI_VERSION, HEADER_FAULT_COLUMN, HEADER_FAULT_FILE_BYTES,
  HEADER_FAULT_FILE_PTR, HEADER_FAULT_LINE, HEADER_INPUT_BYTES, HEADER_INPUT_PTR,
  HEADER_OUTPUT_BYTES, HEADER_OUTPUT_PTR, IN_RECEIVE, IN_RECEIVE_REF, IN_RECEIVE_WORDS, IN_STAT,
  IN_STAT_REF, IN_STAT_WORDS, INPUT_BYTES, OUTPUT_BYTES
} from '../../bindings/js/tables.ts'
import type { Transport } from '../../transports/transport.ts'
import { suite } from '../suite.ts'
import type { TestContext } from '../suite.ts'
import { codeOf, errorOf, peer, turn, until, wasm } from './stand.ts'

const test = suite('js: drive')

/** A host whose inside can be looked at. */
async function hostOf(t: TestContext, options: Partial<CircuitOptions> = {}): Promise<Host> {
  const host = new Host({
    wasm, id: 'id-alice', name: 'alice', incarnation: 1, chain: new Uint8Array([1]), transports: [],
    verify: async () => undefined, ...options
  })
  await host.begin()
  t.after(() => host.leave())
  return host
}

function channelOf<T>(host: Host, capacity = 0): Channel<T> {
  return new Channel<T>(host.drive, makeHere(host.drive, capacity))
}

/** A transport on which nothing ever happens. */
const silent: Transport = {
  name: 'silent', start: async () => {}, addresses: () => [], speaks: () => false,
  dial: async () => { throw new Error('nobody is there') }, stop: async () => {}
}

/** A module with the door of the core whose `run` traps and says where. */
function trappingModule(): WebAssembly.Module {
  const header = 1024
  const file = 'core/channel.ts'
  const cells = new Uint32Array(32)
  cells[HEADER_ABI_VERSION] = ABI_VERSION
  cells[HEADER_INPUT_PTR] = 2048
  cells[HEADER_INPUT_BYTES] = INPUT_BYTES
  cells[HEADER_OUTPUT_PTR] = 2048 + INPUT_BYTES
  cells[HEADER_OUTPUT_BYTES] = OUTPUT_BYTES
  cells[HEADER_FAULT_LINE] = 41
  cells[HEADER_FAULT_COLUMN] = 3
  cells[HEADER_FAULT_FILE_PTR] = header + 128
  cells[HEADER_FAULT_FILE_BYTES] = file.length * 2
  const data = new Uint8Array(128 + file.length * 2)
  data.set(new Uint8Array(cells.buffer))
  data.set(new Uint8Array(Uint16Array.from(file, (c) => c.charCodeAt(0)).buffer), 128)
  const varint = (n: number): number[] => n < 128 ? [n] : [n & 127 | 128, ...varint(n >>> 7)]
  const sized = (bytes: number[]) => [...varint(bytes.length), ...bytes]
  const section = (id: number, ...bytes: number[]) => [id, ...sized(bytes)]
  const text = (name: string) => sized([...Buffer.from(name)])
  return new WebAssembly.Module(Uint8Array.from([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, 1, 0x60, 1, 0x7f, 1, 0x7f),
    ...section(3, 2, 0, 0),
    ...section(5, 1, 0, 4),
    ...section(7, 3, ...text('memory'), 2, 0, ...text('init'), 0, 0, ...text('run'), 0, 1),
    ...section(10, 2, ...sized([0, 0x41, ...varint(header), 0x0b]), ...sized([0, 0x00, 0x0b])),
    ...section(11, 1, 0, 0x41, ...varint(header), 0x0b, ...sized([...data]))
  ]))
}

test('a trap gives every pending and every later call one Fault with file and line', async (t) => {
  const drive = new Drive({ wasm: trappingModule() })
  const channel = new Channel<number>(drive, 7)
  let failed: Fault | undefined
  drive.attach({ order() {}, drained() {}, failed: (fault) => { failed = fault } })
  const first = await errorOf(channel.send(1)) as unknown as Fault
  assert.instance(first, Fault)
  assert.equal([first.code, first.file, first.line, first.column],
    ['FAULT', 'core/channel.ts', 41, 3])
  assert.match(first.message, /The core failed at core\/channel\.ts:41:3/)
  assert.is(failed, first)
  assert.is(await errorOf(channel.receive()) as unknown, first)
  assert.is(await errorOf(select([channel.receiving()])) as unknown, first)
  assert.is(await errorOf(channel.close()) as unknown, first)
  channel[Symbol.dispose]()
})

test('a fault in the middle ends what waited, its transports and its timers', async (t) => {
  let stopped = 0
  let armed = 0
  const timers: Timers = {
    set: (fn, ms) => { armed++; return setTimeout(fn, ms) },
    clear: (timer) => { armed--; clearTimeout(timer as NodeJS.Timeout) }
  }
  const transport: Transport = { ...silent, stop: async () => { stopped++ } }
  let fault: Fault | undefined
  const host = await hostOf(t, {
    transports: [transport], timers, failed: (error) => { fault = error }
  })
  const channel = channelOf<number>(host)
  const waiting = errorOf(channel.receive({ timeout: 60_000 }))
  assert.is(armed, 1)
  // The table is the host's half of the contract: a payload that is missing from it is a fault too.
  const sender = channelOf<number>(host, 1)
  await sender.send(1)
  for (let handle = 1; handle < 10; handle++) {
    try { host.drive.payloads.take(handle) } catch { break }
  }
  const met = await errorOf(sender.receive()) as unknown as Fault
  assert.instance(met, Fault)
  assert.is(await waiting as unknown, met)
  assert.is(fault, met)
  assert.is(armed, 0)
  assert.is(stopped, 1)
})

test('operations begun while completions are handed out go in with the same turn', async (t) => {
  const host = await hostOf(t)
  const [a, b] = [channelOf<number>(host), channelOf<number>(host, 3000)]
  const { drive } = host
  const ended: number[] = []
  let sent = 0
  // In the middle of handing out: the core may not be called, and no record may get lost.
  for (let waiter = 0; waiter < 3; waiter++) {
    const listener = {
      id: 0,
      done: ({ status }: Completion) => {
        assert.is(status, ERROR_CLOSED)
        ended.push(waiter)
        const before = drive.operations
        for (let i = 0; i < 1000; i++) void b.send(waiter * 1000 + i).then(() => { sent++ })
        assert.is(drive.operations, before + 1000)
      },
      fail: () => {}
    }
    const at = drive.begin(IN_RECEIVE, IN_RECEIVE_WORDS, listener)
    drive.memory.words.set([a.ref, 0, 0], at + IN_RECEIVE_REF)
    drive.go()
  }
  await a.close()
  assert.equal(ended, [0, 1, 2])
  assert.is((await b.stat()).buffered, 3000)
  for (let i = 0; i < 3000; i++) assert.is((await b.receive()).value, i)
  await turn()
  assert.is(sent, 3000)
})

test('code that sends as soon as its own send has ended is called outside the core', async (t) => {
  const circuit = await peer(t)
  const [a, b] = [circuit.channel<number>(), circuit.channel<number>()]
  const rounds = 500
  const ping = (async () => {
    for (let i = 0; i < rounds; i++) {
      await a.send(i)
      assert.is((await b.receive()).value, i + 1)
    }
  })()
  for (let i = 0; i < rounds; i++) await b.send((await a.receive()).value! + 1)
  await ping
})

test('a callback that throws breaks no turn, and is not hidden', async (t) => {
  const host = await hostOf(t)
  const channel = channelOf<number>(host, 4)
  const seen: unknown[] = []
  const keep = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => seen.push((error as Error).message))
  t.after(() => {
    process.removeAllListeners('uncaughtException')
    for (const one of keep) process.on('uncaughtException', one)
  })
  host.drive.later(() => { throw new Error('of the program') })
  host.drive.later(() => { void channel.send(1) })
  assert.is((await channel.receive()).value, 1)
  await until(() => seen.length > 0)
  assert.equal(seen, ['of the program'])
})

test('growth of the memory is noticed: no view is older than the last call', async (t) => {
  const host = await hostOf(t)
  const { memory } = host.drive
  const before = memory.header
  const channels: Channel<number>[] = []
  while (memory.header === before && channels.length < 100_000) {
    channels.push(channelOf<number>(host, 1))
  }
  assert.is.not(memory.header, before)
  assert.is(before.length, 0)
  for (const channel of channels.slice(-100)) await channel.send(5)
  for (const channel of channels.slice(-100)) assert.is((await channel.receive()).value, 5)
})

test('closing a channel with more waiters than the output area holds tells all', async (t) => {
  const host = await hostOf(t)
  const channel = channelOf<number>(host)
  const waiters = 5000
  const waiting = Array.from({ length: waiters }, () => channel.receive())
  assert.is(host.drive.operations, waiters)
  await channel.close()
  const ended = await Promise.all(waiting)
  assert.ok(ended.every(({ ok }) => !ok))
  assert.is(host.drive.operations, 0)
})

test('more records than the input area holds go in one after the other', async (t) => {
  const host = await hostOf(t)
  const channel = channelOf<number>(host, 10_000)
  const { drive } = host
  const sends: Promise<void>[] = []
  const listener = {
    id: 0,
    done: () => { for (let i = 0; i < 10_000; i++) sends.push(channel.send(i)) },
    fail: () => {}
  }
  const at = drive.begin(IN_STAT, IN_STAT_WORDS, listener)
  drive.memory.words.set([channel.ref, 0], at + IN_STAT_REF)
  drive.go()
  await Promise.all(sends)
  assert.is(sends.length, 10_000)
  for (let i = 0; i < 10_000; i++) assert.is((await channel.receive()).value, i)
})

test('100,000 messages of every kind leave nothing in the tables', async (t) => {
  const host = await hostOf(t)
  const { drive } = host
  const begun = drive.payloads.size
  const channel = channelOf<unknown>(host, 64)
  const reply = channelOf<number>(host, 1)
  const values = [1, 'text', { a: [1, 2] }, new Uint8Array(100), [reply], null]
  const count = 100_000
  const sending = (async () => {
    const out = channel.writer({ window: 32 })
    for (let i = 0; i < count; i++) {
      if (i % 3 === 0) await channel.trySend('often refused')
      await out.send(values[i % values.length])
    }
    await out.flush()
    await channel.close()
  })()
  let got = 0
  for (;;) {
    if (got % 7 === 0) await channel.receive({ timeout: 1000 })
    const chosen = await select([channel.receiving(), reply.receiving()])
    if (!chosen.ok) break
    const { value } = chosen
    if (Array.isArray(value) && value[0] instanceof Channel) value[0][Symbol.dispose]()
    got++
  }
  await sending
  assert.ok(got > 50_000)
  assert.is(drive.payloads.size, begun)
  assert.is(drive.operations, 0)
}, { timeout_ms: 30_000 })

test('refused, withdrawn and dropped messages leave nothing in the tables either', async (t) => {
  const host = await hostOf(t)
  const { drive } = host
  const begun = drive.payloads.size
  const silent = channelOf<number>(host)
  for (let i = 0; i < 1000; i++) {
    const channel = channelOf<unknown>(host, 1)
    const abort = new AbortController()
    await channel.send({ i })
    const parked = [
      codeOf(channel.send({ i })), channel.send(i, { signal: abort.signal }).catch(() => 'aborted'),
      codeOf(select([channel.sending({ i }), silent.receiving()]))
    ]
    abort.abort()
    await channel.scrub()
    assert.equal(await Promise.all(parked), ['SCRUBBED', 'aborted', 'SCRUBBED'])
    channel[Symbol.dispose]()
  }
  const shown = channelOf<unknown>(host, 1)
  await shown.send({ i: -1 })
  for (let i = 0; i < 1000; i++) {
    const offer = await receiveOffered(shown)
    if (i % 2 === 0) offer.deny()
    else await Promise.all([offer.take(), shown.send({ i })])
  }
  await shown.scrub()
  assert.is(drive.payloads.size, begun)
  assert.is(drive.operations, 0)
})

test('addresses that change tell the core again and leave nothing behind', async (t) => {
  let addresses = ['one']
  let events: { addresses?(list: readonly string[]): void } = {}
  const transport: Transport = {
    ...silent, start: async (given) => { events = given }, addresses: () => addresses
  }
  const host = await hostOf(t, { transports: [transport] })
  const begun = host.drive.payloads.size
  for (let i = 0; i < 100; i++) {
    addresses = [`number ${i}`]
    events.addresses?.(addresses)
  }
  assert.equal(host.self.addresses, ['number 99'])
  assert.is(host.drive.payloads.size, begun)
})

test('a dial that leads to another peer or nowhere is told, and tried again', async (t) => {
  let dials = 0
  let closed = 0
  const other = {
    peer: 'id-other', outgoing: true, address: 'x', open() {}, send: () => true, pause() {},
    resume() {}, close: () => { closed++ }
  }
  const transport: Transport = {
    ...silent, speaks: (address) => address === 'x', dial: async () => {
      if (++dials % 2 === 0) throw new Error('no route')
      return other
    }
  }
  const host = await hostOf(t, { transports: [transport] })
  host.found('id-bob', ['x', 'y'])
  await until(() => dials >= 4)
  assert.ok(closed >= 2)
})

test('a transport that cannot start is why there is no circuit; the others stop', async () => {
  let stopped = 0
  const broken = { ...silent, start: async () => { throw new Error('the port is taken') } }
  const fine = { ...silent, stop: async () => { stopped++ } }
  const made = createCircuit({
    wasm, id: 'id-a', name: 'a', incarnation: 1, chain: new Uint8Array(),
    verify: async () => undefined, transports: [fine, broken, fine]
  })
  assert.is((await errorOf(made)).message, 'the port is taken')
  assert.is(stopped, 1)
})

test('the core is called at its deadline, by one timer, and not before', async (t) => {
  let now = 1000.75
  const set: { fn: () => void, at: number }[] = []
  const timers: Timers = {
    set: (fn, ms) => { const timer = { fn, at: now + ms }; set.push(timer); return timer },
    clear: (timer) => { set.splice(set.indexOf(timer as never), 1) }
  }
  const host = await hostOf(t, { clock: () => now, timers })
  const channel = channelOf<number>(host)
  const late = codeOf(channel.receive({ timeout: 500 }))
  const soon = codeOf(channel.receive({ timeout: 20 }))
  assert.is(set.length, 1)
  assert.is(set[0]!.at - now, 20)
  const fire = () => { const timer = set.pop()!; timer.fn() }
  now += 10
  fire()
  assert.is(set.length, 1)
  assert.is((await channel.stat()).receivers, 2)
  now = set[0]!.at + 1
  fire()
  assert.is(await soon, 'TIMED_OUT')
  assert.is((await channel.stat()).receivers, 1)
  now += 600
  fire()
  assert.is(await late, 'TIMED_OUT')
  assert.is(set.length, 0)
})

test('a clock that stands or goes back moves nothing', async (t) => {
  let now = 5000
  const host = await hostOf(t, { clock: () => now })
  const channel = channelOf<number>(host)
  const waiting = channel.receive({ timeout: 30_000 })
  now = 10
  await channel.stat()
  assert.is((await channel.stat()).receivers, 1)
  await channel.send(1)
  assert.is((await waiting).value, 1)
})

test('channels that nobody holds any more are given back to the core', async (t) => {
  if (globalThis.gc === undefined) {
    const { setFlagsFromString } = await import('node:v8')
    setFlagsFromString('--expose-gc')
  }
  const { runInNewContext } = await import('node:vm')
  const gc = globalThis.gc ?? runInNewContext('gc') as () => void
  const host = await hostOf(t)
  let released = 0
  const release = host.drive.releaseRef.bind(host.drive)
  host.drive.releaseRef = (ref: number) => { released++; release(ref) }
  for (let i = 0; i < 200; i++) channelOf<number>(host, 1)
  await until(() => { gc(); return released > 100 })
})

test.run()
