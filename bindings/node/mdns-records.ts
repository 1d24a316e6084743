/**
 * What peers say to each other by multicast DNS: queries, full DNS-SD answers, goodbyes.
 *
 * Lives here: the service's name, building packets and reading them. Does not live here: sockets,
 * interfaces and when to speak (mdns), the codec (dns-packet).
 *
 * An answer has all that any of libp2p's implementations looks for: the pointer, and one TXT record
 * with every address among the answers; the service's place, the TXT record again and the host's
 * addresses among the additional ones. One that is read needs no more than a TXT record.
 *
 * Invariants: what cannot be read, is of another service or names no Ed25519 peer gives nothing;
 * peers and addresses of a packet are bounded.
 *
 * spec: spec/joining.md; RFC 6762, RFC 6763, libp2p's discovery/mdns.md.
 */
import { createHash } from 'node:crypto'
import { decode, encode, AUTHORITATIVE_ANSWER, type Answer, type Packet } from 'dns-packet'
import { keyOfId } from '../js/identity.ts'
import { ADDRESS_BYTES_MAX, KNOWN_ADDRESSES_MAX } from '../js/tables.ts'

/** What one peer announces on one interface. */
export interface Announcement {
  /** As serviceOf gives it. */
  readonly service: string
  /** A name of this run alone: letters and digits, 32 to 63 of them. */
  readonly instance: string
  readonly peer: string
  /** Multiaddrs without the peer id. */
  readonly addresses: readonly string[]
  /** The interface's own addresses. */
  readonly ip4: readonly string[]
  readonly ip6: readonly string[]
}

/** A peer that was read from an answer. */
export interface Announced { readonly peer: string, readonly addresses: string[] }

export type Heard =
  | { readonly kind: 'query' }
  | { readonly kind: 'services' }
  | { readonly kind: 'peers', readonly peers: Announced[], readonly gone: string[] }

const TXT_HEAD = 'dnsaddr='
const TTL_S = 120
const META_SERVICE = '_services._dns-sd._udp.local'
const PORT = 4001 // peers are dialled by their TXT items; a service without a port has none
const PEERS_MAX = 16
const PLACE = /^((?:\/[\w.:%-]+)+)\/p2p\/(\w+)$/
const LETTERS = 'abcdefghijklmnopqrstuvwxyz234567'
const HASH_LETTERS = 14 // with its first letter 15, the most that RFC 6763 section 7 allows

/** The name under which the peers of a circuit, and nobody else, look for each other. */
export function serviceOf(circuit: string): string {
  const key = keyOfId(circuit)
  if (key === undefined) throw new RangeError('a circuit is named by an Ed25519 key')
  const hash = createHash('sha256').update('circuit mdns').update(key).digest()
  let letters = ''
  for (let at = 0; at < HASH_LETTERS; at++) letters += LETTERS[fiveBits(hash, at)]
  return `_c${letters}._udp.local`
}

/** The packet that asks who is there. */
export function queryFor(service: string): Uint8Array {
  return encode({ type: 'query', questions: [{ type: 'PTR', name: service }] })
}

/**
 * The packet that says where a peer is.
 *
 * @param gone true says goodbye instead: the same with no time to live.
 * @returns undefined when there is no address to tell.
 */
export function answerOf(announcement: Announcement, gone = false): Uint8Array | undefined {
  const { service, instance, peer, addresses } = announcement
  const name = `${instance}.${service}`
  const host = `${instance}.local`
  const ttl = gone ? 0 : TTL_S
  const items = addresses
    .filter((address) => Buffer.byteLength(address) <= ADDRESS_BYTES_MAX - peer.length - 5)
    .slice(0, KNOWN_ADDRESSES_MAX).map((address) => `${TXT_HEAD}${address}/p2p/${peer}`)
  if (items.length === 0) return undefined
  const text: Answer = { type: 'TXT', name, ttl, flush: true, data: items }
  const port = Number(/\/tcp\/(\d+)/.exec(items[0]!)?.[1] ?? PORT)
  const place: Answer = { type: 'SRV', name, ttl, flush: true, data: { port, target: host } }
  const own = { name: host, ttl, flush: true }
  const ips = [
    ...announcement.ip4.map((data): Answer => ({ ...own, type: 'A', data })),
    ...announcement.ip6.map((data): Answer => ({ ...own, type: 'AAAA', data }))
  ]
  return encode({
    type: 'response', flags: AUTHORITATIVE_ANSWER,
    answers: [{ type: 'PTR', name: service, ttl, data: name }, text],
    additionals: [place, text, ...ips]
  })
}

/** The packet that tells a browser of services that this one exists. */
export function servicesAnswer(service: string): Uint8Array {
  const pointer: Answer = { type: 'PTR', name: META_SERVICE, ttl: TTL_S, data: service }
  return encode({ type: 'response', flags: AUTHORITATIVE_ANSWER, answers: [pointer] })
}

/**
 * Reads a packet.
 *
 * @param bytes any bytes at all.
 * @returns what of it concerns this service, or undefined.
 */
export function readPacket(bytes: Uint8Array, service: string): Heard | undefined {
  let packet: Packet
  try {
    packet = decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
  } catch {
    return undefined
  }
  if (packet.type === 'response') return peersIn(packet, service)
  const names = (packet.questions ?? []).map(({ name }) => name.toLowerCase())
  if (names.some((name) => name === service || name.endsWith(`.${service}`))) {
    return { kind: 'query' }
  }
  return names.includes(META_SERVICE) ? { kind: 'services' } : undefined
}

function peersIn(packet: Packet, service: string): Heard | undefined {
  const found = new Map<string, Set<string>>()
  const gone = new Set<string>()
  for (const record of [...packet.answers ?? [], ...packet.additionals ?? []]) {
    if (record.type !== 'TXT' || !record.name.toLowerCase().endsWith(`.${service}`)) continue
    const items = Array.isArray(record.data) ? record.data : [record.data]
    for (const item of items) {
      const place = placeIn(String(item))
      if (place === undefined) continue
      if (record.ttl === 0) gone.add(place.peer)
      else addTo(found, place)
    }
  }
  if (found.size + gone.size === 0) return undefined
  const peers = [...found].map(([peer, addresses]) => ({ peer, addresses: [...addresses] }))
  return { kind: 'peers', peers, gone: [...gone] }
}

function addTo(found: Map<string, Set<string>>, place: { peer: string, address: string }): void {
  const addresses = found.get(place.peer) ?? new Set()
  if (!found.has(place.peer)) {
    if (found.size >= PEERS_MAX) return
    found.set(place.peer, addresses)
  }
  if (addresses.size < KNOWN_ADDRESSES_MAX) addresses.add(place.address)
}

/** `dnsaddr=<multiaddr>/p2p/<id>` taken apart. */
function placeIn(item: string): { peer: string, address: string } | undefined {
  if (!item.startsWith(TXT_HEAD)) return undefined
  const [, address, peer] = PLACE.exec(item.slice(TXT_HEAD.length)) ?? []
  if (address === undefined || peer === undefined || keyOfId(peer) === undefined) return undefined
  return { peer, address }
}

function fiveBits(hash: Uint8Array, at: number): number {
  const bit = at * 5
  const two = hash[bit >> 3]! << 8 | hash[(bit >> 3) + 1]!
  return two >> (11 - (bit & 7)) & 31
}
