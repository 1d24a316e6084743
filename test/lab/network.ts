/**
 * Hosts that are network namespaces, and the network between them.
 *
 * Lives here: namespaces and cables made and removed, the tc and ip words for each wish, which kind
 * of network this kernel can make. Does not live here: the switch in user space (wire.c), who is
 * cut off when (faults.ts), what runs on the hosts (host.ts).
 *
 * Two kinds. `netem`: a veth pair for each host to a bridge, shaped by tc. `wire`: a tap for each
 * host to a switch in user space, for kernels without sch_netem. Bridge or switch stand in a
 * namespace of their own, so nothing of the machine's own network is touched.
 *
 * Invariants: what was made is removed by `close`, also when making it failed half-way; names have
 * the maker's process number, and what a killed maker left is removed by the next.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** What happens to frames that leave a host. */
export interface Shape {
  delay_ms: number
  jitter_ms: number
  loss_percent: number
  reorder_percent: number
  rate_mbit: number
}

/** What became of frames; undefined where nobody counts. */
export interface Counts {
  frames: number, bytes: number, lost: number, cut: number, full: number, overtook: number
}

export interface Network {
  /** One sentence on what it is and what it cannot do. */
  readonly about: string
  /** Namespaces by host, the first is host 0. */
  readonly namespaces: readonly string[]
  /** False: a host can be cut off whole and both ways, and nothing else. */
  readonly cuts_pairs: boolean
  shape(host: number, shape: Shape): void
  /** Says which ways are cut, `from>to` each; all others are open. */
  cut(ways: ReadonlySet<string>): void
  /** Ends every TCP connection of a host with a reset; false when this kernel cannot. */
  reset(host: number): boolean
  counts(): Promise<Counts | undefined>
  close(): Promise<void>
}

/** Why a laboratory cannot be made here. */
export class NoNetwork extends Error {}

export type NetworkKind = 'netem' | 'wire' | 'bridge'

const WIRE_SOURCE = fileURLToPath(new URL('./wire.c', import.meta.url))
const PREFIX = 'circuit-lab'
const DEVICE = 'eth0'
/** The switch's end is noticed at once; this is for one that hangs. */
const READY_MS = 60_000
const QUEUE_FRAMES = 1000
const MARK = () => Math.floor(Math.random() * 0x10000).toString(16).padStart(4, '0')

/** Runs a program of the system; gives its complaint, or undefined. */
function complaint(program: string, words: readonly string[]): string | undefined {
  const { status, stderr, error } = spawnSync(program, words, { encoding: 'utf8' })
  if (status === 0) return undefined
  return `${program} ${words.join(' ')}: ${error?.message ?? stderr.trim().split('\n')[0]}`
}

function must(program: string, ...words: string[]): void {
  const said = complaint(program, words)
  if (said !== undefined) throw new NoNetwork(said)
}

/** The address of a host. */
export function addressOf(host: number): string { return `10.214.0.${host + 1}` }

/** The Ethernet address of a host. */
export function hardwareOf(host: number): string {
  return `02:00:00:00:00:${(host + 1).toString(16).padStart(2, '0')}`
}

/** tc's words for what leaves a host by a device. */
export function netemWords(device: string, shape: Shape): string[] {
  const { delay_ms, jitter_ms, loss_percent, reorder_percent, rate_mbit } = shape
  return ['qdisc', 'replace', 'dev', device, 'root', 'netem', 'limit', `${QUEUE_FRAMES}`,
    'delay', `${delay_ms}ms`, `${jitter_ms}ms`, 'loss', 'random', `${loss_percent}%`,
    ...reorder_percent > 0 ? ['reorder', `${reorder_percent}%`] : [],
    'rate', `${rate_mbit}mbit`]
}

/** True when tc and the kernel can shape with netem; tried in a namespace that is ours. */
export function hasNetem(namespace: string): boolean {
  const lossy = netemWords('lo',
    { delay_ms: 1, jitter_ms: 1, loss_percent: 1, reorder_percent: 1, rate_mbit: 10 })
  return complaint('ip', ['netns', 'exec', namespace, 'tc', ...lossy]) === undefined
}

/**
 * Makes a network of `count` hosts. `folder` is for the built switch; `kind` when the caller wants
 * one kind and no other.
 *
 * @throws NoNetwork with the reason when this machine does not permit it.
 */
export async function makeNetwork(
  count: number, folder: string, seed: number, kind?: NetworkKind
): Promise<Network> {
  sweep()
  const mark = `${PREFIX}-${process.pid}-${MARK()}`
  const center = `${mark}-switch`
  const namespaces = Array.from({ length: count }, (_, nth) => `${mark}-h${nth + 1}`)
  const all = [center, ...namespaces]
  try {
    for (const name of all) must('ip', 'netns', 'add', name)
    for (const name of all) must('ip', '-n', name, 'link', 'set', 'lo', 'up')
    const netem = kind !== 'wire' && hasNetem(center)
    if (kind === 'netem' && !netem) throw new NoNetwork('this kernel has no sch_netem')
    if (netem || kind === 'bridge') return new BridgeNetwork(center, namespaces, netem)
    return await makeWire(center, namespaces, folder, seed, kind === 'wire')
  } catch (error) {
    remove(all)
    throw error
  }
}

/** The switch in user space; where it cannot be, a bridge, unless it was asked for by name. */
async function makeWire(
  center: string, namespaces: string[], folder: string, seed: number, asked: boolean
): Promise<Network> {
  const why = 'This kernel has no sch_netem'
  try {
    return await WireNetwork.make(center, namespaces, folder, seed, why)
  } catch (error) {
    if (asked || !(error instanceof NoNetwork)) throw error
    return new BridgeNetwork(center, namespaces, false, error.message)
  }
}

function remove(namespaces: readonly string[]): void {
  for (const name of namespaces) complaint('ip', ['netns', 'delete', name])
}

/** Removes what makers left that were killed. */
function sweep(): void {
  const { stdout } = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' })
  for (const line of (stdout ?? '').split('\n')) {
    const [name = ''] = line.split(' ')
    const maker = new RegExp(`^${PREFIX}-(\\d+)-`).exec(name)?.[1]
    if (maker !== undefined && !runs(Number(maker))) complaint('ip', ['netns', 'delete', name])
  }
}

function runs(process_id: number): boolean {
  try {
    return process.kill(process_id, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Gives a host its address on a device that is in its namespace. */
function settle(namespace: string, host: number): void {
  const device = ['-n', namespace, 'link', 'set', DEVICE]
  must('ip', ...device, 'address', hardwareOf(host))
  must('ip', '-n', namespace, 'addr', 'add', `${addressOf(host)}/24`, 'dev', DEVICE)
  must('ip', ...device, 'up')
}

/** Ends a namespace's connections to the other hosts, as a firewall that forgot them would. */
function resetAll(namespace: string): boolean {
  const words = ['netns', 'exec', namespace, 'ss', '-K', '-t', 'dst', '10.214.0.0/24']
  return complaint('ip', words) === undefined
}

/** Cables to a switch in user space. */
class WireNetwork implements Network {
  readonly about: string
  readonly namespaces: readonly string[]
  readonly cuts_pairs = true
  readonly #center: string
  readonly #wire: ChildProcess
  readonly #lines: AsyncIterator<string>
  #ways: ReadonlySet<string> = new Set()
  #complaints = ''

  private constructor(center: string, namespaces: string[], wire: ChildProcess, why: string) {
    this.about = `${why}: a switch in user space (taps) delays, drops and cuts instead.`
    this.#center = center
    this.namespaces = namespaces
    this.#wire = wire
    this.#lines = createInterface(wire.stdout!)[Symbol.asyncIterator]()
    wire.stderr!.on('data', (bytes: Buffer) => { this.#complaints += bytes.toString() })
    wire.stdin!.on('error', () => {})
  }

  static async make(
    center: string, namespaces: string[], folder: string, seed: number, why: string
  ): Promise<Network> {
    const program = join(folder, 'wire')
    const said = complaint('gcc', ['-O2', '-o', program, WIRE_SOURCE])
    if (said !== undefined) throw new NoNetwork(`${why}, and the switch cannot be built: ${said}`)
    const words = ['netns', 'exec', center, program, 'tap', `${namespaces.length}`, `${seed}`]
    const wire = spawn('ip', words, { stdio: 'pipe' })
    const network = new WireNetwork(center, namespaces, wire, why)
    try {
      if (await network.#line() !== 'ready') {
        throw new NoNetwork(`${why}, and there are no taps: ${network.#complaints.trim()}`)
      }
      namespaces.forEach((name, nth) => {
        const move = ['link', 'set', `tap${nth + 1}`, 'netns', name, 'name', DEVICE]
        must('ip', '-n', center, ...move)
        settle(name, nth)
      })
    } catch (error) {
      await network.#end()
      throw error
    }
    return network
  }

  shape(host: number, shape: Shape): void {
    const { delay_ms, jitter_ms, loss_percent, reorder_percent, rate_mbit } = shape
    const numbers = [host + 1, delay_ms * 1000, jitter_ms * 1000, loss_percent * 10_000,
      reorder_percent * 10_000, rate_mbit * 125_000]
    this.#order(`shape ${numbers.map(Math.round).join(' ')}`)
  }

  cut(ways: ReadonlySet<string>): void {
    const before = this.#ways
    this.#ways = new Set(ways)
    for (const way of new Set([...before, ...ways])) {
      if (before.has(way) === ways.has(way)) continue
      const [from = 0, to = 0] = way.split('>').map(Number)
      this.#order(`cut ${from + 1} ${to + 1} ${ways.has(way) ? 1 : 0}`)
    }
  }

  reset(host: number): boolean { return resetAll(this.namespaces[host]!) }

  async counts(): Promise<Counts | undefined> {
    this.#order('count')
    const line = await this.#line()
    return line === undefined ? undefined : JSON.parse(line) as Counts
  }

  async close(): Promise<void> {
    await this.#end()
    remove([this.#center, ...this.namespaces])
  }

  #order(line: string): void {
    if (this.#wire.exitCode !== null) throw new Error(`the wire ended: ${this.#complaints}`)
    this.#wire.stdin!.write(`${line}\n`)
  }

  async #line(): Promise<string | undefined> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), READY_MS)
    })
    const line = await Promise.race([this.#lines.next(), late])
    clearTimeout(timer)
    return line?.done === false ? line.value : undefined
  }

  async #end(): Promise<void> {
    const { exitCode, signalCode, pid } = this.#wire
    if (exitCode !== null || signalCode !== null || pid === undefined) return
    const ended = once(this.#wire, 'exit')
    this.#wire.stdin!.end()
    await ended
  }
}

/** Cables to a bridge of the kernel, shaped by tc where it can. */
class BridgeNetwork implements Network {
  readonly about: string
  readonly namespaces: readonly string[]
  readonly cuts_pairs: boolean
  readonly #center: string
  readonly #shapes: boolean
  #ways: ReadonlySet<string> = new Set()

  constructor(center: string, namespaces: string[], shapes: boolean, why = 'no sch_netem') {
    this.#center = center
    this.namespaces = namespaces
    this.#shapes = shapes
    this.#at('ip', 'link', 'add', 'bridge', 'type', 'bridge')
    this.#at('ip', 'link', 'set', 'bridge', 'up')
    namespaces.forEach((name, nth) => {
      this.#at('ip', 'link', 'add', portOf(nth), 'type', 'veth', 'peer', 'name', DEVICE,
        'netns', name)
      this.#at('ip', 'link', 'set', portOf(nth), 'master', 'bridge', 'up')
      settle(name, nth)
    })
    this.cuts_pairs = this.#canDrop()
    const lacks = [
      ...shapes ? [] : [`no delay and no loss (${why})`],
      ...this.cuts_pairs ? [] : ['hosts are cut off whole only (no act_gact)']
    ]
    this.about = `A bridge and veth pairs${shapes ? ' with netem' : ''}` +
      `${lacks.length > 0 ? `: ${lacks.join('; ')}` : ''}.`
  }

  shape(host: number, shape: Shape): void {
    if (!this.#shapes) return
    must('ip', 'netns', 'exec', this.namespaces[host]!, 'tc', ...netemWords(DEVICE, shape))
  }

  /** Drops at the port of the receiving host, by the sender's address. */
  cut(ways: ReadonlySet<string>): void {
    const before = this.#ways
    this.#ways = new Set(ways)
    for (let to = 0; to < this.namespaces.length; to++) {
      const senders = (of: ReadonlySet<string>) => this.namespaces.map((_, from) => from)
        .filter((from) => of.has(`${from}>${to}`))
      const [was, now] = [senders(before), senders(ways)]
      if (was.join() === now.join()) continue
      if (!this.cuts_pairs) {
        const alone = now.length === this.namespaces.length - 1
        this.#at('ip', 'link', 'set', portOf(to), alone ? 'down' : 'up')
        continue
      }
      this.#at('tc', 'filter', 'delete', 'dev', portOf(to), 'egress')
      for (const from of now) this.#drop(to, from)
    }
  }

  reset(host: number): boolean { return resetAll(this.namespaces[host]!) }

  async counts(): Promise<Counts | undefined> { return undefined }

  async close(): Promise<void> { remove([this.#center, ...this.namespaces]) }

  #canDrop(): boolean {
    for (let nth = 0; nth < this.namespaces.length; nth++) {
      this.#at('tc', 'qdisc', 'add', 'dev', portOf(nth), 'clsact')
    }
    try {
      this.#drop(0, 1)
      this.#at('tc', 'filter', 'delete', 'dev', portOf(0), 'egress')
      return true
    } catch {
      return false
    }
  }

  #drop(to: number, from: number): void {
    this.#at('tc', 'filter', 'add', 'dev', portOf(to), 'egress', 'protocol', 'ip', 'u32',
      'match', 'ip', 'src', `${addressOf(from)}/32`, 'action', 'drop')
  }

  #at(program: string, ...words: string[]): void {
    must('ip', 'netns', 'exec', this.#center, program, ...words)
  }
}

const portOf = (host: number): string => `port${host + 1}`
