/**
 * Takes out of the compiler's wasm what nobody reads, so that circuit.wasm keeps its bound.
 *
 * Lives here: names of globals (a stack trace shows functions only), the folder before each name of
 * a function, and the sentences of assertions (a fault says file and line; the sentence stands
 * there in the source). Does not live here: what is compiled (asconfig.json), what is promised of
 * the file (test/house/wasm.test.ts).
 *
 * Invariants: code and exports stay byte for byte; each function keeps its name and its file's; the
 * memory differs only where a sentence stood.
 */

const HEADER_BYTES = 8
const CUSTOM = 0
const DATA = 11
const DATA_COUNT = 12
const NAMES_OF_FUNCTIONS = 1
const NAMES_OF_GLOBALS = 7
const FOLDER = 'core/'
const I32_CONST = 0x41
const END = 0x0b
/** Before a string's text: the number of its class, and the text's bytes. */
const STRING_CLASS = 2
const STRING_HEAD_BYTES = 8
/** The block's own size stands so far before that. */
const BLOCK_HEAD_BYTES = 12
const FILE_NAME = /^core\/\w+\.ts$/

interface Segment { at: number, bytes: Buffer }

class Reader {
  readonly bytes: Buffer
  at = 0

  constructor(bytes: Buffer) { this.bytes = bytes }

  get done(): boolean { return this.at >= this.bytes.length }

  /** An unsigned LEB128 number; an address under 2 GiB reads the same as a signed one. */
  number(): number {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte()
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
  }

  byte(): number {
    const byte = this.bytes[this.at++]
    if (byte === undefined) throw new Error('the wasm ends inside a part')
    return byte
  }

  take(count: number): Buffer {
    if (this.at + count > this.bytes.length) throw new Error('the wasm ends inside a part')
    return this.bytes.subarray(this.at, this.at += count)
  }
}

/** `value` as LEB128; `signed`: with room for a sign, as `i32.const` has it. */
function leb(value: number, signed = false): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest >>>= 7) {
    if (rest < (signed ? 0x40 : 0x80)) return Buffer.from([...bytes, rest])
    bytes.push(rest & 0x7f | 0x80)
  }
}

function part(id: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([id]), leb(content.length), content])
}

/** The same module without what nobody reads in it. */
export function stripped(wasm: Buffer): Buffer {
  const reader = new Reader(wasm)
  const parts = [reader.take(HEADER_BYTES)]
  const data = dataOf(wasm)
  while (!reader.done) {
    const id = reader.byte()
    const content = reader.take(reader.number())
    if (id === CUSTOM) parts.push(part(id, shortNames(content)))
    else if (id === DATA) parts.push(part(id, written(data)))
    else if (id === DATA_COUNT) parts.push(part(id, leb(data.length)))
    else parts.push(part(id, content))
  }
  return Buffer.concat(parts)
}

/** Names without those of globals, and those of functions without their folder. */
function shortNames(content: Buffer): Buffer {
  const reader = new Reader(content)
  const name = reader.take(reader.number()).toString()
  if (name !== 'name') return content
  const parts = [content.subarray(0, reader.at)]
  while (!reader.done) {
    const id = reader.byte()
    const names = reader.take(reader.number())
    if (id === NAMES_OF_FUNCTIONS) parts.push(part(id, withoutFolder(names)))
    else if (id !== NAMES_OF_GLOBALS) parts.push(part(id, names))
  }
  return Buffer.concat(parts)
}

function withoutFolder(names: Buffer): Buffer {
  const reader = new Reader(names)
  const parts = [leb(reader.number())]
  while (!reader.done) {
    parts.push(leb(reader.number()))
    const name = reader.take(reader.number())
    const short = name.subarray(name.indexOf(FOLDER) === 0 ? FOLDER.length : 0)
    parts.push(leb(short.length), short)
  }
  return Buffer.concat(parts)
}

/** The segments that are kept of the module's data. */
function dataOf(wasm: Buffer): Segment[] {
  const reader = new Reader(wasm)
  reader.take(HEADER_BYTES)
  while (!reader.done) {
    const id = reader.byte()
    const content = reader.take(reader.number())
    if (id === DATA) return withoutSentences(segmentsOf(content))
  }
  return []
}

function segmentsOf(content: Buffer): Segment[] {
  const reader = new Reader(content)
  const segments: Segment[] = []
  for (let left = reader.number(); left > 0; left--) {
    if (reader.byte() !== 0 || reader.byte() !== I32_CONST) throw new Error('data of another form')
    const at = reader.number()
    if (reader.byte() !== END) throw new Error('data of another form')
    segments.push({ at, bytes: reader.take(reader.number()) })
  }
  return segments
}

function withoutSentences(segments: Segment[]): Segment[] {
  const gone = new Set<number>()
  for (const { at, bytes } of segments) {
    if (!isSentence(bytes)) continue
    gone.add(at)
    gone.add(at - BLOCK_HEAD_BYTES)
  }
  return segments.filter(({ at }) => !gone.has(at))
}

function isSentence(bytes: Buffer): boolean {
  if (bytes.length <= STRING_HEAD_BYTES || bytes.readUInt32LE(0) !== STRING_CLASS) return false
  // The last byte of a segment is left out where it is zero.
  const text = Buffer.alloc(bytes.readUInt32LE(4))
  bytes.copy(text, 0, STRING_HEAD_BYTES)
  return !FILE_NAME.test(text.toString('utf16le'))
}

function written(segments: Segment[]): Buffer {
  const parts = [leb(segments.length)]
  for (const { at, bytes } of segments) {
    const where = Buffer.concat([Buffer.from([0, I32_CONST]), leb(at, true), Buffer.from([END])])
    parts.push(where, leb(bytes.length), bytes)
  }
  return Buffer.concat(parts)
}
