/**
 * One frame for plain sends to one channel that follow each other.
 *
 * Lives here: which sends share a frame, what an owner makes of them, frames that come again. Does
 * not live here: bytes (test/js/frames.test.ts), two cores (test/vectors/crossings.ts).
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { frame_record } from './frames.ts'
import { Flooder, KEPT, LINK, opened_at } from './flooder.ts'
import { LOWER, cbor, codes, limits } from './session-script.ts'

const test = suite('core: sends')
const MOST = limits.PAYLOADS_PER_FRAME_MAX!
const KIND = 22
const OFFER = 77

/** A host whose operations go in at once when `run` is called. */
function gathering(one: Flooder, act: () => void): void {
  one.s.host.batching = true
  act()
  one.s.host.batching = false
  one.s.host.run()
}

/** What the core said of its sends since the last look: `offer count` of each frame. */
function said(one: Flooder): string[] {
  return one.s.heard('offer_send', 'offer_sends').map(({ fields, payloads }) =>
    `${fields.offer! & 0xff} ${payloads.length}`)
}

/** What the core said of a peer's offers since the last look. */
function told(one: Flooder): string[] {
  return one.s.heard('end', 'ends', 'deliver', 'claim').map(({ name, fields }) =>
    `${name} ${fields.offer} ${fields.count ?? fields.status ?? ''}`.trim())
}

test('WIRE-39: many sends are as many frames as their number asks for', () => {
  const one = new Flooder()
  const { host } = one.s
  const far = opened_at(one)
  for (const [count, frames] of [[1, ['1']], [2, ['2']], [MOST, [`${MOST}`]],
    [MOST + 1, [`${MOST}`, '1']], [2 * MOST + 3, [`${MOST}`, `${MOST}`, '3']]] as const) {
    gathering(one, () => { for (let nth = 0; nth < count; nth++) host.send(far, `${nth}`) })
    assert.equal(said(one).map((line) => line.split(' ')[1]), frames)
    one.drain()
  }
})

test('WIRE-39: a send that comes when the frame has left has one of its own', () => {
  const one = new Flooder()
  const far = opened_at(one)
  for (const text of ['x', 'y']) one.s.host.send(far, text)
  assert.equal(said(one).map((line) => line.split(' ')[1]), ['1', '1'])
})

test('SES-18: what waits for a link grows, what was given to one comes again as it was', () => {
  const one = new Flooder()
  const { host } = one.s
  const far = opened_at(one)
  gathering(one, () => { host.send(far, 'a'); host.send(far, 'b') })
  one.s.down(LINK)
  for (const text of ['c', 'd', 'e']) host.send(far, text)
  one.s.heard()
  one.s.up(2, LOWER, false)
  one.s.hello(2, { your: 7, received: one.received, epoch: 1 })
  one.s.say(2, 'ack', [one.received])
  const again = one.s.heard('offer_send', 'offer_sends')
  assert.equal(again.map(({ payloads }) => payloads), [['a', 'b'], ['c', 'd', 'e']])
  assert.equal(again.map(({ name }) => name), ['offer_sends', 'offer_sends'])
})

test('WIRE-39: each has its outcome, whatever became of those before it', () => {
  const one = new Flooder()
  const { host } = one.s
  const ref = host.channel(2, 'c')
  one.say_sends(1, ref, ['a', 'b', 'c', 'd'])
  assert.equal(told(one), ['ends 1 2'], 'two have a place')
  assert.is(host.text(host.receive(ref)), 'a')
  assert.equal(told(one), ['end 3 0'])
  host.close(ref)
  assert.equal(told(one), [`end 4 ${codes.CLOSED}`])
  assert.equal(['b', 'c'].map(() => host.text(host.receive(ref))), ['b', 'c'])
  one.say_sends(5, ref, ['e', 'f'])
  assert.equal(told(one), [`end 5 ${codes.CLOSED}`, `end 6 ${codes.CLOSED}`])
  one.say_sends(7, 99, ['g', 'h'])
  assert.equal(told(one), [`end 7 ${codes.SCRUBBED}`, `end 8 ${codes.SCRUBBED}`])
  assert.is(host.held_payloads().length, KEPT)
})

test('WIRE-39: one is worked off to its end before the next is looked at', () => {
  // Room for one message of this peer's: the second has it when the first was taken meanwhile.
  const one = new Flooder()
  const { host } = one.s
  const size = 1000
  host.put('limit', { limit: 6, value: size })
  const ref = host.channel(4, 'c')
  const receives = [0, 1, 2].map(() => host.receive(ref))
  one.say_sends(1, ref, ['a', 'b', 'c', 'd', 'e'].map((text) => text.padEnd(size)))
  assert.equal(told(one), ['ends 1 4', `end 5 ${codes.TOO_MANY}`])
  assert.equal(receives.map((op) => host.text(op)[0]), ['a', 'b', 'c'])
})

test('WIRE-39: those before one that is a violation have happened, no others', () => {
  const one = new Flooder()
  const { host } = one.s
  const ref = host.channel(8, 'c')
  one.say('offer_receive', [OFFER + 2, host.channel(0, 'd'), 0, 0])
  one.say_sends(OFFER, ref, ['a', 'b', 'c', 'd'])
  assert.is(one.cut, codes.BAD_FRAME)
  assert.is(host.seen(ref).buffered, 2)
  assert.equal(host.held_payloads().filter((text) => text.length === 1), ['a', 'b'])
})

test('WIRE-19: a series that is none is a violation, and all it brought is given back', () => {
  const header = (...row: number[]): Uint8Array => cbor(row)
  const bad: [name: string, header: (number: number, ref: number) => Uint8Array, bytes: number[],
    code: string][] = [
    ['of one', (number, ref) => header(KIND, number, 0, OFFER, ref), [1], 'BAD_FRAME'],
    ['of another kind', (number) => header(19, number, 0, OFFER), [1, 1], 'BAD_FRAME'],
    ['of a hello', () => header(1, 1, 1, 0, 0, 0, 0), [1, 1], 'BAD_FRAME'],
    ['too long', (number, ref) => header(KIND, number, 0, OFFER, ref),
      [1, limits.MESSAGE_BYTES_MAX! + 1], 'OVER_LIMIT'],
    ['too many', (number, ref) => header(KIND, number, 0, OFFER, ref),
      new Array<number>(MOST + 1).fill(1), 'BAD_FRAME'],
    ['of a wrong number', (number, ref) => header(KIND, number + 1, 0, OFFER, ref), [1, 1],
      'BAD_NUMBER'],
    ['cut', (number) => header(KIND, number, 0, OFFER), [1, 1], 'BAD_FRAME']
  ]
  for (const [name, make, lengths, code] of bad) {
    const one = new Flooder()
    const { host } = one.s
    const ref = host.channel(8, 'c')
    const before = host.held_payloads().length
    const payloads = lengths.map((bytes) => ({ handle: host.give('m'), bytes }))
    host.raw(frame_record(LINK, make(one.next_number, ref), payloads))
    assert.is(one.cut, codes[code], name)
    assert.is(host.seen(ref).buffered, 0, name)
    assert.is(host.held_payloads().filter((text) => text === 'm').length, 0, name)
    assert.ok(host.held_payloads().length <= before, name)
  }
})

test('ABI-9, ABI-51: a series that is no record is ignored, and given back if it can be', () => {
  const one = new Flooder()
  const { host } = one.s
  const ref = host.channel(8, 'c')
  const payloads = [0, 1].map(() => ({ handle: host.give('m'), bytes: 1 }))
  const record = frame_record(LINK, cbor([KIND, one.next_number, 0, OFFER, ref]), payloads)
  const nobody = record.slice()
  nobody[4] = 99
  host.raw(nobody)
  assert.is(host.held_payloads().filter((text) => text === 'm').length, 0, 'no such link')
  const long = frame_record(LINK, cbor([KIND, one.next_number, 0, OFFER, ref]),
    [0, 1].map(() => ({ handle: host.give('m'), bytes: 1 })))
  long.set([0xff, 0xff, 0xff, 0x7f], 8)
  host.raw(long)
  assert.is(one.cut, undefined)
  assert.is(host.held_payloads().filter((text) => text === 'm').length, 2, 'nobody knows which')
  one.say_sends(OFFER, ref, ['a', 'b'])
  assert.is(host.seen(ref).buffered, 2)
})

test('SES-20: sends that come twice are taken once', () => {
  const one = new Flooder()
  const { host } = one.s
  const ref = host.channel(8, 'c')
  const header = cbor([KIND, one.next_number, 0, OFFER, ref])
  for (let times = 0; times < 2; times++) {
    host.raw(frame_record(LINK, header, ['a', 'b'].map((text) =>
      ({ handle: host.give(text), bytes: 1 }))))
  }
  assert.equal(told(one), ['ends 77 2'])
  assert.is(host.seen(ref).buffered, 2)
  assert.is(host.held_payloads().length, KEPT + 2)
})

test.run()
