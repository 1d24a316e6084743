/**
 * How the program ends.
 *
 * Lives here: exit codes, and errors as one sentence on standard error. Does not live here: the
 * sentences (spec/tables/errors.json).
 */
import { sentenceOf } from '../js/errors.ts'
import {
  ERROR_CLOSED, ERROR_FAULT, ERROR_LEFT, ERROR_MISUSE, ERROR_RECEIVER_LEFT, ERROR_RESET,
  ERROR_WOULD_BLOCK
} from '../js/tables.ts'

export const EXIT_ERROR = 1
export const EXIT_MISUSE = 2
export const EXIT_CLOSED = 3
export const EXIT_LOST = 69
export const EXIT_WOULD_BLOCK = 75
/** As a shell names an end by a signal: this and the signal's number. */
export const EXIT_SIGNALED = 128
/** Whoever read our output is gone. */
export const EXIT_PIPE = EXIT_SIGNALED + 13

/** An error of this program or of the daemon, as the shell is told. */
export interface Failure {
  readonly number: number
  readonly message: string
  readonly outcome?: unknown
}

/** The exit code for an error's number. */
export function exitOf(number: number): number {
  switch (number) {
    case ERROR_MISUSE: return EXIT_MISUSE
    case ERROR_CLOSED: return EXIT_CLOSED
    case ERROR_WOULD_BLOCK: return EXIT_WOULD_BLOCK
    case ERROR_LEFT: case ERROR_RECEIVER_LEFT: case ERROR_RESET: return EXIT_LOST
    default: return EXIT_ERROR
  }
}

/** Prints the one sentence of an error and gives its exit code. */
export function fail(failure: Failure): number {
  process.stderr.write(`circuit: ${sentence(failure)}\n`)
  return exitOf(failure.number)
}

/** Any thrown thing as a failure: what was not made to be read is a fault. */
export function failureOf(error: unknown): Failure {
  const given = error as { number?: unknown } | null
  if (error instanceof Error && typeof given?.number === 'number') {
    return error as unknown as Failure
  }
  if (error instanceof Error && error.constructor === Error) {
    return { number: ERROR_FAULT, message: error.message }
  }
  const what = error instanceof Error ? error.stack ?? error.message : String(error)
  return { number: ERROR_FAULT, message: sentenceOf('FAULT', what) }
}

/** What a loss left behind belongs to its sentence. */
function sentence({ message, outcome }: Failure): string {
  const known: { readonly [outcome: string]: string } = {
    'not done': 'nothing was done', unknown: 'whether it was done is not known'
  }
  const end = known[String(outcome)]
  return end === undefined ? message : `${message.replace(/\.$/, '')}; ${end}.`
}
