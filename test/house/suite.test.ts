/** The traps of uvu that test/suite.ts closes, each sprung in a small file of its own. */
import * as assert from 'uvu/assert'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from '../suite.ts'

const SUITE = fileURLToPath(new URL('../suite.ts', import.meta.url))
const RUN = fileURLToPath(new URL('../run.ts', import.meta.url))

const test = suite('house: the suite')

function folder(): string {
  const place = mkdtempSync(join(tmpdir(), 'circuit-suite-'))
  writeFileSync(join(place, 'package.json'), '{ "type": "module" }')
  return place
}

/** Runs a file whose body follows the usual imports; gives its code, output and last line. */
function runBody(body: string, ci = false): { code: number | null, output: string, last: string } {
  const place = folder()
  try {
    const file = join(place, 'planted.test.ts')
    writeFileSync(file, `import { suite } from ${JSON.stringify(SUITE)}\n`
      + `const test = suite('planted')\n${body}\n`)
    const env = { ...process.env, CI: ci ? 'true' : '' }
    const ended = spawnSync(process.execPath, [file], { env, encoding: 'utf8', timeout: 50_000 })
    const output = ended.stdout + ended.stderr
    return { code: ended.status, output, last: ended.stdout.trimEnd().split('\n').at(-1) ?? '' }
  } finally {
    rmSync(place, { recursive: true })
  }
}

function expectFailure(body: string, why: RegExp, ci = false): void {
  const { code, output, last } = runBody(body, ci)
  assert.is(code, 1, output)
  assert.match(last, /^\d+ passed, [1-9]\d* failed/)
  assert.match(output, why)
}

test('a passing suite counts its tests and ends with 0', () => {
  const { code, last } = runBody('test("a", () => {}); test("b", async () => {}); test.run()')
  assert.is(code, 0)
  assert.is(last, '2 passed, 0 failed')
})

test('a failing test is named with its reason', () => {
  expectFailure('test("breaks", () => { throw new Error("so it is") }); test.run()',
    /breaks[^]*so it is/)
})

test('a suite that is never run is a failure', () => {
  expectFailure('test("a", () => {})', /planted › a[^]*never run/)
})

test('a test registered after run is a failure', () => {
  expectFailure('test("a", () => {}); test.run(); test("b", () => {})', /planted › b[^]*never run/)
})

test('a suite without tests is a failure', () => {
  expectFailure('test.run()', /no tests/)
})

test('a test that never ends fails at its deadline', () => {
  expectFailure('test("a", () => new Promise(() => {}), { timeout_ms: 50 }); test.run()',
    /did not end within 300 ms/)
})

test('a timed test fails by the clock, says so, and nobody judges the clock unsaid', () => {
  const body = (options: string) =>
    `test("a", (t) => t.within(10, 12, "the turn")${options}); test.run()`
  const marked = /^too slow: planted › a: the turn took 12 ms, more than 10 ms$/m
  expectFailure(body(', { timed: true }'), marked)
  expectFailure(body(''), /judges the clock and does not say so/)
  assert.not.match(runBody(body('')).output, marked)
  const in_time = 'test("a", (t) => t.within(12, 12, "it"), { timed: true }); test.run()'
  assert.is(runBody(in_time).code, 0)
  const both = 'test("a", (t) => { t.after(() => { throw new Error("and this") });'
    + ' t.within(10, 12, "it") }, { timed: true }); test.run()'
  expectFailure(both, /and this/)
  assert.not.match(runBody(both).output, /^too slow/m)
})

test('a hook that throws is a failure', () => {
  expectFailure('test.before(() => { throw new Error("hook") }); test("a", () => {}); test.run()',
    /planted › before[^]*hook/)
})

test('a stray rejection fails the test it fell into', () => {
  expectFailure('test("a", () => { Promise.reject(new Error("lost")) }); test.run()', /lost/)
})

test('a process that ends in the middle of a test is a failure', () => {
  expectFailure('test("a", () => { process.exit(0) }); test.run()', /middle of it/)
})

test('two tests of one name are a failure', () => {
  const { code, output } = runBody('test("a", () => {}); test("a", () => {}); test.run()')
  assert.is(code, 1)
  assert.match(output, /two tests are named/)
})

test('a leaked handle fails instead of hanging', () => {
  expectFailure('test("a", () => { setInterval(() => {}, 1000) }); test.run()',
    /kept alive by: .*Timeout/)
})

test('only is a failure in CI and leaves the others skipped elsewhere', () => {
  const body = 'test("a", () => {}); test.only("b", () => {}); test.run()'
  expectFailure(body, /only is not for CI/, true)
  assert.is(runBody(body).last, '1 passed, 0 failed, 1 skipped')
})

test('a skip prints its reason, and is a failure in CI', () => {
  const body = 'test("a", (t) => t.skip("no such machine")); test.run()'
  expectFailure(body, /no such machine/, true)
  const { code, output, last } = runBody(body)
  assert.is(code, 0)
  assert.is(last, '0 passed, 0 failed, 1 skipped')
  assert.match(output, /skipped: planted › a: no such machine/)
})

test('what after was given runs last first, also when the test fails', () => {
  const { output } = runBody('test("a", (t) => { t.after(() => console.log("one"));'
    + ' t.after(() => console.log("two")); throw new Error("x") }); test.run()')
  assert.match(output, /two\none/)
})

test('the runner sums up files, and counts silence and processes left behind as failures', () => {
  const place = folder()
  try {
    const head = `import { suite } from ${JSON.stringify(SUITE)}\nconst test = suite('planted')\n`
    const plant = (name: string, body: string) => writeFileSync(join(place, name), body)
    plant('good.test.ts', head + 'test("a", () => {}); test.run()')
    plant('silent.test.ts', 'export {}')
    plant('litter.test.ts', 'import { spawn } from "node:child_process"\n' + head
      + 'test("a", () => { spawn("sleep", ["600"], { stdio: "ignore" }).unref() }); test.run()')
    const env = { ...process.env, CI: '', CIRCUIT_TEST_FOLDER: place }
    const { status, stdout } = spawnSync(process.execPath, [RUN], { env, encoding: 'utf8' })
    assert.is(status, 1)
    assert.match(stdout, /ok .*good.test.ts: 1 passed, 0 failed/)
    assert.match(stdout, /silent.test.ts: it ended with code 0 and no tally/)
    assert.match(stdout, /litter.test.ts: it left processes behind/)
    assert.is(stdout.trimEnd().split('\n').at(-1), '2 passed, 2 failed')
  } finally {
    rmSync(place, { recursive: true })
  }
}, { timeout_ms: 40_000 })

test('the runner runs a file again that only the clock failed, alone, once, and tells it', () => {
  const place = folder()
  try {
    const plant = (name: string, body: string) => writeFileSync(join(place, name),
      'import { appendFileSync, readFileSync } from "node:fs"\n'
      + `import { suite } from ${JSON.stringify(SUITE)}\nconst test = suite('planted')\n`
      + `const runs = ${JSON.stringify(join(place, name))} + '.runs'\nappendFileSync(runs, 'x')\n`
      + `const nth = readFileSync(runs, 'utf8').length\n${body}\ntest.run()\n`)
    const slow = (took: string) =>
      `test("slow", (t) => t.within(10, ${took}, "it"), { timed: true })`
    plant('once.test.ts', slow('nth === 1 ? 11 : 9'))
    plant('always.test.ts', slow('11'))
    plant('wrong.test.ts', `${slow('11')}; test("wrong", () => { throw new Error("x") })`)
    const env = { ...process.env, CI: '', CIRCUIT_TEST_FOLDER: place }
    const { status, stdout } = spawnSync(process.execPath, [RUN], { env, encoding: 'utf8' })
    assert.is(status, 1)
    const runs = ['once', 'always', 'wrong'].map((name) =>
      readFileSync(join(place, `${name}.test.ts.runs`), 'utf8').length)
    assert.equal(runs, [2, 2, 1])
    assert.match(stdout, /^once more, alone: .*once.test.ts: planted › slow: it took 11 ms, /m)
    assert.match(stdout, /ok .*once.test.ts: 1 passed, 0 failed/)
    assert.is(stdout.trimEnd().split('\n').at(-1), '1 passed, 3 failed')
  } finally {
    rmSync(place, { recursive: true })
  }
}, { timeout_ms: 40_000 })

test.run()
