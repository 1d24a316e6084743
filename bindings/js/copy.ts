/**
 * Copying a few bytes.
 *
 * Lives here: which way is the faster. Does not live here: what is copied (frames, bytestring).
 */

/** Up to here a loop copies faster than a typed array's own way. */
const LOOPED_BYTES = 64

/** Copies `count` bytes of `source` from `from` on to `into`, from `at` on. */
export function copyBytes(
  source: Uint8Array, from: number, count: number, into: Uint8Array, at: number
): void {
  if (count <= LOOPED_BYTES) for (let i = 0; i < count; i++) into[at + i] = source[from + i]!
  else into.set(source.subarray(from, from + count), at)
}
