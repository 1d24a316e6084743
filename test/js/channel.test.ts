/**
 * Channels of one peer, as a program uses them.
 *
 * Lives here: the calls of Channel and receiveOffered, their arguments, signals and timeouts. Does
 * not live here: windows (window.test.ts), the rules of matching (test/core, test/model), channels
 * of other peers (peers.test.ts).
 */
import * as assert from 'uvu/assert'
import { inspect } from 'node:util'
import { receiveOffered, Refusal } from '../../bindings/js/index.ts'
import type { Channel } from '../../bindings/js/index.ts'
import { suite } from '../suite.ts'
import { codeOf, errorOf, peer, turn } from './stand.ts'

const test = suite('js: channel')

test('a buffered channel takes messages up to its capacity and gives them in order', async (t) => {
  const circuit = await peer(t)
  const jobs = await circuit.make<number>('jobs', { capacity: 2 })
  await jobs.send(1)
  await jobs.send(2)
  assert.is(await jobs.trySend(3), false)
  assert.equal(await jobs.receive(), { value: 1, ok: true, again: false })
  assert.is(await jobs.trySend(3), true)
  assert.equal(await jobs.tryReceive(), { value: 2, ok: true, again: false })
  assert.equal(await jobs.tryReceive(), { value: 3, ok: true, again: false })
  assert.is(await jobs.tryReceive(), undefined)
})

test('at a rendezvous a send resolves when its receiver has the message', async (t) => {
  const channel = (await peer(t)).channel<string>()
  let sent = false
  const send = channel.send('a').then(() => { sent = true })
  await turn()
  assert.is(sent, false)
  assert.is((await channel.receive()).value, 'a')
  await send
  assert.ok(sent)
})

test('after close the buffer is drained, then receives give ok: false, sends fail', async (t) => {
  const circuit = await peer(t)
  const jobs = await circuit.make<number>('jobs', { capacity: 4 })
  await jobs.send(1)
  await jobs.send(2)
  await jobs.close()
  const got: number[] = []
  for await (const job of jobs) got.push(job)
  assert.equal(got, [1, 2])
  assert.equal(await jobs.receive(), { value: undefined, ok: false, again: false })
  assert.equal(await jobs.tryReceive(), { value: undefined, ok: false, again: false })
  const refusal = await errorOf(jobs.send(3))
  assert.instance(refusal, Refusal)
  assert.is(refusal.code, 'CLOSED')
  assert.is(refusal.message,
    'The channel jobs is closed; it takes nothing more, and gives nothing after what it held.')
  assert.is(await codeOf(jobs.trySend(3)), 'CLOSED')
  assert.is(await codeOf(jobs.close()), 'CLOSED')
})

test('no value means closed: undefined and null are received as messages', async (t) => {
  const channel = (await peer(t)).channel<unknown>({ capacity: 4 })
  for (const value of [null, undefined, false, 0, '']) {
    await channel.send(value)
    assert.equal(await channel.receive(), { value: value ?? null, ok: true, again: false })
  }
})

test('a message is a copy, also inside one peer', async (t) => {
  const channel = (await peer(t)).channel<{ list: number[] }>({ capacity: 1 })
  const sent = { list: [1] }
  await channel.send(sent)
  sent.list.push(2)
  const { value } = await channel.receive()
  assert.equal(value, { list: [1] })
})

test('scrub ends everyone who waits, and frees the path', async (t) => {
  const circuit = await peer(t)
  const jobs = await circuit.make<number>('jobs')
  const waiting = [jobs.receive(), jobs.receive()].map(codeOf)
  await jobs.scrub()
  assert.equal(await Promise.all(waiting), ['SCRUBBED', 'SCRUBBED'])
  assert.is(await codeOf(jobs.send(1)), 'SCRUBBED')
  assert.is(await codeOf(circuit.open('jobs')), 'NO_SUCH_ANCHOR')
  await circuit.make('jobs')
})

test('a timeout refuses with TIMED_OUT and takes the operation back', async (t) => {
  const channel = (await peer(t)).channel<number>()
  assert.is(await codeOf(channel.receive({ timeout: 5 })), 'TIMED_OUT')
  assert.is(await codeOf(channel.send(1, { timeout: 5 })), 'TIMED_OUT')
  const { senders, receivers } = await channel.stat()
  assert.equal([senders, receivers], [0, 0])
})

test('an abort rejects with the signal\'s own reason and takes the operation back', async (t) => {
  const channel = (await peer(t)).channel<number>()
  const reason = new Error('changed my mind')
  for (const begin of [
    (signal: AbortSignal) => channel.receive({ signal }),
    (signal: AbortSignal) => channel.send(1, { signal })
  ]) {
    const abort = new AbortController()
    const error = errorOf(begin(abort.signal))
    abort.abort(reason)
    assert.is(await error, reason)
    assert.is(await errorOf(begin(abort.signal)), reason)
  }
  const { senders, receivers } = await channel.stat()
  assert.equal([senders, receivers], [0, 0])
  const late = new AbortController()
  const received = channel.receive({ signal: late.signal })
  await channel.send(5)
  late.abort()
  assert.is((await received).value, 5)
})

test('an aborted operation leaves no listener on its signal', async (t) => {
  const channel = (await peer(t)).channel<number>({ capacity: 1 })
  let listeners = 0
  const { signal } = new AbortController()
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++
    add(...args)
  }
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--
    remove(...args)
  }
  const waiting = channel.receive({ signal })
  assert.is(listeners, 1)
  await channel.send(1, { signal })
  await waiting
  assert.is(listeners, 0)
})

test('arguments that are not as required are refused, and nothing changes', async (t) => {
  const circuit = await peer(t)
  const channel = circuit.channel<unknown>({ capacity: 1 })
  const bad: Promise<unknown>[] = [
    channel.send(1, { timeout: 0 }), channel.send(1, { timeout: -1 }),
    channel.send(1, { timeout: NaN }), channel.send(1, { timeout: '5' as never }),
    channel.send(1, { timeout: 2 ** 31 }), channel.send(1, null as never),
    channel.send(1, 'x' as never), channel.send(1, { signal: {} as never }),
    channel.receive({ timeout: Infinity }), channel.close({ timeout: 0 }),
    channel.stat({ signal: 1 as never }),
    circuit.make('x', { capacity: -1 }), circuit.make('x', { capacity: 1.5 }),
    circuit.make('x', { capacity: 2 ** 21 }), circuit.make('x', { capacity: '1' as never }),
    circuit.make(''), circuit.make(5 as never), circuit.make('x'.repeat(2000)),
    circuit.open(undefined as never), circuit.stat(''), circuit.scrub(''),
    circuit.start('p', undefined as never), circuit.start('p', { path: '' }),
    circuit.start('p', { path: 'x', args: [1] as never }),
    circuit.start('p', { path: 'x', env: { a: 1 } as never }),
    circuit.start('p', { path: 'x', dir: 1 as never }),
    circuit.start('p', { path: 'x', detached: 1 as never }),
    circuit.invite({ rights: ['all'] as never }), circuit.invite({ expires: -1 }),
    receiveOffered({} as never)
  ]
  for (const [index, one] of bad.entries()) {
    assert.is(await codeOf(one), 'BAD_ARGUMENT', `argument ${index}`)
  }
  const thrown: (() => unknown)[] = [
    () => circuit.channel({ capacity: -1 }), () => circuit.channel(1 as never),
    () => channel.writer({ window: 0 }), () => channel.writer(undefined as never),
    () => channel.reader({ prefetch: 70_000 }), () => circuit.found('', []),
    () => circuit.found('id', 'address' as never)
  ]
  for (const call of thrown) {
    assert.throws(call, (error: Error) => error instanceof Refusal && error.code === 'BAD_ARGUMENT')
  }
  assert.equal(await Array.fromAsync(circuit.list('')), [])
  assert.is((await channel.stat()).buffered, 0)
})

test('paths that lead nowhere are refused each with its code', async (t) => {
  const circuit = await peer(t)
  await circuit.make('a/b')
  assert.is(await codeOf(circuit.make('a/b')), 'ANCHOR_TAKEN')
  assert.is(await codeOf(circuit.make('a//b')), 'BAD_PATH')
  assert.is(await codeOf(circuit.make('../x')), 'BAD_PATH')
  assert.is(await codeOf(circuit.open('none')), 'NO_SUCH_ANCHOR')
  assert.is(await codeOf(circuit.open('/nobody/x')), 'NO_SUCH_PEER')
  assert.is(await codeOf(circuit.start('p', { path: 'x' })), 'NO_PROCESSES')
  assert.is(await codeOf(circuit.attach('a/b')), 'WRONG_KIND')
  assert.match((await errorOf(circuit.open('none'))).message, /There is no anchor none;/)
})

test('list and stat show what stands at a path', async (t) => {
  const circuit = await peer(t)
  const jobs = await circuit.make('work/jobs', { capacity: 3 })
  await jobs.send(1)
  const all = await Array.fromAsync(circuit.list('/...'))
  assert.equal(all.map(({ path, kind }) => `${path} ${kind}`).sort(),
    ['/alice peer', '/alice/work/jobs channel'])
  assert.equal(await circuit.stat('/alice/work/jobs'), {
    kind: 'channel', capacity: 3, buffered: 1, senders: 0, receivers: 0, closed: false, out: 0
  })
  await circuit.scrub('work/jobs')
  assert.is(await codeOf(circuit.stat('work/jobs')), 'NO_SUCH_ANCHOR')
})

test('a message over the limit is refused at the sender and nothing is sent', async (t) => {
  const channel = (await peer(t)).channel<Uint8Array>({ capacity: 1 })
  assert.is(await codeOf(channel.send(new Uint8Array(1 << 20))), 'TOO_LARGE')
  assert.is((await channel.stat()).buffered, 0)
  await channel.send(new Uint8Array((1 << 20) - 5))
  assert.is((await channel.receive()).value?.length, (1 << 20) - 5)
})

test('a channel in a message is a channel, however deep it lies', async (t) => {
  const circuit = await peer(t)
  type Work = { reply: Channel<string>, more: Map<number, [Channel<number>]> }
  const jobs = circuit.channel<Work>({ capacity: 1 })
  const reply = circuit.channel<string>({ capacity: 1 })
  const other = circuit.channel<number>({ capacity: 1 })
  await jobs.send({ reply, more: new Map([[1, [other]]]) })
  const { value } = await jobs.receive()
  await value!.reply.send('done')
  await value!.more.get(1)![0].send(7)
  assert.is((await reply.receive()).value, 'done')
  assert.is((await other.receive()).value, 7)
})

test('a channel that is printed shows itself and not the machine behind it', async (t) => {
  const jobs = await (await peer(t)).make('jobs')
  assert.ok(inspect(jobs, { depth: 9 }).length < 200)
})

test('a disposed channel is refused, and the channel itself lives on', async (t) => {
  const circuit = await peer(t)
  const jobs = await circuit.make<number>('jobs', { capacity: 1 })
  {
    using same = await circuit.open<number>('jobs')
    await same.send(1)
  }
  const same = await circuit.open<number>('jobs')
  same[Symbol.dispose]()
  same[Symbol.dispose]()
  assert.is(await codeOf(same.receive()), 'BAD_ARGUMENT')
  assert.throws(() => same.writer({ window: 1 }))
  assert.is((await jobs.receive()).value, 1)
})

test('leaving a loop leaves the channel as it was', async (t) => {
  const jobs = (await peer(t)).channel<number>({ capacity: 3 })
  for (const one of [1, 2, 3]) await jobs.send(one)
  for await (const job of jobs) if (job === 2) break
  assert.is((await jobs.receive()).value, 3)
  assert.is((await jobs.stat()).closed, false)
})

test('an offered message keeps its place until it is taken', async (t) => {
  const channel = (await peer(t)).channel<{ n: number }>({ capacity: 4 })
  await channel.send({ n: 1 })
  await channel.send({ n: 2 })
  const first = await receiveOffered(channel)
  assert.equal([first.value, first.ok, first.again, first.case], [{ n: 1 }, true, false, 0])
  first.deny()
  const second = await receiveOffered(channel)
  assert.equal(second.value, { n: 1 })
  await second.take()
  second.deny()
  await second.take()
  assert.equal((await channel.receive()).value, { n: 2 })
  assert.is(await codeOf(receiveOffered(channel, { try: true })), 'WOULD_BLOCK')
})

test('taking too late rejects, and the message is still there', async (t) => {
  const channel = (await peer(t)).channel<number>({ capacity: 1 })
  await channel.send(7)
  const offer = await receiveOffered(channel, { timeout: 5 })
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.is(await codeOf(offer.take()), 'TIMED_OUT')
  const abort = new AbortController()
  const other = await receiveOffered(channel, { signal: abort.signal })
  abort.abort(new Error('gone'))
  assert.is((await errorOf(other.take())).message, 'gone')
  assert.is((await channel.receive()).value, 7)
})

test('an offer on a closed channel has nothing to take, a denied one no channels', async (t) => {
  const circuit = await peer(t)
  const channel = circuit.channel<Channel<number>>({ capacity: 1 })
  await channel.send(circuit.channel<number>({ capacity: 1 }))
  const offer = await receiveOffered(channel)
  offer.deny()
  await turn()
  assert.is(await codeOf(offer.value.send(1)), 'BAD_ARGUMENT')
  const taken = await receiveOffered(channel)
  await taken.take()
  await taken.value.send(2)
  assert.is((await taken.value.receive()).value, 2)
  await channel.close()
  const end = await receiveOffered(channel)
  assert.is(end.ok, false)
  await end.take()
})

test('after leave every call is refused with LEAVING, and what waited ends', async (t) => {
  const circuit = await peer(t)
  const channel = circuit.channel<number>()
  const waiting = codeOf(channel.receive())
  await circuit.leave()
  await circuit.leave()
  assert.ok(['LEAVING', 'WITHDRAWN', 'SCRUBBED', 'LEFT'].includes(await waiting))
  assert.is(await codeOf(channel.send(1)), 'LEAVING')
  assert.is(await codeOf(circuit.make('x')), 'LEAVING')
  assert.throws(() => circuit.channel(), (error: Refusal) => error.code === 'LEAVING')
})

test.run()
