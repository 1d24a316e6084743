/**
 * Dials: a link to a peer when the core wants one.
 *
 * Lives here: addresses of peers, asking the transports that speak them. Does not live here: when
 * to dial and how often (core), opening a connection (transports), what a link carries (links).
 *
 * Invariants: every dial ends with a link up or with `dial_failed`; a link to another peer than the
 * one that was meant is closed; addresses are bounded per peer and in all.
 */
import type { DialReason, Link, Transport } from '../../transports/transport.ts'
import type { Drive } from './drive.ts'
import { textAt } from './memory.ts'
import {
  ADDRESS_BYTES_MAX, DIAL_REASON_NO_ADDRESS, DIAL_REASON_REFUSED, DIAL_REASON_UNREACHABLE,
  DIAL_REASON_WRONG_PEER, DIAL_TIMEOUT_MS, IN_DIAL_FAILED, IN_DIAL_FAILED_PEER,
  IN_DIAL_FAILED_REASON, IN_DIAL_FAILED_WORDS, KNOWN_ADDRESSES_MAX, OUT_DIAL_ID_BYTES,
  OUT_DIAL_PEER, OUT_DIAL_WORDS, PEERS_KNOWN_MAX
} from './tables.ts'

const REASONS: Record<DialReason, number> = {
  refused: DIAL_REASON_REFUSED,
  unreachable: DIAL_REASON_UNREACHABLE,
  no_address: DIAL_REASON_NO_ADDRESS,
  wrong_peer: DIAL_REASON_WRONG_PEER
}

/** The dials of one core. */
export class Dials {
  readonly #drive: Drive
  readonly #transports: readonly Transport[]
  readonly #up: (link: Link) => boolean
  readonly #book = new Map<string, readonly string[]>()
  readonly #stopping = new AbortController()

  /** `up` takes the links that were opened; false: it did not. */
  constructor(drive: Drive, transports: readonly Transport[], up: (link: Link) => boolean) {
    this.#drive = drive
    const near = (one: Transport): boolean => one.near !== undefined
    this.#transports = [...transports.filter(near), ...transports.filter((one) => !near(one))]
    this.#up = up
  }

  /** Addresses of a peer, newest first; the oldest peer is forgotten when there are too many. */
  learn(peer: string, addresses: readonly string[]): void {
    const fit = addresses.filter((one) => one.length <= ADDRESS_BYTES_MAX)
    const known = new Set([...fit, ...this.#book.get(peer) ?? []])
    this.#book.delete(peer)
    this.#book.set(peer, [...known].slice(0, KNOWN_ADDRESSES_MAX))
    if (this.#book.size <= PEERS_KNOWN_MAX) return
    for (const oldest of this.#book.keys()) {
      this.#book.delete(oldest)
      break
    }
  }

  /** Order: open a link to a peer. */
  dial(words: Uint32Array, bytes: Uint8Array, at: number): void {
    const index = words[at + OUT_DIAL_PEER]!
    const peer = textAt(bytes, at + OUT_DIAL_WORDS, words[at + OUT_DIAL_ID_BYTES]!)
    this.#drive.later(() => { void this.#dial(index, peer) })
  }

  /** Gives up what is under way. */
  stop(): void {
    this.#stopping.abort()
  }

  async #dial(index: number, peer: string): Promise<void> {
    let reason = DIAL_REASON_NO_ADDRESS
    const over = new AbortController()
    const end = (): void => over.abort()
    const timer = this.#drive.timers.set(end, DIAL_TIMEOUT_MS)
    this.#stopping.signal.addEventListener('abort', end)
    try {
      for (const transport of this.#transports) {
        const known = (this.#book.get(peer) ?? []).filter((one) => transport.speaks(one))
        const spoken = [...transport.near?.(peer) ?? [], ...known]
        if (spoken.length === 0) continue
        try {
          const link = await transport.dial(peer, spoken, over.signal)
          if (link.peer !== peer) {
            link.close(true)
            reason = DIAL_REASON_WRONG_PEER
          } else if (this.#up(link)) {
            return
          } else {
            reason = DIAL_REASON_UNREACHABLE
          }
        } catch (error) {
          const met = (error as { reason?: DialReason }).reason ?? 'unreachable'
          reason = worse(reason, REASONS[met])
        }
      }
    } finally {
      this.#drive.timers.clear(timer)
      this.#stopping.signal.removeEventListener('abort', end)
    }
    if (this.#drive.ended) return
    const at = this.#drive.record(IN_DIAL_FAILED, IN_DIAL_FAILED_WORDS)
    this.#drive.memory.words[at + IN_DIAL_FAILED_PEER] = index
    this.#drive.memory.words[at + IN_DIAL_FAILED_REASON] = reason
    this.#drive.go()
  }
}

/** `refused` is evidence that nobody is there only when nothing else was met. */
function worse(before: number, now: number | undefined): number {
  const reason = now ?? DIAL_REASON_UNREACHABLE
  return before === DIAL_REASON_NO_ADDRESS || before === reason ? reason : DIAL_REASON_UNREACHABLE
}
