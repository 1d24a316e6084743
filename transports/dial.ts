/**
 * What became of a dial over several addresses.
 *
 * Lives here: the error of a failed dial, and which of several reasons stands for all. Does not
 * live here: how one address is dialled (each transport), when to dial again (core).
 */
import { ADDRESSES_PER_PEER_MAX, DIAL_STAGGER_MS } from './tables.ts'
import type { DialError, DialReason, Link } from './transport.ts'

/** A dial that gave no link; `cause` is the library's own error. */
export class DialFailure extends Error implements DialError {
  readonly reason: DialReason

  constructor(reason: DialReason, peer: string, cause?: unknown) {
    super(`dial of ${peer}: ${reason}`, cause === undefined ? undefined : { cause })
    this.name = 'DialFailure'
    this.reason = reason
  }
}

/**
 * The reason of a dial whose addresses all failed. One address without an answer hides whether the
 * peer lives, so it outweighs the rest; somebody else at an address says as little against a
 * refusal at another.
 */
export function reasonOfAll(reasons: readonly DialReason[]): DialReason {
  const order: DialReason[] = ['unreachable', 'refused', 'wrong_peer']
  return order.find((reason) => reasons.includes(reason)) ?? 'no_address'
}

/**
 * Tries targets one after the other, each `stagger_ms` after the one before or as soon as that one
 * failed, and gives the first that was reached. `reach` gets a signal that ends it when another
 * won or `signal` aborts; one that comes too late is handed to `drop`. Rejects with the errors of
 * all in one AggregateError, or with the reason of `signal`.
 */
export async function firstOf<T>(
  targets: readonly string[], stagger_ms: number, signal: AbortSignal,
  reach: (target: string, abort: AbortSignal) => Promise<T>, drop: (late: T) => void
): Promise<T> {
  signal.throwIfAborted()
  const won = new AbortController()
  const ends = AbortSignal.any([signal, won.signal])
  const attempt = async (target: string): Promise<T> => {
    const reached = await reach(target, ends)
    if (ends.aborted) {
      drop(reached)
      throw new Error('too late')
    }
    won.abort(new Error('another address answered first'))
    return reached
  }
  const attempts: Promise<T>[] = []
  for (const target of targets) {
    const one = attempt(target)
    attempts.push(one)
    await pause(stagger_ms, ends, one)
    if (ends.aborted) break
  }
  return await Promise.any(attempts)
}

/**
 * A link to a peer at one of its addresses, as `firstOf` tries them; one too many is reset.
 *
 * @throws DialFailure with the reason that stands for those of all addresses, by `reason_of`.
 */
export async function linkAt(
  peer: string, addresses: readonly string[], signal: AbortSignal,
  reach: (address: string, abort: AbortSignal) => Promise<Link>,
  reason_of: (error: unknown) => DialReason
): Promise<Link> {
  try {
    return await firstOf(
      addresses.slice(0, ADDRESSES_PER_PEER_MAX), DIAL_STAGGER_MS, signal, reach,
      (link) => link.close(true)
    )
  } catch (cause) {
    const errors = cause instanceof AggregateError ? cause.errors : [cause]
    throw new DialFailure(reasonOfAll(errors.map(reason_of)), peer, cause)
  }
}

/** Ends after `ms`, when `signal` aborts, or when `one` failed. */
async function pause(ms: number, signal: AbortSignal, one: Promise<unknown>): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
    if (signal.aborted) done()
    one.then(done, done)
  })
}
