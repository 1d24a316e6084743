/**
 * Standard input as messages.
 *
 * Lives here: the whole as one message, each line as one, pieces as they come; each with a bound.
 * Does not live here: what is done with them (ask.ts).
 */
import { pipe } from 'it-pipe'
import { Refusal } from '../js/errors.ts'
import { MESSAGE_BYTES_MAX, VERB_FRAME_BYTES_MAX, VERB_PIECE_BYTES_MAX } from '../js/tables.ts'
import type { Input } from './ask.ts'

/** JSON is longer than the message that it becomes; the daemon checks that one. */
const JSON_BYTES_MAX = VERB_FRAME_BYTES_MAX - 65_536
const NEWLINE = 10

/** All of standard input as one message. Refusal TOO_LARGE, before the rest is read. */
export function oneMessage(path: string, json: boolean): Input {
  return inBatches(pipe(process.stdin, async function* (source: AsyncIterable<Buffer>) {
    const whole: Buffer[] = []
    let bytes = 0
    for await (const piece of source) {
      bytes += piece.length
      refuseOver(bytes, json, path)
      whole.push(piece)
    }
    yield [Buffer.concat(whole)]
  }))
}

/** Each line of standard input as one message, without its newline. */
export function eachLine(path: string, json: boolean): Input {
  const cut = (source: AsyncIterable<Buffer>) => lines(source, path, json)
  return inBatches(pipe(process.stdin, cut))
}

/** Standard input as it comes. */
export function pieces(): Input {
  return inBatches(pipe(process.stdin, async function* (source: AsyncIterable<Buffer>) {
    for await (const piece of source) {
      for (let at = 0; at < piece.length; at += VERB_PIECE_BYTES_MAX) {
        yield [piece.subarray(at, at + VERB_PIECE_BYTES_MAX)]
      }
    }
  }))
}

/** All of standard input as text, for what is read here and not sent as it is. */
export async function allText(what: string): Promise<string> {
  const [bytes] = await oneMessage(what, false)() ?? []
  return Buffer.from(bytes ?? []).toString()
}

/** The lines of each read make a batch: as live as the input is, and no message for each line. */
async function* lines(
  source: AsyncIterable<Buffer>, path: string, json: boolean
): AsyncGenerator<Buffer[]> {
  let begun: Buffer[] = []
  let begun_bytes = 0
  for await (const piece of source) {
    const batch: Buffer[] = []
    let from = 0
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, from)) {
      batch.push(Buffer.concat([...begun, piece.subarray(from, end)]))
      begun = []
      begun_bytes = 0
      from = end + 1
    }
    if (from < piece.length) {
      begun_bytes += piece.length - from
      refuseOver(begun_bytes, json, path)
      begun.push(piece.subarray(from))
    }
    if (batch.length > 0) yield batch
  }
  if (begun_bytes > 0) yield [Buffer.concat(begun)]
}

function refuseOver(bytes: number, json: boolean, path: string): void {
  if (bytes > (json ? JSON_BYTES_MAX : MESSAGE_BYTES_MAX)) throw new Refusal('TOO_LARGE', path)
}

function inBatches(source: AsyncIterable<Buffer[]>): Input {
  const iterator = source[Symbol.asyncIterator]()
  return async () => {
    const next = await iterator.next()
    return next.done === true ? undefined : next.value
  }
}
