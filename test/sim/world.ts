/**
 * The peers, channels and operations of one program while it runs.
 *
 * Lives here: who there is, who holds which reference, the record of every operation, what came of
 * it and when. Does not live here: what a step does (act.ts), the end of a program (settle.ts),
 * what must hold (invariants/).
 *
 * Invariants: an outcome is noted in the turn in which its core gave it; a peer acts only while it
 * is alive, awake and not leaving.
 */
import { REF_REMOTE } from '../core/host.ts'
import { Net } from '../net/net.ts'
import type { Crossing } from '../net/net.ts'
import type { Node } from '../net/node.ts'
import { perform } from './act.ts'
import { Deliveries } from './deliveries.ts'
import { check_outcome } from './invariants/outcome.ts'
import { channel_name, named } from './operation.ts'
import type { Case, Channel, Held, Operation, Place, Reader, Receipt } from './operation.ts'
import type { Program, Step } from './program.ts'
import { read_header } from '../net/wire.ts'

/** An invariant that does not hold. */
export interface Broken { invariant: string, sentence: string }

const NAMES = 'abcdef'
const BROKEN_MAX = 50
/** After that nothing is left to be said of having met. */
const MEETING_MS = 60
const OPEN_MS_MAX = 5_000

/** Bytes of blocks that a core has given out. */
export function used_bytes(node: Node): number {
  return node.host.door.cell('memory_bytes_used')
}

export class World {
  readonly net: Net
  readonly program: Program
  readonly places: Place[] = []
  /** Every channel that there was. */
  readonly channels: Channel[] = []
  readonly operations: Operation[] = []
  /** Every message by its text: who sent it, as which case. */
  readonly sent = new Map<string, { operation: Operation, one: Case, nth: number }>()
  /** Every receipt by its message. */
  readonly receipts = new Map<string, Receipt[]>()
  /** Runs that began to leave. */
  readonly leaves = new Set<Node>()
  readonly deliveries: Deliveries
  readonly broken: Broken[] = []
  /** How often an excuse was needed, by its name. */
  readonly excused = new Map<string, number>()
  /** What each peer used when it had met all, before the first channel was made. */
  readonly used_bytes: number[]
  /** What is to happen as soon as a peer has said something. */
  private readonly awaited: Extract<Step, { do: 'upon' }>[] = []
  private over = false
  /** Told a story, when somebody listens. */
  tell: ((line: string) => void) | undefined
  /** Told of every run of a peer that begins later. */
  entered: ((node: Node) => void) | undefined
  private readonly waiting = new Map<Node, Map<number, Operation>>()
  private moment = 0
  private next_text = 0
  private next_channel: number

  constructor(program: Program, tell?: (line: string) => void) {
    const { seed, delay_max_ms, uneven, doors } = program
    this.program = program
    this.tell = tell
    this.next_channel = program.channels.length
    this.net = new Net({ seed, delay_min_ms: 1, delay_max_ms, uneven,
      second_door: doors ?? 'half', sparing: doors !== undefined })
    this.deliveries = new Deliveries(this.net)
    const { watch } = this.net
    this.net.watch = (crossing) => {
      watch?.(crossing)
      this.crossed(crossing)
    }
    for (let nth = 0; nth < program.nodes; nth++) {
      const node = this.net.join(NAMES[nth]!)
      this.places.push({ nth, name: node.name, node, held: [], readers: [], leaving: false })
    }
    this.net.mesh()
    this.net.run_for(MEETING_MS)
    this.used_bytes = this.places.map(({ node }) => used_bytes(node))
    program.channels.forEach((_, nth) => { this.share(nth) })
    for (const place of this.places) this.enter(place.node)
  }

  /** A channel of the program at its owner, and a reference to it at every other peer. */
  private share(nth: number): void {
    const { owner, capacity } = this.program.channels[nth]!
    const home = this.places[owner]!
    const own = home.node.do(() => home.node.host.channel(capacity, `c${nth}`))
    const channel = this.note_channel(nth, home, `/${home.name}/c${nth}`, capacity)
    const { incarnation } = home.node
    home.held.push({ channel, ref: own, incarnation })
    const opened = this.places.filter((place) => place !== home).map((place) => {
      const { node } = place
      return { place, op: node.do(() => node.host.open(channel.path!)) }
    })
    this.net.until(() => opened.every(({ place, op }) => place.node.host.status(op) === 'OK'),
      OPEN_MS_MAX, `all have opened ${channel.path}`)
    for (const { place, op } of opened) {
      place.held.push({ channel, ref: place.node.host.outcome(op).value, incarnation })
    }
  }

  note_channel(nth: number, home: Place, path: string | undefined, capacity: number): Channel {
    const channel = { nth, home, owner: home.node, path, capacity, close_done: false,
      closed: 0, drained: 0, scrub_asked: false, scrubbed: 0 }
    this.channels.push(channel)
    return channel
  }

  /** From now on the outcomes of this run of a peer are taken. */
  enter(node: Node): void {
    node.host.outcomes.clear()
    this.waiting.set(node, new Map())
    node.ran = () => { this.collect(node) }
    this.entered?.(node)
  }

  // What happens

  run(): void { for (const step of this.program.steps) perform(this, step) }

  upon(step: Extract<Step, { do: 'upon' }>): void { this.awaited.push({ ...step }) }

  /** Nothing that is still awaited happens from now on. */
  end(): void { this.over = true }

  private crossed({ header }: Crossing): void {
    if (this.awaited.length === 0 || this.over) return
    const { name } = read_header(header)
    const first = this.awaited.findIndex(({ frame }) => frame === name)
    if (first < 0 || this.awaited[first]!.nth-- > 0) return
    const [{ ms, then }] = this.awaited.splice(first, 1) as [Extract<Step, { do: 'upon' }>]
    // Time that is let go by within an event would go backwards after it.
    if (then.do !== 'wait') this.net.after(ms, () => { if (!this.over) perform(this, then) })
  }

  /** The next moment. */
  next(): number { return ++this.moment }

  text(place: Place): string { return `${place.name}${this.next_text++}` }

  channel_number(): number { return this.next_channel++ }

  story(line: () => string): void { this.tell?.(line()) }

  break(invariant: string, sentence: string): void {
    if (this.broken.length >= BROKEN_MAX) return
    this.broken.push({ invariant, sentence })
    this.story(() => `BROKEN ${invariant}: ${sentence}`)
  }

  excuse(name: string): void { this.excused.set(name, (this.excused.get(name) ?? 0) + 1) }

  able(place: Place): boolean {
    return place.node.alive && !place.node.frozen && !place.leaving
  }

  /** Hands over what hosts have gathered. */
  flush(): void {
    if (!this.program.gather) return
    for (const { node } of this.places) {
      if (node.alive && !node.frozen) node.do(() => node.host.run())
    }
  }

  wait(ms: number): void {
    this.flush()
    this.net.run_for(ms)
  }

  // Operations

  /** Those of a peer's present run that have not ended. */
  under_way(place: Place): Operation[] {
    return [...this.waiting.get(place.node)?.values() ?? []]
  }

  /** Those of all peers that live. */
  all_under_way(): Operation[] {
    return this.places.flatMap((place) => place.node.alive ? this.under_way(place) : [])
  }

  /** Begins an operation: its record first, then `give` hands it to the host. */
  begin(place: Place, kind: string, cases: Case[], give: (node: Node) => number,
    more: Partial<Operation> = {}): Operation {
    const { node } = place
    const operation = this.note(place, kind, cases, more)
    this.await(operation, node.do(() => give(node)))
    this.collect(node)
    return operation
  }

  /**
   * Operations that a host does in one call, one for each case: `give` gives the ids of those that
   * were done, from the first on; the others were not begun. Gives how many were.
   */
  begin_listed(place: Place, kind: string, cases: readonly Case[],
    give: (node: Node) => number[]): number {
    const { node } = place
    const ops = node.do(() => give(node))
    ops.forEach((op, nth) => { this.await(this.note(place, kind, [cases[nth]!]), op) })
    this.collect(node)
    return ops.length
  }

  /** The record of an operation that begins. */
  private note(place: Place, kind: string, cases: Case[],
    more: Partial<Operation> = {}): Operation {
    const { node } = place
    const operation: Operation = {
      place, node, op: 0, kind, cases, options: { timeout: 0, try: false, hold: false },
      subject: undefined, reader: undefined, incarnation: node.incarnation, begun: this.next(),
      at_ms: this.net.now_ms, slept_ms: node.slept_ms, lag_ms: node.behind_ms(), ended: 0,
      ended_ms: 0, withdrawn: false, outcome: undefined, then: undefined, ...more
    }
    this.operations.push(operation)
    cases.forEach((one, nth) => {
      if (one.text !== '') this.sent.set(one.text, { operation, one, nth })
    })
    this.story(() => named(operation))
    return operation
  }

  private await(operation: Operation, op: number): void {
    operation.op = op
    this.waiting.get(operation.node)!.set(op, operation)
  }

  /** Takes the outcomes that are there. */
  private collect(node: Node): void {
    const { outcomes } = node.host
    if (outcomes.size === 0) return
    const waiting = this.waiting.get(node)!
    for (const [op, outcome] of outcomes) {
      const operation = waiting.get(op)
      if (operation === undefined) continue
      outcomes.delete(op)
      waiting.delete(op)
      operation.outcome = outcome
      operation.ended = this.next()
      operation.ended_ms = this.net.now_ms
      this.story(() => `${named(operation)}: ${told(operation)}`)
      check_outcome(this, operation)
      this.follow(operation)
    }
  }

  /** What the program makes of an outcome. */
  private follow(operation: Operation): void {
    const { place, node, kind, outcome, subject } = operation
    const { status, value, text } = outcome!
    if (kind === 'leave') {
      if (status === 'OK') node.kill()
      return
    }
    if (node !== place.node || !node.alive) return
    if (operation.then !== undefined && status === 'OK') this.go_on(place, operation.then)
    if (kind === 'reader' && status === 'OK') {
      place.readers.push({ id: value, node, held: operation.cases[0]!.held! })
    } else if (subject !== undefined && status === 'OK') this.got(operation, value)
    else if (text !== undefined) this.take_references(operation)
  }

  /** What a program does as soon as it hears of an outcome. */
  private go_on(place: Place, then: () => void): void {
    const { node } = place
    this.net.after(0, () => {
      node.when_awake(() => {
        if (this.over || !this.able(place) || place.node !== node) return
        then()
        node.say()
      })
    })
  }

  /** A reference from open or make; one of which it is not known where it leads is given back. */
  private got(operation: Operation, ref: number): void {
    const { place, node, kind } = operation
    const { nth, home, owner, incarnation, path, capacity } = operation.subject!
    if (home.node !== owner || owner.incarnation !== incarnation || !owner.alive) {
      node.do(() => node.host.release(ref))
      return
    }
    const channel = kind === 'make' ? this.note_channel(nth, home, path, capacity)
      : this.channels.findLast((one) => one.nth === nth && one.owner === owner)!
    this.hold(place, { channel, ref, incarnation })
  }

  /** References that came in a message are used from now on instead of those that were there. */
  private take_references(operation: Operation): void {
    const { place, outcome } = operation
    const { text, refs } = outcome!
    const sent = this.sent.get(text!)
    const carried = sent?.one.carried ?? []
    if (refs.length !== carried.length) {
      this.break('references_come_along', `${text} came with ${refs.length} references, `
        + `and was sent with ${carried.length}`)
      return
    }
    carried.forEach(({ held, incarnation }, nth) => {
      const same = held.channel.owner.incarnation === incarnation
      // An owner's own reference outlives its incarnations; what it sends leads to that of then.
      const led = (held.ref & REF_REMOTE) === 0 ? incarnation : held.incarnation
      this.hold(place, { channel: held.channel, ref: refs[nth]!, incarnation: same ? led : 0 })
    })
  }

  private hold(place: Place, held: Held): void {
    const { node } = place
    const old = place.held.findIndex(({ channel }) => channel === held.channel)
    if (old < 0) {
      place.held.push(held)
      return
    }
    const { ref } = place.held[old]!
    place.held[old] = held
    // Giving up one reference may have brought the end of a leave.
    if (node.alive) node.do(() => node.host.release(ref))
  }

  /** Stops a reader. */
  end_reader(place: Place, reader: Reader): void {
    place.readers.splice(place.readers.indexOf(reader), 1)
    this.story(() => `${place.name} stops its reader of ${channel_name(reader.held.channel)}`)
    reader.node.do(() => reader.node.host.reader_end(reader.id))
  }
}

/** An outcome in a few words. */
function told({ outcome, cases, kind }: Operation): string {
  const { status, which, text, again, unknown, refs } = outcome!
  const words = [status === 'OK' ? 'done' : status]
  if (unknown) words.push('unknown')
  if (kind === 'select') {
    const one = cases[which]
    words.push(one === undefined ? 'default' : `case ${which}: ${one.kind}`)
  }
  if (text !== undefined) words.push(text)
  if (again) words.push('again')
  if (refs.length > 0) words.push(`with ${refs.length} reference${refs.length > 1 ? 's' : ''}`)
  return words.join(' ')
}
