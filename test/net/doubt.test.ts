/**
 * PROTOCOL.md's rules 22 and 23: receivers that are declared left with a message on its way to
 * them, and goodbyes.
 *
 * Lives here: what senders are told when a message may have been taken by a peer whose grant never
 * came. Does not live here: other endings of sessions (session_end.test.ts).
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { trio } from './stage.ts'
import type { Trio } from './stage.ts'

const test = suite('net: rules of doubt')

/** c takes a message of a whose grant does not come to the owner b, who then declares c left. */
function ghost(send: (t: Trio, ref: number) => number): Trio & { x: number, op: number } {
  const t = trio()
  const { net, a, b, c } = t
  const [x, x_a, x_c] = b.share('x', 0, a, c)
  const taken = c.do(() => c.host.receive(x_c!))
  net.run_for(30)
  net.stall_way(c, b)
  net.stall_way(c, a)
  const op = a.do(() => send(t, x_a!))
  net.run_for(100)
  assert.is(c.host.text(taken), 'm', 'the ghost has it')
  assert.is(a.host.status(op), 'waiting')
  net.until(() => !b.members.has(c.id), 6_000, 'c is declared left')
  net.run_for(30)
  return { ...t, x: x!, op }
}

/** How the operation ended, as its host sees it. */
function told({ a, op }: { a: Trio['a'], op: number }): unknown[] {
  const { status, unknown, which } = a.host.outcome(op)
  return [status, unknown, which]
}

test('rule 22 [CH-33]: a plain send keeps its place and is delivered again with the mark', () => {
  const t = ghost(({ a }, ref) => a.host.send(ref, 'm'))
  assert.is(t.a.host.status(t.op), 'waiting')
  const receive = t.b.do(() => t.b.host.receive(t.x))
  t.net.run_for(30)
  assert.equal([t.b.host.text(receive), t.b.host.outcome(receive).again], ['m', true])
  assert.equal(told(t), ['OK', false, 0])
})

test('rule 22: a marked send that is withdrawn says unknown', () => {
  const t = ghost(({ a }, ref) => a.host.send(ref, 'm'))
  t.a.do(() => t.a.host.withdraw(t.op))
  t.net.run_for(60)
  assert.equal(told(t), ['RECEIVER_LEFT', true, 0])
  assert.is(t.b.do(() => t.b.host.seen(t.x)).senders, 0)
})

test('rule 22: a marked send whose time is over says unknown', () => {
  const t = ghost(({ a }, ref) => a.host.send(ref, 'm', { timeout: 200 }))
  assert.equal(told(t), ['RECEIVER_LEFT', true, 0], 'it asked while the message was out')
  const late = ghost(({ a }, ref) => a.host.send(ref, 'm', { timeout: 8_000 }))
  assert.is(late.a.host.status(late.op), 'waiting')
  late.net.run_for(8_000)
  assert.equal(told(late), ['RECEIVER_LEFT', true, 0])
})

test('rule 22: a marked send that meets closed or scrubbed says unknown', () => {
  for (const end of ['close', 'scrub'] as const) {
    const t = ghost(({ a }, ref) => a.host.send(ref, 'm'))
    t.b.do(() => t.b.host[end](t.x))
    t.net.run_for(60)
    assert.equal(told(t), ['RECEIVER_LEFT', true, 0])
  }
  const t = trio()
  const { net, a, b, c } = t
  const [x, x_a, x_c] = b.share('x', 0, a, c)
  c.do(() => c.host.receive(x_c!, { hold: true }))
  net.run_for(30)
  const op = a.do(() => a.host.send(x_a!, 'm'))
  net.run_for(30)
  b.do(() => b.host.close(x!))
  c.kill()
  net.run_for(4_000)
  assert.equal(told({ a, op }), ['RECEIVER_LEFT', true, 0], 'closed while the message was out')
})

test('rule 22: a send with try that finds nobody else says unknown', () => {
  const t = ghost(({ a }, ref) => a.host.send(ref, 'm', { try: true }))
  assert.equal(told(t), ['RECEIVER_LEFT', true, 0])
})

test('rule 22: a select whose message was out ends, and chooses no other case', () => {
  for (const order of [['a', 'b', 'c'], ['c', 'b', 'a']] as const) {
    const { net, a, b, c } = trio(order)
    const [x, x_a, x_c] = b.share('x', 0, a, c)
    const [y, y_a] = b.share('y', 1, a)
    const taken = c.do(() => c.host.select([{ receive: x_c! }]))
    net.run_for(30)
    net.stall_way(c, a)
    const op = a.do(() => a.host.select([{ receive: y_a! }, { send: x_a!, text: 'm' }]))
    // Both are held and the message is under way; its grant will not come.
    net.until(() => c.host.running.size === 0, 200, 'c has it')
    net.stall_way(c, b)
    assert.is(c.host.text(taken), 'm')
    // The other case is ready while the first is in doubt.
    b.do(() => b.host.send(y!, 'other'))
    net.until(() => !b.members.has(c.id), 6_000, 'c is declared left')
    net.run_for(30)
    assert.equal(told({ a, op }), ['RECEIVER_LEFT', true, 1])
    const seen = b.do(() => b.host.seen(y!))
    assert.equal([seen.buffered, seen.out], [1, 0], 'the other message is where it was')
    assert.is(b.do(() => b.host.seen(x!)).senders, 0)
  }
})

test('rule 22: the owner\'s own operations are told the same', () => {
  const { net, b, c } = trio()
  const [x, x_c] = b.share('x', 0, c)
  const [y, y_c] = b.share('y', 0, c)
  c.do(() => c.host.receive(x_c!, { hold: true }))
  c.do(() => c.host.receive(y_c!, { hold: true }))
  net.run_for(30)
  const plain = b.do(() => b.host.send(x!, 'm', { timeout: 8_000 }))
  const select = b.do(() => b.host.select([{ send: y!, text: 'n' }, { after: 6_000 }]))
  net.run_for(30)
  c.kill()
  net.run_for(4_000)
  assert.equal(told({ a: b, op: select }), ['RECEIVER_LEFT', true, 0])
  assert.is(b.host.status(plain), 'waiting')
  net.run_for(5_000)
  assert.equal(told({ a: b, op: plain }), ['RECEIVER_LEFT', true, 0])
})

test('rule 22: an owner that leaves says unknown of a message that is out', () => {
  const { net, b, c } = trio()
  const [x, x_c] = b.share('x', 0, c)
  c.do(() => c.host.receive(x_c!, { hold: true }))
  net.run_for(30)
  const op = b.do(() => b.host.send(x!, 'm'))
  net.run_for(30)
  b.do(() => b.host.leave())
  net.run_for(2_000)
  assert.equal(told({ a: b, op }), ['RECEIVER_LEFT', true, 0])
})

test('rule 23: an owner that leaves says unknown of its own send that was marked and waits', () => {
  const { net, b, c } = trio()
  const [x, x_c] = b.share('x', 0, c)
  const [y] = b.share('y', 0, c)
  c.do(() => c.host.receive(x_c!, { hold: true }))
  net.run_for(30)
  const marked = b.do(() => b.host.send(x!, 'm'))
  const other = b.do(() => b.host.send(y!, 'm'))
  net.run_for(30)
  c.kill()
  net.until(() => !b.members.has(c.id), 6_000, 'c is declared left')
  assert.is(b.host.status(marked), 'waiting')
  b.do(() => b.host.leave())
  net.run_for(2_000)
  assert.equal(told({ a: b, op: marked }), ['RECEIVER_LEFT', true, 0])
  assert.equal(told({ a: b, op: other }), ['LEAVING', false, 0], 'nobody ever had this one')
})

test('rule 23: with an owner that leaves, another\'s marked send has left, unknown', () => {
  const t = ghost(({ a }, ref) => a.host.send(ref, 'm'))
  t.b.do(() => t.b.host.leave())
  t.net.run_for(2_000)
  assert.equal(told(t), ['LEFT', true, 0])
})

test('rule 23: a grant that is under way when the owner says goodbye is heard', () => {
  const { net, b, c } = trio()
  const [x, x_c] = b.share('x', 0, c)
  const receive = c.do(() => c.host.receive(x_c!))
  net.run_for(30)
  const op = b.do(() => b.host.send(x!, 'm'))
  net.until(() => c.host.status(receive) === 'OK', 100, 'c has the message')
  assert.is(b.host.status(op), 'waiting')
  b.do(() => b.host.leave())
  net.run_for(2_000)
  assert.equal(told({ a: b, op }), ['OK', false, 0])
})

test('rule 23: who said goodbye takes nothing more, so a send to it was not done', () => {
  const { net, a, b, c } = trio()
  const [x, x_a, x_c] = b.share('x', 0, a, c)
  const [y, y_a, y_c] = b.share('y', 0, a, c)
  const plain = c.do(() => c.host.receive(x_c!))
  const select = c.do(() => c.host.select([{ receive: y_c! }]))
  net.run_for(30)
  const send = a.do(() => a.host.send(x_a!, 'm'))
  const choice = a.do(() => a.host.select([{ send: y_a!, text: 'n' }, { after: 300 }]))
  net.run_for(15)
  // The messages are under way to c, or on their way to it, when it leaves.
  c.do(() => c.host.leave())
  net.run_for(100)
  assert.is.not(c.host.status(plain), 'OK')
  assert.is.not(c.host.status(select), 'OK')
  const next = b.do(() => b.host.receive(x!))
  net.run_for(100)
  assert.equal([b.host.text(next), b.host.outcome(next).again], ['m', false])
  assert.is(a.host.status(send), 'OK')
  net.run_for(300)
  assert.equal(told({ a, op: choice }), ['OK', false, 1])
  assert.is(b.do(() => b.host.seen(y!)).senders, 0)
})

test('rule 23: what was taken before the goodbye is done, also through a window', () => {
  const { net, a, b, c } = trio()
  const [x, x_c] = b.share('x', 4, c)
  for (const text of ['1', '2', '3']) b.do(() => b.host.send(x!, text))
  const reader = c.host.outcome(c.do(() => c.host.reader(x_c!, 3))).value
  net.run_for(60)
  // The read and the goodbye are in one run.
  c.do(() => {
    c.host.batching = true
    const read = c.host.read(reader)
    c.host.leave()
    const late = c.host.read(reader)
    c.host.batching = false
    c.host.run()
    assert.is(c.host.text(read), '1')
    assert.is(c.host.status(late), 'LEAVING')
  })
  net.run_for(100)
  const texts = Array.from({ length: 2 }, () => b.do(() => b.host.outcome(b.host.receive(x!))))
  assert.equal(texts.map(({ text, again }) => [text, again]), [['2', false], ['3', false]])
  assert.is(b.do(() => b.host.seen(x!)).buffered, 0)
  assert.is(a.alive, true)
})

test('rule 23: a host that takes after the goodbye comes too late', () => {
  const { net, b, c } = trio()
  const [x, x_c] = b.share('x', 1, c)
  b.do(() => b.host.send(x!, 'm'))
  const shown = c.do(() => c.host.receive(x_c!, { hold: true }))
  net.run_for(30)
  c.do(() => {
    c.host.leave()
    c.host.take(shown)
  })
  net.run_for(100)
  assert.is.not(c.host.status(shown), 'OK')
  const next = b.do(() => b.host.receive(x!))
  assert.equal([b.host.text(next), b.host.outcome(next).again], ['m', false])
})

test.run()
