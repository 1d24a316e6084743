/**
 * Asking another peer for a certificate: the request, the answer, and a Unix socket for both.
 *
 * Lives here: the bytes of both, and serving and asking on a socket in the run directory. Does not
 * live here: who gets what (membership), the same over libp2p (transports/libp2p/exchange),
 * certificates (bindings/js/certificate).
 *
 * A request is a CBOR list `[1, peer id, chain]`, an answer `[1, status, chain]`: status 0 and the
 * longer chain, or a code of the errors' table and nothing.
 *
 * Invariants: a request or an answer is bounded in bytes and in time; wrong bytes end their own
 * connection only.
 *
 * spec: spec/joining.md
 */
import { connect, createServer, type Server, type Socket } from 'node:net'
import { rmSync } from 'node:fs'
import { OneMessage, lengthened, type ExchangeBounds } from '../../transports/exchange.ts'
import { NotPlain, decodePlain, encodePlain, type Plain } from '../js/cose.ts'
import { Refusal, numberOf } from '../js/errors.ts'
import {
  CERTIFY_BYTES_MAX, CERTIFY_TIMEOUT_MS, ERROR_BAD_REQUEST, ERROR_OK, errors
} from '../js/tables.ts'

/** The libp2p protocol of the exchange. */
export const CERTIFY_PROTOCOL = '/circuit/certify/1'

/** How much and how long one request may be, and its answer. */
export const CERTIFY_BOUNDS: ExchangeBounds = {
  bytes_max: CERTIFY_BYTES_MAX, timeout_ms: CERTIFY_TIMEOUT_MS
}

/** Who asks, and the chain that it has; empty for none. */
export interface Request { readonly peer: string, readonly chain: Uint8Array }

/** Gives a chain, or a code of the errors' table. */
export type Answer = { readonly status: number, readonly chain: Uint8Array }

const VERSION = 1
const SOCKET_MODE_MASK = 0o177
const CONNECTIONS_MAX = 16

/** A request as bytes. */
export function requestBytes(request: Request): Uint8Array {
  return encodePlain([VERSION, request.peer, request.chain])
}

/** Reads a request, or gives undefined. */
export function readRequest(bytes: Uint8Array): Request | undefined {
  const item = itemOf(bytes)
  if (!Array.isArray(item) || item.length !== 3 || item[0] !== VERSION) return undefined
  const [, peer, chain] = item
  return typeof peer === 'string' && chain instanceof Uint8Array ? { peer, chain } : undefined
}

/** An answer as bytes. */
export function answerBytes(answer: Answer): Uint8Array {
  return encodePlain([VERSION, answer.status, answer.chain])
}

/**
 * The chain in an answer.
 *
 * @throws the refusal that the answer carries; BAD_REQUEST when it cannot be read.
 */
export function chainIn(bytes: Uint8Array): Uint8Array {
  const item = itemOf(bytes)
  const [version, status, chain] = Array.isArray(item) ? item : []
  if (version !== VERSION || typeof status !== 'number' || !(chain instanceof Uint8Array)) {
    throw new Refusal('BAD_REQUEST', 'the answer cannot be read')
  }
  if (status === ERROR_OK) return chain
  const row = errors[status]
  throw new Refusal(row?.kind === 'refusal' ? row.name : 'BAD_REQUEST', 'certify')
}

/** An answer that refuses, from whatever was thrown. */
export function refusing(error: unknown): Answer {
  const status = error instanceof Refusal ? numberOf(error.code) : ERROR_BAD_REQUEST
  return { status, chain: new Uint8Array(0) }
}

/**
 * Serves requests on a Unix socket.
 *
 * @param path in a folder that only this user enters; what was there is replaced.
 * @param answer gives the answer's bytes to a request's.
 * @throws the system's error when the socket cannot be made.
 */
export async function serveCertify(
  path: string, answer: (request: Uint8Array) => Promise<Uint8Array>
): Promise<Server> {
  rmSync(path, { force: true })
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {})
    socket.setTimeout(CERTIFY_TIMEOUT_MS, () => socket.destroy())
    wholeMessage(socket).then(answer).then((bytes) => {
      socket.end(lengthened(bytes))
    }, () => socket.destroy())
  })
  server.maxConnections = CONNECTIONS_MAX
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    // The socket is made within this call, so nothing else is made under this mask.
    const before = process.umask(SOCKET_MODE_MASK)
    server.listen(path, resolve)
    process.umask(before)
  })
  return server
}

/**
 * Asks on a Unix socket.
 *
 * @returns the answer's bytes; undefined when nobody serves there, or not in time.
 */
export async function askCertify(
  path: string, request: Uint8Array
): Promise<Uint8Array | undefined> {
  const socket = connect(path)
  socket.setTimeout(CERTIFY_TIMEOUT_MS, () => socket.destroy())
  try {
    const answer = wholeMessage(socket)
    socket.end(lengthened(request))
    return await answer
  } catch {
    return undefined
  } finally {
    socket.destroy()
  }
}

function wholeMessage(socket: Socket): Promise<Uint8Array> {
  const gather = new OneMessage(CERTIFY_BYTES_MAX)
  return new Promise((resolve, reject) => {
    socket.on('data', (part: Uint8Array) => {
      try {
        const message = gather.take(part)
        if (message !== undefined) resolve(message)
      } catch (error) {
        reject(error)
      }
    })
    socket.on('end', () => reject(new Error('it ended')))
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('it closed')))
  })
}

function itemOf(bytes: Uint8Array): Plain | undefined {
  try {
    return decodePlain(bytes)
  } catch (error) {
    if (error instanceof NotPlain) return undefined
    throw error
  }
}
