/**
 * The tests' own door to uvu, with uvu's traps closed.
 *
 * Lives here: suites, deadlines, skips, the tally of one file. Does not live here: which files run
 * and when (test/run.ts), assertions (uvu/assert).
 *
 * Invariants, each shown by test/house/suite.test.ts: a test that was written down and did not run
 * is a failure; every test ends by its deadline; a hook that throws is a failure; `only` and skips
 * are failures when CI=true; a stray rejection fails the test it fell into; a handle that keeps the
 * process alive is a failure; a failure that is the clock's alone, and no other, is marked so that
 * the runner may run the file again; the last line printed is `N passed, N failed`.
 */
import type { Test } from 'uvu'

/** Given to every test body. */
export interface TestContext {
  /** Aborted at the test's deadline. */
  readonly signal: AbortSignal
  /** Ends the test as skipped and prints why; a failure when CI=true. */
  skip(why: string): never
  /** Runs after the test, also when it failed; the last one given runs first. */
  after(clean: () => unknown): void
  /**
   * Fails the test when something took longer than it may: the one failure of which a busy machine
   * may be the cause, so test/run.ts runs the file again, alone, when it has no other. For tests
   * that are `timed`; `what` reads on as "took 12 ms, more than 10 ms".
   */
  within(limit_ms: number, took_ms: number, what: string): void
}

type Body = (t: TestContext) => unknown
type Hook = () => unknown
interface HookPlace { (hook: Hook): void, each(hook: Hook): void }

/**
 * `timeout_ms` is what the test may take on a quiet machine, 10 s by default; its deadline is
 * PATIENCE times that. `timed` tests judge the clock, by `within`.
 */
export interface TestOptions { timeout_ms?: number, timed?: boolean }

/** Registers tests by name, then runs them in order when `run` was called. */
export interface Suite {
  (name: string, body: Body, options?: TestOptions): void
  only(name: string, body: Body, options?: TestOptions): void
  before: HookPlace
  after: HookPlace
  run(): void
}

/** A deadline is for what hangs. What is slow, because the machine is busy, gets its time. */
const PATIENCE = 6
const QUIET_MS = 10_000
const HOOK_DEADLINE_MS = 180_000
const LEAK_GRACE_MS = 10_000

class Skip extends Error {}
class TooSlow extends Error {}

interface State {
  registered: Set<string>
  passed: number
  skipped: number
  failures: string[]
  current: string
  stray: unknown[]
  running: boolean
  finished: boolean
  onlies: boolean
}

const state: State = {
  registered: new Set(), passed: 0, skipped: 0, failures: [], current: '', stray: [],
  running: false, finished: false, onlies: false
}
const strict = process.env['CI'] === 'true'

type Queue = Array<Array<null | (() => Promise<[errors: string | true, ran: number]>)>>
const uvu_globals = globalThis as { UVU_DEFER?: boolean, UVU_QUEUE?: Queue }
uvu_globals.UVU_DEFER = true
uvu_globals.UVU_QUEUE = [[null]]
const uvu = await import('uvu')

process.on('unhandledRejection', (reason) => stray(reason))
process.on('uncaughtException', (error) => stray(error))
process.on('exit', finish)

/**
 * Makes a suite. `name` is `room: what`, unique within the file.
 */
export function suite(name: string): Suite {
  const inner = uvu.suite(name)
  const register = (place: 'all' | 'only') => (test: string, body: Body, options?: TestOptions) => {
    const key = `${name} › ${test}`
    if (state.registered.has(key)) throw new Error(`two tests are named "${key}"`)
    state.registered.add(key)
    const handler = () => runTest(key, body, options ?? {})
    if (place === 'all') return inner(test, handler)
    if (strict) return inner(test, () => { throw failed(key, new Error('only is not for CI')) })
    state.onlies = true
    inner.only(test, handler)
  }
  return Object.assign(register('all'), {
    only: register('only'),
    before: hookPlace(name, 'before', inner),
    after: hookPlace(name, 'after', inner),
    run: () => {
      inner.run()
      setImmediate(start)
    }
  })
}

function hookPlace(suite_name: string, at: 'before' | 'after', inner: Test): HookPlace {
  const guarded = (hook: Hook) => async () => {
    try {
      await withDeadline(hook, HOOK_DEADLINE_MS, `the hook ${at} of ${suite_name}`)
    } catch (error) {
      throw report(`${suite_name} › ${at}`, error)
    }
  }
  return Object.assign((hook: Hook) => inner[at](guarded(hook)), {
    each: (hook: Hook) => inner[at].each(guarded(hook))
  })
}

async function runTest(key: string, body: Body, options: TestOptions): Promise<void> {
  const { timeout_ms = QUIET_MS, timed = false } = options
  const abort = new AbortController()
  const cleaners: Hook[] = []
  const context: TestContext = {
    signal: abort.signal,
    skip: (why) => { throw new Skip(why) },
    after: (clean) => { cleaners.push(clean) },
    within: (limit_ms, took_ms, what) => {
      if (!timed) throw new Error(`"${key}" judges the clock and does not say so: timed`)
      if (took_ms <= limit_ms) return
      throw new TooSlow(`${what} took ${Math.round(took_ms)} ms, more than ${limit_ms} ms`)
    }
  }
  state.current = key
  state.stray = []
  let outcome: unknown
  const keep = (error: unknown) => {
    // What else went wrong is not hidden by the clock.
    if (outcome === undefined || outcome instanceof TooSlow) {
      outcome = error ?? new Error('rejected with nothing')
    }
  }
  await withDeadline(() => body(context), timeout_ms * PATIENCE, 'the test').catch(keep)
  abort.abort()
  for (const clean of cleaners.reverse()) {
    await withDeadline(clean, HOOK_DEADLINE_MS, 'the cleaning after it').catch(keep)
  }
  await new Promise((resolve) => setImmediate(resolve))
  if (state.stray.length > 0) keep(state.stray[0])
  state.current = ''
  state.registered.delete(key)
  if (outcome instanceof Skip) return skip(key, outcome.message)
  if (outcome instanceof TooSlow) console.log(`\ntoo slow: ${key}: ${outcome.message}`)
  if (outcome !== undefined) throw failed(key, outcome)
  state.passed++
}

function skip(key: string, why: string): void {
  if (strict) throw failed(key, new Error(`skipped, and CI skips nothing: ${why}`))
  state.skipped++
  console.log(`\nskipped: ${key}: ${why}`)
}

/** Ends with the body, or rejects at the deadline; a rejection after that is not stray. */
async function withDeadline(body: () => unknown, ms: number, what: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not end within ${ms} ms`)), ms)
  })
  try {
    await Promise.race([(async () => { await body() })(), late])
  } finally {
    clearTimeout(timer)
  }
}

function failed(key: string, error: unknown): Error {
  state.registered.delete(key)
  state.failures.push(key)
  return error instanceof Error ? error : new Error(`thrown, and not an Error: ${String(error)}`)
}

/** For what uvu would swallow: printed here, and counted. */
function report(key: string, error: unknown): Error {
  const shown = failed(key, error)
  console.log(`\n  FAIL ${key}\n    ${shown.stack ?? shown.message}`)
  return shown
}

function stray(error: unknown): void {
  if (state.current !== '') state.stray.push(error)
  else report('outside of a test', error)
}

async function start(): Promise<void> {
  if (state.running) return
  state.running = true
  // Slot 0 is the name that uvu gives a file; a suite may be added while an earlier one runs.
  const queue = uvu_globals.UVU_QUEUE?.[0] ?? []
  for (let i = 1; i < queue.length; i++) {
    const [errors, ran] = await queue[i]!()
    if (errors !== true) console.log(`\n${errors}`)
    else if (ran === 0) report('a suite', new Error('it has no tests that ran'))
  }
  state.finished = true
  setTimeout(() => {
    const held = process.getActiveResourcesInfo().join(', ')
    report('after the last test', new Error(`the process is kept alive by: ${held}`))
    process.exit(1)
  }, LEAK_GRACE_MS).unref()
}

function finish(): void {
  if (state.running && !state.finished) {
    report(state.current || 'between tests', new Error('the process ended in the middle of it'))
  }
  if (!state.onlies) {
    for (const key of [...state.registered]) report(key, new Error('it was never run'))
  }
  if (state.passed + state.skipped + state.failures.length === 0) {
    report('this file', new Error('it has no tests'))
  }
  const skipped = state.onlies ? state.skipped + state.registered.size : state.skipped
  if (state.failures.length > 0) process.exitCode = 1
  console.log(tallyLine(state.passed, state.failures.length, skipped))
}

/** The last line of a file and of a whole run. */
export function tallyLine(passed: number, failed: number, skipped: number): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}
