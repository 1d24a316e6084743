/**
 * `npm run sim`: one run told, or many searched.
 *
 * Lives here: the command line. Does not live here: runs (play.ts, story.ts), searches (search.ts),
 * what they reach (reach.ts), circuits of a thousand members (members.ts).
 */
import { appendFileSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { LEANINGS } from './draw.ts'
import type { Faults } from './draw.ts'
import type { Kept, Program } from './program.ts'
import { report } from './reach.ts'
import { search } from './search.ts'
import type { Failure, Found, Wanted } from './search.ts'
import { BURSTS_FROM, program_of } from './seed.ts'
import { excuses_as_lines, tell } from './story.ts'

const USAGE = `npm run sim -- --seed N [--faults KIND] [--quiet]   tells the run of a seed
npm run sim -- --kept N [--quiet]                     tells program N of test/sim/seeds.json
npm run sim -- --minutes M [--from S]                 searches that long, on all cores
npm run sim -- --schedules K [--from S] [--log FILE]  searches exactly K seeds
                                     … [--checked]    the core asserts its invariants each time
  from ${BURSTS_FROM} on half of the programs are bursts
npm run sim -- --reach K [--from S]                   what K programs reach of the core
npm run sim -- --members N …                          measures a circuit of N members
KIND: ${LEANINGS.join(', ')}`

const SEEDS = fileURLToPath(new URL('./seeds.json', import.meta.url))
const MISUSE = 2
/** Where no terminal is, progress is a line of its own so seldom. */
const SAID_EVERY = 60

await main(process.argv.slice(2))

async function main(args: string[]): Promise<void> {
  if (args.some((arg) => arg.startsWith('--members'))) {
    const members = await import('./members.ts')
    process.exitCode = members.main(args)
    return
  }
  const values = options_of(args)
  const number = (text: string | undefined, or: number): number => {
    const value = text === undefined ? or : Number(text)
    return Number.isFinite(value) && value >= 0 ? value : misuse(`${text} is not a number`)
  }
  if (values.seed !== undefined) {
    story(program_of(number(values.seed, 0), values.faults as Faults | undefined), values.quiet)
  } else if (values.kept !== undefined) {
    const { programs } = JSON.parse(readFileSync(SEEDS, 'utf8')) as { programs: Kept[] }
    const kept = programs[number(values.kept, 0)]
    if (kept === undefined) throw new Error(`test/sim/seeds.json has ${programs.length} programs`)
    console.log(`${kept.why}\n`)
    story(kept.program, values.quiet)
  } else if (values.reach !== undefined) {
    console.log(report(number(values.from, BURSTS_FROM), number(values.reach, 0)))
  } else if (values.minutes !== undefined || values.schedules !== undefined) {
    const minutes = number(values.minutes, 0)
    await look({
      from: number(values.from, BURSTS_FROM + (minutes > 0 ? Date.now() % BURSTS_FROM : 1)),
      minutes,
      schedules: number(values.schedules, Number.MAX_SAFE_INTEGER / 2),
      checked: values.checked === true,
      ...values.workers === undefined ? {} : { workers: number(values.workers, 1) }
    }, values.log)
  } else misuse('Say what is wanted')
}

interface Options { seed?: string, reach?: string, faults?: string, quiet?: boolean, kept?: string,
  minutes?: string, schedules?: string, from?: string, log?: string, workers?: string,
  checked?: boolean }

function options_of(args: string[]): Options {
  try {
    const { values } = parseArgs({ args, options: {
      seed: { type: 'string' }, reach: { type: 'string' }, faults: { type: 'string' },
      quiet: { type: 'boolean' },
      kept: { type: 'string' }, minutes: { type: 'string' }, schedules: { type: 'string' },
      from: { type: 'string' }, log: { type: 'string' }, workers: { type: 'string' },
      checked: { type: 'boolean' }
    } })
    const { faults } = values
    if (faults === undefined || LEANINGS.some((one) => one === faults)) return values
  } catch (error) {
    return misuse((error as Error).message)
  }
  return misuse('There are no faults of that kind')
}

function misuse(why: string): never {
  console.error(`${why}.\n${USAGE}`)
  process.exit(MISUSE)
}

function story(program: Program, quiet = false): void {
  const { lines, broken } = tell(program, quiet)
  for (const line of lines) console.log(line)
  process.exitCode = broken.length === 0 ? 0 : 1
}

async function look(wanted: Wanted, log: string | undefined): Promise<void> {
  const live = process.stdout.isTTY
  let said = 0
  const found = await search(wanted, (line) => {
    if (live) process.stdout.write(`\r\x1b[K${line}`)
    else if (++said % SAID_EVERY === 0) console.log(line)
  }, (failure) => {
    console.log(`${live ? '\r\x1b[K' : ''}seed ${failure.seed} failed; made small, `
      + `as a line for test/sim/seeds.json:\n${as_line(failure)}`)
  })
  if (live) process.stdout.write('\r\x1b[K')
  const summary = summary_of(wanted.from, found)
  for (const line of [summary, ...excuses_as_lines(found.excused)]) console.log(line)
  if (log !== undefined) {
    const when = new Date().toISOString().slice(0, 19)
    appendFileSync(log, `${when}Z ${summary}\n${found.failures.map((one) =>
      `${as_line(one)}\n`).join('')}`)
  }
  process.exitCode = found.failures.length === 0 ? 0 : 1
}

function as_line({ seed, why, program }: Failure): string {
  return JSON.stringify({ seed, why, program } satisfies Kept)
}

function summary_of(from: number, { played, seconds, failures }: Found): string {
  return `${played} schedules from seed ${from} in ${seconds.toFixed(1)} s, `
    + `${Math.round(played / seconds)} schedules/s, ${failures.length} seeds failed`
}
