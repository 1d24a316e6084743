/**
 * What must hold once every path is whole, everybody is awake and nothing moves any more.
 *
 * Lives here: operations that should have ended, offers that fit and stay parked, offers without an
 * operation. Does not live here: how rest is reached (settle.ts), what became of messages.
 */
import { REF_REMOTE, limits } from '../../core/host.ts'
import type { Stats } from '../../core/host.ts'
import { channel_name, named } from '../operation.ts'
import type { Channel, Held, Operation } from '../operation.ts'
import type { Broken, World } from '../world.ts'

/** Kinds that wait for nobody's partner. */
const PROMPT = ['close', 'scrub', 'stat', 'open', 'make', 'reader', 'leave']

/** All that does not hold at rest; nothing is noted, since it may only be too early. */
export function broken_at_rest(world: World): Broken[] {
  const broken: Broken[] = []
  const waiting = world.operations.filter(({ outcome, node }) =>
    outcome === undefined && node.alive)
  for (const operation of waiting) {
    const why = should_have_ended(operation)
    if (why === undefined) continue
    broken.push({ invariant: 'every_operation_ends', sentence: `${named(operation)} ${why}` })
  }
  for (const channel of world.channels) {
    if (channel.owner.alive) broken.push(...parked(world, channel, waiting))
  }
  return broken
}

function should_have_ended({ kind, node, cases, options }: Operation): string | undefined {
  if (PROMPT.includes(kind)) return 'never ends'
  if (options.try) return 'was not ready to wait, and waits'
  const lost = cases.find(({ held }) => held !== undefined && leads(held, node) === 'nowhere')
  return lost === undefined ? undefined
    : `waits for ${channel_name(lost.held!.channel)}, whose owner has left`
}

/** Whether a reference still leads to its channel. */
function leads(held: Held, node: Operation['node']): 'there' | 'nowhere' | 'perhaps' {
  const { owner } = held.channel
  if (!owner.alive) return 'nowhere'
  if ((held.ref & REF_REMOTE) === 0 || owner === node) return 'there'
  if (held.incarnation === 0) return 'perhaps'
  return held.incarnation === owner.incarnation ? 'there' : 'nowhere'
}

/** Cases that wait on a channel: for sure, and perhaps. */
function count(channel: Channel, waiting: readonly Operation[], kind: string): [number, number] {
  let sure = 0
  let perhaps = 0
  for (const { cases, node } of waiting) {
    for (const one of cases) {
      if (one.kind !== kind || one.held?.channel !== channel) continue
      const where = leads(one.held, node)
      const there = where === 'there'
        && (kind !== 'send' || !may_hold_back(waiting, node, channel.owner))
      if (there) sure++
      else if (where !== 'nowhere') perhaps++
    }
  }
  return [sure, perhaps]
}

/** Whether a core holds sends back that would be too much for their owner (WIRE-12). */
function may_hold_back(waiting: readonly Operation[], node: Operation['node'],
  owner: Operation['node']): boolean {
  let bytes = limits.MESSAGE_BYTES_MAX!
  for (const one of waiting) {
    const [first] = one.cases
    if (one.kind === 'send' && one.node === node && first!.held!.channel.owner === owner) {
      bytes += first!.bytes
    }
  }
  return bytes > limits.PARKED_BYTES_PER_PEER_MAX! && node !== owner
}

function parked(world: World, channel: Channel, waiting: readonly Operation[]): Broken[] {
  const [senders] = count(channel, waiting, 'send')
  const [receivers] = count(channel, waiting, 'receive')
  const seen = stats_of(world, channel)
  const broken: Broken[] = []
  const wrong = (invariant: string, why: string): void => {
    const told = seen === undefined ? 'gone' : JSON.stringify(seen)
    broken.push({ invariant, sentence: `${channel_name(channel)}: ${why} (${told})` })
  }
  if (seen === undefined) {
    if (senders + receivers > 0) wrong('every_operation_ends', 'scrubbed, and somebody waits')
    return broken
  }
  const { buffered, closed, capacity } = seen
  if (buffered > capacity) wrong('capacity_is_kept', 'more is buffered than there is room for')
  if (seen.out !== 0) wrong('no_match_stays_parked', 'a message is out')
  if (closed !== 0 && senders > 0) wrong('every_operation_ends', 'closed, and a sender waits')
  if (closed !== 0 && buffered === 0 && receivers > 0) {
    wrong('every_operation_ends', 'closed and empty, and a receiver waits')
  }
  if (buffered > 0 && receivers > 0) wrong('no_match_stays_parked', 'a message and a receiver wait')
  if (buffered < capacity && senders > 0) wrong('no_match_stays_parked', 'room and a sender wait')
  if (capacity === 0 && pairs(channel, waiting)) {
    wrong('no_match_stays_parked', 'a sender and a receiver wait')
  }
  check_counts(channel, waiting, seen, wrong)
  return broken
}

/** Two operations that wait, one to send and another to receive. */
function pairs(channel: Channel, waiting: readonly Operation[]): boolean {
  const of_kind = (kind: string): Operation[] =>
    waiting.filter(({ cases, node }) => cases.some((one) =>
      one.kind === kind && one.held?.channel === channel && leads(one.held, node) === 'there'))
  const receivers = of_kind('receive')
  return of_kind('send').some((one) => receivers.some((other) => other !== one)
    && !may_hold_back(waiting, one.node, channel.owner))
}

/** An owner has exactly the offers that somebody waits with: no phantom, none forgotten. */
function check_counts(channel: Channel, waiting: readonly Operation[], seen: Stats,
  wrong: (invariant: string, why: string) => void): void {
  for (const [kind, there] of [['send', seen.senders], ['receive', seen.receivers]] as const) {
    const [sure, perhaps] = count(channel, waiting, kind)
    if (there > sure + perhaps) {
      wrong('no_phantoms', `${there} offers to ${kind}, and ${sure + perhaps} operations`)
    } else if (there < sure) {
      wrong('no_offer_is_forgotten', `${there} offers to ${kind}, and ${sure} operations`)
    }
  }
}

/** What the owner's own stat says, or undefined when the channel is no more. */
function stats_of(world: World, channel: Channel): Stats | undefined {
  const { owner } = channel
  const held = world.places[channel.home.nth]!.held.find((one) => one.channel === channel
    && (one.ref & REF_REMOTE) === 0)
  if (held === undefined && channel.path === undefined) return undefined
  const path = held === undefined ? channel.path! : ''
  const op = owner.do(() => owner.host.stat(held?.ref ?? 0, path))
  const seen = owner.host.stats.get(op)
  owner.host.stats.delete(op)
  owner.host.outcomes.delete(op)
  return seen
}
