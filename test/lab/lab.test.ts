/**
 * One minute of the laboratory: five hosts, a bad network, faults, and the check of all logs.
 */
import * as assert from 'uvu/assert'
import { existsSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { suite, type TestContext } from '../suite.ts'
import { check, type Verdict } from './check.ts'
import { Lab, type Outside } from './lab.ts'
import { readLogs } from './log.ts'
import { NoNetwork } from './network.ts'
import { report } from './report.ts'

const test = suite('lab: five hosts in network namespaces')

/** Its first rounds have every kind of fault. */
const SEED = 1481
const SECONDS = 40
const ROUNDS_LEAST = 3
const OPERATIONS_LEAST = 2_000

async function runLab(t: TestContext, seconds: number): Promise<[Outside, Verdict]> {
  const lines: string[] = []
  const lab = new Lab({
    seed: SEED, seconds, rounds_least: ROUNDS_LEAST, operations_least: OPERATIONS_LEAST,
    signal: t.signal, say: (line) => lines.push(line)
  })
  let keep = false
  t.after(async () => {
    await lab.close(keep)
    assert.is(existsSync(lab.folder), keep)
    const { stdout } = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' })
    assert.not.match(stdout ?? '', new RegExp(`circuit-lab-${process.pid}-`))
  })
  try {
    const outside = await lab.run()
    const verdict = check(readLogs(lab.folder), outside.failures)
    keep = verdict.failures.length > 0
    console.log(`seed ${SEED}\n${report(verdict, outside)}`)
    if (keep) console.log(`${lines.join('\n')}\nThe logs are in ${lab.folder}.`)
    return [outside, verdict]
  } catch (error) {
    if (error instanceof NoNetwork) {
      t.skip(`network namespaces need root, Linux and iproute2: ${error.message}`)
    }
    keep = true
    console.log(`seed ${SEED}\n${lines.join('\n')}\nThe logs are in ${lab.folder}.`)
    throw error
  }
}

test('under loss, cuts, freezes and deaths every invariant holds, and nothing stays behind',
  async (t) => {
    const [outside, { failures, figures }] = await runLab(t, SECONDS)
    assert.equal(failures, [])
    assert.ok(outside.rounds >= ROUNDS_LEAST, `${outside.rounds} rounds`)
    assert.ok(figures.operations >= OPERATIONS_LEAST, `${figures.operations} operations`)
    assert.ok(figures.selects > 0 && figures.received > 0)
  }, { timeout_ms: 180_000 })

test.run()
