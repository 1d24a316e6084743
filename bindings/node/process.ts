/**
 * The processes that this peer runs for its circuit.
 *
 * Lives here: starting them in groups of their own, their exit, signals, their end. Does not live
 * here: finding the program (process-command.ts), their pipes (process-stdio.ts), their end when
 * this peer is killed (process-watcher.ts), where they are anchored and who may start them (core).
 *
 * Invariants: every start either runs or is refused with a reason; `ended` is called once for each
 * that ran, after its exit was sent; a signal goes to a group only while that group is surely ours.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import type { ProcessOrder, Processes } from '../js/circuit.ts'
import { Refusal } from '../js/errors.ts'
import { PARTS } from '../js/process.ts'
import { PROCESSES_MAX, PROCESS_GRACE_MS } from '../js/tables.ts'
import { prepare, type Prepared } from './process-command.ts'
import { pumpInput, pumpOutput } from './process-stdio.ts'
import { Watcher } from './process-watcher.ts'

const KILLED_MS = 1_000
const LOOK_MS = 10

export interface ProcessesOptions {
  /** From TERM to KILL, in ms; PROCESS_GRACE_MS by default. */
  grace_ms?: number
}

/**
 * Makes the processes of one peer, for `join`. Nothing runs and nothing is held before the first
 * start; `close` ends all.
 */
export function createProcesses(options: ProcessesOptions = {}): Processes {
  return new HostProcesses(options.grace_ms ?? PROCESS_GRACE_MS)
}

/** One process and all that is left of its group. */
interface Run {
  readonly child: ChildProcess
  readonly group: number
  readonly detached: boolean
  /** The first process of the group has ended. */
  exited: boolean
  /** Set when it is being ended: what will kill it. */
  killing: NodeJS.Timeout | undefined
}

class HostProcesses implements Processes {
  readonly #grace_ms: number
  readonly #watcher: Watcher
  /** By the number in the order, until another takes that number. */
  readonly #named = new Map<number, Run>()
  /** Until the first process has ended and both outputs are at their end. */
  readonly #living = new Set<Run>()
  #closed = false

  constructor(grace_ms: number) {
    this.#grace_ms = grace_ms
    this.#watcher = new Watcher(grace_ms)
  }

  /**
   * Starts a process in a group of its own; resolves when it runs.
   *
   * Its stdin, stdout and stderr channels are pumped until they end; `ended` is called once, after
   * the exit was sent. The four channels are disposed when there is nothing left to pump. Refusals,
   * nothing started: BAD_ARGUMENT, PROGRAM_NOT_FOUND, CANNOT_START, TOO_MANY, LEAVING.
   */
  async start(order: ProcessOrder, ended: () => void): Promise<void> {
    if (this.#living.size >= PROCESSES_MAX) throw new Refusal('TOO_MANY', 'PROCESSES_MAX')
    const prepared = await prepare(order.command)
    if (this.#closed) throw new Refusal('LEAVING', order.path)
    if (!prepared.detached) this.#watcher.ready()
    const child = launch(prepared)
    if (child.pid === undefined) throw new Refusal('CANNOT_START', prepared.name)
    const { detached } = prepared
    const run: Run = { child, group: child.pid, detached, exited: false, killing: undefined }
    if (!detached) this.#watcher.add(run.group)
    this.#named.set(order.process, run)
    this.#living.add(run)
    const over = this.#attend(run, order, ended)
    over.then(() => this.#forget(order, run))
  }

  /** Sends a signal, by number, to the group; false when the process has ended. */
  signal(process: number, signal: number): boolean {
    const run = this.#named.get(process)
    return run !== undefined && !run.exited && signalGroup(run, signal)
  }

  /** The process was scrubbed: TERM to its group, then KILL; a detached one runs on. */
  stop(process: number): void {
    const run = this.#named.get(process)
    if (run !== undefined && !run.detached) this.#end(run)
  }

  /** Ends all but the detached; resolves when they are gone, at the latest after their KILL. */
  async close(): Promise<void> {
    this.#closed = true
    const ending = [...this.#living].filter((run) => !run.detached)
    for (const run of ending) this.#end(run)
    for (const run of this.#living) if (run.detached) release(run.child)
    const killed = performance.now() + this.#grace_ms + LOOK_MS
    // After the KILL only the first process is waited for: nobody may reap what else was killed.
    const lasts = (run: Run) => performance.now() < killed ? groupLives(run) : !run.exited
    while (ending.some(lasts) && performance.now() < killed + KILLED_MS) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
    for (const run of ending) this.#ended(run)
    this.#watcher.end()
  }

  /** Resolves when nothing of the process is left to carry. */
  async #attend(run: Run, order: ProcessOrder, ended: () => void): Promise<void> {
    const { child } = run
    const exited = new AbortController()
    const exit = new Promise<void>((resolve) => {
      child.once('exit', (code, signal) => {
        run.exited = true
        exited.abort()
        const told = order.exit.send({ code, signal: shortName(signal) })
        told.catch(() => {}).then(ended).then(resolve)
      })
    })
    await Promise.all([
      exit,
      pumpInput(order.stdin, child.stdin!, exited.signal),
      pumpOutput(child.stdout!, order.stdout, run.detached),
      pumpOutput(child.stderr!, order.stderr, run.detached)
    ])
  }

  #forget(order: ProcessOrder, run: Run): void {
    this.#living.delete(run)
    if (run.killing === undefined) this.#watcher.remove(run.group)
    if (this.#named.get(order.process) === run) this.#named.delete(order.process)
    for (const part of PARTS) order[part][Symbol.dispose]()
  }

  /** The group stays on the watcher's list until its KILL: some of it may ignore the TERM. */
  #end(run: Run): void {
    if (run.killing !== undefined) return
    signalGroup(run, 'SIGTERM')
    run.killing = setTimeout(() => {
      signalGroup(run, 'SIGKILL')
      this.#ended(run)
    }, this.#grace_ms)
    run.child.once('exit', () => {
      if (!groupLives(run)) this.#ended(run)
    })
  }

  #ended(run: Run): void {
    clearTimeout(run.killing)
    this.#watcher.remove(run.group)
  }
}

/** A detached process holds nothing here: our end of its pipes may go whenever we go. */
function release(child: ChildProcess): void {
  child.unref()
  for (const end of [child.stdin, child.stdout, child.stderr]) {
    ;(end as unknown as { unref?(): void } | null)?.unref?.()
  }
}

function launch(prepared: Prepared): ChildProcess {
  const { program, name, args, env, dir } = prepared
  try {
    const child = spawn(program, args, {
      argv0: name, env, cwd: dir, detached: true, stdio: ['pipe', 'pipe', 'pipe']
    })
    // A failed start is seen by the missing pid; the event that follows tells nothing more.
    child.on('error', () => {})
    return child
  } catch {
    throw new Refusal('CANNOT_START', name)
  }
}

/**
 * The number of a group is not given to another while one of its processes lives. After the first
 * process has ended, a living process with that number is therefore a stranger's.
 */
function signalGroup(run: Run, signal: number | string): boolean {
  if (run.exited && lives(run.group)) return false
  try {
    return process.kill(-run.group, signal)
  } catch {
    return false
  }
}

function groupLives(run: Run): boolean {
  return signalGroup(run, 0)
}

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Signals are named without SIG everywhere. */
function shortName(signal: string | null): string | null {
  return signal === null ? null : signal.replace(/^SIG/, '')
}
