/**
 * A few remembered numbers, each with a mark: the newest push out any other.
 *
 * Lives here: adding, drawing and taking out in a bounded list. Does not live here: what they mean.
 */
import type { Fast } from './fast.ts'

const ROWS = 16

export class Ring {
  readonly ids = new Int32Array(ROWS)
  readonly marks = new Int32Array(ROWS)
  count = 0

  clear(): void { this.count = 0 }

  /** Gives what had to go for it, or 0. */
  push(id: number, mark: number, random: Fast): number {
    const full = this.count === ROWS
    const at = full ? random.below(ROWS) : this.count++
    const gone = full ? this.ids[at]! : 0
    this.ids[at] = id
    this.marks[at] = mark
    return gone
  }

  find(id: number): number {
    for (let at = 0; at < this.count; at++) if (this.ids[at] === (id | 0)) return at
    return -1
  }

  drop(at: number): void {
    this.count--
    this.ids[at] = this.ids[this.count]!
    this.marks[at] = this.marks[this.count]!
  }

  forget(id: number): void {
    const at = this.find(id)
    if (at >= 0) this.drop(at)
  }
}
