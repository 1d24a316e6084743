/**
 * Where the sockets of one user's peers are, and that nobody else gets at them.
 *
 * Lives here: the address of a socket, the checks of its folder and file, making and removing one.
 * Does not live here: which folder it is (the host's), what is said on a connection (greeting,
 * pipe).
 *
 * Node does not tell who is at the other end of a Unix socket. What the kernel does check is the
 * path: nobody passes through a folder of mode 0700 but its owner and root. So the folder and the
 * socket in it are looked at, by whoever listens before it does, and by whoever dials before and
 * after it connects.
 */
import {
  chmodSync, lstatSync, renameSync, rmSync, statSync, type BigIntStats
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Server } from 'node:net'

/** Why a place is not used, as a part of a sentence. */
export class NotGuarded extends Error {}

/** sun_path holds 108 bytes on Linux and 104 elsewhere, with its closing zero. */
const PATH_BYTES_MAX = process.platform === 'linux' ? 107 : 103
const SOCKET_MODE = 0o600
const OTHERS = 0o077n
const OTHERS_WRITE = 0o022n
const STICKY = 0o1000n
const ROOT = 0n
const SCHEME = '/unix/'
const ENDING = '.link'

/** A multiaddr for a socket: the path as one part. */
export function addressOf(path: string): string {
  return SCHEME + encodeURIComponent(path)
}

/** The path in an address of a socket in this folder; undefined for any other text. */
export function pathIn(folder: string, address: string): string | undefined {
  if (!address.startsWith(SCHEME)) return undefined
  try {
    const path = decodeURIComponent(address.slice(SCHEME.length))
    const name = basename(path)
    return join(folder, name) === path && name.length > ENDING.length && name.endsWith(ENDING) &&
      addressOf(path) === address ? path : undefined
  } catch {
    return undefined
  }
}

/**
 * Checks that a folder lets nobody in but this user, and that nobody can put another in its place.
 *
 * @throws NotGuarded, or the system's error.
 */
export function checkFolder(folder: string): void {
  const found = lstatSync(folder, { bigint: true })
  if (!found.isDirectory()) throw new NotGuarded('it is not a folder')
  checkOwner(found)
  // By its link, if it is one: where /tmp is a link, its entries are those of another folder.
  const above = statSync(dirname(folder), { bigint: true })
  const open = (above.mode & OTHERS_WRITE) !== 0n && (above.mode & STICKY) === 0n
  if (open || (above.uid !== ROOT && above.uid !== userId())) {
    throw new NotGuarded('others may put another in its place')
  }
}

/**
 * Checks that a path is a socket of this user alone.
 *
 * @returns what tells this socket from every other on the machine.
 * @throws NotGuarded, or the system's error.
 */
export function checkSocket(path: string): string {
  const found = lstatSync(path, { bigint: true })
  if (!found.isSocket()) throw new NotGuarded('it is not a socket')
  checkOwner(found)
  return `${found.dev}:${found.ino}`
}

/**
 * Listens at a path, in the place of a socket that somebody left there: at no moment is there none.
 *
 * @param mark sets this listener's files apart from others'.
 * @returns what tells the socket from every other.
 * @throws NotGuarded when the folder or the path will not do, or the system's error.
 */
export async function listenAt(server: Server, path: string, mark: string): Promise<string> {
  const beside = join(dirname(path), `${mark}.new`)
  const bytes = Math.max(...[path, beside].map((one) => Buffer.byteLength(one)))
  if (bytes > PATH_BYTES_MAX) {
    throw new NotGuarded(`${bytes} bytes of path are too many for a socket, ${PATH_BYTES_MAX} fit`)
  }
  checkFolder(dirname(path))
  rmSync(beside, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(beside, resolve)
  })
  try {
    chmodSync(beside, SOCKET_MODE)
    const socket = checkSocket(beside)
    renameSync(beside, path)
    return socket
  } catch (error) {
    server.close()
    rmSync(beside, { force: true })
    throw error
  }
}

/** Removes a socket, if it is still the one that was made: a later peer may have its own there. */
export function removeSocket(path: string, socket: string): void {
  try {
    if (checkSocket(path) === socket) rmSync(path, { force: true })
  } catch { /* it has gone, or is somebody else's */ }
}

const userId = (): bigint => BigInt(process.getuid?.() ?? 0)

function checkOwner(found: BigIntStats): void {
  if (found.uid !== userId()) throw new NotGuarded('it is another user\'s')
  if ((found.mode & OTHERS) !== 0n) throw new NotGuarded('others may use it')
}
