/**
 * Random programs over several peers: what they are and how they run.
 *
 * Lives here: steps drawn from a seed, the world in which they are performed, the record of every
 * operation. Does not live here: what must hold afterwards (invariant.ts).
 *
 * Invariant: a program is a plain list; any part of it is a program too, so a failing one can be
 * made smaller by leaving steps out.
 */
import { Net } from './net.ts'
import type { Node } from './node.ts'
import type { Case, Outcome } from '../core/host.ts'
import { Random } from '../property/random.ts'

export interface StepCase { kind: 'send' | 'receive' | 'after', channel: number, ms: number }
export interface StepOptions { try?: boolean, hold?: boolean, timeout?: number }
export type Step =
  | { do: 'send' | 'receive', node: number, channel: number, options: StepOptions }
  | { do: 'select', node: number, cases: StepCase[], options: StepOptions }
  | { do: 'withdraw' | 'take', node: number, target: number }
  | { do: 'close' | 'scrub', node: number, channel: number }
  | { do: 'wait', ms: number }
  | { do: 'cut' | 'stall' | 'heal', node: number, other: number }
  | { do: 'freeze' | 'thaw' | 'kill' | 'vanish', node: number }

export interface Program {
  seed: number
  nodes: number
  delay_max_ms: number
  channels: { owner: number, capacity: number }[]
  steps: Step[]
}

/** An operation as the program sees it. */
export interface Record {
  node: Node, op: number, kind: Step['do'], cases: { kind: string, channel: number, text: string }[]
  at_ms: number, ended_ms: number, outcome: Outcome | undefined, hold: boolean
  /** Which run of the peer began it. */
  incarnation: number
}

type Faults = 'none' | 'cuts' | 'stalls' | 'freezes' | 'kills' | 'all'

function options_of(random: Random, receives: boolean): StepOptions {
  const options: StepOptions = {}
  if (random.once_in(8)) options.try = true
  if (receives && random.once_in(5)) options.hold = true
  if (random.once_in(4)) options.timeout = random.between(1, 120)
  return options
}

function fault_of(random: Random, faults: Faults, nodes: number): Step | undefined {
  const node = random.below(nodes)
  const other = (node + 1 + random.below(nodes - 1)) % nodes
  const kinds: { [kind in Faults]: Step['do'][] } = {
    none: [], cuts: ['cut'], stalls: ['cut', 'stall', 'heal'],
    freezes: ['freeze', 'thaw', 'cut'], kills: ['kill', 'cut', 'vanish'],
    all: ['cut', 'stall', 'heal', 'freeze', 'thaw', 'kill', 'vanish']
  }
  if (kinds[faults].length === 0) return undefined
  const kind = random.pick(kinds[faults])
  if (kind === 'cut' || kind === 'stall' || kind === 'heal') return { do: kind, node, other }
  return { do: kind as 'freeze' | 'thaw' | 'kill' | 'vanish', node }
}

function operation_of(random: Random, nodes: number, channels: number): Step {
  const node = random.below(nodes)
  const channel = random.below(channels)
  const draw = random.below(100)
  if (draw < 30) return { do: 'send', node, channel, options: options_of(random, false) }
  if (draw < 60) return { do: 'receive', node, channel, options: options_of(random, true) }
  if (draw < 86) {
    const cases = Array.from({ length: random.between(1, 4) }, (): StepCase => ({
      kind: random.once_in(10) ? 'after' : random.once_in(2) ? 'send' : 'receive',
      channel: random.below(channels), ms: random.between(1, 150)
    }))
    return { do: 'select', node, cases, options: options_of(random, true) }
  }
  if (draw < 91) return { do: 'withdraw', node, target: random.below(1000) }
  if (draw < 98) return { do: 'take', node, target: random.below(1000) }
  return random.once_in(2) ? { do: 'close', node, channel } : { do: 'scrub', node, channel }
}

/** The program of a seed. */
export function program_of(seed: number, faults?: Faults): Program {
  const random = new Random(seed ^ 0x5eed)
  const nodes = random.between(2, 4)
  const channels = Array.from({ length: random.between(1, 4) }, () =>
    ({ owner: random.below(nodes), capacity: random.pick([0, 0, 1, 2]) }))
  const all: Faults[] = ['none', 'cuts', 'stalls', 'freezes', 'kills', 'all']
  const chosen = faults ?? random.pick(all)
  const steps: Step[] = []
  const count = random.between(10, 60)
  while (steps.length < count) {
    if (random.once_in(3)) steps.push({ do: 'wait', ms: random.between(0, 30) })
    const fault = random.once_in(8) ? fault_of(random, chosen, nodes) : undefined
    steps.push(fault ?? operation_of(random, nodes, channels.length))
    if (chosen !== 'none' && random.once_in(25)) {
      steps.push({ do: 'wait', ms: random.between(200, 4000) })
    }
  }
  return { seed, nodes, delay_max_ms: random.pick([1, 5, 30]), channels, steps }
}

/** The peers, channels and operations of one run. */
export class World {
  readonly net: Net
  readonly program: Program
  readonly records: Record[] = []
  /** References by node, then channel. */
  readonly refs: number[][]
  /** Channels that a step closed or scrubbed. */
  readonly ended: ('open' | 'closed' | 'scrubbed')[]
  /** Every incarnation's start, to know who was declared left. */
  readonly first_incarnations: number[]
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
  }

  owner(channel: number): Node { return this.net.nodes[this.program.channels[channel]!.owner]! }

  renewed(node: Node): boolean {
    return node.incarnation !== this.first_incarnations[this.net.nodes.indexOf(node)]
  }

  able(node: Node): boolean { return node.alive && !node.frozen }

  waiting(node: Node): Record[] {
    return this.records.filter((one) => one.node === node && one.outcome === undefined)
  }

  run(): void { for (const step of this.program.steps) this.perform(step) }

  perform(step: Step): void {
    if (step.do === 'wait') { this.wait(step.ms); return }
    const node = this.net.nodes[step.node]!
    if (step.do === 'thaw') node.thaw()
    else if (this.able(node)) this.act(node, step)
    this.collect()
  }

  /** Lets time go by and notes when operations end. */
  wait(ms: number): void {
    for (let left = ms; left > 0; left -= 5) {
      this.net.run_for(Math.min(5, left))
      this.collect()
    }
  }

  private act(node: Node, step: Step): void {
    const { net } = this
    switch (step.do) {
      case 'send': case 'receive': case 'select': this.begin(node, step); return
      case 'withdraw': case 'take': {
        const list = this.waiting(node)
        const target = list[step.target % Math.max(1, list.length)]
        if (target !== undefined) node.do(() => node.host[step.do](target.op))
        return
      }
      case 'close': case 'scrub': {
        const ref = this.refs[step.node]![step.channel]!
        const op = node.do(() => node.host[step.do](ref))
        if (step.do === 'scrub') this.ended[step.channel] = 'scrubbed'
        this.note(node, op, step.do, [{ kind: step.do, channel: step.channel, text: '' }], false)
        return
      }
      case 'cut': net.cut(node, net.nodes[step.other]!); return
      case 'stall': net.stall(node, net.nodes[step.other]!); return
      case 'heal': net.heal(node, net.nodes[step.other]!); return
      case 'freeze': node.freeze(); return
      case 'kill': node.kill(); return
      case 'vanish': node.kill(true); return
      default:
    }
  }

  private begin(node: Node, step: Step & { do: 'send' | 'receive' | 'select' }): void {
    const refs = this.refs[this.net.nodes.indexOf(node)]!
    const raw: StepCase[] = step.do === 'select' ? step.cases
      : [{ kind: step.do, channel: step.channel, ms: 0 }]
    const cases = raw.map(({ kind, channel }) =>
      ({ kind, channel, text: kind === 'send' ? `${node.name}${this.next_text++}` : '' }))
    const { options } = step
    const op = node.do(() => {
      if (step.do === 'send') return node.host.send(refs[step.channel]!, cases[0]!.text, options)
      if (step.do === 'receive') return node.host.receive(refs[step.channel]!, options)
      return node.host.select(raw.map(({ kind, channel, ms }, nth): Case => {
        if (kind === 'after') return { after: ms }
        return kind === 'send' ? { send: refs[channel]!, text: cases[nth]!.text }
          : { receive: refs[channel]! }
      }), options)
    })
    this.note(node, op, step.do, cases, options.hold === true)
  }

  note(node: Node, op: number, kind: Step['do'], cases: Record['cases'], hold: boolean): void {
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
    }
  }
}
