/**
 * What the core's own host does meanwhile: operations on its channels and on those of the peers.
 *
 * Lives here: operation ids (ABI-10), references that the host holds, one more operation. Does not
 * live here: peers (crowd.ts).
 *
 * Invariants, at every output: an operation completes once, and only while it is under way
 * (ABI-11).
 */
import { bytes_of, constants, records } from '../core/door.ts'
import { IN } from './desk.ts'
import type { Desk } from './desk.ts'
import type { Fast } from './fast.ts'
import { Ring } from './ring.ts'

const SLOTS = 64
const STOCK = 50
const REMOTE = 1 << 31
/** Operations from here on are those of bad records: whatever completes them is fine. */
const NOISE_SLOT = 200
const NOISE_EDGES = [0, 0, 1, 2, 3, 7, 65, 1000, 0x100001, 0x7fffffff, -0x80000000, -1]
const NONE = new Uint8Array(0)
const PATHS = ['x', 'y', 'a/b', 'new/1', 'p/1', '/core/x', '/evil0/x', '/evil1/y', '/evil2/p/1',
  '/...', '/', '', '/evil0', '/nobody/x', 'a', '//', '...', 'a'.repeat(256)].map(bytes_of)
/** Kinds whose wrong fields say nothing of payloads, links and peers that are not there. */
const NOISE_SHAPES = records.input.filter(({ name }) =>
  !['self', 'link_up', 'frame', 'series', 'verified', 'leave', 'limit', 'link_down'].includes(name))
const ALL = bytes_of('/...')
const KIND = { send: 1, receive: 2, select: 3, make: 4, open: 5, reader: 6, read: 7, other: 8 }
const TIMEOUTS = [0, 0, 0, 1, 20, 200]
const REF_KINDS = constants('element')

export class Own {
  /** References that the host holds, and its readers. */
  readonly refs = new Ring()
  readonly readers = new Ring()
  /** Channels of this core: what peers are told of. */
  readonly channels = new Ring()
  /** The last reference to a channel of a peer, whose session may still stand; its last reader. */
  private fresh = 0
  private newest = 0
  private readonly kinds = new Uint8Array(SLOTS + 1)
  private readonly generations = new Uint16Array(SLOTS + 1)
  private readonly offered = new Ring()
  private readonly desk: Desk
  random: Fast
  private running = 0

  constructor(desk: Desk, random: Fast) {
    this.desk = desk
    this.random = random
  }

  reset(random: Fast): void {
    this.random = random
    this.refs.clear()
    this.readers.clear()
    this.channels.clear()
    this.offered.clear()
    this.kinds.fill(0)
    this.generations.fill(0)
    this.gone.length = 0
    this.ended.length = 0
    this.running = this.fresh = this.newest = 0
  }

  /** A new operation's id; 0 when all slots are under way. */
  private op(kind: number): number {
    if (this.running === SLOTS) return 0
    let slot = 1 + this.random.below(SLOTS)
    while (this.kinds[slot] !== 0) slot = slot % SLOTS + 1
    this.kinds[slot] = kind
    this.generations[slot] = this.generations[slot]! + 1 & 0xfff
    this.running++
    return this.generations[slot]! << 20 | slot
  }

  private any_op(): number {
    const slot = 1 + this.random.below(SLOTS)
    return this.generations[slot]! << 20 | slot
  }

  private ref(): number {
    const { random } = this
    if (random.once_in(100)) return random.pick([0, 1, 0x100001, 0x80100001 | 0, -1])
    const ring = this.refs.count > 0 && random.once_in(2) ? this.refs : this.channels
    return ring.count === 0 ? 0 : ring.ids[random.below(ring.count)]!
  }

  // Outputs

  /** `at`: the word after the completion's head. */
  completion(at: number): void {
    const { words } = this.desk.instance
    const op = words[at]!
    const slot = op & 0xfffff
    if (slot >= NOISE_SLOT) return
    if (slot === 0 || slot > SLOTS || this.kinds[slot] === 0 ||
      this.generations[slot] !== op >>> 20) {
      throw new Error(`a completion of ${op}, which is not under way`)
    }
    const kind = this.kinds[slot]
    this.kinds[slot] = 0
    this.running--
    this.offered.forget(op)
    const value = words[at + 6]!
    if (words[at + 1] === 0 && value !== 0) {
      if (kind === KIND.make) this.channels.push(value, 0, this.random)
      if (kind === KIND.open && words[at + 5] === REF_KINDS.channel) this.hold(value)
      if (kind === KIND.reader) this.read_by(value)
    }
    const refs = words[at + 7]!
    for (let nth = 0; nth < refs; nth++) this.hold(words[at + 8 + nth]!)
  }

  offer(op: number): void { this.offered.push(op, 0, this.random) }

  private readonly gone: number[] = []
  private hold(ref: number): void {
    if ((ref & REMOTE) !== 0) this.fresh = ref
    const gone = this.refs.push(ref, 0, this.random)
    if (gone !== 0) this.gone.push(gone)
  }

  private read_by(reader: number): void {
    this.newest = reader
    this.end_reader(this.readers.push(reader, 0, this.random))
  }

  private readonly ended: number[] = []
  private end_reader(reader: number): void { if (reader !== 0) this.ended.push(reader) }

  // Operations

  make(capacity: number, path: Uint8Array): void {
    const op = this.op(KIND.make)
    if (op === 0) return
    const at = this.desk.put_tail(IN.make!, 4, path)
    const { words } = this.desk.instance
    words[at + 1] = op
    words[at + 2] = capacity
    words[at + 3] = this.random.once_in(8) ? 1 : 0
    words[at + 4] = path.length
  }

  private send(): void {
    const op = this.op(KIND.send)
    if (op === 0) return
    const { desk, random } = this
    const refs = random.once_in(4) ? random.between(1, 3) : 0
    const ref = this.ref()
    const at = desk.put(IN.send!, 8 + refs, op, ref, desk.give(), random.once_in(50) ? 1 << 20 : 7)
    const { words } = desk.instance
    words[at + 5] = random.pick(TIMEOUTS)
    words[at + 6] = random.once_in(6) ? 1 : 0
    words[at + 7] = refs
    for (let nth = 0; nth < refs; nth++) words[at + 8 + nth] = this.ref()
  }

  /** Some plain sends to one channel, which may leave together. */
  private burst(): void {
    const { desk, random } = this
    const ref = random.once_in(3) ? this.ref() : this.fresh
    for (let left = random.between(2, 6); left > 0; left--) {
      const op = this.op(KIND.send)
      if (op !== 0) desk.put(IN.send!, 8, op, ref, desk.give(), random.once_in(9) ? 1025 : 7)
    }
  }

  private receive(): void {
    const op = this.op(KIND.receive)
    if (op === 0) return
    const { random } = this
    this.desk.put(IN.receive!, 5, op, this.ref(), random.pick(TIMEOUTS),
      random.once_in(2) ? 0 : random.below(4))
  }

  private select(): void {
    const op = this.op(KIND.select)
    if (op === 0) return
    const { desk, random } = this
    const cases = random.between(1, 4)
    const at = desk.put(IN.select!, 5 + cases * 4, op, random.pick(TIMEOUTS), random.below(4),
      cases)
    const { words } = desk.instance
    for (let nth = 0; nth < cases; nth++) {
      const to = at + 5 + nth * 4
      const kind = random.once_in(12) ? 3 : random.between(1, 2)
      words[to] = kind
      words[to + 1] = kind === 3 ? random.below(50) : this.ref()
      words[to + 2] = kind === 2 ? desk.give() : 0
      words[to + 3] = kind === 2 ? 5 : 0
    }
  }

  private by_path(kind: number, mark: number, fields: number, a: number, b: number): void {
    const op = this.op(mark)
    if (op === 0) return
    const path = this.random.pick(PATHS)
    const at = this.desk.put_tail(kind, fields, path)
    const { words } = this.desk.instance
    words[at + 1] = op
    if (fields > 2) words[at + 2] = a
    if (fields > 3) words[at + 3] = b
    words[at + fields] = path.length
  }

  private read(): void {
    const { random, readers } = this
    if (readers.count === 0 || random.once_in(3)) {
      const op = this.op(KIND.reader)
      const ref = random.once_in(4) ? this.ref() : this.fresh
      if (op !== 0) this.desk.put(IN.reader!, 4, op, ref, random.between(1, 5))
      return
    }
    const reader = random.once_in(3) ? readers.ids[random.below(readers.count)]! : this.newest
    // One takes what has come, the next waits.
    for (let left = random.between(1, 3); left > 0; left--) {
      const op = this.op(KIND.read)
      if (op !== 0) this.desk.put(IN.read!, 4, op, reader, random.pick(TIMEOUTS))
    }
    if (random.once_in(12)) this.end_reader(reader)
  }

  /** A record that no host should write. */
  private noise(): void {
    const { random, desk } = this
    const shape = random.pick(NOISE_SHAPES)
    const tail = random.pick([NONE, NONE, ...PATHS])
    const at = desk.put_tail(shape.kind, shape.fields.length, tail)
    const { words } = desk.instance
    shape.fields.forEach((field, nth) => {
      words[at + 1 + nth] = field === 'op' ? 1 << 20 | NOISE_SLOT + random.below(8)
        : field === 'payload' ? random.once_in(2) ? 0 : desk.give()
          : field.endsWith('_bytes') && random.once_in(2) ? tail.length
            : field === 'ref' || field === 'reader' ? this.ref() : random.pick(NOISE_EDGES)
    })
  }

  /** This host leaves the circuit. */
  leave(): void {
    const op = this.op(KIND.other)
    if (op !== 0) this.desk.put(IN.leave!, 2, op)
  }

  /** Many long names: a list of them is more than the output area holds. */
  stock(): void {
    for (let nth = 0; nth < STOCK && this.desk.room; nth++) {
      this.make(0, bytes_of(`stock/${'s'.repeat(240)}${this.random.below(1_000)}`))
    }
  }

  /** Everything of this peer, below and below that. */
  private list_all(): void {
    const op = this.op(KIND.other)
    if (op === 0) return
    const at = this.desk.put_tail(IN.list!, 3, ALL)
    this.desk.instance.words.set([op >>> 0, 1, ALL.length], at + 1)
  }

  private rare(): void {
    const { random, desk } = this
    switch (random.below(15)) {
      case 14:
        return this.list_all()
      case 12: case 13: return this.noise()
      case 0: this.make(random.below(4), random.once_in(2) ? NONE : random.pick(PATHS)); return
      case 1: {
        const op = this.op(KIND.other)
        if (op !== 0) desk.put(IN.close!, 3, op, this.ref())
        return
      }
      case 2: this.by_path(IN.scrub!, KIND.other, 3, random.once_in(2) ? this.ref() : 0, 0); return
      case 3: this.by_path(IN.list!, KIND.other, 3, random.below(2), 0); return
      case 4: this.by_path(IN.start!, KIND.other, 4, desk.give(), 7); return
      case 5: this.by_path(IN.signal!, KIND.other, 3, 15, 0); return
      case 6: desk.put(IN.retain!, 2, this.ref()); return
      case 7: {
        const first = this.readers.count === 0 ? 0 : this.readers.ids[0]!
        this.end_reader(this.random.once_in(2) ? this.newest : first)
        return
      }
      case 8: desk.put(IN.ended!, 2, 0x100000 + random.between(1, 4)); return
      case 9: desk.put(IN.limit!, 3, random.between(1, 7), 1 << random.between(13, 30)); return
      default: this.by_path(IN.stat!, KIND.other, 3, random.once_in(2) ? this.ref() : 0, 0)
    }
  }

  /** One more operation, and what the host has to give back. */
  step(): void {
    const { random, desk } = this
    for (let ref = this.gone.pop(); ref !== undefined; ref = this.gone.pop()) {
      desk.put(IN.release!, 2, ref)
    }
    for (let id = this.ended.pop(); id !== undefined; id = this.ended.pop()) {
      this.readers.forget(id)
      desk.put(IN.reader_end!, 2, id)
    }
    if (this.channels.count < 4) this.make(random.below(3), random.pick(PATHS))
    const draw = random.below(100)
    if (draw < 4) this.burst()
    else if (draw < 24) this.send()
    else if (draw < 46) this.receive()
    else if (draw < 64) this.select()
    else if (draw < 77) this.read()
    else if (draw < 83) desk.put(IN.withdraw!, 2, this.any_op())
    else if (draw < 92) {
      if (this.offered.count > 0) desk.put(IN.take!, 2, this.offered.ids[0]!)
    } else if (draw < 95) this.by_path(IN.open!, KIND.open, 2, 0, 0)
    else this.rare()
  }
}
