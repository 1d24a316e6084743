/**
 * A process at another peer: started, its exit seen, beside a child process here.
 *
 * Lives here: `/bin/true`, started and waited for. Does not live here: whole peers (start.ts).
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Circuit } from './circuit.ts'
import type { Work } from './timing.ts'

const PROGRAM = '/bin/true'
const TIMES_MOST = 1.5

let started = 0

/** The work: `peer` is another peer of the circuit, by its name. */
export function processWork(circuit: Circuit, peer: string): Work {
  const child = 'child_process, spawn to exit'
  const trip = 'one round trip: a stat of a path there'
  const place = `/${peer}/channel`
  return {
    name: `a process at another peer: ${PROGRAM}, start to exit seen`, unit: 'process',
    contenders: [
      { name: 'circuit, start and wait', run: (count) => startThere(circuit, peer, count) },
      { name: child, run: startHere },
      {
        name: trip,
        async run(count) { for (let i = 0; i < count; i++) await circuit.stat(place) }
      }
    ],
    goals: [{
      ours: 'circuit, start and wait', beside: [child], shown: [trip],
      target: `≤ ${TIMES_MOST}× child_process + 1 round trip`,
      bound_ns(figures) {
        const find = (name: string) => figures.find(({ contender }) => contender === name)
        const local_ns = find(child)?.median_ns
        const trip_ns = find(trip)?.median_ns
        if (local_ns === undefined || trip_ns === undefined) return undefined
        return TIMES_MOST * local_ns + trip_ns
      }
    }]
  }
}

async function startThere(circuit: Circuit, peer: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const path = `/${peer}/true-${++started}`
    const process = await circuit.start(path, { path: PROGRAM })
    const { code } = await process.wait()
    if (code !== 0) throw new Error(`${PROGRAM} ended with ${code}`)
    await process.scrub()
  }
}

async function startHere(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const [code] = await once(spawn(PROGRAM), 'exit')
    if (code !== 0) throw new Error(`${PROGRAM} ended with ${code}`)
  }
}
