/**
 * Several cores on one network that does not exist: virtual time, seeded delays, broken links.
 *
 * Lives here: the clock and its events, links and what they carry, cuts and stalls. Does not live
 * here: one peer and how it answers its core (node.ts), the door's rules (test/core/host), what
 * programs do and what must hold (the tests beside this file).
 *
 * Invariants: frames of one direction of one link arrive in order or, after a cut, not at all; one
 * seed replays everything: nothing here reads a clock or draws from another source.
 */
import { constants } from '../core/door.ts'
import { Random } from '../property/random.ts'
import { Node } from './node.ts'

export { ALL_RIGHTS, Node } from './node.ts'

const dial_reason = constants('dial_reason')
const down_reason = constants('down_reason')

interface Due { at_ms: number, order: number, act: () => void }

function before(a: Due, b: Due): boolean {
  return a.at_ms < b.at_ms || a.at_ms === b.at_ms && a.order < b.order
}

/**
 * `uneven`: links differ in speed, so that two links of a pair race. `second_door`: half of the
 * hosts, or all, leave out the records that they may leave out. `sparing`: these call `run` only
 * where they must, for sends when `Node.say` is called, and not after each call.
 */
export interface NetOptions { seed?: number, delay_min_ms?: number, delay_max_ms?: number,
  uneven?: boolean, second_door?: 'half' | 'all', sparing?: boolean }

/** A frame as it crossed, for tests that look at the wire; `incarnation` is its writer's. */
export interface Crossing { from: Node, incarnation: number, to: Node, header: Uint8Array,
  text: string, at_ms: number }

/** One link: two ends, each known to its node by a number. */
export class Link {
  readonly dialler: Node
  readonly acceptor: Node
  readonly ids = new Map<Node, number>()
  /** Since when the path is broken: nothing that is under way arrives. */
  broken = false
  /** Frames wait while the path between the nodes is stalled. */
  readonly waiting: { to: Node, pass: () => void }[] = []
  readonly busy_until = new Map<Node, number>()
  /** What is under way arrives after this moment (fray). */
  late_until_ms = -1
  /** How many times longer than others it takes. */
  readonly slowness: number
  constructor(dialler: Node, acceptor: Node, slowness: number) {
    this.dialler = dialler
    this.acceptor = acceptor
    this.slowness = slowness
  }

  other(node: Node): Node { return node === this.dialler ? this.acceptor : this.dialler }
}

export class Net {
  now_ms = 0
  readonly random: Random
  readonly nodes: Node[] = []
  readonly links = new Set<Link>()
  /** Every frame that was written, when a test wants to look. */
  watch: ((crossing: Crossing) => void) | undefined
  /** The same ones, each when it is handed to its core. */
  arrives: ((crossing: Crossing) => void) | undefined
  readonly second_door: NetOptions['second_door']
  readonly sparing: boolean
  private readonly uneven: boolean
  private readonly delay_min_ms: number
  private readonly delay_max_ms: number
  private readonly stalled = new Set<string>()
  /** A heap: what comes first is at 0. */
  private readonly due: Due[] = []
  private order = 0

  constructor(options: NetOptions = {}) {
    this.random = new Random(options.seed ?? 1)
    this.delay_min_ms = options.delay_min_ms ?? 1
    this.delay_max_ms = options.delay_max_ms ?? 1
    this.uneven = options.uneven ?? false
    this.second_door = options.second_door
    this.sparing = options.sparing ?? false
  }

  /**
   * A new peer with a key of its own; it knows nobody yet. `rank` heads its id, for tests that need
   * the ids in an order; `id` is that of a peer that ran before.
   */
  join(name: string, incarnation = 1, rank = '', id?: string): Node {
    const node = new Node(this, name, incarnation, rank, id)
    this.nodes.push(node)
    return node
  }

  /** Lets every living pair find each other and waits until all have joined. */
  mesh(): void {
    const living = this.nodes.filter((node) => node.alive)
    for (const node of living) {
      for (const other of living) if (other !== node) node.find(other)
    }
    this.until(() => this.meshed(), 20_000, 'all peers joined')
  }

  meshed(): boolean {
    const living = this.nodes.filter((node) => node.alive)
    return living.every((node) => living.every((other) =>
      other === node || node.sees(other)))
  }

  delay(): number { return this.random.between(this.delay_min_ms, this.delay_max_ms) }

  /** Does something after a while. Equal times keep the order of asking. */
  after(ms: number, act: () => void): void {
    const one = { at_ms: this.now_ms + ms, order: this.order++, act }
    const { due } = this
    let at = due.length
    for (let above = at - 1 >> 1; at > 0 && before(one, due[above]!); above = at - 1 >> 1) {
      due[at] = due[above]!
      at = above
    }
    due[at] = one
  }

  /** Lets time go by. */
  run_for(ms: number): void {
    const end = this.now_ms + ms
    while (this.due.length > 0 && this.due[0]!.at_ms <= end) this.next()
    this.now_ms = end
  }

  /** Runs until the condition holds; throws when it does not within `ms`. */
  until(holds: () => boolean, ms: number, what: string): void {
    const end = this.now_ms + ms
    while (!holds()) {
      if (this.due.length === 0 || this.due[0]!.at_ms > end) {
        throw new Error(`after ${ms} ms still not: ${what}`)
      }
      this.next()
    }
  }

  private next(): void {
    const one = this.due[0]!
    this.sink(this.due.pop()!)
    this.now_ms = Math.max(this.now_ms, one.at_ms)
    one.act()
  }

  /** Puts an event into the place of the first. */
  private sink(one: Due): void {
    const { due } = this
    if (due.length === 0) return
    let at = 0
    for (let below = 1; below < due.length; below = 2 * at + 1) {
      if (below + 1 < due.length && before(due[below + 1]!, due[below]!)) below++
      if (before(one, due[below]!)) break
      due[at] = due[below]!
      at = below
    }
    due[at] = one
  }

  // Faults

  /** Nothing passes from one node to another, and nobody is told. */
  stall_way(from: Node, to: Node): void { this.stalled.add(`${from.id} ${to.id}`) }

  /** Nothing passes between two nodes, and nobody is told. */
  stall(a: Node, b: Node): void {
    this.stall_way(a, b)
    this.stall_way(b, a)
  }

  is_stalled(from: Node, to: Node): boolean { return this.stalled.has(`${from.id} ${to.id}`) }

  /** What waited arrives now, in order. */
  heal_way(from: Node, to: Node): void {
    this.stalled.delete(`${from.id} ${to.id}`)
    for (const link of this.between(from, to)) {
      for (const { pass } of link.waiting.splice(0)) pass()
    }
  }

  heal(a: Node, b: Node): void {
    this.heal_way(a, b)
    this.heal_way(b, a)
  }

  heal_all(): void {
    for (const a of this.nodes) for (const b of this.nodes) if (a !== b) this.heal(a, b)
  }

  between(a: Node, b: Node): Link[] {
    return [...this.links].filter((link) => link.ids.has(a) && link.other(a) === b
      || link.ids.has(b) && link.other(b) === a)
  }

  /** Breaks the links between two nodes: what is under way is lost, both are told soon. */
  cut(a: Node, b: Node): void { for (const link of this.between(a, b)) this.sever(link) }

  sever(link: Link): void {
    link.broken = true
    link.waiting.length = 0
    for (const node of [...link.ids.keys()]) {
      this.after(this.delay(), () => node.hang_up(link, down_reason.reset!))
    }
  }

  /**
   * Breaks the links between two nodes for the first of them; what it wrote arrives at the other
   * some time later, perhaps beside a newer link, and only then does the other hear of the break.
   */
  fray(first: Node, other: Node, late_ms: number): void {
    for (const link of this.between(first, other)) {
      link.late_until_ms = this.now_ms + late_ms
      this.after(this.delay(), () => first.hang_up(link, down_reason.reset!))
      this.after(late_ms + 1, () => {
        for (const { pass } of link.waiting.splice(0)) pass()
        other.hang_up(link, down_reason.reset!)
      })
    }
  }

  // Links

  /** Answers an order to dial. */
  dial(from: Node, peer: number, id: string): void {
    this.after(this.delay(), () => from.when_awake(() => {
      const to = this.nodes.find((node) => node.id === id && node.alive)
      if (to === undefined || this.is_stalled(from, to) || this.is_stalled(to, from)) {
        const silent = this.nodes.some((node) => node.id === id && node.silent) || to !== undefined
        const reason = silent ? dial_reason.unreachable! : dial_reason.refused!
        from.host.put('dial_failed', { peer, reason })
        return
      }
      const link = new Link(from, to, this.uneven ? this.random.pick([1, 1, 3, 10]) : 1)
      this.links.add(link)
      to.when_awake(() => { if (!link.broken) to.link_up(link, false) })
      this.after(this.delay(), () => from.when_awake(() => {
        if (!link.broken && to.alive) from.link_up(link, true)
        else from.host.put('dial_failed', { peer, reason: dial_reason.unreachable! })
      }))
    }))
  }

  /** Carries something over a link: in order, after a delay, unless the link broke meanwhile. */
  carry(link: Link, to: Node, act: () => void): void {
    const soonest_ms = this.now_ms + this.delay() * link.slowness
    const at_ms = Math.max(link.busy_until.get(to) ?? 0, soonest_ms)
    link.busy_until.set(to, at_ms)
    const arrive = (): void => to.when_awake(() => { if (!link.broken) act() })
    this.after(at_ms - this.now_ms, () => {
      if (link.broken) return
      // What waited goes first, in the order in which it was written.
      const pass = (): void => {
        const late = this.now_ms <= link.late_until_ms
        const behind = link.waiting.some((one) => one.to === to)
        if (behind || late || this.is_stalled(link.other(to), to)) link.waiting.push({ to, pass })
        else arrive()
      }
      pass()
    })
  }
}
