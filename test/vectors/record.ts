/**
 * Records of the door as vectors write them: objects by the names of spec/tables/records.json.
 *
 * Lives here: bytes of an input record and a record that came out, to an object and back. Does not
 * live here: vectors and their files (vector.ts), what a record does.
 *
 * A field that is 0 and a part of the tail that is empty are left out; so are the fields that count
 * the parts of the tail. What no object can say (a bad record) is `{"hex": …}`.
 *
 * Invariant: an object that was made here gives back the very bytes it was made from.
 */
import { decode } from 'cbor-x'
import {
  bytes_of, constants, input_record, join, records, text_of, words
} from '../core/door.ts'
import type { Output, Shape } from '../core/door.ts'
import { encode } from '../fuzz/header.ts'

type Value = number | string | Item[]
export type Item = number | Described | Item[]
export interface Described { [field: string]: Value | Described }

const inputs = new Map(records.input.map((shape) => [shape.kind, shape]))
const frames = new Map(records.frames.map((shape) => [shape.kind, shape]))
const by_name = {
  input: new Map(records.input.map((shape) => [shape.name, shape])),
  output: new Map(records.output.map((shape) => [shape.name, shape]))
}
const case_kind = constants('case')
/** Parts of a tail that are counted by the piece; the others by the byte. */
const LISTS = new Set(['refs', 'cases', 'payloads'])
const PAIR_BYTES = 8

export function hex_of(bytes: Uint8Array): string { return Buffer.from(bytes).toString('hex') }
export function bytes_from(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'))
}

/** The parts of a shape's tail, in order. */
function parts_of(shape: Shape): string[] {
  if (shape.tail === undefined) return []
  if (shape.tail.startsWith('cases')) return ['cases']
  return shape.tail.replace(/ *: *\{[^}]*\}/, '').split(', ')
}

function count_of(part: string): string {
  return LISTS.has(part) ? `${part}_count` : `${part}_bytes`
}

// To an object

/** A record that the core wrote. */
export function describe_output({ name, fields, tail }: Output): Described {
  const shape = by_name.output.get(name)!
  const described = describe(shape, fields, tail)
  const [, again] = parts(shape, described)
  const padded = join(again, new Uint8Array((4 - again.length % 4) % 4))
  if (hex_of(padded) !== hex_of(tail)) throw new Error(`${name}: a tail that is not as it says`)
  return described
}

/** A record for the core; as hex when it is none. */
export function describe_input(bytes: Uint8Array): Described {
  const row = new Uint32Array(bytes.slice(0, bytes.length & ~3).buffer)
  const shape = inputs.get((row[0] ?? 0) & 0xffff)
  if (shape !== undefined && row.length > shape.fields.length) {
    const fields = Object.fromEntries(shape.fields.map((field, nth) => [field, row[nth + 1]!]))
    try {
      const described = describe(shape, fields, bytes.slice(4 + shape.fields.length * 4))
      if (hex_of(encode_input(described)) === hex_of(bytes)) return described
    } catch { /* It is no record that the table knows: its bytes say it. */ }
  }
  return { hex: hex_of(bytes) }
}

function describe(shape: Shape, fields: Record<string, number>, tail: Uint8Array): Described {
  const described: Described = { record: shape.name }
  const names = parts_of(shape)
  const counts = new Set(names.map(count_of))
  for (const field of shape.fields) {
    if (!counts.has(field) && fields[field] !== 0) described[field] = fields[field]!
  }
  let at = 0
  for (const part of names) {
    const count = fields[count_of(part)]!
    if (part === 'cases') { described.cases = describe_cases(tail, count); continue }
    const bytes = part === 'refs' ? count * 4 : part === 'payloads' ? count * PAIR_BYTES : count
    const slice = tail.slice(at, at + bytes)
    at += bytes
    if (bytes === 0) continue
    if (part === 'refs') described.refs = [...new Uint32Array(slice.buffer)]
    else if (part === 'payloads') described.payloads = describe_payloads(slice)
    else described[part] = part === 'header' ? hex_of(slice) : text_of(slice)
    if (part === 'header') Object.assign(described, reads_of(slice))
  }
  return described
}

function describe_payloads(bytes: Uint8Array): Described[] {
  const row = new Uint32Array(bytes.buffer)
  return Array.from({ length: row.length / 2 }, (_, nth) =>
    ({ payload: row[2 * nth]!, payload_bytes: row[2 * nth + 1]! }))
}

function describe_cases(tail: Uint8Array, count: number): Described[] {
  const row = new Uint32Array(tail.slice(0, tail.length & ~3).buffer)
  const names = new Map(Object.entries(case_kind).map(([name, kind]) => [kind, name]))
  const cases: Described[] = []
  let at = 0
  for (let nth = 0; nth < count; nth++) {
    const name = names.get(row[at]! & 0xffff)
    const refs = row[at]! >>> 16
    if (name === undefined) throw new Error('a case of no kind')
    const one: Described = { case: name }
    if (row[at + 1] !== 0) one[name === 'after' ? 'ms' : 'ref'] = row[at + 1]!
    if (row[at + 2] !== 0) one.payload = row[at + 2]!
    if (row[at + 3] !== 0) one.payload_bytes = row[at + 3]!
    if (refs > 0) one.refs = [...row.slice(at + 4, at + 4 + refs)]
    at += 4 + refs
    cases.push(one)
  }
  return cases
}

/** What a header says, for people; nothing when it says nothing that the table knows. */
function reads_of(header: Uint8Array): { reads?: Described } {
  let row: unknown
  try { row = decode(header.slice()) } catch { return {} }
  if (!Array.isArray(row)) return {}
  const shape = frames.get(row[0] as number)
  if (shape === undefined || row.length !== shape.fields.length + 1) return {}
  try {
    if (hex_of(encode(row as number[])) !== hex_of(header)) return {}
  } catch { return {} }
  const fields = shape.fields.map((field, nth) => [field, row[nth + 1] as Value])
  return { reads: { frame: shape.name, ...Object.fromEntries(fields) } }
}

// To bytes

/** The bytes of a record for the core. */
export function encode_input(described: Described): Uint8Array {
  if (typeof described.hex === 'string') return bytes_from(described.hex)
  const shape = by_name.input.get(String(described.record))
  if (shape === undefined) throw new Error(`no input record ${String(described.record)}`)
  const [counts, tail] = parts(shape, described)
  const given = shape.fields.filter((field) => typeof described[field] === 'number')
    .map((field) => [field, described[field] as number])
  return input_record(shape.name, { ...Object.fromEntries(given), ...counts }, tail)
}

/** The counts and the bytes of an object's tail, not filled up. */
function parts(shape: Shape, described: Described): [Record<string, number>, Uint8Array] {
  const counts: Record<string, number> = {}
  const tails = parts_of(shape).map((part) => {
    const value = described[part] ?? (LISTS.has(part) ? [] : '')
    if (Array.isArray(value)) {
      counts[count_of(part)] = value.length
      if (part === 'cases') return join(...(value as Described[]).map(case_bytes))
      return words(part === 'refs' ? value as number[] : (value as Described[]).flatMap(
        ({ payload, payload_bytes }) => [payload as number, payload_bytes as number]))
    }
    const bytes = part === 'header' ? bytes_from(String(value)) : bytes_of(String(value))
    counts[count_of(part)] = bytes.length
    return bytes
  })
  return [counts, join(...tails)]
}

function case_bytes(one: Described): Uint8Array {
  const refs = (one.refs ?? []) as number[]
  const kind = case_kind[String(one.case)]!
  const subject = (one.case === 'after' ? one.ms : one.ref) ?? 0
  return words([(kind | refs.length << 16) >>> 0, subject as number, (one.payload ?? 0) as number,
    (one.payload_bytes ?? 0) as number, ...refs])
}
