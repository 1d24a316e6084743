/**
 * The contract of a transport. Types only.
 *
 * Lives here: the five duties that every transport has. Does not live here: what the bytes say
 * (hosts cut and join frames, core/session knows what they mean), when to dial and which of two
 * links stays (core).
 *
 * The five duties
 * 1. `start`: listen, and say under which addresses.
 * 2. `dial`: open a link to a peer, or say why not.
 * 3. A link's `peer` is proved before the link is handed over.
 * 4. `send`: all bytes of a drain in as few writes as the limit allows; `false` when full, then
 *    exactly one `ready` when there is room again.
 * 5. `bytes`: every byte once and in order, in any pieces, as many at a time as are there; `down`
 *    once, last.
 *
 * No event is said inside of a call of the link's own methods, and none before `open`.
 * test/transports/compliance.ts holds every transport to all of this.
 */

/** Why a dial failed. `refused` is evidence that nobody listens there; the others are not. */
export type DialReason = 'refused' | 'unreachable' | 'no_address' | 'wrong_peer'

export interface DialError extends Error { readonly reason: DialReason }

export interface LinkEvents {
  /** Bytes came in. The receiver owns them from here: views of buffers that nobody reuses. */
  bytes(chunks: Iterable<Uint8Array>): void
  /** There is room again after `send` gave false. */
  ready(): void
  /**
   * The link is gone: nothing more comes. `clean` is true for an orderly end, by either side: then
   * every byte that was sent before it has come, also to a link that was paused meanwhile. False
   * for a reset and for a peer that broke off; that is said at once.
   */
  down(clean: boolean): void
}

export interface Link {
  /** The proved peer id. */
  readonly peer: string
  /** True when this side dialled. */
  readonly outgoing: boolean
  /** Where the other side is, for people to read. */
  readonly address: string
  /** Starts reading. Called once, before anything else; bytes wait until then. */
  open(events: LinkEvents): void
  /**
   * Writes all pieces in order; nobody may change them after this. False: full; they are taken,
   * send no more before `ready`. Also false, and nothing is written, once the link has ended:
   * `down` follows or has come.
   */
  send(pieces: readonly Uint8Array[]): boolean
  /** Stop and start `bytes`; a paused link makes the other side's `send` fill. */
  pause(): void
  resume(): void
  /**
   * Closes after what was sent has left, or at once with `reset`. Only `down` still comes, once:
   * true when the other side has taken all, false with `reset` or when LINK_CLOSE_MS was too short.
   */
  close(reset?: boolean): void
}

export interface TransportEvents {
  /** A peer dialled us. */
  link(link: Link): void
  /** The addresses changed. */
  addresses?(addresses: readonly string[]): void
}

export interface Transport {
  readonly name: string
  /** Starts listening. Rejects with a sentence when it cannot. */
  start(events: TransportEvents): Promise<void>
  /** Addresses under which others may dial, in this transport's own form. */
  addresses(): readonly string[]
  /**
   * Where a peer would be, as far as that needs nobody's word: on this machine. A transport that
   * has this is tried there before all others, and its own addresses are not told to other peers.
   */
  near?(peer: string): readonly string[]
  /** True for an address that this transport can dial. */
  speaks(address: string): boolean
  /**
   * Opens a link to a peer at any of these addresses. Rejects with a DialError; also when `signal`
   * aborts (`unreachable`). At most one dial per peer is under way: another rejects with an Error.
   */
  dial(peer: string, addresses: readonly string[], signal: AbortSignal): Promise<Link>
  /** Stops listening, closes all links as `close` does, and ends, in bounded time. */
  stop(): Promise<void>
}
