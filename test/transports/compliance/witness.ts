/**
 * Peers for the tests of transports, and what their links are told.
 *
 * Lives here: making, dialling, waiting, comparing. Does not live here: any test.
 */
import * as assert from 'uvu/assert'
import { FrameCutter } from '../../../bindings/js/frames.ts'
import { cutFrames, joined } from '../framed.ts'
import { filled } from '../samples.ts'
import type { DialError, Link, LinkEvents, Transport } from '../../../transports/transport.ts'
import type { Frame } from '../framed.ts'
import type { TestContext, TestOptions } from '../../suite.ts'

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

/** Writes a test down in a world of its own. */
export type Within = (
  title: string, body: (world: World, t: TestContext) => Promise<void>, options?: TestOptions
) => void

const DIAL_MS = 30_000
const FILL_FRAMES_MAX = 4_000

/** One side of a link that writes down what it is told, and can be waited on. */
export class Witness implements LinkEvents {
  readonly link: Link
  readonly frames_seen: Frame[] = []
  readonly downs: boolean[] = []
  readonly #cutter = new FrameCutter()
  count = 0
  readies = 0
  keep = true
  onFrames = (_frames: readonly Frame[]): void => {}
  #waiting: Array<{ until: () => boolean, resolve: () => void }> = []

  constructor(link: Link) {
    this.link = link
    link.open(this)
  }

  bytes(chunks: Iterable<Uint8Array>): void {
    assert.is(this.downs.length, 0, 'nothing comes after down')
    let some = false
    for (const chunk of chunks) {
      this.#cutter.push(chunk)
      some ||= chunk.length > 0
    }
    assert.ok(some, 'bytes come at least one at a time')
    const frames = cutFrames(this.#cutter)
    assert.is(this.#cutter.violation, undefined, 'bytes come as they were sent')
    if (this.keep) this.frames_seen.push(...frames)
    this.count += frames.length
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

  /** Sends these frames at once. */
  send(frames: readonly Frame[]): boolean {
    return this.link.send(joined(frames))
  }

  /** Sends all, in lots, as slowly as the link wants. */
  async sendAll(frames: readonly Frame[], lot = 64): Promise<void> {
    for (let at = 0; at < frames.length; at += lot) {
      const before = this.readies
      if (!this.send(frames.slice(at, at + lot))) await this.until(() => this.readies > before)
    }
  }

  /** Sends until the link is full; gives how many frames it took. */
  fill(lot: readonly Frame[]): number {
    for (let sent = lot.length; sent <= FILL_FRAMES_MAX; sent += lot.length) {
      if (!this.send(lot)) return sent
    }
    throw new Error('the link does not fill')
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
export async function peerOf(
  world: World, t: TestContext, make = () => world.make()
): Promise<Peer> {
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

/** Dials at the first go. */
export function dial(from: Made, peer: string, addresses: readonly string[]): Promise<Link> {
  return from.transport.dial(peer, addresses, AbortSignal.timeout(DIAL_MS))
}

/** Why a dial failed. */
export async function reasonOf(dialling: Promise<Link>): Promise<string> {
  try {
    await dialling
  } catch (error) {
    return (error as DialError).reason
  }
  return 'a link'
}

/** A frame of these sizes; its bytes follow from the salt. */
export function frame(header: number, payload: number | undefined, salt: number): Frame {
  const body = payload === undefined ? undefined : filled(payload, salt + 1)
  return { header: filled(header, salt), payload: body }
}

/** The same frames in the same order; a payload of no bytes came as none. */
export function same(actual: readonly Frame[], expected: readonly Frame[]): void {
  assert.is(actual.length, expected.length)
  expected.forEach((one, i) => {
    const { header, payload } = actual[i]!
    assert.is(Buffer.compare(header, one.header), 0, `the header of frame ${i}`)
    const sent = one.payload?.length === 0 ? undefined : one.payload
    assert.is(payload === undefined, sent === undefined, `the payload of frame ${i}`)
    if (payload !== undefined) assert.is(Buffer.compare(payload, sent!), 0, `payload ${i}`)
  })
}
