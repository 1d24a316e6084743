/**
 * Links that are dead or full for a while: who waits, what is held, and how it ends.
 *
 * Lives here: pressure, memory, others' latency, losses with their outcomes, new incarnations. Does
 * not live here: cuts that heal at once (cuts.test.ts), killed peers (test/death).
 */
import * as assert from 'uvu/assert'
import { Loss } from '../../bindings/js/errors.ts'
import { LEFT_MS, PARKED_BYTES_PER_PEER_MAX } from '../../bindings/js/tables.ts'
import { suite } from '../suite.ts'
import { messageOf } from './flows.ts'
import { nearOf, sleep, until, type Near } from './near.ts'

const test = suite('fire: links that are dead')
const MIB = 1024 * 1024
/** Long enough to fill everything, short of being declared left. */
const DEAD_MS = 1_000

let near: Near
test.before(async () => { near = await nearOf(['far', 'third']) })
test.after(() => near.end())

test('while a link is dead a sender waits, and holds no more than its window', async () => {
  const { circuit, fars: [far] } = near
  const window = 64
  const bytes = 16_384
  await far!.ask({ do: 'make', path: 'wide', capacity: 10_000 })
  const writer = (await circuit.open<Uint8Array>('/far/wide')).writer({ window })
  let sent = 0
  let stop = false
  const sending = (async () => {
    while (!stop) {
      await writer.send(messageOf(++sent, bytes))
    }
    await writer.flush()
  })()
  await until(() => sent > 200)
  const before = process.memoryUsage().arrayBuffers
  for (const way of ['in', 'out'] as const) far!.proxy.stall(way)
  for (const way of ['in', 'out'] as const) near.proxy.stall(way)
  await sleep(DEAD_MS / 2)
  const [at, held] = [sent, process.memoryUsage().arrayBuffers]
  await sleep(DEAD_MS / 2)
  assert.is(sent, at, 'nothing is taken while nothing is answered')
  const grown = held - before
  console.log(`  window of ${window} × ${bytes >> 10} KiB: `
    + `${(grown / MIB).toFixed(1)} MiB more held`)
  assert.ok(grown < 4 * window * bytes, `${grown} bytes`)
  for (const { proxy } of near.fars) proxy.flow()
  near.proxy.flow()
  stop = true
  await sending
  const came = await far!.ask({ do: 'drain', path: 'wide' }) as number[]
  assert.equal(came, Array.from({ length: sent }, (_, i) => i + 1))
}, { timeout_ms: 30_000 })

test('of more than one peer may park at another, the rest waits at home, in order', async () => {
  const { circuit, fars: [far] } = near
  const count = 400
  const bytes = 64 * 1024
  await far!.ask({ do: 'make', path: 'narrow', capacity: 1 })
  const narrow = await circuit.open<Uint8Array>('/far/narrow')
  const passed = () => far!.proxy.bytes.in + near.proxy.bytes.out
  const before = passed()
  const memory = await far!.ask({ do: 'memory' }) as { arrayBuffers: number }
  let done = 0
  const sends = Array.from({ length: count }, (_, i) =>
    narrow.send(messageOf(i + 1, bytes)).then(() => { done++ }))
  let [last, still] = [-Infinity, 0]
  const settled = until(async () => {
    const now = passed()
    // Members ask after each other all the while; a message is larger than that.
    still = now - last < bytes / 4 && done > 0 ? still + 1 : 0
    last = now
    await sleep(100)
    return still === 5
  })
  await Promise.race([settled, Promise.all(sends)])
  const went = passed() - before
  const held = (await far!.ask({ do: 'memory' }) as { arrayBuffers: number }).arrayBuffers
  console.log(`  ${count * bytes / MIB} MiB sent to a channel that nobody reads: `
    + `${(went / MIB).toFixed(1)} MiB went over, ${((held - memory.arrayBuffers) / MIB).toFixed(1)}`
    + ` MiB more held there, ${done} sends resolved`)
  assert.is(done, 1)
  assert.ok(went < PARKED_BYTES_PER_PEER_MAX + 2 * MIB, `${went} bytes`)
  const taken = far!.ask({ do: 'take', path: 'narrow', count })
  await Promise.all(sends)
  assert.equal(await taken, Array.from({ length: count }, (_, i) => i + 1))
}, { timeout_ms: 60_000 })

test('a peer that reads nothing from its wire delays nobody else', async (t) => {
  const { circuit, fars: [far, third] } = near
  await third!.ask({ do: 'make', path: 'quick', capacity: 1 })
  await far!.ask({ do: 'make', path: 'flood', capacity: 1 })
  const quick = await circuit.open<Uint8Array>('/third/quick')
  const flood = await circuit.open<Uint8Array>('/far/flood')
  const roundTrips = async (ms: number): Promise<number[]> => {
    const times: number[] = []
    for (const until_ms = performance.now() + ms; performance.now() < until_ms;) {
      const began = performance.now()
      await quick.trySend(messageOf(1, 8))
      times.push(performance.now() - began)
    }
    return times.sort((a, b) => a - b)
  }
  await roundTrips(300)
  const quiet = await roundTrips(DEAD_MS / 2)
  near.proxy.stall('out')
  far!.proxy.stall('in')
  const sends = Array.from({ length: 2_000 }, (_, i) => flood.send(messageOf(i, 10_000)))
  const ended = Promise.allSettled(sends)
  const busy = await roundTrips(DEAD_MS)
  near.proxy.flow()
  far!.proxy.flow()
  await circuit.scrub('/far/flood')
  await ended
  const at = (times: number[], part: number) => times[Math.floor(times.length * part)]!
  console.log(`  round trips to another peer: median ${at(quiet, 0.5).toFixed(2)} ms and `
    + `p99 ${at(quiet, 0.99).toFixed(2)} ms before, ${at(busy, 0.5).toFixed(2)} and `
    + `${at(busy, 0.99).toFixed(2)} ms while 20 MB wait for a peer that reads nothing`)
  t.within(3 * at(quiet, 0.5) + 2, at(busy, 0.5), 'the median beside it')
}, { timeout_ms: 30_000, timed: true })

test('a link that stays dead ends what waits with a truthful outcome', async () => {
  const { circuit, fars: [far, third] } = near
  // Also toward the third: as long as somebody hears both, the session waits for the link.
  const proxies = [far!.proxy, third!.proxy, near.proxy]
  await far!.ask({ do: 'make', path: 'truth', capacity: 8 })
  await far!.ask({ do: 'make', path: 'empty', capacity: 1 })
  const truth = await circuit.open<Uint8Array>('/far/truth')
  const empty = await circuit.open<Uint8Array>('/far/empty')
  const receiving = outcomeOf(empty.receive())
  await empty.stat()
  let stop = false
  const outcomes: string[] = []
  const sending = Array.from({ length: 16 }, async (_, nth) => {
    for (let i = nth; !stop; i += 16) outcomes[i] = await outcomeOf(truth.send(messageOf(i, 64)))
  })
  const taking = far!.ask({ do: 'take', path: 'truth', count: 300 }) as Promise<number[]>
  const taken = await taking
  for (const proxy of proxies) {
    for (const way of ['in', 'out'] as const) proxy.stall(way)
  }
  assert.is(await receiving, 'LEFT not done')
  stop = true
  await Promise.all(sending)
  for (const proxy of proxies) {
    proxy.flow()
    proxy.cut()
  }
  await until(async () => circuit.peers().some(({ name, incarnation }) =>
    name === 'far' && incarnation > 1) || circuit.self.incarnation > 1)
  await until(() => circuit.peers().length === 3)
  const stat = await far!.ask({ do: 'stat', path: 'truth' }) as { senders: number }
  assert.is(stat.senders, 0, 'no phantoms')
  const there = [...taken, ...await far!.ask({ do: 'drain', path: 'truth' }) as number[]]
  assert.is(new Set(there).size, there.length, 'each once')
  for (const [i, outcome] of outcomes.entries()) {
    if (outcome === 'done') assert.ok(there.includes(i), `${i} was done, and is there`)
    if (outcome === 'LEFT not done') assert.not.ok(there.includes(i), `${i} was not done`)
  }
  const count = (what: string) => outcomes.filter((outcome) => outcome === what).length
  console.log(`  ${count('done')} done, ${count('LEFT unknown')} unknown, `
    + `${count('LEFT not done')} not done; ${there.length} were there`)
  assert.ok(count('LEFT unknown') > 0)
}, { timeout_ms: 30_000 })

test('a new incarnation ends the old session at once, also within the time of a break',
  async () => {
    const { circuit, fars: [far] } = near
    await until(() => circuit.peers().some(({ name }) => name === 'far'))
    await far!.ask({ do: 'make', path: 'old', capacity: 0 })
    await far!.ask({ do: 'make', path: 'older', capacity: 0 })
    const old = await circuit.open<Uint8Array>('/far/old')
    const older = await circuit.open<Uint8Array>('/far/older')
    const parked = outcomeOf(old.send(messageOf(1, 8)))
    const waiting = outcomeOf(older.receive())
    await older.stat()
    const before = circuit.peers().find(({ name }) => name === 'far')!.incarnation
    await far!.kill()
    const began = performance.now()
    await far!.run(before + 1)
    circuit.found(far!.peer, [far!.proxy.address])
    assert.equal(await Promise.all([parked, waiting]), ['LEFT unknown', 'LEFT not done'])
    await until(() => circuit.peers().some(({ name, incarnation }) =>
      name === 'far' && incarnation > before))
    const ms = performance.now() - began
    console.log(`  known as a new incarnation ${ms.toFixed(0)} ms after the kill (with its start)`)
    assert.is(await outcomeOf(old.send(messageOf(2, 8), { timeout: LEFT_MS })), 'LEFT not done')
    await far!.ask({ do: 'make', path: 'new', capacity: 1 })
    await (await circuit.open<Uint8Array>('/far/new')).send(messageOf(3, 8))
    assert.equal(await far!.ask({ do: 'drain', path: 'new' }), [3])
  }, { timeout_ms: 30_000 })

async function outcomeOf(doing: Promise<unknown>): Promise<string> {
  try {
    await doing
    return 'done'
  } catch (error) {
    return error instanceof Loss ? `${error.code} ${error.outcome}` : String(error)
  }
}

test.run()
