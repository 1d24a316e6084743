/**
 * What a program is: plain steps over a few peers.
 *
 * Lives here: the shape of a program and of its steps. Does not live here: drawing one from a seed
 * (draw.ts), performing it (world.ts), what must hold (invariants/).
 *
 * Invariant: a program is a plain list; any part of it is a program too, and a step that makes no
 * sense where it stands does nothing, so a failing one can be made smaller by leaving things out.
 *
 * `node` is a peer by its place, whichever run of it lives; `channel` a channel by the order of
 * making, or, where the peer has no reference to that, one of those that it has. `upon` waits for
 * the nth frame of that name, counted from 0, and does `then`, once, `ms` after it was written;
 * nothing waits on after the end of the program. A `silent` restart leaves the links of the former
 * run to be found dead. A `turn` is what a peer asks its core in one turn of its event loop;
 * `records`: all of it in one call. A list is sent, or received, as far as that goes at once; the
 * next message waits as a plain one, and then the list goes on.
 */
export interface StepCase { kind: 'send' | 'receive' | 'after', channel: number, ms: number }

/** `carry`: channels whose references go along; `bytes`: how long the message says it is. */
export interface StepOptions { try?: boolean, hold?: boolean, timeout?: number, carry?: number[],
  bytes?: number }

export type Way = 'both' | 'out' | 'in'

export type Step =
  | { do: 'send' | 'receive', node: number, channel: number, options: StepOptions }
  | { do: 'select', node: number, cases: StepCase[], options: StepOptions }
  | { do: 'withdraw' | 'take', node: number, target: number }
  | { do: 'make', node: number, capacity: number, named: boolean, at: number }
  | { do: 'close' | 'scrub' | 'stat' | 'open' | 'forget', node: number, channel: number }
  | { do: 'turn', node: number, records?: true, steps: Step[] }
  | { do: 'send_list' | 'receive_list', node: number, channel: number, count: number }
  | { do: 'reader', node: number, channel: number, prefetch: number }
  | { do: 'read' | 'reader_end', node: number, target: number, timeout: number }
  | { do: 'wait', ms: number }
  | { do: 'cut', node: number, other: number }
  | { do: 'fray', node: number, other: number, ms: number }
  | { do: 'stall' | 'heal', node: number, other: number, way: Way }
  | { do: 'part', side: number, way: Way }
  | { do: 'heal_all' }
  | { do: 'freeze' | 'thaw' | 'kill' | 'vanish' | 'leave', node: number }
  | { do: 'restart', node: number, silent?: true }
  | { do: 'slow', node: number, ms: number }
  | { do: 'upon', frame: string, nth: number, ms: number, then: Step }

export interface Program {
  seed: number
  nodes: number
  delay_max_ms: number
  /** Links differ in speed. */
  uneven: boolean
  /** Hosts gather their operations and hand them over together. */
  gather: boolean
  /** How many hosts leave records out where they may, and call the core's `run` only where they
   * must; without it half of them leave records out, and call it each time. */
  doors?: 'half' | 'all'
  /** Channels with a name that stand before the first step. */
  channels: { owner: number, capacity: number }[]
  steps: Step[]
}

/** A program of the corpus. */
export interface Kept { seed: number, why: string, program: Program }

/** Steps that break something. */
export const FAULTS: readonly Step['do'][] = ['cut', 'fray', 'stall', 'part', 'freeze', 'kill',
  'vanish', 'leave', 'restart', 'slow', 'upon']

/** Whether anything is broken by the program. */
export function has_faults(program: Program): boolean {
  return program.steps.some((step) => FAULTS.includes(step.do))
}
