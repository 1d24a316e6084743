/**
 * Channels between two processes over libp2p on the loopback, beside what else carries messages.
 *
 * Lives here: the near side of each work, and what is to be reached. Does not live here: the far
 * side (far.ts), bare streams (bare.ts), NATS, Redis and ZeroMQ (brokers.ts), capnweb (calls.ts),
 * the place that all run in (place.ts).
 *
 * Every message carries its number; the far side counts the messages and adds up the numbers.
 */
import { bareContenders, type BareContenders } from './bare.ts'
import { startBrokers, type Brokers } from './brokers.ts'
import { startCalls, type Calls } from './calls.ts'
import { join, type Channel, type Circuit } from './circuit.ts'
import type { Order, Tally } from './far.ts'
import { installPeers } from './peers.ts'
import { Place } from './place.ts'
import { processWork } from './process.ts'
import { same, sendEach, type Contender, type Part, type Work } from './timing.ts'

const WINDOW = 1024
const CAPACITY = 1024
const SENDERS = [1, 16, 64]
const ROUND_TRIP_BYTES = 64
const CHUNK_BYTES = 64 * 1024
const CHUNKS = 1024
const CHUNK_WINDOW = 64
const CHUNK_ROUNDS = 5
/** gocircuit fd2add7, one sender to one receiver, 1,331 messages a second on such a machine. */
const GOCIRCUIT = { name: 'gocircuit, measured apart,', ns: 1e9 / 1331 }
const TEN_TIMES = 10

/** The far process, and what is used of it. */
interface Far { circuit: Circuit, orders: Channel<Order>, channel: Channel<Uint8Array> }

/** What stands beside: bare streams always, the rest unless only ours is wanted. */
interface Others { bare: BareContenders, brokers: Brokers | undefined, calls: Calls | undefined }

/** The part. */
export async function remoteWorks(ours: boolean): Promise<Part> {
  if (!ours) installPeers()
  const place = new Place()
  const circuit = await join({ name: 'near', ...place.options('near') })
  await place.run('far.ts', 'far')
  for await (const { event, peer } of circuit.members()) {
    if (event === 'joined' && peer.name === 'far') break
  }
  const orders = await circuit.open<Order>('/far/orders')
  const far = { circuit, orders, channel: await circuit.open<Uint8Array>('/far/channel') }
  const others: Others = {
    bare: await bareContenders(place),
    brokers: ours ? undefined : await startBrokers(place),
    calls: ours ? undefined : await startCalls(place)
  }
  // The round trip after these: by then both processes run compiled code.
  const sizes = [16, 64]
  const works = [
    ...sizes.map((bytes) => strictWork(far, bytes, others)),
    ...sizes.map((bytes) => windowWork(far, bytes, others)),
    tripWork(far, others), bulkWork(far, others),
    processWork(circuit, 'far')
  ]
  const end = async () => {
    await others.bare.end()
    await others.brokers?.end()
    others.calls?.end()
    await orders.close()
    await circuit.leave()
    await place.end()
  }
  return { works, end }
}

function strictWork(far: Far, bytes: number, { calls }: Others): Work {
  const work = `${bytes} bytes one way, each send awaited`
  const ours = SENDERS.map((senders) => strict(far, bytes, senders))
  const beside = calls === undefined ? [] : SENDERS.map((senders) => calls.strict(bytes, senders))
  const grows = ours.slice(1).map(({ name }, at) => ({
    row: `${work}: ${SENDERS[at + 1]} senders beside ${SENDERS[at]}`,
    ours: name, beside: [ours[at]!.name],
    target: 'grows with senders', speed_least: 1, as_rate: true
  }))
  return {
    name: work, unit: 'message', bytes, contenders: [...ours, ...beside],
    goals: [
      ...ours.map(({ name }, at) => ({
        row: `${work}, ${counted(SENDERS[at]!, 'sender')}`, ours: name, reference: GOCIRCUIT,
        shown: beside[at] === undefined ? [] : [beside[at].name],
        target: `≥ ${TEN_TIMES}× gocircuit`, speed_least: TEN_TIMES, as_rate: true
      })),
      ...grows
    ]
  }
}

function windowWork(far: Far, bytes: number, { bare, brokers }: Others): Work {
  const work = `${bytes} bytes one way, windows of ${WINDOW}`
  const ours = windowed(far, bytes, true, WINDOW)
  const back = windowed(far, bytes, false, WINDOW)
  const each = bare.each(bytes)
  const coalesced = bare.coalesced(bytes)
  const others = brokers?.oneWay(bytes) ?? []
  const nats = others.filter(({ name }) => name === 'NATS').map(({ name }) => name)
  const rest = others.filter(({ name }) => name !== 'NATS').map(({ name }) => name)
  const shared = { ours: ours.name, as_rate: true }
  return {
    name: work, unit: 'message', bytes, contenders: [ours, back, ...others, each, coalesced],
    goals: [
      { ...shared, row: `${work}, encrypted`, target: '≥ 1 M/s', most_ns: 1000,
        shown: [...rest, each.name] },
      { ...shared, row: `${work}, beside NATS`, beside: nats, target: 'ahead of NATS',
        speed_least: 1 },
      { ...shared, row: `${work}, beside the bare stream`, beside: [coalesced.name],
        target: '≥ 0.5× of it coalesced', speed_least: 0.5 }
    ]
  }
}

function tripWork(far: Far, { bare, brokers }: Others): Work {
  const ours = {
    name: 'circuit, a channel at each end', run: (count: number) => roundTrip(far, count)
  }
  const stream = bare.roundTrip(ROUND_TRIP_BYTES)
  const others = brokers?.roundTrip(ROUND_TRIP_BYTES) ?? []
  return {
    name: `round trip of ${ROUND_TRIP_BYTES} bytes`,
    unit: 'round trip', contenders: [ours, stream, ...others],
    goals: [{
      ours: ours.name, beside: [stream.name], shown: others.map(({ name }) => name),
      target: '≤ 1.3× the bare stream', time_most: 1.3
    }]
  }
}

function bulkWork(far: Far, { bare }: Others): Work {
  const ours = windowed(far, CHUNK_BYTES, true, CHUNK_WINDOW)
  const back = windowed(far, CHUNK_BYTES, false, CHUNK_WINDOW)
  const stream = bare.each(CHUNK_BYTES)
  return {
    name: `${CHUNKS * CHUNK_BYTES >> 20} MiB in messages of ${CHUNK_BYTES >> 10} KiB`,
    unit: 'message', bytes: CHUNK_BYTES, count: CHUNKS, rounds: CHUNK_ROUNDS,
    contenders: [ours, back, stream],
    goals: [{
      ours: ours.name, beside: [stream.name], target: '≥ 0.8× the bare stream', speed_least: 0.8
    }]
  }
}

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`

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
    name: `circuit, await each send, ${counted(senders, 'sender')}`,
    async run(count) {
      const done = circuit.channel<Tally>({ capacity: 1 })
      await orders.send({ kind: 'sink', count, from: channel, prefetch: 0, done })
      await sendEach(senders, bytes, count, (message) => channel.send(message))
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
