/**
 * Replaying a vector at a core that numbers its own things otherwise and draws otherwise.
 *
 * Lives here: which numbers a core chooses (spec/vectors/README.md lists them), the table from a
 * vector's numbers to those of the core under test, comparing with it. Does not live here: the
 * comparison to the byte (replay.ts).
 *
 * What is compared: the records of each step as a set, frames of one link in their order; not
 * compared: the order of others, and when the core wishes to dial (jitter).
 *
 * Invariant: a number of a vector stands for one number of the core, and the other way round.
 */
import { isDeepStrictEqual } from 'node:util'
import { decode } from 'cbor-x'
import { records } from '../core/door.ts'
import { encode } from '../fuzz/header.ts'
import { bytes_from, hex_of } from './record.ts'
import type { Described, Item } from './record.ts'
import type { Step } from './vector.ts'

/** Kinds of numbers that a core chooses; tokens are those of its pings. */
type Space = 'refs' | 'readers' | 'peers' | 'processes' | 'signals' | 'offers' | 'requests' |
  'tokens'

const FIELDS: Record<string, Space> = {
  ref: 'refs', refs: 'refs', reader: 'readers', peer: 'peers', process: 'processes',
  stdin: 'refs', stdout: 'refs', stderr: 'refs', exit: 'refs', token: 'signals'
}
const VALUES: Record<string, Space> = { make: 'refs', open: 'refs', reader: 'readers' }
const ARBITER = new Set(['offer_receive', 'offer_send', 'offer_sends', 'offer_reader', 'grant',
  'withdraw', 'ask'])
const OWNER = new Set(['claim', 'deliver', 'delivers', 'end', 'ends', 'unhold'])
const ANSWER = new Set(['reply', 'entry', 'pong', 'probed'])
const shapes = new Map(records.frames.map((shape) => [shape.kind, shape]))

/** A core's numbers: from the vector's to its own, and back. */
class Names {
  private readonly there = new Map<string, number>()
  private readonly back = new Map<string, number>()

  /** The core's number; the vector's own when the core never chose one. */
  of(space: Space, number: number): number { return this.there.get(`${space} ${number}`) ?? number }

  /** True when the core's number can be what the vector's stands for. */
  fits(space: Space, number: number, actual: number): boolean {
    const known = this.there.get(`${space} ${number}`)
    const taken = this.back.get(`${space} ${actual}`)
    if (known !== undefined || taken !== undefined) return known === actual && taken === number
    return (number === 0) === (actual === 0)
  }

  bind(space: Space, number: number, actual: number): void {
    if (number === 0) return
    this.there.set(`${space} ${number}`, actual)
    this.back.set(`${space} ${actual}`, number)
  }
}

/** One pair of numbers that would have to be the same thing. */
interface Bond { core: number, space: Space, number: number, actual: number }

/** The cores of one vector, by what they were told about each other. */
export class Cast {
  private readonly names: Names[]
  private readonly ids: string[] = []
  private readonly links = new Map<string, string>()
  /** What operations and requests asked for. */
  private readonly asked = new Map<string, string>()

  constructor(count: number) {
    this.names = Array.from({ length: count }, () => new Names())
  }

  // In

  /** A record of the vector as it has to be given to this core. */
  give(core: number, described: Described): Described {
    if (described.record === 'self') this.ids[core] = String(described.id)
    if (described.record === 'link_up') this.links.set(`${core} ${described.link}`,
      String(described.id))
    if (described.op !== undefined) {
      this.asked.set(`${core} ${described.op}`, String(described.record))
    }
    const given: Described = {}
    for (const [field, value] of Object.entries(described)) {
      given[field] = field === 'cases' ? (value as Described[]).map((one) => this.give(core, one))
        : this.rename(core, FIELDS[field], value as Item) as number
    }
    if (is_frame(described)) given.header = this.header_in(core, described)
    return given
  }

  private rename(core: number, space: Space | undefined, value: Item): Item {
    if (space === undefined) return value
    if (Array.isArray(value)) return value.map((one) => this.rename(core, space, one))
    return typeof value === 'number' ? this.names[core]!.of(space, value) : value
  }

  /** The core at the other end of a link; undefined when a vector plays it by hand. */
  private other(core: number, link: number): number | undefined {
    const at = this.ids.indexOf(this.links.get(`${core} ${link}`) ?? '')
    return at < 0 ? undefined : this.latest(at)
  }

  /** Of several runs of one peer the last that has come. */
  private latest(core: number): number { return this.ids.lastIndexOf(this.ids[core]!) }

  private header_in(core: number, described: Described): string {
    const row = row_of(String(described.header ?? ''))
    const from = this.other(core, described.link as number)
    if (row === undefined) return String(described.header ?? '')
    const bonds = this.bonds_of(row, row, from, core)
    for (const { at, core: whose, space, number } of bonds) {
      set_at(row, at, this.names[whose]!.of(space, number))
    }
    return hex_of(encode(row as number[]))
  }

  // Out

  /** Why what a core did is not what the step says; undefined when it is. */
  compare(step: Step, actual: Described[]): string | undefined {
    const rest = actual.filter(({ record }) => record !== 'dial')
    for (const expected of step.out) {
      if (expected.record === 'dial') continue
      const same = (one: Described): boolean => one.record === expected.record &&
        (!is_frame(expected) || one.link === expected.link)
      // Frames of one link come in order: only the first that is left can be meant.
      const tries = rest.filter(same).slice(0, is_frame(expected) ? 1 : undefined)
      const found = tries.find((one) => this.unify(step.core, expected, one))
      if (found === undefined) {
        return `${JSON.stringify(expected)} is missing; there is ${JSON.stringify(rest)}`
      }
      rest.splice(rest.indexOf(found), 1)
    }
    return rest.length === 0 ? undefined : `${JSON.stringify(rest)} was not expected`
  }

  /** True when the two say the same; then their numbers are the same from now on. */
  private unify(core: number, expected: Described, actual: Described): boolean {
    const bonds: Bond[] = []
    const fields = new Set([...Object.keys(expected), ...Object.keys(actual)])
    for (const field of fields) {
      if (field === 'reads' || field === 'header') continue
      const space = field === 'value'
        ? VALUES[this.asked.get(`${core} ${expected.op}`) ?? ''] : FIELDS[field]
      if (!pair(core, space, expected[field] ?? 0, actual[field] ?? 0, bonds)) return false
    }
    if (expected.header !== undefined && !this.unify_header(core, expected, actual, bonds)) {
      return false
    }
    for (const { core: whose, space, number, actual: chosen } of bonds) {
      if (!this.names[whose]!.fits(space, number, chosen)) return false
    }
    for (const one of bonds) this.names[one.core]!.bind(one.space, one.number, one.actual)
    return true
  }

  private unify_header(core: number, expected: Described, actual: Described,
    bonds: Bond[]): boolean {
    const [row, other] = [row_of(String(expected.header)), row_of(String(actual.header))]
    if (row === undefined || other === undefined) return false
    const to = this.other(core, expected.link as number)
    for (const bond of this.bonds_of(row, other, core, to)) {
      bonds.push(bond)
      set_at(other, bond.at, bond.number)
    }
    return JSON.stringify(row) === JSON.stringify(other)
  }

  /** The numbers in a header that some core chose: of the vector's row and of another beside it. */
  private bonds_of(row: Item[], beside: Item[], from: number | undefined,
    to: number | undefined): (Bond & { at: number[] })[] {
    const shape = shapes.get(row[0] as number)!
    const bonds: (Bond & { at: number[] })[] = []
    const add = (core: number | undefined, space: Space, ...at: number[]): void => {
      const [number, actual] = [value_at(row, at), value_at(beside, at)]
      if (core === undefined || typeof number !== 'number' || typeof actual !== 'number') return
      bonds.push({ core, space, number, actual, at })
    }
    const asker = ANSWER.has(shape.name) ? to : from
    shape.fields.forEach((field, nth) => {
      const at = nth + 1
      if (field === 'offer') add(OWNER.has(shape.name) ? to : from, 'offers', at)
      if (field === 'channel') add(to, 'refs', at)
      if (field === 'request') add(asker, 'requests', at)
      if (field === 'token') add(asker, 'tokens', at)
      if (field === 'refs') this.refs_in(row[at] as Item[], from, to).forEach((core, ref) =>
        add(core, 'refs', at, ref, 2))
    })
    this.values_in(shape.name, row, from, to, add)
    return bonds
  }

  /** Whose channel each reference of a header names. */
  private refs_in(refs: Item[], from: number | undefined,
    to: number | undefined): (number | undefined)[] {
    return refs.map((ref) => {
      const [owner, , , id] = ref as [number, number, number, unknown]
      const third = this.ids.lastIndexOf(String(id))
      return owner === 0 ? from : owner === 1 ? to : third < 0 ? undefined : third
    })
  }

  /** A reply to make or open names a channel; what was asked was said in the request. */
  private values_in(name: string, row: Item[], from: number | undefined, to: number | undefined,
    add: (core: number | undefined, space: Space, ...at: number[]) => void): void {
    if (ARBITER.has(name) || OWNER.has(name)) return
    if (name === 'make' || name === 'open') this.asked.set(`request ${from} ${row[3]}`, name)
    if (name !== 'reply') return
    const asked = this.asked.get(`request ${to} ${row[3]}`)
    if (asked === 'make') add(from, 'refs', 5, 0)
    if (asked === 'open') add(from, 'refs', 5, 1)
  }
}

function is_frame({ record }: Described): boolean {
  return record === 'frame' || record === 'series'
}

/** Whether two values are equal, or may be two names of one thing (then they are noted). */
function pair(core: number, space: Space | undefined, expected: unknown, actual: unknown,
  bonds: Bond[]): boolean {
  if (Array.isArray(expected) && Array.isArray(actual)) {
    return expected.length === actual.length &&
      expected.every((one, nth) => pair(core, space, one, actual[nth], bonds))
  }
  if (space === undefined || typeof expected !== 'number' || typeof actual !== 'number') {
    return isDeepStrictEqual(expected, actual)
  }
  bonds.push({ core, space, number: expected, actual })
  return true
}

/** A header as a row; undefined when it is none that the table knows. */
function row_of(header: string): Item[] | undefined {
  let row: unknown
  try { row = decode(bytes_from(header)) } catch { return undefined }
  if (!Array.isArray(row)) return undefined
  const shape = shapes.get(row[0] as number)
  if (shape === undefined || row.length !== shape.fields.length + 1) return undefined
  try {
    return hex_of(encode(row as number[])) === header ? row as Item[] : undefined
  } catch { return undefined }
}

function value_at(row: Item[], at: readonly number[]): Item | undefined {
  return at.reduce<Item | undefined>((item, nth) => (item as Item[] | undefined)?.[nth], row)
}

function set_at(row: Item[], at: readonly number[], value: number): void {
  const last = at.at(-1)!
  const list = value_at(row, at.slice(0, -1)) as Item[]
  list[last] = value
}
