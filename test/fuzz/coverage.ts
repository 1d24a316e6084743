/**
 * Which lines and branches of the core have run.
 *
 * Lives here: building the instrumented core, gathering its counters, the report. Does not live
 * here: where counters go (instrument.ts).
 *
 * Invariants: the build is kept by the hash of what it is made of, so one is made for each state of
 * the core; counters only grow.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync
} from 'node:fs'
import { fileURLToPath } from 'node:url'
import { COUNTERS_FROM, instrument } from './instrument.ts'
import type { Counter } from './instrument.ts'
import type { Instance } from './instance.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const MEMORY_BASE = 65_536
const ENTRY = 'check'
const BUILD_MS_MAX = 120_000
/** The fault handler is never called by a core that is right; the rest are tables. */
const NOT_COUNTED = new Set(['tables.ts', 'fault.ts', `${ENTRY}.ts`])

export interface Build { path: string, counters: Counter[] }

/** Builds the core with counters and `check`, or finds the one that was built of these sources. */
export function instrumented(): Build {
  const files = readdirSync(`${ROOT}core`).filter((name) => name.endsWith('.ts')).sort()
  const counters: Counter[] = []
  const texts = files.map((name) => {
    const text = readFileSync(`${ROOT}core/${name}`, 'utf8')
    return NOT_COUNTED.has(name) ? text : instrument(name, text, counters)
  })
  if (COUNTERS_FROM + counters.length > MEMORY_BASE) throw new Error('more counters than room')
  const hash = createHash('sha256').update(texts.join('\0')).digest('hex').slice(0, 16)
  const folder = `${ROOT}dist/.instrumented`
  const path = `${folder}/${hash}.wasm`
  if (!existsSync(path)) compile(`${folder}/${hash}.${process.pid}`, files, texts, path)
  return { path, counters }
}

function compile(folder: string, files: string[], texts: string[], path: string): void {
  mkdirSync(`${folder}/core`, { recursive: true })
  files.forEach((name, nth) => writeFileSync(`${folder}/core/${name}`, texts[nth]!))
  const fresh = `${folder}/core.wasm`
  const { status, stderr } = spawnSync(`${ROOT}node_modules/.bin/asc`, [
    `core/${ENTRY}.ts`, '--baseDir', folder, '--runtime', 'stub', '--debug', '-O2',
    '--use', 'abort=core/fault/fault', '--memoryBase', String(MEMORY_BASE), '--outFile', 'core.wasm'
  ], { encoding: 'utf8', timeout: BUILD_MS_MAX })
  if (status !== 0) {
    throw new Error(`the core with counters could not be built: ${stderr.slice(0, 2_000)}`)
  }
  renameSync(fresh, path)
  rmSync(folder, { recursive: true })
}

/** What has run so far, over many instances and threads. */
export class Coverage {
  readonly counters: readonly Counter[]
  readonly seen: Uint8Array

  constructor(counters: readonly Counter[]) {
    this.counters = counters
    this.seen = new Uint8Array(counters.length)
  }

  /** Takes an instance's counters over; gives how many are new. */
  add(instance: Instance): number {
    return this.merge(instance.bytes.subarray(COUNTERS_FROM, COUNTERS_FROM + this.seen.length))
  }

  merge(counts: Uint8Array): number {
    let fresh = 0
    for (let nth = 0; nth < this.seen.length; nth++) {
      if (counts[nth] === 0 || this.seen[nth] !== 0) continue
      this.seen[nth] = 1
      fresh++
    }
    return fresh
  }

  /** Percent of lines and of arms for each file, and of all. */
  rows(): { file: string, lines: number, lines_hit: number, arms: number, arms_hit: number }[] {
    const files = [...new Set(this.counters.map(({ file }) => file))]
    const rows = files.map((file) => {
      const lines = this.lines(file)
      const arms = [...this.seen].filter((_, nth) => this.is_arm(nth, file))
      return { file, lines: lines.size, lines_hit: [...lines.values()].filter(Boolean).length,
        arms: arms.length, arms_hit: arms.filter((hit) => hit !== 0).length }
    })
    const all = { file: 'all', lines: 0, lines_hit: 0, arms: 0, arms_hit: 0 }
    for (const row of rows) {
      all.lines += row.lines
      all.lines_hit += row.lines_hit
      all.arms += row.arms
      all.arms_hit += row.arms_hit
    }
    return [...rows, all]
  }

  private is_arm(nth: number, file: string): boolean {
    const counter = this.counters[nth]!
    return counter.kind === 'arm' && counter.file === file
  }

  private lines(file: string): Map<number, boolean> {
    const lines = new Map<number, boolean>()
    this.counters.forEach((counter, nth) => {
      if (counter.file !== file || counter.kind !== 'statement') return
      lines.set(counter.line, (lines.get(counter.line) ?? true) && this.seen[nth] !== 0)
    })
    return lines
  }

  /** `core/file.ts:line` of each line that never ran whole. */
  uncovered(): string[] {
    return [...new Set(this.counters.map(({ file }) => file))].flatMap((file) =>
      [...this.lines(file)].filter(([, hit]) => !hit).map(([line]) => `core/${file}:${line}`))
  }

  report(): string {
    const percent = (hit: number, of: number): string =>
      of === 0 ? '   –' : `${(hit / of * 100).toFixed(1).padStart(5)} %`
    const rows = this.rows().map(({ file, lines, lines_hit, arms, arms_hit }) =>
      `${file.padEnd(14)} ${percent(lines_hit, lines)} of ${String(lines).padStart(4)} lines  ` +
      `${percent(arms_hit, arms)} of ${String(arms).padStart(4)} branches`)
    return ['Coverage of the core', ...rows].join('\n')
  }
}
