/**
 * A peer that is certified and mad, fast: it speaks the protocol, mostly, and means nothing by it.
 *
 * Lives here: what it remembers of a session, its next frame, frames with one thing wrong. Does not
 * live here: how a frame's fields are written (plan.ts), handshakes and the core's other records
 * (crowd.ts).
 */
import { bytes_of, codes, constants, limits } from '../core/door.ts'
import type { Desk } from './desk.ts'
import type { Fast } from './fast.ts'
import type { Item } from './grammar.ts'
import { put_item } from './plan.ts'
import type { Plan, Plans } from './plan.ts'
import { Ring } from './ring.ts'

const PATHS = ['x', 'y', 'a/b', 'new/1', 'new/2', 'p/1', 'p/2', 'none', '', 'a', '/', '...',
  'x/', 'a'.repeat(256)].map(bytes_of)
const GOOD_PATHS = 10
const EDGES = [0, 1, 2, 23, 24, 255, 256, 0xffff, 0x10000, 0x7fffffff, -0x80000000, -1]
const DECLARED_LEFT = codes.DECLARED_LEFT!
const NOTHING = new Uint8Array(0)
const { alive: ALIVE, suspect: SUSPECT, ...rest } = constants('member_event')
const EVENTS = [SUSPECT!, ...Object.values(rest)]
const SYNC_BUCKETS = limits.SYNC_BUCKETS!
const OVERLAY = ['edge', 'edge', 'have', 'graft', 'prune', 'probe_for', 'probed', 'digest', 'holds',
  'want']
const STATUSES = [0, 0, 1, 2, 3, 5, 7, 13, 15, 64, 96, 133]
const OWN_CHANNELS = [0x100001, 0x100002, 0x100003]
const SESSION_FROM = 16
/** Of an offer: it sends, it is a select's, it is a reader's, a hold claim is out. */
const SENDS = 1
const SELECTS = 2
const READS = 4
const HELD = 8
/** One frame in so many has something wrong. */
const BEND_ONE_IN = 64

const BENDS = ['edge', 'type', 'flip', 'cut', 'tail', 'payload', 'number', 'grammar', 'bytes',
  'again', 'large'] as const
type Bend = typeof BENDS[number] | ''

export class Attacker {
  readonly id: Uint8Array
  readonly name: Uint8Array
  random: Fast
  link = 0
  up = false
  /** Its next frames may be out of number: it must be attached anew. */
  tainted = false
  incarnation = 0
  epoch = 0
  number = 1
  received = 0

  // The fields of the frame that is being written.
  said = 0
  offer = 0
  channel = 0
  flags = 0
  selecting = 0
  amount = 0
  status = 0
  request = 0
  event = 0
  version = 0
  by: Uint8Array = NOTHING
  about: Uint8Array
  about_incarnation = 0
  path: Uint8Array = PATHS[0]!

  private readonly plans: Plans
  private readonly desk: Desk
  private readonly channels: Ring
  private readonly others: readonly Uint8Array[]
  private readonly rings = Array.from({ length: 5 }, () => new Ring())
  private readonly mine = this.rings[0]!
  private readonly claimed = this.rings[1]!
  private readonly theirs = this.rings[2]!
  private readonly requests = this.rings[3]!
  /** Marks and hashes that the core said. */
  private readonly marks = this.rings[4]!
  private next_offer = 0x100001

  constructor(
    nth: number, plans: Plans, desk: Desk, channels: Ring, others: readonly Uint8Array[],
    random: Fast
  ) {
    this.name = bytes_of(`evil${nth}`)
    this.id = others[nth]!
    this.about = this.id
    this.plans = plans
    this.desk = desk
    this.channels = channels
    this.others = others
    this.random = random
  }

  reset(random: Fast): void {
    this.random = random
    this.link = 0
    this.up = false
    this.tainted = false
    this.incarnation = 0
    this.next_offer = 0x100001
    this.forget()
  }

  /** A new session: nothing of the old one is left. */
  forget(): void {
    this.number = 1
    this.received = 0
    this.epoch = 0
    for (const ring of this.rings) ring.clear()
  }

  // What it heard

  offered(id: number, sends: boolean, select: boolean, reader: boolean): void {
    this.theirs.push(id, (sends ? SENDS : 0) | (select ? SELECTS : 0) | (reader ? READS : 0),
      this.random)
  }

  withdrawn(id: number): void { this.theirs.forget(id) }

  claimed_by(id: number): void {
    const at = this.mine.find(id)
    if (at >= 0) this.claimed.push(id, this.mine.marks[at]!, this.random)
  }

  ended(id: number): void {
    this.mine.forget(id)
    this.claimed.forget(id)
  }

  let_go(id: number): void { this.claimed.forget(id) }

  marked(mark: number): void { this.marks.push(mark, 0, this.random) }

  asked(request: number, kind: number): void { this.requests.push(request, kind, this.random) }

  // Fields with parts

  put_refs(desk: Desk): void {
    const { random } = this
    const count = random.once_in(4) ? random.between(1, 3) : 0
    desk.head(4, count)
    for (let nth = 0; nth < count; nth++) {
      const owner = random.below(5)
      if (owner < 2) {
        desk.head(4, 3)
        desk.u32(0)
        desk.u32(random.once_in(20) ? this.incarnation + 1 : this.incarnation)
        desk.u32(random.pick(OWN_CHANNELS))
      } else if (owner < 4) {
        desk.head(4, 3)
        desk.u32(1)
        desk.u32(1)
        desk.u32(this.any_channel())
      } else {
        desk.head(4, 4)
        desk.u32(2)
        desk.u32(random.between(1, 3))
        desk.u32(random.pick(OWN_CHANNELS))
        desk.text(random.pick(this.others))
      }
    }
  }

  put_values(desk: Desk): void {
    const { random } = this
    desk.head(4, this.amount)
    for (let nth = 0; nth < this.amount; nth++) {
      desk.u32(random.once_in(3) ? random.pick(EDGES) : random.pick(OWN_CHANNELS))
    }
  }

  any_mark(): number {
    const { marks, random } = this
    if (marks.count === 0 || random.once_in(4)) return random.bits()
    return marks.ids[random.below(marks.count)]!
  }

  put_marks(desk: Desk, count: number): void {
    desk.head(4, count)
    for (let left = count; left > 0; left--) desk.u32(this.any_mark())
  }

  private any_channel(): number {
    const { channels, random } = this
    if (channels.count === 0 || random.once_in(60)) return random.pick(EDGES)
    return channels.ids[random.below(channels.count)]!
  }

  // Writing one frame

  private say(name: string, payload_bytes = 0): void {
    const { random } = this
    const bend: Bend = random.once_in(BEND_ONE_IN) ? random.pick(BENDS) : ''
    this.write(this.plans.by_name[name]!, payload_bytes, bend)
  }

  private write(plan: Plan, payload_bytes: number, bend: Bend): void {
    const { desk, random } = this
    const counts = plan.frame.kind >= SESSION_FROM
    this.said = this.number
    if (bend === 'number') this.said += random.pick([-1, -2, 1, 2, 1000, 0x7fffffff, -0x80000000])
    if (bend === 'again') this.said--
    desk.frame_begin()
    if (bend === 'grammar') this.from_grammar()
    else if (bend === 'bytes') this.noise()
    else {
      const { fills, frame } = plan
      const wrong = bend === 'edge' || bend === 'type' ? random.below(fills.length + 1) : -1
      desk.head(4, fills.length + 1)
      desk.u32(frame.kind)
      for (let nth = 0; nth < fills.length; nth++) {
        if (nth !== wrong) fills[nth]!(this, desk)
        else if (bend === 'edge') desk.u32(random.pick(EDGES))
        else put_item(desk, random.pick<Item>(['', 'text', [], [[]], [0, 1, 2], 0]))
      }
    }
    if (bend !== '') payload_bytes = this.bent(bend, payload_bytes)
    desk.frame_end(this.link, payload_bytes)
    if (bend !== '') this.tainted = true
    else if (counts) this.number++
  }

  private bent(bend: Bend, payload_bytes: number): number {
    const { desk, random } = this
    const from = desk.header_at
    const { bytes } = desk.instance
    const at = from + random.below(desk.at - from)
    if (bend === 'flip') bytes[at] = bytes[at]! ^ 1 << random.below(8)
    if (bend === 'cut') desk.at = at
    if (bend === 'tail') for (let left = random.between(1, 9); left > 0; left--) this.noise_byte()
    if (bend === 'payload') return payload_bytes === 0 ? 7 : 0
    if (bend === 'large') return random.pick([1 << 20, (1 << 20) + 1, -1, 1 << 31, 300_000])
    return payload_bytes
  }

  private noise_byte(): void { this.desk.instance.bytes[this.desk.at++] = this.random.bits() }

  private noise(): void {
    const count = this.random.once_in(50) ? 16_400 : this.random.below(64)
    for (let left = count; left > 0; left--) this.noise_byte()
  }

  /** Any frame of the grammar, with the session's numbers where they belong. */
  private from_grammar(): void {
    const { random, desk, plans } = this
    const { frame } = random.pick(plans.all)
    desk.head(4, frame.fields.length + 1)
    desk.u32(frame.kind)
    for (const { name, type } of frame.fields) {
      if ((name === 'number' || name === 'received') && !random.once_in(20)) {
        desk.u32(name === 'number' ? this.number : this.received)
      } else put_item(desk, plans.grammar.item(random, type, 30))
    }
  }

  // Moves

  private offer_something(): void {
    const { random } = this
    const draw = random.below(8)
    this.channel = this.any_channel()
    // The number of one that is still parked is a violation.
    this.offer = this.next_offer++
    if (draw === 0) {
      this.amount = random.between(1, 5)
      this.mine.push(this.offer, READS, random)
      return this.say('offer_reader')
    }
    this.selecting = random.once_in(2) ? random.between(1, 4) : 0
    this.flags = (this.selecting === 0 ? 0 : 2) | (random.once_in(6) ? 1 : 0)
    const sends = draw < 5
    this.mine.push(this.offer, (sends ? SENDS : 0) | (this.selecting === 0 ? 0 : SELECTS), random)
    if (!sends) return this.say('offer_receive')
    this.say('offer_send', this.selecting === 0 ? this.size() : 0)
  }

  private size(): number { return this.random.once_in(60) ? 1 << 20 : this.random.between(1, 99) }

  private on_mine(): void {
    const { random } = this
    const grants = this.claimed.count > 0 && !random.once_in(4)
    const ring = grants ? this.claimed : this.mine
    if (ring.count === 0) return this.offer_something()
    const at = random.below(ring.count)
    const marks = ring.marks[at]!
    this.offer = ring.ids[at]!
    if (!grants && !random.once_in(80)) {
      const ask = (marks & (SENDS | SELECTS)) === SENDS && random.once_in(2)
      ring.drop(at)
      if (!ask) this.claimed.forget(this.offer)
      return this.say(ask ? 'ask' : 'withdraw')
    }
    if ((marks & READS) === 0) ring.drop(at)
    this.amount = random.once_in(60) ? random.below(9) : 1
    this.say('grant', (marks & (SENDS | SELECTS)) === (SENDS | SELECTS) ? this.size() : 0)
  }

  private on_theirs(): void {
    const { random, theirs } = this
    if (theirs.count === 0) return this.offer_something()
    const at = random.below(theirs.count)
    const marks = theirs.marks[at]!
    this.offer = theirs.ids[at]!
    this.status = random.pick(STATUSES)
    if (random.once_in(60)) return this.say('end')
    if ((marks & (SELECTS | HELD)) === SELECTS && random.once_in(2)) {
      theirs.marks[at] = marks | HELD
      this.status = 0
      return this.say('claim')
    }
    if ((marks & HELD) !== 0 && random.once_in(2)) {
      theirs.marks[at] = marks & ~HELD
      return this.say('unhold')
    }
    if ((marks & SENDS) === 0 && random.once_in(2)) {
      if ((marks & READS) === 0) theirs.drop(at)
      this.flags = random.below(2)
      return this.say('deliver', this.size())
    }
    theirs.drop(at)
    this.status = 0
    if ((marks & SENDS) !== 0 && (marks & (HELD | SELECTS)) !== SELECTS) return this.say('end')
    if ((marks & HELD) !== 0) return this.say('unhold')
    this.status = random.pick([1, 3, 5, 7])
    this.say(random.once_in(4) && (marks & READS) === 0 ? 'claim' : 'end')
  }

  private ask_something(): void {
    const { random } = this
    this.path = PATHS[random.once_in(8) ? random.below(PATHS.length) : random.below(GOOD_PATHS)]!
    this.request = random.between(1, 1_000)
    this.channel = random.once_in(2) ? this.any_channel() : 0
    this.amount = random.below(4)
    this.flags = random.below(2)
    switch (random.below(12)) {
      case 0: case 1: return this.say('make')
      case 2: return this.say('open')
      case 3: return this.say('list')
      case 4: case 5: return this.say('stat')
      case 6: return random.once_in(6) ? this.say('close') : this.offer_something()
      case 7: return random.once_in(8) ? this.say('scrub') : this.offer_something()
      case 8: return random.once_in(4) ? this.say('start', 7) : this.offer_something()
      case 9: this.amount = 15; return this.say('signal')
      default: return this.answer()
    }
  }

  private answer(): void {
    const { random, requests } = this
    if (requests.count === 0) return this.offer_something()
    const at = random.below(requests.count)
    const kind = requests.marks[at]!
    this.request = requests.ids[at]!
    if (kind === this.plans.by_name.list!.frame.kind && random.once_in(2)) return this.say('entry')
    requests.drop(at)
    this.status = random.pick(STATUSES)
    const wanted = this.status !== 0 ? 1 : kind === this.plans.by_name.open!.frame.kind ? 2
      : kind === this.plans.by_name.stat!.frame.kind ? 7 : 1
    this.amount = random.once_in(40) ? random.below(18) : wanted
    this.say('reply')
  }

  /** Speaks of a peer: of itself, or of another. */
  member(itself: boolean): void {
    const { random } = this
    this.about = itself ? this.id : random.pick(this.others)
    this.about_incarnation = itself ? this.incarnation : random.between(1, 4)
    this.event = itself || random.once_in(2) ? ALIVE : random.pick(EVENTS)
    this.version = itself ? this.version + 1 : random.below(4)
    this.by = this.event === SUSPECT ? random.pick(this.others) : NOTHING
    const plan = this.plans.by_name.member!
    this.write(plan, plan.carries && !random.once_in(8) ? 7 : 0, '')
  }

  /** Speaks of the overlay: edges, gossip's lazy half, probes for others, lists compared. */
  private overlay(): void {
    const { random } = this
    const name = random.pick(OVERLAY)
    this.request = random.between(1, 9)
    this.status = random.below(SYNC_BUCKETS)
    this.about = random.pick(this.others)
    this.amount = name === 'digest' ? SYNC_BUCKETS : random.below(4)
    this.say(name)
  }

  /** Any frame of the grammar that the moves do not know, mostly right. */
  private unknown(): void {
    const { random, plans } = this
    const plan = random.pick(plans.all)
    this.status = random.pick(STATUSES)
    this.write(plan, plan.carries && random.once_in(2) ? 7 : 0, '')
    this.tainted = true
  }

  /** Ends the session, in one way or another. */
  private part(): void {
    this.status = this.random.once_in(2) ? DECLARED_LEFT : this.random.pick(STATUSES)
    this.say(this.random.pick(['leave', 'leave', 'leave_answer', 'refuse']))
    this.tainted = true
  }

  /** One more frame. */
  step(): void {
    const draw = this.random.below(256)
    if (draw < 96) return this.offer_something()
    if (draw < 172) return this.on_mine()
    if (draw < 212) return this.on_theirs()
    if (draw < 240) return this.ask_something()
    if (draw < 243) return this.member(this.random.once_in(2))
    if (draw < 246) return this.overlay()
    if (draw === 246) return this.part()
    if (draw === 247) return this.unknown()
    this.request = this.random.below(9)
    this.say(this.random.pick(['ping', 'pong', 'ack']))
  }
}
