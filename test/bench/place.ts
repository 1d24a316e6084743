/**
 * A place of its own for peers that are measured: folders, a run directory, child processes.
 *
 * Lives here: what keeps them from meeting the user's peers, and their end. Does not live here:
 * what they do.
 */
import { fork, spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const FOLDER = fileURLToPath(new URL('.', import.meta.url))
const ENDING_MS = 3_000

/** What links two peers of a place: the roads that there are between machines, or within one. */
export type Between = 'libp2p' | 'unix'

interface JoinFolder {
  state: string, listen: string[], discovery: 'local'[], unix: boolean, circuit: string
}

export class Place {
  readonly folder = mkdtempSync(join(tmpdir(), 'circuit-bench-'))
  readonly #children = new Set<ChildProcess>()

  /** The environment of this process is that of the place from here on, and they end together. */
  constructor() {
    process.once('exit', this.#kill)
    const run = join(this.folder, 'run')
    mkdirSync(run, { mode: 0o700 })
    Object.assign(process.env, {
      HOME: this.folder, XDG_RUNTIME_DIR: run, XDG_STATE_HOME: this.folder,
      CIRCUIT_BENCH_FOLDER: this.folder
    })
  }

  /** How a peer of this place joins. Those with different roads are in circuits of their own. */
  options(name: string, between: Between = 'libp2p'): JoinFolder {
    return optionsIn(this.folder, name, between)
  }

  /** The same in a child process. */
  static inherited(name: string, between: Between = 'libp2p'): JoinFolder {
    return optionsIn(process.env['CIRCUIT_BENCH_FOLDER']!, name, between)
  }

  /** Runs a file of this folder; resolves with the first message that it sends. */
  async run(file: string, ...args: string[]): Promise<unknown> {
    const child = this.forked(file, ...args)
    return new Promise((resolve, reject) => {
      child.once('message', resolve)
      child.once('exit', (code) => reject(new Error(`${file} ended with ${code}`)))
    })
  }

  /** Runs a file of this folder and gives the process, to which messages can be sent. */
  forked(file: string, ...args: string[]): ChildProcess {
    const child = fork(`${FOLDER}${file}`, args, { stdio: 'inherit' })
    this.#keep(child)
    return child
  }

  /** Starts a program whose standard output is read, unless nothing that it prints matters. */
  start(program: string, args: string[], printed: 'pipe' | 'ignore' = 'pipe'): ChildProcess {
    const errors = printed === 'pipe' ? 'inherit' : 'ignore'
    const child = spawn(program, args, { stdio: ['ignore', printed, errors] })
    this.#keep(child)
    return child
  }

  /** Ends what still runs, the last one first: asked, then killed. */
  async end(): Promise<void> {
    for (const child of [...this.#children].reverse()) {
      const late = setTimeout(() => child.kill('SIGKILL'), ENDING_MS)
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
      clearTimeout(late)
    }
    process.off('exit', this.#kill)
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** For a run that is interrupted, which cannot wait. */
  readonly #kill = (): void => {
    for (const child of this.#children) child.kill('SIGKILL')
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 })
  }

  #keep(child: ChildProcess): void {
    this.#children.add(child)
    child.once('exit', () => this.#children.delete(child))
  }
}

function optionsIn(folder: string, name: string, between: Between): JoinFolder {
  return {
    state: join(folder, name), listen: ['/ip4/127.0.0.1/tcp/0'], discovery: ['local'],
    unix: between === 'unix', circuit: between
  }
}
