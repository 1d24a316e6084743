/**
 * Channels between two processes on one machine, over libp2p and over a Unix socket, beside what
 * else carries messages.
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
import { Place, type Between } from './place.ts'
import { processWork } from './process.ts'
import { same, sendEach, type Contender, type Part, type Work } from './timing.ts'

const WINDOW = 1024
const CAPACITY = 1024
/** Messages of a list, and under way at once: a bare stream has more, and no window. */
const LISTED = 1024
const LISTED_WINDOW = 4096
const LISTS = `lists of ${LISTED} in windows of ${LISTED_WINDOW}`
const SENDERS = [1, 16, 64]
const ROUND_TRIP_BYTES = 64
const CHUNK_BYTES = 64 * 1024
const CHUNKS = 1024
const CHUNK_WINDOW = 64
const CHUNK_ROUNDS = 5
/** gocircuit fd2add7, one sender to one receiver, 1,331 messages a second on such a machine. */
const GOCIRCUIT = { name: 'gocircuit, measured apart,', ns: 1e9 / 1331 }
const TEN_TIMES = 10
const ROADS = ['over libp2p', 'over a Unix socket']

/** The far process, what is used of it, and how circuit is called over the road to it. */
interface Far {
  name: string, circuit: Circuit, orders: Channel<Order>, channel: Channel<Uint8Array>,
  wide: Channel<Uint8Array>
}
/** The same with each road. */
type Fars = Record<Between, Far>

/** What stands beside: bare streams always, the rest unless only ours is wanted. */
interface Others { bare: BareContenders, brokers: Brokers | undefined, calls: Calls | undefined }

/** The part. */
export async function remoteWorks(ours: boolean): Promise<Part> {
  if (!ours) installPeers()
  const place = new Place()
  const fars = {
    libp2p: await farOf(place, 'libp2p', 'circuit'),
    unix: await farOf(place, 'unix', 'circuit over a Unix socket')
  }
  const far = fars.libp2p
  const others: Others = {
    bare: await bareContenders(place),
    brokers: ours ? undefined : await startBrokers(place),
    calls: ours ? undefined : await startCalls(place)
  }
  // The round trip after these: by then both processes run compiled code.
  const sizes = [16, 64]
  const works = [
    ...sizes.map((bytes) => strictWork(fars, bytes, others)),
    ...sizes.map((bytes) => windowWork(fars, bytes, others)),
    tripWork(fars, others), bulkWork(fars, others),
    processWork(far.circuit, 'far')
  ]
  const end = async () => {
    await others.bare.end()
    await others.brokers?.end()
    others.calls?.end()
    for (const { circuit, orders } of Object.values(fars)) {
      await orders.close()
      await circuit.leave()
    }
    await place.end()
  }
  return { works, end }
}

/** A far process over a road, in a circuit of its own with a near peer here. */
async function farOf(place: Place, between: Between, name: string): Promise<Far> {
  const [near, far] = between === 'libp2p' ? ['near', 'far'] : ['beside', 'here']
  const circuit = await join({ name: near!, ...place.options(near!, between) })
  await place.run('far.ts', far!, between)
  for await (const { event, peer } of circuit.members()) {
    if (event === 'joined' && peer.name === far) break
  }
  const orders = await circuit.open<Order>(`/${far}/orders`)
  const channel = await circuit.open<Uint8Array>(`/${far}/channel`)
  return { name, circuit, orders, channel, wide: await circuit.open<Uint8Array>(`/${far}/wide`) }
}

function strictWork(fars: Fars, bytes: number, { calls }: Others): Work {
  const work = `${bytes} bytes one way, each send awaited`
  const ours = SENDERS.map((senders) => strict(fars.libp2p, bytes, senders))
  const here = SENDERS.map((senders) => strict(fars.unix, bytes, senders))
  const beside = calls === undefined ? [] : SENDERS.map((senders) => calls.strict(bytes, senders))
  const grows = ours.slice(1).map(({ name }, at) => ({
    row: `${work}: ${SENDERS[at + 1]} senders beside ${SENDERS[at]}`,
    ours: name, beside: [ours[at]!.name],
    target: 'grows with senders', speed_least: 1, as_rate: true
  }))
  return {
    name: work, unit: 'message', bytes, contenders: [...ours, ...here, ...beside],
    goals: [
      ...[ours, here].flatMap((some, road) => some.map(({ name }, at) => ({
        row: `${work}, ${counted(SENDERS[at]!, 'sender')}, ${ROADS[road]}`, ours: name,
        reference: GOCIRCUIT,
        shown: beside[at] === undefined || road > 0 ? [] : [beside[at].name],
        target: `≥ ${TEN_TIMES}× gocircuit`, speed_least: TEN_TIMES, as_rate: true
      }))),
      ...grows
    ]
  }
}

function windowWork(fars: Fars, bytes: number, { bare, brokers }: Others): Work {
  const work = `${bytes} bytes one way, windows of ${WINDOW}`
  const ours = windowed(fars.libp2p, bytes, true, WINDOW)
  const back = windowed(fars.libp2p, bytes, false, WINDOW)
  const here = windowed(fars.unix, bytes, true, WINDOW)
  const lists = listed(fars.libp2p, bytes)
  const each = bare.each(bytes)
  const coalesced = bare.coalesced(bytes)
  const others = brokers?.oneWay(bytes) ?? []
  const nats = others.filter(({ name }) => name === 'NATS').map(({ name }) => name)
  const rest = others.filter(({ name }) => name !== 'NATS').map(({ name }) => name)
  const shared = { ours: ours.name, as_rate: true }
  return {
    name: work, unit: 'message', bytes,
    contenders: [ours, lists, back, here, ...others, each, coalesced],
    goals: [
      { ...shared, row: `${work}, encrypted`, target: '≥ 1 M/s', most_ns: 1000,
        shown: [...rest, each.name] },
      { ...shared, row: `${work}, beside NATS`, beside: nats, target: 'ahead of NATS',
        speed_least: 1 },
      { ...shared, row: `${work}, beside the bare stream`, beside: [coalesced.name],
        target: '≥ 0.5× of it coalesced', speed_least: 0.5 },
      { row: `${bytes} bytes one way, ${LISTS}, beside the bare stream`, ours: lists.name,
        beside: [coalesced.name], target: '≥ 0.5× of it coalesced', speed_least: 0.5,
        as_rate: true },
      { row: `${work}, over a Unix socket`, ours: here.name, as_rate: true,
        target: '≥ 1 M/s', most_ns: 1000 }
    ]
  }
}

function tripWork(fars: Fars, { bare, brokers }: Others): Work {
  const between = (far: Far): Contender => ({
    name: `${far.name}, a channel at each end`, run: (count: number) => roundTrip(far, count)
  })
  const [ours, here] = [between(fars.libp2p), between(fars.unix)]
  const stream = bare.roundTrip(ROUND_TRIP_BYTES)
  const others = brokers?.roundTrip(ROUND_TRIP_BYTES) ?? []
  return {
    name: `round trip of ${ROUND_TRIP_BYTES} bytes`,
    unit: 'round trip', contenders: [ours, here, stream, ...others],
    goals: [{
      ours: ours.name, beside: [stream.name], shown: [here, ...others].map(({ name }) => name),
      target: '≤ 1.3× the bare stream', time_most: 1.3
    }]
  }
}

function bulkWork(fars: Fars, { bare }: Others): Work {
  const ours = windowed(fars.libp2p, CHUNK_BYTES, true, CHUNK_WINDOW)
  const back = windowed(fars.libp2p, CHUNK_BYTES, false, CHUNK_WINDOW)
  const here = windowed(fars.unix, CHUNK_BYTES, true, CHUNK_WINDOW)
  const stream = bare.each(CHUNK_BYTES)
  return {
    name: `${CHUNKS * CHUNK_BYTES >> 20} MiB in messages of ${CHUNK_BYTES >> 10} KiB`,
    unit: 'message', bytes: CHUNK_BYTES, count: CHUNKS, rounds: CHUNK_ROUNDS,
    contenders: [ours, back, here, stream],
    goals: [{
      ours: ours.name, beside: [stream.name], shown: [here.name],
      target: '≥ 0.8× the bare stream', speed_least: 0.8
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
function strict(
  { name, circuit, orders, channel }: Far, bytes: number, senders: number
): Contender {
  return {
    name: `${name}, await each send, ${counted(senders, 'sender')}`,
    async run(count) {
      const done = circuit.channel<Tally>({ capacity: 1 })
      await orders.send({ kind: 'sink', count, from: channel, prefetch: 0, most: 0, done })
      await sendEach(senders, bytes, count, (message) => channel.send(message))
      await verify(done, count)
    }
  }
}

/** A writer and a reader with windows; the channel lives at the sender or at the receiver. */
function windowed(
  { name, circuit, orders, channel }: Far, bytes: number, at_receiver: boolean, window: number
): Contender {
  return {
    name: `${name}, windows of ${window}, channel at the ${at_receiver ? 'receiver' : 'sender'}`,
    async run(count) {
      const through = at_receiver ? channel : circuit.channel<Uint8Array>({ capacity: CAPACITY })
      const done = circuit.channel<Tally>({ capacity: 1 })
      await orders.send({ kind: 'sink', count, from: through, prefetch: window, most: 0, done })
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

/** The same, with lists in the place of single messages. */
function listed({ name, circuit, orders, wide }: Far, bytes: number): Contender {
  return {
    name: `${name}, ${LISTS}`,
    async run(count) {
      const done = circuit.channel<Tally>({ capacity: 1 })
      const order = { kind: 'sink', prefetch: LISTED_WINDOW, most: LISTED } as const
      await orders.send({ ...order, count, from: wide, done })
      await using writer = wide.writer({ window: LISTED_WINDOW })
      const list = Array.from({ length: LISTED }, () => new Uint8Array(bytes))
      const views = list.map((message) => new DataView(message.buffer))
      for (let sent = 0; sent < count; sent += list.length) {
        if (count - sent < list.length) list.length = count - sent
        for (let at = 0; at < list.length; at++) views[at]!.setUint32(0, sent + at + 1)
        await writer.sendMany(list)
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
