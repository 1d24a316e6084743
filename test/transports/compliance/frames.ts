/**
 * Duties of every transport: frames whole, in order and once.
 */
import * as assert from 'uvu/assert'
import { joinFrames } from '../../../transports/frames.ts'
import {
  FRAME_BYTES_MAX, HEADER_BYTES_MAX, WRITE_BYTES_MAX
} from '../../../transports/tables.ts'
import { filled, seeded, varint } from '../samples.ts'
import { dial, frame, linked, peerOf, same, Witness } from './witness.ts'
import type { Within } from './witness.ts'
import type { Frame } from '../../../transports/transport.ts'

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
}

/** Bytes that are no frames. */
export function garbageTests(within: Within): void {
  within('bytes that are no frames reset their link and nothing else', async (world, t) => {
    const [a, b] = [await peerOf(world, t), await peerOf(world, t)]
    const [near, far] = await linked(a, b)
    const good = joinFrames([frame(3, 40, 1)]).flat()
    const bad = [
      [Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff)], [Uint8Array.of(2, 9, 1, 1)],
      [...good, Uint8Array.from(varint(FRAME_BYTES_MAX + 1))],
      [filled(5_000, 3).map((one) => one | 0x80)]
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
