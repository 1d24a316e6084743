/**
 * News: statements about members going out.
 *
 * Lives here: the member frame, said to one peer. Does not live here: to whom it is said (gossip,
 * tree, sync), what a statement changes here (statement).
 *
 * Invariant: nothing is said to a peer without a session.
 */
import { Text, text_ptr } from './bytes'
import { put_text, put_u32 } from './frame'
import {
  PEER_JOINED, Peer, self_id, self_incarnation, self_info, self_name, self_version, some,
} from './peer'
import { Payload, no_payload } from './payload'
import { post, post_end } from './post'
import {
  FRAME_MEMBER, MEMBER_EVENT_ALIVE, MEMBER_EVENT_LEFT, MEMBER_EVENT_PARTED, MEMBER_EVENT_SUSPECT,
} from './tables'

const HOPS_MAX: u32 = 255

/** The one who says that a peer is suspect: its id. */
export let by_at: usize = 0
export let by_bytes: u32 = 0

/** Whose word the next suspect statements are. */
export function by_is(ptr: usize, bytes: u32): void {
  by_at = ptr
  by_bytes = bytes
}

function say(
  to: Peer, id: Text, incarnation: u32, version: u32, event: u32, name: Text, hops: u32,
  info: Payload
): void {
  post(to, FRAME_MEMBER)
  put_text(text_ptr(id), id.bytes)
  put_u32(incarnation)
  put_u32(version)
  put_u32(event)
  if (some(name)) put_text(text_ptr(name), name.bytes)
  else put_text(0, 0)
  if (event == MEMBER_EVENT_SUSPECT) put_text(by_at, by_bytes)
  else put_text(0, 0)
  put_u32(min(hops, HOPS_MAX))
  post_end(info)
}

/** Says to a peer who we are. */
export function say_self(to: Peer, hops: u32): void {
  if (to.state != PEER_JOINED) return
  say(to, self_id, self_incarnation, self_version, MEMBER_EVENT_ALIVE, self_name, hops, self_info)
}

/** Says to a peer that a member is here. */
export function say_alive(to: Peer, about: Peer, hops: u32): void {
  if (to.state != PEER_JOINED) return
  say(to, about.id, about.member_incarnation, about.version, MEMBER_EVENT_ALIVE, about.name, hops,
    about.info)
}

/** Says to a peer that one has left. */
export function say_left(to: Peer, about: Peer, hops: u32): void {
  if (to.state != PEER_JOINED) return
  const event = about.parted ? MEMBER_EVENT_PARTED : MEMBER_EVENT_LEFT
  say(to, about.id, about.left_incarnation, 0, event, changetype<Text>(0), hops, no_payload)
}

/** Says to a peer that `by_at` suspects a member. */
export function say_suspect(to: Peer, about: Peer, version: u32, hops: u32): void {
  if (to.state != PEER_JOINED) return
  say(to, about.id, about.member_incarnation, version, MEMBER_EVENT_SUSPECT, changetype<Text>(0),
    hops, no_payload)
}
