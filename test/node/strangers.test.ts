/**
 * Peers without a valid chain, at the door of a real one: they get a closed stream, nothing else.
 */
import * as assert from 'uvu/assert'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as pathOf } from 'node:path'
import { certify } from '../../bindings/js/certificate.ts'
import { createCircuit, type Circuit } from '../../bindings/js/circuit.ts'
import { decodePlain, encodePlain, type Plain } from '../../bindings/js/cose.ts'
import { signerOf, type Signer } from '../../bindings/js/identity.ts'
import { RIGHT_CHANNEL } from '../../bindings/js/tables.ts'
import { admit, readTicket, useTicket, type Issuer } from '../../bindings/js/ticket.ts'
import { drive } from '../../bindings/node/drive.ts'
import { join } from '../../bindings/node/join.ts'
import { readKey } from '../../bindings/node/keys.ts'
import { circuitWasm } from '../../bindings/node/wasm.ts'
import { libp2pTransport } from '../../transports/libp2p.ts'
import { suite, type TestContext } from '../suite.ts'

const test = suite('node: strangers')

const NOTHING = new Uint8Array(0)
const all = { rights: 7, prefix: '', expires_s: 0 }

interface Door { alice: Circuit, root: Issuer, folder: string }

/** A real peer that founded its circuit, and the circuit's key to make chains with. */
async function door(t: TestContext): Promise<Door> {
  const folder = mkdtempSync(pathOf(tmpdir(), 'circuit-door-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const alice = await join({
    name: 'alice', state: folder, discovery: 'none', listen: ['/ip4/127.0.0.1/tcp/0']
  })
  t.after(() => alice.leave())
  const { signer } = (await readKey(pathOf(folder, 'circuit.key')))!
  return { alice, folder, root: { signer, circuit: signer.id, chain: NOTHING, claims: undefined } }
}

/** A peer that shows whatever chain it wants, admits anybody, and knows where alice is. */
async function visitor(
  t: TestContext, { alice }: Door, name: string, chainFor: (signer: Signer) => Promise<Uint8Array>
): Promise<Circuit> {
  const seed = drive.random(32)
  const signer = await signerOf(seed)
  const transport = await libp2pTransport({ key: seed, listen: ['/ip4/127.0.0.1/tcp/0'] })
  const circuit = await createCircuit({
    wasm: await circuitWasm(), id: signer.id, name, incarnation: 1,
    chain: await chainFor(signer), transports: [transport],
    verify: async () => ({ rights: 7, prefix: '', expires: 0 })
  })
  t.after(() => circuit.leave())
  circuit.found(alice.self.id, [...alice.self.addresses])
  alice.found(signer.id, [...circuit.self.addresses])
  return circuit
}

/** The first certificates of a chain, and then others. */
function spliced(chain: Uint8Array, from: number, to?: number): Uint8Array {
  return encodePlain((decodePlain(chain) as Plain[]).slice(from, to))
}

const CHAINS: Record<string, (door: Door, me: Signer) => Promise<Uint8Array>> = {
  none: async () => NOTHING,
  garbage: async () => Uint8Array.from({ length: 300 }, (_, at) => at * 31),
  foreign: async (_, me) => {
    const signer = await signerOf(drive.random(32))
    return await admit({ signer, circuit: signer.id, chain: NOTHING, claims: undefined }, me.id)
  },
  expired: async ({ root }, me) => await certify(root.signer, root.circuit, NOTHING,
    { ...all, subject: me.id, pass: 0, expires_s: Math.floor(drive.now() / 1000) - 1 }),
  widened: async ({ root }, me) => {
    const between = await signerOf(drive.random(32))
    const first = await certify(root.signer, root.circuit, NOTHING,
      { ...all, subject: between.id, rights: RIGHT_CHANNEL, pass: 3 })
    return await certify(between, root.circuit, first, { ...all, subject: me.id, pass: 0 })
  },
  forged: async ({ root }, me) => {
    const forger: Signer = { ...me, id: root.circuit }
    return await certify(forger, root.circuit, NOTHING, { ...all, subject: me.id, pass: 0 })
  },
  cut: async ({ root }, me) => {
    const between = await signerOf(drive.random(32))
    const first = await admit(root, between.id)
    const chain = await certify(between, root.circuit, first, { ...all, subject: me.id, pass: 0 })
    return spliced(chain, 1)
  },
  stolen: async ({ root, alice }) => await admit(root, alice.self.id),
  ticket: async ({ alice }) => (await readTicket(await alice.invite(), drive.now())).chain,
  greedy: async ({ alice }, me) => {
    const text = await alice.invite({ rights: ['channel'] })
    return await useTicket(await readTicket(text, drive.now()), me.id, { rights: 7 })
  }
}

test('no chain but a valid one opens the door', async (t) => {
  const open = await door(t)
  const strangers = await Promise.all(Object.entries(CHAINS).map(
    ([name, chain]) => visitor(t, open, name, (me) => chain(open, me))))
  await new Promise((resolve) => setTimeout(resolve, 400))
  const friend = await visitor(t, open, 'friend', (me) => admit(open.root, me.id))
  while (open.alice.peers().length < 2 || friend.peers().length < 2) {
    if (t.signal.aborted) throw new Error('the friend was not let in')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  assert.equal(open.alice.peers().map(({ name }) => name).sort(), ['alice', 'friend'])
  // They admit anybody, and still learn nothing: the one who is asked says nothing to a stranger.
  for (const stranger of strangers) {
    assert.equal(stranger.peers().map(({ name }) => name), [stranger.self.name])
  }
}, { timeout_ms: 20_000 })

test('what a chain gives ends at its expiry, while the link is up', async (t) => {
  const open = await door(t)
  const until = async (holds: () => boolean) => {
    while (!holds()) {
      t.signal.throwIfAborted()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  // A busy machine may need longer than the first of them lasts.
  for (const lasting_s of [2, 8, 32]) {
    const name = `guest-${lasting_s}`
    const expires_s = Math.floor(drive.now() / 1000) + lasting_s
    const over = () => drive.now() >= expires_s * 1000
    await visitor(t, open, name, (me) => certify(open.root.signer,
      open.root.circuit, NOTHING, { ...all, subject: me.id, pass: 0, expires_s }))
    const here = () => open.alice.peers().some((peer) => peer.name === name)
    await until(() => here() || over())
    if (!here()) continue
    await until(() => !here())
    assert.ok(over(), 'not sent away before its time')
    return
  }
  assert.unreachable('nobody was let in')
}, { timeout_ms: 15_000 })

test.run()
