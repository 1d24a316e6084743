/**
 * The search of `npm run fuzz` in the size of CI, and what its parts promise.
 *
 * Replay: `npm run fuzz -- --replay --seed SEED`.
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { records } from '../core/door.ts'
import { Coverage, instrumented } from './coverage.ts'
import { Crowd } from './crowd.ts'
import { Grammar, parse_cddl } from './grammar.ts'
import { Instance, module_of } from './instance.ts'
import { instrument } from './instrument.ts'
import type { Counter } from './instrument.ts'
import { DIST, search, told } from './search.ts'
import { Replay, record_logs } from './traffic.ts'

/** The same each time: what breaks here was broken by a change. */
const FIRST_SEED = 1
const INPUTS_MIN = 10_000_000
const FRAMES = 6_600_000
/** A machine that is busy besides does less; the rest is for `npm run fuzz`. */
const SEARCH_MS_MAX = 80_000
const LINES_MIN = 0.7

const test = suite('fuzz: search')

test('the grammar of the wire has every frame of the tables, with its fields in order', () => {
  const { frames } = new Grammar()
  const rows = frames.map(({ name, kind, fields }) =>
    ({ kind, name, fields: fields.map((field) => field.name) }))
  assert.equal(rows, records.frames.map(({ kind, name, fields }) => ({ kind, name, fields })))
})

test('CDDL that the wire does not use is refused, not misread', () => {
  assert.throws(() => parse_cddl('a = {key: uint}'), /not in this part of CDDL/)
})

test('counters stand at every statement and every arm', () => {
  const counters: Counter[] = []
  const source = 'function f(a: u32): u32 {\n  if (a && g()) return 1\n  return 2\n}'
  const text = instrument('x.ts', source, counters)
  assert.equal(counters.map(({ line, kind }) => `${line} ${kind}`),
    ['2 statement', '2 arm', '2 arm', '2 statement', '2 arm', '3 statement'])
  assert.match(text, /return 1 \} else \{/)
})

test('a core that was brought back is the same to the byte', () => {
  const crowd = new Crowd(new Instance(module_of(DIST), 1), new Grammar())
  const whole = (): string => {
    crowd.episode(7, 3_000)
    const { bytes, globals } = crowd.instance.snapshot()
    return `${globals.join()} ${Buffer.from(bytes).toString('base64')}`
  }
  const first = whole()
  crowd.episode(8, 3_000)
  assert.ok(whole() === first, 'the same seed gives the same core')
})

test('most peers of a crowd are attached, and their frames reach the channels', () => {
  const build = instrumented()
  const crowd = new Crowd(new Instance(module_of(build.path), 1), new Grammar())
  const coverage = new Coverage(build.counters)
  crowd.episode(1, 20_000)
  assert.ok(crowd.attached > 100, `${crowd.attached} sessions`)
  coverage.add(crowd.instance)
  const match = coverage.rows().find(({ file }) => file === 'match.ts')!
  assert.ok(match.lines_hit / match.lines > 0.9, `${match.lines_hit} lines of matching ran`)
})

test('traffic that is not bent is taken as it was', () => {
  const [log] = record_logs([1])
  const module = module_of(DIST)
  const replay = new Replay(() => new Instance(module, 1), [log!])
  replay.again(log!)
  assert.ok(log!.length > 100)
})

test('no frame and no record of a search traps the core, and it works on', async () => {
  const seed = Number(process.env.CIRCUIT_SEED ?? FIRST_SEED)
  const sum = await search({ seed, frames: FRAMES, ms_max: SEARCH_MS_MAX, threads: 2 })
  console.log(`from seed ${seed}\n${told(sum).join('\n')}\n${sum.coverage.report()}`)
  assert.equal(sum.failures, [])
  assert.ok(sum.inputs >= INPUTS_MIN || sum.ms >= SEARCH_MS_MAX, `${sum.inputs} inputs`)
  const all = sum.coverage.rows().at(-1)!
  assert.ok(all.lines_hit / all.lines >= LINES_MIN, `${all.lines_hit} of ${all.lines} lines`)
}, { timeout_ms: 220_000 })

test.run()
