/**
 * Writers and readers: explicit windows on channels of one peer.
 *
 * Lives here: what is under way, order, errors that come late, what goes back. Does not live here:
 * plain calls (channel.test.ts), windows over a distance (peers.test.ts).
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { codeOf, errorOf, peer, turn } from './stand.ts'

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

test.run()
