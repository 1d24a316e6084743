/**
 * A peer that is certified and mad, fast: it speaks the protocol, mostly, and means nothing by it.
 *
 * Lives here: what it remembers of a session, and its next move. Does not live here: how it is said
 * and what may be wrong in it (voice.ts), handshakes and the core's other records (crowd.ts).
 */
import { bytes_of, codes, constants, limits } from '../core/door.ts'
import type { Fast } from './fast.ts'
import { Ring } from './ring.ts'
import { Voice } from './voice.ts'

const PATHS = ['x', 'y', 'a/b', 'new/1', 'new/2', 'p/1', 'p/2', 'none', '', 'a', '/', '...',
  'x/', 'a'.repeat(256)].map(bytes_of)
const GOOD_PATHS = 10
const DECLARED_LEFT = codes.DECLARED_LEFT!
const NOTHING = new Uint8Array(0)
const { alive: ALIVE, suspect: SUSPECT, ...rest } = constants('member_event')
const EVENTS = [SUSPECT!, ...Object.values(rest)]
const SYNC_BUCKETS = limits.SYNC_BUCKETS!
const OVERLAY = ['edge', 'edge', 'have', 'graft', 'prune', 'probe_for', 'probed', 'digest', 'holds',
  'want']
const STATUSES = [0, 0, 1, 2, 3, 5, 7, 13, 15, 64, 96, 133]
const ENDS = [1, 3, 5, 7, codes.WRONG_KIND!]
const COUNTS = [0, 2, 9, -1]
const SERIES: ReadonlySet<string> = new Set(['offer_sends', 'delivers'])
/** Of an offer: it sends, it is a select's, it is a reader's, a hold claim is out. */
const SENDS = 1
const SELECTS = 2
const READS = 4
const HELD = 8

export class Attacker extends Voice {
  private readonly rings = Array.from({ length: 4 }, () => new Ring())
  private readonly mine = this.rings[0]!
  private readonly claimed = this.rings[1]!
  private readonly theirs = this.rings[2]!
  private readonly requests = this.rings[3]!
  private next_offer = 0x100001
  /** Of its last statement about itself. */
  told_version = 0
  /** All of its kind, as they stand in `others`. */
  peers: readonly Attacker[] = []

  reset(random: Fast): void {
    this.random = random
    this.link = 0
    this.up = false
    this.tainted = false
    this.cut = false
    this.incarnation = 0
    this.told_version = 0
    this.next_offer = 0x100001
    this.quiet()
    this.forget()
  }

  /** A new session: nothing of the old one is left. */
  forget(): void {
    this.number = 1
    this.received = 0
    this.epoch = 0
    for (const ring of [...this.rings, this.marks]) ring.clear()
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

  ended_many(first: number, count: number): void {
    for (let nth = 0; nth < count; nth++) this.ended(first + nth)
  }

  let_go(id: number): void { this.claimed.forget(id) }

  marked(mark: number): void { this.marks.push(mark, 0, this.random) }

  asked(request: number, kind: number): void { this.requests.push(request, kind, this.random) }

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
    if (draw > 5 && random.once_in(2)) return this.offer_sends()
    const sends = draw < 5
    this.mine.push(this.offer, (sends ? SENDS : 0) | (this.selecting === 0 ? 0 : SELECTS), random)
    if (!sends) return this.say('offer_receive')
    this.say('offer_send', this.selecting === 0 ? this.size() : 0)
  }

  /** Plain sends in one frame. */
  private offer_sends(): void {
    this.payloads = this.random.once_in(20) ? 64 : this.random.between(2, 5)
    this.next_offer--
    for (let left = this.payloads; left > 0; left--) {
      this.mine.push(this.next_offer++, SENDS, this.random)
    }
    this.say('offer_sends', this.size())
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
      if ((marks & READS) === 0 || random.once_in(2)) return this.say('deliver', this.size())
      this.payloads = random.once_in(20) ? 64 : random.between(2, 5)
      return this.say('delivers', this.size())
    }
    theirs.drop(at)
    this.status = 0
    if ((marks & (SENDS | SELECTS)) === SENDS && random.once_in(2)) return this.end_many()
    if ((marks & SENDS) !== 0 && (marks & (HELD | SELECTS)) !== SELECTS) return this.say('end')
    if ((marks & HELD) !== 0) return this.say('unhold')
    this.status = random.pick(ENDS)
    this.say(random.once_in(4) && (marks & READS) === 0 ? 'claim' : 'end')
  }

  /** Ends the core's send and those after it, as many as it knows of, or as it makes up. */
  private end_many(): void {
    const { random, theirs } = this
    this.amount = 1
    for (let at = theirs.find(this.offer + 1); at >= 0;) {
      theirs.drop(at)
      at = theirs.find(this.offer + ++this.amount)
    }
    if (random.once_in(60)) this.amount = random.pick(COUNTS)
    this.say('ends')
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
    this.event = itself || random.once_in(2) ? ALIVE : random.pick(EVENTS)
    if (itself) {
      this.about = this.id
      this.about_incarnation = this.incarnation
      this.version = ++this.told_version
    } else this.speak_of_another()
    this.by = this.event === SUSPECT ? random.pick(this.others) : NOTHING
    const plan = this.plans.by_name.member!
    this.write(plan, plan.carries && !random.once_in(8) ? 7 : 0, '')
  }

  /** Chooses one to speak of, often as it is known to be: then the news are news. */
  private speak_of_another(): void {
    const { random } = this
    const nth = random.below(this.others.length)
    const peer = this.peers[nth]
    this.about = this.others[nth]!
    if (peer === undefined || random.once_in(4)) {
      this.about_incarnation = random.between(1, 4)
      this.version = random.below(4)
    } else {
      this.about_incarnation = peer.incarnation
      this.version = peer.told_version + random.below(3)
    }
  }

  /** Speaks of the overlay: edges, gossip's lazy half, probes for others, lists compared. */
  private overlay(): void {
    const { random } = this
    const name = random.pick(OVERLAY)
    this.request = random.between(1, 9)
    this.status = random.below(SYNC_BUCKETS)
    this.about = random.pick(this.others)
    this.amount = name === 'digest' ? SYNC_BUCKETS : name === 'have' ? 3 * random.below(4)
      : random.below(4)
    this.say(name)
  }

  /** Any frame of the grammar that the moves do not know, mostly right. */
  private unknown(): void {
    const { random, plans } = this
    const plan = random.pick(plans.all)
    if (SERIES.has(plan.frame.name)) this.payloads = random.between(2, 4)
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
    if (draw < 236) return this.ask_something()
    if (draw < 241) return this.member(this.random.once_in(4))
    if (draw < 246) return this.overlay()
    if (draw === 246) return this.part()
    if (draw === 247) return this.unknown()
    this.request = this.random.below(9)
    this.say(this.random.pick(['ping', 'pong', 'ack']))
  }
}
