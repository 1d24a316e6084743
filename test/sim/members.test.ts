/**
 * Membership of a circuit of some dozens, with the targets of `npm run sim -- --members 1000`
 * scaled by the logarithm.
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { measure } from './members.ts'
import { missed } from './members/report.ts'

const test = suite('sim: members')

const MEMBERS = 60

function holds(...only: string[]): void {
  const lines: string[] = []
  const report = measure({
    members: MEMBERS, seed: 7, minutes: 2, trials: 2, only, print: (line) => lines.push(line)
  })
  assert.ok(report.figures.length > only.length, 'nothing was measured')
  for (const figure of report.figures) assert.not(missed(figure), lines.join('\n'))
}

test('a circuit that is idle says little', () => holds('idle'), { timeout_ms: 20_000 })
test('lost probes and slow hosts make nobody left', () => holds('loss'), { timeout_ms: 60_000 })
test('a crash and a goodbye are soon known to all', () => holds('crash', 'few', 'leave'),
  { timeout_ms: 30_000 })
test('who sleeps is left, and comes back', () => holds('freeze'), { timeout_ms: 20_000 })
test('who was declared left and lives is soon in all lists', () => holds('accuse'),
  { timeout_ms: 20_000 })
test('halves that meet again agree', () => holds('partition'), { timeout_ms: 20_000 })
test('a third may die at once', () => holds('die'), { timeout_ms: 20_000 })
test('one seed replays everything', () => {
  const [first, second] = [1, 2].map(() =>
    measure({ members: 20, seed: 3, trials: 2, only: ['crash', 'freeze'] }).figures)
  assert.equal(first, second)
}, { timeout_ms: 20_000 })

test.run()
