/**
 * Random faults over several cores, and what membership must look like afterwards.
 *
 * Lives here: cuts, stalls, freezes, deaths and restarts from a seed; after healing everybody sees
 * everybody, over one link a pair, and it stays so. Does not live here: the fate of messages
 * (test/net/random.test.ts).
 *
 * Replay: `node test/core/member-faults.test.ts SEED`.
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { Net } from '../net/net.ts'
import { Node } from '../net/node.ts'
import { Random } from '../property/random.ts'

/** The same each time: what breaks here was broken by a change. */
const FIRST_SEED = 1
const SEEDS_PER_RUN = 100
const HEAL_MS = 70_000

/** A node that is another run of one that died: same id, next incarnation. */
function restart(net: Net, dead: Node): Node {
  const at = net.nodes.indexOf(dead)
  const next = net.join(dead.name, dead.incarnation + 1, '', dead.id)
  net.nodes.splice(net.nodes.indexOf(next), 1)
  net.nodes[at] = next
  return next
}

type Act = (net: Net, random: Random, node: Node, other: Node) => void

const QUIET: Act[] = [
  (net, _, node, other) => net.cut(node, other),
  (net) => { for (const link of [...net.links]) net.sever(link) }
]
const ROUGH: Act[] = [
  ...QUIET,
  (net, _, node, other) => net.stall(node, other),
  (net, _, node, other) => net.stall_way(node, other),
  (net, _, node, other) => net.heal(node, other),
  (net) => net.heal_all(),
  (_, __, node) => node.freeze(),
  (_, __, node) => node.thaw(),
  (net, random, node) => {
    if (node.frozen) return
    node.kill(random.once_in(3))
    if (random.once_in(2)) net.run_for(random.between(0, 4_000))
    const next = restart(net, node)
    const friend = random.pick(net.nodes.filter((one) => one !== next))
    if (!friend.frozen && random.once_in(2)) friend.find(next)
    else next.find(friend)
  }
]

function run(seed: number, acts: Act[], steps: number): Net {
  const random = new Random(seed)
  const net = new Net({ seed, delay_min_ms: 1, delay_max_ms: random.pick([1, 10, 60]) })
  const count = random.between(2, 5)
  for (let nth = 0; nth < count; nth++) net.join(`n${nth}`)
  net.mesh()
  for (let step = 0; step < steps; step++) {
    const node = random.pick(net.nodes)
    const other = random.pick(net.nodes.filter((one) => one !== node))
    random.pick(acts)(net, random, node, other)
    net.run_for(random.pick([0, 1, 20, 300, 1_500, 4_000]))
  }
  return net
}

/** Everybody sees everybody, over one link a pair. */
function whole(net: Net): boolean {
  return net.meshed() && net.nodes.every(({ links }) => links.size === net.nodes.length - 1)
}

function settle(net: Net): void {
  net.heal_all()
  for (const node of net.nodes) node.thaw()
  // Whom a newcomer was to meet may have died before: discovery proposes more than once.
  for (const node of net.nodes.filter(({ events }) => events.length === 0)) {
    for (const other of net.nodes) if (other !== node) node.find(other)
  }
  net.until(() => whole(net), HEAL_MS, 'all see all, over one link a pair')
  net.run_for(6_000)
  const lefts = net.nodes.map(({ events }) => events.length)
  net.run_for(6_000)
  assert.ok(whole(net), 'and it stays so')
  assert.equal(net.nodes.map(({ events }) => events.length), lefts, 'and nothing happens any more')
  for (const node of net.nodes) {
    const here = new Map<string, number>()
    for (const { event, id } of node.events) {
      if (event === 'joined') here.set(id, (here.get(id) ?? 0) + 1)
      if (event === 'left') here.set(id, (here.get(id) ?? 0) - 1)
      assert.ok([0, 1, undefined].includes(here.get(id)), `${event} twice`)
    }
    const texts = [...node.own_texts(), ...node.own_texts()]
    node.host.check_settled(texts)
  }
}

function check(seed: number): void {
  try {
    const quiet = run(seed, QUIET, 12)
    settle(quiet)
    for (const { events } of quiet.nodes) {
      assert.not(events.some(({ event }) => event === 'left'), 'broken links end no session')
    }
    settle(run(seed, ROUGH, 25))
  } catch (error) {
    throw new Error(`seed ${seed}: ${(error as Error).stack}`)
  }
}

const replay = process.argv[2]
if (replay !== undefined && /^\d+$/.test(replay)) check(Number(replay))
else {
  const test = suite('core: members under faults')

  test('after any faults everybody sees everybody again', () => {
    const first = Number(process.env.CIRCUIT_SEED ?? FIRST_SEED)
    for (let nth = 0; nth < SEEDS_PER_RUN; nth++) check(first + nth)
    console.log(`members: ${SEEDS_PER_RUN} seeds from ${first}`)
  }, { timeout_ms: 120_000 })

  test.run()
}
