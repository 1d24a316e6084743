/**
 * What every single outcome must be, looked at in the turn in which it came.
 *
 * Lives here: invariants that are cheap enough for every event. Does not live here: those about all
 * that became of a message (messages.ts), order (order.ts), rest (rest.ts).
 */
import { WHICH_DEFAULT } from '../../core/host.ts'
import { channel_name, named, receipt_of } from '../operation.ts'
import type { Operation, Receipt } from '../operation.ts'
import type { World } from '../world.ts'
import { came_back, ghost } from './excuses.ts'

/** A timer runs late by as much as its peer is slow or sleeps, and no more. */
const TIMER_SLACK_MS = 1

export function check_outcome(world: World, operation: Operation): void {
  const receipt = receipt_of(operation)
  if (receipt !== undefined) {
    nothing_is_invented(world, receipt)
    at_most_once(world, receipt)
    again_only_after_left(world, receipt)
  }
  exactly_one_case(world, operation)
  timeouts_are_exact(world, operation)
  closed_is_final(world, operation)
}

/** A message was sent once upon a time, on the channel out of which it came. */
function nothing_is_invented(world: World, { operation, text, channel }: Receipt): void {
  const origin = world.sent.get(text)
  if (origin === undefined) {
    world.break('nothing_is_invented', `${named(operation)} received ${text}, which nobody sent`)
  } else if (origin.one.held!.channel !== channel) {
    world.break('partners_agree', `${text} was sent on ${channel_name(origin.one.held!.channel)} `
      + `and came out of ${channel_name(channel)}`)
  }
}

/** A message is received once, but for those that come again and those that only ghosts have. */
function at_most_once(world: World, receipt: Receipt): void {
  const { text, operation } = receipt
  const all = world.receipts.get(text) ?? []
  all.push(receipt)
  world.receipts.set(text, all)
  if (all.filter(({ again }) => !again).length > 1) {
    world.break('at_most_once', `${text} was received twice and neither time as again, `
      + `the second time by ${named(operation)}`)
  }
  if (all.length === 1) return
  const sure = all.filter((one) => !ghost(world, one))
  if (sure.length < all.length) world.excuse('received by a peer that was declared left as well')
  if (sure.length > 1) {
    world.break('at_most_once', `${text} was received ${sure.length} times by peers that were not `
      + `declared left, the last time by ${named(operation)}`)
  }
}

/** The mark again appears only where a receiver was declared left. */
function again_only_after_left(world: World, receipt: Receipt): void {
  if (!receipt.again) return
  if (came_back(world, receipt)) world.excuse('a message came again')
  else if (world.leaves.has(receipt.channel.owner)) {
    world.excuse('a message came again at an owner that leaves')
  } else {
    world.break('again_only_after_left', `${receipt.text} came again to `
      + `${named(receipt.operation)} though it was out to nobody that was declared left`)
  }
}

/** Of a select one case happened: one that it has, and the one that it says. */
function exactly_one_case(world: World, operation: Operation): void {
  const { kind, cases, outcome, options, at_ms, ended_ms } = operation
  const { status, which, text } = outcome!
  const wrong = (why: string): void => {
    world.break('exactly_one_case', `${named(operation)}: ${why}`)
  }
  if (status === 'WOULD_BLOCK' && !options.try) wrong('would block, and was ready to wait')
  if (kind !== 'select' || status !== 'OK') return
  if (which === WHICH_DEFAULT) {
    if (!options.try) wrong('took a default that it has not')
    return
  }
  const one = cases[which]
  if (one === undefined) wrong(`took case ${which}, which it has not`)
  else if ((one.kind === 'receive') !== (text !== undefined)) {
    wrong(`took a case ${one.kind} ${text === undefined ? 'without' : 'with'} a message`)
  } else if (one.kind === 'after' && ended_ms - at_ms < one.ms) {
    wrong(`its timer of ${one.ms} ms was due after ${ended_ms - at_ms}`)
  }
}

/** A timeout is neither early nor, for a receive, late (PROTOCOL 5). */
function timeouts_are_exact(world: World, operation: Operation): void {
  const { node, kind, outcome, options, at_ms, ended_ms, slept_ms, lag_ms } = operation
  const took_ms = ended_ms - at_ms
  const { status } = outcome!
  if (status === 'TIMED_OUT' && (options.timeout === 0 || took_ms < options.timeout)) {
    world.break('timeouts_are_exact', `${named(operation)} timed out after ${took_ms} ms of `
      + `${options.timeout}`)
  }
  if (options.timeout === 0 || world.program.gather || kind !== 'receive' && kind !== 'read') return
  const late_ms = 2 * Math.max(lag_ms, node.lag_ms) + node.slept_ms - slept_ms + TIMER_SLACK_MS
  if (took_ms > options.timeout + late_ms) {
    world.break('timeouts_are_exact', `${named(operation)} ended after ${took_ms} ms, and was `
      + `allowed ${options.timeout}`)
  }
}

/** The withdrawal of a receive has happened when it is said (PROTOCOL 5). */
export function check_withdrawal(world: World, operation: Operation): void {
  if (operation.kind !== 'receive' && operation.kind !== 'read') return
  if (operation.outcome === undefined) {
    world.break('a_withdrawal_is_exact', `${named(operation)} was withdrawn and goes on waiting`)
  }
}

/** What is closed stays closed, and what is drained stays empty (PROTOCOL 17, 18). */
function closed_is_final(world: World, operation: Operation): void {
  const { kind, cases, outcome, begun, ended } = operation
  const { status, which, text } = outcome!
  // None of the cases happened: perhaps none of them was even asked about.
  if (which === WHICH_DEFAULT) return
  const one = cases[which] ?? cases[0]
  const channel = one?.held?.channel
  if (channel === undefined) return
  const wrong = (why: string): void => world.break('closed_is_final',
    `${named(operation)} ${why} on ${channel_name(channel)}`)
  if (kind === 'close' && status === 'OK') {
    if (channel.close_done) wrong('was done a second time')
    channel.close_done = true
    channel.closed ||= ended
  }
  if (kind === 'scrub' && status === 'OK') {
    channel.scrubbed ||= ended
    channel.closed ||= ended
  }
  if (one!.kind === 'send' && status === 'OK' && channel.closed > 0 && begun > channel.closed) {
    wrong('was done after it was closed')
  }
  if (one!.kind !== 'receive') return
  if (status === 'CLOSED') channel.drained ||= ended
  if (text === undefined) return
  const empty = channel.drained > 0 && begun > channel.drained
    || channel.scrubbed > 0 && begun > channel.scrubbed && kind !== 'read'
  if (!empty) return
  if (ghost(world, receipt_of(operation)!)) world.excuse('read ahead by a peer declared left')
  else wrong('received a message after nothing was left')
}
