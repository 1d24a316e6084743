/**
 * References inside messages, between two and three peers.
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { REF_REMOTE, limits } from '../core/host.ts'
import type { Node } from './node.ts'
import { trio } from './stage.ts'

const test = suite('net: references')
const LATE = 200

/** Sends references along a channel that both ends know; gives them as they arrive. */
function pass(from: Node, from_ref: number, to: Node, to_ref: number, refs: number[]): number[] {
  from.do(() => from.host.send(from_ref, 'with references', { refs }))
  const receive = to.do(() => to.host.receive(to_ref))
  from.net.run_for(LATE)
  return to.host.outcome(receive).refs
}

test('a reply channel without a name travels in the question and is used from there', () => {
  const { net, a, b } = trio()
  const [jobs, jobs_a] = b.share('jobs', 1, a)
  const reply = a.do(() => a.host.channel(1))
  const [came] = pass(a, jobs_a!, b, jobs!, [reply])
  assert.ok(came! >= REF_REMOTE)
  const answer = b.do(() => b.host.send(came!, 'answer'))
  const receive = a.do(() => a.host.receive(reply))
  net.run_for(LATE)
  assert.equal([b.host.status(answer), a.host.text(receive)], ['OK', 'answer'])
})

test('a reference that comes home is the channel itself', () => {
  const { a, b } = trio()
  const [jobs, jobs_a] = b.share('jobs', 1, a)
  const mine = a.do(() => a.host.channel(1))
  const [there] = pass(a, jobs_a!, b, jobs!, [mine])
  const [home] = pass(b, jobs!, a, jobs_a!, [there!])
  assert.is(home, mine)
})

test('a reference is passed on to a third peer, who uses it without the second', () => {
  const { net, a, b, c } = trio()
  const [x, x_a] = b.share('x', 1, a)
  const [y, y_b] = c.share('y', 1, b)
  const mine = a.do(() => a.host.channel(0))
  const [at_b] = pass(a, x_a!, b, x!, [mine])
  const [at_c] = pass(b, y_b!, c, y!, [at_b!])
  b.kill()
  const send = c.do(() => c.host.send(at_c!, 'direct'))
  const receive = a.do(() => a.host.receive(mine))
  net.run_for(LATE)
  assert.equal([c.host.status(send), a.host.text(receive)], ['OK', 'direct'])
})

test('who was declared left opens a channel anew, also while it holds the old one', () => {
  const { net, a, b } = trio()
  const [x, x_b] = a.share('x', 1, b)
  b.freeze()
  net.run_for(2 * limits.LEFT_MS!)
  b.thaw()
  net.run_for(2 * limits.REJOIN_MAX_MS!)
  assert.is(b.host.status(b.do(() => b.host.send(x_b!, 'old'))), 'LEFT')
  const anew = b.open('/a/x')
  assert.is.not(anew, x_b)
  const send = b.do(() => b.host.send(anew, 'new'))
  net.run_for(LATE)
  assert.is(b.host.status(send), 'OK')
  assert.is(a.host.text(a.do(() => a.host.receive(x!))), 'new')
  assert.is(b.host.status(b.do(() => b.host.send(x_b!, 'old'))), 'LEFT', 'the old one stays dead')
})

test('as many references as the limit go in one message, in their order', () => {
  const { a, b } = trio()
  const [jobs, jobs_a] = b.share('jobs', 1, a)
  const refs = Array.from({ length: limits.REFS_PER_MESSAGE_MAX! }, () =>
    a.do(() => a.host.channel(1)))
  const came = pass(a, jobs_a!, b, jobs!, refs)
  assert.is(came.length, refs.length)
  const back = pass(b, jobs!, a, jobs_a!, came)
  assert.equal(back, refs)
})

test('a select carries references too, and a denied one keeps them', () => {
  const { net, a, b, c } = trio()
  const [, x_a, x_c] = b.share('x', 0, a, c)
  const mine = a.do(() => a.host.channel(1))
  const denied = c.do(() => c.host.receive(x_c!, { hold: true }))
  const send = a.do(() => a.host.select([{ send: x_a!, text: 'm', refs: [mine] }]))
  net.run_for(LATE)
  assert.is(c.host.offers.get(denied)!.refs.length, 1)
  c.do(() => c.host.withdraw(denied))
  const receive = c.do(() => c.host.receive(x_c!))
  net.run_for(LATE)
  assert.is(a.host.status(send), 'OK')
  const [came] = c.host.outcome(receive).refs
  c.do(() => c.host.send(came!, 'thanks'))
  net.run_for(LATE)
  assert.is(a.do(() => a.host.text(a.host.receive(mine))), 'thanks')
})

test('a reference to a channel that was scrubbed says so', () => {
  const { net, a, b } = trio()
  const [jobs, jobs_a] = b.share('jobs', 1, a)
  const mine = a.do(() => a.host.channel(1))
  const [came] = pass(a, jobs_a!, b, jobs!, [mine])
  a.do(() => a.host.scrub(mine))
  const send = b.do(() => b.host.send(came!, 'late'))
  net.run_for(LATE)
  assert.is(b.host.status(send), 'SCRUBBED')
})

test('a reference to a peer that cannot be reached ends with left, nothing hangs', () => {
  const { net, a, b, c } = trio()
  const [jobs, jobs_b] = a.share('jobs', 1, b)
  const theirs = c.do(() => c.host.channel(1, 'theirs'))
  assert.ok(theirs !== 0)
  const at_a = a.open('/c/theirs')
  net.stall(b, c)
  net.run_for(limits.LEFT_MS! + 1000)
  const [at_b] = pass(a, jobs!, b, jobs_b!, [at_a])
  const receive = b.do(() => b.host.receive(at_b!))
  assert.ok(a.sees(c) && b.sees(c), 'a vouches for c')
  assert.is(a.host.status(a.do(() => a.host.receive(at_a, { timeout: 50 }))), 'waiting')
  net.run_for(limits.UNREACHED_MS! + 1000)
  assert.is(b.host.status(receive), 'LEFT')
})

test('a reference to a former run of a peer meets no channel of the next', () => {
  const { net, a, b } = trio()
  const [, x_a] = b.share('x', 1, a)
  b.kill()
  net.run_for(4000)
  const again = net.join('b', 2, '', b.id)
  again.find(a)
  net.until(() => a.sees(again), 5000, 'b joined again')
  const x = again.do(() => again.host.channel(1, 'x'))
  const send = a.do(() => a.host.send(x_a!, 'for the former one'))
  net.run_for(LATE)
  assert.is(a.host.status(send), 'LEFT')
  assert.is(again.do(() => again.host.seen(x)).buffered, 0)
  const anew = a.open('/b/x')
  const fine = a.do(() => a.host.send(anew, 'for this one'))
  net.run_for(LATE)
  assert.is(a.host.status(fine), 'OK')
})

test('a reference to a former run that comes by a third peer fails, and holds up no other', () => {
  const { net, a, b, c } = trio()
  const [, x_a] = b.share('x', 1, a)
  const [y, y_a] = c.share('y', 1, a)
  b.kill()
  net.run_for(4000)
  const again = net.join('b', 2, '', b.id)
  again.find(a)
  again.find(c)
  net.until(() => a.sees(again) && c.sees(again), 9000, 'b joined again')
  const x = again.do(() => again.host.channel(1, 'x'))
  const [old] = pass(a, y_a!, c, y!, [x_a!])
  const lost = c.do(() => c.host.send(old!, 'for the former one'))
  const anew = c.open('/b/x')
  const fine = c.do(() => c.host.send(anew, 'for this one'))
  net.run_for(LATE)
  assert.equal([c.host.status(lost), c.host.outcome(lost).unknown], ['LEFT', false])
  assert.is(c.host.status(fine), 'OK')
  assert.is(again.do(() => again.host.seen(x)).buffered, 1)
})

test('a reference in a message that nobody receives is given up with it', () => {
  const { net, a, b } = trio()
  const [x, x_a] = b.share('x', 1, a)
  const mine = a.do(() => a.host.channel(1))
  a.do(() => a.host.send(x_a!, 'm', { refs: [mine] }))
  net.run_for(LATE)
  const used = b.host.door.cell('memory_bytes_used')
  b.do(() => b.host.scrub(x!))
  net.run_for(LATE)
  assert.ok(b.host.door.cell('memory_bytes_used') < used)
  b.host.check_settled(b.own_texts())
})

test('a message with a reference to an own channel that was scrubbed says so', () => {
  const { b } = trio()
  const [x, gone] = [b.do(() => b.host.channel(1)), b.do(() => b.host.channel(0, 'gone'))]
  b.do(() => b.host.scrub(gone))
  const plain = b.do(() => b.host.send(x, 'm', { refs: [gone] }))
  const select = b.do(() => b.host.select([{ send: x, text: 'n', refs: [gone] }]))
  assert.equal([plain, select].map((op) => b.host.status(op)), ['SCRUBBED', 'SCRUBBED'])
  const nothing = b.do(() => b.host.send(x, 'm', { refs: [0] }))
  assert.is(b.host.status(nothing), 'BAD_ARGUMENT')
  assert.is(b.do(() => b.host.seen(x)).buffered, 0)
})

test.run()
