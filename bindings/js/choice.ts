/**
 * One select: its cases, its end, and the way without a record.
 *
 * Lives here: selects that happen or park in one call of the core, what the chosen case gives. Does
 * not live here: cases as arguments, selects by record (select), choosing (core).
 *
 * Invariants: what has to be refused is left to the record; of the sends of a select only the one
 * that happened leaves anything in the payload table.
 */
import { Channel } from './channel.ts'
import type { Receiving, Sending } from './channel.ts'
import type { Drive } from './drive.ts'
import { Loss } from './errors.ts'
import type { CaseName } from './errors.ts'
import { messageOf, valueOf } from './message.ts'
import type { Parcel } from './message.ts'
import { CASE_WORDS } from './now.ts'
import { blamed } from './offered.ts'
import type { HeldCase } from './offered.ts'
import { Operation } from './operation.ts'
import type { Completion } from './operation.ts'
import type { Packed } from './payload.ts'
import type { Case, Cases, SelectOptions } from './select.ts'
import {
  CASE_RECEIVE, CASE_SEND, CASES_MAX, COMPLETION_FLAG_AGAIN, COMPLETION_FLAG_MESSAGE,
  COMPLETION_FLAG_UNKNOWN, ERROR_CLOSED, ERROR_OK, NOW_DONE, NOW_PARKED, OP_FLAG_TRY,
  TIMEOUT_MS_MAX, WHICH_DEFAULT
} from './tables.ts'
import { keep, keepable, keptBytes } from './values.ts'

export const NO_PARCEL: Parcel = { packed: null, bytes: 0, refs: [] }

/**
 * Of the select under way, in the order of the core's cells: what its sends have in the payload
 * table; 0 for a case that receives.
 */
const handles: number[] = []

/**
 * Selects without a record: what can happen now, or parked when there is nothing but channels to
 * wait for. Undefined when a record is wanted: for options, what is not kept as it is, a timer that
 * must be waited for, and to refuse.
 */
export function selectNow(
  cases: Cases, options: SelectOptions | undefined
): Promise<object> | undefined {
  if (options !== undefined || typeof cases !== 'object' || cases === null) return undefined
  const names = Array.isArray(cases) ? undefined : Object.keys(cases)
  const list: readonly Case[] = names === undefined ? cases as readonly Case[]
    : Object.values(cases as { [name: string]: Case })
  const count = list.length
  if (count === 0 || count > CASES_MAX) return undefined
  let drive: Drive | undefined
  let cells: Uint32Array | undefined
  let found = 0
  let sends = 0
  for (let place = 0; place < count; place++) {
    const one = list[place]
    const kind = one?.kind
    if (kind !== 'receive') {
      if (kind === 'after' && one!.ms > 0 && one!.ms <= TIMEOUT_MS_MAX) continue
      if (kind !== 'send' || !keepable((one as Sending).value)) return undefined
      sends += 1
    }
    const { channel } = one as Receiving<unknown> | Sending
    if (!(channel instanceof Channel)) return undefined
    if (cells === undefined) {
      drive = channel.home
      cells = drive.now.cells()
      if (cells === undefined) return undefined
    } else if (channel.home !== drive) return undefined
    cells[CASE_WORDS * found] = channel.ref
    cells[CASE_WORDS * found + 1] = 0
    found += 1
  }
  if (drive === undefined || cells === undefined) return undefined
  if (sends > 0) keepSends(drive, cells, list)
  const flags = found === count ? 0 : OP_FLAG_TRY
  return selectCells(drive, { list, names, found, sends: sends > 0, flags })
}

/** Puts the values of sends into the payload table and their cells. */
function keepSends(drive: Drive, cells: Uint32Array, list: readonly Case[]): void {
  let nth = 0
  for (const one of list) {
    if (one.kind === 'after') continue
    handles[nth] = 0
    if (one.kind === 'send') {
      const packed = keep(one.value)
      handles[nth] = drive.payloads.put(packed)
      cells[CASE_WORDS * nth + 1] = handles[nth]!
      cells[CASE_WORDS * nth + 2] = keptBytes(packed)
    }
    nth += 1
  }
}

/** The place in its list of what stands in the `nth` of `found` cells: timers stand in none. */
function placeOf(list: readonly Case[], found: number, nth: number): number {
  if (found === list.length) return nth
  let place = 0
  for (let before = -1; ; place++) {
    if (list[place]!.kind !== 'after') before += 1
    if (before === nth) return place
  }
}

/** Cases in the core's cells, and where they come from. */
interface Written {
  list: readonly Case[], names: readonly string[] | undefined
  found: number, sends: boolean, flags: number
}

function selectCells(
  drive: Drive, { list, names, found, sends, flags }: Written
): Promise<object> | undefined {
  const { now } = drive
  const answer = now.select(found, flags)
  if (answer === NOW_PARKED) {
    const read = list.map((one, place) => parkedCase(one, names?.[place] ?? place))
    const operation = new SelectOperation(read, sends ? handles.slice(0, found) : undefined, drive)
    now.park(operation)
    return operation.promise()
  }
  const which = answer === NOW_DONE ? now.which : -1
  if (sends) takeBack(drive, handles, found, which)
  if (which < 0) return undefined
  const place = placeOf(list, found, which)
  const name = names === undefined ? place : names[place]!
  const chosen = list[place] as Receiving<unknown> | Sending
  return chosen.kind === 'send' ? Promise.resolve({ case: name })
    : chosenNow(now.packed, name, chosen.channel)
}

/** What sends that did not happen have in the table is the host's again. */
function takeBack(
  drive: Drive, given: readonly number[], count: number, which: number
): void {
  for (let nth = count - 1; nth >= 0; nth--) {
    if (nth !== which && given[nth] !== 0) drive.payloads.take(given[nth]!)
  }
}

function parkedCase(one: Case, name: CaseName): ReadCase {
  const { kind, channel } = one as Receiving<unknown> | Sending
  const number = kind === 'send' ? CASE_SEND : CASE_RECEIVE
  return new ReadCase(name, number, channel.ref, NO_PARCEL, channel)
}

function chosenNow(packed: Packed, name: CaseName, channel: Channel): Promise<object> {
  if (typeof packed !== 'object' || packed === null) {
    return Promise.resolve({ case: name, value: packed, ok: true, again: false })
  }
  const what = `${channel.what} in case ${name}`
  try {
    const value = valueOf(packed, false, [], { what })
    return Promise.resolve({ case: name, value, ok: true, again: false })
  } catch (error) {
    if (!(error instanceof Loss)) return Promise.reject(error)
    return Promise.reject(new Loss(error.code, what, error.outcome, name))
  }
}

/** One case as the record wants it. */
export class ReadCase implements HeldCase {
  readonly name: CaseName
  readonly kind: number
  /** The reference of its channel, or milliseconds. */
  readonly target: number
  readonly parcel: Parcel
  readonly #channel: Channel<any> | undefined

  constructor(
    name: CaseName, kind: number, target: number, parcel: Parcel, channel: Channel<any> | undefined
  ) {
    this.name = name
    this.kind = kind
    this.target = target
    this.parcel = parcel
    this.#channel = channel
  }

  get receives(): boolean { return this.kind === CASE_RECEIVE }

  /** Made when an error needs it. */
  get what(): string {
    const channel = this.#channel
    return channel === undefined ? `case ${this.name}` : `${channel.what} in case ${this.name}`
  }
}

/** A select that waits for its case. */
export class SelectOperation extends Operation<object> {
  readonly #cases: readonly ReadCase[]
  /** Of one that parked without a record: what its sends have in the table of `#drive`. */
  readonly #handles: readonly number[] | undefined
  readonly #drive: Drive | undefined

  constructor(cases: readonly ReadCase[], handles?: readonly number[], drive?: Drive) {
    super()
    this.#cases = cases
    this.#handles = handles
    this.#drive = drive
  }

  paired(packed: Packed | undefined, which: number): void {
    const handles = this.#handles
    if (handles !== undefined) takeBack(this.#drive!, handles, handles.length, which)
    const chosen = this.#cases[which]!
    if (packed === undefined) return this.resolve({ case: chosen.name })
    this.#gives(() => valueOf(packed, false, [], chosen), false, chosen)
  }

  done(completion: Completion, drive: Drive): void {
    const { status, which, flags } = completion
    const chosen = this.#cases[which]
    if (status === ERROR_OK && which === WHICH_DEFAULT) return this.resolve({ case: 'default' })
    if (status === ERROR_OK && chosen !== undefined) {
      return (flags & COMPLETION_FLAG_MESSAGE) === 0
        ? this.resolve({ case: chosen.name })
        : this.#received(completion, drive, chosen)
    }
    if (status === ERROR_CLOSED && chosen?.receives === true) {
      return this.resolve({ case: chosen.name, value: undefined, ok: false, again: false })
    }
    const { what, name } = blamed(this.#cases, status, which)
    this.rejectStatus(status, what, (flags & COMPLETION_FLAG_UNKNOWN) !== 0, name)
  }

  #received(completion: Completion, drive: Drive, chosen: ReadCase): void {
    const again = (completion.flags & COMPLETION_FLAG_AGAIN) !== 0
    this.#gives(() => messageOf(completion, drive, chosen), again, chosen)
  }

  /** A message that cannot be read names the case that it came by. */
  #gives(read: () => unknown, again: boolean, chosen: ReadCase): void {
    let value: unknown
    try {
      value = read()
    } catch (error) {
      if (!(error instanceof Loss)) throw error
      return this.reject(new Loss(error.code, chosen.what, error.outcome, chosen.name))
    }
    this.resolve({ case: chosen.name, value, ok: true, again })
  }
}
