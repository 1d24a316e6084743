/**
 * What the core was asked without a record and has not said to others yet.
 *
 * Lives here: when the call of `run` comes that says it. Does not live here: what is asked (now),
 * when frames leave after that (gathering).
 *
 * Invariants: a send to another peer leaves in the turn of the event loop in which it was made;
 * what a reader took is granted soon after that turn, or with whatever is said before.
 * spec: ABI-48, ABI-49
 */
import type { Drive } from './drive.ts'

/** So many sends go to the core's queue before it is called: about the cost of one call. */
const SENDS_MAX = 64

/** Of one driver. */
export class Deferred {
  readonly #drive: Drive
  #sends = 0
  #owed = false
  #timer: unknown = undefined

  constructor(drive: Drive) {
    this.#drive = drive
  }

  /** Sends to another peer were made: their frames leave with those that the program makes now. */
  sent(count: number): void {
    this.#sends += count
    if (this.#sends >= SENDS_MAX) this.#drive.go()
    else this.#drive.soon()
  }

  /** A message was taken out of a window. Its sender has room for more, or the reader says so. */
  taken(): void {
    this.#owed = true
    this.#timer ??= this.#drive.timers.set(this.#due, 0)
  }

  /** True while something that was taken waits to be said. */
  get owing(): boolean { return this.#owed }

  /** The program has made its sends: they are said now. */
  say(): void {
    if (this.#sends > 0) this.#drive.go()
  }

  /** The core is called: it says all. */
  said(): void {
    this.#sends = 0
    this.#owed = false
  }

  /** No call follows any more. */
  stop(): void {
    if (this.#timer !== undefined) this.#drive.timers.clear(this.#timer)
    this.#timer = undefined
  }

  readonly #due = (): void => {
    this.#timer = undefined
    if (this.#owed) this.#drive.go()
  }
}
