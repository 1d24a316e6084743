/**
 * A core whose globals can be read and set from outside, so that its whole state can be kept.
 *
 * Lives here: adding exports to a wasm file: one for each global, by its own name. Does not live
 * here: what is done with them (instance.ts).
 *
 * Invariant: only the section of exports changes; the code under test is that of the file.
 */
interface Section { id: number, from: number, to: number }

const CUSTOM = 0
const GLOBALS = 6
const EXPORTS = 7
const EXPORT_GLOBAL = 3
const NAMES_OF_GLOBALS = 7
const HEADER_BYTES = 8

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Reads LEB128 numbers and names at a place in a file. */
class Cursor {
  readonly bytes: Uint8Array
  at: number

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes
    this.at = at
  }

  number(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.bytes[this.at++]!
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw new Error('a number that does not end')
  }

  name(): string {
    const bytes = this.number()
    this.at += bytes
    return decoder.decode(this.bytes.subarray(this.at - bytes, this.at))
  }
}

function sections(bytes: Uint8Array): Section[] {
  const found: Section[] = []
  const cursor = new Cursor(bytes, HEADER_BYTES)
  while (cursor.at < bytes.length) {
    const id = bytes[cursor.at++]!
    const length = cursor.number()
    found.push({ id, from: cursor.at, to: cursor.at + length })
    cursor.at += length
  }
  return found
}

function number_bytes(value: number): number[] {
  const out: number[] = []
  for (; value > 0x7f; value >>>= 7) out.push(value & 0x7f | 0x80)
  return [...out, value]
}

/** The globals' names of the section of names, by index. */
function names_of(bytes: Uint8Array, all: readonly Section[]): Map<number, string> {
  const names = new Map<number, string>()
  for (const { id, from, to } of all) {
    const cursor = new Cursor(bytes, from)
    if (id !== CUSTOM || cursor.name() !== 'name') continue
    while (cursor.at < to) {
      const part = bytes[cursor.at++]!
      const end = cursor.number() + cursor.at
      if (part === NAMES_OF_GLOBALS) {
        for (let left = cursor.number(); left > 0; left--) names.set(cursor.number(), cursor.name())
      }
      cursor.at = end
    }
  }
  return names
}

/** The same module with an export `core/file/name` for each global. */
export function with_globals(bytes: Uint8Array): Uint8Array {
  const all = sections(bytes)
  const globals = all.find(({ id }) => id === GLOBALS)
  const exports = all.find(({ id }) => id === EXPORTS)
  if (globals === undefined || exports === undefined) throw new Error('a wasm without globals')
  const count = new Cursor(bytes, globals.from).number()
  const names = names_of(bytes, all)
  const cursor = new Cursor(bytes, exports.from)
  const before = cursor.number()
  const rows: number[] = []
  for (let index = 0; index < count; index++) {
    const name = encoder.encode(names.get(index) ?? `global ${index}`)
    rows.push(...number_bytes(name.length), ...name, EXPORT_GLOBAL, ...number_bytes(index))
  }
  const body = [...number_bytes(before + count), ...bytes.subarray(cursor.at, exports.to), ...rows]
  const head = [EXPORTS, ...number_bytes(body.length)]
  // The section's id and length stand before its body.
  const last = all[all.indexOf(exports) - 1]
  const start = last === undefined ? HEADER_BYTES : last.to
  const whole = new Uint8Array(start + head.length + body.length + bytes.length - exports.to)
  whole.set(bytes.subarray(0, start))
  whole.set(head, start)
  whole.set(body, start + head.length)
  whole.set(bytes.subarray(exports.to), start + head.length + body.length)
  return whole
}
