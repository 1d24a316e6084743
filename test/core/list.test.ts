/**
 * Lists to another peer: one operation for many plain sends.
 *
 * Lives here: how far a list is taken, what its operation tells of each message. Does not live
 * here: lists within a core (now.test.ts), frames of many (sends.test.ts).
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { Flooder, KEPT, LINK, opened_at } from './flooder.ts'
import { ShortHost } from './short.ts'
import { codes, limits } from './session-script.ts'

const test = suite('core: lists')
const MOST = limits.LIST_AWAY_MAX!

interface Stage { one: Flooder, host: ShortHost, far: number }

function staged(): Stage {
  const host = new ShortHost()
  const one = new Flooder(host)
  const far = opened_at(one)
  host.run()
  one.acknowledge()
  return { one, host, far }
}

function texts_of(count: number): string[] {
  return Array.from({ length: count }, (_, nth) => `${nth}`)
}

/** The first offer of each frame of sends that was said since the last look, and their messages. */
function said({ one, host }: Stage): { offer: number, payloads: string[] }[] {
  host.run()
  const frames = one.s.heard('offer_send', 'offer_sends')
  one.received = Math.max(one.received, ...frames.map(({ fields }) => fields.number!))
  return frames.map(({ fields, payloads }) => ({ offer: fields.offer!, payloads }))
}

function statuses(host: ShortHost, ops: readonly number[]): string[] {
  return ops.map((op) => {
    const unknown = host.outcomes.get(op)?.unknown === true
    return unknown ? `${host.status(op)} unknown` : host.status(op)
  })
}

test('ABI-52: a list is offered as single sends are, and told as its messages end', () => {
  const stage = staged()
  const { one, host, far } = stage
  const before = host.door.cell('memory_bytes_used')
  const first = host.send(far, 'x')
  const list = host.send_list(far, ['a', 'b', 'c', 'd'])
  const last = host.send(far, 'y')
  const frames = said(stage)
  assert.equal(frames.map(({ payloads }) => payloads), [['x', 'a', 'b', 'c', 'd', 'y']])
  const { offer } = frames[0]!
  one.say('ends', [offer, 3])
  assert.equal(statuses(host, [first, ...list, last]),
    ['OK', 'OK', 'OK', 'waiting', 'waiting', 'waiting'])
  one.say('ends', [offer + 3, 3])
  assert.equal(statuses(host, [...list, last]), ['OK', 'OK', 'OK', 'OK', 'OK'])
  host.run()
  assert.is(host.held_payloads().length, KEPT)
  assert.is(host.running.size, 0)
  assert.ok(host.door.cell('memory_bytes_used') <= before)
})

test('ABI-52: each message of a list ends by itself, in any order', () => {
  const stage = staged()
  const { one, host, far } = stage
  const list = host.send_list(far, ['a', 'b', 'c', 'd', 'e'])
  const { offer } = said(stage)[0]!
  one.say('end', [offer + 2, codes.RECEIVER_LEFT!])
  assert.equal(statuses(host, list),
    ['waiting', 'waiting', 'RECEIVER_LEFT unknown', 'waiting', 'waiting'])
  one.say('end', [offer + 1, 0])
  one.say('end', [offer + 4, codes.CLOSED!])
  one.say('end', [offer, codes.SCRUBBED!])
  assert.is(host.running.size, 2)
  one.say('end', [offer + 3, codes.NOT_PERMITTED!])
  assert.equal(statuses(host, list),
    ['SCRUBBED', 'OK', 'RECEIVER_LEFT unknown', 'NOT_PERMITTED', 'CLOSED'])
  host.run()
  assert.is(host.running.size, 0)
  assert.is(host.held_payloads().length, KEPT)
})

test('ABI-52: one frame of ends tells several lists, and what another has no more it skips', () => {
  const stage = staged()
  const { one, host, far } = stage
  const lists = [['a', 'b'], ['c', 'd', 'e'], ['f']].map((texts) => host.send_list(far, texts))
  const { offer } = said(stage)[0]!
  one.say('ends', [offer + 1, 3])
  assert.equal(lists.map((list) => statuses(host, list)),
    [['waiting', 'OK'], ['OK', 'OK', 'waiting'], ['waiting']])
  one.say('end', [offer, codes.CLOSED!])
  one.say('ends', [offer + 4, 2])
  assert.equal(lists.map((list) => statuses(host, list)),
    [['CLOSED', 'OK'], ['OK', 'OK', 'OK'], ['OK']])
  assert.is(host.running.size, 0)
})

test('ABI-52: when the owner is lost, all that have not ended are, and nobody knows', () => {
  const stage = staged()
  const { one, host, far } = stage
  const list = host.send_list(far, ['a', 'b', 'c'])
  const { offer } = said(stage)[0]!
  one.say('end', [offer + 1, 0])
  one.say('ends', [offer + 1, 2])
  assert.is(one.cut, codes.BAD_FRAME, 'one of them had ended')
  assert.equal(statuses(host, list), ['LEFT unknown', 'OK', 'LEFT unknown'])
  assert.is(host.running.size, 0)
  assert.equal(host.send_list(far, ['d']), [])
  assert.is(host.status(host.send(far, 'd')), 'LEFT')
})

test('ABI-52: a withdrawal changes nothing, and the id is in use until the last has ended', () => {
  const stage = staged()
  const { one, host, far } = stage
  const list = host.send_list(far, ['a', 'b'])
  const { offer } = said(stage)[0]!
  const [id] = [...host.running].find(([, { kind }]) => kind === 'list')!
  host.withdraw(id)
  host.take(id)
  one.say('end', [offer, 0])
  host.withdraw(id)
  assert.equal(host.door.now('send_list_now', id, far, 1), 0)
  assert.equal(one.s.names(LINK).filter((name) => name !== 'ack'), [])
  assert.equal(statuses(host, list), ['OK', 'waiting'])
  one.say('end', [offer + 1, 0])
  assert.equal(statuses(host, list), ['OK', 'OK'])
})

test('ABI-52: a list ends where a message cannot go, and is none without the first', () => {
  const stage = staged()
  const { one, host, far } = stage
  const given = host.held_payloads().length
  const largest = limits.MESSAGE_BYTES_MAX!
  const call = (op: number, ref: number, list: readonly number[]): number => {
    host.door.write(list)
    return host.door.now('send_list_now', op, ref, list.length / 2)
  }
  assert.is(call(77, far, [0, 1]), 0, 'no payload')
  assert.is(call(77, far, [1, largest + 1]), 0, 'too large')
  assert.is(call(0, far, [1, 1]), 0, 'no operation')
  assert.is(call(77, host.channel(4), [1, 1]), 0, 'a channel of this core')
  assert.is(call(77, far + 5, [1, 1]), 0, 'no reference')
  assert.is(call(77, far, []), 0, 'an empty list')
  const [a, b] = [host.give('a'), host.give('b')]
  assert.is(call(77, far, [a, 1, b, 1, 0, 1, 5, 1]), 2)
  const { offer, payloads } = said(stage)[0]!
  assert.equal(payloads, ['a', 'b'])
  host.running.set(77, { kind: 'send', offered: false })
  one.say('ends', [offer, 2])
  assert.is(host.outcome(77).value, 2)
  host.run()
  assert.is(host.held_payloads().length, given)
  one.s.down(LINK)
  assert.equal(host.send_list(far, ['c']), [], 'no link')
})

test('WIRE-12: a list goes as far as the owner has room, and waits for nothing', () => {
  const stage = staged()
  const { one, host, far } = stage
  const large = 'm'.repeat(limits.MESSAGE_BYTES_MAX!)
  const most = limits.PARKED_BYTES_PER_PEER_MAX! / large.length
  const list = host.send_list(far, Array<string>(most + 2).fill(large))
  assert.is(list.length, most)
  const behind = host.send(far, 'behind')
  assert.equal(host.send_list(far, ['later']), [], 'another waits for room')
  one.drain()
  host.run()
  for (;;) {
    one.drain()
    host.run()
    const frames = said(stage)
    if (frames.length === 0) break
    for (const { offer } of frames) one.say('end', [offer, 0])
  }
  assert.equal(statuses(host, [...list, behind]), Array<string>(most + 1).fill('OK'))
})

test('WIRE-12: so many offers are out and no more, of lists too', () => {
  const stage = staged()
  const { host, far } = stage
  const offers = limits.OFFERS_PER_PEER_MAX!
  const texts = texts_of(MOST + 1)
  for (let left = offers; left > 0; left -= MOST) {
    assert.is(host.send_list(far, texts).length, Math.min(left, MOST))
  }
  assert.equal(host.send_list(far, texts), [])
})

test.run()
