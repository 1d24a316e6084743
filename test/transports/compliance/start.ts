/**
 * Duties of every transport: listening, and knowing who is there.
 */
import * as assert from 'uvu/assert'
import { dial, linked, peerOf, reasonOf } from './witness.ts'
import type { Within } from './witness.ts'

export function startTests(within: Within): void {
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

  within('stopping ends every link on both sides, and nobody listens', async (world, t) => {
    const [a, b, c] = [await peerOf(world, t), await peerOf(world, t), await peerOf(world, t)]
    const addresses = b.transport.addresses()
    const [ab, ba] = await linked(a, b)
    const [bc, cb] = await linked(b, c)
    const began = performance.now()
    await b.transport.stop()
    const took_ms = performance.now() - began
    await Promise.all([ab, ba, bc, cb].map((one) => one.gone()))
    assert.is(await reasonOf(dial(a, b.peer, addresses)), 'refused')
    await b.transport.stop()
    t.within(4_000, took_ms, 'stopping')
  }, { timed: true })
}
