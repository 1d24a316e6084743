/**
 * Which program a seed means.
 *
 * Lives here: the two families of programs and the numbers of each. Does not live here: drawing one
 * (draw.ts, bursts.ts).
 *
 * Invariant: a number keeps its family: all below BURSTS_FROM are wide, and of each four from there
 * on the last two are bursts, so that a search on any number of processors plays both.
 */
import { burst_program } from './bursts.ts'
import { wide_program } from './draw.ts'
import type { Faults } from './draw.ts'
import type { Program } from './program.ts'

export const BURSTS_FROM = 1_000_000_000

function is_burst(seed: number): boolean { return seed >= BURSTS_FROM && (seed & 2) !== 0 }

/** The program of a seed; `faults` says which may happen, drawn too when it is left out. */
export function program_of(seed: number, faults?: Faults): Program {
  return (is_burst(seed) ? burst_program : wide_program)(seed, faults)
}

/** The nth seed of a burst, counted from 1. */
export function burst_seed(nth: number): number {
  return BURSTS_FROM + 2 + ((nth - 1) >> 1) * 4 + (nth - 1 & 1)
}
