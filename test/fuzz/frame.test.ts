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
import { Host, codes } from '../core/host.ts'
import type { Output } from '../core/host.ts'
import { ALL_RIGHTS } from '../net/node.ts'
import { bend, encode, header_of } from './header.ts'
import { read_header } from '../net/wire.ts'

const FRAMES = 200_000
const FRAMES_PER_CORE = 2_000
const BUDGET_MS = 25_000
const MEMORY_BYTES_MAX = 16 * 1024 * 1024
const HELLO = 1
const WIRE_VERSION = 1
const IDS = ['12D3KooEvil', '12D3KooCore', '12D3KooOther', '', 'x'.repeat(200)]
const EVIL = IDS[0]!

/** A core that has a few channels and waiters, and the peer that attacks it. */
class Attack {
  readonly host: Host
  readonly random: Random
  readonly channels: number[] = []
  readonly offers = [1, 2, 3, 4, 5, 6, 7, 8, 0x100001, 0x100002, 0x100003]
  link = 0
  attached = false
  incarnation = 1
  number = 1
  received = 0
  epoch = 0
  readonly codes = new Map<number, number>()

  constructor(seed: number) {
    this.random = new Random(seed)
    this.host = new Host(seed)
    const tail = bytes_of(`${IDS[1]}core`)
    this.host.put('self', { incarnation: 1, chain: this.host.give('chain'), chain_bytes: 5,
      info: this.host.give('info'), info_bytes: 4, id_bytes: IDS[1]!.length, name_bytes: 4 }, tail)
    for (const [path, capacity] of [['x', 0], ['y', 2], ['a/b', 1]] as const) {
      this.channels.push(this.host.channel(capacity, path))
    }
    this.attach()
  }

  attach(): void {
    const { host } = this
    if (this.link !== 0 && host.door.cell('has_deadline') === 1) host.advance(this.random.below(50))
    this.link++
    this.attached = false
    this.epoch++
    host.put('link_up', { link: this.link, outgoing: 0, id_bytes: EVIL.length }, bytes_of(EVIL))
    // The third field is the incarnation of the core, the fourth what was received from it.
    this.frame(encode([HELLO, WIRE_VERSION, this.incarnation, 1, this.received, this.epoch, 0]),
      'evil chain')
    host.advance(1)
  }

  frame(header: Uint8Array, payload: string): void {
    const { host } = this
    host.put('frame', { link: this.link, payload: payload === '' ? 0 : host.give(payload),
      payload_bytes: payload.length, header_bytes: header.length }, header)
    for (const order of host.orders.splice(0)) this.obey(order)
  }

  private obey({ name, fields, tail }: Output): void {
    if (name === 'verify') {
      assert.is(tail_text({ name, fields, tail }, 0, fields.id_bytes!), EVIL)
      this.host.put('verified', { link: fields.link!, status: 0, rights: ALL_RIGHTS })
      for (const order of this.host.orders.splice(0)) this.obey(order)
    } else if (name === 'frame') {
      const seen = read_header(tail.slice(0, fields.header_bytes))
      if (seen.name === 'hello') this.attached = true
      const number = seen.fields.number as number | undefined
      if (number !== undefined) this.received = Math.max(this.received, number)
      this.host.put('link_ready', { link: fields.link!,
        bytes: fields.header_bytes! + fields.payload_bytes! })
    } else if (name === 'unlink') {
      this.codes.set(fields.code!, (this.codes.get(fields.code!) ?? 0) + 1)
      this.attached = false
      if (fields.code === codes.GONE || fields.code === codes.DECLARED_LEFT) this.incarnation++
    } else if (name === 'dial') {
      this.host.put('dial_failed', { peer: fields.peer!,
        reason: constants('dial_reason').refused! })
    } else if (name === 'start') {
      this.host.accept(fields.payload!)
      this.host.put('started', { process: fields.process!, status: this.random.pick([0, 16, 17]) })
    }
  }

  /** One more frame, right or wrong. */
  step(): void {
    const { random, host } = this
    const from = { random, channels: this.channels.map((ref) => ref & 0x7fffffff),
      offers: this.offers, number: this.number, received: this.received, ids: IDS }
    const { bytes } = header_of(from)
    const bent = random.once_in(20) ? bend(random, bytes) : bytes
    this.frame(bent, random.once_in(3) ? 'payload' : '')
    if (this.attached) this.number = this.number + (bent[1] !== undefined && bent[1] >= 16 ? 1 : 0)
    if (!this.attached) {
      this.number = 1
      this.received = 0
      this.incarnation++
      this.attach()
    }
    this.live(host)
  }

  /** The core's own host goes on using its channels meanwhile. */
  private live(host: Host): void {
    const { random } = this
    if (random.once_in(4)) {
      const ref = random.pick(this.channels)
      if (random.once_in(2)) host.send(ref, 'own', { timeout: 20, try: random.once_in(2) })
      else host.receive(ref, { timeout: 20, hold: random.once_in(3) })
    }
    for (const [op] of host.offers) if (random.once_in(2)) host.take(op)
    host.offers.clear()
    if (random.once_in(10)) host.advance(random.below(60))
    for (const order of host.orders.splice(0)) this.obey(order)
    host.outcomes.clear()
    host.stats.clear()
    host.entries.clear()
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

const replay = process.argv[2]
if (replay !== undefined && /^\d+$/.test(replay)) {
  const one = attack(Number(replay))
  console.log(Object.fromEntries(one.codes))
} else {
  const test = suite('fuzz: frames')
  test('no frame of a mad peer traps the core or makes it grow', () => {
    const first = Number(process.env.CIRCUIT_SEED ?? Date.now() % 1_000_000_000)
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
  test.run()
}
