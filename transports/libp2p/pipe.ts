/**
 * One libp2p stream as a pipe.
 *
 * Lives here: how libp2p's events and states become bytes, room and an end. Does not live here:
 * frames and what a link says (transports/link), connections (transports/libp2p).
 *
 * Invariants: the stream is read by its `message` events and never iterated, since its iterator
 * queues without a bound; it is paused unless the link wants bytes, so that the other side's window
 * closes; `gone` is called once, within LINK_CLOSE_MS of `end` or `reset`.
 */
import { Uint8ArrayList } from 'uint8arraylist'
import { LINK_CLOSE_MS, WRITE_BYTES_MAX } from '../tables.ts'
import { StreamLink } from '../link.ts'
import type { LinkPlace, Pipe } from '../link.ts'
import type { Stream } from '@libp2p/interface'

/** A yamux frame of this many bytes and its header of 12 fill one Noise message of 65,519. */
const NOISE_WRITE_BYTES = 65_507
/** The window is told again when one of so many parts is used. */
const WINDOW_PARTS = 4

/** A stream, wrapped. `gone` is told when the stream is of no more use to anybody. */
export class StreamPipe implements Pipe {
  readonly write_bytes_max = Math.min(NOISE_WRITE_BYTES, WRITE_BYTES_MAX)
  readonly link: StreamLink
  readonly #stream: Stream
  readonly #gone: (pipe: StreamPipe) => void
  #finished = false
  #ending = false
  #said_end = false
  #answered = false
  #paused = false
  #resuming = false
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(stream: Stream, place: LinkPlace, gone: (pipe: StreamPipe) => void) {
    this.#stream = stream
    this.#gone = gone
    this.link = new StreamLink(place, this)
    this.pause()
    thinUpdates(stream)
    stream.addEventListener('message', ({ data }) => {
      this.link.bytes(data instanceof Uint8Array ? [data] : data)
    })
    stream.addEventListener('drain', () => {
      // The stream writes what it still holds in a microtask that was queued before this one, and
      // may be full again after it.
      queueMicrotask(() => { if (!stream.writableNeedsDrain) this.link.drained() })
    })
    stream.addEventListener('remoteCloseWrite', () => { this.#said_end = true })
    // `end` may come in front of the bytes that came with it.
    stream.addEventListener('end', () => queueMicrotask(() => this.link.ended(this.#said_end)))
    stream.addEventListener('close', ({ error }) => this.#closed(error))
    if (stream.status !== 'open') this.#closed(undefined)
  }

  write(pieces: readonly Uint8Array[]): boolean {
    try {
      this.#stream.send(pieces.length === 1 ? pieces[0]! : listOf(pieces))
    } catch {
      // It broke, and its end is on the way.
      return false
    }
    return !this.#stream.writableNeedsDrain
  }

  pause(): void {
    if (this.#ending) return
    this.#paused = true
    if (this.#resuming) return
    try {
      this.#stream.pause()
    } catch { /* nothing more to hold back: it has ended */ }
  }

  resume(): void {
    this.#paused = false
    this.#resuming = true
    try {
      this.#stream.resume()
    } catch { /* what was held came out first; only the window could not be told */ }
    this.#resuming = false
    // `resume` gives out what was held and then opens the window. A pause from inside of that
    // would be undone by it, with the stream still paused: its buffer would fill until it breaks.
    if (this.#paused) this.pause()
  }

  /** True when the other side ended first: the connection is its to close. */
  get answered(): boolean {
    return this.#answered
  }

  end(): void {
    if (this.#ending || this.#finished) return
    this.#ending = true
    this.#answered = this.#said_end
    this.#timer = setTimeout(() => this.reset(), LINK_CLOSE_MS)
    const signal = AbortSignal.timeout(LINK_CLOSE_MS)
    this.#stream.close({ signal }).catch(() => this.reset())
    this.resume()
  }

  reset(): void {
    this.#ending = true
    this.#stream.abort(new Error('the link was reset'))
    this.#finish()
  }

  #closed(error: Error | undefined): void {
    const clean = error === undefined && this.#said_end
    // An orderly end waits for what a paused stream still holds, and `end` follows that.
    if (!clean) queueMicrotask(() => this.link.ended(false))
    this.#finish()
  }

  #finish(): void {
    if (this.#finished) return
    this.#finished = true
    clearTimeout(this.#timer)
    // Not in the middle of the stream's own event.
    queueMicrotask(() => this.#gone(this))
  }
}

type Sent = Parameters<Stream['send']>[0]

/** Two versions of the list are about, each with its type; they take each other. */
function listOf(pieces: readonly Uint8Array[]): Sent {
  return new Uint8ArrayList(...pieces) as unknown as Sent
}

/** What yamux's stream knows of the window that it gives to the other side. */
interface Windowed { recvWindow: number, recvWindowCapacity: number, sendWindowUpdate(): void }

/**
 * Makes the stream open its window again when a part of it is used, and not after each frame: an
 * update is a message of its own, and costs both sides as much as a small frame does. The other
 * side is never stuck: it writes until its window is closed, and then all of it is used.
 */
function thinUpdates(stream: Stream): void {
  const windowed = stream as Stream & Windowed
  const update = windowed.sendWindowUpdate.bind(windowed)
  windowed.sendWindowUpdate = () => {
    const used = windowed.recvWindow - windowed.recvWindowCapacity
    if (used * WINDOW_PARTS >= windowed.recvWindow) update()
  }
}
