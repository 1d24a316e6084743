/**
 * A link from nothing over real libp2p, on a road that is only slow.
 *
 * Lives here: a relay of bytes that keeps each for a while, and what a first link costs through it.
 * Does not live here: what is counted without a machine (trips.ts).
 *
 * The time of it divided by that of the road is the number of round trips; the way is so long that
 * what the processes do meanwhile is a small part of one. TCP's own handshake, which the relay
 * answers at once, is added.
 */
import { createServer, connect, type AddressInfo, type Socket } from 'node:net'
import { readFileSync } from 'node:fs'
import { libp2pTransport } from '../../dist/transports/libp2p.js'
import { createCircuit, type Circuit } from './circuit.ts'
import type { Fact } from './goal.ts'

const WAY_MS = 150
const TRIPS_MOST = 8
const HANDSHAKE_TRIPS = 1
const ROUNDS = 5
const ALL_RIGHTS = 7

/** Round trips from `found` until both are members and a first message is there. */
export async function linkFromNothing(): Promise<Fact> {
  // The first one warms the code up.
  await once(0)
  const trips: number[] = []
  for (let round = 0; round < ROUNDS; round++) trips.push(await once(WAY_MS))
  trips.sort((a, b) => a - b)
  const spread = `${trips[0]!.toFixed(2)} … ${trips.at(-1)!.toFixed(2)}`
  return {
    work: 'round trips, counted',
    name: 'a link from nothing: TCP, Noise, Yamux, hello, until the other is a member',
    value: trips[ROUNDS >> 1]!, unit: 'trips', target: { text: '≤ 8', most: TRIPS_MOST },
    beside: `${spread}; real libp2p on a road of ${WAY_MS} ms each way, `
      + 'TCP\'s handshake counted as 1'
  }
}

async function once(way_ms: number): Promise<number> {
  const alice = await peer('alice')
  const bob = await peer('bob')
  const address = bob.self.addresses[0]!
  const port = Number(/\/tcp\/(\d+)/.exec(address)![1])
  const relay = await slowRelay(port, way_ms)
  try {
    const from = performance.now()
    alice.found(bob.self.id, [address.replace(`/tcp/${port}`, `/tcp/${relay.port}`)])
    for await (const { event, peer: { id } } of alice.members()) {
      if (event === 'joined' && id === bob.self.id) break
    }
    return (performance.now() - from) / (2 * way_ms) + HANDSHAKE_TRIPS
  } finally {
    await Promise.all([alice.leave(), bob.leave()])
    relay.end()
  }
}

async function peer(name: string): Promise<Circuit> {
  const key = crypto.getRandomValues(new Uint8Array(32))
  const transport = await libp2pTransport({ key, listen: ['/ip4/127.0.0.1/tcp/0'] })
  return createCircuit({
    wasm: new WebAssembly.Module(readFileSync(new URL('../../dist/circuit.wasm', import.meta.url))),
    id: transport.peer,
    name,
    incarnation: 1,
    chain: new Uint8Array([1]),
    transports: [transport],
    verify: async () => ({ rights: ALL_RIGHTS, prefix: '', expires: 0 })
  })
}

/** Hands on what comes at its port to another one and back, each byte later. */
async function slowRelay(port: number, way_ms: number) {
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    for (const [from, to] of [[near, far], [far, near]] as const) {
      sockets.add(from)
      from.setNoDelay()
      from.on('error', () => {})
      from.on('data', (bytes) => { setTimeout(() => to.write(bytes), way_ms) })
      from.on('close', () => setTimeout(() => to.destroy(), way_ms))
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    end() {
      server.close()
      for (const socket of sockets) socket.destroy()
    }
  }
}
