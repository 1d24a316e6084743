/**
 * The laboratory's networks do what they are told: delay, loss, order, rate, cuts, and no trace.
 */
import * as assert from 'uvu/assert'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite, type TestContext } from '../suite.ts'
import {
  addressOf, hasNetem, makeNetwork, NoNetwork, type Network, type NetworkKind, type Shape
} from './network.ts'

const test = suite('lab: the networks')

const PROGRAM = fileURLToPath(new URL('./datagrams.ts', import.meta.url))
const PLAIN: Shape =
  { delay_ms: 0, jitter_ms: 0, loss_percent: 0, reorder_percent: 0, rate_mbit: 1000 }
/** What a busy machine adds to a delay. */
const BUSY_MS = 200

async function made(t: TestContext, kind: NetworkKind, hosts = 2): Promise<Network> {
  const folder = mkdtempSync(join(tmpdir(), 'circuit-lab-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  try {
    const network = await makeNetwork(hosts, folder, 1, kind)
    t.after(async () => {
      await network.close()
      const { stdout } = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' })
      for (const name of network.namespaces) assert.not.match(stdout, name)
    })
    network.namespaces.forEach((_, nth) => network.shape(nth, PLAIN))
    return network
  } catch (error) {
    if (!(error instanceof NoNetwork)) throw error
    return t.skip(`network namespaces need root, Linux and iproute2: ${error.message}`)
  }
}

function within(t: TestContext, network: Network, host: number, ...words: string[]) {
  const namespace = network.namespaces[host]!
  const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, PROGRAM, ...words],
    { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  return child
}

/** A kernel that got no answer for an address asks again after a second; datagrams wait for it. */
const ASKED_AGAIN_MS = 2_500

/** What came of so many datagrams: their numbers in order, and how long each was under way. */
async function exchange(
  t: TestContext, network: Network, from: number, to: number, count: number,
  { bytes = 100, gap_ms = 0, wait_ms = 150 } = {}
): Promise<Array<[number, number]>> {
  const counter = within(t, network, to, 'count')
  let printed = ''
  counter.stdout.on('data', (chunk: Buffer) => { printed += chunk.toString() })
  await once(counter.stdout, 'data')
  const sender = within(t, network, from, 'send', addressOf(to), `${count}`, `${bytes}`,
    `${gap_ms}`)
  await once(sender, 'exit')
  await new Promise((resolve) => setTimeout(resolve, wait_ms))
  counter.stdin.end()
  await once(counter.stdout, 'close')
  return JSON.parse(printed.split('\n')[1]!) as Array<[number, number]>
}

const inOrder = (came: Array<[number, number]>) =>
  came.every(([number], nth) => nth === 0 || number > came[nth - 1]![0])

/** Kinds that shape and can be made here; which of them is looked for once, in the open. */
function kinds(): NetworkKind[] {
  const namespace = `circuit-lab-${process.pid}-look`
  const ip = (...words: string[]) => spawnSync('ip', words).status === 0
  const permitted = ip('netns', 'add', namespace)
  const netem = permitted && hasNetem(namespace)
  ip('netns', 'delete', namespace)
  if (permitted && !netem) {
    console.log('This kernel has no sch_netem: the bridge is tested without shaping.')
  }
  return netem ? ['wire', 'netem'] : ['wire']
}

for (const kind of kinds()) {
  test(`${kind}: what one host sends is delayed as was asked, one way only`, async (t) => {
    const network = await made(t, kind)
    network.shape(0, { ...PLAIN, delay_ms: 60, jitter_ms: 20 })
    const there = await exchange(t, network, 0, 1, 100)
    assert.is(there.length, 100)
    if (kind === 'wire') assert.ok(inOrder(there))
    const times = there.map(([, ms]) => ms)
    assert.ok(Math.min(...times) >= 39, `${Math.min(...times)} ms is too early`)
    assert.ok(Math.max(...times) <= 80 + BUSY_MS, `${Math.max(...times)} ms is too late`)
    const back = await exchange(t, network, 1, 0, 20)
    assert.is(back.length, 20)
    assert.ok(Math.min(...back.map(([, ms]) => ms)) < 39, 'the way back has no delay')
  }, { timeout_ms: 20_000 })

  test(`${kind}: frames are lost and overtake as often as was asked`, async (t) => {
    const network = await made(t, kind)
    network.shape(0, { ...PLAIN, delay_ms: 30, loss_percent: 20, reorder_percent: 20 })
    const came = await exchange(t, network, 0, 1, 500)
    assert.ok(came.length > 340 && came.length < 460, `${came.length} of 500 came at 20 % loss`)
    assert.not(inOrder(came))
    const counts = await network.counts()
    if (counts === undefined) return
    const { lost, overtook, cut } = counts
    // A busy receiver may itself drop some, or be late for them.
    const missing = 500 - came.length
    assert.ok(lost > missing - 25 && lost < missing + 100, `${lost} counted as lost of ${missing}`)
    assert.ok(overtook > 40 && overtook < 140, `${overtook} of ${came.length} overtook`)
    assert.is(cut, 0)
  }, { timeout_ms: 20_000 })

  test(`${kind}: there is a rate`, async (t) => {
    const network = await made(t, kind)
    network.shape(0, { ...PLAIN, rate_mbit: 2 })
    // 100 datagrams of a kilobyte and their headers are 0.83 Mbit: 0.42 s.
    const came = await exchange(t, network, 0, 1, 100, { bytes: 1000, wait_ms: 600 })
    assert.is(came.length, 100)
    const last = came.at(-1)![1]
    assert.ok(last > 300 && last < 600 + BUSY_MS, `the last took ${last} ms`)
  }, { timeout_ms: 20_000 })

  test(`${kind}: one way of one pair is cut, and mended`, async (t) => {
    const network = await made(t, kind, 3)
    if (!network.cuts_pairs) return assert.match(network.about, /whole only/)
    network.cut(new Set(['0>1']))
    assert.is((await exchange(t, network, 0, 1, 10)).length, 0)
    assert.is((await exchange(t, network, 0, 2, 10)).length, 10)
    network.cut(new Set())
    assert.is((await exchange(t, network, 0, 1, 10, { wait_ms: ASKED_AGAIN_MS })).length, 10)
  }, { timeout_ms: 20_000 })
}

test('a bridge cuts a host off whole, and mends it', async (t) => {
  const network = await made(t, 'bridge', 3)
  assert.is((await exchange(t, network, 0, 1, 10)).length, 10)
  network.cut(new Set(['0>1', '0>2', '1>0', '2>0']))
  assert.is((await exchange(t, network, 0, 1, 10)).length, 0)
  assert.is((await exchange(t, network, 1, 2, 10)).length, 10)
  network.cut(new Set())
  const after = { gap_ms: 10, wait_ms: ASKED_AGAIN_MS }
  assert.is((await exchange(t, network, 0, 1, 10, after)).length, 10)
}, { timeout_ms: 20_000 })

test.run()
