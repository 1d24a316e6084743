/**
 * The grammar of spec/wire.cddl, read from the file itself.
 *
 * Lives here: the part of CDDL that the wire uses (arrays, choices, ranges, literals, occurrences),
 * the shapes of all frames, random headers of the grammar and beside it. Does not live here: which
 * values make sense in a session (crowd.ts).
 */
import { readFileSync } from 'node:fs'
import type { Fast } from './fast.ts'

export type Type =
  | { is: 'literal', value: number }
  | { is: 'range', from: number, to: number }
  | { is: 'name', name: string }
  | { is: 'choice', of: Type[] }
  | { is: 'array', entries: Entry[] }
export interface Entry { key: string, many: boolean, type: Type }
/** A frame: its kind, and its fields in order. */
export interface Frame { name: string, kind: number, fields: { name: string, type: Type }[] }
export type Item = number | string | Item[]

const TOKEN = /\s+|;[^\n]*|[A-Za-z_][\w-]*|\d+|\.\.|[=[\],:/*]/y
const DEPTH_MAX = 8
const MANY_MAX = 4
const EDGES = [0, 1, 2, 23, 24, 255, 256, 65_535, 65_536, 0x7fffffff, 0x80000000, 0xffffffff]
const TEXTS = ['', 'x', 'a/b', '/', '...', '\0', 'é', 'n'.repeat(65), 'a'.repeat(256),
  'b/'.repeat(600)]

class Parser {
  private readonly tokens: string[] = []
  private at = 0

  constructor(text: string) {
    for (TOKEN.lastIndex = 0; TOKEN.lastIndex < text.length;) {
      const from = TOKEN.lastIndex
      const found = TOKEN.exec(text)
      const what = text.slice(from, from + 40)
      if (found === null) throw new Error(`not in this part of CDDL: ${what}`)
      if (!/^[\s;]/.test(found[0])) this.tokens.push(found[0])
    }
  }

  rules(): Map<string, Type> {
    const rules = new Map<string, Type>()
    while (this.at < this.tokens.length) {
      const name = this.tokens[this.at++]!
      this.take('=')
      rules.set(name, this.choice())
    }
    return rules
  }

  private take(token: string): void {
    if (this.tokens[this.at++] !== token) {
      const rest = this.tokens.slice(this.at - 1, this.at + 6).join(' ')
      throw new Error(`${token} expected before ${rest}`)
    }
  }

  private skip(token: string): boolean {
    if (this.tokens[this.at] !== token) return false
    this.at++
    return true
  }

  private choice(): Type {
    const of = [this.type()]
    while (this.skip('/')) of.push(this.type())
    return of.length === 1 ? of[0]! : { is: 'choice', of }
  }

  private type(): Type {
    if (this.skip('[')) return this.array()
    const token = this.tokens[this.at++]!
    if (!/^\d/.test(token)) return { is: 'name', name: token }
    if (this.skip('..')) {
      return { is: 'range', from: Number(token), to: Number(this.tokens[this.at++]) }
    }
    return { is: 'literal', value: Number(token) }
  }

  private array(): Type {
    const entries: Entry[] = []
    while (!this.skip(']')) {
      const many = this.skip('*')
      let key = ''
      if (this.tokens[this.at + 1] === ':') {
        key = this.tokens[this.at]!
        this.at += 2
      }
      entries.push({ key, many, type: this.choice() })
      if (this.tokens[this.at] !== ']') this.take(',')
    }
    return { is: 'array', entries }
  }
}

/** The rules of a CDDL text by name. Throws for what this part of CDDL has not. */
export function parse_cddl(text: string): Map<string, Type> { return new Parser(text).rules() }

export class Grammar {
  readonly rules: Map<string, Type>
  readonly frames: Frame[] = []

  constructor(text = readFileSync(new URL('../../spec/wire.cddl', import.meta.url), 'utf8')) {
    this.rules = parse_cddl(text)
    this.gather('frame')
  }

  /** Follows the choices below `frame` down to the arrays that begin with a kind. */
  private gather(name: string): void {
    const type = this.rules.get(name)
    if (type === undefined) throw new Error(`no rule ${name}`)
    if (type.is === 'name') return this.gather(type.name)
    if (type.is === 'choice') {
      for (const one of type.of) if (one.is === 'name') this.gather(one.name)
      return
    }
    const first = type.is === 'array' ? type.entries[0]!.type : undefined
    if (type.is !== 'array' || first?.is !== 'literal') throw new Error(`${name} is no frame`)
    const fields = type.entries.slice(1).map(({ key, type: of }) => ({ name: key, type: of }))
    this.frames.push({ name, kind: first.value, fields })
  }

  frame(name: string): Frame {
    const found = this.frames.find((one) => one.name === name)
    if (found === undefined) throw new Error(`no frame ${name} in the grammar`)
    return found
  }

  /** The rule that a type leads to, names followed. */
  base(type: Type): Type | string {
    let found: Type = type
    for (let depth = 0; found.is === 'name' && depth < DEPTH_MAX; depth++) {
      const next = this.rules.get(found.name)
      if (next === undefined) return found.name
      found = next
    }
    return found
  }

  /** A random item of a type; `wrong` is the chance (one in so many) of each part to be another. */
  item(random: Fast, type: Type, wrong: number, depth = 0): Item {
    if (depth > DEPTH_MAX) return 0
    if (random.once_in(wrong)) return this.stray(random)
    if (type.is === 'literal') return type.value
    if (type.is === 'choice') return this.item(random, random.pick(type.of), wrong, depth + 1)
    if (type.is === 'range') {
      const edge = random.pick(EDGES)
      return edge >= type.from && edge <= type.to ? edge : type.from
    }
    if (type.is === 'name') {
      const rule = this.rules.get(type.name)
      if (rule !== undefined) return this.item(random, rule, wrong, depth + 1)
      return type.name === 'tstr' ? random.pick(TEXTS) : random.pick(EDGES)
    }
    return type.entries.flatMap((entry) => {
      const count = entry.many ? random.below(MANY_MAX) : 1
      return Array.from({ length: count }, () => this.item(random, entry.type, wrong, depth + 1))
    })
  }

  private stray(random: Fast): Item {
    return random.pick<Item>([0, 0xffffffff, '', 'text', [], [[]], EDGES, [0, 1, 2]])
  }
}
