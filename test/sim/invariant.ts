/**
 * What must hold after a random program, whatever it was.
 *
 * Lives here: healing, the checks at rest, draining, the checks of every message's fate.
 * Does not live here: the programs (program.ts).
 *
 * In PROTOCOL's words: a message is received at most once unless it is marked again; a send that
 * is done was received, is buffered, or was lost with its owner or a scrub; a send that is not done
 * was received by nobody; exactly one case of each select; after healing every operation ends and
 * no two offers that fit stay parked; payloads return.
 */
import { limits } from '../core/door.ts'
import type { Node } from '../net/node.ts'
import { used_bytes } from './world.ts'
import type { Record, World } from './world.ts'

const REST_MS = 8_000
const TURNS_MAX = 500
/** Tables that widened once, and nothing that grows with what happened. */
const GROWTH_BYTES_MAX = 1024
/** A peer that is declared left may have taken messages this long before, by an owner awake. */
const GHOST_MS = 6_000

interface Receipt { record: Record, text: string, channel: number, again: boolean, at_ms: number }

/** Heals everything, waits for rest, checks, ends all channels, checks again. */
export function settle_and_check(world: World): void {
  const { net } = world
  net.heal_all()
  for (const node of net.nodes) if (node.alive) node.thaw()
  rest(world)
  // Two peers that could not reach each other for long dial again after REJOIN_MAX_MS.
  for (let left = limits.REJOIN_MAX_MS! + REST_MS; left > 0 && !net.meshed(); left -= 1_000) {
    rest(world, 1_000)
  }
  if (!net.meshed()) throw new Error(`not all joined again: ${members(world)}`)
  // A message that a reader fetched ahead holds its sender for as long as nobody reads.
  end_readers(world)
  check_parked(world)
  const drained = drain(world)
  check_messages(world, drained)
  finish(world)
}

function members(world: World): string {
  return world.net.nodes.filter((node) => node.alive).map((node) => {
    const seen = world.net.nodes.filter((other) => other !== node && node.sees(other))
    return `${node.name}(${node.incarnation}) sees ${seen.map(({ name }) => name).join('')}`
  }).join(', ')
}

/** Lets time go by; offers that wait for a decision are taken or denied until there are none. */
function rest(world: World, ms = REST_MS): void {
  for (let left = ms, turns = 0; left > 0 || decide(world) > 0; left -= 200) {
    if (++turns > TURNS_MAX) throw new Error('offers never end')
    decide(world)
    world.wait(200)
  }
}

/** Takes or denies what is offered, and gives how many there were. */
function decide(world: World): number {
  const offered = world.records.filter(({ node, op, outcome }) => outcome === undefined
    && node.alive && node.host.running.get(op)?.offered === true)
  for (const { node, op } of offered) {
    node.do(() => world.net.random.once_in(3) ? node.host.withdraw(op) : node.host.take(op))
  }
  return offered.length
}

/** Whether a channel can still be used from a node as it was when the program began. */
function reachable(world: World, node: Node, channel: number): boolean {
  const owner = world.owner(channel)
  return node.alive && (node === owner || owner.alive && !world.renewed(owner))
}

/** Waiting cases of a channel, by kind. */
function parked(world: World, channel: number, kind: string): Record[] {
  return world.records.filter(({ node, outcome, cases }) => outcome === undefined && node.alive
    && reachable(world, node, channel)
    && cases.some((one) => one.kind === kind && one.channel === channel))
}

/** No two offers that fit each other stay parked, and nobody waits for a channel that ended. */
function check_parked(world: World): void {
  for (const { node, outcome, kind, cases } of world.records) {
    if (outcome !== undefined || !node.alive) continue
    if (['close', 'scrub', 'stat', 'open'].includes(kind)) throw new Error(`a ${kind} never ends`)
    const lost = cases.find(({ kind: one, channel }) =>
      one !== 'after' && !reachable(world, node, channel))
    // A reference that came anew from a peer that came back is good again.
    if (lost !== undefined && !world.owner(lost.channel).alive) {
      throw new Error(`${kind} of ${node.name} waits for a peer that left`)
    }
  }
  world.program.channels.forEach(({ capacity }, nth) => {
    const owner = world.owner(nth)
    if (!owner.alive || world.renewed(owner)) return
    const senders = parked(world, nth, 'send')
    const receivers = parked(world, nth, 'receive')
    if (world.ended[nth] === 'scrubbed') return
    const ref = world.refs[world.net.nodes.indexOf(owner)]![nth]!
    const stat = owner.do(() => owner.host.stat(ref))
    const seen = owner.host.stats.get(stat)
    if (seen === undefined) {
      if (senders.length + receivers.length > 0) throw new Error(`waiting on a scrubbed c${nth}`)
      return
    }
    const told = `c${nth}: ${JSON.stringify(seen)}`
    if (seen.out !== 0) throw new Error(`something is out at rest, ${told}`)
    if (seen.closed !== 0 && senders.length > 0) throw new Error(`senders after close, ${told}`)
    if (seen.closed !== 0 && seen.buffered === 0 && receivers.length > 0) {
      throw new Error(`receivers after close, ${told}`)
    }
    if (seen.buffered > 0 && receivers.length > 0) throw new Error(`a message waits, ${told}`)
    if (seen.buffered < capacity && senders.length > 0) throw new Error(`room waits, ${told}`)
    if (capacity === 0 && senders.some((one) => receivers.some((two) => one !== two))) {
      throw new Error(`a sender and a receiver wait, ${told}`)
    }
  })
}

/** Stops all readers, whose unread messages go back. */
function end_readers(world: World): void {
  for (const reader of [...world.readers]) if (reader.node.alive) world.end_reader(reader)
  const reads = world.records.filter(({ node, kind, outcome }) =>
    kind === 'read' && outcome === undefined && node.alive)
  for (const { node, op } of reads) {
    if (node.host.running.has(op)) throw new Error('a read outlives its reader')
  }
  rest(world, 1_000)
}

interface Drained { text: string, channel: number, again: boolean }

/** Closes every channel that lives and receives what is left in it. */
function drain(world: World): Drained[] {
  const left: Drained[] = []
  world.program.channels.forEach((_, nth) => {
    const owner = world.owner(nth)
    if (!owner.alive) return
    const ref = world.refs[world.net.nodes.indexOf(owner)]![nth]!
    owner.do(() => owner.host.close(ref))
    rest(world, 800)
    for (;;) {
      const op = owner.do(() => owner.host.receive(ref))
      const { status, text, again } = owner.host.outcome(op)
      if (status === 'OK') left.push({ text: text!, channel: nth, again })
      else break
    }
  })
  return left
}

function receipts_of(world: World): Receipt[] {
  return world.records.flatMap((record) => {
    const { outcome } = record
    if (outcome?.text === undefined) return []
    const one = record.cases[outcome.which]!
    if (one.kind !== 'receive') throw new Error('a message for a case that does not receive')
    return [{ record, text: outcome.text, channel: one.channel, again: outcome.again,
      at_ms: record.ended_ms }]
  })
}

/**
 * A receipt that its channel's owner may not know of, because it had declared the receiver left, or
 * left itself, or was itself declared left.
 */
function ghost(world: World, receipt: Receipt): boolean {
  const owner = world.owner(receipt.channel)
  const { node, incarnation } = receipt.record
  if (node !== owner && (world.leaving.has(owner) || world.renewed(owner))) return true
  return node !== owner && owner.events.some((one) => one.event === 'left' && one.id === node.id
    && one.incarnation === incarnation && one.at_ms < receipt.at_ms + GHOST_MS + owner.slept_ms)
}

/** A message and what became of it, checked against what its sender was told. */
function check_messages(world: World, drained: Drained[]): void {
  const receipts = receipts_of(world)
  const sent = new Map(world.records.flatMap((record) => record.cases.flatMap((one, nth) =>
    one.kind === 'send' ? [[one.text, { record, one, nth }] as const] : [])))
  for (const { text, channel } of [...receipts, ...drained]) {
    const origin = sent.get(text)
    if (origin === undefined) throw new Error(`${text} was never sent`)
    if (origin.one.channel !== channel) throw new Error(`${text} came out of another channel`)
  }
  for (const [text, { record, one, nth }] of sent) {
    const all = receipts.filter((receipt) => receipt.text === text)
    const mine = drained.filter((message) => message.text === text)
    const fresh = [...all, ...mine].filter((message) => !message.again)
    const sure = all.filter((receipt) => !ghost(world, receipt))
    const rest = mine.length
    const told = fate(record, nth)
    const say = `${text} on c${one.channel} of ${record.node.name}, told ${told}`
    if (fresh.length > 1) throw new Error(`${say}, was received twice`)
    if (sure.length + rest > 1) throw new Error(`${say}, was received ${sure.length + rest} times`)
    if (all.some(({ again }) => again) && !left_somewhere(world)) {
      throw new Error(`${say}, came again though nobody was declared left`)
    }
    if (told === 'not done' && sure.length + rest > 0) throw new Error(`${say}, was received`)
    if (told === 'done' && all.length + rest === 0 && !may_vanish(world, one.channel)) {
      throw new Error(`${say}, was lost`)
    }
  }
}

/** Sessions end by a peer that is declared left, and by one's own leaving. */
function left_somewhere(world: World): boolean {
  return world.leaving.size > 0 ||
    world.net.nodes.some(({ events }) => events.some(({ event }) => event === 'left'))
}

/** A buffer's messages go with its owner's death or a scrub. */
function may_vanish(world: World, channel: number): boolean {
  return !world.owner(channel).alive || world.ended[channel] === 'scrubbed'
}

/** What a sender was told of one of its cases. */
function fate({ outcome, node }: Record, nth: number): 'done' | 'not done' | 'unknown' {
  if (outcome === undefined) return node.alive ? 'not done' : 'unknown'
  if (outcome.status === 'OK') return outcome.which === nth ? 'done' : 'not done'
  return outcome.unknown && outcome.which === nth ? 'unknown' : 'not done'
}

/** Scrubs all; then every operation ends and nothing is kept. */
function finish(world: World): void {
  world.program.channels.forEach((_, nth) => {
    const owner = world.owner(nth)
    if (!owner.alive) return
    const ref = world.refs[world.net.nodes.indexOf(owner)]![nth]!
    owner.do(() => owner.host.scrub(ref))
  })
  world.wait(4_000)
  world.net.nodes.forEach((node, nth) => {
    if (!node.alive) return
    node.host.check_settled(node.own_texts())
    for (const ref of world.refs[nth] ?? []) node.do(() => node.host.release(ref))
  })
  world.wait(500)
  world.net.nodes.forEach((node, nth) => {
    const growth = used_bytes(node) - (world.used_bytes[nth] ?? used_bytes(node))
    if (!node.alive || growth <= GROWTH_BYTES_MAX) return
    throw new Error(`${node.name} keeps ${growth} bytes`)
  })
}
