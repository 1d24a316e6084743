/**
 * One request and its answer on a libp2p stream of their own.
 *
 * Lives here: asking and answering on a stream that is open. Does not live here: the message's form
 * (transports/exchange), connections (transports/libp2p), what is asked (its hosts).
 *
 * Invariants: a stream lives no longer than the bounds say, and holds no more; the answer leaves
 * before the stream is closed; wrong bytes end their own stream only; nothing is kept for a stream
 * that has closed.
 */
import { OneMessage, lengthened, type Answering, type ExchangeBounds } from '../exchange.ts'
import type { Stream } from '@libp2p/interface'

/** Sends a request and gives the answer. Rejects when the other side ends or is late. */
export async function askOn(
  stream: Stream, request: Uint8Array, bounds: ExchangeBounds
): Promise<Uint8Array> {
  bound(stream, bounds)
  try {
    const answer = messageOf(stream, bounds)
    stream.send(lengthened(request))
    return await answer
  } finally {
    stream.close().catch(() => {})
  }
}

/** Reads a request and sends the answer to it. Never rejects. */
export async function answerOn(
  stream: Stream, peer: string, answer: Answering, bounds: ExchangeBounds
): Promise<void> {
  bound(stream, bounds)
  try {
    const request = await messageOf(stream, bounds)
    stream.send(lengthened(await answer(peer, request)))
    await stream.close()
  } catch (error) {
    stream.abort(error instanceof Error ? error : new Error('the exchange failed'))
  }
}

/** Ends a stream that is still open when its time is over, whatever is still done for it. */
function bound(stream: Stream, { timeout_ms }: ExchangeBounds): void {
  if (stream.status !== 'open') return
  const late = setTimeout(() => stream.abort(new Error('the exchange took too long')), timeout_ms)
  stream.addEventListener('close', () => clearTimeout(late))
}

function messageOf(stream: Stream, bounds: ExchangeBounds): Promise<Uint8Array> {
  const message = new OneMessage(bounds.bytes_max)
  return new Promise((resolve, reject) => {
    stream.addEventListener('message', ({ data }) => {
      try {
        const whole = message.take(data instanceof Uint8Array ? data : data.subarray())
        if (whole !== undefined) resolve(whole)
      } catch (error) {
        reject(error)
      }
    })
    // What came with the end is told before it, or in the same turn.
    stream.addEventListener('end', () => queueMicrotask(() => reject(new Error('it ended'))))
    stream.addEventListener('close', () => queueMicrotask(() => reject(new Error('it closed'))))
  })
}
