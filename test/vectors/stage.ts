/**
 * A few cores and the links between them, each step of which is given by hand.
 *
 * Lives here: cores with their hosts, links that carry what was written when they are told to,
 * cuts, frames that a core never wrote. Does not live here: chance and delays (test/net), the
 * stories (peers.ts, invalid.ts).
 *
 * Invariants: frames of one direction of a link arrive in order; time passes only in `wait`; what
 * happens at a door is written down, in the order in which it happened.
 */
import { decode } from 'cbor-x'
import { bytes_of, codes, constants, records, tail_text } from '../core/door.ts'
import { frame_record, header_of, is_frame, payloads_of } from '../core/frames.ts'
import { Host } from '../core/host.ts'
import type { Order } from '../core/host.ts'
import { encode } from '../fuzz/header.ts'
import { Recorder } from './vector.ts'
import type { Vector } from './vector.ts'

const down_reason = constants('down_reason')
const right = constants('right')
export const ALL_RIGHTS = right.channel! | right.process! | right.admin!
const kinds = new Map(records.frames.map(({ name, kind }) => [name, kind]))
const FIRST_OF_SESSION = 16
const ROUNDS_MAX = 1000

export type Field = number | string | Field[]
export interface Written { header: Uint8Array, row: unknown[], payloads: Given[] }
/** A payload as it came: its text, and the length that was said of it. */
interface Given { text: string, bytes: number }
interface Verdict { status: number, rights: number, expires_ms: number, prefix: string }

const ANSWERS = new Set(['grant', 'claim', 'deliver', 'delivers', 'end', 'ends', 'unhold', 'reply'])

/** One end of a link: its number at its core, and what was written and not yet carried. */
interface End { actor: Actor, number: number, out: Written[], up: boolean }
/** A link: the dialler's end and the acceptor's. */
export class Wire {
  readonly ends: readonly [End, End]
  constructor(dialler: End, acceptor: End) { this.ends = [dialler, acceptor] }
  end_of(actor: Actor): End { return this.ends.find((end) => end.actor === actor)! }
}

/** One core on the stage. Ids are in the order of their names when nothing else is said. */
export class Actor {
  readonly name: string
  readonly id: string
  readonly host: Host
  readonly seed: number
  incarnation: number
  /** Numbers of the links that were given out. */
  links = 0
  /** The number of the last session frame that this core wrote. */
  said = 0
  /** Peers that the core wants to be dialled. */
  readonly dials: { peer: number, id: string }[] = []
  readonly orders: Order[] = []
  /** False: the host never answers to `verify`. */
  judging = true
  verdict: Verdict = { status: codes.OK!, rights: ALL_RIGHTS, expires_ms: 0, prefix: '' }

  constructor(name: string, id: string, seed: number, incarnation: number, now_ms: number) {
    this.name = name
    this.id = id
    this.seed = seed
    this.incarnation = incarnation
    this.host = new Host(seed, now_ms)
  }

  introduce(info = `info of ${this.name}`): void {
    const chain = `chain of ${this.name}`
    this.host.put('self', {
      incarnation: this.incarnation, chain: this.host.give(chain), chain_bytes: chain.length,
      info: this.host.give(info), info_bytes: info.length, id_bytes: this.id.length,
      name_bytes: this.name.length
    }, bytes_of(this.id + this.name))
  }
}

/** Payloads for a frame: none for an empty text; `bytes` is what is said of each. */
function given(text: string | string[], bytes?: number): Given[] {
  const texts = typeof text !== 'string' ? text : text === '' ? [] : [text]
  return texts.map((one) => ({ text: one, bytes: bytes ?? bytes_of(one).length }))
}

export class Stage {
  now_ms = 1000
  readonly recorder = new Recorder()
  readonly actors: Actor[] = []
  readonly wires: Wire[] = []

  /** A core that has said who it is. */
  actor(name: string, incarnation = 1, id = `peer-${name}`): Actor {
    const actor = new Actor(name, id, this.actors.length + 1, incarnation, this.now_ms)
    this.recorder.attach(actor.host, this.actors.length)
    this.actors.push(actor)
    actor.host.after_run = () => this.sort(actor)
    actor.introduce()
    return actor
  }

  // Links

  /** A dial that succeeded: both ends are up. The acceptor's host is told first. */
  link(dialler: Actor, acceptor: Actor): Wire {
    const end = (actor: Actor): End => ({ actor, number: ++actor.links, out: [], up: true })
    const wire = new Wire(end(dialler), end(acceptor))
    this.wires.push(wire)
    this.link_up(wire.ends[1], dialler, false)
    this.link_up(wire.ends[0], acceptor, true)
    return wire
  }

  private link_up(end: End, other: Actor, outgoing: boolean): void {
    const id = bytes_of(other.id)
    end.actor.host.put('link_up',
      { link: end.number, outgoing: outgoing ? 1 : 0, id_bytes: id.length }, id)
  }

  /** Two cores that have met over one link, and are quiet. */
  meet(dialler: Actor, acceptor: Actor): Wire {
    const wire = this.link(dialler, acceptor)
    this.settle()
    return wire
  }

  /** The link breaks: what was not carried is lost, and the hosts (or one alone) are told. */
  cut(wire: Wire, only?: Actor): void {
    for (const end of wire.ends) {
      end.out.length = 0
      if (!end.up || only !== undefined && end.actor !== only) continue
      end.up = false
      end.actor.host.put('link_down', { link: end.number, reason: down_reason.reset! })
    }
  }

  /** Takes from a link what `from` wrote, and gives it to nobody. */
  lose(wire: Wire, from: Actor): Written[] { return wire.end_of(from).out.splice(0) }

  /** Gives the other core what `from` wrote on a link, in one turn. False: there was nothing. */
  carry(wire: Wire, from: Actor): boolean {
    const near = wire.end_of(from)
    const far = wire.ends.find((end) => end !== near)!
    const frames = near.out.splice(0)
    if (frames.length === 0) return false
    if (!far.up) return true
    const { host } = far.actor
    host.batching = true
    for (const one of frames) this.put_frame(far, one.header, one.payloads)
    host.batching = false
    host.run()
    return true
  }

  private put_frame(to: End, header: Uint8Array, payloads: readonly Given[]): void {
    const { host } = to.actor
    host.raw(frame_record(to.number, header,
      payloads.map(({ text, bytes }) => ({ handle: host.give(text), bytes }))))
  }

  /** Carries everything on every link until nobody writes any more. */
  settle(): void {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const carried = this.wires.flatMap((wire) => wire.ends.map((end) =>
        this.carry(wire, end.actor)))
      if (!carried.includes(true)) return
    }
    throw new Error('the stage never settles')
  }

  /**
   * Lets time pass; each core (or those of `awake`) is called at its deadlines, and what is written
   * is carried.
   */
  wait(ms: number, carrying = true, awake: readonly Actor[] = this.actors): void {
    const end_ms = this.now_ms + ms
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const due = awake.filter(({ host }) => host.due_in_ms() === 0)
      for (const { host } of due) host.run()
      if (carrying) this.settle()
      if (due.length > 0) continue
      if (this.now_ms === end_ms) return
      const next = awake.map(({ host }) => this.now_ms + (host.due_in_ms() ?? ms))
      this.time_is(Math.min(...next, end_ms))
    }
    throw new Error('deadlines never end')
  }

  private time_is(ms: number): void {
    this.now_ms = ms
    for (const { host } of this.actors) host.now_ms = ms >>> 0
  }

  // What a core never wrote

  /**
   * A session frame that nobody wrote, with the next number; `fields` follow `received`. It says
   * that it has all that the other wrote, when it is one that answers.
   */
  forge(wire: Wire, as: Actor, name: string, fields: Field[], text: string | string[] = '',
    number = as.said + 1, received?: number): void {
    const near = wire.end_of(as)
    const far = wire.ends.find((end) => end !== near)!
    const has = received ?? (ANSWERS.has(name) ? far.actor.said : 0)
    const header = encode([kinds.get(name)!, number, has, ...fields])
    if (number > as.said) as.said = number
    this.put_frame(far, header, given(text))
  }

  /** Any bytes as the header of a frame. */
  raw(wire: Wire, as: Actor, header: Uint8Array, text: string | string[] = '',
    bytes?: number): void {
    const far = wire.ends.find((end) => end.actor !== as)!
    this.put_frame(far, header, given(text, bytes))
  }

  // Orders

  /** Does what the orders of a run ask for. */
  private sort(actor: Actor): void {
    for (const order of actor.host.orders.splice(0)) {
      const { link, peer, id_bytes } = order.fields as Record<string, number>
      if (is_frame(order)) this.write(actor, order)
      else if (order.name === 'verify') { if (actor.judging) this.verify(actor, link!) }
      else if (order.name === 'unlink') this.unlink(actor, link!)
      else if (order.name === 'dial') {
        actor.dials.push({ peer: peer!, id: tail_text(order, 0, id_bytes!) })
      } else {
        if (order.name === 'renew') actor.incarnation = order.fields.incarnation!
        actor.orders.push(order)
      }
    }
  }

  private end(actor: Actor, number: number): [Wire, End] {
    const wire = this.wires.find((one) => one.ends.some((end) =>
      end.actor === actor && end.number === number))!
    return [wire, wire.end_of(actor)]
  }

  private write(actor: Actor, order: Order): void {
    const [, end] = this.end(actor, order.fields.link!)
    const header = header_of(order)
    const row = decode(header.slice()) as unknown[]
    if (row[0] as number >= FIRST_OF_SESSION) actor.said = Math.max(actor.said, row[1] as number)
    const payloads = payloads_of(order).map(({ bytes }, nth) =>
      ({ text: order.texts[nth]!, bytes }))
    end.out.push({ header, row, payloads })
  }

  private verify(actor: Actor, link: number): void {
    const { status, rights, expires_ms, prefix } = actor.verdict
    const tail = bytes_of(prefix)
    actor.host.put('verified',
      { link, status, rights, expires_ms, prefix_bytes: tail.length }, tail)
  }

  /** The core has ended a link: what it wrote before is carried, then the other side is told. */
  private unlink(actor: Actor, link: number): void {
    const [wire, near] = this.end(actor, link)
    const far = wire.ends.find((end) => end !== near)!
    near.up = false
    far.out.length = 0
    this.carry(wire, actor)
    if (!far.up) return
    far.up = false
    far.actor.host.put('link_down', { link: far.number, reason: down_reason.closed! })
  }

  // Vectors

  /** What has happened since the last vector, as a vector of all cores or of the first alone. */
  vector(id: string, shows: string[], after?: string, alone = false): Vector {
    const steps = this.recorder.take().filter(({ core }) => !alone || core === 0)
    // What came in between cores came out just before; alone it is read here.
    if (!alone) for (const step of steps) for (const one of step.in) delete one.reads
    const cores = (alone ? this.actors.slice(0, 1) : this.actors).map(({ seed }) => ({ seed }))
    return { id, shows, ...(after === undefined ? {} : { after }), cores, steps }
  }
}
