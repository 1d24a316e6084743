/**
 * The three kinds of errors, by blame.
 *
 * Lives here: Refusal, Loss and Fault, and how a status of the core becomes one of them. Does not
 * live here: codes and sentences (spec/tables/errors.json), what led to a status (core).
 *
 * Invariants: every error has a code of the table; its sentence is the table's with {what} filled;
 * a Loss always says if the operation was done or not known to be.
 */
import { errors, ERROR_FAULT } from './tables.ts'
import type { ErrorName } from './tables.ts'

/** What became of the operation that a loss ended. */
export type Outcome = 'not done' | 'unknown'

/** The name of a case of a select: its key, or its index. */
export type CaseName = string | number

const numbers = new Map<ErrorName, number>()
for (const key of Object.keys(errors)) {
  const row = errors[Number(key)]
  if (row !== undefined) numbers.set(row.name, Number(key))
}

/** The number of a code, as it stands at the core's door and on the wire. */
export function numberOf(code: ErrorName): number {
  return numbers.get(code) ?? ERROR_FAULT
}

/** The table's sentence for a code, with `what` in its place. */
export function sentenceOf(code: ErrorName, what: string): string {
  return (errors[numberOf(code)]?.sentence ?? code).replace('{what}', () => what)
}

/**
 * The caller's use was refused; nothing changed.
 *
 * `code` is the table's name, `number` its number, `case` the case of a select that met it.
 *
 * @example
 * try { await jobs.close() } catch (error) {
 *   if (error instanceof Refusal && error.code === 'CLOSED') console.log('closed before')
 * }
 */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: ErrorName
  readonly number: number
  readonly case: CaseName | undefined

  constructor(code: ErrorName, what = '', chosen?: CaseName) {
    super(sentenceOf(code, what))
    this.code = code
    this.number = numberOf(code)
    this.case = chosen
  }
}

/**
 * The other side or the path is gone. `outcome` says if the operation did not happen, or if nobody
 * here can know.
 *
 * @example
 * try { await jobs.send(job) } catch (error) {
 *   if (error instanceof Loss && error.outcome === 'not done') again.push(job)
 * }
 */
export class Loss extends Error {
  override readonly name = 'Loss'
  readonly code: ErrorName
  readonly number: number
  readonly outcome: Outcome
  readonly case: CaseName | undefined

  constructor(code: ErrorName, what = '', outcome: Outcome = 'unknown', chosen?: CaseName) {
    super(sentenceOf(code, what))
    this.code = code
    this.number = numberOf(code)
    this.outcome = outcome
    this.case = chosen
  }
}

/**
 * A bug in Circuit: the core trapped at `file`, `line`, `column`. Every pending and later call of
 * that circuit gets this same error.
 *
 * @example
 * try { await jobs.send(job) } catch (error) {
 *   if (error instanceof Fault) console.error(error.file, error.line)
 * }
 */
export class Fault extends Error {
  override readonly name = 'Fault'
  readonly code: ErrorName = 'FAULT'
  readonly number = ERROR_FAULT
  readonly file: string
  readonly line: number
  readonly column: number

  constructor(file: string, line: number, column: number, cause?: unknown) {
    super(sentenceOf('FAULT', `${file}:${line}:${column}`), { cause })
    this.file = file
    this.line = line
    this.column = column
  }
}

/** A refusal by its code, for throwing; `what` fills the sentence. */
export function refusal(code: ErrorName, what = ''): Refusal {
  return new Refusal(code, what)
}

/** The error that a status of the core stands for. `unknown` matters for losses only. */
export function failure(
  status: number, what: string, unknown = false, chosen?: CaseName
): Refusal | Loss | Fault {
  const row = errors[status]
  if (row?.kind === 'refusal') return new Refusal(row.name, what, chosen)
  if (row?.kind === 'loss') {
    return new Loss(row.name, what, unknown ? 'unknown' : 'not done', chosen)
  }
  return new Fault(`status ${status} (${row?.name ?? 'no code of the table'})`, 0, 0)
}
