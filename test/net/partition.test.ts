/**
 * Partitions: what each side does alone, and how they find each other again.
 *
 * Lives here: sides that hear nothing of each other, paths that work one way only, members that are
 * cut off alone. Does not live here: suspicion among peers that hear each other
 * (suspicion.test.ts), a thousand members (test/sim/members).
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { limits } from '../core/door.ts'
import { Net } from './net.ts'
import type { Node } from './node.ts'

const test = suite('net: partitions')
/** All dials to those who left are this far apart at most, and both sides dial. */
const HEAL_MS = limits.REJOIN_MAX_MS! + 5_000

/** Peers that have all met, `count` of them. */
function met(count: number, seed = 1, delay_ms = 1): { net: Net, nodes: Node[] } {
  const net = new Net({ seed, delay_min_ms: delay_ms, delay_max_ms: delay_ms })
  for (let nth = 0; nth < count; nth++) net.join(`n${nth}`)
  net.mesh()
  net.run_for(300)
  return { net, nodes: [...net.nodes] }
}

const lefts = (node: Node): string[] =>
  node.events.filter(({ event }) => event === 'left').map(({ name }) => name)

function part(net: Net, side: Node[], other: Node[]): void {
  for (const a of side) for (const b of other) net.stall(a, b)
}

function join_sides(net: Net, side: Node[], other: Node[]): void {
  for (const a of side) for (const b of other) net.heal(a, b)
}

/** Everybody in a group sees everybody in it, and nobody else. */
function whole(group: Node[]): boolean {
  return group.every((node) => node.members.size === group.length - 1
    && group.every((other) => other === node || node.sees(other)))
}

// spec: MEM-12
test('a partition heals by itself: both sides come back', () => {
  for (let seed = 1; seed <= 5; seed++) {
    const { net, nodes } = met(4, seed, 5)
    const [a, b, c, d] = nodes as [Node, Node, Node, Node]
    part(net, [a, b], [c, d])
    net.run_for(4_000)
    assert.equal([lefts(a).length, lefts(d).length], [2, 2])
    assert.ok(a.sees(b) && c.sees(d))
    join_sides(net, [a, b], [c, d])
    net.until(() => net.meshed(), HEAL_MS, `seed ${seed}: all joined again`)
    net.run_for(5_000)
    assert.ok(net.meshed(), `seed ${seed}: and stay`)
  }
})

test('a long partition of a larger circuit heals in seconds, and stays healed', () => {
  const { net, nodes } = met(24, 2, 3)
  const side = nodes.slice(0, 11)
  const other = nodes.slice(11)
  part(net, side, other)
  net.until(() => whole(side) && whole(other), 90_000, 'each side knows who is on it')
  net.run_for(120_000)
  join_sides(net, side, other)
  const at_ms = net.now_ms
  net.until(() => whole(nodes), 15_000, 'all are there for all')
  assert.ok(net.now_ms - at_ms < 10_000, `${net.now_ms - at_ms} ms`)
  const seen = nodes.map(({ events }) => events.length)
  net.run_for(30_000)
  assert.ok(whole(nodes))
  assert.equal(nodes.map(({ events }) => events.filter(({ event }) => event !== 'changed').length),
    nodes.map(({ events }, nth) => events.slice(0, seen[nth])
      .filter(({ event }) => event !== 'changed').length), 'nobody goes or comes any more')
})

test('one that is cut off alone is left by all, leaves all, and comes back', () => {
  const { net, nodes } = met(12, 3, 2)
  const [alone, ...rest] = nodes as [Node, ...Node[]]
  part(net, [alone], rest)
  net.until(() => whole(rest) && alone.members.size === 0, 30_000, 'both sides know')
  net.run_for(10_000)
  join_sides(net, [alone], rest)
  net.until(() => whole(nodes), HEAL_MS, 'all are there for all')
})

// spec: MEM-21
test('a pair that does not hear each other leaves nobody while a third hears both', () => {
  const { net, nodes } = met(3, 4, 2)
  const [a, b] = nodes as [Node, Node]
  part(net, [a], [b])
  net.run_for(limits.UNREACHED_MS! * 2)
  assert.equal(nodes.map((node) => lefts(node)), [[], [], []])
  join_sides(net, [a], [b])
  net.run_for(5_000)
  assert.ok(whole(nodes))
  const [x] = a.share('x', 1, b)
  b.do(() => b.host.send(b.open(`/${a.name}/x`), 'm'))
  net.run_for(100)
  assert.is(a.do(() => a.host.text(a.host.receive(x!))), 'm')
})

// spec: MEM-22
test('what waits at a peer that only others hear fails after UNREACHED_MS', () => {
  const { net, nodes } = met(3, 5, 2)
  const [a, b] = nodes as [Node, Node]
  const [, x_b] = a.share('x', 1, b)
  part(net, [a], [b])
  const send = b.do(() => b.host.send(x_b!, 'm'))
  net.run_for(limits.UNREACHED_MS! / 2)
  assert.is(b.host.status(send), 'waiting')
  net.run_for(limits.UNREACHED_MS!)
  assert.equal([b.host.status(send), b.host.outcome(send).unknown], ['LEFT', true])
  join_sides(net, [a], [b])
  net.until(() => whole(nodes), HEAL_MS, 'all are there for all')
})

test.run()
