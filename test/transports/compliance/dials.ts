/**
 * Duties of every transport: dialling.
 */
import * as assert from 'uvu/assert'
import { dial, frame, linked, peerOf, reasonOf } from './witness.ts'
import type { Within } from './witness.ts'

export function dialTests(within: Within): void {
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
    const dialled = a.transport.dial(b.peer, b.transport.addresses(), gone)
    assert.is(await reasonOf(dialled), 'unreachable')
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
      near.send([frame(3, 4, 1)])
      far.send([frame(5, 6, 2)])
    }
    for (const one of [...ab, ...ba]) await one.until(() => one.count === 1)
    ab[0].link.close()
    await Promise.all(ab.map((one) => one.gone()))
    ba[1].send([frame(7, 8, 3)])
    await ba[0].until(() => ba[0].count === 2)
    assert.is(ba[0].downs.length, 0)
  })
}
