/**
 * Round trips, counted: how many ways of the network an operation needs, the machine left out.
 *
 * Lives here: selects over owners elsewhere, the first message on a new channel, a link from
 * nothing over real libp2p. Does not live here: the network without a machine (virtual.ts), the one
 * that is only slow (slow-road.ts), time (remote.ts).
 */
import { select, type Channel, type Circuit } from './circuit.ts'
import type { Fact } from './goal.ts'
import { linkFromNothing } from './slow-road.ts'
import type { Part } from './timing.ts'
import { circle, WAY_MS, type Circle } from './virtual.ts'

const WORK = 'round trips, counted'
const TRIP_MS = 2 * WAY_MS
/** For what was begun to come to rest: many round trips. */
const REST_MS = 50 * TRIP_MS

const NAMES = ['alice', 'bob', 'carol', 'dave'] as const
/** Ids decide who goes first where two meet: each case is counted in both orders. */
const ORDERS = [1, -1]

type Four = Circle<typeof NAMES>

/** A case: `ready` brings about what is measured, `act` is measured from its call to its end. */
interface Case {
  name: string
  target?: { text: string, most: number }
  count(four: Four): Promise<number>
}

/** The part. */
export function tripCounts(): Part {
  return { counts: [tripsCounted, async () => [await linkFromNothing()]] }
}

const CASES: Case[] = [
  { name: 'a send to an owner elsewhere', count: sent },
  { name: 'a receive from an owner elsewhere', count: received },
  {
    name: 'select over two owners, one has a message', count: (four) => receives(four, 1),
    target: { text: '≤ 1.3', most: 1.3 }
  },
  {
    name: 'select over two owners, both have a message', count: (four) => receives(four, 2),
    target: { text: '≤ 1.3', most: 1.3 }
  },
  {
    name: 'select of two sends, both have room', count: sendsWithRoom,
    target: { text: '≤ 2.3', most: 2.3 }
  },
  {
    name: 'select of two sends, a receive of a third peer is parked', count: sendToParked,
    target: { text: '≤ 3.3', most: 3.3 }
  },
  {
    name: 'two selects meet at both of two owners, from the match', count: selectsMeet,
    target: { text: '≤ 4', most: 4 }
  },
  {
    name: 'a new channel inside a message: extra until its first message is here',
    count: newChannel, target: { text: '0 extra', most: 0 }
  },
  { name: 'a channel opened by its path: extra until the first send is done', count: opened }
]

/** The cases that need no machine, each the most of both orders. */
export async function tripsCounted(): Promise<Fact[]> {
  const facts: Fact[] = []
  for (const { name, target, count } of CASES) {
    let most = 0
    for (const order of ORDERS) {
      const four = await circle(NAMES, order)
      try {
        most = Math.max(most, await count(four))
      } finally {
        await four.end()
      }
    }
    facts.push({ work: WORK, name, value: most, unit: 'trips', ...(target && { target }) })
  }
  return facts
}

/** Round trips from the call until it is over. */
async function tripsOf({ clock }: Four, act: () => Promise<unknown>): Promise<number> {
  const from_ms = clock.now_ms()
  await clock.until(act())
  return (clock.now_ms() - from_ms) / TRIP_MS
}

/** A channel of `owner`, opened by `user`. */
async function shared(
  four: Four, owner: Circuit, user: Circuit, capacity: number
): Promise<{ theirs: Channel<number>, ours: Channel<number> }> {
  const path = 'channel'
  const theirs = await four.clock.until(owner.make<number>(path, { capacity }))
  const ours = await four.clock.until(user.open<number>(`/${owner.self.name}/${path}`))
  return { theirs, ours }
}

async function sent(four: Four): Promise<number> {
  const [alice, bob] = four.peers
  const { ours } = await shared(four, bob, alice, 1)
  return tripsOf(four, () => ours.send(1))
}

async function received(four: Four): Promise<number> {
  const [alice, bob] = four.peers
  const { ours, theirs } = await shared(four, bob, alice, 1)
  await four.clock.until(theirs.send(1))
  return tripsOf(four, () => ours.receive())
}

async function receives(four: Four, messages: number): Promise<number> {
  const [alice, bob, carol] = four.peers
  const one = await shared(four, bob, alice, 1)
  const two = await shared(four, carol, alice, 1)
  await four.clock.until(one.theirs.send(1))
  if (messages > 1) await four.clock.until(two.theirs.send(2))
  return tripsOf(four, () => select([one.ours.receiving(), two.ours.receiving()]))
}

async function sendsWithRoom(four: Four): Promise<number> {
  const [alice, bob, carol] = four.peers
  const one = await shared(four, bob, alice, 1)
  const two = await shared(four, carol, alice, 1)
  return tripsOf(four, () => select([one.ours.sending(1), two.ours.sending(2)]))
}

async function sendToParked(four: Four): Promise<number> {
  const [alice, bob, carol, dave] = four.peers
  const one = await shared(four, bob, alice, 0)
  const two = await shared(four, carol, alice, 0)
  const far = await four.clock.until(dave.open<number>('/bob/channel'))
  const waiting = far.receive()
  await four.clock.pass(REST_MS)
  const trips = await tripsOf(four, () => select([one.ours.sending(1), two.ours.sending(2)]))
  await four.clock.until(waiting)
  return trips
}

/** The first select is parked at both owners when the second one begins. */
async function selectsMeet(four: Four): Promise<number> {
  const [alice, bob, carol, dave] = four.peers
  const one = await shared(four, bob, alice, 0)
  const two = await shared(four, carol, alice, 0)
  const [far_one, far_two] = await four.clock.until(Promise.all(
    ['/bob/channel', '/carol/channel'].map((path) => dave.open<number>(path))))
  const waiting = select([one.ours.receiving(), two.ours.receiving()])
  await four.clock.pass(REST_MS)
  const trips = await tripsOf(four, () => Promise.all([
    waiting, select([far_one!.sending(1), far_two!.sending(2)])
  ]))
  // They match when the second one's offers are there: one way after its call.
  return trips - 1 / 2
}

interface Question { reply: Channel<number> }

/** A question and its answer, beside the same with a channel that was used before. */
async function newChannel(four: Four): Promise<number> {
  const [alice, bob] = four.peers
  const questions = await four.clock.until(bob.make<Question>('questions', { capacity: 1 }))
  const ours = await four.clock.until(alice.open<Question>('/bob/questions'))
  const answering = (async () => {
    for await (const { reply } of questions) await reply.send(1)
  })()
  const ask = (reply: Channel<number>) => tripsOf(four, async () => {
    await Promise.all([ours.send({ reply }), reply.receive()])
  })
  const used = alice.channel<number>({ capacity: 1 })
  await ask(used)
  await four.clock.pass(REST_MS)
  const again = await ask(used)
  await four.clock.pass(REST_MS)
  const first = await ask(alice.channel<number>({ capacity: 1 }))
  await four.clock.until(questions.close())
  await four.clock.until(answering)
  return first - again
}

async function opened(four: Four): Promise<number> {
  const [alice, bob] = four.peers
  await four.clock.until(bob.make<number>('channel', { capacity: 1 }))
  const trips = await tripsOf(four, async () => {
    const channel = await alice.open<number>('/bob/channel')
    await channel.send(1)
  })
  return trips - 1
}
