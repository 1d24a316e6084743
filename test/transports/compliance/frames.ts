/**
 * Duties of every transport: all bytes, in order and once. Frames show that best.
 */
import * as assert from 'uvu/assert'
import {
  FRAME_BYTES_MAX, HEADER_BYTES_MAX, WRITE_BYTES_MAX
} from '../../../bindings/js/tables.ts'
import { joined } from '../framed.ts'
import { filled, seeded } from '../samples.ts'
import { dial, frame, linked, peerOf, same, Witness } from './witness.ts'
import type { Within } from './witness.ts'

export function frameTests(within: Within): void {
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

  within('pieces of every size come whole, in order and once', async (world, t) => {
    const [a, b] = [await peerOf(world, t), await peerOf(world, t)]
    const [near, far] = await linked(a, b)
    const frames = Array.from({ length: 20 }, (_, i) => frame(1 + i, 3 * i * i, i))
    const bytes = Buffer.concat(joined(frames))
    for (const size of [1, 2, 100, WRITE_BYTES_MAX, Infinity]) {
      const pieces: Uint8Array[] = []
      for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size))
      const [before, readies] = [far.count, near.readies]
      if (!near.link.send(pieces)) await near.until(() => near.readies > readies)
      assert.is(near.link.send([]), true)
      await far.until(() => far.count === before + frames.length)
      same(far.frames_seen.splice(0), frames)
    }
  })

  within('bytes wait for open, and no event comes inside of a call', async (world, t) => {
    const [a, b] = [await peerOf(world, t), await peerOf(world, t)]
    const coming = b.next()
    const near = new Witness(await dial(a, b.peer, b.transport.addresses()))
    const frames = Array.from({ length: 50 }, (_, i) => frame(2, 10, i))
    near.send(frames)
    const far_link = await coming
    const echo = new Promise<void>((resolve) => setImmediate(resolve))
    await echo
    let inside = true
    const far = new Witness(far_link)
    far.onFrames = () => assert.not(inside, 'bytes came inside of open')
    inside = false
    await far.until(() => far.count === frames.length)
    same(far.frames_seen, frames)
  })
}

/** Bytes of a stranger. */
export function strangeTests(within: Within): void {
  within('what a stranger writes comes on its own link, whatever it is', async (world, t) => {
    const [a, b] = [await peerOf(world, t), await peerOf(world, t)]
    const [near, far] = await linked(a, b)
    const bytes = filled(5_000, 3).map((one) => one | 0x80)
    const coming = b.next()
    const stranger = await world.raw(b, [bytes.subarray(0, 3_000), bytes.subarray(3_000)])
    const link = await coming
    const seen: Uint8Array[] = []
    await new Promise<void>((resolve) => link.open({
      bytes: (chunks) => {
        seen.push(...chunks)
        if (Buffer.concat(seen).length === bytes.length) resolve()
      },
      ready: () => {},
      down: () => {}
    }))
    assert.is(Buffer.compare(Buffer.concat(seen), bytes), 0)
    link.close(true)
    await stranger.ended
    near.send([frame(3, 4, 1)])
    await far.until(() => far.count === 1)
    assert.is(far.downs.length, 0)
  })
}
