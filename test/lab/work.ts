/**
 * What the workers of one host do, drawn from a seed.
 *
 * Lives here: the channels of a host, each kind of worker and its next operation. Does not live
 * here: how an operation is done and written down (desk.ts), the process around it (peer.ts).
 *
 * Invariants: every operation has a time-out, an abort, or ends when the laboratory wants rest;
 * the channels `q` and `r` of a host are read by one worker of one other host, one operation at a
 * time, so that their order can be checked.
 */
import { Random } from '../property/random.ts'
import type { Desk, Held, Message, Outcome, Patience, Wish } from './desk.ts'

/** Channels that each host owns, with their capacities. */
export const CHANNELS: Readonly<Record<string, number>> =
  { c0: 0, c1: 1, c4: 4, flow: 16, q: 2, r: 0, ask: 4 }
const MIXED = ['c0', 'c1', 'c4']

const MIXERS = 3
const PAUSE_MAX_MS = 60
const IDLE_MS = 200
const CASES_MAX = 4
const PAD_BYTES_MAX = 20_000
const REPLY_MS = 4_000
/** Nobody looks for their partner: too many would hold a channel up for everyone. */
const PATIENT_ONE_IN = 25

type Turn = (random: Random) => Promise<unknown>

/** Starts all workers of a host; resolves when they rest. */
export async function work(desk: Desk, hosts: readonly string[], seed: number): Promise<void> {
  const workers = [
    ...Array.from({ length: MIXERS }, (_, nth): [string, Turn] =>
      [`mix${nth}`, mixing(desk, `mix${nth}`, hosts)]),
    ...[streaming, reading, telling, listening, asking, answering].map((kind): [string, Turn] =>
      [kind.name, kind(desk, kind.name, hosts)])
  ]
  await Promise.all(workers.map(async ([, turn], nth) => {
    const random = new Random(Math.imul(seed, 31) + nth)
    while (!desk.rest.signal.aborted) {
      await turn(random)
      await pause(desk, random.between(0, PAUSE_MAX_MS))
    }
  }))
}

async function pause(desk: Desk, ms: number): Promise<void> {
  if (desk.rest.signal.aborted) return
  await new Promise((resolve) => setTimeout(resolve, ms))
}

/** The other hosts in order, beginning behind this one. */
function after(desk: Desk, hosts: readonly string[], steps: number): string {
  return hosts[(hosts.indexOf(desk.host) + steps) % hosts.length]!
}

/** Mostly a time-out, now and then an abort, seldom as long as it takes. */
function patience(desk: Desk, random: Random): Patience {
  if (random.once_in(PATIENT_ONE_IN)) return { signal: desk.rest.signal }
  const ms = random.pick([5, 60, 300, 1000, 2500])
  if (!random.once_in(5)) return { timeout: ms }
  return { signal: AbortSignal.any([desk.rest.signal, aborted(ms)]) }
}

/** Not AbortSignal.timeout: its timer may be collected with the composed signal. */
function aborted(ms: number): AbortSignal {
  const abort = new AbortController()
  setTimeout(() => abort.abort(), ms)
  return abort.signal
}

function padding(random: Random): number {
  return random.once_in(12) ? random.below(PAD_BYTES_MAX) : random.below(40)
}

/** Everything, on the channels that everybody uses, and on channels that came inside messages. */
function mixing(desk: Desk, worker: string, hosts: readonly string[]): Turn {
  const pool: Held[] = []
  const keep = ({ value }: Outcome) => {
    if (value?.gift === undefined) return
    pool.push(value.gift)
    if (pool.length > 3) desk.drop(pool.shift())
  }
  const some = async (random: Random): Promise<Held | undefined> =>
    pool.length > 0 && random.once_in(5) ? random.pick(pool)
      : await desk.channel(random.pick(hosts), random.pick(MIXED))
  const fresh = (random: Random): Message => {
    const gift = !random.once_in(12) ? undefined
      : random.once_in(2) || pool.length === 0 ? desk.nameless(random.below(3)) : random.pick(pool)
    return desk.message(padding(random), gift)
  }
  const selecting = async (random: Random): Promise<void> => {
    const wishes: Wish[] = []
    for (let nth = random.between(1, CASES_MAX); nth > 0; nth--) {
      const on = await some(random)
      if (on === undefined) continue
      wishes.push(random.once_in(2) ? { kind: 'receive', on }
        : { kind: 'send', on, value: fresh(random) })
    }
    if (wishes.length === 0) return await pause(desk, IDLE_MS)
    const how = random.once_in(6) ? { trying: true }
      : random.once_in(3) ? { late_ms: random.between(1, 800) } : {}
    keep(await desk.select(worker, wishes, { ...patience(desk, random), ...how }))
  }
  return async (random) => {
    const draw = random.below(15)
    if (draw >= 10) return await selecting(random)
    const on = await some(random)
    if (on === undefined) return await pause(desk, IDLE_MS)
    if (draw < 3) await desk.send(worker, on, fresh(random), patience(desk, random))
    else if (draw < 7) keep(await desk.receive(worker, on, patience(desk, random)))
    else if (draw < 8) await desk.trySend(worker, on, fresh(random))
    else keep(await desk.tryReceive(worker, on))
    if (random.once_in(200)) await endOne(desk, random)
  }
}

/** Closes or scrubs one of this peer's own channels without a path. */
async function endOne(desk: Desk, random: Random): Promise<void> {
  const own = [...desk.own.values()].filter(({ channel }) => channel.path === undefined)
  if (own.length === 0) return
  await desk.finish(random.pick(own), random.once_in(2) ? 'closed' : 'scrubbed')
}

/** A window of sends to one channel. */
function streaming(desk: Desk, worker: string, hosts: readonly string[]): Turn {
  return async (random) => {
    const on = await desk.channel(random.pick(hosts), 'flow')
    if (on === undefined) return await pause(desk, IDLE_MS)
    const count = random.between(5, 40)
    const values = Array.from({ length: count }, () => desk.message(padding(random)))
    await desk.stream(worker, on, values, random.pick([2, 8, 32]))
  }
}

/** A reader that fetches ahead. */
function reading(desk: Desk, worker: string, hosts: readonly string[]): Turn {
  return async (random) => {
    const on = await desk.channel(random.pick(hosts), 'flow')
    if (on === undefined) return await pause(desk, IDLE_MS)
    await desk.read(worker, on, random.pick([1, 4, 16]), random.between(5, 60), 700)
  }
}

/** Sends in an order that must be kept. */
function telling(desk: Desk, worker: string, hosts: readonly string[]): Turn {
  return async (random) => {
    const host = random.pick(hosts)
    const on = await desk.channel(host, random.pick(['q', 'r']))
    if (on === undefined) return await pause(desk, IDLE_MS)
    const draw = random.below(10)
    if (draw < 4) {
      await desk.send(worker, on, desk.message(padding(random)), patience(desk, random))
    } else if (draw < 5) {
      await desk.trySend(worker, on, desk.message(0))
    } else if (draw < 7) {
      const values = Array.from({ length: random.between(2, 12) }, () => desk.message(8))
      await desk.stream(worker, on, values, 4)
    } else {
      const other = await desk.channel(random.pick(hosts), random.pick(['q', 'r']))
      const wishes = [on, ...other === undefined || other === on ? [] : [other]]
        .map((one): Wish => ({ kind: 'send', on: one, value: desk.message(8) }))
      await desk.select(worker, wishes, { late_ms: random.between(50, 1500) })
    }
  }
}

/** The one reader of `q` of the next host and `r` of the next but one. */
function listening(desk: Desk, worker: string, hosts: readonly string[]): Turn {
  return async (random) => {
    const q = await desk.channel(after(desk, hosts, 1), 'q')
    const r = await desk.channel(after(desk, hosts, 2), 'r')
    const both = [q, r].filter((one) => one !== undefined)
    if (both.length === 0) return await pause(desk, IDLE_MS)
    const draw = random.below(10)
    const timeout = random.pick([20, 200, 800])
    if (draw < 3) await desk.receive(worker, random.pick(both), { timeout })
    else if (draw < 4) await desk.tryReceive(worker, random.pick(both))
    else if (draw < 5) await desk.read(worker, random.pick(both), 4, 6, timeout)
    else {
      const wishes = both.map((on): Wish => ({ kind: 'receive', on }))
      await desk.select(worker, wishes, { late_ms: timeout })
    }
  }
}

/** Sends a channel for the reply along with the question. */
function asking(desk: Desk, worker: string, hosts: readonly string[]): Turn {
  return async (random) => {
    const on = await desk.channel(random.pick(hosts), 'ask')
    if (on === undefined) return await pause(desk, IDLE_MS)
    const reply = desk.nameless(random.below(2))
    const question = desk.message(padding(random), reply)
    const { result } = await desk.send(worker, on, question, { timeout: REPLY_MS })
    if (result !== 'done') return
    const got = await desk.receive(worker, reply, { timeout: REPLY_MS })
    // An answered channel is let go; one whose answer is still to come stays for the count.
    if (got.result === 'done') desk.release(reply)
  }
}

/** Answers, or hands the question's channel on to a third peer. */
function answering(desk: Desk, worker: string, hosts: readonly string[]): Turn {
  return async (random) => {
    const places = new Set([random.pick(hosts), random.pick(hosts), desk.host])
    const wishes: Wish[] = []
    for (const host of places) {
      const on = await desk.channel(host, 'ask')
      if (on !== undefined) wishes.push({ kind: 'receive', on })
    }
    if (wishes.length === 0) return await pause(desk, IDLE_MS)
    const { value } = await desk.select(worker, wishes, { late_ms: 1000 })
    const gift = value?.gift
    if (gift === undefined) return
    const next = random.once_in(4) ? await desk.channel(random.pick(hosts), 'ask') : undefined
    if (next === undefined) {
      await desk.send(worker, gift, desk.message(padding(random)), { timeout: 2000 })
    } else {
      await desk.send(worker, next, desk.message(8, gift), { timeout: 2000 })
    }
    desk.drop(gift)
  }
}
