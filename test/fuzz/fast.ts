/**
 * A seeded generator for hot loops: one word of state.
 *
 * Lives here: xorshift32 and small draws from it. Does not live here: the generator of tests that
 * need long periods (test/property/random).
 */
export class Fast {
  private state: number

  constructor(seed: number) {
    // Neighbouring seeds must not begin alike, and a state of 0 would stay there.
    this.state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) | 0 || 1
    for (let round = 0; round < 8; round++) this.bits()
  }

  /** 32 random bits as a signed number. */
  bits(): number {
    let x = this.state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.state = x
    return x
  }

  /** A whole number from 0 to below `count`, which is less than 65536. */
  below(count: number): number { return Math.imul(this.bits() >>> 16, count) >>> 16 }

  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number { return least + this.below(most - least + 1) }

  once_in(count: number): boolean { return this.below(count) === 0 }

  pick<T>(list: readonly T[]): T { return list[this.below(list.length)]! }
}
