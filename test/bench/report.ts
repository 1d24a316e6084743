/**
 * The report: machine, date, commit, figures as they come, and all of it as a file.
 *
 * Lives here: what is printed while it runs, what is kept. Does not live here: how figures come
 * about (timing.ts), the table at the end (table.ts), plots (plots.ts).
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Fact, Row } from './goal.ts'
import type { Figure } from './timing.ts'
import { duration, thousands, withUnit } from './units.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** Where runs are kept; git ignores it. */
export const RESULTS = `${ROOT}bench/results`

/** Where and when. */
export interface Scene {
  date: string
  commit: string
  node: string
  machine: string
  load: string
}

/** What a run found. */
export interface Run { scene: Scene, figures: Figure[], facts: Fact[], rows: Row[] }

/** What the figures were taken on; `load` is that of the last minute, others' work included. */
export function sceneNow(): Scene {
  const model = cpus()[0]?.model ?? 'unknown processor'
  const gigabytes = Math.round(totalmem() / 2 ** 30)
  return {
    date: new Date().toISOString(),
    commit: commit(),
    node: process.version,
    machine: `${availableParallelism()} × ${model}, ${gigabytes} GiB, `
      + `${process.platform} ${release()} ${process.arch}`,
    load: loadavg()[0]!.toFixed(1)
  }
}

function commit(): string {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: 'pipe' }).trim()
  try {
    const clean = git('status', '--porcelain', '--untracked-files=no') === ''
    return git('rev-parse', '--short', 'HEAD') + (clean ? '' : ' and changes')
  } catch {
    return 'unknown'
  }
}

/** Prints the scene. */
export function printScene(scene: Scene): void {
  for (const [name, value] of Object.entries(scene)) console.log(`${name}: ${value}`)
}

/** Prints the lines of one work. */
export function printFigures(figures: readonly Figure[]): void {
  const [first] = figures
  if (first === undefined) return
  console.log(`\n${first.work} (one ${first.unit}: median, least … most; here: processor time)`)
  for (const figure of figures) console.log(`  ${lineOf(figure)}`)
}

function lineOf(figure: Figure): string {
  const name = figure.contender.padEnd(50)
  const said = [figure.note, figure.wrong].filter((one) => one !== undefined).join('; ')
  const note = said === '' ? '' : `   ${said}`
  if (figure.absent !== undefined) return `${name} ${figure.absent}`
  if (figure.failure !== undefined) return `${name} fails: ${figure.failure}${note}`
  const { median_ns, least_ns, most_ns, processor_ns, bytes } = figure
  const spread = `${duration(least_ns)} … ${duration(most_ns)}`.padEnd(19)
  const rate = bytes !== undefined && bytes >= 1024
    ? `${(bytes / median_ns * 1000).toFixed(0)} MB/s`
    : `${thousands(1e9 / median_ns)}/s`
  const here = processor_ns === undefined ? '' : `here ${duration(processor_ns)}`
  const columns = [duration(median_ns).padStart(9), spread, rate.padStart(12), here.padStart(13)]
  return `${name}${columns.join('  ')}${note}`
}

/** Prints what was counted. */
export function printFacts(facts: readonly Fact[]): void {
  let work = ''
  for (const fact of facts) {
    if (fact.work !== work) console.log(`\n${fact.work}`)
    work = fact.work
    const value = fact.failure ?? withUnit(fact.value, fact.unit)
    const rest = [fact.beside, fact.note].filter((one) => one !== undefined).join('; ')
    console.log(`  ${(fact.name || fact.work).padEnd(62)}${value.padStart(12)}   ${rest}`.trimEnd())
  }
}

/** The path of a file of this run, without its ending. */
export function placeOf(scene: Scene): string {
  mkdirSync(RESULTS, { recursive: true })
  return `${RESULTS}/${scene.date.replaceAll(/[:.]/g, '-')}`
}

/** Keeps all of a run as a file; gives its path. */
export function keep(run: Run, file = `${placeOf(run.scene)}.json`): string {
  const { scene, figures, facts, rows } = run
  writeFileSync(file, `${JSON.stringify({ ...scene, rows, figures, facts }, undefined, 2)}\n`)
  return file
}
