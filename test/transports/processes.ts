/**
 * Links to a peer in another process, which is killed or frozen: what must hold over every road.
 *
 * Lives here: starting the other process (child.ts), what is asked of a link to it. Does not live
 * here: which road leads there (libp2p.test.ts, unix-ends.test.ts).
 */
import { spawn, type ChildProcess } from 'node:child_process'
import * as assert from 'uvu/assert'
import { dial, reasonOf, Witness, type Peer } from './compliance/witness.ts'
import { filled } from './samples.ts'
import type { Frame } from './framed.ts'
import type { DialError } from '../../transports/transport.ts'
import type { TestContext } from '../suite.ts'

/** What the child's key is made of: no peer of a test has the same. */
const CHILD = 9
/** What a link may do when its other side is killed. */
export const STATES = ['idle', 'full', 'paused'] as const
type State = typeof STATES[number]
type Mode = 'echo' | 'deaf'

interface Child { process: ChildProcess, peer: string, addresses: string[], exit: Promise<void> }

/** Frames with headers of 8 bytes and payloads of `size`. */
export function frames(count: number, size: number): Frame[] {
  return Array.from({ length: count },
    (_, i) => ({ header: filled(8, i), payload: filled(size, i) }))
}

async function childOf(t: TestContext, mode: Mode, folder: string | undefined): Promise<Child> {
  const file = new URL('child.ts', import.meta.url).pathname
  const where = folder === undefined ? [] : [folder]
  const child = spawn(process.execPath, [file, String(CHILD), mode, ...where],
    { stdio: ['pipe', 'pipe', 'inherit'] })
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  t.after(async () => {
    child.kill('SIGKILL')
    await exit
  })
  const line = await new Promise<string>((resolve) => child.stdout.once('data', resolve))
  return { process: child, exit, ...JSON.parse(line) as { peer: string, addresses: string[] } }
}

async function linkTo(
  t: TestContext, a: Peer, mode: Mode, folder: string | undefined
): Promise<{ child: Child, near: Witness }> {
  const child = await childOf(t, mode, folder)
  return { child, near: new Witness(await dial(a, child.peer, child.addresses)) }
}

/** Whoever is killed is down at once, and a dial of it is refused. A folder: over its socket. */
export async function killed(
  t: TestContext, a: Peer, how: State, folder?: string
): Promise<void> {
  const { child, near } = await linkTo(t, a, how === 'full' ? 'deaf' : 'echo', folder)
  if (how === 'full') {
    near.fill(frames(16, 4_000))
  } else {
    if (how === 'paused') near.onFrames = () => near.link.pause()
    near.send(frames(10, 10))
    await near.until(() => near.count > 0)
    near.send(frames(1_000, 10))
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  child.process.kill('SIGKILL')
  await child.exit
  const began = performance.now()
  await near.gone()
  const took_ms = performance.now() - began
  assert.equal(near.downs, [false])
  assert.is(await reasonOf(dial(a, child.peer, child.addresses)), 'refused')
  t.within(1_000, took_ms, 'being told')
}

/** Whoever is frozen ends nothing, and goes on where it was when it thaws. */
export async function frozen(t: TestContext, a: Peer, folder?: string): Promise<void> {
  const { child, near } = await linkTo(t, a, 'echo', folder)
  child.process.kill('SIGSTOP')
  const sent = near.fill(frames(16, 4_000))
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.equal([near.downs.length, near.readies, near.count], [0, 0, 0])
  const asked = a.transport.dial(child.peer, child.addresses, AbortSignal.timeout(300))
  const error = await asked.catch((why) => why as DialError) as DialError
  assert.is(error.reason, 'unreachable')
  child.process.kill('SIGCONT')
  await near.until(() => near.count === sent)
  assert.is(near.readies, 1)
}

/** Stopping takes at most so long while the other side is frozen. */
export async function stopped(
  t: TestContext, a: Peer, most_ms: number, folder?: string
): Promise<void> {
  const { child, near } = await linkTo(t, a, 'deaf', folder)
  child.process.kill('SIGSTOP')
  near.fill(frames(16, 4_000))
  const began = performance.now()
  await a.transport.stop()
  const took_ms = performance.now() - began
  assert.equal(near.downs, [false])
  t.within(most_ms, took_ms, 'stopping')
}
