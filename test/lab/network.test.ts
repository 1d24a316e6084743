/**
 * The laboratory's networks do what they are told: delay, loss, order, rate, cuts, and no trace.
 *
 * No bound here depends on how busy the machine is: what cannot be too early is judged each time,
 * what must not be too late by the best of many, chance by bounds that it breaks once in 10⁹, and
 * the end of a round is a mark that overtakes nothing.
 */
import * as assert from 'uvu/assert'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { suite, type TestContext } from '../suite.ts'
import {
  addressOf, hardwareOf, hasNetem, makeNetwork, NoNetwork, type Network, type NetworkKind,
  type Shape
} from './network.ts'

const test = suite('lab: the networks')

const PROGRAM = fileURLToPath(new URL('./datagrams.ts', import.meta.url))
const PLAIN: Shape =
  { delay_ms: 0, jitter_ms: 0, loss_percent: 0, reorder_percent: 0, rate_mbit: 1000 }
/** What a clock that is rounded may take from a delay. */
const ROUNDED_MS = 1
/** Fewer than the switch takes at a time, and than a socket holds whose process has no turn. */
const BURST = 50
const MARK_AGAIN_MS = 100
/** So often is tried what a busy machine may delay. */
const ROUNDS_MAX = 100
const LIMIT = { timeout_ms: 30_000 }

/** One datagram that came: its number, when it was sent and when it came, in milliseconds. */
type Came = [number: number, sent: number, came: number]

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
    network.namespaces.forEach((name, nth) => {
      network.shape(nth, PLAIN)
      knowAll(name, nth, hosts)
    })
    return network
  } catch (error) {
    if (!(error instanceof NoNetwork)) throw error
    return t.skip(`network namespaces need root, Linux and iproute2: ${error.message}`)
  }
}

/** Nobody asks for an address: a question that is lost is asked again after a second only. */
function knowAll(namespace: string, self: number, hosts: number): void {
  for (let other = 0; other < hosts; other++) {
    if (other === self) continue
    const words = ['-n', namespace, 'neigh', 'replace', addressOf(other), 'lladdr',
      hardwareOf(other), 'dev', 'eth0', 'nud', 'permanent']
    assert.is(spawnSync('ip', words).status, 0, `ip ${words.join(' ')}`)
  }
}

function within(t: TestContext, network: Network, host: number, ...words: string[]) {
  const namespace = network.namespaces[host]!
  const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, PROGRAM, ...words],
    { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const line = async () => {
    const { value, done } = await lines.next()
    if (done === true) throw new Error(`the process that ${words[0]}s on host ${host} has ended`)
    return value
  }
  return { line, say: (words: string) => { child.stdin.write(`${words}\n`) } }
}

/** One way between two hosts, with a process at each end. */
interface Way {
  /** Resolves when the kernel has them and the switch has nothing left to take. */
  send(count: number, bytes?: number, gap_ms?: number): Promise<void>
  /** All that came since the last call; waits until the way lets something through. */
  came(): Promise<Came[]>
}

async function openWay(t: TestContext, network: Network, from: number, to: number): Promise<Way> {
  const counter = within(t, network, to, 'count')
  const sender = within(t, network, from, 'send', addressOf(to))
  assert.equal([await counter.line(), await sender.line()], ['ready', 'ready'])
  let round = 1
  return {
    send: async (count, bytes = 100, gap_ms = 0) => {
      sender.say(`${round} ${count} ${bytes} ${gap_ms}`)
      assert.is(await sender.line(), 'sent')
      await network.counts()
    },
    came: async () => {
      // The switch obeys in order, so what comes next is by the shape that was asked for last.
      await network.counts()
      const mark = () => sender.say(`${round}`)
      const again = setInterval(mark, MARK_AGAIN_MS)
      mark()
      try {
        return JSON.parse(await counter.line()) as Came[]
      } finally {
        clearInterval(again)
        round++
      }
    }
  }
}

/** Tries until it is so; false when it never was. */
async function sometime(attempt: () => Promise<boolean>): Promise<boolean> {
  for (let nth = 0; nth < ROUNDS_MAX; nth++) if (await attempt()) return true
  return false
}

const inOrder = (came: Came[]) => came.every(([number], nth) =>
  nth === 0 || number > came[nth - 1]![0])
const shortest = (came: Came[]) => Math.min(...came.map(([, sent, at]) => at - sent))

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
    const [there, back] = [await openWay(t, network, 0, 1), await openWay(t, network, 1, 0)]
    const [least, most] = [40, 80]
    const all: number[] = []
    assert.ok(await sometime(async () => {
      network.shape(0, { ...PLAIN, delay_ms: 60, jitter_ms: 20 })
      await network.counts()
      await there.send(20, 100, 2)
      network.shape(0, { ...PLAIN, delay_ms: most })
      const came = await there.came()
      assert.is(came.length, 20)
      if (kind === 'wire') assert.ok(inOrder(came))
      all.push(shortest(came))
      return all.at(-1)! <= most
    }), `the first of each round came after ${all.join(', ')} ms`)
    assert.ok(Math.min(...all) >= least - ROUNDED_MS, `${Math.min(...all)} ms is too early`)
    assert.ok(await sometime(async () => {
      await back.send(20, 100, 2)
      const came = await back.came()
      assert.is(came.length, 20)
      return shortest(came) < least - ROUNDED_MS
    }), 'the way back has no delay')
  }, LIMIT)

  test(`${kind}: frames are lost and overtake as often as was asked`, async (t) => {
    const network = await made(t, kind)
    const way = await openWay(t, network, 0, 1)
    const sent = 500
    let [missing, ordered] = [sent, true]
    const before = await network.counts()
    for (let nth = 0; nth < sent; nth += BURST) {
      network.shape(0, { ...PLAIN, delay_ms: 30, loss_percent: 20, reorder_percent: 20 })
      await network.counts()
      await way.send(BURST)
      network.shape(0, { ...PLAIN, delay_ms: 30 })
      const came = await way.came()
      missing -= came.length
      ordered &&= inOrder(came)
    }
    assert.ok(missing > 42 && missing < 165, `${missing} of ${sent} are missing at 20 % loss`)
    assert.not(ordered)
    const counts = await network.counts()
    if (counts === undefined || before === undefined) return
    const [lost, overtook] = [counts.lost - before.lost, counts.overtook - before.overtook]
    // Kernels send frames of their own, which may be lost too.
    const others = counts.frames - before.frames - sent
    assert.ok(lost >= missing && lost <= missing + others, `${lost} counted, ${missing} missing`)
    assert.ok(overtook > 30 && overtook < 140, `${overtook} of ${sent} overtook`)
    assert.is(counts.cut, 0)
  }, LIMIT)

  test(`${kind}: there is a rate`, async (t) => {
    const network = await made(t, kind)
    network.shape(0, { ...PLAIN, rate_mbit: 1 })
    const way = await openWay(t, network, 0, 1)
    // 50 datagrams of a kilobyte and their headers are 0.417 Mbit.
    const [least, most] = [400, 600]
    const took: number[] = []
    assert.ok(await sometime(async () => {
      await way.send(BURST, 1000)
      const came = await way.came()
      assert.is(came.length, BURST)
      took.push(came.at(-1)![2] - came[0]![1])
      return took.at(-1)! <= most
    }), `the last came after ${took.join(', ')} ms`)
    assert.ok(Math.min(...took) >= least, `${Math.min(...took)} ms is too fast`)
  }, LIMIT)

  test(`${kind}: one way of one pair is cut, and mended`, async (t) => {
    const network = await made(t, kind, 3)
    if (!network.cuts_pairs) return assert.match(network.about, /whole only/)
    const [way, back, beside] = [await openWay(t, network, 0, 1), await openWay(t, network, 1, 0),
      await openWay(t, network, 0, 2)]
    const passes = async (one: Way) => {
      await one.send(10)
      return (await one.came()).length
    }
    assert.is(await passes(way), 10)
    network.cut(new Set(['0>1']))
    await network.counts()
    await way.send(10)
    assert.equal([await passes(back), await passes(beside)], [10, 10])
    const counts = await network.counts()
    if (counts !== undefined) assert.ok(counts.cut >= 10, `${counts.cut} cut`)
    network.cut(new Set())
    assert.equal(await way.came(), [])
    assert.is(await passes(way), 10)
  }, LIMIT)
}

test('a bridge cuts a host off whole, and mends it', async (t) => {
  const network = await made(t, 'bridge', 3)
  const [way, beside] = [await openWay(t, network, 0, 1), await openWay(t, network, 1, 2)]
  await way.send(10)
  assert.is((await way.came()).length, 10)
  network.cut(new Set(['0>1', '0>2', '1>0', '2>0']))
  await way.send(10)
  await beside.send(10)
  assert.is((await beside.came()).length, 10)
  network.cut(new Set())
  assert.equal(await way.came(), [])
  await way.send(10)
  assert.is((await way.came()).length, 10)
}, LIMIT)

test.run()
