/**
 * A peer played by hand that says more than its own core would.
 *
 * Lives here: its frames, and what it acknowledges. Does not live here: what a core makes of them
 * (limits.test.ts, unheard.test.ts).
 */
import * as assert from 'uvu/assert'
import { frame_record } from './frames.ts'
import type { Host } from './host.ts'
import { HIGHER, LOWER, Script, cbor } from './session-script.ts'
import type { Field } from './session-script.ts'

const KINDS = { offer_receive: 16, offer_send: 17, grant: 18, withdraw: 19, offer_reader: 21,
  offer_sends: 22,
  claim: 24, deliver: 25, end: 26, unhold: 27, ends: 28, delivers: 29,
  make: 32, open: 33, list: 34, reply: 40 }
export const LINK = 1

/** A peer played by hand that says frames in the order of their numbers. */
export class Flooder {
  readonly s: Script
  private number = 2
  /** What it says it has received; left as it is, it acknowledges nothing. */
  received = 0

  constructor(host?: Host) {
    this.s = new Script(undefined, undefined, undefined, host)
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

  /** Plain sends in one frame. */
  say_sends(offer: number, channel: number, texts: readonly string[]): void {
    this.say_series('offer_sends', [offer, channel], texts)
  }

  say_series(kind: 'offer_sends' | 'delivers', fields: Field[], texts: readonly string[]): void {
    const { host } = this.s
    const header = cbor([KINDS[kind], this.number++, this.received, ...fields])
    host.raw(frame_record(LINK, header, texts.map((text) =>
      ({ handle: host.give(text), bytes: text.length }))))
  }

  /** The number that its next frame has. */
  get next_number(): number { return this.number }

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
export function works_on(s: Script): void {
  assert.equal(s.joined(), [], 'the one that went over is gone')
  s.join(2, HIGHER)
  const ref = s.host.channel(1)
  s.host.send(ref, 'm')
  assert.is(s.host.text(s.host.receive(ref)), 'm')
  assert.equal(s.joined(), [HIGHER])
}

/** Payloads of a core that has met one peer: the chain and info of both. */
export const KEPT = new Flooder().s.host.held_payloads().length

/** A channel of the peer's, opened by this core. */
export function opened_at(one: Flooder): number {
  const opened = one.s.host.open('/AAA/x')
  const [asked] = one.s.heard('open')
  one.received = asked!.fields.number!
  one.say('reply', [asked!.fields.request!, 0, [1, 0x100001]])
  return one.s.host.outcome(opened).value
}
