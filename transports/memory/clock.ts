/**
 * The time and the chance that a memory network runs on.
 *
 * Lives here: what a clock must be able to do, the one of the machine, the seeded generator. Does
 * not live here: what time is used for (transports/memory).
 */

/**
 * A clock. Callbacks of the same moment run in the order in which they were set, and none runs
 * inside of `set`.
 */
export interface Clock {
  /** Milliseconds from any start, never backwards. */
  now_ms(): number
  /** Runs `callback` once, `ms` from now; gives what `clear` takes. */
  set(callback: () => void, ms: number): unknown
  clear(timer: unknown): void
}

interface Immediates {
  setImmediate?(callback: () => void): unknown
  clearImmediate?(immediate: unknown): void
}

/** The machine's own clock. Timers of 0 ms run in the next turn where there are immediates. */
export const machine_clock: Clock = {
  now_ms: () => performance.now(),
  set(callback, ms) {
    const { setImmediate } = globalThis as Immediates
    if (ms > 0 || setImmediate === undefined) return { timer: setTimeout(callback, ms) }
    return { immediate: setImmediate(callback) }
  },
  clear(timer) {
    const { timer: timeout, immediate } = timer as {
      timer?: ReturnType<typeof setTimeout>, immediate?: unknown
    }
    if (timeout !== undefined) clearTimeout(timeout)
    else (globalThis as Immediates).clearImmediate?.(immediate)
  }
}

/** A generator of whole numbers from 0 to `below` - 1; the same for the same seed. */
export type Random = (below: number) => number

/** Makes a generator (xorshift32, Marsaglia 2003) of a seed; any integer will do. */
export function randomOf(seed: number): Random {
  // Neighbouring seeds would begin alike, and 0 would stay 0.
  let state = (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0) || 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}
