/**
 * What one peer may keep here by never saying that it has got something: no message.
 *
 * Lives here: answers to what was not acknowledged, offers that end before their message was, with
 * peers played by hand. Does not live here: the other bounds of a peer (limits.test.ts).
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { Flooder, KEPT, LINK, opened_at, works_on } from './flooder.ts'
import { LOWER, codes, constants } from './session-script.ts'

const test = suite('core: what is not acknowledged')

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
    ['offer_send', (host, far) => host.send(far, 'm'), (one, id) => one.say('ends', [id, 1])],
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

test.run()
