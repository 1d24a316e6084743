/**
 * Frames from a peer that is certified and mad: an event, a refusal or a violation, never a trap.
 *
 * Lives here: one core with an attached peer that says anything, for a long time. Does not live
 * here: input records of a mad host (record.test.ts), cutting streams into frames (transports).
 *
 * Replay: `node test/fuzz/frame.test.ts SEED`.
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { Random } from '../property/random.ts'
import { bytes_of, constants, tail_text } from '../core/door.ts'
import { frame_record, header_of as header_in, is_frame, payloads_of } from '../core/frames.ts'
import { Host, codes } from '../core/host.ts'
import type { Case, Order } from '../core/host.ts'
import { ALL_RIGHTS } from '../net/node.ts'
import { bend, encode, header_of } from './header.ts'
import { Mad } from './mad.ts'

/** The same each time: what breaks here was broken by a change. */
const FIRST_SEED = 1
const FRAMES = 100_000
const FRAMES_PER_CORE = 2_000
const BUDGET_MS = 10_000
const MEMORY_BYTES_MAX = 16 * 1024 * 1024
const HELLO = 1
const ACK = 5
const MEMBER = 48
const WIRE_VERSION = 1
const IDS = ['12D3KooEvil', '12D3KooCore', '12D3KooOther', '', 'x'.repeat(200)]
const EVIL = IDS[0]!
const CORE = IDS[1]!

/** A core that has a few channels and waiters, and the peer that attacks it. */
class Attack {
  readonly host: Host
  readonly random: Random
  readonly channels: number[] = []
  readonly mad: Mad
  /** References to the mad peer's channels, which came inside its messages. */
  private refs: number[] = []
  link = 0
  attached = false
  attaches = 0
  readonly codes = new Map<number, number>()

  constructor(seed: number) {
    this.random = new Random(seed)
    this.host = new Host(seed)
    const tail = bytes_of(`${CORE}core`)
    this.host.put('self', { incarnation: 1, chain: this.host.give('chain'), chain_bytes: 5,
      info: this.host.give('info'), info_bytes: 4, id_bytes: CORE.length, name_bytes: 4 }, tail)
    for (const [path, capacity] of [['x', 0], ['y', 2], ['a/b', 1]] as const) {
      this.channels.push(this.host.channel(capacity, path))
    }
    this.mad = new Mad(this.random, this.channels, EVIL)
    this.attach()
  }

  /** A new link and a new incarnation: whatever was before, this one is welcome. */
  attach(): void {
    const { host, mad } = this
    mad.forget()
    this.attached = false
    this.attaches++
    this.link++
    host.put('link_up', { link: this.link, outgoing: 0, id_bytes: EVIL.length }, bytes_of(EVIL))
    this.frame(encode([HELLO, WIRE_VERSION, mad.incarnation, 1, 0, 0, 0]), 'evil chain')
    host.advance(1)
    this.frame(encode([ACK, 0]), '')
    this.frame(encode([MEMBER, mad.number++, mad.received, EVIL, mad.incarnation, 0, 1, 'evil', '',
      0]), 'info')
  }

  frame(header: Uint8Array, payload: string | string[]): void {
    const { host } = this
    const texts = typeof payload !== 'string' ? payload : payload === '' ? [] : [payload]
    host.raw(frame_record(this.link, header, texts.map((text) =>
      ({ handle: host.give(text), bytes: text.length }))))
    this.obey_all()
  }

  private obey_all(): void {
    for (const order of this.host.orders.splice(0)) this.obey(order)
  }

  private obey(order: Order): void {
    const { host } = this
    const { name, fields } = order
    if (name === 'verify') {
      assert.is(tail_text(order, 0, fields.id_bytes!), EVIL)
      host.put('verified', { link: fields.link!, status: 0, rights: ALL_RIGHTS })
      this.obey_all()
    } else if (is_frame(order)) {
      const payloads = payloads_of(order)
      const said = this.mad.hear(header_in(order), payloads.length)
      if (said === 'hello') this.attached = true
      host.put('link_ready', { link: fields.link!,
        taken_bytes: payloads.reduce((sum, { bytes }) => sum + bytes, fields.header_bytes!) })
      this.obey_all()
    } else if (name === 'unlink') {
      this.codes.set(fields.code!, (this.codes.get(fields.code!) ?? 0) + 1)
      this.attached = false
    } else if (name === 'dial') {
      host.put('dial_failed', { peer: fields.peer!, reason: constants('dial_reason').refused! })
    } else if (name === 'start') {
      host.put('started', { process: fields.process!, status: this.random.pick([0, 16, 17]) })
    }
  }

  /** One more frame, right or wrong, and something of the core's own. */
  step(): void {
    const { random, mad } = this
    const said = mad.next()
    if (random.once_in(120)) this.frame(bend(random, said.header), said.payload)
    else if (random.once_in(120)) this.frame(this.wrong(), random.once_in(3) ? 'payload' : '')
    else this.frame(said.header, said.payload)
    if (!this.attached) this.attach()
    this.live()
  }

  private wrong(): Uint8Array {
    const { random, mad } = this
    return header_of({ random, channels: this.channels, offers: [1, 2, 0x100001, 0x100002],
      number: mad.number++, received: mad.received, ids: IDS }).bytes
  }

  /** The core's own host goes on using its channels, and those of the mad peer, meanwhile. */
  private live(): void {
    const { random, host } = this
    if (random.once_in(3)) this.own_operation()
    for (const [op] of host.offers) if (random.once_in(2)) host.take(op)
    for (const { refs } of host.outcomes.values()) this.refs.push(...refs)
    while (this.refs.length > 20) host.release(this.refs.shift()!)
    if (random.once_in(10)) host.advance(random.below(60))
    if (random.once_in(500)) host.advance(3000)
    for (const list of [host.offers, host.outcomes, host.stats, host.entries]) list.clear()
    this.obey_all()
  }

  private own_operation(): void {
    const { random, host } = this
    const all = [...this.channels, ...this.refs]
    const ref = random.pick(all)
    const timeout = random.between(1, 200)
    const options = { timeout, try: random.once_in(6), hold: random.once_in(4) }
    switch (random.below(6)) {
      case 0: host.send(ref, 'own', { timeout, refs: [random.pick(all)] }); return
      case 1: host.receive(ref, options); return
      case 2: host.open(random.pick(['/evil/x', '/evil/y', 'x'])); return
      case 3: host.withdraw(random.pick([...host.running.keys(), 1])); return
      default: host.select(Array.from({ length: random.between(1, 3) }, (): Case =>
        random.once_in(2) ? { send: random.pick(all), text: 's' } : { receive: random.pick(all) }),
      options)
    }
  }
}

function attack(seed: number): Attack {
  const one = new Attack(seed)
  for (let nth = 0; nth < FRAMES_PER_CORE; nth++) one.step()
  assert.ok(one.host.door.memory_bytes() <= MEMORY_BYTES_MAX, `${one.host.door.memory_bytes()}`)
  // The core still does its work.
  const probe = one.host.channel(1)
  one.host.send(probe, 'still here')
  assert.is(one.host.text(one.host.receive(probe)), 'still here')
  return one
}

const test = suite('fuzz: frames')
const replay = process.argv[2]
if (replay !== undefined && /^\d+$/.test(replay)) {
  test(`seed ${replay}`, () => {
    const one = attack(Number(replay))
    console.log(one.attaches, Object.fromEntries(one.codes))
  })
} else {
  test('the mad peer is attached, and its offers reach the channels', () => {
    const one = new Attack(1)
    assert.ok(one.attached)
    const wire = (...row: (number | string)[]): void => one.frame(encode(row), '')
    wire(16, one.mad.number++, 0, 77, one.channels[0]!, 0, 0)
    assert.is(one.host.seen(one.channels[0]!).receivers, 1)
    one.host.send(one.channels[0]!, 'm')
    wire(18, one.mad.number++, 0, 77, 1)
    assert.is(one.codes.size, 1, 'a grant without its last field is a violation')
  })

  test('no frame of a mad peer traps the core or makes it grow', () => {
    const first = Number(process.env.CIRCUIT_SEED ?? FIRST_SEED)
    const end = Date.now() + BUDGET_MS
    const seen = new Set<number>()
    let frames = 0
    for (let nth = 0; frames < FRAMES && Date.now() < end; nth++) {
      try {
        for (const code of attack(first + nth).codes.keys()) seen.add(code)
      } catch (error) {
        throw new Error(`seed ${first + nth}: ${(error as Error).stack}`)
      }
      frames += FRAMES_PER_CORE
    }
    console.log(`fuzz: ${frames} frames from seed ${first}`)
    assert.ok(seen.has(codes.BAD_FRAME!), 'some frames were violations')
  }, { timeout_ms: 60_000 })
}
test.run()
