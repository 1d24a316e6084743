/**
 * One write for each encrypted message.
 *
 * Lives here: joining what the noise library makes of a message. Does not live here: the handshake
 * (the noise library), the cipher (transports/libp2p/cipher).
 *
 * The library hands a message's length, its pieces and its tag to the socket one after the other,
 * and each is a call of the kernel and a packet. A copy of the message costs less than one of them.
 */
import type {
  ConnectionEncrypter, MessageStream, SecuredConnection, SecureConnectionOptions
} from '@libp2p/interface'

/** Bytes in pieces, as the library hands them on. */
type Pieces = Exclude<Parameters<MessageStream['send']>[0], Uint8Array>

/** The library's encrypted stream: what is used of it. */
interface Sealed extends MessageStream { encrypt(pieces: Pieces): Pieces | Uint8Array }

/** The encrypter with joined writes; what the other side sees is the same. */
export function joining<Extension>(
  encrypter: ConnectionEncrypter<Extension>
): ConnectionEncrypter<Extension> {
  const joined = async (
    securing: Promise<SecuredConnection<Extension>>
  ): Promise<SecuredConnection<Extension>> => {
    const secured = await securing
    const sealed = secured.connection as Sealed
    const encrypt = sealed.encrypt.bind(sealed)
    sealed.encrypt = (pieces) => encrypt(pieces).subarray()
    return secured
  }
  return Object.assign(Object.create(encrypter) as ConnectionEncrypter<Extension>, {
    secureOutbound: (road: MessageStream, options?: SecureConnectionOptions) =>
      joined(encrypter.secureOutbound(road, options)),
    secureInbound: (road: MessageStream, options?: SecureConnectionOptions) =>
      joined(encrypter.secureInbound(road, options))
  })
}
