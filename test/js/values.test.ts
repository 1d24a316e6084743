/**
 * Values as CBOR items: what travels, as what it arrives, what is refused.
 *
 * Lives here: bindings/js/values by itself. Does not live here: values through channels
 * (channel.test.ts, peers.test.ts), other languages (test/vectors).
 */
import * as assert from 'uvu/assert'
import { Tag } from 'cbor-x'
import { Refusal } from '../../bindings/js/errors.ts'
import {
  bytesOf, decode, encode, keep, keepable, keptBytes, Reference
} from '../../bindings/js/values.ts'
import {
  MESSAGE_BYTES_MAX, REFS_PER_MESSAGE_MAX, VALUE_DEPTH_MAX
} from '../../bindings/js/tables.ts'
import { suite } from '../suite.ts'

const test = suite('js: values')
const home = {}

class FakeReference extends Reference {
  readonly ref: number
  readonly home: object
  constructor(ref: number, where: object = home) {
    super()
    this.ref = ref
    this.home = where
  }
}

function travel(value: unknown, channels: Reference[] = []): unknown {
  return decode(encode(value, [], home), channels)
}

function refusalOf(value: unknown): Refusal {
  try {
    encode(value, [], home)
  } catch (error) {
    assert.instance(error, Refusal)
    return error as Refusal
  }
  throw new Error('it was encoded')
}

const hex = (bytes: Uint8Array) => [...bytes].map((b) => b.toString(16).padStart(2, '0')).join('')

test('plain values arrive as they were sent', () => {
  const values: unknown[] = [
    null, true, false, 0, 1, 23, 24, 255, 256, 65535, 65536, 4294967295, -1, -24, -25, -4294967296,
    4294967296, -4294967297, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 1.5, -1e300,
    Infinity,
    '', 'a', 'ü', '汉字', '👪', 'x'.repeat(3000), [], [1, [2, [3]]], {}, { a: { b: [null] } },
    { constructor: 1, toString: 2, hasOwnProperty: 3 },
    2n ** 64n, -(2n ** 70n), BigInt(Number.MAX_SAFE_INTEGER) + 2n, 2n ** 64n - 1n, -(2n ** 64n)
  ]
  for (const value of values) assert.equal(travel(value), value)
  assert.ok(Number.isNaN(travel(NaN)))
})

test('integers are spelled as integers whatever their size, for other languages', () => {
  assert.is(hex(encode(1_800_000_000_000, [], home)), '1b000001a3185c5000')
  assert.is(hex(encode(-5_000_000_000, [], home)), '3b000000012a05f1ff')
  assert.equal(travel([1_800_000_000_000, { at: -5_000_000_000 }]),
    [1_800_000_000_000, { at: -5_000_000_000 }])
})

test('an integer arrives as a number where a number holds it, else as a bigint', () => {
  assert.is(travel(5n), 5)
  assert.is(travel(2n ** 53n - 1n), 2 ** 53 - 1)
  assert.is(travel(2n ** 53n), 2n ** 53n)
  assert.equal(travel({ a: [7n] }), { a: [7] })
  assert.is(keep(5n), 5)
  assert.is(keep(2n ** 60n), 2n ** 60n)
})

test('undefined is null, and a property that is undefined is left out', () => {
  assert.is(travel(undefined), null)
  assert.equal(travel([undefined, 1]), [null, 1])
  const hole = [1, , 3]
  assert.equal(travel(hole), [1, null, 3])
  assert.equal(travel({ a: undefined, b: 1 }), { b: 1 })
  assert.is(keep(undefined), null)
})

test('a map with text keys is an object, any other map a Map', () => {
  assert.equal(travel(new Map([['a', 1]])), { a: 1 })
  const odd = travel({ m: new Map<unknown, unknown>([[1, 'one'], ['two', [2n ** 60n, 5n]]]) })
  assert.equal(odd, { m: new Map<unknown, unknown>([[1, 'one'], ['two', [2n ** 60n, 5]]]) })
  assert.equal(travel(new Map()), {})
})

test('a key named __proto__ is only a key', () => {
  const sent = JSON.parse('{"__proto__": {"polluted": true}, "a": 1}')
  const got = travel(sent) as Record<string, unknown>
  assert.is(Object.getPrototypeOf(got), Object.prototype)
  assert.ok(Object.hasOwn(got, '__proto__'))
  assert.is(({} as { polluted?: boolean }).polluted, undefined)
})

test('bytes are byte strings, and arrive as a Uint8Array', () => {
  for (const length of [0, 1, 23, 24, 255, 256, 65535, 65536]) {
    const bytes = new Uint8Array(length).map((_, i) => i)
    const got = travel(bytes) as Uint8Array
    assert.is(got.constructor, Uint8Array)
    assert.equal(got, bytes)
    const nested = travel({ bytes: [bytes] }) as { bytes: Uint8Array[] }
    assert.equal(nested.bytes[0], bytes)
  }
  assert.is(hex(encode(new Uint8Array([1, 2]), [], home)), '420102')
  assert.is(hex(encode([Buffer.from([1, 2])], [], home)), '81420102')
  assert.is((travel([Buffer.from([1, 2])]) as Uint8Array[])[0]!.constructor, Uint8Array)
  assert.equal(travel(new Uint8Array([1, 2]).buffer), new Uint8Array([1, 2]))
  assert.equal(travel(new Float64Array([1.5, 2])), new Float64Array([1.5, 2]))
})

test('an item that waits in a buffer holds no more memory than its bytes', () => {
  for (const value of [{ a: 1 }, 'x'.repeat(5000), new Uint8Array(10), [1, 2, 3]]) {
    const item = encode(value, [], home)
    assert.is(item.buffer.byteLength, item.length)
  }
})

test('bytes are copied when they are sent', () => {
  const bytes = new Uint8Array([1, 2, 3])
  const item = encode(bytes, [], home)
  bytes[0] = 9
  assert.equal(decode(item, []), new Uint8Array([1, 2, 3]))
})

test('what was received is not touched by what is received later', () => {
  const first = travel([new Uint8Array([1, 2]), new Float64Array([1.5])])
  const set = travel({ s: new Set([new Uint8Array([3])]) })
  for (let i = 0; i < 10; i++) travel([new Uint8Array([9, 9, 9, 9]), new Float64Array([9, 9])])
  assert.equal(first, [new Uint8Array([1, 2]), new Float64Array([1.5])])
  assert.equal(set, { s: new Set([new Uint8Array([3])]) })
})

test('dates and sets arrive as such', () => {
  const date = new Date('2026-11-21T07:30:00.123Z')
  assert.equal(travel({ date }), { date })
  assert.equal(travel(new Set([1, 'a'])), new Set([1, 'a']))
  assert.equal(travel([new Date(-1)]), [new Date(-1)])
})

test('encoding changes nothing in the value', () => {
  const value = { at: 1_800_000_000_000, gone: undefined, list: [undefined, 5n] }
  encode(value, [], home)
  assert.equal(value, { at: 1_800_000_000_000, gone: undefined, list: [undefined, 5n] })
  assert.ok('gone' in value)
})

test('channels are tags that index the table of references, each once', () => {
  const a = new FakeReference(7)
  const b = new FakeReference(9)
  const refs: number[] = []
  const item = encode({ list: [a, { b }, a], map: new Map([['b', b]]) }, refs, home)
  assert.equal(refs, [7, 9])
  const [x, y] = [new FakeReference(1), new FakeReference(2)]
  const got = decode(item, [x, y]) as { list: unknown[], map: { b: unknown } }
  assert.is(got.list[0], x)
  assert.is((got.list[1] as { b: unknown }).b, y)
  assert.is(got.list[2], x)
  assert.is(got.map.b, y)
  assert.is(travel(a, [x]), x)
  assert.is(hex(encode(a, [], home)), 'd9c1c700')
})

test('a channel of another circuit, a disposed one and too many are refused', () => {
  assert.is(refusalOf([new FakeReference(1, {})]).code, 'NOT_ENCODABLE')
  assert.is(refusalOf([new FakeReference(0)]).code, 'NOT_ENCODABLE')
  const many = Array.from({ length: REFS_PER_MESSAGE_MAX + 1 }, (_, i) => new FakeReference(i + 1))
  assert.is(refusalOf(many).code, 'TOO_MANY')
  encode(many.slice(1), [], home)
})

test('what CBOR cannot say is refused with a sentence', () => {
  class Job {}
  const circle: unknown[] = []
  circle.push(circle)
  const bad: unknown[] = [
    () => 1, Symbol('x'), Promise.resolve(1), new Job(), new Error('x'), /x/, new WeakMap(),
    new DataView(new ArrayBuffer(1)), circle, new Date(NaN), 'half \ud800', { '\udc00': 1 },
    new Map([[{}, 1]]), new Tag(0, 49607),
    { get thrown() { throw new Error('of a getter') } }
  ]
  for (const value of bad) {
    for (const placed of [value, [value], { a: { b: value } }, new Map([[1, value]])]) {
      const refusal = refusalOf(placed)
      assert.is(refusal.code, 'NOT_ENCODABLE')
      assert.match(refusal.message, /^The value cannot be sent: .+/)
    }
  }
})

test('what is over the limit is refused as too large, whatever makes it so', () => {
  assert.is(refusalOf(new Uint8Array(MESSAGE_BYTES_MAX)).code, 'TOO_LARGE')
  assert.is(refusalOf('x'.repeat(MESSAGE_BYTES_MAX)).code, 'TOO_LARGE')
  let wide: unknown = [1, 2]
  for (let i = 0; i < 30; i++) wide = [wide, wide]
  assert.is(refusalOf(wide).code, 'TOO_LARGE')
  assert.is(encode(new Uint8Array(MESSAGE_BYTES_MAX - 5), [], home).length, MESSAGE_BYTES_MAX)
})

test('nesting has a limit, and up to it all arrives', () => {
  let deep: unknown = 1
  for (let i = 0; i < VALUE_DEPTH_MAX; i++) deep = [deep]
  assert.equal(travel(deep), deep)
  assert.is(refusalOf([deep]).code, 'NOT_ENCODABLE')
})

test('an encoding goes on rightly after one that was refused', () => {
  refusalOf({ a: 1, f: () => 1 })
  assert.equal(travel({ a: 1 }), { a: 1 })
  let asked = 0
  const late = {
    big: 'x'.repeat(100),
    get f() {
      if (++asked > 1) throw new Error('late')
      return 1
    }
  }
  refusalOf(late)
  assert.equal(travel({ a: [1, 2] }), { a: [1, 2] })
})

test('a getter that sends another value spoils neither', () => {
  const inner: unknown[] = []
  const outer = { a: 1, get b() { try { inner.push(encode({ c: 2 }, [], home)) } catch (error) {
    inner.push((error as Refusal).code)
  } return 3 }, d: 4 }
  assert.equal(travel(outer), { a: 1, b: 3, d: 4 })
  assert.ok(inner.every((one) => one === 'NOT_ENCODABLE'))
})

test('bytes of a stranger give a value or an error, and leave the decoder whole', () => {
  const bad = [
    '', '18', '5b', '5bffffffffffffffff', '9bffffffffffffffff', 'bb00000000ffffffff', '81', 'a1',
    'a101', 'ff', 'c0', 'd9c1c7', 'd9c1c700', '81d9c1c705', 'd81cd81d00', 'd81d00', '8201', '0000',
    '7f6161',
    'd9dffe00', 'd9dfff8100', 'd833840100', 'c6820102', 'd81b82f6f6', 'f8', 'fc', '1f', '41'
  ]
  for (const text of bad) {
    const bytes = Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16))
    try { decode(bytes, [new FakeReference(1)]) } catch (error) { assert.instance(error, Error) }
    assert.equal(decode(encode({ fine: [1] }, [], home), []), { fine: [1] })
  }
})

test('VAL-7 and VAL-9: a channel that is in no table, and a break, make an item unreadable', () => {
  const broken = ['ff', '81ff', '8200ff', 'a16161ff', 'a1ff01', 'c1ff', '8181ff', 'a16161a16162ff',
    `9828${'00'.repeat(39)}ff`, '8243ffffffff']
  const channels = ['d9c1c700', '81d9c1c700', 'a16163d9c1c705', '9fd9c1c700ff']
  const bytes_of = (text: string) => Uint8Array.from(text.match(/../g)!, (two) => parseInt(two, 16))
  for (const text of [...broken, ...channels]) {
    assert.throws(() => decode(bytes_of(text), []), /break|valid date|table of references/, text)
  }
  assert.equal(decode(bytes_of('9f01bf616102ffff'), []), [1, { a: 2 }], 'where it belongs')
  assert.equal(decode(bytes_of('8243ffffff20'), []), [Uint8Array.of(255, 255, 255), -1])
})

test('shared parts of a stranger cannot multiply', () => {
  // [28(inner), 29(i), 29(i)] inside each other: a tree of 3^23 nodes in a few bytes each.
  let item = [0x81, 0x1b, 0, 0x20, 0, 0, 0, 0, 0, 0]
  for (let i = 22; i >= 0; i--) item = [0x83, 0xd8, 0x1c, ...item, 0xd8, 0x1d, i, 0xd8, 0x1d, i]
  assert.throws(() => decode(Uint8Array.from(item), []), /deep/)
})

test('random bytes never do anything but give a value or an error', (t) => {
  let seed = 0x2545f491
  const next = () => (seed = Math.imul(seed ^ seed >>> 15, 0x2c1b3c6d) + 0x9e3779b9 | 0) >>> 0
  const started = performance.now()
  for (let round = 0; round < 20_000; round++) {
    const bytes = Uint8Array.from({ length: next() % 24 }, () => next() >>> 11)
    try { decode(bytes, []) } catch (error) { assert.instance(error, Error) }
  }
  t.within(5_000, performance.now() - started, 'reading them')
}, { timed: true })

test('what is immutable and small may stay as it is, and is never shorter when it leaves', () => {
  const small = [1, -1.5, 2 ** 40, 'abc', '汉'.repeat(1024), true, null, undefined, 5n, 2n ** 80n]
  for (const value of small) {
    assert.ok(keepable(value))
    const kept = keep(value)
    const item = bytesOf(kept)
    assert.ok(item.length <= keptBytes(kept), `${String(value)}: ${item.length}`)
    assert.equal(decode(item, []), kept)
  }
  for (const value of ['x'.repeat(1025), {}, [], new Uint8Array(1), new Date()]) {
    assert.not(keepable(value))
  }
  assert.not(keepable('\ud800'), 'it is encoded, and refused there')
})

test.run()
