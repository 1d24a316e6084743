/**
 * What the compiler must say about the public types; compiled, never run.
 *
 * Lives here: lines that must compile, and lines that must not, each marked. Does not live here:
 * the compiler (test/house/types.test.ts runs it over the whole house).
 */
import { after, select } from '../../bindings/js/index.ts'
import type { Channel, Circuit, Received } from '../../bindings/js/index.ts'

interface Job { name: string }
type Seen<A> = <T>() => T extends A ? 1 : 2
type Same<A, B> = Seen<A> extends Seen<B> ? true : false
const same = <A, B>(_: Same<A, B>): void => {}

export async function channels(circuit: Circuit): Promise<void> {
  const jobs = await circuit.make<Job>('jobs', { capacity: 1 })
  same<typeof jobs, Channel<Job>>(true)
  await jobs.send({ name: 'a' }, { signal: new AbortController().signal, timeout: 5 })
  // @ts-expect-error a message of another type
  await jobs.send(5)
  const { value, ok, again } = await jobs.receive()
  same<typeof again, boolean>(true)
  if (ok) same<typeof value, Job>(true)
  else same<typeof value, undefined>(true)
  // @ts-expect-error not before ok was looked at
  value.name
  same<Awaited<ReturnType<typeof jobs.tryReceive>>, Received<Job> | undefined>(true)
  same<Awaited<ReturnType<typeof jobs.trySend>>, boolean>(true)
  for await (const job of jobs) same<typeof job, Job>(true)
  for await (const { event, peer } of circuit.members()) {
    same<typeof event, 'joined' | 'left'>(true)
    same<typeof peer.since, number>(true)
  }
  const p = await circuit.start('/bob/p', { path: 'make', args: ['-j2'], env: {}, dir: '/src' })
  for await (const bytes of p.stdout) same<typeof bytes, Uint8Array>(true)
  same<Awaited<ReturnType<typeof p.wait>>['code'], number | null>(true)
}

export async function records(jobs: Channel<Job>, results: Channel<number>): Promise<void> {
  const chosen = await select({ job: jobs.receiving(), out: results.sending(1), late: after(1) })
  same<typeof chosen.case, 'job' | 'out' | 'late'>(true)
  if (chosen.case === 'job' && chosen.ok) same<typeof chosen.value, Job>(true)
  if (chosen.case === 'job' && !chosen.ok) same<typeof chosen.value, undefined>(true)
  if (chosen.case === 'out') {
    // @ts-expect-error a send has no value
    chosen.value
  }
  // @ts-expect-error there is no default
  if (chosen.case === 'default') return
  const now = await select({ job: jobs.receiving() }, { default: true })
  same<typeof now.case, 'job' | 'default'>(true)
  // @ts-expect-error a message of another type
  results.sending('x')
  // @ts-expect-error not a case
  await select({ job: jobs })
}

export async function lists(jobs: Channel<Job>, results: Channel<number>): Promise<void> {
  const chosen = await select([jobs.receiving(), results.receiving(), after(5)])
  same<typeof chosen.case, 0 | 1 | 2>(true)
  if (chosen.case === 0 && chosen.ok) same<typeof chosen.value, Job>(true)
  if (chosen.case === 1 && chosen.ok) same<typeof chosen.value, number>(true)
  const many = await select([jobs, jobs].map((one) => one.receiving()))
  same<typeof many.case, number>(true)
  if (many.ok) same<typeof many.value, Job>(true)
  const now = await select([jobs.receiving()], { default: true })
  same<typeof now.case, 0 | 'default'>(true)
}
