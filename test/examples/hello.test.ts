/** The README's first example is a file that runs, and the same text. */
import * as assert from 'uvu/assert'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from '../house/source.ts'
import { suite } from '../suite.ts'

const RUN_MS = 20_000

const test = suite('examples: hello')

test('below its charter it is the README\'s example', () => {
  const [, code] = /```ts\n([^]*?)```/.exec(readFileSync(`${ROOT}README.md`, 'utf8')) ?? []
  const hello = readFileSync(`${ROOT}examples/hello.ts`, 'utf8')
  assert.is(hello.replace(/^\/\*\*[^]*?\*\/\n/, ''), code)
})

test('it prints how many words the message has', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'circuit-hello-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'run'), { mode: 0o700 })
  const env = {
    ...process.env, HOME: folder, XDG_RUNTIME_DIR: join(folder, 'run'), XDG_STATE_HOME: folder
  }
  const { stdout } = await promisify(execFile)(process.execPath, [`${ROOT}examples/hello.ts`],
    { env, timeout: 6 * RUN_MS })
  assert.is(stdout, '4 words\n')
}, { timeout_ms: RUN_MS })

test.run()
