/**
 * A clock that stands still until it is told to go on.
 */
import type { Clock } from '../../transports/memory.ts'

const TIMERS_MAX = 200_000

interface Timer { at_ms: number, number: number, callback: () => void }

/** Virtual time. `run` is the only thing that moves it. */
export class VirtualClock implements Clock {
  #now_ms = 0
  #count = 0
  #timers = new Map<number, Timer>()

  now_ms(): number {
    return this.#now_ms
  }

  set(callback: () => void, ms: number): number {
    const number = ++this.#count
    this.#timers.set(number, { at_ms: this.#now_ms + ms, number, callback })
    return number
  }

  clear(timer: unknown): void {
    this.#timers.delete(timer as number)
  }

  /** Lets this much time pass; what follows from each timer is done before the next one. */
  async run(ms: number): Promise<void> {
    const end_ms = this.#now_ms + ms
    for (let fired = 0; fired < TIMERS_MAX; fired++) {
      await settled()
      const next = this.#next()
      if (next === undefined || next.at_ms > end_ms) {
        this.#now_ms = end_ms
        return
      }
      this.#timers.delete(next.number)
      this.#now_ms = Math.max(this.#now_ms, next.at_ms)
      next.callback()
    }
    throw new Error('virtual time does not come to rest')
  }

  #next(): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers.values()) {
      if (first === undefined || timer.at_ms < first.at_ms) first = timer
    }
    return first
  }
}

/** Microtasks do not depend on time; a turn of the loop runs all of them. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
