/**
 * Peers that say just what a test lets them say, attached to one core.
 *
 * Lives here: the handshake, numbered frames, what the core answered. Does not live here: two real
 * cores (test/net), peers that say anything (test/fuzz).
 */
import { bytes_of, records } from '../core/door.ts'
import { header_of, is_frame } from '../core/frames.ts'
import { Host } from '../core/host.ts'
import type { Order } from '../core/host.ts'
import { ALL_RIGHTS } from '../net/node.ts'
import { read_header } from '../net/wire.ts'
import { encode } from '../fuzz/header.ts'

const kinds = Object.fromEntries(records.frames.map(({ name, kind }) => [name, kind]))
const CORE_ID = '12D3KooCore'
const QUIET = new Set(['hello', 'ping', 'pong', 'ack', 'member', 'edge', 'digest'])

type Item = number | string | Item[]
export interface Heard { name: string, fields: Record<string, unknown>, text: string }

/** A core with puppets around it. */
export class Stage {
  readonly host: Host
  readonly puppets = new Map<number, Puppet>()

  constructor(seed = 1) {
    this.host = new Host(seed)
    this.host.put('self', { incarnation: 1, chain: this.host.give('chain'), chain_bytes: 5,
      info: this.host.give('info'), info_bytes: 4, id_bytes: CORE_ID.length, name_bytes: 4 },
    bytes_of(`${CORE_ID}core`))
    this.host.after_run = () => {
      for (const order of this.host.orders.splice(0)) this.obey(order)
    }
  }

  /** A peer that is attached and has said who it is. */
  puppet(name: string): Puppet {
    const link = this.puppets.size + 1
    const puppet = new Puppet(this.host, link)
    this.puppets.set(link, puppet)
    const id = `12D3Koo${name}`
    this.host.put('link_up', { link, outgoing: 0, id_bytes: id.length }, bytes_of(id))
    puppet.raw(encode([kinds.hello!, 1, 1, 1, 0, 0, 0]), 'chain')
    puppet.raw(encode([kinds.ack!, 0]), '')
    puppet.say('member', [id, 1, 0, 1, name, '', 0], 'info')
    return puppet
  }

  private obey(order: Order): void {
    const { name, fields, text } = order
    const puppet = this.puppets.get(fields.link!)
    if (name === 'verify') {
      this.host.put('verified', { link: fields.link!, status: 0, rights: ALL_RIGHTS })
    } else if (is_frame(order)) {
      puppet?.hear(header_of(order), text)
    } else if (name === 'unlink' && puppet !== undefined) puppet.unlinked = fields.code!
  }
}

export class Puppet {
  unlinked: number | undefined
  /** What the core said, without frames that only keep a link. */
  heard: Heard[] = []
  private readonly host: Host
  private readonly link: number
  private number = 1
  private received = 0

  constructor(host: Host, link: number) {
    this.host = host
    this.link = link
  }

  /** Says a session frame: its fields after `received`, and its payload if it has one. */
  say(name: string, fields: Item[], payload = ''): void {
    this.raw(encode([kinds[name]!, this.number++, this.received, ...fields]), payload)
  }

  raw(header: Uint8Array, payload: string): void {
    const { host, link } = this
    host.put('frame', { link, payload: payload === '' ? 0 : host.give(payload),
      payload_bytes: payload.length, header_bytes: header.length }, header)
  }

  hear(header: Uint8Array, text: string): void {
    const { name, fields } = read_header(header)
    if (typeof fields.number === 'number') this.received = Math.max(this.received, fields.number)
    if (!QUIET.has(name)) this.heard.push({ name, fields, text })
  }

  /** What was heard since the last time. */
  take(): Heard[] { return this.heard.splice(0) }
}
