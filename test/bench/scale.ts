/**
 * One core with much in it: 10,000 channels, 100,000 parked offers, 1,000 peers.
 *
 * Lives here: filling it, what it weighs, whether operations are slower in it. Does not live here:
 * time (timing.ts), the core without a host (bare-core.ts).
 */
import { cbor, type Field } from '../core/session-script.ts'
import { bytes_of, constants, limits, records } from '../core/door.ts'
import { BareCore, idOf } from './bare-core.ts'
import type { Fact } from './goal.ts'
import { same, type Part, type Work } from './timing.ts'

const WORK = 'much in one core'
const CHANNELS = 10_000
const OFFERS = 100_000
const PEERS = 1_000
const SELECT_CASES = 10
const CHANNEL_BYTES_MOST = 200
const OFFER_BYTES_MOST = 96
const SLOWER_MOST = 3
/** Slots of the works; parked offers have those behind them. */
const SLOTS_OF_WORKS = 16
const LINK = 1
const ALL_RIGHTS = 7

/** What a full core weighs, by its own count of the bytes that it has given out. */
interface Weights { channel: number, named: number, offer: number, case: number, peer: number }

/** The part. */
export function scaleWorks(): Part {
  const small = new BareCore()
  const full = new BareCore()
  const weights = fill(full)
  return { works: SHAPES.map((shape) => workOf(shape, small, full)), counts: [
    async () => factsOf(weights)
  ] }
}

interface Shape {
  name: string
  run(core: BareCore, channels: Uint32Array, count: number): void
  capacity: number
}

const SHAPES: Shape[] = [
  {
    name: 'a rendezvous pair', capacity: 0,
    run(core, [channel], count) {
      for (let i = 1; i <= count; i++) {
        core.receive(idOf(2, i), channel!)
        core.run()
        core.send(idOf(3, i), channel!, i)
        core.run()
      }
    }
  },
  {
    name: 'a send into a buffer, a receive out of it', capacity: 4,
    run(core, [channel], count) {
      for (let i = 1; i <= count; i++) {
        core.send(idOf(3, i), channel!, i)
        core.run()
        core.receive(idOf(2, i), channel!)
        core.run()
      }
    }
  },
  {
    name: 'a select of two that parks, a send to it', capacity: 0,
    run(core, channels, count) {
      const cases = [...channels]
      for (let i = 1; i <= count; i++) {
        core.select(idOf(2, i), cases)
        core.run()
        core.send(idOf(3, i), channels[i & 1]!, i)
        core.run()
      }
    }
  }
]

/** The same operations in a core with two channels and in the full one. */
function workOf({ name, run, capacity }: Shape, small: BareCore, full: BareCore): Work {
  const inCore = (core: BareCore) => {
    const channels = Uint32Array.of(
      core.make(idOf(1, 1), capacity), core.make(idOf(1, 2), capacity))
    return (count: number) => {
      core.payloads = 0
      core.completions = 0
      run(core, channels, count)
      same(core.completions, 2 * count, 'completions')
      same(core.payloads, count * (count + 1) / 2, 'the sum of the payloads')
    }
  }
  const work = `${name}, in a full core`
  return {
    name: work, unit: 'pair', alone: true,
    contenders: [
      { name: 'full core', run: inCore(full) }, { name: 'empty core', run: inCore(small) }
    ],
    goals: [{
      ours: 'full core', beside: ['empty core'], time_most: SLOWER_MOST,
      target: `≤ ${SLOWER_MOST}× the empty one`
    }]
  }
}

/** Fills it; gives what one of each weighs. */
function fill(core: BareCore): Weights {
  fillPeers(core, 1)
  const each = (count: number, put: (nth: number) => void) => {
    const before = core.bytes_used
    for (let nth = 0; nth < count; nth++) put(nth)
    return (core.bytes_used - before) / count
  }
  const peer = each(PEERS, (nth) => member(core, nth))
  if (core.peers < PEERS) throw new Error(`only ${core.peers} peers were heard of`)
  const channels: number[] = []
  const channel = each(CHANNELS, (nth) => { channels.push(core.make(idOf(1, nth), 0)) })
  const named = each(CHANNELS, (nth) => core.make(idOf(1, nth), 0, bytes_of(`channel-${nth}`)))
  const slot = (nth: number) => idOf(SLOTS_OF_WORKS + nth, 0)
  const offer = each(OFFERS, (nth) => {
    core.receive(slot(nth), channels[nth % CHANNELS]!)
    core.run()
  })
  const selects = OFFERS / SELECT_CASES
  const cases = each(selects, (nth) => {
    const at = (i: number) => channels[(nth * SELECT_CASES + i) % CHANNELS]!
    core.select(slot(OFFERS + nth), Array.from({ length: SELECT_CASES }, (_, i) => at(i)))
    core.run()
  }) / SELECT_CASES
  return { channel, named, offer, case: cases, peer }
}

function factsOf({ channel, named, offer, case: one, peer }: Weights): Fact[] {
  const channels = { text: `≤ ${CHANNEL_BYTES_MOST} B`, most: CHANNEL_BYTES_MOST }
  const offers = { text: `≤ ${OFFER_BYTES_MOST} B`, most: OFFER_BYTES_MOST }
  const fact = (name: string, value: number, target?: Fact['target']): Fact =>
    ({ work: WORK, name, value, unit: 'B', ...(target && { target }) })
  return [
    fact(`a channel, of ${CHANNELS}`, channel, channels),
    fact(`a channel with a path, of ${CHANNELS}`, named),
    fact(`a parked receive, operation and offer, of ${OFFERS}`, offer, offers),
    fact(`a case of a parked select of ${SELECT_CASES}, of ${OFFERS}`, one, offers),
    fact(`a peer, heard of through another, of ${PEERS}`, peer)
  ]
}

/** A link to one neighbour, through whom the others are heard of. */
function fillPeers(core: BareCore, incarnation: number): void {
  const me = bytes_of('mmm')
  const name = bytes_of('me')
  const they = bytes_of('aaa')
  const both = new Uint8Array([...me, ...name])
  core.put('self', {
    incarnation, chain: 1, chain_bytes: 8, info: 2, info_bytes: 7,
    id_bytes: me.length, name_bytes: name.length
  }, both)
  core.put('link_up', { link: LINK, outgoing: 0, id_bytes: they.length }, they)
  say(core, 'hello', [limits['WIRE_VERSION']!, 1, 0, 0, 0, 0], 3)
  core.put('verified',
    { link: LINK, status: 0, rights: ALL_RIGHTS, expires_ms: 0, prefix_bytes: 0 })
  say(core, 'ack', [0])
}

function member(core: BareCore, nth: number): void {
  const alive = constants('member_event')['alive']!
  const id = nth === 0 ? 'aaa' : `peer-${nth}-of-many-others-with-long-ids-as-libp2p-has`
  say(core, 'member', [nth + 1, 0, id, 1, 0, alive, `name-${nth}`, '', 0], 10 + nth)
}

function say(core: BareCore, name: string, fields: Field[], payload = 0): void {
  const { kind } = records.frames.find((shape) => shape.name === name)!
  const header = cbor([kind, ...fields])
  core.put('frame', {
    link: LINK, payload, payload_bytes: payload === 0 ? 0 : 7, header_bytes: header.length
  }, header)
}
