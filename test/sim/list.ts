/**
 * Lists of messages, sent and received as programs do it.
 *
 * Lives here: one call for what can be sent or received at once, a plain operation for what must
 * wait, and going on with the list after it. Does not live here: the calls (test/core/short.ts),
 * other steps (act.ts).
 *
 * Invariant: what a call did not take was not begun: if it is received, nobody sent it.
 */
import { ShortHost } from '../core/short.ts'
import { case_on, channel_name, held_of } from './operation.ts'
import type { Case, Held, Place } from './operation.ts'
import type { Step } from './program.ts'
import type { World } from './world.ts'

type ListStep = Extract<Step, { do: 'send_list' | 'receive_list' }>

export function list(world: World, place: Place, step: ListStep): void {
  const held = held_of(place, step.channel)
  if (held === undefined) return
  const { name } = place
  const where = channel_name(held.channel)
  if (step.do === 'receive_list') {
    world.story(() => `${name} receives a list of up to ${step.count} from ${where}`)
    receive_list(world, place, held, step.count, true)
    return
  }
  const texts = Array.from({ length: step.count }, () => world.text(place))
  world.story(() => `${name} sends a list to ${where}: ${texts.join(' ')}`)
  send_list(world, place, held, texts)
}

/** The host of a peer, when it can take a list in one call now. */
function listing(place: Place): ShortHost | undefined {
  const { host } = place.node
  return host instanceof ShortHost && host.idle ? host : undefined
}

/** Goes on, unless the peer has given its reference up or has another one. */
function with_same(place: Place, { channel, ref }: Held, go_on: (held: Held) => void): void {
  const held = place.held.find((one) => one.channel === channel && one.ref === ref)
  if (held !== undefined) go_on(held)
}

function send_list(world: World, place: Place, held: Held, texts: readonly string[]): void {
  const sending = (text: string): Case => ({ ...case_on('send', held), text })
  const host = listing(place)
  const sent = host === undefined ? 0 : world.begin_listed(place, 'send', texts.map(sending),
    () => host.send_list(held.ref, texts))
  const [first, ...rest] = texts.slice(sent)
  if (first === undefined) return
  world.begin(place, 'send', [sending(first)], (node) => node.host.send(held.ref, first), {
    then: () => {
      if (rest.length > 0) with_same(place, held, (same) => send_list(world, place, same, rest))
    }
  })
}

/** `waits`: for a first one when there is none. */
function receive_list(world: World, place: Place, held: Held, most: number, waits: boolean): void {
  const one = case_on('receive', held)
  const host = listing(place)
  const received = host === undefined ? 0 : world.begin_listed(place, 'receive',
    Array.from({ length: most }, () => one), () => host.receive_list(held.ref, most))
  if (received > 0 || !waits) return
  world.begin(place, 'receive', [one], (node) => node.host.receive(held.ref), {
    then: () => {
      if (most < 2) return
      with_same(place, held, (same) => receive_list(world, place, same, most - 1, false))
    }
  })
}
