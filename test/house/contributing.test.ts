/** The documents name checks, files and scripts that exist. */
import * as assert from 'uvu/assert'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { verbs } from '../../bindings/cli/verbs.ts'
import { suite } from '../suite.ts'
import { readHouse, ROOT, type Source } from './source.ts'

const test = suite('house: the documents')
const text = readFileSync(`${ROOT}CONTRIBUTING.md`, 'utf8')

/** Rules of a document without a check that stands where it says. */
function unchecked(document: string): string[] {
  const rules = document.split('\n').filter((line) => /^\d+\. /.test(line))
  return rules.filter((line) => {
    const [, path = '', sentence = ''] = /Check: `([^`]+)` "([^"]+)"/.exec(line) ?? []
    if (path === '' || !existsSync(ROOT + path)) return true
    return !readFileSync(ROOT + path, 'utf8').includes(sentence)
  })
}

/** Relative links of a document that lead nowhere. */
function deadLinks({ path, text }: Source): string[] {
  return [...text.matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !existsSync(join(ROOT, dirname(path), link)))
    .map((link) => `${path}: ${link}`)
}

test('every numbered rule of CONTRIBUTING names a check that exists', () => {
  assert.ok(text.split('\n').filter((line) => /^\d+\. /.test(line)).length >= 15)
  assert.equal(unchecked(text), [])
})

test('a rule without a check is found', () => {
  assert.is(unchecked('1. **Be nice.**').length, 1)
  assert.is(unchecked('1. **Be nice.** Check: `test/house/no.ts` "x"').length, 1)
  assert.is(unchecked('1. **Be nice.** Check: `test/house/rules.ts` "be nice"').length, 1)
})

test('the rules are numbered without a gap', () => {
  const numbers = [...text.matchAll(/^(\d+)\. /gm)].map(([, number]) => Number(number))
  assert.equal(numbers, numbers.map((_, i) => i + 1))
})

test('links in the documents lead somewhere', () => {
  const documents = readHouse().filter(({ path }) => path.endsWith('.md'))
  assert.equal(documents.flatMap(deadLinks), [])
  assert.is(deadLinks({ path: 'x.md', text: '[a](nowhere.md)' }).length, 1)
})

test('scripts that the documents name exist', () => {
  const { scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8'))
  for (const { path, text } of readHouse().filter(({ path }) => path.endsWith('.md'))) {
    for (const [, name = ''] of text.matchAll(/\bnpm run ([\w:]+)/g)) {
      assert.ok(name in scripts, `${path} names npm run ${name}`)
    }
  }
})

test('files that ARCHITECTURE names exist', () => {
  const paths = readHouse().map(({ path }) => `/${path}`)
  const named = [...readFileSync(`${ROOT}ARCHITECTURE.md`, 'utf8').matchAll(/`([\w/.-]+\.ts)`/g)]
    .map(([, name = '']) => name)
  assert.ok(named.length > 20)
  assert.equal(named.filter((name) => !paths.some((path) => path.endsWith(`/${name}`))), [])
})

/** Files and folders of a room that its README does not name. */
function unnamed(room: string, readme: string): string[] {
  return readdirSync(ROOT + room, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() || entry.name.endsWith('.ts'))
    .map((entry) => entry.name.replace(/\.ts$/, ''))
    .filter((name) => !new RegExp(`[\`\\[]${name}(\\.ts|/)?[\`\\]]`).test(readme))
}

test('each room\'s README names what is in the room', () => {
  const missing = (room: string, readme = room) => {
    const text = readFileSync(`${ROOT}${readme}/README.md`, 'utf8')
    return unnamed(room, text).map((name) => `${room}/${name}`)
  }
  const rooms = ['core', 'transports', 'test', 'bindings', 'examples'].flatMap((r) => missing(r))
  const inside = ['js', 'node', 'cli'].flatMap((room) => missing(`bindings/${room}`, 'bindings'))
  const pages = readFileSync(`${ROOT}spec/README.md`, 'utf8')
  const spec = readHouse().map(({ path }) => path)
    .filter((path) => /^spec\/(tables\/)?[^/]+$/.test(path) && path !== 'spec/README.md')
  assert.equal(spec.filter((path) => !pages.includes(`(${path.slice('spec/'.length)})`)), [])
  const known = /^(test\/(run|suite)|bindings\/js\/tables|bindings\/node\/daemon-\w+)$/
  assert.equal([...rooms, ...inside].filter((name) => !known.test(name)), [])
  assert.ok(unnamed('core', '`abi`').length > 20)
})

/** Rules of spec/protocol.md without a test that has their number in its name. */
function withoutTest(document: string, tests: string): number[] {
  return [...document.matchAll(/^(\d+)\. /gm)].map(([, number]) => Number(number))
    .filter((number) => !new RegExp(`^test\\('rule ${number}: `, 'm').test(tests))
}

test('each rule of the protocol has a test by its number', () => {
  const document = readFileSync(`${ROOT}spec/protocol.md`, 'utf8')
  const tests = readHouse().filter(({ path }) => path.endsWith('.test.ts'))
  assert.equal(withoutTest(document, tests.map(({ text }) => text).join('\n')), [])
  assert.equal(withoutTest('1. a\n2. b', "test('rule 1: a', x)"), [2])
})

test('the README\'s example is examples/hello.ts', () => {
  const readme = readFileSync(`${ROOT}README.md`, 'utf8')
  const example = /```ts\n([^]*?)```/.exec(readme)?.[1] ?? 'none'
  const hello = readFileSync(`${ROOT}examples/hello.ts`, 'utf8')
  assert.is(hello.replace(/^\/\*\*[^]*?\*\/\n/, ''), example)
})

test('the README lists every verb of the command line, and no other', () => {
  const readme = readFileSync(`${ROOT}README.md`, 'utf8')
  const section = /## The command line\n([^]*?)\n## /.exec(readme)?.[1] ?? ''
  const listed = [...section.matchAll(/^\| (.*?)(?<!\\) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([a-z@]+)(?![\w:@])[^`]*`/g)].map(([, verb = '']) => verb))
  for (const verb of Object.keys(verbs)) {
    if (verb !== 'help') assert.ok(listed.includes(verb), `${verb} is not in the README`)
  }
  const others = listed.filter((word) => !(word in verbs) && word !== 'default')
  assert.equal(others, [])
})

test.run()
