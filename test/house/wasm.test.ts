/** What is promised of circuit.wasm as a file: imports, exports, size, the same bytes each time. */
import * as assert from 'uvu/assert'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripped } from '../../scripts/strip.ts'
import { suite } from '../suite.ts'
import { ROOT } from './source.ts'

const WASM_BYTES_MAX = 64 * 1024
/** spec/abi.md names these and no others. */
const EXPORTS = ['init:function', 'memory:memory', 'read_many_now:function', 'read_now:function',
  'receive_many_now:function', 'receive_now:function', 'run:function', 'select_now:function',
  'send_list_now:function', 'send_many_now:function', 'send_now:function']
/** Section ids that wazero and older engines lack would be here: 13 tags, 12 is bulk memory's. */
const SECTIONS = new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])

const CUSTOM = 0
const DATA = 11
const NAMES_OF_FUNCTIONS = 1
/** Names, data and the count of its parts. */
const LEFT_OUT_OF = new Set([CUSTOM, DATA, 12])

/** An assertion that ships names its file, as UTF-16. */
const ASSERTED = Buffer.from('core/', 'utf16le')

const test = suite('house: the wasm')
let folder = ''

test.before(() => { folder = mkdtempSync(join(tmpdir(), 'circuit-wasm-')) })
test.after(() => rmSync(folder, { recursive: true }))

/** What the compiler makes now; compiled once. */
function compiled(): Buffer {
  const file = join(folder, 'again.wasm')
  if (existsSync(file)) return readFileSync(file)
  const args = ['--config', 'asconfig.json', '--target', 'release', '--outFile', file]
  execFileSync('node_modules/.bin/asc', args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] })
  return readFileSync(file)
}

function promises(bytes: Buffer): string[] {
  const module = new WebAssembly.Module(new Uint8Array(bytes))
  const broken: string[] = []
  for (const one of WebAssembly.Module.imports(module)) {
    broken.push(`imports ${one.module}.${one.name}`)
  }
  const given = WebAssembly.Module.exports(module).map(({ name, kind }) => `${name}:${kind}`).sort()
  if (given.join() !== EXPORTS.join()) broken.push(`exports ${given.join()}`)
  if (bytes.length > WASM_BYTES_MAX) broken.push(`has ${bytes.length} bytes`)
  if (WebAssembly.Module.customSections(module, 'name').length !== 1) broken.push('has no names')
  if (!bytes.includes(ASSERTED)) broken.push('has no assertions')
  for (const section of contentsOf(bytes).keys()) {
    if (!SECTIONS.has(section)) broken.push(`has a section ${section}`)
  }
  return broken
}

/** The content of each section; of custom sections the last. */
function contentsOf(bytes: Buffer): Map<number, Buffer> {
  const sections = new Map<number, Buffer>()
  for (let at = 8; at < bytes.length;) {
    const id = bytes[at++]!
    let length = 0
    for (let shift = 0, byte = 0x80; byte >= 0x80; shift += 7) {
      byte = bytes[at++]!
      length += (byte & 0x7f) * 2 ** shift
    }
    sections.set(id, bytes.subarray(at, at += length))
  }
  return sections
}

/** The names of functions in a section of names, which they begin. */
function functionNames(content: Buffer): string[] {
  let at = 0
  const number = () => {
    let value = 0
    for (let shift = 0, byte = 0x80; byte >= 0x80; shift += 7) {
      byte = content[at++]!
      value += (byte & 0x7f) * 2 ** shift
    }
    return value
  }
  const text = () => {
    const bytes = number()
    return content.toString('utf8', at, at += bytes)
  }
  assert.is(text(), 'name')
  assert.is(number(), NAMES_OF_FUNCTIONS)
  number()
  return Array.from({ length: number() }, () => {
    number()
    return text()
  })
}

test('a build gives the same bytes as the one before, and they keep every promise', () => {
  const shipped = readFileSync(`${ROOT}dist/circuit.wasm`)
  const again = stripped(compiled())
  assert.ok(shipped.equals(again), 'two builds differ, or dist/ is old: npm run build:core')
  assert.equal(promises(again), [])
}, { timeout_ms: 120_000 })

test('what is left out of the file is no code, and no name of a function or a file', () => {
  const whole = compiled()
  const shipped = stripped(whole)
  const was = contentsOf(whole)
  const is = contentsOf(shipped)
  assert.equal([...is.keys()], [...was.keys()])
  for (const [id, content] of was) {
    if (!LEFT_OUT_OF.has(id)) assert.ok(is.get(id)!.equals(content), `section ${id} differs`)
  }
  const names = functionNames(is.get(CUSTOM)!)
  assert.equal(names, functionNames(was.get(CUSTOM)!).map((name) => name.replace(/^core\//, '')))
  assert.ok(names.includes('now/send_now') && names.includes('fault/fault'))
  const files = (bytes: Buffer) => bytes.toString('latin1').match(/c\0o\0r\0e\0\/\0(\w\0)+\.\0t/g)
  assert.equal(files(is.get(DATA)!), files(was.get(DATA)!))
  const sentence = Buffer.from('release of nothing', 'utf16le')
  assert.ok(was.get(DATA)!.includes(sentence))
  assert.not.ok(is.get(DATA)!.includes(sentence))
}, { timeout_ms: 120_000 })

test('an import, an export too many and a missing name section are found', () => {
  const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
  const types = [1, 4, 1, 0x60, 0, 0]
  const imported = [2, 7, 1, 1, 0x61, 1, 0x62, 0, 0]
  const exported = [7, 5, 1, 1, 0x78, 0, 0]
  const found = promises(Buffer.from([...header, ...types, ...imported, ...exported]))
  assert.equal(found, ['imports a.b', 'exports x:function', 'has no names', 'has no assertions'])
})

test('a file too large is found', () => {
  const padding = [0, 0x85, 0x80, 0x04, 4, 0x66, 0x69, 0x6c, 0x6c, ...Array(65_536).fill(0)]
  const found = promises(Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...padding]))
  assert.ok(found.some((what) => what.startsWith('has 655')), found.join())
})

test('a file without assertions is found', () => {
  const bare = Buffer.from(readFileSync(`${ROOT}dist/circuit.wasm`))
  const next = () => bare.indexOf(ASSERTED)
  for (let at = next(); at >= 0; at = next()) bare.fill(1, at, at + 2)
  assert.equal(promises(bare), ['has no assertions'])
})

test.run()
