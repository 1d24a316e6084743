/**
 * One call of the kernel for each encrypted message, and no copy of a large one.
 *
 * Lives here: how the pieces of a message go to the socket and come from it. Does not live here:
 * the handshake (the noise library), the cipher (transports/libp2p/cipher).
 *
 * The library hands a message's length, its pieces and its tag to the socket one after the other,
 * and each is a call of the kernel and a packet. Here a small message is joined, and the pieces of
 * a large one go out in one call.
 */
import type { Uint8ArrayList } from 'uint8arraylist'
import type {
  ConnectionEncrypter, MessageStream, SecuredConnection, SecureConnectionOptions
} from '@libp2p/interface'

/** The library's encrypted stream: what is used of it. */
interface Sealed extends MessageStream {
  readonly handshake: {
    encrypt(text: Uint8ArrayList): Uint8Array | Uint8ArrayList
    decrypt(sealed: Uint8Array | Uint8ArrayList): Uint8Array | Uint8ArrayList
  }
  readonly decoder: {
    readonly buffer: Uint8ArrayList
    decode(bytes: Uint8Array | Uint8ArrayList): Iterable<Uint8Array | Uint8ArrayList>
  }
  encrypt(text: Uint8ArrayList): Uint8ArrayList | Uint8Array
  decrypt(sealed: Uint8Array | Uint8ArrayList): Uint8Array | Uint8ArrayList
}

/** A connection over a socket of Node: what is used of it. */
interface Road extends MessageStream {
  readonly socket: { cork(): void, uncork(): void, write(bytes: Uint8Array): boolean }
  sendData(pieces: Uint8ArrayList): { sentBytes: number, canSendMore: boolean }
}

/** Up to here a copy costs less than a piece more in the call. */
const JOINED_BYTES = 16_384
const LENGTH_BYTES = 2
/** A text of so many bytes is one Noise message for sure. */
const ONE_BYTES = 4096

/** The encrypter with whole writes; what the other side sees is the same. */
export function joining<Extension>(
  encrypter: ConnectionEncrypter<Extension>
): ConnectionEncrypter<Extension> {
  const joined = async (
    road: MessageStream, securing: Promise<SecuredConnection<Extension>>
  ): Promise<SecuredConnection<Extension>> => {
    const secured = await securing
    writeWhole(road as Road)
    joinSmall(secured.connection as Sealed)
    return secured
  }
  return Object.assign(Object.create(encrypter) as ConnectionEncrypter<Extension>, {
    secureOutbound: (road: MessageStream, options?: SecureConnectionOptions) =>
      joined(road, encrypter.secureOutbound(road, options)),
    secureInbound: (road: MessageStream, options?: SecureConnectionOptions) =>
      joined(road, encrypter.secureInbound(road, options))
  })
}

function joinSmall(sealed: Sealed): void {
  const encrypt = sealed.encrypt.bind(sealed) as (text: Uint8ArrayList) => Uint8ArrayList
  sealed.encrypt = (text) => {
    if (text.byteLength <= ONE_BYTES) return lengthened(sealed.handshake.encrypt(text))
    const pieces = encrypt(text)
    return pieces.byteLength <= JOINED_BYTES ? pieces.subarray() : pieces
  }
  // The library's own copies a message that came in two pieces, to have room for its text.
  sealed.decrypt = (message) => sealed.handshake.decrypt(message)
  const { decoder } = sealed
  decoder.decode = (bytes) => wholeOf(decoder.buffer, bytes)
}

/** A message behind its length. */
function lengthened(message: Uint8Array | Uint8ArrayList): Uint8Array {
  const bytes = message.byteLength
  const whole = Buffer.allocUnsafe(LENGTH_BYTES + bytes)
  whole[0] = bytes >> 8
  whole[1] = bytes & 0xff
  let at = LENGTH_BYTES
  for (const piece of message instanceof Uint8Array ? [message] : message) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

/**
 * The messages that are whole with these bytes, each behind its length; the rest stays in `held`.
 * The library's own throws an error behind each last one, which costs as much as a small frame.
 */
export function wholeOf(
  held: Uint8ArrayList, bytes: Uint8Array | Uint8ArrayList
): (Uint8Array | Uint8ArrayList)[] {
  // Mostly one message comes, and it alone.
  if (held.byteLength === 0 && bytes.byteLength <= JOINED_BYTES) {
    const one = bytes instanceof Uint8Array ? bytes : bytes.subarray()
    const end = LENGTH_BYTES + (one[0]! << 8 | one[1]!)
    if (one.length === end && end > LENGTH_BYTES) return [one.subarray(LENGTH_BYTES)]
  }
  const whole: Uint8ArrayList[] = []
  held.append(bytes)
  while (held.byteLength >= LENGTH_BYTES) {
    const end = LENGTH_BYTES + (held.get(0) << 8 | held.get(1))
    if (held.byteLength < end) break
    if (end > LENGTH_BYTES) whole.push(held.sublist(LENGTH_BYTES, end))
    held.consume(end)
  }
  return whole
}

/** All pieces go into the socket, whether it has room or not: they are one message at most. */
function writeWhole(road: Road): void {
  const { socket } = road
  road.sendData = (pieces) => {
    const { byteLength } = pieces
    if (byteLength <= JOINED_BYTES) {
      return { sentBytes: byteLength, canSendMore: socket.write(pieces.subarray()) }
    }
    let room = true
    socket.cork()
    for (const piece of pieces) room = socket.write(piece)
    socket.uncork()
    return { sentBytes: byteLength, canSendMore: room }
  }
}
