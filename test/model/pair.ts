/**
 * The core and the model side by side: each input goes to both, and what the core did must be what
 * the model allows.
 *
 * Lives here: one method for each input, the comparison of events, statuses and counts.
 * Does not live here: what is allowed (model.ts), which inputs to try (test/property, test/small).
 *
 * Invariant: after every input the events of the core and of the model are the same set.
 */
import { Channel, Model } from './model.ts'
import type { Case, Event } from './model.ts'
import { Host } from '../core/host.ts'
import type { Case as HostCase } from '../core/host.ts'

export interface PairCase { kind: 'send' | 'receive' | 'after', channel?: number, ms?: number }
export interface PairOptions { timeout?: number, try?: boolean, hold?: boolean }

export class Mismatch extends Error {}

export class Pair {
  readonly host: Host
  readonly model: Model
  readonly channels: { ref: number, channel: Channel }[] = []
  /** Operations that have not ended, oldest first. */
  live: number[] = []
  private observed: Event[] = []
  private next_text = 1

  constructor(seed: number) {
    this.host = new Host(seed)
    this.model = new Model((allowed) => this.judge(allowed))
  }

  make(capacity: number): void {
    this.channels.push({ ref: this.host.channel(capacity), channel: new Channel(capacity) })
  }

  send(nth: number, options: PairOptions = {}): number {
    const { ref, channel } = this.channels[nth]!
    const text = this.text()
    return this.both(() => this.host.send(ref, text, options), (op) => {
      this.model.begin(op, [{ kind: 'send', channel, text }], this.model_options(options, false))
    })
  }

  receive(nth: number, options: PairOptions = {}): number {
    const { ref, channel } = this.channels[nth]!
    return this.both(() => this.host.receive(ref, options), (op) => {
      this.model.begin(op, [{ kind: 'receive', channel }], this.model_options(options, false))
    })
  }

  select(cases: readonly PairCase[], options: PairOptions = {}): number {
    const texts = cases.map(() => this.text())
    const for_host = cases.map((one, nth): HostCase => {
      if (one.kind === 'after') return { after: one.ms! }
      const { ref } = this.channels[one.channel!]!
      return one.kind === 'send' ? { send: ref, text: texts[nth]! } : { receive: ref }
    })
    return this.both(() => this.host.select(for_host, options), (op) => {
      this.model.begin(op, cases.map((one, nth): Case => {
        if (one.kind === 'after') return { kind: 'after', at_ms: this.model.now_ms + one.ms! }
        return { kind: one.kind, channel: this.channels[one.channel!]!.channel, text: texts[nth]! }
      }), this.model_options(options, true))
    })
  }

  withdraw(op: number): void {
    this.both(() => { this.host.withdraw(op); return op }, () => this.model.withdraw(op))
  }

  take(op: number): void {
    this.both(() => { this.host.take(op); return op }, () => this.model.take(op))
  }

  close(nth: number): void {
    const { ref, channel } = this.channels[nth]!
    this.both(() => this.host.close(ref), (op) => this.status(op, this.model.close(channel)))
  }

  scrub(nth: number): void {
    const { ref, channel } = this.channels[nth]!
    this.both(() => this.host.scrub(ref), (op) => this.status(op, this.model.scrub(channel)))
  }

  /** Compares what stat says of a channel. */
  stat(nth: number): void {
    const { ref, channel } = this.channels[nth]!
    const op = this.host.stat(ref)
    const status = this.host.status(op)
    this.host.outcomes.delete(op)
    if (channel.state === 'scrubbed') return same(status, 'SCRUBBED', 'stat of a scrubbed channel')
    const { capacity, buffered, senders, receivers, closed, out } = this.host.stats.get(op)!
    this.host.stats.delete(op)
    same(JSON.stringify({ capacity, buffered, senders, receivers, closed, out }),
      JSON.stringify(this.model.stat(channel)), 'stat')
  }

  /** Lets both reach a time, one due moment after the other. */
  advance(ms: number): void {
    const end = this.model.now_ms + ms
    for (;;) {
      const next = Math.min(this.model.next_ms() ?? end, end)
      const step = next - this.model.now_ms
      this.both(() => { this.host.advance(step); return 0 }, () => this.model.advance(next))
      if (next === end) return
    }
  }

  /** Scrubs and releases all; then nothing may be left. */
  finish(): void {
    this.channels.forEach((_, nth) => this.scrub(nth))
    for (const op of this.live) this.withdraw(op)
    for (const { ref } of this.channels) this.host.release(ref)
    this.channels.length = 0
    this.host.run()
    this.host.check_settled()
    same(this.model.operations.size, 0, 'operations left in the model')
  }

  private model_options({ timeout, ...rest }: PairOptions, select: boolean): object {
    return { ...rest, select,
      ...(timeout === undefined ? {} : { until_ms: this.model.now_ms + timeout }) }
  }

  private text(): string { return `m${this.next_text++}` }

  private status(op: number, expected: string): void {
    this.model.events.push({ operation: op, kind: 'ended', status: expected, which: 0,
      text: undefined })
  }

  /** One input to the core, then to the model, then the comparison. */
  private both(core: () => number, model: (op: number) => void): number {
    const { host } = this
    host.outcomes.clear()
    host.offers.clear()
    const op = core()
    this.observed = [
      ...[...host.offers].map(([id, { which, text }]): Event =>
        ({ operation: id, kind: 'offered', status: 'OK', which, text })),
      ...[...host.outcomes.values()].map(({ op: id, status, which, text }): Event =>
        ({ operation: id, kind: 'ended', status, which: plain(status) ? 0 : which, text }))
    ]
    this.model.events = []
    model(op)
    const expected = this.model.events.map(line).sort().join('\n')
    same(this.observed.map(line).sort().join('\n'), expected, 'events')
    this.live = [...host.running.keys()]
    return op
  }

  private judge(allowed: readonly (readonly Event[])[]): number {
    const seen = new Set(this.observed.map(line))
    const nth = allowed.findIndex((events) => events.every((event) => seen.has(line(event))))
    if (nth < 0) {
      const wanted = allowed.map((events) => events.map(line).join(' with ')).join('\n  or ')
      throw new Mismatch(`allowed:\n  ${wanted}\nthe core did:\n  ${[...seen].join('\n  ')}`)
    }
    return nth
  }
}

/** Endings that no case of a select met. */
function plain(status: string): boolean { return status === 'WITHDRAWN' || status === 'TIMED_OUT' }

function line(event: Event): string {
  const { operation, kind, status, which, text } = event
  const name = `${operation & 0xfffff}.${operation >>> 20}`
  return `${name} ${kind} ${status} case ${which >>> 0}${text === undefined ? '' : ` "${text}"`}`
}

function same(core: string | number, model: string | number, what: string): void {
  if (core !== model) throw new Mismatch(`${what}\nthe core:\n${core}\nthe model:\n${model}`)
}
