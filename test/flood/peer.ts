/**
 * One peer in a process of its own, for measuring what a flood does to others.
 *
 * Run by flood.ts as `peer.ts ROLE CIRCUIT STATE`: `owner` answers on its channels, `honest`
 * measures round trips to it when it is told, `flooder` asks the owner without end when it is told.
 * Orders are lines on standard input, answers JSON lines on standard output.
 */
import { createInterface } from 'node:readline'
import { join } from '../../bindings/node/index.ts'
import type { Channel, Circuit } from '../../bindings/node/index.ts'

const [role = '', circuit_name = '', state = ''] = process.argv.slice(2)
/** What the flooder has out at once: as much as it may. */
const OUT = 4_096
const ASKERS = 500

const circuit = await join({
  name: role, circuit: circuit_name, state, discovery: ['local'], listen: ['/ip4/127.0.0.1/tcp/0'],
  processes: false
})
const say = (line: object): void => { process.stdout.write(`${JSON.stringify(line)}\n`) }
let flooding = false

async function own(here: Circuit): Promise<void> {
  const asked = await here.make<Channel<number>>('asked', { capacity: 16 })
  const sink = await here.make<number>('sink', { capacity: 4_096 })
  say({ ready: true })
  void drain(sink).catch(() => { /* It leaves. */ })
  for await (const reply of asked) void reply.send(1).catch(() => {})
}

/** Takes whatever comes. */
async function drain(sink: Channel<number>): Promise<void> {
  using reader = sink.reader({ prefetch: 4_096 })
  for await (const _ of reader) { /* It is a flood. */ }
}

async function measure(here: Circuit, trips: number): Promise<void> {
  const asked = await here.open<Channel<number>>('/owner/asked')
  const reply = here.channel<number>({ capacity: 1 })
  const times: number[] = []
  for (let nth = 0; nth < trips; nth++) {
    const begun = performance.now()
    await asked.send(reply)
    await reply.receive()
    times.push(performance.now() - begun)
  }
  times.sort((a, b) => a - b)
  say({ median_ms: times[trips >> 1], high_ms: times[Math.floor(trips * 0.95)] })
}

/** Messages as fast as they go, with requests between them. */
async function flood(here: Circuit): Promise<void> {
  const sink = await here.open<number>('/owner/sink')
  let sent = 0
  const begun = performance.now()
  const write = async (): Promise<void> => {
    await using writer = sink.writer({ window: OUT })
    for (; flooding; sent++) await writer.send(sent)
  }
  const ask = async (): Promise<void> => {
    for (; flooding; sent++) await here.stat('/owner/none').catch(() => {})
  }
  say({ flooding: true })
  await Promise.all([write(), write(), ...Array.from({ length: ASKERS }, ask)])
  say({ sent, per_second: Math.round(sent / (performance.now() - begun) * 1_000) })
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const [order, count] = line.split(' ')
  if (order === 'measure') void measure(circuit, Number(count))
  if (order === 'flood') {
    flooding = true
    void flood(circuit)
  }
  if (order === 'rest') flooding = false
  if (order === 'met') say({ peers: circuit.peers().length })
}).on('close', () => { void circuit.leave().finally(() => process.exit()) })
if (role === 'owner') own(circuit).catch(() => { /* It leaves. */ })
else say({ ready: true })
