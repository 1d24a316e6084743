/**
 * Stories of readers' windows: messages that are sent ahead, together, again, and taken back.
 *
 * Lives here: what the owner of a channel and a reader at another peer say to each other, and what
 * stories of two cores share. Does not live here: other things that cross (crossings.ts), a reader
 * beside its channel (local.ts).
 */
import * as assert from 'uvu/assert'
import { limits } from '../core/door.ts'
import type { two } from './peers.ts'
import type { Actor, Written } from './stage.ts'

export type Two = ReturnType<typeof two>
export type Line<Cast> = [id: string, shows: string[], story: (set: Cast) => void]

/** The statuses of a core's operations, `waiting` for those that have not ended. */
export function ends(actor: Actor, ops: number[], statuses: string[]): void {
  assert.equal(ops.map((op) => actor.host.status(op)), statuses)
}

/** Sends in one turn of a core. */
export function together(actor: Actor, ref: number, texts: readonly string[]): number[] {
  actor.host.batching = true
  const sends = texts.map((text) => actor.host.send(ref, text))
  actor.host.batching = false
  actor.host.run()
  return sends
}

/** What a core has written on a link and nobody has carried: kinds and payloads. */
export function frames({ out }: { out: readonly Written[] }): string[] {
  return out.map(({ row, payloads }) =>
    `${row[0]}: ${payloads.map(({ text }) => text).join(' ')}`)
}

/** A channel at `b`, its reference there, and a reader of `a` that has opened its window. */
function readFromAfar(
  { stage, far, a, b }: Pick<Two, 'stage' | 'far' | 'a' | 'b'>, prefetch: number
): { own: number, reader: number } {
  far.make(b, 'w', 8)
  const own = far.ref(b, 2)
  const reader = a.host.outcome(a.host.reader(far.ref(a, 2), prefetch)).value
  stage.settle()
  return { own, reader }
}

export const windows: Line<Two>[] = [
  ['window', ['CH-37', 'CH-38', 'CH-40', 'WIRE-11', 'ABI-14'], ({ stage, far, a, b }) => {
    far.make(b, 'w', 8)
    const [ref, own] = [far.ref(a, 2), far.ref(b, 2)]
    const reader = a.host.outcome(a.host.reader(ref, 2)).value
    stage.settle()
    for (const text of ['1', '2', '3', '4', '5']) b.host.send(own, text)
    stage.settle()
    assert.is(b.host.seen(own).out, 2)
    assert.equal([a.host.text(a.host.read(reader)), b.host.text(b.host.receive(own))], ['1', '3'])
    stage.settle()
    assert.equal([a.host.text(a.host.read(reader)), b.host.seen(own).out], ['2', 2])
    b.host.close(own)
    stage.settle()
    const reads = [a.host.read(reader), a.host.read(reader), a.host.read(reader)]
    ends(a, reads, ['OK', 'OK', 'waiting'])
    stage.settle()
    ends(a, reads, ['OK', 'OK', 'CLOSED'])
  }],
  ['window-given-back', ['CH-38', 'CH-39', 'PROTOCOL-9'], ({ stage, far, a, b }) => {
    const { own, reader } = readFromAfar({ stage, far, a, b }, 3)
    for (const text of ['1', '2', '3', '4']) b.host.send(own, text)
    stage.settle()
    assert.is(a.host.text(a.host.read(reader)), '1')
    a.host.reader_end(reader)
    stage.settle()
    const rest = [b.host.receive(own), b.host.receive(own), b.host.receive(own)]
    assert.equal(rest.map((op) => b.host.text(op)), ['2', '3', '4'])
    assert.is(b.host.outcome(rest[0]!).again, false)
  }],
  ['messages-that-go-together', ['WIRE-40', 'ABI-51', 'CH-38'], ({ stage, far, a, b }) => {
    const [wire] = stage.wires
    far.make(b, 'w', 8)
    const own = far.ref(b, 2)
    const reader = a.host.outcome(a.host.reader(far.ref(a, 2), 4)).value
    together(b, own, ['1', '2', '3'])
    stage.carry(wire!, a)
    assert.equal(frames(wire!.end_of(b)), ['29: 1 2 3'])
    const reads = [1, 2].map(() => a.host.read(reader))
    stage.settle()
    assert.equal(reads.map((op) => a.host.text(op)), ['1', '2'])
    assert.is(b.host.seen(own).out, 1)
    a.host.reader_end(reader)
    stage.settle()
    assert.is(b.host.text(b.host.receive(own)), '3')
  }],
  ['messages-that-go-together-go-again', ['WIRE-40', 'SES-18', 'SES-20'],
    ({ stage, far, a, b }) => {
      const [wire] = stage.wires
      const { own, reader } = readFromAfar({ stage, far, a, b }, 8)
      together(b, own, ['1', '2'])
      stage.carry(wire!, b)
      stage.cut(wire!)
      // What was given to a link stays as it is; what comes now has a frame of its own.
      together(b, own, ['3', '4'])
      stage.link(a, b)
      stage.settle()
      const reads = [1, 2, 3, 4, 5].map(() => a.host.read(reader))
      ends(a, reads, ['OK', 'OK', 'OK', 'OK', 'waiting'])
      assert.equal(reads.slice(0, 4).map((op) => a.host.text(op)), ['1', '2', '3', '4'])
    }],
  ['messages-that-are-taken-back-together', ['WIRE-40', 'LIM-14', 'WIRE-27'],
    ({ stage, far, a, b }) => {
      const [wire] = stage.wires
      const { own, reader } = readFromAfar({ stage, far, a, b }, 8)
      together(b, own, ['1', '2'])
      a.host.reader_end(reader)
      stage.carry(wire!, a)
      stage.cut(wire!)
      const again = stage.link(a, b)
      const said: string[] = []
      while (stage.carry(again, a)) {
        said.push(...frames(again.end_of(b)))
        stage.carry(again, b)
      }
      assert.equal(said.filter((line) => /^2[59]/.test(line)), ['25: '])
      stage.settle()
      const rest = [b.host.receive(own), b.host.receive(own)]
      assert.equal(rest.map((op) => b.host.text(op)), ['1', '2'])
    }],
  ['messages-that-go-alone', ['WIRE-40'], ({ stage, far, a, b }) => {
    const [wire] = stage.wires
    for (const name of ['w', 'v']) far.make(b, name, 8)
    const [own, other] = [far.ref(b, 2), far.ref(b, 3)]
    for (const nth of [2, 3]) a.host.reader(far.ref(a, nth), 8)
    stage.settle()
    b.host.batching = true
    for (const to of [own, other, own, own]) b.host.send(to, 'm')
    b.host.send(own, 'n'.repeat(limits.SERIES_MESSAGE_BYTES_MAX! + 1))
    b.host.send(own, 'o')
    b.host.send(own, 'p', { refs: [other] })
    b.host.batching = false
    b.host.run()
    const alone = frames(wire!.end_of(b)).map((line) => line.slice(0, 7))
    assert.equal(alone, ['25: m', '25: m', '29: m m', '25: nnn', '25: o', '25: p'])
    stage.settle()
  }]
]
