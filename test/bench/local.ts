/**
 * Channels within one program: circuit beside four libraries for the same, and Go's own for scale.
 *
 * Lives here: the works on one event loop and what is to be reached in them. Does not live here:
 * the libraries' adapters (libraries.ts, csp.ts), Go (golang.ts), bursts that do not wait
 * (burst.ts), right and wrong (correct.ts), the core without promises (door.ts).
 *
 * Invariant: what is timed has a process of its own, with nothing in it but this file's loop and
 * the library (apart.ts).
 */
import { begin } from './apart.ts'
import { BURST_NAME, burstGoals, circuitBursts, cspBurst, thingBurst } from './burst.ts'
import { join, type Circuit } from './circuit.ts'
import { correctness } from './correct.ts'
import { cspWorks } from './csp.ts'
import { goContender } from './golang.ts'
import {
  asyncChannel, circuitLibrary, medium, thing, type Library, type Pipe
} from './libraries.ts'
import { installPeers, peers, type Peers } from './peers.ts'
import { quotas, same, type Contender, type Part, type Work } from './timing.ts'

type Run = (count: number) => Promise<void>

/** The works of one library. What it cannot do is left out. */
export interface LocalWorks {
  name: string
  stream(capacity: number): Run
  pingPong: Run
  choosing?(channels: number): Run
  /** As `choosing`, but each select waits before there is anything to receive. */
  waiting?(channels: number): Run
  crowd(senders: number, receivers: number, capacity: number): Run
  /** What a value costs that is no number. */
  objects?: Contender
  bursts?: Contender[]
  notes?: Record<string, string>
}

const BUFFERED = 64
const CASES = 16
const WAITERS = 1000
const CROWD = 16
const OURS = 'circuit'

/**
 * A work: its name, how it is run, what a note may be about, what Go calls it if it does it, and
 * whether values that are no numbers are shown in it.
 */
interface Shape {
  name: string
  unit: string
  run(works: LocalWorks): Run | undefined
  note?: string
  go?: string
  objects?: boolean
}

const SHAPES: Shape[] = [
  {
    name: `local await, capacity ${BUFFERED}`, unit: 'message', note: 'buffer',
    go: 'buffered', run: (works) => works.stream(BUFFERED), objects: true
  },
  {
    name: 'local await, capacity 0', unit: 'message', note: 'rendezvous',
    go: 'rendezvous', run: (works) => works.stream(0)
  },
  {
    name: 'ping-pong over two channels of capacity 0', unit: 'round trip', note: 'rendezvous',
    go: 'ping-pong', run: (works) => works.pingPong
  },
  {
    name: 'select of 2, a sender at each', unit: 'message', note: 'select',
    go: 'select-2', run: (works) => works.choosing?.(2)
  },
  {
    name: `select of ${CASES}, a sender at each`, unit: 'message', note: 'select',
    go: 'select-16', run: (works) => works.choosing?.(CASES)
  },
  {
    name: 'select of 2 that waits, then a sender at one', unit: 'message', note: 'select',
    run: (works) => works.waiting?.(2)
  },
  {
    name: `select of ${CASES} that waits, then a sender at one`, unit: 'message', note: 'select',
    run: (works) => works.waiting?.(CASES)
  },
  {
    name: '1,000 receivers parked at one channel, one sender', unit: 'message', note: 'rendezvous',
    go: 'waiters', run: (works) => works.crowd(1, WAITERS, 0)
  },
  {
    name: `${CROWD} senders, ${CROWD} receivers, capacity ${BUFFERED}`, unit: 'message',
    note: 'buffer', go: 'many', run: (works) => works.crowd(CROWD, CROWD, BUFFERED)
  }
]

/** Those that are compared, in the order in which they are shown. */
const LIBRARIES: Record<string, (peers: Peers) => LocalWorks> = {
  'async-channel': (peers) => worksOf(asyncChannel(peers)),
  medium: (peers) => worksOf(medium(peers)),
  '@thi.ng/csp': (peers) => ({ ...worksOf(thing(peers)), bursts: [thingBurst(peers)] }),
  'js-csp': (peers) => ({ ...cspWorks(peers.js_csp), bursts: [cspBurst(peers)] })
}

function circuitWorks(circuit: Circuit): LocalWorks {
  return {
    ...worksOf(circuitLibrary(circuit)), objects: objects(circuit), bursts: circuitBursts(circuit)
  }
}

const alone = () => join({ name: 'bench', transports: [] })

/** The part: over a circuit of one; with `ours` only circuit itself. */
export async function localWorks(ours: boolean): Promise<Part> {
  const circuit = await alone()
  const contestants = [circuitWorks(circuit)]
  if (!ours) {
    installPeers()
    contestants.push(...Object.values(LIBRARIES).map((load) => load(peers)))
  }
  const go = ours ? undefined : goContender()
  const checked = ours ? undefined : await correctness(circuit, peers)
  const works = SHAPES.map((shape) => workOf(shape, contestants, go))
  for (const contender of works.filter(isSelect).flatMap(({ contenders }) => contenders)) {
    const wrong = checked?.wrong.get(contender.name)
    if (wrong !== undefined) contender.wrong = wrong
  }
  return {
    works: [...works, burstWork(contestants)],
    counts: checked === undefined ? [] : [async () => checked.facts],
    end: () => circuit.leave()
  }
}

/** A contender in a process of its own, where only its library is loaded. */
export async function contender(library: string, work: string, name: string): Promise<Contender> {
  const works = library === OURS ? circuitWorks(await alone()) : LIBRARIES[library]!(peers)
  const found = contendersOf(works, work).find((one) => one.name === name)
  if (found === undefined) throw new Error(`${library} has no ${name} in: ${work}`)
  return found
}

const isSelect = ({ name }: Work) => name.startsWith('select')

/** What a library does in a work: all that it has for bursts, else one thing, or none. */
function contendersOf(works: LocalWorks, work: string): Contender[] {
  if (work === BURST_NAME) return works.bursts ?? []
  const shape = SHAPES.find(({ name }) => name === work)!
  const run = shape.run(works)
  if (run === undefined) return []
  const note = works.notes?.[shape.note ?? '']
  const contender: Contender = { name: works.name, run, ...(note === undefined ? {} : { note }) }
  return shape.objects && works.objects !== undefined ? [contender, works.objects] : [contender]
}

/** The same as they are timed. */
function apartOf(works: LocalWorks, work: string): Contender[] {
  return contendersOf(works, work).map((one) =>
    ({ ...one, begin: () => begin(import.meta.url, [works.name, work, one.name]) }))
}

function workOf(
  shape: Shape, contestants: readonly LocalWorks[], go: ((work: string) => Contender) | undefined
): Work {
  const contenders = contestants.flatMap((works) => apartOf(works, shape.name))
  const beside = contestants.map(({ name }) => name)
    .filter((name) => name !== OURS && contenders.some((one) => one.name === name))
  const scale = shape.go === undefined ? undefined : go?.(shape.go)
  if (scale !== undefined) contenders.push(scale)
  return {
    name: shape.name, unit: shape.unit, alone: true, contenders,
    goals: [{
      ours: OURS, beside, target: '≥ 1.0× the fastest library', speed_least: 1,
      shown: scale === undefined ? [] : [scale.name]
    }]
  }
}

function burstWork(contestants: readonly LocalWorks[]): Work {
  const [ours, ...others] = contestants.map((works) => apartOf(works, BURST_NAME))
  return {
    name: BURST_NAME, unit: 'message', alone: true, contenders: [...ours!, ...others.flat()],
    goals: burstGoals(ours!, others.flat())
  }
}

/** The works of a library with promises. */
function worksOf(library: Library): LocalWorks {
  const works: LocalWorks = {
    name: library.name,
    stream: (capacity) => (count) => stream(library, count, capacity),
    pingPong: (count) => pingPong(library, count),
    crowd: (senders, receivers, capacity) => (count) =>
      crowd(library, count, { senders, receivers, capacity })
  }
  if (library.choice !== undefined) {
    works.choosing = (channels) => (count) => choosing(library, count, channels)
    works.waiting = (channels) => (count) => waiting(library, count, channels)
  }
  if (library.notes !== undefined) works.notes = library.notes
  return works
}

async function stream(library: Library, count: number, capacity: number): Promise<void> {
  const pipe = library.pipe(capacity)
  let sum = 0
  const sending = (async () => { for (let i = 1; i <= count; i++) await pipe.send(i) })()
  for (let i = 1; i <= count; i++) sum += library.read(await pipe.receive())
  await sending
  same(sum, count * (count + 1) / 2, 'the sum of the messages')
}

async function pingPong(library: Library, count: number): Promise<void> {
  const there = library.pipe(0)
  const back = library.pipe(0)
  let sum = 0
  const echoing = (async () => {
    for (let i = 1; i <= count; i++) await back.send(library.read(await there.receive()))
  })()
  for (let i = 1; i <= count; i++) {
    await there.send(i)
    sum += library.read(await back.receive())
  }
  await echoing
  same(sum, count * (count + 1) / 2, 'the sum of the answers')
}

async function choosing(library: Library, count: number, channels: number): Promise<void> {
  const { pipes, choose, read } = library.choice!(channels)
  const sending = pipes.map(async (pipe, at) => {
    for (let i = 1 + at; i <= count; i += channels) await pipe.send(i)
  })
  let sum = 0
  for (let i = 1; i <= count; i++) sum += read(await choose())
  await Promise.all(sending)
  same(sum, count * (count + 1) / 2, 'the sum of the messages')
}

async function waiting(library: Library, count: number, channels: number): Promise<void> {
  const { pipes, choose, read } = library.choice!(channels)
  let sum = 0
  for (let i = 1; i <= count; i++) {
    const chosen = choose()
    await pipes[i % channels]!.send(i)
    sum += read(await chosen)
  }
  same(sum, count * (count + 1) / 2, 'the sum of the messages')
}

interface Crowd { senders: number, receivers: number, capacity: number }

/** Many ends of one channel; every sender and receiver has its share of the messages. */
async function crowd(
  library: Library, count: number, { senders, receivers, capacity }: Crowd
): Promise<void> {
  const pipe: Pipe = library.pipe(capacity)
  let next = 0
  let sum = 0
  const receiving = quotas(count, receivers).map(async (quota) => {
    // In two steps: the sum may change while this one waits.
    for (let i = 0; i < quota; i++) {
      const received = await pipe.receive()
      sum += library.read(received)
    }
  })
  const sending = quotas(count, senders).map(async (quota) => {
    for (let i = 0; i < quota; i++) await pipe.send(++next)
  })
  await Promise.all([...receiving, ...sending])
  same(sum, count * (count + 1) / 2, 'the sum of the messages')
}

/** What a value costs that has to be written and read as CBOR. */
function objects(circuit: Circuit): Contender {
  return {
    name: 'circuit, { id, name, done } instead of a number',
    note: 'the object is copied, as CBOR',
    async run(count) {
      const channel = circuit.channel<{ id: number, name: string, done: boolean }>(
        { capacity: BUFFERED })
      let sum = 0
      const sending = (async () => {
        for (let i = 1; i <= count; i++) await channel.send({ id: i, name: 'job', done: false })
      })()
      for (let i = 1; i <= count; i++) sum += (await channel.receive()).value!.id
      await sending
      same(sum, count * (count + 1) / 2, 'the sum of the messages')
    }
  }
}
