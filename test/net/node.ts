/**
 * One peer of the network: a core, its host, its links, and the answers that its core needs.
 *
 * Lives here: acting on orders (frame, dial, unlink, verify, start …), the alarm for the next
 * deadline, freezing and killing. Does not live here: time and the paths between peers (net.ts).
 *
 * Invariants: a frozen or dead node runs nothing; what comes to a frozen one waits for its thaw, in
 * order; an order names only a link that is up.
 */
import { Host, codes, constants } from '../core/host.ts'
import type { Order } from '../core/host.ts'
import { bytes_of, input_row, tail_text } from '../core/door.ts'
import { frame_record, header_of, payloads_of } from '../core/frames.ts'
import { ShortHost } from '../core/short.ts'
import type { Owed } from '../core/short.ts'
import type { Link, Net } from './net.ts'

const down_reason = constants('down_reason')
const peer_event = constants('peer_event')
const right = constants('right')
export const ALL_RIGHTS = right.channel! | right.process! | right.admin!

export interface Verdict { status: number, rights: number, expires_ms: number, prefix: string }

/** What was read is granted soon after the turn: within this time. */
const GRANT_MS_MAX = 2
const NAMES = 'abcdefghijklmnopqrstuvwxyz'

/** One peer: a core, its host, and its place in the network. */
export class Node {
  readonly net: Net
  readonly name: string
  readonly id: string
  readonly host: Host
  incarnation: number
  alive = true
  /** For how long it was frozen, all in all. */
  slept_ms = 0
  /** Died without anybody noticing: dials find nothing, links stay as they are. */
  silent = false
  frozen = false
  readonly links = new Map<number, Link>()
  /** Incarnation of every peer that is joined. */
  readonly members = new Map<string, number>()
  readonly events: { event: string, id: string, name: string, incarnation: number,
    at_ms: number }[] = []
  readonly started: { process: number, path: string, text: string, channels: number[] }[] = []
  /** What the host answers to `start`. */
  start_status = codes.OK!
  readonly stopped: number[] = []
  readonly unlinked: number[] = []
  /** Answers `verify`. */
  verdict: (peer: string, chain: string) => Verdict =
    () => ({ status: 0, rights: ALL_RIGHTS, expires_ms: 0, prefix: '' })
  /** Everything that comes is handled this much later: a machine that has too much to do. */
  lag_ms = 0
  /** Called when a run is over and its orders are obeyed. */
  ran: (() => void) | undefined
  private readonly asleep: (() => void)[] = []
  private unsaid = false
  /** Frames of sends wait for the end of this turn. */
  private owing = false
  /** The link whose frames of this moment wait for a call. */
  private arriving: Link | undefined = undefined
  private queued = 0
  private busy_until_ms = 0
  /** When the pending alarm rings; only the last one set counts. */
  private alarm_ms = -1
  private wake = 0
  /** Bytes of each link that were written and are not yet taken. */
  private readonly taken_bytes = new Map<Link, number>()
  /** The link of a link_down that is being said: what its timers still say to it goes nowhere. */
  private ending = 0
  private readonly clock_offset: number

  constructor(net: Net, name: string, incarnation: number, rank: string, old?: string) {
    this.net = net
    this.name = name
    const letters = Array.from({ length: 12 }, () => NAMES[net.random.below(26)]).join('')
    this.id = old ?? `12D3Koo${rank}${letters}${name}`
    this.incarnation = incarnation
    // Some clocks stand just before they wrap.
    this.clock_offset = net.random.pick([0, 5_000, 0xfffffff0, 0xffff_ff00 - 3000])
    const seed = net.random.u32()
    const short = net.second_door === 'all' || net.second_door === 'half' && seed % 2 === 1
    this.host = new (short ? ShortHost : Host)(seed, net.now_ms + this.clock_offset)
    this.host.after_run = () => this.act()
    if (this.host instanceof ShortHost) this.host.later = (owed) => { this.owe(owed) }
    const id = bytes_of(this.id)
    const called = bytes_of(name)
    const both = bytes_of(this.id + name)
    this.host.put('self', {
      incarnation, chain: this.host.give(`chain of ${name}`), chain_bytes: 9 + called.length,
      info: this.host.give(`info of ${name}`), info_bytes: 8 + called.length,
      id_bytes: id.length, name_bytes: called.length
    }, both)
  }

  /** Texts of the payloads that a core keeps for ever. */
  own_texts(): string[] {
    return this.net.nodes.flatMap(({ name }) => [`chain of ${name}`, `info of ${name}`])
  }

  /** Whether this node has joined the other in its present incarnation. */
  sees(other: Node): boolean { return this.members.get(other.id) === other.incarnation }

  find(other: Node): void {
    this.do(() => {
      const id = bytes_of(other.id)
      this.host.put('found', { id_bytes: id.length }, id)
    })
  }

  /** Runs an input at the present time. Nothing happens in a dead or frozen node. */
  do<T>(input: () => T): T {
    if (!this.alive || this.frozen) throw new Error(`${this.name} cannot act`)
    this.host.now_ms = this.net.now_ms + this.clock_offset >>> 0
    return input()
  }

  /** A reference to the channel at a path; waits for the owner's answer. */
  open(path: string): number {
    const op = this.do(() => this.host.open(path))
    this.net.until(() => this.host.status(op) !== 'waiting', 5_000, `open ${path}`)
    const outcome = this.host.outcome(op)
    if (outcome.status !== 'OK') throw new Error(`open ${path}: ${outcome.status}`)
    return outcome.value
  }

  /** A channel at this node and the references to it of other nodes, this one's first. */
  share(path: string, capacity: number, ...others: Node[]): number[] {
    const own = this.do(() => this.host.channel(capacity, path))
    return [own, ...others.map((other) => other.open(`/${this.name}/${path}`))]
  }

  /** How long what comes now waits at the most behind what came before, in milliseconds. */
  behind_ms(): number { return Math.max(this.lag_ms, this.busy_until_ms - this.net.now_ms) }

  when_awake(act: () => void): void {
    if (!this.alive) return
    // What is queued came earlier and goes first; what sleeps came earlier still.
    if (this.lag_ms > 0 || this.queued > 0) this.queue(act)
    else if (this.frozen) this.asleep.push(act)
    else this.do(act)
  }

  private queue(act: () => void): void {
    const { net } = this
    this.busy_until_ms = Math.max(this.busy_until_ms, net.now_ms + this.lag_ms)
    this.queued++
    net.after(this.busy_until_ms - net.now_ms, () => {
      this.queued--
      if (!this.alive) return
      if (this.frozen) this.asleep.push(act)
      else this.do(act)
    })
  }

  freeze(): void {
    if (this.frozen) return
    if (this.arriving !== undefined && this.alive) this.do(() => this.hand_over())
    this.frozen = true
    this.slept_ms -= this.net.now_ms
  }

  /** The node goes on: what came meanwhile and its own deadline meet it in either order. */
  thaw(): void {
    if (!this.frozen) return
    this.frozen = false
    this.slept_ms += this.net.now_ms
    const acts = this.asleep.splice(0)
    if (this.net.random.once_in(2)) this.tick()
    for (const act of acts) if (this.alive) this.do(act)
    this.tick()
  }

  private tick(): void { if (this.alive) this.do(() => this.host.run()) }

  /** The node is no more. Its links break, and others hear of it, unless it dies in silence. */
  kill(silent = false): void {
    this.alive = false
    this.silent = silent
    for (const link of this.links.values()) {
      if (!silent) this.net.sever(link)
      else link.broken = true
    }
  }

  link_up(link: Link, outgoing: boolean): void {
    let number = 1
    while (this.links.has(number)) number++
    link.ids.set(this, number)
    this.links.set(number, link)
    const id = bytes_of(link.other(this).id)
    this.host.put('link_up', { link: number, outgoing: outgoing ? 1 : 0, id_bytes: id.length }, id)
  }

  hang_up(link: Link, reason: number): void {
    this.when_awake(() => {
      const number = link.ids.get(this)
      if (number === undefined) return
      this.forget(link)
      this.ending = number
      this.host.put('link_down', { link: number, reason })
      this.ending = 0
    })
  }

  /** The core was asked something without a record. */
  private owe(owed: Owed): void {
    const { net } = this
    if (!net.sparing) this.say_later(0)
    else if (owed === 'sent') this.owing = true
    else if (owed === 'read') this.say_later(net.random.below(GRANT_MS_MAX + 1))
  }

  /** The turn of the event loop is over: its sends leave (ABI-49). */
  say(): void {
    if (!this.owing || !this.alive || this.frozen) return
    this.owing = false
    this.do(() => { this.host.run() })
  }

  /** A run says what is owed, when what is due before is done. */
  private say_later(ms: number): void {
    if (this.unsaid) return
    this.unsaid = true
    this.net.after(ms, () => this.when_awake(() => {
      this.unsaid = false
      this.host.run()
    }))
  }

  private forget(link: Link): void {
    this.links.delete(link.ids.get(this)!)
    link.ids.delete(this)
    if (link.ids.size === 0) this.net.links.delete(link)
  }

  /** Acts on the orders of a run and sets the alarm for its deadline. */
  private act(): void {
    if (!this.alive) { this.host.orders.length = 0; return }
    for (const order of this.host.orders.splice(0)) this.obey(order)
    const due = this.host.due_in_ms()
    const at_ms = due === undefined ? -1 : this.net.now_ms + due
    if (at_ms !== this.alarm_ms) this.set_alarm(at_ms)
    this.ran?.()
  }

  private set_alarm(at_ms: number): void {
    const alarm = ++this.wake
    this.alarm_ms = at_ms
    if (at_ms < 0) return
    this.net.after(at_ms - this.net.now_ms, () => {
      if (alarm !== this.wake) return
      this.when_awake(() => {
        if (alarm !== this.wake) return
        this.alarm_ms = -1
        this.host.run()
      })
    })
  }

  private obey(order: Order): void {
    const fields = order.fields as Record<string, number>
    switch (order.name) {
      case 'frame': case 'series': return this.write(order)
      case 'dial':
        return this.net.dial(this, fields.peer!, tail_text(order, 0, fields.id_bytes!))
      case 'unlink': return this.unlink(fields.link!, fields.code!)
      case 'verify': return this.verify(order)
      case 'peer': return this.note_peer(order)
      case 'start': return this.start(order)
      case 'renew': this.incarnation = fields.incarnation!; return
      case 'signal':
        return this.soon(() =>
          this.host.put('signaled', { token: fields.token!, status: codes.OK! }))
      case 'stop':
        this.stopped.push(fields.process!)
        return this.soon(() => this.host.put('ended', { process: fields.process! }))
      default: throw new Error(`an order ${order.name} that no host knows`)
    }
  }

  private soon(act: () => void): void {
    this.net.after(this.net.delay(), () => this.when_awake(act))
  }

  private write(order: Order): void {
    const number = order.fields.link!
    const link = this.links.get(number)
    if (number === this.ending) return
    if (link === undefined) throw new Error(`a frame for link ${number}, which is not up`)
    const { text, texts } = order
    const header = header_of(order)
    const lengths = payloads_of(order).map(({ bytes }) => bytes)
    const to = link.other(this)
    const { incarnation, net: { now_ms: at_ms } } = this
    const crossing = { from: this, incarnation, to, header, text, at_ms }
    this.net.watch?.(crossing)
    this.net.carry(link, to, () => {
      to.catch_up(link)
      if (to.links.get(link.ids.get(to) ?? -1) !== link) return
      this.net.arrives?.(crossing)
      to.take_in(link, frame_record(link.ids.get(to)!, header,
        texts.map((one, nth) => ({ handle: to.host.give(one), bytes: lengths[nth]! }))))
    })
    this.taken(link, number, lengths.reduce((sum, bytes) => sum + bytes, header.length))
  }

  /**
   * A frame came: those of one link and moment go into one call, when hosts are sparing with calls.
   */
  private take_in(link: Link, record: Uint8Array): void {
    const { host, net } = this
    const batching = host.batching
    host.batching ||= net.sparing
    host.raw(record)
    host.batching = batching
    if (!net.sparing || this.arriving === link) return
    this.arriving = link
    net.after(0, () => {
      if (this.arriving === link && this.alive && !this.frozen) this.do(() => this.hand_over())
    })
  }

  /** Before a frame of a link: what another link brought, and what is due, is done. */
  private catch_up(link: Link): void {
    if (!this.net.sparing) return
    const other = this.arriving !== undefined && this.arriving !== link
    if (other || this.host.due_in_ms() === 0) this.hand_over()
  }

  /** Gives the core the frames of this moment. */
  private hand_over(): void {
    this.arriving = undefined
    this.host.run()
  }

  /** The link takes what was written, some time later; what is written meanwhile goes with it. */
  private taken(link: Link, number: number, bytes: number): void {
    const before = this.taken_bytes.get(link) ?? 0
    this.taken_bytes.set(link, before + bytes)
    if (before > 0) return
    this.soon(() => {
      const all = this.taken_bytes.get(link)!
      this.taken_bytes.delete(link)
      if (this.links.get(number) === link) this.host.raw(input_row('link_ready', [number, all]))
    })
  }

  private unlink(number: number, code: number): void {
    const link = this.links.get(number)
    if (number === this.ending) return
    if (link === undefined) throw new Error(`unlink of ${number}, which is not up`)
    this.unlinked.push(code)
    this.forget(link)
    const to = link.other(this)
    this.net.carry(link, to, () => to.hang_up(link, down_reason.closed!))
  }

  private verify(order: Order): void {
    const { link: number, id_bytes } = order.fields as Record<string, number>
    const verdict = this.verdict(tail_text(order, 0, id_bytes!), order.text)
    const link = this.links.get(number!)
    this.soon(() => {
      if (this.links.get(number!) !== link) return
      const prefix = bytes_of(verdict.prefix)
      this.host.put('verified', { link: number!, status: verdict.status, rights: verdict.rights,
        expires_ms: verdict.expires_ms, prefix_bytes: prefix.length }, prefix)
    })
  }

  private note_peer(order: Order): void {
    const { event, incarnation, id_bytes, name_bytes } = order.fields as Record<string, number>
    const id = tail_text(order, 0, id_bytes!)
    const name = tail_text(order, id_bytes!, name_bytes!)
    const what = Object.entries(peer_event).find(([, value]) => value === event)?.[0]
    if (what === undefined) throw new Error(`a peer event ${event}`)
    this.events.push({ event: what, id, name, incarnation: incarnation!, at_ms: this.net.now_ms })
    if (what === 'joined') this.members.set(id, incarnation!)
    if (what === 'left') this.members.delete(id)
  }

  private start(order: Order): void {
    const { process, stdin, stdout, stderr, exit, path_bytes } =
      order.fields as Record<string, number>
    this.started.push({
      process: process!, path: tail_text(order, 0, path_bytes!),
      text: order.text, channels: [stdin!, stdout!, stderr!, exit!]
    })
    this.soon(() => this.host.put('started', { process: process!, status: this.start_status }))
  }
}
