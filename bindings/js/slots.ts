/**
 * The operations that the core has not completed, by the ids that the door knows.
 *
 * Lives here: ids given and taken back. Does not live here: what an operation is (operation), when
 * it completes (drive, now).
 *
 * Invariants: an id is `generation << 20 | slot`; a slot is used again only after its operation
 * ended, with the next generation; slots are given out last in, first out, so they stay small; ids
 * stay below 2^31, which a JavaScript engine keeps without a box.
 */
import { Refusal } from './errors.ts'
import { OPERATIONS_MAX } from './tables.ts'

const SLOT_BITS = 20
const SLOT_MASK = (1 << SLOT_BITS) - 1
const GENERATION_MASK = 0x7ff
/** So many listeners are taken before their list is copied, or as many as it holds. */
const TAKES_LEAST = 1024

/** Who waits under which id. */
export class Slots<L extends object> {
  /**
   * Copied now and then, so that it stays a young object: a collector by generations has to note
   * each young object that is put into an old one, 5 ns of 200 for a message.
   */
  #listeners: (L | undefined)[] = [undefined, undefined]
  #takes_left = TAKES_LEAST
  /** The id that a slot has, or will have next. */
  readonly #ids: number[] = [0, 1]
  readonly #free: number[] = []
  #free_count = 0
  /** The id that the next `take` gives; 0, which is none, when there are too many. */
  next = 1

  /** Operations that have not ended. */
  get size(): number {
    const unused = this.next === 0 ? 1 : 2
    return this.#listeners.length - unused - this.#free_count
  }

  /** Puts a listener under the next id. Refuses with TOO_MANY. */
  take(listener: L): number {
    const id = this.next
    if (id === 0) throw new Refusal('TOO_MANY', `${OPERATIONS_MAX} operations`)
    const count = this.#free_count
    if (--this.#takes_left === 0) this.#renew()
    this.#listeners[id & SLOT_MASK] = listener
    if (count > 0) {
      this.next = this.#ids[this.#free[count - 1]!]!
      this.#free_count = count - 1
    } else {
      this.next = this.#fresh()
    }
    return id
  }

  /** Who waits under this id, if it is in use. */
  find(id: number): L | undefined {
    const slot = id & SLOT_MASK
    return this.#ids[slot] === id ? this.#listeners[slot] : undefined
  }

  /** The operation has ended: the slot is free for the next generation. */
  release(id: number): void {
    const slot = id & SLOT_MASK
    const generation = (id >>> SLOT_BITS) + 1 & GENERATION_MASK
    const next = generation << SLOT_BITS | slot
    this.#listeners[slot] = undefined
    this.#ids[slot] = next
    if (this.next !== 0) this.#free[this.#free_count++] = this.next & SLOT_MASK
    this.next = next
  }

  /** Takes every listener out, in the order of their slots. */
  clear(each: (listener: L) => void): void {
    for (let slot = 1; slot < this.#listeners.length; slot++) {
      const listener = this.#listeners[slot]
      this.#listeners[slot] = undefined
      if (listener !== undefined) each(listener)
    }
  }

  #renew(): void {
    this.#listeners = this.#listeners.slice()
    this.#takes_left = Math.max(TAKES_LEAST, this.#listeners.length)
  }

  #fresh(): number {
    const slot = this.#listeners.length
    if (slot > OPERATIONS_MAX) return 0
    this.#listeners.push(undefined)
    this.#ids.push(slot)
    return slot
  }
}
