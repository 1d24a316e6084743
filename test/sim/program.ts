/**
 * Random programs over several peers.
 *
 * Lives here: steps drawn from a seed. Does not live here: the world in which they are performed
 * (world.ts), what must hold afterwards (invariant.ts).
 *
 * Invariant: a program is a plain list; any part of it is a program too, so a failing one can be
 * made smaller by leaving steps out.
 */
import { Random } from '../property/random.ts'

export interface StepCase { kind: 'send' | 'receive' | 'after', channel: number, ms: number }
/** `carry`: a channel whose reference goes along; `bytes`: how long the message says it is. */
export interface StepOptions { try?: boolean, hold?: boolean, timeout?: number, carry?: number,
  bytes?: number }
export type Step =
  | { do: 'send' | 'receive', node: number, channel: number, options: StepOptions }
  | { do: 'select', node: number, cases: StepCase[], options: StepOptions }
  | { do: 'withdraw' | 'take', node: number, target: number }
  | { do: 'close' | 'scrub' | 'stat' | 'open', node: number, channel: number }
  | { do: 'reader', node: number, channel: number, prefetch: number }
  | { do: 'read' | 'reader_end', node: number, target: number, timeout: number }
  | { do: 'wait', ms: number }
  | { do: 'cut' | 'stall' | 'heal', node: number, other: number }
  | { do: 'freeze' | 'thaw' | 'kill' | 'vanish' | 'leave' | 'restart', node: number }

export interface Program {
  seed: number
  nodes: number
  delay_max_ms: number
  channels: { owner: number, capacity: number }[]
  steps: Step[]
}

type Faults = 'none' | 'cuts' | 'stalls' | 'freezes' | 'kills' | 'all'

/** How a program leans; drawn once for each, so that programs differ. */
interface Lean { nodes: number, channels: number, hold: number, tries: number, timeouts: number }

function options_of(random: Random, receives: boolean, lean: Lean): StepOptions {
  const options: StepOptions = {}
  if (random.once_in(lean.tries)) options.try = true
  if (receives && random.once_in(lean.hold)) options.hold = true
  if (random.once_in(lean.timeouts)) options.timeout = random.between(1, 120)
  if (!receives && random.once_in(4)) options.carry = random.below(lean.channels)
  if (!receives && random.once_in(6)) options.bytes = random.pick([1000, 200_000, 1_000_000])
  return options
}

function fault_of(random: Random, faults: Faults, nodes: number): Step | undefined {
  const node = random.below(nodes)
  const other = (node + 1 + random.below(nodes - 1)) % nodes
  const kinds: { [kind in Faults]: Step['do'][] } = {
    none: [], cuts: ['cut'], stalls: ['cut', 'stall', 'heal'],
    freezes: ['freeze', 'thaw', 'cut'], kills: ['kill', 'cut', 'vanish', 'leave', 'restart'],
    all: ['cut', 'stall', 'heal', 'freeze', 'thaw', 'kill', 'vanish', 'leave', 'restart']
  }
  if (kinds[faults].length === 0) return undefined
  const kind = random.pick(kinds[faults])
  if (kind === 'cut' || kind === 'stall' || kind === 'heal') return { do: kind, node, other }
  return { do: kind as 'freeze', node }
}

function operation_of(random: Random, lean: Lean): Step {
  const { nodes, channels } = lean
  const node = random.below(nodes)
  const channel = random.below(channels)
  const draw = random.below(100)
  if (draw < 28) return { do: 'send', node, channel, options: options_of(random, false, lean) }
  if (draw < 50) return { do: 'receive', node, channel, options: options_of(random, true, lean) }
  if (draw < 54) return { do: 'reader', node, channel, prefetch: random.between(1, 4) }
  if (draw < 62) {
    const timeout = random.pick([0, 0, 50])
    return { do: 'read', node, target: random.below(1000), timeout }
  }
  if (draw < 64) return { do: 'reader_end', node, target: random.below(1000), timeout: 0 }
  if (draw < 67) return { do: random.once_in(2) ? 'stat' : 'open', node, channel }
  if (draw < 86) {
    const cases = Array.from({ length: random.between(1, 4) }, (): StepCase => ({
      kind: random.once_in(10) ? 'after' : random.once_in(2) ? 'send' : 'receive',
      channel: random.below(channels), ms: random.once_in(8) ? 0 : random.between(1, 150)
    }))
    return { do: 'select', node, cases, options: options_of(random, true, lean) }
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
  const lean: Lean = { nodes, channels: channels.length, hold: random.pick([2, 5, 20]),
    tries: random.pick([4, 10, 100]), timeouts: random.pick([3, 8, 100]) }
  const all: Faults[] = ['none', 'cuts', 'stalls', 'freezes', 'kills', 'all']
  const chosen = faults ?? random.pick(all)
  const steps: Step[] = []
  const count = random.between(10, 90)
  while (steps.length < count) {
    if (random.once_in(3)) steps.push({ do: 'wait', ms: random.between(0, 30) })
    const fault = random.once_in(8) ? fault_of(random, chosen, nodes) : undefined
    steps.push(fault ?? operation_of(random, lean))
    if (chosen !== 'none' && random.once_in(25)) {
      steps.push({ do: 'wait', ms: random.between(200, 4000) })
    }
  }
  return { seed, nodes, delay_max_ms: random.pick([1, 5, 30]), channels, steps }
}

