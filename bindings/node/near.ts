/**
 * The road to this user's other peers on this machine: a Unix socket in the run directory.
 *
 * Lives here: whose socket is where, and the key that proves a peer on it. Does not live here: the
 * link itself (transports/unix), the folder (run-folder), when a peer is dialled (core).
 *
 * Invariant: it is a road more, and never the only one: where a socket cannot be made, this peer is
 * reached as it is from elsewhere.
 */
import { keyOfId, signedBy, type Signer } from '../js/identity.ts'
import { UnixTransport } from '../../transports/unix.ts'
import type { TransportEvents } from '../../transports/transport.ts'
import type { Drive } from './drive.ts'
import { linkSocket } from './run-folder.ts'

export interface NearOptions {
  readonly signer: Signer
  /** The circuit, as a peer id: peers of others have sockets of other names. */
  readonly circuit: string
  readonly run_folder: string
  /** Sets this peer's files apart from others'. */
  readonly mark: string
  readonly drive: Drive
}

/** Links over Unix sockets, as far as they can be had. */
export class NearTransport extends UnixTransport {
  constructor({ signer, circuit, run_folder, mark, drive }: NearOptions) {
    super({
      mark: `${mark}.link`,
      pathOf: (peer) => linkSocket(run_folder, circuit, peer),
      identity: {
        peer: signer.id,
        sign: (bytes) => signer.sign(bytes),
        signed: async (peer, signature, bytes) => {
          const key = keyOfId(peer)
          return key !== undefined && await signedBy(key, signature, bytes)
        },
        random: (count) => drive.random(count)
      }
    })
  }

  /** Never rejects: without a socket of its own this peer still dials those of others. */
  override async start(events: TransportEvents): Promise<void> {
    try {
      await super.start(events)
    } catch { /* too long a path, or a file system without sockets: others dial over TCP */ }
  }
}
