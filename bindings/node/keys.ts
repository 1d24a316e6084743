/**
 * Ed25519 keys in files.
 *
 * Lives here: a seed as PEM (PKCS #8, as openssl writes it) and back, making and reading a key
 * file. Does not live here: signing (bindings/js/identity), which keys there are (state), random
 * bytes (drive).
 *
 * Invariant: a file that is there and is no key is refused and stays as it is.
 *
 * spec: RFC 8410 (Ed25519 in PKCS #8), RFC 7468 (PEM).
 */
import { createPrivateKey } from 'node:crypto'
import { refusal } from '../js/errors.ts'
import { KEY_BYTES, fromBase64url, signerOf, type Signer } from '../js/identity.ts'
import { NotPrivate, readPrivate, writePrivate } from './folder.ts'

const KEY_FILE_BYTES_MAX = 4096
const HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')

/** A key and the seed that it is made of. The seed is secret. */
export interface Key { readonly seed: Uint8Array, readonly signer: Signer }

/** A seed of 32 bytes as PEM text. */
export function pemOf(seed: Uint8Array): string {
  const body = Buffer.concat([HEAD, seed]).toString('base64')
  return `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`
}

/** The seed in PEM text, or undefined when that is no Ed25519 private key. */
export function seedOf(pem: string): Uint8Array | undefined {
  try {
    const { kty, crv, d } = createPrivateKey(pem).export({ format: 'jwk' })
    const seed = kty === 'OKP' && crv === 'Ed25519' ? fromBase64url(d ?? '') : undefined
    return seed?.length === KEY_BYTES ? seed : undefined
  } catch {
    return undefined
  }
}

/**
 * A key as users hand it in: PEM text, or the 32 bytes of a seed.
 *
 * @throws refusal BAD_KEY.
 */
export async function keyOf(given: string | Uint8Array): Promise<Key> {
  const seed = typeof given === 'string' ? seedOf(given) : given
  if (!(seed instanceof Uint8Array) || seed.length !== KEY_BYTES) {
    throw refusal('BAD_KEY', 'that was given')
  }
  return { seed, signer: await signerOf(seed) }
}

/**
 * Reads a key file.
 *
 * @returns the key, or undefined when there is no such file.
 * @throws refusal BAD_KEY when it is no key, or others could have read or changed it.
 */
export async function readKey(path: string): Promise<Key | undefined> {
  let bytes: Uint8Array | undefined
  try {
    bytes = readPrivate(path, KEY_FILE_BYTES_MAX)
  } catch (error) {
    if (error instanceof NotPrivate) throw refusal('BAD_KEY', `${path} (${error.message})`)
    throw error
  }
  if (bytes === undefined) return undefined
  const seed = seedOf(new TextDecoder().decode(bytes))
  if (seed === undefined) throw refusal('BAD_KEY', path)
  return { seed, signer: await signerOf(seed) }
}

/** Makes a key and keeps it in a file, on the disk before it is used. */
export async function makeKey(path: string, seed: Uint8Array, mark: string): Promise<Key> {
  writePrivate(path, pemOf(seed), mark, true)
  return { seed, signer: await signerOf(seed) }
}
