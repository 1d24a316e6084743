/**
 * One verb at work: the daemon's end of one connection.
 *
 * Lives here: the order of messages with a verb, its withdrawal, how its errors are told. Does not
 * live here: bytes (socket.ts), what each verb does (daemon-channels.ts and its siblings).
 *
 * The verb speaks first: `{version, verb, …}`. Then, as it is asked:
 *   daemon → verb                           verb → daemon
 *   print: bytes   write them now
 *   hold: bytes    keep them until `taken`
 *   offer          will you take it?         take
 *   taken          it is yours: write it
 *   denied         it was too late: drop it
 *   want           more input?               data: list of bytes · end
 *   done, status   it succeeded: exit so
 *   error, …       it failed
 *                                            withdraw: take back what waits, then say the outcome
 *
 * Invariants: input comes only when it was wanted, so one batch of it is held at most; the signal
 * aborts when the verb withdraws or its connection ends, and nothing waits on after that; exactly
 * one `done` or `error` is said.
 */
import { Fault, Loss, Refusal } from '../js/errors.ts'
import { ERROR_FAULT, VERB_PIECE_BYTES_MAX } from '../js/tables.ts'
import type { Message, Wire } from './socket.ts'

export const VERB_VERSION = 1

/** Why an errand's signal aborts; it never reaches a person. */
class Withdrawn extends Error {}

/** One verb at work. Made by the daemon with the verb's first message. */
export class Errand {
  readonly request: Message
  readonly #wire: Wire
  readonly #abort = new AbortController()
  /** Who waits for the verb's next word. */
  #waiting: ((word: Message | undefined) => void) | undefined
  #told = false

  constructor(wire: Wire, request: Message) {
    this.request = request
    this.#wire = wire
    wire.closed.addEventListener('abort', () => this.withdraw())
    if (wire.closed.aborted) this.withdraw()
  }

  /** Aborted when the verb withdraws, or is gone. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** An argument of the request that must be text. These refuse with BAD_REQUEST. */
  text(name: string): string {
    const value = this.request[name]
    return typeof value === 'string' ? value : bad(`${name} is a text`)
  }

  texts(name: string): string[] {
    const value = this.request[name]
    if (!Array.isArray(value)) return bad(`${name} is a list of texts`)
    return value.map((item) => typeof item === 'string' ? item : bad(`${name} is a list of texts`))
  }

  /** An argument that may be left out. */
  number(name: string): number | undefined {
    const value = this.request[name]
    return value === undefined || typeof value === 'number' ? value : bad(`${name} is a number`)
  }

  flag(name: string): boolean {
    return this.request[name] === true
  }

  withdraw(): void {
    if (!this.#abort.signal.aborted) this.#abort.abort(new Withdrawn())
    this.#settle(undefined)
  }

  /** A later message of the verb. Throws BAD_REQUEST for one that nobody asked for. */
  heard(word: Message): void {
    if (word['withdraw'] === true) return this.withdraw()
    const asked = this.#waiting !== undefined || this.#abort.signal.aborted
    if (!asked) bad('it said something that was not asked')
    this.#settle(word)
  }

  /** Output to be written at once; waits while the verb does not read. */
  async print(output: string | Uint8Array): Promise<void> {
    await this.#pieces('print', output)
  }

  /**
   * Offers output to the verb, which has the last word. True: it takes it; then exactly one of
   * `taken` and `denied` follows. False: it withdrew or is gone.
   */
  async offer(output: string | Uint8Array): Promise<boolean> {
    await this.#pieces('hold', output)
    const word = await this.#ask({ offer: true })
    if (word === undefined) return false
    if (word['take'] === true) return true
    return bad('an offer is answered by take')
  }

  async taken(): Promise<void> {
    await this.#wire.send({ taken: true })
  }

  async denied(): Promise<void> {
    await this.#wire.send({ denied: true })
  }

  /** The next batch of the verb's input; undefined at its end. Throws when it was withdrawn. */
  async want(): Promise<Uint8Array[] | undefined> {
    const word = await this.#ask({ want: true })
    if (word === undefined) throw this.signal.reason
    if (word['end'] === true) return undefined
    const { data } = word
    if (Array.isArray(data) && data.every((part) => part instanceof Uint8Array)) return data
    return bad('input is a list of byte strings')
  }

  /** `status` is what the verb exits with. */
  async done(status: number): Promise<void> {
    await this.#last({ done: true, status })
  }

  async failed(error: unknown): Promise<void> {
    await this.#last(tellable(error))
  }

  async #last(word: Message): Promise<void> {
    if (this.#told) return
    this.#told = true
    await this.#wire.send(word)
    this.#wire.end()
  }

  async #pieces(name: 'print' | 'hold', output: string | Uint8Array): Promise<void> {
    const bytes = typeof output === 'string' ? Buffer.from(output) : output
    for (let at = 0; at < bytes.length; at += VERB_PIECE_BYTES_MAX) {
      this.signal.throwIfAborted()
      await this.#wire.send({ [name]: bytes.subarray(at, at + VERB_PIECE_BYTES_MAX) })
    }
  }

  async #ask(question: Message): Promise<Message | undefined> {
    if (this.#abort.signal.aborted) return undefined
    const answer = new Promise<Message | undefined>((resolve) => { this.#waiting = resolve })
    await this.#wire.send(question)
    return answer
  }

  #settle(word: Message | undefined): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.(word)
  }
}

function bad(what: string): never {
  throw new Refusal('BAD_REQUEST', what)
}

/** What the verb is told of an error: number, sentence, and what became of the operation. */
export function tellable(error: unknown): Message {
  const told = error instanceof Withdrawn ? new Refusal('WITHDRAWN') : error
  if (told instanceof Loss) {
    return { error: told.number, sentence: told.message, outcome: told.outcome }
  }
  if (told instanceof Refusal || told instanceof Fault) {
    return { error: told.number, sentence: told.message }
  }
  const fault = new Fault('bindings/node/daemon', 0, 0, told)
  return { error: ERROR_FAULT, sentence: `${fault.message} (${String(told)})` }
}
