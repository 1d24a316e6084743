/**
 * Peers over Unix sockets for tests, and connections to them that keep to the greeting or do not.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { keyOfId, signedBy, signerOf } from '../../bindings/js/identity.ts'
import { UnixTransport, type UnixIdentity } from '../../transports/unix.ts'
import { greetAsDialler, Reading } from '../../transports/unix/greeting.ts'
import { checkSocket } from '../../transports/unix/place.ts'
import type { Made } from './compliance/witness.ts'
import type { TestContext } from '../suite.ts'

/** Who has a key of 32 bytes. */
export async function identityOf(key: Uint8Array): Promise<UnixIdentity> {
  const { id, sign } = await signerOf(key)
  return {
    peer: id, sign,
    signed: async (peer, signature, bytes) =>
      signedBy(keyOfId(peer) ?? new Uint8Array(0), signature, bytes),
    random: (count) => randomBytes(count)
  }
}

/** Where a peer's socket is. */
export function socketOf(folder: string, peer: string): string {
  return join(folder, `${peer.slice(-20)}.link`)
}

/** A peer with a socket in a folder. */
export async function unixPeer(folder: string, key: Uint8Array): Promise<Made> {
  const identity = await identityOf(key)
  const transport = new UnixTransport({
    identity, mark: identity.peer.slice(-12), pathOf: (peer) => socketOf(folder, peer)
  })
  return { peer: identity.peer, transport }
}

/** Connects to a path and ends when the other side does. */
export async function connected(path: string): Promise<{ socket: Socket, ended: Promise<void> }> {
  const socket = connect({ path, allowHalfOpen: true })
  socket.on('error', () => {})
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.on('end', () => socket.destroy())
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  return { socket, ended }
}

/**
 * Greets a peer in order, as whoever has the key; what is then written is up to the caller. `said`
 * hears what was written until then.
 */
export async function greeted(
  path: string, peer: string, key: Uint8Array, said?: (bytes: Uint8Array) => void
): Promise<{ socket: Socket, ended: Promise<void> }> {
  const { socket, ended } = await connected(path)
  const write = socket.write.bind(socket)
  if (said !== undefined) {
    socket.write = ((bytes: Uint8Array) => {
      said(bytes)
      return write(bytes)
    }) as typeof socket.write
  }
  const road = new Reading(socket)
  await greetAsDialler(road, await identityOf(key), peer, checkSocket(path))
  road.rest()
  socket.resume()
  return { socket, ended }
}

/** A record as it stands on the connection. */
export function record(
  kind: number, count: number, body: Uint8Array = new Uint8Array(0)
): Uint8Array {
  const head = Buffer.alloc(4)
  head.writeUInt32BE(kind * 2 ** 24 + count)
  return Buffer.concat([head, body])
}

/** A program of this user listens at a path; gives how many came. */
export async function impostor(
  t: TestContext, path: string, meet: (socket: Socket) => void
): Promise<{ met: number }> {
  const counted = { met: 0 }
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    counted.met++
    sockets.add(socket)
    socket.on('error', () => {})
    meet(socket)
  })
  server.listen(path)
  await once(server, 'listening')
  chmodSync(path, 0o600)
  t.after(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return counted
}
