/**
 * Stories of links and sessions: the handshake, which link stays, numbers, ends, goodbyes.
 *
 * Lives here: what SES and ABI say of links, told with two cores or three. Does not live here:
 * frames that no core writes (invalid.ts), operations at a distance as such (peers.ts).
 */
import * as assert from 'uvu/assert'
import { codes, constants, limits } from '../core/door.ts'
import { told, two } from './peers.ts'
import { Stage } from './stage.ts'
import type { Actor, Wire } from './stage.ts'
import type { Vector } from './vector.ts'

const event = constants('peer_event')
const dial_reason = constants('dial_reason')

interface Pair { stage: Stage, a: Actor, b: Actor }
type Two = ReturnType<typeof two>
type Line<Cast> = [id: string, shows: string[], story: (set: Cast) => void]

/** Two cores that know nothing of each other. */
function strangers(): Pair {
  const stage = new Stage()
  return { stage, a: stage.actor('a'), b: stage.actor('b') }
}

/** Two cores that have met on one link, dialled by the first. */
function met(): Pair & { wire: Wire } {
  const { stage, a, b } = strangers()
  const wire = stage.meet(a, b)
  stage.wait(30)
  return { stage, a, b, wire }
}

/** The incarnations of peers that have joined and not left, as this core told its host. */
function here(actor: Actor): number[] {
  const list: { peer: number, incarnation: number }[] = []
  for (const { name, fields } of actor.orders) {
    if (name !== 'peer') continue
    const { peer, incarnation } = fields as Record<string, number>
    if (fields.event === event.joined) list.push({ peer: peer!, incarnation: incarnation! })
    if (fields.event !== event.left) continue
    const at = list.findIndex((one) => one.peer === peer && one.incarnation === incarnation)
    assert.ok(at >= 0, 'left without joined')
    list.splice(at, 1)
  }
  return list.map(({ incarnation }) => incarnation)
}

/** The names of the frames that came out so far in this story, in their order. */
function said(stage: Stage): string[] {
  return stage.recorder.steps.flatMap(({ out }) => out)
    .filter(({ record }) => record === 'frame')
    .map(({ reads }) => (reads as { frame: string }).frame)
}

function up(wire: Wire): boolean[] { return wire.ends.map((end) => end.up) }

const greetings: Line<Pair>[] = [
  ['handshake', ['SES-1', 'SES-2', 'SES-8', 'SES-17', 'ABI-22', 'WIRE-2', 'MEM-6'],
    ({ stage, a, b }) => {
      const wire = stage.meet(a, b)
      stage.wait(30)
      assert.equal([here(a), here(b), up(wire)], [[1], [1], [true, true]])
    }],
  ['handshake-the-higher-dials', ['SES-1', 'SES-2'], ({ stage, a, b }) => {
    stage.meet(b, a)
    stage.wait(30)
    assert.equal([here(a), here(b)], [[1], [1]])
  }],
  ['no-valid-chain', ['SES-6', 'ABI-24'], ({ stage, a, b }) => {
    b.verdict = { status: codes.BAD_CERTIFICATE!, rights: 0, expires_ms: 0, prefix: '' }
    const wire = stage.meet(a, b)
    assert.equal([here(a), here(b), up(wire)], [[], [], [false, false]])
  }],
  ['no-valid-chain-of-the-acceptor', ['SES-6'], ({ stage, a, b }) => {
    a.verdict = { status: codes.BAD_CERTIFICATE!, rights: 0, expires_ms: 0, prefix: '' }
    const wire = stage.meet(a, b)
    assert.equal([here(a), here(b), up(wire)], [[], [], [false, false]])
  }],
  ['says-nothing', ['SES-7'], ({ stage, a, b }) => {
    const wire = stage.link(a, b)
    stage.lose(wire, a)
    stage.wait(limits.HELLO_TIMEOUT_MS!, false)
    assert.equal(up(wire), [false, false])
  }],
  ['dials-cross', ['SES-13', 'SES-16'], ({ stage, a, b }) => {
    const wires = [stage.link(a, b), stage.link(b, a)]
    stage.settle()
    stage.wait(30)
    assert.equal([here(a), here(b)], [[1], [1]])
    assert.equal(wires.map(up), [[true, true], [false, false]])
  }],
  ['own-dial-comes-late', ['SES-16'], ({ stage, a, b }) => {
    const first = stage.meet(a, b)
    const second = stage.link(b, a)
    stage.settle()
    assert.equal([up(first), up(second)], [[true, true], [false, false]])
  }],
  ['two-cores-of-one-name', ['NAME-4', 'NAME-12'], ({ stage, a, b }) => {
    const other = stage.actor('b', 1, 'peer-c')
    stage.meet(a, b)
    stage.meet(a, other)
    assert.is(a.host.status(a.host.open('/b/x')), 'AMBIGUOUS_NAME')
    const list = a.host.list('/')
    const paths = (a.host.entries.get(list) ?? []).map(({ path }) => path)
    assert.equal(paths.sort(), ['/a', '/peer-b', '/peer-c'])
    const open = a.host.open('/peer-c/x')
    stage.settle()
    assert.is(a.host.status(open), 'NO_SUCH_ANCHOR')
  }],
  ['found', ['ABI-38'], ({ a, b }) => {
    a.host.put('found', { id_bytes: b.id.length }, new TextEncoder().encode(b.id))
    const [dial] = a.dials
    assert.is(dial!.id, b.id)
    a.host.put('found', { id_bytes: b.id.length }, new TextEncoder().encode(b.id))
    assert.is(a.dials.length, 1)
    a.host.put('dial_failed', { peer: dial!.peer, reason: dial_reason.unreachable! })
  }],
  ['ack-lost', ['SES-2', 'SES-14', 'SES-19'], ({ stage, a, b }) => {
    const first = stage.link(a, b)
    stage.carry(first, a)
    stage.carry(first, b)
    stage.cut(first)
    const epochs: unknown[] = []
    for (let link = 0; link < 2; link++) {
      const wire = stage.link(a, b)
      epochs.push(wire.end_of(a).out[0]!.row[5])
      stage.carry(wire, a)
      epochs.push(wire.end_of(b).out[0]!.row[5])
      stage.settle()
      if (link === 0) stage.cut(wire)
    }
    // One side has counted a link that the other never saw attached.
    assert.equal(epochs, [1, 0, 2, 2])
    assert.equal([here(a), here(b)], [[1], [1]])
  }],
  ['links-that-are-none', ['SES-11', 'ABI-36', 'ABI-24'], ({ stage, a, b }) => {
    const link_up = (link: number, id: string): void => {
      const tail = new TextEncoder().encode(id)
      a.host.put('link_up', { link, id_bytes: tail.length }, tail)
    }
    link_up(0, b.id)
    stage.link(b, a)
    link_up(1, 'peer-x')
    a.host.put('link_down', { link: 77 })
    a.host.put('frame', { link: 77, payload: a.host.give('lost'), payload_bytes: 4,
      header_bytes: 3 }, Uint8Array.of(0x82, 5, 0))
    stage.settle()
    assert.equal(here(a), [1])
  }],
  ['self-as-a-peer', ['SES-11'], ({ stage, a }) => {
    const twin = stage.actor('twin', 1, a.id)
    assert.equal(up(stage.link(twin, a)), [false, false])
  }]
]

const between: Line<Two>[] = [
  ['same-dialler-newer-stays', ['SES-12', 'SES-18', 'SES-36'], ({ stage, far, a, b }) => {
    const [wire] = stage.wires
    stage.cut(wire!, a)
    const send = a.host.send(far.ref(a, 1), 'm')
    const next = stage.meet(a, b)
    assert.equal([up(wire!), up(next)], [[false, false], [true, true]])
    assert.is(a.host.status(send), 'OK')
  }],
  ['attached-dial-is-over-for-the-other', ['SES-14', 'SES-36'], ({ stage, far, a, b }) => {
    const [wire] = stage.wires
    stage.cut(wire!, b)
    const next = stage.meet(b, a)
    assert.equal([up(wire!), up(next)], [[false, false], [true, true]])
    const send = a.host.send(far.ref(a, 1), 'm')
    stage.settle()
    assert.is(a.host.status(send), 'OK')
  }],
  ['resent', ['SES-18', 'SES-19', 'SES-23', 'SES-36', 'SES-24'], ({ stage, far, a, b }) => {
    const [wire] = stage.wires
    const ref = far.ref(a, 0)
    const sends = [a.host.send(ref, '1'), a.host.send(ref, '2')]
    stage.cut(wire!)
    sends.push(a.host.send(ref, '3'))
    stage.meet(a, b)
    const own = far.ref(b, 0)
    const texts = [b.host.receive(own), b.host.receive(own), b.host.receive(own)]
      .map((op) => b.host.text(op))
    assert.equal(texts, ['1', '2', '3'])
    stage.settle()
    assert.equal(sends.map((op) => a.host.status(op)), ['OK', 'OK', 'OK'])
  }],
  ['taken-before', ['SES-19', 'SES-20', 'SES-24'], ({ stage, far, a, b }) => {
    const [wire] = stage.wires
    const send = a.host.send(far.ref(a, 0), 'm')
    stage.carry(wire!, a)
    const receive = b.host.receive(far.ref(b, 0))
    // The answer dies with the link; the hello that was written before it is old by then.
    stage.cut(wire!)
    stage.meet(a, b)
    stage.wait(30)
    assert.equal([a.host.status(send), b.host.text(receive)], ['OK', 'm'])
    assert.is(b.host.status(b.host.receive(far.ref(b, 0), { try: true })), 'WOULD_BLOCK')
  }],
  ['acknowledged-alone', ['SES-22', 'SES-24'], ({ stage, far, a, b }) => {
    const send = a.host.send(far.ref(a, 0), 'm')
    stage.carry(stage.wires[0]!, a)
    stage.wait(limits.ACK_DELAY_MS! - 1)
    assert.is(stage.wires[0]!.end_of(b).out.length, 0)
    stage.wait(1)
    assert.is(said(stage).at(-1), 'ack')
    assert.is(a.host.status(send), 'waiting')
  }],
  ['acknowledged-by-count', ['SES-22'], ({ stage, far, a }) => {
    a.host.batching = true
    for (let nth = 0; nth < limits.ACK_FRAMES!; nth++) a.host.receive(far.ref(a, 0))
    a.host.batching = false
    a.host.run()
    stage.settle()
    assert.equal(said(stage).slice(limits.ACK_FRAMES!), ['ack'])
  }],
  ['probed', ['WIRE-14'], ({ stage }) => {
    stage.wait(2 * limits.PROBE_INTERVAL_MS!)
    const words = said(stage)
    assert.ok(words.includes('ping'))
    assert.is(words.filter((name) => name === 'pong').length,
      words.filter((name) => name === 'ping').length)
  }],
  ['window-of-a-link', ['ABI-23'], ({ stage, far, a, b }) => {
    const [wire] = stage.wires
    const bytes = limits.LINK_WINDOW_BYTES! - 1000
    const sends = [a.host.send(far.ref(a, 1), '1', { bytes }),
      a.host.send(far.ref(a, 0), '2', { bytes })]
    const near = wire!.end_of(a)
    assert.is(near.out.length, 1)
    stage.settle()
    const receive = b.host.receive(far.ref(b, 0))
    assert.is(b.host.status(receive), 'waiting')
    a.host.put('link_ready', { link: near.number, taken_bytes: bytes })
    stage.settle()
    assert.equal([...sends.map((op) => a.host.status(op)), b.host.status(receive)],
      ['OK', 'OK', 'OK'])
  }],
  ['larger-than-the-window', ['ABI-23'], ({ stage, far, a, b }) => {
    const send = a.host.send(far.ref(a, 0), 'm', { bytes: 2 * limits.LINK_WINDOW_BYTES! })
    stage.settle()
    b.host.receive(far.ref(b, 0))
    stage.settle()
    assert.is(a.host.status(send), 'waiting', 'what came before it has not left')
    const { number } = stage.wires[0]!.end_of(a)
    a.host.put('link_ready', { link: number, taken_bytes: limits.LINK_WINDOW_BYTES! })
    stage.settle()
    assert.is(a.host.status(send), 'OK')
  }],
  ['leaves', ['SES-34', 'SES-35', 'ABI-26', 'ABI-41'], ({ stage, far, a, b }) => {
    const waits = a.host.receive(far.ref(a, 0))
    const [leave, again] = [a.host.leave(), a.host.leave()]
    assert.is(a.host.status(leave), 'waiting')
    stage.settle()
    assert.equal([waits, leave, again].map((op) => a.host.status(op)), ['LEFT', 'OK', 'WITHDRAWN'])
    assert.equal([here(b), up(stage.wires[0]!)], [[], [false, false]])
    assert.is(b.host.seen(far.ref(b, 0)).receivers, 0)
  }],
  ['leaves-unanswered', ['SES-35'], ({ stage, a }) => {
    const leave = a.host.leave()
    stage.lose(stage.wires[0]!, a)
    stage.wait(limits.LEAVE_TIMEOUT_MS!, false)
    assert.is(a.host.status(leave), 'OK')
  }],
  ['links-after-the-goodbye', ['SES-11'], ({ stage, a, b }) => {
    a.host.leave()
    stage.settle()
    assert.equal(up(stage.link(b, a)), [false, false])
  }],
  ['comes-back-as-a-new-run', ['SES-28', 'SES-33', 'CH-35'], ({ stage, far, a, b }) => {
    const waits = a.host.receive(far.ref(a, 0))
    stage.settle()
    const anew = stage.actor('b', 2)
    stage.meet(anew, a)
    stage.settle()
    assert.is(a.host.status(waits), 'LEFT')
    assert.equal(here(a), [2])
    assert.equal(up(stage.wires[0]!), [false, false])
    assert.is(b.host.running.size, 0)
  }],
  ['declared-left', ['SES-29', 'SES-30', 'SES-33', 'CH-34', 'ABI-40'], ({ stage, far, a, b }) => {
    const waits = a.host.receive(far.ref(a, 0))
    stage.settle()
    // One side sleeps, and the other hears nothing of it.
    stage.cut(stage.wires[0]!, b)
    for (let rounds = 0; here(b).length > 0 && rounds < 100; rounds++) stage.wait(500, false, [b])
    assert.is(b.host.seen(far.ref(b, 0)).receivers, 0)
    stage.cut(stage.wires[0]!, a)
    stage.meet(a, b)
    stage.settle()
    assert.is(a.host.status(waits), 'LEFT')
    assert.equal([a.incarnation, here(b), here(a).length], [2, [2], 1])
  }]
]

/** A guest whose chain gives little, and a core that owns a channel and a process's path. */
function guests(rights: number, prefix: string, expires_ms = 0): () => Pair {
  return () => {
    const { stage, a, b } = strangers()
    b.verdict = { status: 0, rights, expires_ms, prefix }
    stage.meet(a, b)
    stage.wait(30)
    b.host.channel(1, 'open/x')
    b.host.channel(1, 'opener')
    return { stage, a, b }
  }
}

/** What the owner answers to a guest's requests. */
function answers(stage: Stage, ops: number[], guest: Actor, statuses: string[]): void {
  stage.settle()
  assert.equal(ops.map((op) => guest.host.status(op)), statuses)
}

const right = constants('right')
const rights: [cast: () => Pair, line: Line<Pair>][] = [
  [guests(right.channel!, 'open'), ['a-prefix', ['NAME-15', 'NAME-17', 'NAME-18', 'WIRE-24'],
    ({ stage, a, b }) => {
      const ops = [a.host.open('/b/open/x'), a.host.make(0, '/b/open/y'), a.host.open('/b/opener'),
        a.host.open('/b/none'), a.host.make(0, '/b/mine'), a.host.scrub(0, '/b/opener')]
      answers(stage, ops, a, ['OK', 'OK', 'NOT_PERMITTED', 'NOT_PERMITTED', 'NOT_PERMITTED',
        'NOT_PERMITTED'])
      const x = b.host.outcome(b.host.open('open/x')).value
      const opener = b.host.outcome(b.host.open('opener')).value
      b.host.send(x, 'm', { refs: [b.host.channel(1), opener] })
      const receive = a.host.receive(a.host.outcome(ops[0]!).value)
      stage.settle()
      const [unnamed, named] = a.host.outcome(receive).refs
      const sends = [a.host.send(unnamed!, 'm'), a.host.send(named!, 'm')]
      answers(stage, sends, a, ['OK', 'NOT_PERMITTED'])
    }]],
  [guests(right.process!, ''), ['a-right', ['NAME-15', 'NAME-16', 'PR-10', 'WIRE-24'],
    ({ stage, a, b }) => {
      const ops = [a.host.open('/b/opener'), a.host.stat(0, '/b/opener'), a.host.list('/b'),
        a.host.make(0, '/b/mine'), a.host.scrub(0, '/b/opener')]
      answers(stage, ops, a, ['OK', 'OK', 'OK', 'NOT_PERMITTED', 'NOT_PERMITTED'])
      const ref = a.host.outcome(ops[0]!).value
      const uses = [a.host.send(ref, 'm'), a.host.receive(ref), a.host.close(ref)]
      answers(stage, uses, a, ['NOT_PERMITTED', 'NOT_PERMITTED', 'NOT_PERMITTED'])
      assert.equal(b.host.seen(b.host.outcome(b.host.open('opener')).value).closed, 0)
    }]],
  [guests(right.channel!, ''), ['no-right-to-processes', ['NAME-16', 'PR-10'],
    ({ stage, a, b }) => {
      const start = [a.host.start('/b/p', 'command'), a.host.signal('/b/p', 15)]
      answers(stage, start, a, ['NOT_PERMITTED', 'NOT_PERMITTED'])
      assert.equal(b.orders.filter(({ name }) => name === 'start' || name === 'signal'), [])
    }]],
  [guests(right.channel!, '', 500), ['rights-expire', ['SES-10', 'SES-25', 'CH-34'],
    ({ stage, a, b }) => {
      const open = a.host.open('/b/opener')
      stage.settle()
      a.host.receive(a.host.outcome(open).value)
      stage.settle()
      stage.wait(470)
      assert.equal([here(b), up(stage.wires[0]!)], [[], [false, false]])
      assert.is(b.host.seen(b.host.outcome(b.host.open('opener')).value).receivers, 0)
    }]]
]

/** All stories of this file, and what some of them begin with. */
export function session_vectors(): { openings: Vector[], stories: Vector[] } {
  const fresh = (): Pair => strangers()
  const openings = [{ ...met().stage.vector('met', []) }]
  const first = strangers().stage.vector('strangers', [])
  const stories = [
    ...greetings.map((line) => told(line, fresh, 'strangers')),
    ...between.map((line) => told(line, two, 'two'))
  ]
  rights.forEach(([cast, line], nth) => {
    const id = `guest-${nth + 1}`
    openings.push(cast().stage.vector(id, []))
    stories.push(told(line, cast, id))
  })
  return { openings: [first, ...openings], stories }
}
