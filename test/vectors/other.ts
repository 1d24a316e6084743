/**
 * Replaying vectors at cores that draw otherwise and give other numbers, as another core would.
 *
 * Lives here: cores with another seed, in which other channels were made and ended before. Does not
 * live here: the table of numbers (renamed.ts), the comparison to the byte (replay.ts).
 */
import { Door, input_record } from '../core/door.ts'
import { describe_output, encode_input } from './record.ts'
import { Cast } from './renamed.ts'
import { steps_of } from './replay.ts'
import type { Vector } from './vector.ts'

const SEED = 4_000_000_007
/** Slots that no vector uses. */
const FIRST_SLOT = 5_000
const NOW_MS = 1000

/** A core that has made and ended some channels of its own. */
function other_core(nth: number): Door {
  const door = new Door(SEED + nth)
  const step = (record: Uint8Array): number | undefined =>
    door.step([record], NOW_MS)[0]?.fields.value
  for (let slot = FIRST_SLOT; slot < FIRST_SLOT + 5 + nth; slot++) {
    const ref = step(input_record('make', { op: (1 << 20 | slot) >>> 0 }))!
    step(input_record('release', { ref }))
  }
  return door
}

/** Why another core does not do what a vector says; undefined when it does. */
export function failure_of(vector: Vector, all: ReadonlyMap<string, Vector>,
  core: (nth: number) => Door = other_core): string | undefined {
  const doors = vector.cores.map((_, nth) => core(nth))
  const cast = new Cast(doors.length)
  for (const [nth, step] of steps_of(vector, all).entries()) {
    const door = doors[step.core]!
    const pending = step.in.map((one) => encode_input(cast.give(step.core, one)))
    const out = door.step(pending, step.now_ms).map(describe_output)
    const wrong = cast.compare(step, out)
    if (wrong !== undefined) return `${vector.id}: step ${nth}: ${wrong}`
  }
  return undefined
}
