/**
 * Bytes and choices for the tests of transports: the same for the same seed.
 */

/** `length` bytes that tell their place, so that a shifted or mixed copy differs. */
export function filled(length: number, salt: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >>> 8) * 7 + salt * 101) & 0xff
  return bytes
}

/** A generator: `random(n)` is a whole number from 0 to n - 1. */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

/** A length as it stands on the wire. */
export function varint(value: number): number[] {
  return value < 0x80 ? [value] : [value & 0x7f | 0x80, ...varint(value >>> 7)]
}
