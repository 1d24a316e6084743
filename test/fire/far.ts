/**
 * The far peer, in a process of its own, behind a proxy of its own.
 *
 * Lives here: carrying out orders. Does not live here: the orders (far_process.ts).
 *
 * Run by far_process.ts: `far.ts NAME NTH ADDRESS INCARNATION`.
 */
import type { Channel } from '../../bindings/js/channel.ts'
import { receiveFlow, sendFlow, type Flow } from './flows.ts'
import { peerBehind } from './peer.ts'

/** What the near side asks for. */
export type FarOrder = { id: number } & (
  | { do: 'find', peer: string, addresses: string[] }
  | { do: 'make', path: string, capacity: number }
  | { do: 'send' | 'receive', flow: Flow, path: string }
  | { do: 'take', path: string, count: number }
  | { do: 'drain', path: string }
  | { do: 'stat', path: string }
  | { do: 'peers' }
  | { do: 'memory' }
  | { do: 'leave' }
)

/** What it answers. */
export interface FarAnswer { id: number, result?: unknown, error?: string }

const [name = 'far', nth = '2', address = '', incarnation = '1'] = process.argv.slice(2)
const { circuit, port } = await peerBehind(name, Number(nth), address, Number(incarnation))
const held = new Map<string, Channel<Uint8Array>>()

process.on('message', (order: FarOrder) => {
  carryOut(order).then(
    (result) => process.send?.({ id: order.id, result } satisfies FarAnswer),
    (error: Error) => process.send?.({ id: order.id, error: error.stack ?? error.message }))
})
process.on('disconnect', () => process.exit(0))
process.send!({ id: 0, result: { peer: circuit.self.id, port } } satisfies FarAnswer)

async function carryOut(order: FarOrder): Promise<unknown> {
  switch (order.do) {
    case 'find': return circuit.found(order.peer, order.addresses)
    case 'make':
      held.set(order.path, await circuit.make(order.path, { capacity: order.capacity }))
      return undefined
    case 'send': return sendFlow(await opened(order.path), order.flow)
    case 'receive': return receiveFlow(await opened(order.path), order.flow)
    case 'take': return take(await opened(order.path), order.count)
    case 'drain': return drain(await opened(order.path))
    case 'stat': return circuit.stat(order.path)
    case 'peers': return circuit.peers().map((peer) => peer.name)
    case 'memory': {
      const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage()
      return { rss, heapUsed, external, arrayBuffers }
    }
    case 'leave':
      await circuit.leave()
      return process.disconnect()
  }
}

/** Receives so many messages, and gives their numbers. */
async function take(channel: Channel<Uint8Array>, count: number): Promise<number[]> {
  const numbers: number[] = []
  while (numbers.length < count) numbers.push(first((await channel.receive()).value!))
  return numbers
}

/** Receives what is there now. */
async function drain(channel: Channel<Uint8Array>): Promise<number[]> {
  const numbers: number[] = []
  for (;;) {
    const found = await channel.tryReceive()
    if (found === undefined || !found.ok) return numbers
    numbers.push(first(found.value))
  }
}

function first(message: Uint8Array): number {
  return new DataView(message.buffer, message.byteOffset, message.length).getUint32(0)
}

async function opened(path: string): Promise<Channel<Uint8Array>> {
  const known = held.get(path)
  if (known !== undefined) return known
  const channel = await circuit.open<Uint8Array>(path)
  held.set(path, channel)
  return channel
}
