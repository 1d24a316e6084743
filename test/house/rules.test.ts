/** CONTRIBUTING's rules: each finds what was planted against it, and nothing in the house. */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { RULES, type House } from './rules.ts'
import { readHouse, type Finding } from './source.ts'

const sources = readHouse()
const table = sources.find((file) => file.path === 'spec/tables/errors.json')
const rows: Array<{ name: string }> = JSON.parse(table?.text ?? '').errors
const house: House = { error_names: new Set(rows.map((row) => row.name)) }

const test = suite('house: the rules')
const lines = (findings: Finding[]) =>
  findings.map(({ path, line, what }) => `${path}:${line}: ${what}`).join('\n')

test('the house was read', () => {
  assert.ok(sources.length > 20)
  assert.ok(sources.some((file) => file.path === 'core/fault.ts'))
})

for (const rule of RULES) {
  test(`a breach is found: ${rule.sentence}`, () => {
    assert.ok(rule.planted.length > 0)
    for (const file of rule.planted) {
      assert.ok(rule.check(file, house).length > 0, `not found in ${file.path}:\n${file.text}`)
    }
  })
  test(rule.sentence, () => {
    const findings = sources.flatMap((file) => rule.check(file, house))
    if (findings.length > 0) console.log(`\n${lines(findings)}`)
    assert.is(findings.length, 0)
  })
}

test.run()
