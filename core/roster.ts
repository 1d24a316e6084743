/**
 * The member list: who is in it, one of them at random, and what it sums up to.
 *
 * Lives here: lists of peers from which one can be drawn, those who are members and those who left
 * without a goodbye, and the hashes by which two lists are compared. Does not live here: when a
 * peer becomes a member (member), the comparison (sync).
 *
 * Invariants: a peer is in one of the two lists at most, and its `place` says where; the order
 * within a list means nothing.
 */
import { alloc, release } from './heap'
import { text_hash, text_ptr } from './bytes'
import { MEMBER_NONE, Peer, no_peer, self_id, self_incarnation, self_version } from './peer'
import { random_below } from './random'
import { SYNC_BUCKETS } from './tables'

const ROOM_FIRST: u32 = 16
const MIX_INCARNATION: u32 = 0x9e3779b1
const MIX_VERSION: u32 = 0x85ebca6b
const BUCKET_SHIFT: u32 = clz<u32>(SYNC_BUCKETS) + 1

/** A list of peers; each knows its place in it, from 1, in the field at `field`. */
// @ts-ignore: decorator
@unmanaged
export class Crowd {
  places: usize
  room: u32
  count: u32
  field: usize
}

/** Members, this peer not among them. */
export let members: Crowd = changetype<Crowd>(0)
/** Peers that were declared left and may come back. */
export let departed: Crowd = changetype<Crowd>(0)
export let members_count: u32 = 0

export function roster_open(): void {
  members = crowd_new(offsetof<Peer>('place'))
  departed = crowd_new(offsetof<Peer>('place'))
}

export function crowd_new(field: usize): Crowd {
  const crowd = changetype<Crowd>(alloc(offsetof<Crowd>()))
  crowd.field = field
  crowd.room = ROOM_FIRST
  crowd.places = alloc(ROOM_FIRST << 2)
  return crowd
}

// @ts-ignore: decorator
@inline function slot(crowd: Crowd, place: u32): usize {
  return crowd.places + (<usize>(place - 1) << 2)
}

/** The peer at a place from 1 to `count`. */
// @ts-ignore: decorator
@inline export function crowd_at(crowd: Crowd, place: u32): Peer {
  return changetype<Peer>(<usize>load<u32>(slot(crowd, place)))
}

function put(crowd: Crowd, place: u32, peer: Peer): void {
  store<u32>(slot(crowd, place), <u32>changetype<usize>(peer))
  store<u32>(changetype<usize>(peer) + crowd.field, place)
}

export function crowd_add(crowd: Crowd, peer: Peer): void {
  if (crowd.count == crowd.room) {
    const wider = alloc(crowd.room << 3)
    memory.copy(wider, crowd.places, crowd.room << 2)
    release(crowd.places, crowd.room << 2)
    crowd.places = wider
    crowd.room *= 2
  }
  put(crowd, ++crowd.count, peer)
}

export function crowd_remove(crowd: Crowd, peer: Peer): void {
  const place = load<u32>(changetype<usize>(peer) + crowd.field)
  assert(place != 0 && crowd_at(crowd, place) == peer, 'a peer that is not in the list')
  const last = crowd_at(crowd, crowd.count)
  put(crowd, place, last)
  crowd.count--
  store<u32>(changetype<usize>(peer) + crowd.field, 0)
}

/** One of them, or null when there is none. */
export function crowd_any(crowd: Crowd): Peer {
  return crowd.count == 0 ? no_peer : crowd_at(crowd, random_below(crowd.count) + 1)
}

/** The peer is in the list of members from now on, out of the other. */
export function member_add(peer: Peer): void {
  departed_remove(peer)
  crowd_add(members, peer)
  members_count = members.count
}

export function member_remove(peer: Peer): void {
  crowd_remove(members, peer)
  members_count = members.count
}

/** It may come back: it is dialled now and then. */
export function departed_add(peer: Peer): void {
  if (peer.place == 0) crowd_add(departed, peer)
}

/** Nobody waits for it any more. */
export function departed_remove(peer: Peer): void {
  if (peer.place != 0 && peer.member == MEMBER_NONE) crowd_remove(departed, peer)
}

/** The peer is about to be freed. */
export function crowd_forget(peer: Peer): void {
  departed_remove(peer)
}

// Hashes of statements. spec: MEM-5

/** What a statement comes to: an id's hash, an incarnation, a version. */
export function statement_hash(id_hash: u32, incarnation: u32, version: u32): u32 {
  let hash = (id_hash ^ incarnation) * MIX_INCARNATION
  hash ^= hash >> 15
  hash = (hash ^ version) * MIX_VERSION
  return hash ^ hash >> 13
}

export function hash_of(peer: Peer): u32 {
  return statement_hash(peer.hash, peer.member_incarnation, peer.version)
}

export function self_hash(): u32 {
  return text_hash(text_ptr(self_id), self_id.bytes)
}

export function self_statement_hash(): u32 {
  return statement_hash(self_hash(), self_incarnation, self_version)
}

/** In which part of the list an id stands. */
export function bucket_of(id_hash: u32): u32 {
  return id_hash >> BUCKET_SHIFT
}

const sums: usize = memory.data(SYNC_BUCKETS * 4)

/** Sums up each part of the list, this peer included. */
export function buckets_sum(): void {
  memory.fill(sums, 0, SYNC_BUCKETS << 2)
  add(bucket_of(self_hash()), self_statement_hash())
  for (let place: u32 = 1; place <= members.count; place++) {
    const peer = crowd_at(members, place)
    add(bucket_of(peer.hash), hash_of(peer))
  }
}

function add(bucket: u32, hash: u32): void {
  const at = sums + (<usize>bucket << 2)
  store<u32>(at, load<u32>(at) + hash)
}

/** The sum of a part, as of the last `buckets_sum`. */
export function bucket_sum(bucket: u32): u32 {
  return load<u32>(sums + (<usize>bucket << 2))
}

/** Asserts the invariants of the lists; for tests. */
export function roster_check(): void {
  for (let place: u32 = 1; place <= members.count; place++) {
    const peer = crowd_at(members, place)
    assert(peer.place == place && peer.member != MEMBER_NONE, 'a member out of its place')
    assert(peer.member_incarnation > peer.left_incarnation, 'a member that was declared left')
  }
  for (let place: u32 = 1; place <= departed.count; place++) {
    const peer = crowd_at(departed, place)
    assert(peer.place == place && peer.member == MEMBER_NONE, 'one who left out of its place')
  }
}
