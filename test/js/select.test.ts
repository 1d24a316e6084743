/**
 * Select as a program uses it, inside one peer.
 *
 * Lives here: cases as arguments, what the chosen case gives, errors that name a case. Does not
 * live here: which case is chosen and why (test/model, test/small), types (types.ts), select
 * across peers (peers.test.ts).
 */
import * as assert from 'uvu/assert'
import { after, Refusal, select, selectOffered } from '../../bindings/js/index.ts'
import { suite } from '../suite.ts'
import { codeOf, errorOf, peer, turn } from './stand.ts'

const test = suite('js: select')

test('the case that can happen is chosen, and its key names it', async (t) => {
  const circuit = await peer(t)
  const [jobs, results] = [circuit.channel<string>({ capacity: 1 }), circuit.channel<number>()]
  await jobs.send('a')
  assert.equal(await select({ job: jobs.receiving(), out: results.sending(1), late: after(1000) }),
    { case: 'job', value: 'a', ok: true, again: false })
  const receiving = results.receive()
  assert.equal(await select({ job: jobs.receiving(), out: results.sending(7), late: after(1000) }),
    { case: 'out' })
  assert.is((await receiving).value, 7)
  assert.equal(await select({ job: jobs.receiving(), late: after(1) }), { case: 'late' })
})

test('in a list of cases the index names the case', async (t) => {
  const circuit = await peer(t)
  const channels = [0, 1, 2].map(() => circuit.channel<number>({ capacity: 1 }))
  await channels[2]!.send(5)
  const chosen = await select(channels.map((one) => one.receiving()))
  assert.equal(chosen, { case: 2, value: 5, ok: true, again: false })
})

test('a default is taken only when no case can happen now', async (t) => {
  const channel = (await peer(t)).channel<number>({ capacity: 1 })
  assert.equal(await select({ job: channel.receiving() }, { default: true }), { case: 'default' })
  await channel.send(1)
  assert.is((await select({ job: channel.receiving() }, { default: true })).case, 'job')
  assert.equal(await select([channel.sending(2)], { default: true }), { case: 0 })
  assert.equal(await select([channel.sending(3)], { default: true }), { case: 'default' })
})

test('the cases that lost leave no trace', async (t) => {
  const circuit = await peer(t)
  const [a, b] = [circuit.channel<number>(), circuit.channel<number>()]
  const chosen = select({ a: a.receiving(), b: b.receiving(), send: b.sending(9) })
  await turn()
  await a.send(1)
  assert.is((await chosen).case, 'a')
  for (const channel of [a, b]) {
    const { senders, receivers } = await channel.stat()
    assert.equal([senders, receivers], [0, 0])
  }
})

test('a select never meets itself', async (t) => {
  const channel = (await peer(t)).channel<number>()
  const both = select({ in: channel.receiving(), out: channel.sending(1) }, { timeout: 20 })
  assert.is(await codeOf(both), 'TIMED_OUT')
})

test('among cases that are ready every one is chosen sometimes', async (t) => {
  const circuit = await peer(t, { seed: 7 })
  const channels = [0, 1, 2, 3].map(() => circuit.channel<number>({ capacity: 1 }))
  const counts = [0, 0, 0, 0]
  for (const channel of channels) await channel.send(1)
  for (let i = 0; i < 4000; i++) {
    const { case: index } = await select(channels.map((one) => one.receiving()))
    counts[index]!++
    await channels[index]!.send(1)
  }
  assert.ok(counts.every((count) => count > 850 && count < 1150), counts.join())
})

test('a receive case on a closed channel is ready with ok: false, a send case rejects and is named',
  async (t) => {
    const circuit = await peer(t)
    const [open, closed] = [circuit.channel<number>(), await circuit.make<number>('done')]
    await closed.close()
    assert.equal(await select({ open: open.receiving(), closed: closed.receiving() }),
      { case: 'closed', value: undefined, ok: false, again: false })
    const error = await errorOf(select({ open: open.receiving(), out: closed.sending(1) }))
    assert.equal([error.code, error.case], ['CLOSED', 'out'])
    assert.match(error.message, /done in case out is closed/)
    const waiting = errorOf(select([open.receiving(), open.sending(1)]))
    await open.scrub()
    const scrubbed = await waiting
    assert.is(scrubbed.code, 'SCRUBBED')
    assert.ok(scrubbed.case === 0 || scrubbed.case === 1)
  })

test('a timeout or an abort takes back all cases', async (t) => {
  const channel = (await peer(t)).channel<number>()
  const cases = { in: channel.receiving(), late: after(10_000) }
  const late = await errorOf(select(cases, { timeout: 5 }))
  assert.equal([late.code, late.case], ['TIMED_OUT', undefined])
  const reason = { any: 'reason' }
  const abort = new AbortController()
  const aborted = errorOf(select(cases, { signal: abort.signal }))
  abort.abort(reason)
  assert.is(await aborted as unknown, reason)
  assert.is(await errorOf(select(cases, { signal: abort.signal })) as unknown, reason)
  assert.is((await channel.stat()).receivers, 0)
})

test('values that cannot be sent, and cases that are none, are refused', async (t) => {
  const circuit = await peer(t)
  const other = await peer(t, { id: 'id-b', name: 'bob' })
  const channel = circuit.channel<unknown>({ capacity: 2 })
  await channel.send(1)
  const taken = channel.receiving()
  assert.is(await codeOf(select([taken, channel.sending(() => 1)])), 'NOT_ENCODABLE')
  assert.is(await codeOf(select([taken, channel.sending(new Uint8Array(1 << 20))])), 'TOO_LARGE')
  assert.is(await codeOf(select(Array.from({ length: 257 }, () => taken))), 'TOO_MANY')
  const bad: unknown[] = [
    undefined, null, 5, [], {}, [undefined], [5], [{ kind: 'receive' }], [{ kind: 'other' }],
    [after(1)], [taken, other.channel().receiving()], [{ kind: 'after', ms: -1 }, taken]
  ]
  for (const cases of bad) assert.is(await codeOf(select(cases as never)), 'BAD_ARGUMENT')
  assert.is(await codeOf(select({ default: taken }, { default: true })), 'BAD_ARGUMENT')
  assert.is(await codeOf(select([taken], { default: 1 as never })), 'BAD_ARGUMENT')
  assert.is(await codeOf(select([taken], { timeout: 0 })), 'BAD_ARGUMENT')
  for (const ms of [-1, NaN, Infinity, '1']) {
    assert.throws(() => after(ms as never), (error: Refusal) => error.code === 'BAD_ARGUMENT')
  }
  assert.is((await channel.stat()).buffered, 1)
})

test('channels go with the message of a send case', async (t) => {
  const circuit = await peer(t)
  const jobs = circuit.channel<unknown>({ capacity: 1 })
  const reply = circuit.channel<string>({ capacity: 1 })
  await select([jobs.sending({ reply, list: [reply] })])
  const { value } = await jobs.receive() as { value: { reply: typeof reply, list: typeof reply[] } }
  await value.list[0]!.send('x')
  assert.is((await value.reply.receive()).value, 'x')
})

test('a select in two steps takes or denies the message that it shows', async (t) => {
  const circuit = await peer(t)
  const a = circuit.channel<number>({ capacity: 1 })
  const b = circuit.channel<number>({ capacity: 1 })
  await b.send(4)
  const first = await selectOffered({ a: a.receiving(), b: b.receiving() })
  assert.equal([first.case, first.value, first.ok], ['b', 4, true])
  first.deny()
  const second = await selectOffered({ a: a.receiving(), b: b.receiving() })
  await second.take()
  assert.is((await b.stat()).buffered, 0)
  const sent = await selectOffered([a.sending(1), b.receiving()])
  assert.is(sent.case, 0)
  await sent.take()
  assert.is((await a.stat()).buffered, 1)
  const none = await selectOffered([b.receiving()], { default: true })
  assert.is(none.case, 'default')
  const timed = await selectOffered({ b: b.receiving(), late: after(1) })
  assert.is(timed.case, 'late')
  assert.is(await codeOf(selectOffered([b.receiving()], { timeout: 5 })), 'TIMED_OUT')
  await b.close()
  assert.is((await selectOffered({ b: b.receiving() })).ok, false)
  assert.equal((await errorOf(selectOffered({ out: b.sending(1) }))).case, 'out')
})

test('a case that happens at once has its name or place, wherever timers stand', async (t) => {
  const circuit = await peer(t)
  const jobs = circuit.channel<number>({ capacity: 1 })
  const results = circuit.channel<number>({ capacity: 1 })
  for (let i = 0; i < 2; i++) {
    assert.equal(await select({ late: after(1000), out: results.sending(i) }), { case: 'out' })
    assert.equal(await select([after(1000), jobs.receiving(), after(2000), results.receiving()]),
      { case: 3, value: i, ok: true, again: false })
    assert.equal(await select([after(1), jobs.receiving()]), { case: 0 })
  }
})

test.run()
