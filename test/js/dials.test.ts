/** Dials: which transport is asked first, and which addresses others are told. */
import * as assert from 'uvu/assert'
import { MemoryNetwork } from '../../transports/memory.ts'
import type { Transport } from '../../transports/transport.ts'
import { suite, type TestContext } from '../suite.ts'
import { peer, until } from './stand.ts'

const test = suite('js: dials')

/** A transport that knows where a peer would be, and what it was asked. */
function near(inner: Transport, asked: string[]): Transport {
  return {
    name: 'near',
    start: (events) => inner.start(events),
    addresses: () => inner.addresses(),
    near: (id) => id === 'id-bob' || id === 'id-alice' ? [`memory:${id}`] : [],
    speaks: () => false,
    dial: (id, addresses, signal) => {
      asked.push(...addresses)
      return inner.dial(id, addresses, signal)
    },
    stop: () => inner.stop()
  }
}

/** Alice and bob on two networks; bob is on the near one only when it says so. */
async function pair(t: TestContext, bob_is_near: boolean) {
  const [here, far] = [new MemoryNetwork(), new MemoryNetwork()]
  const asked: string[] = []
  const roads = (id: string) => [far.transport(id, { address: `memory:far-${id}` })]
  const alice = await peer(t, {
    transports: [...roads('id-alice'), near(here.transport('id-alice'), asked)]
  })
  const bob = await peer(t, {
    id: 'id-bob', name: 'bob', transports: bob_is_near
      ? [...roads('id-bob'), near(here.transport('id-bob'), [])] : roads('id-bob')
  })
  alice.found('id-bob', [...bob.self.addresses])
  await until(() => alice.peers().length === 2 && bob.peers().length === 2)
  return { alice, bob, here, far, asked }
}

// spec: TR-28, TR-34
test('a near way is tried first, needs no address, and is told to nobody', async (t) => {
  const { alice, bob, here, far, asked } = await pair(t, true)
  assert.equal([here.links, far.links], [1, 0])
  assert.equal(asked, ['memory:id-bob'])
  assert.equal(alice.self.addresses, ['memory:far-id-alice'])
  assert.equal(alice.peers().find(({ id }) => id === bob.self.id)!.addresses,
    ['memory:far-id-bob'])
})

// spec: TR-34
test('when the near way leads nowhere, the next one is taken', async (t) => {
  const { here, far, asked } = await pair(t, false)
  assert.equal(asked, ['memory:id-bob'])
  assert.equal([here.links, far.links], [0, 1])
})

test.run()
