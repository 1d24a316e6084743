/**
 * The tree over the edges: who is pushed news, and who only hears that there are some.
 *
 * Lives here: the frames have, graft and prune, and which edges are lazy. Does not live here: the
 * statements themselves (news, statement), what nobody has said (sync).
 *
 * After Plumtree (Leitão, Pereira, Rodrigues, 2007). A mark is a statement in three numbers: the
 * hash of the id, the incarnation, and a rank that is higher for what counts more (MEM-4). So a
 * peer tells from its list alone whether it has what a mark means, or something newer, and
 * remembers no statements.
 *
 * Invariants: a mark that waits is asked for once; all of this may be lost, sync makes it good.
 */
import { alloc } from './heap'
import { peer_at, peer_by_hash } from './directory'
import { edges } from './edge'
import { put_array, put_u32, read_array, read_end, read_u32, write_open } from './frame'
import { say_link } from './link'
import { say_alive, say_left, say_self } from './news'
import {
  EDGE_HELD, MEMBER_NONE, MEMBER_SUSPECT, PEER_JOINED, Peer, no_timer, self_incarnation,
  self_version, some,
} from './peer'
import { crowd_at, members_count, self_hash } from './roster'
import { link_flows } from './session'
import { Timer, timer_clear, timer_set } from './timer'
import {
  FRAME_GRAFT, FRAME_HAVE, FRAME_PRUNE, GRAFT_MS, LAZY_MS, MARKS_MAX, MARKS_WANTED_MAX, TREE_MIN,
} from './tables'

export const TIMER_LAZY: u32 = 73
export const TIMER_GRAFT: u32 = 74

const RANK_GONE: u32 = 0xffffffff
const MARK_BYTES: u32 = 12
const WANTED_BYTES: u32 = 16

/** Marks of our news, for all lazy edges; three numbers each. */
let marks: usize = 0
let marks_count: u32 = 0
/** Marks that came and were not followed: three numbers, and who said so. */
let wanted: usize = 0
let wanted_count: u32 = 0
let lazy_timer: Timer = no_timer
let graft_timer: Timer = no_timer

export function tree_open(): void {
  marks = alloc(MARKS_MAX * MARK_BYTES)
  wanted = alloc(MARKS_WANTED_MAX * WANTED_BYTES)
}

export function tree_stop(): void {
  if (some(lazy_timer)) timer_clear(lazy_timer)
  if (some(graft_timer)) timer_clear(graft_timer)
  lazy_timer = no_timer
  graft_timer = no_timer
}

/** What we know of a peer: its rank in `incarnation`, or the highest when that is over. */
function rank_in(peer: Peer, incarnation: u32): u32 {
  if (incarnation <= peer.left_incarnation) return RANK_GONE
  if (peer.member == MEMBER_NONE || incarnation > peer.member_incarnation) return 0
  return peer.version << 2 | (peer.member == MEMBER_SUSPECT ? 2 : 1)
}

function known(hash: u32, incarnation: u32, rank: u32): bool {
  if (hash == self_hash()) return true
  for (let peer = peer_by_hash(hash); some(peer); peer = peer.id_next) {
    if (rank_in(peer, incarnation) >= rank) return true
  }
  return false
}

function put_mark(at: usize, hash: u32, incarnation: u32, rank: u32): void {
  store<u32>(at, hash)
  store<u32>(at + 4, incarnation)
  store<u32>(at + 8, rank)
}

/** News about a peer: lazy edges get their mark soon. */
export function lazy_news(peer: Peer): void {
  const here = peer.member != MEMBER_NONE
  const incarnation = here ? peer.member_incarnation : peer.left_incarnation
  lazy_mark(peer.hash, incarnation, rank_in(peer, incarnation))
}

/** News about ourselves. */
export function lazy_self(): void {
  lazy_mark(self_hash(), self_incarnation, self_version << 2 | 1)
}

function lazy_mark(hash: u32, incarnation: u32, rank: u32): void {
  if (marks_count == MARKS_MAX) lazy_say()
  put_mark(marks + <usize>(marks_count++ * MARK_BYTES), hash, incarnation, rank)
  if (!some(lazy_timer)) lazy_timer = timer_set(LAZY_MS, TIMER_LAZY, 0)
}

/** The pause is over. */
export function lazy_due(): void {
  lazy_timer = no_timer
  lazy_say()
}

/** The marks that were gathered go out. */
function lazy_say(): void {
  for (let place: u32 = 1; place <= edges.count; place++) {
    const peer = crowd_at(edges, place)
    if (!peer.lazy || peer.edge != EDGE_HELD || !some(peer.link)) continue
    if (!link_flows(peer.link)) continue
    write_open(FRAME_HAVE)
    put_array(marks_count * 3)
    for (let i: u32 = 0; i < marks_count * 3; i++) put_u32(load<u32>(marks + (<usize>i << 2)))
    say_link(peer.link, 0, 0)
  }
  marks_count = 0
}

/** True when a mark of this id waits already. */
function wants(hash: u32): bool {
  for (let i: u32 = 0; i < wanted_count; i++) {
    if (load<u32>(wanted + <usize>(i * WANTED_BYTES)) == hash) return true
  }
  return false
}

/** The frame `have`. False: it broke the rules. */
export function have_in(peer: Peer): bool {
  const numbers = read_array()
  if (numbers % 3 != 0 || numbers > MARKS_MAX * 3) return false
  for (let i: u32 = 0; i < numbers; i += 3) {
    const hash = read_u32()
    const incarnation = read_u32()
    const rank = read_u32()
    if (wanted_count == MARKS_WANTED_MAX || known(hash, incarnation, rank) ||
      wants(hash)) continue
    const at = wanted + <usize>(wanted_count++ * WANTED_BYTES)
    put_mark(at, hash, incarnation, rank)
    store<u32>(at + 12, peer.index)
    if (!some(graft_timer)) graft_timer = timer_set(GRAFT_MS, TIMER_GRAFT, 0)
  }
  return read_end()
}

/** What has not come by itself is asked for, of whoever said first that it has it. */
export function graft_due(): void {
  graft_timer = no_timer
  for (let i: u32 = 0; i < wanted_count; i++) {
    const at = wanted + <usize>(i * WANTED_BYTES)
    const hash = load<u32>(at)
    const peer = peer_at(load<u32>(at + 12))
    if (!some(peer) || !some(peer.link)) continue
    if (known(hash, load<u32>(at + 4), load<u32>(at + 8))) continue
    peer.lazy = false
    write_open(FRAME_GRAFT)
    put_array(1)
    put_u32(hash)
    say_link(peer.link, 0, 0)
  }
  wanted_count = 0
}

/** The frame `graft`: the peer lacks news of ours, and is pushed them again. False: bad. */
export function graft_in(to: Peer): bool {
  const count = read_array()
  if (count > MARKS_MAX) return false
  to.lazy = false
  for (let i: u32 = 0; i < count; i++) {
    const hash = read_u32()
    if (hash == self_hash()) say_self(to, 0)
    for (let peer = peer_by_hash(hash); some(peer); peer = peer.id_next) {
      if (peer == to) continue
      if (peer.member != MEMBER_NONE) say_alive(to, peer, 0)
      else if (peer.left_incarnation != 0) say_left(to, peer, 0)
    }
  }
  return read_end()
}

/** A duplicate came over an edge: the way of these news is not part of the tree. */
export function prune(from: Peer): void {
  if (members_count < TREE_MIN || from.lazy || from.edge != EDGE_HELD) return
  if (from.state != PEER_JOINED || !some(from.link)) return
  from.lazy = true
  write_open(FRAME_PRUNE)
  put_u32(0)
  say_link(from.link, 0, 0)
}

/** The frame `prune`. False: it broke the rules. */
export function prune_in(peer: Peer): bool {
  read_u32()
  if (!read_end()) return false
  peer.lazy = true
  return true
}
