/**
 * Searches the models with spin: every instance, and every rule left out.
 *
 * Lives here: making a model's text, spin, the compiler, the search, and what they printed. Does
 * not live here: the models (select.pml, session.pml), their instances (instances.ts, session.ts).
 *
 * Run: `node spec/models/check.ts [part of a name]… [--all]`. Without names the quick set, with
 * `--all` every one. Exit code 0: each instance has no error, and each rule left out has one.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { INSTANCES, SWITCHES } from './instances.ts'
import { selectModel } from './select.ts'
import { SESSIONS, SESSION_SWITCHES, sessionModel } from './session.ts'

/** One search: a model, and whether an error is what is looked for. */
export interface Search {
  name: string
  text: () => string
  /** Left to CI and `--all`. */
  long?: boolean | undefined
  /** Worth an optimising compiler. */
  huge?: boolean | undefined
  left_out?: string
  says?: string
}

/** What a search gave. `error` is spin's own words for it, empty when there is none. */
export interface Found {
  name: string
  left_out: string
  states: number
  error: string
  complete: boolean
  seconds: number
}

const MEMORY_MIB = 4_000
const DEPTH_MAX = 200_000
const SEARCH_LIMIT_MS = 3_600_000
const FLAGS = ['-w', '-DSAFETY', '-DNOREDUCE', '-DCOLLAPSE', `-DMEMLIM=${MEMORY_MIB}`,
  '-DVECTORSZ=4096']

/** As many at a time as a small machine has cores. */
export const SEARCHES_AT_ONCE = 2

/** Why nothing can be searched here, or an empty string. */
export function missingTools(): string {
  const missing = [['spin', '-V'], ['gcc', '--version']].flatMap(([tool = '', ask = '']) =>
    spawnSync(tool, [ask]).error === undefined ? [] : [tool])
  return missing.length === 0 ? '' : `${missing.join(' and ')} not installed`
}

/** The searches that were asked for: by parts of names, all, or the quick ones. */
export function searches(names: string[], all: boolean): Search[] {
  const instances: Search[] = [
    ...INSTANCES.map((one) => ({ name: one.name, long: one.long, huge: one.huge,
      text: () => selectModel(one) })),
    ...SESSIONS.map((one) => ({ name: one.name, long: one.long, huge: one.huge,
      text: () => sessionModel(one) }))
  ]
  const instance_of = <T extends { name: string }>(list: T[], name: string) => {
    const found = list.find((one) => one.name === name)
    if (found === undefined) throw new Error(`no instance is named ${name}`)
    return found
  }
  const without: Search[] = [
    ...SWITCHES.map(({ rule, instance, says }) => ({ name: instance, left_out: rule, says,
      text: () => selectModel(instance_of(INSTANCES, instance), [rule]) })),
    ...SESSION_SWITCHES.map(({ rule, instance, says }) => ({ name: instance, left_out: rule, says,
      text: () => sessionModel(instance_of(SESSIONS, instance), [rule]) }))
  ]
  if (all) return [...instances, ...without]
  if (names.length === 0) return [...instances.filter(({ long }) => long !== true), ...without]
  return [...instances, ...without].filter(({ name, left_out = '' }) =>
    names.some((part) => name.includes(part) || left_out.includes(part)))
}

/** Runs one search to its end. Waits for spin, the compiler and the search. */
export async function search(one: Search): Promise<Found> {
  const folder = mkdtempSync(join(tmpdir(), 'circuit-model-'))
  try {
    writeFileSync(join(folder, 'model.pml'), one.text())
    await run(folder, 'spin', ['-a', 'model.pml'])
    // An optimised search is twice as fast, and takes half a minute longer to compile: up to two
    // million states are searched sooner without.
    await run(folder, 'gcc', [one.huge === true ? '-O2' : '-O0', ...FLAGS, '-o', 'pan', 'pan.c'])
    const started = performance.now()
    const output = await run(folder, join(folder, 'pan'), [`-m${DEPTH_MAX}`])
    return read(one, output, (performance.now() - started) / 1000)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Begins them in order, SEARCHES_AT_ONCE at a time; each promise is of the search at its place. */
export function searchAll(list: Search[]): Promise<Found>[] {
  const ends = list.map(() => Promise.withResolvers<Found>())
  let begun = 0
  const lane = async () => {
    for (let nth = begun++; nth < list.length; nth = begun++) {
      await search(list[nth]!).then(ends[nth]!.resolve, ends[nth]!.reject)
    }
  }
  for (let nth = 0; nth < SEARCHES_AT_ONCE; nth++) void lane()
  return ends.map(({ promise }) => promise)
}

async function run(cwd: string, command: string, args: string[]): Promise<string> {
  const child = spawn(command, args, { cwd, timeout: SEARCH_LIMIT_MS })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => { output += text })
  }
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve)
  })
  if (status === null || status !== 0 && !/errors: /.test(output)) {
    throw new Error(`${command} ${args.join(' ')}: ${output.slice(0, 2_000)}`)
  }
  return output
}

function read(one: Search, output: string, seconds: number): Found {
  const errors = Number(/errors: (\d+)/.exec(output)?.[1] ?? -1)
  const error = /^pan:\d+: (.*)$/m.exec(output)?.[1] ?? ''
  return {
    name: one.name, left_out: one.left_out ?? '', seconds,
    states: Number(/([\d.e+]+) states, stored/.exec(output)?.[1] ?? 0),
    error: errors === 0 ? '' : error || `${errors} errors`,
    complete: !/search not completed|max search depth too small|out of memory/i.test(output)
  }
}

/** True when a search gave what it should: no error, or with a rule left out one. */
export function asExpected(found: Found): boolean {
  if (found.left_out !== '') return found.error !== '' && found.error !== 'out of memory'
  return found.error === '' && found.complete && found.states > 0
}

/** One line for people. */
export function describe(found: Found): string {
  const name = found.left_out === '' ? found.name : `${found.name} without ${found.left_out}`
  const states = `${found.states} states`.padStart(16)
  const time = `${found.seconds.toFixed(1)} s`.padStart(8)
  const error = found.error === '' ? 'no error' : found.error
  const complete = found.complete || found.left_out !== '' ? '' : ', search not complete'
  return `${asExpected(found) ? 'as expected' : 'NOT EXPECTED'}  ${name.padEnd(36)}${states}${time}`
    + `  ${error}${complete}`
}

async function main(args: string[]): Promise<void> {
  const missing = missingTools()
  if (missing !== '') {
    console.error(`${missing}; on Debian: apt-get install spin gcc`)
    process.exitCode = 2
    return
  }
  const names = args.filter((arg) => !arg.startsWith('--'))
  const chosen = searches(names, args.includes('--all'))
  if (chosen.length === 0) {
    console.error(`no instance and no rule has ${names.join(' or ')} in its name`)
    process.exitCode = 2
    return
  }
  let unexpected = 0
  for (const search_of of searchAll(chosen)) {
    const found = await search_of
    if (!asExpected(found)) unexpected++
    console.log(describe(found))
  }
  console.log(`${chosen.length - unexpected} as expected, ${unexpected} not`)
  if (unexpected > 0) process.exitCode = 1
}

if (process.argv[1] === import.meta.filename) await main(process.argv.slice(2))
