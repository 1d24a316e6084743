/**
 * What became of a dial over several addresses.
 *
 * Lives here: the error of a failed dial, and which of several reasons stands for all. Does not
 * live here: how one address is dialled (each transport), when to dial again (core).
 */
import type { DialError, DialReason } from './transport.ts'

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
