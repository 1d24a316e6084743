/** The models in spec/models are searched whole: the quick set, and each rule left out. */
import * as assert from 'uvu/assert'
import { readFileSync } from 'node:fs'
import {
  asExpected, describe, missingTools, searchAll, searches, type Found
} from '../../spec/models/check.ts'
import { INSTANCES, SWITCHES } from '../../spec/models/instances.ts'
import { SESSIONS } from '../../spec/models/session.ts'
import { suite, type TestContext } from '../suite.ts'

const test = suite('models: spin')
/** Of one test: its search may wait for others on a busy machine. */
const SEARCH_LIMIT_MS = 200_000

function needTools(t: TestContext): void {
  const missing = missingTools()
  if (missing !== '') t.skip(missing)
}

const chosen = searches([], false)
let found: Promise<Found>[] = []

test('spin and the compiler begin', (t) => {
  needTools(t)
  found = searchAll(chosen)
})

chosen.forEach((one, nth) => {
  const name = one.left_out === undefined ? `${one.name} has no error`
    : `without ${one.left_out} (${one.says}) ${one.name} has an error`
  test(name, async (t) => {
    needTools(t)
    const result = await found[nth]!
    console.log(`\n${describe(result)}`)
    assert.ok(asExpected(result), describe(result))
  }, { timeout_ms: SEARCH_LIMIT_MS })
})

test('each rule with a star can be left out', () => {
  const document = readFileSync(new URL('../../spec/protocol.md', import.meta.url), 'utf8')
  const plain = document.replaceAll(/\*\*(.*?)\*\*|(?<=\s)\*([^*]+)\*/g, '$1$2')
  const starred = [...plain.matchAll(/^(\d+)\. .*\S\*/gm)].map(([, number]) => number)
  assert.ok(starred.length >= 9, `found ${starred.join(' ')}`)
  const rules = SWITCHES.map(({ rule }) => /^RULE_(\d+)/.exec(rule)?.[1])
  assert.equal(starred.filter((number) => !rules.includes(number)), [])
})

test('the state counts of every instance stand in the README', () => {
  const readme = readFileSync(new URL('../../spec/models/README.md', import.meta.url), 'utf8')
  const names = [...INSTANCES, ...SESSIONS].map(({ name }) => name)
  assert.equal(names.filter((name) => !readme.includes(`\`${name}\``)), [])
})

test.run()
