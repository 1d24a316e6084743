/**
 * Frames from bytes and bytes from frames, at every cut.
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { FrameReader, frameBytes, joinFrames } from '../../transports/frames.ts'
import {
  FRAME_BYTES_MAX, HEADER_BYTES_MAX, RECORDS_PER_RUN_MAX, WRITE_BYTES_MAX
} from '../../transports/tables.ts'
import type { Frame } from '../../transports/transport.ts'
import { filled, seeded, varint } from './samples.ts'

const test = suite('transports: frames')
const BLOCK_PAYLOADS = [0, 1, 127, 128, 129, 16_383, 16_384]

function glued(writes: readonly (readonly Uint8Array[])[]): Uint8Array {
  return new Uint8Array(Buffer.concat(writes.flat()))
}

function readAll(reader: FrameReader): Frame[] {
  const all: Frame[] = []
  for (let some = reader.take(3); some.length > 0; some = reader.take(3)) all.push(...some)
  return all
}

function same(actual: readonly Frame[], expected: readonly Frame[]): void {
  assert.is(actual.length, expected.length)
  expected.forEach((frame, i) => {
    assert.is(Buffer.compare(actual[i]!.header, frame.header), 0, `the header of frame ${i}`)
    assert.is(Buffer.compare(
      actual[i]!.payload ?? new Uint8Array(0), frame.payload ?? new Uint8Array(0)
    ), 0, `the payload of frame ${i}`)
  })
}

test('the same frames come whatever two pieces the bytes were cut into', () => {
  const frames = [0, 1, 3, 130].map((n) => (
    { header: filled(n % 5 + 1, n), payload: filled(n, n) }))
  const bytes = glued(joinFrames(frames))
  for (let cut = 0; cut <= bytes.length; cut++) {
    const reader = new FrameReader()
    reader.push(bytes.subarray(0, cut))
    const before = readAll(reader)
    reader.push(bytes.subarray(cut))
    same([...before, ...readAll(reader)], frames)
    assert.not(reader.partial)
  }
})

test('the same frames come byte by byte, and a payload of no bytes is undefined', () => {
  const frames = [{ header: filled(200, 1), payload: filled(300, 2) },
    { header: filled(1, 3), payload: undefined }, { header: filled(2, 4), payload: filled(0, 0) }]
  const reader = new FrameReader()
  const got: Frame[] = []
  for (const byte of glued(joinFrames(frames))) {
    reader.push(Uint8Array.of(byte))
    got.push(...readAll(reader))
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
    const writes = joinFrames(frames)
    const bytes = glued(writes)
    assert.is(bytes.length, frames.reduce((sum, frame) => sum + frameBytes(frame), 0))
    const lengths = writes.map((pieces) => glued([pieces]).length)
    assert.ok(lengths.every((length, i) => i === writes.length - 1
      ? length <= WRITE_BYTES_MAX : length === WRITE_BYTES_MAX), `writes for ${size}`)
    const reader = new FrameReader()
    for (const piece of writes.flat()) reader.push(piece)
    same(readAll(reader), frames)
  }
})

test('random frames come through random cuts whole and in order', () => {
  const random = seeded(7)
  for (let round = 0; round < 60; round++) {
    const frames = Array.from({ length: 1 + random(20) }, () => ({
      header: filled(1 + random(random(4) === 0 ? HEADER_BYTES_MAX : 30), random(256)),
      payload: filled(random(random(8) === 0 ? 200_000 : 300), random(256))
    }))
    const bytes = glued(joinFrames(frames, 1 + random(WRITE_BYTES_MAX)))
    const reader = new FrameReader()
    const got: Frame[] = []
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + 1 + random(random(2) === 0 ? 40 : 70_000))
      reader.push(bytes.subarray(at, end))
      if (random(2) === 0) got.push(...readAll(reader))
      at = end
    }
    same([...got, ...readAll(reader)], frames)
  }
})

test('what lies in one chunk is a view of it, and whole writes of a payload are too', () => {
  const payload = filled(WRITE_BYTES_MAX * 3, 9)
  const writes = joinFrames([{ header: filled(3, 1), payload }])
  const views = writes.flat().filter((piece) => piece.buffer === payload.buffer)
  assert.is(views.reduce((sum, view) => sum + view.length, 0), payload.length)
  assert.is(writes.length, 4)
  const chunk = glued(joinFrames([{ header: filled(3, 1), payload: filled(500, 2) }]))
  const reader = new FrameReader()
  reader.push(chunk)
  const [frame] = reader.take(1)
  assert.is(frame!.header.buffer, chunk.buffer)
  assert.is(frame!.payload!.buffer, chunk.buffer)
})

const violations: Array<[name: string, bytes: number[], kind: string]> = [
  ['a length of five bytes', [0x80, 0x80, 0x80, 0x80, 0x01], 'bad varint'],
  ['a length in more bytes than it needs', [0x83, 0x00, 0x01, 1, 2, 3], 'bad varint'],
  ['a frame over the limit', [...varint(FRAME_BYTES_MAX + 1), 1], 'frame too long'],
  ['a header longer than its frame', [0x02, 0x03, 1, 2, 3], 'bad header length'],
  ['a header over the limit',
    [...varint(2 * HEADER_BYTES_MAX), ...varint(HEADER_BYTES_MAX + 1), 1], 'bad header length'],
  ['a frame without a header', [0x02, 0x00, 1, 2], 'bad header length'],
  ['a frame of nothing', [0x00, 0x00], 'bad header length']
]

for (const [name, bad, kind] of violations) {
  test(`${name} is a violation, after which nothing is given`, () => {
    const good = glued(joinFrames([{ header: filled(4, 1), payload: filled(5, 2) }]))
    const reader = new FrameReader()
    reader.push(good)
    reader.push(Uint8Array.from(bad))
    reader.push(good)
    assert.is(readAll(reader).length, 1)
    assert.is(reader.violation, kind)
    reader.push(good)
    assert.is(readAll(reader).length, 0)
  })
}

test('the largest frame and the longest header are within the limits', () => {
  const frame = { header: filled(HEADER_BYTES_MAX, 1),
    payload: filled(FRAME_BYTES_MAX - HEADER_BYTES_MAX, 2) }
  const reader = new FrameReader()
  reader.push(glued(joinFrames([frame])))
  same(readAll(reader), [frame])
  assert.is(reader.violation, undefined)
})

test('a frame over its limits is not written', () => {
  const over = (header: number, payload: number) => () =>
    joinFrames([{ header: filled(header, 1), payload: filled(payload, 1) }])
  assert.throws(over(0, 1), /over its limits/)
  assert.throws(over(HEADER_BYTES_MAX + 1, 1), /over its limits/)
  assert.throws(over(1, FRAME_BYTES_MAX), /over its limits/)
})

test('random bytes give frames or a violation, and take no more than was asked for', () => {
  const random = seeded(11)
  let violations = 0
  for (let round = 0; round < 2_000; round++) {
    const reader = new FrameReader()
    for (let chunk = 0; chunk < 4; chunk++) {
      reader.push(Uint8Array.from({ length: random(80) }, () =>
        random(3) === 0 ? random(6) : random(256)))
      assert.ok(reader.take(2).length <= 2)
    }
    for (const frame of readAll(reader)) {
      assert.ok(frame.header.length >= 1 && frame.header.length <= HEADER_BYTES_MAX)
      assert.ok(frame.header.length + (frame.payload?.length ?? 0) <= FRAME_BYTES_MAX)
    }
    if (reader.violation !== undefined) violations++
  }
  assert.ok(violations > 1_000, `${violations} violations`)
})

test('a length alone buys one write of memory, not a frame of it', () => {
  const before = process.memoryUsage().arrayBuffers
  const readers = Array.from({ length: 300 }, () => {
    const reader = new FrameReader()
    reader.push(Uint8Array.from([...varint(FRAME_BYTES_MAX), 1, 1, 2, 3]))
    assert.is(reader.take(RECORDS_PER_RUN_MAX).length, 0)
    return reader
  })
  assert.ok(readers.every((reader) => reader.partial))
  const each = (process.memoryUsage().arrayBuffers - before) / readers.length
  assert.ok(each < WRITE_BYTES_MAX + 4_096, `${each} bytes of memory for a length`)
})

test.run()
