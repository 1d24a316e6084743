/**
 * Calls over WebSockets with capnweb: a message is an argument, its answer says that it came.
 *
 * Lives here: the near program. Does not live here: the far one (calls-far.ts).
 */
import type { Place } from './place.ts'
import { loadPeer } from './peers.ts'
import { same, sendEach, type Contender } from './timing.ts'

/** What the far program offers. */
interface Sink {
  take(message: Uint8Array): Promise<void>
  /** What was taken since the last time. */
  tally(): Promise<{ count: number, sum: number }>
}

/** Contenders that await each call, with so many senders. */
export interface Calls {
  strict(bytes: number, senders: number): Contender
  end(): void
}

export async function startCalls(place: Place): Promise<Calls> {
  const port = await place.run('calls-far.ts')
  const { newWebSocketRpcSession } = await loadPeer('capnweb') as {
    newWebSocketRpcSession(socket: object): Sink & Disposable
  }
  const { WebSocket } = await loadPeer('ws') as { WebSocket: new (url: string) => object }
  const sink = newWebSocketRpcSession(new WebSocket(`ws://127.0.0.1:${port as number}`))
  return {
    strict: (bytes, senders) => ({
      name: `capnweb over ws, await each call, ${senders} ${senders === 1 ? 'caller' : 'callers'}`,
      note: 'not encrypted',
      run: (count) => strict(sink, bytes, senders, count)
    }),
    end: () => sink[Symbol.dispose]()
  }
}

async function strict(sink: Sink, bytes: number, senders: number, count: number): Promise<void> {
  await sendEach(senders, bytes, count, (message) => sink.take(message))
  const { count: came, sum } = await sink.tally()
  same(came, count, 'messages that came')
  same(sum, count * (count + 1) / 2, 'the sum of the messages')
}
