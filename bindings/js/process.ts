/**
 * Processes: as programs use them, and as the host of a peer runs them.
 *
 * Lives here: Process, the orders that start, signal and stop one. Does not live here: running a
 * program (the host's Processes), who may start one and where it is anchored (core), stdio's bytes
 * (channels as any other).
 *
 * Invariants: every order to start or to signal is answered once; `ended` of a process follows its
 * `started`.
 */
import { Channel } from './channel.ts'
import { refuse } from './check.ts'
import type { WaitOptions } from './check.ts'
import type { Drive } from './drive.ts'
import { Refusal } from './errors.ts'
import { textAt } from './memory.ts'
import { Request } from './operation.ts'
import type { Stat } from './stat.ts'
import {
  ERROR_BAD_ARGUMENT, ERROR_CANNOT_START, ERROR_NOT_RUNNING, ERROR_NO_PROCESSES, ERROR_OK,
  ERROR_PROGRAM_NOT_FOUND, IN_ENDED, IN_ENDED_PROCESS, IN_ENDED_WORDS, IN_SIGNAL, IN_SIGNALED,
  IN_SIGNALED_STATUS, IN_SIGNALED_TOKEN, IN_SIGNALED_WORDS, IN_SIGNAL_PATH_BYTES, IN_SIGNAL_SIGNAL,
  IN_SIGNAL_WORDS, IN_STARTED, IN_STARTED_PROCESS, IN_STARTED_STATUS, IN_STARTED_WORDS,
  OUT_SIGNAL_PROCESS, OUT_SIGNAL_SIGNAL, OUT_SIGNAL_TOKEN, OUT_START_EXIT, OUT_START_PATH_BYTES,
  OUT_START_PAYLOAD, OUT_START_PROCESS, OUT_START_STDERR, OUT_START_STDIN, OUT_START_STDOUT,
  OUT_START_WORDS, OUT_STOP_PROCESS, signals
} from './tables.ts'
import { askAbout, scrubAt, statAt } from './tree.ts'
import { bytesOf, decode } from './values.ts'

/** What to run. */
export interface Command {
  /** The program: a path, or a name that is looked up at that peer. */
  path: string
  args?: string[]
  /** Added to that peer's own environment. */
  env?: Record<string, string>
  dir?: string
  /** Lives on when its peer ends or its anchor is scrubbed. */
  detached?: boolean
}

/** How a process ended: one of the two is null. */
export interface Exit { readonly code: number | null, readonly signal: string | null }

/** The order to run a process, for a host. Its channels belong to the host from here. */
export interface ProcessOrder {
  process: number
  path: string
  command: Command
  stdin: Channel<Uint8Array>
  stdout: Channel<Uint8Array>
  stderr: Channel<Uint8Array>
  exit: Channel<Exit>
}

/** What a host must do to run processes. */
export interface Processes {
  /** Resolves when it runs; rejects with PROGRAM_NOT_FOUND or CANNOT_START. */
  start(order: ProcessOrder, ended: () => void): Promise<void>
  /** To the process group; false when it is not running. */
  signal(process: number, signal: number): boolean
  /** It was scrubbed: TERM, then KILL, unless it is detached. */
  stop(process: number): void
  /** This peer ends: its processes end, unless they are detached. */
  close(): Promise<void>
}

/** The four channels of a process, in the order of its handle. */
export const PARTS = ['stdin', 'stdout', 'stderr', 'exit'] as const

/**
 * A process somewhere in the circuit; its stdio and its exit are channels.
 *
 * @example
 * const p = await circuit.start('/bob/hello', { path: 'echo', args: ['hello'] })
 * for await (const bytes of p.stdout) console.log(new TextDecoder().decode(bytes))
 * const { code } = await p.wait()
 */
export class Process {
  readonly path: string
  readonly stdin: Channel<Uint8Array>
  readonly stdout: Channel<Uint8Array>
  readonly stderr: Channel<Uint8Array>
  /** Its one message stays: everyone who receives gets it, also later. */
  readonly exit: Channel<Exit>
  readonly #drive: Drive

  /** For the binding: the channels in the order of PARTS. */
  constructor(drive: Drive, path: string, channels: readonly Channel<any>[]) {
    const [stdin, stdout, stderr, exit] = channels
    this.#drive = drive
    this.path = path
    this.stdin = stdin!
    this.stdout = stdout!
    this.stderr = stderr!
    this.exit = exit!
  }

  /** Resolves when the process has ended. Rejects with SCRUBBED when it was scrubbed before. */
  async wait(options?: WaitOptions): Promise<Exit> {
    const { value, ok } = await this.exit.receive(options)
    if (!ok) throw new Refusal('NOT_RUNNING', this.path)
    return value
  }

  /**
   * Sends a signal to the process group: a name such as 'TERM', or a number. Refusal NOT_RUNNING
   * when it has ended.
   */
  async signal(signal: string | number, options?: WaitOptions): Promise<void> {
    const number = signalNumber(signal)
    await askAbout(this.#drive, {
      kind: IN_SIGNAL,
      words: IN_SIGNAL_WORDS,
      pathBytesAt: IN_SIGNAL_PATH_BYTES,
      fill(words, at) { words[at + IN_SIGNAL_SIGNAL] = number }
    }, this.path, new Request<void>(this.path, () => undefined), options)
  }

  /** How the process is. */
  stat(options?: WaitOptions): Promise<Stat> {
    return statAt(this.#drive, this.path, options)
  }

  /** Ends it: TERM, then KILL, unless it is detached; its paths are free. */
  scrub(options?: WaitOptions): Promise<void> {
    return scrubAt(this.#drive, this.path, options)
  }

  /** Gives the handles of its channels back; the process runs on. */
  [Symbol.dispose](): void {
    for (const part of PARTS) this[part][Symbol.dispose]()
  }
}

function signalNumber(signal: unknown): number {
  if (typeof signal === 'string') {
    const name = signal.startsWith('SIG') ? signal.slice(3) : signal
    if (Object.hasOwn(signals, name)) return signals[name]!
  } else if (Object.values(signals).includes(signal as number)) {
    return signal as number
  }
  refuse(`a signal is one of ${Object.keys(signals).join(', ')}, or its number`)
}

/** A command that can be sent, checked field by field. Refusal BAD_ARGUMENT. */
export function checkCommand(command: unknown): Command {
  if (typeof command !== 'object' || command === null) refuse('the command must be an object')
  const { path, args, env, dir, detached } = command as Partial<Command>
  if (typeof path !== 'string' || path === '') refuse('the path of the program must be a string')
  if (args !== undefined && !(Array.isArray(args) && args.every(isText))) {
    refuse('args must be a list of strings')
  }
  if (env !== undefined && !(typeof env === 'object' && env !== null &&
    Object.values(env).every(isText))) refuse('env must be a record of strings')
  if (dir !== undefined && !isText(dir)) refuse('dir must be a string')
  if (detached !== undefined && typeof detached !== 'boolean') {
    refuse('detached must be true or false')
  }
  return {
    path,
    ...args === undefined ? {} : { args },
    ...env === undefined ? {} : { env },
    ...dir === undefined ? {} : { dir },
    ...detached === undefined ? {} : { detached }
  }
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}

/** A start under way: a program that cannot be run is named in the sentence, else the path. */
export class StartRequest extends Request<void> {
  readonly #program: string

  constructor(path: string, program: string) {
    super(path, () => undefined)
    this.#program = program
  }

  override rejectStatus(status: number, what: string, unknown: boolean): void {
    const program = status === ERROR_PROGRAM_NOT_FOUND || status === ERROR_CANNOT_START
    super.rejectStatus(status, program ? this.#program : what, unknown)
  }
}

/** The core's orders about processes, carried out by the host. */
export class ProcessOrders {
  readonly #drive: Drive
  readonly #processes: Processes | undefined

  constructor(drive: Drive, processes: Processes | undefined) {
    this.#drive = drive
    this.#processes = processes
  }

  /** Order: start a process. */
  start(words: Uint32Array, bytes: Uint8Array, at: number): void {
    const number = words[at + OUT_START_PROCESS]!
    const path = textAt(bytes, at + OUT_START_WORDS, words[at + OUT_START_PATH_BYTES]!)
    const spelled = bytesOf(this.#drive.payloads.take(words[at + OUT_START_PAYLOAD]!))
    const open = <T>(cell: number, part: string): Channel<T> =>
      new Channel<T>(this.#drive, words[at + cell]!, `${path}/${part}`)
    const order = {
      process: number,
      path,
      stdin: open<Uint8Array>(OUT_START_STDIN, 'stdin'),
      stdout: open<Uint8Array>(OUT_START_STDOUT, 'stdout'),
      stderr: open<Uint8Array>(OUT_START_STDERR, 'stderr'),
      exit: open<Exit>(OUT_START_EXIT, 'exit')
    }
    this.#drive.later(() => { void this.#start(order, spelled) })
  }

  /** Order: signal a process's group. */
  signal(words: Uint32Array, at: number): void {
    const token = words[at + OUT_SIGNAL_TOKEN]!
    const number = words[at + OUT_SIGNAL_PROCESS]!
    const signal = words[at + OUT_SIGNAL_SIGNAL]!
    this.#drive.later(() => {
      let running = false
      try {
        running = this.#processes?.signal(number, signal) ?? false
      } finally {
        this.#answer(IN_SIGNALED, IN_SIGNALED_WORDS, IN_SIGNALED_TOKEN, token, IN_SIGNALED_STATUS,
          running ? ERROR_OK : ERROR_NOT_RUNNING)
      }
    })
  }

  /** Order: a process was scrubbed. */
  stop(words: Uint32Array, at: number): void {
    const number = words[at + OUT_STOP_PROCESS]!
    this.#drive.later(() => this.#processes?.stop(number))
  }

  /** Ends all processes. */
  async close(): Promise<void> {
    await this.#processes?.close()
  }

  async #start(order: Omit<ProcessOrder, 'command'>, packed: Uint8Array): Promise<void> {
    let status = ERROR_OK
    // A process may end before its start was answered: its end is told after.
    const { promise: answered, resolve } = Promise.withResolvers<void>()
    try {
      const command = readCommand(packed)
      if (command === undefined) status = ERROR_BAD_ARGUMENT
      else if (this.#processes === undefined) status = ERROR_NO_PROCESSES
      else {
        await this.#processes.start({ ...order, command }, () => {
          void answered.then(() => this.#ended(order.process))
        })
      }
    } catch (error) {
      status = error instanceof Refusal ? error.number : ERROR_CANNOT_START
    }
    this.#answer(IN_STARTED, IN_STARTED_WORDS, IN_STARTED_PROCESS, order.process, IN_STARTED_STATUS,
      status)
    if (status !== ERROR_OK) for (const part of PARTS) order[part][Symbol.dispose]()
    resolve()
  }

  #ended(number: number): void {
    if (this.#drive.ended) return
    const at = this.#drive.record(IN_ENDED, IN_ENDED_WORDS)
    this.#drive.memory.words[at + IN_ENDED_PROCESS] = number
    this.#drive.go()
  }

  #answer(
    kind: number, count: number, nameAt: number, name: number, statusAt: number, status: number
  ): void {
    if (this.#drive.ended) return
    const at = this.#drive.record(kind, count)
    this.#drive.memory.words[at + nameAt] = name
    this.#drive.memory.words[at + statusAt] = status
    this.#drive.go()
  }
}

/** The command of another peer; undefined when it is none. */
function readCommand(packed: Uint8Array): Command | undefined {
  try {
    return checkCommand(decode(packed, []))
  } catch {
    return undefined
  }
}
