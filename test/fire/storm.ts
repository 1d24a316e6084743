/**
 * Streams in both directions while every connection is cut again and again.
 *
 * Lives here: one storm and what it counted. Does not live here: the tests (cuts.test.ts), the long
 * form's command line (main.ts).
 */
import { Random } from '../property/random.ts'
import { receiveFlow, sendFlow, type Flow } from './flows.ts'
import type { Near } from './near.ts'

export interface StormOptions {
  seed: number
  /** Messages of each of the windowed streams, of each of the plain ones, and of each large one. */
  windowed: number
  plain: number
  large: number
  /** A connection lives for at most so many bytes. */
  cut_bytes_max: number
  /** Cuts after which the wire stays whole; Infinity: it never does. */
  cuts_max?: number
}

export interface Storm { messages: number, cuts: number, ms: number, left: number }

const WINDOW = 256
const CAPACITY = 64
const SMALL_BYTES = 24
const LARGE_BYTES = 1024 * 1024 - 64
const LARGE_WINDOW = 4
/** One new connection in so many is cut before its first message: in a handshake. */
const EARLY_ONE_IN = 6
const EARLY_BYTES_MAX = 2_500

/** Runs a storm to its end: all messages came, each once, in order. */
export async function storm(near: Near, options: StormOptions): Promise<Storm> {
  const { circuit, fars: [far] } = near
  const random = new Random(options.seed)
  const began = performance.now()
  let left = 0
  const events = circuit.members()
  void (async () => {
    for await (const { event } of events) if (event === 'left') left++
  })().catch(() => {})
  const flows = flowsOf(options)
  for (const { path } of flows) {
    await circuit.make(`to-near-${path}`, { capacity: CAPACITY })
    await far!.ask({ do: 'make', path: `to-far-${path}`, capacity: CAPACITY })
  }
  const proxies = [near.proxy, far!.proxy]
  const before = proxies.reduce((sum, { cuts }) => sum + cuts, 0)
  const cuts = () => proxies.reduce((sum, proxy) => sum + proxy.cuts, 0) - before
  let early = false
  for (const proxy of proxies) {
    proxy.budget = () => {
      if (cuts() >= (options.cuts_max ?? Infinity)) return Infinity
      early = !early && random.once_in(EARLY_ONE_IN)
      return early ? random.below(EARLY_BYTES_MAX) : random.below(options.cut_bytes_max)
    }
    proxy.cut()
  }
  await Promise.all(flows.flatMap((flow) => both(near, flow)))
  for (const proxy of proxies) proxy.budget = () => Infinity
  events[Symbol.dispose]()
  for (const { path } of flows) {
    await circuit.scrub(`to-near-${path}`)
    await circuit.scrub(`/${far!.name}/to-far-${path}`)
  }
  const messages = 2 * flows.reduce((sum, { count }) => sum + count, 0)
  return { messages, cuts: cuts(), ms: performance.now() - began, left }
}

function flowsOf({ seed, windowed, plain, large }: StormOptions): Flow[] {
  return [
    { path: `w${seed}`, count: windowed, window: WINDOW, bytes: SMALL_BYTES },
    { path: `p${seed}`, count: plain, window: 0, bytes: SMALL_BYTES },
    { path: `l${seed}`, count: large, window: LARGE_WINDOW, bytes: LARGE_BYTES }
  ].filter(({ count }) => count > 0)
}

/** One flow in each direction, each into a channel of its receiver. */
function both({ circuit, fars: [far] }: Near, flow: Flow): Promise<unknown>[] {
  const toNear = { ...flow, path: `to-near-${flow.path}` }
  const toFar = { ...flow, path: `to-far-${flow.path}` }
  return [
    circuit.open<Uint8Array>(toNear.path).then((channel) => receiveFlow(channel, toNear)),
    far!.ask({ do: 'send', path: `/near/${toNear.path}`, flow: toNear }),
    circuit.open<Uint8Array>(`/${far!.name}/${toFar.path}`)
      .then((channel) => sendFlow(channel, toFar)),
    far!.ask({ do: 'receive', path: toFar.path, flow: toFar })
  ]
}
