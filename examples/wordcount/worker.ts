/**
 * A worker's program: joins the circuit, finds the producer, counts until the channel is closed.
 *
 * Run: `node worker.ts NAME CIRCUIT STATE_FOLDER PRODUCER`; main.ts does.
 */
import { join } from 'circuit-csp'
import type { Job } from './job.ts'
import { work } from './work.ts'

const [name = 'worker', circuit_name = 'default', state = '', producer = ''] = process.argv.slice(2)
await using circuit = await join({ name, circuit: circuit_name, state, discovery: ['local'] })
for await (const { event, peer } of circuit.members()) {
  if (event === 'joined' && peer.name === producer) break
}
await work(circuit, await circuit.open<Job>(`/${producer}/jobs`))
