/**
 * The benchmarks: `npm run bench [-- PART… --ours --publish]`; all parts by default.
 *
 * Lives here: which parts there are, their order. Does not live here: the parts themselves, timing,
 * judging, the report.
 *
 * `--ours` leaves out everything that has to be installed: quick turns on circuit itself.
 * `--publish` draws the plots that the README shows and writes the table of docs/performance.md.
 * A row that is not met fails nothing: figures are printed, and kept in bench/results as JSON.
 */
import { doorWorks } from './door.ts'
import { judge, factRow, type Fact, type Row } from './goal.ts'
import { idleCounts } from './idle.ts'
import { localWorks } from './local.ts'
import { loadPeers } from './peers.ts'
import { drawPlots } from './plots.ts'
import { publish } from './publish.ts'
import { remoteWorks } from './remote.ts'
import { keep, placeOf, printFacts, printFigures, printScene, sceneNow } from './report.ts'
import { scaleWorks } from './scale.ts'
import { sizeCounts } from './size.ts'
import { startWorks } from './start.ts'
import { steadyCounts } from './steady.ts'
import { printTable } from './table.ts'
import { measure, type Figure, type Part } from './timing.ts'
import { tripCounts } from './trips.ts'

const FLAGS = ['--ours', '--publish']

const PARTS: Record<string, (ours: boolean) => Part | Promise<Part>> = {
  door: () => ({ works: doorWorks() }),
  local: async (ours) => localWorks(ours ? undefined : await loadPeers()),
  remote: remoteWorks,
  start: startWorks,
  trips: tripCounts,
  scale: scaleWorks,
  steady: steadyCounts,
  idle: idleCounts,
  size: sizeCounts
}

const words = process.argv.slice(2)
const flags = new Set(words.filter((word) => FLAGS.includes(word)))
const asked = words.filter((word) => !flags.has(word))
const unknown = asked.filter((name) => PARTS[name] === undefined)
if (unknown.length > 0) {
  const known = Object.keys(PARTS).join(', ')
  console.error(`there is no part ${unknown.join(', ')}; there are ${known}`)
  console.error(`and ${FLAGS.join(', ')}`)
  process.exit(2)
}

const scene = sceneNow()
printScene(scene)
const figures: Figure[] = []
const facts: Fact[] = []
const rows: Row[] = []
const chosen = Object.entries(PARTS).filter(([name]) => asked.length === 0 || asked.includes(name))
for (const [at, [name, make]] of chosen.entries()) {
  const seconds = Math.round(performance.now() / 1000)
  console.log(`\n— part ${at + 1} of ${chosen.length}: ${name} (${seconds} s)`)
  const part = await make(flags.has('--ours'))
  try {
    for (const work of part.works ?? []) {
      const found = await measure(work)
      printFigures(found)
      figures.push(...found)
      rows.push(...judge(work.goals ?? [], found))
    }
    for (const count of part.counts ?? []) {
      const found = await count()
      printFacts(found)
      facts.push(...found)
      rows.push(...found.map(factRow))
    }
  } finally {
    await part.end?.()
  }
}
printTable(rows)
const run = { scene, figures, facts, rows }
console.log(`\nkept in ${keep(run)} after ${Math.round(performance.now() / 1000)} s`)
const drawn = flags.has('--publish') ? publish(run, asked.length === 0)
  : drawPlots(run, placeOf(scene))
for (const path of drawn) console.log(path)
