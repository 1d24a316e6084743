/**
 * A link made of a byte stream: what every transport over streams has in common.
 *
 * Lives here: when `frames`, `ready` and `down` are said, and in which order. Does not live here:
 * how bytes become frames (transports/frames), how bytes travel (each transport's pipe).
 *
 * Invariants: no event is said inside a call of the link's own methods, none before `open`, none
 * after `down`; `ready` comes once for each time that `send` began to give false; what came before
 * an orderly end is given before `down(true)`, also when the link was paused meanwhile.
 */
import { FrameReader, joinFrames } from './frames.ts'
import { RECORDS_PER_RUN_MAX, WRITE_BYTES_MAX } from './tables.ts'
import type { Frame, Link, LinkEvents } from './transport.ts'

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
  readonly #reader = new FrameReader()
  #events: LinkEvents | undefined
  #opening = false
  #paused = false
  #full = false
  #closing = false
  #ended: boolean | undefined
  #down = false
  #reading = false

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

  send(frames: readonly Frame[]): boolean {
    if (this.#closing || this.#down || this.#ended !== undefined) return false
    for (const write of joinFrames(frames, this.#pipe.write_bytes_max ?? WRITE_BYTES_MAX)) {
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
    for (const chunk of chunks) this.#reader.push(chunk)
    if (!this.#read() && !this.#paused && !this.#opening) this.#events?.heard?.()
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
    if (clean) this.#read()
    else this.#settle()
  }

  #flow(): void {
    if (this.#closing || this.#down) return this.#settle()
    this.#read()
    if (!this.#paused && !this.#closing && !this.#down) this.#pipe.resume()
  }

  /**
   * Says what is there, until paused: a pause or a close may come from inside `frames`. True when
   * there was a whole frame, or the bytes were no frame at all.
   */
  #read(): boolean {
    if (this.#reading || this.#opening || this.#events === undefined) return true
    this.#reading = true
    let said = false
    try {
      while (!this.#paused && !this.#closing && !this.#down) {
        const frames = this.#reader.take(RECORDS_PER_RUN_MAX)
        if (frames.length === 0) break
        said = true
        this.#events.frames(frames)
      }
    } finally {
      this.#reading = false
    }
    if (this.#reader.violation !== undefined && !this.#closing && !this.#down) {
      this.#pipe.reset()
      this.#ended = false
    }
    if (this.#ended !== undefined) this.#settle()
    return said || this.#ended !== undefined
  }

  /** Says `down` once there is an end: a broken one at once, an orderly one after its frames. */
  #settle(): void {
    if (this.#down || this.#ended === undefined || this.#reading) return
    if (this.#opening || this.#events === undefined) return
    if (this.#ended && this.#paused && !this.#closing) return
    this.#down = true
    if (!this.#closing) this.#pipe.end()
    this.#events.down(this.#ended && (this.#closing || !this.#reader.partial))
  }
}
