/**
 * Several peers of one circuit, each a process of its own, on this machine.
 *
 * Lives here: starting, killing, stopping, continuing them; what each has said of the others. Does
 * not live here: what is measured (rounds.ts), what a peer says (peer.ts).
 *
 * Invariants: folders, run directory and circuit are the fleet's own; everything that was started
 * ends with the fleet, also what was stopped.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('peer.ts', import.meta.url))
const ERRORS_SHOWN = 2_000

interface Line { event: string, id: string, incarnation: number, at_ms: number }

/** The machine's monotonic clock, the same in all its processes. */
export function now_ms(): number { return Number(process.hrtime.bigint() / 1000n) / 1000 }

export class Peer {
  readonly name: string
  readonly child: ChildProcess
  id = ''
  incarnation = 0
  /** Whom it lists: id and incarnation, and since when. */
  readonly listed = new Map<string, { incarnation: number, at_ms: number }>()
  /** When it last heard that a peer had left. */
  readonly left = new Map<string, number>()
  errors = ''

  constructor(name: string, child: ChildProcess, changed: () => void) {
    this.name = name
    this.child = child
    child.stderr!.on('data', (bytes: Buffer) => {
      this.errors = (this.errors + bytes.toString()).slice(-ERRORS_SHOWN)
    })
    createInterface({ input: child.stdout! }).on('line', (line) => {
      this.#hear(JSON.parse(line) as Line)
      changed()
    })
    child.once('exit', changed)
  }

  get running(): boolean { return this.child.exitCode === null && this.child.signalCode === null }

  #hear({ event, id, incarnation, at_ms }: Line): void {
    if (event === 'self') {
      this.id = id
      this.incarnation = incarnation
    } else if (event === 'joined') this.listed.set(id, { incarnation, at_ms })
    else if (event === 'left') {
      this.listed.delete(id)
      this.left.set(id, at_ms)
    }
  }
}

export class Fleet {
  readonly peers: Peer[] = []
  readonly #folder = mkdtempSync(join(tmpdir(), 'circuit-fleet-'))
  readonly #children = new Set<ChildProcess>()
  readonly #road: string
  #changed: () => void = () => {}
  readonly #at_exit = (): void => { for (const child of this.#children) child.kill('SIGKILL') }

  /** `unix`: they link over Unix sockets, and not over libp2p. */
  constructor(unix: boolean) {
    this.#road = unix ? 'unix' : 'libp2p'
    mkdirSync(join(this.#folder, 'run'), { mode: 0o700 })
    process.once('exit', this.#at_exit)
  }

  /** Starts a peer under a name; one that had it before must have ended, and keeps its id. */
  start(name: string): Peer {
    const { CIRCUIT_STATE: _, ...env } = process.env
    const child = spawn(process.execPath,
      [PROGRAM, name, 'reliability', join(this.#folder, name), this.#road], {
        env: { ...env, HOME: this.#folder, XDG_RUNTIME_DIR: join(this.#folder, 'run') },
        stdio: 'pipe'
      })
    child.stdin!.on('error', () => {})
    this.#children.add(child)
    child.once('exit', () => this.#children.delete(child))
    const peer = new Peer(name, child, () => this.#changed())
    const before = this.peers.findIndex((one) => one.name === name)
    if (before < 0) this.peers.push(peer)
    else this.peers[before] = peer
    return peer
  }

  others(peer: Peer): Peer[] { return this.peers.filter((one) => one !== peer) }

  /** Each peer lists all others as they are now. */
  full(): boolean {
    return this.peers.every((peer) => peer.id !== '' && peer.listed.size === this.peers.length - 1
      && this.others(peer).every(({ id }) => peer.listed.has(id)))
  }

  /** Waits until it holds; false when it does not within `ms`. A peer that ended throws. */
  async until(holds: () => boolean, ms: number): Promise<boolean> {
    const end_ms = now_ms() + ms
    while (!holds()) {
      const left_ms = end_ms - now_ms()
      if (left_ms <= 0) return false
      const dead = this.peers.find(({ running, child }) => !running && child.signalCode === null)
      if (dead !== undefined) throw new Error(`${dead.name} ended: ${dead.errors}`)
      await new Promise<void>((resolve) => {
        const late = setTimeout(resolve, left_ms)
        this.#changed = () => { clearTimeout(late); resolve() }
      })
    }
    return true
  }

  async kill(peer: Peer): Promise<void> {
    const ended = peer.running ? once(peer.child, 'exit') : undefined
    peer.child.kill('SIGKILL')
    await ended
  }

  async end(): Promise<void> {
    await Promise.all(this.peers.map((peer) => this.kill(peer)))
    process.off('exit', this.#at_exit)
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
