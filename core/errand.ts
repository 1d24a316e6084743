/**
 * Who asked: the host of this core, or another peer.
 *
 * Lives here: requests that wait for this host's answer, and how an answer finds its way back. Does
 * not live here: what is asked (serve, program), requests that we sent (request).
 *
 * Invariants: an errand is answered once; a peer that has left is answered by nobody.
 */
import { put_array, put_u32 } from './frame'
import { alloc, release } from './heap'
import { complete, op_find } from './operation'
import { PEER_JOINED, Peer } from './peer'
import { post, post_end } from './post'
import { Table, table_add, table_at, table_find, table_new, table_remove } from './table'
import { is, no_payload, no_peer } from './waiter'
import { FRAME_REPLY, REQUESTS_PER_PEER_MAX } from './tables'

// @ts-ignore: decorator
@unmanaged
export class Errand {
  id: u32
  /** The peer that asked and its request; null: this host, by its operation. */
  peer: Peer
  request: u32
  process: u32
}

export const no_errand: Errand = changetype<Errand>(0)
let errands: Table = changetype<Table>(0)

export function errands_open(): void {
  errands = table_new()
}

/** Remembers who asked; null when the peer has too many requests open. */
export function errand_new(peer: Peer, request: u32, process: u32): Errand {
  if (is(peer) && peer.requests_in >= REQUESTS_PER_PEER_MAX) return no_errand
  const errand = changetype<Errand>(alloc(offsetof<Errand>()))
  errand.id = table_add(errands, changetype<usize>(errand))
  errand.peer = peer
  errand.request = request
  errand.process = process
  if (is(peer)) peer.requests_in++
  return errand
}

export function errand_find(id: u32): Errand {
  return changetype<Errand>(table_find(errands, id))
}

export function errand_free(errand: Errand): void {
  if (is(errand.peer)) errand.peer.requests_in--
  table_remove(errands, errand.id)
  release(changetype<usize>(errand), offsetof<Errand>())
}

/** The peer has left: its errands go on, and are answered to nobody. */
export function errands_lost(peer: Peer): void {
  for (let slot: u32 = 1; slot <= errands.top; slot++) {
    const errand = changetype<Errand>(table_at(errands, slot))
    if (!is(errand) || errand.peer != peer) continue
    peer.requests_in--
    errand.peer = no_peer
    errand.request = 0
  }
}

/** Begins the reply to a peer; `values` numbers follow with put_u32, then reply_end. */
export function reply(peer: Peer, request: u32, status: u32, values: u32): bool {
  if (peer.state != PEER_JOINED) return false
  post(peer, FRAME_REPLY)
  put_u32(request)
  put_u32(status)
  put_array(values)
  return true
}

export function reply_end(): void {
  post_end(no_payload)
}

/** Answers with a status and at most one value (a reference for this host). */
export function answer_to(peer: Peer, request: u32, status: u32, value: u32): void {
  if (is(peer)) {
    if (!reply(peer, request, status, 1)) return
    put_u32(value)
    reply_end()
    return
  }
  const op = op_find(request)
  if (is(op)) complete(op, status, 0, 0, value)
}
