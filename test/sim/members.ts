/**
 * A thousand members in virtual time: `npm run sim -- --members 1000`.
 *
 * Lives here: the command line, which scenarios run, the sums at the end. Does not live here: the
 * scenarios (members/scenarios.ts), random programs (main.ts).
 *
 * Options: `--members N`, `--seed N`, `--minutes N` under loss, `--trials N` of each crash,
 * `--only NAME,…`, `--slow N` members with turns of `--turn FROM-TO` ms, `--wan`, `--markdown`.
 */
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { Crowd } from './members/crowd.ts'
import { Report } from './members/report.ts'
import {
  accusing, crashing, crashing_few, dying, freezing, idling, joining, leaving, losing,
  parting
} from './members/scenarios.ts'
import type { Scene } from './members/scenarios.ts'

export interface MembersOptions {
  members: number
  seed?: number
  minutes?: number
  trials?: number
  slow?: number
  slow_turn_ms?: readonly [number, number]
  wan?: boolean
  only?: readonly string[]
  print?: (line: string) => void
  /** Says what goes on, for people who wait. */
  watch?: (line: string) => void
}

const FEW = 10
const WATCH_MS = 10_000

const SCENARIOS: Record<string, (scene: Scene, seed: number) => void> = {
  idle: idling,
  loss: losing,
  leave: leaving,
  crash: crashing,
  freeze: freezing,
  accuse: accusing,
  partition: parting,
  few: (scene, seed) => crashing_few(scene, FEW, seed),
  die: dying
}
export const NAMES = Object.keys(SCENARIOS)

/** Runs the scenarios with so many members; gives what was measured. */
export function measure(options: MembersOptions): Report {
  const { members, seed = 1, watch = () => {} } = options
  const report = new Report(options.print ?? (() => {}))
  const paths = options.wan === true ? { delay_min_us: 10_000, delay_max_us: 60_000 } : {}
  const crowd = new Crowd({ seed, room: members, ...paths })
  let doing = ''
  let shown = performance.now()
  crowd.progress = () => {
    if (performance.now() - shown < WATCH_MS) return
    shown = performance.now()
    watch(`      … ${doing}: at ${(crowd.now_ms / 1000).toFixed(0)} simulated seconds, `
      + `${crowd.listed_total} entries in all lists, ${crowd.false_lefts.length} false lefts`)
  }
  const scene: Scene = {
    crowd, report, members,
    trials: options.trials ?? Math.max(1, Math.min(5, Math.floor(members / 10))),
    minutes: options.minutes ?? 10,
    slow: options.slow ?? Math.min(10, Math.ceil(members / 20)),
    slow_turn_ms: options.slow_turn_ms ?? [20, 200],
    begin: (what) => {
      doing = what
      watch(`      … ${what}`)
    }
  }
  joining(scene)
  for (const name of options.only ?? NAMES) SCENARIOS[name]!(scene, seed)
  return report
}

/** The command. Gives the exit code: 0 when every target was met, 1 when not, 2 for misuse. */
export function main(args: readonly string[]): number {
  const { values } = parseArgs({ args: [...args], options: {
    members: { type: 'string', default: '1000' }, seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '10' }, trials: { type: 'string' },
    slow: { type: 'string' }, turn: { type: 'string', default: '20-200' },
    only: { type: 'string' }, wan: { type: 'boolean' }, markdown: { type: 'boolean' }
  } })
  const only = values.only?.split(',') ?? NAMES
  const turn = values.turn.split('-').map(Number)
  const numbers = [values.members, values.seed, values.minutes, values.trials ?? '1',
    values.slow ?? '1'].map(Number)
  const fine = numbers.every((one) => one > 0) && only.every((name) => NAMES.includes(name))
    && turn.length === 2 && turn.every((one) => one >= 0)
  if (!fine) {
    console.error(`Numbers are more than 0, and --only names some of ${NAMES.join(', ')}.`)
    return 2
  }
  const began = performance.now()
  const paths = values.wan === true ? '10 to 60' : '0.2 to 2'
  console.log(`${values.members} cores in virtual time, ${paths} ms from one to another, seed `
    + `${values.seed}`)
  const slow = values.slow === undefined ? {} : { slow: Number(values.slow) }
  const trials = values.trials === undefined ? {} : { trials: Number(values.trials) }
  const report = measure({
    members: numbers[0]!, seed: numbers[1]!, minutes: numbers[2]!, only,
    slow_turn_ms: [turn[0]!, turn[1]!], wan: values.wan === true, ...slow, ...trials,
    print: (line) => console.log(line), watch: (line) => console.error(line)
  })
  if (values.markdown === true) console.log(`\n${report.markdown()}`)
  const misses = report.misses()
  for (const { what } of misses) console.log(`missed: ${what}`)
  const took = Math.round((performance.now() - began) / 1000)
  console.log(`\n${report.figures.length} figures, ${misses.length} missed, seed ${values.seed}, `
    + `${took} s`)
  return misses.length === 0 ? 0 : 1
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  process.exitCode = main(process.argv.slice(2))
}
