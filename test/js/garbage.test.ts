/**
 * Garbage in every argument of every public call: a refusal, or nothing at all.
 *
 * Lives here: calls with arguments that no compiler would allow. Does not live here: which argument
 * is refused how (the files of each call).
 */
import * as assert from 'uvu/assert'
import {
  after, Channel, createCircuit, Fault, receiveOffered, Refusal, select, selectOffered
} from '../../bindings/js/index.ts'
import { suite } from '../suite.ts'
import { peer, wasm } from './stand.ts'

const test = suite('js: garbage')

const hostile = {
  get timeout() { throw new RangeError('of a getter') },
  get capacity() { throw new RangeError('of a getter') }
}
const garbage: unknown[] = [
  undefined, null, true, 0, -1, 1.5, NaN, Infinity, 2 ** 53, 1n, '', 'x', '/', '//', '\ud800', '\0',
  'x'.repeat(5000), {}, [], [[]], () => 1, Symbol('s'), new Date(), new Map(), new Uint8Array(3),
  new Error('e'), Promise.resolve(), new Proxy({}, {}), Object.create(null), hostile,
  { signal: 1 }, { signal: {} }, { timeout: 'x' }, { capacity: {} }, { window: '1' },
  { prefetch: 0 },
  { path: 1 }, { path: 'x', args: 'y' }, { kind: 'receive' }, [{ kind: 'send' }], { default: 1 },
  { rights: 'all' }, { expires: 'soon' }
]

/** Ends, whatever it is, with a value or a refusal; what a getter of the caller throws passes. */
async function harmless(what: string, call: () => unknown): Promise<void> {
  try {
    const given = call()
    if (given instanceof Channel) given[Symbol.dispose]()
    await given
  } catch (error) {
    assert.not.instance(error, Fault, `${what}: ${String(error)}`)
    const known = error instanceof Refusal || error instanceof RangeError
    assert.ok(known, `${what}: ${(error as Error).stack ?? String(error)}`)
  }
}

test('no garbage is met by anything but a refusal, and the circuit goes on', async (t) => {
  const circuit = await peer(t) as unknown as Record<string, (...given: unknown[]) => unknown>
  const channel = circuit['channel']!({ capacity: 4096 }) as unknown as typeof circuit
  const soon = { timeout: 1 }
  for (const [index, one] of garbage.entries()) {
    for (const [other, two] of [...garbage, soon].entries()) {
      const at = `(garbage ${index}, ${other})`
      for (const name of ['make', 'open', 'stat', 'scrub', 'attach', 'start', 'found', 'invite']) {
        await harmless(`${name} ${at}`, () => circuit[name]!(one, two, soon))
      }
      await harmless(`list ${at}`, () => Array.fromAsync(circuit['list']!(one, two) as never))
      await harmless(`trySend ${at}`, () => channel['trySend']!(one, two))
      await harmless(`select ${at}`, () => select(one as never, { ...two as object, timeout: 1 }))
    }
    for (const name of ['channel', 'make']) await harmless(name, () => circuit[name]!(one))
    for (const name of ['tryReceive', 'stat', 'writer', 'reader', 'sending']) {
      await harmless(name, () => channel[name]!(one))
    }
    await harmless('after', () => after(one as never))
    await harmless('receiveOffered', () => receiveOffered(one as never, soon))
    await harmless('selectOffered', () => selectOffered(one as never, soon))
    await harmless('createCircuit', () => createCircuit(one as never))
  }
  const fresh = (await peer(t, { id: 'id-b', name: 'bob' })).channel<number>({ capacity: 1 })
  await fresh.send(1)
  assert.is((await fresh.receive()).value, 1)
  await channel['close']!()
}, { timeout_ms: 30_000 })

test('garbage in the options of a circuit is refused before anything runs', async () => {
  const good = {
    wasm, id: 'id', name: 'name', incarnation: 1, chain: new Uint8Array(1), transports: [],
    verify: async () => undefined
  }
  for (const key of Object.keys(good)) {
    const values = [undefined, null, -1, '', {}, Symbol('s'), 'a/b', '.', '\0', 'x'.repeat(999)]
    for (const value of values) {
      if (key === 'id' && typeof value === 'string' && /^[a-z.]{1,128}$/.test(value)) continue
      const made = createCircuit({ ...good, [key]: value } as never)
      assert.is(await made.then(() => 'made', (error: Refusal) => error.code),
        'BAD_ARGUMENT', `${key}: ${String(value).slice(0, 20)}`)
    }
  }
  for (const labels of [5, [1], { a: 1 }, { a: 'x'.repeat(5000) }, null]) {
    const made = createCircuit({ ...good, labels } as never)
    assert.is(await made.then(() => 'made', (error: Refusal) => error.code), 'BAD_ARGUMENT')
  }
})

test.run()
