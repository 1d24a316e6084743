/**
 * What a core keeps after everything was released: nothing.
 *
 * Lives here: payloads, operations and bytes at the end of a program. Does not live here: growth
 * over many messages (memory.ts).
 */
import type { World } from '../world.ts'
import { used_bytes } from '../world.ts'

/**
 * Tables that widened once or twice (a step of one is 256 or 512 bytes), and nothing that grows
 * with what happened.
 */
const GROWTH_BYTES_MAX = 2048
/** Where there were more operations than these, each may have had its place in tables: no more. */
const FEW = 16
const PLACE_BYTES = 32

/** Every operation has ended, and every payload came back. */
export function check_settled(world: World): void {
  for (const { node, name } of world.places) {
    if (!node.alive) continue
    const waiting = [...node.host.running.values()].map(({ kind }) => kind)
    if (waiting.length > 0) {
      world.break('every_operation_ends', `at the end ${name} still has ${waiting.join(', ')}`)
      continue
    }
    const kept = node.own_texts()
    const rest = node.host.held_payloads().filter((text) => !kept.includes(text))
    if (rest.length === 0) continue
    world.break('payloads_return', `${name} keeps ${rest.slice(0, 9).join(', ')}`)
  }
}

/** Tables are as long as before. */
export function check_tables(world: World): void {
  const more = Math.max(0, world.operations.length - FEW)
  for (const { nth, node, name } of world.places) {
    if (!node.alive) continue
    const growth = used_bytes(node) - world.used_bytes[nth]!
    if (growth <= GROWTH_BYTES_MAX + more * PLACE_BYTES) continue
    world.break('tables_return', `${name} keeps ${growth} bytes more than it began with`)
  }
}
