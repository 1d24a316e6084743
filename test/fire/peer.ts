/**
 * Real peers that are only reached through a proxy: a core, libp2p, TCP.
 *
 * Lives here: making one, here or in a process of its own. Does not live here: what it does
 * (flows.ts), what the proxy does to it (proxy.ts).
 *
 * A peer tells the proxy's address for its own, so that everyone dials the proxy, also after a cut.
 */
import { createCircuit, type Circuit } from '../../bindings/js/circuit.ts'
import { circuitWasm } from '../../bindings/node/wasm.ts'
import { libp2pTransport, type Libp2pTransport } from '../../transports/libp2p.ts'
import type { Link, Transport, TransportEvents } from '../../transports/transport.ts'

const ALL_RIGHTS = 7
const SEED_BYTES = 32

/** libp2p that says another address than it listens at. */
class Behind implements Transport {
  readonly name = 'libp2p behind a proxy'
  readonly #inner: Libp2pTransport
  readonly #address: string

  constructor(inner: Libp2pTransport, address: string) {
    this.#inner = inner
    this.#address = address
  }

  start({ link }: TransportEvents): Promise<void> { return this.#inner.start({ link }) }
  addresses(): readonly string[] { return [this.#address] }
  speaks(address: string): boolean { return this.#inner.speaks(address) }
  stop(): Promise<void> { return this.#inner.stop() }
  dial(peer: string, addresses: readonly string[], signal: AbortSignal): Promise<Link> {
    return this.#inner.dial(peer, addresses, signal)
  }
}

export interface Made { circuit: Circuit, port: number }

/** Makes a peer; `nth` makes its key, `address` is what it tells for its own. */
export async function peerBehind(
  name: string, nth: number, address: string, incarnation = 1
): Promise<Made> {
  const key = new Uint8Array(SEED_BYTES).fill(nth)
  const transport = await libp2pTransport({ key, listen: ['/ip4/127.0.0.1/tcp/0'] })
  const circuit = await createCircuit({
    wasm: await circuitWasm(), id: transport.peer, name, incarnation, chain: new Uint8Array([1]),
    transports: [new Behind(transport, address)],
    verify: async () => ({ rights: ALL_RIGHTS, prefix: '', expires: 0 })
  })
  const port = Number(/\/tcp\/(\d+)/.exec(transport.addresses()[0]!)![1])
  return { circuit, port }
}
