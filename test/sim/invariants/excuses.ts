/**
 * What may look wrong and is as spec/protocol.md says.
 *
 * Lives here: each excuse as a function that says exactly when it holds; whoever uses one counts it
 * in the world, so that an excuse that is too wide shows. Does not live here: the invariants.
 */
import type { Node } from '../../net/node.ts'
import type { Channel, Operation, Receipt } from '../operation.ts'
import type { World } from '../world.ts'

/**
 * A receiver that was declared left and lives on has taken a message whose grant never came to the
 * owner (the last paragraph of PROTOCOL). Exactly: the message went out to this peer, and of no
 * time that it did the owner took the grant while it was in that session.
 */
export function ghost(world: World, { operation, text, channel }: Receipt): boolean {
  if (operation.node === channel.owner) return false
  const all = world.deliveries.to(text, operation.node)
  return all.length > 0 && all.every(({ granted }) => !granted)
    && parted(channel.owner, operation.node)
}

/** Whether the session of two peers has ended at least once, for the first of them. */
function parted(owner: Node, other: Node): boolean {
  return !owner.alive || owner.events.some(({ event, id }) => event === 'left' && id === other.id)
}

/**
 * A message was out to a peer that its owner then declared left: only then *again* is true. It may
 * not have been written yet, so what counts is that a receive of that peer's run was there for it.
 */
export function came_back(world: World, { text, channel }: Receipt): boolean {
  const { owner } = channel
  // One that leaves ends its sessions itself, and hears no `left` of the others.
  if (world.leaves.has(owner)) return true
  const left = owner.events.filter(({ event }) => event === 'left')
  const all = world.deliveries.by_text.get(text) ?? []
  return left.some(({ id, at_ms }) => all.some((one) => one.owner === owner && one.to.id === id
    && one.at_ms <= at_ms && !one.granted)
    || world.operations.some(({ node, cases, at_ms: began_ms }) => node.id === id
      && node !== owner && began_ms <= at_ms && cases.some(({ kind, held }) =>
      held?.channel === channel && kind !== 'send')))
}

/** A window had fetched the message at a rendezvous, where only a buffer holds up the end. */
export function read_ahead(world: World, { kind, node, outcome }: Operation,
  { capacity, owner }: Channel): boolean {
  return kind === 'read' && capacity === 0 && node !== owner
    && world.deliveries.to(outcome!.text!, node).length > 0
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
 */
export function denied(world: World, text: string, channel: Channel, from: number,
  to: number): boolean {
  if (world.deliveries.by_text.get(text)?.some(({ granted }) => !granted) === true) return true
  return world.operations.some((one) => one.node === channel.owner && may_deny(one)
    && one.begun < to && (one.ended === 0 || one.ended > from)
    && one.cases.some(({ kind, held }) => kind === 'receive' && held?.channel === channel))
}

/**
 * A receive that was kept for a select's send which then went elsewhere (PROTOCOL 10, 12) is free
 * again after later receives were served.
 */
export function kept_in_vain(world: World, channel: Channel, to: number): boolean {
  return world.operations.some(({ kind, cases, begun }) => kind === 'select' && begun < to
    && cases.some((one) => one.kind === 'send' && one.held?.channel === channel))
}

function may_deny({ kind, options }: Operation): boolean {
  return kind === 'select' || options.hold
}
