/**
 * What an owner does with the offers of a peer whose session has ended, each as it stands in
 * PROTOCOL.md's first table.
 *
 * Lives here: END-1 to END-15. Does not live here: the arbiter's side (end_arbiter.test.ts).
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { constants } from '../core/host.ts'
import { trio } from './stage.ts'
import type { Node } from './node.ts'
import type { Net } from './net.ts'

const test = suite('net: a session ends, at the owner')

/** The peer dies, and the other learns of it. */
function lose(net: Net, peer: Node, other: Node): void {
  peer.kill()
  net.until(() => !other.members.has(peer.id), 10_000, `${peer.name} is lost`)
  net.run_for(60)
}

/** What the channel gives now, without waiting. */
function next_of(node: Node, ref: number): string {
  const { status, text, again } = node.do(() =>
    node.host.outcome(node.host.receive(ref, { try: true })))
  return status === 'OK' ? `${text}${again ? ' again' : ''}` : status
}

test('[END-1] free offers are withdrawn', () => {
  const { net, a, b } = trio()
  const [x, x_a] = b.share('x', 0, a)
  const [y, y_a] = b.share('y', 0, a)
  a.do(() => a.host.send(x_a!, 'phantom'))
  a.do(() => a.host.select([{ send: x_a!, text: 'phantom' }, { receive: y_a! }]))
  a.do(() => a.host.receive(y_a!))
  net.run_for(30)
  const before = [x!, y!].map((ref) => b.do(() => b.host.seen(ref)))
  assert.equal(before.map(({ senders, receivers }) => [senders, receivers]), [[2, 0], [0, 2]])
  lose(net, a, b)
  const after = [x!, y!].map((ref) => b.do(() => b.host.seen(ref)))
  assert.equal(after.map(({ senders, receivers }) => [senders, receivers]), [[0, 0], [0, 0]])
  assert.is(next_of(b, x!), 'WOULD_BLOCK')
})

test('[END-2] a plain send whose message is out stands if granted, else it is dropped', () => {
  for (const taken of [true, false]) {
    const { net, a, b, c } = trio()
    const [x, x_a, x_c] = b.share('x', 0, a, c)
    const shown = c.do(() => c.host.receive(x_c!, { hold: true }))
    net.run_for(30)
    a.do(() => a.host.send(x_a!, 'm'))
    net.run_for(30)
    lose(net, a, b)
    c.do(() => taken ? c.host.take(shown) : c.host.withdraw(shown))
    net.run_for(60)
    assert.is(c.host.status(shown), taken ? 'OK' : 'WITHDRAWN')
    assert.is(next_of(b, x!), 'WOULD_BLOCK')
    assert.is(b.do(() => b.host.seen(x!)).out, 0)
  }
})

test('[END-3] the same for a select that is held as the sender', () => {
  for (const taken of [true, false]) {
    const { net, a, b, c } = trio()
    const [x, x_a, x_c] = b.share('x', 0, a, c)
    const shown = c.do(() => c.host.receive(x_c!, { hold: true }))
    net.run_for(30)
    a.do(() => a.host.select([{ send: x_a!, text: 'm' }]))
    net.run_for(60)
    assert.is(c.host.offers.get(shown)?.text, 'm')
    lose(net, a, b)
    c.do(() => taken ? c.host.take(shown) : c.host.withdraw(shown))
    net.run_for(60)
    assert.is(c.host.status(shown), taken ? 'OK' : 'WITHDRAWN')
    const { senders, receivers, out } = b.do(() => b.host.seen(x!))
    assert.equal([senders, receivers, out], [0, 0, 0])
  }
})

test('[END-4] a hold claim is out for a plain receive, which is free again at its place', () => {
  const { net, a, b, c } = trio()
  const [x, x_a, x_c] = b.share('x', 0, a, c)
  const first = c.do(() => c.host.receive(x_c!))
  const second = c.do(() => c.host.receive(x_c!))
  net.run_for(30)
  net.stall_way(b, a)
  a.do(() => a.host.select([{ send: x_a!, text: 'never' }]))
  net.run_for(30)
  assert.is(b.do(() => b.host.seen(x!)).receivers, 1, 'the first is spoken for')
  lose(net, a, b)
  assert.is(b.do(() => b.host.seen(x!)).receivers, 2)
  for (const text of ['1', '2']) b.do(() => b.host.send(x!, text))
  net.run_for(60)
  assert.equal([c.host.text(first), c.host.text(second)], ['1', '2'])
})

test('[END-5] a hold claim is out for a place, which is given back', () => {
  const { net, a, b, c } = trio()
  const [x, x_a, x_c] = b.share('x', 1, a, c)
  net.stall_way(b, a)
  a.do(() => a.host.select([{ send: x_a!, text: 'never' }]))
  net.run_for(30)
  const send = c.do(() => c.host.send(x_c!, 'm'))
  net.run_for(60)
  assert.is(c.host.status(send), 'waiting', 'the place is reserved')
  lose(net, a, b)
  assert.is(c.host.status(send), 'OK')
  assert.is(next_of(b, x!), 'm')
})

test('[END-6] the receiver that was held before the lost sender is released', () => {
  const { net, a, b, c } = trio(['c', 'b', 'a'])
  const [x, x_a, x_c] = b.share('x', 0, a, c)
  const [y, y_c] = b.share('y', 1, c)
  const receive = c.do(() => c.host.select([{ receive: x_c! }, { receive: y_c! }]))
  net.run_for(30)
  net.stall_way(b, a)
  a.do(() => a.host.select([{ send: x_a!, text: 'never' }]))
  net.run_for(60)
  b.do(() => b.host.send(y!, 'other'))
  net.run_for(60)
  assert.is(c.host.status(receive), 'waiting', 'it is held for the send')
  lose(net, a, b)
  assert.equal([c.host.text(receive), c.host.outcome(receive).which], ['other', 1])
  assert.is(b.do(() => b.host.seen(x!)).receivers, 0)
})

test('[END-7] the sender whose hold claim is out for the lost receiver is released', () => {
  const { net, a, b, c } = trio(['c', 'b', 'a'])
  const [x, x_a, x_c] = b.share('x', 0, a, c)
  c.do(() => c.host.select([{ receive: x_c! }]))
  net.run_for(30)
  net.stall_way(b, a)
  const send = a.do(() => a.host.select([{ send: x_a!, text: 'm' }]))
  net.run_for(60)
  const { senders, receivers } = b.do(() => b.host.seen(x!))
  assert.equal([senders, receivers], [0, 0], 'c is held, a is asked')
  // b loses c by a new run of c, at once: a must not be lost meanwhile.
  c.kill()
  net.join('c', 2, '', c.id).find(b)
  net.until(() => b.members.get(c.id) === 2, 2_000, 'c runs anew')
  net.heal(a, b)
  net.run_for(60)
  assert.is(a.host.status(send), 'waiting')
  assert.equal([b.do(() => b.host.seen(x!)).senders, b.host.seen(x!).out], [1, 0])
  const taken = b.do(() => b.host.receive(x!))
  net.run_for(60)
  assert.equal([b.host.text(taken), b.host.outcome(taken).again], ['m', false])
  assert.is(a.host.status(send), 'OK')
})

test('[END-8] a message of the buffer is back in its own place, marked', () => {
  const { net, a, b } = trio()
  const [x, x_a] = b.share('x', 3, a)
  for (const text of ['1', '2', '3']) b.do(() => b.host.send(x!, text))
  a.do(() => a.host.receive(x_a!, { hold: true }))
  a.do(() => a.host.receive(x_a!, { hold: true }))
  net.run_for(30)
  lose(net, a, b)
  assert.equal([1, 2, 3, 4].map(() => next_of(b, x!)), ['1 again', '2 again', '3', 'WOULD_BLOCK'])
})

test('[END-9] a plain send keeps its place, marked, and is never not done', () => {
  for (const again of [true, false]) {
    const { net, a, b, c } = trio()
    const [x, x_a, x_c] = b.share('x', 0, a, c)
    c.do(() => c.host.receive(x_c!, { hold: true }))
    net.run_for(30)
    const send = a.do(() => a.host.send(x_a!, 'm'))
    const later = a.do(() => a.host.send(x_a!, 'later'))
    net.run_for(30)
    lose(net, c, b)
    if (again) assert.is(next_of(b, x!), 'm again')
    else a.do(() => a.host.withdraw(send))
    net.run_for(60)
    const { status, unknown } = a.host.outcome(send)
    assert.equal([status, unknown], again ? ['OK', false] : ['RECEIVER_LEFT', true])
    assert.is(next_of(b, x!), 'later')
    net.run_for(60)
    assert.is(a.host.status(later), 'OK')
  }
})

test('[END-10] a select whose message is out ends as unknown', () => {
  const { net, a, b, c } = trio()
  const [x, x_a, x_c] = b.share('x', 0, a, c)
  c.do(() => c.host.receive(x_c!, { hold: true }))
  net.run_for(30)
  const select = a.do(() => a.host.select([{ after: 60_000 }, { send: x_a!, text: 'm' }]))
  net.run_for(60)
  lose(net, c, b)
  const { status, unknown, which } = a.host.outcome(select)
  assert.equal([status, unknown, which], ['RECEIVER_LEFT', true, 1])
  assert.is(next_of(b, x!), 'WOULD_BLOCK')
})

test('[END-11] a goodbye is as a withdrawal: nothing is marked and nothing is unknown', () => {
  const { net, a, b, c } = trio()
  const [x, x_c] = b.share('x', 2, c)
  const [y, y_a, y_c] = b.share('y', 0, a, c)
  const [z, z_a, z_c] = b.share('z', 0, a, c)
  const [w, w_a] = b.share('w', 1, a)
  for (const text of ['1', '2']) b.do(() => b.host.send(x!, text))
  for (const ref of [x_c!, y_c!, z_c!]) c.do(() => c.host.receive(ref, { hold: true }))
  net.run_for(30)
  const plain = a.do(() => a.host.send(y_a!, 'm'))
  const select = a.do(() => a.host.select([{ send: z_a!, text: 'n' }, { receive: w_a! }]))
  net.run_for(60)
  c.do(() => c.host.leave())
  net.run_for(200)
  assert.equal([1, 2].map(() => next_of(b, x!)), ['1', '2'])
  assert.is(next_of(b, y!), 'm')
  b.do(() => b.host.send(w!, 'back'))
  net.run_for(60)
  assert.equal([a.host.status(plain), a.host.text(select)], ['OK', 'back'])
  assert.is(b.do(() => b.host.seen(z!)).senders, 0)
})

test('[END-12] closed and copies that are out are forgotten', () => {
  const { net, a, b } = trio()
  const [x, x_a] = b.share('x', 0, a)
  const latch = b.do(() => b.host.channel(1, 'done', constants('make_flag').latch!))
  const latch_a = a.open('/b/done')
  b.do(() => b.host.send(latch, 'exit'))
  a.do(() => a.host.select([{ receive: x_a! }]))
  net.run_for(30)
  net.stall_way(b, a)
  b.do(() => b.host.close(x!))
  a.do(() => a.host.receive(latch_a))
  net.run_for(30)
  const kept = b.host.door.cell('memory_bytes_used')
  lose(net, a, b)
  assert.is(next_of(b, x!), 'CLOSED')
  assert.is(next_of(b, latch), 'exit', 'a copy is never marked')
  assert.ok(b.host.door.cell('memory_bytes_used') < kept, 'the offers are gone')
})

test('[END-13] what a reader had out goes back to the head in order, marked when lost', () => {
  for (const how of ['lost', 'goodbye'] as const) {
    const { net, b, c } = trio()
    const [x, x_c] = b.share('x', 5, c)
    for (const text of ['1', '2', '3', '4', '5']) b.do(() => b.host.send(x!, text))
    const reader = c.do(() => c.host.outcome(c.host.reader(x_c!, 3))).value
    net.run_for(60)
    const read = c.do(() => c.host.read(reader))
    assert.is(c.host.text(read), '1')
    if (how === 'lost') net.stall(b, c)
    net.run_for(60)
    if (how === 'lost') lose(net, c, b)
    else {
      c.do(() => c.host.leave())
      net.run_for(200)
    }
    const want = how === 'goodbye' ? ['2', '3', '4', '5', 'WOULD_BLOCK']
      : ['1 again', '2 again', '3 again', '4', '5']
    assert.equal([1, 2, 3, 4, 5].map(() => next_of(b, x!)), want)
  }
})

test('[END-14] a message of a closed buffer goes to the next receiver, before closed', () => {
  const { net, a, b, c } = trio()
  const [x, x_a, x_c] = b.share('x', 1, a, c)
  b.do(() => b.host.send(x!, 'm'))
  a.do(() => a.host.receive(x_a!, { hold: true }))
  net.run_for(30)
  const waits = [1, 2].map(() => c.do(() => c.host.receive(x_c!)))
  b.do(() => b.host.close(x!))
  net.run_for(60)
  assert.equal(waits.map((op) => c.host.status(op)), ['waiting', 'waiting'])
  lose(net, a, b)
  assert.equal(waits.map((op) => c.host.status(op)), ['OK', 'CLOSED'])
  assert.is(c.host.outcome(waits[0]!).again, true)
})

test('[END-15] a message of a scrubbed buffer is dropped', () => {
  const { net, a, b } = trio()
  const [x, x_a] = b.share('x', 1, a)
  b.do(() => b.host.send(x!, 'm'))
  a.do(() => a.host.receive(x_a!, { hold: true }))
  net.run_for(30)
  b.do(() => b.host.scrub(x!))
  lose(net, a, b)
  assert.is(next_of(b, x!), 'SCRUBBED')
  net.run_for(200)
  assert.equal(b.host.held_payloads().filter((text) => text === 'm'), [])
})

test.run()
