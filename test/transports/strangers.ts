/**
 * Programs that speak libp2p and are no peers of ours.
 */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { PROTOCOL } from '../../transports/libp2p.ts'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'

/** A bare libp2p node. */
export interface Stranger {
  readonly node: Libp2p
  connect(addresses: readonly string[]): Promise<Connection>
  /** Opens a stream at the first address. */
  open(addresses: readonly string[], protocol?: string): Promise<Stream>
  stop(): Promise<void>
}

/** Makes one that listens nowhere. */
export async function strangerOf(): Promise<Stranger> {
  const node = await createLibp2p({
    transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()],
    connectionMonitor: { enabled: false }
  })
  const connect = (addresses: readonly string[]) => node.dial(multiaddr(addresses[0]!))
  return {
    node,
    connect,
    open: async (addresses, protocol = PROTOCOL) =>
      (await connect(addresses)).newStream(protocol),
    stop: async () => { await node.stop() }
  }
}
