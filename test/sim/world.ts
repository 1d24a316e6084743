/**
 * The peers, channels and operations of one random program while it runs.
 *
 * Lives here: performing steps, the record of every operation. Does not live here: which steps
 * (program.ts), what must hold afterwards (invariant.ts).
 */
import * as assert from 'uvu/assert'
import { Net } from '../net/net.ts'
import type { Node } from '../net/node.ts'
import type { Case, Outcome } from '../core/host.ts'
import type { Program, Step, StepCase } from './program.ts'

/** An operation as the program sees it. */
export interface Record {
  node: Node, op: number, kind: string, cases: { kind: string, channel: number, text: string }[]
  at_ms: number, ended_ms: number, outcome: Outcome | undefined, hold: boolean
  /** Which run of the peer began it. */
  incarnation: number
}

/** Bytes of blocks that a core has given out. */
export function used_bytes(node: Node): number {
  return node.host.door.cell('memory_bytes_used')
}

/** The peers, channels and operations of one run. */
export class World {
  readonly net: Net
  readonly program: Program
  readonly records: Record[] = []
  /** What each core used before the first step. */
  readonly used_bytes: number[]
  /** References by node, then channel. */
  readonly refs: number[][]
  /** Channels that a step closed or scrubbed. */
  readonly ended: ('open' | 'closed' | 'scrubbed')[]
  /** Every incarnation's start, to know who was declared left. */
  readonly first_incarnations: number[]
  /** Nodes that have begun to leave. */
  readonly leaving = new Set<Node>()
  /** Readers that are open. */
  readonly readers: { node: Node, reader: number, channel: number }[] = []
  /** The channel whose reference a message carries, by text. */
  private readonly carried = new Map<string, number>()
  private readonly left: Node[] = []
  private next_text = 0

  constructor(program: Program) {
    this.program = program
    this.net = new Net({ seed: program.seed, delay_min_ms: 1, delay_max_ms: program.delay_max_ms })
    for (let nth = 0; nth < program.nodes; nth++) this.net.join('nabcd'[nth + 1]!)
    this.net.mesh()
    this.ended = program.channels.map(() => 'open')
    this.first_incarnations = this.net.nodes.map((node) => node.incarnation)
    this.refs = this.net.nodes.map(() => [])
    program.channels.forEach(({ owner, capacity }, nth) => {
      const own = this.net.nodes[owner]!
      const others = this.net.nodes.filter((node) => node !== own)
      const [ref, ...rest] = own.share(`c${nth}`, capacity, ...others)
      this.refs[owner]!.push(ref!)
      others.forEach((node, at) => this.refs[this.net.nodes.indexOf(node)]!.push(rest[at]!))
    })
    this.used_bytes = this.net.nodes.map((node) => used_bytes(node))
  }

  owner(channel: number): Node { return this.net.nodes[this.program.channels[channel]!.owner]! }

  renewed(node: Node): boolean {
    return node.incarnation !== this.first_incarnations[this.net.nodes.indexOf(node)]
  }

  able(node: Node): boolean { return node.alive && !node.frozen && !this.leaving.has(node) }

  waiting(node: Node): Record[] {
    return this.records.filter((one) => one.node === node && one.outcome === undefined)
  }

  run(): void { for (const step of this.program.steps) this.perform(step) }

  perform(step: Step): void {
    if (step.do === 'wait') { this.wait(step.ms); return }
    const node = this.net.nodes[step.node]!
    if (step.do === 'freeze') this.flush()
    if (step.do === 'thaw') node.thaw()
    else if (this.able(node)) this.act(node, step)
    this.collect()
  }

  /** Hands over what was gathered. */
  private flush(): void {
    for (const node of this.net.nodes) {
      if (node.alive && !node.frozen) node.do(() => node.host.run())
    }
  }

  /** Lets time go by and notes when operations end. */
  wait(ms: number): void {
    this.flush()
    for (let left = ms; left > 0; left -= 5) {
      this.net.run_for(Math.min(5, left))
      this.collect()
    }
  }

  private act(node: Node, step: Step): void {
    const { net } = this
    switch (step.do) {
      case 'send': case 'receive': case 'select':
        this.gather(node, () => this.begin(node, step))
        return
      case 'withdraw': case 'take': this.gather(node, () => this.decide(node, step)); return
      case 'close': case 'scrub': case 'stat': case 'open': this.ask(node, step); return
      case 'reader': case 'read': case 'reader_end': this.read(node, step); return
      case 'cut': net.cut(node, net.nodes[step.other]!); return
      case 'stall': net.stall(node, net.nodes[step.other]!); return
      case 'heal': net.heal(node, net.nodes[step.other]!); return
      case 'freeze': node.freeze(); return
      case 'kill': node.kill(); return
      case 'vanish': node.kill(true); return
      case 'restart': this.restart(node); return
      case 'leave':
        this.leaving.add(node)
        this.note(node, node.do(() => node.host.leave()), 'leave', [], false)
        return
      default:
    }
  }

  /** The same peer runs again, soon, and knows nothing of its former run. */
  private restart(node: Node): void {
    const { net } = this
    node.kill()
    net.after(net.random.between(0, 300), () => {
      const anew = net.join(node.name, node.incarnation + 1, '', node.id)
      for (const other of net.nodes) if (other.alive && other !== anew) anew.find(other)
    })
  }

  /** In every third program a host gathers its operations and hands them over together. */
  private gather(node: Node, act: () => void): void {
    node.host.batching = this.program.seed % 3 === 0
    act()
    node.host.batching = false
  }

  private decide(node: Node, step: Step & { do: 'withdraw' | 'take' }): void {
    const list = this.waiting(node)
    const target = list[step.target % Math.max(1, list.length)]
    if (target !== undefined) node.do(() => node.host[step.do](target.op))
  }

  private ref(node: Node, channel: number): number {
    return this.refs[this.net.nodes.indexOf(node)]![channel]!
  }

  private ask(node: Node, step: Step & { do: 'close' | 'scrub' | 'stat' | 'open' }): void {
    const { channel } = step
    const ref = this.ref(node, channel)
    const path = `/${this.owner(channel).name}/c${channel}`
    const op = node.do(() => step.do === 'open' ? node.host.open(path) : node.host[step.do](ref))
    if (step.do === 'scrub') this.ended[channel] = 'scrubbed'
    this.note(node, op, step.do, [{ kind: step.do, channel, text: '' }], false)
  }

  private read(node: Node, step: Step & { do: 'reader' | 'read' | 'reader_end' }): void {
    if (step.do === 'reader') {
      const { channel, prefetch } = step
      const { status, value } = node.do(() =>
        node.host.outcome(node.host.reader(this.ref(node, channel), prefetch)))
      if (status === 'OK') this.readers.push({ node, reader: value, channel })
      return
    }
    const list = this.readers.filter((one) => one.node === node)
    const target = list[step.target % Math.max(1, list.length)]
    if (target === undefined) return
    if (step.do === 'read') {
      const op = node.do(() => node.host.read(target.reader, step.timeout))
      this.note(node, op, 'read', [{ kind: 'receive', channel: target.channel, text: '' }], false)
    } else this.end_reader(target)
  }

  /** Stops a reader. */
  end_reader(target: World['readers'][number]): void {
    this.readers.splice(this.readers.indexOf(target), 1)
    const { node, reader } = target
    node.do(() => node.host.reader_end(reader))
  }

  private begin(node: Node, step: Step & { do: 'send' | 'receive' | 'select' }): void {
    const raw: StepCase[] = step.do === 'select' ? step.cases
      : [{ kind: step.do, channel: step.channel, ms: 0 }]
    const cases = raw.map(({ kind, channel }) =>
      ({ kind, channel, text: kind === 'send' ? `${node.name}${this.next_text++}` : '' }))
    const { options } = step
    const carry = options.carry
    const refs = carry === undefined ? [] : [this.ref(node, carry)]
    for (const { kind, text } of cases) {
      if (kind === 'send' && carry !== undefined) this.carried.set(text, carry)
    }
    const op = node.do(() => {
      if (step.do === 'send') {
        return node.host.send(this.ref(node, step.channel), cases[0]!.text, { ...options, refs })
      }
      if (step.do === 'receive') return node.host.receive(this.ref(node, step.channel), options)
      return node.host.select(raw.map(({ kind, channel, ms }, nth): Case => {
        if (kind === 'after') return { after: ms }
        const ref = this.ref(node, channel)
        return kind === 'send' ? { send: ref, text: cases[nth]!.text, refs } : { receive: ref }
      }), options)
    })
    this.note(node, op, step.do, cases, options.hold === true)
  }

  note(node: Node, op: number, kind: string, cases: Record['cases'], hold: boolean): void {
    this.records.push({ node, op, kind, cases, at_ms: this.net.now_ms, ended_ms: 0,
      outcome: undefined, hold, incarnation: node.incarnation })
  }

  /** Takes the outcomes that are there. */
  collect(): void {
    for (const record of this.records) {
      if (record.outcome !== undefined) continue
      const outcome = record.node.host.outcomes.get(record.op)
      if (outcome === undefined) continue
      record.outcome = outcome
      record.ended_ms = this.net.now_ms
      record.node.host.outcomes.delete(record.op)
      if (record.kind === 'leave') this.left.push(record.node)
      if (record.kind === 'open' && outcome.status === 'OK') {
        this.swap(record.node, record.cases[0]!.channel, outcome.value)
      } else this.use_carried(record.node, outcome)
    }
    this.end_left()
  }

  /** Peers that have left are gone, and with them all that they had begun. */
  private end_left(): void {
    for (const node of this.left.splice(0)) {
      const { status } = this.records.find((one) => one.node === node && one.kind === 'leave')!
        .outcome!
      if (status !== 'OK') throw new Error(`leave: ${status}`)
      const rest = [...node.host.running.values()].map(({ kind }) => kind)
      if (rest.length > 0) throw new Error(`${rest.join(', ')} outlive the leave`)
      node.kill()
    }
  }

  /** A reference that came in a message is used from now on instead of the one that was there. */
  private use_carried(node: Node, { text, refs }: Outcome): void {
    if (text === undefined) return
    const carried = this.carried.get(text)
    assert.is(refs.length, carried === undefined ? 0 : 1, `references of ${text}`)
    if (carried !== undefined) this.swap(node, carried, refs[0]!)
  }

  private swap(node: Node, channel: number, ref: number): void {
    if (!this.able(node)) return
    const row = this.refs[this.net.nodes.indexOf(node)]!
    const old = row[channel]!
    row[channel] = ref
    node.do(() => node.host.release(old))
  }
}
