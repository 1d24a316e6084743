/**
 * The clock and the timers of the core.
 *
 * Lives here: the time of this call, and a heap of deadlines. Does not live here: what happens when
 * one is due (node).
 *
 * Invariants: times are whole milliseconds modulo 2^32, compared by signed difference, so no
 * deadline lies more than 2^31 - 1 ms ahead; a timer stands in the heap exactly while its `place`
 * is not 0; of equal deadlines the one set first is due first.
 */
import { alloc, release } from './heap'
import { TIMEOUT_MS_MAX } from './tables'

// @ts-ignore: decorator
@unmanaged
export class Timer {
  deadline_ms: u32
  order: u32
  place: u32
  /** What is due: one of the constants of those who set timers. */
  kind: u32
  subject: usize
}

const PLACES_FIRST: u32 = 64
let places: usize = 0
let places_count: u32 = 0
let count: u32 = 0
let order: u32 = 0

export let now_ms: u32 = 0

export function time_is(ms: u32): void {
  now_ms = ms
}

/** Milliseconds from b to a, negative when a is earlier. */
// @ts-ignore: decorator
@inline export function elapsed(a: u32, b: u32): i32 {
  return <i32>(a - b)
}

// @ts-ignore: decorator
@inline function at(place: u32): Timer {
  return changetype<Timer>(load<u32>(places + (<usize>place << 2)))
}

// @ts-ignore: decorator
@inline function put(place: u32, timer: Timer): void {
  store<u32>(places + (<usize>place << 2), <u32>changetype<usize>(timer))
  timer.place = place
}

function before(a: Timer, b: Timer): bool {
  const ms = elapsed(a.deadline_ms, b.deadline_ms)
  return ms < 0 || ms == 0 && <i32>(a.order - b.order) < 0
}

function rise(place: u32, timer: Timer): void {
  while (place > 1 && before(timer, at(place >> 1))) {
    put(place, at(place >> 1))
    place >>= 1
  }
  put(place, timer)
}

function sink(place: u32, timer: Timer): void {
  while (place << 1 <= count) {
    let child = place << 1
    if (child < count && before(at(child + 1), at(child))) child++
    if (!before(at(child), timer)) break
    put(place, at(child))
    place = child
  }
  put(place, timer)
}

function widen(): void {
  const bytes = places_count << 2
  const wider = alloc(max(bytes * 2, PLACES_FIRST << 2))
  if (places != 0) {
    memory.copy(wider, places, bytes)
    release(places, bytes)
  }
  places = wider
  places_count = max(places_count * 2, PLACES_FIRST)
}

/** Sets a timer that is due `ms` from now; it lives until `timer_clear` or until it was due. */
export function timer_set(ms: u32, kind: u32, subject: usize): Timer {
  const timer = changetype<Timer>(alloc(offsetof<Timer>()))
  timer.deadline_ms = now_ms + min(ms, TIMEOUT_MS_MAX)
  timer.order = order++
  timer.kind = kind
  timer.subject = subject
  if (count + 1 >= places_count) widen()
  rise(++count, timer)
  return timer
}

/** Takes a timer back and frees it. */
export function timer_clear(timer: Timer): void {
  const place = timer.place
  assert(place != 0 && at(place) == timer, 'a timer that is not set')
  const moved = at(count--)
  if (moved != timer) {
    sink(place, moved)
    rise(moved.place, moved)
  }
  release(changetype<usize>(timer), offsetof<Timer>())
}

/** The earliest timer if it is due, else null. The caller clears it. */
export function timer_due(): Timer {
  if (count == 0 || elapsed(at(1).deadline_ms, now_ms) > 0) return changetype<Timer>(0)
  return at(1)
}

export function timer_any(): bool {
  return count != 0
}

/** The earliest deadline; there must be one. */
export function timer_first_ms(): u32 {
  return at(1).deadline_ms
}
