/**
 * Duties of every transport: a slow side slows the other, in bounded memory.
 */
import * as assert from 'uvu/assert'
import { LINK_WINDOW_BYTES, STREAM_WINDOW_BYTES } from '../../../transports/tables.ts'
import { frame, linked, peerOf } from './witness.ts'
import type { Within } from './witness.ts'

export function pressureTests(within: Within): void {
  within('a paused link makes the other side full, in bounded memory, and loses nothing',
    async (world, t) => {
      const [a, b] = [await peerOf(world, t), await peerOf(world, t)]
      const [near, far] = await linked(a, b)
      far.link.pause()
      const lot = Array.from({ length: 16 }, (_, i) => frame(10, 4_000, i))
      const sent = near.fill(lot)
      assert.ok(sent * 4_012 < 2 * STREAM_WINDOW_BYTES + 8 * LINK_WINDOW_BYTES, `${sent} frames`)
      assert.is(near.readies, 0)
      assert.is(far.count, 0)
      far.link.resume()
      await near.until(() => near.readies > 0)
      await far.until(() => far.count === sent)
      assert.is(near.readies, 1)
      assert.is(near.send(lot), true)
      await far.until(() => far.count === sent + lot.length)
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
        if (near.send(lot)) continue
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
