/** What the package stands on: each dependency is explained, used, pinned and permissive. */
import * as assert from 'uvu/assert'
import { readFileSync } from 'node:fs'
import { suite } from '../suite.ts'
import { importsOf } from './imports.ts'
import { isTypeScript, readHouse, ROOT, type Source } from './source.ts'

interface Package { dependencies: Record<string, string>, devDependencies: Record<string, string> }
interface Locked { version: string, license?: string, resolved?: string }

const PERMISSIVE = new Set(['MIT', 'Apache-2.0', 'Apache-2.0 OR MIT', 'ISC', 'BSD-2-Clause',
  'BSD-3-Clause', '0BSD', 'CC0-1.0', 'BlueOak-1.0.0', 'Unlicense', 'Python-2.0'])
/** Tools that are run by name and imported by nobody. */
const RUN_BY_NAME = new Set(['assemblyscript', 'node', 'typescript'])

const test = suite('house: dependencies')
const sources = readHouse()
const json = (path: string) => JSON.parse(readFileSync(ROOT + path, 'utf8'))
const described: Package = json('package.json')
const locked: Record<string, Locked> = json('package-lock.json').packages

function withoutPage(names: string[], pages: Source[]): string[] {
  const explained = new Set(pages.flatMap(({ text }) =>
    [...text.matchAll(/^Dependency: (\S+)$/gm)].map(([, name]) => name)))
  return names.filter((name) => !explained.has(name))
}

function notPermissive(packages: Record<string, Locked>): string[] {
  return Object.entries(packages)
    .filter(([path, { license }]) => path !== '' && !PERMISSIVE.has(license ?? 'none'))
    .map(([path, { license }]) => `${path}: ${license ?? 'none'}`)
}

const packageOf = (specifier: string) =>
  /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier
const isOutside = (target: string) => !/^(node:|circuit-csp)/.test(target)
  && !/^(core|bindings|transports|spec|test|examples|scripts|\.\.)(\/|$)/.test(target)

function packagesUsed(files: Source[]): Set<string> {
  return new Set(files.filter(isTypeScript).flatMap((file) =>
    importsOf(file).map(({ target }) => target).filter(isOutside).map(packageOf)))
}

const runtime = Object.keys(described.dependencies)
const all = [...runtime, ...Object.keys(described.devDependencies)]
const pages = sources.filter(({ path }) => path.startsWith('docs/decisions/'))
const product = sources.filter(({ path }) => /^(bindings|transports)\//.test(path))

test('every dependency has a decision page', () => {
  assert.equal(withoutPage(all, pages), [])
})

test('a dependency without a page is found', () => {
  assert.equal(withoutPage(['left-pad'], pages), ['left-pad'])
})

test('every dependency is pinned to one version', () => {
  for (const [name, version] of Object.entries({
    ...described.dependencies, ...described.devDependencies
  })) {
    assert.match(version, /^\d+\.\d+\.\d+(-[\w.]+)?$/, name)
    assert.is(locked[`node_modules/${name}`]?.version, version, `${name} in the lock file`)
  }
})

test('the lock file names no registry', () => {
  const resolved = Object.values(locked).filter((one) => one.resolved?.startsWith('http'))
  assert.equal(resolved, [])
})

test('what the product imports is a dependency, and each dependency is imported', () => {
  const used = packagesUsed(product)
  assert.equal([...used].filter((name) => !runtime.includes(name)), [], 'not in package.json')
  assert.equal(runtime.filter((name) => !used.has(name)), [], 'imported by nobody')
})

test('development tools are used', () => {
  const used = packagesUsed(sources)
  const idle = Object.keys(described.devDependencies).filter((name) =>
    !used.has(name) && !RUN_BY_NAME.has(name) && !name.startsWith('@types/'))
  assert.equal(idle, [])
})

test('the licence of every installed package is permissive', () => {
  assert.ok(Object.keys(locked).length > 50)
  assert.equal(notPermissive(locked), [])
})

test('a licence that asks for more is found', () => {
  const planted = { 'node_modules/x': { version: '1.0.0', license: 'AGPL-3.0' } }
  assert.equal(notPermissive(planted), ['node_modules/x: AGPL-3.0'])
  assert.equal(notPermissive({ 'node_modules/y': { version: '1.0.0' } }), ['node_modules/y: none'])
})

test.run()
