/**
 * A peer in a process of its own: it prints its id and addresses, and then sends every byte back,
 * or reads nothing at all when told `deaf`. With a folder it is reached over a Unix socket in it,
 * else over libp2p.
 */
import { libp2pTransport } from '../../transports/libp2p.ts'
import { unixPeer } from './sockets.ts'
import type { Made } from './compliance/witness.ts'

async function overTcp(): Promise<Made> {
  const tcp = await libp2pTransport({ key, listen: ['/ip4/127.0.0.1/tcp/0'] })
  return { peer: tcp.peer, transport: tcp }
}

const [seed = '1', mode = 'echo', folder] = process.argv.slice(2)
const key = new Uint8Array(32).fill(Number(seed))
const { peer, transport } = folder === undefined ? await overTcp() : await unixPeer(folder, key)
await transport.start({
  link: (link) => {
    link.open({
      bytes: (chunks) => { link.send([...chunks]) },
      ready: () => {},
      down: () => {}
    })
    if (mode === 'deaf') link.pause()
  }
})
console.log(JSON.stringify({ peer, addresses: transport.addresses() }))
// Its parent holds the other end: it never outlives the test.
process.stdin.resume()
process.stdin.on('end', () => process.exit(0))
