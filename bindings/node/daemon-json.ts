/**
 * Values as a shell reads and writes them.
 *
 * Lives here: value ↔ JSON, and what `recv` prints. Does not live here: values as CBOR
 * (bindings/js/values).
 *
 * JSON has no bytes, and a shell does not tell text from bytes: byte strings that are UTF-8 are
 * JSON strings, all others {"bytes": base64}, and so they are read back. Dates are ISO 8601 text,
 * large integers plain digits, maps objects, tags their values, channels {"channel": path}.
 */
import { Refusal } from '../js/errors.ts'
import { VALUE_DEPTH_MAX } from '../js/tables.ts'

/** Bytes are checked strictly: what is not UTF-8 must not come back changed. */
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A value as one line of JSON, without the newline. */
export function toJson(value: unknown): string {
  return JSON.stringify(plain(value, 0))
}

/** The value of a JSON text. Refusal BAD_ARGUMENT when it is none. */
export function fromJson(text: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new Refusal('BAD_ARGUMENT', `it is not JSON: ${(error as Error).message}`)
  }
  return withBytes(value, 0)
}

/** What `recv` prints: bytes and text as they are, all else, or all with `json`, as a JSON line. */
export function shown(value: unknown, json: boolean): Uint8Array | string {
  if (!json && (value instanceof Uint8Array || typeof value === 'string')) return value
  return `${toJson(value)}\n`
}

function plain(value: unknown, depth: number): unknown {
  if (depth > VALUE_DEPTH_MAX) return null
  // Past 2^53 JSON.stringify has no integers, JSON itself has.
  if (typeof value === 'bigint') return rawJson(value.toString())
  if (value === undefined || typeof value !== 'object' || value === null) return value ?? null
  if (value instanceof Uint8Array) return plainBytes(value)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
  if (Array.isArray(value) || value instanceof Set) {
    return Array.from(value, (item) => plain(item, depth + 1))
  }
  if (value instanceof Map) return plainEntries(value, depth)
  const holder = value as { path?: unknown, receive?: unknown, tag?: unknown, value?: unknown }
  if (typeof holder.receive === 'function') return { channel: holder.path ?? null }
  if (typeof holder.tag === 'number' && 'value' in holder) return plain(holder.value, depth + 1)
  return plainEntries(Object.entries(value), depth)
}

function plainBytes(bytes: Uint8Array): unknown {
  try {
    return strict.decode(bytes)
  } catch {
    return { bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64') }
  }
}

/** Through a list of entries, so that a key such as __proto__ is only a key. */
function plainEntries(entries: Iterable<[unknown, unknown]>, depth: number): unknown {
  return Object.fromEntries(
    Array.from(entries, ([key, item]) => [String(key), plain(item, depth + 1)])
  )
}

function rawJson(digits: string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(digits)
}

function withBytes(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (depth > VALUE_DEPTH_MAX) {
    throw new Refusal('BAD_ARGUMENT', `it is nested over ${VALUE_DEPTH_MAX} deep`)
  }
  if (Array.isArray(value)) return value.map((item) => withBytes(item, depth + 1))
  const entries = Object.entries(value)
  const only = entries.length === 1 ? entries[0]! : undefined
  if (only?.[0] === 'bytes' && typeof only[1] === 'string') return bytesOf(only[1])
  return Object.fromEntries(entries.map(([key, item]) => [key, withBytes(item, depth + 1)]))
}

function bytesOf(base64: string): Uint8Array {
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.toString('base64') === base64) return new Uint8Array(bytes)
  throw new Refusal('BAD_ARGUMENT', 'the text of {"bytes"} is not base64')
}
