/**
 * A link made of a byte stream: what every transport over streams has in common.
 *
 * Lives here: when `bytes`, `ready` and `down` are said, and in which order; how what is sent is
 * cut into writes. Does not live here: what the bytes say (hosts), how they travel (each
 * transport's pipe).
 *
 * Invariants: no event is said inside a call of the link's own methods, none before `open`, none
 * after `down`; `ready` comes once for each time that `send` began to give false; what came before
 * an orderly end is given before `down(true)`, also when the link was paused meanwhile.
 */
import { WRITE_BYTES_MAX } from './tables.ts'
import type { Link, LinkEvents } from './transport.ts'

/**
 * Both directions of one byte stream. It starts paused. It tells its link `bytes`, `drained` and,
 * once, `ended`; never inside a call of these methods.
 */
export interface Pipe {
  /** A write of at most this many bytes fits the pipe's own frames best. */
  readonly write_bytes_max?: number
  /** Takes the bytes of all pieces. False: full, and `drained` follows when there is room. */
  write(pieces: readonly Uint8Array[]): boolean
  pause(): void
  resume(): void
  /**
   * Writes no more, and ends when what was written has left and the other side has ended too, or
   * after LINK_CLOSE_MS. Reads on meanwhile, paused or not.
   */
  end(): void
  /** Ends at once, and so that the other side learns of it when it can. */
  reset(): void
}

/** What a link is told about where it leads. */
export interface LinkPlace {
  readonly peer: string
  readonly outgoing: boolean
  readonly address: string
}

/** A Link over a Pipe. The transport makes it and calls `bytes`, `drained` and `ended`. */
export class StreamLink implements Link {
  readonly peer: string
  readonly outgoing: boolean
  readonly address: string
  readonly #pipe: Pipe
  #held: Uint8Array[] = []
  #events: LinkEvents | undefined
  #opening = false
  #paused = false
  #full = false
  #closing = false
  #ended: boolean | undefined
  #down = false
  #giving = false

  constructor(place: LinkPlace, pipe: Pipe) {
    this.peer = place.peer
    this.outgoing = place.outgoing
    this.address = place.address
    this.#pipe = pipe
  }

  open(events: LinkEvents): void {
    if (this.#events !== undefined) throw new Error('a link is opened once')
    this.#events = events
    this.#opening = true
    queueMicrotask(() => {
      this.#opening = false
      if (this.#paused) this.#settle()
      else this.#flow()
    })
  }

  send(pieces: readonly Uint8Array[]): boolean {
    if (this.#closing || this.#down || this.#ended !== undefined) return false
    for (const write of writesOf(pieces, this.#pipe.write_bytes_max ?? WRITE_BYTES_MAX)) {
      if (!this.#pipe.write(write)) this.#full = true
    }
    return !this.#full
  }

  pause(): void {
    if (this.#paused || this.#closing || this.#down) return
    this.#paused = true
    this.#pipe.pause()
  }

  resume(): void {
    if (!this.#paused || this.#closing || this.#down) return
    this.#paused = false
    queueMicrotask(() => {
      if (!this.#paused && !this.#opening) this.#flow()
    })
  }

  close(reset = false): void {
    if (this.#down || (this.#closing && !reset)) return
    this.#closing = true
    if (reset) {
      this.#pipe.reset()
      this.#ended = false
    } else {
      this.#pipe.end()
    }
    if (this.#ended !== undefined) queueMicrotask(() => this.#settle())
  }

  /** Bytes came in, in one piece or several; they may not be changed from here on. */
  bytes(chunks: Iterable<Uint8Array>): void {
    if (this.#closing || this.#down) return
    for (const chunk of chunks) if (chunk.length > 0) this.#held.push(chunk)
    this.#give()
  }

  /** The pipe has room again. */
  drained(): void {
    if (!this.#full || this.#closing || this.#down || this.#ended !== undefined) return
    this.#full = false
    this.#events?.ready()
  }

  /** No more bytes come: `clean` when the other side said so. */
  ended(clean: boolean): void {
    if (this.#ended !== undefined) return
    this.#ended = clean
    if (clean) this.#give()
    this.#settle()
  }

  #flow(): void {
    if (this.#closing || this.#down) return this.#settle()
    this.#give()
    this.#settle()
    if (!this.#paused && !this.#closing && !this.#down) this.#pipe.resume()
  }

  /** Says what is there: a pause or a close may come from inside of it. */
  #give(): void {
    if (this.#giving || this.#opening || this.#events === undefined) return
    this.#giving = true
    try {
      while (this.#held.length > 0 && !this.#paused && !this.#closing && !this.#down) {
        const chunks = this.#held
        this.#held = []
        this.#events.bytes(chunks)
      }
    } finally {
      this.#giving = false
    }
    if (this.#ended !== undefined) this.#settle()
  }

  /** Says `down` once there is an end: a broken one at once, an orderly one after its bytes. */
  #settle(): void {
    if (this.#down || this.#ended === undefined || this.#giving) return
    if (this.#opening || this.#events === undefined) return
    if (this.#ended && this.#paused && !this.#closing) return
    this.#down = true
    this.#held = []
    if (!this.#closing) this.#pipe.end()
    this.#events.down(this.#ended)
  }
}

/** The same bytes in as few writes of at most `most` bytes as can be: full ones, but the last. */
function writesOf(pieces: readonly Uint8Array[], most: number): (readonly Uint8Array[])[] {
  let bytes = 0
  for (const piece of pieces) bytes += piece.length
  if (bytes <= most) return bytes === 0 ? [] : [pieces]
  const writes: Uint8Array[][] = [[]]
  let room = most
  for (const piece of pieces) {
    for (let from = 0; from < piece.length;) {
      if (room === 0) {
        writes.push([])
        room = most
      }
      const part = Math.min(piece.length - from, room)
      writes.at(-1)!.push(piece.subarray(from, from + part))
      from += part
      room -= part
    }
  }
  return writes
}
