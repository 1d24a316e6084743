/**
 * The near side of a test: a peer in this process behind a proxy, and far ones that it has met.
 *
 * Lives here: making them and meeting. Does not live here: what is tested.
 */
import type { Circuit } from '../../bindings/js/circuit.ts'
import { Far } from './far_process.ts'
import { peerBehind } from './peer.ts'
import { Proxy } from './proxy.ts'

const LOOK_MS = 5

export interface Near { circuit: Circuit, proxy: Proxy, fars: Far[], end(): Promise<void> }

/** A near peer and far ones of these names; resolves when the near one has met all. */
export async function nearOf(names: readonly string[]): Promise<Near> {
  const proxy = await Proxy.open()
  const { circuit, port } = await peerBehind('near', 1, proxy.address)
  proxy.target = port
  const fars = await Promise.all(names.map((name, nth) => Far.start(name, nth + 2)))
  for (const far of fars) circuit.found(far.peer, [far.proxy.address])
  await until(() => circuit.peers().length === names.length + 1)
  const end = async () => {
    proxy.flow()
    await Promise.all(fars.map((far) => far.end()))
    await circuit.leave()
    await proxy.close()
  }
  return { circuit, proxy, fars, end }
}

/** Waits for a condition. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!await condition()) await sleep(LOOK_MS)
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
