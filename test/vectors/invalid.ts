/**
 * Stories of one core and a peer that says what no peer may say, or what comes too late.
 *
 * Lives here: headers that are none, numbers out of order, frames that cannot be true, hellos that
 * are wrong, each with the code that ends the link; frames that merely crossed, which change
 * nothing. Does not live here: random bytes (test/fuzz), what two cores say (peers.ts).
 *
 * The peer begins as a real core, so that all is as it would be; then it is played by hand, and
 * only the other core's side is written down.
 */
import * as assert from 'uvu/assert'
import { codes, constants, limits } from '../core/door.ts'
import { encode } from '../fuzz/header.ts'
import { bytes_from } from './record.ts'
import { Stage } from './stage.ts'
import type { Actor, Field, Wire } from './stage.ts'
import type { Step, Vector } from './vector.ts'

/** `x` and `y` are a's channels, of capacity 0 and 1; `far` is a's reference to one of b. */
export interface Set {
  stage: Stage, a: Actor, b: Actor, wire: Wire, x: number, y: number, far: number
}
type Act = (set: Set) => void
type Line = [id: string, shows: string[], code: string, act: Act]

const { select: SELECT, try: TRY } = constants('offer_flag') as { select: number, try: number }
const OFFER = 77

/** Two cores that have met; the first has channels and knows one of the other. */
export function set_up(): Set {
  const stage = new Stage()
  const [a, b] = [stage.actor('a'), stage.actor('b')]
  const wire = stage.meet(a, b)
  stage.wait(30)
  const [x, y] = [a.host.channel(0, 'x'), a.host.channel(1, 'y')]
  b.host.channel(0, 'far')
  const open = a.host.open('/b/far')
  stage.settle()
  stage.wait(30)
  return { stage, a, b, wire, x, y, far: a.host.outcome(open).value }
}

/** A link that has just come up at the first core, from somebody who says what a test wants. */
function incoming(): Set {
  const stage = new Stage()
  const [a, b] = [stage.actor('a'), stage.actor('b')]
  const wire = stage.link(b, a)
  stage.lose(wire, b)
  return { stage, a, b, wire, x: 0, y: 0, far: 0 }
}

const say = (name: string, fields: (set: Set) => Field[], text: string | string[] = ''): Act =>
  (set) => set.stage.forge(set.wire, set.b, name, fields(set), text)
const raw = (hex: string, text = ''): Act =>
  ({ stage, wire, b }) => stage.raw(wire, b, bytes_from(hex), text)
const header = (item: Field[], text = ''): Act =>
  ({ stage, wire, b }) => stage.raw(wire, b, encode(item), text)
/** One thing after the other. */
const all = (...acts: Act[]): Act => (set) => { for (const act of acts) act(set) }

const headers: Line[] = [
  ['no-header', ''], ['no-array', '05'], ['array-cut', '8305'], ['text-cut', '8218'],
  ['kind-not-shortest', '82180500'], ['number-not-shortest', '82051817'],
  ['number-in-two-bytes', '82051900ff'], ['number-in-four-bytes', '82051a0000ffff'],
  ['number-in-eight-bytes', '82051b0000000000000001'], ['count-not-shortest', '98020500'],
  ['count-over-what-follows', '9a0000ffff0500'],
  ['indefinite-array', '9f0500ff'], ['negative', '820520'], ['bytes-for-a-number', '820540'],
  ['text-for-a-number', '820560'], ['fraction', '8205f93c00'], ['null', '8205f6'],
  ['tagged', '8205c100'], ['something-behind', '82050000'], ['too-few-fields', '8105'],
  ['too-many-fields', '83050000'], ['reserved-word', '82051c'], ['map', 'a10500']
].map(([id, hex]): Line => [`header-${id}`, ['WIRE-17', 'SES-25'], 'BAD_FRAME', raw(hex!)])

const kinds: Line[] = [
  ['unknown-link-kind', ['WIRE-18'], 'BAD_FRAME', header([15, 0])],
  ['unknown-session-kind', ['WIRE-18'], 'BAD_FRAME', header([60, 2, 0])],
  ['kind-zero', ['WIRE-18'], 'BAD_FRAME', header([0, 0])],
  ['reserved-kind', ['WIRE-18'], 'BAD_FRAME', say('register', ({ x }) => [x])],
  ['payload-where-none-may-be', ['WIRE-19'], 'BAD_FRAME', header([5, 0], 'payload')],
  ['payload-on-a-withdrawal', ['WIRE-19'], 'BAD_FRAME', say('withdraw', () => [OFFER], 'payload')],
  ['payload-over-the-limit', ['WIRE-16'], 'OVER_LIMIT', ({ stage, wire, b, y }) =>
    stage.raw(wire, b, encode([17, b.said + 1, 0, OFFER, y, 0, 0, []]), 'm',
      limits.MESSAGE_BYTES_MAX! + 1)],
  ['hello-on-an-attached-link', ['SES-5', 'SES-25'], 'BAD_FRAME',
    header([1, 1, 1, 1, 0, 0, 0], 'chain')]
]

const numbers: Line[] = [
  ['number-skipped', ['SES-21'], 'BAD_NUMBER', ({ stage, wire, b }) =>
    stage.forge(wire, b, 'withdraw', [OFFER], '', b.said + 2)],
  ['received-what-was-not-sent', ['SES-21'], 'BAD_NUMBER', header([5, 999])],
  ['received-what-was-not-sent-on-a-ping', ['SES-21'], 'BAD_NUMBER', header([3, 1, 999])],
  ['refused', ['SES-37'], 'BAD_VERSION', header([2, codes.BAD_VERSION!])]
]

const offer = (name: string, fields: (set: Set) => Field[], text: string | string[] = ''): Act =>
  say(name, fields, text)
const offers: Line[] = [
  ['offer-named-twice', ['WIRE-21'], 'BAD_FRAME', all(
    offer('offer_receive', ({ x }) => [OFFER, x, 0, 0]),
    offer('offer_receive', ({ y }) => [OFFER, y, 0, 0]))],
  ['select-without-its-flag', ['WIRE-22'], 'BAD_FRAME',
    offer('offer_receive', ({ x }) => [OFFER, x, 0, 5])],
  ['flag-without-a-select', ['WIRE-22'], 'BAD_FRAME',
    offer('offer_receive', ({ x }) => [OFFER, x, SELECT, 0])],
  ['plain-send-without-its-message', ['WIRE-22'], 'BAD_FRAME',
    offer('offer_send', ({ x }) => [OFFER, x, 0, 0, []])],
  ['select-with-its-message', ['WIRE-22'], 'BAD_FRAME',
    offer('offer_send', ({ x }) => [OFFER, x, SELECT, 5, []], 'm')],
  ['references-without-a-message', ['WIRE-28'], 'BAD_FRAME',
    offer('offer_send', ({ x }) => [OFFER, x, SELECT, 5, [[0, 1, 1]]])],
  ['references-over-the-limit', ['WIRE-28', 'CH-42'], 'BAD_FRAME', offer('offer_send',
    ({ x }) => [OFFER, x, 0, 0, Array.from({ length: 65 }, () => [0, 1, 1])], 'm')],
  ['reference-of-no-owner', ['WIRE-9'], 'BAD_FRAME',
    offer('offer_send', ({ x }) => [OFFER, x, 0, 0, [[3, 1, 1]]], 'm')],
  ['reference-without-its-peer', ['WIRE-9'], 'BAD_FRAME',
    offer('offer_send', ({ x }) => [OFFER, x, 0, 0, [[2, 1, 1]]], 'm')],
  ['bytes-over-the-limit', ['WIRE-25', 'LIM-2'], 'OVER_LIMIT', ({ stage, wire, b, x }) => {
    const most = limits.PARKED_BYTES_PER_PEER_MAX! / limits.MESSAGE_BYTES_MAX!
    for (let nth = 0; nth <= most; nth++) {
      const row = [17, ++b.said, 0, OFFER + nth, x, 0, 0, []]
      stage.raw(wire, b, encode(row), 'm', limits.MESSAGE_BYTES_MAX!)
    }
  }],
  ['window-of-nothing', ['WIRE-27', 'CH-36'], 'BAD_FRAME',
    offer('offer_reader', ({ x }) => [OFFER, x, 0])],
  ['window-over-the-limit', ['WIRE-27', 'CH-36'], 'BAD_FRAME',
    offer('offer_reader', ({ x }) => [OFFER, x, limits.PREFETCH_MAX! + 1])],
  ['grant-of-nothing', ['WIRE-27'], 'BAD_FRAME', all(
    offer('offer_receive', ({ x }) => [OFFER, x, 0, 0]), say('grant', () => [OFFER, 1, []]))],
  ['grant-without-the-message', ['WIRE-27'], 'BAD_FRAME', all(({ a, x }) => { a.host.receive(x) },
    offer('offer_send', ({ x }) => [OFFER, x, SELECT, 5, []]), say('grant', () => [OFFER, 1, []]))],
  ['grant-of-more-than-is-out', ['WIRE-27', 'WIRE-11'], 'BAD_FRAME', all(
    ({ a, y }) => { a.host.send(y, 'm') }, offer('offer_reader', ({ y }) => [OFFER, y, 4]),
    say('grant', () => [OFFER, 2, []]))],
  ['sends-of-one', ['WIRE-19'], 'BAD_FRAME', offer('offer_sends', ({ y }) => [OFFER, y], 'm')],
  ['sends-of-none', ['WIRE-19'], 'BAD_FRAME', offer('offer_sends', ({ y }) => [OFFER, y])],
  ['series-of-another-kind', ['WIRE-19'], 'BAD_FRAME',
    offer('offer_send', ({ y }) => [OFFER, y, 0, 0, []], ['m', 'n'])],
  ['series-of-a-link', ['WIRE-19'], 'BAD_FRAME', ({ stage, wire, b }) =>
    stage.raw(wire, b, encode([5, 0]), ['m', 'n'])],
  ['sends-with-something-behind', ['WIRE-17', 'WIRE-39'], 'BAD_FRAME',
    offer('offer_sends', ({ y }) => [OFFER, y, 0], ['m', 'n'])],
  ['sends-with-a-text-in-them', ['WIRE-17', 'WIRE-39'], 'BAD_FRAME',
    offer('offer_sends', () => [OFFER, 'y'], ['m', 'n'])],
  ['sends-named-twice', ['WIRE-21', 'WIRE-39'], 'BAD_FRAME', all(
    offer('offer_receive', ({ x }) => [OFFER + 1, x, 0, 0]),
    offer('offer_sends', ({ y }) => [OFFER, y], ['m', 'n', 'o']))],
  ['sends-over-the-limit', ['WIRE-25', 'WIRE-39', 'LIM-2'], 'OVER_LIMIT',
    ({ stage, wire, b, x }) => {
      const most = limits.PARKED_BYTES_PER_PEER_MAX! / limits.MESSAGE_BYTES_MAX!
      const texts = Array.from({ length: most + 1 }, () => 'm')
      const header = encode([22, ++b.said, 0, OFFER, x])
      stage.raw(wire, b, header, texts, limits.MESSAGE_BYTES_MAX!)
    }],
  ['series-payload-over-the-limit', ['WIRE-16'], 'OVER_LIMIT', ({ stage, wire, b, y }) =>
    stage.raw(wire, b, encode([22, b.said + 1, 0, OFFER, y]), ['m', 'n'],
      limits.MESSAGE_BYTES_MAX! + 1)],
  ['deliveries-of-one', ['WIRE-19'], 'BAD_FRAME', say('delivers', () => [OFFER], 'm')],
  ['deliveries-of-none', ['WIRE-19'], 'BAD_FRAME', say('delivers', () => [OFFER])],
  ['deliveries-with-something-behind', ['WIRE-17', 'WIRE-40'], 'BAD_FRAME',
    say('delivers', () => [OFFER, 0], ['m', 'n'])],
  ['ask-for-a-receive', ['WIRE-27'], 'BAD_FRAME', all(
    offer('offer_receive', ({ x }) => [OFFER, x, 0, 0]), say('ask', () => [OFFER]))]
]

/** The name of the only offer that the core under test has at the other. */
function mine({ wire, a }: Set): number {
  return wire.end_of(a).out.at(-1)!.row[3] as number
}

/** A receive, a plain send or a select's send of the core under test at the other's channel. */
const receives: Act = ({ a, far }) => { a.host.receive(far) }
const sends: Act = ({ a, far }) => { a.host.send(far, 'm') }
const selects: Act = ({ a, far }) => { a.host.select([{ send: far, text: 'm' }]) }
const reads: Act = ({ a, far }) => { a.host.reader(far, 1) }

/** Which rule says what cannot be true of a frame. */
const ABOUT = new Map([['ends', 'WIRE-37'], ['delivers', 'WIRE-40']])
const claims: Line[] = [
  ['claim-of-another-status', receives, 'claim', [codes.TIMED_OUT!]],
  ['hold-of-a-plain-receive', receives, 'claim', [0]],
  ['hold-of-a-plain-send', sends, 'claim', [0]],
  ['closed-claim-of-a-plain-send', sends, 'claim', [codes.CLOSED!]],
  ['claim-of-a-reader', reads, 'claim', [0]],
  ['delivery-to-a-send', sends, 'deliver', [0, []], 'm'],
  ['deliveries-to-a-send', sends, 'delivers', [], ['m', 'n']],
  ['delivery-without-a-message', receives, 'deliver', [0, []]],
  ['end-with-a-loss', sends, 'end', [codes.LEFT!]],
  ['commit-of-a-receive', receives, 'end', [0]],
  ['commit-of-what-is-not-held', selects, 'end', [0]],
  ['release-of-what-is-not-held', selects, 'unhold', []],
  ['ends-of-none', sends, 'ends', [0]],
  ['ends-of-more-than-there-are', sends, 'ends', [2]],
  ['ends-of-a-receive', receives, 'ends', [1]],
  ['ends-of-a-select', selects, 'ends', [1]],
  ['ends-of-a-reader', reads, 'ends', [1]]
].map(([id, begin, name, fields, text]) => [
  id as string, [ABOUT.get(name as string) ?? 'WIRE-27'], 'BAD_FRAME',
  all(begin as Act, (set) => set.stage.forge(set.wire, set.b, name as string,
    [mine(set), ...fields as Field[]], text as string | string[] | undefined))])

const more_claims: Line[] = [
  ['two-holds-of-one-offer', ['WIRE-27'], 'BAD_FRAME', all(selects, (set) => {
    const offered = mine(set)
    for (let nth = 0; nth < 2; nth++) set.stage.forge(set.wire, set.b, 'claim', [offered, 0])
  })],
  ['delivery-beyond-the-window', ['WIRE-27', 'CH-37'], 'BAD_FRAME', all(reads, (set) => {
    const offered = mine(set)
    for (let nth = 0; nth < 2; nth++) {
      set.stage.forge(set.wire, set.b, 'deliver', [offered, 0, []], 'm')
    }
  })],
  ['deliveries-beyond-the-window', ['WIRE-27', 'WIRE-40', 'CH-37'], 'BAD_FRAME', all(reads,
    (set) => set.stage.forge(set.wire, set.b, 'delivers', [mine(set)], ['m', 'n']))]
]

const requests: Line[] = [
  ['start-without-a-command', ['WIRE-35'], 'BAD_FRAME', say('start', () => [1, 'p'])],
  ['reply-with-a-loss', ['WIRE-33'], 'BAD_FRAME', all(({ a }) => { a.host.open('/b/far') },
    (set) => set.stage.forge(set.wire, set.b, 'reply', [mine(set), codes.LEFT!, [0]]))],
  ['reply-of-another-count', ['WIRE-32'], 'BAD_FRAME', all(({ a }) => { a.host.open('/b/far') },
    (set) => set.stage.forge(set.wire, set.b, 'reply', [mine(set), 0, [1]]))],
]

const ALIVE = constants('member_event').alive!
const SUSPECT = constants('member_event').suspect!
/** A member frame, the usual one but for what is given. */
const member = (more: Record<string, Field>, text = ''): Act => say('member', () => {
  const usual: Record<string, Field> = { id: 'peer-c', incarnation: 1, version: 0, event: ALIVE,
    name: 'c', by: '', hops: 1 }
  return Object.values({ ...usual, ...more })
}, text)

const members: Line[] = [
  ['edge-of-no-wish', header([6, 4])],
  ['digest-too-short', header([12, new Array<number>(31).fill(0)])],
  ['digest-too-long', header([12, new Array<number>(33).fill(0)])],
  ['holds-of-no-part', header([13, 32, []])],
  ['want-of-no-part', header([14, 32, [1]])],
  ['have-of-no-list', header([7, 1])],
  ['graft-of-texts', header([8, ['x']])],
  ['prune-of-a-list', header([9, []])],
  ['probe-for-a-number', header([10, 1, 2])],
  ['member-without-an-id', member({ id: '' })],
  ['member-with-a-long-id', member({ id: 'x'.repeat(limits.PEER_ID_BYTES_MAX! + 1) })],
  ['member-with-a-long-name', member({ name: 'x'.repeat(limits.NAME_BYTES_MAX! + 1) })],
  ['member-with-a-control-character', member({ name: 'a\tb' })],
  ['member-of-no-run', member({ incarnation: 0 })],
  ['member-of-no-event', member({ event: 9 })],
  ['member-suspected-by-nobody', member({ event: SUSPECT, name: '' })],
  ['member-alive-by-somebody', member({ by: 'peer-d' })],
  ['member-of-another-run', member({ id: 'peer-b', incarnation: 9 })],
  ['member-that-is-its-own-end', member({ id: 'peer-b', event: 2, name: '' })]
].map(([id, act]): Line =>
  [id as string, ['WIRE-17', 'WIRE-36', 'SES-25'], 'BAD_FRAME', act as Act])

const strangers: Line[] = [
  ['hello-of-another-version', ['SES-5', 'SES-26'], 'BAD_VERSION',
    header([1, 2, 1, 0, 0, 0, 0], 'chain')],
  ['hello-of-no-run', ['SES-5', 'SES-26'], 'BAD_FRAME', header([1, 1, 0, 0, 0, 0, 0], 'chain')],
  ['hello-that-answers-nothing', ['SES-5'], 'BAD_FRAME', header([1, 1, 1, 0, 0, 0, 1], 'chain')],
  ['hello-without-a-chain', ['SES-5', 'SES-26'], 'NO_CHAIN', header([1, 1, 1, 0, 0, 0, 0])],
  ['hello-with-a-long-chain', ['SES-5'], 'OVER_LIMIT', ({ stage, wire, b }) =>
    stage.raw(wire, b, encode([1, 1, 1, 0, 0, 0, 0]), 'chain', limits.CHAIN_BYTES_MAX! + 1)],
  ['hello-cut-short', ['SES-26', 'WIRE-17'], 'BAD_FRAME', raw('87010101', 'chain')],
  ['ack-before-hello', ['SES-4', 'SES-26'], 'BAD_FRAME', header([5, 0])],
  ['session-before-hello', ['SES-4', 'SES-2'], 'BAD_FRAME', header([16, 1, 0, OFFER, 1, 0, 0])],
  ['second-hello-while-it-is-judged', ['SES-3', 'ABI-22'], 'BAD_FRAME', (set) => {
    const { stage, wire, b, a } = set
    a.judging = false
    header([1, 1, 1, 0, 0, 0, 0], 'chain')(set)
    stage.raw(wire, b, encode([1, 1, 1, 0, 0, 0, 0]), 'chain')
  }],
  ['session-before-the-ack', ['SES-2', 'SES-4'], 'BAD_FRAME', all(
    header([1, 1, 1, 0, 0, 0, 0], 'chain'), header([16, 1, 0, OFFER, 1, 0, 0]))]
]

/** What crossed with an end, or says nothing new: nothing comes of it but payloads. */
const quiet: [id: string, shows: string[], act: Act][] = [
  ['frames-about-unknown-offers', ['WIRE-8'], all(
    say('grant', () => [OFFER, 1, []]), say('grant', () => [OFFER, 1, []], 'message'),
    say('withdraw', () => [OFFER]), say('ask', () => [OFFER]), say('claim', () => [OFFER, 0]),
    say('deliver', () => [OFFER, 0, []], 'message'),
    say('delivers', () => [OFFER], ['m', 'n']), say('end', () => [OFFER, 0]),
    say('unhold', () => [OFFER]))],
  ['answers-to-unknown-requests', ['WIRE-34'], all(
    say('reply', () => [OFFER, 0, [1, 2]]), say('entry', () => [OFFER, 'x', 1, 0]))],
  ['reference-that-leads-nowhere', ['WIRE-29', 'CH-44'], (set) => {
    const { a, y } = set
    say('offer_send', () => [OFFER, y, 0, 0, [[1, 99, 5]]], 'm')(set)
    const [nowhere] = a.host.outcome(a.host.receive(y)).refs
    assert.is(a.host.status(a.host.receive(nowhere!)), 'LEFT')
    a.host.send(set.far, 'm', { refs: [nowhere!] })
    const { row } = set.wire.end_of(a).out.at(-1)!
    assert.equal(row.at(-1), [[1, 0, 5]])
  }],
  ['frame-taken-before', ['SES-20', 'SES-17'], (set) => {
    const { stage, wire, a, b, y } = set
    for (const number of [b.said, b.said - 1, b.said + 1, b.said + 1]) {
      stage.forge(wire, b, 'offer_send', [OFFER, y, 0, 0, []], 'm', number)
    }
    assert.is(a.host.seen(y).buffered, 1)
    wire.end_of(a).out.length = 0
    stage.wait(limits.ACK_DELAY_MS!, false, [a])
    assert.equal(wire.end_of(a).out.at(-1)!.row, [5, b.said])
  }],
  ['old-acknowledgement', ['SES-21'], header([5, 0])],
  ['offers-that-end-at-once', ['WIRE-23', 'WIRE-24', 'CH-32'], all(
    ({ a }) => {
      const latch = a.host.channel(0, 'latch', constants('make_flag').latch!)
      a.host.send(latch, 'm')
    },
    ({ stage, wire, b, x, a }) => {
      const latch = a.host.outcome(a.host.open('latch')).value
      stage.forge(wire, b, 'offer_receive', [1, 99, 0, 0])
      stage.forge(wire, b, 'offer_receive', [2, x, TRY, 0])
      stage.forge(wire, b, 'offer_send', [3, latch, 0, 0, []], 'm')
      stage.forge(wire, b, 'offer_reader', [4, latch, 1])
      stage.forge(wire, b, 'offer_reader', [5, x, 1])
    })],
  ['requests-with-bad-paths', ['WIRE-31', 'NAME-1'], all(
    say('make', () => [1, '/x', 0, 0]), say('open', () => [2, '']),
    say('list', () => [3, 'a//b', 0]), say('stat', () => [4, '', 0]),
    say('scrub', () => [5, '', 0]), say('start', () => [6, '..'], 'command'))]
]

/** The code with which the last step ends a link. */
function code_of(steps: readonly Step[]): number | undefined {
  const ends = steps.flatMap(({ out }) => out).filter(({ record }) => record === 'unlink')
  return ends.at(-1)?.code as number | undefined
}

function violation([id, shows, code, act]: Line, cast: () => Set, after: string): Vector {
  const set = cast()
  set.stage.recorder.take()
  act(set)
  const { cores, steps } = set.stage.vector(id, shows, after, true)
  assert.is(code_of(steps), codes[code], `${id}: the code`)
  return { id, shows, code: codes[code]!, after, cores, steps }
}

/** All stories of this file, and what they begin with. */
export function invalid_vectors(): { openings: Vector[], stories: Vector[] } {
  const lines = [...headers, ...kinds, ...numbers, ...offers, ...claims as Line[], ...more_claims,
    ...requests, ...members]
  return {
    openings: [set_up().stage.vector('alone', [], undefined, true),
      incoming().stage.vector('incoming', [], undefined, true)],
    stories: [
      ...lines.map((line) => violation(line, set_up, 'alone')),
      ...strangers.map((line) => violation(line, incoming, 'incoming')),
      ...quiet.map(([id, shows, act]) => {
        const set = set_up()
        set.stage.recorder.take()
        act(set)
        const vector = set.stage.vector(id, shows, 'alone', true)
        assert.is(code_of(vector.steps), undefined, `${id}: no link ends`)
        return vector
      })
    ]
  }
}
