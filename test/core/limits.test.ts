/**
 * What one peer may have of a core, each bound at its border: so many are fine, one more is not.
 *
 * Lives here: spec/limits.md with peers played by hand. Does not live here: bounds of one operation
 * (channel.test.ts), of a frame (session.test.ts), of links (link.test.ts).
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { HIGHER, LOWER, Script, cbor, codes, constants, limits } from './session-script.ts'
import type { Field } from './session-script.ts'

const KINDS = { offer_receive: 16, offer_send: 17, grant: 18, withdraw: 19, offer_reader: 21,
  claim: 24, deliver: 25, end: 26, unhold: 27, make: 32, open: 33, list: 34, reply: 40 }
const MESSAGE_BYTES = limits.MESSAGE_BYTES_MAX!
const LINK = 1
const SELECT = constants('offer_flag').select!
const which = constants('limit')

/** A peer played by hand that says frames in the order of their numbers. */
class Flooder {
  readonly s = new Script()
  private number = 2
  /** What it says it has received; left as it is, it acknowledges nothing. */
  received = 0

  constructor() {
    this.s.join(LINK, LOWER)
    this.drain()
  }

  /** The core's window is never full. */
  drain(): void { this.s.host.put('link_ready', { link: LINK, taken_bytes: 0xffffffff }) }

  say(kind: keyof typeof KINDS, fields: Field[], payload_bytes = 0): void {
    const header = cbor([KINDS[kind], this.number++, this.received, ...fields])
    const payload = payload_bytes === 0 ? 0 : this.s.host.give('a payload')
    this.s.host.put('frame', { link: LINK, payload, payload_bytes, header_bytes: header.length },
      header)
  }

  /** Many frames in few calls of the core. */
  many(count: number, one: (nth: number) => void): void {
    this.s.host.batching = true
    for (let nth = 0; nth < count; nth++) {
      one(nth)
      if (nth % 500 === 499) {
        this.s.host.run()
        this.drain()
      }
    }
    this.s.host.batching = false
    this.s.host.run()
    this.drain()
  }

  /** The peer has all that was said. */
  acknowledge(): void {
    for (const { row } of this.s.heard()) {
      if (row[0] as number >= 16) this.received = Math.max(this.received, row[1] as number)
    }
  }

  statuses(name: string): number[] {
    const heard = this.s.heard(name).map(({ fields }) => fields.status as number)
    return heard
  }

  get cut(): number | undefined { return this.s.unlinked.at(-1)?.code }
}

/** After a cut the peer is gone, and another peer and the host work on. */
function works_on(s: Script): void {
  assert.equal(s.joined(), [], 'the one that went over is gone')
  s.join(2, HIGHER)
  const ref = s.host.channel(1)
  s.host.send(ref, 'm')
  assert.is(s.host.text(s.host.receive(ref)), 'm')
  assert.equal(s.joined(), [HIGHER])
}

/** Payloads of a core that has met one peer: the chain and info of both. */
const KEPT = new Flooder().s.host.held_payloads().length

/** A channel of the peer's, opened by this core. */
function opened_at(one: Flooder): number {
  const opened = one.s.host.open('/AAA/x')
  const [asked] = one.s.heard('open')
  one.received = asked!.fields.number!
  one.say('reply', [asked!.fields.request!, 0, [1, 0x100001]])
  return one.s.host.outcome(opened).value
}

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
  one.s.say(LINK, 'deliver', [3, offer!.fields.number!, offer!.fields.offer!, 0, [[0, 3, 0x100002]]], 'message')
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

test('LIM-13: a grant of a message that was not acknowledged cuts, whatever took it', () => {
  for (const kind of ['offer_receive', 'offer_reader'] as const) {
    const one = new Flooder()
    const ref = one.s.host.channel(3, 'c')
    one.say(kind, [1, ref, ...kind === 'offer_reader' ? [2] : [0, 0]])
    one.s.host.send(ref, 'm')
    one.say('grant', [1, 1, []])
    assert.is(one.cut, codes.BAD_FRAME, kind)
    const again = one.s.host.receive(ref)
    assert.is(one.s.host.text(again), 'm', 'the message is still here')
    works_on(one.s)
  }
})

test('LIM-13: who grants what it acknowledges keeps nothing here', () => {
  const one = new Flooder()
  const ref = one.s.host.channel(3, 'c')
  one.say('offer_reader', [1, ref, 2])
  for (let nth = 0; nth < 100; nth++) {
    one.s.host.send(ref, `m${nth}`)
    one.acknowledge()
    one.say('grant', [1, 1, []])
    one.drain()
    assert.is(one.s.host.held_payloads().length, KEPT)
  }
  assert.is(one.cut, undefined)
})

test('LIM-13: an owner must have the offer that it answers, and the asked one the request', () => {
  const answers: [string, (host: Flooder['s']['host'], far: number) => unknown,
    (one: Flooder, id: number) => void][] = [
    ['offer_send', (host, far) => host.send(far, 'm'), (one, id) => one.say('end', [id, 0])],
    ['offer_receive', (host, far) => host.receive(far),
      (one, id) => one.say('deliver', [id, 0, []], 1)],
    ['offer_receive', (host, far) => host.receive(far),
      (one, id) => one.say('claim', [id, codes.CLOSED!])],
    ['offer_receive', (host, far) => host.select([{ receive: far }]),
      (one, id) => one.say('claim', [id, 0])],
    ['open', (host) => host.open('/AAA/y'), (one, id) => one.say('reply', [id, 0, [1, 7]])]
  ]
  for (const [name, begin, answer] of answers) {
    for (const honest of [true, false]) {
      const one = new Flooder()
      const far = opened_at(one)
      begin(one.s.host, far)
      const [asked] = one.s.heard(name)
      if (honest) one.received = asked!.fields.number!
      answer(one, (asked!.fields.offer ?? asked!.fields.request)!)
      assert.is(one.cut, honest ? undefined : codes.BAD_FRAME, `${name} ${honest}`)
    }
  }
})

test('LIM-13: a select that brought its message is let go only by one who has it', () => {
  for (const kind of ['unhold', 'end'] as const) {
    for (const honest of [true, false]) {
      const one = new Flooder()
      const far = opened_at(one)
      one.s.host.select([{ send: far, text: 'm' }])
      const [offer] = one.s.heard('offer_send')
      one.received = offer!.fields.number!
      one.say('claim', [offer!.fields.offer!, 0])
      const [grant] = one.s.heard('grant')
      if (honest) one.received = grant!.fields.number!
      one.say(kind, [offer!.fields.offer!, ...kind === 'end' ? [0] : []])
      assert.is(one.cut, honest ? undefined : codes.BAD_FRAME, `${kind} ${honest}`)
    }
  }
})

test('LIM-14: a peer that takes back what it never acknowledged keeps no message here', () => {
  const one = new Flooder()
  const { host } = one.s
  const ref = host.channel(0, 'c')
  for (let nth = 1; nth <= 100; nth++) {
    one.say('offer_receive', [nth, ref, 0, 0])
    const send = host.send(ref, `m${nth}`)
    one.say('withdraw', [nth])
    assert.is(host.text(host.receive(ref)), `m${nth}`, 'the next receiver has it')
    assert.is(host.status(send), 'OK')
    assert.is(host.held_payloads().length, KEPT)
    one.drain()
  }
  assert.is(one.cut, undefined)
})

test('LIM-14: so with a window that ends, and a buffer that is scrubbed', () => {
  const one = new Flooder()
  const { host } = one.s
  for (let nth = 1; nth <= 20; nth++) {
    const ref = host.channel(10)
    one.say('offer_reader', [nth, ref, 5])
    for (let message = 0; message < 8; message++) host.send(ref, 'm')
    assert.is(host.held_payloads().length, KEPT + 8)
    host.scrub(ref)
    one.say('withdraw', [nth])
    one.drain()
    assert.is(host.held_payloads().length, KEPT)
  }
  assert.is(one.cut, undefined)
})

test('LIM-14: so when one window after another is given the same message', () => {
  const one = new Flooder()
  const { host } = one.s
  const ref = host.channel(1, 'c')
  host.send(ref, 'm')
  for (const nth of [1, 2, 3]) {
    one.say('offer_reader', [nth, ref, 1])
    assert.is(one.s.heard('deliver').length, 1)
    one.say('withdraw', [nth])
  }
  assert.is(host.text(host.receive(ref)), 'm')
  assert.is(host.held_payloads().length, KEPT)
})

test('LIM-14: a deliver that is sent again after its withdrawal has no message', () => {
  const one = new Flooder()
  const { s } = one
  const ref = s.host.channel(0, 'c')
  one.say('offer_receive', [1, ref, 0, 0])
  s.host.send(ref, 'm')
  const [deliver] = s.heard('deliver')
  assert.is(deliver!.payload, 'm')
  one.say('withdraw', [1])
  s.down(LINK)
  s.up(2, LOWER, true)
  s.hello(2, { your: 7, received: 0, epoch: 1, flags: constants('hello_flag').answer! })
  const resent = s.heard('deliver')
  assert.equal(resent.map(({ fields, payload }) => [fields.number, fields.offer, payload]),
    [[deliver!.fields.number, 1, '']])
})

test('WIRE-27: a deliver without its message is nothing for an offer that is known no more', () => {
  for (const known of [true, false]) {
    const one = new Flooder()
    const far = opened_at(one)
    const received = one.s.host.receive(far)
    const [offer] = one.s.heard('offer_receive')
    if (!known) one.s.host.withdraw(received)
    one.acknowledge()
    one.say('deliver', [offer!.fields.offer!, 0, []])
    assert.is(one.cut, known ? codes.BAD_FRAME : undefined)
  }
})

test('LIM-15: channels that were sent away count to their own host, until they are scrubbed', () => {
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
