/**
 * What the host is told about members.
 *
 * Lives here: its events, what it was told last, what a peer says about itself. Does not live here:
 * when a member begins and ends (member).
 *
 * Invariant: the host hears `left` once for each `joined`, and not before those above have
 * forgotten the session.
 */
import { text_ptr } from './bytes'
import { no_payload, payload_new } from './payload'
import { MEMBER_NONE, PEER_LOST, Peer, some } from './peer'
import { emit } from './ring'
import { payload_over } from './session'
import {
  OUT_PEER, OUT_PEER_BYTES, OUT_PEER_EVENT, OUT_PEER_ID_BYTES, OUT_PEER_INCARNATION, OUT_PEER_INFO,
  OUT_PEER_INFO_BYTES, OUT_PEER_NAME_BYTES, OUT_PEER_PEER, OUT_PEER_RIGHTS, PEER_EVENT_CHANGED,
  PEER_EVENT_JOINED, PEER_EVENT_LEFT,
} from './tables'

/** Writes a peer's event for the host; the info is lent. */
function say_event(peer: Peer, event: u32, incarnation: u32): void {
  const info = event == PEER_EVENT_LEFT ? no_payload : peer.info
  const id_bytes = peer.id.bytes
  const name_bytes = some(peer.name) ? peer.name.bytes : 0
  const at = emit(OUT_PEER, OUT_PEER_BYTES + id_bytes + name_bytes)
  store<u32>(at + OUT_PEER_EVENT, event)
  store<u32>(at + OUT_PEER_PEER, peer.index)
  store<u32>(at + OUT_PEER_INCARNATION, incarnation)
  store<u32>(at + OUT_PEER_RIGHTS, peer.rights)
  store<u32>(at + OUT_PEER_INFO, some(info) ? info.handle : 0)
  store<u32>(at + OUT_PEER_INFO_BYTES, some(info) ? info.bytes : 0)
  store<u32>(at + OUT_PEER_ID_BYTES, id_bytes)
  store<u32>(at + OUT_PEER_NAME_BYTES, name_bytes)
  memory.copy(at + OUT_PEER_BYTES, text_ptr(peer.id), id_bytes)
  if (name_bytes != 0) memory.copy(at + OUT_PEER_BYTES + id_bytes, text_ptr(peer.name), name_bytes)
}

/**
 * Tells the host what has changed about a peer since it was last told. A peer whose session has
 * just ended has to wait: `lost_done` tells.
 */
export function tell_host(peer: Peer): void {
  if (peer.state == PEER_LOST) return
  const here = peer.member != MEMBER_NONE ? peer.member_incarnation : 0
  const told = peer.told_incarnation
  peer.told_incarnation = here
  if (told != 0 && told != here) say_event(peer, PEER_EVENT_LEFT, told)
  if (here == 0) return
  if (told != here) say_event(peer, PEER_EVENT_JOINED, here)
  else if (peer.told_version != peer.version || peer.told_rights != peer.rights) {
    say_event(peer, PEER_EVENT_CHANGED, here)
  }
  peer.told_version = peer.version
  peer.told_rights = peer.rights
}

/** What the peer says about itself from now on. */
export function info_is(peer: Peer, info: u32, info_bytes: u32): void {
  if (some(peer.info)) payload_over(peer.info)
  peer.info = info == 0 ? no_payload : payload_new(info, info_bytes)
}
