/**
 * Links and transports: which there are, and when their frames go in and out.
 *
 * Lives here: starting transports, links up and down, what goes to the core and to the links in one
 * call, chains to be verified. Does not live here: the frames of one link (line), dialling (dials),
 * which link stays (core), what a chain is worth (the host's `verify`), how bytes travel
 * (transports).
 *
 * Invariants: link ids are never used twice, so a late answer cannot meet another link; the bytes
 * of a link go to `send` in order and not while it is full; what a transport throws ends its link
 * and nothing else; frames held here are at most the core's window for each link.
 */
import type { Link, Transport } from '../../transports/transport.ts'
import type { Admission } from './certificate.ts'
import type { Drive } from './drive.ts'
import { Gathering } from './gathering.ts'
import { Line } from './line.ts'
import { textAt } from './memory.ts'
import { Turns } from './turns.ts'
import { bytesOf } from './values.ts'
import {
  DOWN_REASON_RESET, DOWN_REASON_VIOLATION, ERROR_NO_CHAIN, ERROR_OK, HEADER_NOW_MS, IN_HEARD,
  IN_HEARD_LINK, IN_HEARD_WORDS, IN_LINK_DOWN, IN_LINK_DOWN_LINK, IN_LINK_DOWN_REASON,
  IN_LINK_DOWN_WORDS, IN_LINK_READY, IN_LINK_READY_LINK, IN_LINK_READY_TAKEN_BYTES,
  IN_LINK_READY_WORDS, IN_LINK_UP, IN_LINK_UP_ID_BYTES, IN_LINK_UP_LINK, IN_LINK_UP_OUTGOING,
  IN_LINK_UP_WORDS, IN_VERIFIED, IN_VERIFIED_EXPIRES_MS, IN_VERIFIED_LINK,
  IN_VERIFIED_PREFIX_BYTES, IN_VERIFIED_RIGHTS, IN_VERIFIED_STATUS, IN_VERIFIED_WORDS, LINKS_MAX,
  LINK_WINDOW_BYTES, OUT_FRAME_LINK, OUT_UNLINK_LINK, OUT_VERIFY_ID_BYTES, OUT_VERIFY_LINK,
  OUT_VERIFY_PAYLOAD, OUT_VERIFY_WORDS, PATH_BYTES_MAX, PEER_ID_BYTES_MAX, TIMEOUT_MS_MAX
} from './tables.ts'

/** What links need of their host. */
export interface LinkHost {
  readonly transports: readonly Transport[]
  verify(peer: string, chain: Uint8Array): Promise<Admission | undefined>
  /** The addresses of this peer changed. */
  moved(): void
}

const encoder = new TextEncoder()
/** So much of a window is given back at once: a large frame may wait for it. */
const MUCH_BYTES = LINK_WINDOW_BYTES / 8

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
  /** The line of the last frame: most are for the same one. */
  #spoken: Line | undefined
  /** Lines that took frames which the core was not told of. */
  #owing: Line[] = []
  #timer: unknown = undefined
  readonly #gathering = new Gathering(() => this.#flush(), () => this.#now_ms)

  constructor(drive: Drive, host: LinkHost) {
    this.#drive = drive
    this.#host = host
    this.#turns = new Turns({
      timers: drive.timers,
      now: () => this.#now_ms,
      cut: (line, most) => this.#cut(line, most),
      give: (line) => this.#give(line)
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

  /** Addresses under which others may dial this peer, from wherever they are. */
  addresses(): string[] {
    return this.#host.transports.filter(({ near }) => near === undefined)
      .flatMap((transport) => [...transport.addresses()])
  }

  /** Ends all links and stops listening. */
  async stop(): Promise<void> {
    this.#flush()
    this.#stopped = true
    this.#turns.stop()
    if (this.#timer !== undefined) this.#drive.timers.clear(this.#timer)
    this.#lines.clear()
    await Promise.allSettled(this.#host.transports.map((transport) => transport.stop()))
  }

  /** The core is of no more use: ends all links at once. */
  reset(): void {
    for (const line of this.#lines.values()) this.#close(line, true)
    void this.stop()
  }

  /** Order: write a frame; `series`: one with several payloads. */
  frame(words: Uint32Array, bytes: Uint8Array, at: number, series: boolean): void {
    const id = words[at + OUT_FRAME_LINK]!
    const line = this.#spoken?.id === id ? this.#spoken : this.#lines.get(id)
    if (line === undefined || !line.known) return
    this.#spoken = line
    if (line.joiner.count === 0) this.#dirty.push(line)
    if (series) line.writeSeries(words, bytes, at)
    else line.write(words, bytes, at)
    if (!line.full) this.#gathering.added(line.joiner.count, line.outBytes, this.#drive.operations)
  }

  /** Order: close a link after what was written. */
  unlink(words: Uint32Array, at: number): void {
    const line = this.#lines.get(words[at + OUT_UNLINK_LINK]!)
    if (line === undefined) return
    this.#lines.delete(line.id)
    this.#turns.forget(line)
    line.known = false
    line.closing = true
    if (line.joiner.count === 0) this.#dirty.push(line)
  }

  /** Order: judge a chain. */
  verify(words: Uint32Array, bytes: Uint8Array, at: number): void {
    const link = words[at + OUT_VERIFY_LINK]!
    const peer = textAt(bytes, at + OUT_VERIFY_WORDS, words[at + OUT_VERIFY_ID_BYTES]!)
    const chain = bytesOf(this.#drive.payloads.peek(words[at + OUT_VERIFY_PAYLOAD]!))
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

  /** The program sends: the core says it when it has made its sends of now. */
  soon(): void { this.#gathering.more() }

  /** Bytes came in; their frames go to the core now or in their link's turns. */
  bytes(line: Line): void {
    if (!line.known || this.#drive.ended) return
    if (!this.#turns.arrived(line) && line.cutter.violation === undefined) this.#heard(line)
    this.#judgeBytes(line)
  }

  /** A full link has room again. */
  roomAgain(line: Line): void {
    if (line.joiner.count > 0 || line.closing) this.#dirty.push(line)
    if (line.known) this.#giveBack(line)
    this.#drive.go()
    this.drained()
  }

  /** A link is gone. */
  lost(line: Line, reason: number): void {
    line.joiner.take()
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
    const line = new Line(this, this.#drive, this.#last, link)
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

  /** As of the core's last call. */
  get #now_ms(): number { return this.#drive.memory.header[HEADER_NOW_MS]! }

  #cut(line: Line, most: number): number {
    return line.known && !this.#drive.ended ? line.cutter.cut(most, line) : 0
  }

  #give(line: Line): void {
    this.#giveAllBack()
    this.#drive.go()
    this.#judgeBytes(line)
  }

  /** Bytes that are no frames end their link, after the frames that came before them. */
  #judgeBytes(line: Line): void {
    if (line.cutter.violation === undefined || !line.known) return
    this.#close(line, true)
    this.lost(line, DOWN_REASON_VIOLATION)
  }

  /** A part of a frame came in: on a slow link that is all there is for a while. */
  #heard(line: Line): void {
    if (!line.known) return
    const at = this.#drive.record(IN_HEARD, IN_HEARD_WORDS)
    this.#drive.memory.words[at + IN_HEARD_LINK] = line.id
    this.#giveAllBack()
    this.#drive.go()
  }

  #flush(): void {
    if (this.#giveAllBack()) this.#drive.go()
    else this.#drive.deferred.say()
    this.#gathering.over()
    const dirty = this.#dirty
    this.#dirty = []
    let much = false
    for (const line of dirty) {
      if (line.full) continue
      this.#write(line)
      if (line.closing && !line.full) this.#close(line, false)
      much ||= line.takenBytes >= MUCH_BYTES
    }
    // A call says what readers have taken, too, and that is one more write: it may wait.
    if (this.#drive.deferred.owing && !much) this.#timer ??= this.#drive.timers.set(this.#due, 0)
    else if (this.#giveAllBack()) this.#drive.go()
  }

  #write(line: Line): void {
    if (line.joiner.count === 0) return
    const bytes = line.outBytes
    line.outBytes = 0
    try {
      line.full = !line.link.send(line.joiner.take())
    } catch {
      this.#close(line, true)
      return this.lost(line, DOWN_REASON_RESET)
    }
    if (line.full) {
      line.heldBytes += bytes
    } else {
      if (line.takenBytes === 0) this.#owing.push(line)
      line.takenBytes += bytes
    }
  }

  /** What links took is the core's again, with the call that follows. False: there is nothing. */
  #giveAllBack(): boolean {
    const owing = this.#owing
    if (owing.length === 0 || this.#drive.ended) return false
    this.#owing = []
    for (const line of owing) if (line.known) this.#giveBack(line)
    return this.#drive.memory.count > 0
  }

  readonly #due = (): void => {
    this.#timer = undefined
    if (this.#giveAllBack()) this.#drive.go()
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
    try { line.link.close(reset) } catch { line.joiner.take() }
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
