/**
 * Runs the tests: every test/**\/*.test.ts as a process of its own.
 *
 * Lives here: which files run, how many at once, their time limit, the summary. Does not live here:
 * what a test is and how one file counts (test/suite.ts).
 *
 * Invariants: a file that says nothing of its tests has failed; a file over its limit is killed
 * with all that it started; a file that leaves processes behind has failed; a file all of whose
 * failures are the clock's (`within` in test/suite.ts) is run once more, alone, after all others,
 * and that counts and is told; the last line printed is `N passed, N failed`, and the exit code is
 * 0 only when none failed and one passed.
 *
 * Run: `node test/run.ts [part of a path]…`.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'

interface Result {
  file: string
  passed: number
  failed: number
  skipped: number
  seconds: number
  output: string
  /** What failed by the clock, a sentence each. */
  slow: string[]
}

const AT_ONCE = 2
/** For what hangs; the longest file, of models, takes six minutes on a quiet machine. */
const FILE_LIMIT_MS = 3_600_000
const OUTPUT_CHARACTERS_MAX = 200_000
const ENDING_GRACE_MS = 10_000
const SLOWEST_SHOWN = 5
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FOLDER = process.env['CIRCUIT_TEST_FOLDER'] ?? fileURLToPath(new URL('.', import.meta.url))

const under_way = new Set<ChildProcess>()

await main(process.argv.slice(2))

async function main(filters: string[]): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      for (const child of under_way) killGroup(child)
      process.exit(1)
    })
  }
  const files = findFiles(filters)
  const results: Result[] = []
  const waiting = [...files]
  const lane = async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const result = await runFile(file)
      results.push(result)
      printResult(result)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
  for (const [nth, first] of results.entries()) {
    if (first.failed === 0 || first.slow.length !== first.failed) continue
    for (const line of first.slow) console.log(`once more, alone: ${first.file}: ${line}`)
    results[nth] = await runFile(first.file)
    printResult(results[nth])
  }
  summarize(results)
}

function findFiles(filters: string[]): string[] {
  return readdirSync(FOLDER, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts'))
    .map((entry) => relative(ROOT, `${entry.parentPath}/${entry.name}`))
    .filter((file) => filters.length === 0 || filters.some((part) => file.includes(part)))
    .sort()
}

async function runFile(file: string): Promise<Result> {
  const started = performance.now()
  const child = spawn(process.execPath, [file], {
    cwd: ROOT, detached: true, stdio: ['ignore', 'pipe', 'pipe']
  })
  under_way.add(child)
  let output = ''
  const keep = (bytes: Buffer) => {
    output = (output + bytes.toString()).slice(-OUTPUT_CHARACTERS_MAX)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  let late = false
  const timer = setTimeout(() => {
    late = true
    killGroup(child)
  }, FILE_LIMIT_MS)
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null))
    child.once('exit', (exit_code) => resolve(exit_code))
  })
  clearTimeout(timer)
  const left_behind = !late && !await groupEnded(child)
  killGroup(child)
  under_way.delete(child)
  child.stdout.destroy()
  child.stderr.destroy()
  const result = judge(file, output, code)
  const fail = (why: string) => {
    result.failed++
    result.output += `\n  FAIL ${file}: ${why}\n`
  }
  if (late) fail(`it did not end within ${FILE_LIMIT_MS / 1000} s`)
  else if (left_behind) fail('it left processes behind')
  result.seconds = (performance.now() - started) / 1000
  return result
}

/** What the file's last line says, when its exit code agrees. */
function judge(file: string, output: string, code: number | null): Result {
  const slow = [...output.matchAll(/^too slow: (.*)$/gm)].map((line) => line[1]!)
  const result: Result = { file, passed: 0, failed: 0, skipped: 0, seconds: 0, output, slow }
  const tally = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$/m
  const found = tally.exec(output.trimEnd().split('\n').at(-1) ?? '')
  if (found !== null) {
    result.passed = Number(found[1])
    result.failed = Number(found[2])
    result.skipped = Number(found[3] ?? 0)
  }
  if (result.failed === 0 && (found === null || code !== 0)) {
    result.failed = 1
    result.output += `\n  FAIL ${file}: it ended with code ${code} and no tally of failures\n`
  }
  return result
}

/** Waits a little for the last of a file's processes; false when some live on. */
async function groupEnded(child: ChildProcess): Promise<boolean> {
  for (const until = performance.now() + ENDING_GRACE_MS; performance.now() < until;) {
    if (!groupAlive(child)) return true
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return !groupAlive(child)
}

function groupAlive(child: ChildProcess): boolean {
  if (child.pid === undefined) return false
  try {
    return process.kill(-child.pid, 0)
  } catch {
    return false
  }
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // The group is gone already.
  }
}

function printResult(result: Result): void {
  const word = result.failed > 0 ? 'FAIL' : 'ok  '
  const counts = `${result.passed} passed, ${result.failed} failed`
  const skips = result.skipped > 0 ? `, ${result.skipped} skipped` : ''
  console.log(`${word} ${result.file}: ${counts}${skips} (${result.seconds.toFixed(1)} s)`)
  if (result.failed > 0) console.log(`${result.output.trim()}\n────`)
  for (const line of result.output.split('\n')) {
    if (line.startsWith('skipped: ')) console.log(`     ${line}`)
  }
}

function summarize(results: Result[]): void {
  for (const { file, failed } of results) {
    if (failed > 0) console.log(`failed: ${file}`)
  }
  const slowest = [...results].sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST_SHOWN)
  console.log('\nslowest files:')
  for (const { file, seconds } of slowest) console.log(`  ${seconds.toFixed(1)} s ${file}`)
  const sum = (of: (result: Result) => number) => results.reduce((n, one) => n + of(one), 0)
  const passed = sum((result) => result.passed)
  const failed = sum((result) => result.failed)
  const skipped = sum((result) => result.skipped)
  if (passed === 0) console.log('no test passed')
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
}
