/**
 * Operations without records, as a program meets them.
 *
 * Lives here: bursts, choices at once, what both leave to records, timeouts beside a busy loop.
 * Does not live here: what the core does (test/core/now.test.ts), single operations
 * (channel.test.ts).
 */
import * as assert from 'uvu/assert'
import { after, select } from '../../bindings/js/index.ts'
import { suite } from '../suite.ts'
import { codeOf, errorOf, peer } from './stand.ts'

const test = suite('js: without records')

test('a list is sent in order, and received in order as far as it is there', async (t) => {
  const channel = (await peer(t)).channel<unknown>({ capacity: 8 })
  const values = [1, 'two', null, { three: 3 }, [4], -0.5, 7n, 'ü']
  await channel.sendMany(values)
  assert.equal(await channel.receiveMany(3), [1, 'two', null])
  assert.equal(await channel.receiveMany(64), [{ three: 3 }, [4], -0.5, 7, 'ü'])
  await channel.sendMany([])
  assert.is((await channel.stat()).buffered, 0)
})

test('a list that is longer than the room waits for receivers, one message after the other',
  async (t) => {
    const channel = (await peer(t)).channel<number>({ capacity: 2 })
    const sending = channel.sendMany([1, 2, 3, 4, 5])
    assert.equal(await channel.receiveMany(64), [1, 2, 3])
    const rest = await channel.receiveMany(64)
    rest.push(...rest.length < 2 ? await channel.receiveMany(1) : [])
    assert.equal(rest, [4, 5])
    await sending
  })

test('receiveMany waits for the first message, and gives nothing when all is over', async (t) => {
  const channel = (await peer(t)).channel<number>({ capacity: 4 })
  const received = channel.receiveMany(2)
  await channel.sendMany([1, 2, 3])
  assert.equal(await received, [1, 2])
  await channel.close()
  assert.equal(await channel.receiveMany(2), [3])
  assert.equal(await channel.receiveMany(2), [])
  assert.is(await codeOf(channel.sendMany([4])), 'CLOSED')
  assert.is(await codeOf(channel.receiveMany(0)), 'BAD_ARGUMENT')
  const gone = AbortSignal.abort(new Error('no more'))
  assert.is((await errorOf(channel.receiveMany(1, { signal: gone }))).message, 'no more')
})

test('a list meets receivers that wait, and a list of senders is met', async (t) => {
  const channel = (await peer(t)).channel<number>()
  const receiving = [channel.receive(), channel.receive()]
  await channel.sendMany([1, 2])
  assert.equal((await Promise.all(receiving)).map(({ value }) => value), [1, 2])
  const sending = [channel.send(3), channel.send(4)]
  assert.equal(await channel.receiveMany(9), [3, 4])
  await Promise.all(sending)
})

test('what cannot be sent ends the list there: what stood before it is sent', async (t) => {
  const channel = (await peer(t)).channel<unknown>({ capacity: 8 })
  assert.is(await codeOf(channel.sendMany([1, () => 2, 3])), 'NOT_ENCODABLE')
  assert.is(await codeOf(channel.sendMany([4, '\ud800', 5])), 'NOT_ENCODABLE')
  assert.equal(await channel.receiveMany(8), [1, 4])
})

test('a writer goes on when its sends meet receives that need no record', async (t) => {
  const channel = (await peer(t)).channel<number>()
  await using writer = channel.writer({ window: 2 })
  const sending = (async () => { for (let nth = 0; nth < 20; nth++) await writer.send(nth) })()
  const received: number[] = []
  for (let nth = 0; nth < 20; nth++) received.push((await channel.receive()).value!)
  assert.equal(received, Array.from({ length: 20 }, (_, nth) => nth))
  await sending
})

test('long lists go through a small buffer in order, and leave nothing in the tables',
  async (t) => {
    const circuit = await peer(t)
    const channel = circuit.channel<number | string>({ capacity: 8 })
    const payloads = channel.home.payloads.size
    const values = Array.from({ length: 3000 }, (_, nth) => nth % 5 === 0 ? `${nth}` : nth)
    const sending = channel.sendMany(values)
    const received: (number | string)[] = []
    while (received.length < 2000) received.push(...await channel.receiveMany(1 + received.length))
    while (received.length < values.length) received.push((await channel.receive()).value!)
    await sending
    assert.equal(received, values)
    assert.is(channel.home.payloads.size, payloads)
    assert.is(channel.home.operations, 0)
  })

test('a list that meets sends of a writer, which send again at once, is in order', async (t) => {
  const channel = (await peer(t)).channel<number>()
  const payloads = channel.home.payloads.size
  await using writer = channel.writer({ window: 4 })
  const sending = (async () => { for (let nth = 0; nth < 100; nth++) await writer.send(nth) })()
  const received: number[] = []
  while (received.length < 100) received.push(...await channel.receiveMany(64))
  assert.equal(received, Array.from({ length: 100 }, (_, nth) => nth))
  await sending
  assert.is(channel.home.payloads.size, payloads)
})

test('a choice of what is ready names its case, whatever else stands beside it', async (t) => {
  const circuit = await peer(t)
  const [first, second] = [circuit.channel<unknown>({ capacity: 4 }), circuit.channel<unknown>()]
  const sending = second.send({ deep: [1] })
  assert.equal(await select([after(1000), first.receiving(), second.receiving()]),
    { case: 2, value: { deep: [1] }, ok: true, again: false })
  await sending
  await first.send('x')
  assert.equal(await select({ late: after(1000), b: second.receiving(), a: first.receiving() }),
    { case: 'a', value: 'x', ok: true, again: false })
  second[Symbol.dispose]()
  await first.send('y')
  assert.is(await codeOf(select([first.receiving(), second.receiving()])), 'BAD_ARGUMENT')
  assert.is((await first.stat()).buffered, 1, 'a select that is refused takes nothing')
})

test('a select that waits is met by a send, a list, a receive and another select', async (t) => {
  const circuit = await peer(t)
  const [a, b, c] = [circuit.channel<unknown>(), circuit.channel<unknown>({ capacity: 2 }),
    circuit.channel<unknown>()]
  const { payloads, operations } = a.home
  const held = payloads.size
  const cases = { a: a.receiving(), b: b.receiving(), out: c.sending('out') }
  const first = select(cases)
  await a.send({ deep: 1 })
  assert.equal(await first, { case: 'a', value: { deep: 1 }, ok: true, again: false })
  const lists = [select(cases), select([b.receiving(), a.receiving()])]
  await b.sendMany([1, 2, 3])
  assert.equal(await Promise.all(lists), [{ case: 'b', value: 1, ok: true, again: false },
    { case: 0, value: 2, ok: true, again: false }])
  assert.equal(await b.receiveMany(4), [3])
  const sending = select(cases)
  assert.equal(await c.receive(), { value: 'out', ok: true, again: false })
  assert.equal(await sending, { case: 'out' })
  const meeting = [select(cases), select([c.receiving(), a.sending('x'), b.sending('y')])]
  const [one, other] = await Promise.all(meeting) as [{ case: string }, { case: number }]
  assert.is({ out: 0, a: 1, b: 2 }[one.case], other.case)
  await b.tryReceive()
  assert.is(payloads.size, held, 'what was not sent is in no table')
  assert.is(a.home.operations, operations)
})

test('a select that waits ends with its channel, its circuit, or by a record', async (t) => {
  const circuit = await peer(t)
  const [a, b] = [circuit.channel<unknown>(), circuit.channel<unknown>()]
  const held = a.home.payloads.size
  const closed = select([a.receiving(), b.sending(1)])
  const timed = b.receive({ timeout: 1000 })
  assert.equal(await closed, { case: 1 })
  assert.is((await timed).value, 1)
  const drained = select([b.sending('never'), a.receiving()])
  await a.close()
  assert.equal(await drained, { case: 1, value: undefined, ok: false, again: false })
  const scrubbed = select({ gone: b.receiving(), never: b.sending('never') })
  await b.scrub()
  const error = await errorOf(scrubbed)
  assert.equal([error.code, (await codeOf(select([b.receiving()])))], ['SCRUBBED', 'SCRUBBED'])
  assert.is(a.home.payloads.size, held)
  const left = codeOf(select([circuit.channel().receiving()]))
  await circuit.leave()
  assert.is(await left, 'LEAVING')
})

test('a loop that never lets go of the event loop still sees timeouts', async (t) => {
  let now = 0
  const circuit = await peer(t, { clock: () => now })
  const [quiet, busy] = [circuit.channel<number>(), circuit.channel<number>({ capacity: 1 })]
  let late = false
  const waiting = errorOf(quiet.receive({ timeout: 5 })).then(({ code }) => {
    assert.is(code, 'TIMED_OUT')
    late = true
  })
  now = 10
  let loops = 0
  for (; !late && loops < 1000; loops++) {
    await busy.send(loops)
    await busy.receive()
  }
  assert.ok(late && loops < 100, `${loops} messages went by`)
  await waiting
})

test.run()
