/**
 * Several peers in this process, over a memory network: the host's part of distance.
 *
 * Lives here: remote channels, moved channels, links that break or fill, members. Does not live
 * here: processes (process.test.ts), the protocol's rules (test/net), real streams
 * (test/transports).
 */
import * as assert from 'uvu/assert'
import { after, Loss, select } from '../../bindings/js/index.ts'
import type { Channel, MemberEvent } from '../../bindings/js/index.ts'
import { MemoryNetwork } from '../../transports/memory.ts'
import { suite } from '../suite.ts'
import { codeOf, errorOf, peer, peers, until } from './stand.ts'

const test = suite('js: peers')

test('a channel is used the same way from anywhere, whatever the value', async (t) => {
  const [alice, bob] = await peers(t, ['alice', 'bob'])
  const jobs = await alice.make<unknown>('jobs', { capacity: 2 })
  const far = await bob.open<unknown>('/alice/jobs')
  const values = [
    1, -1.5, 1_800_000_000_000, 2n ** 60n, 'text', 'ü'.repeat(2000), true, null,
    { a: [1, { b: null }] }, new Uint8Array([1, 2]), new Date(5), new Map([[1, 'x']])
  ]
  for (const value of values) {
    await far.send(value)
    assert.equal(await jobs.receive(), { value, ok: true, again: false })
    await jobs.send(value)
    assert.equal(await far.receive(), { value, ok: true, again: false })
  }
  assert.is(await far.tryReceive(), undefined)
  assert.is(await far.trySend(1), true)
  assert.is(await far.trySend(2), true)
  assert.is(await far.trySend(3), false)
  assert.equal(await far.stat(), await jobs.stat())
  await far.close()
  assert.equal(await Array.fromAsync(far), [1, 2])
  assert.is(await codeOf(far.send(1)), 'CLOSED')
  await bob.scrub('/alice/jobs')
  assert.is(await codeOf(far.send(1)), 'SCRUBBED')
  assert.is(await codeOf(bob.open('/alice/jobs')), 'NO_SUCH_ANCHOR')
})

test('a rendezvous over a distance resolves when its receiver has the message', async (t) => {
  const [alice, bob] = await peers(t, ['alice', 'bob'])
  const meet = await alice.make<number>('meet')
  const far = await bob.open<number>('/alice/meet')
  let sent = false
  const send = far.send(1).then(() => { sent = true })
  await far.stat()
  assert.is(sent, false)
  assert.is((await meet.receive()).value, 1)
  await send
})

test('a channel moves through a third peer and is used there', async (t) => {
  const [alice, bob, carol] = await peers(t, ['alice', 'bob', 'carol'])
  const [atBob, atCarol] = [
    await bob.make<{ reply: Channel<string> }>('in', { capacity: 1 }),
    await carol.make<{ reply: Channel<string> }[]>('in', { capacity: 1 })
  ]
  const reply = alice.channel<string>({ capacity: 1 })
  await (await alice.open<{ reply: Channel<string> }>('/bob/in')).send({ reply })
  const { value } = await atBob.receive()
  await (await bob.open<{ reply: Channel<string> }[]>('/carol/in')).send([value!])
  const got = await atCarol.receive()
  await got.value![0]!.reply.send('from carol')
  assert.is((await reply.receive()).value, 'from carol')
})

test('a reference that comes home is the channel itself', async (t) => {
  const [alice, bob] = await peers(t, ['alice', 'bob'])
  const there = await bob.make<Channel<number>>('in', { capacity: 1 })
  const back = await alice.make<Channel<number>>('back', { capacity: 1 })
  const own = alice.channel<number>({ capacity: 1 })
  await (await alice.open<Channel<number>>('/bob/in')).send(own)
  await (await bob.open<Channel<number>>('/alice/back')).send((await there.receive()).value!)
  const { value } = await back.receive()
  assert.is(value!.ref, own.ref)
  await value!.send(3)
  assert.is((await own.receive()).value, 3)
})

test('a reference that comes home after its channel was scrubbed says so', async (t) => {
  const [alice, bob] = await peers(t, ['alice', 'bob'])
  const there = await bob.make<Channel<number>>('in', { capacity: 1 })
  const back = await alice.make<Channel<number>>('back', { capacity: 1 })
  const own = await alice.make<number>('own')
  await (await alice.open<Channel<number>>('/bob/in')).send(own)
  const { value: far } = await there.receive()
  await alice.scrub('own')
  await (await bob.open<Channel<number>>('/alice/back')).send(far!)
  const { value } = await back.receive()
  assert.is((await errorOf(value!.send(3))).code, 'SCRUBBED')
  assert.is((await errorOf(far!.send(3))).code, 'SCRUBBED')
})

test('limits lower what a peer allows itself and others', async (t) => {
  const network = new MemoryNetwork()
  const alice = await peer(t, { transports: [network.transport('id-alice')],
    limits: { channels: 3, channelsPerPeer: 1, capacity: 8, messageBytes: 2000 } })
  const bob = await peer(t, {
    id: 'id-bob', name: 'bob', transports: [network.transport('id-bob')]
  })
  bob.found('id-alice', [...alice.self.addresses])
  await until(() => alice.peers().length === 2 && bob.peers().length === 2)
  await bob.make('/alice/one')
  assert.is((await errorOf(bob.make('/alice/two'))).code, 'TOO_MANY')
  assert.is((await errorOf(alice.make('big', { capacity: 9 }))).code, 'BAD_ARGUMENT')
  const jobs = await alice.make<Uint8Array>('jobs', { capacity: 8 })
  await jobs.send(new Uint8Array(1900))
  assert.is((await errorOf(jobs.send(new Uint8Array(2000)))).code, 'TOO_LARGE')
  await alice.make('three')
  assert.is((await errorOf(alice.make('four'))).code, 'TOO_MANY')
  const wrong = peer(t, { id: 'id-carol', name: 'carol', transports: [],
    limits: { colour: 1 } as object })
  assert.is((await errorOf(wrong)).code, 'BAD_ARGUMENT')
})

test('a peer that filled its share of the buffers is refused until some is taken', async (t) => {
  const network = new MemoryNetwork()
  const alice = await peer(t, { transports: [network.transport('id-alice')],
    limits: { storedBytesPerPeer: 1000 } })
  const bob = await peer(t, {
    id: 'id-bob', name: 'bob', transports: [network.transport('id-bob')]
  })
  bob.found('id-alice', [...alice.self.addresses])
  await until(() => alice.peers().length === 2 && bob.peers().length === 2)
  const jobs = await alice.make<Uint8Array>('jobs', { capacity: 8 })
  const far = await bob.open<Uint8Array>('/alice/jobs')
  await far.send(new Uint8Array(900))
  assert.is((await errorOf(far.send(new Uint8Array(200)))).code, 'TOO_MANY')
  await jobs.send(new Uint8Array(5000))
  await jobs.receive()
  await far.send(new Uint8Array(200))
})

test('one select waits on channels of several peers, a timer and a send', async (t) => {
  const [alice, bob, carol] = await peers(t, ['alice', 'bob', 'carol'])
  const [b, c] = [await bob.make<string>('b', { capacity: 1 }), await carol.make<string>('c')]
  const farB = await alice.open<string>('/bob/b')
  const farC = await alice.open<string>('/carol/c')
  const cases = { b: farB.receiving(), c: farC.receiving(), late: after(20) }
  assert.equal(await select(cases), { case: 'late' })
  const waiting = select({ b: farB.receiving(), c: farC.receiving() })
  await c.send('x')
  assert.equal(await waiting, { case: 'c', value: 'x', ok: true, again: false })
  assert.is((await b.stat()).receivers, 0)
  const sending = select({ b: farB.sending('y'), c: farC.receiving() })
  assert.equal(await sending, { case: 'b' })
  assert.is((await b.receive()).value, 'y')
  assert.equal(await select(cases, { default: true }), { case: 'default' })
})

test('a timer of 0 ms beside a send whose message is out waits for its outcome', async (t) => {
  const [alice, bob] = await peers(t, ['alice', 'bob'])
  const meet = await alice.make<number>('meet')
  const far = await bob.open<number>('/alice/meet')
  for (let i = 0; i < 20; i++) {
    const received = far.receive({ timeout: 5000 })
    await far.stat()
    const chosen = await select({ out: meet.sending(i), now: after(0) })
    if (chosen.case === 'now') await meet.send(i)
    assert.is((await received).value, i)
  }
})

test('64 large messages pass a link that fills, both ways at once', async (t) => {
  const [alice, bob] = await peers(t, ['alice', 'bob'])
  const [a, b] = [await alice.make<Uint8Array>('a'), await bob.make<Uint8Array>('b')]
  const farA = await bob.open<Uint8Array>('/alice/a')
  const farB = await alice.open<Uint8Array>('/bob/b')
  const flow = async (from: Channel<Uint8Array>, to: Channel<Uint8Array>) => {
    const out = from.writer({ window: 8 })
    const sending = (async () => {
      for (let i = 0; i < 32; i++) await out.send(new Uint8Array(500_000).fill(i))
      await out.flush()
    })()
    for (let i = 0; i < 32; i++) {
      const { value } = await to.receive()
      assert.is(value!.length, 500_000)
      assert.is(value![499_999], i)
    }
    await sending
  }
  await Promise.all([flow(farA, a), flow(farB, b)])
}, { timeout_ms: 30_000 })

test('a link that breaks loses, doubles and reorders nothing', async (t) => {
  const network = new MemoryNetwork()
  const [alice, bob] = await peers(t, ['alice', 'bob'], network)
  const jobs = await alice.make<number>('jobs', { capacity: 4 })
  const far = await bob.open<number>('/alice/jobs')
  const feed = (async () => {
    await using out = far.writer({ window: 16 })
    for (let i = 0; i < 600; i++) await out.send(i)
  })()
  for (let i = 0; i < 600; i++) {
    if (i % 200 === 100) network.cut('id-alice', 'id-bob')
    assert.equal(await jobs.receive(), { value: i, ok: true, again: false })
  }
  await feed
}, { timeout_ms: 20_000 })

test('bytes that break the rules hurt nobody but their sender, who comes back', async (t) => {
  const network = new MemoryNetwork()
  const [alice, bob, carol] = await peers(t, ['alice', 'bob', 'carol'], network)
  const jobs = await alice.make<number>('jobs', { capacity: 4 })
  const far = await carol.open<number>('/alice/jobs')
  const waiting = far.receive()
  network.inject('id-bob', 'id-alice', new Uint8Array([4, 3, 0x82, 0x18, 0xff, 1]))
  await until(() => alice.peers().some(({ incarnation }) => incarnation > 1))
  await until(() => bob.peers().length === 3 && alice.peers().length === 3)
  await (await bob.open<number>('/alice/jobs')).send(1)
  assert.is((await waiting).value, 1)
  void jobs
}, { timeout_ms: 20_000 })

test('when an owner leaves, what waits on it ends with a Loss that says how', async (t) => {
  const [alice, bob] = await peers(t, ['alice', 'bob'])
  await bob.make('meet')
  await bob.make('other')
  const far = await alice.open<number>('/bob/meet')
  const other = await alice.open<number>('/bob/other')
  const own = alice.channel<number>()
  const waiting = [
    errorOf(far.receive()), errorOf(other.send(1)),
    errorOf(select({ own: own.receiving(), far: far.receiving() }))
  ]
  await far.stat()
  await bob.leave()
  const [received, sent, selected] = await Promise.all(waiting)
  for (const error of [received!, sent!, selected!]) {
    assert.instance(error, Loss)
    assert.is(error.code, 'LEFT')
  }
  assert.equal([received!.outcome, sent!.outcome], ['not done', 'unknown'])
  assert.is(selected!.case, 'far')
  assert.is(await codeOf(far.send(1)), 'LEFT')
  assert.ok(['LEFT', 'NO_SUCH_PEER'].includes(await codeOf(alice.open('/bob/meet'))))
  assert.equal(alice.peers().map(({ name }) => name), ['alice'])
}, { timeout_ms: 20_000 })

test('members first tell who is here, then who comes and goes', async (t) => {
  const network = new MemoryNetwork()
  const [alice, bob] = await peers(t, ['alice', 'bob'], network)
  using events = alice.members()
  const next = async () => {
    const { event, peer } = (await events.receive({ timeout: 5000 })).value!
    return `${event} ${peer.name} ${peer.incarnation}`
  }
  assert.equal([await next(), await next()], ['joined alice 1', 'joined bob 1'])
  const carol = await peer(t, {
    id: 'id-carol', name: 'carol', transports: [network.transport('id-carol')],
    labels: { room: 'attic' }
  })
  carol.found('id-alice', [...alice.self.addresses])
  assert.is(await next(), 'joined carol 1')
  const seen = alice.peers().find(({ name }) => name === 'carol')!
  assert.equal(seen.labels, { room: 'attic' })
  assert.equal(seen.addresses, ['memory:id-carol'])
  assert.ok(Math.abs(Date.now() - seen.since) < 60_000)
  const chosen = select({ event: events.receiving(), late: after(5000) })
  await bob.leave()
  const left = await chosen
  assert.ok(left.case === 'event' && left.ok)
  assert.equal([left.value.event, left.value.peer.id], ['left', 'id-bob'])
}, { timeout_ms: 20_000 })

test('a slow reader of members gets every left of a peer that it was told, and nothing piles up',
  async (t) => {
    const network = new MemoryNetwork()
    const alice = await peer(t, { transports: [network.transport('id-alice')] })
    const [events, shifted] = [alice.members(), alice.members()]
    assert.is((await shifted.receive()).value!.peer.name, 'alice')
    for (let incarnation = 1; incarnation <= 30; incarnation++) {
      const bob = await peer(t, {
        id: 'id-bob', name: 'bob', incarnation, transports: [network.transport('id-bob')]
      })
      bob.found('id-alice', [...alice.self.addresses])
      await until(() => alice.peers().length === 2)
      if (incarnation === 30) break
      await bob.leave()
      await until(() => alice.peers().length === 1)
    }
    // One has room for an even number of events of bob, the other for an odd one.
    for (const slow of [events, shifted]) {
      const told: string[] = []
      for await (const { event, peer: { name, incarnation } } of slow) {
        if (name === 'bob') told.push(`${event} ${incarnation}`)
        if (told.at(-1) === 'joined 30') break
      }
      // In pairs: each incarnation that was told to be here is told to be gone.
      for (let i = 0; i < told.length - 1; i += 2) {
        assert.is(told[i]!.replace('joined', 'left'), told[i + 1])
      }
      assert.ok(told.length >= 3 && told.length < 50, told.join())
      assert.is(await codeOf(slow.receive()), 'BAD_ARGUMENT')
    }
  }, { timeout_ms: 30_000 })

test('a peer whose chain is not valid joins nobody', async (t) => {
  const network = new MemoryNetwork()
  const verdicts = [async () => undefined, async () => { throw new Error('unreadable') }]
  for (const [index, verify] of verdicts.entries()) {
    const [a, b] = [`id-a${index}`, `id-b${index}`]
    const strict = await peer(t, { id: a, name: 'a', transports: [network.transport(a)], verify })
    const stranger = await peer(t, { id: b, name: 'b', transports: [network.transport(b)] })
    stranger.found(a, [...strict.self.addresses])
    strict.found(b, [...stranger.self.addresses])
    await new Promise((resolve) => setTimeout(resolve, 100))
    assert.is(strict.peers().length, 1)
    assert.is(stranger.peers().length, 1)
  }
})

test('rights are checked at the owner before anything changes', async (t) => {
  const network = new MemoryNetwork()
  const alice = await peer(t, {
    transports: [network.transport('id-alice')],
    verify: async () => ({ rights: 1, prefix: 'open', expires: 0 })
  })
  const bob = await peer(t, {
    id: 'id-bob', name: 'bob', transports: [network.transport('id-bob')]
  })
  bob.found('id-alice', [...alice.self.addresses])
  await until(() => bob.peers().length === 2)
  await alice.make('closed')
  await alice.make('open/jobs')
  assert.is(await codeOf(bob.open('/alice/closed')), 'NOT_PERMITTED')
  assert.is(await codeOf(bob.make('/alice/other')), 'NOT_PERMITTED')
  assert.is(await codeOf(bob.start('/alice/open/p', { path: 'x' })), 'NOT_PERMITTED')
  await bob.open('/alice/open/jobs')
  await bob.make('/alice/open/mine')
})

test('a frozen peer is left, comes back as a new incarnation, and its host is told the number',
  async (t) => {
    const network = new MemoryNetwork()
    const renewed: number[] = []
    const heard: string[] = []
    const alice = await peer(t, {
      transports: [network.transport('id-alice')], member: (one) => heard.push(one.name)
    })
    const bob = await peer(t, {
      id: 'id-bob', name: 'bob', transports: [network.transport('id-bob')],
      renewed: (incarnation) => renewed.push(incarnation)
    })
    bob.found('id-alice', [...alice.self.addresses])
    await until(() => alice.peers().length === 2 && bob.peers().length === 2)
    const events: MemberEvent[] = []
    const gather = async () => {
      for await (const event of alice.members()) if (event.peer.name === 'bob') events.push(event)
    }
    gather().catch(() => {})
    const jobs = await alice.make<number>('jobs')
    const far = await bob.open<number>('/alice/jobs')
    const waiting = errorOf(far.receive())
    network.freeze('id-bob')
    await until(() => alice.peers().length === 1)
    network.thaw('id-bob')
    await until(() => alice.peers().length === 2)
    assert.is((await waiting).code, 'LEFT')
    assert.equal(renewed, [2])
    assert.is(bob.self.incarnation, 2)
    await until(() => events.length >= 3)
    assert.equal(events.map(({ event, peer: { incarnation } }) => `${event} ${incarnation}`),
      ['joined 1', 'left 1', 'joined 2'])
    assert.ok(heard.includes('bob'))
    void jobs
  }, { timeout_ms: 20_000 })

test.run()
