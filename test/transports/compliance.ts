/**
 * What every transport must do: one suite for all of them.
 *
 * Lives here: the five duties of transports/transport.ts as tests. Does not live here: what one
 * transport does beyond them (its own test file).
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { joinFrames } from '../../transports/frames.ts'
import {
  FRAME_BYTES_MAX, HEADER_BYTES_MAX, LINK_WINDOW_BYTES, STREAM_WINDOW_BYTES, WRITE_BYTES_MAX
} from '../../transports/tables.ts'
import { filled, seeded, varint } from './samples.ts'
import type { DialError, Frame, Link, LinkEvents, Transport } from '../../transports/transport.ts'
import type { TestContext } from '../suite.ts'

/** A transport that is not started yet, and the peer whose it is. */
export interface Made { readonly peer: string, readonly transport: Transport }

/** One world of peers: every call of `setup` gives a new one. */
export interface World {
  /** A peer that nobody has been yet. */
  make(): Promise<Made>
  /** An address in this transport's form at which nobody listens. */
  readonly nowhere: string
  /** Opens a stream to a peer's transport as any program could, and writes bytes to it. */
  raw(to: Made, chunks: readonly Uint8Array[]): Promise<{ ended: Promise<void> }>
  close(): Promise<void>
}

const DIAL_MS = 5_000

/** One side of a link that writes down what it is told, and can be waited on. */
export class Witness implements LinkEvents {
  readonly link: Link
  readonly frames_seen: Frame[] = []
  readonly downs: boolean[] = []
  bytes = 0
  count = 0
  readies = 0
  keep = true
  onFrames = (_frames: readonly Frame[]): void => {}
  #waiting: Array<{ until: () => boolean, resolve: () => void }> = []

  constructor(link: Link) {
    this.link = link
    link.open(this)
  }

  frames(frames: readonly Frame[]): void {
    assert.ok(frames.length > 0, 'frames come at least one at a time')
    assert.is(this.downs.length, 0, 'nothing comes after down')
    if (this.keep) this.frames_seen.push(...frames)
    this.count += frames.length
    for (const { header, payload } of frames) this.bytes += header.length + (payload?.length ?? 0)
    this.onFrames(frames)
    this.#look()
  }

  ready(): void {
    assert.is(this.downs.length, 0, 'nothing comes after down')
    this.readies++
    this.#look()
  }

  down(clean: boolean): void {
    this.downs.push(clean)
    this.#look()
  }

  /** Ends when the condition holds after an event; the test's deadline bounds it. */
  until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ until: condition, resolve }))
  }

  gone(): Promise<void> {
    return this.until(() => this.downs.length > 0)
  }

  /** Sends all, in lots, as slowly as the link wants. */
  async sendAll(frames: readonly Frame[], lot = 64): Promise<void> {
    for (let at = 0; at < frames.length; at += lot) {
      const before = this.readies
      if (!this.link.send(frames.slice(at, at + lot))) await this.until(() => this.readies > before)
    }
  }

  #look(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const one of waiting) {
      if (one.until()) one.resolve()
      else this.#waiting.push(one)
    }
  }
}

/** A started peer whose incoming links are kept. */
export interface Peer extends Made { readonly incoming: Link[], next(): Promise<Link> }

/** Makes and starts a peer; it stops after the test. */
export async function peerOf(world: World, t: TestContext, make = () => world.make()): Promise<Peer> {
  const { peer, transport } = await make()
  const incoming: Link[] = []
  const waiting: Array<(link: Link) => void> = []
  await transport.start({
    link: (link) => {
      const first = waiting.shift()
      if (first === undefined) incoming.push(link)
      else first(link)
    }
  })
  t.after(() => transport.stop())
  const next = async () => incoming.shift()
    ?? await new Promise<Link>((resolve) => waiting.push(resolve))
  return { peer, transport, incoming, next }
}

/** Dials, and gives both ends, each with a witness. */
export async function linked(from: Peer, to: Peer): Promise<[near: Witness, far: Witness]> {
  const coming = to.next()
  const link = await dial(from, to.peer, to.transport.addresses())
  const near = new Witness(link)
  return [near, new Witness(await coming)]
}

function dial(from: Made, peer: string, addresses: readonly string[]): Promise<Link> {
  return from.transport.dial(peer, addresses, AbortSignal.timeout(DIAL_MS))
}

async function reasonOf(dialling: Promise<Link>): Promise<string> {
  try {
    await dialling
  } catch (error) {
    return (error as DialError).reason
  }
  return 'a link'
}

function frame(header: number, payload: number | undefined, salt: number): Frame {
  const body = payload === undefined ? undefined : filled(payload, salt + 1)
  return { header: filled(header, salt), payload: body }
}

function same(actual: readonly Frame[], expected: readonly Frame[]): void {
  assert.is(actual.length, expected.length)
  expected.forEach((one, i) => {
    const { header, payload } = actual[i]!
    assert.is(Buffer.compare(header, one.header), 0, `the header of frame ${i}`)
    const sent = one.payload?.length === 0 ? undefined : one.payload
    assert.is(payload === undefined, sent === undefined, `the payload of frame ${i}`)
    if (payload !== undefined) assert.is(Buffer.compare(payload, sent!), 0, `payload ${i}`)
  })
}

/** Registers the whole suite under a name; `setup` makes a new world for each test. */
export function compliance(name: string, setup: () => Promise<World>): void {
  const test = suite(`transports: ${name} does its duties`)
  const within = (title: string, body: (world: World, t: TestContext) => Promise<void>): void => {
    test(title, async (t) => {
      const world = await setup()
      t.after(() => world.close())
      await body(world, t)
    })
  }
  startTests(within)
  dialTests(within)
  frameTests(within)
  pressureTests(within)
  endTests(within)
  test.run()
}

type Within = (title: string, body: (world: World, t: TestContext) => Promise<void>) => void

function startTests(within: Within): void {
  within('it listens at addresses that it speaks, and at none before', async (world, t) => {
    const a = await peerOf(world, t)
    assert.ok(a.transport.addresses().length > 0)
    for (const address of a.transport.addresses()) assert.ok(a.transport.speaks(address), address)
    assert.not(a.transport.speaks('nonsense'))
    assert.not(a.transport.speaks(''))
    const { transport } = await world.make()
    assert.is(transport.addresses().length, 0)
  })

  within('both sides of a link know the other, and who dialled', async (world, t) => {
    const [a, b] = [await peerOf(world, t), await peerOf(world, t)]
    const [near, far] = await linked(a, b)
    assert.is(near.link.peer, b.peer)
    assert.is(far.link.peer, a.peer)
    assert.is(near.link.outgoing, true)
    assert.is(far.link.outgoing, false)
    assert.ok(near.link.address.length > 0 && far.link.address.length > 0)
  })

  within('stopping ends every link on both sides, and nobody listens any more', async (world, t) => {
    const [a, b, c] = [await peerOf(world, t), await peerOf(world, t), await peerOf(world, t)]
    const addresses = b.transport.addresses()
    const [ab, ba] = await linked(a, b)
    const [bc, cb] = await linked(b, c)
    const began = performance.now()
    await b.transport.stop()
    assert.ok(performance.now() - began < 4_000)
    await Promise.all([ab, ba, bc, cb].map((one) => one.gone()))
    assert.is(await reasonOf(dial(a, b.peer, addresses)), 'refused')
    await b.transport.stop()
  })
}

function dialTests(within: Within): void {
  within('a dial says why it failed', async (world, t) => {
    const [a, b, c] = [await peerOf(world, t), await peerOf(world, t), await peerOf(world, t)]
    assert.is(await reasonOf(dial(a, b.peer, [])), 'no_address')
    assert.is(await reasonOf(dial(a, b.peer, ['nonsense'])), 'no_address')
    assert.is(await reasonOf(dial(a, b.peer, [world.nowhere])), 'refused')
    assert.is(await reasonOf(dial(a, b.peer, c.transport.addresses())), 'wrong_peer')
    assert.is(await reasonOf(dial(a, b.peer, a.transport.addresses())), 'wrong_peer')
    assert.is(await reasonOf(
      dial(a, b.peer, [world.nowhere, ...c.transport.addresses()])
    ), 'refused')
    assert.is(c.incoming.length, 0)
    assert.is(a.incoming.length, 0)
  })

  within('a dial passes over bad addresses to a good one', async (world, t) => {
    const [a, b, c] = [await peerOf(world, t), await peerOf(world, t), await peerOf(world, t)]
    const addresses = ['nonsense', world.nowhere, ...c.transport.addresses(),
      ...b.transport.addresses()]
    const link = await dial(a, b.peer, addresses)
    assert.is(link.peer, b.peer)
    link.close(true)
  })

  within('an aborted dial gives no link, and the next one does', async (world, t) => {
    const [a, b] = [await peerOf(world, t), await peerOf(world, t)]
    const gone = AbortSignal.abort(new Error('not any more'))
    assert.is(await reasonOf(a.transport.dial(b.peer, b.transport.addresses(), gone)), 'unreachable')
    const abort = new AbortController()
    const dialling = a.transport.dial(b.peer, b.transport.addresses(), abort.signal)
    abort.abort(new Error('not any more'))
    assert.is(await reasonOf(dialling), 'unreachable')
    const [near] = await linked(a, b)
    assert.is(near.link.peer, b.peer)
  })

  within('a second dial of a peer is refused while one is under way', async (world, t) => {
    const [a, b] = [await peerOf(world, t), await peerOf(world, t)]
    const first = dial(a, b.peer, b.transport.addresses())
    const second = await dial(a, b.peer, b.transport.addresses()).catch((error: Error) => error)
    assert.match((second as Error).message, /under way/)
    const link = await first
    assert.is(link.peer, b.peer)
    link.close(true)
  })

  within('when both dial at once there are two links, and both work', async (world, t) => {
    const [a, b] = [await peerOf(world, t), await peerOf(world, t)]
    const [ab, ba] = await Promise.all([linked(a, b), linked(b, a)])
    for (const [near, far] of [ab, ba]) {
      near.link.send([frame(3, 4, 1)])
      far.link.send([frame(5, 6, 2)])
    }
    for (const one of [...ab, ...ba]) await one.until(() => one.count === 1)
    ab[0].link.close()
    await Promise.all(ab.map((one) => one.gone()))
    ba[1].link.send([frame(7, 8, 3)])
    await ba[0].until(() => ba[0].count === 2)
    assert.is(ba[0].downs.length, 0)
  })
}

function frameTests(within: Within): void {
  within('frames of every size come whole, in order and once, both ways', async (world, t) => {
    const random = seeded(3)
    const sizes = [0, 1, 126, 127, 128, 129, WRITE_BYTES_MAX - 1, WRITE_BYTES_MAX,
      WRITE_BYTES_MAX + 1, FRAME_BYTES_MAX - HEADER_BYTES_MAX, undefined]
    const make = () => [...sizes, ...Array.from({ length: 150 }, () =>
      random(10) === 0 ? random(200_000) : random(2_000))].map((size) =>
      frame(1 + random(random(9) === 0 ? HEADER_BYTES_MAX : 40), size, random(256)))
    const [a, b] = [await peerOf(world, t), await peerOf(world, t)]
    const [near, far] = await linked(a, b)
    const [there, back] = [make(), make()]
    await Promise.all([near.sendAll(there, 7), far.sendAll(back, 5)])
    await far.until(() => far.count >= there.length)
    await near.until(() => near.count >= back.length)
    same(far.frames_seen, there)
    same(near.frames_seen, back)
  })

  within('a payload of no bytes comes as none', async (world, t) => {
    const [a, b] = [await peerOf(world, t), await peerOf(world, t)]
    const [near, far] = await linked(a, b)
    near.link.send([frame(3, 0, 1), frame(3, undefined, 1), frame(3, 1, 1)])
    await far.until(() => far.count === 3)
    assert.equal(far.frames_seen.map((one) => one.payload?.length), [undefined, undefined, 1])
  })

  within('frames wait for open, and no event comes inside of a call', async (world, t) => {
    const [a, b] = [await peerOf(world, t), await peerOf(world, t)]
    const coming = b.next()
    const near = new Witness(await dial(a, b.peer, b.transport.addresses()))
    const frames = Array.from({ length: 50 }, (_, i) => frame(2, 10, i))
    near.link.send(frames)
    const far_link = await coming
    const echo = new Promise<void>((resolve) => setImmediate(resolve))
    await echo
    let inside = true
    const seen: Frame[] = []
    const far = await new Promise<void>((resolve) => {
      far_link.open({
        frames: (some) => {
          assert.not(inside, 'frames came inside of open')
          seen.push(...some)
          if (seen.length === frames.length) resolve()
        },
        ready: () => {},
        down: () => {}
      })
      inside = false
    })
    assert.is(far, undefined)
    same(seen, frames)
  })

  within('bytes that are no frames reset their link and nothing else', async (world, t) => {
    const [a, b] = [await peerOf(world, t), await peerOf(world, t)]
    const [near, far] = await linked(a, b)
    const good = joinFrames([frame(3, 40, 1)])
    const bad = [
      [Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff)], [Uint8Array.of(2, 9, 1, 1)],
      [...good, Uint8Array.from(varint(FRAME_BYTES_MAX + 1))], [filled(5_000, 3).map((one) => one | 0x80)]
    ]
    for (const chunks of bad) {
      const coming = b.next()
      const stranger = await world.raw(b, chunks)
      const victim = new Witness(await coming)
      await victim.gone()
      await stranger.ended
      assert.equal(victim.downs, [false])
      assert.is(victim.count, chunks.length - 1)
    }
    near.link.send([frame(3, 4, 1)])
    await far.until(() => far.count === 1)
    assert.is(far.downs.length, 0)
  })
}

function pressureTests(within: Within): void {
  within('a paused link makes the other side full, in bounded memory, and loses nothing',
    async (world, t) => {
      const [a, b] = [await peerOf(world, t), await peerOf(world, t)]
      const [near, far] = await linked(a, b)
      far.link.pause()
      const lot = Array.from({ length: 16 }, (_, i) => frame(10, 4_000, i))
      let lots = 0
      const bound = (2 * STREAM_WINDOW_BYTES + 8 * LINK_WINDOW_BYTES) / 64_000
      for (; lots < bound; lots++) if (!near.link.send(lot)) break
      assert.ok(lots < bound, `full after ${lots} lots`)
      assert.is(near.readies, 0)
      assert.is(far.count, 0)
      far.link.resume()
      await near.until(() => near.readies > 0)
      await far.until(() => far.count === (lots + 1) * lot.length)
      assert.is(near.readies, 1)
      assert.is(near.link.send(lot), true)
      await far.until(() => far.count === (lots + 2) * lot.length)
      assert.is(near.readies, 1)
    })

  within('a pause from inside of frames holds the rest back, and each false has one ready',
    async (world, t) => {
      const [a, b] = [await peerOf(world, t), await peerOf(world, t)]
      const [near, far] = await linked(a, b)
      let paused = false
      let falses = 0
      far.keep = false
      far.onFrames = () => {
        assert.not(paused, 'frames came while paused')
        paused = true
        far.link.pause()
        setImmediate(() => {
          paused = false
          far.link.resume()
        })
      }
      const total = 20_000
      for (let sent = 0; sent < total; sent += 500) {
        const lot = Array.from({ length: 500 }, (_, i) => frame(8, 150, i))
        const before = near.readies
        if (near.link.send(lot)) continue
        falses++
        await near.until(() => near.readies > before)
        assert.is(near.readies, falses)
      }
      await far.until(() => far.count === total)
      assert.ok(falses > 0)
      assert.is(near.readies, falses)
    })

  within('both sides can be full at once', async (world, t) => {
    const [a, b] = [await peerOf(world, t), await peerOf(world, t)]
    const [near, far] = await linked(a, b)
    const frames = Array.from({ length: 300 }, (_, i) => frame(4, 30_000, i))
    for (const one of [near, far]) {
      one.keep = false
      one.onFrames = () => {
        one.link.pause()
        setImmediate(() => one.link.resume())
      }
    }
    await Promise.all([near.sendAll(frames, 10), far.sendAll(frames, 10)])
    await Promise.all([near, far].map((one) => one.until(() => one.count === frames.length)))
  })
}

function endTests(within: Within): void {
  within('what was sent before a close arrives, and both sides are told once', async (world, t) => {
    const [a, b] = [await peerOf(world, t), await peerOf(world, t)]
    const [near, far] = await linked(a, b)
    const frames = Array.from({ length: 3_000 }, (_, i) => frame(6, 300, i))
    near.link.send(frames)
    near.link.close()
    near.link.close()
    assert.is(near.link.send([frame(1, 1, 1)]), false)
    await Promise.all([near.gone(), far.gone()])
    same(far.frames_seen, frames)
    assert.equal([near.downs, far.downs], [[true], [true]])
  })

  within('a close by the other side comes after its frames, also when paused', async (world, t) => {
    const [a, b] = [await peerOf(world, t), await peerOf(world, t)]
    const [near, far] = await linked(a, b)
    near.link.pause()
    far.link.send([frame(6, 300, 1), frame(6, 300, 2)])
    far.link.close()
    await new Promise((resolve) => setTimeout(resolve, 30))
    assert.is(near.downs.length, 0)
    near.link.resume()
    await near.gone()
    assert.is(near.count, 2)
    assert.equal(near.downs, [true])
    await far.gone()
  })

  within('a reset ends both sides at once, also when full and paused', async (world, t) => {
    const [a, b] = [await peerOf(world, t), await peerOf(world, t)]
    const [near, far] = await linked(a, b)
    far.link.pause()
    const lot = Array.from({ length: 16 }, (_, i) => frame(10, 4_000, i))
    while (near.link.send(lot)) { /* until full */ }
    let inside = true
    near.until(() => near.downs.length > 0).then(() => assert.not(inside), () => {})
    const began = performance.now()
    near.link.close(true)
    assert.is(near.downs.length, 0)
    inside = false
    await Promise.all([near.gone(), far.gone()])
    assert.ok(performance.now() - began < 500)
    assert.equal([near.downs, far.downs], [[false], [false]])
    assert.is(near.readies, 0)
    near.link.close(true)
    near.link.close()
    assert.is(near.link.send(lot), false)
    await new Promise((resolve) => setImmediate(resolve))
    assert.is(near.downs.length, 1)
  })

  within('a close that the other side does not take is bounded', async (world, t) => {
    const [a, b] = [await peerOf(world, t), await peerOf(world, t)]
    const [near, far] = await linked(a, b)
    far.link.pause()
    const lot = Array.from({ length: 16 }, (_, i) => frame(10, 4_000, i))
    while (near.link.send(lot)) { /* until full */ }
    const began = performance.now()
    near.link.close()
    await near.gone()
    assert.ok(performance.now() - began < 3_000)
    await far.gone()
    assert.equal([near.downs, far.downs], [[false], [false]])
  })

  within('a link that ended before it was opened says so when it is opened', async (world, t) => {
    const [a, b] = [await peerOf(world, t), await peerOf(world, t)]
    const coming = b.next()
    const near = new Witness(await dial(a, b.peer, b.transport.addresses()))
    const far_link = await coming
    near.link.close(true)
    await near.gone()
    await new Promise((resolve) => setTimeout(resolve, 30))
    const far = new Witness(far_link)
    assert.is(far.downs.length, 0)
    await far.gone()
    assert.equal(far.downs, [false])
  })
}
