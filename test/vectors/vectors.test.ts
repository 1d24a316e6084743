/**
 * The vectors of cores: up to date, of the right shape, and replayed at the door.
 */
import * as assert from 'uvu/assert'
import { readdirSync, readFileSync } from 'node:fs'
import { suite } from '../suite.ts'
import { FOLDER, all_texts } from './make.ts'
import { failure_of } from './other.ts'
import { replay } from './replay.ts'
import { misfits } from './schema.ts'
import type { Schema } from './schema.ts'
import type { Step, Vector, VectorFile } from './vector.ts'

const test = suite('vectors: cores')

const schema = JSON.parse(readFileSync(new URL('schema.json', FOLDER), 'utf8')) as Schema
const names = readdirSync(FOLDER).filter((name) => name.endsWith('.json') &&
  !['schema.json', 'certificates.json', 'values.json'].includes(name))
const texts = new Map(names.map((name) => [name, readFileSync(new URL(name, FOLDER), 'utf8')]))
const files = new Map([...texts].map(([name, text]) => [name, JSON.parse(text) as VectorFile]))
const vectors = [...files.values()].flatMap((file) => file.vectors)
const by_id = new Map(vectors.map((vector) => [vector.id, vector]))

test('the files are what their maker makes', () => {
  const made = all_texts()
  assert.equal([...texts.keys()].sort(), [...made.keys()].sort())
  for (const [name, text] of made) {
    assert.ok(texts.get(name) === text, `${name} has changed; run: npm run vectors`)
  }
}, { timeout_ms: 60_000 })

test('each file is as its schema says, and counts its vectors', () => {
  for (const [name, file] of files) {
    assert.equal(misfits(file, schema), [], name)
    assert.is(file.count, file.vectors.length, name)
  }
})

test('what is not as the schema says is found', () => {
  const [file] = files.values()
  const [vector] = file!.vectors
  const spoilt = (change: object): object =>
    ({ ...file, vectors: [{ ...vector!, ...change }, ...file!.vectors.slice(1)] })
  for (const change of [{ id: 'No' }, { shows: ['no'] }, { more: 1 }, { cores: [{}] },
    { steps: [{ core: 0, now_ms: 1, in: [{ hex: 'f' }], out: [] }] },
    { steps: [{ core: 0, now_ms: 1, in: [], out: [{ record: 'x', y: 'z' }] }] }]) {
    assert.not.equal(misfits(spoilt(change), schema), [], JSON.stringify(change))
  }
})

test('each vector has a name of its own', () => {
  assert.is(by_id.size, vectors.length)
})

test('each core says to each vector what it says there', () => {
  for (const vector of vectors) replay(vector, by_id)
  console.log(`\n${vectors.length} vectors, ${count(vectors)} steps`)
}, { timeout_ms: 60_000 })

test('a core that says anything else is found', () => {
  const vector = by_id.get('rendezvous')!
  const steps = structuredClone(vector.steps)
  steps.at(-1)!.out[0]!.payload_bytes = 3
  let found: unknown
  try { replay({ ...vector, steps }, by_id) } catch (error) { found = error }
  assert.match(String(found), /rendezvous: step 3/)
})

test('a core that draws otherwise and gives other numbers says the same', () => {
  const bound = vectors.filter(({ chance }) => chance !== true)
  assert.ok(bound.length > 200)
  assert.equal(bound.map((vector) => failure_of(vector, by_id)).filter((why) => why !== undefined),
    [])
}, { timeout_ms: 60_000 })

test('what such a core says wrong is found', () => {
  const spoil = (id: string, change: (step: Step) => void): string | undefined => {
    const vector = by_id.get(id)!
    const steps = structuredClone(vector.steps)
    change(steps.at(-1)!)
    return failure_of({ ...vector, steps }, by_id)
  }
  assert.match(spoil('rendezvous', ({ out }) => { out[0]!.payload = 9 })!, /step 3: .* is missing/)
  assert.match(spoil('rendezvous', ({ out }) => { out.pop() })!, /was not expected/)
  assert.match(spoil('grant-without-the-message', ({ out }) => { out[0]!.header = '82021881' })!,
    /"refuse"/)
  // One number cannot stand for two channels.
  const twice = by_id.get('references')!
  const steps = structuredClone(twice.steps)
  const made = steps.filter(({ in: [one] }) => one?.record === 'make')
  made[1]!.out[0]!.value = made[0]!.out[0]!.value!
  assert.match(failure_of({ ...twice, steps }, by_id)!, /references: step 1/)
})

function count(list: Vector[]): number {
  return list.reduce((sum, { steps }) => sum + steps.length, 0)
}

test.run()
