/**
 * Values as bytes: one CBOR item a message.
 *
 * Lives here: what may be sent, the channel tag, how values are spelled and read back. Does not
 * live here: which values stay as they are inside a peer (`keep` says it, message uses it), bytes'
 * ownership (payload), the core's references (channel).
 *
 * What a value is after it has travelled, in every language and also inside one peer: an integer is
 * a number where a number holds it exactly, else a bigint; undefined is null, and a property that
 * is undefined is left out; a map whose keys are all text is an object, else a Map; bytes
 * (Uint8Array, ArrayBuffer) are a Uint8Array; a channel is a channel. Tags without a meaning here
 * come as cbor-x's Tag.
 *
 * Invariants: encoding never changes the value given; what cannot be said is refused whole; bytes
 * from a stranger give a value or an UNREADABLE, within the depth and size of the tables.
 */
import { Decoder, Encoder, Tag, addExtension } from 'cbor-x'
import { MAJOR_BYTES, byteString, contentOf, refuseLarge } from './bytestring.ts'
import { Refusal } from './errors.ts'
import { NUMBER_BYTES, Span } from './payload.ts'
import type { Packed } from './payload.ts'
import {
  KEPT_STRING_MAX, MESSAGE_BYTES_MAX, REFS_PER_MESSAGE_MAX, TAG_CHANNEL, VALUE_DEPTH_MAX
} from './tables.ts'

/** What a channel is inside a value. `home` is the core that `ref` means something to. */
export abstract class Reference {
  abstract readonly ref: number
  abstract readonly home: object
}

/** An encoder that is asked to write maps and bytes as every language reads them. */
const encoder = new Encoder({
  useRecords: false, variableMapSize: true, tagUint8Array: false, useTag259ForMaps: false
} as ConstructorParameters<typeof Encoder>[0])

const INTEGERS_32_LEAST = -0x100000000
const INTEGERS_32_MOST = 0xffffffff
const MAJOR_SIMPLE = 7
/** Longer encodings are handed on as they are: copying costs more than what they pin. */
const COPIED_BYTES_MAX = 32768

/** Thrown inside the decoder at a map that is no plain object; the item is then read again. */
const ODD_KEY = new Error('a map with other keys than text')

/** The item under way holds a bigint or a channel: it is walked over. */
let unfinished = false

addExtension({
  tag: TAG_CHANNEL,
  decode(index: unknown): Tag {
    unfinished = true
    return new Tag(index, TAG_CHANNEL)
  }
} as unknown as Parameters<typeof addExtension>[0])

class PlainDecoder extends Decoder {
  /** Makes the decoder ask `decodeKey`. */
  keyMap = {}
  /** Asked at an integer of 64 bits, which comes as a bigint. */
  get int64AsNumber(): boolean {
    unfinished = true
    return false
  }
  decodeKey(key: unknown): string {
    if (typeof key !== 'string' || key === '__proto__') throw ODD_KEY
    return key
  }

  /** Reads the item after copying it to the front of `buffer`. */
  decodeFirst(buffer: Uint8Array, item: Uint8Array): unknown {
    buffer.set(item)
    const decode = this.decode as (source: Uint8Array, end: number) => unknown
    return decode.call(this, buffer, item.length)
  }
}

const plain = new PlainDecoder({ useRecords: false, mapsAsObjects: true })
const odd = new Decoder({ useRecords: false, mapsAsObjects: false })

/**
 * Small items are read from one buffer that has its DataView: making one for each costs more than
 * the reading. What is read from here is copied out.
 */
const scratch = new Uint8Array(4096)
const small = new PlainDecoder({ useRecords: false, mapsAsObjects: true, copyBuffers: true })

/** What the decoder makes of a break, wherever one stands. */
const BREAK: unknown = plain.decode(Uint8Array.of(0xff))
const BREAK_BYTE = 0xff
const MAJOR_LIST = 4
/** Up to so many bytes a loop is quicker than a call. */
const LOOPED_BYTES_MAX = 32

/** True when a break could stand in an item. Most items have no such byte at all. */
function mayBreak(item: Uint8Array): boolean {
  const first = item[0]!
  // A number, a text or a fraction holds no other item.
  if (first >>> 5 < MAJOR_LIST) return false
  if (first >>> 5 === MAJOR_SIMPLE) return first === BREAK_BYTE
  if (item.length > LOOPED_BYTES_MAX) return item.includes(BREAK_BYTE)
  for (let at = 1; at < item.length; at++) if (item[at] === BREAK_BYTE) return true
  return false
}

/** True when a value is immutable and small, so that it may stay as it is inside a peer. */
export function keepable(value: unknown): boolean {
  switch (typeof value) {
    case 'number': case 'boolean': case 'undefined': case 'bigint': return true
    case 'string': return value.length <= KEPT_STRING_MAX && value.isWellFormed()
    default: return value === null
  }
}

/** A keepable value as a receiver gets it: what encoding and decoding would make of it. */
export function keep(value: unknown): Packed {
  if (value === undefined) return null
  if (typeof value === 'bigint') return narrow(value)
  return value as Packed
}

/** At least as many bytes as a kept value will have when it leaves. */
export function keptBytes(kept: Packed): number {
  return typeof kept === 'string' ? kept.length * 3 + 3 : typeof kept === 'number' ? NUMBER_BYTES
    : typeof kept === 'bigint' ? kept.toString(16).length + 8 : 1
}

/** The CBOR item of what the payload table holds; nobody may change it. */
export function bytesOf(packed: Packed): Uint8Array {
  if (packed instanceof Uint8Array) return packed
  if (packed instanceof Span) return packed.bytes.subarray(packed.from, packed.to)
  return encode(packed, NO_REFS, undefined)
}

const NO_REFS: number[] = []
let encoding = false

/**
 * A value as one CBOR item, in bytes that nobody else holds. References of its channels, which must
 * belong to `home`, are added to `refs`, each once.
 *
 * Refusals: NOT_ENCODABLE, TOO_LARGE, TOO_MANY.
 */
export function encode(value: unknown, refs: number[], home: object | undefined): Uint8Array {
  if (value instanceof Uint8Array) return byteString(value)
  if (encoding) throw new Refusal('NOT_ENCODABLE', 'reading it encodes another value')
  encoding = true
  let bytes: Uint8Array
  try {
    bytes = encoder.encode(new Preparation(refs, home).prepare(value, 0))
  } catch (error) {
    if (error instanceof Refusal) throw error
    throw new Refusal('NOT_ENCODABLE', error instanceof Error ? error.message : String(error))
  } finally {
    encoding = false
  }
  refuseLarge(bytes.length)
  // The encoder writes one item after the other into a block that it goes on using.
  if (bytes.length <= COPIED_BYTES_MAX) return new Uint8Array(bytes)
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** The walk over a value before it is encoded; copies only what has to be written differently. */
class Preparation {
  readonly refs: number[]
  readonly home: object | undefined
  /** Every node makes a byte, so a value with more of them than bytes allowed is too large. */
  nodes = 0

  constructor(refs: number[], home: object | undefined) {
    this.refs = refs
    this.home = home
  }

  prepare(value: unknown, depth: number): unknown {
    if (++this.nodes > MESSAGE_BYTES_MAX) throw new Refusal('TOO_LARGE', 'a message of many parts')
    switch (typeof value) {
      case 'boolean': return value
      case 'string': return wellFormed(value)
      case 'number': return isWide(value) ? BigInt(value) : value
      case 'bigint': return prepareBigint(value)
      case 'undefined': return null
      case 'object': return value === null ? null : this.#object(value, depth + 1)
      default: throw new Refusal('NOT_ENCODABLE', `a ${typeof value} has no form in CBOR`)
    }
  }

  #object(value: object, depth: number): unknown {
    if (depth > VALUE_DEPTH_MAX) {
      throw new Refusal('NOT_ENCODABLE', `it is nested over ${VALUE_DEPTH_MAX} deep, or a circle`)
    }
    if (value instanceof Reference) return this.#reference(value)
    if (Array.isArray(value)) return this.#list(value, depth)
    if (isBytes(value)) return value
    if (value instanceof Date) {
      if (Number.isNaN(value.getTime())) throw new Refusal('NOT_ENCODABLE', 'it is no valid date')
      return value
    }
    if (value instanceof Map) return this.#map(value, depth)
    if (value instanceof Set) return new Set(this.#list([...value], depth))
    if (value instanceof Tag && value.tag !== TAG_CHANNEL) {
      return new Tag(this.prepare(value.value, depth), value.tag)
    }
    if (isPlain(value)) return this.#record(value as Record<string, unknown>, depth)
    throw new Refusal('NOT_ENCODABLE', `it holds ${describe(value)}`)
  }

  #reference(channel: Reference): Tag {
    if (channel.home !== this.home) {
      throw new Refusal('NOT_ENCODABLE', 'it holds a channel of another circuit')
    }
    if (channel.ref === 0) throw new Refusal('NOT_ENCODABLE', 'it holds a disposed channel')
    let index = this.refs.indexOf(channel.ref)
    if (index < 0) {
      index = this.refs.push(channel.ref) - 1
      if (index >= REFS_PER_MESSAGE_MAX) {
        throw new Refusal('TOO_MANY', `${REFS_PER_MESSAGE_MAX} channels in one message`)
      }
    }
    return new Tag(index, TAG_CHANNEL)
  }

  #list(list: readonly unknown[], depth: number): unknown[] {
    // A subclass, or a list with holes, is copied to a plain one.
    let copy: unknown[] | undefined = list.constructor === Array ? undefined : []
    for (let i = 0; i < list.length; i++) {
      const item = list[i]
      const prepared = this.prepare(item, depth)
      if (copy === undefined && !Object.is(prepared, item)) copy = list.slice(0, i)
      copy?.push(prepared)
    }
    return copy ?? list as unknown[]
  }

  #map(map: Map<unknown, unknown>, depth: number): Map<unknown, unknown> {
    const copy = new Map<unknown, unknown>()
    for (const [key, item] of map) {
      if (typeof key === 'object' && key !== null) {
        throw new Refusal('NOT_ENCODABLE', 'it holds a map with a key that is an object')
      }
      copy.set(this.prepare(key, depth), this.prepare(item, depth))
    }
    return copy
  }

  #record(record: Record<string, unknown>, depth: number): object {
    let copy: Map<string, unknown> | undefined
    const keys = Object.keys(record)
    for (let i = 0; i < keys.length; i++) {
      const key = wellFormed(keys[i]!)
      const item = record[key]
      const prepared = item === undefined ? undefined : this.prepare(item, depth)
      if (copy === undefined && (prepared === undefined || !Object.is(prepared, item))) {
        // A Map, not an object: no key of it is special.
        copy = new Map()
        for (let j = 0; j < i; j++) copy.set(keys[j]!, record[keys[j]!])
      }
      if (prepared !== undefined) copy?.set(key, prepared)
    }
    return copy ?? record
  }
}

function wellFormed(text: string): string {
  if (text.isWellFormed()) return text
  throw new Refusal('NOT_ENCODABLE', 'it holds a string with half of a surrogate pair')
}

/** An integer that CBOR says exactly and that the encoder would write as a fraction. */
function isWide(value: number): boolean {
  return (value > INTEGERS_32_MOST || value < INTEGERS_32_LEAST) && Number.isSafeInteger(value)
}

function prepareBigint(value: bigint): number | bigint {
  const narrowed = narrow(value)
  return typeof narrowed === 'number' && isWide(narrowed) ? value : narrowed
}

function narrow(value: bigint): number | bigint {
  const safe = value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER
  return safe ? Number(value) : value
}

function isBytes(value: object): boolean {
  if (value instanceof ArrayBuffer) return true
  return ArrayBuffer.isView(value) && !(value instanceof DataView)
}

function isPlain(value: object): boolean {
  const above = Object.getPrototypeOf(value) as object | null
  return above === null || above === Object.prototype || Object.getPrototypeOf(above) === null
}

function describe(value: object): string {
  const name: unknown = (value as { constructor?: { name?: unknown } }).constructor?.name
  return typeof name === 'string' && name !== '' ? `an instance of ${name}` : 'an object of a class'
}

/**
 * The value of one CBOR item. Byte strings in it are views of `bytes`, which the receiver owns.
 * `channels` are those of the message's table of references.
 *
 * Throws when the bytes are not one item that can be read here.
 */
export function decode(bytes: Uint8Array, channels: readonly Reference[]): unknown {
  if (bytes[0]! >>> 5 === MAJOR_BYTES) {
    const content = contentOf(bytes, 0, bytes.length)
    if (content !== undefined) return content
  }
  return decodeItem(bytes, channels)
}

/** As `decode`, of an item among others' bytes: a small byte string is a copy. */
export function decodeSpan({ bytes, from, to }: Span, channels: readonly Reference[]): unknown {
  if (bytes[from]! >>> 5 === MAJOR_BYTES) {
    const content = contentOf(bytes, from, to)
    if (content !== undefined) return content
  }
  return decodeItem(bytes.subarray(from, to), channels)
}

function decodeItem(bytes: Uint8Array, channels: readonly Reference[]): unknown {
  const decoder = bytes.length <= scratch.length ? small : plain
  unfinished = mayBreak(bytes)
  try {
    const value = decoder === small ? small.decodeFirst(scratch, bytes) : plain.decode(bytes)
    if (!unfinished && channels.length === 0) return value
    return new Restoration(bytes.length, channels).restore(value, 0)
  } catch (error) {
    if (error !== ODD_KEY) throw error
  }
  return new Restoration(bytes.length, channels).restore(odd.decode(bytes), 0)
}

/** The walk over a decoded item: channels in the place of their tags, narrow integers, objects. */
class Restoration {
  readonly channels: readonly Reference[]
  /** A tree has no more nodes than bytes; shared parts, which would multiply, run out of it. */
  budget: number

  constructor(bytes: number, channels: readonly Reference[]) {
    this.budget = bytes + 1
    this.channels = channels
  }

  restore(value: unknown, depth: number): unknown {
    if (--this.budget < 0 || depth > VALUE_DEPTH_MAX) throw new Error('nested too deep')
    if (typeof value === 'bigint') return narrow(value)
    if (typeof value !== 'object' || value === null) return value
    if (value === BREAK) throw new Error('a break where an item is due')
    if (Array.isArray(value)) {
      for (let i = 0; i < value.length; i++) value[i] = this.restore(value[i], depth + 1)
      return value
    }
    if (value instanceof Tag) return this.#tag(value, depth)
    if (value instanceof Map) return this.#map(value, depth)
    if (value instanceof Set) {
      return new Set([...value].map((item) => this.restore(item, depth + 1)))
    }
    if (value instanceof Date && Number.isNaN(value.getTime())) throw new Error('no valid date')
    if (isPlain(value)) {
      const record = value as Record<string, unknown>
      for (const key of Object.keys(record)) record[key] = this.restore(record[key], depth + 1)
    }
    return value
  }

  #tag(tag: Tag, depth: number): unknown {
    if (tag.tag !== TAG_CHANNEL) {
      tag.value = this.restore(tag.value, depth + 1)
      return tag
    }
    const channel = this.channels[tag.value as number]
    if (channel === undefined) throw new Error('a channel that is not in the table of references')
    return channel
  }

  #map(map: Map<unknown, unknown>, depth: number): unknown {
    const entries: [unknown, unknown][] = []
    let texts = true
    for (const [key, item] of map) {
      texts &&= typeof key === 'string'
      entries.push([this.restore(key, depth + 1), this.restore(item, depth + 1)])
    }
    // fromEntries defines own properties, so that a key such as __proto__ is only a key.
    return texts ? Object.fromEntries(entries) : new Map(entries)
  }
}
