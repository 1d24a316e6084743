/**
 * Frames from bytes and bytes from frames, at every cut.
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { FrameCutter, FrameJoiner } from '../../bindings/js/frames.ts'
import {
  FRAME_BYTES_MAX, HEADER_BYTES_MAX, PAYLOADS_PER_FRAME_MAX, RECORDS_PER_RUN_MAX, WRITE_BYTES_MAX
} from '../../bindings/js/tables.ts'
import { Places } from '../../bindings/js/series.ts'
import { cutFrames, frameBytes, joined } from '../transports/framed.ts'
import type { Frame } from '../transports/framed.ts'
import { filled, seeded, varint } from '../transports/samples.ts'

const test = suite('js: frames')
const BLOCK_PAYLOADS = [0, 1, 127, 128, 129, 4_095, 4_096, 16_383, 16_384]

function glued(pieces: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(pieces))
}

function readAll(cutter: FrameCutter): Frame[] {
  const all: Frame[] = []
  for (let some = cutFrames(cutter, 3); some.length > 0; some = cutFrames(cutter, 3)) {
    all.push(...some)
  }
  return all
}

/** The frames of bytes that come in pieces of any length, some of them before all have come. */
function cutAnywhere(bytes: Uint8Array, random: (below: number) => number): Frame[] {
  const cutter = new FrameCutter()
  const got: Frame[] = []
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + 1 + random(random(2) === 0 ? 40 : 70_000))
    cutter.push(bytes.subarray(at, end))
    if (random(2) === 0) got.push(...readAll(cutter))
    at = end
  }
  return [...got, ...readAll(cutter)]
}

function same(actual: readonly Frame[], expected: readonly Frame[]): void {
  assert.is(actual.length, expected.length)
  expected.forEach((frame, i) => {
    assert.is(Buffer.compare(actual[i]!.header, frame.header), 0, `the header of frame ${i}`)
    assert.is(Buffer.compare(
      actual[i]!.payload ?? new Uint8Array(0), frame.payload ?? new Uint8Array(0)
    ), 0, `the payload of frame ${i}`)
    const { payloads } = actual[i]!
    assert.is(payloads?.length, frame.payloads?.length, `the payloads of frame ${i}`)
    payloads?.forEach((payload, nth) => assert.is(
      Buffer.compare(payload, frame.payloads![nth]!), 0, `payload ${nth} of frame ${i}`))
  })
}

test('the same frames come whatever two pieces the bytes were cut into', () => {
  const frames: Frame[] = [0, 1, 3, 130].map((n) => (
    { header: filled(n % 5 + 1, n), payload: filled(n, n) }))
  frames.splice(2, 0, { header: filled(3, 1), payload: undefined,
    payloads: [filled(1, 2), filled(130, 3), filled(20, 4)] })
  const bytes = glued(joined(frames))
  for (let cut = 0; cut <= bytes.length; cut++) {
    const cutter = new FrameCutter()
    cutter.push(bytes.subarray(0, cut))
    const before = readAll(cutter)
    cutter.push(bytes.subarray(cut))
    same([...before, ...readAll(cutter)], frames)
    assert.not(cutter.partial)
  }
})

test('the same frames come byte by byte, and a payload of no bytes is undefined', () => {
  const frames = [{ header: filled(200, 1), payload: filled(300, 2) },
    { header: filled(1, 3), payload: undefined }, { header: filled(2, 4), payload: filled(0, 0) }]
  const cutter = new FrameCutter()
  const got: Frame[] = []
  for (const byte of glued(joined(frames))) {
    cutter.push(Uint8Array.of(byte))
    got.push(...readAll(cutter))
  }
  same(got, frames)
  assert.is(got[1]!.payload, undefined)
  assert.is(got[2]!.payload, undefined)
})

test('frames around a length and a block border are the same on the other side', () => {
  const border = [-2, -1, 0, 1, 2].flatMap((by) => [
    ...BLOCK_PAYLOADS, WRITE_BYTES_MAX, 2 * WRITE_BYTES_MAX, WRITE_BYTES_MAX - 8
  ].map((size) => Math.max(0, size + by)))
  for (const size of [...border, FRAME_BYTES_MAX - HEADER_BYTES_MAX]) {
    const frames = [1, HEADER_BYTES_MAX, 7].map((header) => (
      { header: filled(header, size), payload: filled(size, header) }))
    const pieces = joined(frames)
    const bytes = glued(pieces)
    assert.is(bytes.length, frames.reduce((sum, frame) => sum + frameBytes(frame), 0))
    const cutter = new FrameCutter()
    for (const piece of pieces) cutter.push(piece)
    same(readAll(cutter), frames)
  }
})

test('random frames come through random cuts whole and in order', () => {
  const random = seeded(7)
  for (let round = 0; round < 60; round++) {
    const frames = Array.from({ length: 1 + random(20) }, () => ({
      header: filled(1 + random(random(4) === 0 ? HEADER_BYTES_MAX : 30), random(256)),
      payload: filled(random(random(8) === 0 ? 200_000 : 300), random(256))
    }))
    same(cutAnywhere(glued(joined(frames)), random), frames)
  }
})

test('what lies in one chunk is a view of it, and a large payload is one of its own', () => {
  const payload = filled(WRITE_BYTES_MAX * 3, 9)
  const pieces = joined([{ header: filled(3, 1), payload }])
  const views = pieces.filter((piece) => piece.buffer === payload.buffer)
  assert.is(views.reduce((sum, view) => sum + view.length, 0), payload.length)
  assert.is(pieces.length, 2)
  const chunk = glued(joined([{ header: filled(3, 1), payload: filled(500, 2) }]))
  const cutter = new FrameCutter()
  cutter.push(chunk)
  const [frame] = cutFrames(cutter, 1)
  assert.is(frame!.header.buffer, chunk.buffer)
  assert.is(frame!.payload!.buffer, chunk.buffer)
})

test('small frames are joined, in pieces of a write at most, which nobody changes again', () => {
  const frames = Array.from({ length: 9_000 }, (_, i) => (
    { header: filled(1 + i % 60, i), payload: i % 3 === 0 ? undefined : filled(i % 200, i) }))
  const joiner = new FrameJoiner()
  const pieces: Uint8Array[] = []
  const copies: Uint8Array[] = []
  frames.forEach(({ header, payload = new Uint8Array(0) }, i) => {
    joiner.add(header, 0, header.length, payload, 0, payload.length)
    if (i % 4_000 !== 3_999) return
    const some = joiner.take()
    pieces.push(...some)
    copies.push(...some.map((piece) => piece.slice()))
  })
  assert.is(joiner.count, 1_000)
  pieces.push(...joiner.take())
  assert.is(joiner.count, 0)
  assert.equal(joiner.take(), [])
  const bytes = glued(pieces)
  assert.ok(pieces.every((piece) => piece.length <= WRITE_BYTES_MAX))
  assert.ok(pieces.length <= 3 + bytes.length / (WRITE_BYTES_MAX - 300), `${pieces.length} pieces`)
  copies.forEach((copy, i) => assert.is(Buffer.compare(copy, pieces[i]!), 0))
  const cutter = new FrameCutter()
  cutter.push(bytes)
  same(readAll(cutter), frames.map(({ header, payload }) => (
    { header, payload: payload?.length === 0 ? undefined : payload })))
})

test('bursts and quiet times after each other leave as they came', () => {
  const joiner = new FrameJoiner()
  const cutter = new FrameCutter()
  const frames: Frame[] = []
  for (const count of [1, 900, ...new Array<number>(40).fill(1), 900, 1, 900, 3]) {
    for (let i = 0; i < count; i++) {
      const header = filled(1 + i % 20, frames.length)
      frames.push({ header, payload: undefined })
      joiner.add(header, 0, header.length, header, 0, 0)
    }
    for (const piece of joiner.take()) cutter.push(piece)
  }
  same(readAll(cutter), frames)
})

/** The piece of one small frame. */
function small(joiner: FrameJoiner, salt: number): Uint8Array {
  const header = filled(20, salt)
  joiner.add(header, 0, header.length, header, 0, 0)
  const pieces = joiner.take()
  assert.is(pieces.length, 1)
  return pieces[0]!
}

test('small writes take no array each, and after a burst a link holds little', () => {
  const joiner = new FrameJoiner()
  const first = small(joiner, 1)
  const copy = first.slice()
  assert.is(small(joiner, 2).buffer, first.buffer)
  assert.is(Buffer.compare(first, copy), 0)
  const header = filled(60, 3)
  for (let i = 0; i < 900; i++) joiner.add(header, 0, header.length, header, 0, 0)
  assert.ok(joiner.take()[0]!.buffer.byteLength > 50_000)
  let last = first
  for (let i = 0; i < 20; i++) last = small(joiner, i)
  assert.ok(last.buffer.byteLength <= 4096, `${last.buffer.byteLength} bytes`)
})

test('a frame of parts of larger arrays has those parts', () => {
  const [header, payload] = [filled(90, 1), filled(9_000, 2)]
  for (const count of [1, 60, 70, 5_000]) {
    const joiner = new FrameJoiner()
    joiner.add(header, 10, 70, payload, 20, count)
    const cutter = new FrameCutter()
    for (const piece of joiner.take()) cutter.push(piece)
    same(readAll(cutter), [
      { header: header.subarray(10, 80), payload: payload.subarray(20, 20 + count) }
    ])
  }
})

const violations: Array<[name: string, bytes: number[], kind: string]> = [
  ['a length of five bytes', [0x80, 0x80, 0x80, 0x80, 0x01], 'bad varint'],
  ['a length in more bytes than it needs', [0x83, 0x00, 0x01, 1, 2, 3], 'bad varint'],
  ['a frame over the limit', [...varint(FRAME_BYTES_MAX + 1), 1], 'frame too long'],
  ['a header longer than its frame', [0x02, 0x03, 1, 2, 3], 'bad header length'],
  ['a header over the limit',
    [...varint(2 * HEADER_BYTES_MAX), ...varint(HEADER_BYTES_MAX + 1), 1], 'bad header length'],
  ['a frame without a header', [0x02, 0x00, 1, 2], 'bad header length'],
  ['a frame of nothing', [0x00, 0x00], 'bad header length'],
  ['a series of less than it can be', [0x06, 0x00, 1, 2, 1, 1, 9, 9], 'bad header length'],
  ['a series of one', [0x07, 0x00, 1, 1, 4, 9, 9, 9, 9], 'bad payload lengths'],
  ['a series of none', [0x07, 0x00, 5, 0, 9, 9, 9, 9, 9], 'bad payload lengths'],
  ['a series of too many', [...varint(2 + 2 * (PAYLOADS_PER_FRAME_MAX + 1) + 1), 0x00, 1,
    PAYLOADS_PER_FRAME_MAX + 1, ...new Array<number>(2 * PAYLOADS_PER_FRAME_MAX + 3).fill(1)],
  'bad payload lengths'],
  ['a series without a header', [0x07, 0x00, 0, 2, 1, 2, 9, 9, 9], 'bad payload lengths'],
  ['a series with a header over the limit', [...varint(HEADER_BYTES_MAX + 8), 0x00,
    ...varint(HEADER_BYTES_MAX + 1), 2, 1, 1, ...new Array<number>(HEADER_BYTES_MAX + 3).fill(9)],
  'bad payload lengths'],
  ['a series with a payload of nothing', [0x07, 0x00, 1, 2, 0, 2, 9, 9, 9], 'bad payload lengths'],
  ['a series with something behind', [0x08, 0x00, 1, 2, 1, 1, 9, 9, 9, 9], 'bad payload lengths'],
  ['a series that is cut', [0x07, 0x00, 1, 2, 1, 2, 9, 9, 9], 'bad payload lengths'],
  ['a series with a length of too many bytes',
    [0x0c, 0x00, 1, 2, 1, 0x82, 0x80, 0x80, 0x80, 0x01, 9, 9, 9, 9], 'bad payload lengths'],
  ['a series with a length in more bytes than it needs',
    [0x08, 0x00, 1, 2, 1, 0x81, 0x00, 9, 9, 9], 'bad payload lengths'],
  ['a series whose lengths do not end', [0x07, 0x00, 1, 0x85, 0x80, 0x80, 0x80, 0x80, 0x80],
    'bad payload lengths']
]

for (const [name, bad, kind] of violations) {
  test(`${name} is a violation, after which nothing is given`, () => {
    const good = glued(joined([{ header: filled(4, 1), payload: filled(5, 2) }]))
    const cutter = new FrameCutter()
    cutter.push(good)
    cutter.push(Uint8Array.from(bad))
    cutter.push(good)
    assert.is(readAll(cutter).length, 1)
    assert.is(cutter.violation, kind)
    cutter.push(good)
    assert.is(readAll(cutter).length, 0)
  })
}

test('several payloads are written to the byte as the wire says', () => {
  const frame = { header: Uint8Array.of(1, 2, 3), payload: undefined,
    payloads: [Uint8Array.of(4), filled(200, 5)] }
  assert.equal([...glued(joined([frame]))],
    [...varint(5 + 3 + 1 + 200), 0, 3, 2, 1, ...varint(200), 1, 2, 3, 4, ...filled(200, 5)])
})

test('frames with several payloads come through any cuts, among others', () => {
  const random = seeded(17)
  for (let round = 0; round < 60; round++) {
    const frames = Array.from({ length: 1 + random(12) }, (): Frame => ({
      header: filled(1 + random(30), random(256)),
      ...random(2) === 0 ? { payload: filled(1 + random(300), random(256)) } : {
        payload: undefined,
        payloads: Array.from(
          { length: 2 + random(random(3) === 0 ? PAYLOADS_PER_FRAME_MAX - 1 : 4) },
          () => filled(1 + random(random(20) === 0 ? 70_000 : 300), random(256)))
      }
    }))
    same(cutAnywhere(glued(joined(frames)), random), frames)
  }
})

test('payloads that lie one behind the other are those that they are', () => {
  const source = filled(400, 3)
  const joiner = new FrameJoiner()
  const places = new Places()
  const cuts = [[0, 10], [10, 30], [30, 31], [40, 200], [200, 260], [0, 5]] as const
  for (const [from, to] of cuts) places.add(source, from, to)
  places.add(filled(20, 9), 0, 20)
  joiner.addSeries(source, 0, 4, places)
  assert.is(joiner.count, cuts.length + 1, 'each counts')
  places.clear()
  joiner.add(source, 0, 1, source, 0, 0)
  const cutter = new FrameCutter()
  for (const piece of joiner.take()) cutter.push(piece)
  same(readAll(cutter), [
    { header: source.subarray(0, 4), payload: undefined,
      payloads: [...cuts.map(([from, to]) => source.subarray(from, to)), filled(20, 9)] },
    { header: source.subarray(0, 1), payload: undefined }
  ])
})

test('the largest frame and the longest header are within the limits', () => {
  const frame = { header: filled(HEADER_BYTES_MAX, 1),
    payload: filled(FRAME_BYTES_MAX - HEADER_BYTES_MAX, 2) }
  const cutter = new FrameCutter()
  cutter.push(glued(joined([frame])))
  same(readAll(cutter), [frame])
  assert.is(cutter.violation, undefined)
})

test('a frame over its limits is not written', () => {
  const over = (header: number, payload: number) => () =>
    joined([{ header: filled(header, 1), payload: filled(payload, 1) }])
  assert.throws(over(0, 1), /over its limits/)
  assert.throws(over(HEADER_BYTES_MAX + 1, 1), /over its limits/)
  assert.throws(over(1, FRAME_BYTES_MAX), /over its limits/)
})

test('random bytes give frames or a violation, and take no more than was asked for', () => {
  const random = seeded(11)
  let violations = 0
  for (let round = 0; round < 2_000; round++) {
    const cutter = new FrameCutter()
    for (let chunk = 0; chunk < 4; chunk++) {
      cutter.push(Uint8Array.from({ length: random(80) }, () =>
        random(3) === 0 ? random(6) : random(256)))
      assert.ok(cutFrames(cutter, 2).length <= 2)
    }
    for (const frame of readAll(cutter)) {
      assert.ok(frame.header.length >= 1 && frame.header.length <= HEADER_BYTES_MAX)
      assert.ok(frame.header.length + (frame.payload?.length ?? 0) <= FRAME_BYTES_MAX)
    }
    if (cutter.violation !== undefined) violations++
  }
  assert.ok(violations > 1_000, `${violations} violations`)
})

test('a length alone buys one write of memory, not a frame of it', () => {
  const before = process.memoryUsage().arrayBuffers
  const cutters = Array.from({ length: 300 }, () => {
    const cutter = new FrameCutter()
    cutter.push(Uint8Array.from([...varint(FRAME_BYTES_MAX), 1, 1, 2, 3]))
    assert.is(cutFrames(cutter, RECORDS_PER_RUN_MAX).length, 0)
    return cutter
  })
  assert.ok(cutters.every((cutter) => cutter.partial))
  const each = (process.memoryUsage().arrayBuffers - before) / cutters.length
  assert.ok(each < WRITE_BYTES_MAX + 4_096, `${each} bytes of memory for a length`)
})

test.run()
