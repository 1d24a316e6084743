/**
 * Small networks for tests of one rule.
 *
 * Lives here: peers that have met, in a chosen order of their ids. Does not live here: the network
 * itself (net.ts).
 */
import { Net } from './net.ts'
import type { NetOptions } from './net.ts'
import type { Node } from './node.ts'

/** Peers of these names that have all joined each other. */
export function met<Name extends string>(net: Net, ...names: Name[]): Record<Name, Node> {
  const nodes = names.map((name) => net.join(name))
  net.mesh()
  net.run_for(200)
  return Object.fromEntries(nodes.map((node) => [node.name, node])) as Record<Name, Node>
}

export interface Trio { net: Net, a: Node, b: Node, c: Node }

/**
 * Three peers that have met, 10 ms apart from each other, whose ids are in the given order: the
 * first of `order` has the smallest.
 */
export function trio(order: readonly ('a' | 'b' | 'c')[] = ['a', 'b', 'c'],
  options: NetOptions = {}): Trio {
  const net = new Net({ delay_min_ms: 10, delay_max_ms: 10, ...options })
  for (const name of ['a', 'b', 'c'] as const) net.join(name, 1, `${order.indexOf(name)}`)
  net.mesh()
  net.run_for(200)
  const [a, b, c] = net.nodes as [Node, Node, Node]
  return { net, a, b, c }
}
