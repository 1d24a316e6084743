/**
 * What is due when: a heap of events in virtual time.
 *
 * Lives here: the order of events. Does not live here: what they do (member.ts, crowd.ts).
 *
 * Invariants: events come out by time, those of one time in the order in which they were put in;
 * nothing is allocated for an event but room that is kept.
 */

/** Something that happens at its time. */
export interface Event { happen(): void }

const WAYS = 4

export class Queue {
  size = 0
  private times = new Float64Array(1024)
  private orders = new Float64Array(1024)
  private events: (Event | undefined)[] = []
  private order = 0

  /** The time of the first event in microseconds; Infinity when there is none. */
  next_us(): number { return this.size === 0 ? Infinity : this.times[0]! }

  push(at_us: number, event: Event): void {
    if (this.size === this.times.length) this.widen()
    const order = this.order++
    let at = this.size++
    while (at > 0) {
      const above = (at - 1) / WAYS | 0
      if (this.times[above]! <= at_us) break
      this.move(above, at)
      at = above
    }
    this.place(at, at_us, order, event)
  }

  /** Takes the first event out. */
  pop(): Event {
    const first = this.events[0]!
    const last = --this.size
    const time = this.times[last]!
    const order = this.orders[last]!
    const event = this.events[last]!
    this.events[last] = undefined
    if (last === 0) return first
    let at = 0
    for (;;) {
      const least = this.least_below(at)
      if (least === 0 || !this.before(least, time, order)) break
      this.move(least, at)
      at = least
    }
    this.place(at, time, order, event)
    return first
  }

  /** The place of the first event below a place, 0 when there is none. */
  private least_below(at: number): number {
    const from = at * WAYS + 1
    if (from >= this.size) return 0
    const end = Math.min(from + WAYS, this.size)
    let least = from
    for (let one = from + 1; one < end; one++) {
      if (this.before(one, this.times[least]!, this.orders[least]!)) least = one
    }
    return least
  }

  private before(at: number, time: number, order: number): boolean {
    const own = this.times[at]!
    return own < time || own === time && this.orders[at]! < order
  }

  private move(from: number, to: number): void {
    this.times[to] = this.times[from]!
    this.orders[to] = this.orders[from]!
    this.events[to] = this.events[from]
  }

  private place(at: number, time: number, order: number, event: Event): void {
    this.times[at] = time
    this.orders[at] = order
    this.events[at] = event
  }

  private widen(): void {
    const times = new Float64Array(this.size * 2)
    const orders = new Float64Array(this.size * 2)
    times.set(this.times)
    orders.set(this.orders)
    this.times = times
    this.orders = orders
  }
}
