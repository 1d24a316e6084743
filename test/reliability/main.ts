/**
 * Death and sleep of real processes: `npm run reliability`.
 *
 * Lives here: the command line, targets, printing. Does not live here: the rounds (rounds.ts).
 *
 * Options: `--rounds N`, `--peers N`, `--unix` (over Unix sockets, not libp2p), `--markdown`. The
 * exit code is 1 when a target was missed.
 */
import { arch, availableParallelism, loadavg, platform } from 'node:os'
import { parseArgs } from 'node:util'
import { Report } from '../sim/members/report.ts'
import { rounds } from './rounds.ts'

const KILLED_TARGET_S = 1
const STOPPED_TARGET_S = 3
const CONTINUED_TARGET_S = 3

const { values } = parseArgs({ options: {
  rounds: { type: 'string', default: '20' }, peers: { type: 'string', default: '8' },
  unix: { type: 'boolean', default: false }, markdown: { type: 'boolean' }
} })
const peers = Number(values.peers)
const count = Number(values.rounds)
if (!(peers >= 2 && count >= 1)) {
  console.error('There are 2 peers or more, and 1 round or more.')
  process.exit(2)
}
const load = loadavg()[0]!.toFixed(1)
const road = values.unix ? 'Unix sockets' : 'libp2p on loopback'
console.log(`${peers} processes over ${road}, ${count} rounds; Node ${process.version}, `
  + `${platform()} ${arch()}, ${availableParallelism()} cores, load ${load}`)
const found = await rounds({
  peers, rounds: count, unix: values.unix, watch: (line) => console.error(line)
})
const report = new Report((line) => console.log(line))
const unit = 's' as const
report.add({ what: `kill -9 known to all other ${peers - 1}`, unit, values: found.killed,
  at_most: KILLED_TARGET_S })
report.add({ what: `SIGSTOP: left for all other ${peers - 1}`, unit, values: found.stopped,
  at_most: STOPPED_TARGET_S })
report.add({ what: `SIGCONT: joined again at all ${peers}`, unit, values: found.continued,
  at_most: CONTINUED_TARGET_S })
if (values.markdown === true) console.log(`\n${report.markdown()}`)
process.exitCode = report.misses().length === 0 ? 0 : 1
