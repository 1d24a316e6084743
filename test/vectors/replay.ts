/**
 * Replaying a vector at the door of the core under test.
 *
 * Lives here: giving each step's records and comparing what comes out. Does not live here: how
 * vectors are made (make.ts), a core that numbers its own things otherwise (renamed.ts).
 */
import * as assert from 'uvu/assert'
import { Door } from '../core/door.ts'
import { describe_output, encode_input } from './record.ts'
import type { Step, Vector } from './vector.ts'

/** The steps of a vector, those of the vectors before it first. */
export function steps_of(vector: Vector, all: ReadonlyMap<string, Vector>): Step[] {
  if (vector.after === undefined) return vector.steps
  const before = all.get(vector.after)
  if (before === undefined) throw new Error(`${vector.id}: there is no ${vector.after}`)
  return [...steps_of(before, all).filter(({ core }) => core < vector.cores.length),
    ...vector.steps]
}

/** Replays a vector; throws at the first difference. */
export function replay(vector: Vector, all: ReadonlyMap<string, Vector>): void {
  const doors = vector.cores.map(({ seed }) => new Door(seed))
  steps_of(vector, all).forEach((step, nth) => {
    const door = doors[step.core]!
    const pending = step.in.map(encode_input)
    const out = door.step(pending, step.now_ms).map(describe_output)
    const at = `${vector.id}: step ${nth}`
    assert.equal(out, step.out, at)
    assert.is(step.in.length - pending.length, step.consumed ?? step.in.length, `${at}: consumed`)
    assert.is(door.cell('more'), step.more ?? 0, `${at}: more`)
    if (step.deadline_ms !== undefined) {
      assert.is(door.cell('deadline_ms'), step.deadline_ms, `${at}: the deadline`)
    }
  })
}
