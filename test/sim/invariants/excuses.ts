/**
 * What may look wrong and is as spec/protocol.md says.
 *
 * Lives here: each excuse as a function that says exactly when it holds; whoever uses one counts it
 * in the world, so that an excuse that is too wide shows. Does not live here: the invariants.
 */
import type { Delivery } from '../deliveries.ts'
import type { Channel, Operation, Receipt } from '../operation.ts'
import type { World } from '../world.ts'

/**
 * A receiver that was declared left and lives on has taken a message whose grant never came to the
 * owner (PROTOCOL 22). Exactly: when the message last went out to this peer before it was received,
 * the owner took no grant for it while it was in that session, which has ended since.
 */
export function ghost(world: World, { operation, text, channel }: Receipt): boolean {
  if (operation.node === channel.owner) return false
  const last = world.deliveries.to(text, operation.node)
    .findLast(({ at_ms }) => at_ms <= operation.ended_ms)
  return last !== undefined && !last.granted && parted(world, last)
}

/** Whether the session in which a message went out has ended, for its owner; a leave ends all. */
function parted(world: World, { owner, owner_incarnation, to, at_ms }: Delivery): boolean {
  return !owner.alive || owner.incarnation !== owner_incarnation || world.leaves.has(owner)
    || owner.events.some((one) => one.event === 'left' && one.id === to.id && one.at_ms >= at_ms)
}

/**
 * A message was out to a peer that its owner then declared left, or that declared its owner left:
 * only then *again* is true. It may not have been written yet, so what counts is that a receive of
 * that peer's run was there for it.
 */
export function came_back(world: World, { text, channel }: Receipt): boolean {
  const { owner } = channel
  const all = world.deliveries.by_text.get(text) ?? []
  if (all.some((one) => one.owner === owner && !one.granted && parted(world, one))) return true
  return world.operations.some(({ node, cases, at_ms: began_ms }) => node !== owner
    && cases.some(({ kind, held, incarnation }) => held?.channel === channel && kind !== 'send'
      && (owner.incarnation !== incarnation || owner.events.some(({ event, id, at_ms }) =>
        event === 'left' && node.id === id && began_ms <= at_ms))))
}

/** A buffer goes with its owner's death or a scrub. At a rendezvous nothing can. */
export function vanished(channel: Channel): 'died with its owner' | 'was scrubbed' | undefined {
  if (channel.capacity === 0) return undefined
  if (!channel.owner.alive) return 'died with its owner'
  return channel.scrub_asked ? 'was scrubbed' : undefined
}

/**
 * A receiver may have said no to the message: it went out to a peer that did not grant it, it was
 * offered to an operation that holds, or a select of its owner's own core may have had it in line.
 * A delivery that was taken back before it was written goes out without its message, and tells no
 * more which one it was: since the message was sent, any of its owner's may have been it. One that
 * was never written, because the window was full, went to a receiver that its owner declared left.
 */
export function denied(world: World, text: string, channel: Channel, from: number,
  to: number): boolean {
  const { by_text } = world.deliveries
  if (by_text.get(text)?.some(({ granted }) => !granted) === true) return true
  const sent_ms = world.sent.get(text)!.operation.at_ms
  if (by_text.get('')?.some(({ owner, at_ms }) => owner === channel.owner && at_ms >= sent_ms)) {
    return true
  }
  if (receiver_left(world, channel, sent_ms)) return true
  return world.operations.some((one) => one.node === channel.owner && may_deny(one)
    && one.begun < to && (one.ended === 0 || one.ended > from)
    && one.cases.some(({ kind, held }) => kind === 'receive' && held?.channel === channel))
}

/** Whether a peer that had a receive here was declared left since. */
function receiver_left(world: World, channel: Channel, since_ms: number): boolean {
  const { owner } = channel
  return owner.events.some(({ event, id, at_ms }) => event === 'left' && at_ms >= since_ms
    && world.operations.some((one) => one.node !== owner && one.node.id === id
      && one.at_ms <= at_ms
      && one.cases.some(({ kind, held }) => kind !== 'send' && held?.channel === channel)))
}

/**
 * A receive at a rendezvous that was kept for a select's send which then went elsewhere (PROTOCOL
 * 10, 12) is free again after later receives were served.
 */
export function kept_in_vain(world: World, channel: Channel, to: number): boolean {
  return channel.capacity === 0 && world.operations.some(({ kind, cases, begun }) =>
    kind === 'select' && begun < to
      && cases.some((one) => one.kind === 'send' && one.held?.channel === channel))
}

function may_deny({ kind, options }: Operation): boolean {
  return kind === 'select' || options.hold
}
