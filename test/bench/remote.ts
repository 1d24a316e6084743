/**
 * Channels between two processes over libp2p on the loopback, beside a bare libp2p stream.
 *
 * Lives here: the near side of each work. Does not live here: the far side (far.ts), bare streams
 * (bare.ts), the place that both run in (place.ts).
 *
 * Every message carries its number; the far side counts the messages and adds up the numbers.
 */
import { join, type Channel, type Circuit } from './circuit.ts'
import { bareContenders } from './bare.ts'
import type { Order, Tally } from './far.ts'
import { Place } from './place.ts'
import { same, type Contender, type Part, type Work } from './timing.ts'

const WINDOW = 256
const CAPACITY = 256
const SENDERS = 16
const ROUND_TRIP_BYTES = 64
const CHUNK_BYTES = 64 * 1024
const CHUNKS = 1024
const CHUNK_WINDOW = 64
const CHUNK_ROUNDS = 5

/** The far process, and what is used of it. */
interface Far { circuit: Circuit, orders: Channel<Order>, channel: Channel<Uint8Array> }

/** The works of this file. */
export async function remoteWorks(): Promise<Part> {
  const place = new Place()
  const circuit = await join({ name: 'near', ...place.options('near') })
  await place.run('far.ts', 'far')
  for await (const { event, peer } of circuit.members()) {
    if (event === 'joined' && peer.name === 'far') break
  }
  const orders = await circuit.open<Order>('/far/orders')
  const far = { circuit, orders, channel: await circuit.open<Uint8Array>('/far/channel') }
  const bare = await bareContenders(place)
  // The round trip after these: by then both processes run compiled code.
  const works: Work[] = [16, 64].map((bytes) => oneWay(far, bytes, bare))
  works.push({
    name: `round trip of ${ROUND_TRIP_BYTES} bytes`,
    unit: 'round trip',
    contenders: [
      { name: 'circuit, a channel at each end', run: (count) => roundTrip(far, count) },
      bare.roundTrip(ROUND_TRIP_BYTES)
    ]
  })
  works.push({
    name: `${CHUNKS * CHUNK_BYTES >> 20} MiB in chunks of ${CHUNK_BYTES >> 10} KiB`,
    unit: 'chunk', bytes: CHUNK_BYTES, count: CHUNKS, rounds: CHUNK_ROUNDS,
    contenders: [
      windowed(far, CHUNK_BYTES, true, CHUNK_WINDOW),
      windowed(far, CHUNK_BYTES, false, CHUNK_WINDOW),
      bare.each(CHUNK_BYTES)
    ]
  })
  const end = async () => {
    await bare.end()
    await orders.close()
    await circuit.leave()
    await place.end()
  }
  return { works, end }
}

function oneWay(
  far: Far, bytes: number, bare: Awaited<ReturnType<typeof bareContenders>>
): Work {
  return {
    name: `one way, messages of ${bytes} bytes`,
    unit: 'message', bytes,
    contenders: [
      strict(far, bytes, 1),
      strict(far, bytes, SENDERS),
      windowed(far, bytes, true, WINDOW),
      windowed(far, bytes, false, WINDOW),
      bare.each(bytes),
      bare.coalesced(bytes)
    ]
  }
}

async function roundTrip({ circuit, orders, channel }: Far, count: number): Promise<void> {
  const back = circuit.channel<Uint8Array>({ capacity: 1 })
  const done = circuit.channel<Tally>({ capacity: 1 })
  await orders.send({ kind: 'echo', count, from: channel, to: back, done })
  const message = new Uint8Array(ROUND_TRIP_BYTES)
  const view = new DataView(message.buffer)
  let sum = 0
  for (let i = 1; i <= count; i++) {
    view.setUint32(0, i)
    const [{ value }] = await Promise.all([back.receive(), channel.send(message)])
    sum += new DataView(value!.buffer, value!.byteOffset).getUint32(0)
  }
  await verify(done, count)
  same(sum, count * (count + 1) / 2, 'the sum of the answers')
}

/** Each sender waits for each of its sends. */
function strict({ circuit, orders, channel }: Far, bytes: number, senders: number): Contender {
  return {
    name: `circuit, await each send, ${senders} ${senders === 1 ? 'sender' : 'senders'}`,
    async run(count) {
      const done = circuit.channel<Tally>({ capacity: 1 })
      await orders.send({ kind: 'sink', count, from: channel, prefetch: 0, done })
      let next = 1
      await Promise.all(Array.from({ length: senders }, async () => {
        const message = new Uint8Array(bytes)
        const view = new DataView(message.buffer)
        while (next <= count) {
          view.setUint32(0, next++)
          await channel.send(message)
        }
      }))
      await verify(done, count)
    }
  }
}

/** A writer and a reader with windows; the channel lives at the sender or at the receiver. */
function windowed(
  { circuit, orders, channel }: Far, bytes: number, at_receiver: boolean, window: number
): Contender {
  return {
    name: `circuit, windows of ${window}, channel at the ${at_receiver ? 'receiver' : 'sender'}`,
    async run(count) {
      const through = at_receiver ? channel : circuit.channel<Uint8Array>({ capacity: CAPACITY })
      const done = circuit.channel<Tally>({ capacity: 1 })
      await orders.send({ kind: 'sink', count, from: through, prefetch: window, done })
      await using writer = through.writer({ window })
      const message = new Uint8Array(bytes)
      const view = new DataView(message.buffer)
      for (let i = 1; i <= count; i++) {
        view.setUint32(0, i)
        await writer.send(message)
      }
      await verify(done, count)
    }
  }
}

async function verify(done: Channel<Tally>, count: number): Promise<void> {
  const { value } = await done.receive()
  same(value!.count, count, 'messages that came')
  same(value!.sum, count * (count + 1) / 2, 'the sum of the messages')
}
