/**
 * The report: machine, date, commit and the table, on the terminal and as a file.
 *
 * Lives here: how figures are written. Does not live here: how they come about (timing.ts).
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Figure } from './timing.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const RESULTS = `${ROOT}bench/results`

/** Where and when. */
export interface Scene {
  date: string
  commit: string
  node: string
  machine: string
  load: string
}

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
  const note = figure.note === undefined ? '' : `   ${figure.note}`
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

function duration(ns: number): string {
  if (ns < 1e3) return `${ns.toFixed(ns < 100 ? 1 : 0)} ns`
  if (ns < 1e6) return `${(ns / 1e3).toPrecision(3)} µs`
  return ns < 1e9 ? `${(ns / 1e6).toPrecision(3)} ms` : `${(ns / 1e9).toPrecision(3)} s`
}

function thousands(value: number): string {
  if (value < 100) return value.toFixed(1)
  return Math.round(value).toLocaleString('en').replaceAll(',', ' ')
}

/** Keeps all figures as a file; gives its path. */
export function keep(scene: Scene, figures: readonly Figure[]): string {
  mkdirSync(RESULTS, { recursive: true })
  const file = `${RESULTS}/${scene.date.replaceAll(/[:.]/g, '-')}.json`
  writeFileSync(file, `${JSON.stringify({ ...scene, figures }, undefined, 2)}\n`)
  return file
}
