/**
 * Memory over many messages.
 *
 * Lives here: samples of what a core uses, and what they may show. Does not live here: the messages
 * (memory.test.ts), what is left after one program (tables.ts).
 */
import type { Node } from '../../net/node.ts'

/** What a core uses after so many messages, with nothing under way. */
export interface Sample { messages: number, used_bytes: number, memory_bytes: number,
  payloads: number }

/** Tables may widen once more; a byte a message would be a million. */
const GROWTH_BYTES_MAX = 512

export function sample(node: Node, messages: number): Sample {
  const { door } = node.host
  return { messages, used_bytes: door.cell('memory_bytes_used'),
    memory_bytes: door.memory_bytes(), payloads: node.host.held_payloads().length }
}

/** What is wrong with the samples of one core, the first of which was taken when it was warm. */
export function memory_is_steady(name: string, samples: readonly Sample[]): string | undefined {
  const [first] = samples
  for (const { messages, used_bytes, memory_bytes, payloads } of samples) {
    const told = `${name} after ${messages} messages, compared with ${first!.messages}`
    if (used_bytes > first!.used_bytes + GROWTH_BYTES_MAX) {
      return `${told}: ${used_bytes - first!.used_bytes} bytes more in use`
    }
    if (memory_bytes > first!.memory_bytes) return `${told}: its memory has grown`
    if (payloads > first!.payloads) return `${told}: ${payloads - first!.payloads} payloads more`
  }
  return undefined
}
