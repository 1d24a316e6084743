/**
 * Frames of sessions as they are made: numbered, queued, some of them together.
 *
 * Lives here: the queue of what a peer is told, what shares a frame with others, who has something
 * to say in this turn. Does not live here: giving frames to a link, keeping them until they are
 * acknowledged (session), their fields (say).
 *
 * Invariants: frames are numbered in the order in which they are made; what is said together keeps
 * its place among all that is said; a frame that was given to a link is not changed any more; each
 * frame holds one count on its payload, but for a series: an offer outlives the frame that brings
 * it, since whatever ends it acknowledges that frame (LIM-13), and the offer has the message; a
 * message for a reader is its owner's until it is granted, and says when it is given back.
 */
import { alloc } from './heap'
import {
  head_bytes, head_ptr, put_array, put_u32, write_session_head, write_tail_open, written_bytes,
  written_ptr,
} from './frame'
import { PAIR_BYTES, Payload } from './payload'
import { Link, Out, PEER_LOST, Peer, no_peer, some } from './peer'
import { emit } from './ring'
import { now_ms } from './timer'
import {
  ERROR_OK, FRAME_CLAIM, FRAME_DELIVER, FRAME_DELIVERS, FRAME_END, FRAME_ENDS, FRAME_ENTRY,
  FRAME_MEMBER, FRAME_OFFER_SEND, FRAME_OFFER_SENDS, FRAME_REPLY, OUT_SERIES, OUT_SERIES_BYTES,
  OUT_SERIES_HEADER_BYTES, OUT_SERIES_LINK, OUT_SERIES_PAYLOADS_COUNT, PAYLOADS_PER_FRAME_MAX,
} from './tables'

/**
 * Plain sends to one channel whose offers have numbers in a row, or messages for one reader, in one
 * frame; `payload` is the first's. The reader's `holder` is its first message: it takes none of
 * them before the frame is acknowledged, and gives back all of them at once.
 */
// @ts-ignore: decorator
@unmanaged
export class Series extends Out {
  offer: u32
  /** Of sends. */
  channel: u32
  /** 0: the reader gave the messages back before the frame was acknowledged. */
  count: u32
  /** Of all messages. */
  payload_bytes: u32
  last: Payload
}

let dirty_first: Peer = no_peer
let post_peer: Peer = no_peer
let post_kind: u32 = 0

/** A frame that the other side brings about: how many there are is not for us to say. */
export function answers(kind: u32): bool {
  return kind >= FRAME_CLAIM && kind <= FRAME_DELIVERS || kind == FRAME_REPLY || kind == FRAME_ENTRY
}

export function out_bytes(out: Out): u32 {
  return offsetof<Out>() + out.bytes
}

/** The kinds of `Series`, also of one message. */
export function serial(kind: u32): bool {
  return kind == FRAME_OFFER_SENDS || kind == FRAME_DELIVERS
}

/** Puts the peer on the list of those that have something to say at the end of this turn. */
export function session_dirty(peer: Peer): void {
  if (peer.dirty) return
  peer.dirty = true
  peer.dirty_next = dirty_first
  dirty_first = peer
}

/** All that have something to say, in a list that is the caller's now; null for none. */
export function dirty_all(): Peer {
  const first = dirty_first
  dirty_first = no_peer
  return first
}

/** True when somebody has something to say. */
export function dirty_any(): bool {
  return some(dirty_first)
}

function queue(peer: Peer, kind: u32, bytes: u32): Out {
  const out = changetype<Out>(alloc(offsetof<Out>() + bytes))
  out.number = ++peer.made
  out.kind = kind
  out.bytes = bytes
  if (some(peer.last)) peer.last.next = out
  else peer.first = out
  peer.last = out
  if (!some(peer.unsent)) peer.unsent = out
  if (kind != FRAME_MEMBER) peer.used_ms = now_ms
  if (answers(kind)) peer.answer_bytes += out_bytes(out)
  session_dirty(peer)
  return out
}

/**
 * Begins a frame of `kind` to a peer with a session, or to one that is contacted: then it is among
 * the first frames of the session to come. The fields after `received` follow with put_u32,
 * put_text and put_array, as many as the kind has, then `post_end`. One at a time.
 */
export function post(peer: Peer, kind: u32): void {
  assert(peer.state != PEER_LOST && !some(post_peer), 'a frame for nobody')
  post_done(peer)
  post_peer = peer
  post_kind = kind
  write_tail_open()
}

/** Ends the frame and queues it. Takes one count on the payload (null: none). */
export function post_end(payload: Payload): void {
  const peer = post_peer
  post_peer = no_peer
  const bytes = written_bytes()
  const out = queue(peer, post_kind, bytes)
  out.payload = payload
  if (some(payload)) payload.count++
  memory.copy(changetype<usize>(out) + offsetof<Out>(), written_ptr(), bytes)
}

/**
 * Says `end` OK of a plain send, before whatever is posted next: those whose numbers follow each
 * other in one frame. spec: WIRE-37
 */
export function post_end_done(peer: Peer, offer: u32): void {
  if (peer.done_count != 0 && peer.done_first + peer.done_count == offer) {
    peer.done_count++
    return
  }
  post_done(peer)
  peer.done_first = offer
  peer.done_count = 1
  session_dirty(peer)
}

/** Says the ends that wait, if there are any. */
export function post_done(peer: Peer): void {
  const count = peer.done_count
  if (count == 0) return
  peer.done_count = 0
  post(peer, count == 1 ? FRAME_END : FRAME_ENDS)
  put_u32(peer.done_first)
  put_u32(count == 1 ? ERROR_OK : count)
  post_end(changetype<Payload>(0))
}

/**
 * Says the offer of a plain send without references, or a message for a reader. It joins the one
 * before it, if that was the last that was said, is of the same kind, to the same channel or
 * reader, and has not been given to a link. spec: WIRE-39, WIRE-40
 */
export function post_series(
  peer: Peer, kind: u32, offer: u32, channel: u32, payload: Payload
): Series {
  post_done(peer)
  let series = changetype<Series>(peer.last)
  const next = offer - (kind == FRAME_OFFER_SENDS ? series.count : 0)
  if (some(series) && series.kind == kind && series.channel == channel && series.offer == next &&
    series.count - 1 < PAYLOADS_PER_FRAME_MAX - 1 && <i32>(series.number - peer.sent) > 0) {
    series.last.next = payload
  } else {
    const bytes = <u32>(offsetof<Series>() - offsetof<Out>())
    series = changetype<Series>(queue(peer, kind, bytes))
    series.offer = offer
    series.channel = channel
    series.payload = payload
  }
  series.last = payload
  series.count++
  series.payload_bytes += payload.bytes
  return series
}

/** Writes the header of a series: of one message that of an `offer_send` or a `deliver`. */
export function write_series(series: Series, received: u32): void {
  const sends = series.kind == FRAME_OFFER_SENDS
  const alone = series.count < 2
  const kind = !alone ? series.kind : sends ? FRAME_OFFER_SEND : FRAME_DELIVER
  write_session_head(kind, series.number, received)
  put_u32(series.offer)
  if (sends) put_u32(series.channel)
  if (!alone) return
  if (sends) put_u32(0)
  put_u32(0)
  put_array(0)
}

/** Gives a series of more than one message to a link; its header was just written. */
export function series_out(link: Link, series: Series): void {
  let payload = series.payload
  let count = series.count
  const header_bytes = head_bytes()
  let at = emit(OUT_SERIES, OUT_SERIES_BYTES + count * PAIR_BYTES + header_bytes)
  store<u32>(at + OUT_SERIES_LINK, link.id)
  store<u32>(at + OUT_SERIES_PAYLOADS_COUNT, count)
  store<u32>(at + OUT_SERIES_HEADER_BYTES, header_bytes)
  at += OUT_SERIES_BYTES
  for (; count != 0; count--) {
    store<u32>(at, payload.handle)
    store<u32>(at, payload.bytes, 4)
    at += PAIR_BYTES
    payload = payload.next
  }
  memory.copy(at, head_ptr(), header_bytes)
  link.out_bytes += header_bytes + series.payload_bytes
}

/** Asserts that the messages of a series are all still there; for tests. */
export function series_check(series: Series): void {
  let payload = series.payload
  let bytes: u32 = 0
  for (let i: u32 = 0; i < series.count; i++) {
    assert(payload.count == 1 && payload.refs_count == 0, 'a message that others share')
    bytes += payload.bytes
    payload = payload.next
  }
  assert(bytes == series.payload_bytes, 'bytes of a series miscounted')
}
