/**
 * A seeded generator for tests: the same seed gives the same run, on every machine.
 *
 * Lives here: xorshift128 and small draws from it. Does not live here: what is drawn.
 */
export class Random {
  private a: number
  private b: number
  private c: number
  private d: number

  constructor(seed: number) {
    this.a = seed >>> 0
    this.b = 0x9e3779b9
    this.c = Math.imul(seed ^ 0x85ebca6b, 0xc2b2ae35) >>> 0
    this.d = 0x27d4eb2f
    for (let round = 0; round < 16; round++) this.u32()
  }

  u32(): number {
    const t = this.d ^ this.d << 11
    this.d = this.c
    this.c = this.b
    this.b = this.a
    this.a = (this.a ^ this.a >>> 19 ^ t ^ t >>> 8) >>> 0
    return this.a
  }

  /** A whole number from 0 to below `count`. */
  below(count: number): number { return this.u32() % count }

  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number { return least + this.below(most - least + 1) }

  /** True once in `count` times. */
  once_in(count: number): boolean { return this.below(count) === 0 }

  pick<T>(list: readonly T[]): T { return list[this.below(list.length)]! }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.below(256))
  }
}
