/**
 * The libp2p transport: the duties of all, and what real sockets and processes add.
 */
import { libp2pTransport } from '../../transports/libp2p.ts'
import { compliance } from './compliance.ts'
import { strangerOf } from './strangers.ts'
import type { World } from './compliance.ts'

let made = 0

async function world(): Promise<World> {
  const ends: Array<() => Promise<void>> = []
  return {
    make: async () => {
      const key = new Uint8Array(32)
      new DataView(key.buffer).setUint32(0, ++made)
      const transport = await libp2pTransport({ key, listen: ['/ip4/127.0.0.1/tcp/0'] })
      return { peer: transport.peer, transport }
    },
    nowhere: '/ip4/127.0.0.1/tcp/1',
    raw: async (to, chunks) => {
      const stranger = await strangerOf()
      ends.push(() => stranger.stop())
      const stream = await stranger.open(to.transport.addresses())
      const ended = new Promise<void>((resolve) => {
        stream.addEventListener('close', () => resolve())
      })
      for (const chunk of chunks) stream.send(chunk)
      return { ended }
    },
    close: async () => { for (const end of ends) await end() }
  }
}

compliance('libp2p', world)
