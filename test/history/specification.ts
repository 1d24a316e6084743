/**
 * What a channel may do, one act after the other: the sequential specification.
 *
 * Lives here: the state of a set of channels and which act is allowed in it. Does not live here:
 * which act an operation was (acts.ts), in which order they were (check.ts).
 *
 * A channel is a queue with a capacity and a word whether it is closed. At capacity 0 a send and a
 * receive are one act, a meeting: they take effect together. What is written in spec/protocol.md
 * and seen from outside makes three allowances, each bounded by the operations that can have caused
 * it (acts.ts counts them):
 *
 * - *out*: a message that was claimed for a receiver which then withdrew (or was a select that
 *   chose another case) keeps its place and is nobody else's meanwhile: others may take later
 *   messages, and a try may find nothing (rules 9, 19, 20);
 * - *taken room*: the place of a message that was received is free once the grant is at the owner,
 *   and a select's send reserves a place before it is sure (rules 9, 15);
 * - *asked*: at capacity 0 a partner that waits may just be asked by a select that says no (12).
 *
 * Invariant: an act that is allowed gives a new state; states are never changed.
 */

export interface ChannelState { readonly closed: boolean, readonly buffer: readonly number[] }

export const FRESH: ChannelState = { closed: false, buffer: [] }

/**
 * `drained`: a receive that found the channel closed and empty. `refused`: a send that found it
 * closed. `full` and `empty`: a try that would have had to wait.
 */
export type Kind =
  'send' | 'receive' | 'close' | 'closed' | 'drained' | 'refused' | 'full' | 'empty'

/** What others can have caused while an act took place. */
export interface Allowance {
  /** Messages that may be out on a claim that came to nothing. */
  readonly out: number
  /** Places that may be taken though no message is in them. */
  readonly room: number
  /** Partners that certainly wait at a rendezvous and are not spoken for. */
  readonly ready: number
}

/**
 * The state after an act, or undefined when it is not allowed. `value`: what is sent or received;
 * a receive without one takes the message at `nth`.
 */
export function after(
  state: ChannelState, capacity: number, kind: Kind, value: number | undefined,
  allowance: Allowance, nth = 0
): ChannelState | undefined {
  const { closed, buffer } = state
  switch (kind) {
    case 'send':
      if (closed || buffer.length >= capacity) return undefined
      return { closed, buffer: [...buffer, value!] }
    case 'receive': {
      const at = value === undefined ? nth : buffer.indexOf(value)
      if (at < 0 || at > allowance.out || at >= buffer.length) return undefined
      return { closed, buffer: buffer.toSpliced(at, 1) }
    }
    case 'close': return closed ? undefined : { closed: true, buffer }
    case 'closed': case 'refused': return closed ? state : undefined
    case 'drained': return closed && buffer.length === 0 ? state : undefined
    case 'full':
      if (closed || allowance.ready > 0) return undefined
      return capacity === 0 || buffer.length + allowance.room >= capacity ? state : undefined
    case 'empty':
      if (allowance.ready > 0 || buffer.length > allowance.out) return undefined
      if (closed && buffer.length + allowance.out + allowance.room === 0) return undefined
      return state
  }
}

/** A rendezvous: a send and a receive together. */
export function meeting(state: ChannelState): ChannelState | undefined {
  return state.closed ? undefined : state
}
