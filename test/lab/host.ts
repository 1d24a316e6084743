/**
 * The laboratory's hold on one host: its process in its namespace.
 *
 * Lives here: starting, killing, freezing and ordering the process, what it told last. Does not
 * live here: what the process does (peer.ts), when which of this happens (faults.ts, lab.ts).
 *
 * Invariants: a host has at most one process; each start is a new run with a log of its own and the
 * same state folder; a process that ends unasked is remembered with what it complained of.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { logFile } from './log.ts'
import type { Task, Told } from './peer.ts'

const PEER = fileURLToPath(new URL('./peer.ts', import.meta.url))
/** A machine that is busy with other things takes long to start a process. */
const READY_MS = 120_000
const LEAVE_MS = 30_000
const COMPLAINT_CHARACTERS_MAX = 4_000

export interface HostOptions {
  name: string, namespace: string, folder: string, seed: number, hosts: string[]
}

export class Host {
  readonly name: string
  /** Used by the next start. */
  tickets: string[] = []
  run = 0
  frozen = false
  told: Told = {}
  /** Operations that ended in earlier runs. */
  ended_before = 0
  /** Processes that ended unasked. */
  readonly crashes: string[] = []
  readonly #options: HostOptions
  #child: ChildProcess | undefined
  #expected = false
  #stderr = ''
  #changed: () => void = () => {}

  constructor(options: HostOptions) {
    this.name = options.name
    this.#options = options
  }

  get up(): boolean { return this.#child !== undefined }
  get state(): string { return join(this.#options.folder, `${this.name}.state`) }
  get ended(): number { return this.ended_before + (this.told.ended ?? 0) }

  /** Starts the next run; resolves when it has joined. */
  async start(): Promise<void> {
    const { namespace, folder, hosts, seed } = this.#options
    this.ended_before = this.ended
    this.run++
    this.told = {}
    this.#stderr = ''
    this.#expected = false
    const task: Task = {
      host: this.name, run: this.run, state: this.state, hosts, tickets: this.tickets,
      log: logFile(folder, this.name, this.run), seed: seed * 1000 + this.run
    }
    const words = ['netns', 'exec', namespace, process.execPath, PEER, JSON.stringify(task)]
    const child = this.#child = spawn('ip', words, { stdio: 'pipe' })
    child.stdin!.on('error', () => {})
    child.stderr!.on('data', (bytes: Buffer) => {
      this.#stderr = (this.#stderr + bytes.toString()).slice(-COMPLAINT_CHARACTERS_MAX)
    })
    createInterface(child.stdout!).on('line', (line) => this.#hear(child, line))
    child.once('exit', (code, signal) => this.#over(child, code, signal))
    await this.until((told) => told.ready !== undefined, READY_MS, 'join')
  }

  order(line: string): void { this.#child?.stdin!.write(`${line}\n`) }

  freeze(): void {
    this.frozen = true
    this.#child?.kill('SIGSTOP')
  }

  thaw(): void {
    this.frozen = false
    this.#child?.kill('SIGCONT')
  }

  /** Ends the process as a power cut would; resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    this.#expected = true
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
    this.frozen = false
  }

  /** Asks it to leave; kills it and gives false when it does not. */
  async leave(): Promise<boolean> {
    const child = this.#child
    if (child === undefined) return true
    this.#expected = true
    const gone = once(child, 'exit').then(() => true)
    this.order('leave')
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), LEAVE_MS)
    })
    const left = await Promise.race([gone, late])
    clearTimeout(timer)
    if (!left) await this.kill()
    return left
  }

  /** Waits until what it told fits; rejects when it ends or the time is over. */
  async until(fits: (told: Told) => boolean, ms: number, what: string): Promise<Told> {
    const end = performance.now() + ms
    for (;;) {
      if (fits(this.told)) return this.told
      if (!this.up) throw new Error(`${this.name} ended before it could ${what}: ${this.#stderr}`)
      const left = end - performance.now()
      if (left <= 0) throw new Error(`${this.name} did not ${what} within ${ms / 1000} s`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#changed = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  #hear(child: ChildProcess, line: string): void {
    if (child !== this.#child) return
    this.told = { ...this.told, ...JSON.parse(line) as Told }
    this.#changed()
  }

  #over(child: ChildProcess, code: number | null, signal: NodeJS.Signals | null): void {
    if (child !== this.#child) return
    this.#child = undefined
    if (!this.#expected) {
      const said = this.#stderr.trim() || 'it said nothing'
      this.crashes.push(`${this.name}.${this.run} ended with ${signal ?? code}: ${said}`)
    }
    this.#changed()
  }
}
