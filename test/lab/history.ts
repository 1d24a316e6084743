/**
 * All logs together: operations, messages, what each sender was told, who received what.
 *
 * Lives here: the index over the logs, and the questions that several invariants ask. Does not live
 * here: the log's lines (log.ts), the invariants (check.ts).
 *
 * Invariants: an operation of a killed process has no end; a send case has exactly one fate.
 */
import type { Begin, End, Logs, Member, Run, Stalled } from './log.ts'

export interface Operation { run: Run, begin: Begin, end: End | undefined }

/** What a sender was told: a process that was killed was told nothing. */
export type Fate = 'done' | 'not done' | 'unknown'

export interface Sent { message: string, channel: string, operation: Operation, fate: Fate }

export interface Receipt {
  message: string, channel: string, operation: Operation, at: number, again: boolean
}

/** Between what a host is told of a member and its line in the log. */
const TELLING_MS = 2_000
/** Who is not heard is declared left within this time of the first message whose grant is lost. */
const LEFT_WITHIN_MS = 8_000

export class History {
  readonly logs: Logs
  readonly operations: Operation[] = []
  readonly sent = new Map<string, Sent>()
  /** Messages that two sends claim to have sent. */
  readonly sent_twice: string[] = []
  readonly receipts = new Map<string, Receipt[]>()
  /** Operations with a receive case, by channel. */
  readonly takers = new Map<string, Operation[]>()
  /** When a channel was closed; when it was scrubbed or let go. */
  readonly closed = new Map<string, number>()
  readonly vanishing = new Set<string>()
  readonly #runs = new Map<string, Run>()
  readonly #members = new Map<Run, Member[]>()
  readonly #stalls = new Map<Run, Stalled[]>()

  constructor(logs: Logs) {
    this.logs = logs
    for (const run of logs.runs) this.#readRun(run)
  }

  /** The run in which a channel lives or lived. */
  owner(channel: string): Run | undefined {
    return this.#runs.get(channel.split('.').slice(0, 2).join('.'))
  }

  /** True when a channel's owner lived to the end, so that all that was in it was counted. */
  counted(channel: string): boolean {
    const owner = this.owner(channel)
    return owner !== undefined && lived(owner) && !this.vanishing.has(channel)
  }

  /**
   * True when the owner of a channel ended its session with a receiver between two times, and that
   * receive was under way when the session went silent. What an owner declares while it says its
   * own goodbye reaches no log: then it may have been so.
   */
  leftHolding(channel: string, taker: Operation, from: number, to: number): boolean {
    const owner = this.owner(channel)
    const { run, begin, end } = taker
    if (owner === undefined || owner === run) return false
    const leaving = owner.lines.some((line) => line.e === 'finish' && !line.resting
      && line.at <= to)
    const lefts = this.#lefts(owner, run.host).map(({ at }) => at)
    return (leaving ? [...lefts, to] : lefts).some((at) => {
      const stalled = this.#stalled_ms(owner, at) + this.#stalled_ms(run, at)
      return at >= from && at < to + TELLING_MS && begin.at < at
        && (end?.at ?? Infinity) > at - LEFT_WITHIN_MS - TELLING_MS - stalled
    })
  }

  /** When `who` saw a host go, or found that it had been declared left itself. */
  #lefts(who: Run, host: string): Member[] {
    return (this.#members.get(who) ?? []).filter((one) => one.e === 'left'
      && (one.host === host || one.host === who.host))
  }

  /** How much of a span a process was frozen or starved. */
  stalled_within(run: Run, from: number, to: number): number {
    return (this.#stalls.get(run) ?? []).reduce((sum, { at, ms }) =>
      sum + Math.max(0, Math.min(to, at) - Math.max(from, at - ms)), 0)
  }

  /** How long a process stalled in stalls that touch the time around `at`. */
  #stalled_ms(run: Run, at: number): number {
    return (this.#stalls.get(run) ?? [])
      .filter((one) => one.at - one.ms < at + LEFT_WITHIN_MS && one.at > at - LEFT_WITHIN_MS)
      .reduce((sum, { ms }) => sum + ms, 0)
  }

  #readRun(run: Run): void {
    this.#runs.set(`${run.host}.${run.run}`, run)
    const members: Member[] = []
    this.#members.set(run, members)
    const stalls: Stalled[] = []
    this.#stalls.set(run, stalls)
    const open = new Map<number, Operation>()
    for (const line of run.lines) {
      switch (line.e) {
        case 'begin': this.#begin(run, line, open); break
        case 'end': this.#end(line, open); break
        case 'joined': case 'left': members.push(line); break
        case 'stalled': stalls.push(line); break
        case 'closed': this.closed.set(line.channel, line.at); break
        case 'scrubbed': case 'released': this.vanishing.add(line.channel); break
        default:
      }
    }
    for (const { operation } of this.sent.values()) {
      if (operation.run === run) this.#settle(operation)
    }
  }

  #begin(run: Run, begin: Begin, open: Map<number, Operation>): void {
    const operation: Operation = { run, begin, end: undefined }
    open.set(begin.op, operation)
    this.operations.push(operation)
    for (const { kind, channel, message } of begin.cases) {
      if (kind === 'receive') {
        listIn(this.takers, channel).push(operation)
      } else if (message !== undefined) {
        if (this.sent.has(message)) this.sent_twice.push(message)
        this.sent.set(message, { message, channel, operation, fate: 'unknown' })
      }
    }
  }

  #end(end: End, open: Map<number, Operation>): void {
    const operation = open.get(end.op)
    if (operation === undefined) throw new Error(`an end of operation ${end.op} without a begin`)
    operation.end = end
    open.delete(end.op)
    if (end.message === undefined) return
    const { channel } = operation.begin.cases[end.case ?? 0] ?? { channel: '' }
    const receipt = {
      message: end.message, channel, operation, at: end.at, again: end.again === true
    }
    listIn(this.receipts, end.message).push(receipt)
  }

  #settle(operation: Operation): void {
    operation.begin.cases.forEach((one, nth) => {
      const sent = one.message === undefined ? undefined : this.sent.get(one.message)
      if (sent !== undefined) sent.fate = fateOf(operation.end, nth)
    })
  }
}

function fateOf(end: End | undefined, nth: number): Fate {
  if (end === undefined) return 'unknown'
  if (end.result === 'done') return end.case === nth ? 'done' : 'not done'
  if (end.result !== 'unknown') return 'not done'
  return end.case === undefined || end.case === nth ? 'unknown' : 'not done'
}

function listIn<K, V>(map: Map<K, V[]>, key: K): V[] {
  let list = map.get(key)
  if (list === undefined) map.set(key, list = [])
  return list
}

/** True for a process that came to rest and left at the end. */
export function lived(run: Run): boolean {
  return run.lines.some((line) => line.e === 'finish' && line.resting)
}

/** How sentences name a run. */
export function nameOf({ host, run }: Run): string { return `${host}.${run}` }
