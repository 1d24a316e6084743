/**
 * How mad peers come to a session with the core, by either side's dial, and come again.
 *
 * Lives here: link_up, hello, verified and ack for each peer, what the core answers to them, the
 * phases. Does not live here: what is said in a session (attacker.ts), batches (crowd.ts).
 *
 * Invariant: a peer says frames of a session only while it is attached as far as it can know.
 */
import { bytes_of, constants, limits, records } from '../core/door.ts'
import type { Attacker } from './attacker.ts'
import { IN } from './desk.ts'
import type { Desk } from './desk.ts'
import { Fast } from './fast.ts'
import { HeaderReader } from './header-reader.ts'
import type { Instance } from './instance.ts'

export const ATTACKERS = 6
const ALL_RIGHTS = Object.values(constants('right')).reduce((all, one) => all | one, 0)
const WIRE_VERSION = limits.WIRE_VERSION!
const FRAME = Object.fromEntries(records.frames.map(({ name, kind }) => [name, kind]))
const hello_flag = constants('hello_flag')
/** Marks of one frame that a peer remembers. */
const MARKS_MAX = 8
const PREFIX = bytes_of('a')
const NOTHING = new Uint8Array(0)

/** Where a peer stands with the core. */
const DOWN = 0
/** It dialled and said hello, and waits for the answer. */
const SAID = 1
/** The answer came: its ack is due. */
const ANSWERED = 2
/** The core dialled, and the peer has answered: the core's ack is due. */
const DIALLED = 3
const UP = 4
/** Its incarnation was declared left: the next one says hello on the same link. */
const TURNED_AWAY = 5
/** The core dialled: the peer's answer is due. */
const CALLED = 6

export class Handshakes {
  readonly instance: Instance
  desk!: Desk
  random = new Fast(1)
  /** Sessions begun or resumed so far. */
  attached = 0
  protected readonly attackers: Attacker[] = []
  /** Bytes of frames that the core gave to each link and that are not returned. */
  protected readonly owed = new Float64Array(ATTACKERS)
  protected readonly header = new HeaderReader()
  protected self_incarnation = 1
  private readonly phases = new Uint8Array(ATTACKERS)
  private next_link = 1
  /** Peers that the core dials, and those whose answer it has accepted. */
  private readonly calls: number[] = []
  private readonly up_now: number[] = []

  constructor(instance: Instance) { this.instance = instance }

  protected begin_anew(): void {
    for (let nth = 0; nth < ATTACKERS; nth++) this.down(nth)
    this.calls.length = 0
    this.up_now.length = 0
    this.self_incarnation = 1
    this.next_link = 1
  }

  /** The core dials a peer. False when there is none of that number, or it is not down. */
  protected called(nth: number): boolean {
    if (nth < 0 || nth >= ATTACKERS || this.phases[nth] !== DOWN) return false
    this.calls.push(nth)
    return true
  }

  protected take_calls(): void {
    for (const nth of this.calls.splice(0)) {
      if (this.phases[nth] !== DOWN) continue
      const one = this.attackers[nth]!
      if (one.incarnation === 0 || this.random.once_in(2)) {
        one.forget()
        one.incarnation++
      }
      this.link_up(nth, 1)
      this.phases[nth] = CALLED
    }
  }

  protected take_answers(): void {
    for (const nth of this.up_now.splice(0)) if (this.phases[nth] === DIALLED) this.up(nth)
  }

  /** Brings a peer one step nearer to a session, or lets one go that cannot go on. */
  protected advance(nth: number): void {
    const { random, desk } = this
    const one = this.attackers[nth]!
    const phase = this.phases[nth]
    if (phase === UP && (one.tainted || random.once_in(400))) this.hang_up(nth)
    else if (phase === DIALLED) this.hang_up(nth)
    else if (phase === CALLED) {
      this.greet(nth, hello_flag.answer!)
      this.phases[nth] = DIALLED
    } else if (phase === DOWN) {
      if (!random.once_in(4)) this.dial(nth)
    } else if (phase === SAID) this.hang_up(nth)
    else if (phase === ANSWERED) {
      desk.frame_begin()
      desk.head(4, 2)
      desk.u32(FRAME.ack!)
      desk.u32(this.bent(one.received))
      desk.frame_end(one.link, 0)
      this.up(nth)
    } else if (phase === TURNED_AWAY) {
      one.forget()
      one.incarnation++
      this.greet(nth, 0)
    }
  }

  private hang_up(nth: number): void {
    const one = this.attackers[nth]!
    if (one.link !== 0 && !this.random.once_in(20)) {
      this.desk.put(IN.link_down!, 3, one.link, this.random.below(3))
    }
    this.down(nth)
  }

  protected down(nth: number): void {
    const one = this.attackers[nth]!
    one.link = 0
    one.up = false
    this.phases[nth] = DOWN
    this.owed[nth] = 0
  }

  private up(nth: number): void {
    const one = this.attackers[nth]!
    this.phases[nth] = UP
    one.up = true
    one.tainted = false
    one.cut = false
    one.epoch++
    this.attached++
    if (one.number === 1) one.member(true)
  }

  private bent(value: number): number {
    return this.random.once_in(60) ? this.random.pick([0, 1, value + 1, value - 1, -1]) : value
  }

  private dial(nth: number): void {
    const one = this.attackers[nth]!
    // One that was cut is turned away unless it comes as another; the others mostly go on.
    if (one.incarnation === 0 || this.random.once_in(one.cut ? 8 : 3) !== one.cut) {
      one.cut = false
      one.forget()
      one.incarnation++
    }
    this.link_up(nth, 0)
    this.greet(nth, 0)
  }

  private greet(nth: number, flags: number): void {
    const one = this.attackers[nth]!
    this.say_hello(one, flags)
    this.verified(one)
    this.phases[nth] = SAID
  }

  private link_up(nth: number, outgoing: number): void {
    const one = this.attackers[nth]!
    one.link = this.next_link++
    const at = this.desk.put_tail(IN.link_up!, 3, one.id)
    this.instance.words.set([one.link, outgoing, one.id.length], at + 1)
  }

  private say_hello(one: Attacker, flags: number): void {
    const { desk } = this
    desk.frame_begin()
    desk.head(4, 7)
    desk.u32(FRAME.hello!)
    desk.u32(this.bent(WIRE_VERSION))
    desk.u32(this.bent(one.incarnation))
    desk.u32(this.bent(one.epoch === 0 && flags === 0 ? 0 : this.self_incarnation))
    desk.u32(this.bent(one.received))
    desk.u32(this.bent(one.epoch))
    desk.u32(this.bent(flags))
    desk.frame_end(one.link, this.random.once_in(200) ? 0 : 10)
  }

  private verified(one: Attacker): void {
    const { random } = this
    const at = this.desk.put_tail(IN.verified!, 5, random.once_in(12) ? PREFIX : NOTHING)
    const { words } = this.instance
    words[at + 1] = one.link
    words[at + 2] = random.once_in(60) ? 1 : 0
    words[at + 3] = random.once_in(12) ? random.below(8) : ALL_RIGHTS
    words[at + 4] = random.once_in(20) ? random.between(1, 500) : 0
    words[at + 5] = (words[at]! >>> 16) - 6 === 0 ? 0 : 1
  }

  protected heard_link(nth: number, kind: number): void {
    const one = this.attackers[nth]!
    if (kind === FRAME.ack && this.phases[nth] === DIALLED) {
      // The core has accepted our answer; it says where it stands.
      one.number = this.header.next() + 1
      this.up_now.push(nth)
    }
    if (kind === FRAME.have || kind === FRAME.digest) {
      for (let left = Math.min(this.header.next(), MARKS_MAX); left > 0; left--) {
        one.marked(this.header.next())
      }
    }
    if (kind !== FRAME.hello) return
    this.header.next()
    this.self_incarnation = this.header.next()
    this.header.next()
    const received = this.header.next()
    const epoch = this.header.next()
    const flags = this.header.next()
    if (this.phases[nth] !== SAID) return
    if ((flags & hello_flag.left!) !== 0) {
      this.phases[nth] = TURNED_AWAY
      return
    }
    one.number = received + 1
    one.epoch = Math.max(one.epoch, epoch)
    this.phases[nth] = ANSWERED
  }
}
