/**
 * Turns between links: what one brings must not keep the others waiting.
 *
 * Lives here: how many frames of a link are handed on before others have had their turn, and which
 * link is paused meanwhile. Does not live here: cutting frames, what becomes of them (links).
 *
 * While only one link brings frames they are handed on as they come. When others bring some too,
 * each link has LINK_FRAMES_PER_TURN a turn; what is over waits, its link paused, so that the other
 * side's `send` fills. A turn is as long as the shortest timer, so a flood has a part of the time
 * and the rest is for others. spec: LIM-11, LIM-12
 *
 * Invariants: the frames of a link are handed on in order, each once; a link that waits is paused,
 * so what waits is at most what its transport gave at once.
 */
import type { Link } from '../../transports/transport.ts'
import type { Timers } from './drive.ts'
import { LINK_ALONE_MS, LINK_FRAMES_PER_TURN, RECORDS_PER_RUN_MAX } from './tables.ts'

/** A link as its turns see it. */
export interface Taker {
  readonly link: Link
  /** It has brought more than its share, and is paused. */
  waiting: boolean
  /** Frames handed on in this turn. */
  given: number
}

export interface TurnHost<T extends Taker> {
  readonly timers: Timers
  /** Whole milliseconds, as of the core's last call. */
  now(): number
  /** Cuts the next frames of a link, at most `most`; gives how many there were. */
  cut(taker: T, most: number): number
  /** Hands on what was cut. */
  give(taker: T): void
}

/** The turns of all links of one core. */
export class Turns<T extends Taker> {
  readonly #host: TurnHost<T>
  /** Links that brought frames in this turn, in the order in which they are served next. */
  #takers: T[] = []
  #last: T | undefined
  #contested_ms: number | undefined
  #timer: unknown = undefined

  constructor(host: TurnHost<T>) {
    this.#host = host
  }

  /**
   * Bytes came in on a link. Their frames are handed on now, or in their turns. False when there
   * was no whole one.
   */
  arrived(taker: T): boolean {
    const now = this.#host.now()
    if (this.#last !== taker) {
      if (this.#last !== undefined) this.#contested_ms = now
      this.#last = taker
    }
    const alone = this.#contested_ms === undefined || now - this.#contested_ms >= LINK_ALONE_MS
    if (taker.waiting) return true
    if (alone) return this.#all(taker)
    if (taker.given === 0) this.#takers.push(taker)
    const cut = this.#share(taker)
    this.#arm()
    if (cut > 0) this.#host.give(taker)
    return cut > 0 || taker.waiting
  }

  /** The link has ended: what waits comes at once, for it came before the end. */
  ended(taker: T): void {
    taker.waiting = false
    if (this.#last === taker) this.#last = undefined
    this.#all(taker)
  }

  /** The core has let go of the link: what waits means nothing to it. */
  forget(taker: T): void {
    taker.waiting = false
    if (this.#last === taker) this.#last = undefined
  }

  /** All links have ended. */
  stop(): void {
    if (this.#timer !== undefined) this.#host.timers.clear(this.#timer)
    this.#timer = undefined
    for (const taker of this.#takers) this.forget(taker)
    this.#takers = []
  }

  #all(taker: T): boolean {
    let some = false
    for (; this.#host.cut(taker, RECORDS_PER_RUN_MAX) > 0; some = true) this.#host.give(taker)
    return some
  }

  /** Cuts as much of a link as is left of its share; what is over waits. */
  #share(taker: T): number {
    const room = LINK_FRAMES_PER_TURN - taker.given
    const cut = this.#host.cut(taker, room)
    taker.given += cut
    if (cut < room) return cut
    taker.waiting = true
    taker.link.pause()
    return cut
  }

  #arm(): void {
    if (this.#timer === undefined) this.#timer = this.#host.timers.set(() => this.#next(), 0)
  }

  /** The next turn: each link that waits hands on its share, and goes on when nothing waits. */
  #next(): void {
    this.#timer = undefined
    const takers = this.#takers
    this.#takers = []
    for (const taker of takers) taker.given = 0
    for (const taker of takers) {
      if (!taker.waiting) continue
      taker.given = this.#host.cut(taker, LINK_FRAMES_PER_TURN)
      this.#takers.push(taker)
      if (taker.given < LINK_FRAMES_PER_TURN) {
        taker.waiting = false
        taker.link.resume()
      }
      this.#host.give(taker)
    }
    if (this.#takers.length > 0) this.#arm()
  }
}
