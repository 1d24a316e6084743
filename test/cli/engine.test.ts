/** What a waiting peer does seldom is compiled all the same, and soon. */
import * as assert from 'uvu/assert'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { suite } from '../suite.ts'

const ENGINE = fileURLToPath(new URL('../../bindings/cli/engine.ts', import.meta.url))
/** More than a peer's engine waits for, and less than V8's own 500. */
const CALLS = 300

const test = suite('cli: the engine of a peer')

const IMPORT = `import { compileSooner } from ${JSON.stringify(ENGINE)}`
const MARKED = /\[marking .*<JSFunction probe .* for optimization to MAGLEV/

/** What V8 says of a function that is called that often, after these steps. */
function said(steps: string): string {
  const program = `${IMPORT}; ${steps}
    function probe(text) { return text.length + 1 }
    for (let nth = 0; nth < ${CALLS}; nth++) probe('abc')`
  const args = ['--trace-opt', '--input-type=module', '-e', program]
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  assert.is(status, 0, stderr)
  assert.is(stderr, '')
  return stdout
}

test('a function of a peer is compiled after fewer calls than one of any program', () => {
  assert.not.match(said(''), MARKED)
  assert.match(said('compileSooner()'), MARKED)
})

test('after a while it is as in any program', () => {
  assert.not.match(said('compileSooner(1); await new Promise((r) => setTimeout(r, 50))'), MARKED)
})

test('an engine that was not looked at is left as it is', () => {
  const other = `Object.defineProperty(process.versions, 'v8', { value: '99.1' })`
  assert.not.match(said(`${other}; compileSooner()`), MARKED)
})

test.run()
