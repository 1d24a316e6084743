/**
 * Our offers at other peers' channels: sending them, holding them back, forgetting them.
 *
 * Lives here: the arbiter's side of an offer whose owner is elsewhere, before and after it is sent,
 * with the bounds of WIRE-12; sends to them without records. Does not live here: what claims do to
 * the operation (select), the session (session).
 *
 * Invariants: an away offer has an id in `offers` and stands in its peer's list; it holds one count
 * on its reference; offers to one peer are sent in the order in which they were made; an offer that
 * was not sent can be taken back for sure. Sends that have no room wait in a line of their own, so
 * that they keep no receive from being sent.
 */
import { alloc, release } from './heap'
import { link_needed } from './dial'
import { Table, table_add, table_find, table_new, table_remove } from './table'
import { Peer } from './peer'
import { Remote, no_remote, payload_done, ref_release, ref_remote } from './reference'
import { message_bytes_max } from './limit'
import { contact, peer_joined } from './member'
import { KIND_SEND, op_new, op_usable } from './operation'
import { PAIR_BYTES, payload_free, payload_new } from './payload'
import { input } from './ring'
import { say_offer, say_reader, say_withdraw } from './say'
import {
  IS_READER, IS_SELECT, IS_SENT, IS_TRY, Queue, SEND, Waiter, flagged, is, no_operation,
  no_payload, no_peer, no_waiter, queue_push, queue_take, waiter_free, waiter_new,
} from './waiter'
import {
  LIST_AWAY_MAX, NOW_PARKED, NOW_RECORD, OFFERS_PER_PEER_MAX, OFFER_FLAG_SELECT,
  OFFER_FLAG_TRY, OP_FLAG_TRY, PARKED_BYTES_PER_PEER_MAX,
} from './tables'

/** What an away offer has in hand from its owner. */
export const AWAY_IDLE: u8 = 0
/** A claim waits in the operation's line. */
export const AWAY_LINED: u8 = 1
/** Its claim holds the operation, or its message is offered. */
export const AWAY_CHOSEN: u8 = 2

let offers: Table = changetype<Table>(0)

// Peers whose held-back offers may be sent at the end of this step.
let pump_first: usize = 0

/** Offers that only try and found no room: they do not wait for it. */
const blocked: Queue = changetype<Queue>(memory.data(offsetof<Queue>()))

// @ts-ignore: decorator
@unmanaged
class Pump {
  next: usize
  peer: Peer
}

export function away_open(): void {
  offers = table_new()
}

// @ts-ignore: decorator
@inline function held_back(peer: Peer): Queue {
  return changetype<Queue>(changetype<usize>(peer) + offsetof<Peer>('held_first'))
}

/** Sends that are held back because there is no room, and those after them. */
// @ts-ignore: decorator
@inline function crowded(peer: Peer): Queue {
  return changetype<Queue>(changetype<usize>(peer) + offsetof<Peer>('crowded_first'))
}

/** Our offer with this id at this peer, or null: it ended while the frame was under way. */
export function away_find(peer: Peer, offer: u32): Waiter {
  const w = changetype<Waiter>(table_find(offers, offer))
  return is(w) && w.peer == peer ? w : no_waiter
}

/** Names an offer for a channel elsewhere; false when no more offers can be named. */
function name_offer(w: Waiter, remote: Remote): bool {
  w.offer = table_add(offers, changetype<usize>(w))
  if (w.offer == 0) return false
  const peer = remote.peer
  w.key = remote.id
  remote.count++
  w.peer = peer
  w.peer_next = changetype<Waiter>(peer.away)
  if (is(w.peer_next)) w.peer_next.peer_previous = w
  peer.away = changetype<usize>(w)
  return true
}

/** An offer for a channel elsewhere; false when no more offers can be named. */
export function away_add(w: Waiter, remote: Remote): bool {
  if (!name_offer(w, remote)) return false
  const peer = remote.peer
  // Behind what is held back it would wait; before it has a session nobody knows.
  queue_push(flagged(w, IS_TRY) && !has_room(peer, w) ? blocked : held_back(peer), w)
  if (!peer_joined(peer)) contact(peer)
  else if (!is(peer.link)) link_needed(peer)
  pump(peer)
  return true
}

/**
 * As `away_add`, for an offer that is whole, to a peer with a session and a link: it goes into the
 * session's queue in this call. When it or others before it are to be held back, only one that
 * `waits` is added.
 */
export function away_offer(w: Waiter, remote: Remote, waits: bool): bool {
  const peer = remote.peer
  const room = !holds_back(peer) && has_room(peer, w)
  if (!room && !waits || !name_offer(w, remote)) return false
  if (!room) {
    queue_push(held_back(peer), w)
    away_pump(peer)
  } else send_offer(peer, w, remote)
  return true
}

// @ts-ignore: decorator
@inline function bytes_of(w: Waiter): u32 {
  return is(w.payload) && !flagged(w, IS_SELECT) ? w.payload.bytes : 0
}

function pump(peer: Peer): void {
  if (pump_first != 0 && changetype<Pump>(pump_first).peer == peer) return
  const note = changetype<Pump>(alloc(offsetof<Pump>()))
  note.peer = peer
  note.next = pump_first
  pump_first = changetype<usize>(note)
}

/** Sends what is held back for this peer, as far as its bounds allow. */
export function away_pump(peer: Peer): void {
  pump_line(peer, held_back(peer).first, false)
  pump_line(peer, crowded(peer).first, true)
}

function pump_line(peer: Peer, next: Waiter, waited: bool): void {
  while (is(next) && peer_joined(peer)) {
    const w = next
    next = w.next
    const remote = ref_remote(w.key)
    // A reference to an incarnation that has not come yet waits for it, and holds up no other.
    if (remote.incarnation != peer.incarnation) continue
    const sends = !waited && w.direction == SEND
    const room = has_room(peer, w) && !(sends && is(crowded(peer).first))
    const trying = flagged(w, IS_TRY)
    if (!room && !sends && !trying) return
    queue_take(w)
    if (room) send_offer(peer, w, remote)
    else queue_push(trying ? blocked : crowded(peer), w)
  }
}

/** The next offer that only tries and found no room; null when all were given out. */
export function away_blocked(): Waiter {
  const w = blocked.first
  if (is(w)) queue_take(w)
  return w
}

// @ts-ignore: decorator
@inline function holds_back(peer: Peer): bool {
  return is(held_back(peer).first) || is(crowded(peer).first)
}

function has_room(peer: Peer, w: Waiter): bool {
  return peer.out_offers < OFFERS_PER_PEER_MAX &&
    peer.out_bytes + bytes_of(w) <= PARKED_BYTES_PER_PEER_MAX
}

function send_offer(peer: Peer, w: Waiter, remote: Remote): void {
  w.flags |= IS_SENT
  peer.out_offers++
  peer.out_bytes += bytes_of(w)
  if (flagged(w, IS_READER)) say_reader(w, remote.channel, w.seq)
  else {
    const select = flagged(w, IS_SELECT) ? w.op.id : 0
    const trying = flagged(w, IS_TRY) ? OFFER_FLAG_TRY : 0
    const flags = trying | (select != 0 ? OFFER_FLAG_SELECT : 0)
    say_offer(w, remote.channel, flags, select)
  }
  w.seq = peer.made
}

/** Sends for all peers that had a change; the end of a step. */
export function away_flush(): void {
  while (pump_first != 0) {
    const note = changetype<Pump>(pump_first)
    pump_first = note.next
    const peer = note.peer
    release(changetype<usize>(note), offsetof<Pump>())
    away_pump(peer)
  }
}

/** Forgets an offer that has ended, and frees it. */
export function away_free(w: Waiter): void {
  const peer = w.peer
  queue_take(w)
  if (is(w.peer_previous)) w.peer_previous.peer_next = w.peer_next
  else peer.away = changetype<usize>(w.peer_next)
  if (is(w.peer_next)) w.peer_next.peer_previous = w.peer_previous
  if (flagged(w, IS_SENT)) {
    peer.out_offers--
    if (w.direction == SEND) peer.out_bytes -= bytes_of(w)
    if (holds_back(peer)) pump(peer)
  }
  table_remove(offers, w.offer)
  ref_release(w.key)
  payload_done(w.payload)
  w.payload = no_payload
  w.peer = no_peer
  waiter_free(w)
}

/** Takes an offer back: its owner hears of it if it had heard of the offer. */
export function away_withdraw(w: Waiter): void {
  if (flagged(w, IS_SENT)) say_withdraw(w)
  away_free(w)
}

// The second door: sends without a record

/** The channel elsewhere to which sends may be offered now, by this operation; else null. */
function within_reach(id: u32, ref: u32): Remote {
  const remote = ref_remote(ref)
  if (!is(remote) || remote.dead || !op_usable(id)) return no_remote
  // Without a link or a session the host has to be told to dial.
  const peer = remote.peer
  return peer_joined(peer) && is(peer.link) && remote.incarnation == peer.incarnation
    ? remote : no_remote
}

/** Makes the offer of a send whose owner is elsewhere, if it can go now or `waits`. Else null. */
function offer_away(remote: Remote, handle: u32, bytes: u32, flags: u8, waits: bool): Waiter {
  if (handle == 0 || bytes > message_bytes_max) return no_waiter
  const w = waiter_new(SEND, true)
  const payload = payload_new(handle, bytes)
  w.payload = payload
  w.flags = flags
  if (away_offer(w, remote, waits)) return w
  payload_free(payload, true)
  waiter_free(w)
  return no_waiter
}

/** A send whose owner is elsewhere; its frame waits for the next run. */
export function send_away(id: u32, ref: u32, handle: u32, bytes: u32, flags: u32): u32 {
  const remote = within_reach(id, ref)
  if (!is(remote)) return NOW_RECORD
  // The end of one that only tries takes a record.
  const tries = (flags & OP_FLAG_TRY) != 0
  const w = offer_away(remote, handle, bytes, tries ? IS_TRY : 0, !tries)
  if (!is(w)) return NOW_RECORD
  w.op = op_new(id, KIND_SEND)
  w.op.first = w
  return NOW_PARKED
}

/**
 * Offers the messages of the list in the input area to a channel elsewhere, as one operation, until
 * one cannot go now. Gives how many were; of none there is no operation. spec: ABI-52
 */
export function send_list_now(id: u32, ref: u32, count: u32): u32 {
  const remote = within_reach(id, ref)
  if (!is(remote)) return 0
  count = min(count, LIST_AWAY_MAX)
  let op = no_operation
  let nth: u32 = 0
  for (let at = input; nth < count; at += PAIR_BYTES) {
    const w = offer_away(remote, load<u32>(at), load<u32>(at, 4), 0, false)
    if (!is(w)) break
    if (nth == 0) op = op_new(id, KIND_SEND)
    w.op = op
    w.which = <u8>nth
    op.sends = ++nth
  }
  return nth
}
