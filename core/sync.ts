/**
 * Comparing member lists: what gossip has missed, and the whole list for a newcomer.
 *
 * Lives here: the frames digest, holds and want. Does not live here: with whom and when (overlay),
 * what a statement does (member), the hashes (roster).
 *
 * The list is cut into SYNC_BUCKETS parts by the hash of the id, each summed up to one number. Who
 * gets the numbers of another says of the parts that differ what it holds (a hash a member); the
 * other sends the statements that are lacking and asks for those that it lacks itself. A long list
 * goes a few parts at a time, so that a link is never flooded.
 *
 * Invariant: nothing here changes the list; all of it may be lost without harm.
 */
import { edges } from './edge'
import { alloc } from './heap'
import { frame_bad, put_array, put_u32, read_array, read_end, read_u32, write_open } from './frame'
import { say_link } from './link'
import { say_alive, say_self } from './news'
import { Peer, PEER_JOINED, no_timer, some } from './peer'
import { random_below } from './random'
import {
  bucket_of, bucket_sum, buckets_sum, crowd_at, hash_of, members, self_hash, self_statement_hash,
} from './roster'
import { link_flows } from './session'
import { Timer, timer_clear, timer_set } from './timer'
import {
  FRAME_DIGEST, FRAME_HOLDS, FRAME_WANT, SYNC_AGAIN_MS, SYNC_BUCKETS, SYNC_BUCKETS_MAX,
} from './tables'

export const TIMER_SYNC: u32 = 71

/** Hashes in one frame; four times as many as a part of the longest list has on average. */
const HASHES_MAX: u32 = 512
/** Frames that wait for the peer's acknowledgement, over which it is sent no more of the list. */
const FRAMES_OUT_MAX: u32 = 1024

/** Hashes of the frame that is read, then those that the peer has and we lack. */
let hashes: usize = 0
let hashes_count: u32 = 0
let timer: Timer = no_timer

export function sync_open(): void {
  hashes = alloc(HASHES_MAX << 2)
}

// @ts-ignore: decorator
@inline function hash_at(index: u32): u32 {
  return load<u32>(hashes + (<usize>index << 2))
}

/** The list is compared with this peer's soon. */
export function sync_soon(peer: Peer): void {
  peer.sync_due = true
  if (!some(timer)) timer = timer_set(SYNC_AGAIN_MS, TIMER_SYNC, 0)
}

export function sync_stop(): void {
  if (some(timer)) timer_clear(timer)
  timer = no_timer
}

/** The pause is over. */
export function sync_due(): void {
  timer = no_timer
  for (let place: u32 = 1; place <= edges.count; place++) {
    const peer = crowd_at(edges, place)
    if (!peer.sync_due) continue
    peer.sync_due = false
    digest_say(peer)
  }
}

/** True when the peer takes in what it is sent. */
function takes(peer: Peer): bool {
  return some(peer.link) && link_flows(peer.link) && peer.made - peer.acked < FRAMES_OUT_MAX
}

/** Says what our list comes to. */
export function digest_say(peer: Peer): void {
  if (!takes(peer)) return
  buckets_sum()
  write_open(FRAME_DIGEST)
  put_array(SYNC_BUCKETS)
  for (let bucket: u32 = 0; bucket < SYNC_BUCKETS; bucket++) put_u32(bucket_sum(bucket))
  say_link(peer.link, 0, 0)
}

/** The frame `digest`. False: it broke the rules. */
export function digest_in(peer: Peer): bool {
  if (read_array() != SYNC_BUCKETS) return false
  for (let bucket: u32 = 0; bucket < SYNC_BUCKETS; bucket++) {
    store<u32>(hashes + (<usize>bucket << 2), read_u32())
  }
  if (!read_end()) return false
  if (!takes(peer)) return true
  buckets_sum()
  let said: u32 = 0
  // Both sides begin anywhere, so that they seldom make the same parts good at the same time.
  const first = random_below(SYNC_BUCKETS)
  for (let i: u32 = 0; i < SYNC_BUCKETS; i++) {
    const bucket = (first + i) % SYNC_BUCKETS
    if (hash_at(bucket) == bucket_sum(bucket)) continue
    if (said++ < SYNC_BUCKETS_MAX) holds_say(peer, bucket)
    else sync_soon(peer)
  }
  return true
}

function count_in(bucket: u32): u32 {
  let count: u32 = bucket_of(self_hash()) == bucket ? 1 : 0
  for (let place: u32 = 1; place <= members.count; place++) {
    if (bucket_of(crowd_at(members, place).hash) == bucket) count++
  }
  return min(count, HASHES_MAX)
}

function holds_say(peer: Peer, bucket: u32): void {
  let left = count_in(bucket)
  write_open(FRAME_HOLDS)
  put_u32(bucket)
  put_array(left)
  if (bucket_of(self_hash()) == bucket) {
    put_u32(self_statement_hash())
    left--
  }
  for (let place: u32 = 1; left != 0; place++) {
    const member = crowd_at(members, place)
    if (bucket_of(member.hash) != bucket) continue
    put_u32(hash_of(member))
    left--
  }
  say_link(peer.link, 0, 0)
}

/** Reads bucket and hashes of a frame; gives the bucket, SYNC_BUCKETS when it is bad. */
function hashes_read(): u32 {
  const bucket = read_u32()
  hashes_count = read_array()
  if (frame_bad || bucket >= SYNC_BUCKETS || hashes_count > HASHES_MAX) return SYNC_BUCKETS
  for (let i: u32 = 0; i < hashes_count; i++) store<u32>(hashes + (<usize>i << 2), read_u32())
  return read_end() ? bucket : SYNC_BUCKETS
}

/** Takes a hash out of those that were read; false when it is not among them. */
function strike(hash: u32): bool {
  for (let i: u32 = 0; i < hashes_count; i++) {
    if (hash_at(i) != hash) continue
    store<u32>(hashes + (<usize>i << 2), hash_at(--hashes_count))
    return true
  }
  return false
}

/** The frame `holds`: what the peer has of a part. False: it broke the rules. */
export function holds_in(peer: Peer): bool {
  const bucket = hashes_read()
  if (bucket == SYNC_BUCKETS) return false
  if (!takes(peer)) return true
  if (bucket_of(self_hash()) == bucket && !strike(self_statement_hash())) say_self(peer, 0)
  for (let place: u32 = 1; place <= members.count; place++) {
    const member = crowd_at(members, place)
    if (bucket_of(member.hash) != bucket || strike(hash_of(member))) continue
    if (member != peer) say_alive(peer, member, 0)
  }
  if (hashes_count == 0) return true
  write_open(FRAME_WANT)
  put_u32(bucket)
  put_array(hashes_count)
  for (let i: u32 = 0; i < hashes_count; i++) put_u32(hash_at(i))
  say_link(peer.link, 0, 0)
  return true
}

/** The frame `want`: what the peer lacks of a part. False: it broke the rules. */
export function want_in(peer: Peer): bool {
  const bucket = hashes_read()
  if (bucket == SYNC_BUCKETS) return false
  if (peer.state != PEER_JOINED || !takes(peer)) return true
  if (bucket_of(self_hash()) == bucket && strike(self_statement_hash())) say_self(peer, 0)
  for (let place: u32 = 1; place <= members.count && hashes_count != 0; place++) {
    const member = crowd_at(members, place)
    if (bucket_of(member.hash) != bucket || !strike(hash_of(member))) continue
    if (member != peer) say_alive(peer, member, 0)
  }
  return true
}
