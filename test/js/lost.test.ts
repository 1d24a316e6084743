/**
 * What a program is told when a receiver is lost that may have taken its message.
 *
 * Lives here: the loss RECEIVER_LEFT as the public interface shows it. Does not live here: owners
 * that leave (peers.test.ts), every case of PROTOCOL 22 (test/net/doubt.test.ts).
 */
import * as assert from 'uvu/assert'
import { Loss, receiveOffered, select } from '../../bindings/js/index.ts'
import { MemoryNetwork } from '../../transports/memory.ts'
import { suite } from '../suite.ts'
import { errorOf, peers } from './stand.ts'

const test = suite('js: lost receivers')

test('what may have happened ends with a Loss that says unknown', async (t) => {
  const network = new MemoryNetwork()
  const [alice, bob, carol] = await peers(t, ['alice', 'bob', 'carol'], network)
  const names = ['plain', 'timed', 'ended', 'chosen']
  const channels = await Promise.all(names.map((name) => alice.make<string>(name)))
  const shown = names.map(async (name) => receiveOffered(await bob.open<string>(`/alice/${name}`)))
  const far = await Promise.all(names.map((name) => carol.open<string>(`/alice/${name}`)))
  const abort = new AbortController()
  const sends = [
    far[0]!.send('a', { timeout: 30_000 }), far[1]!.send('b', { timeout: 1_500 }),
    far[2]!.send('c', { signal: abort.signal }), select({ out: far[3]!.sending('d') })
  ]
  const errors = sends.slice(1).map((one) => errorOf(one))
  const messages = await Promise.all(shown)
  assert.equal(messages.map(({ value }) => value), ['a', 'b', 'c', 'd'])
  abort.abort(new Error('enough'))
  network.kill('id-bob')
  for (const [nth, error] of (await Promise.all(errors)).entries()) {
    assert.instance(error, Loss)
    assert.equal([error.code, error.outcome], ['RECEIVER_LEFT', 'unknown'], `${nth}`)
  }
  assert.is((await errors[2]!).case, 'out')
  // The one that was not given up keeps its place.
  assert.equal(await channels[0]!.receive(), { value: 'a', ok: true, again: true })
  await sends[0]
}, { timeout_ms: 30_000 })

test.run()
