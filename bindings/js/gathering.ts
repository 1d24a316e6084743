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
 * So many leave before that, or as many as are under way already when that is more: the other side
 * of a window works meanwhile, and the writes stay few.
 */
const FRAMES_MIN = 128

/** Waits, and says when to write. */
export class Gathering {
  readonly #flush: () => void
  #scheduled = false
  /** Steps since the last frame was added. */
  #quiet = 0
  /** Some link has enough for a write. */
  #ripe = false

  constructor(flush: () => void) {
    this.#flush = flush
  }

  /**
   * A frame was added to those of a link: it has `frames` of `bytes` bytes now, and has written
   * `unanswered` since it last heard of the other side.
   */
  added(frames: number, bytes: number, unanswered: number): void {
    this.#quiet = 0
    if (bytes >= WRITE_BYTES_MAX || frames >= Math.max(FRAMES_MIN, unanswered)) this.#ripe = true
  }

  /** Begins to wait, after the steps of the program that are ready now. */
  begin(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#quiet = 0
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
