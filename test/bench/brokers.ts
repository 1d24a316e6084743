/**
 * The same works over NATS, Redis and ZeroMQ: two programs, messages with numbers, counted and
 * summed at the far end.
 *
 * Lives here: the near program. Does not live here: the far one (brokers-far.ts), the roads
 * (roads.ts), calls over WebSockets (calls.ts).
 */
import { once } from 'node:events'
import type { ChildProcess } from 'node:child_process'
import type { BrokerOrder, BrokerTally } from './brokers-far.ts'
import type { Place } from './place.ts'
import { openRoad, type Road, type System } from './roads.ts'
import { serve } from './servers.ts'
import { same, type Contender } from './timing.ts'

const SYSTEMS: System[] = ['NATS', 'Redis', 'ZeroMQ']

/** What each does, in the report's words. */
const WAYS: Record<System, { one_way: string, note: string }> = {
  NATS: { one_way: 'NATS', note: 'not encrypted; at most once; nobody waits for the receiver' },
  Redis: {
    one_way: 'Redis, publish in pipelines of 256',
    note: 'not encrypted; at most once; nobody waits for the receiver'
  },
  ZeroMQ: { one_way: 'ZeroMQ, push and pull', note: 'not encrypted; no server' }
}

/** The contenders of each work. */
export interface Brokers {
  oneWay(bytes: number): Contender[]
  roundTrip(bytes: number): Contender[]
  end(): Promise<void>
}

interface Open { road: Road, far: ChildProcess, hear: (listen: Listen) => void }
type Listen = (message: Uint8Array) => void

/** Starts the servers that are there, and a far program for each. */
export async function startBrokers(place: Place): Promise<Brokers> {
  const opened = new Map<System, Open | string>()
  for (const system of SYSTEMS) opened.set(system, await open(place, system))
  const each = (
    name: (system: System) => string, run: (open: Open, count: number) => Promise<void>
  ) => SYSTEMS.map((system): Contender => {
    const one = opened.get(system)!
    if (typeof one === 'string') return { name: name(system), absent: one, run() {} }
    return { name: name(system), note: WAYS[system].note, run: (count) => run(one, count) }
  })
  return {
    oneWay: (bytes) =>
      each((system) => WAYS[system].one_way, (one, count) => oneWay(one, bytes, count)),
    roundTrip: (bytes) => each((system) => system, (one, count) => roundTrip(one, bytes, count)),
    async end() {
      for (const one of opened.values()) if (typeof one !== 'string') await one.road.end()
    }
  }
}

async function open(place: Place, system: System): Promise<Open | string> {
  const port = await serve(place, system)
  if (typeof port === 'string') return port
  let listen: Listen = () => {}
  const road = await openRoad(system, port, 'near', (message) => listen(message))
  const far = place.forked('brokers-far.ts', system, String(port))
  await once(far, 'message')
  return { road, far, hear: (next) => { listen = next } }
}

async function oneWay({ road, far }: Open, bytes: number, count: number): Promise<void> {
  const tally = once(far, 'message')
  await ordered(far, { count, echo: false })
  const message = new Uint8Array(bytes)
  const view = new DataView(message.buffer)
  for (let i = 1; i <= count; i++) {
    view.setUint32(0, i)
    const full = road.send(message)
    if (full !== undefined) await full
  }
  await road.flush()
  verify(await tally, count)
}

async function roundTrip({ road, far, hear }: Open, bytes: number, count: number): Promise<void> {
  const tally = once(far, 'message')
  await ordered(far, { count, echo: true })
  const message = new Uint8Array(bytes)
  const view = new DataView(message.buffer)
  let sum = 0
  let wake = () => {}
  hear((answer) => {
    sum += new DataView(answer.buffer, answer.byteOffset).getUint32(0)
    wake()
  })
  for (let i = 1; i <= count; i++) {
    const heard = new Promise<void>((resolve) => { wake = resolve })
    view.setUint32(0, i)
    void road.send(message)
    void road.flush()
    await heard
  }
  same(sum, count * (count + 1) / 2, 'the sum of the answers')
  verify(await tally, count)
}

/** Sent before the first message; the far end keeps what overtakes it. */
async function ordered(far: ChildProcess, order: BrokerOrder): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    far.send(order, (error) => error === null ? resolve() : reject(error))
  })
}

function verify([tally]: unknown[], count: number): void {
  const { count: came, sum } = tally as BrokerTally
  same(came, count, 'messages that came')
  same(sum, count * (count + 1) / 2, 'the sum of the messages')
}
