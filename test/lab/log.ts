/**
 * What each process of the laboratory writes down, and how it is read back.
 *
 * Lives here: the lines of a log, writing them so that a killed process's log is whole, reading a
 * folder of logs. Does not live here: what the lines must say together (check.ts).
 *
 * A channel is named `host.run.name`, a message `host.run.number`: run is the number of the
 * process on that host, so that what died with a process is not taken for what came after it.
 *
 * Invariants: the line of an operation's begin is with the kernel before the operation begins, and
 * each line by itself, so that SIGKILL leaves no half of one; times are milliseconds of the
 * machine's monotonic clock, one for all processes.
 */
import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** A way in which an operation can happen; a receive learns its message at its end. */
export interface Case { kind: 'send' | 'receive', channel: string, message?: string }

/**
 * `done`: case `case` happened. `closed`: a receive case met the end of its channel. `nothing`:
 * nothing happened, for sure. `unknown`: case `case`, or any send case, may have happened.
 */
export type Result = 'done' | 'closed' | 'nothing' | 'unknown'

export interface Start { e: 'start', at: number, host: string, run: number, id: string }
export interface Begin {
  e: 'begin', at: number, op: number, worker: string, what: string, cases: Case[]
  timeout_ms?: number
}
export interface End {
  e: 'end', at: number, op: number, result: Result
  case?: number, message?: string, again?: boolean, code?: string
}
export interface Member {
  e: 'joined' | 'left', at: number, host: string, run: number, incarnation: number
}
/** The owner has closed or scrubbed its channel, or let it go for whoever may still hold it. */
export interface Ended { e: 'closed' | 'scrubbed' | 'released', at: number, channel: string }
/** The process had no time of the machine, frozen or starved, for so long until now. */
export interface Stalled { e: 'stalled', at: number, ms: number }
/** At rest: everyone that this peer sees, itself among them. */
export interface Seen {
  e: 'seen', at: number, self: number
  peers: Array<{ host: string, run: number, incarnation: number }>
}
/** The process lived until it was asked to leave; at rest when the laboratory was. */
export interface Finish { e: 'finish', at: number, resting: boolean }

export type Line = Start | Begin | End | Member | Ended | Stalled | Seen | Finish

/** Written by the driver: what was done to a host from when to when. */
export interface Fault { what: string, host?: string, run?: number, from: number, to: number }

/** One run of one host's process. */
export interface Run {
  host: string, run: number, id: string, start: number
  lines: Line[]
  /** When it was killed by the laboratory. */
  killed?: number
}

export interface Logs { runs: Run[], faults: Fault[] }

export const FAULTS_FILE = 'faults.jsonl'
const PLACES = 1000

/** Milliseconds of the clock that all processes of the machine share. */
export function now_ms(): number {
  return Math.round(Number(process.hrtime.bigint() / 1000n)) / PLACES
}

/** A log that is written line by line. */
export class Log {
  readonly #file: number

  constructor(path: string) {
    this.#file = openSync(path, 'a')
  }

  write(line: Line | Fault): void {
    writeSync(this.#file, `${JSON.stringify(line)}\n`)
  }

  close(): void { closeSync(this.#file) }
}

/** The file of one run. */
export function logFile(folder: string, host: string, run: number): string {
  return join(folder, `${host}.${run}.jsonl`)
}

/** Reads all logs of a folder. */
export function readLogs(folder: string): Logs {
  const runs: Run[] = []
  let faults: Fault[] = []
  for (const name of readdirSync(folder).sort()) {
    if (!name.endsWith('.jsonl')) continue
    const lines = readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1)
      .map((line) => JSON.parse(line) as unknown)
    if (name === FAULTS_FILE) faults = lines as Fault[]
    else runs.push(runOf(name, lines as Line[]))
  }
  for (const { what, host, run, from } of faults) {
    const one = what === 'kill' ? runs.find((it) => it.host === host && it.run === run) : undefined
    if (one !== undefined) one.killed = from
  }
  return { runs, faults }
}

function runOf(name: string, lines: Line[]): Run {
  const [first] = lines
  if (first?.e === 'start') {
    return { host: first.host, run: first.run, id: first.id, start: first.at, lines }
  }
  // It was killed while it joined.
  const [host = '', run = ''] = name.split('.')
  if (lines.length > 0) throw new Error(`${name} does not begin with a start`)
  return { host, run: Number(run), id: '', start: 0, lines }
}
