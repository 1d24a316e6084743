/**
 * How operations end whose owner's session has ended, each as it stands in PROTOCOL.md's second
 * table.
 *
 * Lives here: END-20 to END-28. Does not live here: the owner's side (end_owner.test.ts).
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { trio } from './stage.ts'
import type { Trio } from './stage.ts'
import type { Node } from './node.ts'
import type { Net } from './net.ts'

const test = suite('net: a session ends, at the arbiter')

/** The peer dies, and the other learns of it. */
function lose(net: Net, peer: Node, other: Node): void {
  peer.kill()
  net.until(() => !other.members.has(peer.id), 10_000, `${peer.name} is lost`)
  net.run_for(60)
}

/** How the operation of a ended: its status, whether it may have happened, its case. */
function told({ a }: Pick<Trio, 'a'>, op: number): unknown[] {
  const { status, unknown, which } = a.host.outcome(op)
  return [status, unknown, which]
}

const NOT_DONE = ['LEFT', false, 0]
const UNKNOWN = ['LEFT', true, 0]

test('[END-20] what was not sent yet is not done', () => {
  const t = trio()
  const { net, a, b } = t
  const [, x_a] = b.share('x', 0, a)
  // More parked bytes than a peer may have here: the rest is held back at a.
  const many = Array.from({ length: 17 }, () =>
    a.do(() => a.host.send(x_a!, 'm', { bytes: 1_000_000 })))
  const last = a.do(() => a.host.select([{ send: x_a!, text: 'n' }]))
  net.run_for(400)
  assert.is(a.host.status(many[16]!), 'waiting')
  lose(net, b, a)
  assert.equal(told(t, many[0]!), UNKNOWN)
  assert.equal(told(t, many[16]!), NOT_DONE)
  assert.equal(told(t, last), NOT_DONE)
})

test('[END-21] a plain send that was not answered is unknown', () => {
  const t = trio()
  const { net, a, b } = t
  const [, x_a] = b.share('x', 0, a)
  const [send, asked] = [1, 2].map(() => a.do(() => a.host.send(x_a!, 'm')))
  net.run_for(30)
  net.stall_way(a, b)
  a.do(() => a.host.withdraw(asked!))
  net.run_for(30)
  lose(net, b, a)
  assert.equal(told(t, send!), UNKNOWN)
  assert.equal(told(t, asked!), UNKNOWN, 'its withdrawal was asked')
})

test('[END-22] what is free is not done; a select names the case and withdraws the rest', () => {
  const t = trio()
  const { net, a, b, c } = t
  const [, x_a] = b.share('x', 0, a)
  const [y, y_a] = c.share('y', 0, a)
  const [, z_a] = b.share('z', 0, a)
  const receive = a.do(() => a.host.receive(z_a!))
  const select = a.do(() => a.host.select([{ receive: y_a! }, { send: x_a!, text: 'm' }]))
  net.run_for(30)
  lose(net, b, a)
  assert.equal(told(t, receive), NOT_DONE)
  assert.equal(told(t, select), ['LEFT', false, 1])
  net.run_for(30)
  assert.is(c.do(() => c.host.seen(y!)).receivers, 0)
})

test('[END-23] a message that the host was offered was not taken; taking comes too late', () => {
  const t = trio()
  const { net, a, b } = t
  const [x, x_a] = b.share('x', 1, a)
  b.do(() => b.host.send(x!, 'm'))
  const shown = a.do(() => a.host.receive(x_a!, { hold: true }))
  net.run_for(30)
  assert.is(a.host.offers.get(shown)?.text, 'm')
  lose(net, b, a)
  assert.equal(told(t, shown), NOT_DONE)
  a.do(() => a.host.take(shown))
  assert.equal(told(t, shown), NOT_DONE)
})

test('[END-24] a select held as a receiver is not done', () => {
  const t = trio(['a', 'c', 'b'])
  const { net, a, b, c } = t
  const [, x_a, x_c] = b.share('x', 0, a, c)
  const [y, y_a] = c.share('y', 1, a)
  const select = a.do(() => a.host.select([{ receive: x_a! }, { receive: y_a! }]))
  net.run_for(30)
  net.stall_way(b, c)
  c.do(() => c.host.select([{ send: x_c!, text: 'm' }]))
  net.run_for(40)
  c.do(() => c.host.send(y!, 'n'))
  net.run_for(30)
  assert.is(a.host.status(select), 'waiting', 'it is held')
  lose(net, b, a)
  assert.equal(told(t, select), NOT_DONE)
})

test('[END-25] a select held as a sender is unknown', () => {
  const t = trio()
  const { net, a, b, c } = t
  const [, x_a, x_c] = b.share('x', 0, a, c)
  const shown = c.do(() => c.host.receive(x_c!, { hold: true }))
  net.run_for(30)
  const select = a.do(() => a.host.select([{ send: x_a!, text: 'm' }]))
  net.run_for(60)
  assert.is(c.host.offers.get(shown)?.text, 'm')
  lose(net, b, a)
  assert.equal(told(t, select), UNKNOWN)
})

test('[END-26] held elsewhere it waits, without the lost case and its claim', () => {
  for (const taken of [true, false]) {
    const t = trio()
    const { net, a, b, c } = t
    const [x, x_a] = b.share('x', 0, a)
    const [y, y_a] = c.share('y', 1, a)
    const shown = b.do(() => b.host.receive(x!, { hold: true }))
    const select = a.do(() => a.host.select([{ send: x_a!, text: 'm' }, { receive: y_a! }]))
    net.run_for(60)
    c.do(() => c.host.send(y!, 'in line'))
    net.run_for(30)
    lose(net, c, a)
    assert.is(a.host.status(select), 'waiting')
    assert.equal(a.host.held_payloads().filter((text) => text === 'in line'), [])
    b.do(() => taken ? b.host.take(shown) : b.host.withdraw(shown))
    net.run_for(60)
    assert.equal(told(t, select), taken ? ['OK', false, 0] : ['LEFT', false, 1])
  }
})

test('[END-27] a reader gives nothing more: what is unread was the owner\'s', () => {
  const t = trio()
  const { net, a, b } = t
  const [x, x_a] = b.share('x', 3, a)
  for (const text of ['1', '2', '3']) b.do(() => b.host.send(x!, text))
  const reader = a.do(() => a.host.outcome(a.host.reader(x_a!, 2))).value
  const other = a.do(() => a.host.outcome(a.host.reader(x_a!, 2))).value
  net.run_for(60)
  assert.is(a.host.text(a.do(() => a.host.read(reader))), '1')
  net.run_for(60)
  const waits = [1, 2, 3].map(() => a.do(() => a.host.read(other)))
  lose(net, b, a)
  assert.equal(told(t, waits[2]!), NOT_DONE)
  const late = a.do(() => a.host.read(reader))
  assert.equal(told(t, late), NOT_DONE)
  assert.equal(a.host.held_payloads().filter((text) => /^\d$/.test(text)), [])
  for (const one of [reader, other]) a.do(() => a.host.reader_end(one))
})

test('[END-28] requests that only ask are not done, the others unknown', () => {
  const t = trio()
  const { net, a, b } = t
  const [, x_a] = b.share('x', 0, a)
  net.stall_way(b, a)
  const asking = [a.do(() => a.host.open('/b/x')), a.do(() => a.host.stat(x_a!))]
  const doing = [a.do(() => a.host.close(x_a!)), a.do(() => a.host.scrub(x_a!))]
  net.run_for(30)
  lose(net, b, a)
  for (const op of asking) assert.equal(told(t, op), NOT_DONE)
  for (const op of doing) assert.equal(told(t, op), UNKNOWN)
})

test.run()
