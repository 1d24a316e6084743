/** The models in spec/models are searched whole: the instances that take minutes, in CI. */
import { searches } from '../../spec/models/check.ts'
import { suite } from '../suite.ts'
import { testSearches } from './searching.ts'

const test = suite('models: spin, long')

if (process.env['CI'] === 'true') {
  testSearches(test, searches([], true).filter(({ left_out, long }) =>
    left_out === undefined && long === true))
} else {
  test('the long instances have no error', (t) => {
    t.skip('searched in CI (CI=true), and by node spec/models/check.ts --all')
  })
}

test.run()
