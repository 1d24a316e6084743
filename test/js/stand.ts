/**
 * Circuits for the tests of the JavaScript binding: real cores, in this process.
 *
 * Lives here: making one peer, or several on a memory network that admits everyone. Does not live
 * here: what is tested (the other files of this folder).
 */
import { readFileSync } from 'node:fs'
import { createCircuit } from '../../bindings/js/index.ts'
import type { CaseName, Circuit, CircuitOptions, Outcome } from '../../bindings/js/index.ts'
import { MemoryNetwork } from '../../transports/memory.ts'
import type { TestContext } from '../suite.ts'

export const wasm = new WebAssembly.Module(
  readFileSync(new URL('../../dist/circuit.wasm', import.meta.url)))

const ALL_RIGHTS = 7

/** One peer; it leaves when the test is over. */
export async function peer(
  t: TestContext, options: Partial<CircuitOptions> = {}
): Promise<Circuit> {
  const circuit = await createCircuit({
    wasm,
    id: 'id-alice',
    name: 'alice',
    incarnation: 1,
    chain: new Uint8Array([1]),
    transports: [],
    verify: async () => ({ rights: ALL_RIGHTS, prefix: '', expires: 0 }),
    ...options
  })
  t.after(() => circuit.leave())
  return circuit
}

/** Peers of these names on one network, each of whom sees all. */
export async function peers<const N extends readonly string[]>(
  t: TestContext, names: N, network = new MemoryNetwork()
): Promise<{ [I in keyof N]: Circuit }> {
  const made = await Promise.all(names.map((name) =>
    peer(t, { id: `id-${name}`, name, transports: [network.transport(`id-${name}`)] })))
  for (const one of made) {
    for (const other of made) {
      if (one !== other) one.found(other.self.id, [...other.self.addresses])
    }
  }
  await Promise.all(made.map((one) => until(() => one.peers().length === names.length)))
  return made as unknown as { [I in keyof N]: Circuit }
}

/** Waits for a condition, looking after each turn of the event loop. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1))
}

/** Lets all that is ready in this process happen. */
export async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

/** What a Refusal, a Loss or a Fault may have. */
export interface Met extends Error {
  code: string, number: number, outcome?: Outcome, case?: CaseName
}

/** The error that a promise rejects with. */
export async function errorOf(promise: Promise<unknown>): Promise<Met> {
  try {
    await promise
  } catch (error) {
    return error as Met
  }
  throw new Error('it did not reject')
}

/** The code that a promise rejects with. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  return (await errorOf(promise)).code
}
