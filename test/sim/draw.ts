/**
 * Random programs of every kind of step.
 *
 * Lives here: steps drawn from a seed, and how programs lean. Does not live here: what a step means
 * (program.ts), performing one (world.ts), programs of bursts (bursts.ts), which of the two a seed
 * means (seed.ts).
 *
 * Invariant: nothing but the seed decides.
 */
import { Random } from '../property/random.ts'
import type { Program, Step, StepCase, StepOptions, Way } from './program.ts'

export const LEANINGS =
  ['none', 'cuts', 'stalls', 'freezes', 'kills', 'all', 'moments'] as const
export type Faults = typeof LEANINGS[number]

type Fault = 'cut' | 'fray' | 'stall' | 'heal' | 'part' | 'heal_all' | 'freeze' | 'thaw' | 'slow'
  | 'kill' | 'vanish' | 'leave' | 'restart'
export const FAULT_KINDS: { [faults in Faults]: readonly Fault[] } = {
  none: [],
  cuts: ['cut', 'cut', 'fray', 'fray', 'slow'],
  stalls: ['cut', 'stall', 'stall', 'heal', 'part', 'heal_all'],
  freezes: ['freeze', 'thaw', 'freeze', 'thaw', 'cut', 'slow'],
  kills: ['kill', 'cut', 'vanish', 'leave', 'restart', 'restart', 'fray'],
  all: ['cut', 'fray', 'stall', 'heal', 'part', 'heal_all', 'freeze', 'thaw', 'slow', 'kill',
    'vanish', 'leave', 'restart'],
  // Beside what troubles_of draws.
  moments: ['cut', 'thaw', 'heal_all', 'restart']
}

/** Frames after which something is to happen: those of handshakes, of membership, of matches. */
const HANDSHAKE = ['hello', 'hello', 'ack', 'edge', 'member', 'refuse'] as const
const GOODBYE = ['leave', 'leave_answer'] as const
const MATCH = ['offer_send', 'offer_sends', 'offer_receive', 'offer_reader', 'claim', 'claim',
  'deliver', 'delivers', 'grant', 'grant', 'end', 'ends', 'unhold', 'withdraw', 'ask', 'close',
  'scrub', 'open', 'reply'] as const
export const MOMENT_FAULTS: readonly Fault[] = ['cut', 'fray', 'stall', 'stall', 'heal_all', 'part',
  'freeze', 'kill', 'vanish', 'leave', 'restart', 'restart']

/** How a program leans; drawn once for each, so that programs differ. */
export interface Lean { nodes: number, channels: number, hold: number, tries: number,
  timeouts: number, cases: number, carries: number, troubles: readonly Trouble[] }

export function lean_of(random: Random, nodes: number, channels: number): Omit<Lean, 'troubles'> {
  return { nodes, channels, hold: random.pick([2, 5, 20]), tries: random.pick([4, 10, 100]),
    timeouts: random.pick([3, 8, 100]), cases: random.pick([2, 4, 6]),
    carries: random.pick([2, 4, 20]) }
}

export function options_of(random: Random, receives: boolean, lean: Lean): StepOptions {
  const options: StepOptions = {}
  if (random.once_in(lean.tries)) options.try = true
  if (receives && random.once_in(lean.hold)) options.hold = true
  if (random.once_in(lean.timeouts)) options.timeout = random.between(1, 120)
  if (!receives && random.once_in(lean.carries)) {
    options.carry = Array.from({ length: random.between(1, 2) }, () => channel_of(random, lean))
  }
  if (!receives && random.once_in(6)) options.bytes = random.pick([1000, 200_000, 1_000_000])
  return options
}

/** Those with a name, and sometimes one that a step made. */
function channel_of(random: Random, { channels }: Lean): number {
  return random.once_in(4) ? channels + random.below(3) : random.below(channels)
}

function way_of(random: Random): Way { return random.pick(['both', 'both', 'out', 'in']) }

export function fault_of(random: Random, kinds: readonly Fault[], nodes: number): Step | undefined {
  if (kinds.length === 0) return undefined
  const node = random.below(nodes)
  const other = (node + 1 + random.below(nodes - 1)) % nodes
  const kind = random.pick(kinds)
  switch (kind) {
    case 'cut': return { do: kind, node, other }
    case 'fray': return { do: kind, node, other, ms: random.pick([5, 60, 400]) }
    case 'stall': case 'heal': return { do: kind, node, other, way: way_of(random) }
    case 'part': return { do: kind, side: random.between(1, (1 << nodes) - 2), way: way_of(random) }
    case 'heal_all': return { do: kind }
    case 'slow': return { do: kind, node, ms: random.pick([0, 3, 20, 100]) }
    default: return { do: kind, node }
  }
}

/** Something that happens just after a peer has said something. */
function moment_of(random: Random, lean: Lean, frames: readonly string[]): Step {
  const fault = random.once_in(5) ? operation_of(random, lean)
    : fault_of(random, MOMENT_FAULTS, lean.nodes)!
  const silent = fault.do === 'restart' && random.once_in(2)
  const then: Step = silent ? { ...fault, silent } : fault
  return { do: 'upon', frame: random.pick(frames), nth: random.pick([0, 0, 0, 0, 1, 3]),
    ms: random.pick([0, 0, 0, 1, 3, 10, 40]), then }
}

export function rest_of(random: Random): Step {
  return { do: 'wait', ms: random.pick([20, 200, 700, 1_300, 2_600, 2_600, 4_000, 6_000]) }
}

type Trouble = 'handshake' | 'turns' | 'match' | 'twin' | 'goodbye'
/** What one program has of them: where all is in pieces few matches come about. */
const TROUBLES: readonly (readonly Trouble[])[] = [['match'], ['match'], ['match', 'goodbye'],
  ['match', 'twin'], ['handshake'], ['handshake', 'turns'],
  ['handshake', 'turns', 'match', 'twin', 'goodbye']]

/** Troubles that belong together, which steps drawn one by one would seldom bring. */
function troubles_of(random: Random, lean: Lean): Step[] {
  const { nodes } = lean
  const part = (): Step => fault_of(random, ['part', 'stall'], nodes)!
  switch (random.pick(lean.troubles)) {
    // Long enough to be declared left, then the way back is disturbed again.
    case 'handshake': return [part(), rest_of(random), moment_of(random, lean, HANDSHAKE),
      moment_of(random, lean, HANDSHAKE), { do: 'heal_all' }, rest_of(random)]
    case 'turns': return Array.from({ length: 3 }, (): Step[] =>
      [...random.once_in(3) ? [] : [{ do: 'heal_all' } as const], part(), rest_of(random)]).flat()
    case 'match': return [moment_of(random, lean, MATCH), moment_of(random, lean, MATCH)]
    case 'twin': return [{ do: 'restart', node: random.below(nodes), silent: true },
      ...random.once_in(2) ? [rest_of(random)] : []]
    default: return [moment_of(random, lean, random.pick([GOODBYE, MATCH])),
      { do: 'leave', node: random.below(nodes) }]
  }
}

function select_of(random: Random, lean: Lean, node: number): Step {
  const count = random.between(1, lean.cases)
  const cases = Array.from({ length: count }, (): StepCase => ({
    kind: random.once_in(10) ? 'after' : random.once_in(2) ? 'send' : 'receive',
    channel: channel_of(random, lean), ms: random.once_in(8) ? 0 : random.between(1, 150)
  }))
  const options = options_of(random, random.once_in(2), lean)
  delete options.bytes
  return { do: 'select', node, cases, options }
}

export function operation_of(random: Random, lean: Lean): Step {
  const node = random.below(lean.nodes)
  const channel = channel_of(random, lean)
  const draw = random.below(100)
  if (draw < 28) return { do: 'send', node, channel, options: options_of(random, false, lean) }
  if (draw < 50) return { do: 'receive', node, channel, options: options_of(random, true, lean) }
  if (draw < 53) return { do: 'reader', node, channel, prefetch: random.between(1, 4) }
  if (draw < 60) {
    const timeout = random.pick([0, 0, 50])
    return { do: 'read', node, target: random.below(1000), timeout }
  }
  if (draw < 62) return { do: 'reader_end', node, target: random.below(1000), timeout: 0 }
  if (draw < 66) return { do: random.pick(['stat', 'open', 'open', 'forget']), node, channel }
  if (draw < 69) {
    const at = random.once_in(3) ? random.below(lean.nodes) : node
    return { do: 'make', node, capacity: random.pick([0, 0, 1, 3]), named: random.once_in(2), at }
  }
  if (draw < 87) return select_of(random, lean, node)
  if (draw < 91) return { do: 'withdraw', node, target: random.below(1000) }
  if (draw < 96) return { do: 'take', node, target: random.below(1000) }
  return random.once_in(2) ? { do: 'close', node, channel } : { do: 'scrub', node, channel }
}

function steps_of(random: Random, lean: Lean, faults: Faults): Step[] {
  const steps: Step[] = []
  const count = random.pick([6, 12, 20, 30, 45])
  while (steps.length < count) {
    if (random.once_in(3)) steps.push({ do: 'wait', ms: random.between(0, 30) })
    if (lean.troubles.length > 0 && random.once_in(6)) {
      steps.splice(random.below(steps.length + 1), 0, ...troubles_of(random, lean))
    }
    const fault = random.once_in(lean.troubles.length > 0 ? 15 : 7)
      ? fault_of(random, FAULT_KINDS[faults], lean.nodes) : undefined
    const step = fault ?? operation_of(random, lean)
    steps.push(step)
    // Several of a kind show the order in which they are served.
    if ((step.do === 'send' || step.do === 'receive') && random.once_in(5)) {
      for (let more = random.between(1, 3); more > 0; more--) steps.push({ ...step, options: {} })
    }
    // Long enough to be declared left, often with something out to it.
    if (step.do === 'freeze' && random.once_in(3)) {
      steps.push({ do: 'wait', ms: random.between(2500, 5000) }, { do: 'thaw', node: step.node })
    }
    if (faults !== 'none' && random.once_in(25)) {
      steps.push({ do: 'wait', ms: random.between(200, 4000) })
    }
  }
  return steps
}

/** The program of a seed; `faults` says which may happen, drawn too when it is left out. */
export function wide_program(seed: number, faults?: Faults): Program {
  const random = new Random(seed ^ 0x5eed)
  const nodes = random.pick([2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 6])
  const channels = Array.from({ length: random.between(1, 4) }, () =>
    ({ owner: random.below(nodes), capacity: random.pick([0, 0, 1, 3]) }))
  const leaning = lean_of(random, nodes, channels.length)
  const chosen = faults ?? random.pick(LEANINGS)
  const troubles = chosen === 'moments' ? random.pick(TROUBLES) : []
  const lean = { ...leaning, troubles }
  return {
    seed, nodes, delay_max_ms: random.pick([1, 5, 30]), uneven: random.once_in(3),
    gather: random.once_in(3), channels, steps: steps_of(random, lean, chosen)
  }
}
