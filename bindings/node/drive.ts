/**
 * The only reader of chance and of the wall clock in this room.
 *
 * Lives here: the time of day, random bytes. Does not live here: the clock that the core is driven
 * by (bindings/js/drive), what either is used for. Everything else takes them as arguments, so that
 * tests hand in their own.
 */

export interface Drive {
  /** Milliseconds since 1970. */
  now(): number
  /** This many fresh random bytes, good for keys; the caller owns them. */
  random(bytes: number): Uint8Array
}

export const drive: Drive = {
  now: () => Date.now(),
  random: (bytes) => globalThis.crypto.getRandomValues(new Uint8Array(bytes))
}
