/**
 * PROTOCOL.md's rules at the arbiter, each by its number, over two or three cores.
 *
 * Lives here: rules 1 to 6. Does not live here: the owner's rules (owner_rules.test.ts), random
 * programs (random.test.ts).
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { WHICH_DEFAULT } from '../core/host.ts'
import { Net } from './net.ts'
import { story, watch } from './wire.ts'
import { met, trio } from './stage.ts'

const test = suite('net: rules of the arbiter')

test('rule 1: ids are totally ordered, so selects in a ring do not wait for each other', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const net = new Net({ seed, delay_min_ms: 1, delay_max_ms: 9 })
    const { a, b, c } = met(net, 'a', 'b', 'c')
    const [x, x_b] = a.share('x', 0, b)
    const [y, y_c] = b.share('y', 0, c)
    const [z, z_a] = c.share('z', 0, a)
    // Each sends on its own channel and receives from the one before: a ring of holds.
    const ops = [
      a.do(() => a.host.select([{ send: x!, text: 'x' }, { receive: z_a! }])),
      b.do(() => b.host.select([{ send: y!, text: 'y' }, { receive: x_b! }])),
      c.do(() => c.host.select([{ send: z!, text: 'z' }, { receive: y_c! }]))
    ]
    net.run_for(400)
    const statuses = [a, b, c].map((node, nth) => node.host.status(ops[nth]!))
    const done = statuses.filter((status) => status === 'OK').length
    assert.is(done, 2, `seed ${seed}: two of three meet: ${statuses.join(' ')}`)
  }
})

test('rule 2: of two firm claims one is granted, and the grant is final', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const net = new Net({ seed, delay_min_ms: 1, delay_max_ms: 5 })
    const { a, b, c } = met(net, 'a', 'b', 'c')
    const [x, x_a] = b.share('x', 1, a)
    const [y, y_a] = c.share('y', 1, a)
    b.do(() => b.host.send(x!, 'from b'))
    c.do(() => c.host.send(y!, 'from c'))
    const op = a.do(() => a.host.select([{ receive: x_a! }, { receive: y_a! }]))
    net.run_for(100)
    const { which, text } = a.host.outcome(op)
    assert.is(text, which === 0 ? 'from b' : 'from c')
    assert.is(b.do(() => b.host.seen(x!)).buffered, which === 0 ? 0 : 1)
    assert.is(c.do(() => c.host.seen(y!)).buffered, which === 1 ? 0 : 1)
  }
})

test('rule 3: while it is held, further claims wait in line and are served after a release', () => {
  for (const taken of [false, true]) {
    const { net, a, b, c } = trio()
    const [x, x_a] = b.share('x', 0, a)
    const [y, y_a] = c.share('y', 0, a)
    const shown = b.do(() => b.host.receive(x!, { hold: true }))
    const select = a.do(() => a.host.select([{ send: x_a!, text: 'mine' }, { receive: y_a! }]))
    net.run_for(30)
    assert.is(b.host.offers.get(shown)?.text, 'mine')
    const send = c.do(() => c.host.send(y!, 'theirs'))
    net.run_for(30)
    assert.is(a.host.status(select), 'waiting')
    b.do(() => taken ? b.host.take(shown) : b.host.withdraw(shown))
    net.run_for(60)
    assert.is(a.host.outcome(select).which, taken ? 0 : 1)
    if (!taken) assert.is(a.host.text(select), 'theirs')
    assert.is(c.host.status(send), taken ? 'waiting' : 'OK')
    const rest = c.do(() => c.host.receive(y!, { try: true }))
    assert.is(c.host.status(rest), taken ? 'OK' : 'WOULD_BLOCK', 'the message kept its place')
  }
})

test('rule 3: claims on an operation that has ended are ignored', () => {
  const { net, a, b, c } = trio()
  const [x, x_a] = b.share('x', 1, a)
  const [y, y_a] = c.share('y', 1, a)
  const op = a.do(() => a.host.select([{ receive: x_a! }, { receive: y_a! }]))
  net.run_for(30)
  // Both claims are under way at once; the later one finds the select ended.
  b.do(() => b.host.send(x!, 'b'))
  c.do(() => c.host.send(y!, 'c'))
  net.run_for(100)
  const won = a.host.outcome(op).which
  const [loser, ref] = won === 0 ? [c, y!] : [b, x!]
  assert.equal([loser.do(() => loser.host.seen(ref)).buffered, loser.host.seen(ref).out], [1, 0])
})

test('rule 4: the end withdraws every offer but the winner, and says no to nobody', () => {
  const { net, a, b, c } = trio()
  const [x, x_a] = b.share('x', 0, a)
  const [y, y_a] = c.share('y', 0, a)
  const op = a.do(() => a.host.select([{ receive: x_a! }, { receive: y_a! }]))
  net.run_for(30)
  assert.is(c.do(() => c.host.seen(y!)).receivers, 1)
  const log = watch(net)
  b.do(() => b.host.send(x!, 'b'))
  net.run_for(30)
  assert.is(a.host.text(op), 'b')
  assert.equal(story(log).sort(), ['a>b grant', 'a>c withdraw', 'b>a deliver'])
  assert.is(c.do(() => c.host.seen(y!)).receivers, 0)
  assert.is(c.host.status(c.do(() => c.host.send(y!, 'c', { try: true }))), 'WOULD_BLOCK')
})

test('rule 5: a free operation ends at once when its time is over, whatever the owner does', () => {
  const { net, a, b } = trio()
  const [, x_a] = b.share('x', 0, a)
  const receive = a.do(() => a.host.receive(x_a!, { timeout: 40 }))
  const select = a.do(() => a.host.select([{ receive: x_a! }, { after: 50 }]))
  net.run_for(20)
  b.freeze()
  net.run_for(20)
  assert.is(a.host.status(receive), 'TIMED_OUT')
  net.run_for(10)
  assert.equal([a.host.status(select), a.host.outcome(select).which], ['OK', 1])
  b.thaw()
})

test('rule 5: held as a receiver it ends at once, and the sender loses nothing', () => {
  const { net, a, b, c } = trio(['a', 'c', 'b'])
  // The receiver's id is smaller: it is held first, then the sender, who does not answer.
  const [x, x_a, x_c] = b.share('x', 0, a, c)
  const receive = a.do(() => a.host.select([{ receive: x_a! }, { after: 100 }]))
  net.run_for(30)
  net.stall_way(b, c)
  const send = c.do(() => c.host.select([{ send: x_c!, text: 'm' }]))
  net.run_for(40)
  assert.is(a.host.status(receive), 'waiting')
  net.run_for(30)
  assert.is(a.host.outcome(receive).which, 1, 'exact, though it is held')
  net.heal(b, c)
  net.run_for(60)
  assert.is(c.host.status(send), 'waiting')
  const late = b.do(() => b.host.receive(x!))
  net.run_for(60)
  assert.is(b.host.text(late), 'm')
  assert.is(c.host.status(send), 'OK')
})

test('rule 5: held as a sender it ends after the outcome, before its line is served', () => {
  for (const taken of [false, true]) {
    const { net, a, b, c } = trio()
    const [x, x_a] = b.share('x', 0, a)
    const [y, y_a] = c.share('y', 0, a)
    const shown = b.do(() => b.host.receive(x!, { hold: true }))
    const select = a.do(() => a.host.select([{ send: x_a!, text: 'm' }, { receive: y_a! }]))
    net.run_for(30)
    const send = c.do(() => c.host.send(y!, 'theirs'))
    net.run_for(30)
    a.do(() => a.host.withdraw(select))
    net.run_for(30)
    assert.is(a.host.status(select), 'waiting')
    b.do(() => taken ? b.host.take(shown) : b.host.withdraw(shown))
    net.run_for(60)
    assert.is(a.host.status(select), taken ? 'OK' : 'WITHDRAWN')
    assert.is(c.host.status(send), 'waiting')
  }
})

test('rule 6: the loss of an owner ends a free operation as not done, and names the case', () => {
  const { net, a, b, c } = trio()
  const [, x_a] = b.share('x', 0, a)
  const [, z_a] = b.share('z', 0, a)
  const [y, y_a] = c.share('y', 0, a)
  const select = a.do(() => a.host.select([{ receive: y_a! }, { send: x_a!, text: 'm' }]))
  const receive = a.do(() => a.host.receive(z_a!))
  net.run_for(30)
  b.kill()
  net.until(() => a.host.status(select) !== 'waiting', 3000, 'the select ends')
  net.run_for(30)
  const { status, which, unknown } = a.host.outcome(select)
  assert.equal([status, which, unknown], ['LEFT', 1, false])
  assert.equal([a.host.status(receive), a.host.outcome(receive).unknown], ['LEFT', false])
  assert.is(c.do(() => c.host.seen(y!)).receivers, 0, 'the other offer is withdrawn')
})

test('rule 6: a plain send that was not answered, and a held sender, end as unknown', () => {
  const { net, a, b } = trio()
  const [x, x_a] = b.share('x', 0, a)
  const shown = b.do(() => b.host.receive(x!, { hold: true }))
  const held = a.do(() => a.host.select([{ send: x_a!, text: 'm' }]))
  net.run_for(30)
  assert.is(b.host.offers.get(shown)?.text, 'm')
  const send = a.do(() => a.host.send(x_a!, 'plain'))
  net.run_for(30)
  b.kill()
  net.run_for(4000)
  for (const op of [held, send]) {
    assert.equal([a.host.status(op), a.host.outcome(op).unknown], ['LEFT', true])
  }
})

test('rule 6: held elsewhere it waits, and a release then ends it as not done', () => {
  for (const taken of [false, true]) {
    const { net, a, b, c } = trio()
    const [x, x_a] = b.share('x', 0, a)
    const [, y_a] = c.share('y', 0, a)
    const shown = b.do(() => b.host.receive(x!, { hold: true }))
    const select = a.do(() => a.host.select([{ send: x_a!, text: 'm' }, { receive: y_a! }]))
    net.run_for(30)
    c.kill()
    net.run_for(4000)
    assert.is(a.host.status(select), 'waiting')
    b.do(() => taken ? b.host.take(shown) : b.host.withdraw(shown))
    net.run_for(60)
    const { status, which, unknown } = a.host.outcome(select)
    assert.equal([status, which, unknown], taken ? ['OK', 0, false] : ['LEFT', 1, false])
  }
})

test('rule 6: held as a receiver by the owner that is lost, it was not done', () => {
  const { net, a, b, c } = trio(['a', 'c', 'b'])
  const [, x_a, x_c] = b.share('x', 0, a, c)
  const receive = a.do(() => a.host.select([{ receive: x_a! }]))
  net.run_for(30)
  net.stall_way(b, c)
  c.do(() => c.host.select([{ send: x_c!, text: 'm' }]))
  net.run_for(40)
  b.kill()
  net.run_for(4000)
  assert.equal([a.host.status(receive), a.host.outcome(receive).unknown], ['LEFT', false])
  assert.not.equal(a.host.outcome(receive).which, WHICH_DEFAULT)
})

test.run()
