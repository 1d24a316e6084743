/**
 * The second door between peers: sends to others, messages out of a window.
 *
 * Lives here: what they put off until the next run, and that nothing else differs from records.
 * Does not live here: the second door within one peer (test/core/now.test.ts).
 */
import * as assert from 'uvu/assert'
import { Flooder, opened_at } from '../core/flooder.ts'
import { constants, limits } from '../core/door.ts'
import { ShortHost } from '../core/short.ts'
import { Random } from '../property/random.ts'
import { suite } from '../suite.ts'
import type { Node } from './node.ts'
import { trio } from './stage.ts'
import type { Trio } from './stage.ts'
import { watch } from './wire.ts'

const test = suite('net: the second door')
const { record: RECORD, done: DONE } = constants('now') as { record: number, done: number }
const AGAIN = constants('deliver_flag').again!
const SEEDS = 12
const MESSAGES = 60

function short_trio(seed = 1): Trio {
  return trio(['a', 'b', 'c'], { seed, second_door: 'all' })
}

const answers = ({ host }: Node) => (host as ShortHost).answers

function reader_of(node: Node, ref: number, prefetch: number): number {
  return node.do(() => node.host.outcome(node.host.reader(ref, prefetch))).value
}

test('ABI-49: sends to another peer wait for the next run and go together', () => {
  const { net, a, b } = short_trio()
  const [x, x_a] = b.share('x', 4, a)
  const log = watch(net)
  const ops = a.do(() => {
    const made = ['1', '2', '3'].map((text) => a.host.send(x_a!, text))
    assert.equal([answers(a).parked, log.length], [3, 0], 'nothing was put out')
    return made
  })
  net.run_for(60)
  assert.equal(ops.map((op) => a.host.status(op)), ['OK', 'OK', 'OK'])
  const { name, text } = log[0]!
  assert.equal([name, text], ['offer_sends', '1 2 3'], 'one turn says all')
  const texts = [1, 2, 3].map(() => b.do(() => b.host.text(b.host.receive(x!))))
  assert.equal(texts, ['1', '2', '3'])
  assert.equal(a.host.held_payloads().filter((text) => text.length === 1), [])
})

test('ABI-49: what the host asks for next goes after them', () => {
  const { net, a, b } = short_trio()
  const [, x_a] = b.share('x', 4, a)
  const ops = a.do(() => [a.host.send(x_a!, '1'), a.host.send(x_a!, '2'), a.host.close(x_a!)])
  net.run_for(60)
  assert.equal(ops.map((op) => a.host.status(op)), ['OK', 'OK', 'OK'])
})

test('ABI-49: one that would have to wait is told so when it only tries', () => {
  const { net, a, b } = short_trio()
  const [, x_a] = b.share('x', 1, a)
  const ops = a.do(() => ['1', '2'].map((text) => a.host.send(x_a!, text, { try: true })))
  net.run_for(60)
  assert.equal(ops.map((op) => a.host.status(op)), ['OK', 'WOULD_BLOCK'])
})

test('ABI-49: without a session or a link, and for what is no message, there is a record', () => {
  const { net, a, b } = short_trio()
  const [, x_a] = b.share('x', 4, a)
  const { door } = a.host
  const op = 1 << 20 | 4_000
  for (const asked of [[0, x_a!, 9, 1, 0], [op, x_a!, 0, 1, 0],
    [op, x_a!, 9, limits.MESSAGE_BYTES_MAX! + 1, 0], [op, 0xffffffff, 9, 1, 0]]) {
    assert.is(door.now('send_now', ...asked), RECORD, asked.join(' '))
  }
  net.cut(a, b)
  net.run_for(11)
  const op_cut = a.do(() => a.host.send(x_a!, 'm'))
  assert.equal([answers(a).record, answers(a).parked], [1, 0])
  net.run_for(500)
  assert.is(a.host.status(op_cut), 'OK')
  b.kill()
  net.run_for(10_000)
  assert.is(a.host.status(a.do(() => a.host.send(x_a!, 'n'))), 'LEFT')
  assert.is(answers(a).record, 2)
  assert.equal(a.host.held_payloads().filter((text) => text.length === 1), [])
})

test('ABI-48: what has arrived comes without a record, and is granted once', () => {
  const { net, b, c } = short_trio()
  const [x, x_c] = b.share('x', 8, c)
  for (const text of ['1', '2', '3', '4']) b.do(() => b.host.send(x!, text))
  const reader = reader_of(c, x_c!, 8)
  net.run_for(60)
  const log = watch(net)
  const ops = c.do(() => [1, 2, 3].map(() => c.host.read(reader)))
  assert.equal(ops.map((op) => c.host.text(op)), ['1', '2', '3'])
  assert.is(answers(c).done, 3)
  net.run_for(60)
  assert.equal(log.map(({ name, fields }) => [name, fields.count]), [['grant', 3]])
  const seen = b.do(() => b.host.seen(x!))
  assert.equal([seen.buffered, seen.out], [1, 1])
  c.do(() => c.host.reader_end(reader))
  net.run_for(60)
  assert.is(b.do(() => b.host.text(b.host.receive(x!))), '4', 'what was not read goes back')
  assert.is(c.host.door.now('read_now', reader), RECORD, 'a reader that has ended')
})

test('ABI-48: what was read is granted before the reader ends, and before the goodbye', () => {
  for (const leaving of [false, true]) {
    const { net, b, c } = short_trio()
    const [x, x_c] = b.share('x', 8, c)
    for (const text of ['1', '2']) b.do(() => b.host.send(x!, text))
    const reader = reader_of(c, x_c!, 8)
    net.run_for(60)
    c.do(() => {
      assert.is(c.host.text(c.host.read(reader)), '1')
      if (leaving) c.host.leave()
      else c.host.reader_end(reader)
    })
    net.run_for(60)
    assert.is(b.do(() => b.host.text(b.host.receive(x!))), '2')
    assert.is(b.do(() => b.host.seen(x!)).buffered, 0, 'the first was taken')
  }
})

test('ABI-48: at a channel of this core a reader takes what stands there', () => {
  const { b } = short_trio()
  const x = b.do(() => b.host.channel(1))
  const reader = reader_of(b, x, 4)
  const sends = ['1', '2'].map((text) => b.do(() => b.host.send(x, text)))
  assert.equal(sends.map((op) => b.host.status(op)), ['OK', 'waiting'])
  assert.is(b.do(() => b.host.text(b.host.read(reader))), '1')
  assert.is(b.host.status(sends[1]!), 'OK')
  assert.is(b.do(() => b.host.text(b.host.read(reader))), '2')
  assert.is(b.host.status(b.do(() => b.host.read(reader))), 'waiting')
})

test('ABI-48: a message that comes again, or brings references, takes a record', () => {
  const one = new Flooder()
  const { host } = one.s
  const far = opened_at(one)
  const reader = host.outcome(host.reader(far, 4)).value
  const [offer] = one.s.heard('offer_reader')
  one.received = offer!.fields.number!
  one.say('deliver', [offer!.fields.offer!, AGAIN, []], 1)
  one.say('deliver', [offer!.fields.offer!, 0, [[0, 1, 7]]], 1)
  one.say('deliver', [offer!.fields.offer!, 0, []], 1)
  assert.is(host.door.now('read_now', reader), RECORD)
  assert.is(host.outcome(host.read(reader)).again, true)
  assert.is(host.door.now('read_now', reader), RECORD)
  assert.is(host.outcome(host.read(reader)).refs.length, 1)
  assert.is(host.door.now('read_now', reader), DONE)
  assert.is(host.door.now('read_now', reader), RECORD, 'there is none')
  assert.is(one.cut, undefined)
})

test('ABI-53: a list of what has arrived ends where a read would take a record', () => {
  const host = new ShortHost()
  const one = new Flooder(host)
  const far = opened_at(one)
  const reader = host.outcome(host.reader(far, 9)).value
  const [asked] = one.s.heard('offer_reader')
  one.received = asked!.fields.number!
  const offer = asked!.fields.offer!
  for (const flags of [0, 0, 0, AGAIN, 0]) one.say('deliver', [offer, flags, []], 1)
  assert.equal(host.read_list(reader, 0), [])
  assert.is(host.read_list(reader, 2).length, 2)
  assert.is(host.read_list(reader, 9).length, 1, 'one comes again')
  assert.equal(host.read_list(reader, 9), [])
  assert.is(host.outcome(host.read(reader)).again, true)
  assert.is(host.read_list(reader, 0xffffffff).length, 1)
  host.run()
  assert.equal(one.s.heard('grant').map(({ fields }) => fields.count), [4, 1])
  assert.equal(host.read_list(reader + 1, 9), [], 'no reader')
  const here = host.channel(3)
  for (const text of ['1', '2', '3', '4']) host.send(here, text)
  const plain = host.outcome(host.reader(here, 1)).value
  assert.equal(host.read_list(plain, 9).map((op) => host.text(op)), ['1', '2', '3', '4'])
})

test('ABI-53: a list has LIST_NOW_MAX messages at most', () => {
  const host = new ShortHost()
  const one = new Flooder(host)
  const most = limits.LIST_NOW_MAX!
  const far = opened_at(one)
  const reader = host.outcome(host.reader(far, most + 2)).value
  const [asked] = one.s.heard('offer_reader')
  one.received = asked!.fields.number!
  one.many(most + 2, () => { one.say('deliver', [asked!.fields.offer!, 0, []], 1) })
  assert.equal([9e9, 9].map((count) => host.read_list(reader, count).length), [most, 2])
})

test('ABI-52, ABI-53: through windows lists come once and in order, over cuts too', () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = new Random(seed)
    const { net, a, b, c } = short_trio(seed)
    const [, x_a, x_c] = b.share('x', random.between(1, 9), a, c)
    const prefetch = random.between(1, 9)
    let reader = reader_of(c, x_c!, prefetch)
    const [from, to] = [a.host as ShortHost, c.host as ShortHost]
    const sends: number[] = []
    const reads: number[] = []
    for (let step = 0; step < 400 && reads.length < MESSAGES; step++) {
      a.do(() => {
        const count = Math.min(random.below(7), MESSAGES - sends.length)
        const texts = Array.from({ length: count }, (_, nth) => `${sends.length + nth}`)
        if (random.once_in(3)) sends.push(...texts.map((text) => from.send(x_a!, text)))
        else sends.push(...from.send_list(x_a!, texts))
      })
      c.do(() => {
        reads.push(...to.read_list(reader, random.below(7)))
        if (random.once_in(9)) {
          to.reader_end(reader)
          reader = to.outcome(to.reader(x_c!, prefetch)).value
        }
      })
      if (random.once_in(20)) net.cut(a, random.pick([b, c]))
      net.run_for(random.pick([0, 5, 40]))
      if (random.once_in(3)) net.heal_all()
    }
    assert.equal(reads.map((op) => Number(to.text(op))),
      Array.from({ length: MESSAGES }, (_, nth) => nth), `seed ${seed}`)
    net.heal_all()
    net.run_for(5_000)
    assert.equal(sends.filter((op) => from.status(op) !== 'OK'), [], `seed ${seed}`)
    assert.equal([...from.running.values(), ...to.running.values()], [])
  }
})

test('ABI-54: messages for a reader elsewhere need no record, and go together', () => {
  const { net, b, c } = short_trio()
  const [x, x_c] = b.share('x', 8, c)
  const reader = reader_of(c, x_c!, 4)
  net.run_for(60)
  const log = watch(net)
  const host = b.host as ShortHost
  const other = b.do(() => host.channel())
  b.do(() => {
    const made = [host.send(x!, '1'), host.send(x!, '2', { try: true }),
      ...host.send_list(x!, ['3', '4', '5']),
      host.select([{ send: x!, text: '6' }, { receive: other }])]
    assert.equal(made.map((op) => host.status(op)), made.map(() => 'OK'))
    assert.equal([answers(b).record, log.length], [0, 0], 'nothing was put out')
  })
  net.run_for(60)
  assert.equal(log.map(({ name, text }) => `${name} ${text}`), ['delivers 1 2 3 4'])
  const texts = [1, 2, 3, 4, 5, 6].map(() => {
    const read = c.do(() => c.host.read(reader))
    net.run_for(60)
    return c.host.text(read)
  })
  assert.equal(texts, ['1', '2', '3', '4', '5', '6'])
  assert.equal(b.do(() => host.seen(x!).buffered), 0)
  assert.equal(host.held_payloads().filter((text) => text.length === 1), [])
})

test('ABI-54: who was first in line is served first, and in a full buffer senders wait', () => {
  const { net, b, c } = short_trio()
  const [x, x_c] = b.share('x', 2, c)
  const { host } = b
  const receive = b.do(() => host.receive(x!))
  const reader = reader_of(c, x_c!, 8)
  net.run_for(60)
  const ops = b.do(() => ['1', '2', '3', '4'].map((text) => host.send(x!, text)))
  assert.is(host.text(receive), '1')
  assert.equal(ops.map((op) => host.status(op)), ['OK', 'OK', 'OK', 'waiting'])
  net.run_for(60)
  const reads = c.do(() => [2, 3, 4].map(() => c.host.read(reader)))
  net.run_for(60)
  assert.equal(reads.map((op) => c.host.text(op)), ['2', '3', '4'])
  assert.is(host.status(ops[3]!), 'OK')
})

test('ABI-54: without a link it waits for the next one, and what is not read comes back', () => {
  const { net, b, c } = short_trio()
  const [x, x_c] = b.share('x', 8, c)
  const reader = reader_of(c, x_c!, 8)
  net.run_for(60)
  net.cut(b, c)
  net.run_for(11)
  const ops = b.do(() => ['1', '2'].map((text) => b.host.send(x!, text)))
  assert.equal([ops.map((op) => b.host.status(op)), answers(b).record], [['OK', 'OK'], 0])
  net.run_for(500)
  const read = c.do(() => c.host.read(reader))
  assert.is(c.host.text(read), '1')
  c.do(() => c.host.reader_end(reader))
  net.run_for(60)
  assert.is(b.do(() => b.host.text(b.host.receive(x!))), '2')
})

test('ABI-48, ABI-49, ABI-54: through windows all comes once and in order', () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = new Random(seed)
    const { net, a, b, c } = short_trio(seed)
    const [x, x_a, x_c] = b.share('x', random.between(1, 9), a, c)
    // At another peer than the channel, or beside it.
    const [from, to] = seed % 2 === 0 ? [a, x_a!] : [b, x!]
    const prefetch = random.between(1, 9)
    let reader = reader_of(c, x_c!, prefetch)
    let sent = 0
    const reads: number[] = []
    const ended: number[] = []
    for (let step = 0; step < 400 && ended.length < MESSAGES; step++) {
      from.do(() => {
        for (let n = random.below(5); n > 0 && sent < MESSAGES; n--) from.host.send(to, `${sent++}`)
      })
      c.do(() => {
        for (let n = random.below(5); n > 0; n--) reads.push(c.host.read(reader))
        if (random.once_in(9)) {
          c.host.reader_end(reader)
          reader = c.host.outcome(c.host.reader(x_c!, prefetch)).value
        }
      })
      net.run_for(random.pick([0, 5, 40]))
      for (const op of reads.splice(0)) {
        const status = c.host.status(op)
        if (status === 'waiting') reads.push(op)
        else if (status === 'OK') ended.push(Number(c.host.text(op)))
        else assert.is(status, 'WITHDRAWN')
      }
    }
    assert.equal(ended, Array.from({ length: MESSAGES }, (_, nth) => nth), `seed ${seed}`)
    assert.ok(answers(c).done! > 0 && answers(from).record === 0, `seed ${seed}`)
  }
})

test('ABI-49: a send that is under way when its owner leaves is not known to be done', () => {
  const { net, a, b } = short_trio()
  const [, x_a] = b.share('x', 0, a)
  const op = a.do(() => a.host.send(x_a!, 'm'))
  net.run_for(60)
  assert.is(a.host.status(op), 'waiting')
  b.kill()
  net.run_for(10_000)
  assert.equal([a.host.status(op), a.host.outcome(op).unknown], ['LEFT', true])
})

test.run()
