/**
 * References to channels: ids that the host and messages hold.
 *
 * Lives here: what an id means (a channel of this core, or one at another peer), counts, and the
 * end of a payload with its references. Does not live here: how references are written in frames
 * (say), which peers hold one (the records for that are reserved).
 *
 * Invariants: a reference of this core's channel is the channel's id; one of another peer's has
 * bit 31 set; a remote one lives while its count is not 0; counts are the host's handles,
 * operations and messages under way.
 */
import { alloc, release } from './heap'
import { refs_per_peer_max } from './limit'
import { Map2, map_add, map_find, map_new, map_remove } from './map'
import { Payload, payload_free, payload_ref } from './payload'
import { Table, table_add, table_at, table_find, table_new, table_remove } from './table'
import { Channel, channels, dirty, is, no_channel } from './waiter'
import { Peer } from './peer'
import { REF_REMOTE, REMOTES_MAX } from './tables'

// @ts-ignore: decorator
@unmanaged
export class Remote {
  id: u32
  peer: Peer
  incarnation: u32
  channel: u32
  count: u32
  /** Its owner's incarnation is gone: every use fails with left. */
  dead: bool
  mapped: bool
}

export const no_remote: Remote = changetype<Remote>(0)
let remotes: Table = changetype<Table>(0)
let by_owner: Map2 = changetype<Map2>(0)

export function references_open(): void {
  remotes = table_new()
  by_owner = map_new()
}

/** The channel of this core behind a reference, or null. */
// @ts-ignore: decorator
@inline export function ref_channel(ref: u32): Channel {
  if ((ref & REF_REMOTE) != 0) return no_channel
  return changetype<Channel>(table_find(channels, ref))
}

export function ref_remote(ref: u32): Remote {
  if ((ref & REF_REMOTE) == 0) return no_remote
  return changetype<Remote>(table_find(remotes, ref & ~REF_REMOTE))
}

// Two incarnations of one owner fall on different keys almost always; the entry says which it is.
// @ts-ignore: decorator
@inline function owner_key(peer: Peer, incarnation: u32): u32 {
  return (is(peer) ? peer.index : 0) ^ incarnation * 0x9e3779b1
}

/** True when no more references to channels of this peer are held here. */
export function refs_full(peer: Peer): bool {
  return remotes.used >= REMOTES_MAX || is(peer) && peer.remotes >= refs_per_peer_max
}

/** One count on the reference to a channel at a peer; made when new. 0 when `refs_full`. */
export function ref_of(peer: Peer, incarnation: u32, channel: u32): u32 {
  const key = owner_key(peer, incarnation)
  const known = changetype<Remote>(map_find(by_owner, key, channel))
  const dead = !is(peer) || incarnation < peer.incarnation ||
    incarnation <= peer.left_incarnation
  let taken = is(known)
  if (taken && known.peer == peer && known.incarnation == incarnation) {
    if (known.dead == dead) {
      known.count++
      return known.id
    }
    // The owner lived on while its session with us ended: what is held from then stays dead, and
    // this is a new one.
    map_remove(by_owner, key, channel)
    known.mapped = false
    taken = false
  }
  if (refs_full(peer)) return 0
  const remote = changetype<Remote>(alloc(offsetof<Remote>()))
  remote.id = table_add(remotes, changetype<usize>(remote)) | REF_REMOTE
  remote.peer = peer
  remote.incarnation = incarnation
  remote.channel = channel
  remote.count = 1
  remote.dead = dead
  if (is(peer)) {
    peer.pins++
    peer.remotes++
  }
  if (!taken) {
    map_add(by_owner, key, channel, changetype<usize>(remote))
    remote.mapped = true
  }
  return remote.id
}

/** One more count; an id that means nothing is left alone. */
export function ref_retain(ref: u32): void {
  const remote = ref_remote(ref)
  if (is(remote)) { remote.count++; return }
  const channel = ref_channel(ref)
  if (is(channel)) channel.count++
}

/** One count less; the last one ends a remote reference, or a channel that nobody can reach. */
export function ref_release(ref: u32): void {
  const channel = ref_channel(ref)
  if (is(channel)) {
    if (channel.count == 0) return
    channel.count--
    if (channel.count == 0) dirty(channel)
    return
  }
  const remote = ref_remote(ref)
  if (!is(remote)) return
  remote.count--
  if (remote.count != 0) return
  if (remote.mapped) {
    map_remove(by_owner, owner_key(remote.peer, remote.incarnation), remote.channel)
  }
  if (is(remote.peer)) {
    remote.peer.pins--
    remote.peer.remotes--
  }
  table_remove(remotes, remote.id & ~REF_REMOTE)
  release(changetype<usize>(remote), offsetof<Remote>())
}

/** The session with a peer is over: its channels of that incarnation are out of reach for good. */
export function refs_lost(peer: Peer, incarnation: u32): void {
  for (let slot: u32 = 1; slot <= remotes.top; slot++) {
    const remote = changetype<Remote>(table_at(remotes, slot))
    if (is(remote) && remote.peer == peer && <i32>(remote.incarnation - incarnation) <= 0) {
      remote.dead = true
    }
  }
}

/** One count of a payload less; the last one gives up its references and says drop. */
export function payload_done(payload: Payload): void {
  if (!is(payload)) return
  payload.count--
  if (payload.count != 0) return
  for (let i: u32 = 0; i < payload.refs_count; i++) ref_release(payload_ref(payload, i))
  payload_free(payload, false)
}
