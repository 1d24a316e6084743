/**
 * The package as a user gets it: packed, installed into an empty folder, and the README's example
 * run there on the oldest and on the newest Node that it promises.
 */
import * as assert from 'uvu/assert'
import { execFile } from 'node:child_process'
import {
  existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from '../house/source.ts'
import { suite } from '../suite.ts'

const OLDEST_NODE = '22.23.3'
const LINES = 12
const EXPECTED = new RegExp('^(dist/(bindings|transports)/.*\\.(js|d\\.ts)|dist/circuit\\.wasm|' +
  'dist/transports/libp2p\\.notices\\.txt|\\w+\\.(md|json)|LICENSE)$')
const INSTALL_MS = 120_000
const RUN_MS = 20_000
/** What runs longer hangs; a busy machine takes several times as long. */
const HANGS_MS = 6 * INSTALL_MS
/** Kept from one run to the next; a fresh clone fetches it once. */
const OLDEST_FOLDER = `${ROOT}node_modules/.cache/circuit-node-${OLDEST_NODE}`

const test = suite('package: as installed')
const execute = promisify(execFile)
let folder = ''

test.before(() => { folder = mkdtempSync(join(tmpdir(), 'circuit-package-')) })
test.after(() => rmSync(folder, { recursive: true, force: true }))

/** npm without what the running npm script says about this house. */
function outsideEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('npm_'))
  return { ...Object.fromEntries(kept), HOME: folder, XDG_RUNTIME_DIR: join(folder, 'run') }
}

async function npm(args: string[], cwd: string): Promise<string> {
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']
  const env = { ...outsideEnvironment(), HOME: process.env['HOME'] }
  const { stdout } = await execute('npm', [...args, ...quiet], { cwd, env, timeout: HANGS_MS })
  return stdout
}

/** The README's first TypeScript block, and the output that the block after it promises. */
function exampleOf(readme: string): { code: string, output: string } {
  const blocks = /```ts\n([^]*?)```[^]*?```\n([^]*?)```/.exec(readme)
  return { code: blocks?.[1] ?? '', output: blocks?.[2] ?? '' }
}

async function runExample(node: string): Promise<string> {
  const { stdout } = await execute(node, ['example.ts'], {
    cwd: folder, env: outsideEnvironment(), timeout: HANGS_MS
  })
  return stdout
}

test('the README\'s example has the lines that it says', () => {
  const { code, output } = exampleOf(readFileSync(`${ROOT}README.md`, 'utf8'))
  const lines = code.trimEnd().split('\n').filter((line) => line.trim() !== '')
  assert.is(lines.length, LINES)
  assert.ok(output.trim().length > 0)
})

test('the package holds what is needed and nothing else', async () => {
  const [packed] = JSON.parse(await npm(['pack', '--json', '--pack-destination', folder], ROOT))
  const files: string[] = packed.files.map((file: { path: string }) => file.path)
  for (const wanted of ['LICENSE', 'README.md', 'dist/circuit.wasm', 'dist/bindings/node/index.js',
    'dist/bindings/node/index.d.ts', 'dist/bindings/js/index.js', 'dist/bindings/cli/main.js']) {
    assert.ok(files.includes(wanted), `${wanted} is missing`)
  }
  const strange = files.filter((file) => !EXPECTED.test(file))
  assert.equal(strange, [])
}, { timeout_ms: INSTALL_MS })

test('it installs into an empty folder and runs the README\'s example on Node 24', async () => {
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))
  assert.ok(tarball, 'nothing was packed')
  writeFileSync(join(folder, 'package.json'), '{ "name": "empty", "type": "module" }')
  await npm(['install', `./${tarball}`], folder)
  const { code, output } = exampleOf(readFileSync(`${ROOT}README.md`, 'utf8'))
  writeFileSync(join(folder, 'example.ts'), code)
  assert.is(await runExample(process.execPath), output)
}, { timeout_ms: INSTALL_MS + RUN_MS })

test('the example has types in a strict project', async () => {
  const options = { strict: true, module: 'nodenext', target: 'esnext', noEmit: true, types: [] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options }))
  const compiler = `${ROOT}node_modules/typescript/bin/tsc`
  const limit = { timeout: HANGS_MS }
  const { stdout } = await execute(process.execPath, [compiler, '-p', folder], limit)
    .catch((error: { stdout: string }) => error)
  assert.is(stdout, '')
}, { timeout_ms: 2 * RUN_MS })

test('it runs the README\'s example on the oldest Node', async () => {
  const node = join(OLDEST_FOLDER, 'node_modules/node/bin/node')
  if (!existsSync(node)) {
    mkdirSync(OLDEST_FOLDER, { recursive: true })
    writeFileSync(join(OLDEST_FOLDER, 'package.json'),
      '{ "private": true, "allowScripts": { "node": true } }')
    await npm(['install', '--no-save', `node@${OLDEST_NODE}`], OLDEST_FOLDER)
  }
  const { stdout } = await execute(node, ['--version'])
  assert.is(stdout.trim(), `v${OLDEST_NODE}`)
  assert.is(await runExample(node), exampleOf(readFileSync(`${ROOT}README.md`, 'utf8')).output)
}, { timeout_ms: INSTALL_MS + RUN_MS })

test('the installed command says its version', async () => {
  const { stdout } = await execute(join(folder, 'node_modules/.bin/circuit'), ['version'], {
    cwd: folder, env: outsideEnvironment(), timeout: HANGS_MS
  })
  assert.match(stdout, /\d+\.\d+\.\d+/)
})

test.run()
