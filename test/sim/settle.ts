/**
 * The end of a program: healing, rest, draining, and the checks on the way.
 *
 * Lives here: the order of all that, and when the world is at rest. Does not live here: what must
 * hold (invariants/).
 */
import { REF_REMOTE, limits } from '../core/host.ts'
import { thaw } from './act.ts'
import { check_messages } from './invariants/messages.ts'
import { check_order } from './invariants/order.ts'
import { broken_at_rest } from './invariants/rest.ts'
import { check_settled, check_tables } from './invariants/tables.ts'
import type { Drained } from './invariants/messages.ts'
import type { Channel, Operation } from './operation.ts'
import { has_faults } from './program.ts'
import type { World } from './world.ts'

const SLICE_MS = 40
/** Two that could not reach each other for long dial again after REJOIN_MAX_MS. */
const REST_MS_MAX = limits.REJOIN_MAX_MS! + 120_000
/** A false alarm at rest is looked at again after this long. */
const SECOND_LOOK_MS = 12_000
const DRAINED_MAX = 10_000

/** Heals everything, waits for rest, checks, ends all channels, checks again. */
export function settle_and_check(world: World): void {
  world.story(() => 'every path is whole, everybody wakes')
  world.end()
  world.net.heal_all()
  for (const place of world.places) {
    thaw(world, place)
    place.node.lag_ms = 0
  }
  if (!rest(world, calm_of(world))) return
  // A message that a reader fetched ahead holds its sender for as long as nobody reads.
  for (const place of world.places) {
    if (!place.node.alive) continue
    for (const reader of [...place.readers]) world.end_reader(place, reader)
  }
  if (!rest(world)) return
  check_rest(world)
  const drained = drain(world)
  check_messages(world, drained)
  check_order(world, drained)
  finish(world)
}

function check_rest(world: World): void {
  let broken = broken_at_rest(world)
  if (broken.length > 0) {
    for (let left = SECOND_LOOK_MS; left > 0; left -= SLICE_MS) step(world)
    broken = broken_at_rest(world)
  }
  for (const { invariant, sentence } of broken) world.break(invariant, sentence)
}

/** Takes or denies what is offered, and lets a little time go by. */
function step(world: World): boolean {
  const offered = world.all_under_way().filter(({ node, op }) =>
    node.host.running.get(op)?.offered === true)
  for (const operation of offered) {
    const { node, op } = operation
    const take = !world.net.random.once_in(3)
    if (!take) operation.withdrawn = true
    node.do(() => take ? node.host.take(op) : node.host.withdraw(op))
  }
  world.wait(SLICE_MS)
  return offered.length > 0
}

/** Lets time go by until nothing moves any more; false, and noted, when that does not come. */
function rest(world: World, calm_ms = 8 * leg_of(world) + SLICE_MS): boolean {
  let since_ms = world.net.now_ms
  for (let left = REST_MS_MAX; left > 0; left -= SLICE_MS) {
    const busy = step(world) || !agreed(world)
      || world.all_under_way().some((one) => is_timed(world, one))
    if (busy) since_ms = world.net.now_ms
    since_ms = Math.max(since_ms, world.deliveries.talked_ms)
    if (world.net.now_ms - since_ms > calm_ms) return true
  }
  if (agreed(world)) world.break('every_operation_ends', 'there is no rest: somebody still talks')
  else world.break('all_join_again', `after ${REST_MS_MAX} ms: ${members(world)}`)
  return false
}

/** How long a frame is under way at most. */
function leg_of({ program: { delay_max_ms, uneven } }: World): number {
  return delay_max_ms * (uneven ? 10 : 1)
}

/** Silence of this length after faults means that no dial and no redial is to come either. */
function calm_of(world: World): number {
  const leg_ms = leg_of(world)
  return has_faults(world.program) ? 1.5 * limits.REDIAL_MAX_MS! + 8 * leg_ms : 2 * leg_ms + 10
}

/** Whether a timer of the operation is still to come; a send may outlast its timeout. */
function is_timed(world: World, operation: Operation): boolean {
  const { node, options, cases, at_ms, slept_ms } = operation
  const longest_ms = Math.max(options.timeout, ...cases.map(({ ms }) => ms))
  return longest_ms > 0 && world.net.now_ms < at_ms + longest_ms + node.slept_ms - slept_ms
}

/** Everybody sees everybody who lives, and nobody else. */
function agreed(world: World): boolean {
  const living = world.places.filter(({ node }) => node.alive).map(({ node }) => node)
  return living.every((node) => node.members.size === living.length - 1
    && living.every((other) => other === node || node.sees(other)))
}

function members(world: World): string {
  return world.places.filter(({ node }) => node.alive).map(({ node, name }) => {
    const seen = world.places.filter((other) => node.members.has(other.node.id)).map((other) =>
      `${other.name}(${node.members.get(other.node.id)})`)
    return `${name}(${node.incarnation}) sees ${seen.join(' ')}`
  }).join(', ')
}

/** The owner's own reference to each channel that still is there. */
function living(world: World): { channel: Channel, ref: number }[] {
  return world.channels.flatMap((channel) => {
    const { owner, path, home } = channel
    if (!owner.alive) return []
    const held = home.held.find((one) => one.channel === channel && (one.ref & REF_REMOTE) === 0)
    if (held !== undefined) return [{ channel, ref: held.ref }]
    if (path === undefined) return []
    const op = owner.do(() => owner.host.open(path))
    const outcome = owner.host.outcomes.get(op)
    owner.host.outcomes.delete(op)
    if (outcome?.status !== 'OK') return []
    home.held.push({ channel, ref: outcome.value, incarnation: owner.incarnation })
    return [{ channel, ref: outcome.value }]
  })
}

/** Closes every channel that lives and receives what is left in it. */
function drain(world: World): Drained[] {
  const drained: Drained[] = []
  const open = living(world)
  for (const { channel: { owner }, ref } of open) {
    const op = owner.do(() => owner.host.close(ref))
    owner.host.outcomes.delete(op)
  }
  rest(world)
  for (const { channel, ref } of open) {
    const { host } = channel.owner
    for (let left = DRAINED_MAX; left > 0; left--) {
      const op = channel.owner.do(() => host.receive(ref))
      const outcome = host.outcomes.get(op)
      host.outcomes.delete(op)
      if (outcome?.text === undefined) break
      for (const carried of outcome.refs) channel.owner.do(() => host.release(carried))
      drained.push({ text: outcome.text, channel, again: outcome.again })
    }
  }
  return drained
}

/** Scrubs and releases all; then every operation ends and nothing is kept. */
function finish(world: World): void {
  for (const { channel: { owner }, ref } of living(world)) {
    const op = owner.do(() => owner.host.scrub(ref))
    owner.host.outcomes.delete(op)
  }
  for (const { kind, subject } of world.operations) {
    if (kind !== 'make' || subject === undefined || !subject.home.node.alive) continue
    const { node } = subject.home
    node.host.outcomes.delete(node.do(() => node.host.scrub(0, subject.path)))
  }
  rest(world)
  check_settled(world)
  for (const { node, held } of world.places) {
    if (!node.alive) continue
    for (const { ref } of held) node.do(() => node.host.release(ref))
  }
  rest(world)
  check_tables(world)
}
