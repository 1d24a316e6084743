/**
 * The faults of the memory network, on virtual time.
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { frameBytes } from './framed.ts'
import { MemoryNetwork } from '../../transports/memory.ts'
import { DIAL_TIMEOUT_MS, LINK_CLOSE_MS, WRITE_BYTES_MAX } from '../../transports/tables.ts'
import { Witness } from './compliance/witness.ts'
import { filled } from './samples.ts'
import { VirtualClock } from './virtual.ts'
import type { MemoryOptions } from '../../transports/memory.ts'
import type { DialError, Link, Transport } from '../../transports/transport.ts'
import type { Frame } from './framed.ts'

const test = suite('transports: faults of the memory network')
const NEVER = new AbortController().signal
const FRAME: Frame = { header: filled(4, 1), payload: filled(100, 2) }
const FRAME_BYTES = frameBytes(FRAME)

interface World { clock: VirtualClock, network: MemoryNetwork, a: Transport, b: Transport }

async function worldOf(options: MemoryOptions = {}): Promise<World & { incoming: Link[] }> {
  const clock = new VirtualClock()
  const network = new MemoryNetwork({ clock, ...options })
  const [a, b] = [network.transport('a'), network.transport('b')]
  const incoming: Link[] = []
  await a.start({ link: (link) => incoming.push(link) })
  await b.start({ link: (link) => incoming.push(link) })
  return { clock, network, a, b, incoming }
}

/** The outcome of a dial, once time has passed: a link, a reason, or nothing yet. */
function dialled(from: Transport, to: string): { link?: Link, reason?: string } {
  const outcome: { link?: Link, reason?: string } = {}
  from.dial(to, [`memory:${to}`], NEVER).then(
    (link) => { outcome.link = link }, (error: DialError) => { outcome.reason = error.reason })
  return outcome
}

async function linked(options: MemoryOptions = {}) {
  const world = await worldOf(options)
  const outcome = dialled(world.a, 'b')
  await world.clock.run(1_000)
  const near = new Witness(outcome.link!)
  const far = new Witness(world.incoming.pop()!)
  await world.clock.run(0)
  return { ...world, near, far }
}

const times = (count: number) => Array.from({ length: count }, () => FRAME)

test('a dial takes two ways and a frame one, to the millisecond', async () => {
  const { clock, a, incoming } = await worldOf({ latency_ms: 10 })
  const outcome = dialled(a, 'b')
  await clock.run(19)
  assert.is(outcome.link, undefined)
  await clock.run(1)
  const near = new Witness(outcome.link!)
  await clock.run(10)
  const far = new Witness(incoming[0]!)
  await clock.run(0)
  near.send(times(1))
  await clock.run(9)
  assert.is(far.count, 0)
  await clock.run(1)
  assert.is(far.count, 1)
})

test('bandwidth spreads bytes over time', async () => {
  const { clock, near, far } = await linked({ bytes_per_ms: FRAME_BYTES, chunk_bytes_max: 50 })
  for (let i = 0; i < 10; i++) near.send(times(1))
  await clock.run(5)
  assert.is(far.count, 5)
  await clock.run(5)
  assert.is(far.count, 10)
})

test('a link is cut behind every byte of two frames: whole frames come, then down', async () => {
  for (let bytes = 0; bytes <= 2 * FRAME_BYTES; bytes++) {
    const { clock, network, near, far } = await linked({ latency_ms: 2 })
    network.cut('a', 'b', { bytes })
    near.send(times(3))
    far.send(times(1))
    await clock.run(10)
    assert.is(far.count, Math.floor(bytes / FRAME_BYTES), `cut after ${bytes} bytes`)
    assert.equal([near.downs, far.downs], [[false], [false]])
    assert.is(network.links, 0)
  }
})

test('a cut is told to a paused link too', async () => {
  const { clock, network, near, far } = await linked()
  far.link.pause()
  near.send(times(2))
  await clock.run(5)
  network.cut('a', 'b')
  await clock.run(5)
  assert.equal([near.downs, far.downs, far.count], [[false], [false], 0])
})

test('a partition holds bytes and answers, and healing lets them go on', async () => {
  const { clock, network, a, near, far } = await linked({ latency_ms: 5 })
  network.partition(['a'], ['b'])
  near.send(times(2))
  far.send(times(1))
  const outcome = dialled(a, 'b')
  await clock.run(DIAL_TIMEOUT_MS - 1)
  assert.equal([far.count, near.count, outcome], [0, 0, {}])
  await clock.run(1)
  assert.equal(outcome, { reason: 'unreachable' })
  assert.equal([near.downs, far.downs], [[], []])
  network.heal()
  await clock.run(5)
  assert.equal([far.count, near.count], [2, 1])
})

test('a block holds one direction only', async () => {
  const { clock, network, a, b, near, far } = await linked()
  network.block('a', 'b')
  near.send(times(1))
  far.send(times(1))
  const outcomes = [dialled(a, 'b'), dialled(b, 'a')]
  await clock.run(DIAL_TIMEOUT_MS)
  assert.equal([far.count, near.count], [0, 1])
  assert.equal(outcomes, [{ reason: 'unreachable' }, { reason: 'unreachable' }])
})

test('a frozen peer is told nothing, its links fill, and a thaw tells all', async () => {
  const { clock, network, a, near, far, incoming } = await linked({ window_bytes: 1_000 })
  near.send(times(1))
  await clock.run(1)
  network.freeze('b')
  const sent = near.fill(times(1))
  const outcome = dialled(a, 'b')
  await clock.run(DIAL_TIMEOUT_MS)
  assert.equal([far.count, near.readies, outcome], [1, 0, { reason: 'unreachable' }])
  assert.is(incoming.length, 0)
  network.thaw('b')
  await clock.run(1)
  assert.equal([far.count, near.readies], [sent + 1, 1])
})

test('a peer that freezes while it dials has its answer when it thaws', async () => {
  const { clock, network, a } = await worldOf({ latency_ms: 10 })
  const outcome = dialled(a, 'b')
  await clock.run(15)
  network.freeze('a')
  await clock.run(100)
  assert.equal(outcome, {})
  network.thaw('a')
  await clock.run(10)
  assert.is(outcome.link?.peer, 'b')
})

test('a killed peer is told nothing more, others are, and dials of it are refused', async () => {
  const { clock, network, a, near, far } = await linked({ latency_ms: 5 })
  far.send(times(20))
  near.send(times(20))
  network.kill('b')
  await clock.run(20)
  assert.equal([near.downs, far.downs, far.count], [[false], [], 0])
  assert.ok(near.count < 20, `${near.count} of 20 frames left the dying peer`)
  const outcome = dialled(a, 'b')
  await clock.run(10)
  assert.equal(outcome, { reason: 'refused' })
  assert.is(network.links, 0)
  const again = network.transport('b')
  await again.start({ link: () => {} })
  const second = dialled(a, 'b')
  await clock.run(10)
  assert.is(second.link?.peer, 'b')
})

test('a peer that loses power tells nobody, and dials have no answer', async () => {
  const { clock, network, a, near, far } = await linked({ latency_ms: 5 })
  network.kill('b', { silent: true })
  assert.is(near.send(times(1)), true)
  const outcome = dialled(a, 'b')
  await clock.run(DIAL_TIMEOUT_MS)
  assert.equal([near.downs, far.count, outcome], [[], 0, { reason: 'unreachable' }])
  near.link.close()
  await clock.run(LINK_CLOSE_MS)
  assert.equal(near.downs, [false])
  assert.is(network.links, 0)
})

test('a close ends by itself when nobody answers it', async () => {
  const { clock, network, near, far } = await linked()
  network.partition(['a'], ['b'])
  near.link.close()
  await clock.run(LINK_CLOSE_MS - 1)
  assert.is(near.downs.length, 0)
  await clock.run(1)
  assert.equal([near.downs, far.downs], [[false], []])
  network.heal()
  await clock.run(1)
  assert.equal(far.downs, [false])
  assert.is(network.links, 0)
})

test('the same seed gives the same history, and another seed another', async () => {
  const history = async (seed: number): Promise<string> => {
    const { clock, near, far } = await linked({
      seed, latency_ms: 1, jitter_ms: 5, chunk_bytes_max: 60, cuts_per_million: 3_000
    })
    const events: string[] = []
    far.onFrames = (frames) => events.push(`${clock.now_ms()}:${frames.length}`)
    for (let i = 0; i < 100 && far.downs.length === 0; i++) {
      near.send(times(3))
      await clock.run(2)
    }
    return `${events.join()} ${far.downs.join()}`
  }
  const [first, again, other] = [await history(5), await history(5), await history(6)]
  assert.is(first, again)
  assert.is.not(first, other)
})

test('what was sent arrives as it was, whatever its sender does to it then', async () => {
  const { clock, near, far } = await linked()
  const payload = filled(3 * WRITE_BYTES_MAX, 5)
  near.send([{ header: filled(1, 1), payload }])
  payload.fill(0)
  await clock.run(5)
  assert.is(Buffer.compare(far.frames_seen[0]!.payload!, filled(3 * WRITE_BYTES_MAX, 5)), 0)
})

test('two peers cannot be one, nor listen at one address', async () => {
  const { network } = await worldOf()
  assert.throws(() => network.transport('a'), /already/)
  const c = network.transport('c', { address: 'memory:a' })
  const error = await c.start({ link: () => {} }).catch((one: Error) => one)
  assert.match((error as Error).message, /Cannot listen at memory:a/)
})

test.run()
