/**
 * The transport over Unix sockets: the duties of all, and what only sockets do.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { addressOf } from '../../transports/unix/place.ts'
import { RECORD_DATA } from '../../transports/unix/pipe.ts'
import { compliance } from './compliance.ts'
import { greeted, record, socketOf, unixPeer } from './sockets.ts'
import type { World } from './compliance/witness.ts'

let made = 0

function keyOf(number: number): Uint8Array<ArrayBuffer> {
  const key = new Uint8Array(32)
  new DataView(key.buffer).setUint32(0, number)
  return key
}

async function world(): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'circuit-unix-'))
  chmodSync(folder, 0o700)
  return {
    make: () => unixPeer(folder, keyOf(++made)),
    nowhere: addressOf(join(folder, 'nobody.link')),
    raw: async (to, chunks) => {
      const { socket, ended } = await greeted(socketOf(folder, to.peer), to.peer, keyOf(++made))
      for (const chunk of chunks) socket.write(record(RECORD_DATA, chunk.length, chunk))
      return { ended }
    },
    close: async () => rmSync(folder, { recursive: true, force: true })
  }
}

compliance('unix', world)
