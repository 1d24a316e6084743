/**
 * The clients of one peer: random operations, each written down as it begins and ends.
 *
 * Lives here: what a client does next, and how what it saw becomes a result. Does not live here:
 * rounds and their channels (peer.ts), the log's form (history.ts).
 *
 * Invariants: a line is in the file before the call that it tells of, and before anything is
 * called that could depend on an end; so a killed process leaves what it knew. One seed, one
 * sequence of choices (what happens then, the network decides).
 */
import { writeSync } from 'node:fs'
import { after, select, type Case as SelectCase, type Cases } from '../../bindings/js/select.ts'
import type { Channel } from '../../bindings/js/channel.ts'
import { Loss, Refusal } from '../../bindings/js/errors.ts'
import { Random } from '../property/random.ts'
import { now_us, type Case, type Line, type Operation, type Result } from './history.ts'

/** The log of one peer. */
export class Log {
  readonly #file: number
  #last = 0

  /** `file`: a file descriptor that is open for appending. */
  constructor(file: number) {
    this.#file = file
  }

  write(line: Line): void {
    writeSync(this.#file, `${JSON.stringify(line)}\n`)
  }

  /** Writes one operation down, from before its call until it has ended. */
  async operation(
    asked: { client: number, round: number, verb: Operation['verb'], trying: boolean,
      cases: Case[] },
    call: () => Promise<Result>
  ): Promise<Result> {
    const id = ++this.#last
    this.write({ at: 'begin', id, ...asked, us: now_us() })
    const promise = call()
    this.write({ at: 'called', id, us: now_us() })
    const result = await promise.catch(resultOf)
    this.write({ at: 'end', id, us: now_us(), result })
    return result
  }
}

function resultOf(error: unknown): Result {
  if (error instanceof Loss) {
    return error.outcome === 'not done' ? { kind: 'lost' } : { kind: 'unknown' }
  }
  if (error instanceof Refusal) {
    if (error.code === 'CLOSED') return { kind: 'closed', which: Number(error.case ?? 0) }
    if (error.code === 'TIMED_OUT' || error.code === 'WITHDRAWN') return { kind: 'withdrawn' }
  }
  if (error === WITHDRAWN) return { kind: 'withdrawn' }
  throw error
}

/** The channels of a round as one peer has them; undefined while it has none. */
export type Handles = Map<string, Channel<number> | undefined>

const WITHDRAWN = new Error('withdrawn by its caller')
const CASES_MAX = 4
const TIMEOUT_MS_MAX = 25
const WITHDRAW_MS_MAX = 6
const CLOSE_ONCE_IN = 5_000
const IDLE_MS = 20
const TURN = 32

export interface ClientOptions {
  client: number
  round: number
  seed: number
  operations: number
  handles: Handles
  log: Log
  /** A number that nobody else has sent. */
  fresh(): number
  stopped(): boolean
  /** A loss was met on a channel. */
  lost(channel: string): void
}

/** One client: operations one after the other until it has done its number or is stopped. */
export async function runClient(options: ClientOptions): Promise<void> {
  const random = new Random(options.seed)
  for (let i = 0; i < options.operations && !options.stopped(); i++) {
    // What ends at once, as on a closed channel of this peer, would never let the network in.
    if (i % TURN === 0) await new Promise((resolve) => setImmediate(resolve))
    const open = [...options.handles].filter(([, channel]) => channel !== undefined)
    if (open.length === 0) {
      await new Promise((resolve) => setTimeout(resolve, IDLE_MS))
      continue
    }
    const names = open.map(([name]) => name)
    if (random.once_in(CLOSE_ONCE_IN)) await closeOne(options, random.pick(names))
    else await operateOne(options, random, names)
  }
}

/** Closes a channel, as an operation. */
export async function closeOne(
  { client, round, handles, log }: Pick<ClientOptions, 'client' | 'round' | 'handles' | 'log'>,
  name: string
): Promise<void> {
  const cases: Case[] = [{ kind: 'receive', channel: name }]
  await log.operation({ client, round, verb: 'close', trying: false, cases }, async () => {
    await handles.get(name)!.close()
    return { kind: 'done', which: 0 }
  })
}

/** Receives until a channel is closed and drained, as operations. */
export async function drainOne(
  { client, round, handles, log }: Pick<ClientOptions, 'client' | 'round' | 'handles' | 'log'>,
  name: string
): Promise<void> {
  const cases: Case[] = [{ kind: 'receive', channel: name }]
  for (;;) {
    const asked = { client, round, verb: 'receive' as const, trying: false, cases }
    const { kind } = await log.operation(asked, async () => {
      const { value, ok, again } = await handles.get(name)!.receive()
      return ok ? { kind: 'done', which: 0, value, ...again && { again } }
        : { kind: 'closed', which: 0 }
    })
    if (kind !== 'done') return
  }
}

async function operateOne(options: ClientOptions, random: Random, names: string[]): Promise<void> {
  const { client, round, log, handles, fresh, lost } = options
  const selecting = random.once_in(3)
  const trying = random.once_in(4)
  const cases: Case[] = Array.from(
    { length: selecting ? random.between(1, CASES_MAX) : 1 },
    () => random.once_in(2)
      ? { kind: 'send', channel: random.pick(names), value: fresh() }
      : { kind: 'receive', channel: random.pick(names) })
  const verb = selecting ? 'select' : cases[0]!.kind
  const waits = waitsOf(random, trying)
  const result = await log.operation({ client, round, verb, trying, cases }, () => selecting
    ? callSelect(handles, cases, trying, random, waits)
    : callPlain(handles, cases[0]!, trying, waits))
  if (result.kind === 'lost' || result.kind === 'unknown') {
    for (const { channel } of cases) lost(channel)
  }
}

interface Waits { timeout?: number, signal?: AbortSignal }

/** Most wait a while, some are withdrawn, few wait until the channel is closed. */
function waitsOf(random: Random, trying: boolean): Waits {
  if (trying) return {}
  const kind = random.below(16)
  if (kind < 10) return { timeout: random.between(1, TIMEOUT_MS_MAX) }
  if (kind === 15) return {}
  const abort = new AbortController()
  const withdraw = () => abort.abort(WITHDRAWN)
  const ms = random.below(WITHDRAW_MS_MAX)
  if (ms === 0) setImmediate(withdraw)
  else setTimeout(withdraw, ms)
  return { signal: abort.signal }
}

async function callPlain(
  handles: Handles, { kind, channel, value }: Case, trying: boolean, waits: Waits
): Promise<Result> {
  const at = handles.get(channel)!
  if (kind === 'send') {
    if (!trying) await at.send(value!, waits)
    else if (!await at.trySend(value!)) return { kind: 'blocked' }
    return { kind: 'done', which: 0 }
  }
  const received = trying ? await at.tryReceive() : await at.receive(waits)
  if (received === undefined) return { kind: 'blocked' }
  if (!received.ok) return { kind: 'closed', which: 0 }
  const { value: got, again } = received
  return { kind: 'done', which: 0, value: got, ...again && { again } }
}

async function callSelect(
  handles: Handles, cases: Case[], trying: boolean, random: Random, waits: Waits
): Promise<Result> {
  const asked: SelectCase[] = cases.map(({ kind, channel, value }) => kind === 'send'
    ? handles.get(channel)!.sending(value!) : handles.get(channel)!.receiving())
  if (!trying && random.once_in(3)) asked.push(after(random.below(TIMEOUT_MS_MAX)))
  const chosen: { case: number | 'default', value?: unknown, ok?: boolean, again?: boolean }
    = await select(asked as Cases & SelectCase[], { ...waits, default: trying })
  if (chosen.case === 'default') return { kind: 'blocked' }
  if (chosen.case === cases.length) return { kind: 'withdrawn' }
  const which = chosen.case
  if (cases[which]!.kind === 'send') return { kind: 'done', which }
  if (chosen.ok !== true) return { kind: 'closed', which }
  return { kind: 'done', which, value: chosen.value as number, ...chosen.again && { again: true } }
}
