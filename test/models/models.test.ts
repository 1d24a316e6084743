/** The models in spec/models are searched whole: the instances that are quick. */
import * as assert from 'uvu/assert'
import { readFileSync } from 'node:fs'
import { searches } from '../../spec/models/check.ts'
import { INSTANCES } from '../../spec/models/instances.ts'
import { SESSIONS } from '../../spec/models/session.ts'
import { suite } from '../suite.ts'
import { testSearches } from './searching.ts'

const test = suite('models: spin')

testSearches(test, searches([], false).filter(({ left_out }) => left_out === undefined))

test('the state counts of every instance stand in the README, the quick ones marked', () => {
  const readme = readFileSync(new URL('../../spec/models/README.md', import.meta.url), 'utf8')
  const wrong = [...INSTANCES, ...SESSIONS].filter(({ name, long }) =>
    !readme.includes(`| \`${name}\`${long === true ? '' : ' q'} | `)).map(({ name }) => name)
  assert.equal(wrong, [])
})

test.run()
