/**
 * The core's seeded generator.
 *
 * Lives here: PCG32 (O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good
 * Algorithms", 2014, section 6.3). Does not live here: where the seed comes from (bindings/drive).
 *
 * Invariant: the same seed gives the same numbers in every engine.
 */
let state: u64 = 0
const MULTIPLIER: u64 = 6364136223846793005
const INCREMENT: u64 = 1442695040888963407

export function random_seed(seed: u32): void {
  state = <u64>seed + INCREMENT
  random()
}

export function random(): u32 {
  const old = state
  state = old * MULTIPLIER + INCREMENT
  const mixed = <u32>(((old >> 18) ^ old) >> 27)
  return rotr<u32>(mixed, <u32>(old >> 59))
}

/** Uniform in 0 … bound - 1; bound at least 1. Draws again what would make it uneven. */
export function random_below(bound: u32): u32 {
  assert(bound > 0, 'random below nothing')
  const uneven: u32 = (0 - bound) % bound
  let drawn = random()
  while (drawn < uneven) drawn = random()
  return drawn % bound
}
