/**
 * What an anchor or a channel is like now.
 *
 * Lives here: reading `stats` records. Does not live here: what they count (core).
 *
 * Invariant: a stat changes nothing.
 */
import { failure } from './errors.ts'
import { Operation } from './operation.ts'
import type { Completion } from './operation.ts'
import {
  CHANNEL_STATE_CLOSED, COMPLETION_FLAG_UNKNOWN, ELEMENT_CHANNEL, ELEMENT_PEER,
  ELEMENT_PROCESS, ERROR_OK, ERROR_WRONG_KIND, OUT_STATS_BUFFERED, OUT_STATS_CAPACITY,
  OUT_STATS_CLOSED, OUT_STATS_ELEMENT, OUT_STATS_OUT, OUT_STATS_RECEIVERS, OUT_STATS_SENDERS,
  PROCESS_STATE_ENDED, PROCESS_STATE_RUNNING, PROCESS_STATE_STARTING
} from './tables.ts'

/** What stands at a path. */
export type ElementKind = 'anchor' | 'channel' | 'process' | 'peer'
/** How a process is. */
export type ProcessState = 'starting' | 'running' | 'ended'

/** A channel now: messages in its buffer, and who waits. */
export interface ChannelStat {
  readonly kind: 'channel'
  readonly capacity: number
  readonly buffered: number
  /** Sends and receives that are parked. */
  readonly senders: number
  readonly receivers: number
  readonly closed: boolean
  /** Messages that are out on a claim: neither in their place nor taken. */
  readonly out: number
}

/** A process now. */
export interface ProcessStat { readonly kind: 'process', readonly state: ProcessState }
/** Something else now. */
export interface PlaceStat { readonly kind: 'anchor' | 'peer' }
/** What stat gives: told apart by `kind`. */
export type Stat = ChannelStat | ProcessStat | PlaceStat

/** The name of an element's kind. */
export function kindOf(element: number): ElementKind {
  return element === ELEMENT_CHANNEL ? 'channel' : element === ELEMENT_PROCESS ? 'process'
    : element === ELEMENT_PEER ? 'peer' : 'anchor'
}

/** How a channel or a process is; other elements have no state. */
export type ElementState = 'open' | 'closed' | ProcessState | undefined

/** The name of an element's state. */
export function stateOf(element: number, state: number): ElementState {
  if (element === ELEMENT_CHANNEL) return state === CHANNEL_STATE_CLOSED ? 'closed' : 'open'
  return element === ELEMENT_PROCESS ? processState(state) : undefined
}

function processState(state: number): ProcessState {
  const names = {
    [PROCESS_STATE_STARTING]: 'starting', [PROCESS_STATE_RUNNING]: 'running',
    [PROCESS_STATE_ENDED]: 'ended'
  } as const
  return names[state as keyof typeof names] ?? 'ended'
}

/** Gathers a `stats` record and resolves with the completion that follows. */
export class StatOperation extends Operation<Stat> {
  readonly #what: string
  #stat: Stat | undefined = undefined

  constructor(what: string) {
    super()
    this.#what = what
  }

  stats(words: Uint32Array, at: number): void {
    const element = words[at + OUT_STATS_ELEMENT]!
    if (element === ELEMENT_CHANNEL) {
      this.#stat = {
        kind: 'channel',
        capacity: words[at + OUT_STATS_CAPACITY]!,
        buffered: words[at + OUT_STATS_BUFFERED]!,
        senders: words[at + OUT_STATS_SENDERS]!,
        receivers: words[at + OUT_STATS_RECEIVERS]!,
        closed: words[at + OUT_STATS_CLOSED]! !== 0,
        out: words[at + OUT_STATS_OUT]!
      }
    } else if (element === ELEMENT_PROCESS) {
      this.#stat = { kind: 'process', state: processState(words[at + OUT_STATS_CLOSED]!) }
    } else {
      this.#stat = { kind: element === ELEMENT_PEER ? 'peer' : 'anchor' }
    }
  }

  done(completion: Completion): void {
    const { status, flags } = completion
    if (status !== ERROR_OK) {
      this.rejectStatus(status, this.#what, (flags & COMPLETION_FLAG_UNKNOWN) !== 0)
    } else if (this.#stat === undefined) {
      this.reject(failure(ERROR_WRONG_KIND, this.#what))
    } else {
      this.resolve(this.#stat)
    }
  }
}
