/**
 * Probes for others: a peer that is silent here may be heard elsewhere.
 *
 * Lives here: asking edges to look after a silent peer, looking for others, the answer. Does not
 * live here: silence (probe), what follows when nobody has heard it (suspicion).
 *
 * Invariant: at most ERRANDS_MAX probes for others are remembered, the oldest gives way.
 */
import { alloc } from './heap'
import { text_ptr } from './bytes'
import { dial_soon, link_needed } from './dial'
import { id_is_self, peer_at, peer_by_id } from './directory'
import { edges } from './edge'
import {
  put_text, put_u32, read_end, read_text, read_u32, text_at, text_bytes, write_open,
} from './frame'
import { say_link, say_ping } from './link'
import { EDGE_HELD, MEMBER_NONE, PEER_JOINED, PEER_KNOWN, Peer, some } from './peer'
import { random_below } from './random'
import { crowd_at } from './roster'
import { elapsed, now_ms } from './timer'
import {
  ERRANDS_MAX, FRAME_PROBED, FRAME_PROBE_FOR, LEFT_MS, PROBERS_MAX, PROBE_INTERVAL_MS,
} from './tables'

/** Who asked, about whom, with which token: three numbers each; 0 where there is none. */
let rows: usize = 0
let next: u32 = 0
const ROW_BYTES: u32 = 12

export function vouch_open(): void {
  rows = alloc(ERRANDS_MAX * ROW_BYTES)
}

/** Asks some edges whether they hear the peer. */
export function probers_ask(peer: Peer): void {
  if (edges.count == 0) return
  let left = PROBERS_MAX
  const first = random_below(edges.count)
  for (let i: u32 = 0; i < edges.count && left != 0; i++) {
    const prober = crowd_at(edges, (first + i) % edges.count + 1)
    if (prober == peer || prober.edge != EDGE_HELD || !some(prober.link)) continue
    write_open(FRAME_PROBE_FOR)
    put_u32(now_ms)
    put_text(text_ptr(peer.id), peer.id.bytes)
    say_link(prober.link, 0, 0)
    left--
  }
}

function say_probed(to: Peer, token: u32, id: usize, id_bytes: u32): void {
  if (!some(to.link)) return
  write_open(FRAME_PROBED)
  put_u32(token)
  put_text(id, id_bytes)
  say_link(to.link, 0, 0)
}

/** The frame `probe_for`. False: it broke the rules. */
export function probe_for_in(from: Peer): bool {
  const token = read_u32()
  read_text()
  const id = text_at
  const bytes = text_bytes
  if (!read_end()) return false
  const peer = peer_by_id(id, bytes)
  if (id_is_self(id, bytes)) say_probed(from, token, id, bytes)
  if (!some(peer) || peer == from) return true
  const hears = some(peer.link) && elapsed(now_ms, peer.heard_ms) < <i32>PROBE_INTERVAL_MS
  if (hears) say_probed(from, token, id, bytes)
  else look(from, peer, token)
  return true
}

/** Looks for a peer that another has not heard. */
function look(asker: Peer, peer: Peer, token: u32): void {
  if (peer.member == MEMBER_NONE || peer.state != PEER_JOINED && peer.state != PEER_KNOWN) return
  const row = rows + <usize>(next * ROW_BYTES)
  next = (next + 1) % ERRANDS_MAX
  store<u32>(row, asker.index)
  store<u32>(row + 4, peer.index)
  store<u32>(row + 8, token)
  peer.awaited = true
  if (some(peer.link)) say_ping(peer)
  else {
    peer.checked = true
    if (peer.state == PEER_JOINED) link_needed(peer)
    else dial_soon(peer)
  }
}

/** The peer was heard: whoever waits for that is told. */
export function vouch(peer: Peer): void {
  peer.awaited = false
  for (let i: u32 = 0; i < ERRANDS_MAX; i++) {
    const row = rows + <usize>(i * ROW_BYTES)
    if (load<u32>(row + 4) != peer.index) continue
    store<u32>(row + 4, 0)
    const asker = peer_at(load<u32>(row))
    if (some(asker)) say_probed(asker, load<u32>(row + 8), text_ptr(peer.id), peer.id.bytes)
  }
}

/** The frame `probed`: a prober hears the peer. False: it broke the rules. */
export function probed_in(): bool {
  const token = read_u32()
  read_text()
  if (!read_end()) return false
  const peer = peer_by_id(text_at, text_bytes)
  const age = elapsed(now_ms, token)
  if (some(peer) && age >= 0 && age <= <i32>LEFT_MS) vouched(peer)
  return true
}

/** Another sees the peer alive, now. */
export function vouched(peer: Peer): void {
  peer.vouched = true
  peer.vouched_ms = now_ms
  peer.helped = false
}
