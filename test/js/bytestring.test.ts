/** Byte strings that leave, and items that lie among other bytes. */
import * as assert from 'uvu/assert'
import {
  byteString, contentOf, leavingString, stayingString
} from '../../bindings/js/bytestring.ts'
import { Span } from '../../bindings/js/payload.ts'
import { MESSAGE_BYTES_MAX } from '../../bindings/js/tables.ts'
import { bytesOf, decode, decodeSpan, encode } from '../../bindings/js/values.ts'
import { suite } from '../suite.ts'
import { filled, seeded } from '../transports/samples.ts'

const test = suite('js: byte strings')
const home = {}

/** An item with other bytes around it. */
function among(item: Uint8Array): Span {
  const bytes = new Uint8Array(item.length + 20).fill(0xee)
  bytes.set(item, 7)
  return new Span(bytes, 7, 7 + item.length)
}

test('an item that leaves is the same as one that stays, and later ones do not change it', () => {
  const random = seeded(5)
  const sizes = [0, 1, 23, 24, 32, 33, 255, 256, 1_023, 1_024, 1_025, 65_535, 65_536, 100_000]
  const values = [...sizes, ...Array.from({ length: 500 }, () => random(1_100))]
    .map((size, i) => filled(size, i))
  const left = values.map((value) => leavingString(value))
  values.forEach((value, i) => {
    assert.is(Buffer.compare(bytesOf(left[i]!), byteString(value)), 0, `${value.length} bytes`)
  })
  const blocks = new Set(left.map((item) => item instanceof Span ? item.bytes.buffer : undefined))
  assert.ok(blocks.size > 10 && blocks.size < 80, `${blocks.size} blocks`)
})

test('what is done to a value after its item was made does not show in the item', () => {
  for (const size of [5, 40, 64, 500]) {
    const value = filled(size, 1)
    const items = [byteString, leavingString, stayingString].map((make) => bytesOf(make(value)))
    value.fill(0)
    for (const item of items) assert.equal(decode(item, []), filled(size, 1))
  }
})

test('a message over the limit is refused, whether it leaves or not', () => {
  const value = new Uint8Array(MESSAGE_BYTES_MAX)
  for (const make of [byteString, leavingString, stayingString]) {
    assert.throws(() => make(value), (error: { code: string }) => error.code === 'TOO_LARGE')
  }
})

test('an item among other bytes has the value that it has alone', () => {
  const values = [
    0, -1, 24, 1.5, 2 ** 40, 'text', '', null, true, [], [1, [2, 'x']], { a: 1, b: [] },
    new Map([[1, 2]]), new Date(5_000), 12345678901234567890n, 'x'.repeat(5_000),
    ...[0, 1, 23, 24, 63, 64, 65, 255, 256, 70_000].map((size) => filled(size, size))
  ]
  for (const value of values) {
    const item = encode(value, [], home)
    assert.equal(decodeSpan(among(item), []), decode(item, []), String(value).slice(0, 20))
  }
})

test('a small byte string keeps nothing alive but itself', () => {
  for (const size of [0, 1, 64]) {
    const item = byteString(filled(size, 1))
    const content = contentOf(item, 0, item.length)!
    assert.is(content.buffer.byteLength, size)
    const span = among(item)
    assert.is((decodeSpan(span, []) as Uint8Array).buffer.byteLength, size)
  }
})

test('what is received of a message that stayed has nothing of other messages around it', () => {
  for (let size = 0; size < 80; size++) {
    const items = [size, size + 1].map((fill) => stayingString(filled(size, fill)))
    items.forEach((item, i) => {
      const got = item instanceof Span ? decodeSpan(item, []) : decode(item, [])
      assert.equal(got, filled(size, size + i))
      // An item of its own may have its head there.
      assert.ok((got as Uint8Array).buffer.byteLength <= size + 2, `${size} bytes`)
    })
  }
})

test('a byte string whose length is not that of its item is none', () => {
  const item = byteString(filled(30, 1))
  for (let end = 1; end < item.length; end++) assert.is(contentOf(item, 0, end), undefined)
  assert.is(contentOf(Uint8Array.of(...item, 0), 0, item.length + 1), undefined)
  for (const head of [[0x5b, 0, 0, 0, 0, 0, 0, 0, 1], [0x5f, 0x41], [0x59, 1], [0x5a, 0, 0]]) {
    assert.is(contentOf(Uint8Array.of(...head), 0, head.length), undefined, `${head}`)
  }
  // A length in more bytes than it needs is read as any decoder does.
  assert.equal(contentOf(Uint8Array.of(0x59, 0, 2, 8, 9), 0, 5), Uint8Array.of(8, 9))
})

test.run()
