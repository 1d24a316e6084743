/**
 * Membership: who this peer is, who the others are, and what is told about whom.
 *
 * Lives here: member frames, events for the host and for those above, the questions of those above.
 * Does not live here: the dispatch of frames and goodbyes (intake), handshakes (hello), silence
 * (probe), dials (dial), numbers (session).
 *
 * Every peer tells every peer it is joined with about itself and about the others (full mesh). What
 * a peer says about itself counts; what others say of it is a reason to dial, or, when it is silent
 * here too, to let it go.
 *
 * Invariants: the host hears `joined` once the session stands and the peer has said its name, and
 * `left` for each `joined`; a lost peer begins anew only after `lost_done`.
 */
import { Text, readable, text_is, text_of, text_ptr, text_release } from './bytes'
import { dial_again, dial_seek, dial_urgent } from './dial'
import { read_end, read_text, read_u32, text_at, text_bytes } from './frame'
import { lost_clear } from './hello'
import { next_begun, session_over } from './link'
import { Payload, drop_handle, payload_new } from './payload'
import {
  LOST_DECLARED, LOST_HEARD, LOST_PARTED, LOST_UNREACHED, PEER_JOINED, PEER_KNOWN, Peer, id_is_self,
  no_link, no_peer, peer_by_id, peer_ensure, peer_settle, peers_first, self_begin, self_chain,
  self_id, self_incarnation, self_info, self_is, self_name, sized, some,
} from './peer'
import { await_peer } from './probe'
import { emit } from './ring'
import { payload_over, post, post_end, put_text, put_u32 } from './session'
import { elapsed, now_ms } from './timer'
import {
  CHAIN_BYTES_MAX, ERROR_DECLARED_LEFT, FRAME_MEMBER, INFO_BYTES_MAX, IN_FOUND_BYTES,
  IN_FOUND_ID_BYTES, IN_SELF_BYTES, IN_SELF_CHAIN, IN_SELF_CHAIN_BYTES, IN_SELF_ID_BYTES,
  IN_SELF_INCARNATION, IN_SELF_INFO, IN_SELF_INFO_BYTES, IN_SELF_NAME_BYTES, NAME_BYTES_MAX,
  OUT_PEER, OUT_PEER_BYTES, OUT_PEER_EVENT, OUT_PEER_ID_BYTES, OUT_PEER_INCARNATION, OUT_PEER_INFO,
  OUT_PEER_INFO_BYTES, OUT_PEER_NAME_BYTES, OUT_PEER_PEER, OUT_PEER_RIGHTS, PEER_EVENT_CHANGED,
  PEER_EVENT_JOINED, PEER_EVENT_KNOWN, PEER_EVENT_LEFT, PEER_ID_BYTES_MAX, SUSPECT_MS,
} from './tables'

/** This peer has left. */
export let gone: bool = false

const no_payload: Payload = changetype<Payload>(0)

function id_fits(ptr: usize, bytes: u32): bool {
  return bytes != 0 && bytes <= PEER_ID_BYTES_MAX && readable(ptr, bytes)
}

function name_fits(ptr: usize, bytes: u32): bool {
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
  for (let peer = peers_first; some(peer); peer = peer.next) {
    if (peer.state == PEER_JOINED) tell_self(peer)
  }
}

/** This peer has left: what it said about itself goes back to the host. */
export function self_over(): void {
  gone = true
  drop_handle(self_chain)
  if (some(self_info)) payload_over(self_info)
  self_is(self_name, 0, 0, no_payload)
}

// Telling

function say_member(
  to: Peer, id: Text, incarnation: u32, event: u32, name: Text, info: Payload
): void {
  post(to, FRAME_MEMBER)
  put_text(text_ptr(id), id.bytes)
  put_u32(incarnation)
  put_u32(event)
  if (some(name)) put_text(text_ptr(name), name.bytes)
  else put_text(0, 0)
  put_u32(0)
  post_end(info)
}

function tell_self(to: Peer): void {
  say_member(to, self_id, self_incarnation, PEER_EVENT_JOINED, self_name, self_info)
}

/** Tells all others with whom we are joined about a peer. */
function tell_all(about: Peer, event: u32): void {
  const info = event == PEER_EVENT_LEFT ? no_payload : about.info
  for (let to = peers_first; some(to); to = to.next) {
    if (to == about || to.state != PEER_JOINED) continue
    say_member(to, about.id, about.incarnation, event, about.name, info)
  }
}

/** Writes a peer's event for the host; the info is lent. */
function say_event(peer: Peer, event: u32, incarnation: u32, info: u32, info_bytes: u32): void {
  const id_bytes = peer.id.bytes
  const name_bytes = some(peer.name) ? peer.name.bytes : 0
  const at = emit(OUT_PEER, OUT_PEER_BYTES + id_bytes + name_bytes)
  store<u32>(at + OUT_PEER_EVENT, event)
  store<u32>(at + OUT_PEER_PEER, peer.index)
  store<u32>(at + OUT_PEER_INCARNATION, incarnation)
  store<u32>(at + OUT_PEER_RIGHTS, peer.rights)
  store<u32>(at + OUT_PEER_INFO, info)
  store<u32>(at + OUT_PEER_INFO_BYTES, info_bytes)
  store<u32>(at + OUT_PEER_ID_BYTES, id_bytes)
  store<u32>(at + OUT_PEER_NAME_BYTES, name_bytes)
  memory.copy(at + OUT_PEER_BYTES, text_ptr(peer.id), id_bytes)
  if (name_bytes != 0) memory.copy(at + OUT_PEER_BYTES + id_bytes, text_ptr(peer.name), name_bytes)
}

function name_is(peer: Peer, ptr: usize, bytes: u32): void {
  if (some(peer.name) && text_is(peer.name, ptr, bytes)) return
  text_release(peer.name)
  peer.name = text_of(ptr, bytes)
}

// Hearing

/** A member frame; the cursor stands after `received`. False: it broke the rules. */
export function member_in(from: Peer, info: u32, info_bytes: u32): bool {
  read_text()
  const id = text_at
  const id_bytes = text_bytes
  const incarnation = read_u32()
  const event = read_u32()
  read_text()
  const name = text_at
  const name_bytes = text_bytes
  read_u32()
  const fine = read_end() && id_fits(id, id_bytes) && name_fits(name, name_bytes) &&
    info_bytes <= INFO_BYTES_MAX && (event == PEER_EVENT_JOINED || event == PEER_EVENT_LEFT)
  if (!fine) {
    drop_handle(info)
    return false
  }
  if (text_is(from.id, id, id_bytes)) {
    if (event != PEER_EVENT_JOINED || incarnation != from.incarnation) {
      drop_handle(info)
      return false
    }
    name_is(from, name, name_bytes)
    present(from, info, info_bytes)
    return true
  }
  if (event == PEER_EVENT_LEFT) {
    drop_handle(info)
    hear_left(id, id_bytes, incarnation)
  } else {
    hear_joined(id, id_bytes, incarnation, info, info_bytes)
  }
  return true
}

/** A peer has said who it is: the first time it has joined for the host, later it has changed. */
function present(peer: Peer, info: u32, info_bytes: u32): void {
  if (some(peer.info)) payload_over(peer.info)
  peer.info = info == 0 ? no_payload : payload_new(info, info_bytes)
  const event = peer.announced ? PEER_EVENT_CHANGED : PEER_EVENT_JOINED
  say_event(peer, event, peer.incarnation, info, info_bytes)
  if (peer.announced) return
  peer.announced = true
  // Who cannot be dialled by the newcomer can dial it.
  tell_all(peer, PEER_EVENT_JOINED)
}

/** Another peer speaks of one that it is joined with: worth a dial, if it is not here. */
function hear_joined(
  id: usize, id_bytes: u32, incarnation: u32, info: u32, info_bytes: u32
): void {
  const peer = id_is_self(id, id_bytes) ? no_peer : peer_ensure(id, id_bytes)
  if (some(peer) && peer.state == PEER_KNOWN && incarnation > peer.left_incarnation) {
    name_is(peer, text_at, text_bytes)
    say_event(peer, PEER_EVENT_KNOWN, incarnation, info, info_bytes)
    dial_seek(peer)
  }
  drop_handle(info)
  if (some(peer)) peer_settle(peer)
}

/** Another peer has declared one left: believed only of a peer that is silent here too. */
function hear_left(id: usize, id_bytes: u32, incarnation: u32): void {
  const peer = peer_by_id(id, id_bytes)
  if (!some(peer) || peer.state != PEER_JOINED || peer.incarnation != incarnation) return
  if (some(peer.link) && elapsed(now_ms, peer.heard_ms) < <i32>SUSPECT_MS) return
  session_over(peer, LOST_HEARD, ERROR_DECLARED_LEFT, no_link)
}

/** `found`: discovery proposes a peer whose addresses the host knows. */
export function found_in(record: usize): void {
  const bytes = load<u32>(record + IN_FOUND_ID_BYTES)
  const ptr = record + IN_FOUND_BYTES
  if (!sized(record, IN_FOUND_BYTES, bytes) || !id_fits(ptr, bytes)) return
  if (gone || !some(self_id) || id_is_self(ptr, bytes)) return
  const peer = peer_ensure(ptr, bytes)
  if (some(peer)) dial_seek(peer)
}

// Beginnings and ends

/**
 * The next peer with whom a session has just begun, or null. It is told about us and about all
 * others first.
 */
export function next_joined(): Peer {
  const peer = next_begun()
  if (!some(peer)) return no_peer
  tell_self(peer)
  for (let other = peers_first; some(other); other = other.next) {
    if (other == peer || other.state != PEER_JOINED || !other.announced) continue
    say_member(peer, other.id, other.incarnation, PEER_EVENT_JOINED, other.name, other.info)
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
  if (peer.announced) say_event(peer, PEER_EVENT_LEFT, peer.incarnation, 0, 0)
  if (peer.announced && (how == LOST_DECLARED || how == LOST_PARTED)) {
    tell_all(peer, PEER_EVENT_LEFT)
  }
  peer.announced = false
  peer.rights = 0
  if (some(peer.info)) payload_over(peer.info)
  peer.info = no_payload
  peer.wanted = false
  if (how == LOST_PARTED) peer.sought = false
  else if (how != LOST_UNREACHED) peer.sought = true
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

/**
 * Somebody waits for the peer: it is dialled if there is no link. Without a session it is reported
 * by `next_lost` when no link comes within LEFT_MS.
 */
export function contact(peer: Peer): void {
  if (peer.state != PEER_JOINED) await_peer(peer)
  dial_urgent(peer)
}

/**
 * The peer of an id in a channel reference, made and dialled when it is new. Null for an id that is
 * none, for our own, and when PEERS_KNOWN_MAX are in use.
 */
export function peer_known(ptr: usize, bytes: u32): Peer {
  if (!id_fits(ptr, bytes) || id_is_self(ptr, bytes)) return no_peer
  const peer = peer_ensure(ptr, bytes)
  if (some(peer) && peer.state == PEER_KNOWN) contact(peer)
  return peer
}
