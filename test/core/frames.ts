/**
 * Frames at the door of the core: records with one payload, with none, and with several.
 *
 * Lives here: what the two kinds of records have in common. Does not live here: headers (the core,
 * test/fuzz), whose payloads they are (host.ts).
 */
import { input_row, join, tail_words, words } from './door.ts'
import type { Output } from './door.ts'

const PAIR_BYTES = 8

/** True for a record that says to write a frame. */
export function is_frame({ name }: Output): boolean { return name === 'frame' || name === 'series' }

/** The payloads that a frame carries. */
export function payloads_of(order: Output): { handle: number, bytes: number }[] {
  const { name, fields } = order
  if (name !== 'series') {
    return fields.payload === 0 ? [] : [{ handle: fields.payload!, bytes: fields.payload_bytes! }]
  }
  const count = fields.payloads_count!
  const cells = tail_words(order, 2 * count)
  return Array.from({ length: count }, (_, nth) =>
    ({ handle: cells[2 * nth]!, bytes: cells[2 * nth + 1]! }))
}

/** The header of a frame. */
export function header_of({ name, fields, tail }: Output): Uint8Array {
  const from = name === 'series' ? PAIR_BYTES * fields.payloads_count! : 0
  return tail.slice(from, from + fields.header_bytes!)
}

/** The record for a frame that came in. */
export function frame_record(link: number, header: Uint8Array,
  payloads: readonly { handle: number, bytes: number }[]): Uint8Array {
  if (payloads.length > 1) {
    const pairs = words(payloads.flatMap(({ handle, bytes }) => [handle, bytes]))
    return input_row('series', [link, payloads.length, header.length], join(pairs, header))
  }
  const { handle = 0, bytes = 0 } = payloads[0] ?? {}
  return input_row('frame', [link, handle, bytes, header.length], header)
}
