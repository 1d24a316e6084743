/**
 * Peers and links as structs.
 *
 * Lives here: the two structs, finding links, who this peer is, and the one way to write a frame
 * record. Does not live here: finding peers (directory), numbers and queues (session), when to dial
 * (dial), hello and the choice between links (link), silence (probe), who is a member (member).
 *
 * Two things are kept apart: a member is somebody whom the circuit knows to be here (`member`), a
 * session is what two peers owe each other (`state`). Most members of a large circuit have none.
 *
 * Invariant: a link stands in `by_link` and in its peer's list from link_up to its end.
 */
import { alloc, release, is as some } from './heap'
import { Text, text_of, text_release } from './bytes'
import { Map2, map_add, map_find, map_new, map_remove } from './map'
import { Payload, drop_handle } from './payload'
import { emit } from './ring'
import { Timer, now_ms, timer_clear } from './timer'
import { Waiter } from './waiter'
import {
  INPUT_BYTES, OUT_FRAME, OUT_FRAME_BYTES, OUT_FRAME_HEADER_BYTES, OUT_FRAME_LINK,
  OUT_FRAME_PAYLOAD, OUT_FRAME_PAYLOAD_BYTES,
} from './tables'

/** Nobody that the circuit knows to be here. */
export const MEMBER_NONE: u32 = 0
export const MEMBER_ALIVE: u32 = 1
/** Somebody says that it may be gone. */
export const MEMBER_SUSPECT: u32 = 2

export const EDGE_NONE: u32 = 0
/** We have asked, or shall as soon as there is a link. */
export const EDGE_ASKED: u32 = 1
/** Both sides keep a link up and pass gossip on over it. */
export const EDGE_HELD: u32 = 2

/** No session. */
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
  /** How many frames of its session had arrived, both ways, when it was attached. */
  arrived: u32
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
  /** Of a deliver: the offer or message that must be told when the frame is gone, or null. */
  holder: Waiter
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
  /** Of the id, as it goes over the wire. */
  hash: u32
  /** The next peers whose id, or name, has the same hash. */
  id_next: Peer
  name_next: Peer
  /** Of the session, or of the last one; 0 before the first. */
  incarnation: u32
  /** This incarnation and all before it were declared left; 0 for none. */
  left_incarnation: u32
  state: u32
  /** What the circuit says of it: one of the MEMBER constants, and of which statement. */
  member: u32
  member_incarnation: u32
  version: u32
  /** What the host was told: 0 when it is not here for the host. */
  told_incarnation: u32
  told_version: u32
  told_rights: u32
  /** Its place in the roster's list of members or of those who left; 0 for none. */
  place: u32
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
  /** Plain sends of the peer that are done and not said yet: the first, and how many follow. */
  done_first: u32
  done_count: u32
  dirty: bool
  dirty_next: Peer
  ack_due: bool
  ack_timer: Timer

  edge: u32
  /** Its place among the edges; 0 for none. */
  edge_place: u32
  /** Gossip goes to it as hashes only. */
  lazy: bool
  /** Lists are compared with it soon. */
  sync_due: bool
  /** When it was asked, or when it refused. */
  edge_ms: u32
  edge_refused: bool
  /** How its session ended: one of the LOST constants. */
  lost_how: u32
  /** No link of that session was ever attached: nothing that was to be said has gone. */
  lost_unsent: bool
  lost_next: Peer
  joined_next: Peer
  joined_queued: bool

  heard_ms: u32
  /** A session frame went or came last. */
  used_ms: u32
  pinged: bool
  /** Of both sides we were the last to ask: the next turn is the other's. */
  asked: bool
  /** When the first of the pings went that wait for a sign of life. */
  pinged_ms: u32
  /** The longest answers of late. */
  rtt_ms: u32
  /** Another has seen it alive, and when. */
  vouched: bool
  vouched_ms: u32
  /** Helpers were asked; it was accused by us, and dialled anew. */
  helped: bool
  suspected: bool
  /** Others wait for a sign of life from it. */
  awaited: bool
  /** Its last link was closed because nobody needed it. */
  idled: bool
  /** What is said against it, or null. */
  suspicion: usize
  watch_timer: Timer
  expiry_timer: Timer
  expiry_left_ms: u32

  dialling: bool
  /** A link is wished for, though there is no session. */
  sought: bool
  /** The last list of all that has asked it: the operation. */
  listed: u32
  /** A link is wished for to see whether it is still here. */
  checked: bool
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
  crowded_first: usize
  crowded_last: usize
  out_offers: u32
  out_bytes: u32
  in_offers: u32
  in_bytes: u32
  requests: usize
  requests_in: u32
  channels_made: u32
  /** Our requests that it has not answered yet. */
  requests_out: u32
  /** Of frames that answer it and that it has not acknowledged. */
  answer_bytes: u32
  /** Of its messages in buffers here, and of those that its selects brought. */
  stored_bytes: u32
  /** References to its channels that are held here. */
  remotes: u32
  /** References that point at this Peer. */
  pins: u32
}

export const no_peer: Peer = changetype<Peer>(0)
export const no_link: Link = changetype<Link>(0)
export const no_out: Out = changetype<Out>(0)
export const no_timer: Timer = changetype<Timer>(0)

export { is as some } from './heap'

export let self_id: Text = changetype<Text>(0)
export let self_name: Text = changetype<Text>(0)
export let self_info: Payload = changetype<Payload>(0)
export let self_incarnation: u32 = 0
/** The incarnation with which this core began. */
export let self_first_incarnation: u32 = 0
export let self_chain: u32 = 0
export let self_chain_bytes: u32 = 0

/** Counts our refutations and changes of name and info, within one incarnation. */
export let self_version: u32 = 0

let by_link: Map2 = changetype<Map2>(0)
export let joined_count: u32 = 0
export let links_count: u32 = 0

export function links_open(): void {
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

/** The next incarnation, after `incarnation` too. */
export function self_renewed(incarnation: u32): void {
  self_incarnation = max(self_incarnation, incarnation) + 1
  self_version = 0
}

/** Something about us is new, and it is said in a version after `version`. */
export function self_changed(version: u32): void {
  self_version = max(self_version, version) + 1
}

export function joined_change(by: i32): void {
  joined_count += by
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
