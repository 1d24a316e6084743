/**
 * Channels of one core, by hand: what core/channel, core/match and core/claim promise.
 *
 * Lives here: one short story a test. Does not live here: selects (select.test.ts), readers
 * (reader.test.ts), names and references (path.test.ts, reference.test.ts).
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { Host, constants, limits } from './host.ts'

const test = suite('core: channels')
const LATCH = constants('make_flag').latch!

test('a rendezvous: the send is done when the receive has the message', () => {
  const host = new Host()
  const c = host.channel()
  const send = host.send(c, 'one')
  assert.is(host.status(send), 'waiting')
  const receive = host.receive(c)
  assert.is(host.text(receive), 'one')
  assert.is(host.status(send), 'OK')
  host.check_settled()
})

test('a receive that waits gets the message of the next send', () => {
  const host = new Host()
  const c = host.channel()
  const receive = host.receive(c)
  assert.is(host.status(host.send(c, 'one')), 'OK')
  assert.is(host.text(receive), 'one')
})

test('messages are received in the order of the sends, with and without a buffer', () => {
  for (const capacity of [0, 1, 2, 3, 7]) {
    const host = new Host()
    const c = host.channel(capacity)
    for (let nth = 0; nth < 6; nth++) host.send(c, `${nth}`)
    assert.is(host.running.size, Math.max(0, 6 - capacity), 'a buffered send is done')
    const texts = Array.from({ length: 6 }, () => host.text(host.receive(c)))
    assert.equal(texts, ['0', '1', '2', '3', '4', '5'])
    host.check_settled()
  }
})

test('receives are served in the order in which they came', () => {
  const host = new Host()
  const c = host.channel(2)
  const receives = Array.from({ length: 5 }, () => host.receive(c))
  for (let nth = 0; nth < 5; nth++) host.send(c, `${nth}`)
  assert.equal(receives.map((op) => host.text(op)), ['0', '1', '2', '3', '4'])
})

test('a send that waited takes the place that a receive made', () => {
  const host = new Host()
  const c = host.channel(1)
  host.send(c, 'a')
  const second = host.send(c, 'b')
  assert.is(host.status(second), 'waiting')
  assert.is(host.text(host.receive(c)), 'a')
  assert.is(host.status(second), 'OK')
  assert.is(host.seen(c).buffered, 1)
})

test('after close what is buffered is received, then closed', () => {
  const host = new Host()
  const c = host.channel(2)
  host.send(c, 'a')
  host.send(c, 'b')
  assert.is(host.status(host.close(c)), 'OK')
  assert.is(host.text(host.receive(c)), 'a')
  assert.is(host.text(host.receive(c)), 'b')
  assert.is(host.status(host.receive(c)), 'CLOSED')
  assert.is(host.status(host.receive(c)), 'CLOSED', 'and closed again, each time')
})

test('close fails the senders that wait, and theirs is not delivered', () => {
  const host = new Host()
  const c = host.channel(1)
  host.send(c, 'a')
  const blocked = [host.send(c, 'b'), host.send(c, 'c')]
  host.close(c)
  assert.equal(blocked.map((op) => host.status(op)), ['CLOSED', 'CLOSED'])
  assert.is(host.text(host.receive(c)), 'a')
  assert.is(host.status(host.receive(c)), 'CLOSED')
  host.check_settled()
})

test('close ends the receives that wait', () => {
  const host = new Host()
  const c = host.channel()
  const receives = [host.receive(c), host.receive(c)]
  host.close(c)
  assert.equal(receives.map((op) => host.status(op)), ['CLOSED', 'CLOSED'])
})

test('a second close fails, and so does a send after close', () => {
  const host = new Host()
  const c = host.channel(1)
  host.close(c)
  assert.is(host.status(host.close(c)), 'CLOSED')
  assert.is(host.status(host.send(c, 'late')), 'CLOSED')
  assert.is(host.status(host.send(c, 'late', { try: true })), 'CLOSED')
  host.check_settled()
})

test('scrub drops the buffer and ends all who wait', () => {
  const host = new Host()
  const c = host.channel(1)
  host.send(c, 'a')
  const blocked = host.send(c, 'b')
  assert.is(host.status(host.scrub(c)), 'OK')
  assert.is(host.status(blocked), 'SCRUBBED')
  assert.is(host.status(host.receive(c)), 'SCRUBBED')
  assert.is(host.status(host.send(c, 'c')), 'SCRUBBED')
  assert.is(host.status(host.close(c)), 'SCRUBBED')
  assert.is(host.status(host.scrub(c)), 'SCRUBBED')
  host.check_settled()
})

test('a try succeeds only with what is ready now', () => {
  const host = new Host()
  const c = host.channel()
  assert.is(host.status(host.send(c, 'a', { try: true })), 'WOULD_BLOCK')
  assert.is(host.status(host.receive(c, { try: true })), 'WOULD_BLOCK')
  const waiting = host.receive(c)
  assert.is(host.status(host.send(c, 'b', { try: true })), 'OK')
  assert.is(host.text(waiting), 'b')
  const buffered = host.channel(1)
  assert.is(host.status(host.send(buffered, 'c', { try: true })), 'OK')
  assert.is(host.status(host.send(buffered, 'd', { try: true })), 'WOULD_BLOCK')
  assert.is(host.text(host.receive(buffered, { try: true })), 'c')
  host.check_settled()
})

test('a withdrawn send leaves no trace', () => {
  const host = new Host()
  const c = host.channel()
  const gone = host.send(c, 'gone')
  const stays = host.send(c, 'stays')
  host.withdraw(gone)
  assert.is(host.status(gone), 'WITHDRAWN')
  assert.is(host.text(host.receive(c)), 'stays')
  assert.is(host.status(stays), 'OK')
  host.check_settled()
})

test('a withdrawn receive eats no message', () => {
  const host = new Host()
  const c = host.channel()
  const gone = host.receive(c)
  host.withdraw(gone)
  const send = host.send(c, 'a')
  assert.is(host.status(gone), 'WITHDRAWN')
  assert.is(host.status(send), 'waiting')
  assert.is(host.text(host.receive(c)), 'a')
})

test('a buffered send cannot be withdrawn: it has happened', () => {
  const host = new Host()
  const c = host.channel(1)
  const send = host.send(c, 'a')
  host.withdraw(send)
  assert.is(host.status(send), 'OK')
  assert.is(host.text(host.receive(c)), 'a')
})

test('a timeout ends exactly at its time, not before', () => {
  const host = new Host()
  const c = host.channel()
  const receive = host.receive(c, { timeout: 50 })
  const send = host.send(host.channel(), 'a', { timeout: 70 })
  host.advance(49)
  assert.is(host.status(receive), 'waiting')
  host.advance(1)
  assert.is(host.status(receive), 'TIMED_OUT')
  assert.is(host.status(send), 'waiting')
  host.advance(20)
  assert.is(host.status(send), 'TIMED_OUT')
  assert.is(host.due_in_ms(), undefined, 'no deadline is left')
  host.check_settled()
})

test('the clock may wrap while a timeout runs', () => {
  const host = new Host(1, 0xffffffff - 10)
  const receive = host.receive(host.channel(), { timeout: 30 })
  host.advance(29)
  assert.is(host.status(receive), 'waiting')
  host.advance(1)
  assert.is(host.status(receive), 'TIMED_OUT')
})

test('an operation that ended in time has no deadline left', () => {
  const host = new Host()
  const c = host.channel()
  const receive = host.receive(c, { timeout: 50 })
  host.send(c, 'a')
  assert.is(host.text(receive), 'a')
  assert.is(host.due_in_ms(), undefined)
})

test('stat counts messages, waiters and what is out', () => {
  const host = new Host()
  const c = host.channel(2)
  assert.equal(counts(host, c), [2, 0, 0, 0, 0, 0])
  for (const text of ['a', 'b', 'c', 'd']) host.send(c, text)
  assert.equal(counts(host, c), [2, 2, 2, 0, 0, 0])
  const held = host.receive(c, { hold: true })
  assert.is(counts(host, c)[5], 1, 'one message is out')
  host.withdraw(held)
  host.close(c)
  assert.equal(counts(host, c), [2, 2, 0, 0, 1, 0])
  const empty = host.channel()
  host.receive(empty)
  assert.equal(counts(host, empty), [0, 0, 0, 1, 0, 0])
})

test('a message offered to a hold receive is received when it is taken', () => {
  const host = new Host()
  const c = host.channel(1)
  const receive = host.receive(c, { hold: true })
  host.send(c, 'a')
  assert.is(host.offers.get(receive)?.text, 'a')
  assert.is(host.status(receive), 'waiting')
  host.take(receive)
  assert.is(host.text(receive), 'a')
  host.check_settled()
})

test('a denied message goes back to its own place', () => {
  const host = new Host()
  const c = host.channel(3)
  const receive = host.receive(c, { hold: true })
  for (const text of ['a', 'b', 'c']) host.send(c, text)
  assert.is(host.offers.get(receive)?.text, 'a')
  host.withdraw(receive)
  assert.is(host.status(receive), 'WITHDRAWN')
  const texts = Array.from({ length: 3 }, () => host.text(host.receive(c)))
  assert.equal(texts, ['a', 'b', 'c'])
})

test('a hold receive that times out denies', () => {
  const host = new Host()
  const c = host.channel()
  const receive = host.receive(c, { hold: true, timeout: 20 })
  const send = host.send(c, 'a')
  const next = host.receive(c)
  host.advance(20)
  assert.is(host.status(receive), 'TIMED_OUT')
  assert.is(host.text(next), 'a')
  assert.is(host.status(send), 'OK')
  assert.is(host.outcome(next).again, false, 'a denial is not a death')
})

test('take of what was not offered, and a second take, do nothing', () => {
  const host = new Host()
  const c = host.channel(1)
  const receive = host.receive(c, { hold: true })
  host.take(receive)
  assert.is(host.status(receive), 'waiting')
  host.send(c, 'a')
  host.take(receive)
  host.take(receive)
  assert.is(host.text(receive), 'a')
})

test('a sender whose message is shown waits for the answer, also when it is withdrawn', () => {
  const host = new Host()
  const c = host.channel()
  for (const taken of [true, false]) {
    const receive = host.receive(c, { hold: true })
    const send = host.send(c, 'a')
    host.withdraw(send)
    assert.is(host.status(send), 'waiting')
    if (taken) host.take(receive)
    else host.withdraw(receive)
    assert.is(host.status(send), taken ? 'OK' : 'WITHDRAWN')
  }
  host.check_settled()
})

test('a close while a message is shown: taken is done, denied is closed', () => {
  for (const taken of [true, false]) {
    const host = new Host()
    const c = host.channel()
    const receive = host.receive(c, { hold: true })
    const send = host.send(c, 'a')
    host.close(c)
    assert.is(host.status(send), 'waiting')
    if (taken) host.take(receive)
    else host.withdraw(receive)
    assert.is(host.status(send), taken ? 'OK' : 'CLOSED')
    host.check_settled()
  }
})

test('closed does not overtake a buffered message that is shown', () => {
  const host = new Host()
  const c = host.channel(1)
  const shown = host.receive(c, { hold: true })
  host.send(c, 'a')
  host.close(c)
  const other = host.receive(c)
  assert.is(host.status(other), 'waiting')
  host.withdraw(shown)
  assert.is(host.text(other), 'a')
  assert.is(host.status(host.receive(c)), 'CLOSED')
})

test('a scrub while a message is shown: it is kept only if it is taken', () => {
  for (const taken of [true, false]) {
    const host = new Host()
    const c = host.channel(1)
    const shown = host.receive(c, { hold: true })
    host.send(c, 'a')
    const waits = host.receive(c)
    host.scrub(c)
    assert.is(host.status(waits), 'SCRUBBED', 'receivers are told at once')
    if (taken) host.take(shown)
    else host.withdraw(shown)
    assert.is(host.status(shown), taken ? 'OK' : 'WITHDRAWN')
    host.check_settled()
  }
})

test('a latch gives its one message to every receiver', () => {
  const host = new Host()
  const c = host.channel(0, '', LATCH)
  const early = host.receive(c)
  assert.is(host.status(host.send(c, 'exit')), 'OK')
  assert.is(host.text(early), 'exit')
  const late = host.receive(c)
  assert.is(host.text(late), 'exit')
  assert.is(host.outcome(late).shared, true, 'the core keeps it')
  const held = host.receive(c, { hold: true })
  host.take(held)
  assert.is(host.text(held), 'exit')
  host.scrub(c)
  host.check_settled()
})

test('a message over the limit is refused and given back', () => {
  const host = new Host()
  const c = host.channel(1)
  const over = limits.MESSAGE_BYTES_MAX! + 1
  assert.is(host.status(host.send(c, 'a', { bytes: over })), 'TOO_LARGE')
  assert.is(host.status(host.send(c, 'b', { bytes: over - 1 })), 'OK')
  assert.is(host.outcome(host.receive(c)).payload_bytes, over - 1)
  host.check_settled()
})

test('a capacity over the limit is refused', () => {
  const host = new Host()
  assert.is(host.status(host.make(limits.CAPACITY_MAX! + 1)), 'BAD_ARGUMENT')
  assert.is(host.status(host.make(limits.CAPACITY_MAX!)), 'OK')
})

/** capacity, buffered, senders, receivers, closed, out. */
function counts(host: Host, ref: number): number[] {
  const { capacity, buffered, senders, receivers, closed, out } = host.seen(ref)
  return [capacity, buffered, senders, receivers, closed, out]
}

test.run()
