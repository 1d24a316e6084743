/**
 * Readers with a prefetch window, in one core and over two.
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { Host, codes, limits } from './host.ts'
import { LOWER, Script, cbor } from './session-script.ts'
import type { Field } from './session-script.ts'
import { trio } from '../net/stage.ts'

const test = suite('core: readers')
const GRANT = 18
const OFFER_READER = 21

function reader_of(host: Host, ref: number, prefetch: number): number {
  const opened = host.outcome(host.reader(ref, prefetch))
  assert.is(opened.status, 'OK')
  return opened.value
}

test('a reader gives messages in order and then closed', () => {
  const host = new Host()
  const c = host.channel(4)
  const reader = reader_of(host, c, 3)
  for (const text of ['1', '2', '3', '4']) host.send(c, text)
  const texts = Array.from({ length: 4 }, () => host.text(host.read(reader)))
  assert.equal(texts, ['1', '2', '3', '4'])
  const waits = host.read(reader)
  assert.is(host.status(waits), 'waiting')
  host.close(c)
  assert.is(host.status(waits), 'CLOSED')
  assert.is(host.status(host.read(reader)), 'CLOSED')
  host.reader_end(reader)
  host.check_settled()
})

test('a read may be withdrawn or time out and eats nothing', () => {
  const host = new Host()
  const c = host.channel()
  const reader = reader_of(host, c, 2)
  const gone = host.read(reader)
  host.withdraw(gone)
  assert.is(host.status(gone), 'WITHDRAWN')
  const late = host.read(reader, 20)
  host.advance(20)
  assert.is(host.status(late), 'TIMED_OUT')
  host.send(c, 'm')
  assert.is(host.text(host.read(reader)), 'm')
})

test('a remote reader has at most its window out, and unread messages go back in order', () => {
  const { net, a, b, c } = trio()
  const [x, x_a, x_c] = b.share('x', 10, a, c)
  for (let nth = 0; nth < 8; nth++) b.do(() => b.host.send(x!, `${nth}`))
  const opened = a.do(() => a.host.reader(x_a!, 4))
  net.run_for(60)
  const reader = a.host.outcome(opened).value
  const first = a.do(() => a.host.read(reader))
  net.run_for(60)
  assert.is(a.host.text(first), '0')
  assert.ok(b.do(() => b.host.seen(x!)).out <= 4)
  a.do(() => a.host.reader_end(reader))
  net.run_for(60)
  const texts: string[] = []
  for (let nth = 1; nth < 8; nth++) {
    const receive = c.do(() => c.host.receive(x_c!))
    net.run_for(30)
    texts.push(c.host.text(receive))
  }
  assert.equal(texts, ['1', '2', '3', '4', '5', '6', '7'])
})

test('a remote reader that dies gives its unread messages back, marked again', () => {
  const { net, a, b } = trio()
  const [x, x_a] = b.share('x', 4, a)
  for (let nth = 0; nth < 4; nth++) b.do(() => b.host.send(x!, `${nth}`))
  a.do(() => a.host.reader(x_a!, 3))
  net.run_for(60)
  assert.is(b.do(() => b.host.seen(x!)).out, 3)
  a.kill()
  net.run_for(4000)
  const outcomes = Array.from({ length: 4 }, () =>
    b.do(() => b.host.outcome(b.host.receive(x!))))
  assert.equal(outcomes.map(({ text }) => text), ['0', '1', '2', '3'])
  assert.equal(outcomes.map(({ again }) => again), [true, true, true, false])
})

test('a remote reader goes on past its window, and across a broken link', () => {
  const { net, a, b } = trio()
  const [x, x_a] = b.share('x', 0, a)
  const opened = a.do(() => a.host.reader(x_a!, 8))
  net.run_for(60)
  const reader = a.host.outcome(opened).value
  const COUNT = 60
  for (let nth = 0; nth < COUNT; nth++) b.do(() => b.host.send(x!, `${nth}`))
  const texts: string[] = []
  for (let nth = 0; nth < COUNT; nth++) {
    if (nth === 20 || nth === 40) net.cut(a, b)
    const read = a.do(() => a.host.read(reader))
    net.until(() => a.host.status(read) !== 'waiting', 2000, `read ${nth}`)
    texts.push(a.host.text(read))
  }
  assert.equal(texts, Array.from({ length: COUNT }, (_, nth) => `${nth}`))
  net.run_for(100)
  assert.is(b.do(() => b.host.running.size), 0, 'every send is done')
})

test('stopping a reader ends the reads that wait, wherever the channel lives', () => {
  const { net, a, b } = trio()
  const [x, x_a] = b.share('x', 0, a)
  for (const [node, ref] of [[a, x_a!], [b, x!]] as const) {
    const opened = node.do(() => node.host.reader(ref, 2))
    net.run_for(60)
    const reader = node.host.outcome(opened).value
    const reads = [0, 1, 2].map(() => node.do(() => node.host.read(reader)))
    const other = node.do(() => node.host.receive(ref))
    net.run_for(60)
    node.do(() => node.host.reader_end(reader))
    assert.equal(reads.map((op) => node.host.status(op)), ['WITHDRAWN', 'WITHDRAWN', 'WITHDRAWN'])
    assert.is(node.host.status(other), 'waiting')
    node.do(() => node.host.withdraw(other))
  }
  net.run_for(100)
  assert.is(b.do(() => b.host.seen(x!)).receivers, 0)
})

test('stopping a reader ends no receive but its own reads', () => {
  const host = new Host()
  const c = host.channel()
  const reader = host.outcome(host.reader(c, 4)).value
  const read = host.read(reader)
  host.send(c, 'first')
  assert.is(host.text(read), 'first')
  const receive = host.receive(c)
  host.reader_end(reader)
  assert.is(host.status(receive), 'waiting')
  host.send(c, 'second')
  assert.is(host.text(receive), 'second')
  host.check_settled()
})

test('a prefetch over the limit is refused', () => {
  const host = new Host()
  const c = host.channel()
  assert.is(host.status(host.reader(c, limits.PREFETCH_MAX! + 1)), 'BAD_ARGUMENT')
  assert.is(host.status(host.reader(c, 0)), 'BAD_ARGUMENT')
  assert.is(host.status(host.read(12345)), 'BAD_ARGUMENT')
})

test('rule 24: a grant of more than is out is a violation that grants nothing', () => {
  const script = new Script()
  script.join(1, LOWER)
  const { host } = script
  const ref = host.channel(2)
  for (const text of ['1', '2']) host.send(ref, text)
  let number = 2
  const say = (kind: number, ...fields: Field[]): void => {
    const header = cbor([kind, number++, 0, ...fields])
    host.put('frame', { link: 1, header_bytes: header.length }, header)
  }
  say(OFFER_READER, 1, ref, 2)
  assert.is(host.seen(ref).out, 2)
  say(GRANT, 1, 3, [])
  assert.is(script.unlinked.at(-1)?.code, codes.BAD_FRAME)
  const rest = [1, 2].map(() => host.outcome(host.receive(ref)))
  assert.equal(rest.map(({ text, again }) => [text, again]), [['1', true], ['2', true]])
})

test.run()
