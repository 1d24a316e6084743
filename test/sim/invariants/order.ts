/**
 * The order in which one sender's messages on one channel are seen (PROTOCOL 20).
 *
 * Lives here: for two plain sends that one run of a peer began one after the other, what a receiver
 * may not see. Does not live here: anything about a single message.
 *
 * Promised: the first free message goes to the first free receiver. So of two receives that one
 * peer began one after the other, the later one does not get the earlier message; and an earlier
 * message is not received by a receive that began after the later one was received. Excused is a
 * message that some receiver may have denied: it came back to its place after later ones had gone.
 * Where nothing breaks, no later message is given to anybody before an earlier one is.
 * What is still buffered at rest has no excuse: everything is in its place then.
 */
import { named } from '../operation.ts'
import type { Receipt } from '../operation.ts'
import { has_faults } from '../program.ts'
import type { Step } from '../program.ts'
import type { World } from '../world.ts'
import type { Drained } from './messages.ts'
import { denied, kept_in_vain } from './excuses.ts'

export function check_order(world: World, drained: readonly Drained[]): void {
  check_buffers(world, drained)
  const punctual = is_punctual(world)
  for (const receipts of streams(world)) {
    for (let nth = 1; nth < receipts.length; nth++) {
      for (let before = 0; before < nth; before++) {
        compare(world, receipts[before]!, receipts[nth]!)
        if (punctual) overtake(world, receipts[before]!, receipts[nth]!)
      }
    }
  }
}

/** Receipts of plain sends, by run of the sender and channel, in the order of sending. */
function streams(world: World): Receipt[][] {
  const found = new Map<string, Receipt[]>()
  for (const [text, { operation, one }] of world.sent) {
    if (operation.kind !== 'send') continue
    const receipts = world.receipts.get(text) ?? []
    if (receipts.length !== 1 || receipts[0]!.again) continue
    const channel = world.channels.indexOf(one.held!.channel)
    const key = `${operation.place.name} ${operation.node.incarnation} ${channel}`
    const list = found.get(key)
    if (list === undefined) found.set(key, [receipts[0]!])
    else list.push(receipts[0]!)
  }
  return [...found.values()]
}

function compare(world: World, early: Receipt, late: Receipt): void {
  const [a, b] = [early.operation, late.operation]
  if (a.node !== b.node) return
  const same_line = a.kind === 'receive' && b.kind === 'receive' && !a.options.hold
    && !b.options.hold || a.reader !== undefined && a.reader === b.reader
  const turned = same_line ? a.begun > b.begun
    : a.reader === undefined && b.reader === undefined && a.begun > b.ended
  if (!turned) return
  const sent = world.sent.get(early.text)!.operation.begun
  if (denied(world, early.text, early.channel, sent, a.ended)) {
    world.excuse('a message that was denied came after later ones')
    return
  }
  if (same_line && kept_in_vain(world, early.channel, a.ended)) {
    world.excuse('a receive was kept for a select that went elsewhere')
    return
  }
  world.break('order_per_sender', `${late.text} was sent after ${early.text}, and ${named(b)} `
    + `received it before ${named(a)} received the other`)
}

/** Whether what an owner has to say is written at once: nothing broke, and no window was full. */
function is_punctual({ program }: World): boolean {
  return !has_faults(program) && !program.steps.some(is_long)
}

/** Whether a step has messages that fill a window. */
function is_long(step: Step): boolean {
  if (step.do === 'turn') return step.steps.some(is_long)
  return 'options' in step && step.options.bytes !== undefined
}

/** The later message went to somebody while the earlier one had been nobody's yet. */
function overtake(world: World, early: Receipt, late: Receipt): void {
  const [first_ms, then_ms] = [early, late].map((one) => matched_ms(world, one)) as [number, number]
  if (then_ms >= first_ms) return
  const sent = world.sent.get(early.text)!.operation.begun
  if (denied(world, early.text, early.channel, sent, early.operation.ended)) {
    world.excuse('a message that was denied came after later ones')
    return
  }
  world.break('order_per_sender', `${late.text} was sent after ${early.text} and given to `
    + `${named(late.operation)} while that one was nobody's`)
}

/** When a message was first given to somebody. */
function matched_ms(world: World, { text, operation }: Receipt): number {
  const [first] = world.deliveries.by_text.get(text) ?? []
  return Math.min(operation.ended_ms, first?.at_ms ?? operation.ended_ms)
}

function check_buffers(world: World, drained: readonly Drained[]): void {
  const plain = drained.flatMap(({ text, channel }) => {
    const operation = world.sent.get(text)?.operation
    return operation?.kind === 'send' ? [{ text, channel, operation }] : []
  })
  plain.forEach((late, nth) => {
    const early = plain.slice(nth + 1).find(({ channel, operation }) => channel === late.channel
      && operation.node === late.operation.node && operation.begun < late.operation.begun)
    if (early === undefined) return
    world.break('order_per_sender',
      `${early.text} was sent before ${late.text} and stood behind it`)
  })
}
