/**
 * Select: exactly one of several cases happens, the others leave no trace.
 *
 * Lives here: cases as arguments, their types, the record. Does not live here: choosing (core),
 * what the chosen case gives, selects without a record (choice), two-step receiving (offered).
 *
 * Invariants: all cases belong to one circuit; the values of send cases are copied before the call
 * returns; an error that one case met names it.
 */
import { Channel } from './channel.ts'
import type { Receiving, Sending } from './channel.ts'
import { checkDelay, checkOptions, checkWait, refuse } from './check.ts'
import type { WaitOptions } from './check.ts'
import { NO_PARCEL, ReadCase, SelectOperation, selectNow } from './choice.ts'
import type { Drive, Listener } from './drive.ts'
import { Refusal } from './errors.ts'
import type { CaseName } from './errors.ts'
import { parcelOf } from './message.ts'
import type { Received } from './message.ts'
import { HoldOperation } from './offered.ts'
import type { Offered } from './offered.ts'
import {
  CASE_AFTER, CASE_RECEIVE, CASE_SEND, CASES_MAX, IN_SELECT, IN_SELECT_CASES_COUNT,
  IN_SELECT_FLAGS, IN_SELECT_TIMEOUT_MS, IN_SELECT_WORDS, OP_FLAG_HOLD, OP_FLAG_TRY
} from './tables.ts'

/** A case of a select that is ready after a time. */
export interface After { readonly kind: 'after', readonly ms: number }

/** One case: `channel.receiving()`, `channel.sending(value)` or `after(ms)`. */
export type Case = Receiving<any> | Sending<any> | After

/** The cases of a select: a list, or a record whose keys name them. */
export type Cases = readonly Case[] | { readonly [name: string]: Case }

/** What every select takes; with `default: true` it never waits for a partner. */
export interface SelectOptions<D extends boolean = boolean> extends WaitOptions {
  readonly default?: D
}

type ChosenCase<N, C> = C extends Receiving<infer T> ? { readonly case: N } & Received<T>
  : C extends Case ? { readonly case: N } : never

/** The number that the key of a list's member is. */
type IndexOf<I> = I extends `${infer N extends number}` ? N : never

type ChosenOf<C extends Cases> = C extends readonly Case[]
  ? number extends C['length'] ? ChosenCase<number, C[number]>
    : { [I in keyof C]: ChosenCase<IndexOf<I>, C[I]> }[number]
  : { [N in keyof C]: ChosenCase<N, C[N]> }[keyof C]

/** What a select gives: told apart by `case`, the key or the index of the case that happened. */
export type Chosen<C extends Cases, D extends boolean = false> =
  ChosenOf<C> | (D extends true ? { readonly case: 'default' } : never)

/**
 * A case that is ready after `ms` milliseconds, 0 … 2^31 - 1.
 *
 * @example
 * const chosen = await select({ job: jobs.receiving(), late: after(50) })
 * if (chosen.case === 'late') console.log('nothing for 50 ms')
 */
export function after(ms: number): After {
  return { kind: 'after', ms: checkDelay(ms) }
}

/**
 * Waits until one of the cases can happen, and does exactly that one. Among cases that are ready at
 * once the choice is uniform.
 *
 * A receive case on a closed, drained channel is ready with `ok: false`. Refusals, nothing changed:
 * CLOSED, SCRUBBED (they name the case), TIMED_OUT, NOT_ENCODABLE, TOO_LARGE, TOO_MANY,
 * BAD_ARGUMENT. A Loss names the case: LEFT when its owner is lost, RECEIVER_LEFT when a receiver
 * that was lost may have taken its message. spec: PROTOCOL 6, 22.
 *
 * @example
 * const chosen = await select({ job: jobs.receiving(), out: results.sending(1), late: after(50) })
 * if (chosen.case === 'job' && chosen.ok) console.log(chosen.value)
 */
export function select<const C extends Cases, const D extends boolean = false>(
  cases: C, options?: SelectOptions<D>
): Promise<Chosen<C, D>> {
  const now = selectNow(cases, options)
  if (now !== undefined) return now as Promise<unknown> as Promise<Chosen<C, D>>
  try {
    const asked = readCases(cases, options)
    const { drive, signal } = asked
    const operation = new SelectOperation(asked.cases)
    writeSelect(drive, asked, 0, operation)
    if (signal !== undefined) operation.watch(drive, signal)
    return operation.promise() as Promise<unknown> as Promise<Chosen<C, D>>
  } catch (error) {
    return Promise.reject(error)
  }
}

/**
 * A select whose receive cases are taken in two steps, as by `receiveOffered`. A send, timer or
 * default case has happened when it is given; its `take` does nothing.
 *
 * @example
 * const offer = await selectOffered([jobs.receiving(), after(1000)])
 * if (offer.case === 0 && offer.ok) await offer.take()
 */
export async function selectOffered(
  cases: Cases, options?: SelectOptions
): Promise<Offered<unknown>> {
  const asked = readCases(cases, options)
  const operation = new HoldOperation<unknown>(asked.drive, asked.cases, false)
  writeSelect(asked.drive, asked, OP_FLAG_HOLD, operation)
  return operation.offer(asked.signal)
}

/** A whole select that was found right. */
interface Asked {
  drive: Drive, cases: ReadCase[], words: number, timeout_ms: number, timed: boolean
  trying: boolean
  signal: AbortSignal | undefined
}

/** Words of a case before its references. */
const CASE_WORDS = 4

function readCases(cases: Cases, options: SelectOptions | undefined): Asked {
  checkOptions(options)
  if (typeof cases !== 'object' || cases === null) refuse('select needs a list or record of cases')
  const trying = options?.default === true
  if (options?.default !== undefined && typeof options.default !== 'boolean') {
    refuse('default must be true or false')
  }
  const { signal, timeout_ms } = checkWait(options)
  const named: [CaseName, Case][] = Array.isArray(cases)
    ? cases.map((one: Case, index) => [index, one])
    : Object.entries(cases as { [name: string]: Case })
  if (named.length === 0) refuse('select needs at least one case')
  if (named.length > CASES_MAX) throw new Refusal('TOO_MANY', `${CASES_MAX} cases`)
  if (trying && named.some(([name]) => name === 'default')) {
    refuse('a case may not be named default together with default: true')
  }
  const drive = driveOf(named)
  drive.check()
  const read: ReadCase[] = []
  let words = IN_SELECT_WORDS
  let timed = timeout_ms > 0
  for (const [name, one] of named) {
    const made = readCase(name, one, drive)
    words += CASE_WORDS + made.parcel.refs.length
    timed ||= made.kind === CASE_AFTER
    read.push(made)
  }
  if (words > drive.memory.recordWordsMax) throw new Refusal('TOO_MANY', 'channels in its messages')
  return { drive, cases: read, words, timeout_ms, timed, trying, signal }
}

function driveOf(named: [CaseName, Case][]): Drive {
  let drive: Drive | undefined
  for (const [name, one] of named) {
    const kind: unknown = (one as Case | undefined | null)?.kind
    if (kind !== 'receive' && kind !== 'send' && kind !== 'after') {
      refuse(`case ${name} must be channel.receiving(), channel.sending(value) or after(ms)`)
    }
    if (one.kind === 'after') continue
    if (!(one.channel instanceof Channel)) refuse(`case ${name} has no channel`)
    one.channel.checkHeld()
    if (drive !== undefined && drive !== one.channel.home) {
      refuse('the cases must belong to one circuit')
    }
    drive = one.channel.home
  }
  if (drive === undefined) refuse('at least one case must be on a channel')
  return drive
}

function readCase(name: CaseName, one: Case, drive: Drive): ReadCase {
  if (one.kind === 'after') {
    return new ReadCase(name, CASE_AFTER, checkDelay(one.ms), NO_PARCEL, undefined)
  }
  const { channel } = one
  if (one.kind === 'receive') {
    return new ReadCase(name, CASE_RECEIVE, channel.ref, NO_PARCEL, channel)
  }
  const parcel = parcelOf(one.value, channel.ref, drive)
  return new ReadCase(name, CASE_SEND, channel.ref, parcel, channel)
}

function writeSelect(
  drive: Drive, { cases, words, timeout_ms, timed, trying }: Asked, flags: number,
  listener: Listener
): void {
  const at = timed
    ? drive.begin(IN_SELECT, words, listener) : drive.beginTimeless(IN_SELECT, words, listener)
  const cells = drive.memory.words
  cells[at + IN_SELECT_TIMEOUT_MS] = timeout_ms
  cells[at + IN_SELECT_FLAGS] = flags | (trying ? OP_FLAG_TRY : 0)
  cells[at + IN_SELECT_CASES_COUNT] = cases.length
  let next = at + IN_SELECT_WORDS
  for (const { kind, target, parcel } of cases) {
    const { packed, bytes, refs } = parcel
    cells[next] = kind | refs.length << 16
    cells[next + 1] = target
    cells[next + 2] = parcel === NO_PARCEL ? 0 : drive.payloads.put(packed)
    cells[next + 3] = bytes
    for (let i = 0; i < refs.length; i++) cells[next + CASE_WORDS + i] = refs[i]!
    next += CASE_WORDS + refs.length
  }
  drive.go()
}
