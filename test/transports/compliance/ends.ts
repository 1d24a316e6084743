/**
 * Duties of every transport: every link ends once, and what was sent arrives.
 */
import * as assert from 'uvu/assert'
import { RECORDS_PER_RUN_MAX } from '../../../transports/tables.ts'
import { dial, frame, linked, peerOf, same, Witness } from './witness.ts'
import type { Within } from './witness.ts'

export function closeTests(within: Within): void {
  within('what was sent before a close arrives, and both sides are told once', async (world, t) => {
    const [a, b] = [await peerOf(world, t), await peerOf(world, t)]
    const [near, far] = await linked(a, b)
    const frames = Array.from({ length: 3_000 }, (_, i) => frame(6, 300, i))
    near.send(frames)
    near.link.close()
    near.link.close()
    assert.is(near.send([frame(1, 1, 1)]), false)
    await Promise.all([near.gone(), far.gone()])
    same(far.frames_seen, frames)
    assert.equal([near.downs, far.downs], [[true], [true]])
  })

  within('a close by the other side comes after its frames, also when paused', async (world, t) => {
    const [a, b] = [await peerOf(world, t), await peerOf(world, t)]
    const [near, far] = await linked(a, b)
    near.link.pause()
    far.send([frame(6, 300, 1), frame(6, 300, 2)])
    far.link.close()
    await new Promise((resolve) => setTimeout(resolve, 30))
    assert.is(near.downs.length, 0)
    near.link.resume()
    await near.gone()
    assert.is(near.count, 2)
    assert.equal(near.downs, [true])
    await far.gone()
  })

  within('a pause from inside of frames holds back the rest and the end', async (world, t) => {
    const [a, b] = [await peerOf(world, t), await peerOf(world, t)]
    const [near, far] = await linked(a, b)
    const total = 3 * RECORDS_PER_RUN_MAX
    near.onFrames = () => near.link.pause()
    far.send(Array.from({ length: total }, () => frame(1, undefined, 1)))
    far.link.close()
    await near.until(() => near.count > 0)
    await new Promise((resolve) => setTimeout(resolve, 30))
    assert.is(near.downs.length, 0)
    near.onFrames = () => {}
    near.link.resume()
    await near.gone()
    assert.equal([near.count, near.downs], [total, [true]])
  })

  within('after a close nothing comes but down', async (world, t) => {
    const [a, b] = [await peerOf(world, t), await peerOf(world, t)]
    const [near, far] = await linked(a, b)
    far.send([frame(1, 1, 1)])
    await near.until(() => near.count === 1)
    near.link.close()
    far.send([frame(1, 1, 1)])
    await Promise.all([near.gone(), far.gone()])
    assert.equal([near.count, near.downs], [1, [true]])
  })
}

/** Ends that are not orderly. */
export function resetTests(within: Within): void {
  within('a reset ends both sides at once, also when full and paused', async (world, t) => {
    const [a, b] = [await peerOf(world, t), await peerOf(world, t)]
    const [near, far] = await linked(a, b)
    far.link.pause()
    const lot = Array.from({ length: 16 }, (_, i) => frame(10, 4_000, i))
    near.fill(lot)
    let inside = true
    near.until(() => near.downs.length > 0).then(() => assert.not(inside), () => {})
    const began = performance.now()
    near.link.close(true)
    assert.is(near.downs.length, 0)
    inside = false
    await Promise.all([near.gone(), far.gone()])
    const took_ms = performance.now() - began
    assert.equal([near.downs, far.downs], [[false], [false]])
    assert.is(near.readies, 0)
    near.link.close(true)
    near.link.close()
    assert.is(near.send(lot), false)
    await new Promise((resolve) => setImmediate(resolve))
    assert.is(near.downs.length, 1)
    t.within(500, took_ms, 'the end of both sides')
  }, { timed: true })

  within('a close that the other side does not take is bounded', async (world, t) => {
    const [a, b] = [await peerOf(world, t), await peerOf(world, t)]
    const [near, far] = await linked(a, b)
    far.link.pause()
    const lot = Array.from({ length: 16 }, (_, i) => frame(10, 4_000, i))
    near.fill(lot)
    const began = performance.now()
    near.link.close()
    await near.gone()
    const took_ms = performance.now() - began
    await far.gone()
    assert.equal([near.downs, far.downs], [[false], [false]])
    t.within(3_000, took_ms, 'the close')
  }, { timed: true })

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
