/**
 * An hour's run squeezed to 10⁷ messages: does memory stay flat, does it stay as fast?
 *
 * Lives here: the runs within one program and between two, their curves. Does not live here: how
 * fast it is beside others (local.ts, remote.ts).
 *
 * A run has ten parts of a million. It is done twice: left alone, for its times; and with each
 * process collecting its garbage and weighed after each part, for its memory. A collection that is
 * asked for narrows what the engine lets the heap grow to, so that what follows is slower.
 */
import { join, type Channel, type Circuit } from './circuit.ts'
import type { Order, Tally } from './far.ts'
import type { Curve, Fact } from './goal.ts'
import { Place } from './place.ts'
import { same, type Part } from './timing.ts'
import { weigh, type Weight } from './weight.ts'

const PARTS = 10
const PART_MESSAGES = 1_000_000
const WINDOW = 1024
const CAPACITY = 64
const BYTES = 64
/** Parts at each end of the run that are compared. */
const ENDS = 3
const GROWTH_MOST = 1 << 20
const SLOWER_MOST = 1.15
const MEBI = 2 ** 20

/** What one part of a run said: how long a message took, and what was held after it, when asked. */
interface Sample extends Spent { weights?: Weights }
/** Of each process. */
type Weights = Record<string, Weight>
/** Of one message: by the clock, and by the processor in the process that sends. */
interface Spent { ns: number, processor_ns: number }

/** The part of the bench. */
export function steadyCounts(): Part {
  return { counts: [
    () => run('10⁷ messages within one program, await each', localParts),
    () => run('10⁷ messages between two programs, windows', remoteParts)
  ] }
}

type Parts = (weighed: boolean, each: (sample: Sample) => void) => Promise<void>

async function run(work: string, parts: Parts): Promise<Fact[]> {
  const spent: Spent[] = []
  await parts(false, (sample) => {
    spent.push(sample)
    console.log(`  ${spent.length} M: ${sample.ns.toFixed(0)} ns a message, `
      + `${sample.processor_ns.toFixed(0)} ns of processor time`)
  })
  const weights: Weights[] = []
  await parts(true, (sample) => {
    weights.push(sample.weights!)
    const held = Object.entries(sample.weights!).map(([who, { live, resident }]) =>
      `${who} ${mebi(live)} live, ${mebi(resident)} resident`)
    console.log(`  ${weights.length} M: ${held.join('; ')}`)
  })
  return [...growths(work, weights), slowing(work, spent)]
}

const middle = (some: readonly number[]) => [...some].sort((a, b) => a - b)[some.length >> 1]!
const mebi = (bytes: number) => `${(bytes / MEBI).toFixed(1)} MiB`

function growths(work: string, weights: readonly Weights[]): Fact[] {
  return Object.keys(weights[0]!).map((who) => {
    // The first part brings compiled code with it, and caches that fill once.
    const live = weights.slice(1).map((one) => one[who]!.live)
    const resident = weights.map((one) => one[who]!.resident)
    const [first, last] = [middle(live.slice(0, ENDS)), middle(live.slice(-ENDS))]
    return {
      work, name: `live memory, last ${ENDS} millions less the 2nd to ${ENDS + 1}th, ${who}`,
      value: last - first, unit: 'B',
      target: { text: `flat: at most ${GROWTH_MOST / MEBI} MiB more`, most: GROWTH_MOST },
      beside: `${mebi(first)} → ${mebi(last)} live, `
        + `at most ${mebi(Math.max(...resident))} resident`,
      curves: [
        curve(`${who}, live`, weights, (one) => one[who]!.live / MEBI),
        curve(`${who}, resident`, weights, (one) => one[who]!.resident / MEBI)
      ]
    }
  })
}

const curve = (name: string, weights: readonly Weights[], y: (one: Weights) => number): Curve =>
  ({ name, x: 'million messages', y: 'MiB', points: weights.map((one, at) => [at + 1, y(one)]) })

function slowing(work: string, samples: readonly Spent[]): Fact {
  const ends = (times: readonly number[]) =>
    [middle(times.slice(1, ENDS + 1)), middle(times.slice(-ENDS))] as const
  const [first, last] = ends(samples.map(({ processor_ns }) => processor_ns))
  const [first_ns, last_ns] = ends(samples.map(({ ns }) => ns))
  const shown = (from: number, to: number) => `${from.toFixed(0)} ns → ${to.toFixed(0)} ns`
  return {
    work, name: `processor time of a message, last ${ENDS} millions over the 2nd to ${ENDS + 1}th`,
    value: last / first, unit: '×', target: { text: `≤ ${SLOWER_MOST}×`, most: SLOWER_MOST },
    beside: `${shown(first, last)}; by the clock ${shown(first_ns, last_ns)}`,
    curves: [{
      name: work.replace(/^10⁷ messages (.*),.*$/, '$1'),
      x: 'million messages', y: 'ns a message',
      points: samples.map(({ processor_ns }, at) => [at + 1, processor_ns])
    }]
  }
}

async function localParts(weighed: boolean, each: (sample: Sample) => void): Promise<void> {
  await using circuit = await join({ name: 'steady', transports: [] })
  const channel = circuit.channel<number>({ capacity: CAPACITY })
  for (let part = 0; part < PARTS; part++) {
    let sum = 0
    const spent = await timed(async () => {
      const sending = (async () => {
        for (let i = 1; i <= PART_MESSAGES; i++) await channel.send(i)
      })()
      for (let i = 1; i <= PART_MESSAGES; i++) sum += (await channel.receive()).value!
      await sending
    })
    same(sum, PART_MESSAGES * (PART_MESSAGES + 1) / 2, 'the sum of the messages')
    each(weighed ? { ...spent, weights: { program: await weigh() } } : spent)
  }
}

async function remoteParts(weighed: boolean, each: (sample: Sample) => void): Promise<void> {
  const place = new Place()
  const circuit = await join({ name: 'steady', ...place.options('steady') })
  try {
    await place.run('far.ts', 'far')
    for await (const { event, peer } of circuit.members()) {
      if (event === 'joined' && peer.name === 'far') break
    }
    const orders = await circuit.open<Order>('/far/orders')
    const channel = await circuit.open<Uint8Array>('/far/channel')
    for (let part = 0; part < PARTS; part++) {
      const spent = await timed(() => sendPart(circuit, orders, channel))
      if (!weighed) {
        each(spent)
        continue
      }
      const far = await ordered(circuit, orders, channel, { kind: 'weigh' })
      each({ ...spent, weights: { sender: await weigh(), receiver: far.weight! } })
    }
    await orders.close()
  } finally {
    await circuit.leave()
    await place.end()
  }
}

async function sendPart(
  circuit: Circuit, orders: Channel<Order>, channel: Channel<Uint8Array>
): Promise<void> {
  const tally = ordered(circuit, orders, channel, { kind: 'sink', prefetch: WINDOW, most: 0 })
  await using writer = channel.writer({ window: WINDOW })
  const message = new Uint8Array(BYTES)
  const view = new DataView(message.buffer)
  for (let i = 1; i <= PART_MESSAGES; i++) {
    view.setUint32(0, i)
    await writer.send(message)
  }
  const { count, sum } = await tally
  same(count, PART_MESSAGES, 'messages that came')
  same(sum, PART_MESSAGES * (PART_MESSAGES + 1) / 2, 'the sum of the messages')
}

type Wanted = { kind: 'sink', prefetch: number, most: number } | { kind: 'weigh' }

/** Sends an order and gives the answer to it. */
async function ordered(
  circuit: Circuit, orders: Channel<Order>, from: Channel<Uint8Array>, wanted: Wanted
): Promise<Tally> {
  using done = circuit.channel<Tally>({ capacity: 1 })
  await orders.send({ ...wanted, count: PART_MESSAGES, from, done })
  const { value } = await done.receive()
  return value!
}

async function timed(act: () => Promise<void>): Promise<Spent> {
  const from = performance.now()
  const processor_from = process.cpuUsage()
  await act()
  const ns = (performance.now() - from) * 1e6 / PART_MESSAGES
  const { user, system } = process.cpuUsage(processor_from)
  return { ns, processor_ns: (user + system) * 1e3 / PART_MESSAGES }
}
