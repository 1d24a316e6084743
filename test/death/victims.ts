/**
 * Peers that die: processes with a peer each, and a peer of this process that watches.
 *
 * Lives here: starting them in a place of their own, killing, freezing, thawing, asking. Does not
 * live here: what they do (victim.ts), what must follow (the tests).
 */
import { fork, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as pathOf } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Circuit } from '../../bindings/js/circuit.ts'
import { join } from '../../bindings/node/join.ts'
import type { Begin, Told } from './victim.ts'

type Order = Begin extends infer B ? B extends Begin ? Omit<B, 'id'> : never : never

const PROGRAM = fileURLToPath(new URL('victim.ts', import.meta.url))
const LOOK_MS = 5

/** An operation of a victim: `begun` once the owner has it, `ended` with its result. */
export interface Doing { begun: Promise<void>, ended: Promise<unknown> }

export class Victim {
  readonly name: string
  readonly #child: ChildProcess
  readonly #exit: Promise<void>
  readonly #folder: string
  readonly #waiting = new Map<number, (told: Told) => void>()
  #last = 0

  constructor(name: string, folder: string) {
    this.name = name
    this.#folder = folder
    this.#child = fork(PROGRAM, [name, folder], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.#child.on('message', (told: Told) => this.#waiting.get(told.id)?.(told))
    this.#exit = new Promise((resolve) => this.#child.once('exit', () => resolve()))
  }

  /** Resolves when its peer runs. */
  async started(): Promise<void> {
    await new Promise<void>((resolve) => this.#waiting.set(0, () => resolve()))
  }

  begin(order: Order): Doing {
    const id = ++this.#last
    let began = () => {}
    const begun = new Promise<void>((resolve) => { began = resolve })
    const ended = new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(id, (told) => {
        began()
        if (told.begun === true) return
        if (told.error === undefined) resolve(told.result)
        else reject(new Error(told.error))
      })
    })
    ended.catch(() => {})
    this.#child.send({ ...order, id })
    return { begun, ended }
  }

  async ask(order: Order): Promise<unknown> {
    return this.begin(order).ended
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exit
  }

  freeze(): void { this.#child.kill('SIGSTOP') }
  thaw(): void { this.#child.kill('SIGCONT') }

  /** What it noted, a line each. */
  noted(what: 'seen' | 'sent'): string[] {
    const path = pathOf(this.#folder, `${this.name}.${what}`)
    if (!existsSync(path)) return []
    // Without the last: it is empty, or cut off by the kill.
    return readFileSync(path, 'utf8').split('\n').slice(0, -1)
  }
}

/** A peer here that owns what is looked at, and room for victims. */
export class Scene {
  readonly folder = mkdtempSync(pathOf(tmpdir(), 'circuit-death-'))
  readonly #victims: Victim[] = []
  readonly #before: Record<string, string | undefined> = {}
  circuit!: Circuit

  /** Joins as `owner`. */
  async begin(): Promise<void> {
    mkdirSync(pathOf(this.folder, 'run'), { mode: 0o700 })
    const place = {
      HOME: this.folder, XDG_RUNTIME_DIR: pathOf(this.folder, 'run'), XDG_STATE_HOME: this.folder
    }
    for (const [name, value] of Object.entries(place)) {
      this.#before[name] = process.env[name]
      process.env[name] = value
    }
    this.circuit = await join({
      name: 'owner', state: pathOf(this.folder, 'owner'), listen: ['/ip4/127.0.0.1/tcp/0'],
      discovery: ['local'], processes: false
    })
  }

  /** Starts victims; resolves when they and the owner have met. */
  async start<const N extends readonly string[]>(
    ...names: N
  ): Promise<{ [I in keyof N]: Victim }> {
    const made = names.map((name) => new Victim(name, this.folder))
    this.#victims.push(...made)
    await Promise.all(made.map((victim) => victim.started()))
    const all = [...names, 'owner']
    const met = (here: string[]) => all.every((name) => here.includes(name))
    await until(() => met(this.circuit.peers().map(({ name }) => name)))
    for (const victim of made) {
      await until(async () => met(await victim.ask({ do: 'peers' }) as string[]))
    }
    return made as unknown as { [I in keyof N]: Victim }
  }

  /** Waits until the owner has declared a peer left. */
  async left(name: string): Promise<void> {
    await until(() => !this.circuit.peers().some((peer) => peer.name === name))
  }

  async end(): Promise<void> {
    await Promise.all(this.#victims.map((victim) => victim.kill()))
    await this.circuit.leave()
    for (const [name, value] of Object.entries(this.#before)) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Waits for a condition. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!await condition()) await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
}
