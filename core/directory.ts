/**
 * All peers that are known, and finding them: by id, by the host's number, by name, by hash.
 *
 * Lives here: the table and the list of peers, the indexes over ids and names, when a peer is
 * forgotten. Does not live here: who of them is a member (roster, member).
 *
 * Invariants: one Peer per id, whatever its incarnation; at most PEERS_KNOWN_MAX of them, and at
 * most PEERS_GONE_MAX more than there are members while any can be forgotten; a Peer is freed only
 * when nothing points at it: no membership, link, session, pin or dial under way. No lookup walks
 * over all peers.
 */
import { alloc, release } from './heap'
import { text_compare, text_hash, text_is, text_of, text_ptr, text_release } from './bytes'
import { Map2, map_add, map_find, map_new, map_remove } from './map'
import {
  EDGE_NONE, MEMBER_NONE, PEER_KNOWN, Peer, no_peer, self_id, self_name, some,
} from './peer'
import { crowd_forget, members_count } from './roster'
import { Table, table_add, table_find, table_new, table_remove } from './table'
import { timer_clear } from './timer'
import { PEERS_GONE_MAX, PEERS_KNOWN_MAX } from './tables'

/** All peers, the longest known first. */
export let peers_first: Peer = no_peer
let peers_last: Peer = no_peer
let by_index: Table = changetype<Table>(0)
let by_id: Map2 = changetype<Map2>(0)
let by_name: Map2 = changetype<Map2>(0)

export function directory_open(): void {
  by_index = table_new()
  by_id = map_new()
  by_name = map_new()
}

// Chains of peers whose key is the same: they hang together by the field at `next`.

function index_add(map: Map2, key: u32, peer: Peer, next: usize): void {
  const first = map_find(map, key, 0)
  if (first != 0) map_remove(map, key, 0)
  store<usize>(changetype<usize>(peer) + next, first)
  map_add(map, key, 0, changetype<usize>(peer))
}

function index_remove(map: Map2, key: u32, peer: Peer, next: usize): void {
  const own = changetype<usize>(peer)
  const rest = load<usize>(own + next)
  const first = map_find(map, key, 0)
  if (first == own) {
    map_remove(map, key, 0)
    if (rest != 0) map_add(map, key, 0, rest)
    return
  }
  let at = first
  while (load<usize>(at + next) != own) at = load<usize>(at + next)
  store<usize>(at + next, rest)
}

/** The first of the peers whose id has this hash, or null; the others follow by `id_next`. */
export function peer_by_hash(hash: u32): Peer {
  return changetype<Peer>(map_find(by_id, hash, 0))
}

/** The peer with this id, or null. */
export function peer_by_id(ptr: usize, bytes: u32): Peer {
  for (let peer = peer_by_hash(text_hash(ptr, bytes)); some(peer); peer = peer.id_next) {
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
  return peer.state == PEER_KNOWN && peer.member == MEMBER_NONE && !some(peer.links) &&
    peer.pins == 0 && !peer.dialling && !peer.wanted && !peer.dirty && !peer.joined_queued &&
    peer.edge == EDGE_NONE && !some(peer.first)
}

function peer_free(peer: Peer): void {
  if (some(peer.previous)) peer.previous.next = peer.next
  else peers_first = peer.next
  if (some(peer.next)) peer.next.previous = peer.previous
  else peers_last = peer.previous
  if (some(peer.dial_timer)) timer_clear(peer.dial_timer)
  crowd_forget(peer)
  table_remove(by_index, peer.index)
  index_remove(by_id, peer.hash, peer, offsetof<Peer>('id_next'))
  name_drop(peer)
  text_release(peer.id)
  text_release(peer.prefix)
  release(changetype<usize>(peer), offsetof<Peer>())
}

/** Forgets the peer that has been idle and known longest, when there are too many. */
function make_room(): bool {
  const bound = min(PEERS_KNOWN_MAX, members_count + PEERS_GONE_MAX)
  if (by_index.used < bound) return true
  for (let peer = peers_first; some(peer); peer = peer.next) {
    if (!idle(peer)) continue
    peer_free(peer)
    return true
  }
  return by_index.used < PEERS_KNOWN_MAX
}

/** The peer with this id, made when new; null when there is no room. Not for one's own id. */
export function peer_ensure(ptr: usize, bytes: u32): Peer {
  const known = peer_by_id(ptr, bytes)
  if (some(known)) return known
  if (!make_room()) return no_peer
  const peer = changetype<Peer>(alloc(offsetof<Peer>()))
  peer.index = table_add(by_index, changetype<usize>(peer))
  peer.id = text_of(ptr, bytes)
  peer.hash = text_hash(ptr, bytes)
  index_add(by_id, peer.hash, peer, offsetof<Peer>('id_next'))
  peer.previous = peers_last
  if (some(peers_last)) peers_last.next = peer
  else peers_first = peer
  peers_last = peer
  return peer
}

/** Frees a peer of which nothing is worth remembering: a stranger whose link ended. */
export function peer_settle(peer: Peer): void {
  if (idle(peer) && !peer.sought && peer.left_incarnation == 0) peer_free(peer)
}

/** True when the id is this peer's own. */
export function id_is_self(ptr: usize, bytes: u32): bool {
  return some(self_id) && text_is(self_id, ptr, bytes)
}

/** True when our id comes before the peer's, byte by byte. */
export function self_is_lower(peer: Peer): bool {
  return text_compare(self_id, peer.id) < 0
}

// Names

function name_drop(peer: Peer): void {
  const name = peer.name
  if (!some(name)) return
  const key = text_hash(text_ptr(name), name.bytes)
  index_remove(by_name, key, peer, offsetof<Peer>('name_next'))
  text_release(name)
}

/** Gives a peer the name that it says it has. */
export function peer_named(peer: Peer, ptr: usize, bytes: u32): void {
  if (some(peer.name) && text_is(peer.name, ptr, bytes)) return
  name_drop(peer)
  peer.name = text_of(ptr, bytes)
  index_add(by_name, text_hash(ptr, bytes), peer, offsetof<Peer>('name_next'))
}

/** How many members, this peer included, have the name that was last asked for. */
export let peer_name_count: u32 = 0
/** True when only peers that have left had that name. */
export let peer_name_left: bool = false

/**
 * The member of a readable name. Null with `peer_name_count` 1 means this peer itself; null with 0,
 * nobody, or (`peer_name_left`) somebody who has left. Over 1 the name is ambiguous.
 */
export function peer_by_name(ptr: usize, bytes: u32): Peer {
  let found = no_peer
  peer_name_count = some(self_name) && text_is(self_name, ptr, bytes) ? 1 : 0
  peer_name_left = false
  let peer = changetype<Peer>(map_find(by_name, text_hash(ptr, bytes), 0))
  for (; some(peer); peer = peer.name_next) {
    if (!text_is(peer.name, ptr, bytes)) continue
    if (peer.member != MEMBER_NONE) {
      found = peer
      peer_name_count++
    } else if (peer.left_incarnation != 0) {
      peer_name_left = true
    }
  }
  if (peer_name_count != 0) peer_name_left = false
  return found
}
