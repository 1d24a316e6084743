/**
 * What the two roles say to other peers: one function a frame, and references in frames.
 *
 * Lives here: the fields of application frames, in the order of spec/tables. Does not live here:
 * CBOR (frame), numbering and resending (session), when something is said (match, claim, select,
 * request).
 *
 * Invariants: a reference that leaves to another peer marks its channel exported; nothing is said
 * to a peer whose session has ended, because what was pending there is being ended anyway.
 */
import { Payload, payload_ref, payload_refs_open } from './payload'
import { PEER_JOINED, Peer, self_first_incarnation, self_incarnation } from './peer'
import {
  frame_bad, put_array, put_text, put_u32, read_array, read_text, read_u32, text_at, text_bytes,
} from './frame'
import { peer_known } from './member'
import { post, post_end, post_end_done, post_series } from './post'
import { deliver_holds } from './session'
import { IS_READER, IS_SELECT, SEND, Waiter, flagged, is, no_payload, no_peer } from './waiter'
import { ref_channel, ref_of, ref_remote, ref_retain } from './reference'
import { text_ptr } from './bytes'
import {
  DELIVER_FLAG_AGAIN, ERROR_OK, FRAME_ASK, FRAME_CLAIM, FRAME_DELIVER, FRAME_DELIVERS, FRAME_END,
  FRAME_GRANT, FRAME_OFFER_READER, FRAME_OFFER_RECEIVE, FRAME_OFFER_SEND, FRAME_OFFER_SENDS,
  FRAME_UNHOLD, FRAME_WITHDRAW, REFS_PER_MESSAGE_MAX, REF_REMOTE, SERIES_MESSAGE_BYTES_MAX,
} from './tables'

/** Who owns the channel of a reference in a frame. */
const OWNER_SENDER: u32 = 0
const OWNER_RECEIVER: u32 = 1
const OWNER_OTHER: u32 = 2

function put_ref(peer: Peer, ref: u32): void {
  const remote = ref_remote(ref)
  if (!is(remote)) {
    const channel = ref_channel(ref)
    if (is(channel)) channel.exported = true
    put_array(3)
    put_u32(OWNER_SENDER)
    put_u32(self_incarnation)
    put_u32(ref)
    return
  }
  const other = is(remote.peer) && remote.peer != peer
  put_array(other ? 4 : 3)
  put_u32(other ? OWNER_OTHER : OWNER_RECEIVER)
  // A reference that leads nowhere must not meet a channel of the receiver: no peer's run is 0.
  put_u32(is(remote.peer) ? remote.incarnation : 0)
  put_u32(remote.channel)
  if (other) put_text(text_ptr(remote.peer.id), remote.peer.id.bytes)
}

function put_refs(peer: Peer, payload: Payload): void {
  const count = is(payload) ? payload.refs_count : 0
  put_array(count)
  for (let i: u32 = 0; i < count; i++) put_ref(peer, payload_ref(payload, i))
}

/** True when a reference of the last frame could not be held: there are too many of its peer. */
export let refs_over: bool = false

function remote_of(peer: Peer, incarnation: u32, channel: u32): u32 {
  const ref = ref_of(peer, incarnation, channel)
  if (ref == 0) refs_over = true
  return ref
}

/** One reference of a frame, as one of this core's own with one count; 0 when it cannot be. */
function take_ref(peer: Peer): u32 {
  const fields = read_array()
  const owner = read_u32()
  const incarnation = read_u32()
  const channel = read_u32()
  if (owner == OWNER_SENDER && fields == 3) return remote_of(peer, incarnation, channel)
  if (owner == OWNER_RECEIVER && fields == 3) {
    // A reference to an earlier run of this peer must not meet a channel of this one.
    const ours = <i32>(incarnation - self_first_incarnation) >= 0 &&
      <i32>(self_incarnation - incarnation) >= 0 && channel != 0 && (channel & REF_REMOTE) == 0
    if (!ours) return remote_of(no_peer, incarnation, channel)
    // One to a channel that was scrubbed meanwhile keeps its id, and every use says so.
    ref_retain(channel)
    return channel
  }
  if (owner != OWNER_OTHER || fields != 4 || !read_text()) return 0
  const third = peer_known(text_at, text_bytes)
  return remote_of(third, incarnation, channel)
}

/**
 * Reads a frame's references into its payload; false when they break the rules. Sets `refs_over`:
 * then the message cannot be taken whole.
 */
export function take_refs(peer: Peer, payload: Payload): bool {
  refs_over = false
  const count = read_array()
  if (frame_bad) return false
  if (count == 0) return true
  if (count > REFS_PER_MESSAGE_MAX || !is(payload)) return false
  payload_refs_open(payload, count)
  for (let i: u32 = 0; i < count; i++) {
    const ref = take_ref(peer)
    store<u32>(payload.refs + (<usize>i << 2), ref)
    if (ref == 0 && !refs_over || frame_bad) return false
  }
  return true
}

function say(peer: Peer, kind: u32): bool {
  if (peer.state != PEER_JOINED) return false
  post(peer, kind)
  return true
}

export function say_claim(w: Waiter, status: u32): void {
  if (!say(w.peer, FRAME_CLAIM)) return
  put_u32(w.offer)
  put_u32(status)
  post_end(no_payload)
}

/** True for a message that may share a frame with others. */
function shares(message: Payload): bool {
  return message.refs_count == 0 && message.bytes != 0 && message.bytes <= SERIES_MESSAGE_BYTES_MAX
}

/** `holder`: the offer itself, of a reader's the message that is out. */
export function say_deliver(w: Waiter, payload: Payload, again: bool, holder: Waiter): void {
  if (flagged(w, IS_READER) && !again && shares(payload)) {
    if (w.peer.state != PEER_JOINED) return
    if (post_series(w.peer, FRAME_DELIVERS, w.offer, 0, payload).count > 1) return
    deliver_holds(w.peer, holder)
    return
  }
  if (!say(w.peer, FRAME_DELIVER)) return
  put_u32(w.offer)
  put_u32(again ? DELIVER_FLAG_AGAIN : 0)
  put_refs(w.peer, payload)
  post_end(payload)
  deliver_holds(w.peer, holder)
}

export function say_end(w: Waiter, status: u32): void {
  if (status != ERROR_OK || flagged(w, IS_SELECT)) end_offer(w.peer, w.offer, status)
  else say_done(w.peer, w.offer)
}

/** A plain send is done. */
export function say_done(peer: Peer, offer: u32): void {
  if (peer.state == PEER_JOINED) post_end_done(peer, offer)
}

/** The end of an offer that became no waiter. */
export function end_offer(peer: Peer, offer: u32, status: u32): void {
  if (!say(peer, FRAME_END)) return
  put_u32(offer)
  put_u32(status)
  post_end(no_payload)
}

export function say_unhold(w: Waiter): void {
  if (!say(w.peer, FRAME_UNHOLD)) return
  put_u32(w.offer)
  post_end(no_payload)
}

/** `count`: the messages taken through a reader since the last; 1 for others. */
export function say_grant(w: Waiter, count: u32): void {
  const payload = w.direction == SEND ? w.payload : no_payload
  if (!say(w.peer, FRAME_GRANT)) return
  put_u32(w.offer)
  put_u32(count)
  put_refs(w.peer, payload)
  post_end(payload)
}

export function say_withdraw(w: Waiter): void {
  if (!say(w.peer, FRAME_WITHDRAW)) return
  put_u32(w.offer)
  post_end(no_payload)
}

export function say_ask(w: Waiter): void {
  if (!say(w.peer, FRAME_ASK)) return
  put_u32(w.offer)
  post_end(no_payload)
}

/** `select`: the select's id, 0 for a plain operation; a plain send carries its message. */
export function say_offer(w: Waiter, channel: u32, flags: u32, select: u32): void {
  const message = w.payload
  if ((flags | select) == 0 && w.direction == SEND && shares(message)) {
    if (w.peer.state == PEER_JOINED) {
      post_series(w.peer, FRAME_OFFER_SENDS, w.offer, channel, message)
    }
    return
  }
  if (!say(w.peer, w.direction == SEND ? FRAME_OFFER_SEND : FRAME_OFFER_RECEIVE)) return
  put_u32(w.offer)
  put_u32(channel)
  put_u32(flags)
  put_u32(select)
  const payload = select == 0 && w.direction == SEND ? w.payload : no_payload
  if (w.direction == SEND) put_refs(w.peer, payload)
  post_end(payload)
}

export function say_reader(w: Waiter, channel: u32, credit: u32): void {
  if (!say(w.peer, FRAME_OFFER_READER)) return
  put_u32(w.offer)
  put_u32(channel)
  put_u32(credit)
  post_end(no_payload)
}
