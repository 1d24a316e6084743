/**
 * The memory transport: the duties of all, and its faults on a clock of the test's own.
 */
import { MemoryNetwork } from '../../transports/memory.ts'
import { compliance } from './compliance.ts'
import { Witness } from './compliance/witness.ts'
import type { MemoryOptions } from '../../transports/memory.ts'
import type { World } from './compliance/witness.ts'

async function worldOf(options: MemoryOptions): Promise<World> {
  const network = new MemoryNetwork(options)
  let made = 0
  const make: World['make'] = async () => {
    const peer = `peer${++made}`
    return { peer, transport: network.transport(peer) }
  }
  return {
    make,
    nowhere: 'memory:nobody',
    raw: async (to, chunks) => {
      const { peer, transport } = await make()
      const signal = AbortSignal.timeout(30_000)
      const near = new Witness(await transport.dial(to.peer, to.transport.addresses(), signal))
      for (const chunk of chunks) network.inject(peer, to.peer, chunk)
      return { ended: near.gone() }
    },
    close: async () => {}
  }
}

compliance('memory', () => worldOf({}))
compliance('memory in random pieces', () => worldOf({ chunk_bytes_max: 3_000, jitter_ms: 1 }))
