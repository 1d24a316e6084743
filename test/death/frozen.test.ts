/**
 * Real peers that sleep until they are declared left, and wake.
 *
 * Lives here: what the others get meanwhile, what the sleeper is told, its return. Does not live
 * here: killed peers (killed.test.ts).
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { Scene, until } from './victims.ts'

const test = suite('death: frozen peers')
const scene = new Scene()
test.before(() => scene.begin())
test.after(() => scene.end())

const LEFT = /LEFT not done/

test('a message on its way to a frozen receiver comes back, marked again', async () => {
  const jobs = await scene.circuit.make<number>('jobs', { capacity: 4 })
  const [sleeper] = await scene.start('sleeper')
  const receiving = sleeper.begin({ do: 'receive', path: '/owner/jobs' })
  await receiving.begun
  sleeper.freeze()
  const began = performance.now()
  await jobs.send(1)
  const { value, again } = await jobs.receive()
  console.log(`  it was back after ${(performance.now() - began).toFixed(0)} ms`)
  assert.equal([value, again], [1, true])
  sleeper.thaw()
  // It may find the message in its socket: it has seen it, as the mark says.
  const seen = await receiving.ended.catch((error: Error) => error.message)
  if (typeof seen === 'string') assert.match(seen, LEFT)
  else assert.equal(seen, { value: 1, ok: true, again: false })
  await returned('sleeper')
  assert.equal(await jobs.tryReceive(), undefined, 'it was there once')
}, { timeout_ms: 20_000 })

test('a frozen reader\'s window goes to others in order; what it still reads is no surprise',
  async () => {
    const jobs = await scene.circuit.make<number>('window', { capacity: 64 })
    const [reader] = await scene.start('dozer')
    for (let i = 1; i <= 20; i++) await jobs.send(i)
    const path = '/owner/window'
    await reader.begin({ do: 'window', path, prefetch: 8, count: 2 }).ended
    await until(async () => (await jobs.stat()).out === 8)
    reader.freeze()
    await scene.left('dozer')
    const came: [number, boolean][] = []
    for (let i = 3; i <= 20; i++) {
      const { value, again } = await jobs.receive({ timeout: 30_000 })
      came.push([value!, again])
    }
    assert.equal(came, Array.from({ length: 18 }, (_, i) => [i + 3, i < 8]))
    reader.thaw()
    await returned('dozer')
    // Of its old window it may still give out what is marked elsewhere, and then the loss.
    const read: unknown[] = []
    for (let over = false; !over;) {
      const next = await reader.ask({ do: 'read', path }).catch((error: Error) => error.message)
      over = typeof next === 'string'
      read.push(over ? next : (next as { value: number }).value)
    }
    assert.match(String(read.at(-1)), LEFT)
    assert.ok(read.length <= 9)
    assert.equal(read.slice(0, -1), Array.from({ length: read.length - 1 }, (_, i) => i + 3))
    assert.is(await jobs.tryReceive(), undefined)
  }, { timeout_ms: 20_000 })

test('a frozen sender\'s offers are withdrawn, and it is told so when it wakes', async () => {
  const meet = await scene.circuit.make<number>('meet')
  const [sender] = await scene.start('dreamer')
  const sending = sender.begin({ do: 'send', path: '/owner/meet', value: 1 })
  await sending.begun
  sender.freeze()
  await scene.left('dreamer')
  assert.is((await meet.stat()).senders, 0)
  assert.is(await meet.tryReceive(), undefined, 'no phantom')
  sender.thaw()
  const told = await sending.ended.catch((error: Error) => error.message)
  assert.is(told, 'LEFT unknown', 'it cannot know')
  await returned('dreamer')
  const again = sender.begin({ do: 'send', path: '/owner/meet', value: 2 })
  assert.is((await meet.receive({ timeout: 30_000 })).value, 2)
  await again.ended
}, { timeout_ms: 20_000 })

test('a frozen owner ends what waits for it, keeps what it has, and serves again', async () => {
  const [owner] = await scene.start('lord')
  await owner.ask({ do: 'make', path: 'kept', capacity: 4 })
  const kept = await scene.circuit.open<number>('/lord/kept')
  await kept.send(1)
  await kept.send(2)
  const incarnation = await owner.ask({ do: 'self' }) as number
  owner.freeze()
  const error = await kept.send(3).then(() => new Error('it was done'), (met: Error) => met)
  assert.is((error as Error & { outcome?: string }).outcome, 'unknown')
  owner.thaw()
  await returned('lord')
  assert.ok(await owner.ask({ do: 'self' }) as number > incarnation, 'it came back as a new one')
  const same = await scene.circuit.open<number>('/lord/kept')
  assert.is((await same.receive()).value, 1)
  assert.is((await same.receive()).value, 2)
  const third = await same.tryReceive()
  assert.ok(third === undefined || third.value === 3, 'unknown: done, or not')
}, { timeout_ms: 20_000 })

/** Waits until the owner has a peer among its members again. */
async function returned(name: string): Promise<void> {
  await until(() => scene.circuit.peers().some((peer) => peer.name === name))
}

test.run()
