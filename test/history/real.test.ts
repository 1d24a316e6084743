/**
 * Histories of real peers, over real libp2p and over Unix sockets: right as they are, and wrong as
 * soon as they are spoiled.
 *
 * Lives here: rounds among three processes, without faults. Does not live here: faults
 * (faults.test.ts), a broken core (mutants.test.ts), hand-made histories (check.test.ts).
 */
import * as assert from 'uvu/assert'
import { Random } from '../property/random.ts'
import { suite } from '../suite.ts'
import { check } from './check.ts'
import type { History, Operation } from './history.ts'
import { huntOnce, judge } from './hunt.ts'
import { Place } from './place.ts'

const test = suite('history: real peers')
const ROUNDS = 4
const SPOILED = 60
const SWAPPED = 'two messages of one channel change places, far apart'
const SIZE = { clients: 4, operations: 300 }
const place = new Place()

test.before(() => place.start(['a', 'b', 'c']))
test.after(() => place.end())

for (let seed = 1; seed <= ROUNDS; seed++) {
  test(`what twelve clients saw of channels at three peers could have happened (${seed})`,
    async () => {
      const { why, operations, again } = await huntOnce(place, seed, SIZE)
      assert.is(why, '')
      assert.is(again, 0)
      assert.ok(operations > 100, `${operations} operations`)
    }, { timeout_ms: 60_000 })
}

test('the same over Unix sockets', async (t) => {
  const beside = new Place({ unix: true })
  t.after(() => beside.end())
  await beside.start(['a', 'b', 'c'])
  const { why, again } = await huntOnce(beside, ROUNDS + 2, SIZE)
  assert.is(why, '')
  assert.is(again, 0)
}, { timeout_ms: 60_000 })

test('a history is rejected as soon as one thing in it is changed', async () => {
  const history = await place.round({ seed: ROUNDS + 1, ...SIZE })
  assert.is(judge(ROUNDS + 1, history).why, '')
  const random = new Random(1)
  for (const [name, spoil] of Object.entries(SPOILS)) {
    let rejected = 0
    for (let i = 0; i < SPOILED; i++) {
      if (check(spoil(structuredClone(history), random)).kind === 'rejected') rejected++
    }
    console.log(`  ${name}: ${rejected} of ${SPOILED} rejected`)
    // Two messages whose sends overlapped may change places.
    assert.ok(rejected >= (name === SWAPPED ? SPOILED * 3 / 4 : SPOILED), name)
  }
}, { timeout_ms: 60_000 })

type Spoil = (history: History, random: Random) => History
type Taken = Operation & { result: { kind: 'done', which: number, value: number } }

const taken = ({ operations }: History) => operations.filter((one): one is Taken =>
  one.result.kind === 'done' && one.result.value !== undefined)

const SPOILS: Record<string, Spoil> = {
  'a message that was received is received by nobody': (history, random) => {
    const lost = random.pick(taken(history))
    return { ...history, operations: history.operations.filter((one) => one !== lost) }
  },
  'a message is received a second time, much later': (history, random) => {
    const operation = random.pick(taken(history))
    const late = 10_000_000 + Math.max(...history.operations.map(({ end }) => end))
    history.operations.push({ ...operation, id: -1, begin: late, called: late, end: late + 1 })
    return history
  },
  'a send that was done is said to be withdrawn': (history, random) => {
    const values = new Set(taken(history).map(({ result }) => result.value))
    const done = history.operations.filter(({ cases, result }) =>
      result.kind === 'done' && values.has(cases[result.which]!.value ?? NaN))
    random.pick(done).result = { kind: 'withdrawn' }
    return history
  },
  [SWAPPED]: (history, random) => {
    const one = random.pick(taken(history))
    const channel = one.cases[one.result.which]!.channel
    const others = taken(history).filter(({ begin, end, result, cases }) =>
      cases[result.which]!.channel === channel && (begin > one.end || end < one.begin))
    if (others.length === 0) return SPOILS['a message that was received is received by nobody']!(
      history, random)
    const other = random.pick(others)
    const value = one.result.value
    one.result.value = other.result.value
    other.result.value = value
    return history
  }
}

test.run()
