/**
 * Stories of cores whose frames cross, and of peers that go while something is pending.
 *
 * Lives here: what PROTOCOL's rules say of withdrawals, holds and messages under way, references
 * between peers. Does not live here: what happens when nothing crosses (peers.ts), readers' windows
 * (windows.ts), links and numbers (sessions.ts).
 *
 * Each story says what it expects; the rules themselves are searched in spec/models.
 */
import * as assert from 'uvu/assert'
import { constants, limits } from '../core/door.ts'
import { three, told, two } from './peers.ts'
import type { Set } from './peers.ts'
import type { Vector } from './vector.ts'
import { ends, frames, together, windows } from './windows.ts'
import type { Line, Two } from './windows.ts'

const crossing: Line<Two>[] = [
  ['withdrawn-while-its-message-comes', ['PROTOCOL-4', 'PROTOCOL-5', 'PROTOCOL-7', 'CH-27'],
    ({ stage, far, a, b }) => {
      const [wire] = stage.wires
      const waits = a.host.receive(far.ref(a, 0))
      stage.carry(wire!, a)
      const send = b.host.send(far.ref(b, 0), 'm')
      a.host.withdraw(waits)
      ends(a, [waits], ['WITHDRAWN'])
      stage.settle()
      ends(b, [send], ['waiting'])
      const next = a.host.receive(far.ref(a, 0))
      stage.settle()
      assert.is(a.host.text(next), 'm')
      assert.is(a.host.outcome(next).again, false)
      ends(b, [send], ['OK'])
    }],
  ['asked-after-it-was-taken', ['PROTOCOL-16', 'WIRE-8'], ({ stage, far, a, b }) => {
    const [wire] = stage.wires
    const send = a.host.send(far.ref(a, 0), 'm')
    stage.carry(wire!, a)
    assert.is(b.host.text(b.host.receive(far.ref(b, 0))), 'm')
    a.host.withdraw(send)
    stage.carry(wire!, a)
    ends(a, [send], ['waiting'])
    stage.settle()
    ends(a, [send], ['OK'])
  }],
  ['sends-that-are-told-together', ['WIRE-37'], ({ stage, far, a, b }) => {
    const [wire] = stage.wires
    const receives = [1, 2, 3].map(() => b.host.receive(far.ref(b, 0)))
    const sends = ['x', 'y', 'z'].map((text) => a.host.send(far.ref(a, 0), text))
    stage.carry(wire!, a)
    const { row } = wire!.end_of(b).out.at(-1)!
    assert.is(row[0], 28)
    assert.is(row[4], 3)
    stage.settle()
    ends(a, sends, ['OK', 'OK', 'OK'])
    assert.equal(receives.map((op) => b.host.text(op)), ['x', 'y', 'z'])
  }],
  ['sends-that-go-together', ['WIRE-39', 'ABI-51'], ({ stage, far, a, b }) => {
    const [wire] = stage.wires
    const sends = together(a, far.ref(a, 1), ['x', 'y', 'z'])
    assert.equal(frames(wire!.end_of(a)), ['22: x y z'])
    stage.carry(wire!, a)
    assert.equal(frames(wire!.end_of(b)), ['26: '], 'the first has its place')
    stage.settle()
    ends(a, sends, ['OK', 'waiting', 'waiting'])
    a.host.withdraw(sends[1]!)
    stage.settle()
    ends(a, sends, ['OK', 'WITHDRAWN', 'waiting'])
    b.host.close(far.ref(b, 1))
    stage.settle()
    ends(a, sends, ['OK', 'WITHDRAWN', 'CLOSED'])
    assert.is(b.host.text(b.host.receive(far.ref(b, 1))), 'x')
  }],
  ['sends-that-go-together-meet-receives', ['WIRE-39'], ({ stage, far, a, b }) => {
    const receives = [0, 1].map(() => b.host.receive(far.ref(b, 0)))
    const select = b.host.select([{ receive: far.ref(b, 0) }, { receive: far.ref(b, 1) }])
    const sends = together(a, far.ref(a, 0), ['x', 'y', 'z'])
    stage.settle()
    ends(a, sends, ['OK', 'OK', 'OK'])
    assert.equal([...receives, select].map((op) => b.host.text(op)), ['x', 'y', 'z'])
  }],
  ['sends-that-go-together-go-again', ['WIRE-39', 'SES-18', 'SES-20'], ({ stage, far, a, b }) => {
    const [wire] = stage.wires
    const sends = together(a, far.ref(a, 1), ['x', 'y'])
    stage.carry(wire!, a)
    stage.cut(wire!)
    // What was given to a link stays as it is; what comes now has a frame of its own.
    const more = together(a, far.ref(a, 1), ['z'])
    const again = stage.link(a, b)
    stage.settle()
    assert.is(again.end_of(a).up, true)
    const receives = [0, 1, 2].map(() => b.host.receive(far.ref(b, 1)))
    stage.settle()
    ends(a, [...sends, ...more], ['OK', 'OK', 'OK'])
    assert.equal(receives.map((op) => b.host.text(op)), ['x', 'y', 'z'])
  }],
  ['sends-that-go-alone', ['WIRE-39'], ({ stage, far, a, b }) => {
    const [wire] = stage.wires
    a.host.batching = true
    const [x, y] = [far.ref(a, 0), far.ref(a, 1)]
    const ref = a.host.send(x, 'a')
    for (const to of [y, x]) a.host.send(to, 'b')
    a.host.send(x, 'c', { try: true })
    a.host.receive(x)
    a.host.send(x, 'd')
    a.host.send(x, 'e'.repeat(limits.SERIES_MESSAGE_BYTES_MAX! + 1))
    a.host.send(x, 'f', { refs: [y] })
    a.host.withdraw(ref)
    a.host.batching = false
    a.host.run()
    const alone = frames(wire!.end_of(a)).map((line) => line.slice(0, 5))
    assert.equal(alone, ['17: a', '17: b', '17: b', '17: c', '16: ', '17: d', '17: e', '17: f',
      '20: '])
    b.host.scrub(far.ref(b, 0))
    stage.settle()
  }],
  ['times-out-though-nothing-comes', ['PROTOCOL-5', 'CH-26', 'ABI-15'], ({ stage, far, a }) => {
    const receive = a.host.receive(far.ref(a, 0), { timeout: 50 })
    const send = a.host.send(far.ref(a, 0), 'm', { timeout: 50 })
    stage.wait(50, false)
    ends(a, [receive, send], ['TIMED_OUT', 'waiting'])
    stage.settle()
    ends(a, [send], ['TIMED_OUT'])
  }],
  ['two-firm-claims', ['PROTOCOL-2', 'PROTOCOL-3', 'PROTOCOL-9', 'SEL-2'],
    ({ stage, far, a, b }) => {
      const [wire] = stage.wires
      const select = a.host.select([{ receive: far.ref(a, 0) }, { receive: far.ref(a, 1) }])
      stage.carry(wire!, a)
      const sends = [b.host.send(far.ref(b, 0), 'x'), b.host.send(far.ref(b, 1), 'y')]
      stage.settle()
      assert.equal([a.host.text(select), a.host.outcome(select).which], ['x', 0])
      ends(b, sends, ['OK', 'OK'])
      assert.is(b.host.text(b.host.receive(far.ref(b, 1))), 'y')
    }],
  ['hold-claim-meets-a-withdrawal', ['PROTOCOL-3', 'PROTOCOL-7', 'WIRE-8'],
    ({ stage, far, a, b }) => {
      const [wire] = stage.wires
      const select = a.host.select([{ send: far.ref(a, 0), text: 'm' }])
      stage.carry(wire!, a)
      const receive = b.host.receive(far.ref(b, 0))
      a.host.withdraw(select)
      stage.settle()
      ends(a, [select], ['WITHDRAWN'])
      ends(b, [receive], ['waiting'])
    }],
  ['partner-gone-while-a-hold-is-out', ['PROTOCOL-13', 'WIRE-10'], ({ stage, far, a, b }) => {
    const [wire] = stage.wires
    const select = a.host.select([{ send: far.ref(a, 0), text: 'm' }])
    stage.carry(wire!, a)
    b.host.withdraw(b.host.receive(far.ref(b, 0)))
    stage.settle()
    ends(a, [select], ['waiting'])
    const receive = b.host.receive(far.ref(b, 0))
    stage.settle()
    ends(a, [select], ['OK'])
    assert.is(b.host.text(receive), 'm')
  }],
  ['closed-while-a-hold-is-out', ['PROTOCOL-17', 'CH-21', 'SEL-16'], ({ stage, far, a, b }) => {
    const [wire] = stage.wires
    const select = a.host.select([{ send: far.ref(a, 0), text: 'm' }])
    stage.carry(wire!, a)
    const receive = b.host.receive(far.ref(b, 0))
    b.host.close(far.ref(b, 0))
    ends(b, [receive], ['waiting'])
    stage.settle()
    ends(a, [select], ['CLOSED'])
    ends(b, [receive], ['CLOSED'])
  }],
  ['reserved-room-given-back', ['PROTOCOL-15', 'CH-21'], ({ stage, far, a, b }) => {
    const [wire] = stage.wires
    const select = a.host.select([{ send: far.ref(a, 1), text: 'm' }])
    stage.carry(wire!, a)
    const [send, receive] = [b.host.send(far.ref(b, 1), 'n'), b.host.receive(far.ref(b, 1))]
    a.host.withdraw(select)
    ends(b, [send, receive], ['waiting', 'waiting'])
    stage.settle()
    ends(a, [select], ['WITHDRAWN'])
    ends(b, [send, receive], ['OK', 'OK'])
  }],
  ['closed-while-a-room-is-reserved', ['PROTOCOL-17', 'CH-21', 'SEL-16'],
    ({ stage, far, a, b }) => {
      const [wire] = stage.wires
      const select = a.host.select([{ send: far.ref(a, 1), text: 'm' }])
      stage.carry(wire!, a)
      const receive = b.host.receive(far.ref(b, 1))
      b.host.close(far.ref(b, 1))
      ends(b, [receive], ['waiting'])
      stage.settle()
      ends(a, [select], ['CLOSED'])
      ends(b, [receive], ['CLOSED'])
    }],
  ['default-while-a-hold-is-out', ['PROTOCOL-21', 'SEL-13'], ({ stage, far, a, b }) => {
    const [wire] = stage.wires
    const receive = b.host.receive(far.ref(b, 0))
    const select = a.host.select([{ send: far.ref(a, 0), text: 'm' }], { try: true })
    stage.carry(wire!, a)
    b.host.withdraw(receive)
    stage.settle()
    assert.equal([a.host.status(select), a.host.outcome(select).which], ['OK', 0xffffffff])
  }]
]

/** b hears nothing of a any more, for as long as it takes. */
function lose_a({ stage, b }: Two): void {
  stage.cut(stage.wires[0]!, b)
  const left = (): boolean => b.orders.some(({ name, fields }) => name === 'peer' &&
    fields.event === constants('peer_event').left)
  for (let rounds = 0; !left() && rounds < 120; rounds++) stage.wait(500, false, [b])
  assert.ok(left(), 'declared left')
}

const doubts: Line<Two>[] = [
  ['receiver-lost', ['PROTOCOL-22', 'CH-33'], (set) => {
    const { stage, far, a, b } = set
    const shown = a.host.receive(far.ref(a, 0), { hold: true })
    stage.settle()
    const send = b.host.send(far.ref(b, 0), 'm')
    stage.settle()
    assert.is(a.host.offers.get(shown)?.text, 'm')
    lose_a(set)
    ends(b, [send], ['waiting'])
    const next = b.host.receive(far.ref(b, 0))
    assert.equal([b.host.text(next), b.host.outcome(next).again], ['m', true])
    ends(b, [send], ['OK'])
  }],
  ['sends-in-doubt', ['PROTOCOL-22', 'CH-48', 'CH-49', 'ABI-12'], (set) => {
    const { stage, far, a, b } = set
    far.make(b, 'v', 0)
    for (const nth of [0, 2]) a.host.receive(far.ref(a, nth), { hold: true })
    stage.settle()
    const send = b.host.send(far.ref(b, 0), 'm')
    const select = b.host.select([{ receive: far.ref(b, 1) }, { send: far.ref(b, 2), text: 'n' }])
    stage.settle()
    lose_a(set)
    ends(b, [send, select], ['waiting', 'RECEIVER_LEFT'])
    assert.equal([b.host.outcome(select).which, b.host.outcome(select).unknown], [1, true])
    b.host.withdraw(send)
    ends(b, [send], ['RECEIVER_LEFT'])
    assert.is(b.host.outcome(send).unknown, true)
  }]
]

const going: Line<Set>[] = [
  ['receiver-goes', ['PROTOCOL-7', 'PROTOCOL-23', 'WIRE-26'], ({ stage, far, a, b, c }) => {
    const shown = c.host.receive(far.ref(c, 1), { hold: true })
    stage.settle()
    const send = b.host.send(far.ref(b, 1), 'm')
    stage.settle()
    assert.is(c.host.offers.get(shown)?.text, 'm')
    c.host.leave()
    stage.settle()
    ends(b, [send], ['waiting'])
    const next = a.host.receive(far.ref(a, 1))
    stage.settle()
    assert.equal([a.host.text(next), a.host.outcome(next).again], ['m', false])
    ends(b, [send], ['OK'])
  }],
  ['sender-goes', ['PROTOCOL-7', 'PROTOCOL-14', 'CH-34'], ({ stage, far, a, b, c }) => {
    const out = c.host.send(far.ref(c, 1), 'out')
    stage.settle()
    const shown = a.host.receive(far.ref(a, 1), { hold: true })
    stage.settle()
    const parked = c.host.send(far.ref(c, 1), 'parked')
    stage.settle()
    c.host.leave()
    stage.settle()
    ends(c, [out, parked], ['LEFT', 'LEFT'])
    a.host.take(shown)
    stage.settle()
    assert.is(a.host.text(shown), 'out')
    ends(b, [b.host.receive(far.ref(b, 1), { try: true })], ['WOULD_BLOCK'])
  }],
  ['owner-goes', ['PROTOCOL-6', 'CH-35', 'SEL-18', 'ABI-12', 'ABI-34', 'NAME-4'],
    ({ stage, far, a, b }) => {
      const ref = far.ref(a, 1)
      const ops = [a.host.receive(ref), a.host.select([{ receive: far.ref(a, 0) },
        { receive: ref }])]
      stage.settle()
      const send = a.host.send(ref, 'm')
      stage.carry(stage.wires[0]!, a)
      stage.lose(stage.wires[0]!, b)
      b.host.leave()
      const requests = [a.host.close(ref), a.host.open('/b/y')]
      stage.settle()
      ends(a, [...ops, send, ...requests], ['LEFT', 'LEFT', 'LEFT', 'LEFT', 'LEFT'])
      assert.equal([...ops, send, ...requests].map((op) => a.host.outcome(op).unknown),
        [false, false, true, true, false])
      assert.is(a.host.outcome(ops[1]!).which, 1)
      ends(a, [a.host.receive(ref), a.host.open('/b/y')], ['LEFT', 'LEFT'])
    }],
  ['claims-in-line', ['PROTOCOL-3', 'PROTOCOL-5', 'PROTOCOL-12', 'SEL-19', 'SEL-20'],
    ({ stage, far, a, b, c }) => {
      const shown = b.host.receive(far.ref(b, 1), { hold: true })
      const select = a.host.select([{ send: far.ref(a, 1), text: 'm' },
        { receive: far.ref(a, 2) }])
      stage.settle()
      assert.is(b.host.offers.get(shown)?.text, 'm')
      const send = c.host.send(far.ref(c, 2), 'n')
      stage.settle()
      ends(a, [select], ['waiting'])
      b.host.withdraw(shown)
      stage.settle()
      assert.equal([a.host.text(select), a.host.outcome(select).which], ['n', 1])
      ends(c, [send], ['OK'])
    }],
  ['far-references', ['CH-42', 'CH-43', 'CH-45', 'WIRE-9', 'ABI-17'], ({ stage, far, a, b, c }) => {
    const reply = a.host.channel(1)
    a.host.send(far.ref(a, 1), 'question', { refs: [reply, far.ref(a, 1), far.ref(a, 2)] })
    a.host.release(reply)
    stage.settle()
    const asked = b.host.receive(far.ref(b, 1))
    stage.settle()
    const [to, home, third] = b.host.outcome(asked).refs
    assert.is(home, far.ref(b, 1))
    b.host.send(far.ref(b, 2), 'passed on', { refs: [to!] })
    b.host.send(to!, 'answer')
    stage.settle()
    const passed = c.host.outcome(c.host.receive(far.ref(c, 2))).refs[0]!
    const answer = c.host.receive(passed)
    const known = b.host.stat(third!)
    stage.settle()
    assert.is(c.host.text(answer), 'answer')
    ends(b, [known], ['OK'])
  }]
]

/** All stories of this file; each comes after `two` or `three` of peers.ts. */
export function crossing_vectors(): Vector[] {
  return [
    ...[...crossing, ...windows, ...doubts].map((line) => told(line, two, 'two')),
    ...going.map((line) => told(line, three, 'three'))
  ]
}
