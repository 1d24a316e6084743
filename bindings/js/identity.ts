/**
 * Ed25519 keys and the libp2p peer ids that name them.
 *
 * Lives here: peer id ↔ public key, a signer made from a seed, the check of a signature. Does not
 * live here: what is signed (cose, certificate), where keys are kept (bindings/node/keys), where
 * the random bytes of a new seed come from (drive; they are handed in).
 *
 * Invariants: an id made here reads back as the same key; an id that is not an Ed25519 key in its
 * one canonical spelling reads as undefined; the seed never leaves a signer.
 */

/** Bytes of a seed and of a public key. */
export const KEY_BYTES = 32

/** Can sign as one peer or as a circuit. Holds the private key; gives only these three. */
export interface Signer {
  /** The libp2p peer id of the public key. */
  readonly id: string
  readonly public_key: Uint8Array
  /** Gives the 64 bytes of an Ed25519 signature. */
  sign(bytes: Uint8Array): Promise<Uint8Array>
}

type Bytes = Uint8Array<ArrayBuffer>

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
const DIGITS = new Map([...ALPHABET].map((letter, digit) => [letter, digit]))

/** An identity multihash of 36 bytes: a libp2p key message that says Ed25519, 32 bytes. */
const ID_HEAD = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20)
const ID_BYTES = ID_HEAD.length + KEY_BYTES
const ID_TEXT_MAX = 64

/** What stands before the seed in an Ed25519 private key in PKCS #8 form (RFC 8410). */
const PKCS8_HEAD = Uint8Array.of(
  0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20
)

/**
 * Makes a signer from a seed.
 *
 * @param seed 32 random bytes; copied, the caller keeps and may wipe its own.
 * @returns the signer, once the platform's WebCrypto has derived the public key.
 * @throws RangeError when the seed is not 32 bytes.
 */
export async function signerOf(seed: Uint8Array): Promise<Signer> {
  if (seed.length !== KEY_BYTES) throw new RangeError(`a seed has ${KEY_BYTES} bytes`)
  const wrapped = join(PKCS8_HEAD, seed)
  const { subtle } = globalThis.crypto
  // Only an extractable key tells its public half; the one that stays cannot be read again.
  const open = await subtle.importKey('pkcs8', wrapped, 'Ed25519', true, ['sign'])
  const { x } = await subtle.exportKey('jwk', open)
  const key = await subtle.importKey('pkcs8', wrapped, 'Ed25519', false, ['sign'])
  wrapped.fill(0)
  const public_key = fromBase64url(x ?? '')
  if (public_key?.length !== KEY_BYTES) throw new RangeError('the platform gave no public key')
  return {
    id: idOfKey(public_key),
    public_key,
    sign: async (bytes) => new Uint8Array(await subtle.sign('Ed25519', key, whole(bytes)))
  }
}

/**
 * Says whether a signature is one of this key over these bytes. Bytes of any length may be given;
 * what is malformed is not a signature.
 */
export async function signedBy(
  public_key: Uint8Array, signature: Uint8Array, bytes: Uint8Array
): Promise<boolean> {
  if (public_key.length !== KEY_BYTES || signature.length !== 2 * KEY_BYTES) return false
  const { subtle } = globalThis.crypto
  try {
    const key = await subtle.importKey('raw', whole(public_key), 'Ed25519', false, ['verify'])
    return await subtle.verify('Ed25519', key, whole(signature), whole(bytes))
  } catch {
    return false // 32 bytes that are no point on the curve
  }
}

/** The libp2p peer id of an Ed25519 public key of 32 bytes: `12D3KooW…`. */
export function idOfKey(public_key: Uint8Array): string {
  if (public_key.length !== KEY_BYTES) throw new RangeError(`a key has ${KEY_BYTES} bytes`)
  return base58(join(ID_HEAD, public_key))
}

/** The Ed25519 public key in a libp2p peer id, or undefined when there is none. */
export function keyOfId(id: string): Uint8Array | undefined {
  const bytes = fromBase58(id)
  if (bytes?.length !== ID_BYTES) return undefined
  if (!ID_HEAD.every((byte, at) => bytes[at] === byte)) return undefined
  return bytes.subarray(ID_HEAD.length)
}

/** Bytes as base64url without padding (RFC 4648, section 5). */
export function base64url(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 3072) { // the argument list has a bound
    text += String.fromCharCode(...bytes.subarray(at, at + 3072))
  }
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** The bytes of base64url text, or undefined when it is not the one spelling of any. */
export function fromBase64url(text: string): Bytes | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return undefined
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  const bytes = Uint8Array.from(binary, (letter) => letter.charCodeAt(0))
  return base64url(bytes) === text ? bytes : undefined
}

function base58(bytes: Uint8Array): string {
  const digits: number[] = []
  for (const byte of bytes) {
    let carry = byte
    for (let at = 0; at < digits.length || carry > 0; at++) {
      carry += (digits[at] ?? 0) * 256
      digits[at] = carry % 58
      carry = Math.floor(carry / 58)
    }
  }
  const zeros = bytes.findIndex((byte) => byte !== 0)
  const lead = zeros < 0 ? bytes.length : zeros
  return '1'.repeat(lead) + digits.reverse().map((digit) => ALPHABET[digit]).join('')
}

function fromBase58(text: string): Uint8Array | undefined {
  if (text.length === 0 || text.length > ID_TEXT_MAX) return undefined
  const bytes: number[] = []
  for (const letter of text) {
    let carry = DIGITS.get(letter)
    if (carry === undefined) return undefined
    for (let at = 0; at < bytes.length || carry > 0; at++) {
      carry += (bytes[at] ?? 0) * 58
      bytes[at] = carry % 256
      carry = Math.floor(carry / 256)
    }
  }
  const lead = /^1*/.exec(text)![0].length
  return Uint8Array.from([...new Array<number>(lead).fill(0), ...bytes.reverse()])
}

function join(head: Uint8Array, tail: Uint8Array): Bytes {
  const joined = new Uint8Array(head.length + tail.length)
  joined.set(head)
  joined.set(tail, head.length)
  return joined
}

/** WebCrypto's types want bytes over a plain ArrayBuffer. */
function whole(bytes: Uint8Array): Bytes {
  return bytes.buffer instanceof ArrayBuffer ? bytes as Bytes : new Uint8Array(bytes)
}
