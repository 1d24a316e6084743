/**
 * How frames are written, field by field.
 *
 * Lives here: the grammar's frames with a way to fill each field by its name. Does not live here:
 * which values a peer says (attacker.ts, voice.ts), the grammar (grammar.ts).
 *
 * Invariant: the order of fields is the grammar's. So a frame that is new in spec/wire.cddl is
 * fuzzed from the day that it is there; a field of an unknown name is filled by its type.
 */
import { bytes_of } from '../core/door.ts'
import type { Desk } from './desk.ts'
import type { Frame, Grammar, Item, Type } from './grammar.ts'
import type { Voice } from './voice.ts'

const NAMES = ['evil', 'core', '', 'n'.repeat(65), '/'].map(bytes_of)

type Fill = (voice: Voice, desk: Desk) => void

/** What a name of the grammar stands for: each writes one field. */
const FILLS: Record<string, Fill> = {
  number: (a, desk) => desk.u32(a.said),
  received: (a, desk) => desk.u32(a.received),
  offer: (a, desk) => desk.u32(a.offer),
  channel: (a, desk) => desk.u32(a.channel),
  flags: (a, desk) => desk.u32(a.flags),
  select: (a, desk) => desk.u32(a.selecting),
  count: (a, desk) => desk.u32(a.amount),
  credit: (a, desk) => desk.u32(a.amount),
  capacity: (a, desk) => desk.u32(a.amount),
  signal: (a, desk) => desk.u32(a.amount),
  status: (a, desk) => desk.u32(a.status),
  request: (a, desk) => desk.u32(a.request),
  token: (a, desk) => desk.u32(a.request),
  code: (a, desk) => desk.u32(a.status),
  element: (a, desk) => desk.u32(a.random.below(5)),
  state: (a, desk) => desk.u32(a.random.below(3)),
  path: (a, desk) => desk.text(a.path),
  id: (a, desk) => desk.text(a.about),
  name: (a, desk) => desk.text(a.random.once_in(8) ? a.random.pick(NAMES) : a.name),
  incarnation: (a, desk) => desk.u32(a.about_incarnation),
  event: (a, desk) => desk.u32(a.event),
  version: (a, desk) => desk.u32(a.version),
  by: (a, desk) => desk.text(a.by),
  wish: (a, desk) => desk.u32(a.amount),
  mark: (a, desk) => desk.u32(a.any_mark()),
  marks: (a, desk) => a.put_marks(desk, a.amount),
  bucket: (a, desk) => desk.u32(a.status),
  hashes: (a, desk) => a.put_marks(desk, a.amount),
  hops: (a, desk) => desk.u32(a.random.below(4)),
  refs: (a, desk) => a.put_refs(desk),
  values: (a, desk) => a.put_values(desk)
}

/** A frame with a fill for each field. */
export interface Plan { frame: Frame, fills: Fill[], carries: boolean }

/** Writes any item of the grammar. */
export function put_item(desk: Desk, item: Item): void {
  if (typeof item === 'number') return desk.u32(item)
  if (typeof item === 'string') return desk.text(bytes_of(item))
  desk.head(4, item.length)
  for (const one of item) put_item(desk, one)
}

/** The plans of all frames, made once for each grammar. */
export class Plans {
  readonly grammar: Grammar
  readonly by_name: Record<string, Plan> = {}
  readonly all: Plan[]

  constructor(grammar: Grammar, carries: ReadonlySet<string>) {
    this.grammar = grammar
    this.all = grammar.frames.map((frame) => ({
      frame, carries: carries.has(frame.name),
      fills: frame.fields.map(({ name, type }) => FILLS[name] ?? this.any(type))
    }))
    for (const plan of this.all) this.by_name[plan.frame.name] = plan
  }

  private any(type: Type): Fill {
    return (voice, desk) => put_item(desk, this.grammar.item(voice.random, type, 50))
  }
}
