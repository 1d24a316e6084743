/**
 * The far process: receives, counts, echoes, as it is told.
 *
 * Lives here: the far side of remote.ts. Does not live here: bare streams (bare-far.ts).
 *
 * Run by remote.ts: `far.ts NAME [ROAD]`.
 */
import { join, type Channel } from './circuit.ts'
import { Place, type Between } from './place.ts'
import { weigh, type Weight } from './weight.ts'

/** What the near side asks for: it sends one order, then `count` messages. */
export type Order = { count: number, from: Channel<Uint8Array>, done: Channel<Tally> } & (
  /** `most`: of a list; 0: one by one. */
  | { kind: 'sink', prefetch: number, most: number }
  | { kind: 'echo', to: Channel<Uint8Array> }
  | { kind: 'weigh' }
)

/** How many messages came, and the sum of their numbers; what this process holds, when asked. */
export interface Tally { count: number, sum: number, weight?: Weight }

const CAPACITY = 1024
/** For lists: room for a window of their own. */
const WIDE_CAPACITY = 4096

/** The number that a message carries. */
function numberOf(message: Uint8Array): number {
  return (message[0]! << 24 | message[1]! << 16 | message[2]! << 8 | message[3]!) >>> 0
}

async function sink(
  from: Channel<Uint8Array>, count: number, prefetch: number, most: number
): Promise<Tally> {
  let sum = 0
  if (prefetch === 0) {
    for (let i = 0; i < count; i++) sum += numberOf((await from.receive()).value!)
    return { count, sum }
  }
  using reader = from.reader({ prefetch })
  if (most === 0) {
    for (let i = 0; i < count; i++) sum += numberOf((await reader.receive()).value!)
    return { count, sum }
  }
  for (let got = 0; got < count;) {
    const messages = await reader.receiveMany(most)
    for (const message of messages) sum += numberOf(message)
    got += messages.length
  }
  return { count, sum }
}

async function echo(
  from: Channel<Uint8Array>, to: Channel<Uint8Array>, count: number
): Promise<Tally> {
  let sum = 0
  for (let i = 0; i < count; i++) {
    const { value } = await from.receive()
    sum += numberOf(value!)
    await to.send(value!)
  }
  return { count, sum }
}

async function tallyOf(
  order: Order, from: Channel<Uint8Array>, count: number
): Promise<Tally> {
  switch (order.kind) {
    case 'sink': return sink(from, count, order.prefetch, order.most)
    case 'echo': return echo(from, order.to, count)
    case 'weigh': return { count: 0, sum: 0, weight: await weigh() }
  }
}

const [name = 'far', between = 'libp2p'] = process.argv.slice(2)
await using circuit = await join({ name, ...Place.inherited(name, between as Between) })
const orders = await circuit.make<Order>('orders', { capacity: 1 })
await circuit.make<Uint8Array>('channel', { capacity: CAPACITY })
await circuit.make<Uint8Array>('wide', { capacity: WIDE_CAPACITY })
process.on('disconnect', () => process.exit())
process.send!('ready')
for await (const order of orders) {
  const { from, count, done } = order
  await done.send(await tallyOf(order, from, count))
}
