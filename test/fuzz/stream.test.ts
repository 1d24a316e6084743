/**
 * Streams of bytes that a transport may meet: frames or a violation, the same however they are cut,
 * and no memory for a length alone.
 *
 * Replay: `CIRCUIT_SEED=SEED node test/fuzz/stream.test.ts`.
 */
import * as assert from 'uvu/assert'
import { FrameCutter } from '../../bindings/js/frames.ts'
import { limits } from '../core/door.ts'
import { suite } from '../suite.ts'
import { cutFrames, joined } from '../transports/framed.ts'
import type { Frame } from '../transports/framed.ts'
import { Fast } from './fast.ts'
import { Grammar } from './grammar.ts'
import { encode } from './header.ts'

/** The same each time: what breaks here was broken by a change. */
const FIRST_SEED = 1
const STREAMS = 60_000
const BUDGET_MS = 15_000
const TAKE_MAX = 7

const test = suite('fuzz: streams')
const grammar = new Grammar()
const edges = [0, 1, 127, 128, 16_383, 16_384, 16_385, 65_536, limits.FRAME_BYTES_MAX!,
  limits.FRAME_BYTES_MAX! + 1, 0xfffffff]

function varint(value: number, needless: boolean): number[] {
  const bytes: number[] = []
  for (; value > 0x7f; value >>>= 7) bytes.push(value & 0x7f | 0x80)
  return needless ? [...bytes, value | 0x80, 0] : [...bytes, value]
}

/** Some frames of the grammar as one stream. */
function whole(random: Fast): Uint8Array {
  const frames: Frame[] = Array.from({ length: random.between(1, 5) }, () => {
    const shape = random.pick(grammar.frames)
    const header = encode(grammar.item(random, grammar.rules.get(shape.name)!, 40))
    if (random.once_in(3)) {
      const payloads = Array.from({ length: random.between(2, random.once_in(9) ? 64 : 5) }, () =>
        new Uint8Array(random.once_in(60) ? 70_000 : random.between(1, 200)))
      return { header, payload: undefined, payloads }
    }
    const payload = random.once_in(2) ? undefined : new Uint8Array(random.once_in(40) ? 70_000 : 9)
    return { header, payload }
  })
  return Buffer.concat(joined(frames))
}

function bent(random: Fast, stream: Uint8Array): Uint8Array {
  const copy = stream.slice()
  const at = random.below(Math.min(copy.length, 60_000))
  switch (random.below(6)) {
    case 0: copy[at] = random.below(256); return copy
    case 1: return copy.slice(0, at)
    case 2: return Buffer.concat([copy.subarray(0, at), Uint8Array.of(...varint(random.pick(edges),
      random.once_in(3))), copy.subarray(at)])
    case 3: return Buffer.concat([Uint8Array.of(...varint(random.pick(edges), false),
      ...varint(random.pick(edges), random.once_in(4))), copy])
    case 4: return Buffer.concat([copy.subarray(at), copy])
    default: return copy
  }
}

interface Outcome { frames: string[], violation: string | undefined, partial: boolean }

/** What a cutter makes of a stream that comes in these pieces. */
function read(pieces: readonly Uint8Array[], most: number): Outcome {
  const cutter = new FrameCutter()
  const frames: string[] = []
  for (const piece of pieces) {
    cutter.push(piece)
    for (;;) {
      const taken = cutFrames(cutter, most)
      for (const { header, payload, payloads } of taken) {
        const lengths = payloads?.map(({ length }) => length).join()
        frames.push(`${Buffer.from(header).toString('latin1')}|${
          lengths ?? payload?.length ?? -1}`)
      }
      if (taken.length === 0) break
    }
  }
  return { frames, violation: cutter.violation,
    partial: cutter.violation === undefined && cutter.partial }
}

function cut(random: Fast, stream: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < stream.length;) {
    const end = Math.min(stream.length, at + (random.once_in(3) ? 1 : random.between(1, 5_000)))
    pieces.push(stream.subarray(at, end))
    at = end
  }
  return pieces
}

test('bytes mean the same frames and the same violation however they are cut', () => {
  const seed = Number(process.env.CIRCUIT_SEED ?? FIRST_SEED)
  const end = Date.now() + BUDGET_MS
  const outcomes = new Map<string, number>()
  let streams = 0
  for (; streams < STREAMS && Date.now() < end; streams++) {
    const random = new Fast(seed + streams)
    const stream = bent(random, whole(random))
    const once = read([stream], 1024)
    const again = read(cut(random, stream), random.between(1, TAKE_MAX))
    assert.equal(again, once, `seed ${seed + streams}`)
    const told = once.violation ?? (once.partial ? 'partial' : 'whole')
    outcomes.set(told, (outcomes.get(told) ?? 0) + 1)
  }
  console.log(`fuzz: ${streams} streams from seed ${seed}: ${JSON.stringify([...outcomes])}`)
  assert.is(outcomes.size, 6, 'every violation, partial and whole streams')
}, { timeout_ms: 60_000 })

test('a length alone buys no memory', () => {
  const before = process.memoryUsage().arrayBuffers
  const cutters = Array.from({ length: 500 }, () => {
    const cutter = new FrameCutter()
    cutter.push(Uint8Array.of(...varint(limits.FRAME_BYTES_MAX!, false), ...varint(5, false), 1))
    assert.is(cutFrames(cutter, 1).length, 0)
    cutter.push(Uint8Array.of(1, 1, 1, 1, 1))
    assert.is(cutFrames(cutter, 1).length, 0)
    return cutter
  })
  const bytes = process.memoryUsage().arrayBuffers - before
  assert.ok(bytes <= cutters.length * 2 * limits.WRITE_BYTES_MAX!, `${bytes} bytes`)
})
test.run()
