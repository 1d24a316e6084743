/**
 * Vectors: what is given to one core or to several, and what must come of it.
 *
 * Lives here: their shape, writing down what happens at a core's door, the text of a file. Does not
 * live here: the stories (local.ts and its kin), replaying (replay.ts), which files there are
 * (make.ts).
 *
 * Invariant: the same stories and the same core give the same text.
 */
import { limits } from '../core/door.ts'
import type { Host } from '../core/host.ts'
import { describe_input, describe_output } from './record.ts'
import type { Described } from './record.ts'

/** One `run` of one core. `consumed` when not all were taken; `more` when it is 1. */
export interface Step {
  core: number, now_ms: number, in: Described[], out: Described[], consumed?: number, more?: number
  deadline_ms?: number
}

/**
 * `after` names a vector whose steps come first; `chance`: another core may choose otherwise;
 * `code`: what was given breaks the rules, and the last step ends the link with this code.
 */
export interface Vector {
  id: string, shows: string[], chance?: boolean, code?: number, after?: string
  cores: { seed: number }[], steps: Step[]
}

export interface VectorFile {
  about: string, abi_version: number, wire_version: number, count: number, vectors: Vector[]
}

/** Writes down what happens at the doors of hosts. */
export class Recorder {
  readonly steps: Step[] = []
  paused = false
  private readonly last_ms: number[] = []

  /** Listens at a host's door from now on. */
  attach(host: Host, core = 0): void {
    const { door } = host
    const step = door.step.bind(door)
    door.step = (pending, now_ms, count_max) => {
      const given = pending.slice()
      const out = step(pending, now_ms, count_max)
      this.note(core, now_ms, given, given.length - pending.length, out.map(describe_output),
        door.cell('more'))
      return out
    }
  }

  private note(core: number, now_ms: number, given: Uint8Array[], consumed: number,
    out: Described[], more: number): void {
    const idle = given.length === 0 && out.length === 0 && this.last_ms[core] === now_ms
    this.last_ms[core] = now_ms
    if (this.paused || idle) return
    const step: Step = { core, now_ms, in: given.map(describe_input), out }
    if (consumed !== given.length) step.consumed = consumed
    if (more !== 0) step.more = more
    this.steps.push(step)
  }

  /** Writes the present deadline of a host into its last step. */
  deadline(host: Host): void {
    this.steps.at(-1)!.deadline_ms = host.door.cell('deadline_ms')
  }

  /** What was written down since the last time. */
  take(): Step[] { return this.steps.splice(0) }
}

export function file_of(about: string, vectors: Vector[]): VectorFile {
  const { ABI_VERSION, WIRE_VERSION } = limits as { ABI_VERSION: number, WIRE_VERSION: number }
  return { about, abi_version: ABI_VERSION, wire_version: WIRE_VERSION, count: vectors.length,
    vectors }
}

/** The text of a file: one record a line. */
export function text_of_file(file: VectorFile): string {
  const { vectors, ...head } = file
  const top = JSON.stringify(head, undefined, 1).replace(/\n\}$/, '')
  return `${top},\n "vectors": [\n${vectors.map(text_of_vector).join(',\n')}\n ]\n}\n`
}

function text_of_vector({ steps, ...head }: Vector): string {
  const lines = steps.map(text_of_step).join(',\n')
  return `  ${JSON.stringify(head).replace(/\}$/, '')},"steps":[\n${lines}\n  ]}`
}

function text_of_step({ in: given, out, ...head }: Step): string {
  const list = (name: string, records: Described[]): string => records.length < 2
    ? `"${name}":${JSON.stringify(records)}`
    : `"${name}":[\n${records.map((one) => `     ${JSON.stringify(one)}`).join(',\n')}]`
  return `   ${JSON.stringify(head).replace(/\}$/, '')},\n    ${list('in', given)},\n` +
    `    ${list('out', out)}}`
}
