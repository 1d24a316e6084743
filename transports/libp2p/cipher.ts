/**
 * The ciphers of Noise, as Node does them fastest.
 *
 * Lives here: sealing and opening one Noise message. Does not live here: the handshake and its
 * keys (the noise library), what is in a message (transports/libp2p/sealed).
 *
 * A key is imported once: Node takes four times as long for a small message when it is given the
 * raw bytes of the key each time. Small messages are for the library's wasm, which is faster there.
 */
import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto'
import { defaultCrypto } from '@chainsafe/libp2p-noise/crypto'
import { Uint8ArrayList } from 'uint8arraylist'
import type { KeyObject } from 'node:crypto'
import type { ICryptoInterface } from '@chainsafe/libp2p-noise'

const CIPHER = 'chacha20-poly1305'
const TAG_BYTES = 16
const OPTIONS = { authTagLength: TAG_BYTES }
/** Below this the library's wasm is faster: 256 bytes take it 2.8 µs, and Node 3.8. */
const SMALL_BYTES = 512

const keys = new WeakMap<Uint8Array, KeyObject>()

function keyOf(bytes: Uint8Array): KeyObject {
  let key = keys.get(bytes)
  if (key === undefined) {
    key = createSecretKey(bytes)
    keys.set(bytes, key)
  }
  return key
}

/** What the noise library is handed for its work; all but the cipher is its own. */
export const noiseCrypto: ICryptoInterface = {
  ...defaultCrypto,
  /** The text in as many pieces as it came in, and its tag. */
  chaCha20Poly1305Encrypt(text, nonce, data, key) {
    if (text.byteLength < SMALL_BYTES) {
      return defaultCrypto.chaCha20Poly1305Encrypt(text, nonce, data, key)
    }
    const cipher = createCipheriv(CIPHER, keyOf(key), nonce, OPTIONS)
    if (data.length > 0) cipher.setAAD(data, { plaintextLength: text.byteLength })
    const sealed = new Uint8ArrayList()
    for (const piece of piecesOf(text)) sealed.append(cipher.update(piece))
    cipher.final()
    sealed.append(cipher.getAuthTag())
    return sealed
  },
  /** Throws when the tag is not of this text and key. */
  chaCha20Poly1305Decrypt(sealed, nonce, data, key, into) {
    if (sealed.byteLength < SMALL_BYTES) {
      return defaultCrypto.chaCha20Poly1305Decrypt(sealed, nonce, data, key, into)
    }
    const text_bytes = sealed.byteLength - TAG_BYTES
    const decipher = createDecipheriv(CIPHER, keyOf(key), nonce, OPTIONS)
    if (data.length > 0) decipher.setAAD(data, { plaintextLength: text_bytes })
    decipher.setAuthTag(sealed.subarray(text_bytes))
    const text = new Uint8ArrayList()
    const body = sealed instanceof Uint8Array
      ? sealed.subarray(0, text_bytes) : sealed.sublist(0, text_bytes)
    for (const piece of piecesOf(body)) text.append(decipher.update(piece))
    decipher.final()
    return text
  }
}

function piecesOf(bytes: Uint8Array | Uint8ArrayList): Iterable<Uint8Array> {
  return bytes instanceof Uint8Array ? [bytes] : bytes
}
