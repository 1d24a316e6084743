/**
 * Links and transports: frames between the core and the streams that carry them.
 *
 * Lives here: starting transports, frames in and out, chains to be verified. Does not live here:
 * dialling (dials), which link stays (core), what a chain is worth (the host's `verify`), bytes on
 * a stream (transports).
 *
 * Invariants: link ids are never used twice, so a late answer cannot meet another link; the frames
 * of a link go to `send` in order and not while it is full; what a transport throws ends its link
 * and nothing else; frames held here are at most the core's window for each link.
 */
import type { Frame, Link, LinkEvents, Transport } from '../../transports/transport.ts'
import type { Admission } from './certificate.ts'
import type { Drive } from './drive.ts'
import { Gathering } from './gathering.ts'
import { textAt } from './memory.ts'
import type { Packed } from './payload.ts'
import { Turns } from './turns.ts'
import type { Taker } from './turns.ts'
import { bytesOf } from './values.ts'
import {
  DOWN_REASON_CLOSED, DOWN_REASON_RESET, DOWN_REASON_VIOLATION, ERROR_NO_CHAIN, ERROR_OK,
  HEADER_BYTES_MAX, HEADER_NOW_MS, IN_FRAME, IN_FRAME_HEADER_BYTES, IN_FRAME_LINK, IN_FRAME_PAYLOAD,
  IN_FRAME_PAYLOAD_BYTES, IN_FRAME_WORDS, IN_HEARD, IN_HEARD_LINK, IN_HEARD_WORDS, IN_LINK_DOWN,
  IN_LINK_DOWN_LINK, IN_LINK_DOWN_REASON, IN_LINK_DOWN_WORDS, IN_LINK_READY, IN_LINK_READY_LINK,
  IN_LINK_READY_TAKEN_BYTES, IN_LINK_READY_WORDS, IN_LINK_UP, IN_LINK_UP_ID_BYTES,
  IN_LINK_UP_LINK, IN_LINK_UP_OUTGOING, IN_LINK_UP_WORDS, IN_VERIFIED, IN_VERIFIED_EXPIRES_MS,
  IN_VERIFIED_LINK, IN_VERIFIED_PREFIX_BYTES, IN_VERIFIED_RIGHTS, IN_VERIFIED_STATUS,
  IN_VERIFIED_WORDS, LINKS_MAX, MESSAGE_BYTES_MAX, OUT_FRAME_HEADER_BYTES, OUT_FRAME_LINK,
  OUT_FRAME_PAYLOAD, OUT_FRAME_PAYLOAD_BYTES, OUT_FRAME_WORDS, OUT_UNLINK_LINK,
  OUT_VERIFY_ID_BYTES, OUT_VERIFY_LINK, OUT_VERIFY_PAYLOAD, OUT_VERIFY_WORDS, PATH_BYTES_MAX,
  PEER_ID_BYTES_MAX, TIMEOUT_MS_MAX,
} from './tables.ts'

/** What links need of their host. */
export interface LinkHost {
  readonly transports: readonly Transport[]
  verify(peer: string, chain: Uint8Array): Promise<Admission | undefined>
  /** The addresses of this peer changed. */
  moved(): void
}

const encoder = new TextEncoder()

function plainBytes(bytes: Uint8Array): Uint8Array {
  // A subclass of a platform would show in programs that receive parts of it.
  return bytes.constructor === Uint8Array
    ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** A frame on its way out; what was kept as it is in the table is spelled when it goes. */
interface WaitingFrame { readonly header: Uint8Array, payload: Packed | undefined }

/** One link: frames that wait to go out, and what comes in. */
class Line implements LinkEvents, Taker {
  readonly id: number
  readonly link: Link
  readonly #links: Links
  out: WaitingFrame[] = []
  /** As the core counts them: of `out`, of frames in a full link, of those taken and not told. */
  outBytes = 0
  heldBytes = 0
  takenBytes = 0
  full = false
  /** Frames written since the other side was last heard. */
  unanswered = 0
  waiting: Frame[] = []
  given = 0
  /** The core knows it. */
  known = true
  closing = false

  constructor(links: Links, id: number, link: Link) {
    this.#links = links
    this.id = id
    this.link = link
  }

  frames(frames: readonly Frame[]): void {
    this.unanswered = 0
    this.#links.frames(this, frames)
  }

  heard(): void { this.#links.heard(this) }

  ready(): void {
    if (!this.full) return
    this.full = false
    this.takenBytes += this.heldBytes
    this.heldBytes = 0
    this.#links.roomAgain(this)
  }

  down(clean: boolean): void {
    this.#links.lost(this, clean ? DOWN_REASON_CLOSED : DOWN_REASON_RESET)
  }
}

/** All links of one core. */
export class Links {
  readonly #drive: Drive
  readonly #host: LinkHost
  readonly #lines = new Map<number, Line>()
  readonly #turns: Turns<Line>
  #stopped = false
  #last = 0
  #early: Link[] | undefined = []
  #dirty: Line[] = []
  readonly #gathering = new Gathering(() => this.#flush())

  constructor(drive: Drive, host: LinkHost) {
    this.#drive = drive
    this.#host = host
    this.#turns = new Turns({
      timers: drive.timers,
      now: () => drive.memory.header[HEADER_NOW_MS]!,
      give: (line, frames) => this.arrived(line, frames)
    })
  }

  /** Starts all transports; when one cannot, stops the others and rejects with its error. */
  async start(): Promise<void> {
    const started: Transport[] = []
    try {
      for (const transport of this.#host.transports) {
        await transport.start({
          link: (link) => this.#accept(link), addresses: () => this.#host.moved()
        })
        started.push(transport)
      }
    } catch (error) {
      await Promise.allSettled(started.map((transport) => transport.stop()))
      throw error
    }
  }

  /** The core knows who it is: links that came before are let in. */
  open(): void {
    const early = this.#early ?? []
    this.#early = undefined
    for (const link of early) this.#accept(link)
  }

  /** Addresses under which others may dial this peer. */
  addresses(): string[] {
    return this.#host.transports.flatMap((transport) => [...transport.addresses()])
  }

  /** Ends all links and stops listening. */
  async stop(): Promise<void> {
    this.#flush()
    this.#stopped = true
    this.#turns.stop()
    this.#lines.clear()
    await Promise.allSettled(this.#host.transports.map((transport) => transport.stop()))
  }

  /** The core is of no more use: ends all links at once. */
  reset(): void {
    for (const line of this.#lines.values()) this.#close(line, true)
    void this.stop()
  }

  /** Order: write a frame. */
  frame(words: Uint32Array, bytes: Uint8Array, at: number): void {
    const line = this.#lines.get(words[at + OUT_FRAME_LINK]!)
    if (line === undefined) return
    const from = (at + OUT_FRAME_WORDS) * 4
    const headerBytes = words[at + OUT_FRAME_HEADER_BYTES]!
    const handle = words[at + OUT_FRAME_PAYLOAD]!
    const frameBytes = headerBytes + words[at + OUT_FRAME_PAYLOAD_BYTES]!
    line.outBytes += frameBytes
    line.out.push({
      header: bytes.slice(from, from + headerBytes),
      payload: handle === 0 ? undefined : this.#drive.payloads.peek(handle)
    })
    if (line.out.length === 1) this.#dirty.push(line)
    if (!line.full) this.#gathering.added(line.out.length, line.outBytes, line.unanswered)
  }

  /** Order: close a link after what was written. */
  unlink(words: Uint32Array, at: number): void {
    const line = this.#lines.get(words[at + OUT_UNLINK_LINK]!)
    if (line === undefined) return
    this.#lines.delete(line.id)
    this.#turns.forget(line)
    line.known = false
    line.closing = true
    if (line.out.length === 0) this.#dirty.push(line)
  }

  /** Order: judge a chain. */
  verify(words: Uint32Array, bytes: Uint8Array, at: number): void {
    const link = words[at + OUT_VERIFY_LINK]!
    const peer = textAt(bytes, at + OUT_VERIFY_WORDS, words[at + OUT_VERIFY_ID_BYTES]!)
    const chain = this.#drive.payloads.peek(words[at + OUT_VERIFY_PAYLOAD]!) as Uint8Array
    this.#drive.later(() => { void this.#judge(link, peer, chain) })
  }

  /** A transport opened a link for a dial of the core. False: it could not be let in. */
  dialled(link: Link): boolean {
    return this.#up(link)
  }

  /** A turn has ended: its frames go out after the program's own steps, so that more can join. */
  drained(): void {
    if (this.#dirty.length > 0) this.#gathering.begin()
  }

  /** Frames came in; they go to the core now or in their link's turns. */
  frames(line: Line, frames: readonly Frame[]): void {
    if (line.known && !this.#drive.ended) this.#turns.arrived(line, frames)
  }

  /** All of these go to the core in one call. */
  arrived(line: Line, frames: readonly Frame[]): void {
    if (!line.known || this.#drive.ended) return
    for (const { header, payload } of frames) {
      const payloadBytes = payload?.length ?? 0
      if (header.length > HEADER_BYTES_MAX || payloadBytes > MESSAGE_BYTES_MAX) {
        this.#close(line, true)
        return this.lost(line, DOWN_REASON_VIOLATION)
      }
      const words = IN_FRAME_WORDS + (header.length + 3 >>> 2)
      const at = this.#drive.record(IN_FRAME, words)
      const cells = this.#drive.memory.words
      cells[at + IN_FRAME_LINK] = line.id
      cells[at + IN_FRAME_PAYLOAD] = payloadBytes === 0
        ? 0 : this.#drive.payloads.put(plainBytes(payload!))
      cells[at + IN_FRAME_PAYLOAD_BYTES] = payloadBytes
      cells[at + IN_FRAME_HEADER_BYTES] = header.length
      this.#drive.tail(at + IN_FRAME_WORDS, header)
    }
    this.#drive.go()
  }

  /** A full link has room again. */
  roomAgain(line: Line): void {
    if (line.out.length > 0 || line.closing) this.#dirty.push(line)
    if (line.known) this.#giveBack(line)
    this.#drive.go()
    this.drained()
  }

  /** A part of a frame came in: on a slow link that is all there is for a while. */
  heard(line: Line): void {
    if (!line.known || this.#drive.ended) return
    const at = this.#drive.record(IN_HEARD, IN_HEARD_WORDS)
    this.#drive.memory.words[at + IN_HEARD_LINK] = line.id
    this.#drive.go()
  }

  /** A link is gone. */
  lost(line: Line, reason: number): void {
    line.out = []
    if (!line.known) return
    // What came whole before the end comes before it.
    this.#turns.ended(line)
    if (!line.known) return
    line.known = false
    this.#lines.delete(line.id)
    if (this.#drive.ended) return
    const at = this.#drive.record(IN_LINK_DOWN, IN_LINK_DOWN_WORDS)
    const { words } = this.#drive.memory
    words[at + IN_LINK_DOWN_LINK] = line.id
    words[at + IN_LINK_DOWN_REASON] = reason
    this.#drive.go()
  }

  #accept(link: Link): void {
    if (this.#early !== undefined) this.#early.push(link)
    else this.#up(link)
  }

  #up(link: Link): boolean {
    const id = encoder.encode(link.peer)
    const refused = this.#drive.ended || this.#stopped
    if (refused || this.#lines.size >= LINKS_MAX || id.length > PEER_ID_BYTES_MAX) {
      link.close(true)
      return false
    }
    this.#last += 1
    const line = new Line(this, this.#last, link)
    this.#lines.set(line.id, line)
    const at = this.#drive.record(IN_LINK_UP, IN_LINK_UP_WORDS + (id.length + 3 >>> 2))
    const { words } = this.#drive.memory
    words[at + IN_LINK_UP_LINK] = line.id
    words[at + IN_LINK_UP_OUTGOING] = link.outgoing ? 1 : 0
    words[at + IN_LINK_UP_ID_BYTES] = id.length
    this.#drive.tail(at + IN_LINK_UP_WORDS, id)
    try {
      link.open(line)
    } catch {
      this.lost(line, DOWN_REASON_RESET)
    }
    this.#drive.go()
    return true
  }

  #flush(): void {
    this.#gathering.over()
    const dirty = this.#dirty
    this.#dirty = []
    for (const line of dirty) {
      if (line.full) continue
      this.#write(line)
      if (line.closing && !line.full) this.#close(line, false)
    }
    this.#drive.go()
  }

  #write(line: Line): void {
    const frames = line.out
    if (frames.length === 0) return
    line.out = []
    const bytes = line.outBytes
    line.outBytes = 0
    line.unanswered += frames.length
    for (const frame of frames) {
      if (frame.payload !== undefined) frame.payload = bytesOf(frame.payload)
    }
    try {
      line.full = !line.link.send(frames as Frame[])
    } catch {
      this.#close(line, true)
      return this.lost(line, DOWN_REASON_RESET)
    }
    if (line.full) {
      line.heldBytes += bytes
    } else {
      line.takenBytes += bytes
      // At once, also if it is little: a large frame waits until the core has all of its window.
      if (line.known) this.#giveBack(line)
    }
  }

  #giveBack(line: Line): void {
    if (line.takenBytes === 0 || this.#drive.ended) return
    const at = this.#drive.record(IN_LINK_READY, IN_LINK_READY_WORDS)
    const { words } = this.#drive.memory
    words[at + IN_LINK_READY_LINK] = line.id
    words[at + IN_LINK_READY_TAKEN_BYTES] = line.takenBytes
    line.takenBytes = 0
  }

  #close(line: Line, reset: boolean): void {
    // A transport that throws here has no link any more, which is what was wanted.
    try { line.link.close(reset) } catch { line.out = [] }
  }

  async #judge(link: number, peer: string, chain: Uint8Array): Promise<void> {
    let admission: Admission | undefined
    try {
      admission = await this.#host.verify(peer, chain)
    } catch {
      // A chain that cannot be judged is no chain.
      admission = undefined
    }
    if (this.#drive.ended) return
    const prefix = encoder.encode(admission?.prefix ?? '')
    const valid = admission !== undefined && prefix.length <= PATH_BYTES_MAX
    const words = IN_VERIFIED_WORDS + (prefix.length + 3 >>> 2)
    const at = this.#drive.record(IN_VERIFIED, words)
    const cells = this.#drive.memory.words
    cells[at + IN_VERIFIED_LINK] = link
    cells[at + IN_VERIFIED_STATUS] = valid ? ERROR_OK : ERROR_NO_CHAIN
    cells[at + IN_VERIFIED_RIGHTS] = valid ? admission!.rights : 0
    cells[at + IN_VERIFIED_EXPIRES_MS] = valid ? millisecondsOf(admission!.expires) : 0
    cells[at + IN_VERIFIED_PREFIX_BYTES] = prefix.length
    this.#drive.tail(at + IN_VERIFIED_WORDS, prefix)
    this.#drive.go()
  }
}

/** How long an admission holds, in whole ms, at most what the core can count. */
function millisecondsOf(expires: number): number {
  return expires === 0 ? 0 : Math.max(1, Math.min(Math.floor(expires), TIMEOUT_MS_MAX))
}
