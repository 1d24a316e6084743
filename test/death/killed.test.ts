/**
 * Real peers killed with -9 in the middle of something, and what the others see.
 *
 * Lives here: receivers, senders and owners that die. Does not live here: peers that only sleep
 * (frozen.test.ts), programs and verbs (programs.test.ts).
 */
import * as assert from 'uvu/assert'
import type { Channel } from '../../bindings/js/channel.ts'
import { Loss } from '../../bindings/js/errors.ts'
import { select } from '../../bindings/js/select.ts'
import { suite } from '../suite.ts'
import { Scene, until } from './victims.ts'

const test = suite('death: killed peers')
const scene = new Scene()
test.before(() => scene.begin())
test.after(() => scene.end())

test('a receiver killed while it waits takes no message with it', async () => {
  const jobs = await scene.circuit.make<number>('waits', { capacity: 4 })
  const meet = await scene.circuit.make<number>('meets')
  const [victim] = await scene.start('waiter')
  await victim.begin({ do: 'receive', path: '/owner/waits' }).begun
  await victim.begin({ do: 'receive', path: '/owner/meets' }).begun
  await victim.kill()
  // Nobody knows yet: both messages go out to the dead, and come back.
  await jobs.send(1)
  const meeting = meet.send(2)
  await scene.left('waiter')
  assert.equal(await jobs.receive({ timeout: 30_000 }), { value: 1, ok: true, again: true })
  assert.equal(await meet.receive({ timeout: 30_000 }), { value: 2, ok: true, again: true })
  await meeting
  assert.is((await jobs.stat()).receivers, 0)
  await jobs.send(3)
  assert.equal(await jobs.receive(), { value: 3, ok: true, again: false })
}, { timeout_ms: 20_000 })

test('the unread window of a killed reader is back at the head, in order, marked again',
  async () => {
    const jobs = await scene.circuit.make<number>('window', { capacity: 64 })
    const [victim, heir] = await scene.start('reader', 'heir')
    for (let i = 1; i <= 60; i++) await jobs.send(i)
    const window = victim.begin({ do: 'window', path: '/owner/window', prefetch: 16, count: 5 })
    assert.equal(await window.ended, [1, 2, 3, 4, 5])
    await until(async () => (await jobs.stat()).out === 16)
    await victim.kill()
    await scene.left('reader')
    const far = heir.begin({ do: 'window', path: '/owner/window', prefetch: 1, count: 10 })
    assert.equal(await far.ended, [6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
    await heir.kill()
    await scene.left('heir')
    const rest: [number, boolean][] = []
    for (let i = 16; i <= 60; i++) {
      const { value, again } = await jobs.receive({ timeout: 30_000 })
      rest.push([value!, again])
    }
    assert.equal(rest.map(([value]) => value), Array.from({ length: 45 }, (_, i) => i + 16))
    const marked = rest.filter(([, again]) => again).map(([value]) => value)
    assert.equal(marked, [16, 17, 18, 19, 20, 21], 'what was out to either of the two, no other')
  }, { timeout_ms: 20_000 })

test('receivers and senders killed while messages flow lose and double nothing unmarked',
  async () => {
    const jobs = await scene.circuit.make<number>('flow', { capacity: 8 })
    const [r1, r2, s1, s2] = await scene.start('r1', 'r2', 's1', 's2')
    for (const one of [r1, r2]) await one.begin({ do: 'follow', path: '/owner/flow' }).begun
    await s1.begin({ do: 'pour', path: '/owner/flow', first: 1 }).begun
    await s2.begin({ do: 'pour', path: '/owner/flow', first: 1_000_001 }).begun
    for (const [nth, one] of [r1, s1, r2, s2].entries()) {
      await until(() => s2.noted('sent').length > 150 * (nth + 1))
      if (one !== s2) await one.kill()
      // With both receivers dead, this peer is the third one.
      if (one === r2) void drainInto(jobs, seen_here)
    }
    await s2.kill()
    await Promise.all(['r1', 'r2', 's1', 's2'].map((name) => scene.left(name)))
    assert.is((await jobs.stat()).senders, 0, 'no phantoms wait')
    await jobs.close()
    await until(() => drained)
    const sightings = [...r1.noted('seen'), ...r2.noted('seen'), ...seen_here]
    const plain = sightings.filter((one) => !one.endsWith('again'))
    const marked = sightings.filter((one) => one.endsWith('again'))
    assert.is(new Set(plain).size, plain.length, 'nothing came twice without the mark')
    const seen = new Set(sightings.map((one) => one.split(' ')[0]))
    const sent = [...s1.noted('sent'), ...s2.noted('sent')]
    const lost = sent.filter((value) => !seen.has(value))
    // What a killed receiver took and had no time to note is seen by nobody who could tell.
    assert.ok(lost.length <= 2, `lost: ${lost.join(', ')}`)
    assert.ok(seen.size - sent.length + lost.length <= 2, 'at most one unknown send of each sender')
    console.log(`  ${sent.length} sent, ${plain.length} seen, ${marked.length} marked again, `
      + `${lost.length} taken by a peer in the instant of its death`)
  }, { timeout_ms: 40_000 })

const seen_here: string[] = []
let drained = false

async function drainInto(channel: Channel<number>, seen: string[]): Promise<void> {
  for (;;) {
    const { value, ok, again } = await channel.receive()
    if (!ok) break
    seen.push(`${value}${again ? ' again' : ''}`)
  }
  drained = true
}

test('a killed sender\'s parked sends and selects are withdrawn everywhere', async () => {
  const meet = await scene.circuit.make<number>('parked')
  const out = await scene.circuit.make<number>('select-out')
  const [victim, third] = await scene.start('sender', 'third')
  await third.ask({ do: 'make', path: 'select-in', capacity: 1 })
  for (const value of [1, 2, 3]) {
    await victim.begin({ do: 'send', path: '/owner/parked', value }).begun
  }
  await victim.begin({
    do: 'select', send: '/owner/select-out', value: 4, receive: '/third/select-in'
  }).begun
  assert.is((await meet.stat()).senders, 3)
  assert.is((await out.stat()).senders, 1)
  await victim.kill()
  await scene.left('sender')
  assert.is((await meet.stat()).senders, 0)
  assert.is((await out.stat()).senders, 0)
  assert.is(await meet.tryReceive(), undefined, 'no phantom')
  assert.is(await out.tryReceive(), undefined, 'no phantom of a select')
  await until(async () =>
    (await third.ask({ do: 'stat', path: 'select-in' }) as { receivers: number }).receivers === 0)
}, { timeout_ms: 20_000 })

test('when an owner is killed, all that waits for it ends, and says what is known', async () => {
  const [victim] = await scene.start('proprietor')
  await victim.ask({ do: 'make', path: 'meet', capacity: 0 })
  await victim.ask({ do: 'make', path: 'other', capacity: 1 })
  const meet = await scene.circuit.open<number>('/proprietor/meet')
  const other = await scene.circuit.open<number>('/proprietor/other')
  const waiting = [
    outcomeOf(meet.send(1)), outcomeOf(other.receive()),
    outcomeOf(select({ in: other.receiving(), out: meet.sending(2) }))
  ]
  using reader = other.reader({ prefetch: 4 })
  waiting.push(outcomeOf(reader.receive()))
  await meet.stat()
  const began = performance.now()
  await victim.kill()
  const [sent, received, chosen, read] = await Promise.all(waiting)
  const ms = performance.now() - began
  assert.equal([sent, received, read], ['LEFT unknown', 'LEFT not done', 'LEFT not done'])
  assert.match(chosen!, /^LEFT not done (in|out)$/)
  assert.is(await outcomeOf(other.send(3)), 'LEFT not done', 'known before it began')
  console.log(`  everything had ended ${ms.toFixed(0)} ms after the kill`)
}, { timeout_ms: 20_000 })

async function outcomeOf(doing: Promise<unknown>): Promise<string> {
  try {
    await doing
    return 'done'
  } catch (error) {
    if (!(error instanceof Loss)) return String(error)
    return `${error.code} ${error.outcome}${error.case === undefined ? '' : ` ${error.case}`}`
  }
}

test.run()
