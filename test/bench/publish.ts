/**
 * A run made public: the plots that the README shows, the table of docs/performance.md, the rounds.
 *
 * Lives here: which files are written over. Does not live here: drawing (plots.ts), the table
 * (table.ts).
 *
 * A run of some parts changes only what belongs to them: plots that it has figures for; the table
 * and the rounds are those of a whole run.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { drawPlots } from './plots.ts'
import { keep, type Run, type Scene } from './report.ts'
import { markdownTable } from './table.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const PAGE = `${ROOT}docs/performance.md`
const BEGIN = '<!-- made by npm run bench -- --publish -->'
const END = '<!-- end -->'

/** Writes them; gives their paths. `whole`: all parts were run. */
export function publish(run: Run, whole: boolean): string[] {
  const plots = drawPlots(run, `${ROOT}bench/plots`)
  if (!whole) return plots
  writeFileSync(PAGE, withTable(readFileSync(PAGE, 'utf8'), run))
  return [...plots, keep(run, `${ROOT}bench/published.json`), PAGE]
}

/** The page with this run's table in the place of the last one's. */
export function withTable(page: string, { scene, rows }: Pick<Run, 'scene' | 'rows'>): string {
  const from = page.indexOf(BEGIN)
  const to = page.indexOf(END)
  if (from < 0 || to < from) throw new Error(`no place for the table: ${BEGIN} … ${END}`)
  const body = [BEGIN, '', sentence(scene), '', markdownTable(rows), '', END].join('\n')
  return page.slice(0, from) + body + page.slice(to + END.length)
}

function sentence({ machine, node, date, commit, load }: Scene): string {
  const day = new Date(date).toLocaleDateString('en-GB',
    { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' })
  return `${machine}, Node ${node.slice(1)}, ${day}, commit ${commit}, load ${load} at the start.`
}
