/**
 * A channel at its owner: what grants, withdrawals, deaths, close and scrub do to its offers.
 *
 * Lives here: the owner's answers to what arbiters say (PROTOCOL rules 7, 9, 11 to 18), making and
 * ending channels. Does not live here: who is matched (match), the arbiter's half (select), paths
 * (path).
 *
 * Invariants: an offer's withdrawal or death answers whatever is out on it with no; `closed` never
 * becomes false; a scrubbed channel is freed with its last offer; a channel without a name that was
 * never sent away is freed with its last reference.
 */
import { alloc, release } from './heap'
import {
  answer, deliver, free, gone, hold, parked, sender_denied, sender_done, strike, unhold,
  unstored,
} from './claim'
import { channels_max, stored_bytes_max } from './limit'
import { map_add } from './map'
import { place } from './match'
import { payload_done } from './reference'
import { Peer } from './peer'
import { deliver_over } from './session'
import { table_add, table_remove } from './table'
import {
  AIM_END, AIM_LATCH, AIM_ROOM, CLAIMED, Channel, FIRM, FREE, HELD, IS_ASKED, IS_READER, IS_TRY,
  Outs, RESERVED, SEND, SHIPPED, Waiter, ZOMBIE, arrival, channels, dirty, engaged, flagged, is,
  no_channel, no_waiter, queue_put, queue_take, receivers, senders, waiter_free,
} from './waiter'
import { ERROR_WITHDRAWN } from './tables'

/** A new channel, or null when the table is full. It has no count yet: the caller adds its own. */
export function channel_new(capacity: u32, latch: bool): Channel {
  if (channels.used >= channels_max) return no_channel
  const c = changetype<Channel>(alloc(offsetof<Channel>()))
  c.id = table_add(channels, changetype<usize>(c))
  c.capacity = latch ? 1 : capacity
  c.latch = latch
  return c
}

/** Puts an offer in line; matching follows when the step's channels are matched. */
export function park(c: Channel, w: Waiter): void {
  w.channel = c
  w.phase = FREE
  w.seq = arrival()
  c.waiters++
  c.count++
  if (flagged(w, IS_TRY)) c.tries++
  queue_put(w.direction == SEND ? senders(c) : receivers(c), w)
  dirty(c)
}

/** Parks another peer's offer; its peer's bounds were checked. */
export function park_for(c: Channel, w: Waiter, peer: Peer, offer: u32): void {
  w.peer = peer
  w.offer = offer
  map_add(parked, peer.index, offer, changetype<usize>(w))
  w.peer_next = changetype<Waiter>(peer.parked)
  if (is(w.peer_next)) w.peer_next.peer_previous = w
  peer.parked = changetype<usize>(w)
  peer.in_offers++
  if (is(w.payload)) peer.in_bytes += w.payload.bytes
  park(c, w)
}

/** Parks another peer's reader with its window. */
export function park_reader(c: Channel, w: Waiter, peer: Peer, offer: u32, credit: u32): void {
  w.outs = changetype<Outs>(alloc(offsetof<Outs>()))
  w.outs.credit = credit
  w.flags |= IS_READER
  park_for(c, w, peer, offer)
}

/** Gives back what w, which will not be matched with p, kept p from (rules 12 and 13). */
function partner_free(p: Waiter): void {
  if (p.phase == RESERVED) free(p)
  else if (p.phase == HELD) sender_denied_or_unhold(p)
}

// The first held of two selects may be the receiver, which has no message.
function sender_denied_or_unhold(p: Waiter): void {
  if (p.direction == SEND) sender_denied(p, false)
  else unhold(p)
}

/** A grant for w came in; false when there was nothing to grant. */
export function granted(w: Waiter): bool {
  if (w.phase == ZOMBIE) unhold(w)
  else if (w.phase == CLAIMED) held(w)
  else if (w.phase == FIRM) taken(w)
  else return false
  return true
}

/** w is held now (rules 10, 11, 13, 15 and 17). */
function held(w: Waiter): void {
  const c = w.channel
  // Of several that were asked together, too much may have come; matched again it is refused.
  const over = is(w.peer) && w.peer.stored_bytes > stored_bytes_max
  if (w.aim == AIM_ROOM) {
    if (!c.closed && !over) {
      place(w)
      return
    }
    c.used--
    unhold(w)
    return
  }
  const p = w.partner
  if (c.closed || over) {
    partner_free(p)
    unhold(w)
    return
  }
  w.phase = HELD
  if (w.direction == SEND) deliver(w, p)
  else if (p.phase != RESERVED) deliver(p, w)
  else {
    p.phase = CLAIMED
    hold(p)
  }
}

/** The firm claim on w was taken. */
function taken(w: Waiter): void {
  if (w.aim != AIM_END && w.aim != AIM_LATCH) sender_done(w.partner)
  w.partner = no_waiter
  gone(w)
}

/** The first of a reader's messages that is out. */
function out_take(outs: Outs): Waiter {
  const x = outs.first
  outs.first = x.line_next
  if (!is(outs.first)) outs.last = no_waiter
  outs.count--
  x.line_next = no_waiter
  deliver_over(x)
  return x
}

/** A reader took `count` more messages; false when it had fewer out, or has not got them. */
export function reader_granted(w: Waiter, count: u32): bool {
  const outs = w.outs
  if (count > outs.count) return false
  for (let i: u32 = 0; i < count; i++) {
    if (is(outs.first.unheard)) return false
    const x = out_take(outs)
    outs.credit++
    sender_done(x)
  }
  if (outs.ended) {
    if (!is(outs.first)) gone(w)
  } else if (w.queue == engaged(w.channel) && outs.credit != 0) {
    // Out of credit it lost its place; with new credit it stands behind the others.
    w.seq = arrival()
    free(w)
  }
  return true
}

function reader_killed(w: Waiter, died: bool): void {
  const outs = w.outs
  while (is(outs.first)) sender_denied(out_take(outs), died)
  gone(w)
}

function zombie(p: Waiter): void {
  p.phase = ZOMBIE
  p.partner = no_waiter
}

/**
 * w was withdrawn, or its arbiter died (rule 7). A local operation frees the struct itself; any
 * other is freed here.
 */
export function killed(w: Waiter, died: bool): void {
  if (flagged(w, IS_READER)) {
    reader_killed(w, died)
    return
  }
  const p = w.partner
  w.partner = no_waiter
  if (w.phase == RESERVED) zombie(p)
  else if (w.phase == CLAIMED) {
    if (w.aim == AIM_ROOM) {
      w.channel.used--
      dirty(w.channel)
    } else partner_free(p)
  } else if (w.phase == HELD && is(p)) {
    if (p.phase == CLAIMED) zombie(p)
    else {
      // Its message is out: the delivery stands if it is granted (rule 14). No local operation
      // comes here: held as a sender it waits for the outcome.
      assert(!is(w.op), 'a local sender killed while its message is out')
      w.partner = p
      w.phase = SHIPPED
      if (is(w.peer)) strike(w)
      return
    }
  } else if (w.phase == FIRM && is(p)) sender_denied(p, died)
  gone(w)
}

/** A plain send asks to be withdrawn (rule 16). */
export function asked(w: Waiter): void {
  if (w.phase == FREE) answer(w, <u8>ERROR_WITHDRAWN)
  else w.flags |= IS_ASKED
}

/** Closes; false when it was closed before. */
export function close(c: Channel): bool {
  if (c.closed) return false
  c.closed = true
  dirty(c)
  return true
}

/** Scrubs: closed, the buffer dropped, everyone told (rule 18). */
export function scrub(c: Channel): void {
  c.closed = true
  c.scrubbed = true
  while (is(c.messages_first)) {
    c.used--
    gone(c.messages_first)
  }
  dirty(c)
}

/** Frees the channel when it is of no more use to anybody. */
export function channel_end(c: Channel): void {
  const forgotten = c.count == 0 && !is(c.anchor) && !c.exported
  if (!forgotten && !c.scrubbed || c.waiters != 0 || c.dirty) return
  assert(!is(c.engaged_first), 'a channel ends with something out')
  while (is(c.messages_first)) {
    const message = c.messages_first
    unstored(message)
    queue_take(message)
    payload_done(message.payload)
    waiter_free(message)
  }
  if (is(c.maker)) {
    c.maker.channels_made--
    c.maker.pins--
  }
  table_remove(channels, c.id)
  release(changetype<usize>(c), offsetof<Channel>())
}
