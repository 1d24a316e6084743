/**
 * Frames as tests read them.
 *
 * Lives here: a header's name and fields by records.json, and a log of what crossed. Does not live
 * here: making headers (the core), bytes that are no frame (test/fuzz).
 */
import { decode } from 'cbor-x'
import { records } from '../core/door.ts'
import type { Node } from './node.ts'
import type { Net } from './net.ts'

const frame_shapes = new Map(records.frames.map((shape) => [shape.kind, shape]))

export interface Seen { name: string, from: Node, to: Node, at_ms: number, text: string,
  fields: Record<string, unknown> }

/** A header as a name and its fields; throws when it is not one of records.json. */
export function read_header(header: Uint8Array): { name: string, fields: Record<string, unknown> } {
  const row = decode(header) as unknown[]
  const shape = frame_shapes.get(row[0] as number)
  if (shape === undefined) throw new Error(`a frame of unknown kind ${String(row[0])}`)
  if (row.length !== shape.fields.length + 1) throw new Error(`${shape.name} has ${row.length}`)
  return {
    name: shape.name,
    fields: Object.fromEntries(shape.fields.map((field, nth) => [field, row[nth + 1]]))
  }
}

/** Frames that say nothing about channels. */
const QUIET = new Set(['ping', 'pong', 'ack', 'member', 'hello', 'edge', 'digest',
  'holds', 'want', 'have', 'graft', 'prune', 'probe_for', 'probed'])

/** Collects the frames that cross from now on, without those that only keep a link. */
export function watch(net: Net): Seen[] {
  const log: Seen[] = []
  net.watch = ({ from, to, header, text, at_ms }) => {
    const { name, fields } = read_header(header)
    if (!QUIET.has(name)) log.push({ name, from, to, at_ms, text, fields })
  }
  return log
}

/** `a>b deliver` for each frame, for tests of an order. */
export function story(log: readonly Seen[]): string[] {
  return log.map(({ name, from, to }) => `${from.name}>${to.name} ${name}`)
}
