/**
 * What a worker does, at every peer.
 *
 * Lives here: the loop. Does not live here: the processes that count (pipeline), who hands out
 * (producer), how a peer joins (worker, main).
 */
import type { Channel, Circuit } from 'circuit-csp'
import type { Job } from './job.ts'
import { countHere } from './pipeline.ts'

/** Counts one job after the other until the channel is closed. */
export async function work(circuit: Circuit, jobs: Channel<Job>): Promise<void> {
  const worker = circuit.self.id
  for await (const { number, text, reports } of jobs) {
    // Said before it is done: should this peer die, the producer knows what it had.
    await reports.send({ number, worker })
    await reports.send({ number, worker, counts: await countHere(circuit, text) })
    reports[Symbol.dispose]()
  }
}
