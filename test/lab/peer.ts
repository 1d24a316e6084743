/**
 * The process of one host: a peer that works, by the public API alone.
 *
 * Lives here: joining, what is told to the laboratory, its orders. Does not live here: the
 * operations (work.ts, desk.ts), the laboratory (lab.ts).
 *
 * Run: `node test/lab/peer.ts JSON` with a Task. Orders are lines of standard input: `invite N`
 * prints N tickets, `work` begins, `rest` ends what is under way, `drain` counts what is left,
 * `leave` leaves. It tells how it is in JSON lines, and leaves when its standard input ends.
 */
import { createInterface } from 'node:readline'
import { join, Refusal, type Circuit } from '../../bindings/node/index.ts'
import { Desk } from './desk.ts'
import { Log, now_ms } from './log.ts'
import { CHANNELS, work } from './work.ts'

export interface Task {
  host: string, run: number, state: string, log: string, seed: number, hosts: string[]
  tickets: string[]
}

/** What a peer tells. */
export interface Told {
  ready?: string
  tickets?: string[]
  /** Ended operations, those under way, and whom it sees, as `host.run`. */
  ended?: number, pending?: number, sees?: string[]
  rests?: boolean
  drained?: number
  left?: boolean
}

const TELL_MS = 500
const BEAT_MS = 100
/** A beat that comes this much late is a stall. */
const STALL_MS = 200
/** Looking once more finds what was still on its way to its buffer. */
const DRAIN_ROUNDS = 3
const DRAIN_PAUSE_MS = 300

const task = JSON.parse(process.argv[2] ?? '{}') as Task
// A terminal's interrupt is for the laboratory, which ends this process in its own order.
process.on('SIGINT', () => {})
const tell = (told: Told) => { process.stdout.write(`${JSON.stringify(told)}\n`) }
process.stdout.on('error', () => process.exit(1))

const log = new Log(task.log)
const circuit = await join({
  name: task.host, state: task.state, discovery: ['mdns'], tickets: task.tickets,
  labels: { run: `${task.run}` }
})
log.write({ e: 'start', at: now_ms(), host: task.host, run: task.run, id: circuit.self.id })
const desk = new Desk(circuit, task.host, task.run, log)
let working: Promise<void> | undefined
let leaving: Promise<void> | undefined
let rested = false
void watch(circuit)
const beating = beat()
for (const [name, capacity] of Object.entries(CHANNELS)) await desk.make(name, capacity)

const telling = setInterval(tellHow, TELL_MS)
obey()
tell({ ready: circuit.self.id })

/** Notes when this process had no time: what it did late then is not the core's doing. */
function beat(): NodeJS.Timeout {
  let last = now_ms()
  return setInterval(() => {
    const at = now_ms()
    const ms = Math.round(at - last - BEAT_MS)
    if (ms >= STALL_MS) log.write({ e: 'stalled', at, ms })
    last = at
  }, BEAT_MS)
}

function tellHow(): void {
  const sees = desk.seen().map(({ host, run }) => `${host}.${run}`).sort()
  tell({ ended: desk.ended, pending: desk.pending, sees })
}

function obey(): void {
  const orders: Record<string, (word: string) => Promise<void> | void> = {
    invite: (count) => invite(Number(count)),
    work: () => { working ??= work(desk, task.hosts, task.seed) },
    rest, drain, leave
  }
  const lines = createInterface(process.stdin)
  lines.on('line', (line) => {
    const [order = '', word = ''] = line.split(' ')
    void orders[order]!(word)
  })
  lines.on('close', () => { void leave() })
}

async function invite(count: number): Promise<void> {
  const tickets: string[] = []
  for (let nth = 0; nth < count; nth++) {
    tickets.push(await circuit.invite({ rights: ['channel', 'process', 'admin'] }))
  }
  tell({ tickets })
}

async function rest(): Promise<void> {
  desk.rest.abort()
  await working
  rested = true
  tell({ rests: true })
}

/** Receives what is left in this peer's own channels, and says whom it sees. */
async function drain(): Promise<void> {
  let drained = 0
  for (let round = 0; round < DRAIN_ROUNDS; round++) {
    for (const held of desk.own.values()) {
      while ((await desk.tryReceive('drain', held, 'drain')).result === 'done') drained++
    }
    await new Promise((resolve) => setTimeout(resolve, DRAIN_PAUSE_MS))
  }
  const { incarnation } = circuit.self
  log.write({ e: 'seen', at: now_ms(), self: incarnation, peers: desk.seen() })
  tell({ drained })
}

function leave(): Promise<void> {
  leaving ??= (async () => {
    clearInterval(telling)
    clearInterval(beating)
    desk.rest.abort()
    log.write({ e: 'finish', at: now_ms(), resting: rested })
    await circuit.leave()
    tell({ left: true })
    process.exit(0)
  })()
  return leaving
}

async function watch(of: Circuit): Promise<void> {
  try {
    for await (const { event, peer } of of.members()) {
      const run = Number(peer.labels['run'] ?? 0)
      const { name, incarnation } = peer
      log.write({ e: event, at: now_ms(), host: name, run, incarnation })
      if (working !== undefined) tellHow()
    }
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'LEAVING') throw error
  }
}
