/**
 * PROTOCOL.md's rule 24: a reader's window, and readers of channels that have none.
 *
 * Lives here: readers across two cores. Does not live here: the door's records of readers
 * (test/core/reader.test.ts).
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { constants } from '../core/host.ts'
import { story, watch } from './wire.ts'
import { trio } from './stage.ts'
import type { Node } from './node.ts'

const test = suite('net: windows')

function reader_of(node: Node, ref: number, prefetch: number): number {
  return node.do(() => node.host.outcome(node.host.reader(ref, prefetch))).value
}

test('rule 24: a rendezvous channel has no window, and its reader\'s reads are receives', () => {
  const { net, a, b, c } = trio()
  const [, x_a, x_c] = b.share('x', 0, a, c)
  const log = watch(net)
  const reader = reader_of(c, x_c!, 4)
  const reads = [1, 2].map(() => c.do(() => c.host.read(reader)))
  net.run_for(60)
  assert.equal(story(log), ['c>b offer_reader', 'b>c end', 'c>b offer_receive',
    'c>b offer_receive'])
  for (const text of ['1', '2', '3']) a.do(() => a.host.send(x_a!, text))
  net.run_for(60)
  assert.equal(reads.map((op) => c.host.text(op)), ['1', '2'])
  const third = c.do(() => c.host.read(reader))
  net.run_for(60)
  assert.is(c.host.text(third), '3')
  const waits = [1, 2].map(() => c.do(() => c.host.read(reader, 500)))
  net.run_for(30)
  c.do(() => c.host.reader_end(reader))
  assert.equal(waits.map((op) => c.host.status(op)), ['WITHDRAWN', 'WITHDRAWN'])
})

test('rule 24: a read of a reader without a window times out and is withdrawn as a receive', () => {
  const { net, b, c } = trio()
  const [x, x_c] = b.share('x', 0, c)
  const reader = reader_of(c, x_c!, 4)
  const early = c.do(() => c.host.read(reader, 35))
  net.run_for(35)
  assert.is(c.host.status(early), 'TIMED_OUT', 'it began to wait before the answer came')
  const late = c.do(() => c.host.read(reader))
  net.run_for(30)
  assert.is(b.do(() => b.host.seen(x!)).receivers, 1)
  c.do(() => c.host.withdraw(late))
  net.run_for(30)
  assert.is(c.host.status(late), 'WITHDRAWN')
  assert.is(b.do(() => b.host.seen(x!)).receivers, 0)
})

test('rule 24: a reader that stops reading holds no sender and no select', () => {
  const { net, a, b, c } = trio()
  const [, x_a, x_c] = b.share('x', 0, a, c)
  const [y, y_a] = b.share('y', 1, a)
  const reader = reader_of(c, x_c!, 4)
  net.run_for(60)
  const plain = a.do(() => a.host.send(x_a!, 'm', { timeout: 100 }))
  const gone = a.do(() => a.host.send(x_a!, 'n'))
  const select = a.do(() => a.host.select([{ send: x_a!, text: 'o' }, { receive: y_a! }]))
  const timed = a.do(() => a.host.select([{ send: x_a!, text: 'p' }, { after: 100 }]))
  net.run_for(50)
  a.do(() => a.host.withdraw(gone))
  b.do(() => b.host.send(y!, 'other'))
  net.run_for(70)
  assert.equal([a.host.status(plain), a.host.status(gone)], ['TIMED_OUT', 'WITHDRAWN'])
  assert.is(a.host.text(select), 'other')
  assert.is(a.host.outcome(timed).which, 1)
  c.do(() => c.host.reader_end(reader))
})

test('rule 24: a close while a select is held for a reader\'s read leaves nothing behind', () => {
  const { net, a, b, c } = trio()
  const [x, x_a, x_c] = b.share('x', 0, a, c)
  const reader = reader_of(c, x_c!, 4)
  const read = c.do(() => c.host.read(reader))
  net.run_for(60)
  const select = a.do(() => a.host.select([{ send: x_a!, text: 'm' }]))
  net.run_for(15)
  b.do(() => b.host.close(x!))
  net.run_for(60)
  assert.equal([a.host.status(select), c.host.status(read)], ['CLOSED', 'CLOSED'])
  assert.is(c.host.status(c.do(() => c.host.read(reader))), 'waiting')
  net.run_for(60)
  const seen = b.do(() => b.host.seen(x!))
  assert.equal([seen.senders, seen.receivers, seen.out], [0, 0, 0])
})

test('rule 24: a latch has no window: each read is a copy', () => {
  const { net, b, c } = trio()
  const ref = b.do(() => b.host.channel(1, 'done', constants('make_flag').latch!))
  const ref_c = c.open('/b/done')
  b.do(() => b.host.send(ref, 'exit'))
  const reader = reader_of(c, ref_c, 2)
  const reads = [1, 2].map(() => c.do(() => c.host.read(reader)))
  net.run_for(80)
  assert.equal(reads.map((op) => c.host.text(op)), ['exit', 'exit'])
})

test('rule 24: at most its credit is out, and each read makes room for one more', () => {
  const { net, b, c } = trio()
  const [x, x_c] = b.share('x', 4, c)
  for (const text of ['1', '2', '3']) b.do(() => b.host.send(x!, text))
  const reader = reader_of(c, x_c!, 2)
  net.run_for(60)
  assert.is(b.do(() => b.host.seen(x!)).out, 2)
  const read = c.do(() => c.host.read(reader))
  net.run_for(60)
  assert.is(c.host.text(read), '1')
  const seen = b.do(() => b.host.seen(x!))
  assert.equal([seen.out, seen.buffered], [2, 2])
})

test('rule 24 [CH-38]: what a window holds goes back in order, marked if its reader died', () => {
  for (const dies of [true, false]) {
    const { net, b, c } = trio()
    const [x, x_c] = b.share('x', 4, c)
    for (const text of ['1', '2', '3', '4']) b.do(() => b.host.send(x!, text))
    const reader = reader_of(c, x_c!, 3)
    net.run_for(60)
    if (dies) c.kill()
    else c.do(() => c.host.reader_end(reader))
    net.run_for(4_000)
    const got = [1, 2, 3, 4].map(() => b.do(() => b.host.outcome(b.host.receive(x!))))
    assert.equal(got.map(({ text }) => text), ['1', '2', '3', '4'])
    assert.equal(got.map(({ again }) => again), [dies, dies, dies, false])
  }
})

test.run()
