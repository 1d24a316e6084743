/**
 * The watch over a peer: one timer for its silence.
 *
 * Lives here: setting it and taking it back, with the clock of its rights. Does not live here: what
 * is done when it is due (probe, hello).
 *
 * Invariant: a peer has at most one watch timer; setting it takes the earlier one back.
 */
import { Peer, no_timer, some } from './peer'
import { timer_clear, timer_set } from './timer'

export const TIMER_WATCH: u32 = 67

/** Looks at the peer's silence after `ms`; what is due then is decided by probe. */
export function watch_in(peer: Peer, ms: u32): void {
  if (some(peer.watch_timer)) timer_clear(peer.watch_timer)
  peer.watch_timer = timer_set(ms, TIMER_WATCH, changetype<usize>(peer))
}

/** Nothing of this session is watched any more. */
export function watch_off(peer: Peer): void {
  if (some(peer.watch_timer)) timer_clear(peer.watch_timer)
  if (some(peer.expiry_timer)) timer_clear(peer.expiry_timer)
  peer.watch_timer = no_timer
  peer.expiry_timer = no_timer
}
