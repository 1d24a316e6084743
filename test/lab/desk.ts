/**
 * One peer's desk: every operation that its workers do goes over it and into the log.
 *
 * Lives here: operations with their begin and end written down, the channels of other hosts by
 * name, this peer's own channels. Does not live here: which operation comes next (work.ts), the
 * log's lines (log.ts).
 *
 * Invariants: nothing is done that is not in the log first; a handle whose owner left is opened
 * anew; an operation's end is written before its worker goes on.
 */
import {
  after, Fault, Loss, Refusal, select, type Channel, type Circuit
} from '../../bindings/node/index.ts'
import { now_ms, type Case, type End, type Log, type Result } from './log.ts'

/** A channel as the log names it. */
export interface Held { id: string, channel: Channel<Message> }

/** What is sent: the message's name in the log, bytes to carry, and perhaps a channel. */
export interface Message { m: string, pad?: Uint8Array, gift?: Held }

/** A wish of a select. */
export type Wish = { kind: 'receive', on: Held } | { kind: 'send', on: Held, value: Message }

export interface Outcome extends Pick<End, 'result' | 'case' | 'message' | 'again' | 'code'> {
  value?: Message
}

export interface Patience { timeout?: number, signal?: AbortSignal }

const OPEN_MS = 3_000
const FIRST_RUN = '1'

export class Desk {
  readonly circuit: Circuit
  readonly host: string
  readonly run: number
  readonly log: Log
  /** Channels that live here, held until the end so that what is in them can be counted. */
  readonly own = new Map<string, Held>()
  /** Ended operations. */
  ended = 0
  /** Aborted when the laboratory wants rest. */
  readonly rest = new AbortController()
  readonly #opened = new Map<string, Held>()
  #ops = 0
  #messages = 0
  #names = 0

  constructor(circuit: Circuit, host: string, run: number, log: Log) {
    this.circuit = circuit
    this.host = host
    this.run = run
    this.log = log
  }

  get pending(): number { return this.#ops - this.ended }

  message(pad_bytes: number, gift?: Held): Message {
    const m = `${this.host}.${this.run}.${++this.#messages}`
    return {
      m, ...pad_bytes > 0 && { pad: new Uint8Array(pad_bytes) }, ...gift && { gift }
    }
  }

  async make(name: string, capacity: number): Promise<void> {
    const id = `${this.host}.${this.run}.${name}`
    const channel = await this.circuit.make<Message>(`r${this.run}-${name}`, { capacity })
    this.own.set(id, { id, channel })
  }

  /** A channel without a path, owned here. */
  nameless(capacity: number): Held {
    const id = `${this.host}.${this.run}.m${++this.#names}`
    const held = { id, channel: this.circuit.channel<Message>({ capacity }) }
    this.own.set(id, held)
    return held
  }

  /** Whom this peer sees, with the run that each says of itself. */
  seen(): Array<{ host: string, run: number, incarnation: number }> {
    return this.circuit.peers().map(({ name, labels, incarnation }) =>
      ({ host: name, run: Number(labels['run'] ?? FIRST_RUN), incarnation }))
  }

  /** The channel of a name at a host; undefined when that host is not seen or does not answer. */
  async channel(host: string, name: string): Promise<Held | undefined> {
    const peer = this.seen().find((one) => one.host === host)
    if (peer === undefined) return undefined
    const id = `${host}.${peer.run}.${name}`
    const held = this.own.get(id) ?? this.#opened.get(id)
    if (held !== undefined) return held
    try {
      const path = `/${host}/r${peer.run}-${name}`
      const channel = await this.circuit.open<Message>(path, { timeout: OPEN_MS })
      const opened = { id, channel }
      this.#opened.set(id, opened)
      return opened
    } catch (error) {
      failsOnlyBy(error)
      return undefined
    }
  }

  send(worker: string, on: Held, value: Message, patience: Patience = {}): Promise<Outcome> {
    const cases: Case[] = [{ kind: 'send', channel: on.id, message: value.m }]
    return this.#do(worker, 'send', cases, patience, [on], async () => {
      await on.channel.send(value, patience)
      return { result: 'done', case: 0 }
    })
  }

  trySend(worker: string, on: Held, value: Message): Promise<Outcome> {
    const cases: Case[] = [{ kind: 'send', channel: on.id, message: value.m }]
    return this.#do(worker, 'try', cases, {}, [on], async () =>
      await on.channel.trySend(value) ? { result: 'done', case: 0 } : { result: 'nothing' })
  }

  receive(worker: string, on: Held, patience: Patience = {}): Promise<Outcome> {
    const cases: Case[] = [{ kind: 'receive', channel: on.id }]
    return this.#do(worker, 'receive', cases, patience, [on], async () =>
      received(await on.channel.receive(patience), 0))
  }

  tryReceive(worker: string, on: Held, what = 'try'): Promise<Outcome> {
    const cases: Case[] = [{ kind: 'receive', channel: on.id }]
    return this.#do(worker, what, cases, {}, [on], async () => {
      const got = await on.channel.tryReceive()
      return got === undefined ? { result: 'nothing' } : received(got, 0)
    })
  }

  /** One of the wishes, a timer when `late_ms` is given, the default when `trying`. */
  select(
    worker: string, wishes: Wish[], more: Patience & { late_ms?: number, trying?: boolean } = {}
  ): Promise<Outcome> {
    const cases = wishes.map((wish): Case => wish.kind === 'receive'
      ? { kind: 'receive', channel: wish.on.id }
      : { kind: 'send', channel: wish.on.id, message: wish.value.m })
    const { late_ms, trying, ...patience } = more
    return this.#do(worker, 'select', cases, patience, wishes.map(({ on }) => on), async () => {
      const asked = wishes.map((wish) => wish.kind === 'receive'
        ? wish.on.channel.receiving() : wish.on.channel.sending(wish.value))
      const all = late_ms === undefined ? asked : [...asked, after(late_ms)]
      const chosen = await select(all, { ...patience, ...trying && { default: true } })
      const nth = chosen.case
      const wish = typeof nth === 'number' ? wishes[nth] : undefined
      if (wish === undefined) return { result: 'nothing' }
      if (wish.kind === 'send') return { result: 'done', case: nth as number }
      return received(chosen as Parameters<typeof received>[0], nth as number)
    })
  }

  /** Many sends under way at once; their outcome is known together. */
  async stream(worker: string, on: Held, values: Message[], window: number): Promise<void> {
    const ops: number[] = []
    const writer = ifHeld(() => on.channel.writer({ window }))
    if (writer === undefined) return
    const patience = { signal: this.rest.signal }
    let outcome: Outcome = { result: 'done', case: 0 }
    try {
      for (const value of values) {
        const cases: Case[] = [{ kind: 'send', channel: on.id, message: value.m }]
        ops.push(this.#begin(worker, 'window', cases, {}))
        await writer.send(value, patience)
      }
      await writer.flush(patience)
    } catch (error) {
      // One of them failed, or nobody waits any longer: each of them may have come to its place.
      outcome = { ...failed(error), result: 'unknown', case: 0 }
      this.#forget(error, [on])
    } finally {
      writer[Symbol.dispose]()
    }
    for (const op of ops) this.#end(op, outcome)
  }

  /** A reader with messages fetched ahead; each receive is an operation of its own. */
  async read(
    worker: string, on: Held, prefetch: number, count: number, timeout: number
  ): Promise<void> {
    const reader = ifHeld(() => on.channel.reader({ prefetch }))
    if (reader === undefined) return
    try {
      for (let nth = 0; nth < count && !this.rest.signal.aborted; nth++) {
        const cases: Case[] = [{ kind: 'receive', channel: on.id }]
        const { result } = await this.#do(worker, 'read', cases, { timeout }, [on], async () =>
          received(await reader.receive({ timeout }), 0))
        if (result !== 'done') return
      }
    } finally {
      reader[Symbol.dispose]()
    }
  }

  /** Ends a channel that lives here. */
  async finish(held: Held, how: 'closed' | 'scrubbed'): Promise<void> {
    try {
      // Noted before, so that nothing that vanishes by it is missed.
      if (how === 'scrubbed') this.log.write({ e: how, at: now_ms(), channel: held.id })
      await (how === 'closed' ? held.channel.close() : held.channel.scrub())
      if (how === 'closed') this.log.write({ e: how, at: now_ms(), channel: held.id })
    } catch (error) {
      failsOnlyBy(error)
    }
  }

  /** Lets go a channel that lives here; whoever still holds it may use it on. */
  release(held: Held): void {
    this.log.write({ e: 'released', at: now_ms(), channel: held.id })
    this.own.delete(held.id)
    held.channel[Symbol.dispose]()
  }

  /** Gives back a channel that came inside a message. */
  drop(gift: Held | undefined): void {
    if (gift !== undefined && !this.own.has(gift.id)) gift.channel[Symbol.dispose]()
  }

  async #do(
    worker: string, what: string, cases: Case[], patience: Patience, on: readonly Held[],
    body: () => Promise<Outcome>
  ): Promise<Outcome> {
    const op = this.#begin(worker, what, cases, patience)
    let outcome: Outcome
    try {
      outcome = await body()
    } catch (error) {
      outcome = failed(error)
      this.#forget(error, on)
    }
    this.#end(op, outcome)
    return outcome
  }

  #begin(worker: string, what: string, cases: Case[], { timeout }: Patience): number {
    const op = ++this.#ops
    this.log.write({
      e: 'begin', at: now_ms(), op, worker, what, cases, ...timeout && { timeout_ms: timeout }
    })
    return op
  }

  #end(op: number, { value: _, ...told }: Outcome): void {
    this.ended++
    this.log.write({ e: 'end', at: now_ms(), op, ...told })
  }

  /** A lost owner's channels are opened anew by whoever wants them next. */
  #forget(error: unknown, on: readonly Held[]): void {
    if (!(error instanceof Loss) && !(error instanceof Refusal && error.code === 'SCRUBBED')) return
    for (const { id, channel } of on) {
      if (!this.#opened.delete(id)) continue
      channel[Symbol.dispose]()
    }
  }
}

function received(
  got: { readonly value?: unknown, readonly ok?: boolean, readonly again?: boolean }, nth: number
): Outcome {
  if (got.ok !== true) return { result: 'closed', case: nth }
  const value = got.value as Message
  return {
    result: 'done', case: nth, message: value.m, ...got.again === true && { again: true }, value
  }
}

/** Undefined when another worker has let the channel go, because its owner left. */
function ifHeld<T>(make: () => T): T | undefined {
  try {
    return make()
  } catch (error) {
    failsOnlyBy(error)
    return undefined
  }
}

/** What an error says of the operation that it ended. */
function failed(error: unknown): Outcome {
  failsOnlyBy(error)
  if (error instanceof Loss) {
    const unknown = error.outcome === 'unknown' || error.code === 'UNREADABLE'
    const which: Result = unknown ? 'unknown' : 'nothing'
    return {
      result: which, code: error.code, ...typeof error.case === 'number' && { case: error.case }
    }
  }
  // What was under way when this peer left is told by nobody any more.
  if (error instanceof Refusal && error.code === 'LEAVING') {
    return { result: 'unknown', code: error.code }
  }
  if (error instanceof Refusal) return { result: 'nothing', code: error.code }
  return { result: 'nothing', code: 'withdrawn' }
}

/** Lets pass what the API promises to fail with; anything else ends the process, and is seen. */
function failsOnlyBy(error: unknown): void {
  if (error instanceof Refusal || error instanceof Loss) return
  if (!(error instanceof Fault) && (error as Error | undefined)?.name === 'AbortError') return
  throw error
}
