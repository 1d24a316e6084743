/** The whole house, tests and examples too, has the types that it says. */
import * as assert from 'uvu/assert'
import { spawnSync } from 'node:child_process'
import { suite } from '../suite.ts'
import { ROOT } from './source.ts'

const test = suite('house: types')

test('the compiler has nothing to say', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath,
    ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'], { cwd: ROOT, encoding: 'utf8' })
  if (status !== 0) console.log(stdout + stderr)
  assert.is(status, 0)
}, { timeout_ms: 120_000 })

test.run()
