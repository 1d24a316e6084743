/**
 * One frame for messages to one reader that follow each other.
 *
 * Lives here: which messages share a frame, what becomes of them when the reader ends, what an
 * arbiter makes of them. Does not live here: bytes (test/js/frames.test.ts), two cores
 * (test/vectors/crossings.ts), sends that share a frame (sends.test.ts).
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { constants } from './door.ts'
import { Flooder, KEPT, LINK, opened_at } from './flooder.ts'
import { LOWER, codes, limits } from './session-script.ts'

const test = suite('core: delivers')
const MOST = limits.PAYLOADS_PER_FRAME_MAX!
const OFFER = 77

/** A core with a channel that a peer reads with a window. */
function read_by(window: number): { one: Flooder, ref: number } {
  const one = new Flooder()
  const ref = one.s.host.channel(200, 'c')
  one.say('offer_reader', [OFFER, ref, window])
  return { one, ref }
}

/** Sends in one turn of the core. */
function together(one: Flooder, ref: number, texts: readonly string[]): void {
  const { host } = one.s
  host.batching = true
  for (const text of texts) host.send(ref, text)
  host.batching = false
  host.run()
}

/** What the core said to readers since the last look: the frame and its messages. */
function said(one: Flooder): string[] {
  return one.s.heard('deliver', 'delivers').map(({ name, payloads }) =>
    `${name} ${payloads.join(' ')}`.trim())
}

/** The link breaks, and the next one has nothing of what was said on it. */
function relink(one: Flooder, received: number): void {
  one.s.heard()
  one.s.up(2, LOWER, true)
  one.s.hello(2, { your: 7, received, epoch: 1, flags: constants('hello_flag').answer! })
}

const texts = (count: number): string[] => Array.from({ length: count }, (_, nth) => `${nth}`)

test('WIRE-40: many messages are as many frames as their number asks for', () => {
  for (const [count, frames] of [[1, [1]], [2, [2]], [MOST, [MOST]], [MOST + 1, [MOST, 1]],
    [2 * MOST + 3, [MOST, MOST, 3]]] as const) {
    const { one, ref } = read_by(200)
    together(one, ref, texts(count))
    const heard = one.s.heard('deliver', 'delivers')
    assert.equal(heard.map(({ payloads }) => payloads.length), frames)
    assert.equal(heard.flatMap(({ payloads }) => payloads), texts(count))
    assert.equal(heard.map(({ fields }) => fields.offer), frames.map(() => OFFER))
  }
})

test('WIRE-40: a message that comes when the frame has left has one of its own', () => {
  const { one, ref } = read_by(9)
  for (const text of ['x', 'y']) one.s.host.send(ref, text)
  assert.equal(said(one), ['deliver x', 'deliver y'])
})

test('WIRE-40: those of two readers, and what is said between, keep their places', () => {
  const { one, ref } = read_by(2)
  const { host } = one.s
  one.say('offer_reader', [OFFER + 1, ref, 2])
  const other = host.channel(1, 'd')
  one.say('offer_receive', [OFFER + 2, other, 0, 0])
  host.batching = true
  for (const text of ['1', '2', '3', '4', '5']) host.send(text === '2' ? other : ref, text)
  host.batching = false
  host.run()
  assert.equal(one.s.heard('deliver', 'delivers').map(({ fields, payloads }) =>
    `${fields.offer! - OFFER}: ${payloads.join(' ')}`), ['0: 1', '2: 2', '0: 3', '1: 4 5'])
})

test('SES-18: what waits for a link grows, what was given to one comes again as it was', () => {
  const { one, ref } = read_by(9)
  together(one, ref, ['a', 'b'])
  one.s.down(LINK)
  for (const text of ['c', 'd', 'e']) one.s.host.send(ref, text)
  relink(one, 0)
  assert.equal(said(one), ['delivers a b', 'delivers c d e'])
})

test('LIM-14: messages that are taken back are in no frame any more, and in their places', () => {
  for (const given of [true, false]) {
    const { one, ref } = read_by(9)
    const { host } = one.s
    if (given) {
      together(one, ref, ['a', 'b', 'c'])
      one.say('withdraw', [OFFER])
    } else {
      host.batching = true
      for (const text of ['a', 'b', 'c']) host.send(ref, text)
      one.say('withdraw', [OFFER])
      host.batching = false
      host.run()
    }
    assert.equal(said(one), [given ? 'delivers a b c' : 'deliver'])
    assert.equal(['a', 'b', 'c'].map(() => host.text(host.receive(ref))), ['a', 'b', 'c'])
    assert.is(host.held_payloads().length, KEPT)
    one.s.down(LINK)
    relink(one, 0)
    assert.equal(said(one), ['deliver'], 'resent it has its number and nothing else')
  }
})

test('WIRE-40: a reader that has the name of one before it shares no frame with that', () => {
  const { one, ref } = read_by(9)
  const { host } = one.s
  host.batching = true
  for (const text of ['a', 'b']) host.send(ref, text)
  one.say('withdraw', [OFFER])
  one.say('offer_reader', [OFFER, ref, 9])
  host.batching = false
  host.run()
  assert.equal(said(one), ['deliver', 'delivers a b'])
})

test('LIM-13: of messages whose frame is not acknowledged none can be granted', () => {
  for (const [heard, count] of [[false, 1], [false, 2], [true, 1], [true, 2]] as const) {
    const { one, ref } = read_by(9)
    const { host } = one.s
    together(one, ref, ['a', 'b', 'c'])
    if (heard) one.acknowledge()
    one.say('grant', [OFFER, count, []])
    assert.is(one.cut, heard ? undefined : codes.BAD_FRAME)
    assert.is(host.seen(ref).buffered, heard ? 3 - count : 3)
    if (!heard) continue
    one.say('withdraw', [OFFER])
    const rest = ['a', 'b', 'c'].slice(count)
    assert.equal(rest.map(() => host.text(host.receive(ref))), rest)
    assert.is(host.held_payloads().length, KEPT)
  }
})

test('WIRE-40: each arrives, and those before one beyond the window have happened', () => {
  const one = new Flooder()
  const { host } = one.s
  const reader = host.outcome(host.reader(opened_at(one), 2)).value
  const [offer] = one.s.heard('offer_reader')
  one.acknowledge()
  one.received = offer!.fields.number!
  const name = offer!.fields.offer!
  one.say_series('delivers', [name], ['a', 'b'])
  const reads = [0, 1, 2].map(() => host.read(reader))
  assert.equal(reads.map((op) => host.status(op)), ['OK', 'OK', 'waiting'])
  one.say_series('delivers', [name], ['c', 'd', 'e', 'f'])
  assert.is(one.cut, codes.BAD_FRAME)
  assert.equal(reads.map((op) => host.text(op)), ['a', 'b', 'c'])
  assert.equal(host.held_payloads().filter((text) => text.length === 1), [])
})

test('WIRE-40: those for nobody, and the rest of those for one receive, are given back', () => {
  const one = new Flooder()
  const { host } = one.s
  const receive = host.receive(opened_at(one))
  const [offer] = one.s.heard('offer_receive')
  one.received = offer!.fields.number!
  for (const name of [OFFER, offer!.fields.offer!]) {
    one.say_series('delivers', [name], ['a', 'b'])
    assert.is(one.cut, undefined)
    assert.equal(host.held_payloads().filter((text) => text.length === 1), [])
  }
  assert.is(host.text(receive), 'a')
})

test.run()
