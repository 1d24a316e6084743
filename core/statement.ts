/**
 * Statements about members, coming in.
 *
 * Lives here: the member frame, which of two statements counts, what is answered to an old one.
 * Does not live here: passing them on (gossip), what the host is told (member).
 *
 * A statement is (id, incarnation, version, event). The higher incarnation wins; within one, `left`
 * is final; then the higher version; then suspect over alive. What changes nothing is a duplicate,
 * so nobody remembers which statements passed. spec: MEM-2, MEM-3
 *
 * Invariant: a member's incarnation is above its `left_incarnation`.
 */
import { text_is } from './bytes'
import { dial_again } from './dial'
import { id_is_self, peer_ensure, peer_named, peer_settle } from './directory'
import { edges_wake } from './edge'
import { read_end, read_text, read_u32, text_at, text_bytes } from './frame'
import { gossip, gossip_self } from './gossip'
import { leaving, renew, session_over } from './link'
import { id_fits, member_over, name_fits } from './member'
import { by_at, by_bytes, by_is, say_alive, say_left, say_self } from './news'
import { info_is, tell_host } from './notice'
import { rejoin_afresh } from './overlay'
import { drop_handle } from './payload'
import {
  LOST_HEARD, LOST_RETURNED, MEMBER_ALIVE, MEMBER_NONE, PEER_JOINED, PEER_KNOWN, Peer, no_link,
  self_changed, self_incarnation, self_version, some,
} from './peer'
import { hears } from './probe'
import { member_add, members_count } from './roster'
import { accused, doubt_more, suspicion_end } from './suspicion'
import {
  ERROR_DECLARED_LEFT, ERROR_GONE, INFO_BYTES_MAX, MEMBERS_MAX, MEMBER_EVENT_ALIVE,
  MEMBER_EVENT_LEFT, MEMBER_EVENT_PARTED, MEMBER_EVENT_SUSPECT,
} from './tables'
import { prune } from './tree'
import { vouched } from './vouch'

/** What became of a statement: it was new here, known already, or older than what is known. */
const NEWS: u32 = 0
const SAME: u32 = 1
const STALE: u32 = 2

/** A member frame; the cursor stands after `received`. False: it broke the rules. */
export function member_in(from: Peer, info: u32, info_bytes: u32): bool {
  read_text()
  const id = text_at
  const id_bytes = text_bytes
  const incarnation = read_u32()
  const version = read_u32()
  const event = read_u32()
  read_text()
  const name = text_at
  const name_bytes = text_bytes
  read_text()
  by_is(text_at, text_bytes)
  const hops = read_u32()
  const suspects = event == MEMBER_EVENT_SUSPECT
  const fine = read_end() && id_fits(id, id_bytes) && name_fits(name, name_bytes) &&
    incarnation != 0 && info_bytes <= INFO_BYTES_MAX && event >= MEMBER_EVENT_ALIVE &&
    event <= MEMBER_EVENT_PARTED && (suspects ? id_fits(text_at, text_bytes) : text_bytes == 0)
  const own = fine && text_is(from.id, id, id_bytes)
  if (!fine || own && (event != MEMBER_EVENT_ALIVE || incarnation != from.incarnation)) {
    drop_handle(info)
    return false
  }
  if (id_is_self(id, id_bytes)) {
    drop_handle(info)
    self_heard(from, incarnation, version, event)
    return true
  }
  const peer = own ? from : peer_ensure(id, id_bytes)
  if (!some(peer)) {
    drop_handle(info)
    return true
  }
  let found = SAME
  if (event == MEMBER_EVENT_ALIVE) {
    found = alive_in(peer, incarnation, version)
    if (found == NEWS) {
      peer_named(peer, name, name_bytes)
      info_is(peer, info, info_bytes)
      tell_host(peer)
    } else drop_handle(info)
  } else {
    drop_handle(info)
    if (suspects) found = suspect_in(peer, incarnation, version)
    else found = left_in(peer, incarnation, event == MEMBER_EVENT_PARTED)
  }
  if (found == NEWS) {
    from.lazy = false
    gossip(from, peer, event, version, hops + 1)
  } else if (found == STALE) answer(from, peer)
  else if (hops != 0) prune(from)
  peer_settle(peer)
  return true
}

/** Who says what is over is told what is newer. */
function answer(to: Peer, about: Peer): void {
  if (about == to) return
  if (about.member != MEMBER_NONE) say_alive(to, about, 0)
  else if (about.left_incarnation != 0) say_left(to, about, 0)
}

/** The peer is here. Name and info follow when it is news. */
function alive_in(peer: Peer, incarnation: u32, version: u32): u32 {
  if (incarnation <= peer.left_incarnation) return STALE
  const here = peer.member != MEMBER_NONE
  if (here && incarnation == peer.member_incarnation) {
    if (version <= peer.version) return version == peer.version ? SAME : STALE
    peer.version = version
    // It has answered those who accused it.
    if (peer.suspicion != 0) vouched(peer)
    suspicion_end(peer)
    return NEWS
  }
  if (!here && members_count >= MEMBERS_MAX) return SAME
  // What was pending with an earlier run ends before the host hears of this one.
  const session = peer.state == PEER_JOINED && peer.incarnation < incarnation
  if (session || peer.state == PEER_KNOWN && some(peer.first)) {
    session_over(peer, LOST_RETURNED, ERROR_GONE, no_link)
  }
  suspicion_end(peer)
  peer.left_incarnation = incarnation - 1
  peer.parted = false
  // What failed with an earlier run says nothing about this one.
  peer.tries = 0
  peer.edge_refused = false
  if (!here) member_add(peer)
  peer.member = MEMBER_ALIVE
  peer.member_incarnation = incarnation
  peer.version = version
  // Who was waited for while it had said goodbye was not dialled.
  dial_again(peer)
  rejoin_afresh()
  edges_wake()
  return NEWS
}

/** Another has not heard from the peer. */
function suspect_in(peer: Peer, incarnation: u32, version: u32): u32 {
  if (incarnation <= peer.left_incarnation) return STALE
  // A member that is not known yet is told about by others, alive.
  if (peer.member == MEMBER_NONE || incarnation > peer.member_incarnation) return SAME
  if (version < peer.version) return STALE
  return accused(peer, version, by_at, by_bytes, !hears(peer)) ? NEWS : SAME
}

/** The peer's incarnation, and all before it, is over. */
function left_in(peer: Peer, incarnation: u32, parted: bool): u32 {
  if (incarnation <= peer.left_incarnation) {
    return incarnation == peer.left_incarnation && peer.member == MEMBER_NONE ? SAME : STALE
  }
  if (peer.member != MEMBER_NONE && incarnation < peer.member_incarnation) return STALE
  peer.left_incarnation = incarnation
  peer.parted = parted
  member_over(peer)
  const session = peer.state == PEER_JOINED && peer.incarnation <= incarnation
  const awaited = peer.state == PEER_KNOWN && (peer.wanted || some(peer.first))
  if (session || awaited) session_over(peer, LOST_HEARD, ERROR_DECLARED_LEFT, no_link)
  else tell_host(peer)
  return NEWS
}

/** What others say of us. */
function self_heard(from: Peer, incarnation: u32, version: u32, event: u32): void {
  if (leaving) return
  if (incarnation > self_incarnation || incarnation == self_incarnation &&
    (event == MEMBER_EVENT_LEFT || event == MEMBER_EVENT_PARTED)) {
    return renew(from, no_link, incarnation)
  }
  if (incarnation < self_incarnation || version < self_version) return say_self(from, 0)
  if (event == MEMBER_EVENT_SUSPECT || version > self_version) {
    if (event == MEMBER_EVENT_SUSPECT) doubt_more()
    self_changed(version)
    gossip_self()
  }
}
