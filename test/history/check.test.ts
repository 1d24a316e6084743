/**
 * The checker of histories: what it accepts, what it rejects, and what it says of that.
 *
 * Lives here: hand-made histories, right and wrong. Does not live here: histories of real peers
 * (real.test.ts).
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { blame } from './blame.ts'
import { check } from './check.ts'
import { draw } from './draw.ts'
import { WRONG } from './wrong.ts'
import { written } from './written.ts'

const test = suite('history: checker')

for (const { name, history, sentence, part, mend } of WRONG) {
  test(`rejected: ${name}`, () => {
    const wrong = written(history)
    const verdict = check(wrong)
    if (verdict.kind !== 'rejected') throw new Error(`it was ${verdict.kind}`)
    const told = blame(wrong, verdict)
    assert.match(told.sentence, sentence)
    const blamed = told.operations.map(({ id }) => id).sort((a, b) => a - b)
    assert.equal(blamed, part, draw(told.operations))
    assert.ok(history.includes(mend[0]), 'the mend applies')
    const right = written(history.replace(mend[0], mend[1]))
    const mended = check(right)
    const why = mended.kind === 'rejected' ? blame(right, mended).sentence : ''
    assert.is(mended.kind, 'accepted', `mended, it is right: ${why}`)
  })
}

test.run()
