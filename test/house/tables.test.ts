/** The generated files are what spec/tables makes, and the tables agree with themselves. */
import * as assert from 'uvu/assert'
import { readFileSync } from 'node:fs'
import { generateTables, readTables, type Tables } from '../../scripts/tables.ts'
import { suite } from '../suite.ts'
import { ROOT } from './source.ts'

const test = suite('house: the tables')
const copy = (tables: Tables): Tables => structuredClone(tables)

test('every generated file has the bytes that the tables make', () => {
  const files = generateTables(readTables())
  assert.ok(files.length >= 2)
  for (const { path, text } of files) {
    assert.is(readFileSync(ROOT + path, 'utf8'), text, `${path} differs; run: npm run tables`)
  }
})

test('a changed number changes the files', () => {
  const tables = copy(readTables())
  tables.limits[0]!.value++
  for (const { path, text } of generateTables(tables)) {
    assert.is.not(readFileSync(ROOT + path, 'utf8'), text, path)
  }
})

test('two names that collide are refused', () => {
  const tables = copy(readTables())
  tables.records.input[0]!.fields.push('bytes')
  assert.throws(() => generateTables(tables), /two constants are named IN_SELF_BYTES/)
})

test('a number that is no u32 is refused', () => {
  for (const value of [-1, 0.5, 2 ** 32]) {
    const tables = copy(readTables())
    tables.limits[0]!.value = value
    assert.throws(() => generateTables(tables), /is not a u32/)
  }
})

test('kinds and codes are unique', () => {
  const { records, errors } = readTables()
  const kinds_of = (rows: Array<{ kind: number }>) => rows.map(({ kind }) => kind)
  for (const kinds of [
    kinds_of(records.input), kinds_of(records.output), kinds_of(records.frames),
    errors.map(({ code }) => code)
  ]) {
    assert.is(new Set(kinds).size, kinds.length)
  }
})

test('every sentence ends, and a refusal says what to do or that nothing changed', () => {
  for (const { name, sentence } of readTables().errors) {
    assert.match(sentence, /(\.|circuit start)$/, name)
    assert.ok(sentence.length <= 200, name)
  }
})

test.run()
