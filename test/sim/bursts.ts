/**
 * Random programs of bursts: much in one turn, and windows, lists and selects that take it.
 *
 * Lives here: scenes of a burst and what may disturb them, drawn from a seed. Does not live here:
 * single steps of every kind (draw.ts), what a step means (program.ts).
 *
 * Invariant: nothing but the seed decides.
 */
import {
  FAULT_KINDS, LEANINGS, MOMENT_FAULTS, fault_of, lean_of, operation_of, options_of, rest_of
} from './draw.ts'
import type { Faults, Lean } from './draw.ts'
import type { Program, Step, StepCase } from './program.ts'
import { Random } from '../property/random.ts'

/** Frames of which a burst is made, and after which something is to happen to it. */
const OF_BURSTS = ['offer_send', 'offer_sends', 'ends', 'ends', 'end', 'deliver', 'delivers',
  'grant', 'grant', 'offer_reader', 'withdraw', 'claim', 'unhold', 'close', 'scrub', 'ack',
  'hello'] as const

/** What a program is about; `base` is how its other steps lean, `readers` who has a window. */
interface Stage { nodes: number, delay_max_ms: number, home: number, base: Lean,
  channels: Program['channels'], scenes: readonly Scene[],
  readers: { node: number, channel: number }[] }
type Scene = 'sends' | 'ahead' | 'reads' | 'receives' | 'lists' | 'selects' | 'crossed' | 'heavy'
  | 'mixed' | 'other'
const ALWAYS: readonly Scene[] = ['sends', 'sends', 'sends', 'other']
/** What one program has much of beside bursts of sends. */
const TASTES: readonly (readonly Scene[])[] = [['ahead', 'reads', 'reads', 'reads'],
  ['ahead', 'reads', 'reads', 'receives', 'selects'], ['lists', 'lists', 'lists', 'receives'],
  ['lists', 'lists', 'selects', 'crossed'], ['selects', 'crossed', 'crossed', 'receives'],
  ['receives', 'receives', 'mixed'], ['receives', 'heavy', 'heavy', 'selects'],
  ['ahead', 'reads', 'lists', 'selects', 'mixed']]

const BUFFERS = [1, 2, 4, 8, 30]

/** The program of a seed; `faults` says which may happen, drawn too when it is left out. */
export function burst_program(seed: number, faults?: Faults): Program {
  const random = new Random(seed ^ 0xb1257)
  const nodes = random.pick([2, 2, 2, 3, 3, 4])
  const home = random.below(nodes)
  const scenes = [...ALWAYS, ...random.pick(TASTES)]
  const capacities = scenes.includes('ahead') ? BUFFERS : [0, 0, ...BUFFERS]
  const channels = Array.from({ length: random.between(1, 3) }, () => ({
    owner: random.once_in(5) ? random.below(nodes) : home, capacity: random.pick(capacities)
  }))
  const chosen = faults ?? random.pick(LEANINGS)
  const delay_max_ms = random.pick([1, 5, 30])
  const stage: Stage = { nodes, delay_max_ms, home, channels, scenes, readers: [],
    base: { ...lean_of(random, nodes, channels.length), troubles: [] } }
  return {
    seed, nodes, delay_max_ms, uneven: random.once_in(4),
    gather: random.once_in(10), doors: random.pick(['all', 'all', 'half']), channels,
    steps: steps_of(random, stage, chosen)
  }
}

function steps_of(random: Random, stage: Stage, faults: Faults): Step[] {
  // Before anything lies in the buffers.
  const steps = stage.scenes.includes('crossed') ? crossed_of(random, stage) : []
  for (let scenes = random.pick([3, 5, 8, 12]); scenes > 0; scenes--) {
    if (faults !== 'none' && random.once_in(faults === 'moments' ? 2 : 5)) {
      steps.push(moment_of(random, stage))
    }
    steps.push(...scene_of(random, stage))
    if (random.once_in(2)) steps.push({ do: 'wait', ms: random.pick([0, 1, 2, 3, 8, 30, 70]) })
    if (FAULT_KINDS[faults].includes('freeze') && random.once_in(5)) {
      steps.push(...asleep_of(random, stage))
    }
    const fault = random.once_in(4) ? fault_of(random, FAULT_KINDS[faults], stage.nodes) : undefined
    if (fault === undefined) continue
    steps.push(fault)
    if (random.once_in(3)) steps.push(rest_of(random))
    // Long enough to be declared left, with much out to it.
    if (fault.do === 'freeze' && random.once_in(2)) {
      steps.push({ do: 'wait', ms: random.between(2500, 5000) }, { do: 'thaw', node: fault.node })
    }
  }
  return steps
}

/** Something that happens just after a frame of a burst was written. */
function moment_of(random: Random, stage: Stage): Step {
  const then: Step = random.once_in(3) ? random.pick(scene_of(random, stage))
    : fault_of(random, MOMENT_FAULTS, stage.nodes)!
  return { do: 'upon', frame: random.pick(OF_BURSTS), nth: random.pick([0, 0, 1, 3, 8]),
    ms: random.pick([0, 0, 0, 1, 3, 10]), then }
}

function scene_of(random: Random, stage: Stage): Step[] {
  switch (random.pick(stage.scenes)) {
    case 'sends': return [sends_of(random, stage)]
    case 'ahead': return ahead_of(random, stage)
    case 'reads': return stage.readers.length === 0 ? ahead_of(random, stage)
      : [reads_of(random, stage)]
    case 'receives': return [receives_of(random, stage)]
    case 'lists': return lists_of(random, stage)
    case 'selects': return [selects_of(random, stage)]
    case 'crossed': return crossed_of(random, stage)
    case 'heavy': return [heavy_of(random, stage)]
    case 'mixed': return [mixed_of(random, stage)]
    default: return [operation_of(random, stage.base)]
  }
}

// Scenes

function channel_of(random: Random, { channels }: Stage): number {
  return random.below(channels.length)
}

/** A peer that is not the owner of the channel. */
function away_from(random: Random, { channels, nodes }: Stage, channel: number): number {
  return (channels[channel]!.owner + 1 + random.below(nodes - 1)) % nodes
}

function turn_of(random: Random, node: number, steps: Step[]): Step {
  return { do: 'turn', node, ...random.once_in(4) ? { records: true } : {}, steps }
}

function many(random: Random): number { return random.pick([2, 2, 3, 4, 6, 10, 20]) }

/** A burst of sends to one channel, sometimes with something among them. */
function sends_of(random: Random, stage: Stage): Step {
  return sends_to(random, stage, channel_of(random, stage))
}

function sends_to(random: Random, stage: Stage, channel: number): Step {
  const node = random.once_in(8) ? stage.home : away_from(random, stage, channel)
  return sends_by(random, stage, channel, node)
}

function sends_by(random: Random, stage: Stage, channel: number, node: number): Step {
  const bytes = random.once_in(10) ? { bytes: random.pick([40_000, 200_000, 1_000_000]) } : {}
  const count = many(random)
  const steps = Array.from({ length: count }, (): Step =>
    ({ do: 'send', node, channel, options: bytes }))
  if (random.once_in(3)) {
    steps[random.below(count)] = { do: 'send', node, channel,
      options: options_of(random, false, stage.base) }
  }
  if (random.once_in(3)) steps.splice(random.below(count + 1), 0, among_of(random, stage, node))
  return turn_of(random, node, steps)
}

/** More than an owner has room for, and what its sender asks behind it. */
function heavy_of(random: Random, stage: Stage): Step {
  const channel = channel_of(random, stage)
  const node = away_from(random, stage, channel)
  const heavy = Array.from({ length: random.between(15, 20) }, (): Step =>
    ({ do: 'send', node, channel, options: { bytes: 1_000_000 } }))
  return turn_of(random, node, [...heavy, { do: 'send', node, channel, options: { try: true } },
    among_of(random, stage, node), { do: 'receive', node, channel: channel_of(random, stage),
      options: {} }, { do: 'send', node, channel, options: {} }])
}

/** What a peer may ask between two sends of a burst. */
function among_of(random: Random, stage: Stage, node: number): Step {
  const channel = channel_of(random, stage)
  const target = random.below(1000)
  switch (random.below(8)) {
    case 0: case 1: return { do: 'send', node, channel, options: {} }
    case 2: return { do: 'receive', node, channel, options: {} }
    case 3: return { do: 'withdraw', node, target }
    case 4: return select_of(random, stage, node, false)
    case 5: return { do: 'read', node, target, timeout: 0 }
    case 6: return { do: random.pick(['close', 'scrub', 'stat']), node, channel }
    default: return { do: 'take', node, target }
  }
}

/** A window, and time for messages to come ahead. */
function ahead_of(random: Random, stage: Stage): Step[] {
  const channel = channel_of(random, stage)
  const node = random.once_in(8) ? stage.home : away_from(random, stage, channel)
  stage.readers.push({ node, channel })
  return [{ do: 'reader', node, channel, prefetch: random.pick([1, 2, 3, 5, 8, 16]) },
    ...random.once_in(4) ? [] : [sends_to(random, stage, channel)],
    { do: 'wait', ms: random.pick([1, 4, 4, 6]) * stage.delay_max_ms + 2 },
    // Whoever sends beside the channel finds the window open.
    ...random.once_in(2) ? [sends_by(random, stage, channel, stage.channels[channel]!.owner)] : [],
    reads_of(random, stage)]
}

/** Somebody sleeps over what came ahead, so that it goes back, and somebody else has a window. */
function asleep_of(random: Random, stage: Stage): Step[] {
  const channel = channel_of(random, stage)
  const [node, other] = [away_from(random, stage, channel), away_from(random, stage, channel)]
  const target = stage.readers.push({ node, channel }, { node: other, channel })
  const prefetch = random.pick([2, 5, 16])
  const some_ms = 4 * stage.delay_max_ms + 2
  return [{ do: 'reader', node, channel, prefetch }, sends_to(random, stage, channel),
    { do: 'wait', ms: some_ms }, { do: 'read', node, target, timeout: 0 },
    { do: 'freeze', node }, rest_of(random), { do: 'thaw', node },
    { do: 'wait', ms: random.pick([0, 3, 200]) },
    { do: 'reader', node: other, channel, prefetch }, { do: 'wait', ms: some_ms },
    turn_of(random, other, Array.from({ length: 4 }, (_, nth): Step =>
      ({ do: 'read', node: other, target: nth, timeout: 0 })))]
}

/** Reads of what came ahead, which may be less than is asked for. */
function reads_of(random: Random, stage: Stage): Step {
  const { node } = random.pick(stage.readers)
  const target = random.below(2)
  const steps = Array.from({ length: random.pick([1, 1, 2, 3, 6, 10]) }, (): Step =>
    ({ do: 'read', node, target, timeout: random.once_in(8) ? 40 : 0 }))
  if (random.once_in(5)) steps.push({ do: 'reader_end', node, target, timeout: 0 })
  if (random.once_in(5)) {
    steps.splice(random.below(steps.length + 1), 0, among_of(random, stage, node))
  }
  return turn_of(random, node, steps)
}

function receives_of(random: Random, stage: Stage): Step {
  const node = random.below(stage.nodes)
  const channel = channel_of(random, stage)
  const options = random.once_in(4) ? options_of(random, true, stage.base) : {}
  return turn_of(random, node, Array.from({ length: many(random) }, (): Step =>
    ({ do: 'receive', node, channel, options })))
}

/** Lists of some users of one channel, mostly where it lives. */
function lists_of(random: Random, stage: Stage): Step[] {
  const channel = channel_of(random, stage)
  const { owner } = stage.channels[channel]!
  const steps = Array.from({ length: random.between(1, 3) }, (): Step => ({
    do: random.pick(['send_list', 'receive_list']),
    node: random.once_in(5) ? random.below(stage.nodes) : owner, channel,
    count: random.pick([1, 2, 3, 5, 8, 12])
  }))
  // A list meets whatever waits: selects, too, and more than one.
  return random.once_in(2) ? steps
    : [select_of(random, stage, owner, true), select_of(random, stage, owner, true), ...steps]
}

/** A select; `near`: one that may be done without a record. */
function select_of(random: Random, stage: Stage, node: number, near: boolean): Step {
  const cases = Array.from({ length: random.pick([1, 2, 2, 3, 4]) }, (): StepCase => ({
    kind: !near && random.once_in(5) ? 'after' : random.once_in(2) ? 'send' : 'receive',
    channel: channel_of(random, stage), ms: random.between(0, 60)
  }))
  const options = near ? random.once_in(4) ? { try: true } : {}
    : options_of(random, random.once_in(2), stage.base)
  delete options.bytes
  return { do: 'select', node, cases, options }
}

function selects_of(random: Random, stage: Stage): Step {
  const node = random.once_in(3) ? random.below(stage.nodes) : stage.home
  const steps = Array.from({ length: random.pick([1, 2, 3, 5]) }, () =>
    select_of(random, stage, node, !random.once_in(5)))
  // Who comes next meets one that waits.
  if (random.once_in(2)) steps.push(single_of(random, stage, node), single_of(random, stage, node))
  return turn_of(random, node, steps)
}

function single_of(random: Random, stage: Stage, node: number): Step {
  return { do: random.pick(['send', 'receive']), node, channel: channel_of(random, stage),
    options: {} }
}

/** A select of an owner and one of another peer meet, and in the middle of it others come. */
function crossed_of(random: Random, stage: Stage): Step[] {
  const { home, nodes, delay_max_ms } = stage
  const node = (home + 1 + random.below(nodes - 1)) % nodes
  // What an empty buffer makes wait.
  const near = stage.channels.flatMap(({ owner, capacity }, channel): StepCase[] =>
    owner !== home ? [] : [{ channel, ms: 0,
      kind: capacity > 0 ? 'receive' : random.pick(['send', 'receive']) }])
  if (near.length === 0) return [selects_of(random, stage)]
  const { channel, kind } = random.pick(near)
  const far: StepCase[] = [{ kind: other_side(kind), channel, ms: 0 },
    { kind: random.pick(['receive', 'after']), channel: channel_of(random, stage), ms: 50 }]
  // Some of them with the cases at which it still waits.
  const singles = Array.from({ length: random.between(1, 3) }, (): Step => {
    const one = random.pick(near)
    return { do: random.once_in(4) ? one.kind as 'send' : other_side(one.kind), node: home,
      channel: one.channel, options: {} }
  })
  return [{ do: 'select', node: home, cases: near, options: {} },
    { do: 'select', node, cases: far, options: {} },
    { do: 'wait', ms: random.between(1, 2 * delay_max_ms) },
    { do: 'turn', node: home, steps: singles }]
}

function other_side(kind: StepCase['kind']): 'send' | 'receive' {
  return kind === 'send' ? 'receive' : 'send'
}

/** A peer that does a little of everything in one turn. */
function mixed_of(random: Random, stage: Stage): Step {
  const node = random.below(stage.nodes)
  return turn_of(random, node, Array.from({ length: many(random) }, () =>
    among_of(random, stage, node)))
}
