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
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { doorWorks } from './door.ts'
import { judge, factRow } from './goal.ts'
import { idleCounts } from './idle.ts'
import { localWorks } from './local.ts'
import { drawPlots } from './plots.ts'
import { publish } from './publish.ts'
import { remoteWorks } from './remote.ts'
import {
  keep, placeOf, printFacts, printFigures, printScene, sceneNow, type Run
} from './report.ts'
import { scaleWorks } from './scale.ts'
import { sizeCounts } from './size.ts'
import { startWorks } from './start.ts'
import { steadyCounts } from './steady.ts'
import { printTable } from './table.ts'
import { measure, type Part } from './timing.ts'
import { tripCounts } from './trips.ts'

type Found = Omit<Run, 'scene'>

const FLAGS = ['--ours', '--publish']

const PARTS: Record<string, (ours: boolean) => Part | Promise<Part>> = {
  door: () => ({ works: doorWorks() }),
  local: localWorks,
  remote: remoteWorks,
  start: startWorks,
  trips: tripCounts,
  scale: scaleWorks,
  steady: steadyCounts,
  idle: idleCounts,
  size: sizeCounts
}

/** As a shell says of a program that was interrupted. */
const INTERRUPTED = 130

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
endTogether()
if (process.send === undefined) await runAll()
else process.send(await runPart(asked[0]!))

/** Interrupted, or left by the process that began it, it ends, and with it what it has begun. */
function endTogether(): void {
  const end = () => process.exit(INTERRUPTED)
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
  process.once('disconnect', end)
  // That listener alone would keep a part from ending when it is done.
  process.channel?.unref()
}

/** Each part in a process of its own, so that none meets what another left behind. */
async function runAll(): Promise<void> {
  const scene = sceneNow()
  printScene(scene)
  const run: Run = { scene, figures: [], facts: [], rows: [] }
  const chosen = Object.keys(PARTS).filter((name) => asked.length === 0 || asked.includes(name))
  for (const [at, name] of chosen.entries()) {
    console.log(`\n— part ${at + 1} of ${chosen.length}: ${name} (${seconds()} s)`)
    const { figures, facts, rows } = await inChild(name)
      .catch((error: Error) => broken(name, error))
    run.figures.push(...figures)
    run.facts.push(...facts)
    run.rows.push(...rows)
    keep(run)
  }
  printTable(run.rows)
  console.log(`\nkept in ${keep(run)} after ${seconds()} s`)
  const drawn = flags.has('--publish') ? publish(run, asked.length === 0)
    : drawPlots(run, placeOf(scene))
  for (const path of drawn) console.log(path)
}

function seconds(): number {
  return Math.round(performance.now() / 1000)
}

/** What is left of a part that ended with an error; the others go on. */
function broken(name: string, { message }: Error): Found {
  console.error(message)
  process.exitCode = 1
  const fact = { work: name, name: '', value: NaN, unit: '', failure: message,
    target: { text: 'it ends' } }
  return { figures: [], facts: [fact], rows: [factRow(fact)] }
}

function inChild(name: string): Promise<Found> {
  return new Promise((resolve, reject) => {
    const child = fork(
      fileURLToPath(import.meta.url), [name, ...flags], { serialization: 'advanced' })
    const end = () => { child.kill() }
    process.once('exit', end)
    let found: Found | undefined
    child.once('message', (message) => { found = message as Found })
    child.once('exit', (code) => {
      process.off('exit', end)
      if (found === undefined) reject(new Error(`the part ${name} ended with ${code}`))
      else resolve(found)
    })
  })
}

async function runPart(name: string): Promise<Found> {
  const found: Found = { figures: [], facts: [], rows: [] }
  const part = await PARTS[name]!(flags.has('--ours'))
  try {
    for (const work of part.works ?? []) {
      const figures = await measure(work)
      printFigures(figures)
      found.figures.push(...figures)
      found.rows.push(...judge(work.goals ?? [], figures))
    }
    for (const count of part.counts ?? []) {
      const facts = await count()
      printFacts(facts)
      found.facts.push(...facts)
      found.rows.push(...facts.map(factRow))
    }
  } finally {
    await part.end?.()
  }
  return found
}
