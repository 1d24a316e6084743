/**
 * Real traffic, bent: what cores of test/net were told, told again with things wrong in it.
 *
 * Lives here: recording whole runs at the door, playing one up to some point, many variants of what
 * followed. Does not live here: frames made from the grammar (attacker.ts).
 *
 * Invariants: a variant depends on its log, its point and its seed alone; frames keep their places
 * in their sessions (number and received are mended), so what is wrong in one is looked at.
 */
import { Door, records } from '../core/door.ts'
import { IN } from './desk.ts'
import { Fast } from './fast.ts'
import type { Instance, Snapshot } from './instance.ts'
import { talk } from './talk.ts'

/** One record as it went in. */
export interface Told { now_ms: number, record: Uint32Array }
export type Log = Told[]

const WINDOW = 64
const BATCH = 8
const VARIANTS = 48
const BENT_ONE_IN = 6
const RUNS_MAX = 5_000
/** What a host's largest operation id may cost (ABI-10), with room. */
const MEMORY_BYTES_MAX = 128 * 1024 * 1024
const MEMORY_BYTES_KEPT = 96 * 1024 * 1024
const LOG_RECORDS_MAX = 6_000
const FRAME = IN.frame!
const OUT_FRAME = records.output.find(({ name }) => name === 'frame')!.kind
const FRAME_WORDS = 5
const SERIES = IN.series!
const OUT_SERIES = records.output.find(({ name }) => name === 'series')!.kind
const SERIES_WORDS = 4
const SESSION_FROM = 16
const EDGES = [0, 0, 1, 2, 3, 7, 8, 23, 24, 64, 255, 256, 1000, 65_535, 0x100001, 0x100002,
  0x7fffffff, 0x80000000, 0x80100001, 0xffffffff]

/** Lets peers talk and gives what each of their cores was told. */
export function record_logs(seeds: readonly number[]): Log[] {
  const logs = new Map<Door, Log>()
  const { step } = Door.prototype
  Door.prototype.step = function (this: Door, pending, now_ms, count_max) {
    const before = pending.slice()
    const outputs = step.call(this, pending, now_ms, count_max)
    const log = logs.get(this) ?? []
    logs.set(this, log)
    for (const bytes of before.slice(0, before.length - pending.length)) {
      log.push({ now_ms, record: new Uint32Array(bytes.slice().buffer) })
    }
    return outputs
  }
  try {
    for (const seed of seeds) talk(seed)
  } finally {
    Door.prototype.step = step
  }
  return [...logs.values()].filter((log) => log.length > WINDOW)
    .map((log) => log.slice(0, LOG_RECORDS_MAX))
}

/** Where the parts of a CBOR header are: the array's head, then each item of it. */
function items_of(header: Uint8Array): number[] | undefined {
  const places: number[] = []
  let at = 0
  while (at < header.length) {
    places.push(at)
    const major = header[at]! >> 5
    const form = header[at]! & 31
    const wide = form < 24 ? 0 : form === 24 ? 1 : form === 25 ? 2 : 4
    let value = form
    if (wide > 0) {
      value = 0
      for (let nth = 1; nth <= wide; nth++) value = value * 256 + (header[at + nth] ?? 0)
    }
    at += 1 + wide + (major === 3 ? value : 0)
  }
  return at === header.length ? [...places, at] : undefined
}

function u32_bytes(value: number): number[] {
  if (value < 24) return [value]
  if (value < 0x100) return [24, value]
  if (value < 0x10000) return [25, value >> 8, value & 0xff]
  return [26, value >>> 24, value >>> 16 & 0xff, value >>> 8 & 0xff, value & 0xff]
}

function number_at(header: Uint8Array, at: number): number {
  const form = header[at]! & 31
  if (form < 24) return form
  let value = 0
  for (let nth = 1; nth <= (form === 24 ? 1 : form === 25 ? 2 : 4); nth++) {
    value = value * 256 + header[at + nth]!
  }
  return value
}

function is_series(record: Uint32Array): boolean {
  return record.length > SERIES_WORDS && (record[0]! & 0xffff) === SERIES
}

/** In which word of a frame its header begins. */
function fixed_words(record: Uint32Array): number {
  return is_series(record) ? SERIES_WORDS + 2 * record[2]! : FRAME_WORDS
}

function is_frame(record: Uint32Array): boolean {
  const named = (record[0]! & 0xffff) === FRAME || is_series(record)
  return named && record.length > fixed_words(record)
}

/** In which word of a frame its header's length stands. */
function length_word(record: Uint32Array): number { return is_series(record) ? 3 : 4 }

function header_of(record: Uint32Array): Uint8Array {
  const fixed = fixed_words(record)
  return new Uint8Array(record.buffer, record.byteOffset + fixed * 4,
    Math.min(record[length_word(record)]!, (record.length - fixed) * 4))
}

function with_header(record: Uint32Array, header: Uint8Array): Uint32Array {
  const fixed = fixed_words(record)
  const out = new Uint32Array(fixed + (header.length + 3 >> 2))
  out.set(record.subarray(0, fixed))
  out[0] = (record[0]! & 0xffff) | out.length << 16
  out[length_word(record)] = header.length
  new Uint8Array(out.buffer, fixed * 4, header.length).set(header)
  return out
}

function spliced(header: Uint8Array, from: number, to: number, by: readonly number[]): Uint8Array {
  return Uint8Array.of(...header.subarray(0, from), ...by, ...header.subarray(to))
}

/** Plays logs on one core. */
export class Replay {
  instance: Instance
  frames = 0
  inputs = 0
  private fresh: Snapshot
  private readonly make: () => Instance
  private readonly corpus: Log[]
  /** By link: the last number that went in, and the last that came out. */
  private readonly numbers = new Map<number, number>()
  private readonly sent = new Map<number, number>()
  private now_ms = 0
  /** What this core was given since it was fresh: a failure can be played again from it. */
  readonly trail: Log = []

  constructor(make: () => Instance, corpus: Log[]) {
    this.make = make
    this.corpus = corpus
    this.instance = make()
    this.fresh = this.instance.snapshot()
  }

  /**
   * Plays one log up to a point of the seed's choice, and variants of what follows. Gives those
   * variants for which `new_here` holds, as logs of their own.
   */
  episode(seed: number, new_here: () => boolean): Log[] {
    const random = new Fast(seed)
    const log = random.pick(this.corpus)
    const point = Math.floor(random.below(0xffff) / 0xffff * (log.length - WINDOW))
    this.renew()
    this.trail.length = 0
    this.numbers.clear()
    this.sent.clear()
    this.now_ms = log[0]!.now_ms
    for (let at = 0; at < point; at += BATCH) this.give(log.slice(at, Math.min(point, at + BATCH)))
    const here = this.instance.snapshot()
    const numbers = [...this.numbers]
    const sent = [...this.sent]
    const now_ms = this.now_ms
    const told = this.trail.length
    const found: Log[] = []
    for (let nth = 0; nth < VARIANTS; nth++) {
      const before = this.instance.memory_bytes
      this.instance.restore(here)
      this.trail.length = told
      this.reset(numbers, sent, now_ms)
      const played = this.variant(log.slice(point, point + WINDOW), random)
      if (this.instance.memory_bytes - before > MEMORY_BYTES_MAX) {
        throw new Error(`a variant made the core grow by ${this.instance.memory_bytes - before}`)
      }
      if (new_here()) found.push([...log.slice(0, point), ...played, ...log.slice(point + WINDOW)])
    }
    return found
  }

  /** Memory never shrinks, and a core that is brought back grows it again. */
  private renew(): void {
    if (this.instance.memory_bytes <= MEMORY_BYTES_KEPT) {
      this.instance.restore(this.fresh)
      return
    }
    this.instance = this.make()
    this.fresh = this.instance.snapshot()
  }

  /** Plays records as they are. */
  again(trail: Log): void {
    for (const told of trail) {
      this.now_ms = told.now_ms
      this.instance.words.set(told.record, this.instance.input)
      this.run(1)
      this.instance.check()
    }
  }

  private reset(numbers: [number, number][], sent: [number, number][], now_ms: number): void {
    this.numbers.clear()
    this.sent.clear()
    for (const [link, number] of numbers) this.numbers.set(link, number)
    for (const [link, number] of sent) this.sent.set(link, number)
    this.now_ms = now_ms
  }

  private variant(log: Log, random: Fast): Log {
    const played: Log = []
    for (let at = 0; at < log.length; at += BATCH) {
      const batch = log.slice(at, at + BATCH).flatMap((told) => this.bent(told, random))
      played.push(...batch)
      this.give(batch)
    }
    this.instance.check()
    return played
  }

  /** A record as it was, mended, or with something wrong. */
  private bent(told: Told, random: Fast): Told[] {
    const later_ms = random.once_in(60) ? random.pick([100, 3_000, 60_000]) : 0
    const now_ms = told.now_ms + later_ms
    const fits = { now_ms, record: told.record }
    if (!random.once_in(BENT_ONE_IN)) return [fits]
    const other = random.pick(random.pick(this.corpus)).record
    switch (random.below(8)) {
      case 0: return []
      case 1: return [fits, fits]
      case 2: return [{ now_ms, record: other }, fits]
      case 3: return [{ now_ms, record: this.field_bent(told.record, random) }]
      case 4: return [{ now_ms, record: this.length_bent(told.record, random) }]
      default: return [{ now_ms, record: is_frame(told.record)
        ? this.header_bent(told.record, random) : this.field_bent(told.record, random) }]
    }
  }

  private field_bent(record: Uint32Array, random: Fast): Uint32Array {
    const out = record.slice()
    const at = Math.min(out.length - 1, 1 + random.below(Math.min(9, out.length)))
    out[at] = random.once_in(3) ? out[at]! ^ 1 << random.below(32) : random.pick(EDGES)
    return out
  }

  private length_bent(record: Uint32Array, random: Fast): Uint32Array {
    const words = Math.max(1, random.between(1, record.length + 2))
    const out = new Uint32Array(words)
    out.set(record.subarray(0, Math.min(words, record.length)))
    out[0] = (out[0]! & 0xffff | words << 16) >>> 0
    return out
  }

  private header_bent(record: Uint32Array, random: Fast): Uint32Array {
    const header = header_of(record).slice()
    const places = items_of(header)
    if (places === undefined || places.length < 3 || random.once_in(4)) {
      const at = random.below(header.length)
      header[at] = header[at]! ^ 1 << random.below(8)
      return with_header(record, header)
    }
    const nth = 1 + random.below(places.length - 2)
    const by = u32_bytes(random.pick(EDGES))
    return with_header(record, spliced(header, places[nth]!, places[nth + 1]!, by))
  }

  /** Number and received of a session frame as the session stands now. */
  private mended(record: Uint32Array): Uint32Array {
    let header = header_of(record)
    const places = items_of(header)
    if (places === undefined || places.length < 5) return record
    const link = record[1]!
    const kind = number_at(header, places[1]!)
    const whole = header[places[0]!]! >> 5 === 4 && header[places[2]!]! >> 5 === 0 &&
      header[places[3]!]! >> 5 === 0
    if (kind < SESSION_FROM || !whole) return record
    const last = this.numbers.get(link)
    const recorded = number_at(header, places[2]!)
    const number = last === undefined ? recorded : last + 1
    this.numbers.set(link, number)
    const received = Math.min(number_at(header, places[3]!), this.sent.get(link) ?? 0xffffffff)
    if (number === recorded && received === number_at(header, places[3]!)) return record
    const by = [...u32_bytes(number), ...u32_bytes(received)]
    header = spliced(header, places[2]!, places[4]!, by)
    return with_header(record, header)
  }

  private give(batch: Log): void {
    const { instance } = this
    let at = instance.input
    for (const { now_ms, record } of batch) {
      if ((now_ms - this.now_ms | 0) > 0) this.now_ms = now_ms
      const one = is_frame(record) ? this.mended(record) : record
      if (one.length > 0xffff || at + one.length > instance.input + instance.input_words) break
      instance.words.set(one, at)
      this.trail.push({ now_ms: this.now_ms, record: one })
      at += one.length
      this.inputs++
      if (is_frame(one)) this.frames++
    }
    this.run(batch.length)
  }

  private run(count: number): void {
    const { instance } = this
    for (let runs = 0; ; runs++) {
      if (runs > RUNS_MAX) throw new Error('the core never says that it is done')
      const produced = instance.run(count, this.now_ms)
      const { consumed, more } = instance
      this.hear(produced)
      if (consumed > count) throw new Error(`consumed ${consumed} of ${count} records`)
      if (consumed < count) this.shift(consumed)
      count -= consumed
      if (count === 0 && !more) return
    }
  }

  private shift(consumed: number): void {
    const { words, input, input_words } = this.instance
    let from = input
    for (let nth = 0; nth < consumed; nth++) from += words[from]! >>> 16
    words.copyWithin(input, from, input + input_words)
  }

  /** Notes how far each link's session has come. */
  private hear(produced: number): void {
    const { words, bytes, output } = this.instance
    for (let nth = 0, at = output; nth < produced; nth++) {
      const head = words[at]!
      const kind = head & 0xffff
      if (kind === OUT_FRAME || kind === OUT_SERIES) {
        const from = at + (kind === OUT_SERIES ? SERIES_WORDS + 2 * words[at + 2]! : FRAME_WORDS)
        const header = bytes.subarray(from << 2, (from << 2) + 16)
        const named = header[1]! === 24 ? header[2]! : header[1]!
        if (named >= SESSION_FROM) {
          const number = number_at(header, header[1]! === 24 ? 3 : 2)
          const link = words[at + 1]!
          this.sent.set(link, Math.max(number, this.sent.get(link) ?? 0))
        }
      }
      at += head >>> 16
    }
  }
}
