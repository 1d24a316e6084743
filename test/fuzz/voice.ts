/**
 * What a mad peer says, frame by frame, in the form of the grammar and with one thing wrong now and
 * then.
 *
 * Lives here: the fields of the frame that is being written, their parts, what may be wrong. Does
 * not live here: which frame comes next (attacker.ts), how a field is filled (plan.ts).
 */
import { bytes_of } from '../core/door.ts'
import type { Desk } from './desk.ts'
import type { Fast } from './fast.ts'
import type { Item } from './grammar.ts'
import { put_item } from './plan.ts'
import type { Plan, Plans } from './plan.ts'
import { Ring } from './ring.ts'

const EDGES = [0, 1, 2, 23, 24, 255, 256, 0xffff, 0x10000, 0x7fffffff, -0x80000000, -1]
const OWN_CHANNELS = [0x100001, 0x100002, 0x100003]
const NOTHING = new Uint8Array(0)
const SESSION_FROM = 16
/** One frame in so many has something wrong. */
const BEND_ONE_IN = 64
const BENDS = ['edge', 'type', 'flip', 'cut', 'tail', 'payload', 'number', 'grammar', 'bytes',
  'again', 'large'] as const
/** Payloads of a frame that is bent: more than there may be, and as many as a kind has not. */
const COUNTS = [1, 1, 2, 3, 64, 65, 200]
type Bend = typeof BENDS[number] | ''

/** FNV-1a. spec: MEM-5 */
function hash_of(id: Uint8Array): number {
  let hash = 0x811c9dc5
  for (const byte of id) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash
}

export class Voice {
  readonly id: Uint8Array
  readonly name: Uint8Array
  random: Fast
  link = 0
  up = false
  /** Its next frames may be out of number: it must be attached anew. */
  tainted = false
  /** The core ended its link. */
  cut = false
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
  /** How many payloads the frame has, if it has any. */
  payloads = 1
  status = 0
  request = 0
  event = 0
  brings = false
  version = 0
  by: Uint8Array = NOTHING
  about: Uint8Array
  about_incarnation = 0
  path: Uint8Array = NOTHING

  /** Marks and hashes that the core said. */
  readonly marks = new Ring()
  protected readonly plans: Plans
  protected readonly desk: Desk
  private readonly channels: Ring
  protected readonly others: readonly Uint8Array[]
  /** Their ids, as news are marked. */
  private readonly hashes: readonly number[]

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
    this.hashes = others.map(hash_of)
    this.random = random
  }

  /** As it was made: an episode depends on its seed alone. */
  protected quiet(): void {
    this.said = this.offer = this.channel = this.flags = this.selecting = this.amount = 0
    this.status = this.request = this.event = this.version = this.about_incarnation = 0
    this.by = this.path = NOTHING
    this.about = this.id
    this.payloads = 1
  }

  // Fields with parts

  put_refs(desk: Desk): void {
    const { random } = this
    const count = this.brings && random.once_in(4) ? random.between(1, 3) : 0
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
    if (random.once_in(3)) return random.pick(this.hashes)
    if (marks.count === 0 || random.once_in(4)) return random.bits()
    return marks.ids[random.below(marks.count)]!
  }

  put_marks(desk: Desk, count: number): void {
    desk.head(4, count)
    for (let left = count; left > 0; left--) desk.u32(this.any_mark())
  }

  protected any_channel(): number {
    const { channels, random } = this
    if (channels.count === 0 || random.once_in(60)) return random.pick(EDGES)
    return channels.ids[random.below(channels.count)]!
  }

  // Writing one frame

  protected say(name: string, payload_bytes = 0): void {
    const { random } = this
    const bend: Bend = random.once_in(BEND_ONE_IN) ? random.pick(BENDS) : ''
    this.write(this.plans.by_name[name]!, payload_bytes, bend)
  }

  protected write(plan: Plan, payload_bytes: number, bend: Bend): void {
    const { desk, random } = this
    const counts = plan.frame.kind >= SESSION_FROM
    this.said = this.number
    // References come with a message only.
    this.brings = payload_bytes !== 0 || bend !== ''
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
    if (bend !== '' && random.once_in(8)) this.payloads = random.pick(COUNTS)
    desk.frame_end(this.link, payload_bytes, this.payloads)
    this.payloads = 1
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
}
