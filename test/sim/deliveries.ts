/**
 * Which messages owners sent out to whom, and which of them they know to be taken.
 *
 * Lives here: reading `deliver`, `delivers` and `grant` as they cross, so that it is known exactly
 * when an owner cannot know that a message was taken. Does not live here: what follows from that
 * (invariants/).
 *
 * Invariant: a grant counts when its owner is still in the session in which it was written; frames
 * that come again count once.
 */
import { records } from '../core/door.ts'
import type { Net, Crossing } from '../net/net.ts'
import type { Node } from '../net/node.ts'

/** One message that went out to one peer. */
export interface Delivery { text: string, owner: Node, owner_incarnation: number, to: Node,
  at_ms: number, granted: boolean }

const kinds = Object.fromEntries(records.frames.map(({ name, kind }) => [name, kind]))
const KIND_DELIVER = kinds.deliver!
const KIND_DELIVERS = kinds.delivers!
const KIND_GRANT = kinds.grant!
const KIND_OFFER_RECEIVE = kinds.offer_receive!
const KIND_OFFER_READER = kinds.offer_reader!
/** Frames that are about channels and their requests. */
const TALK_MAX = 47
const TALK_MIN = 16
const SMALL_MAX = 23

/** What one side of a session has said of the messages that it sends or takes. */
interface Talk { written: number, taken: number, offered: number, out: Map<number, Delivery[]> }

export class Deliveries {
  /** When something was last said that is not about the circuit itself. */
  talked_ms = 0
  readonly by_text = new Map<string, Delivery[]>()
  private readonly talks = new Map<string, Talk>()
  private readonly numbers = new Map<Node, number>()
  private readonly net: Net

  constructor(net: Net) {
    this.net = net
    net.watch = (crossing) => { this.written(crossing) }
    net.arrives = (crossing) => { this.arrived(crossing) }
  }

  /** Deliveries of a message to a peer. */
  to(text: string, node: Node): Delivery[] {
    return this.by_text.get(text)?.filter((one) => one.to === node) ?? []
  }

  private number(node: Node): number {
    const known = this.numbers.get(node)
    if (known !== undefined) return known
    this.numbers.set(node, this.numbers.size)
    return this.numbers.size - 1
  }

  /** What an owner has out to a receiver in the session as one of them sees it now. */
  private talk(owner: Node, receiver: Node, seen_by: Node): Talk {
    const own = seen_by === owner ? owner.incarnation : seen_by.members.get(owner.id)
    const its = seen_by === receiver ? receiver.incarnation : seen_by.members.get(receiver.id)
    const key = `${this.number(owner)}.${own} ${this.number(receiver)}.${its}`
    let talk = this.talks.get(key)
    if (talk === undefined) {
      this.talks.set(key, talk = { written: 0, taken: 0, offered: 0, out: new Map() })
    }
    return talk
  }

  private written(crossing: Crossing): void {
    const { from, to, header, text } = crossing
    const kind = kind_of(header)
    if (kind < TALK_MIN || kind > TALK_MAX) return
    this.talked_ms = this.net.now_ms
    if (kind === KIND_OFFER_RECEIVE || kind === KIND_OFFER_READER) {
      const talk = this.talk(to, from, from)
      const [number, , offer] = numbers_of(header, 3)
      if (number! <= talk.offered) return
      talk.offered = number!
      talk.out.delete(offer!)
      return
    }
    if (kind !== KIND_DELIVER && kind !== KIND_DELIVERS) return
    const talk = this.talk(from, to, from)
    const [number, , offer] = numbers_of(header, 3)
    if (number! <= talk.written) return
    talk.written = number!
    for (const each of kind === KIND_DELIVERS ? text.split(' ') : [text]) {
      const one: Delivery = { text: each, owner: from, to, at_ms: this.net.now_ms, granted: false,
        owner_incarnation: from.incarnation }
      push(this.by_text, each, one)
      push(talk.out, offer!, one)
    }
  }

  private arrived({ from, incarnation, to, header }: Crossing): void {
    if (kind_of(header) !== KIND_GRANT) return
    if (to.members.get(from.id) !== incarnation) return
    const talk = this.talk(to, from, to)
    const [number, , offer, count] = numbers_of(header, 4)
    if (number! <= talk.taken) return
    talk.taken = number!
    for (const one of talk.out.get(offer!)?.splice(0, count) ?? []) one.granted = true
  }
}

function push<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}

/** A header is an array of fewer than 24 items, whose first is the kind. */
function kind_of(header: Uint8Array): number {
  return header[1]! <= SMALL_MAX ? header[1]! : header[2]!
}

/** The first fields after the kind, which are all whole numbers. */
function numbers_of(header: Uint8Array, count: number): number[] {
  const view = new DataView(header.buffer, header.byteOffset, header.length)
  let at = header[1]! <= SMALL_MAX ? 2 : 3
  return Array.from({ length: count }, () => {
    const first = header[at]!
    at++
    if (first <= SMALL_MAX) return first
    const bytes = 1 << first - 24
    const value = bytes === 1 ? view.getUint8(at) : bytes === 2 ? view.getUint16(at)
      : view.getUint32(at)
    at += bytes
    return value
  })
}
