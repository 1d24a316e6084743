/**
 * Peers, channels and operations as a program sees them.
 *
 * Lives here: the shapes of what a run keeps, and questions that one record answers. Does not live
 * here: the run itself (world.ts).
 *
 * `begun`, `ended` and the like are moments: a count that goes up with everything that happens in
 * the world, so that of two things of the same millisecond it is known which came first.
 */
import type { Outcome } from '../core/host.ts'
import type { Node } from '../net/node.ts'

/** A channel of one run of its owner. Remade after a restart it is another one. */
export interface Channel {
  /** Its number in the program. */
  nth: number
  home: Place
  owner: Node
  /** The whole path, or undefined for one without a name. */
  path: string | undefined
  capacity: number
  close_done: boolean
  /** When somebody was told that a close, or a scrub, was done; 0: nobody was. */
  closed: number
  /** When a receiver was told that nothing comes any more. */
  drained: number
  /** Whether anybody asked for a scrub, and when somebody was told that it was done. */
  scrub_asked: boolean
  scrubbed: number
}

/** A reference at one peer. */
export interface Held {
  channel: Channel
  ref: number
  /** The owner's incarnation that it leads to; 0 when that is not known for sure. */
  incarnation: number
}

/** A peer by its place in the program; its runs follow each other. */
export interface Place {
  nth: number
  name: string
  node: Node
  held: Held[]
  readers: Reader[]
  leaving: boolean
}

/** The reference that a step means, or undefined when the peer has none at all. */
export function held_of(place: Place, channel: number): Held | undefined {
  return place.held.findLast((one) => one.channel.nth === channel)
    ?? place.held[channel % Math.max(1, place.held.length)]
}

export interface Reader { id: number, node: Node, held: Held }

export interface Case {
  kind: 'send' | 'receive' | 'after' | 'ask'
  held: Held | undefined
  /** The owner's incarnation when the operation began. */
  incarnation: number
  text: string
  /** How long a message says it is, when that is much. */
  bytes: number
  ms: number
  /** References that go along, with their owners' incarnations at that time. */
  carried: { held: Held, incarnation: number }[]
}

/** A case on a channel, without a message. */
export function case_on(kind: Case['kind'], held: Held): Case {
  return { kind, held, incarnation: held.channel.owner.incarnation, text: '', bytes: 0, ms: 0,
    carried: [] }
}

export interface Operation {
  place: Place
  node: Node
  op: number
  kind: string
  cases: Case[]
  options: { timeout: number, try: boolean, hold: boolean }
  /** For open and make: what it is about. */
  subject: { nth: number, home: Place, owner: Node, incarnation: number, path: string,
    capacity: number } | undefined
  reader: Reader | undefined
  incarnation: number
  begun: number
  at_ms: number
  /** How long its peer had slept before it began. */
  slept_ms: number
  /** How slow its peer was at its slowest meanwhile. */
  lag_ms: number
  ended: number
  ended_ms: number
  withdrawn: boolean
  outcome: Outcome | undefined
  /** What the program goes on with when this is done. */
  then: (() => void) | undefined
}

/** What a sender was told of one of its cases. */
export type Fate = 'done' | 'not done' | 'unknown' | 'waits'

export function fate({ outcome, node }: Operation, nth: number): Fate {
  if (outcome === undefined) return node.alive ? 'waits' : 'unknown'
  if (outcome.status === 'OK') return outcome.which === nth ? 'done' : 'not done'
  return outcome.unknown && outcome.which === nth ? 'unknown' : 'not done'
}

/** A message that an operation received. */
export interface Receipt { operation: Operation, text: string, channel: Channel, again: boolean }

/** What an operation received, or undefined. */
export function receipt_of(operation: Operation): Receipt | undefined {
  const { outcome } = operation
  if (outcome?.text === undefined) return undefined
  const held = operation.cases[outcome.which]?.held
  if (held === undefined) throw new Error(`a message for no case of a ${operation.kind}`)
  return { operation, text: outcome.text, channel: held.channel, again: outcome.again }
}

/** For stories and sentences: `b.2 receive c1`. */
export function named({ place, kind, cases, node }: Operation): string {
  const about = cases.map(({ kind: one, held, text, ms }) => {
    if (one === 'after') return `after ${ms} ms`
    const where = held === undefined ? '' : channel_name(held.channel)
    return `${kind === 'select' ? `${one} ` : ''}${where}${text === '' ? '' : ` ${text}`}`
  })
  return `${place.name}${node.incarnation > 1 ? `(${node.incarnation})` : ''} ${kind} ${
    about.join(', ')}`.trim()
}

export function channel_name({ nth, home }: Channel): string { return `c${nth}@${home.name}` }
