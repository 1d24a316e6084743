/**
 * Writers and readers: explicit windows on channels of one peer and of another.
 *
 * Lives here: what is under way, order, errors that come late, what goes back. Does not live here:
 * plain calls (channel.test.ts, peers.test.ts).
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { codeOf, errorOf, peer, peers, turn, until } from './stand.ts'

const test = suite('js: window')

test('a writer has at most its window under way and keeps the order', async (t) => {
  const channel = (await peer(t)).channel<number>()
  const out = channel.writer({ window: 4 })
  let taken = 0
  const sending = (async () => {
    for (let i = 0; i < 20; i++) {
      await out.send(i)
      taken++
    }
    await out.flush()
  })()
  await turn()
  assert.is(taken, 4)
  assert.is((await channel.stat()).senders, 4)
  for (let i = 0; i < 20; i++) assert.is((await channel.receive()).value, i)
  await sending
  out[Symbol.dispose]()
  assert.is(await codeOf(out.send(1)), 'BAD_ARGUMENT')
})

test('a writer tells what became of an earlier message, and fails from there on', async (t) => {
  const channel = (await peer(t)).channel<number>()
  const out = channel.writer({ window: 2 })
  await out.send(1)
  await out.send(2)
  const third = out.send(3)
  const flushed = out.flush()
  await channel.close()
  assert.equal(await Promise.all([third, flushed].map(codeOf)), ['CLOSED', 'CLOSED'])
  assert.is(await codeOf(out.send(4)), 'CLOSED')
  assert.is(await codeOf(out.flush()), 'CLOSED')
})

test('waits for the window and for the flush can be ended; what was taken is sent', async (t) => {
  const channel = (await peer(t)).channel<number>()
  const out = channel.writer({ window: 1 })
  await out.send(1)
  const abort = new AbortController()
  const waiting = [
    codeOf(out.send(2, { timeout: 5 })), codeOf(out.flush({ timeout: 5 })),
    errorOf(out.send(3, { signal: abort.signal })).then(({ message }) => message)
  ]
  const fourth = out.send(4)
  abort.abort(new Error('enough'))
  assert.equal(await Promise.all(waiting), ['TIMED_OUT', 'TIMED_OUT', 'enough'])
  assert.is(await codeOf(out.send(5, { timeout: 0 })), 'BAD_ARGUMENT')
  assert.is((await channel.receive()).value, 1)
  await fourth
  assert.is((await channel.receive()).value, 4)
  await out.flush({ timeout: 1000 })
})

test('disposing a writer asynchronously waits for what is under way', async (t) => {
  const channel = (await peer(t)).channel<number>()
  const got: unknown[] = []
  const receiving = (async () => {
    for await (const one of channel) got.push(one)
  })()
  {
    await using out = channel.writer({ window: 8 })
    for (let i = 0; i < 8; i++) await out.send(i)
  }
  await channel.close()
  await receiving
  assert.equal(got, [0, 1, 2, 3, 4, 5, 6, 7])
})

test('a writer takes a list as so many messages, within its window', async (t) => {
  const channel = (await peer(t)).channel<unknown>()
  const out = channel.writer({ window: 4 })
  let taken = false
  const sending = out.sendMany([0, 1, 2, 3, 4, 5, 6]).then(() => { taken = true })
  const after = out.send(7)
  await turn()
  assert.not(taken)
  assert.is((await channel.stat()).senders, 4)
  const got: unknown[] = []
  while (got.length < 8) got.push((await channel.receive()).value)
  await Promise.all([sending, after])
  // One that another waits behind may come between; each keeps its order.
  assert.equal(got.filter((one) => one !== 7), [0, 1, 2, 3, 4, 5, 6])
  await out.sendMany([])
  assert.is(await codeOf(out.sendMany([8, () => 9, 10])), 'NOT_ENCODABLE')
  assert.equal([(await channel.receive()).value, await channel.tryReceive()], [8, undefined])
})

test('a list tells what became of an earlier message; the later are not sent', async (t) => {
  const channel = (await peer(t)).channel<number>()
  const out = channel.writer({ window: 2 })
  const failed = codeOf(out.sendMany([1, 2, 3]))
  await channel.close()
  assert.is(await failed, 'CLOSED')
  assert.is(await codeOf(out.sendMany([4])), 'CLOSED')
  out[Symbol.dispose]()
  const other = (await peer(t, { id: 'id-b', name: 'bob' })).channel<number>().writer({ window: 1 })
  other[Symbol.dispose]()
  assert.is(await codeOf(other.sendMany([1])), 'BAD_ARGUMENT')
})

test('a reader gives what has come in a list, or waits for one', async (t) => {
  const channel = (await peer(t)).channel<unknown>({ capacity: 16 })
  const values = [1, 'two', new Uint8Array([3]), { four: 4 }, 5]
  await channel.sendMany(values)
  const inp = channel.reader({ prefetch: 8 })
  const got = await inp.receiveMany(2)
  got.push(...await inp.receiveMany(64))
  assert.equal(got, values)
  const waiting = inp.receiveMany(3)
  await channel.sendMany([6, 7])
  got.push(...await waiting)
  if (got.length < 7) got.push(...await inp.receiveMany(3))
  assert.equal(got.slice(5), [6, 7])
  assert.is(await codeOf(inp.receiveMany(0)), 'BAD_ARGUMENT')
  assert.is(await codeOf(inp.receiveMany(1, { timeout: 5 })), 'TIMED_OUT')
  await channel.sendMany([8, 9])
  await channel.close()
  assert.equal([await inp.receiveMany(9), await inp.receiveMany(9)], [[8, 9], []])
  inp[Symbol.dispose]()
  assert.is(await codeOf(inp.receiveMany(1)), 'BAD_ARGUMENT')
})

test('what a reader has not given out goes back in order', async (t) => {
  const channel = (await peer(t)).channel<number>({ capacity: 10 })
  for (let i = 0; i < 10; i++) await channel.send(i)
  {
    using inp = channel.reader({ prefetch: 8 })
    assert.is((await inp.receive()).value, 0)
    assert.is((await inp.receive({ timeout: 1000 })).value, 1)
  }
  for (let i = 2; i < 10; i++) assert.is((await channel.receive()).value, i)
})

test('a reader ends with its channel, and refuses when it was ended', async (t) => {
  const channel = (await peer(t)).channel<number>({ capacity: 3 })
  for (let i = 0; i < 3; i++) await channel.send(i)
  await channel.close()
  const reader = channel.reader({ prefetch: 2 })
  assert.equal(await Array.fromAsync(reader), [0, 1, 2])
  reader[Symbol.dispose]()
  assert.is(await codeOf(reader.receive()), 'BAD_ARGUMENT')
  const other = (await peer(t, { id: 'id-b', name: 'bob' })).channel<number>()
  const waiting = other.reader({ prefetch: 2 })
  assert.is(await codeOf(waiting.receive({ timeout: 5 })), 'TIMED_OUT')
})

test('windows carry messages in order and leave nothing behind', async (t) => {
  const [alice, bob] = await peers(t, ['alice', 'bob'])
  const jobs = await alice.make<number>('jobs', { capacity: 16 })
  const far = await bob.open<number>('/alice/jobs')
  const results = await bob.make<number>('results')
  const home = await alice.open<number>('/bob/results')
  const count = 3000
  const pump = (async () => {
    await using out = home.writer({ window: 32 })
    for await (const job of jobs.reader({ prefetch: 16 })) await out.send(job * 2)
  })()
  const feed = (async () => {
    await using out = far.writer({ window: 64 })
    for (let i = 0; i < count; i++) await out.send(i)
  })()
  using inp = results.reader({ prefetch: 64 })
  for (let i = 0; i < count; i++) assert.is((await inp.receive()).value, i * 2)
  await feed
  await jobs.close()
  await pump
}, { timeout_ms: 30_000 })

test('lists go through windows that are smaller and larger than they are', async (t) => {
  const [alice, bob] = await peers(t, ['alice', 'bob'])
  const far = await bob.make<Uint8Array>('list', { capacity: 300 })
  const near = await alice.open<Uint8Array>('/bob/list')
  const message = (i: number) => Uint8Array.of(i >> 8, i & 255, ...new Uint8Array(i % 90))
  for (const [window, prefetch, most] of [[8, 8, 100], [300, 300, 7]] as const) {
    using out = near.writer({ window })
    using inp = far.reader({ prefetch })
    const sending = out.sendMany(Array.from({ length: 1000 }, (_, i) => message(i)))
    const got: Uint8Array[] = []
    while (got.length < 1000) got.push(...await inp.receiveMany(most))
    await sending
    got.forEach((one, i) => assert.equal(one, message(i)))
    await out.flush()
  }
  // The reader elsewhere: what it took in lists is granted, or the sender would stop.
  using out = far.writer({ window: 300 })
  using inp = near.reader({ prefetch: 8 })
  const sending = out.sendMany(Array.from({ length: 1000 }, (_, i) => message(i)))
  const got: Uint8Array[] = []
  while (got.length < 1000) {
    const some = await inp.receiveMany(100)
    assert.ok(some.length <= 8)
    got.push(...some)
  }
  await sending
  got.forEach((one, i) => assert.equal(one, message(i)))
})

test('a list to another peer keeps its order, whatever is in it', async (t) => {
  const [alice, bob] = await peers(t, ['alice', 'bob'])
  const far = await bob.make<unknown>('list', { capacity: 64 })
  const near = await alice.open<unknown>('/bob/list')
  const large = new Uint8Array(5000).fill(7)
  const inside = alice.channel<number>()
  const values = [1, 'two', Uint8Array.of(3), { four: [4] }, null, inside, 7n, large, 'nine', 10]
  const out = near.writer({ window: 4 })
  const sending = out.sendMany(values)
  const got: unknown[] = []
  while (got.length < values.length) got.push((await far.receive()).value)
  await sending
  await out.flush()
  assert.ok(got[5] instanceof inside.constructor)
  assert.equal(got.toSpliced(5, 1), values.toSpliced(5, 1).map((one) => one === 7n ? 7 : one))
  const failed = out.sendMany([11, 'twelve', () => 13, 14])
  assert.is(await codeOf(failed), 'NOT_ENCODABLE')
  await out.flush()
  assert.equal(await far.receiveMany(9), [11, 'twelve'])
  assert.is(await far.tryReceive(), undefined)
  assert.is(near.home.operations, 0)
})

test('a list to another peer fills the window to its end, and each that is done makes room',
  async (t) => {
    const [alice, bob] = await peers(t, ['alice', 'bob'])
    const far = await bob.make<number>('list')
    const near = await alice.open<number>('/bob/list')
    const out = near.writer({ window: 5 })
    await out.sendMany([0, 1, 2])
    let taken = 0
    const list = out.sendMany([3, 4, 5, 6]).then(() => taken++)
    const one = out.send(7).then(() => taken++)
    const another = out.sendMany([8, 9]).then(() => taken++)
    const settled = async (): Promise<void> => {
      for (let nth = 0; nth < 20; nth++) await turn()
    }
    const parked = async (): Promise<number> => (await far.stat()).senders
    await settled()
    assert.equal([taken, await parked()], [0, 5])
    for (const [value, after] of [[0, 0], [1, 1], [2, 2], [3, 2], [4, 3]] as const) {
      assert.is((await far.receive()).value, value)
      await settled()
      assert.equal([taken, await parked()], [after, 5])
    }
    for (let value = 5; value < 10; value++) assert.is((await far.receive()).value, value)
    await Promise.all([list, one, another, out.flush()])
    assert.is(near.home.operations, 0)
    assert.is(near.home.payloads.size, alice.channel().home.payloads.size)
  })

test('a list to another peer ends with what became of its messages', async (t) => {
  const [alice, bob] = await peers(t, ['alice', 'bob'])
  const far = await bob.make<number>('list', { capacity: 3 })
  const near = await alice.open<number>('/bob/list')
  const out = near.writer({ window: 8 })
  await out.sendMany([0, 1, 2, 3, 4])
  const waiting = codeOf(out.sendMany(Array.from({ length: 20 }, (_, nth) => nth)))
  const flushed = codeOf(out.flush())
  while ((await far.stat()).buffered < 3) await turn()
  await far.close()
  assert.equal([await waiting, await flushed], ['CLOSED', 'CLOSED'])
  assert.equal([await codeOf(out.sendMany([11])), await codeOf(out.send(12))],
    ['CLOSED', 'CLOSED'])
  assert.equal(await far.receiveMany(9), [0, 1, 2])
  await until(() => near.home.operations === 0)
  const later = await bob.make<number>('later')
  const lost = (await alice.open<number>('/bob/later')).writer({ window: 8 })
  await lost.sendMany([1, 2, 3])
  await until(() => later.home.operations === 0)
  const unknown = errorOf(lost.flush())
  await bob.leave()
  assert.equal([(await unknown).code, (await unknown).outcome], ['LEFT', 'unknown'])
  assert.is(near.home.operations, 0)
})

test('a writer that was left with a list under way tells it', async (t) => {
  const [alice, bob] = await peers(t, ['alice', 'bob'])
  await bob.make<number>('list')
  const out = (await alice.open<number>('/bob/list')).writer({ window: 4 })
  await out.sendMany([1, 2, 3])
  const ends = [out.sendMany([4, 5]), out.flush()].map(codeOf)
  await alice.leave()
  for (const code of await Promise.all(ends)) assert.match(code, /^(LEFT|LEAVING)$/)
})

test('a list under way when the core is of no more use fails as a whole', async (t) => {
  const [alice, bob] = await peers(t, ['alice', 'bob'])
  await bob.make<number>('list')
  const near = await alice.open<number>('/bob/list')
  const out = near.writer({ window: 4 })
  await out.sendMany([1, 2, 3])
  const ends = [out.sendMany([4, 5]), out.flush()].map((end) => errorOf(end))
  near.home.end(new Error('over'))
  assert.equal((await Promise.all(ends)).map(({ message }) => message), ['over', 'over'])
})

test('lists that wait, and take records, send each message once', async (t) => {
  const channel = (await peer(t)).channel<number>()
  const out = channel.writer({ window: 3 })
  const sending = [out.sendMany([0, 1, 2, 3, 4, 5]), out.send(6), out.sendMany([7, 8, 9])]
  const got: number[] = []
  // Who waits with a timeout is met by a record, and its end makes room in the same turn.
  while (got.length < 10) {
    const some = [1, 2, 3, 4].map(() => channel.receive({ timeout: 1000 }))
    for (const one of some.slice(0, 10 - got.length)) got.push((await one).value!)
    some.slice(10 - got.length).forEach((one) => { one.catch(() => {}) })
  }
  await Promise.all(sending)
  assert.equal(got, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

test('what was taken in a list is granted soon, without a further read', async (t) => {
  const [alice, bob] = await peers(t, ['alice', 'bob'])
  const far = await bob.make<number>('list', { capacity: 64 })
  const near = await alice.open<number>('/bob/list')
  await far.sendMany(Array.from({ length: 64 }, (_, i) => i))
  using inp = near.reader({ prefetch: 32 })
  /** What the owner has in the end: sooner than the next probe of a silent link could show it. */
  const buffered = async (turns = 20): Promise<number> => {
    for (let nth = 0; nth < turns; nth++) await new Promise((resolve) => setTimeout(resolve, 1))
    return (await far.stat()).buffered
  }
  const got = await inp.receiveMany(1)
  assert.is(await buffered(), 63)
  // The rest of the window has come by now, and what took its first place.
  got.push(...await inp.receiveMany(11))
  assert.equal(got, Array.from({ length: 12 }, (_, i) => i))
  assert.is(await buffered(), 52)
})

test.run()
