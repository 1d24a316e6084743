/**
 * PROTOCOL.md's rules 15 to 21 at the owner of a channel, each by its number, and what it costs.
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { WHICH_DEFAULT } from '../core/host.ts'
import { story, watch } from './wire.ts'
import { trio } from './stage.ts'
import type { Trio } from './stage.ts'

const test = suite('net: rules of the owner, room and endings')

test('rule 15: a plain send to a buffer with room is placed, a select reserves the room', () => {
  const { net, a, b } = trio()
  const [x, x_a] = b.share('x', 2, a)
  const log = watch(net)
  const plain = a.do(() => a.host.send(x_a!, 'plain'))
  net.run_for(30)
  assert.is(a.host.status(plain), 'OK')
  assert.equal(story(log.splice(0)), ['a>b offer_send', 'b>a end'])
  const select = a.do(() => a.host.select([{ send: x_a!, text: 'select' }]))
  net.run_for(60)
  assert.is(a.host.status(select), 'OK')
  assert.equal(story(log), ['a>b offer_send', 'b>a claim', 'a>b grant', 'b>a end'])
  assert.is(b.do(() => b.host.seen(x!)).buffered, 2)
})

test('rule 15: a room that was reserved is given back when the select says no', () => {
  const { net, a, b, c } = trio()
  const [x, x_a, x_c] = b.share('x', 1, a, c)
  const gone = a.do(() => a.host.select([{ send: x_a!, text: 'gone' }]))
  net.run_for(15)
  const waits = c.do(() => c.host.send(x_c!, 'm'))
  a.do(() => a.host.withdraw(gone))
  net.run_for(60)
  assert.is(a.host.status(gone), 'WITHDRAWN')
  assert.is(c.host.status(waits), 'OK')
  assert.is(b.do(() => b.host.text(b.host.receive(x!))), 'm')
})

test('rule 15: nobody else gets a room that is reserved', () => {
  const { net, a, b, c } = trio()
  const [x, x_a, x_c] = b.share('x', 1, a, c)
  net.stall_way(b, a)
  const select = a.do(() => a.host.select([{ send: x_a!, text: 'first' }]))
  net.run_for(30)
  const other = c.do(() => c.host.send(x_c!, 'second'))
  net.run_for(60)
  assert.is(c.host.status(other), 'waiting')
  net.heal(a, b)
  net.run_for(60)
  assert.is(a.host.status(select), 'OK')
  assert.is(b.do(() => b.host.text(b.host.receive(x!))), 'first')
})

test('rule 16: the withdrawal of a plain send asks the owner, who says the one outcome', () => {
  const { net, a, b, c } = trio()
  const [x, x_a, x_c] = b.share('x', 0, a, c)
  const free = a.do(() => a.host.send(x_a!, 'free'))
  net.run_for(30)
  a.do(() => a.host.withdraw(free))
  assert.is(a.host.status(free), 'waiting')
  net.run_for(30)
  assert.is(a.host.status(free), 'WITHDRAWN')
  assert.is(b.do(() => b.host.seen(x!)).senders, 0)
  for (const taken of [true, false]) {
    const receive = c.do(() => c.host.receive(x_c!, { hold: true }))
    const send = a.do(() => a.host.send(x_a!, 'm', { timeout: 50 }))
    net.run_for(100)
    assert.is(a.host.status(send), 'waiting', 'out on a claim it waits')
    c.do(() => taken ? c.host.take(receive) : c.host.withdraw(receive))
    net.run_for(60)
    assert.is(a.host.status(send), taken ? 'OK' : 'TIMED_OUT')
  }
})

test('rule 17: close ends free senders at once, select senders by a firm claim', () => {
  const { net, a, b, c } = trio()
  const [x, x_a, x_c] = b.share('x', 0, a, c)
  const plain = a.do(() => a.host.send(x_a!, 'm'))
  const select = a.do(() => a.host.select([{ send: x_a!, text: 'n' }]))
  net.run_for(30)
  const log = watch(net)
  assert.is(b.host.status(b.do(() => b.host.close(x!))), 'OK')
  net.run_for(30)
  assert.equal([a.host.status(plain), a.host.status(select)], ['CLOSED', 'CLOSED'])
  assert.equal(story(log), ['b>a end', 'b>a claim', 'a>b grant'])
  const late = c.do(() => c.host.receive(x_c!))
  net.run_for(30)
  assert.is(c.host.status(late), 'CLOSED')
})

test('rule 17: receivers get closed once the buffer is empty and nothing is out', () => {
  const { net, a, b, c } = trio()
  const [x, x_a, x_c] = b.share('x', 1, a, c)
  b.do(() => b.host.send(x!, 'm'))
  const shown = a.do(() => a.host.receive(x_a!, { hold: true }))
  net.run_for(30)
  b.do(() => b.host.close(x!))
  const waits = c.do(() => c.host.select([{ receive: x_c! }]))
  net.run_for(60)
  assert.is(c.host.status(waits), 'waiting', 'closed does not overtake the message')
  a.do(() => a.host.withdraw(shown))
  net.run_for(60)
  assert.is(c.host.text(waits), 'm')
  const end = c.do(() => c.host.receive(x_c!))
  net.run_for(60)
  assert.is(c.host.status(end), 'CLOSED')
})

test('rule 17: nor while a room is reserved', () => {
  const { net, a, b, c } = trio()
  const [x, x_a, x_c] = b.share('x', 1, a, c)
  net.stall_way(b, a)
  const send = a.do(() => a.host.select([{ send: x_a!, text: 'm' }]))
  net.run_for(30)
  b.do(() => b.host.close(x!))
  const waits = c.do(() => c.host.receive(x_c!))
  net.run_for(60)
  assert.is(c.host.status(waits), 'waiting')
  net.heal(a, b)
  net.run_for(100)
  assert.is(a.host.status(send), 'CLOSED', 'on the grant all are released, then closed')
  assert.is(c.host.status(waits), 'CLOSED')
})

test('rule 17: a hold claim out: on the grant all are released, then closed', () => {
  for (const order of [['a', 'b', 'c'], ['c', 'b', 'a']] as const) {
    for (const plain of [true, false]) {
      const { net, a, b, c } = trio(order)
      const [x, x_a, x_c] = b.share('x', 0, a, c)
      const receive = c.do(() => plain ? c.host.receive(x_c!)
        : c.host.select([{ receive: x_c! }]))
      net.run_for(30)
      const send = a.do(() => a.host.select([{ send: x_a!, text: 'm' }]))
      net.run_for(15)
      b.do(() => b.host.close(x!))
      net.run_for(100)
      assert.equal([a.host.status(send), c.host.status(receive)], ['CLOSED', 'CLOSED'])
    }
  }
})

test('rule 17: a sender whose message is out waits: granted done, denied closed', () => {
  for (const taken of [true, false]) {
    const { net, a, b, c } = trio()
    const [x, x_a, x_c] = b.share('x', 0, a, c)
    const shown = c.do(() => c.host.receive(x_c!, { hold: true }))
    net.run_for(15)
    const send = a.do(() => a.host.send(x_a!, 'm'))
    net.run_for(60)
    b.do(() => b.host.close(x!))
    net.run_for(60)
    assert.is(a.host.status(send), 'waiting')
    c.do(() => taken ? c.host.take(shown) : c.host.withdraw(shown))
    net.run_for(60)
    assert.is(a.host.status(send), taken ? 'OK' : 'CLOSED')
  }
})

test('rule 18: scrub drops the buffer, tells receivers at once, keeps what is out if taken', () => {
  for (const taken of [true, false]) {
    const { net, a, b, c } = trio()
    const [x, x_a, x_c] = b.share('x', 2, a, c)
    b.do(() => b.host.send(x!, 'out'))
    b.do(() => b.host.send(x!, 'dropped'))
    const shown = a.do(() => a.host.receive(x_a!, { hold: true }))
    net.run_for(30)
    assert.is(a.host.offers.get(shown)?.text, 'out')
    const before = b.host.held_payloads().length
    b.do(() => b.host.scrub(x!))
    assert.is(b.host.held_payloads().length, before - 1)
    const waits = c.do(() => c.host.receive(x_c!))
    net.run_for(60)
    assert.is(c.host.status(waits), 'SCRUBBED')
    a.do(() => taken ? a.host.take(shown) : a.host.withdraw(shown))
    net.run_for(200)
    assert.is(a.host.status(shown), taken ? 'OK' : 'WITHDRAWN')
    b.host.check_settled(net.nodes.flatMap((node) => node.own_texts()))
  }
})

test('rule 19: what is engaged holds up nobody else', () => {
  const { net, a, b, c } = trio()
  const [x, x_a, x_c] = b.share('x', 2, a, c)
  net.stall_way(b, a)
  a.do(() => a.host.receive(x_a!))
  net.run_for(30)
  b.do(() => b.host.send(x!, '1'))
  b.do(() => b.host.send(x!, '2'))
  const receive = c.do(() => c.host.receive(x_c!))
  net.run_for(30)
  assert.is(c.host.text(receive), '2', 'the first message is out to a frozen path')
  assert.is(b.do(() => b.host.seen(x!)).out, 1)
  net.heal(a, b)
})

test('rule 20: for one sequential reader the order holds over all its timeouts', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const { net, a, b, c } = trio(['a', 'b', 'c'], { seed, delay_min_ms: 1, delay_max_ms: 12 })
    const [, x_a, x_c] = b.share('x', seed % 3, a, c)
    const COUNT = 12
    for (let nth = 0; nth < COUNT; nth++) a.do(() => a.host.send(x_a!, `${nth}`))
    const texts: string[] = []
    for (let tries = 0; texts.length < COUNT && tries < 500; tries++) {
      const timeout = net.random.between(1, 40)
      const receive = c.do(() => c.host.receive(x_c!, { timeout }))
      net.until(() => c.host.status(receive) !== 'waiting', 100, 'the receive ends')
      if (c.host.status(receive) === 'OK') texts.push(c.host.text(receive))
    }
    assert.equal(texts, Array.from({ length: COUNT }, (_, nth) => `${nth}`), `seed ${seed}`)
  }
})

test('rule 21: an offer that finds nothing is answered none, and all none is default', () => {
  const { net, a, b, c } = trio()
  const [x, x_a] = b.share('x', 0, a)
  const [y, y_a] = c.share('y', 0, a)
  const cases = [{ receive: x_a! }, { send: y_a!, text: 'm' }]
  const none = a.do(() => a.host.select(cases, { try: true }))
  net.run_for(30)
  assert.equal([a.host.status(none), a.host.outcome(none).which], ['OK', WHICH_DEFAULT])
  assert.equal([b.do(() => b.host.seen(x!)).receivers, c.do(() => c.host.seen(y!)).senders], [0, 0])
  const receive = c.do(() => c.host.receive(y!))
  const some = a.do(() => a.host.select(cases, { try: true }))
  net.run_for(60)
  assert.equal([a.host.status(some), a.host.outcome(some).which], ['OK', 1])
  assert.is(c.host.text(receive), 'm')
})

test('rule 21: a released offer of a select with default is answered none', () => {
  const { net, a, b, c } = trio()
  const [x, x_a, x_c] = b.share('x', 0, a, c)
  const gone = c.do(() => c.host.receive(x_c!))
  net.run_for(30)
  const select = a.do(() => a.host.select([{ send: x_a!, text: 'm' }], { try: true }))
  net.run_for(15)
  c.do(() => c.host.withdraw(gone))
  net.run_for(100)
  assert.equal([a.host.status(select), a.host.outcome(select).which], ['OK', WHICH_DEFAULT])
  assert.is(b.do(() => b.host.seen(x!)).senders, 0)
})

test('rule 21: a remote try says would block after a round trip', () => {
  const { net, a, b } = trio()
  const [x, x_a] = b.share('x', 1, a)
  const receive = a.do(() => a.host.receive(x_a!, { try: true }))
  net.run_for(20)
  assert.is(a.host.status(receive), 'WOULD_BLOCK')
  const send = a.do(() => a.host.send(x_a!, 'm', { try: true }))
  net.run_for(20)
  assert.is(a.host.status(send), 'OK')
  const full = a.do(() => a.host.send(x_a!, 'n', { try: true }))
  net.run_for(20)
  assert.is(a.host.status(full), 'WOULD_BLOCK')
  assert.is(b.do(() => b.host.seen(x!)).senders, 0)
})

/** How many legs of 10 ms an operation of `a` takes. */
function legs(stage: Trio, op: number): number {
  const start = stage.net.now_ms
  stage.net.until(() => stage.a.host.status(op) !== 'waiting', 500, 'the operation ends')
  return (stage.net.now_ms - start) / 10
}

test('what it costs: legs until the caller knows', () => {
  const fresh = (order: readonly ('a' | 'b' | 'c')[], capacity: number):
  { stage: Trio, x: number[] } => {
    const stage = trio(order)
    return { stage, x: stage.b.share('x', capacity, stage.a, stage.c) }
  }
  const up = ['a', 'b', 'c'] as const
  const down = ['c', 'b', 'a'] as const
  {
    const { stage, x } = fresh(up, 2)
    const { a, b } = stage
    b.do(() => b.host.send(x[0]!, 'm'))
    assert.is(legs(stage, a.do(() => a.host.receive(x[1]!))), 2, 'receive, message in hand')
    b.do(() => b.host.send(x[0]!, 'm'))
    const select = a.do(() => a.host.select([{ receive: x[1]! }]))
    assert.is(legs(stage, select), 2, 'select of receives, message in hand')
    assert.is(legs(stage, a.do(() => a.host.send(x[1]!, 'n'))), 2, 'plain send with room')
    const send = a.do(() => a.host.select([{ send: x[1]!, text: 'o' }]))
    assert.is(legs(stage, send), 4, 'select send with room')
  }
  for (const order of [up, down]) {
    const { stage, x } = fresh(order, 0)
    const { net, a, c } = stage
    c.do(() => c.host.receive(x[2]!))
    net.run_for(30)
    assert.is(legs(stage, a.do(() => a.host.send(x[1]!, 'm'))), 4, 'rendezvous, receiver parked')
    c.do(() => c.host.receive(x[2]!))
    net.run_for(30)
    const select = a.do(() => a.host.select([{ send: x[1]!, text: 'm' }]))
    assert.is(legs(stage, select), 6, 'select send, a plain receive parked')
    const receive = a.do(() => a.host.receive(x[1]!))
    a.do(() => a.host.withdraw(receive))
    assert.is(a.host.status(receive), 'WITHDRAWN', 'withdrawing a receive costs nothing')
    net.run_for(30)
    const send = a.do(() => a.host.send(x[1]!, 'm'))
    net.run_for(30)
    a.do(() => a.host.withdraw(send))
    assert.is(legs(stage, send), 2, 'withdrawing a send')
    const none = a.do(() => a.host.select([{ receive: x[1]! }], { try: true }))
    assert.is(legs(stage, none), 2, 'default with nothing ready')
  }
  for (const [order, sender, receiver] of [[up, 5, 3], [down, 7, 5]] as const) {
    // From the match on, so one leg more for the offer that brings it.
    const one = fresh(order, 0)
    one.stage.c.do(() => one.stage.c.host.select([{ receive: one.x[2]! }]))
    one.stage.net.run_for(30)
    const send = one.stage.a.do(() => one.stage.a.host.select([{ send: one.x[1]!, text: 'm' }]))
    assert.is(legs(one.stage, send), 1 + sender, 'two selects, the sender')
    const other = fresh(order === up ? down : up, 0)
    other.stage.c.do(() => other.stage.c.host.select([{ send: other.x[2]!, text: 'm' }]))
    other.stage.net.run_for(30)
    const receive = other.stage.a.do(() => other.stage.a.host.select([{ receive: other.x[1]! }]))
    assert.is(legs(other.stage, receive), 1 + receiver, 'two selects, the receiver')
  }
})

test.run()
