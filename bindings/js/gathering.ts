/**
 * When frames that wait go out: an idle link's at once, a busy one's together.
 *
 * Lives here: how long they wait for more to join them. Does not live here: the frames and their
 * links (links), how they become writes (transports).
 *
 * Invariant: they wait within one turn of the event loop, for no timer and no I/O.
 */
import { WRITE_BYTES_MAX } from './tables.ts'

/**
 * Frames wait for this many microtasks in a row that add none: a program that awaits sends of a
 * window takes a few between two of them, and all leave in one write.
 */
const QUIET_STEPS = 8
/**
 * So many leave before that: half of the operations that are under way, so that both sides work
 * while a window goes round. At least the first number, so that the other side of a burst begins
 * soon; at most the second, for by then a write costs little beside its frames.
 */
const FRAMES_MIN = 128
const FRAMES_MAX = 512
/** The most that was under way counts for so long and once more; then a new burst begins. */
const BURST_MS = 10
/** What fills a write of the kernel when the last frame was a small one. */
const FULL_BYTES = WRITE_BYTES_MAX - 4096

/** Waits, and says when to write. */
export class Gathering {
  readonly #flush: () => void
  readonly #now_ms: () => number
  #scheduled = false
  /** Steps since the last frame was added. */
  #quiet = 0
  /** Some link has enough for a write. */
  #ripe = false
  /** The most operations under way since `since_ms`, and in the time before that. */
  #most = 0
  #most_before = 0
  #since_ms = 0

  /** `flush` writes all that waits; `now_ms` is about the time. */
  constructor(flush: () => void, now_ms: () => number) {
    this.#flush = flush
    this.#now_ms = now_ms
  }

  /**
   * A frame was added to those of a link: it has `frames` of `bytes` bytes now, while the program
   * has so many operations `under_way`.
   */
  added(frames: number, bytes: number, under_way: number): void {
    this.#quiet = 0
    if (under_way > this.#most) this.#most = under_way
    if (frames < FRAMES_MIN && bytes < FULL_BYTES) return
    const half = Math.max(this.#most, this.#most_before) / 2
    if (frames >= half || frames >= FRAMES_MAX || bytes >= FULL_BYTES) this.#ripe = true
  }

  /** Begins to wait, after the steps of the program that are ready now. */
  begin(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#quiet = 0
    const now_ms = this.#now_ms()
    const age_ms = now_ms - this.#since_ms
    if (age_ms >= BURST_MS) {
      this.#most_before = age_ms < 2 * BURST_MS ? this.#most : 0
      this.#most = 0
      this.#since_ms = now_ms
    }
    queueMicrotask(this.#step)
  }

  /** The program goes on sending: begins to wait anew. */
  more(): void {
    this.#quiet = 0
    this.begin()
  }

  /** All that could go out is out. */
  over(): void {
    this.#scheduled = false
    this.#ripe = false
  }

  /** Goes to the end of the queue of microtasks as long as what runs there adds frames. */
  readonly #step = (): void => {
    this.#quiet += 1
    if (this.#quiet < QUIET_STEPS && !this.#ripe) queueMicrotask(this.#step)
    else this.#flush()
  }
}
