/**
 * Sessions while their links are cut: exactly once and in order, whatever byte was the last.
 *
 * Lives here: cuts at chosen and at random bytes, slow wires, large messages. Does not live here:
 * links that are dead for long (dead.test.ts).
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { messageOf, numberOf } from './flows.ts'
import { nearOf, until, type Near } from './near.ts'
import { storm } from './storm.ts'

const test = suite('fire: links that are cut')
/** Bytes of a whole handshake and some frames: noise, the muxer, hello with its chain. */
const HANDSHAKE_BYTES = 2_600
const STEP_BYTES = 101

let near: Near
test.before(async () => { near = await nearOf(['far']) })
test.after(() => near.end())

test('a link is cut behind the first, the 102nd, … byte: each message comes once', async () => {
  const { circuit, fars: [far] } = near
  await far!.ask({ do: 'make', path: 'steps', capacity: 1024 })
  const steps = await circuit.open<Uint8Array>('/far/steps')
  const proxies = [near.proxy, far!.proxy]
  let sent = 0
  let longest_ms = 0
  for (let bytes = 1; bytes < HANDSHAKE_BYTES; bytes += STEP_BYTES) {
    // The next connection dies there; the one after it lives.
    let dies = true
    for (const proxy of proxies) {
      proxy.budget = () => {
        const budget = dies ? bytes : Infinity
        dies = false
        return budget
      }
    }
    const began = performance.now()
    for (const proxy of proxies) proxy.cut()
    await Promise.all([1, 2, 3].map(() => steps.send(messageOf(++sent, 100))))
    longest_ms = Math.max(longest_ms, performance.now() - began)
    assert.is(dies, false)
  }
  for (const proxy of proxies) proxy.budget = () => Infinity
  const came = await far!.ask({ do: 'drain', path: 'steps' }) as number[]
  assert.equal(came, Array.from({ length: sent }, (_, i) => i + 1))
  console.log(`  ${sent / 3} cuts in the first ${HANDSHAKE_BYTES} bytes; the longest wait of a `
    + `send was ${longest_ms.toFixed(0)} ms`)
}, { timeout_ms: 60_000 })

test('streams in both directions survive dozens of cuts at random bytes', async () => {
  const { messages, cuts, ms, left } = await storm(near, {
    seed: 1, windowed: 16_000, plain: 800, large: 0, cut_bytes_max: 60_000
  })
  console.log(`  ${messages} messages, ${cuts} cuts, ${(ms / 1000).toFixed(1)} s`)
  assert.is(left, 0)
  assert.ok(cuts >= 24, `${cuts} cuts`)
}, { timeout_ms: 120_000 })

test('messages of 1 MiB are whole, though links are cut in the middle of them', async () => {
  const { messages, cuts, left } = await storm(near, {
    seed: 2, windowed: 300, plain: 30, large: 8, cut_bytes_max: 7_000_000
  })
  console.log(`  ${messages} messages, ${cuts} cuts`)
  assert.is(left, 0)
  assert.ok(cuts >= 3, `${cuts} cuts`)
}, { timeout_ms: 120_000 })

test('a wire that drips is slow, and no reason to leave', async () => {
  const { circuit, fars: [far] } = near
  const drip = await circuit.make<Uint8Array>('drip', { capacity: 4 })
  for (const proxy of [near.proxy, far!.proxy]) proxy.drip(700, 10)
  const began = performance.now()
  const flow = { path: '/near/drip', count: 2, window: 0, bytes: 140_000 }
  const sending = far!.ask({ do: 'send', path: flow.path, flow })
  for (let i = 1; i <= flow.count; i++) {
    assert.is(numberOf((await drip.receive()).value!, flow.bytes), i)
  }
  await sending
  const ms = performance.now() - began
  for (const proxy of [near.proxy, far!.proxy]) proxy.flow()
  assert.ok(ms > 2_700, `it took ${ms} ms: longer than a silent peer has`)
  await until(() => circuit.peers().length === 2)
  assert.is(circuit.peers().find(({ name }) => name === 'far')!.incarnation, 1)
}, { timeout_ms: 60_000 })

test.run()
