/**
 * Membership: who this peer is, who the others are for its host, and what those above ask.
 *
 * Lives here: the record `self`, the beginnings and ends of members and of sessions as those above
 * see them. Does not live here: events for the host (notice), statements about members (statement,
 * gossip), whom to suspect (suspicion), edges (overlay), handshakes (hello), dials (dial).
 *
 * Invariants: the host hears `joined` of a member whether or not there is a session, and `left`
 * once for each `joined`, after what was pending with that incarnation has ended; a lost peer
 * begins anew only after `lost_done`.
 */
import { readable, text_is, text_of, text_release } from './bytes'
import { dial_again, dial_seek, dial_urgent, link_needed } from './dial'
import { id_is_self, peer_ensure, peer_settle } from './directory'
import { edge_over, edges_wake } from './edge'
import { gossip, gossip_self } from './gossip'
import { lost_clear } from './hello'
import { next_begun, session_over } from './link'
import { say_alive, say_self } from './news'
import { info_is, tell_host } from './notice'
import { overlay_stop, rejoin_afresh } from './overlay'
import { drop_handle, no_payload, payload_new } from './payload'
import {
  LOST_DECLARED, LOST_PARTED, LOST_RETURNED, MEMBER_NONE, PEER_JOINED, PEER_KNOWN, Peer, no_link,
  no_peer, self_begin, self_chain, self_changed, self_id, self_info, self_is, self_name,
  self_version, sized, some,
} from './peer'
import { await_peer } from './probe'
import {
  crowd_at, departed_add, departed_remove, member_remove, members, members_count,
} from './roster'
import { payload_over } from './session'
import { suspicion_end } from './suspicion'
import { sync_stop } from './sync'
import { tree_stop } from './tree'
import {
  CHAIN_BYTES_MAX, ERROR_DECLARED_LEFT, INFO_BYTES_MAX, IN_FOUND_BYTES, IN_FOUND_ID_BYTES,
  IN_SELF_BYTES, IN_SELF_CHAIN, IN_SELF_CHAIN_BYTES, IN_SELF_ID_BYTES, IN_SELF_INCARNATION,
  IN_SELF_INFO, IN_SELF_INFO_BYTES, IN_SELF_NAME_BYTES, MEMBER_EVENT_LEFT, NAME_BYTES_MAX,
  PEER_ID_BYTES_MAX, TELL_ALL_MAX,
} from './tables'

/** This peer has left. */
export let gone: bool = false

export function id_fits(ptr: usize, bytes: u32): bool {
  return bytes != 0 && bytes <= PEER_ID_BYTES_MAX && readable(ptr, bytes)
}

export function name_fits(ptr: usize, bytes: u32): bool {
  return bytes <= NAME_BYTES_MAX && readable(ptr, bytes)
}

// This peer

/** `self`: who this peer is. Later ones change its chain, info and name. */
export function self_in(record: usize): void {
  // Shorter than its fixed part, it has no payloads that could be given back.
  if (load<u32>(record) >> 16 << 2 < IN_SELF_BYTES) return
  const id_bytes = load<u32>(record + IN_SELF_ID_BYTES)
  const name_bytes = load<u32>(record + IN_SELF_NAME_BYTES)
  const id = record + IN_SELF_BYTES
  const chain = load<u32>(record + IN_SELF_CHAIN)
  const chain_bytes = load<u32>(record + IN_SELF_CHAIN_BYTES)
  const info = load<u32>(record + IN_SELF_INFO)
  const info_bytes = load<u32>(record + IN_SELF_INFO_BYTES)
  const first = !some(self_id)
  const incarnation = load<u32>(record + IN_SELF_INCARNATION)
  const whole = id_bytes <= PEER_ID_BYTES_MAX && name_bytes <= NAME_BYTES_MAX &&
    sized(record, IN_SELF_BYTES, id_bytes + name_bytes) && id_fits(id, id_bytes) &&
    name_fits(id + id_bytes, name_bytes) && chain_bytes <= CHAIN_BYTES_MAX &&
    info_bytes <= INFO_BYTES_MAX
  if (!whole || gone || (first ? incarnation == 0 : !text_is(self_id, id, id_bytes))) {
    drop_handle(chain)
    drop_handle(info)
    return
  }
  if (first) self_begin(id, id_bytes, incarnation)
  if (self_chain != chain) drop_handle(self_chain)
  if (some(self_info)) payload_over(self_info)
  text_release(self_name)
  const kept = info == 0 ? no_payload : payload_new(info, info_bytes)
  self_is(text_of(id + id_bytes, name_bytes), chain, chain_bytes, kept)
  if (first) return
  self_changed(self_version)
  gossip_self()
}

/** This peer has left: its list is empty, and what it said about itself goes back to the host. */
export function members_over(): void {
  gone = true
  overlay_stop()
  sync_stop()
  tree_stop()
  while (members_count != 0) {
    const peer = crowd_at(members, members_count)
    suspicion_end(peer)
    member_remove(peer)
    peer.member = MEMBER_NONE
    info_is(peer, 0, 0)
    peer.told_incarnation = 0
  }
  drop_handle(self_chain)
  if (some(self_info)) payload_over(self_info)
  self_is(self_name, 0, 0, no_payload)
}

/** The peer is no member any more. The caller tells the host, and the others. */
export function member_over(peer: Peer): void {
  suspicion_end(peer)
  if (peer.member != MEMBER_NONE) {
    member_remove(peer)
    peer.member = MEMBER_NONE
    info_is(peer, 0, 0)
  }
  edge_over(peer)
  if (peer.parted) departed_remove(peer)
  else {
    peer.tries = 0
    departed_add(peer)
    rejoin_afresh()
  }
  edges_wake()
}

/** A suspicion has lasted: we declare the member left. */
export function member_declared(peer: Peer): void {
  peer.left_incarnation = max(peer.left_incarnation, peer.member_incarnation)
  // A session with a later run, which has not said its name yet, stands.
  const session = peer.state == PEER_JOINED && peer.incarnation <= peer.member_incarnation
  if (session || peer.state == PEER_KNOWN && peer.wanted) {
    suspicion_end(peer)
    session_over(peer, LOST_DECLARED, ERROR_DECLARED_LEFT, no_link)
    return
  }
  member_over(peer)
  tell_host(peer)
  gossip(no_peer, peer, MEMBER_EVENT_LEFT, 0, 1)
}

/** `found`: discovery proposes a peer whose addresses the host knows. */
export function found_in(record: usize): void {
  const bytes = load<u32>(record + IN_FOUND_ID_BYTES)
  const ptr = record + IN_FOUND_BYTES
  if (!sized(record, IN_FOUND_BYTES, bytes) || !id_fits(ptr, bytes)) return
  if (gone || !some(self_id) || id_is_self(ptr, bytes)) return
  const peer = peer_ensure(ptr, bytes)
  // Members are linked with as the overlay sees fit.
  if (some(peer) && peer.member == MEMBER_NONE) dial_seek(peer)
}

// Beginnings and ends

/**
 * The next peer with whom a session has just begun, or null. It is told about us, and if it is new
 * here about all others, when they are few; a longer list goes in parts.
 */
export function next_joined(): Peer {
  const peer = next_begun()
  if (!some(peer)) return no_peer
  say_self(peer, 0)
  if (peer.member == MEMBER_NONE && members_count <= TELL_ALL_MAX) {
    for (let place: u32 = 1; place <= members_count; place++) {
      say_alive(peer, crowd_at(members, place), 0)
    }
  }
  return peer
}

/**
 * Those above have forgotten the old session of a peer from `next_lost`: the host is told, and a
 * new session may begin. The peer may be freed here if nothing points at it.
 */
export function lost_done(peer: Peer): void {
  const how = peer.lost_how
  const wanted = peer.wanted
  const declared = how == LOST_DECLARED || how == LOST_PARTED
  if (how == LOST_PARTED) peer.parted = true
  const here = peer.member != MEMBER_NONE && peer.member_incarnation > peer.left_incarnation
  if (!here && (declared || how == LOST_RETURNED)) member_over(peer)
  if (declared) gossip(no_peer, peer, MEMBER_EVENT_LEFT, 0, 1)
  peer.wanted = false
  peer.rights = 0
  peer.state = PEER_KNOWN
  tell_host(peer)
  lost_clear(peer)
  if (wanted) contact(peer)
  else dial_again(peer)
  peer_settle(peer)
}

// Asked by those above

/** True while there is a session with the peer. */
// @ts-ignore: decorator
@inline export function peer_joined(peer: Peer): bool {
  return peer.state == PEER_JOINED
}

/** True when the peer is here in this incarnation: it has a session, or can be asked for one. */
export function peer_here(peer: Peer, incarnation: u32): bool {
  return peer.state == PEER_JOINED && peer.incarnation == incarnation ||
    peer.state == PEER_KNOWN && peer.member != MEMBER_NONE && peer.member_incarnation == incarnation
}

/** True when the peer is here in some incarnation. */
export function peer_present(peer: Peer): bool {
  return peer.state == PEER_JOINED || peer.state == PEER_KNOWN && peer.member != MEMBER_NONE
}

/**
 * Somebody waits for the peer: it is dialled if there is no link. Without a session it is reported
 * by `next_lost` when no link comes within LEFT_MS.
 */
export function contact(peer: Peer): void {
  if (peer.state != PEER_JOINED) await_peer(peer)
  else if (!some(peer.link)) link_needed(peer)
  dial_urgent(peer)
}

/**
 * The peer of an id in a channel reference, made and dialled when nobody knows it. Null for an id
 * that is none, for our own, and when PEERS_KNOWN_MAX are in use.
 */
export function peer_known(ptr: usize, bytes: u32): Peer {
  if (!id_fits(ptr, bytes) || id_is_self(ptr, bytes)) return no_peer
  const peer = peer_ensure(ptr, bytes)
  if (some(peer) && peer.state == PEER_KNOWN && peer.member == MEMBER_NONE) contact(peer)
  return peer
}
