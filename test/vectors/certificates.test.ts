/**
 * The vectors of certificates and tickets: up to date, and replayed.
 */
import * as assert from 'uvu/assert'
import { readFileSync } from 'node:fs'
import { verifyChain } from '../../bindings/js/certificate.ts'
import { Refusal } from '../../bindings/js/errors.ts'
import { signerOf } from '../../bindings/js/identity.ts'
import { readTicket } from '../../bindings/js/ticket.ts'
import { serviceOf } from '../../bindings/node/mdns-records.ts'
import { suite } from '../suite.ts'
import { VECTORS, vectorsText, type Vectors } from './certificates.ts'

const test = suite('vectors: certificates')

const text = readFileSync(VECTORS, 'utf8')
const vectors = JSON.parse(text) as Vectors
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'))

test('the file is what its maker makes', async () => {
  assert.is(await vectorsText(), text, 'run: node test/vectors/certificates.ts --write')
})

test('keys have these ids and services', async () => {
  for (const { seed, public_key, id, service } of vectors.keys) {
    const signer = await signerOf(bytes(seed))
    assert.equal([signer.id, serviceOf(id)], [id, service])
    assert.equal(signer.public_key, bytes(public_key))
  }
})

test('chains give this, or nothing', async () => {
  for (const one of vectors.chains) {
    const verdict = await verifyChain(one.circuit, bytes(one.chain), one.peer, one.now_ms)
    assert.is(verdict.valid, one.status === 0, one.id)
    if (!verdict.valid) continue
    const { rights, prefix, expires } = verdict.standing.admission
    assert.equal([rights, prefix, expires], [one.rights, one.prefix, one.expires_ms], one.id)
  }
  assert.ok(vectors.chains.some(({ status }) => status === 0))
})

test('tickets are read, or refused', async () => {
  for (const one of vectors.tickets) {
    const read = await readTicket(one.text, one.now_ms).catch((error: unknown) => error)
    if (one.status !== 0) {
      assert.is((read as Refusal).number, one.status, one.id)
      continue
    }
    const { circuit, addresses } = read as Awaited<ReturnType<typeof readTicket>>
    assert.equal([circuit, addresses], [one.circuit, one.addresses])
  }
})

test('every rule that is named exists', () => {
  const spec = readFileSync(new URL('../../spec/certificate.md', import.meta.url), 'utf8')
  for (const { shows } of [...vectors.chains, ...vectors.tickets]) {
    for (const rule of shows) assert.ok(spec.includes(`[${rule}]`), rule)
  }
})

test.run()
