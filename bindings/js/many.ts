/**
 * Many messages in one call, for bursts inside one peer.
 *
 * Lives here: what sendMany and receiveMany of a channel do. Does not live here: single operations
 * (channel), windows over a distance (window).
 *
 * Invariants: messages keep their order; none that was taken is lost, but one that nobody can read.
 */
import type { Channel } from './channel.ts'
import { checkWait, checkWhole } from './check.ts'
import type { WaitOptions } from './check.ts'
import { valueOf } from './message.ts'
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
  try {
    checkWhole(most, 'most', 1, PREFETCH_MAX)
    checkWait(options)
    const values = receiveThere(channel, [], most)
    return values.length > 0 ? Promise.resolve(values) : receiveFirst(channel, most, options)
  } catch (error) {
    return Promise.reject(error)
  }
}

async function receiveFirst<T>(
  channel: Channel<T>, most: number, options: WaitOptions | undefined
): Promise<T[]> {
  const { value, ok } = await channel.receive(options)
  return ok ? receiveThere(channel, [value], most) : []
}

function receiveThere<T>(channel: Channel<T>, values: T[], most: number): T[] {
  const late = unreadable.get(channel)
  if (late !== undefined && unreadable.delete(channel)) throw late
  const from = values.length
  channel.home.now.receiveMany(channel.ref, values, most)
  let kept = from
  for (let nth = from; nth < values.length; nth++) {
    const packed = values[nth] as Packed
    if (typeof packed !== 'object' || packed === null) {
      values[kept++] = packed as T
      continue
    }
    try {
      values[kept] = valueOf(packed, false, [], channel) as T
      kept += 1
    } catch (error) {
      unreadable.set(channel, error)
    }
  }
  if (kept === values.length) return values
  values.length = kept
  return kept > 0 ? values : receiveThere(channel, values, most)
}
