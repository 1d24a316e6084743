/**
 * The little CBOR that certificates and tickets need, read strictly, and COSE_Sign1 over it.
 *
 * Lives here: whole numbers, byte strings, texts, lists, maps with whole keys and tags, each in its
 * one shortest spelling; signing and checking. Does not live here: what the claims mean
 * (certificate), values of messages (values: they need all of CBOR, and trust who sends them more).
 *
 * Why not the codec of values: these bytes come from strangers, before anything is proved. Here
 * nothing is allocated by a length that the bytes claim, depth and size are bounded, and two
 * spellings of one thing do not exist.
 *
 * spec: RFC 8949 section 4.2.1 (deterministic encoding), RFC 9052 section 4.2 (COSE_Sign1),
 * RFC 9053 section 2.2 (EdDSA).
 */
import { signedBy, type Signer } from './identity.ts'

/** What can be written and read here. A map's keys are whole numbers. */
export type Plain = number | Uint8Array | string | Plain[] | Map<number, Plain> | Tagged

export interface Tagged { readonly tag: number, readonly value: Plain }

/** Bytes that are not one whole item in its shortest spelling; the message says at which byte. */
export class NotPlain extends Error {}

const DEPTH_MAX = 6
const TAG_SIGN1 = 18
const HEADER_ALGORITHM = 1
const ALGORITHM_EDDSA = -8
const MAJOR = { unsigned: 0, negative: 1, bytes: 2, text: 3, list: 4, map: 5, tag: 6 }

/** The protected header: EdDSA is the only algorithm that is spoken or understood. */
const PROTECTED = encodePlain(new Map([[HEADER_ALGORITHM, ALGORITHM_EDDSA]]))

/** One item as bytes. Map entries are put into the order of their keys' bytes. */
export function encodePlain(item: Plain): Uint8Array {
  const out: number[] = []
  write(out, item)
  return Uint8Array.from(out)
}

/**
 * Reads one whole item.
 *
 * @throws NotPlain when the bytes are cut, have more behind them, nest too deep, or are spelled in
 * any but the shortest way.
 */
export function decodePlain(bytes: Uint8Array): Plain {
  const reader = { bytes, at: 0 }
  const item = read(reader, 0)
  if (reader.at !== bytes.length) throw new NotPlain(`more bytes after the item at ${reader.at}`)
  return item
}

/** Signs a payload: gives a COSE_Sign1 item, tagged. */
export async function signSign1(signer: Signer, payload: Uint8Array): Promise<Tagged> {
  const signature = await signer.sign(toBeSigned(payload))
  return { tag: TAG_SIGN1, value: [PROTECTED, new Map(), payload, signature] }
}

/** The payload of an item that looks like a COSE_Sign1 by EdDSA, not checked yet. */
export function payloadOfSign1(item: Plain): Uint8Array | 'not COSE_Sign1' | 'not EdDSA' {
  const parts = partsOfSign1(item)
  if (parts === undefined) return 'not COSE_Sign1'
  return equal(parts.head, PROTECTED) ? parts.payload : 'not EdDSA'
}

/** True when the item is a COSE_Sign1 by EdDSA with this key. */
export async function verifySign1(item: Plain, public_key: Uint8Array): Promise<boolean> {
  const parts = partsOfSign1(item)
  if (parts === undefined || !equal(parts.head, PROTECTED)) return false
  return await signedBy(public_key, parts.signature, toBeSigned(parts.payload))
}

/** The key of a map's entry, when the item is a map. */
export function isMap(item: Plain | undefined): item is Map<number, Plain> {
  return item instanceof Map
}

/** True when both hold the same bytes. Not for secrets: it stops at the first difference. */
export function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at])
}

interface Sign1 { head: Uint8Array, payload: Uint8Array, signature: Uint8Array }

function partsOfSign1(item: Plain): Sign1 | undefined {
  if (!isTagged(item) || item.tag !== TAG_SIGN1) return undefined
  if (!Array.isArray(item.value) || item.value.length !== 4) return undefined
  const [head, open, payload, signature] = item.value
  if (!(head instanceof Uint8Array) || !isMap(open) || open.size !== 0) return undefined
  if (!(payload instanceof Uint8Array) || !(signature instanceof Uint8Array)) return undefined
  return { head, payload, signature }
}

function isTagged(item: Plain): item is Tagged {
  return typeof item === 'object' && 'tag' in item
}

function toBeSigned(payload: Uint8Array): Uint8Array {
  return encodePlain(['Signature1', PROTECTED, new Uint8Array(0), payload])
}

function write(out: number[], item: Plain): void {
  if (typeof item === 'number') {
    if (!Number.isSafeInteger(item)) throw new RangeError('only whole numbers are written here')
    return item >= 0 ? head(out, MAJOR.unsigned, item) : head(out, MAJOR.negative, -1 - item)
  }
  if (typeof item === 'string') return tail(out, MAJOR.text, new TextEncoder().encode(item))
  if (item instanceof Uint8Array) return tail(out, MAJOR.bytes, item)
  if (Array.isArray(item)) {
    head(out, MAJOR.list, item.length)
    for (const part of item) write(out, part)
  } else if (isMap(item)) {
    head(out, MAJOR.map, item.size)
    const keys = [...item.keys()].sort(byKeyBytes)
    for (const key of keys) {
      write(out, key)
      write(out, item.get(key)!)
    }
  } else {
    head(out, MAJOR.tag, item.tag)
    write(out, item.value)
  }
}

function head(out: number[], major: number, value: number): void {
  const top = major << 5
  if (value < 24) out.push(top | value)
  else if (value < 0x100) out.push(top | 24, value)
  else if (value < 0x1_0000) out.push(top | 25, value >>> 8, value & 255)
  else if (value < 0x1_0000_0000) out.push(top | 26, ...bigEndian(value))
  else out.push(top | 27, ...bigEndian(Math.floor(value / 0x1_0000_0000)), ...bigEndian(value))
}

function bigEndian(value: number): number[] {
  const low = value % 0x1_0000_0000
  return [low >>> 24, low >>> 16 & 255, low >>> 8 & 255, low & 255]
}

function tail(out: number[], major: number, bytes: Uint8Array): void {
  head(out, major, bytes.length)
  for (const byte of bytes) out.push(byte)
}

/** The order of the keys' encoded bytes: unsigned before negative, then by size. */
function byKeyBytes(one: number, other: number): number {
  if (one >= 0 !== other >= 0) return one >= 0 ? -1 : 1
  return Math.abs(one) - Math.abs(other)
}

interface Reader { bytes: Uint8Array, at: number }

function read(reader: Reader, depth: number): Plain {
  if (depth > DEPTH_MAX) throw new NotPlain(`nested too deep at ${reader.at}`)
  const first = byte(reader)
  const major = first >>> 5
  const value = argument(reader, first & 31)
  if (major === MAJOR.unsigned) return value
  if (major === MAJOR.negative) return -1 - value
  if (major === MAJOR.bytes) return take(reader, value)
  if (major === MAJOR.text) return text(take(reader, value), reader.at)
  if (major === MAJOR.list) return list(reader, value, depth)
  if (major === MAJOR.map) return map(reader, value, depth)
  if (major === MAJOR.tag) return { tag: value, value: read(reader, depth + 1) }
  throw new NotPlain(`an item of a kind not used here before ${reader.at}`)
}

function list(reader: Reader, length: number, depth: number): Plain[] {
  const items: Plain[] = []
  // Each item takes a byte at least, so a length that lies runs into the end of the bytes.
  for (let at = 0; at < length; at++) items.push(read(reader, depth + 1))
  return items
}

function map(reader: Reader, length: number, depth: number): Map<number, Plain> {
  const items = new Map<number, Plain>()
  let before: number | undefined
  for (let at = 0; at < length; at++) {
    const key = read(reader, depth + 1)
    if (typeof key !== 'number') throw new NotPlain(`a key that is no number before ${reader.at}`)
    if (before !== undefined && byKeyBytes(before, key) >= 0) {
      throw new NotPlain(`keys out of order before ${reader.at}`)
    }
    before = key
    items.set(key, read(reader, depth + 1))
  }
  return items
}

function argument(reader: Reader, info: number): number {
  if (info < 24) return info
  if (info > 27) throw new NotPlain(`no definite length before ${reader.at}`)
  const size = 1 << (info - 24)
  let value = 0
  for (let at = 0; at < size; at++) value = value * 256 + byte(reader)
  const least = info === 24 ? 24 : 2 ** (4 * size)
  if (value < least) throw new NotPlain(`not the shortest spelling before ${reader.at}`)
  if (!Number.isSafeInteger(value)) throw new NotPlain(`a number too large before ${reader.at}`)
  return value
}

function byte(reader: Reader): number {
  const value = reader.bytes[reader.at]
  if (value === undefined) throw new NotPlain(`cut at ${reader.at}`)
  reader.at++
  return value
}

function take(reader: Reader, length: number): Uint8Array {
  if (length > reader.bytes.length - reader.at) throw new NotPlain(`cut at ${reader.at}`)
  reader.at += length
  return reader.bytes.slice(reader.at - length, reader.at)
}

function text(bytes: Uint8Array, at: number): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new NotPlain(`text that is not UTF-8 before ${at}`)
  }
}
