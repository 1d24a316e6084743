/**
 * A place of its own for tests of the command line: folders, peers, calls.
 *
 * Lives here: starting `circuit start` and calling verbs as a shell would, with a run directory and
 * a home of the test's own, so that tests do not meet each other or the user's peers. Everything
 * that was started ends with the place.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('../../bindings/cli/main.ts', import.meta.url))
/** For what does not end as it should; a busy machine is slow, and no reason to kill. */
const ENDING_MS = 30_000

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
  ms: number
}

/** A call that runs: what it has printed so far, and how it will end. */
export class Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  readonly #read: Buffer[] = []
  stderr = ''
  #changed: () => void = () => {}

  constructor(args: readonly string[], env: NodeJS.ProcessEnv) {
    const began = performance.now()
    this.child = spawn(process.execPath, [PROGRAM, ...args], { env, stdio: 'pipe' })
    this.child.stdin!.on('error', () => {})
    this.child.stdout!.on('data', (bytes: Buffer) => {
      this.#read.push(bytes)
      this.#changed()
    })
    this.child.stderr!.on('data', (bytes: Buffer) => { this.stderr += bytes.toString() })
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code, signal) => {
        const ms = performance.now() - began
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr, ms })
        this.#changed()
      })
    })
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#read)
  }

  get stdout(): string {
    return this.bytes.toString()
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  /** Resolves when it has printed something that matches. */
  async printed(what: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = what.exec(this.stdout)
      if (found !== null) return found
      if (!this.running) throw new Error(`it ended without ${what}: ${this.stdout}${this.stderr}`)
      await new Promise<void>((resolve) => { this.#changed = resolve })
    }
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<Ended> {
    this.child.kill(signal)
    return this.ended
  }
}

export interface CallOptions {
  /** Standard input; empty when left out. */
  input?: string | Uint8Array
  /** The peer that is asked; the first that was started when left out. */
  at?: string
}

export class Place {
  readonly folder = mkdtempSync(join(tmpdir(), 'circuit-cli-'))
  readonly env: NodeJS.ProcessEnv
  readonly #peers = new Map<string, Running>()
  readonly #calls = new Set<Running>()

  constructor() {
    const run = join(this.folder, 'run')
    mkdirSync(run, { mode: 0o700 })
    const { CIRCUIT_STATE: _, ...env } = process.env
    this.env = { ...env, HOME: this.folder, XDG_RUNTIME_DIR: run, XDG_STATE_HOME: this.folder }
  }

  /** The state folder of a peer. */
  state(name: string): string {
    return join(this.folder, name)
  }

  /** Starts a peer; resolves when it answers verbs. */
  async start(name: string, ...more: string[]): Promise<Running> {
    const peer = this.run(['start', '--name', name, '--state', this.state(name), '--no-mdns',
      '--listen', '/ip4/127.0.0.1/tcp/0', ...more])
    this.#peers.set(name, peer)
    await peer.printed(/\n/)
    return peer
  }

  /** Calls the program as it is: no state folder is added. */
  run(args: readonly string[]): Running {
    const running = new Running(args, this.env)
    this.#calls.add(running)
    void running.ended.then(() => this.#calls.delete(running))
    return running
  }

  /** A verb that goes on; its input stays open. */
  begin(args: readonly string[], at?: string): Running {
    const peer = at ?? this.#peers.keys().next().value ?? 'nobody'
    // Behind the verb: after `--` all is the command's.
    const [verb = 'help', ...more] = args
    return this.run([verb, '--state', this.state(peer), ...more])
  }

  /** A verb from its call to its end. */
  async call(args: readonly string[], options: CallOptions = {}): Promise<Ended> {
    const running = this.begin(args, options.at)
    running.child.stdin!.end(options.input ?? '')
    return running.ended
  }

  /** Calls until it fits; for what takes effect at another peer. */
  async until(
    args: readonly string[], fits: (ended: Ended) => boolean, options: CallOptions = {}
  ): Promise<Ended> {
    for (;;) {
      const ended = await this.call(args, options)
      if (fits(ended)) return ended
    }
  }

  async end(): Promise<void> {
    for (const peer of this.#peers.values()) peer.child.kill('SIGTERM')
    const late = setTimeout(() => {
      for (const running of this.#calls) running.child.kill('SIGKILL')
    }, ENDING_MS)
    for (const running of this.#calls) {
      if (![...this.#peers.values()].includes(running)) running.child.kill('SIGKILL')
    }
    await Promise.all([...this.#calls].map((running) => running.ended))
    clearTimeout(late)
    rmSync(this.folder, { recursive: true, force: true })
  }
}
