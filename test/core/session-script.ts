/**
 * One core and a test that plays all of its peers by hand, frame by frame.
 *
 * Lives here: links with numbers, frames as rows of numbers and texts, the usual handshakes. Does
 * not live here: what must follow (the tests beside this file), networks of cores (test/net).
 */
import { decode } from 'cbor-x'
import { bytes_of, codes, constants, join, limits, records, tail_text } from './door.ts'
import { frame_record, header_of, is_frame, payloads_of } from './frames.ts'
import { Host } from './host.ts'
import type { Output } from './door.ts'

export { codes, constants, limits }
export const VERSION = limits.WIRE_VERSION!
export const ANSWER = constants('hello_flag').answer!
export const LEFT = constants('hello_flag').left!
const event = constants('peer_event')
const ALIVE = constants('member_event').alive!
/** What is said to keep the overlay together; looked at by those tests that name it. */
const OVERLAY = new Set(['edge', 'digest', 'holds', 'want', 'have', 'graft', 'prune'])
const shapes = new Map(records.frames.map((shape) => [shape.kind, shape]))
const kinds = new Map(records.frames.map((shape) => [shape.name, shape.kind]))

export type Field = number | string | Field[]

function head(major: number, value: number): Uint8Array {
  const first = major << 5
  if (value < 24) return Uint8Array.of(first | value)
  if (value < 0x100) return Uint8Array.of(first | 24, value)
  if (value < 0x10000) return Uint8Array.of(first | 25, value >> 8, value & 0xff)
  return Uint8Array.of(
    first | 26, value >>> 24, value >> 16 & 0xff, value >> 8 & 0xff, value & 0xff)
}

/** A field in CBOR's shortest form (RFC 8949, section 4.2.1). */
export function cbor(field: Field): Uint8Array {
  if (typeof field === 'number') return head(0, field)
  if (typeof field === 'string') return join(head(3, bytes_of(field).length), bytes_of(field))
  return join(head(4, field.length), ...field.map(cbor))
}

/** A frame that the core wrote: its name, fields by name, and its payload. */
export interface Said {
  link: number, name: string, fields: Record<string, number & string>, payload: string
  payloads: string[], row: unknown[]
}
export interface PeerEvent { event: string, id: string, name: string, incarnation: number,
  rights: number, info: string }

/** Id of the core under test; others come before or after it. */
export const ME = 'mmm'
export const LOWER = 'aaa'
export const HIGHER = 'zzz'

export class Script {
  readonly host: Host
  private readonly said: Said[] = []
  readonly events: PeerEvent[] = []
  readonly dials: { peer: number, id: string }[] = []
  readonly unlinked: { link: number, code: number }[] = []
  readonly asked: { link: number, chain: string, id: string }[] = []
  readonly renewed: number[] = []

  constructor(incarnation = 7, seed = 1, now_ms = 1000, host = new Host(seed, now_ms)) {
    this.host = host
    // What is lent is read at its place among the records, as a host must.
    this.host.orders.push = (...orders) => {
      for (const order of orders) this.note(order)
      return 0
    }
    this.self('me', incarnation)
  }

  self(name: string, incarnation: number, info = 'my info'): void {
    const tail = bytes_of(ME + name)
    this.host.put('self', {
      incarnation, chain: this.host.give('my chain'), chain_bytes: 8, info: this.host.give(info),
      info_bytes: info.length, id_bytes: ME.length, name_bytes: bytes_of(name).length
    }, tail)
  }

  private note(order: Output): void {
    const fields = order.fields as Record<string, number>
    const { link, peer, code, payload, id_bytes } = fields
    if (is_frame(order)) this.said.push(this.read(order))
    else if (order.name === 'dial') {
      this.dials.push({ peer: peer!, id: tail_text(order, 0, id_bytes!) })
    } else if (order.name === 'unlink') this.unlinked.push({ link: link!, code: code! })
    else if (order.name === 'renew') this.renewed.push(fields.incarnation!)
    else if (order.name === 'verify') {
      const id = tail_text(order, 0, id_bytes!)
      this.asked.push({ link: link!, chain: this.host.lent(payload!), id })
    } else if (order.name === 'peer') {
      const what = Object.keys(event).find((name) => event[name] === fields.event)!
      this.events.push({
        event: what, id: tail_text(order, 0, id_bytes!), incarnation: fields.incarnation!,
        name: tail_text(order, id_bytes!, fields.name_bytes!), rights: fields.rights!,
        info: fields.info === 0 ? '' : this.host.lent(fields.info!)
      })
    } else throw new Error(`an order ${order.name} in a test of sessions`)
  }

  private read(order: Output): Said {
    const row = decode(header_of(order)) as unknown[]
    const shape = shapes.get(row[0] as number)
    if (row.length - 1 !== shape?.fields.length) throw new Error('a bad frame')
    const fields = Object.fromEntries(shape.fields.map((field, nth) => [field, row[nth + 1]]))
    const payloads = payloads_of(order).map(({ handle }) => this.host.lent(handle))
    return {
      link: order.fields.link!, name: shape.name, row, payloads, payload: payloads.join(' '),
      fields: fields as Record<string, number & string>
    }
  }

  /**
   * What the core has said since the last look, without the overlay's frames; or only frames of the
   * given names.
   */
  heard(...names: string[]): Said[] {
    const all = this.said.splice(0).filter(({ name }) => !OVERLAY.has(name) || names.includes(name))
    return names.length === 0 ? all : all.filter(({ name }) => names.includes(name))
  }

  /** The names of what was said on a link since the last look. */
  names(link?: number): string[] {
    return this.heard().filter((one) => link === undefined || one.link === link)
      .map(({ name }) => name)
  }

  wait(ms: number): void { this.host.advance(ms) }

  // Input

  up(link: number, id: string, outgoing: boolean): void {
    const tail = bytes_of(id)
    this.host.put('link_up', { link, outgoing: outgoing ? 1 : 0, id_bytes: tail.length }, tail)
  }

  down(link: number): void { this.host.put('link_down', { link, reason: 1 }) }

  found(id: string): void {
    const tail = bytes_of(id)
    this.host.put('found', { id_bytes: tail.length }, tail)
  }

  /** Gives the core a header of these bytes. */
  raw(link: number, header: Uint8Array, ...payloads: string[]): void {
    const given = payloads.filter((payload) => payload !== '').map((payload) =>
      ({ handle: this.host.give(payload), bytes: bytes_of(payload).length }))
    this.host.raw(frame_record(link, header, given))
  }

  say(link: number, name: string, fields: Field[], ...payloads: string[]): void {
    this.raw(link, cbor([kinds.get(name)!, ...fields]), ...payloads)
  }

  verify(link: number, status = 0, expires_ms = 0, rights = 7, prefix = ''): void {
    const tail = bytes_of(prefix)
    this.host.put('verified',
      { link, status, rights, expires_ms, prefix_bytes: tail.length }, tail)
  }

  failed(peer: number, reason: string): void {
    this.host.put('dial_failed', { peer, reason: constants('dial_reason')[reason]! })
  }

  // Handshakes

  /** Says hello as the peer would and lets the host find its chain valid. */
  hello(link: number, fields: { incarnation?: number, your?: number, received?: number,
    epoch?: number, flags?: number } = {}, expires_ms = 0): void {
    const { incarnation = 3, your = 0, received = 0, epoch = 0, flags = 0 } = fields
    this.say(link, 'hello', [VERSION, incarnation, your, received, epoch, flags], 'their chain')
    this.verify(link, 0, expires_ms)
  }

  /** A whole first session with a peer over an incoming link. Its own member frame is number 1. */
  join(link: number, id: string, incarnation = 3, expires_ms = 0): void {
    this.up(link, id, false)
    this.hello(link, { incarnation }, expires_ms)
    this.say(link, 'ack', [0])
    this.introduce(link, id, incarnation)
    this.say(link, 'edge', [constants('edge_wish').ask!])
    this.heard()
  }

  /** The member frame of a peer about itself. */
  introduce(link: number, id: string, incarnation = 3, number = 1, name = id.toUpperCase(),
    version = 0): void {
    this.say(link, 'member', [number, 0, id, incarnation, version, ALIVE, name, '', 0],
      `info of ${id}`)
  }

  joined(): string[] {
    const here = new Set<string>()
    for (const one of this.events) {
      if (one.event === 'joined') here.add(one.id)
      if (one.event === 'left') here.delete(one.id)
    }
    return [...here].sort()
  }

  history(): string[] { return this.events.map(({ event: what, id }) => `${what} ${id}`) }
}
