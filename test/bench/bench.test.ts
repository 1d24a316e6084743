/** The bench still does what it says: works are checked, goals judged, round trips counted. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import * as assert from 'uvu/assert'
import { lives, over } from '../alive.ts'
import { suite } from '../suite.ts'
import { begin } from './apart.ts'
import { doorWorks } from './door.ts'
import { factRow, judge, type Goal } from './goal.ts'
import { localWorks } from './local.ts'
import { drawing } from './plot.ts'
import { withTable } from './publish.ts'
import { scaleWorks } from './scale.ts'
import { markdownTable } from './table.ts'
import { measure, quotas, same, type Contender, type Figure, type Work } from './timing.ts'
import { tripsCounted } from './trips.ts'

const test = suite('bench: what it measures')
const FEW = 100
const SCENE = { date: '2026-11-21T12:00:00.000Z', commit: 'abc', node: 'v24.0.0',
  machine: 'one', load: '0.5' }

/** Runs each contender once, without a clock: their own checks decide. */
async function runEach(works: readonly Work[]): Promise<void> {
  assert.ok(works.length > 0)
  for (const { contenders } of works) {
    for (const contender of contenders) await contender.run(FEW)
  }
}

const figure = (contender: string, median_ns: number, more: Partial<Figure> = {}): Figure => ({
  work: 'work', contender, unit: 'message', count: 1, rounds_ns: [median_ns], median_ns,
  least_ns: median_ns, most_ns: median_ns, ...more
})

test('the works at the door give the right sums', () => runEach(doorWorks()))

test('the local works of circuit give the right sums', async () => {
  const { works, end } = await localWorks(true)
  try {
    await runEach(works!)
  } finally {
    await end!()
  }
}, { timeout_ms: 60_000 })

test('round trips are as few as the protocol allows', async () => {
  const facts = await tripsCounted()
  const judged = facts.map(factRow).filter(({ met }) => met !== '')
  assert.ok(judged.length >= 6)
  assert.equal(judged.filter(({ met }) => met !== 'met'), [])
}, { timeout_ms: 60_000 })

test('a full core works, and channels weigh what they may', async () => {
  const { works, counts } = scaleWorks()
  await runEach(works!)
  const channel = (await counts![0]!()).find(({ name }) => name.startsWith('a channel, of'))!
  assert.is(factRow(channel).met, 'met', `${channel.value} bytes`)
}, { timeout_ms: 60_000 })

test('a contender that is wrong has a sentence in the place of a figure', async () => {
  const [right, wrong, absent] = await measure({
    name: 'work', unit: 'message', count: 1, rounds: 2,
    contenders: [
      { name: 'right', run() {} },
      { name: 'wrong', run() { same(1, 2, 'the sum') } },
      { name: 'absent', absent: 'not installed', run() { throw new Error('it was run') } }
    ]
  })
  assert.is(right!.rounds_ns.length, 2)
  assert.is(wrong!.failure, 'the sum: 1 and not 2')
  assert.is(absent!.absent, 'not installed')
  assert.is(absent!.failure, undefined)
})

test('contenders with processes of their own take turns; one that fails is ended', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'circuit-turns-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const faults = new URL('faults.ts', import.meta.url).href
  const one = (name: string, limit_ms?: number): Contender => ({
    name, run() { throw new Error('it was run here') },
    begin: () => begin(faults, [name, folder], limit_ms)
  })
  const figures = await measure({
    name: 'work', unit: 'message', count: 1, rounds: 3,
    contenders: [one('right'), one('wrong'), one('ends'), one('hangs', 300), one('nobody'),
      one('right as well')]
  })
  const failures = figures.map(({ failure }) => failure)
  assert.equal(failures, [undefined, 'the sum: 1 and not 2', 'its process ended with 3',
    'no end within 0.3 s', 'there is no nobody', undefined])
  for (const { rounds_ns, processor_rounds_ns } of [figures[0]!, figures[5]!]) {
    assert.is(rounds_ns.length, 3)
    assert.is(processor_rounds_ns!.length, 3)
    assert.ok(rounds_ns.every((ns) => ns > 0))
  }
  for (const name of ['right', 'wrong', 'ends', 'hangs', 'right as well']) {
    assert.not.ok(lives(Number(readFileSync(join(folder, name), 'utf8'))), name)
  }
}, { timeout_ms: 60_000 })

test('a local contender does its work in a process of its own', async (t) => {
  const { works, end } = await localWorks(true)
  t.after(() => end!())
  const [first] = works!
  const apart = await first!.contenders[0]!.begin!()
  t.after(() => apart.end())
  const { ms, processor_ms } = await apart.timed(FEW)
  assert.ok(ms > 0 && processor_ms! > 0)
}, { timeout_ms: 60_000 })

test('an interrupted bench leaves no process behind', async (t) => {
  const main = spawn(process.execPath, [fileURLToPath(new URL('main.ts', import.meta.url)),
    'local', '--ours'], { stdio: 'ignore' })
  t.after(() => main.kill('SIGKILL'))
  const ended = once(main, 'exit')
  // The part, and the contender whose turn it is.
  let begun: number[] = []
  while (begun.length < 2) {
    await setTimeout(20, undefined, { signal: t.signal })
    const [part] = childrenOf(main.pid!)
    begun = part === undefined ? [] : [part, ...childrenOf(part)]
  }
  main.kill('SIGINT')
  assert.equal(await ended, [130, null])
  for (const one of begun) await over(one)
}, { timeout_ms: 60_000 })

/** The processes that a process has begun. */
function childrenOf(parent: number): number[] {
  return readdirSync('/proc').map(Number).filter((one) => one > 0 && parentOf(one) === parent)
}

function parentOf(one: number): number | undefined {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${one}/status`, 'utf8'))?.[1])
  } catch {
    return undefined
  }
}

test('a goal is met, not met, or has no figure', () => {
  const figures = [figure('ours', 100), figure('other', 120), figure('third', 90),
    figure('gone', NaN, { absent: 'not installed' }), figure('wrong', NaN, { failure: 'lost' })]
  const met = (goal: Partial<Goal>) => judge([{ ours: 'ours', target: '', ...goal }], figures)[0]!
  assert.is(met({ beside: ['other'], speed_least: 1 }).met, 'met')
  assert.is(met({ beside: ['other', 'third'], speed_least: 1 }).met, 'not met')
  assert.is(met({ beside: ['other', 'third'], speed_least: 1 }).ratio, '0.90×')
  assert.is(met({ beside: ['third'], time_most: 1.3 }).met, 'met')
  assert.is(met({ beside: ['third'], time_most: 1.1 }).met, 'not met')
  assert.is(met({ beside: ['gone'], speed_least: 1 }).met, 'no figure')
  assert.is(met({ most_ns: 99 }).met, 'not met')
  assert.is(met({ most_ns: 100 }).met, 'met')
  assert.is(met({ bound_ns: () => 50 }).met, 'not met')
  assert.is(met({ reference: { name: 'then', ns: 1000 }, speed_least: 10 }).met, 'met')
  assert.is(met({ ours: 'wrong', most_ns: 100 }).met, 'not met')
  assert.is(met({ ours: 'gone', most_ns: 100 }).met, 'no figure')
})

test('on a busy machine a work that waits for nobody is judged by its processor time', () => {
  const busy = (contender: string, median_ns: number, processor_ns: number) => figure(contender,
    median_ns, { alone: true, processor_ns, processor_rounds_ns: [processor_ns] })
  const goal = { ours: 'ours', beside: ['other'], target: '', speed_least: 1 }
  const [row] = judge([goal], [busy('ours', 500, 90), busy('other', 300, 100)])
  assert.is(row!.met, 'met')
  assert.ok(row!.ours.endsWith('of processor time'), row!.ours)
  const [quiet] = judge([goal], [busy('ours', 110, 110), busy('other', 100, 100)])
  assert.is(quiet!.met, 'not met')
  assert.not.match(quiet!.ours, /processor/)
})

test('a fact is held to its bound, also when there is none of it', () => {
  const row = (value: number) => factRow({
    work: 'work', name: 'name', value, unit: 'B', target: { text: '≤ 10 B', most: 10 }
  })
  assert.is(row(10).met, 'met')
  assert.is(row(11).met, 'not met')
  assert.is(row(NaN).met, 'not met')
})

test('shares add up to the whole', () => {
  assert.equal(quotas(7, 3), [3, 2, 2])
  assert.equal(quotas(2, 3), [1, 1])
})

test('the table takes the place of the last one', () => {
  const rows = judge([{ ours: 'ours', target: '≤ 1 | 2', most_ns: 1 }], [figure('ours', 2)])
  const table = markdownTable(rows)
  assert.ok(table.includes('| work | **2.0 ns (2.0 ns … 2.0 ns)** |'), table)
  assert.ok(table.includes('≤ 1 \\| 2'), table)
  const page = 'before\n<!-- made by npm run bench -- --publish -->\nold\n<!-- end -->\nafter\n'
  const once = withTable(page, { scene: SCENE, rows })
  assert.ok(once.startsWith('before\n') && once.endsWith('\nafter\n') && !once.includes('old'))
  assert.is(withTable(once, { scene: SCENE, rows }), once)
  assert.throws(() => withTable('no place', { scene: SCENE, rows }))
})

test('a plot has each name and figure, escaped, in light and dark', () => {
  const svg = drawing('what', [
    {
      title: 'bars', unit: 'µs', figure: (value) => `${value} µs`,
      groups: [{ name: 'group', bars: [
        { name: 'a <b> & c', value: 3, least: 2, most: 4, ours: true },
        { name: 'none', value: NaN, missing: 'not installed' }
      ] }]
    },
    { title: 'lines', x: 'messages', y: 'MiB', lines: [{ name: 'one', points: [[1, 2], [2, 3]] }] }
  ])
  for (const wanted of ['a &lt;b&gt; &amp; c', '3 µs', 'not installed', 'one: 3',
    'prefers-color-scheme: dark', 'aria-label="what"']) {
    assert.ok(svg.includes(wanted), wanted)
  }
  assert.not.match(svg, /NaN|undefined|Infinity/)
})

test.run()
