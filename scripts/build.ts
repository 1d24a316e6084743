/**
 * Builds dist/ from the sources: the core's wasm and the JavaScript of the package.
 *
 * Lives here: the order of the steps, when a step is skipped, where its result goes. Does not live
 * here: the compilers' options (asconfig.json, tsconfig.build.json), what of the wasm is left out
 * (strip).
 *
 * Invariants: a step is skipped only when its inputs have the same bytes as when it last succeeded;
 * dist/circuit.wasm is replaced whole or not at all.
 *
 * Run: `node scripts/build.ts [core | javascript]…`, all parts by default; `--force` skips nothing.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync,
  writeFileSync
} from 'node:fs'
import { fileURLToPath } from 'node:url'
import { bundleTransport } from './bundle.ts'
import { stripped } from './strip.ts'
import { generateTables, readTables } from './tables.ts'

interface Part {
  name: string
  inputs: string[]
  outputs: string[]
  make(): void
}

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const WASM = 'dist/circuit.wasm'
/** The same code with what is left out of that file, for tests that look at globals by name. */
const NAMED = 'dist/.circuit.named.wasm'
const MAIN = 'dist/bindings/cli/main.js'
const BIN = 'node_modules/.bin/circuit'

const PARTS: Part[] = [
  {
    name: 'core', inputs: ['core', 'asconfig.json', 'scripts/strip.ts'],
    outputs: [WASM, NAMED], make: makeCore
  },
  {
    name: 'javascript',
    inputs: ['bindings/js', 'bindings/node', 'bindings/browser', 'bindings/cli', 'transports',
      'scripts/bundle.ts', 'tsconfig.json', 'tsconfig.build.json'],
    outputs: [MAIN],
    make: makeJavascript
  }
]

process.chdir(ROOT)
main(process.argv.slice(2))

function main(args: string[]): void {
  const wanted = args.filter((arg) => !arg.startsWith('-'))
  mkdirSync('dist', { recursive: true })
  refuseStaleTables()
  for (const part of PARTS) {
    if (wanted.length > 0 && !wanted.includes(part.name)) continue
    const stamp = `dist/.${part.name}`
    const inputs = hashOf([...part.inputs, 'package-lock.json'])
    const built = existsSync(stamp) ? readFileSync(stamp, 'utf8') : ''
    const whole = part.outputs.every((output) => existsSync(output))
    if (built === inputs && whole && !args.includes('--force')) continue
    rmSync(stamp, { force: true })
    part.make()
    writeFileSync(stamp, inputs)
  }
}

function refuseStaleTables(): void {
  for (const { path, text } of generateTables(readTables())) {
    if (readFileSync(path, 'utf8') !== text) {
      end(`${path} is not what spec/tables makes; run: npm run tables`)
    }
  }
}

function hashOf(inputs: string[]): string {
  const hash = createHash('sha256')
  const add = (path: string) => hash.update(`${path}\n`).update(readFileSync(path))
  for (const input of inputs) {
    if (!existsSync(input)) continue
    if (/\.[a-z]+$/.test(input)) add(input)
    else for (const file of filesUnder(input)) add(file)
  }
  return hash.digest('hex')
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .sort()
}

function makeCore(): void {
  const fresh = `dist/.circuit.${process.pid}.wasm`
  run('asc', ['--config', 'asconfig.json', '--target', 'release', '--outFile', fresh])
  const named = readFileSync(fresh)
  writeFileSync(fresh, stripped(named))
  renameSync(fresh, WASM)
  writeFileSync(fresh, named)
  renameSync(fresh, NAMED)
}

function makeJavascript(): void {
  run('tsc', ['-p', 'tsconfig.build.json'])
  removeOrphans()
  bundleTransport()
  if (!existsSync(MAIN)) return
  chmodSync(MAIN, 0o755)
  // npm links the bins of dependencies only; with this one `npx circuit` works in a clone as well.
  if (!existsSync('node_modules/.bin')) return
  rmSync(BIN, { force: true })
  symlinkSync(`../../${MAIN}`, BIN)
}

/** Removes what earlier builds made of sources that are no more. */
function removeOrphans(): void {
  for (const folder of ['dist/bindings', 'dist/transports']) {
    if (!existsSync(folder)) continue
    for (const file of filesUnder(folder)) {
      const source = file.replace(/^dist\//, '').replace(/\.(d\.ts|js)$/, '.ts')
      if (!existsSync(source)) rmSync(file)
    }
  }
}

function run(tool: string, args: string[]): void {
  const { status, error } = spawnSync(`node_modules/.bin/${tool}`, args, { stdio: 'inherit' })
  if (error !== undefined) end(`${tool} could not be run (${error.message}); run: npm install`)
  if (status !== 0) end(`${tool} failed`)
}

function end(sentence: string): never {
  console.error(sentence)
  process.exit(1)
}
