/**
 * One connection of a Unix socket as a pipe.
 *
 * Lives here: records on the connection, the window of each direction, an end that is told from a
 * break. Does not live here: frames and what a link says (transports/link), who is at the other end
 * (transports/unix/greeting), making connections (transports/unix).
 *
 * A socket that is not read does not tell that the other side has gone, and its end is the same
 * after an orderly close and after a kill. So a record goes before the bytes, four bytes with its
 * kind and a count: `data` and so many bytes; `credit`, so many more may come; `end`, no more come.
 * The socket is always read, since the window bounds what can come, and an end without `end` is a
 * break.
 *
 * Invariants: no more data is on its way than the window and the credit allow; what came while the
 * link was paused is held, at most a window; both sides have said `end` before either closes in
 * order; `gone` is called once, within LINK_CLOSE_MS of `end` or `reset`.
 *
 * spec: TR-32, TR-33
 */
import { LINK_CLOSE_MS, STREAM_WINDOW_BYTES } from '../tables.ts'
import { StreamLink } from '../link.ts'
import type { LinkPlace, Pipe } from '../link.ts'
import type { Socket } from 'node:net'

export const RECORD_DATA = 0
export const RECORD_CREDIT = 1
export const RECORD_END = 2
const HEAD_BYTES = 4
const COUNT_BITS = 24
const COUNT_MASK = (1 << COUNT_BITS) - 1
/** Up to here a copy costs less than a piece more in the call. */
const JOINED_BYTES = 16_384
/** Credit is given when one of so many parts of the window is used. */
const WINDOW_PARTS = 4

/** A socket, wrapped. `gone` is told when it has closed. */
export class SocketPipe implements Pipe {
  readonly link: StreamLink
  readonly #socket: Socket
  readonly #gone: () => void
  /** Bytes that the other side takes, and writes that wait for more. */
  #credit = STREAM_WINDOW_BYTES
  #waiting: Array<{ bytes: number, pieces: readonly Uint8Array[] }> = []
  /** Bytes that may come, and those that were taken and are not told. */
  #window = STREAM_WINDOW_BYTES
  #owed = 0
  #head = 0
  #head_bytes = 0
  /** Of the data record that is coming. */
  #left = 0
  #held: Uint8Array[] = []
  #paused = true
  #ending = false
  #said_end = false
  #heard_end = false
  #told = false
  #over = false
  #timer: ReturnType<typeof setTimeout> | undefined

  /** `early` came behind the greetings. The socket is paused, and nobody else listens to it. */
  constructor(socket: Socket, early: Uint8Array, place: LinkPlace, gone: () => void) {
    this.#socket = socket
    this.#gone = gone
    this.link = new StreamLink(place, this)
    socket.on('data', (chunk: Uint8Array) => this.#take(chunk))
    socket.on('drain', () => {
      if (this.#waiting.length === 0) this.link.drained()
    })
    // An end without the record is a break, and so is one before this side has taken all.
    socket.on('end', () => { if (!this.#said_end || !this.#heard_end) socket.destroy() })
    socket.on('close', () => this.#closed())
    queueMicrotask(() => {
      if (early.length > 0) this.#take(early)
      socket.resume()
      if (socket.closed) this.#closed()
    })
  }

  write(pieces: readonly Uint8Array[]): boolean {
    if (this.#ending || this.#socket.destroyed) return false
    let bytes = 0
    for (const piece of pieces) bytes += piece.length
    if (this.#waiting.length > 0 || bytes > this.#credit) {
      this.#waiting.push({ bytes, pieces })
      return false
    }
    this.#credit -= bytes
    this.#put(RECORD_DATA, bytes, pieces)
    return !this.#socket.writableNeedDrain
  }

  pause(): void {
    if (!this.#ending) this.#paused = true
  }

  resume(): void {
    this.#paused = false
    if (this.#held.length > 0 || this.#heard_end) queueMicrotask(() => this.#hand())
  }

  end(): void {
    if (this.#ending) return
    this.#ending = true
    this.#timer = setTimeout(() => this.reset(), LINK_CLOSE_MS)
    this.#sayEnd()
    this.resume()
  }

  reset(): void {
    this.#ending = true
    this.#waiting = []
    this.#socket.destroy()
  }

  #put(kind: number, count: number, pieces: readonly Uint8Array[] = []): void {
    const socket = this.#socket
    const bytes = kind === RECORD_DATA ? count : 0
    const head = Buffer.allocUnsafe(bytes <= JOINED_BYTES ? HEAD_BYTES + bytes : HEAD_BYTES)
    head.writeUInt32BE((kind << COUNT_BITS | count) >>> 0)
    if (bytes <= JOINED_BYTES) {
      let at = HEAD_BYTES
      for (const piece of pieces) {
        head.set(piece, at)
        at += piece.length
      }
      socket.write(head)
      return
    }
    socket.cork()
    socket.write(head)
    for (const piece of pieces) socket.write(piece)
    socket.uncork()
  }

  #take(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      if (this.#left > 0) {
        const end = Math.min(chunk.length, at + this.#left)
        this.#left -= end - at
        this.#held.push(chunk.subarray(at, end))
        at = end
        continue
      }
      this.#head = (this.#head << 8 | chunk[at++]!) >>> 0
      if (++this.#head_bytes < HEAD_BYTES) continue
      this.#head_bytes = 0
      if (!this.#record(this.#head >>> COUNT_BITS, this.#head & COUNT_MASK)) return this.reset()
    }
    this.#hand()
  }

  /** A record begins. False: no peer that keeps to the rules would send it. */
  #record(kind: number, count: number): boolean {
    if (kind === RECORD_DATA) {
      this.#left = count
      this.#window -= count
      return count > 0 && this.#window >= 0 && !this.#heard_end
    }
    if (kind === RECORD_CREDIT) {
      this.#credit += count
      this.#flush()
      return count > 0 && this.#credit <= STREAM_WINDOW_BYTES
    }
    const first = !this.#heard_end
    this.#heard_end = true
    return kind === RECORD_END && count === 0 && first
  }

  /** Gives the link what came, unless it is paused, and then the end, if that came. */
  #hand(): void {
    if (this.#paused) return
    if (this.#held.length > 0) {
      const held = this.#held
      this.#held = []
      this.link.bytes(held)
      let bytes = 0
      for (const part of held) bytes += part.length
      this.#taken(bytes)
    }
    // The link may have paused meanwhile: then the end waits behind what it has not read.
    if (!this.#heard_end || this.#paused) return
    if (!this.#told) {
      this.#told = true
      this.link.ended(true)
    }
    this.#finish()
  }

  #taken(bytes: number): void {
    this.#owed += bytes
    if (this.#owed * WINDOW_PARTS < STREAM_WINDOW_BYTES || this.#socket.writableEnded) return
    this.#window += this.#owed
    this.#put(RECORD_CREDIT, this.#owed)
    this.#owed = 0
  }

  #flush(): void {
    let went = 0
    for (const { bytes, pieces } of this.#waiting) {
      if (bytes > this.#credit) break
      this.#credit -= bytes
      this.#put(RECORD_DATA, bytes, pieces)
      went++
    }
    if (went === 0) return
    this.#waiting.splice(0, went)
    if (this.#waiting.length > 0) return
    if (this.#ending) this.#sayEnd()
    else if (!this.#socket.writableNeedDrain) this.link.drained()
  }

  #sayEnd(): void {
    if (this.#said_end || this.#waiting.length > 0 || this.#socket.destroyed) return
    this.#said_end = true
    this.#put(RECORD_END, 0)
    this.#finish()
  }

  /** Closes the connection once both have said that no more comes. */
  #finish(): void {
    if (this.#said_end && this.#heard_end) this.#socket.end()
  }

  #closed(): void {
    if (this.#over) return
    this.#over = true
    clearTimeout(this.#timer)
    this.#ending = true
    this.#held = []
    this.#waiting = []
    if (!this.#told) {
      this.#told = true
      this.link.ended(false)
    }
    this.#gone()
  }
}
