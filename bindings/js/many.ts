/**
 * Many messages in one call.
 *
 * Lives here: what sendMany and receiveMany of a channel do, and what lists of readers share with
 * them. Does not live here: single operations (channel), windows and their lists (window).
 *
 * Invariants: messages keep their order; none that was taken is lost, but one that nobody can read.
 */
import type { Channel } from './channel.ts'
import { checkWait, checkWhole } from './check.ts'
import type { WaitOptions } from './check.ts'
import { valueOf } from './message.ts'
import type { Named, Received } from './message.ts'
import type { Packed } from './payload.ts'
import { PREFETCH_MAX } from './tables.ts'

const ALL_SENT = Promise.resolve()
/** Messages of a list that are handed to the core at first, and after one that had to wait. */
const LISTED_FIRST = 64
const LISTED_AGAIN = 2
/** What could not be read when other messages had been taken; the next call tells it. */
const unreadable = new WeakMap<object, unknown>()

/** Sends a list in its order; what can be sent at once is, in this call. */
export function sendMany<T>(channel: Channel<T>, values: readonly T[]): Promise<void> {
  const sent = channel.home.now.sendMany(channel.ref, values, 0, LISTED_FIRST)
  return sent === values.length ? ALL_SENT : sendFrom(channel, values, sent)
}

async function sendFrom<T>(channel: Channel<T>, values: readonly T[], from: number): Promise<void> {
  for (let nth = from; nth < values.length;) {
    await channel.send(values[nth]!)
    // Whoever made room for that one may have made more.
    nth = channel.home.now.sendMany(channel.ref, values, nth + 1, LISTED_AGAIN)
  }
}

/** Receives what is there, or waits for one. */
export function receiveMany<T>(
  channel: Channel<T>, most: number, options: WaitOptions | undefined
): Promise<T[]> {
  return receiveList(channel, channel, most, options,
    (into) => channel.home.now.receiveMany(channel.ref, into, most))
}

/** Whose `receive` waits for the first message of a list when none is there. */
interface Waits<T> { receive(options?: WaitOptions): Promise<Received<T>> }
/** Puts what is there behind what stands in the list already, as it is in the payload table. */
type Take = (into: unknown[]) => void

/** Receives by `take` what is there, up to `most` messages, or waits for one at `from`. */
export function receiveList<T>(
  from: Waits<T>, source: Named, most: number, options: WaitOptions | undefined, take: Take
): Promise<T[]> {
  try {
    checkWhole(most, 'most', 1, PREFETCH_MAX)
    checkWait(options)
    const values = receiveThere<T>(from, source, [], take)
    return values.length > 0
      ? Promise.resolve(values) : receiveFirst(from, source, options, take)
  } catch (error) {
    return Promise.reject(error)
  }
}

async function receiveFirst<T>(
  from: Waits<T>, source: Named, options: WaitOptions | undefined, take: Take
): Promise<T[]> {
  const { value, ok } = await from.receive(options)
  return ok ? receiveThere(from, source, [value], take) : []
}

function receiveThere<T>(from: Waits<T>, source: Named, values: T[], take: Take): T[] {
  const late = unreadable.get(from)
  if (late !== undefined && unreadable.delete(from)) throw late
  const first = values.length
  take(values)
  let kept = first
  for (let nth = first; nth < values.length; nth++) {
    const packed = values[nth] as Packed
    if (typeof packed !== 'object' || packed === null) {
      values[kept++] = packed as T
      continue
    }
    try {
      values[kept] = valueOf(packed, false, [], source) as T
      kept += 1
    } catch (error) {
      unreadable.set(from, error)
    }
  }
  if (kept === values.length) return values
  values.length = kept
  return kept > 0 ? values : receiveThere(from, source, values, take)
}
