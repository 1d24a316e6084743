/**
 * The laboratory: hosts, their work, what goes wrong, and the end at which all must be well.
 *
 * Lives here: the order of a whole run, healing and how long it took, the live lines. Does not live
 * here: cables (network.ts), processes (host.ts), which faults there are (faults.ts), what the logs
 * must say (check.ts), the command (main.ts).
 *
 * Invariants: whatever happens, `close` ends every process and removes every namespace; what was
 * broken is mended before anybody is asked to rest; the schedule depends on the seed alone.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Random } from '../property/random.ts'
import {
  drawRound, drawShape, stormy, waysOf, wordsOf, type Fault, type FaultKind
} from './faults.ts'
import { Host } from './host.ts'
import { FAULTS_FILE, Log, now_ms } from './log.ts'
import { makeNetwork, type Counts, type Network, type NetworkKind, type Shape } from './network.ts'

export interface LabOptions {
  seed: number
  /** Of work under faults; building, meeting and resting come on top. */
  seconds: number
  /** On a busy machine it goes on until there were so many. */
  rounds_least?: number
  operations_least?: number
  hosts?: number
  network?: NetworkKind
  /** Lines for people. */
  say?: (line: string) => void
  /** The live line comes this often. */
  line_ms?: number
  signal?: AbortSignal
}

/** What was seen from outside; what the logs say is the checker's. */
export interface Outside {
  network: string
  seconds: number
  operations: number
  faults: Partial<Record<FaultKind, number>>
  rounds: number
  /** Rounds at whose end nobody was out of sight. */
  quiet_rounds: number
  /** Of the others, seconds from the end of the round's faults until everyone saw everyone. */
  healed_s: number[]
  met_s: number
  rested_s: number
  drained: number
  counts: Counts | undefined
  /** Sentences of what already went wrong. */
  failures: string[]
}

const HOSTS = 5
/** Hosts that are given tickets with an address that works; the others have multicast alone. */
const HOSTS_WITH_ADDRESS = 3
const MEET_MS = 60_000
const HEAL_MS = 90_000
const REST_MS = 45_000
const DRAIN_MS = 60_000
const CALM_MAX_MS = 2_000
const LINE_MS = 5_000
const LOOK_MS = 50
/** A healing that takes longer is told. */
const SLOW_S = 4
/** Faults of a run shorter than this are shortened, so that it has several rounds. */
const UNHURRIED_S = 180
const HURRY_MIN = 0.5

export class Lab {
  readonly folder = mkdtempSync(join(tmpdir(), 'circuit-lab-'))
  readonly outside: Outside = {
    network: '', seconds: 0, operations: 0, faults: {}, rounds: 0, quiet_rounds: 0, healed_s: [],
    met_s: 0, rested_s: 0, drained: 0, counts: undefined, failures: []
  }
  readonly #options: LabOptions
  readonly #random: Random
  readonly #log = new Log(join(this.folder, FAULTS_FILE))
  readonly #hosts: Host[] = []
  readonly #shapes: Shape[] = []
  /** Faults that go on, with the ways that each cuts. */
  readonly #going: Map<Fault, string[]> = new Map()
  #network: Network | undefined
  #round = 0
  #began = 0
  #ended_at_line: number[] = []
  #line_at = 0

  constructor(options: LabOptions) {
    this.#options = options
    this.#random = new Random(options.seed)
  }

  /**
   * Builds, works, breaks, mends, rests, drains and leaves.
   *
   * @throws NoNetwork when this machine does not permit namespaces; the signal's reason.
   */
  async run(): Promise<Outside> {
    const {
      seed, seconds, hosts = HOSTS, network, rounds_least = 1, operations_least = 0
    } = this.#options
    this.#network = await makeNetwork(hosts, this.folder, seed, network)
    this.outside.network = this.#network.about
    this.#say(this.#network.about)
    this.#makeHosts()
    await this.#meet()
    const ticker = setInterval(() => this.#sayHow(), this.#options.line_ms ?? LINE_MS)
    try {
      this.#began = performance.now()
      for (const host of this.#hosts) host.order('work')
      while (performance.now() - this.#began < seconds * 1000 ||
        this.#round < rounds_least || this.#operations() < operations_least) {
        await this.#playRound(seconds)
      }
      this.outside.seconds = Math.round((performance.now() - this.#began) / 1000)
    } finally {
      clearInterval(ticker)
    }
    await this.#end()
    return this.outside
  }

  /** Ends and removes everything; the logs stay when `keep`. */
  async close(keep: boolean): Promise<void> {
    await Promise.all(this.#hosts.map((host) => host.kill()))
    await this.#network?.close()
    this.#log.close()
    if (!keep) rmSync(this.folder, { recursive: true, force: true })
  }

  #say(line: string): void { this.#options.say?.(line) }

  #makeHosts(): void {
    const { namespaces } = this.#network!
    const names = namespaces.map((_, nth) => `h${nth + 1}`)
    namespaces.forEach((namespace, nth) => {
      this.#hosts.push(new Host({
        name: names[nth]!, namespace, folder: this.folder, hosts: names,
        seed: this.#options.seed * 100 + nth
      }))
      this.#shapes.push(drawShape(this.#random))
      this.#network!.shape(nth, this.#shapes[nth]!)
    })
  }

  /**
   * The first host founds the circuit and makes tickets. It does so in a run that is over when the
   * last of the hosts use theirs: those tickets lead nowhere, and multicast has to find the others.
   */
  async #meet(): Promise<void> {
    const [founder, ...others] = this.#hosts
    await founder!.start()
    const stale = await this.#tickets(founder!, others.length - HOSTS_WITH_ADDRESS + 1)
    await founder!.leave()
    rmSync(join(founder!.state, 'port'), { force: true })
    await founder!.start()
    const fresh = await this.#tickets(founder!, HOSTS_WITH_ADDRESS - 1)
    others.forEach((host, nth) => {
      host.tickets = [fresh[nth] ?? stale[nth - fresh.length]!]
    })
    const began = performance.now()
    await Promise.all(others.map((host) => host.start()))
    if (!await this.#seen(MEET_MS)) throw new Error(`they did not meet: ${this.#sights()}`)
    this.outside.met_s = tenths(performance.now() - began)
    const alone = this.#hosts.slice(HOSTS_WITH_ADDRESS).map(({ name }) => name).join(' and ')
    this.#say(`All ${this.#hosts.length} met after ${this.outside.met_s} s` +
      `${alone === '' ? '' : `; ${alone} had no address, only multicast`}.`)
  }

  async #tickets(host: Host, count: number): Promise<string[]> {
    host.order(`invite ${count}`)
    return (await host.until(({ tickets }) => tickets !== undefined, MEET_MS, 'invite')).tickets!
  }

  /** Faults, their end, healing, and a while without any. */
  async #playRound(seconds: number): Promise<void> {
    this.#round++
    const hurry = Math.min(1, Math.max(HURRY_MIN, seconds / UNHURRIED_S))
    const faults = drawRound(this.#random, this.#hosts.length, this.#network!, hurry)
    await Promise.all(faults.map((fault) => this.#play(fault)))
    await this.#replaceCrashed()
    const began = performance.now()
    this.outside.rounds++
    if (await this.#seen(0)) this.outside.quiet_rounds++
    else if (await this.#seen(HEAL_MS)) {
      const seconds = tenths(performance.now() - began)
      this.outside.healed_s.push(seconds)
      if (seconds > SLOW_S) {
        const what = faults.map(wordsOf).join(', ')
        this.#say(`Round ${this.#round} (${what}) healed in ${seconds} s.`)
      }
    } else {
      this.#fail(`${HEAL_MS / 1000} s after round ${this.#round} ` +
        `(${faults.map(wordsOf).join(', ')}) not everyone saw everyone: ${this.#sights()}`)
    }
    const changed = this.#random.below(this.#hosts.length)
    this.#shapes[changed] = drawShape(this.#random)
    this.#network!.shape(changed, this.#shapes[changed])
    await this.#wait(this.#random.between(300, CALM_MAX_MS))
  }

  /** A process that ended unasked is a failure; another takes its place, for what else is found. */
  async #replaceCrashed(): Promise<void> {
    for (const host of this.#hosts) {
      for (const crash of host.crashes.splice(0)) this.#fail(crash)
      if (host.up) continue
      await host.start()
      host.order('work')
    }
  }

  async #play(fault: Fault): Promise<void> {
    await this.#wait(fault.begins_ms)
    this.outside.faults[fault.kind] = (this.outside.faults[fault.kind] ?? 0) + 1
    this.#going.set(fault, waysOf(fault, this.#hosts.length))
    const hosts = fault.hosts.map((nth) => this.#hosts[nth]!)
    const runs = hosts.map(({ run }) => run)
    const from = now_ms()
    try {
      await this.#begin(fault, hosts)
      await this.#wait(fault.lasts_ms)
    } finally {
      hosts.forEach(({ name }, nth) => {
        if (fault.kind === 'kill') return // written before it was done
        this.#log.write({ what: fault.kind, host: name, run: runs[nth]!, from, to: now_ms() })
      })
    }
    this.#going.delete(fault)
    await this.#mend(fault, hosts)
  }

  async #begin(fault: Fault, hosts: Host[]): Promise<void> {
    switch (fault.kind) {
      case 'freeze': return hosts.forEach((host) => host.freeze())
      case 'kill':
        for (const { name, run } of hosts) {
          this.#log.write({ what: 'kill', host: name, run, from: now_ms(), to: now_ms() })
        }
        await Promise.all(hosts.map((host) => host.kill()))
        return
      case 'leave':
        for (const host of hosts) {
          if (!await host.leave()) this.#fail(`${host.name} could not leave in good order`)
        }
        return
      case 'reset': return fault.hosts.forEach((host) => { this.#network!.reset(host) })
      case 'storm': return fault.hosts.forEach((host) => {
        this.#network!.shape(host, stormy(this.#shapes[host]!))
      })
      default: this.#cut()
    }
  }

  async #mend(fault: Fault, hosts: Host[]): Promise<void> {
    switch (fault.kind) {
      case 'freeze': return hosts.forEach((host) => host.thaw())
      case 'kill': case 'leave':
        await Promise.all(hosts.map((host) => host.start()))
        return hosts.forEach((host) => host.order('work'))
      case 'reset': return
      case 'storm': return fault.hosts.forEach((host) => {
        this.#network!.shape(host, this.#shapes[host]!)
      })
      default: this.#cut()
    }
  }

  #cut(): void {
    this.#network!.cut(new Set([...this.#going.values()].flat()))
  }

  /** Everyone rests, what is left is counted, everyone leaves. */
  async #end(): Promise<void> {
    const began = performance.now()
    this.#say('The faults are over; everyone comes to rest.')
    if (!await this.#seen(HEAL_MS)) this.#fail(`at the end: ${this.#sights()}`)
    for (const host of this.#hosts) host.order('rest')
    await this.#all((host) => host.until(({ rests }) => rests === true, REST_MS, 'come to rest'))
    this.outside.rested_s = tenths(performance.now() - began)
    for (const host of this.#hosts) host.order('drain')
    await this.#all(async (host) => {
      const { drained = 0 } = await host.until((told) => told.drained !== undefined, DRAIN_MS,
        'count what was left')
      this.outside.drained += drained
    })
    this.outside.operations = this.#operations()
    this.outside.counts = await this.#network!.counts()
    await this.#all(async (host) => {
      if (!await host.leave()) this.#fail(`${host.name} could not leave at the end`)
    })
    for (const host of this.#hosts) for (const crash of host.crashes) this.#fail(crash)
  }

  /** Does it for each host; who fails is told and does not stop the others. */
  async #all(what: (host: Host) => Promise<unknown>): Promise<void> {
    await Promise.all(this.#hosts.map(async (host) => {
      try {
        await what(host)
      } catch (error) {
        this.#fail((error as Error).message)
      }
    }))
  }

  #fail(sentence: string): void {
    this.outside.failures.push(sentence)
    this.#say(`FAILED: ${sentence}`)
  }

  /** True as soon as every host that is up sees exactly all of them. */
  async #seen(ms: number): Promise<boolean> {
    const end = performance.now() + ms
    for (;;) {
      const all = this.#hosts.map(({ name, run }) => `${name}.${run}`).sort().join()
      if (this.#hosts.every(({ told, up }) => up && told.sees?.join() === all)) return true
      if (performance.now() > end) return false
      if (this.#hosts.some(({ up }) => !up)) return false
      await this.#wait(LOOK_MS)
    }
  }

  #operations(): number { return this.#hosts.reduce((sum, { ended }) => sum + ended, 0) }

  #sights(): string {
    return this.#hosts.map(({ name, run, up, told }) =>
      `${name}.${run} ${up ? `sees ${told.sees?.join(' ') ?? 'nobody'}` : 'is down'}`).join('; ')
  }

  #sayHow(): void {
    const now = performance.now()
    const seconds = Math.max(0.001, (now - Math.max(this.#line_at, this.#began)) / 1000)
    const rates = this.#hosts.map(({ ended, name, up, frozen }, nth) => {
      const rate = Math.round((ended - (this.#ended_at_line[nth] ?? 0)) / seconds)
      return `${name} ${up ? frozen ? 'frozen' : rate : 'down'}`
    })
    this.#ended_at_line = this.#hosts.map(({ ended }) => ended)
    this.#line_at = now
    const sees = this.#hosts.map(({ told, up, frozen }) =>
      up && !frozen ? told.sees?.length ?? 0 : '-')
    const faults = [...this.#going.keys()].map(wordsOf).join(', ') || 'all well'
    const at = clock((now - this.#began) / 1000)
    const ended = this.#operations()
    this.#say(`${at}  round ${this.#round}: ${faults}\n` +
      `       operations/s ${rates.join('  ')}   in sight ${sees.join(' ')}   ${ended} in all`)
  }

  async #wait(ms: number): Promise<void> {
    const { signal } = this.#options
    signal?.throwIfAborted()
    await new Promise<void>((resolve) => {
      const over = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', over)
        resolve()
      }
      const timer = setTimeout(over, ms)
      signal?.addEventListener('abort', over)
    })
    signal?.throwIfAborted()
  }
}

function tenths(ms: number): number { return Math.round(ms / 100) / 10 }

function clock(seconds: number): string {
  const whole = Math.floor(seconds)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`.padStart(5)
}
