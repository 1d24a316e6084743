/** Each rule of the models that is left out has a counter-example. */
import * as assert from 'uvu/assert'
import { readFileSync } from 'node:fs'
import { searches } from '../../spec/models/check.ts'
import { SWITCHES } from '../../spec/models/instances.ts'
import { suite } from '../suite.ts'
import { testSearches } from './searching.ts'

const test = suite('models: rules left out')

test('each rule with a star can be left out', () => {
  const document = readFileSync(new URL('../../spec/protocol.md', import.meta.url), 'utf8')
  const plain = document.replaceAll(/\*\*(.*?)\*\*|(?<=\s)\*([^*]+)\*/g, '$1$2')
  const starred = [...plain.matchAll(/^(\d+)\. .*\S\*/gm)].map(([, number]) => number)
  assert.ok(starred.length >= 12, `found ${starred.join(' ')}`)
  const rules = SWITCHES.map(({ rule }) => /^RULE_(\d+)/.exec(rule)?.[1])
  assert.equal(starred.filter((number) => !rules.includes(number)), [])
})

testSearches(test, searches([], false).filter(({ left_out }) => left_out !== undefined))

test.run()
