/**
 * One request and one answer on a libp2p stream, with peers that do not keep to it.
 */
import * as assert from 'uvu/assert'
import { OneMessage, lengthened } from '../../transports/exchange.ts'
import { libp2pTransport, type Libp2pTransport } from '../../transports/libp2p.ts'
import { suite, type TestContext } from '../suite.ts'

const test = suite('transports: exchange')

const ECHO = '/circuit/test/1'
/** Longer than a test may take. */
const BOUNDS = { bytes_max: 1000, timeout_ms: 120_000 }
/** For what shall be too late. */
const BRISK = { ...BOUNDS, timeout_ms: 400 }

async function started(
  t: TestContext, key: number, serve?: (peer: string, request: Uint8Array) => Promise<Uint8Array>
): Promise<Libp2pTransport> {
  const transport = await libp2pTransport({
    key: new Uint8Array(32).fill(key), listen: serve === undefined ? [] : ['/ip4/127.0.0.1/tcp/0']
  })
  if (serve !== undefined) await transport.serve(ECHO, BOUNDS, serve)
  await transport.start({ link: (link) => link.close(true) })
  t.after(() => transport.stop())
  return transport
}

async function failed(doing: Promise<unknown>): Promise<void> {
  const outcome = await doing.then(() => 'answered', (error: unknown) => error)
  assert.instance(outcome, Error, String(outcome))
}

// The first: what others leave to end by itself would be counted.
test('what nobody waits for any more keeps no timer after stopping', async (t) => {
  const timers = () => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length
  const before = timers()
  let asked = () => {}
  const came = new Promise<void>((resolve) => { asked = resolve })
  const server = await started(t, 1, async () => {
    asked()
    await new Promise<void>((resolve) => t.after(resolve))
    return new Uint8Array(0)
  })
  const asker = await started(t, 2)
  const asking = failed(
    asker.ask(server.peer, server.addresses(), ECHO, new Uint8Array(1), BOUNDS))
  await came
  await asker.stop()
  await server.stop()
  await asking
  // What is ended in passing ends in turns of its own.
  while (timers() > before && !t.signal.aborted) await new Promise((go) => setImmediate(go))
  assert.is(timers(), before)
})

test('a message is gathered from any parts, and nothing longer', () => {
  const bytes = lengthened(Uint8Array.of(1, 2, 3))
  assert.equal(bytes, Uint8Array.of(0, 0, 0, 3, 1, 2, 3))
  const parts = new OneMessage(3)
  for (const byte of bytes.subarray(0, -1)) assert.is(parts.take(Uint8Array.of(byte)), undefined)
  assert.equal(parts.take(Uint8Array.of(3)), Uint8Array.of(1, 2, 3))
  assert.throws(() => new OneMessage(2).take(bytes))
  assert.throws(() => new OneMessage(9).take(Uint8Array.of(...bytes, 4)))
  assert.throws(() => new OneMessage(9).take(Uint8Array.of(255, 255, 255, 255)))
  assert.equal(new OneMessage(9).take(lengthened(new Uint8Array(0))), new Uint8Array(0))
})

test('a request is answered to the peer that is proved', async (t) => {
  const server = await started(t, 1, async (peer, request) =>
    new TextEncoder().encode(`${peer} ${request.length}`))
  const asker = await started(t, 2)
  const answer = await asker.ask(server.peer, server.addresses(), ECHO, new Uint8Array(900), BOUNDS)
  assert.is(new TextDecoder().decode(answer), `${asker.peer} 900`)
  const named = server.addresses().map((address) => `${address}/p2p/${server.peer}`)
  const again = await asker.ask(server.peer, named, ECHO, Uint8Array.of(1), BOUNDS)
  assert.is(new TextDecoder().decode(again), `${asker.peer} 1`)
})

test('another peer at the address, another protocol and no address are failures', async (t) => {
  const server = await started(t, 1, async () => new Uint8Array(0))
  const asker = await started(t, 2)
  const at = server.addresses()
  const nothing = new Uint8Array(0)
  await failed(asker.ask(asker.peer.replace(/.$/, 'x'), at, ECHO, nothing, BOUNDS))
  await failed(asker.ask(server.peer, at, '/circuit/other/1', nothing, BOUNDS))
  await failed(asker.ask(server.peer, [], ECHO, nothing, BOUNDS))
  await failed(asker.ask(server.peer, ['/ip4/127.0.0.1/tcp/1'], ECHO, nothing, BOUNDS))
  assert.equal(await asker.ask(server.peer, at, ECHO, nothing, BOUNDS), nothing)
})

test('what is too long, too late or rejected ends its own stream only', async (t) => {
  const server = await started(t, 1, async (_peer, request) => {
    if (request.length === 1) await new Promise<void>((resolve) => t.after(resolve))
    if (request.length === 2) throw new Error('no')
    return new Uint8Array(request.length === 3 ? 2000 : 1)
  })
  const asker = await started(t, 2)
  const ask = (bytes: number, bounds: typeof BOUNDS) =>
    asker.ask(server.peer, server.addresses(), ECHO, new Uint8Array(bytes), bounds)
  for (const bytes of [1, 2, 3, 1001]) await failed(ask(bytes, BRISK))
  assert.is((await ask(4, BOUNDS)).length, 1)
})

test.run()
