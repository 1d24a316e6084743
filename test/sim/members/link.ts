/**
 * A link between two members, and what is under way on it.
 *
 * Lives here: order, delay, loss of probes, what waits while the path is blocked, closing. Does not
 * live here: who dials whom, which paths are blocked (crowd.ts).
 *
 * Invariants: what was written in one direction arrives in order; only frames of the kinds that
 * probe are ever lost alone; a side that has ended a link hears no more of it.
 */
import { constants, records } from '../../core/door.ts'
import type { Crowd } from './crowd.ts'
import type { Member } from './member.ts'
import type { Event } from './queue.ts'

const reasons = constants('down_reason')
/** A header holds at least this many bytes without new room. */
const HEADER_BYTES = 256

/** The names of the frames that ask whether somebody lives, and answer that. */
const PROBE_NAMES = /^(ping|pong|probe.*|probed)$/
const probe_kinds = new Set(records.frames
  .filter(({ name }) => PROBE_NAMES.test(name)).map(({ kind }) => kind))

/** Bytes of a number as LEB128. */
function varint_bytes(value: number): number {
  return value < 128 ? 1 : value < 16_384 ? 2 : value < 2_097_152 ? 3 : 4
}

/** Something under way on a link: frames that were written in one moment, or its end. */
export class Parcel implements Event {
  readonly crowd: Crowd
  link!: Link
  to!: Member
  header = new Uint8Array(HEADER_BYTES)
  /** 0 for the end of the link. */
  header_bytes = 0
  payload_bytes = 0
  /** The next frame of the same write. */
  next: Parcel | undefined
  private arrived = false

  constructor(crowd: Crowd) { this.crowd = crowd }

  begin(link: Link, to: Member): void {
    this.link = link
    this.to = to
    this.header_bytes = 0
    this.payload_bytes = 0
    this.next = undefined
    this.arrived = false
  }

  /** First at the door of the member, which may let it wait; then in its host. */
  happen(): void {
    const { link, to, crowd } = this
    if (!this.arrived) {
      if (crowd.blocked(link.other(to), to)) return link.hold(this)
      if (to.alive && !link.ended(to)) {
        this.arrived = true
        return to.give(this)
      }
    } else for (let one: Parcel | undefined = this; one !== undefined; one = one.next) one.enter()
    for (let one: Parcel | undefined = this; one !== undefined;) {
      const { next }: Parcel = one
      crowd.give_back(one)
      one = next
    }
  }

  private enter(): void {
    const { link, to } = this
    const number = link.number(to)
    if (number !== 0 && this.header_bytes === 0) {
      to.link_down(number, link.reset ? reasons.reset! : reasons.closed!)
    } else if (number !== 0) {
      to.frame(number, this.payload_bytes, this.header, this.header_bytes)
    }
  }
}

export class Link {
  readonly crowd: Crowd
  readonly dialler: Member
  readonly acceptor: Member
  reset = false
  /** -1 before it is up at that side, 0 after its end. */
  private readonly numbers: [number, number] = [-1, -1]
  private readonly last_us: [number, number] = [0, 0]
  private readonly taken_bytes: [number, number] = [0, 0]
  /** The last frame written to each side, and when. */
  private readonly written: [Parcel | undefined, Parcel | undefined] = [undefined, undefined]
  private readonly written_us: [number, number] = [-1, -1]
  private held: Parcel[] | undefined

  constructor(crowd: Crowd, dialler: Member, acceptor: Member) {
    this.crowd = crowd
    this.dialler = dialler
    this.acceptor = acceptor
  }

  other(member: Member): Member { return member === this.dialler ? this.acceptor : this.dialler }
  private side(member: Member): 0 | 1 { return member === this.dialler ? 0 : 1 }

  /** The number by which a member knows this link, 0 when it is not up there. */
  number(member: Member): number { return Math.max(this.numbers[this.side(member)], 0) }
  ended(member: Member): boolean { return this.numbers[this.side(member)] === 0 }
  number_is(member: Member, number: number): void { this.numbers[this.side(member)] = number }

  /** Both sides have it. */
  up(): boolean { return this.numbers[0] > 0 && this.numbers[1] > 0 }

  /** Counts bytes as taken from a member that does not know yet; gives how many there were. */
  taken(member: Member, bytes: number): number {
    const side = this.side(member)
    const before = this.taken_bytes[side]
    this.taken_bytes[side] = before + bytes
    return before
  }

  /** The bytes of which the member is told now. */
  take(member: Member): number {
    const side = this.side(member)
    const bytes = this.taken_bytes[side]
    this.taken_bytes[side] = 0
    return bytes
  }

  /** Writes a frame; gives the bytes that it has on the wire. */
  send(from: Member, bytes: Uint8Array, at: number, header_bytes: number, payload_bytes: number
  ): number {
    const { crowd } = this
    const body = header_bytes + payload_bytes
    const wire_bytes = varint_bytes(body + varint_bytes(header_bytes)) +
      varint_bytes(header_bytes) + body
    const first = bytes[at + 1]!
    const kind = first < 24 ? first : first === 24 ? bytes[at + 2]! : -1
    crowd.written(kind, wire_bytes)
    if (crowd.probe_loss_ppm > 0 && probe_kinds.has(kind)
      && crowd.random.below(1_000_000) < crowd.probe_loss_ppm) return wire_bytes
    const to = this.other(from)
    if (!to.alive || this.reset) return wire_bytes
    const parcel = crowd.parcel()
    parcel.begin(this, to)
    if (parcel.header.length < header_bytes) parcel.header = new Uint8Array(header_bytes * 2)
    for (let index = 0; index < header_bytes; index++) parcel.header[index] = bytes[at + index]!
    parcel.header_bytes = header_bytes
    parcel.payload_bytes = payload_bytes
    const side = this.side(to)
    const before = this.written[side]
    // Frames of one moment go in one write, as they do over a stream.
    if (before !== undefined && this.written_us[side] === crowd.now_us) before.next = parcel
    else this.carry(parcel)
    this.written[side] = parcel
    this.written_us[side] = crowd.now_us
    return wire_bytes
  }

  /** One side has closed it: the other hears so after what was written. */
  close(from: Member): void {
    const to = this.other(from)
    if (!this.reset) this.tell_end(to)
  }

  /** The process at one side has ended: the other hears of the reset after what was under way. */
  break(from: Member): void {
    this.reset = true
    this.tell_end(this.other(from))
  }

  private tell_end(to: Member): void {
    if (!to.alive || this.ended(to)) return
    const parcel = this.crowd.parcel()
    parcel.begin(this, to)
    this.carry(parcel)
  }

  /** The path is blocked: it waits for the path. */
  hold(parcel: Parcel): void {
    if (this.held === undefined) {
      this.held = []
      this.crowd.held.push(this)
    }
    this.held.push(parcel)
  }

  /** What waited goes on its way again, in order. */
  free(): void {
    const held = this.held ?? []
    this.held = undefined
    for (const parcel of held) this.carry(parcel)
  }

  private carry(parcel: Parcel): void {
    const { crowd } = this
    const side = this.side(parcel.to)
    const at_us = Math.max(this.last_us[side], crowd.now_us + crowd.delay_us(this))
    this.last_us[side] = at_us
    crowd.queue.push(at_us, parcel)
  }
}
