/**
 * `npm run lab`: hosts in network namespaces, a bad network, work, and the check of all logs.
 *
 * Lives here: the command's words, what is printed, the exit code. Does not live here: the run
 * (lab.ts), the check (check.ts).
 *
 * Run as root: `npm run lab -- --minutes 10 --seed 1 [--hosts 5] [--network netem|wire|bridge]
 * [--keep]`, or `-- --check FOLDER` to read the logs of an earlier run again.
 */
import { parseArgs } from 'node:util'
import { check } from './check.ts'
import { Lab } from './lab.ts'
import { readLogs } from './log.ts'
import { NoNetwork, type NetworkKind } from './network.ts'
import { report } from './report.ts'

/** A split needs two sides, and somebody beside them; the switch has room for so many. */
const HOSTS_LEAST = 3
const HOSTS_MOST = 32

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' }, seed: { type: 'string' },
    hosts: { type: 'string', default: '5' }, network: { type: 'string' },
    keep: { type: 'boolean', default: false }, check: { type: 'string' }
  }
})

const hosts = Number(values.hosts)
const minutes = Number(values.minutes)
if (!(hosts >= HOSTS_LEAST && hosts <= HOSTS_MOST && minutes > 0)) {
  console.error(`--hosts is ${HOSTS_LEAST} … ${HOSTS_MOST}, --minutes more than 0`)
  process.exit(2)
}
process.exitCode = values.check === undefined ? await runOne() : checkOne(values.check)

function checkOne(folder: string): number {
  const verdict = check(readLogs(folder))
  console.log(report(verdict))
  return verdict.failures.length > 0 ? 1 : 0
}

async function runOne(): Promise<number> {
  const seed = values.seed === undefined ? Math.floor(Math.random() * 1_000_000)
    : Number(values.seed)
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => stop.abort(new Error(`ended by ${signal}`)))
  }
  const lab = new Lab({
    seed, seconds: minutes * 60, hosts, signal: stop.signal,
    say: (line) => console.log(line),
    ...values.network !== undefined && { network: values.network as NetworkKind }
  })
  console.log(`seed ${seed}, ${values.minutes} minutes, logs in ${lab.folder}`)
  let keep = true
  try {
    const outside = await lab.run()
    const verdict = check(readLogs(lab.folder), outside.failures)
    console.log(`\n${report(verdict, outside)}`)
    const well = verdict.failures.length === 0
    keep = !well || values.keep
    if (!well) console.log(`\nThe logs stay in ${lab.folder}; again with --seed ${seed}.`)
    return well ? 0 : 1
  } catch (error) {
    if (error instanceof NoNetwork) {
      keep = false
      console.error(`skipped: network namespaces need root, Linux and iproute2: ${error.message}`)
      return 75
    }
    console.error(`${(error as Error).message}\nThe logs stay in ${lab.folder}.`)
    return stop.signal.aborted ? 130 : 1
  } finally {
    await lab.close(keep)
  }
}
