/**
 * Peers and links as structs, and finding them.
 *
 * Lives here: the two structs, the list and the table of peers, lookup by id and by name, who this
 * peer is, and the one way to write a frame record. Does not live here: numbers and queues
 * (session), when to dial (dial), hello and the choice between links (link), silence (probe),
 * events and the member list (member).
 *
 * Invariants: one Peer per id, whatever its incarnation; at most PEERS_KNOWN_MAX of them; a Peer is
 * freed only when nothing points at it: no link, no session, no pin, no dial under way. A link
 * stands in `by_link` and in its peer's list from link_up to its end.
 */
import { alloc, release } from './heap'
import { Text, text_compare, text_is, text_of, text_release } from './bytes'
import { Map2, map_add, map_find, map_new, map_remove } from './map'
import { Payload, drop_handle } from './payload'
import { emit } from './ring'
import { Table, table_add, table_find, table_new, table_remove } from './table'
import { Timer, now_ms, timer_clear } from './timer'
import {
  INPUT_BYTES, OUT_FRAME, OUT_FRAME_BYTES, OUT_FRAME_HEADER_BYTES, OUT_FRAME_LINK,
  OUT_FRAME_PAYLOAD, OUT_FRAME_PAYLOAD_BYTES, PEERS_KNOWN_MAX,
} from './tables'

/** Heard of, no session. */
export const PEER_KNOWN: u32 = 0
/** There is a session. */
export const PEER_JOINED: u32 = 1
/** The session has ended and those above have not said `lost_done` yet. */
export const PEER_LOST: u32 = 2

/** The session ended because we declared the peer left, and say so to all. */
export const LOST_DECLARED: u32 = 0
/** Another peer had declared it left. */
export const LOST_HEARD: u32 = 1
/** It came back as a new incarnation. */
export const LOST_RETURNED: u32 = 2
/** It said goodbye. */
export const LOST_PARTED: u32 = 3
/** This peer comes back as a new incarnation. */
export const LOST_RENEWED: u32 = 4
/** There never was a session: it could not be reached in time. */
export const LOST_UNREACHED: u32 = 5

/** Up; a hello is due from the other side. */
export const LINK_HELLO: u32 = 0
/** The host looks at the other side's chain. */
export const LINK_VERIFY: u32 = 1
/** The chain is valid; perhaps the peer's old session has to be cleared away first. */
export const LINK_WAIT: u32 = 2
/** Incoming: our answer is out, the dialler's `ack` is due. */
export const LINK_ANSWERED: u32 = 3
/** Carries the session. */
export const LINK_ATTACHED: u32 = 4

// @ts-ignore: decorator
@unmanaged
export class Link {
  id: u32
  peer: Peer
  /** The next link of the same peer. */
  next: Link
  outgoing: bool
  state: u32
  /** Bytes of frames given to the host and not yet returned. */
  out_bytes: u32
  up_ms: u32
  attached_ms: u32
  timer: Timer
  /** The chain that the host looks at: a payload handle, 0 when none. */
  chain: u32
  /** What the other side's hello said. */
  their_incarnation: u32
  their_your: u32
  their_received: u32
  their_epoch: u32
  their_flags: u32
  /** What the host's `verified` said. */
  rights: u32
  prefix: Text
  expires_ms: u32
  verified_ms: u32
}

/** A frame that waits for its acknowledgement; the header after `received` stands behind it. */
// @ts-ignore: decorator
@unmanaged
export class Out {
  next: Out
  number: u32
  kind: u32
  bytes: u32
  payload: Payload
}

// @ts-ignore: decorator
@unmanaged
export class Peer {
  next: Peer
  previous: Peer
  /** The id that the host is given. */
  index: u32
  id: Text
  name: Text
  /** Of the session, or of the last one; 0 before the first. */
  incarnation: u32
  /** This incarnation and all before it were declared left; 0 for none. */
  left_incarnation: u32
  state: u32
  rights: u32
  /** Paths that the rights hold for; null for all. */
  prefix: Text
  info: Payload
  since_ms: u32

  /** The attached link, and all links. */
  link: Link
  links: Link
  /** Links attached in this session, as both sides count them. */
  epoch: u32

  /** The number of the last frame made, of the last given to a link, of the last acknowledged. */
  made: u32
  sent: u32
  acked: u32
  /** The number of the last frame taken, and the last of them that was said. */
  received: u32
  received_told: u32
  first: Out
  last: Out
  /** The first frame not given to the attached link. */
  unsent: Out
  dirty: bool
  dirty_next: Peer
  ack_due: bool
  ack_timer: Timer

  /** The host was told joined; the peer's own member frame has come. */
  announced: bool
  presented: bool
  /** How its session ended: one of the LOST constants. */
  lost_how: u32
  lost_next: Peer
  joined_next: Peer
  joined_queued: bool

  heard_ms: u32
  pinged: bool
  suspected: bool
  watch_timer: Timer
  expiry_timer: Timer
  expiry_left_ms: u32

  dialling: bool
  /** A link is wished for, though there is no session. */
  sought: bool
  /** Those above wait for it: without a link in time it is lost. */
  wanted: bool
  tries: u32
  refused: u32
  broken_ms: u32
  dial_timer: Timer
  /** It said goodbye, or answered ours. */
  parted: bool

  // Fields of those above; zero here.
  away: usize
  parked: usize
  held_first: usize
  held_last: usize
  out_offers: u32
  out_bytes: u32
  in_offers: u32
  in_bytes: u32
  requests: usize
  requests_in: u32
  channels_made: u32
  /** References that point at this Peer. */
  pins: u32
}

export const no_peer: Peer = changetype<Peer>(0)
export const no_link: Link = changetype<Link>(0)
export const no_out: Out = changetype<Out>(0)
export const no_timer: Timer = changetype<Timer>(0)

// @ts-ignore: decorator
@inline export function some<T>(subject: T): bool {
  return changetype<usize>(subject) != 0
}

export let self_id: Text = changetype<Text>(0)
export let self_name: Text = changetype<Text>(0)
export let self_info: Payload = changetype<Payload>(0)
export let self_incarnation: u32 = 0
/** The incarnation with which this core began. */
export let self_first_incarnation: u32 = 0
export let self_chain: u32 = 0
export let self_chain_bytes: u32 = 0

/** All peers, the longest known first. */
export let peers_first: Peer = no_peer
let peers_last: Peer = no_peer
let by_index: Table = changetype<Table>(0)
let by_link: Map2 = changetype<Map2>(0)
export let joined_count: u32 = 0
export let links_count: u32 = 0

export function peers_open(): void {
  by_index = table_new()
  by_link = map_new()
}

export function self_begin(ptr: usize, bytes: u32, incarnation: u32): void {
  self_id = text_of(ptr, bytes)
  self_incarnation = incarnation
  self_first_incarnation = incarnation
}

export function self_is(name: Text, chain: u32, chain_bytes: u32, info: Payload): void {
  self_name = name
  self_chain = chain
  self_chain_bytes = chain_bytes
  self_info = info
}

export function self_renewed(): void {
  self_incarnation++
}

export function joined_change(by: i32): void {
  joined_count += by
}

// Peers

/** The peer with this id, or null. */
export function peer_by_id(ptr: usize, bytes: u32): Peer {
  for (let peer = peers_first; some(peer); peer = peer.next) {
    if (text_is(peer.id, ptr, bytes)) return peer
  }
  return no_peer
}

/** The peer behind the host's number, or null. */
export function peer_at(index: u32): Peer {
  return changetype<Peer>(table_find(by_index, index))
}

/** True when nothing but the memory of it speaks for keeping the peer. */
function idle(peer: Peer): bool {
  return peer.state == PEER_KNOWN && !some(peer.links) && peer.pins == 0 && !peer.dialling &&
    !peer.wanted && !peer.dirty && !peer.joined_queued
}

function peer_free(peer: Peer): void {
  if (some(peer.previous)) peer.previous.next = peer.next
  else peers_first = peer.next
  if (some(peer.next)) peer.next.previous = peer.previous
  else peers_last = peer.previous
  if (some(peer.dial_timer)) timer_clear(peer.dial_timer)
  table_remove(by_index, peer.index)
  text_release(peer.id)
  text_release(peer.name)
  text_release(peer.prefix)
  release(changetype<usize>(peer), offsetof<Peer>())
}

/** Forgets the peer that has been idle and known longest, when the table is full. */
function make_room(): bool {
  if (by_index.used < PEERS_KNOWN_MAX) return true
  for (let peer = peers_first; some(peer); peer = peer.next) {
    if (!idle(peer)) continue
    peer_free(peer)
    return true
  }
  return false
}

/** The peer with this id, made when new; null when there is no room. Not for one's own id. */
export function peer_ensure(ptr: usize, bytes: u32): Peer {
  const known = peer_by_id(ptr, bytes)
  if (some(known)) return known
  if (!make_room()) return no_peer
  const peer = changetype<Peer>(alloc(offsetof<Peer>()))
  peer.index = table_add(by_index, changetype<usize>(peer))
  peer.id = text_of(ptr, bytes)
  peer.previous = peers_last
  if (some(peers_last)) peers_last.next = peer
  else peers_first = peer
  peers_last = peer
  return peer
}

/** Frees a peer of which nothing is worth remembering: a stranger whose link ended. */
export function peer_settle(peer: Peer): void {
  if (idle(peer) && !peer.sought && peer.left_incarnation == 0 && !some(peer.name)) {
    peer_free(peer)
  }
}

/** True when the id is this peer's own. */
export function id_is_self(ptr: usize, bytes: u32): bool {
  return some(self_id) && text_is(self_id, ptr, bytes)
}

/** True when our id comes before the peer's, byte by byte. */
export function self_is_lower(peer: Peer): bool {
  return text_compare(self_id, peer.id) < 0
}

/** How many joined peers, this one included, have the name that was last asked for. */
export let peer_name_count: u32 = 0
/** True when only peers that have left had that name. */
export let peer_name_left: bool = false

/**
 * The joined peer of a readable name. Null with `peer_name_count` 1 means this peer itself; null
 * with 0, nobody, or (`peer_name_left`) somebody who has left. Over 1 the name is ambiguous.
 */
export function peer_by_name(ptr: usize, bytes: u32): Peer {
  let found = no_peer
  peer_name_count = some(self_name) && text_is(self_name, ptr, bytes) ? 1 : 0
  peer_name_left = false
  for (let peer = peers_first; some(peer); peer = peer.next) {
    if (!some(peer.name) || !text_is(peer.name, ptr, bytes)) continue
    if (peer.state == PEER_JOINED) {
      found = peer
      peer_name_count++
    } else if (peer.left_incarnation != 0) {
      peer_name_left = true
    }
  }
  if (peer_name_count != 0) peer_name_left = false
  return found
}

// Links

export function link_by_id(id: u32): Link {
  return changetype<Link>(map_find(by_link, id, 0))
}

/** A new link in its peer's list. */
export function link_new(id: u32, peer: Peer, outgoing: bool): Link {
  const link = changetype<Link>(alloc(offsetof<Link>()))
  link.id = id
  link.peer = peer
  link.outgoing = outgoing
  link.up_ms = now_ms
  link.next = peer.links
  peer.links = link
  map_add(by_link, id, 0, changetype<usize>(link))
  links_count++
  return link
}

/** Takes a link out of its peer and frees it, with what it held. */
export function link_free(link: Link): void {
  const peer = link.peer
  if (peer.links == link) {
    peer.links = link.next
  } else {
    let before = peer.links
    while (before.next != link) before = before.next
    before.next = link.next
  }
  if (peer.link == link) {
    peer.link = no_link
    peer.broken_ms = now_ms
  }
  if (some(link.timer)) timer_clear(link.timer)
  drop_handle(link.chain)
  text_release(link.prefix)
  map_remove(by_link, link.id, 0)
  links_count--
  release(changetype<usize>(link), offsetof<Link>())
}

/** Writes a frame record: the header in two parts, the payload lent. */
export function frame_out(
  link: Link, payload: u32, payload_bytes: u32, head: usize, head_bytes: u32, tail: usize,
  tail_bytes: u32
): void {
  const header_bytes = head_bytes + tail_bytes
  const at = emit(OUT_FRAME, OUT_FRAME_BYTES + header_bytes)
  store<u32>(at + OUT_FRAME_LINK, link.id)
  store<u32>(at + OUT_FRAME_PAYLOAD, payload)
  store<u32>(at + OUT_FRAME_PAYLOAD_BYTES, payload_bytes)
  store<u32>(at + OUT_FRAME_HEADER_BYTES, header_bytes)
  memory.copy(at + OUT_FRAME_BYTES, head, head_bytes)
  if (tail_bytes != 0) memory.copy(at + OUT_FRAME_BYTES + head_bytes, tail, tail_bytes)
  link.out_bytes += header_bytes + payload_bytes
}

/** True when an input record is exactly as long as its fixed part and its tail. */
export function sized(record: usize, fixed: u32, tail: u32): bool {
  if (tail > INPUT_BYTES) return false
  return (fixed + tail + 3 & ~3) == load<u32>(record) >> 16 << 2
}
