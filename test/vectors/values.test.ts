/**
 * spec/vectors/values.json, written by hand for every language, replayed by the JavaScript binding.
 */
import * as assert from 'uvu/assert'
import { Tag } from 'cbor-x'
import { readFileSync } from 'node:fs'
import { Reference, decode, encode } from '../../bindings/js/values.ts'
import { codes } from '../core/door.ts'
import { suite } from '../suite.ts'
import { FOLDER } from './make.ts'
import { bytes_from, hex_of } from './record.ts'

const test = suite('vectors: values')

/** A value as the file says it: one of its keys is there. */
interface Said {
  nothing?: true, boolean?: boolean, integer?: string, fraction?: string, text?: string
  bytes?: string, list?: Said[], record?: [string, Said][], map?: [Said, Said][], set?: Said[]
  date_ms?: string, channel?: number, tag?: number, value?: Said
}
interface Entry {
  id: string, shows: string[], hex: string, refs?: number, status?: number, value?: Said
  reads_only?: boolean
}

const file = JSON.parse(readFileSync(new URL('values.json', FOLDER), 'utf8')) as
  { count: number, vectors: Entry[] }

const home = {}
class Handle extends Reference {
  readonly ref: number
  readonly home = home
  constructor(ref: number) { super(); this.ref = ref }
}

const handles = (count: number): Handle[] =>
  Array.from({ length: count }, (_, nth) => new Handle(nth + 1))

/** The value in this language. */
function value_of(said: Said, channels: readonly Handle[]): unknown {
  const inner = (one: Said): unknown => value_of(one, channels)
  if (said.nothing === true) return null
  if (said.boolean !== undefined) return said.boolean
  if (said.integer !== undefined) {
    const integer = BigInt(said.integer)
    return Number.isSafeInteger(Number(integer)) ? Number(integer) : integer
  }
  if (said.fraction !== undefined) return Number(said.fraction)
  if (said.text !== undefined) return said.text
  if (said.bytes !== undefined) return bytes_from(said.bytes)
  if (said.list !== undefined) return said.list.map(inner)
  if (said.record !== undefined) {
    return Object.fromEntries(said.record.map(([key, one]) => [key, inner(one)]))
  }
  if (said.map !== undefined) return new Map(said.map.map(([key, one]) => [inner(key), inner(one)]))
  if (said.set !== undefined) return new Set(said.set.map(inner))
  if (said.date_ms !== undefined) return new Date(Number(said.date_ms))
  if (said.channel !== undefined) return channels[said.channel]
  return new Tag(inner(said.value!), said.tag!)
}

test('each value is read from its bytes, and written as them', () => {
  assert.is(file.count, file.vectors.length)
  for (const { id, hex, refs = 0, value, reads_only } of file.vectors) {
    if (value === undefined) continue
    const channels = handles(refs)
    const wanted = value_of(value, channels)
    assert.equal(decode(bytes_from(hex), channels), wanted, id)
    if (reads_only === true) continue
    const table: number[] = []
    assert.is(hex_of(encode(wanted, table, home)), hex, id)
    assert.equal(table, channels.map(({ ref }) => ref), id)
  }
})

test('what is no value cannot be read', () => {
  const bad = file.vectors.filter(({ status }) => status !== undefined)
  assert.ok(bad.length > 5)
  for (const { id, hex, refs = 0, status } of bad) {
    assert.is(status, codes.UNREADABLE, id)
    assert.throws(() => decode(bytes_from(hex), handles(refs)), () => true, id)
  }
})

test.run()
