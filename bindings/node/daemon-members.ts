/**
 * The daemon's side of the verbs about the circuit and its members.
 *
 * Lives here: members, mk@join, mk@leave and invite, as calls of the public API. Does not live
 * here: the daemon's end and joining another circuit (daemon.ts), who is a member (core).
 */
import type { Channel } from '../js/channel.ts'
import type { Circuit, MemberEvent, Right } from '../js/circuit.ts'
import type { Worker } from './daemon-channels.ts'
import type { Errand } from './daemon-errand.ts'
import { toJson } from './daemon-json.ts'

/** Events that a channel made by mk@join or mk@leave holds for its readers; then it waits. */
const EVENTS_CAPACITY = 64

export const member_workers: { readonly [verb: string]: Worker } = {
  members, invite,
  'mk@join': (errand, circuit) => feed(errand, circuit, 'joined'),
  'mk@leave': (errand, circuit) => feed(errand, circuit, 'left')
}

async function members(errand: Errand, circuit: Circuit): Promise<void> {
  if (!errand.flag('follow')) {
    const joined = circuit.peers().map((peer) => `${toJson({ event: 'joined', peer })}\n`)
    return errand.print(joined.join(''))
  }
  const events = circuit.members()
  try {
    for (;;) {
      const { value, ok } = await events.receive({ signal: errand.signal })
      if (!ok) return
      await errand.print(`${toJson(value)}\n`)
    }
  } finally {
    events[Symbol.dispose]()
  }
}

/**
 * Makes a channel and feeds it for as long as this peer is in the circuit and the channel takes
 * messages. An event waits for room; those behind it wait in the core's own list of events.
 */
async function feed(errand: Errand, circuit: Circuit, kind: MemberEvent['event']): Promise<void> {
  const path = errand.text('path')
  const channel = await circuit.make<MemberEvent>(path, { capacity: EVENTS_CAPACITY })
  void pump(circuit, channel, kind)
}

async function pump(
  circuit: Circuit, channel: Channel<MemberEvent>, kind: MemberEvent['event']
): Promise<void> {
  try {
    for await (const event of circuit.members()) {
      if (event.event === kind) await channel.send(event)
    }
    await channel.close()
  } catch {
    // Closed or scrubbed by somebody, or its peer left: nobody is to be fed any more.
  }
  channel[Symbol.dispose]()
}

async function invite(errand: Errand, circuit: Circuit): Promise<void> {
  const { rights } = errand.request
  const expires = errand.number('expires')
  const ticket = await circuit.invite({
    ...rights === undefined ? {} : { rights: errand.texts('rights') as Right[] },
    ...expires === undefined ? {} : { expires }
  })
  await errand.print(`${ticket}\n`)
}
