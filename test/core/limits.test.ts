/**
 * What one peer may have of a core, each bound at its border: so many are fine, one more is not.
 *
 * Lives here: spec/limits.md with peers played by hand. Does not live here: bounds of one operation
 * (channel.test.ts), of a frame (session.test.ts), of links (link.test.ts), what is not
 * acknowledged (unheard.test.ts).
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { Flooder, KEPT, LINK, opened_at, works_on } from './flooder.ts'
import { codes, constants, limits } from './session-script.ts'
import type { Field } from './session-script.ts'

const MESSAGE_BYTES = limits.MESSAGE_BYTES_MAX!
const SELECT = constants('offer_flag').select!
const which = constants('limit')

const test = suite('core: limits')

test('LIM-1: OFFERS_PER_PEER_MAX offers are parked, the next cuts the peer', () => {
  const one = new Flooder()
  const ref = one.s.host.channel(0, 'c')
  one.many(limits.OFFERS_PER_PEER_MAX!, (nth) => one.say('offer_receive', [nth + 1, ref, 0, 0]))
  assert.is(one.s.host.seen(ref).receivers, limits.OFFERS_PER_PEER_MAX)
  assert.is(one.cut, undefined)
  one.say('offer_receive', [99_999, ref, 0, 0])
  assert.is(one.cut, codes.OVER_LIMIT)
  assert.is(one.s.host.seen(ref).receivers, 0, 'what it had parked went with it')
  works_on(one.s)
})

test('LIM-1: a select\'s offers and a reader\'s count as others do', () => {
  const one = new Flooder()
  const ref = one.s.host.channel(1, 'c')
  one.many(limits.OFFERS_PER_PEER_MAX! - 1, (nth) =>
    one.say('offer_receive', [nth + 1, ref, SELECT, nth + 1]))
  one.say('offer_reader', [88_888, ref, 1])
  assert.is(one.cut, undefined)
  one.say('offer_reader', [99_999, ref, 1])
  assert.is(one.cut, codes.OVER_LIMIT)
})

test('LIM-2 and LIM-9: PARKED_BYTES_PER_PEER_MAX bytes may wait, one more cuts the peer', () => {
  const one = new Flooder()
  const ref = one.s.host.channel(0, 'c')
  const count = limits.PARKED_BYTES_PER_PEER_MAX! / MESSAGE_BYTES
  for (let nth = 1; nth <= count; nth++) {
    one.say('offer_send', [nth, ref, 0, 0, []], MESSAGE_BYTES)
  }
  assert.is(one.s.host.seen(ref).senders, count)
  one.s.host.receive(ref)
  one.say('offer_send', [1_000, ref, 0, 0, []], MESSAGE_BYTES)
  assert.is(one.cut, undefined, 'what was received makes room')
  one.say('offer_send', [1_001, ref, 0, 0, []], 1)
  assert.is(one.cut, codes.OVER_LIMIT)
  works_on(one.s)
})

test('LIM-3 and LIM-10: CHANNELS_PER_PEER_MAX are made for a peer, the next is refused', () => {
  const one = new Flooder()
  const statuses: number[] = []
  one.many(limits.CHANNELS_PER_PEER_MAX!, (nth) => {
    one.say('make', [nth + 1, `c${nth}`, 0, 0])
    if (nth % 1_000 === 999) statuses.push(...one.statuses('reply'))
  })
  statuses.push(...one.statuses('reply'))
  assert.is(statuses.length, limits.CHANNELS_PER_PEER_MAX)
  assert.ok(statuses.every((status) => status === codes.OK))
  one.say('make', [99_999, 'another', 0, 0])
  assert.equal(one.statuses('reply'), [codes.TOO_MANY])
  one.s.host.scrub(0, 'c7')
  one.say('make', [99_999, 'another', 0, 0])
  assert.equal(one.statuses('reply'), [codes.OK])
  assert.is(one.cut, undefined)
})

test('LIM-4: REQUESTS_PER_PEER_MAX requests wait for a peer, the host\'s next is refused', () => {
  const one = new Flooder()
  const { host } = one.s
  const asked: number[] = []
  one.many(limits.REQUESTS_PER_PEER_MAX!, () => { asked.push(host.open('/AAA/x')) })
  assert.ok(asked.every((op) => host.status(op) === 'waiting'))
  assert.is(host.status(host.open('/AAA/x')), 'TOO_MANY')
  assert.is(host.status(host.list('/...', 1)), 'TOO_MANY', 'a list of all would leave it out')
  host.withdraw(asked[0]!)
  assert.is(host.status(host.open('/AAA/x')), 'TOO_MANY', 'it still owes the answer')
  const [first] = one.s.heard('open')
  one.received = first!.row[1] as number
  one.s.say(LINK, 'reply', [2, one.received, first!.fields.request!, codes.NO_SUCH_ANCHOR!, [0]])
  assert.is(host.status(host.open('/AAA/x')), 'waiting')
})

test('LIM-5: answers up to the bound wait for their acknowledgement, one more cuts', () => {
  const one = new Flooder()
  const bound = 10_000
  one.s.host.put('limit', { limit: which.answer_bytes!, value: bound })
  let answers = 0
  while (one.cut === undefined && answers < bound) {
    one.say('open', [1, 'none'])
    one.drain()
    answers++
  }
  assert.is(one.cut, codes.OVER_LIMIT)
  assert.ok(answers > bound / 40 && answers < bound / 20, `${answers} answers`)
  works_on(one.s)
})

test('LIM-5 and LIM-9: a peer that acknowledges may ask for ever', () => {
  const one = new Flooder()
  one.s.host.put('limit', { limit: which.answer_bytes!, value: 1_000 })
  for (let nth = 0; nth < 500; nth++) {
    one.say('open', [1, 'none'])
    one.drain()
    one.acknowledge()
  }
  assert.is(one.cut, undefined)
})

test('LIM-6: a peer that does not read its lists is refused more of them, and not cut', () => {
  const one = new Flooder()
  const names = 100
  const rows = Array.from({ length: names }, (_, nth) => `${'n'.repeat(250)}${nth}`)
  for (const name of rows) one.s.host.channel(0, name)
  const wanted = Math.ceil(limits.LIST_BYTES_MAX! / (names * 250)) + 1
  const statuses: number[] = []
  for (let nth = 0; nth < wanted; nth++) {
    one.say('list', [nth + 1, '', 1])
    one.drain()
    statuses.push(...one.statuses('reply'))
  }
  assert.is(statuses[0], codes.OK)
  assert.is(statuses.at(-1), codes.TOO_MANY)
  assert.is(one.cut, undefined)
})

test('LIM-7: a peer\'s messages fill its share of the buffers, the next send is refused', () => {
  const one = new Flooder()
  const ref = one.s.host.channel(100, 'c')
  const count = limits.STORED_BYTES_PER_PEER_MAX! / MESSAGE_BYTES
  for (let nth = 1; nth <= count; nth++) {
    one.say('offer_send', [nth, ref, 0, 0, []], MESSAGE_BYTES)
  }
  assert.is(one.s.host.seen(ref).buffered, count)
  assert.ok(one.statuses('end').every((status) => status === codes.OK))
  one.say('offer_send', [1_000, ref, 0, 0, []], 1)
  one.say('offer_send', [1_001, ref, SELECT, 1, []])
  assert.equal(one.statuses('end'), [codes.TOO_MANY, codes.TOO_MANY])
  assert.is(one.s.host.status(one.s.host.send(ref, 'own')), 'OK', 'others have their places')
  one.s.host.receive(ref)
  one.say('offer_send', [1_002, ref, 0, 0, []], MESSAGE_BYTES)
  assert.equal(one.statuses('end'), [codes.OK], 'what was received makes room')
})

test('LIM-7: selects that were held together do not go over the share together', () => {
  const one = new Flooder()
  const ref = one.s.host.channel(100, 'c')
  one.s.host.put('limit', { limit: which.stored_bytes!, value: MESSAGE_BYTES })
  one.say('offer_send', [1, ref, SELECT, 1, []])
  one.say('offer_send', [2, ref, SELECT, 2, []])
  assert.is(one.s.heard('claim').length, 2)
  one.say('grant', [1, 1, []], MESSAGE_BYTES)
  one.say('grant', [2, 1, []], 1)
  assert.equal(one.s.heard('end', 'unhold').map(({ name, fields }) => [name, fields.offer,
    fields.status]), [['end', 1, codes.OK], ['unhold', 2, undefined], ['end', 2, codes.TOO_MANY]])
  assert.is(one.s.host.seen(ref).buffered, 1)
})

test('LIM-8: references of a peer up to the bound are held, a send with more is refused', () => {
  const one = new Flooder()
  const bound = 4
  one.s.host.put('limit', { limit: which.refs_per_peer!, value: bound })
  const ref = one.s.host.channel(10, 'c')
  const refs = (from: number, count: number): Field[] =>
    Array.from({ length: count }, (_, nth) => [0, 3, 0x100000 + from + nth])
  one.say('offer_send', [1, ref, 0, 0, refs(1, bound)], 5)
  one.say('offer_send', [2, ref, 0, 0, refs(1, bound)], 5)
  one.say('offer_send', [3, ref, 0, 0, refs(9, 1)], 5)
  assert.equal(one.statuses('end'), [codes.OK, codes.OK, codes.TOO_MANY])
  for (let nth = 0; nth < 2; nth++) {
    const got = one.s.host.outcome(one.s.host.receive(ref))
    for (const one_ref of got.refs) one.s.host.release(one_ref)
  }
  one.say('offer_send', [4, ref, 0, 0, refs(20, bound)], 5)
  assert.equal(one.statuses('end'), [codes.OK], 'what was released makes room')
  assert.is(one.cut, undefined)
})

test('LIM-8: an owner that delivers more references than are held is cut', () => {
  const one = new Flooder()
  const { host } = one.s
  const opened = host.open('/AAA/x')
  const [asked] = one.s.heard('open')
  one.s.say(LINK, 'reply', [2, asked!.fields.number!, asked!.fields.request!, 0, [1, 0x100001]])
  const { value } = host.outcome(opened)
  host.put('limit', { limit: which.refs_per_peer!, value: 1 })
  const received = host.receive(value)
  const [offer] = one.s.heard('offer_receive')
  one.s.say(LINK, 'deliver', [3, offer!.fields.number!, offer!.fields.offer!, 0,
    [[0, 3, 0x100002]]], 'message')
  assert.is(one.cut, codes.OVER_LIMIT)
  assert.is(host.status(received), 'LEFT')
  works_on(one.s)
})

test('LIM-7: a select that brings its message to a rendezvous has a share there too', () => {
  const one = new Flooder()
  const { host } = one.s
  const ref = host.channel(0, 'c')
  host.put('limit', { limit: which.stored_bytes!, value: MESSAGE_BYTES })
  // Its own receives wait for what its selects bring, and never take it.
  for (const nth of [1, 2, 3]) one.say('offer_receive', [10 + nth, ref, 0, 0])
  for (const nth of [1, 2]) one.say('offer_send', [nth, ref, SELECT, nth, []])
  assert.equal(one.s.heard('claim').map(({ fields }) => fields.offer), [1, 2])
  one.drain()
  one.say('grant', [1, 1, []], MESSAGE_BYTES)
  assert.is(one.s.heard('deliver').length, 1)
  one.drain()
  one.say('grant', [2, 1, []], 1)
  one.say('offer_send', [3, ref, SELECT, 3, []])
  assert.equal(one.s.heard('end', 'unhold').map(({ name, fields }) => [name, fields.offer,
    fields.status]), [['unhold', 2, undefined], ['end', 2, codes.TOO_MANY],
    ['end', 3, codes.TOO_MANY]])
  assert.equal(host.held_payloads().length, KEPT + 1, 'one message is here')
  one.say('withdraw', [1])
  assert.is(host.held_payloads().length, KEPT + 1, 'its delivery may stand')
  one.say('offer_send', [4, ref, SELECT, 4, []])
  assert.equal(one.s.heard('claim').map(({ fields }) => fields.offer), [4], 'there is room again')
  one.say('withdraw', [11])
  assert.is(host.held_payloads().length, KEPT)
})

test('LIM-15: channels that were sent away count to their own host until scrubbed', () => {
  const one = new Flooder()
  const { host } = one.s
  const far = opened_at(one)
  const most = 5
  host.put('limit', { limit: which.channels!, value: most })
  const sent: number[] = []
  for (let nth = 0; nth < most; nth++) {
    const ref = host.channel(1)
    host.send(far, 'reply here', { refs: [ref] })
    host.release(ref)
    sent.push(ref)
  }
  assert.is(host.status(host.make(1)), 'TOO_MANY')
  host.scrub(sent[0]!)
  assert.is(host.status(host.make(1)), 'OK')
})

test.run()
