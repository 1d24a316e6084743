/**
 * One worker of a search.
 *
 * Lives here: playing a share of the seeds, making what fails smaller, reporting. Does not live
 * here: who plays what (search.ts).
 */
import { use_core } from '../core/door.ts'
import { checked_core } from './mutant.ts'
import { play } from './play.ts'
import type { Failure, Report, Share } from './search.ts'
import { program_of } from './seed.ts'
import { smaller } from './smaller.ts'

const REPORT_MS = 500
/** A core that fails always need not be told so for ever. */
const FAILURES_MAX = 20

const share = JSON.parse(process.argv[2]!) as Share
let report: Report = { played: 0, failures: [], excused: [] }
const excused = new Map<string, number>()
let failures = 0
let reported_ms = Date.now()
process.once('disconnect', () => { process.exit() })
if (share.checked) use_core(await checked_core())

for (let seed = share.from; seed < share.end && failures < FAILURES_MAX; seed += share.step) {
  if (share.until_ms > 0 && Date.now() > share.until_ms) break
  one(seed)
  if (Date.now() - reported_ms <= REPORT_MS) continue
  say()
  // Nothing else would notice that whoever listens is gone.
  await new Promise((resolve) => { setImmediate(resolve) })
}
process.removeAllListeners('disconnect')
say()
process.disconnect()

function one(seed: number): void {
  const program = program_of(seed)
  const played = play(program)
  report.played++
  for (const [name, times] of played.excused) excused.set(name, (excused.get(name) ?? 0) + times)
  const first = played.broken[0]
  if (first === undefined) return
  failures++
  say()
  const small = share.shrink ? smaller(program, first.invariant) : program
  const { sentence } = play(small).broken.find(({ invariant }) => invariant === first.invariant)
    ?? first
  const failure: Failure = { seed, invariant: first.invariant, program: small,
    why: `${first.invariant}: ${sentence.split('\n')[0]}` }
  report.failures.push(failure)
  say()
}

function say(): void {
  reported_ms = Date.now()
  process.send!({ ...report, excused: [...excused] })
  report = { played: 0, failures: [], excused: [] }
  excused.clear()
}
