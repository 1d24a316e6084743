/**
 * How two peers prove to each other who they are, before a link is made of their connection.
 *
 * Lives here: the greetings and their signatures, in both roles. Does not live here: keys (the
 * host's), who may come this far (transports/unix/place), what a peer may do (its certificates, in
 * the hello of every link).
 *
 *     dialler   version, nonce, its peer id
 *     listener  version, nonce, its peer id, signature
 *     dialler   signature
 *
 * Both sign the same bytes under a label for their role: both nonces, both ids and the socket, as
 * each of them sees it. So nothing that was signed serves again, in the other role, for another
 * peer, or through a program that passes it on from a socket of its own.
 *
 * Invariants: lengths are known before their bytes are waited for; what comes behind a greeting is
 * kept for the link; nothing is waited for longer than the caller's signal says.
 *
 * spec: TR-29, TR-30, TR-31
 */
import { DialFailure } from '../dial.ts'
import { PEER_ID_BYTES_MAX } from '../tables.ts'
import type { Socket } from 'node:net'

/** A peer's own key, and the check of others'. */
export interface UnixIdentity {
  readonly peer: string
  /** Gives the 64 bytes of an Ed25519 signature. */
  sign(bytes: Uint8Array): Promise<Uint8Array>
  /** True when this peer's key made the signature. */
  signed(peer: string, signature: Uint8Array, bytes: Uint8Array): Promise<boolean>
  /** As many bytes that nobody can guess. */
  random(count: number): Uint8Array
}

/** What both sides sign: who they are, and by which socket they met. */
export interface Meeting {
  readonly dialler: Greeting
  readonly listener: Greeting
  readonly socket: string
}

export interface Greeting { readonly nonce: Uint8Array, readonly peer: string }

export const UNIX_VERSION = 1
const NONCE_BYTES = 32
const SIGNATURE_BYTES = 64
const HEAD_BYTES = 1 + NONCE_BYTES + 1
const LABELS = { dialler: 'circuit unix link 1 dialler', listener: 'circuit unix link 1 listener' }

/**
 * Greets as the side that dialled; resolves when `expected` is proved to be at the other end, which
 * then knows us, too. Rejects when the connection ends, `wrong_peer` when somebody else is there.
 */
export async function greetAsDialler(
  road: Reading, own: UnixIdentity, expected: string, socket: string
): Promise<void> {
  const dialler = { nonce: own.random(NONCE_BYTES), peer: own.peer }
  road.socket.write(greetingBytes(dialler))
  const listener = await greetingOf(road)
  if (listener.peer !== expected || expected === own.peer) {
    throw new DialFailure('wrong_peer', expected)
  }
  const signature = await road.take(SIGNATURE_BYTES)
  const meeting = { dialler, listener, socket }
  if (!await own.signed(expected, signature, signedBytes('listener', meeting))) {
    throw new DialFailure('wrong_peer', expected)
  }
  road.socket.write(await own.sign(signedBytes('dialler', meeting)))
}

/** Greets as the side that listens; gives the proved peer. Rejects when there is none. */
export async function greetAsListener(
  road: Reading, own: UnixIdentity, socket: string
): Promise<string> {
  const dialler = await greetingOf(road)
  const listener = { nonce: own.random(NONCE_BYTES), peer: own.peer }
  const meeting = { dialler, listener, socket }
  const signature = await own.sign(signedBytes('listener', meeting))
  road.socket.write(Buffer.concat([greetingBytes(listener), signature]))
  const answer = await road.take(SIGNATURE_BYTES)
  const { peer } = dialler
  if (peer === own.peer) throw new Error('it says that it is this peer')
  if (!await own.signed(peer, answer, signedBytes('dialler', meeting))) {
    throw new Error('it is not the peer that it says')
  }
  return peer
}

/** A greeting as bytes. */
export function greetingBytes({ nonce, peer }: Greeting): Uint8Array {
  return Buffer.concat([Uint8Array.of(UNIX_VERSION), nonce, named(peer)])
}

/** What a side signs. */
export function signedBytes(
  role: 'dialler' | 'listener', { dialler, listener, socket }: Meeting
): Uint8Array {
  return Buffer.concat([
    Buffer.from(`${LABELS[role]}\0`), dialler.nonce, listener.nonce,
    named(dialler.peer), named(listener.peer), Buffer.from(socket)
  ])
}

async function greetingOf(road: Reading): Promise<Greeting> {
  const head = await road.take(HEAD_BYTES)
  const bytes = head[HEAD_BYTES - 1]!
  if (head[0] !== UNIX_VERSION) throw new Error(`it greets in version ${head[0]}`)
  if (bytes === 0 || bytes > PEER_ID_BYTES_MAX) throw new Error(`its id has ${bytes} bytes`)
  const id = await road.take(bytes)
  return { nonce: head.subarray(1, HEAD_BYTES - 1), peer: Buffer.from(id).toString('latin1') }
}

/** Ids are of letters and digits; a byte for their length goes before them. */
function named(peer: string): Uint8Array {
  const id = Buffer.from(peer, 'latin1')
  return Buffer.concat([Uint8Array.of(id.length), id])
}

/** Takes so many bytes of a socket and no more: it is read only while they are waited for. */
export class Reading {
  readonly socket: Socket
  #held: Buffer = Buffer.alloc(0)
  #wanted = 0
  #enough: (() => void) | undefined
  #broken: ((error: Error) => void) | undefined
  #over: Error | undefined

  constructor(socket: Socket) {
    this.socket = socket
    socket.pause()
    socket.on('data', this.#data)
    socket.on('end', this.#ended)
    socket.on('close', this.#ended)
  }

  /** The next `count` bytes. Rejects when the other side ends before. One call at a time. */
  async take(count: number): Promise<Uint8Array> {
    if (this.#held.length < count) {
      await new Promise<void>((resolve, reject) => {
        if (this.#over !== undefined) return reject(this.#over)
        this.#wanted = count
        this.#enough = resolve
        this.#broken = reject
        this.socket.resume()
      })
    }
    const taken = this.#held.subarray(0, count)
    this.#held = this.#held.subarray(count)
    return taken
  }

  /** Reads no more, and gives what came behind all that was taken. */
  rest(): Uint8Array {
    this.socket.off('data', this.#data)
    this.socket.off('end', this.#ended)
    this.socket.off('close', this.#ended)
    return this.#held
  }

  readonly #data = (part: Buffer): void => {
    this.#held = this.#held.length === 0 ? part : Buffer.concat([this.#held, part])
    if (this.#held.length < this.#wanted) return
    this.socket.pause()
    this.#enough?.()
  }

  readonly #ended = (): void => {
    this.#over ??= new Error('the connection ended')
    this.#broken?.(this.#over)
  }
}
