/**
 * Turns between links: what one brings must not keep the others waiting.
 *
 * Lives here: how many frames of a link are handed on before others have had their turn, and which
 * link is paused meanwhile. Does not live here: what becomes of frames (links).
 *
 * While only one link brings frames they are handed on as they come. When others bring some too,
 * each link has LINK_FRAMES_PER_TURN a turn; what is over waits, its link paused, so that the other
 * side's `send` fills. A turn is as long as the shortest timer, so a flood has a part of the time
 * and the rest is for others. spec: LIM-11, LIM-12
 *
 * Invariants: the frames of a link are handed on in order, each once; a link that waits is paused,
 * so what waits is at most what its transport gave at once.
 */
import type { Frame, Link } from '../../transports/transport.ts'
import type { Timers } from './drive.ts'
import { LINK_ALONE_MS, LINK_FRAMES_PER_TURN } from './tables.ts'

/** A link as its turns see it. */
export interface Taker {
  readonly link: Link
  /** Frames that wait for a turn. */
  waiting: Frame[]
  /** Frames handed on in this turn. */
  given: number
}

export interface TurnHost<T extends Taker> {
  readonly timers: Timers
  /** Whole milliseconds, as of the core's last call. */
  now(): number
  give(taker: T, frames: readonly Frame[]): void
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

  /** Frames came in on a link. They are handed on now, or in their turns. */
  arrived(taker: T, frames: readonly Frame[]): void {
    const now = this.#host.now()
    if (this.#last !== taker) {
      if (this.#last !== undefined) this.#contested_ms = now
      this.#last = taker
    }
    const alone = this.#contested_ms === undefined || now - this.#contested_ms >= LINK_ALONE_MS
    if (alone && taker.waiting.length === 0) return this.#host.give(taker, frames)
    if (taker.given === 0 && taker.waiting.length === 0) this.#takers.push(taker)
    const room = taker.waiting.length > 0 ? 0 : LINK_FRAMES_PER_TURN - taker.given
    const now_given = room >= frames.length ? frames : frames.slice(0, Math.max(0, room))
    taker.given += now_given.length
    if (now_given.length < frames.length) {
      if (taker.waiting.length === 0) taker.link.pause()
      for (let nth = now_given.length; nth < frames.length; nth++) taker.waiting.push(frames[nth]!)
    }
    this.#arm()
    if (now_given.length > 0) this.#host.give(taker, now_given)
  }

  /** The link has ended: what waits comes at once, for it came before the end. */
  ended(taker: T): void {
    const frames = taker.waiting
    taker.waiting = []
    if (this.#last === taker) this.#last = undefined
    if (frames.length > 0) this.#host.give(taker, frames)
  }

  /** The core has let go of the link: what waits means nothing to it. */
  forget(taker: T): void {
    taker.waiting = []
    if (this.#last === taker) this.#last = undefined
  }

  /** All links have ended. */
  stop(): void {
    if (this.#timer !== undefined) this.#host.timers.clear(this.#timer)
    this.#timer = undefined
    for (const taker of this.#takers) this.forget(taker)
    this.#takers = []
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
      if (taker.waiting.length === 0) continue
      const frames = taker.waiting.splice(0, LINK_FRAMES_PER_TURN)
      taker.given = frames.length
      this.#takers.push(taker)
      if (taker.waiting.length === 0) taker.link.resume()
      this.#host.give(taker, frames)
    }
    if (this.#takers.length > 0) this.#arm()
  }
}
