/**
 * A core among mad peers: one episode after another, each from its seed alone.
 *
 * Lives here: batches, what the core's records mean to the peers, time, what must hold at the end
 * of an episode. Does not live here: a peer's frames (attacker.ts), how it is attached
 * (handshake.ts), the host's own operations (own.ts), many episodes on many threads (search.ts).
 *
 * Invariants: an episode begins with the same core to the byte, but for its generator's seed; it
 * ends with a core that still does an honest operation, within its memory.
 */
import { bytes_of, records } from '../core/door.ts'
import { Attacker } from './attacker.ts'
import { Desk, IN } from './desk.ts'
import type { Outputs } from './desk.ts'
import { Fast } from './fast.ts'
import type { Grammar } from './grammar.ts'
import type { Instance, Snapshot } from './instance.ts'
import { ATTACKERS, Handshakes } from './handshake.ts'
import { Own } from './own.ts'
import { Plans } from './plan.ts'

const BATCH_FRAMES_MAX = 48
const BATCH_FRAMES_LARGE = 900
export const MEMORY_BYTES_MAX = 64 * 1024 * 1024
const OUT = Object.fromEntries(records.output.map(({ name, kind }) => [name, kind]))
const FRAME = Object.fromEntries(records.frames.map(({ name, kind }) => [name, kind]))
const CARRIES = new Set(records.frames
  .filter((one) => 'payload' in one || 'payloads' in one).map(({ name }) => name))
const ZERO = 48
/** Between the ids of the peers: some are lower, some are higher. */
const CORE = '12D3KooEvil3Core'
const LEAVES_ONE_IN = 8
const STOCKED_ONE_IN = 6
const STOCKS = 8
const LAST_BATCHES = 30
const NOTHING = new Uint8Array(0)
/** With them a circuit is as large as its gossip needs to be a tree. */
const STRANGERS = 'ABCDEFGHIJKLMNOPQRSTUVWX'

export class Crowd extends Handshakes implements Outputs {
  /** Links that the core ended, by code. */
  readonly codes = new Map<number, number>()
  private readonly own: Own
  private readonly answers: { kind: number, a: number, b: number }[] = []
  private readonly begun: Snapshot
  /** Payloads of the series that was heard last. */
  private carried = 0
  private honest_op = 0
  private honest_status = -1
  private honest_value = 0

  constructor(instance: Instance, grammar: Grammar) {
    super(instance)
    this.desk = new Desk(instance, this)
    this.own = new Own(this.desk, this.random)
    const plans = new Plans(grammar, CARRIES)
    const ids = Array.from({ length: ATTACKERS }, (_, nth) => bytes_of(`12D3KooEvil${nth}`))
    // They speak of the core as well, and of peers that nobody knows.
    ids.push(bytes_of(CORE))
    for (const letter of STRANGERS) ids.push(bytes_of(`12D3KooFar${letter}`))
    for (let nth = 0; nth < ATTACKERS; nth++) {
      this.attackers.push(new Attacker(nth, plans, this.desk, this.own.channels, ids, this.random))
    }
    for (const one of this.attackers) one.peers = this.attackers
    this.introduce()
    this.begun = instance.snapshot()
  }

  /** Who the core is. Some peers dial it, and it dials some. */
  private introduce(): void {
    const { desk } = this
    const at = desk.put_tail(IN.self!, 7, bytes_of(`${CORE}core`))
    const { words } = this.instance
    words.set([1, desk.give(), 5, desk.give(), 4, CORE.length, 4], at + 1)
    desk.run()
  }

  /** Plays the episode of a seed; throws at whatever may not be. */
  episode(seed: number, frames: number): void {
    const { desk, instance } = this
    this.restart(seed)
    const end = desk.frames + frames
    while (desk.frames < end) {
      this.batch()
      if (instance.memory_bytes > MEMORY_BYTES_MAX) {
        throw new Error(`the core grew to ${instance.memory_bytes} bytes`)
      }
      instance.check()
    }
    if (this.random.once_in(LEAVES_ONE_IN)) this.leave()
    else this.still_works()
  }

  /** The host leaves while all the rest goes on. */
  private leave(): void {
    this.own.leave()
    for (let nth = 0; nth < LAST_BATCHES; nth++) {
      this.batch()
      this.desk.now_ms += 100
    }
    this.instance.check()
  }

  private restart(seed: number): void {
    this.random = new Fast(seed)
    this.instance.restore(this.begun)
    this.instance.draw_from(seed)
    this.desk.reset(2)
    this.own.reset(this.random)
    this.begin_anew()
    this.answers.length = 0
    this.honest_op = 0
    for (const one of this.attackers) one.reset(this.random)
    for (const path of ['x', 'y', 'a/b']) this.own.make(this.random.below(3), bytes_of(path))
    this.desk.run()
    const stocks = this.random.once_in(STOCKED_ONE_IN) ? STOCKS : 0
    for (let nth = 0; nth < stocks; nth++) {
      this.own.stock()
      this.desk.run()
    }
  }

  /** Some frames of some peers, some operations, and what the core makes of it. */
  private batch(): void {
    const { desk, random } = this
    const due = this.instance.due_ms(desk.now_ms)
    const pause = random.below(40)
    if (pause < 12) desk.now_ms = desk.now_ms + pause >>> 0
    else if (pause === 12) desk.now_ms = desk.now_ms + random.pick([60, 400, 1_300, 3_000]) >>> 0
    else if (pause < 15 && due !== undefined) desk.now_ms = desk.now_ms + Math.min(due, 5_000) >>> 0
    this.answer()
    // A large batch now and then fills the output area.
    const count = random.once_in(64) ? BATCH_FRAMES_LARGE : random.between(1, BATCH_FRAMES_MAX)
    for (let nth = 0; nth < ATTACKERS; nth++) this.advance(nth)
    for (let nth = 0; nth < count && desk.room; nth++) {
      const which = random.below(ATTACKERS)
      const one = this.attackers[which]!
      if (one.up && !one.tainted) one.step()
      if (random.once_in(6)) this.own.step()
    }
    desk.run()
  }

  /** What the core asked for. */
  private answer(): void {
    const { desk, random } = this
    for (const { kind, a, b } of this.answers.splice(0)) {
      desk.put(kind, kind === IN.signaled || kind === IN.started || kind === IN.dial_failed ? 3 : 2,
        a, b)
    }
    this.take_calls()
    for (let nth = 0; nth < ATTACKERS; nth++) {
      const link = this.attackers[nth]!.link
      // A peer that does not read for a while.
      if (this.owed[nth] === 0 || link === 0 || random.once_in(16)) continue
      desk.put(IN.link_ready!, 3, link, this.owed[nth])
      this.owed[nth] = 0
    }
  }

  // Outputs

  private nth_of(link: number): number {
    for (let nth = 0; nth < ATTACKERS; nth++) if (this.attackers[nth]!.link === link) return nth
    return -1
  }

  /** `at`: the link's word; payload, its bytes, the header's bytes and the header follow. */
  frame(link: number, at: number): void {
    const { words, bytes } = this.instance
    const header_bytes = words[at + 3]!
    const nth = this.nth_of(link)
    if (nth < 0) return
    this.owed[nth] = this.owed[nth]! + header_bytes + words[at + 2]!
    this.header.open(bytes, at + 4 << 2)
    this.heard(nth, this.header.next())
  }

  /** The same: how many payloads there are, the header's bytes, the payloads, the header follow. */
  series(link: number, at: number): void {
    const { words, bytes } = this.instance
    const count = words[at + 1]!
    const nth = this.nth_of(link)
    if (nth < 0) return
    let sum = words[at + 2]!
    for (let one = 0; one < count; one++) sum += words[at + 4 + 2 * one]!
    this.owed[nth] = this.owed[nth]! + sum
    this.header.open(bytes, at + 3 + 2 * count << 2)
    this.carried = count
    this.heard(nth, this.header.next())
  }

  private heard(nth: number, kind: number): void {
    const one = this.attackers[nth]!
    if (kind < 16) return this.heard_link(nth, kind)
    const number = this.header.next()
    this.header.next()
    if ((number - one.received | 0) <= 0) return
    one.received = number
    const first = this.header.next()
    if (kind === FRAME.offer_receive || kind === FRAME.offer_send) {
      this.header.next()
      this.header.next()
      one.offered(first, kind === FRAME.offer_send, this.header.next() !== 0, false)
    } else if (kind === FRAME.offer_sends) {
      for (let more = 0; more < this.carried; more++) one.offered(first + more, true, false, false)
    } else if (kind === FRAME.offer_reader) one.offered(first, false, false, true)
    else if (kind === FRAME.withdraw) one.withdrawn(first)
    else if (kind === FRAME.claim || kind === FRAME.deliver) one.claimed_by(first)
    else if (kind === FRAME.delivers) one.claimed_by(first)
    else if (kind === FRAME.end) one.ended(first)
    else if (kind === FRAME.ends) one.ended_many(first, this.header.next())
    else if (kind === FRAME.unhold) one.let_go(first)
    else if (kind >= FRAME.make! && kind <= FRAME.signal!) one.asked(first, kind)
    else if (kind === FRAME.reply && this.header.next() === 0) this.made()
  }

  /** A reply with one value is that of a make: a channel that all can use. */
  private made(): void {
    if (this.header.next() !== 1) return
    const channel = this.header.next()
    if (channel > 0 && this.random.once_in(2)) this.own.channels.push(channel, 0, this.random)
  }

  completion(at: number): void {
    const { words } = this.instance
    if (this.honest_op !== 0 && words[at] === this.honest_op) {
      this.honest_status = words[at + 1]!
      this.honest_value = words[at + 6]!
    } else this.own.completion(at)
  }

  order(kind: number, at: number, words_count: number): void {
    const { words } = this.instance
    if (kind === OUT.unlink) {
      this.codes.set(words[at + 1]!, (this.codes.get(words[at + 1]!) ?? 0) + 1)
      const nth = this.nth_of(words[at]!)
      if (nth >= 0) {
        this.attackers[nth]!.cut = true
        this.down(nth)
      }
    } else if (kind === OUT.offered) this.own.offer(words[at]!)
    else if (kind === OUT.dial) this.call(words[at]!, (at + 2 << 2) + words[at + 1]! - 1)
    else if (kind === OUT.start) {
      this.answers.push({ kind: IN.started!, a: words[at]!, b: this.random.pick([0, 0, 16, 17]) })
    } else if (kind === OUT.signal) {
      this.answers.push({ kind: IN.signaled!, a: words[at]!, b: this.random.pick([0, 20]) })
    } else if (kind === OUT.stop) this.answers.push({ kind: IN.ended!, a: words[at]!, b: 0 })
    else if (kind === OUT.renew) this.self_incarnation = words[at + 1]!
    void words_count
  }

  /** The core dials: the peer is reached, or it is not. */
  private call(peer: number, last: number): void {
    const nth = this.instance.bytes[last]! - ZERO
    if (this.random.once_in(2) && this.called(nth)) return
    this.answers.push({ kind: IN.dial_failed!, a: peer, b: this.random.between(1, 4) })
  }

  // The end

  /** A message goes through a new channel, whatever was before. */
  private still_works(): void {
    const { desk } = this
    const op = (slot: number): number => (1 << 20 | slot) >>> 0
    const done = (put: () => void): number => {
      this.honest_status = -1
      put()
      desk.run()
      return this.honest_status
    }
    this.honest_op = op(100)
    const made = done(() => {
      const at = desk.put_tail(IN.make!, 4, NOTHING)
      this.instance.words.set([this.honest_op, 1, 0, 0], at + 1)
    })
    if (made !== 0) throw new Error(`an honest make ended with ${made}`)
    const ref = this.honest_value
    this.honest_op = op(101)
    const sent = done(() => { desk.put(IN.send!, 8, this.honest_op, ref, desk.give(), 6) })
    this.honest_op = op(102)
    const got = done(() => { desk.put(IN.receive!, 5, this.honest_op, ref) })
    if (sent !== 0 || got !== 0) throw new Error(`an honest send ended with ${sent}, ${got}`)
  }
}
