/**
 * The Unix socket between the daemon and its verbs.
 *
 * Lives here: where the socket is, and messages on it: `u32 length, one CBOR map`, both ways. Does
 * not live here: what the messages mean (daemon-errand.ts, bindings/cli/ask.ts).
 *
 * Invariants: a message is read whole or not at all; a length over VERB_FRAME_BYTES_MAX and bytes
 * that are no CBOR map end the connection with BAD_REQUEST before anything is allocated for them;
 * `send` waits while the other side does not read.
 *
 * Every verb loads this file, so it loads nothing but its codec.
 */
import { createHash } from 'node:crypto'
import { lstatSync } from 'node:fs'
import { connect as connectSocket, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { Decoder, Encoder } from 'cbor-x'
import { pipe } from 'it-pipe'
import { Refusal } from '../js/errors.ts'
import { VERB_FRAME_BYTES_MAX } from '../js/tables.ts'
import { userId } from './folder.ts'

/** One message: texts, numbers, flags, bytes and lists of them by name. */
export type Message = Record<string, unknown>

const LENGTH_BYTES = 4
/** For the other side to read the last words of a connection. */
const LINGER_MS = 1_000
/** sun_path holds 108 bytes with its closing zero. */
const SOCKET_PATH_BYTES_MAX = 107

const encoder = new Encoder({ useRecords: false, tagUint8Array: false, mapsAsObjects: true })

/** One connection, from either side. */
export class Wire {
  readonly #socket: Socket
  readonly #closed = new AbortController()

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('error', () => {})
    socket.once('close', () => this.#closed.abort())
  }

  /** Aborted when the connection has ended, from whichever side. */
  get closed(): AbortSignal {
    return this.#closed.signal
  }

  /**
   * The messages of the other side, in order, until it ends. Throws the refusal BAD_REQUEST at
   * wrong bytes; nothing after them is read.
   */
  messages(): AsyncIterable<Message> {
    return pipe(this.#socket.iterator({ destroyOnReturn: false }), frames, decoded)
  }

  /** Resolves when there is room for more, or when the connection has ended. Gives `false` then. */
  async send(message: Message): Promise<boolean> {
    const socket = this.#socket
    if (socket.destroyed || socket.writableEnded) return false
    const body = encoder.encode(message)
    const length = Buffer.alloc(LENGTH_BYTES)
    length.writeUInt32BE(body.length)
    socket.cork()
    socket.write(length)
    const has_room = socket.write(body)
    socket.uncork()
    if (!has_room) await this.#room()
    return !socket.destroyed
  }

  /** Ends the connection after what was sent; what still comes from the other side is not read. */
  end(): void {
    this.#socket.end()
    this.#socket.resume()
    setTimeout(() => this.#socket.destroy(), LINGER_MS).unref()
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.#socket.destroy()
  }

  #room(): Promise<void> {
    const socket = this.#socket
    return new Promise((done) => {
      const settle = () => {
        socket.off('drain', settle)
        socket.off('close', settle)
        done()
      }
      socket.on('drain', settle)
      socket.on('close', settle)
      if (socket.destroyed) settle()
    })
  }
}

/** Connects to the daemon of a state folder. Refusals: NO_PEER_HERE, BAD_STATE. */
export async function connect(state: string): Promise<Wire> {
  const path = socketPath(state)
  if (!isOwn(dirname(path))) throw new Refusal('BAD_STATE', dirname(path))
  const socket = connectSocket(path)
  await new Promise<void>((done, fail) => {
    socket.once('connect', done)
    socket.once('error', (error: NodeJS.ErrnoException) => {
      fail(new Refusal(error.code === 'EACCES' ? 'BAD_STATE' : 'NO_PEER_HERE', state))
    })
  })
  socket.removeAllListeners('error')
  return new Wire(socket)
}

/**
 * Where the daemon of a state folder listens: in it, or by a short name where that is too long. The
 * environment has no part in it: daemon and verb may have different ones.
 */
export function socketPath(state: string): string {
  const inside = join(state, 'socket')
  if (Buffer.byteLength(inside) <= SOCKET_PATH_BYTES_MAX) return inside
  const name = `${createHash('sha256').update(state).digest('hex').slice(0, 32)}.socket`
  return join(`/tmp/circuit-${userId()}`, name)
}

/** In /tmp anybody could have made the folder, and listen in it. */
function isOwn(folder: string): boolean {
  const found = lstatSync(folder, { throwIfNoEntry: false })
  return found === undefined || (found.uid === userId() && found.isDirectory())
}

/** Cuts bytes into the bodies of messages. Holds at most one body and one read. */
async function* frames(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer[] = []
  let held_bytes = 0
  let wanted_bytes = LENGTH_BYTES
  let in_body = false
  for await (const bytes of source) {
    held.push(bytes)
    held_bytes += bytes.length
    while (held_bytes >= wanted_bytes) {
      const whole = held.length === 1 ? held[0]! : Buffer.concat(held)
      const part = whole.subarray(0, wanted_bytes)
      held = [whole.subarray(wanted_bytes)]
      held_bytes -= wanted_bytes
      if (in_body) yield part
      wanted_bytes = in_body ? LENGTH_BYTES : bodyBytes(part)
      in_body = !in_body
    }
  }
}

function bodyBytes(length: Buffer): number {
  const bytes = length.readUInt32BE()
  if (bytes > 0 && bytes <= VERB_FRAME_BYTES_MAX) return bytes
  const most = VERB_FRAME_BYTES_MAX
  throw new Refusal('BAD_REQUEST', `a message of ${bytes} bytes; it has 1 to ${most}`)
}

async function* decoded(bodies: AsyncIterable<Buffer>): AsyncGenerator<Message> {
  // Of its own for each connection: a decoder keeps what bytes define for those that follow.
  const decoder = new Decoder({ useRecords: false, mapsAsObjects: true })
  for await (const body of bodies) {
    let message: unknown
    try {
      message = decoder.decode(body)
    } catch {
      throw new Refusal('BAD_REQUEST', 'its bytes are not CBOR')
    }
    if (message === null || typeof message !== 'object' || Array.isArray(message)
      || Object.getPrototypeOf(message) !== Object.prototype) {
      throw new Refusal('BAD_REQUEST', 'a message is a CBOR map')
    }
    yield message as Message
  }
}
