/**
 * Bounds that a host may lower for its own core.
 *
 * Lives here: the values in force, and whether a frame went over a bound. Does not live here: the
 * bounds that two peers must agree on, which stay as they are in the table (tables).
 *
 * Invariant: a value in force is at most the table's.
 */
import {
  ANSWER_BYTES_PER_PEER_MAX, CAPACITY_MAX, CHANNELS_MAX, CHANNELS_PER_PEER_MAX, IN_LIMIT_BYTES,
  IN_LIMIT_LIMIT, IN_LIMIT_VALUE, LIMIT_ANSWER_BYTES, LIMIT_CAPACITY, LIMIT_CHANNELS,
  LIMIT_CHANNELS_PER_PEER, LIMIT_MESSAGE_BYTES, LIMIT_REFS_PER_PEER, LIMIT_STORED_BYTES,
  MESSAGE_BYTES_MAX, REFS_PER_PEER_MAX, STORED_BYTES_PER_PEER_MAX,
} from './tables'

export let channels_max: u32 = CHANNELS_MAX
export let channels_per_peer_max: u32 = CHANNELS_PER_PEER_MAX
export let capacity_max: u32 = CAPACITY_MAX
/** Of a message that this host sends; others' messages are bound by the table alone. */
export let message_bytes_max: u32 = MESSAGE_BYTES_MAX
export let answer_bytes_max: u32 = ANSWER_BYTES_PER_PEER_MAX
export let stored_bytes_max: u32 = STORED_BYTES_PER_PEER_MAX
export let refs_per_peer_max: u32 = REFS_PER_PEER_MAX

/** True when the frame under way was refused because its peer went over a limit. */
export let over: bool = false

export function over_clear(): void {
  over = false
}

/** The peer went over a limit that its own core would have kept. Gives false: a violation. */
export function over_limit(): bool {
  over = true
  return false
}

/** The record `limit`. */
export function limit(record: usize): void {
  if (load<u32>(record) >> 16 << 2 != IN_LIMIT_BYTES) return
  const which = load<u32>(record + IN_LIMIT_LIMIT)
  const value = load<u32>(record + IN_LIMIT_VALUE)
  if (which == LIMIT_CHANNELS) channels_max = min(value, CHANNELS_MAX)
  else if (which == LIMIT_CHANNELS_PER_PEER) {
    channels_per_peer_max = min(value, CHANNELS_PER_PEER_MAX)
  } else if (which == LIMIT_ANSWER_BYTES) {
    answer_bytes_max = min(value, ANSWER_BYTES_PER_PEER_MAX)
  } else if (which == LIMIT_STORED_BYTES) {
    stored_bytes_max = min(value, STORED_BYTES_PER_PEER_MAX)
  } else if (which == LIMIT_REFS_PER_PEER) refs_per_peer_max = min(value, REFS_PER_PEER_MAX)
  else if (which == LIMIT_CAPACITY) capacity_max = min(value, CAPACITY_MAX)
  else if (which == LIMIT_MESSAGE_BYTES) message_bytes_max = min(value, MESSAGE_BYTES_MAX)
}
