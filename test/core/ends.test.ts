/**
 * One frame for many plain sends that are done.
 *
 * Lives here: what an owner says together and what not, what an arbiter takes. Does not live here:
 * whether it was told what it answers (unheard.test.ts).
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { Flooder, KEPT, opened_at } from './flooder.ts'
import { codes } from './session-script.ts'

const test = suite('core: ends')
const NOWHERE = 99
/** More than the output area holds. */
const MANY = 2500

/** What the core said of offers since the last look: `ends 1 3`, `end 4 0`. */
function told(one: Flooder): string[] {
  return one.s.heard('end', 'ends', 'deliver', 'claim', 'leave')
    .map(({ name, fields }) => [name, fields.offer, fields.count ?? fields.status]
      .filter((part) => part !== undefined).join(' '))
}

function send(one: Flooder, offer: number, channel: number): void {
  one.say('offer_send', [offer, channel, 0, 0, []], 1)
}

test('WIRE-37: plain sends that are done in one turn are told together', () => {
  const one = new Flooder()
  const ref = one.s.host.channel(8, 'c')
  one.many(5, (nth) => send(one, nth + 1, ref))
  assert.equal(told(one), ['ends 1 5'])
  one.many(1, () => send(one, 6, ref))
  assert.equal(told(one), ['end 6 0'], 'one alone has the frame that it always had')
  const rendezvous = one.s.host.channel(0, 'r')
  one.many(3, (nth) => send(one, nth + 7, rendezvous))
  assert.equal(told(one), [])
  one.s.host.batching = true
  for (let nth = 0; nth < 3; nth++) one.s.host.receive(rendezvous)
  one.s.host.batching = false
  one.s.host.run()
  assert.equal(told(one), ['ends 7 3'], 'also when the receives come later')
})

test('WIRE-37: what is said between two of them keeps its place', () => {
  const one = new Flooder()
  const [ref, latch] = [one.s.host.channel(8, 'c'), one.s.host.channel(0, 'r')]
  const lines = [() => send(one, 1, ref), () => send(one, 2, ref), () => send(one, 9, NOWHERE),
    () => send(one, 3, ref), () => send(one, 5, ref), () => send(one, 6, ref),
    () => one.say('offer_receive', [7, ref, 0, 0]), () => send(one, 8, ref),
    () => one.say('offer_send', [20, latch, 2, 5, []]), () => send(one, 21, ref)]
  one.many(lines.length, (nth) => lines[nth]!())
  assert.equal(told(one), ['ends 1 2', `end 9 ${codes.SCRUBBED}`, 'end 3 0', 'ends 5 2',
    'deliver 7', 'end 8 0', 'end 21 0'])
})

test('WIRE-37: a select is told by itself that it is done', () => {
  const one = new Flooder()
  const ref = one.s.host.channel(8, 'c')
  one.many(2, (nth) => one.say('offer_send', [nth + 1, ref, 2, nth + 5, []]))
  assert.equal(told(one), ['claim 1 0', 'claim 2 0'])
  one.acknowledge()
  one.many(2, (nth) => one.say('grant', [nth + 1, 1, []], 1))
  assert.equal(told(one), ['end 1 0', 'end 2 0'])
})

test('WIRE-37: what is done is told before the goodbye', () => {
  const one = new Flooder()
  const ref = one.s.host.channel(8, 'c')
  one.s.host.batching = true
  send(one, 1, ref)
  send(one, 2, ref)
  one.s.host.leave()
  one.s.host.batching = false
  one.s.host.run()
  assert.equal(told(one), ['ends 1 2', 'leave'])
})

test('WIRE-37: an arbiter ends all of them, in their order', () => {
  const one = new Flooder()
  const { host } = one.s
  const far = opened_at(one)
  const sends = ['x', 'y', 'z'].map((text) => host.send(far, text))
  const offers = one.s.heard('offer_send').map(({ fields }) => fields.offer!)
  assert.equal(offers, [offers[0], offers[0]! + 1, offers[0]! + 2])
  one.received += offers.length
  one.say('ends', [offers[0]!, 2])
  assert.equal(sends.map((op) => host.status(op)), ['OK', 'OK', 'waiting'])
  assert.is(host.held_payloads().length, KEPT + 1)
  one.say('ends', [offers[2]!, 1])
  assert.is(host.status(sends[2]!), 'OK')
  assert.is(one.cut, undefined)
})

test('WIRE-37: a run of any length is told whole', () => {
  const one = new Flooder()
  const { host } = one.s
  const far = opened_at(one)
  const before = host.held_payloads().length
  host.batching = true
  const sends = Array.from({ length: MANY }, (_, nth) => host.send(far, `${nth}`))
  host.batching = false
  host.run()
  one.drain()
  const said = one.s.heard('offer_sends')
  one.received += said.length
  one.say('ends', [said[0]!.fields.offer!, MANY])
  assert.is(sends.filter((op) => host.status(op) === 'OK').length, MANY)
  assert.is(host.held_payloads().length, before)
})

test('WIRE-37: of a run that cannot be nothing happens', () => {
  for (const [from, count] of [[0, 3], [0, 0], [1, 0xffffffff], [-1, 2]] as const) {
    const one = new Flooder()
    const { host } = one.s
    const far = opened_at(one)
    const sends = ['x', 'y'].map((text) => host.send(far, text))
    const [first] = one.s.heard('offer_send')
    one.received += sends.length
    one.say('ends', [first!.fields.offer! + from, count])
    assert.is(one.cut, codes.BAD_FRAME, `${from} ${count}`)
    for (const op of sends) {
      assert.equal([host.status(op), host.outcome(op).unknown], ['LEFT', true])
    }
  }
})

test.run()
