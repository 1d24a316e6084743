/**
 * A peer that is certified and mad: it speaks the protocol, mostly, and means nothing by it.
 *
 * Lives here: what it remembers of its offers and of the core's, and its next frame. Does not live
 * here: the core that it attacks (frame.test.ts), frames that are plainly broken (header.ts).
 */
import type { Random } from '../property/random.ts'
import { records } from '../core/door.ts'
import { read_header } from '../net/wire.ts'
import { encode } from './header.ts'

const kinds = Object.fromEntries(records.frames.map(({ name, kind }) => [name, kind]))
const PATHS = ['x', 'y', 'a/b', 'new', 'p/q', 'none']
const STATUSES = [0, 0, 1, 2, 3, 5, 7, 13]
/** The mad peer's own channels, as it names them to the core. */
const OWN_CHANNELS = [0x100001, 0x100002, 0x100003]
const KEPT_MAX = 40

type Item = number | string | Item[]
interface Offer { id: number, sends: boolean, select: boolean, reader: boolean
  /** Of the core's offers: a hold claim of ours is out on it. */
  held: boolean }
export interface Said { header: Uint8Array, payload: string | string[] }

export class Mad {
  number = 1
  received = 0
  incarnation = 0
  private readonly random: Random
  private readonly channels: number[]
  private readonly id: string
  private mine: Offer[] = []
  /** Of those, the ones with a claim or a message out. */
  private claimed: Offer[] = []
  private theirs: Offer[] = []
  private requests: number[] = []
  private next_offer = 0x100001

  constructor(random: Random, channels: number[], id: string) {
    this.random = random
    this.channels = channels
    this.id = id
  }

  /** A new session: nothing of the old one is left. */
  forget(): void {
    this.incarnation++
    this.number = 1
    this.received = 0
    this.mine = []
    this.claimed = []
    this.theirs = []
    this.requests = []
  }

  /** Notes what the core said, with so many payloads. */
  hear(header: Uint8Array, payloads: number): string {
    const { name, fields } = read_header(header)
    if (typeof fields.number === 'number') this.received = Math.max(this.received, fields.number)
    const offer = fields.offer as number
    if (name === 'offer_sends') {
      for (let nth = 0; nth < payloads; nth++) {
        const id = offer + nth
        this.theirs.push({ id, sends: true, reader: false, select: false, held: false })
      }
    } else if (name.startsWith('offer_')) {
      this.theirs.push({ id: offer, sends: name === 'offer_send', reader: name === 'offer_reader',
        select: fields.select !== undefined && fields.select !== 0, held: false })
    } else if (name === 'withdraw') this.theirs = this.theirs.filter(({ id }) => id !== offer)
    else if (name === 'claim' || name === 'deliver' || name === 'delivers') {
      const found = this.mine.find(({ id }) => id === offer)
      if (found !== undefined) this.claimed.push(found)
    } else if (name === 'end') this.mine = this.mine.filter(({ id }) => id !== offer)
    else if (typeof fields.request === 'number' && name !== 'reply' && name !== 'entry') {
      this.requests.push(fields.request)
    }
    for (const list of [this.mine, this.claimed, this.theirs, this.requests]) {
      if (list.length > KEPT_MAX) list.splice(0, list.length - KEPT_MAX)
    }
    return name
  }

  private session(name: string, ...fields: Item[]): Uint8Array {
    return encode([kinds[name]!, this.number++, this.received, ...fields])
  }

  private refs(): Item[] {
    const { random } = this
    if (!random.once_in(3)) return []
    return Array.from({ length: random.between(1, 3) }, (): Item => random.once_in(3)
      ? [1, 1, random.pick(this.channels)] : [0, this.incarnation, random.pick(OWN_CHANNELS)])
  }

  private channel(): number {
    return this.random.once_in(30) ? this.random.below(5) : this.random.pick(this.channels)
  }

  private new_offer(sends: boolean, select: boolean, reader: boolean): number {
    const id = this.random.once_in(50) && this.mine.length > 0 ? this.random.pick(this.mine).id
      : this.next_offer++
    this.mine.push({ id, sends, select, reader, held: false })
    return id
  }

  private offer(): Said {
    const { random } = this
    const select = random.once_in(2) ? random.between(1, 4) : 0
    const flags = (select === 0 ? 0 : 2) | (random.once_in(6) ? 1 : 0)
    const draw = random.below(5)
    if (draw === 0) {
      const id = this.new_offer(false, false, true)
      const header = this.session('offer_reader', id, this.channel(), random.between(1, 5))
      return { header, payload: '' }
    }
    const sends = draw < 3
    if (sends && random.once_in(4)) return this.sends()
    const id = this.new_offer(sends, select !== 0, false)
    if (!sends) {
      const header = this.session('offer_receive', id, this.channel(), flags, select)
      return { header, payload: '' }
    }
    const refs = select === 0 ? this.refs() : []
    const header = this.session('offer_send', id, this.channel(), flags, select, refs)
    return { header, payload: select === 0 ? 'message' : '' }
  }

  /** Plain sends in one frame. */
  private sends(): Said {
    const { random } = this
    const payload = Array.from({ length: random.between(2, 5) }, (_, nth) => `message ${nth}`)
    const ids = payload.map(() => this.new_offer(true, false, false))
    return { header: this.session('offer_sends', ids[0]!, this.channel()), payload }
  }

  private on_mine(): Said {
    const { random } = this
    const grants = this.claimed.length > 0 && !random.once_in(4)
    const list = grants ? this.claimed : this.mine
    if (list.length === 0) return this.offer()
    const offer = list.splice(random.below(list.length), 1)[0]!
    if (!grants && !random.once_in(60)) {
      const ask = offer.sends && !offer.select && random.once_in(2)
      if (!ask) this.claimed = this.claimed.filter((one) => one !== offer)
      return { header: this.session(ask ? 'ask' : 'withdraw', offer.id), payload: '' }
    }
    const brings = offer.sends && offer.select
    const header = this.session('grant', offer.id, random.once_in(60) ? random.below(9) : 1,
      brings ? this.refs() : [])
    return { header, payload: brings ? 'message' : '' }
  }

  private on_theirs(): Said {
    const { random } = this
    if (this.theirs.length === 0) return this.offer()
    const offer = random.pick(this.theirs)
    const forget = (): void => { this.theirs = this.theirs.filter((one) => one !== offer) }
    const plain = (name: string, ...fields: Item[]): Said =>
      ({ header: this.session(name, offer.id, ...fields), payload: '' })
    if (random.once_in(40)) return plain('end', random.pick(STATUSES))
    if (offer.select && !offer.held && random.once_in(2)) {
      offer.held = true
      return plain('claim', 0)
    }
    if (offer.held && random.once_in(2)) {
      offer.held = false
      return plain('unhold')
    }
    if (!offer.sends && random.once_in(2)) {
      if (!offer.reader) forget()
      else if (random.once_in(2)) {
        const payload = Array.from({ length: random.between(2, 5) }, (_, nth) => `message ${nth}`)
        return { header: this.session('delivers', offer.id), payload }
      }
      const header = this.session('deliver', offer.id, random.below(2), this.refs())
      return { header, payload: 'message' }
    }
    forget()
    if (offer.sends && !offer.select && random.once_in(2)) {
      return plain('ends', random.once_in(60) ? random.below(9) : 1)
    }
    if (offer.sends && (offer.held || !offer.select)) return plain('end', 0)
    if (offer.held) return plain('unhold')
    return plain('end', random.pick([1, 3, 5, 7]))
  }

  private request(): Said {
    const { random } = this
    const path = random.pick(PATHS)
    const token = random.between(1, 5)
    const draw = random.below(11)
    const said = (name: string, ...fields: Item[]): Said =>
      ({ header: this.session(name, ...fields), payload: name === 'start' ? 'command' : '' })
    switch (draw) {
      case 0: return said('make', token, path, random.below(4), random.below(2))
      case 1: return said('open', token, path)
      case 2: return said('list', token, random.once_in(2) ? '' : path, random.below(2))
      case 3: return said('stat', token, random.once_in(2) ? path : '', this.channel())
      case 4: return random.once_in(8) ? said('close', token, this.channel()) : this.offer()
      case 5: return random.once_in(12) ? said('scrub', token, path, 0) : this.offer()
      case 6: return random.once_in(8) ? said('start', token, `p/${token}`) : this.offer()
      case 7: return said('signal', token, `p/${token}`, 15)
      case 8: return said('member', this.id, this.incarnation, 0, 1, 'evil', '', 0)
      case 9: return said('member', `12D3KooOther${token}`, token, 0, random.between(1, 2), 'other',
        '', 1)
      default: return this.reply()
    }
  }

  private reply(): Said {
    const { random } = this
    const request = this.requests.pop()
    if (request === undefined) return this.offer()
    if (random.once_in(4)) {
      return { header: this.session('entry', request, random.pick(PATHS), 1, 0), payload: '' }
    }
    const values = random.pick<Item[]>([[], [OWN_CHANNELS[0]!], [1, OWN_CHANNELS[1]!],
      [1, 2, 3, 4, 5, 6, 7]])
    return { header: this.session('reply', request, random.pick(STATUSES), values), payload: '' }
  }

  /** The next frame of a peer that knows the protocol and not what it wants. */
  next(): Said {
    const draw = this.random.below(100)
    if (draw < 35) return this.offer()
    if (draw < 65) return this.on_mine()
    if (draw < 82) return this.on_theirs()
    if (draw < 95) return this.request()
    const name = this.random.pick(['ping', 'pong', 'ack'])
    const token = name === 'ack' ? [] : [this.random.below(9)]
    return { header: encode([kinds[name]!, ...token, this.received]), payload: '' }
  }
}
