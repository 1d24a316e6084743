/**
 * Headers that are almost right: random fields in the shape of records.json, then bent.
 *
 * Lives here: a small CBOR writer, fields drawn by their name, mutations of bytes. Does not live
 * here: what the core must do with them (frame.test.ts).
 */
import { bytes_of, join, records } from '../core/door.ts'
import type { Random } from '../property/random.ts'

type Item = number | string | Item[]

function head(major: number, value: number): Uint8Array {
  const first = major << 5
  if (value < 24) return Uint8Array.of(first | value)
  if (value < 0x100) return Uint8Array.of(first | 24, value)
  if (value < 0x10000) return Uint8Array.of(first | 25, value >> 8, value & 0xff)
  return Uint8Array.of(first | 26, value >>> 24, value >>> 16 & 0xff, value >>> 8 & 0xff,
    value & 0xff)
}

/** An item as CBOR in shortest form. */
export function encode(item: Item): Uint8Array {
  if (typeof item === 'number') return head(0, item >>> 0)
  if (typeof item === 'string') return join(head(3, bytes_of(item).length), bytes_of(item))
  return join(head(4, item.length), ...item.map(encode))
}

const EDGES = [0, 1, 2, 23, 24, 255, 256, 65535, 65536, 0x7fffffff, 0x80000000, 0xffffffff]
const STATUSES = [0, 1, 2, 3, 4, 5, 7, 13, 64, 96, 128, 133, 200]
const PATHS = ['', 'x', 'y', 'a/b', '/', '/...', '...', '//', '.', 'x/', '/core/x', '/core',
  'new/1', 'a'.repeat(255), 'a'.repeat(256), 'b/'.repeat(600), '\0', '/evil/x']

/** What fields are drawn from; `number` and `received` where the session stands. */
export interface Drawer { random: Random, channels: number[], offers: number[], number: number,
  received: number, ids: string[] }

function number_field(from: Drawer, field: string): number {
  const { random } = from
  if (random.once_in(40)) return random.pick(EDGES)
  switch (field) {
    case 'number': return from.number
    case 'received': return from.received
    case 'channel': return random.pick([...from.channels, ...EDGES.slice(0, 3)])
    case 'offer': case 'request': case 'token': return random.pick(from.offers)
    case 'select': return random.pick([0, 0, 1, 2, 3])
    case 'flags': return random.pick([0, 0, 0, 1, 2, 3, 4, 255])
    case 'status': return random.pick(STATUSES)
    case 'count': return random.pick([0, 1, 1, 1, 2, 3, 1000])
    case 'credit': case 'capacity': return random.pick([0, 1, 2, 8, 70_000, 0xffffffff])
    case 'event': return random.pick([0, 1, 2, 3, 4, 5])
    default: return random.pick(EDGES)
  }
}

function refs_field(from: Drawer): Item[] {
  const { random } = from
  const count = random.pick([0, 0, 0, 1, 2, 3, 65])
  return Array.from({ length: count }, (): Item => {
    const row: Item[] = [random.pick([0, 1, 2, 3]), random.pick([1, 1, 2, 0]),
      random.pick([...from.channels, ...EDGES])]
    if (row[0] === 2) row.push(random.pick(from.ids))
    return random.once_in(30) ? random.pick(EDGES) : row
  })
}

function field_of(from: Drawer, field: string): Item {
  const { random } = from
  if (random.once_in(300)) return random.pick<Item>([0, '', [], [[]], 'text', EDGES])
  if (field === 'refs') return refs_field(from)
  if (field === 'values') {
    return Array.from({ length: random.pick([0, 1, 2, 7]) }, () => random.pick(EDGES))
  }
  if (field === 'path') return random.pick(PATHS)
  if (field === 'id') return random.pick(from.ids)
  if (field === 'name') return random.pick(['core', 'evil', 'other', '', 'n'.repeat(65), '/'])
  return number_field(from, field)
}

/** A header of one of the kinds, its fields drawn by their names. */
export function header_of(from: Drawer): { name: string, bytes: Uint8Array } {
  const { random } = from
  const shape = random.pick(records.frames)
  const item = [shape.kind, ...shape.fields.map((field) => field_of(from, field))]
  return { name: shape.name, bytes: encode(item) }
}

/** Some bytes changed, cut, doubled or added. */
export function bend(random: Random, bytes: Uint8Array): Uint8Array {
  const bent = bytes.slice()
  const at = random.below(Math.max(1, bent.length))
  switch (random.below(6)) {
    case 0: bent[at] = random.below(256); return bent
    case 1: bent[at] = (bent[at] ?? 0) ^ 1 << random.below(8); return bent
    case 2: return bent.slice(0, at)
    case 3: return join(bent, random.bytes(random.between(1, 9)))
    case 4: return join(bent.slice(0, at), random.bytes(random.between(1, 4)), bent.slice(at))
    default: return random.bytes(random.below(64))
  }
}
