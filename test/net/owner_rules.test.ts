/**
 * PROTOCOL.md's rules 7 to 14 at the owner of a channel, each by its number, over three cores.
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { story, watch } from './wire.ts'
import { trio } from './stage.ts'

const test = suite('net: rules of the owner, matching')

test('rule 7: a withdrawal answers what is out with no, and the message goes on', () => {
  const { net, a, b, c } = trio()
  const [x, x_a, x_c] = b.share('x', 1, a, c)
  const receive = a.do(() => a.host.receive(x_a!))
  const next = c.do(() => c.host.receive(x_c!))
  net.run_for(30)
  b.do(() => b.host.send(x!, 'm'))
  net.run_for(5)
  // The claim is under way to a when a withdraws.
  a.do(() => a.host.withdraw(receive))
  assert.is(a.host.status(receive), 'WITHDRAWN')
  net.run_for(60)
  assert.is(c.host.text(next), 'm')
  assert.is(c.host.outcome(next).again, false)
})

test('rule 7: the death of a receiver answers with no, and the message comes again', () => {
  const { net, a, b, c } = trio()
  const [x, x_a, x_c] = b.share('x', 1, a, c)
  a.do(() => a.host.receive(x_a!, { hold: true }))
  net.run_for(30)
  b.do(() => b.host.send(x!, 'm'))
  net.run_for(30)
  const next = c.do(() => c.host.receive(x_c!))
  net.run_for(30)
  assert.is(c.host.status(next), 'waiting')
  a.kill()
  net.run_for(4000)
  assert.is(c.host.text(next), 'm')
  assert.is(c.host.outcome(next).again, true)
})

test('rule 7: the death of a sender withdraws its parked offers', () => {
  const { net, a, b, c } = trio()
  const [x, x_a] = b.share('x', 0, a, c)
  a.do(() => a.host.send(x_a!, 'phantom'))
  a.do(() => a.host.select([{ send: x_a!, text: 'phantom too' }]))
  net.run_for(30)
  assert.is(b.do(() => b.host.seen(x!)).senders, 2)
  a.kill()
  net.run_for(4000)
  assert.is(b.do(() => b.host.seen(x!)).senders, 0)
  assert.is(b.host.status(b.do(() => b.host.receive(x!, { try: true }))), 'WOULD_BLOCK')
})

test('rule 8: a plain send that arrived is in hand, so nobody holds it', () => {
  const { net, a, b, c } = trio()
  const [, x_a, x_c] = b.share('x', 0, a, c)
  const log = watch(net)
  const send = a.do(() => a.host.send(x_a!, 'm'))
  net.run_for(30)
  const receive = c.do(() => c.host.select([{ receive: x_c! }]))
  net.run_for(60)
  assert.equal([a.host.status(send), c.host.text(receive)], ['OK', 'm'])
  assert.equal(story(log),
    ['a>b offer_send', 'c>b offer_receive', 'b>c deliver', 'c>b grant', 'b>a end'])
})

test('rule 9: one firm claim carries the message, a buffered one goes back to its place', () => {
  const { net, a, b } = trio()
  const [x, x_a] = b.share('x', 3, a)
  for (const text of ['1', '2', '3']) b.do(() => b.host.send(x!, text))
  const log = watch(net)
  const denied = a.do(() => a.host.receive(x_a!, { hold: true }))
  net.run_for(30)
  assert.is(a.host.offers.get(denied)?.text, '1')
  a.do(() => a.host.withdraw(denied))
  net.run_for(30)
  assert.equal(story(log), ['a>b offer_receive', 'b>a deliver', 'a>b withdraw'])
  const texts = Array.from({ length: 3 }, () => {
    const receive = a.do(() => a.host.receive(x_a!))
    net.run_for(30)
    return a.host.text(receive)
  })
  assert.equal(texts, ['1', '2', '3'])
})

test('rule 9: granted, the sender is told done; a send at a rendezvous no sooner', () => {
  const { net, a, b, c } = trio()
  const [, x_a, x_c] = b.share('x', 0, a, c)
  const send = a.do(() => a.host.send(x_a!, 'm'))
  const receive = c.do(() => c.host.receive(x_c!, { hold: true }))
  net.run_for(100)
  assert.is(a.host.status(send), 'waiting')
  c.do(() => c.host.take(receive))
  net.run_for(30)
  assert.is(a.host.status(send), 'OK')
})

test('rule 10: before a plain receive the select that sends is held, whatever the ids', () => {
  for (const order of [['a', 'b', 'c'], ['c', 'b', 'a']] as const) {
    const { net, a, b, c } = trio(order)
    const [, x_a, x_c] = b.share('x', 0, a, c)
    const receive = c.do(() => c.host.receive(x_c!))
    net.run_for(30)
    const log = watch(net)
    const send = a.do(() => a.host.select([{ send: x_a!, text: 'm' }]))
    net.run_for(100)
    assert.equal([a.host.status(send), c.host.text(receive)], ['OK', 'm'])
    assert.equal(story(log), ['a>b offer_send', 'b>a claim', 'a>b grant', 'b>c deliver',
      'c>b grant', 'b>a end'])
  }
})

test('rule 10: a plain receive is never held, so its timeout is exact', () => {
  const { net, a, b, c } = trio()
  const [, x_a, x_c] = b.share('x', 0, a, c)
  const receive = c.do(() => c.host.receive(x_c!, { timeout: 100 }))
  net.run_for(30)
  net.stall_way(b, a)
  const send = a.do(() => a.host.select([{ send: x_a!, text: 'm' }]))
  net.run_for(69)
  assert.is(c.host.status(receive), 'waiting')
  net.run_for(1)
  assert.is(c.host.status(receive), 'TIMED_OUT')
  net.heal(a, b)
  net.run_for(60)
  assert.is(a.host.status(send), 'waiting')
})

test('rule 11: of two selects the smaller id is held first', () => {
  const told = (order: readonly ('a' | 'b' | 'c')[]): string[] => {
    const { net, a, b, c } = trio(order)
    const [, x_a, x_c] = b.share('x', 0, a, c)
    const receive = c.do(() => c.host.select([{ receive: x_c! }]))
    net.run_for(30)
    const log = watch(net)
    const send = a.do(() => a.host.select([{ send: x_a!, text: 'm' }]))
    net.run_for(200)
    assert.equal([a.host.status(send), c.host.text(receive)], ['OK', 'm'])
    return story(log)
  }
  assert.equal(told(['a', 'b', 'c']), ['a>b offer_send', 'b>a claim', 'a>b grant', 'b>c deliver',
    'c>b grant', 'b>a end'])
  assert.equal(told(['c', 'b', 'a']), ['a>b offer_send', 'b>c claim', 'c>b grant', 'b>a claim',
    'a>b grant', 'b>c deliver', 'c>b grant', 'b>a end'])
})

test('rule 11: the grant of the receiver commits the sender, its no releases the sender', () => {
  const { net, a, b, c } = trio(['c', 'b', 'a'])
  const [, x_a, x_c] = b.share('x', 0, a, c)
  const receive = c.do(() => c.host.select([{ receive: x_c! }]))
  net.run_for(30)
  const send = a.do(() => a.host.select([{ send: x_a!, text: 'm' }, { after: 500 }]))
  net.run_for(50)
  // Both are held; the commit with the message is under way to the receiver, who withdraws.
  assert.is(a.host.status(send), 'waiting')
  c.do(() => c.host.withdraw(receive))
  net.run_for(600)
  assert.is(c.host.status(receive), 'WITHDRAWN')
  assert.equal([a.host.status(send), a.host.outcome(send).which], ['OK', 1])
})

test('rule 12: the second says no: it is dropped, and the first is matched afresh', () => {
  const { net, a, b, c } = trio()
  const [, x_a, x_c] = b.share('x', 0, a, c)
  const gone = c.do(() => c.host.select([{ receive: x_c! }]))
  net.run_for(30)
  const send = a.do(() => a.host.select([{ send: x_a!, text: 'm' }]))
  net.run_for(35)
  // The sender is held and its message under way when the receiver withdraws.
  c.do(() => c.host.withdraw(gone))
  const next = c.do(() => c.host.receive(x_c!))
  net.run_for(200)
  assert.is(c.host.status(gone), 'WITHDRAWN')
  assert.is(c.host.text(next), 'm')
  assert.is(a.host.status(send), 'OK')
})

test('rule 12: the receiver is held first and released when the sender says no', () => {
  const { net, a, b, c } = trio(['c', 'b', 'a'])
  const [, x_a, x_c] = b.share('x', 0, a, c)
  const receive = c.do(() => c.host.select([{ receive: x_c! }]))
  net.run_for(30)
  const gone = a.do(() => a.host.select([{ send: x_a!, text: 'gone' }]))
  net.run_for(35)
  a.do(() => a.host.withdraw(gone))
  net.run_for(30)
  const next = a.do(() => a.host.send(x_a!, 'next'))
  net.run_for(200)
  assert.is(a.host.status(gone), 'WITHDRAWN')
  assert.is(c.host.text(receive), 'next')
  assert.is(a.host.status(next), 'OK')
})

test('rule 13: the partner is gone while a hold claim is out', () => {
  const { net, a, b, c } = trio()
  const [x, x_a, x_c] = b.share('x', 0, a, c)
  const [y, y_a] = c.share('y', 1, a)
  const gone = c.do(() => c.host.receive(x_c!))
  net.run_for(30)
  const send = a.do(() => a.host.select([{ send: x_a!, text: 'm' }, { receive: y_a! }]))
  net.run_for(15)
  // The hold claim is under way to a; the receiver for which it asked goes.
  const log = watch(net)
  c.do(() => c.host.withdraw(gone))
  net.run_for(60)
  assert.ok(story(log).includes('b>a unhold'), story(log).join(', '))
  assert.is(a.host.status(send), 'waiting')
  // It is free again: it may be matched there and elsewhere.
  c.do(() => c.host.send(y!, 'other'))
  net.run_for(60)
  assert.equal([a.host.text(send), a.host.outcome(send).which], ['other', 1])
  assert.is(b.do(() => b.host.seen(x!)).senders, 0)
})

test('rule 14: the sender dies while its message is out: it stands if it is granted', () => {
  for (const taken of [true, false]) {
    const { net, a, b, c } = trio()
    const [x, x_a, x_c] = b.share('x', 0, a, c)
    const receive = c.do(() => c.host.receive(x_c!, { hold: true }))
    net.run_for(30)
    a.do(() => a.host.send(x_a!, 'm'))
    net.run_for(30)
    assert.is(c.host.offers.get(receive)?.text, 'm')
    a.kill()
    net.run_for(4000)
    const next = b.do(() => b.host.receive(x!))
    c.do(() => taken ? c.host.take(receive) : c.host.withdraw(receive))
    net.run_for(60)
    assert.is(c.host.status(receive), taken ? 'OK' : 'WITHDRAWN')
    assert.is(b.host.status(next), 'waiting', 'a dead sender leaves no message')
    b.do(() => b.host.withdraw(next))
    const kept = net.nodes.flatMap(({ name }) => [`chain of ${name}`, `info of ${name}`])
    net.run_for(200)
    b.host.check_settled(kept)
    c.host.check_settled(kept)
  }
})

test.run()
