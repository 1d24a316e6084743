/**
 * The door of a core for tests, and `check`.
 *
 * Lives here: the entry of the build that tests make, which asserts the invariants of all rooms on
 * demand: those of sessions, and what is counted for each peer against what is there. Does not live
 * here: the entry of the core that is shipped (abi), the rooms' own asserts.
 */
import { peers_first } from './directory'
import { session_check } from './intake'
import { op_from, op_slot } from './operation'
import { Peer } from './peer'
import { Request } from './request'
import { table_at } from './table'
import {
  Channel, IS_READER, IS_SELECT, IS_SENT, IS_STORED, SEND, Waiter, channels, engaged, flagged,
  messages, receivers, senders,
} from './waiter'
import { OFFERS_PER_PEER_MAX, PARKED_BYTES_PER_PEER_MAX, REQUESTS_PER_PEER_MAX } from './tables'

export {
  init, read_many_now, read_now, receive_many_now, receive_now, run, select_now, send_list_now,
  send_many_now, send_now,
} from './abi'

// @ts-ignore: decorator
@inline function there<T>(subject: T): bool {
  return changetype<usize>(subject) != 0
}

/** Of peers' messages in buffers, and of those that their selects brought. */
let stored_bytes: u32 = 0

/** What a plain send's message counts for. */
function bytes_of(w: Waiter): u32 {
  const counts = w.direction == SEND && !flagged(w, IS_SELECT) && there(w.payload)
  return counts ? w.payload.bytes : 0
}

/** Another peer's offers here. */
function parked_check(peer: Peer): void {
  let offers: u32 = 0
  let bytes: u32 = 0
  for (let w = changetype<Waiter>(peer.parked); there(w); w = w.peer_next) {
    assert(w.peer == peer && there(w.channel), 'a parked offer of nobody, or at nothing')
    assert(!flagged(w, IS_READER) || there(w.outs), 'a reader without a window')
    offers++
    bytes += bytes_of(w)
    if (flagged(w, IS_SELECT) && there(w.payload)) stored_bytes += w.payload.bytes
  }
  assert(offers == peer.in_offers && offers <= OFFERS_PER_PEER_MAX, 'parked offers miscounted')
  assert(bytes == peer.in_bytes && bytes <= PARKED_BYTES_PER_PEER_MAX, 'parked bytes miscounted')
}

/** Our offers at another peer, and what we asked it. */
function away_check(peer: Peer): void {
  let offers: u32 = 0
  let bytes: u32 = 0
  for (let w = changetype<Waiter>(peer.away); there(w); w = w.peer_next) {
    assert(w.peer == peer, 'an offer away at another peer')
    if (!flagged(w, IS_SENT)) continue
    offers++
    bytes += bytes_of(w)
  }
  assert(offers == peer.out_offers && offers <= OFFERS_PER_PEER_MAX, 'offers away miscounted')
  assert(bytes == peer.out_bytes && bytes <= PARKED_BYTES_PER_PEER_MAX, 'bytes away miscounted')
  let requests: u32 = 0
  for (let r = changetype<Request>(peer.requests); there(r); r = r.next) requests++
  assert(requests == peer.requests_out && requests <= REQUESTS_PER_PEER_MAX, 'requests miscounted')
}

/** Operations of lists: none forgets an offer, and no offer its operation. */
function lists_check(): void {
  let sends: u32 = 0
  let op = op_from(1)
  while (there(op)) {
    sends += op.sends
    op = op_from(op_slot(op) + 1)
  }
  for (let peer = peers_first; there(peer); peer = peer.next) {
    for (let w = changetype<Waiter>(peer.away); there(w); w = w.peer_next) {
      if (there(w.op) && w.op.sends != 0) sends--
    }
  }
  assert(sends == 0, 'offers of lists miscounted')
}

/** A channel's lists: what stands in them, and how many places it takes. */
function channel_check(c: Channel): void {
  let stored: u32 = 0
  let waiting: u32 = 0
  for (let w = messages(c).first; there(w); w = w.next) {
    assert(w.channel == c && flagged(w, IS_STORED) && there(w.payload), 'no message in a buffer')
    if (w.key != 0) stored_bytes += w.offer
    stored++
  }
  for (let w = engaged(c).first; there(w); w = w.next) {
    assert(w.channel == c, 'an engaged offer of another channel')
    if (!flagged(w, IS_STORED)) waiting++
    else {
      stored++
      if (w.key != 0) stored_bytes += w.offer
    }
  }
  for (let w = senders(c).first; there(w); w = w.next) waiting++
  for (let w = receivers(c).first; there(w); w = w.next) waiting++
  assert(waiting == c.waiters, 'waiters of a channel miscounted')
  assert(stored <= c.used && c.used <= c.capacity, 'places of a buffer miscounted')
}

/** Asserts what the charters call invariants; between two calls of `run`. */
export function check(): void {
  session_check()
  lists_check()
  stored_bytes = 0
  for (let slot: u32 = 1; slot <= channels.top; slot++) {
    const c = changetype<Channel>(table_at(channels, slot))
    if (there(c)) channel_check(c)
  }
  let owed: u32 = 0
  for (let peer = peers_first; there(peer); peer = peer.next) {
    parked_check(peer)
    away_check(peer)
    owed += peer.stored_bytes
  }
  // Of a peer that was forgotten nobody counts any more.
  assert(owed <= stored_bytes, 'stored bytes miscounted')
}
