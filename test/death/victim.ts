/**
 * A peer in a process of its own that will be killed or frozen in the middle of something.
 *
 * Lives here: beginning operations as it is told, and saying how they ended while it lives. Does
 * not live here: when it dies (victims.ts and the tests).
 *
 * Run by victims.ts: `victim.ts NAME FOLDER`. What it saw is in a file before it goes on, so that a
 * kill takes nothing of it away.
 */
import { openSync, writeSync } from 'node:fs'
import { join as pathOf } from 'node:path'
import type { Channel } from '../../bindings/js/channel.ts'
import { Loss } from '../../bindings/js/errors.ts'
import { select } from '../../bindings/js/select.ts'
import type { Reader } from '../../bindings/js/window.ts'
import { join } from '../../bindings/node/join.ts'

/** What the test wants begun; `id` names its end. */
export type Begin = { id: number } & (
  | { do: 'make', path: string, capacity: number }
  | { do: 'receive', path: string }
  | { do: 'send', path: string, value: number }
  | { do: 'select', send: string, value: number, receive: string }
  /** A reader with a window, of which so many are read. */
  | { do: 'window', path: string, prefetch: number, count: number }
  /** The next one of that window. */
  | { do: 'read', path: string }
  /** Receives for ever; each is noted in the file `seen`. */
  | { do: 'follow', path: string }
  /** Sends first, first + 1, … for ever; each that is done is noted in the file `sent`. */
  | { do: 'pour', path: string, first: number }
  | { do: 'stat', path: string }
  | { do: 'self' }
  | { do: 'peers' }
)

/** `begun` when the call was made and reached the owner, then how it ended. */
export interface Told { id: number, begun?: true, result?: unknown, error?: string }

const [name = 'victim', folder = '.'] = process.argv.slice(2)
const circuit = await join({
  name, state: pathOf(folder, name), listen: ['/ip4/127.0.0.1/tcp/0'], discovery: ['local']
})
const readers = new Map<string, Reader<number>>()
const opened = new Map<string, Channel<number>>()
const file = (what: string) => openSync(pathOf(folder, `${name}.${what}`), 'a')

process.on('message', (order: Begin) => { void carryOut(order) })
process.on('disconnect', () => process.exit(0))
tell({ id: 0, result: circuit.self.id })

async function carryOut(order: Begin): Promise<void> {
  const { id } = order
  try {
    tell({ id, result: await run(order, () => tell({ id, begun: true })) })
  } catch (error) {
    // After a loss a reference is of no more use: channels are opened anew.
    opened.clear()
    tell({ id, error: error instanceof Loss ? `${error.code} ${error.outcome}` : String(error) })
  }
}

async function run(order: Begin, begun: () => void): Promise<unknown> {
  if (order.do === 'self') return circuit.self.incarnation
  if (order.do === 'peers') return circuit.peers().map((peer) => peer.name)
  if (order.do === 'make') {
    opened.set(order.path, await circuit.make(order.path, { capacity: order.capacity }))
    return undefined
  }
  if (order.do === 'select') {
    const out = await channelAt(order.send)
    const from = await channelAt(order.receive)
    const chosen = select([out.sending(order.value), from.receiving()])
    await Promise.all([out.stat(), from.stat()])
    begun()
    return chosen
  }
  const channel = await channelAt(order.path)
  switch (order.do) {
    case 'stat': return channel.stat()
    case 'receive': return afterwards(channel, channel.receive(), begun)
    case 'send': return afterwards(channel, channel.send(order.value), begun)
    case 'window': return openWindow(channel, order, begun)
    case 'read': return readers.get(order.path)!.receive()
    case 'follow': return follow(channel, begun)
    case 'pour': return pour(channel, order.first, begun)
  }
}

async function channelAt(path: string): Promise<Channel<number>> {
  const known = opened.get(path)
  if (known !== undefined) return known
  const channel = await circuit.open<number>(path)
  opened.set(path, channel)
  return channel
}

/** A look at the channel comes back after the operation has reached the owner. */
async function afterwards<T>(
  channel: Channel<number>, operation: Promise<T>, begun: () => void
): Promise<T> {
  operation.catch(() => {})
  await channel.stat()
  begun()
  return operation
}

async function openWindow(
  channel: Channel<number>, { path, prefetch, count }: Extract<Begin, { do: 'window' }>,
  begun: () => void
): Promise<number[]> {
  const reader = channel.reader({ prefetch })
  readers.set(path, reader)
  const read: number[] = []
  while (read.length < count) read.push((await reader.receive()).value!)
  await channel.stat()
  begun()
  return read
}

async function follow(channel: Channel<number>, begun: () => void): Promise<void> {
  const seen = file('seen')
  begun()
  for (;;) {
    const { value, ok, again } = await channel.receive()
    if (!ok) return
    writeSync(seen, `${value}${again ? ' again' : ''}\n`)
  }
}

async function pour(channel: Channel<number>, first: number, begun: () => void): Promise<void> {
  const sent = file('sent')
  begun()
  for (let value = first; ; value++) {
    await channel.send(value)
    writeSync(sent, `${value}\n`)
  }
}

function tell(told: Told): void {
  if (process.connected) process.send!(told)
}
