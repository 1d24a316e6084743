/**
 * Handshakes that something overtakes.
 *
 * Lives here: what happens between a hello and the ack that ends its handshake: the dialler is
 * declared left, an operation begins with an earlier run of it, this peer leaves. Does not live
 * here: handshakes that nothing disturbs (rules.test.ts, test/core), the choice between two links.
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { limits } from '../core/door.ts'
import { Net } from './net.ts'
import type { Node } from './node.ts'
import { read_header } from './wire.ts'

const test = suite('net: handshakes that something overtakes')
const HELLO_FLAG_ANSWER = 1

/** Does something once, as soon as `from` has answered a hello of `to`. */
function on_answer(net: Net, from: Node, to: Node, act: () => void): { done: boolean } {
  const once = { done: false }
  net.watch = (crossing) => {
    if (once.done || crossing.from !== from || crossing.to !== to) return
    const { name, fields } = read_header(crossing.header)
    if (name !== 'hello' || fields.flags !== HELLO_FLAG_ANSWER) return
    once.done = true
    net.after(0, act)
  }
  return once
}

/** Which frames crossed since, as `a>b name`. */
function names_of(net: Net): string[] {
  const names: string[] = []
  net.watch = ({ from, to, header }) => {
    names.push(`${from.name}>${to.name} ${read_header(header).name}`)
  }
  return names
}

// spec: SES-40
test('one who is declared left before its ack comes is turned away, and comes back', () => {
  const net = new Net({ delay_min_ms: 10, delay_max_ms: 10 })
  const a = net.join('a', 1, '1')
  const b = net.join('b', 1, '0')
  net.mesh()
  net.run_for(300)
  // b hears nothing, declares a left and says so; a comes back as another run, and suspects b.
  net.stall_way(a, b)
  net.until(() => a.incarnation === 2 && b.members.size === 0, 10_000, 'b has declared a left')
  net.run_for(500)
  const answered = on_answer(net, a, b, () => { net.stall_way(b, a) })
  net.heal(a, b)
  b.find(a)
  net.until(() => answered.done || a.members.size === 0, 10_000, 'a has answered b')
  assert.ok(answered.done, 'before it gives b up')
  net.until(() => a.members.size === 0, limits.HELLO_TIMEOUT_MS!, 'a has declared b left')
  const names = names_of(net)
  net.heal(a, b)
  net.until(() => a.sees(b) && b.sees(a), 20_000, 'both see each other')
  assert.ok(names.includes('a>b refuse'), names.join(', '))
  assert.is(b.incarnation, 2)
  net.run_for(5_000)
  assert.ok(a.sees(b) && b.sees(a), 'and stay')
})

// spec: SES-41
test('what is asked of an earlier run before the ack comes does not reach the next run', () => {
  const net = new Net({ delay_min_ms: 10, delay_max_ms: 10 })
  const a = net.join('a', 1, '0')
  const b = net.join('b', 1, '1')
  const c = net.join('c', 1, '2')
  net.stall(a, b)
  net.mesh()
  // a has no session with b, and a reference to a channel of b's first run from c.
  const [, x] = b.share('x', 1, c)
  const [y, y_c] = a.share('y', 1, c)
  c.do(() => c.host.send(y_c!, 'take it', { refs: [x!] }))
  net.run_for(100)
  const [taken] = a.do(() => a.host.outcome(a.host.receive(y!))).refs
  net.stall(b, c)
  net.stall(a, c)
  b.kill()
  const again = net.join('b', 2, '', b.id)
  // The first channel of each run has the same number.
  const [x_again] = again.share('x', 1)
  let close = 0
  const answered = on_answer(net, a, again, () => {
    close = a.do(() => a.host.close(taken!))
  })
  net.heal(a, again)
  again.find(a)
  net.until(() => answered.done && a.sees(again), 20_000, 'a and the second run of b have met')
  assert.is(a.host.status(close), 'LEFT')
  const send = again.do(() => again.host.send(x_again!, 'still open'))
  assert.is(again.host.status(send), 'OK')
})

// spec: SES-35
test('who leaves while a handshake is under way begins no session', () => {
  const net = new Net({ delay_min_ms: 10, delay_max_ms: 10 })
  const a = net.join('a', 1, '0')
  const c = net.join('c', 1, '2')
  net.mesh()
  const b = net.join('b', 1, '1')
  // The goodbye to c takes long.
  net.stall(a, c)
  let leave = 0
  const answered = on_answer(net, a, b, () => { leave = a.do(() => a.host.leave()) })
  b.find(a)
  net.run_for(limits.LEAVE_TIMEOUT_MS! / 2)
  assert.ok(answered.done && a.host.status(leave) === 'waiting')
  net.run_for(limits.LEAVE_TIMEOUT_MS!)
  assert.is(a.host.status(leave), 'OK')
  assert.equal(b.events, [])
})

test.run()
