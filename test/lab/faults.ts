/**
 * What goes wrong in the laboratory, drawn from a seed.
 *
 * Lives here: the kinds of faults, a round of them, what they do to hosts and cables. Does not live
 * here: the cables (network.ts), the hosts (host.ts), when rounds begin and what comes between
 * them (lab.ts).
 *
 * Invariants: the same seed draws the same rounds; a round undoes all that it does; two faults of a
 * round never take hold of the same process.
 */
import type { Random } from '../property/random.ts'
import type { Network, Shape } from './network.ts'

/** Each kind: how often it is drawn, and how long it lasts. */
const KINDS = {
  /** A host hears nobody and is heard by nobody. */
  alone: { weight: 3, least_ms: 200, most_ms: 9_000 },
  /** Two groups that do not hear each other. */
  split: { weight: 3, least_ms: 500, most_ms: 9_000 },
  /** Two hosts do not hear each other, and all others hear both. */
  pair: { weight: 2, least_ms: 1_000, most_ms: 40_000 },
  /** One host no longer hears one other. */
  oneway: { weight: 2, least_ms: 500, most_ms: 9_000 },
  /** A host hears nobody, and is heard. */
  deaf: { weight: 2, least_ms: 300, most_ms: 7_000 },
  /** A host is heard by nobody, and hears. */
  mute: { weight: 2, least_ms: 300, most_ms: 7_000 },
  /** Ten times the loss and three times the delay. */
  storm: { weight: 2, least_ms: 2_000, most_ms: 9_000 },
  /** All its connections are reset at once. */
  reset: { weight: 3, least_ms: 1, most_ms: 1 },
  /** SIGSTOP, then SIGCONT. */
  freeze: { weight: 3, least_ms: 200, most_ms: 9_000 },
  /** SIGKILL, then a start with the same folder. */
  kill: { weight: 3, least_ms: 100, most_ms: 4_000 },
  /** It leaves in good order, then starts anew. */
  leave: { weight: 1, least_ms: 100, most_ms: 2_000 }
} as const

export type FaultKind = keyof typeof KINDS

/** One fault: whom it takes hold of, and when in its round. */
export interface Fault {
  kind: FaultKind, hosts: number[], begins_ms: number, lasts_ms: number
}

const NAMES = Object.keys(KINDS) as FaultKind[]
const TAKES_PROCESS: ReadonlySet<FaultKind> = new Set(['freeze', 'kill', 'leave'])
/** What a network does that cannot cut single ways. */
const WHOLE: ReadonlySet<FaultKind> = new Set(['alone', 'reset', 'freeze', 'kill', 'leave'])
const FAULTS_PER_ROUND_MAX = 3
const BEGIN_MAX_MS = 3_000

/** One to three faults that overlap; `hurry` shortens the long ones, for a short run. */
export function drawRound(
  random: Random, hosts: number, network: Pick<Network, 'cuts_pairs'>, hurry: number
): Fault[] {
  const faults: Fault[] = []
  const taken = new Set<number>()
  for (let left = random.between(1, FAULTS_PER_ROUND_MAX); left > 0; left--) {
    const kind = drawKind(random)
    const group = drawHosts(random, kind, hosts)
    const begins_ms = faults.length === 0 ? 0 : random.below(BEGIN_MAX_MS)
    const { least_ms, most_ms } = KINDS[kind]
    // Short ones as often as long ones: a blip and a death ask different questions.
    const share = (random.below(1000) / 1000) ** 2
    const lasts_ms = Math.round(least_ms + (most_ms - least_ms) * share * hurry)
    if (!network.cuts_pairs && !WHOLE.has(kind)) continue
    if (TAKES_PROCESS.has(kind) && group.some((host) => taken.has(host))) continue
    if (TAKES_PROCESS.has(kind)) for (const host of group) taken.add(host)
    faults.push({ kind, hosts: group, begins_ms, lasts_ms })
  }
  return faults.sort((one, two) => one.begins_ms - two.begins_ms)
}

function drawKind(random: Random): FaultKind {
  let draw = random.below(NAMES.reduce((sum, name) => sum + KINDS[name].weight, 0))
  for (const name of NAMES) {
    draw -= KINDS[name].weight
    if (draw < 0) return name
  }
  return 'alone'
}

function drawHosts(random: Random, kind: FaultKind, hosts: number): number[] {
  const all = Array.from({ length: hosts }, (_, nth) => nth)
  const count = kind === 'split' ? random.between(1, Math.floor(hosts / 2))
    : kind === 'oneway' || kind === 'pair' ? 2
    : kind === 'kill' || kind === 'freeze' ? random.pick([1, 1, 1, 2]) : 1
  const picked: number[] = []
  for (let nth = 0; nth < count; nth++) {
    picked.push(...all.splice(random.below(all.length), 1))
  }
  return picked
}

/** The ways that a fault cuts, each `from>to`. */
export function waysOf({ kind, hosts: group }: Fault, hosts: number): string[] {
  const all = Array.from({ length: hosts }, (_, nth) => nth)
  const others = all.filter((host) => !group.includes(host))
  const between = (from: number[], to: number[]) =>
    from.flatMap((one) => to.map((two) => `${one}>${two}`))
  switch (kind) {
    case 'alone': case 'split': return [...between(group, others), ...between(others, group)]
    case 'deaf': return between(others, group)
    case 'mute': return between(group, others)
    case 'oneway': return between([group[0]!], [group[1]!])
    case 'pair': return [`${group[0]}>${group[1]}`, `${group[1]}>${group[0]}`]
    default: return []
  }
}

/** How a host's network is on a good day: each host has its own, and each day. */
export function drawShape(random: Random): Shape {
  return {
    delay_ms: 10, jitter_ms: 5, loss_percent: random.between(10, 50) / 10,
    reorder_percent: random.between(0, 3), rate_mbit: random.pick([4, 10, 50, 100])
  }
}

/** The same network in a storm. */
export function stormy(shape: Shape): Shape {
  return {
    ...shape, delay_ms: shape.delay_ms * 3, jitter_ms: shape.jitter_ms * 3,
    loss_percent: Math.min(30, shape.loss_percent * 10)
  }
}

/** A fault in a few words, with hosts counted from 1. */
export function wordsOf({ kind, hosts }: Fault): string {
  const names = hosts.map((host) => `h${host + 1}`)
  switch (kind) {
    case 'alone': return `${names} alone`
    case 'split': return `${names.join('')} | the others`
    case 'pair': return `${names[0]} / ${names[1]}`
    case 'oneway': return `${names[0]} unheard by ${names[1]}`
    case 'storm': return `storm at ${names}`
    case 'reset': return `${names} reset`
    case 'freeze': return `${names} frozen`
    case 'kill': return `${names} killed`
    case 'leave': return `${names} leaving`
    default: return `${names} ${kind}`
  }
}
