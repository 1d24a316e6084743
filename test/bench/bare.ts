/**
 * A bare libp2p stream doing the same: what the road beneath a circuit gives.
 *
 * Lives here: the near side. Does not live here: the far side (bare-far.ts), the stream itself and
 * the numbers on it (bare-stream.ts).
 */
import { multiaddr } from '@multiformats/multiaddr'
import { ANSWER_BYTES, BareStream, ORDER_BYTES, PROTOCOL, bareNode } from './bare-stream.ts'
import type { Place } from './place.ts'
import { same, type Contender } from './timing.ts'

/** What a libp2p stream writes best: a yamux frame that fills one Noise message. */
const WRITE_BYTES = 65_507

/** Ways of using a bare stream, each message with its number. */
export interface BareContenders {
  roundTrip(bytes: number): Contender
  /** One send for each message. */
  each(bytes: number): Contender
  /** As many messages in one send as fit. */
  coalesced(bytes: number): Contender
  end(): Promise<void>
}

/** Starts the far side and opens one stream to it. */
export async function bareContenders(place: Place): Promise<BareContenders> {
  const address = await place.run('bare-far.ts') as string
  const node = await bareNode([])
  const connection = await node.dial(multiaddr(address))
  const stream = new BareStream(await connection.newStream(PROTOCOL))
  return {
    roundTrip: (bytes) => ({
      name: 'a bare libp2p stream', run: (count) => roundTrip(stream, bytes, count)
    }),
    each: (bytes) => ({
      name: 'a bare libp2p stream, one send each',
      run: (count) => oneWay(stream, bytes, count, 1)
    }),
    coalesced: (bytes) => ({
      name: 'a bare libp2p stream, coalesced to 64 KiB',
      run: (count) => oneWay(stream, bytes, count, Math.floor(WRITE_BYTES / bytes))
    }),
    end: async () => {
      await node.stop()
    }
  }
}

async function roundTrip(stream: BareStream, bytes: number, count: number): Promise<void> {
  await stream.send(orderOf(bytes, count, true))
  let sum = 0
  for (let i = 1; i <= count; i++) {
    await stream.send(messages(i, 1, bytes))
    sum += (await stream.numbers(1, bytes)).sum
  }
  same(sum, count * (count + 1) / 2, 'the sum of the answers')
}

async function oneWay(
  stream: BareStream, bytes: number, count: number, in_one: number
): Promise<void> {
  await stream.send(orderOf(bytes, count, false))
  for (let i = 1; i <= count; i += in_one) {
    // Awaited only when the stream is full, as a careful program would.
    const full = stream.send(messages(i, Math.min(in_one, count - i + 1), bytes))
    if (full !== undefined) await full
  }
  const { first } = await stream.numbers(1, ANSWER_BYTES)
  const sum = new DataView(first.buffer, first.byteOffset).getFloat64(0)
  same(sum, count * (count + 1) / 2, 'the sum of the messages')
}

function orderOf(bytes: number, count: number, echo: boolean): Uint8Array {
  const order = new Uint8Array(ORDER_BYTES)
  const view = new DataView(order.buffer)
  view.setUint32(0, count)
  view.setUint32(4, bytes)
  view.setUint32(8, echo ? 1 : 0)
  return order
}

function messages(first: number, count: number, bytes: number): Uint8Array {
  const joined = new Uint8Array(count * bytes)
  const view = new DataView(joined.buffer)
  for (let i = 0; i < count; i++) view.setUint32(i * bytes, first + i)
  return joined
}
