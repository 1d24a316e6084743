/**
 * One member of a large circuit: a real core, and a host that does for it only what membership
 * needs.
 *
 * Lives here: acting on a core's orders, its alarm, turns of a slow host, sleep and death, what the
 * host has heard of others. Does not live here: links and the paths between members (crowd.ts,
 * link.ts), what is measured (the scenarios).
 *
 * Invariants: a dead member runs nothing; what comes to a sleeping one waits, in order; what comes
 * to a slow one waits for the end of its turn; a payload is a number and has no bytes.
 */
import { constants } from '../../core/door.ts'
import { Core, input, output, place, tail } from './core.ts'
import type { Crowd } from './crowd.ts'
import type { Link } from './link.ts'
import type { Event } from './queue.ts'

const SELF = input('self', 'incarnation', 'chain', 'chain_bytes', 'info', 'info_bytes', 'id_bytes',
  'name_bytes')
const FOUND = input('found', 'id_bytes')
const LEAVE = input('leave', 'op')
const LINK_UP = input('link_up', 'link', 'outgoing', 'id_bytes')
const LINK_DOWN = input('link_down', 'link', 'reason')
const LINK_READY = input('link_ready', 'link', 'taken_bytes')
const FRAME = input('frame', 'link', 'payload', 'payload_bytes', 'header_bytes')
const DIAL_FAILED = input('dial_failed', 'peer', 'reason')
const VERIFIED = input('verified', 'link', 'status', 'rights', 'expires_ms', 'prefix_bytes')

const OUT_FRAME = output('frame')
const OUT_DIAL = output('dial')
const OUT_UNLINK = output('unlink')
const OUT_VERIFY = output('verify')
const OUT_PEER = output('peer')
const OUT_RENEW = output('renew')
const OUT_DROP = output('drop')
const OUT_COMPLETION = output('completion')

const FRAME_LINK = place('frame', 'link')
const FRAME_PAYLOAD = place('frame', 'payload')
const FRAME_PAYLOAD_BYTES = place('frame', 'payload_bytes')
const FRAME_HEADER_BYTES = place('frame', 'header_bytes')
const FRAME_TAIL = tail('frame')
const DIAL_PEER = place('dial', 'peer')
const DIAL_ID_BYTES = place('dial', 'id_bytes')
const DIAL_TAIL = tail('dial')
const UNLINK_LINK = place('unlink', 'link')
const VERIFY_LINK = place('verify', 'link')
const PEER_EVENT = place('peer', 'event')
const PEER_INCARNATION = place('peer', 'incarnation')
const PEER_ID_BYTES = place('peer', 'id_bytes')
const PEER_TAIL = tail('peer')
const RENEW_INCARNATION = place('renew', 'incarnation')

const events = constants('peer_event')
const JOINED = events.joined!
const LEFT = events.left!
const rights = constants('right')
const ALL_RIGHTS = rights.channel! | rights.process! | rights.admin!

const DIGITS = 5
const NAME_LETTERS = 'abcdefghijklmnopqrstuvwxyz'
/** As long as real ones: an Ed25519 id, a chain of two certificates, three addresses and labels. */
const ID_BYTES = 52
const CHAIN_BYTES = 400
const INFO_BYTES = 160
/** The core learns once a second what its links have taken; with so many bytes at once. */
const READY_US = 1_000_000
const READY_BYTES = 32_768
const encoder = new TextEncoder()

export class Member implements Event {
  readonly crowd: Crowd
  readonly index: number
  readonly id: Uint8Array
  readonly core: Core
  incarnation: number
  alive = true
  frozen = false
  /** What this member's host was told: the incarnation of each that is here, 0 for the others. */
  readonly listed: Uint32Array
  listed_count = 0
  links: (Link | undefined)[] = [undefined]
  links_count = 0
  /** How long a turn of its host takes at least and at most; 0 for one that runs at once. */
  turn_min_us = 0
  turn_max_us = 0
  // What it has written since the last `clear`.
  frames = 0
  bytes = 0
  private readonly clock_ms: number
  private readonly free_links: number[] = []
  /** Numbers of links that ended in this turn: not used again before the core knows. */
  private ending: number[] = []
  /** Links that have taken something that the core does not yet know of. */
  private readonly written: Link[] = []
  private readonly to_verify: number[] = []
  private backlog: Event[] = []
  private turn_end_us = 0
  private ready_us = 0
  private alarm_us = Infinity
  private deadline_us = Infinity
  private payload = 0

  constructor(crowd: Crowd, index: number, incarnation: number, id?: Uint8Array) {
    this.crowd = crowd
    this.index = index
    this.incarnation = incarnation
    const { random } = crowd
    this.id = id ?? encoder.encode('12D3KooW'
      + Array.from({ length: ID_BYTES - 8 - DIGITS }, () => NAME_LETTERS[random.below(26)]).join('')
      + `${index}`.padStart(DIGITS, '0'))
    this.listed = new Uint32Array(crowd.room)
    // Some clocks stand just before they wrap.
    this.clock_ms = random.pick([0, 5_000, 0xffff_f000, 0xfffd_0000])
    this.core = new Core(random.u32())
    const name = encoder.encode(`host-${index}`)
    const both = new Uint8Array(ID_BYTES + name.length)
    both.set(this.id)
    both.set(name, ID_BYTES)
    this.core.put(SELF, both.length, both, incarnation, ++this.payload, CHAIN_BYTES,
      ++this.payload, INFO_BYTES, ID_BYTES, name.length)
    this.run()
  }

  // What comes in

  /** Gives the member something to do: now, or when it is awake and its host has a turn. */
  give(event: Event): void {
    if (!this.alive) return
    if (!this.frozen && this.turn_max_us === 0 && this.turn_end_us === 0) {
      event.happen()
      this.run()
      return
    }
    this.backlog.push(event)
    if (!this.frozen && this.turn_end_us === 0) this.turn_begin()
  }

  /** Discovery proposes another. */
  found(other: Member): void {
    this.give({ happen: () => this.core.put(FOUND, ID_BYTES, other.id, ID_BYTES) })
  }

  leave(): void { this.give({ happen: () => this.core.put(LEAVE, 0, undefined, 1 << 20 | 1) }) }

  frame(link: number, payload_bytes: number, header: Uint8Array, header_bytes: number): void {
    this.room(header_bytes)
    this.core.put(FRAME, header_bytes, header, link, payload_bytes === 0 ? 0 : this.handle(),
      payload_bytes, header_bytes)
  }

  link_up(link: Link, outgoing: boolean): void {
    const number = this.free_links.pop() ?? this.links.length
    this.links[number] = link
    this.links_count++
    link.number_is(this, number)
    this.room(ID_BYTES)
    this.core.put(LINK_UP, ID_BYTES, link.other(this).id, number, outgoing ? 1 : 0, ID_BYTES)
  }

  link_down(number: number, reason: number): void {
    this.link_gone(number)
    this.room(0)
    this.core.put(LINK_DOWN, 0, undefined, number, reason)
  }

  dial_failed(peer: number, reason: number): void {
    this.room(0)
    this.core.put(DIAL_FAILED, 0, undefined, peer, reason)
  }

  private room(tail_bytes: number): void {
    if (!this.core.fits(tail_bytes)) this.run()
  }

  private handle(): number {
    this.payload = (this.payload + 1) >>> 0
    if (this.payload === 0) this.payload = 1
    return this.payload
  }

  // Turns and sleep

  private turn_begin(): void {
    const { crowd } = this
    this.turn_end_us = crowd.now_us + this.turn_min_us
      + crowd.random.below(this.turn_max_us - this.turn_min_us + 1)
    crowd.queue.push(this.turn_end_us, { happen: () => this.turn_end() })
  }

  private turn_end(): void {
    this.turn_end_us = 0
    if (!this.alive || this.frozen) return
    const events = this.backlog
    this.backlog = []
    for (const event of events) event.happen()
    this.run()
  }

  freeze(): void { this.frozen = true }

  /** The member goes on: what came meanwhile meets it before or after its own deadline. */
  thaw(): void {
    this.frozen = false
    if (this.crowd.random.once_in(2)) this.run()
    this.turn_end()
  }

  /** The member runs no more. What becomes of its links is the crowd's. */
  end(): void {
    this.alive = false
    this.backlog = []
  }

  // The core

  /** The alarm went off. */
  happen(): void {
    const { now_us } = this.crowd
    // A later one was set when this one was under way, or an earlier one has gone off.
    if (!this.alive || this.alarm_us !== now_us) return
    this.alarm_us = Infinity
    if (this.deadline_us > now_us) this.alarm()
    else this.give(NOTHING)
  }

  private run(): void {
    const { core, crowd } = this
    const now_ms = Math.floor(crowd.now_us / 1000) + this.clock_ms >>> 0
    if (this.ready_us <= crowd.now_us) this.ready()
    do {
      while (this.to_verify.length > 0 && core.fits(0)) {
        const link = this.to_verify.pop()!
        if (this.links[link] === undefined) continue
        core.put(VERIFIED, 0, undefined, link, 0, ALL_RIGHTS, 0, 0)
      }
      this.obey(core.run(now_ms))
    } while (this.alive && (core.more() || this.to_verify.length > 0))
    while (this.ending.length > 0) this.free_links.push(this.ending.pop()!)
    const due_ms = core.due_in_ms(now_ms)
    this.deadline_us = due_ms === Infinity ? Infinity
      : (Math.floor(crowd.now_us / 1000) + due_ms) * 1000
    this.alarm()
  }

  private alarm(): void {
    if (this.deadline_us >= this.alarm_us) return
    this.alarm_us = Math.max(this.deadline_us, this.crowd.now_us)
    this.crowd.queue.push(this.alarm_us, this)
  }

  private obey(count: number): void {
    const { core } = this
    const { words } = core
    let at = core.output_ptr >>> 2
    for (let one = 0; one < count; one++) {
      const first = words[at]!
      const kind = first & 0xffff
      if (kind === OUT_FRAME) this.write(at)
      else if (kind === OUT_PEER) this.hear(at)
      else if (kind === OUT_DIAL) {
        const id_at = (at + DIAL_TAIL) * 4
        this.crowd.dial(this, words[at + DIAL_PEER]!,
          this.number_in(id_at, words[at + DIAL_ID_BYTES]!))
      } else if (kind === OUT_UNLINK) this.unlink(words[at + UNLINK_LINK]!)
      else if (kind === OUT_VERIFY) this.to_verify.push(words[at + VERIFY_LINK]!)
      else if (kind === OUT_RENEW) this.renewed(words[at + RENEW_INCARNATION]!)
      else if (kind !== OUT_DROP && kind !== OUT_COMPLETION) {
        throw new Error(`an output record of kind ${kind}, which membership does not need`)
      }
      at += first >>> 16
    }
  }

  private write(at: number): void {
    const { core } = this
    const number = core.words[at + FRAME_LINK]!
    const link = this.links[number]
    if (link === undefined) return this.gone(number)
    const header_bytes = core.words[at + FRAME_HEADER_BYTES]!
    const payload_bytes =
      core.words[at + FRAME_PAYLOAD]! === 0 ? 0 : core.words[at + FRAME_PAYLOAD_BYTES]!
    this.frames++
    this.bytes += link.send(this, core.bytes, (at + FRAME_TAIL) * 4, header_bytes, payload_bytes)
    const before = link.taken(this, header_bytes + payload_bytes)
    if (before === 0) this.written.push(link)
    if (before < READY_BYTES && before + header_bytes + payload_bytes >= READY_BYTES) {
      this.ready_us = 0
      this.crowd.later(0, () => this.give(NOTHING))
    }
  }

  /** The links have taken all that was written on them. */
  private ready(): void {
    this.ready_us = this.crowd.now_us + READY_US
    for (let one = this.written.length; one > 0 && this.core.fits(0); one--) {
      const link = this.written.pop()!
      const number = link.number(this)
      const taken = link.take(this)
      if (number !== 0 && taken !== 0) this.core.put(LINK_READY, 0, undefined, number, taken)
    }
  }

  private unlink(number: number): void {
    const link = this.links[number]
    if (link === undefined) return this.gone(number)
    this.link_gone(number)
    link.close(this)
  }

  /** An order about a link whose end the core learns of in this same call. */
  private gone(number: number): void {
    if (!this.ending.includes(number)) throw new Error(`link ${number} is not up`)
  }

  private link_gone(number: number): void {
    const link = this.links[number]!
    link.number_is(this, 0)
    this.links[number] = undefined
    this.links_count--
    this.ending.push(number)
  }

  private hear(at: number): void {
    const { words } = this.core
    const event = words[at + PEER_EVENT]!
    if (event !== JOINED && event !== LEFT) return
    const about = this.number_in((at + PEER_TAIL) * 4, words[at + PEER_ID_BYTES]!)
    const before = this.listed[about]!
    const after = event === JOINED ? words[at + PEER_INCARNATION]! : 0
    if ((before === 0) === (after === 0)) {
      const what = event === JOINED ? 'joined' : 'left'
      throw new Error(`member ${this.index} hears twice that ${about} has ${what}`)
    }
    this.listed[about] = after
    this.listed_count += after === 0 ? -1 : 1
    this.crowd.heard(this, about, after)
  }

  private renewed(incarnation: number): void {
    this.incarnation = incarnation
    this.crowd.renewed()
  }

  /** The number at the end of an id that stands in the core's memory. */
  private number_in(at: number, bytes: number): number {
    let number = 0
    for (let one = at + bytes - DIGITS; one < at + bytes; one++) {
      number = number * 10 + this.core.bytes[one]! - 48
    }
    return number
  }
}

const NOTHING: Event = { happen() {} }
