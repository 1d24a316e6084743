/**
 * What became of every message, looked at when all is at rest and drained.
 *
 * Lives here: each message's fate against what its sender was told. Does not live here: what can be
 * seen of one outcome alone (outcome.ts), the order of messages (order.ts).
 */
import { channel_name, fate, named } from '../operation.ts'
import type { Case, Channel, Operation, Receipt } from '../operation.ts'
import type { World } from '../world.ts'
import { ghost, vanished } from './excuses.ts'

/** A message that was still in its channel at the end. */
export interface Drained { text: string, channel: Channel, again: boolean }

interface Message { text: string, operation: Operation, one: Case, nth: number,
  receipts: Receipt[], sure: Receipt[], drained: Drained[] }

export function check_messages(world: World, drained: readonly Drained[]): void {
  for (const { text, channel } of drained) {
    if (world.sent.get(text)?.one.held?.channel === channel) continue
    world.break('nothing_is_invented', `${text} was in ${channel_name(channel)}, and was not sent`)
  }
  for (const [text, origin] of world.sent) {
    const receipts = world.receipts.get(text) ?? []
    const message: Message = {
      ...origin, text, receipts, sure: receipts.filter((one) => !ghost(world, one)),
      drained: drained.filter((one) => one.text === text)
    }
    received_or_kept_once(world, message)
    accepted_is_kept(world, message)
    capacity_is_kept(world, message)
    refused_is_not_seen(world, message)
  }
}

function told(operation: Operation, nth: number): string {
  const { status, which } = operation.outcome ?? { status: 'nothing yet', which: 0 }
  return `told ${status}${operation.kind === 'select' ? ` (case ${which}, sent as ${nth})` : ''}`
}

/** No message is both received and still in its channel, or in it twice. */
function received_or_kept_once(world: World, message: Message): void {
  const { text, receipts, sure, drained } = message
  if (drained.length === 0) return
  const fresh = [...receipts, ...drained].filter(({ again }) => !again)
  if (fresh.length > 1 || sure.length + drained.length > 1) {
    world.break('at_most_once', `${text} was received ${receipts.length} times and was still in `
      + `its channel ${drained.length} times`)
  }
}

/**
 * Done: it was received, or is buffered, or its buffer is no more. What only a ghost received came
 * back to its owner, so that does not count.
 */
function accepted_is_kept(world: World, message: Message): void {
  const { text, operation, one, nth, sure, drained } = message
  if (fate(operation, nth) !== 'done' || sure.length + drained.length > 0) return
  const why = vanished(one.held!.channel)
  if (why !== undefined) world.excuse(`an accepted message ${why}`)
  else {
    world.break('accepted_is_kept', `${text} on ${channel_name(one.held!.channel)} was lost; `
      + `${named(operation)} was ${told(operation, nth)}`)
  }
}

/** Done at a rendezvous: somebody has it. */
function capacity_is_kept(world: World, { text, operation, one, nth, drained }: Message): void {
  const { channel } = one.held!
  if (channel.capacity > 0 || drained.length === 0 || fate(operation, nth) !== 'done') return
  world.break('capacity_is_kept', `${text} was in ${channel_name(channel)}, a rendezvous, though `
    + `${named(operation)} was ${told(operation, nth)}`)
}

/**
 * Not done, withdrawn, timed out, another case: nobody has it. One rule with three names, so that
 * it is seen which promise broke.
 */
function refused_is_not_seen(world: World, message: Message): void {
  const { text, operation, nth, receipts, sure, drained } = message
  const end = fate(operation, nth)
  if (end === 'done' || end === 'unknown') return
  const { status } = operation.outcome ?? { status: '' }
  // One that still waits may be with a ghost; else that is said to be unknown (PROTOCOL 22).
  const seen = end === 'waits' ? sure : receipts
  if (seen.length + drained.length === 0) return
  const invariant = operation.kind === 'select' && status === 'OK' ? 'exactly_one_case'
    : status === 'WITHDRAWN' || status === 'TIMED_OUT' ? 'withdrawn_has_no_effect'
    : 'refused_is_not_seen'
  const by = seen.map((receipt) => named(receipt.operation)).join(', ')
  world.break(invariant, `${text} was received by ${by === '' ? 'its channel' : by}; `
    + `${named(operation)} was ${told(operation, nth)}`)
}
