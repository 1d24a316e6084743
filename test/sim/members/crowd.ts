/**
 * A large circuit in one process and in virtual time: members, the paths between them, faults.
 *
 * Lives here: the clock, dials, loss, partitions, deaths, what is counted of all members. Does not
 * live here: one member (member.ts), one link (link.ts), what is asserted (the scenarios).
 *
 * Invariants: one seed replays everything: nothing here reads a clock or draws from another source;
 * `listed_by` of a member counts the living others that list it.
 */
import { constants, limits, records } from '../../core/door.ts'
import { Random } from '../../property/random.ts'
import { Link, Parcel } from './link.ts'
import { Member } from './member.ts'
import { Queue } from './queue.ts'
import type { Event } from './queue.ts'

const dial_reason = constants('dial_reason')

/** Events at one time; more is a core that wants to be called for ever. */
const STILL_MAX = 1_000_000

export interface Left { at_ms: number, by: number, about: number }

export interface CrowdOptions {
  seed: number
  /** How many members there may ever be. */
  room: number
  delay_min_us?: number
  delay_max_us?: number
}

export class Crowd {
  now_us = 0
  readonly queue = new Queue()
  readonly random: Random
  readonly room: number
  readonly members: Member[] = []
  living_count = 0
  /** Probes lost, in millionths. */
  probe_loss_ppm = 0
  /** How many living others list each member. */
  readonly listed_by: Int32Array
  /** Entries in all lists of living members. */
  listed_total = 0
  /** `left` that a host heard of a member that ran at that time. */
  readonly false_lefts: Left[] = []
  renewals = 0
  dials = 0
  /** Dials in each second. */
  readonly dials_of_second: number[] = []
  /** Links on which something waits for its path. */
  held: Link[] = []
  /** Frames and bytes by kind. */
  readonly frames_of_kind = new Float64Array(64)
  readonly bytes_of_kind = new Float64Array(64)
  /** Called now and then with the virtual time, to show progress. */
  progress: (() => void) | undefined
  /** Changes of lists and incarnations so far, and when the lists were last seen not to agree. */
  private changes = 0
  private inexact_at = -1
  private readonly vanished = new Set<Member>()
  /** Sides of a partition by member; members of unlike sides do not reach each other. */
  private sides: Uint8Array | undefined
  /** Members from whom nothing goes out. */
  private readonly mute = new Set<Member>()
  private readonly delay_min_us: number
  private readonly delay_span_us: number
  private parcels: Parcel[] = []
  private steps = 0
  /** Events since time went on. */
  private still = 0

  constructor(options: CrowdOptions) {
    this.random = new Random(options.seed)
    this.room = options.room
    this.listed_by = new Int32Array(options.room)
    this.delay_min_us = options.delay_min_us ?? 200
    this.delay_span_us = (options.delay_max_us ?? 2_000) - this.delay_min_us
  }

  get now_ms(): number { return this.now_us / 1000 }

  living(): Member[] { return this.members.filter(({ alive }) => alive) }

  count(which: (member: Member) => boolean): number {
    return this.members.filter((member) => member.alive && which(member)).length
  }

  /** A new peer with an id of its own; it knows nobody yet. */
  join(): Member {
    const member = new Member(this, this.members.length, 1)
    this.members.push(member)
    this.living_count++
    this.changes++
    return member
  }

  // Time

  later(ms: number, act: () => void): void { this.at(this.now_us + ms * 1000, { happen: act }) }
  at(us: number, event: Event): void { this.queue.push(us, event) }

  run_for(ms: number): void {
    const end_us = this.now_us + Math.round(ms * 1000)
    while (this.queue.next_us() <= end_us) this.step()
    this.now_us = end_us
  }

  /** Runs until it holds; gives the milliseconds that took, Infinity when it took longer. */
  until(holds: () => boolean, ms: number): number {
    const begin_us = this.now_us
    const end_us = begin_us + ms * 1000
    while (!holds()) {
      if (this.queue.next_us() > end_us) {
        this.now_us = end_us
        return Infinity
      }
      this.step()
    }
    return (this.now_us - begin_us) / 1000
  }

  /** As `until`, for what is dear to look at: ten times in a second. */
  until_now_and_then(holds: () => boolean, ms: number): number {
    for (let gone = 0; gone < ms; gone += 100) {
      if (holds()) return gone
      this.run_for(100)
    }
    return holds() ? ms : Infinity
  }

  private step(): void {
    const next_us = this.queue.next_us()
    this.still = next_us === this.now_us ? this.still + 1 : 0
    if (this.still > STILL_MAX) throw new Error(`time stands still at ${this.now_ms} ms`)
    this.now_us = next_us
    this.queue.pop().happen()
    if ((++this.steps & 0x3fff) === 0) this.progress?.()
  }

  // Paths

  delay_us(_link: Link): number {
    return this.delay_min_us + this.random.below(this.delay_span_us + 1)
  }

  /** Nothing passes from one to the other, and nobody is told. */
  blocked(from: Member, to: Member): boolean {
    if (this.sides !== undefined && this.sides[from.index] !== this.sides[to.index]) return true
    return this.mute.size > 0 && this.mute.has(from)
  }

  parcel(): Parcel { return this.parcels.pop() ?? new Parcel(this) }
  give_back(parcel: Parcel): void { this.parcels.push(parcel) }

  written(kind: number, bytes: number): void {
    if (kind < 0 || kind >= 64) return
    this.frames_of_kind[kind]!++
    this.bytes_of_kind[kind]! += bytes
  }

  /** What was written since `clear`, by frame: `ping 40 %, …`, the most first. */
  shares(): string {
    const all = this.bytes_of_kind.reduce((sum, bytes) => sum + bytes, 0)
    return records.frames.map(({ kind, name }) => ({ name, bytes: this.bytes_of_kind[kind]! }))
      .filter(({ bytes }) => bytes * 200 > all).sort((a, b) => b.bytes - a.bytes)
      .map(({ name, bytes }) => `${name} ${(bytes / all * 100).toFixed(0)} %`).join(', ')
  }

  /** Answers an order to dial. */
  dial(from: Member, peer: number, number: number): void {
    this.dials++
    const second = Math.floor(this.now_us / 1_000_000)
    this.dials_of_second[second] = (this.dials_of_second[second] ?? 0) + 1
    const to = this.members[number]
    const trip_ms = (this.delay_min_us * 2 + this.random.below(this.delay_span_us * 2 + 1)) / 1000
    const fail = (ms: number, reason: number): void => {
      this.later(ms, () => from.give({ happen: () => from.dial_failed(peer, reason) }))
    }
    if (to === undefined) return fail(0, dial_reason.no_address!)
    if (!this.reaches(from, to)) return fail(limits.DIAL_TIMEOUT_MS!, dial_reason.unreachable!)
    if (!to.alive) return fail(trip_ms, dial_reason.refused!)
    // A transport's own handshake takes about three trips, and turns of hosts that are slow.
    const shake_ms = trip_ms * 3 + (from.turn_max_us + to.turn_max_us) / 1000
    this.later(shake_ms, () => {
      if (!to.alive) return fail(0, dial_reason.refused!)
      if (!this.reaches(from, to)) return fail(limits.DIAL_TIMEOUT_MS!, dial_reason.unreachable!)
      if (!from.alive) return
      const link = new Link(this, from, to)
      to.give({ happen: () => to.link_up(link, false) })
      from.give({ happen: () => from.link_up(link, true) })
    })
  }

  private reaches(from: Member, to: Member): boolean {
    if (to.frozen || this.vanished.has(to)) return false
    return !this.blocked(from, to) && !this.blocked(to, from)
  }

  // Faults

  /** The member's process ends: links are reset, dials refused. */
  kill(member: Member): void {
    this.forget(member)
    member.end()
    for (const link of member.links) link?.break(member)
  }

  /** The member's machine goes off: nobody is told anything. */
  vanish(member: Member): void {
    this.forget(member)
    this.vanished.add(member)
    member.end()
  }

  /** What a dead member lists counts no more. */
  private forget(member: Member): void {
    this.living_count--
    this.changes++
    this.listed_total -= member.listed_count
    member.listed.forEach((incarnation, about) => {
      if (incarnation !== 0) this.listed_by[about]!--
    })
  }

  /** Members for whom `side` differs do not reach each other. */
  partition(side: (member: Member) => number): void {
    this.sides = new Uint8Array(this.room)
    for (const member of this.members) this.sides[member.index] = side(member)
  }

  /** Nothing that the member says arrives, and none of its dials; it hears everything. */
  silence(member: Member): void { this.mute.add(member) }

  /** All paths are whole again; what waited on links that still stand goes on within a second. */
  heal(): void {
    this.sides = undefined
    this.mute.clear()
    const held = this.held
    this.held = []
    for (const link of held) this.later(this.random.below(1_000), () => link.free())
  }

  // What is counted

  heard(by: Member, about: number, incarnation: number): void {
    const change = incarnation === 0 ? -1 : 1
    this.changes++
    this.listed_total += change
    this.listed_by[about]! += change
    if (incarnation !== 0) return
    const subject = this.members[about]!
    if (subject.alive && !subject.frozen) {
      this.false_lefts.push({ at_ms: this.now_ms, by: by.index, about })
    }
  }

  renewed(): void {
    this.renewals++
    this.changes++
  }

  clear(): void {
    this.false_lefts.length = 0
    this.renewals = 0
    this.dials = 0
    this.frames_of_kind.fill(0)
    this.bytes_of_kind.fill(0)
    for (const member of this.members) {
      member.frames = 0
      member.bytes = 0
    }
  }

  /** Every living member lists every other, and none that is dead. */
  full(): boolean {
    const { living_count: living } = this
    if (this.listed_total !== living * (living - 1)) return false
    if (this.changes === this.inexact_at) return false
    if (this.exact(this.living())) return true
    this.inexact_at = this.changes
    return false
  }

  /** Every member lists these, by their present incarnation. */
  private exact(living: Member[]): boolean {
    return living.every((member) => living.every((other) => other === member
      || member.listed[other.index] === other.incarnation))
  }

  /** The parts into which links that stand at both sides join the living. */
  parts(): number[] {
    const living = this.living()
    const seen = new Set<Member>()
    const sizes: number[] = []
    for (const first of living) {
      if (seen.has(first)) continue
      seen.add(first)
      const part = [first]
      for (let at = 0; at < part.length; at++) {
        const member = part[at]!
        for (const link of member.links) {
          if (link === undefined || !link.up() || link.reset) continue
          const other = link.other(member)
          if (!other.alive || seen.has(other)) continue
          seen.add(other)
          part.push(other)
        }
      }
      sizes.push(part.length)
    }
    return sizes.sort((a, b) => b - a)
  }
}
