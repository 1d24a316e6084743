/**
 * Several cores and the plain model side by side: what they do together must be what one peer
 * would do.
 *
 * Lives here: operations at any core on channels of any other, carried through to the end, and the
 * comparison with the model (test/model). Does not live here: what is allowed (test/model), stories
 * (peers.ts), crossings of frames, which the model does not know (sessions.ts, crossings.ts).
 *
 * Invariant: after each input everything that was written is carried, and then what has ended at
 * all cores is what the model allows.
 */
import { Channel, Model } from '../model/model.ts'
import type { Case, Event } from '../model/model.ts'
import { Mismatch } from '../model/pair.ts'
import type { PairCase, PairOptions } from '../model/pair.ts'
import type { Case as HostCase, Outcome } from '../core/host.ts'
import type { Actor, Stage } from './stage.ts'

/** Operations of different cores get numbers of their own in the model. */
const CORE_STEP = 2 ** 32

interface Shared { owner: Actor, refs: Map<Actor, number>, channel: Channel }

export class Far {
  readonly stage: Stage
  readonly model: Model
  readonly channels: Shared[] = []
  private observed: Event[] = []
  private next_text = 1

  constructor(stage: Stage) {
    this.stage = stage
    this.model = new Model((allowed) => this.judge(allowed))
  }

  /** A channel at one core; the others open it by its path. */
  make(owner: Actor, path: string, capacity: number): void {
    const refs = new Map([[owner, owner.host.channel(capacity, path)]])
    for (const actor of this.stage.actors) {
      if (actor === owner) continue
      const op = actor.host.open(`/${owner.name}/${path}`)
      this.stage.settle()
      refs.set(actor, actor.host.outcome(op).value)
    }
    this.channels.push({ owner, refs, channel: new Channel(capacity) })
  }

  ref(actor: Actor, nth: number): number { return this.channels[nth]!.refs.get(actor)! }

  send(actor: Actor, nth: number, options: PairOptions = {}): number {
    const text = this.text()
    return this.both(actor, () => actor.host.send(this.ref(actor, nth), text, options), (id) => {
      this.model.begin(id, [this.case_of({ kind: 'send', channel: nth }, text)],
        this.options(options, false))
    })
  }

  receive(actor: Actor, nth: number, options: PairOptions = {}): number {
    return this.both(actor, () => actor.host.receive(this.ref(actor, nth), options), (id) => {
      this.model.begin(id, [this.case_of({ kind: 'receive', channel: nth }, '')],
        this.options(options, false))
    })
  }

  select(actor: Actor, cases: PairCase[], options: PairOptions = {}): number {
    const texts = cases.map(() => this.text())
    const given = cases.map(({ kind, channel, ms }, nth): HostCase => {
      if (kind === 'after') return { after: ms! }
      const ref = this.ref(actor, channel!)
      return kind === 'send' ? { send: ref, text: texts[nth]! } : { receive: ref }
    })
    return this.both(actor, () => actor.host.select(given, options), (id) => {
      this.model.begin(id, cases.map((one, nth) => this.case_of(one, texts[nth]!)),
        this.options(options, true))
    })
  }

  withdraw(actor: Actor, op: number): void {
    this.both(actor, () => { actor.host.withdraw(op); return op }, (id) => this.model.withdraw(id))
  }

  take(actor: Actor, op: number): void {
    this.both(actor, () => { actor.host.take(op); return op }, (id) => this.model.take(id))
  }

  close(actor: Actor, nth: number): void {
    this.both(actor, () => actor.host.close(this.ref(actor, nth)), (id) =>
      this.ended(id, this.model.close(this.channels[nth]!.channel)))
  }

  scrub(actor: Actor, nth: number): void {
    this.both(actor, () => actor.host.scrub(this.ref(actor, nth)), (id) =>
      this.ended(id, this.model.scrub(this.channels[nth]!.channel)))
  }

  /** Lets time pass at all cores and in the model; probes are carried. */
  advance(ms: number): void {
    this.forget()
    this.stage.wait(ms)
    this.compare(() => this.model.advance(this.model.now_ms + ms))
  }

  /** Operations of a core that have not ended. */
  live(actor: Actor): number[] { return [...actor.host.running.keys()] }

  private case_of({ kind, channel, ms }: PairCase, text: string): Case {
    if (kind === 'after') return { kind, at_ms: this.model.now_ms + ms! }
    return { kind, channel: this.channels[channel!]!.channel, text }
  }

  private options({ timeout, ...rest }: PairOptions, select: boolean): object {
    return { ...rest, select,
      ...(timeout === undefined ? {} : { until_ms: this.model.now_ms + timeout }) }
  }

  private text(): string { return `m${this.next_text++}` }

  private id(actor: Actor, op: number): number {
    return this.stage.actors.indexOf(actor) * CORE_STEP + op
  }

  private ended(operation: number, status: string): void {
    this.model.events.push({ operation, kind: 'ended', status, which: 0, text: undefined })
  }

  private both(actor: Actor, core: () => number, model: (id: number) => void): number {
    this.forget()
    const op = core()
    this.stage.settle()
    this.compare(() => model(this.id(actor, op)))
    return op
  }

  private forget(): void {
    this.model.events = []
    for (const { host } of this.stage.actors) {
      host.outcomes.clear()
      host.offers.clear()
    }
  }

  private compare(model: () => void): void {
    this.observed = this.stage.actors.flatMap((actor) => this.events_of(actor))
    model()
    const [core, allowed] = [this.observed, this.model.events].map((events) =>
      events.map(line).sort().join('\n'))
    if (core !== allowed) throw new Mismatch(`the cores:\n${core}\nthe model:\n${allowed}`)
  }

  private events_of(actor: Actor): Event[] {
    const { host } = actor
    const shown = [...host.offers].map(([op, { which, text }]): Event =>
      ({ operation: this.id(actor, op), kind: 'offered', status: 'OK', which, text }))
    return [...shown, ...[...host.outcomes.values()].map((one) => this.event_of(actor, one))]
  }

  private event_of(actor: Actor, { op, status, which, text }: Outcome): Event {
    const plain = status === 'WITHDRAWN' || status === 'TIMED_OUT'
    return { operation: this.id(actor, op), kind: 'ended', status, which: plain ? 0 : which, text }
  }

  private judge(allowed: readonly (readonly Event[])[]): number {
    const seen = new Set(this.observed.map(line))
    const nth = allowed.findIndex((events) => events.every((event) => seen.has(line(event))))
    if (nth < 0) {
      const wanted = allowed.map((events) => events.map(line).join(' with ')).join('\n or ')
      throw new Mismatch(`allowed:\n${wanted}\nthe cores did:\n${[...seen].join('\n')}`)
    }
    return nth
  }
}

function line({ operation, kind, status, which, text }: Event): string {
  const name = `${Math.floor(operation / CORE_STEP)}:${operation % CORE_STEP}`
  return `${name} ${kind} ${status} case ${which >>> 0}${text === undefined ? '' : ` "${text}"`}`
}
