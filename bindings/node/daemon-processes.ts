/**
 * The daemon's side of the verbs about processes.
 *
 * Lives here: mkproc, stdin, stdout, stderr, wait, waitall and signal, as calls of the public API.
 * Does not live here: running processes (process.ts), messages of channels (daemon-channels.ts).
 */
import type { Circuit, Command } from '../js/circuit.ts'
import { Loss, Refusal } from '../js/errors.ts'
import { signals } from '../js/tables.ts'
import { handOver, withChannel, type Worker } from './daemon-channels.ts'
import type { Errand } from './daemon-errand.ts'
import { shown, toJson } from './daemon-json.ts'

interface Exit { code: number | null, signal: string | null }

/** A shell's way to say that a signal ended a process. */
const SIGNALED = 128

export const process_workers: { readonly [verb: string]: Worker } = {
  mkproc, stdin, wait, waitall, signal,
  stdout: (errand, circuit) => output(errand, circuit, 'stdout'),
  stderr: (errand, circuit) => output(errand, circuit, 'stderr')
}

async function mkproc(errand: Errand, circuit: Circuit): Promise<void> {
  const command = errand.request['command'] as Command
  const started = await circuit.start(errand.text('path'), command)
  started[Symbol.dispose]()
}

/** Input goes on until it ends; then the process's input is closed, so that it sees the end too. */
async function stdin(errand: Errand, circuit: Circuit): Promise<void> {
  const { signal } = errand
  await withChannel(circuit, `${errand.text('path')}/stdin`, async (channel) => {
    for (let batch = await errand.want(); batch !== undefined; batch = await errand.want()) {
      for (const bytes of batch) await channel.send(bytes, { signal })
    }
    await channel.close().catch((error: unknown) => {
      // A process that ended by what it read has closed its input itself: all of it was sent.
      if (!(error instanceof Refusal && error.code === 'CLOSED')) throw error
    })
  })
}

async function output(errand: Errand, circuit: Circuit, name: string): Promise<void> {
  await withChannel(circuit, `${errand.text('path')}/${name}`, async (channel) => {
    while (await handOver(errand, channel, (value) => shown(value, false)));
  })
}

/** A line for each as it ends; with one named, its own status is the verb's. */
async function wait(errand: Errand, circuit: Circuit): Promise<number> {
  const paths = errand.texts('paths')
  const exits = await waitFor(errand, circuit, paths)
  return paths.length === 1 ? statusOf(exits[0]!) : 0
}

/** All processes that are there now, at any peer. */
async function waitall(errand: Errand, circuit: Circuit): Promise<void> {
  const paths: string[] = []
  for await (const entry of circuit.list('/...')) {
    if (entry.kind === 'process') paths.push(entry.path)
  }
  await waitFor(errand, circuit, paths)
}

/** A peer that leaves takes its processes along: the others are waited for all the same. */
async function waitFor(errand: Errand, circuit: Circuit, paths: string[]): Promise<Exit[]> {
  const ends = await Promise.allSettled(paths.map(async (path) => {
    const exit = await exitOf(errand, circuit, path)
    await errand.print(`${toJson({ path, ...exit })}\n`)
    return exit
  }))
  return ends.map((end) => {
    if (end.status === 'rejected') throw end.reason
    return end.value
  })
}

async function exitOf(errand: Errand, circuit: Circuit, path: string): Promise<Exit> {
  const { signal } = errand
  return withChannel(circuit, `${path}/exit`, async (channel) => {
    const { value, ok } = await channel.receive({ signal })
    if (!ok) throw new Loss('LEFT', path)
    const exit = value as Exit
    return { code: exit.code, signal: exit.signal }
  })
}

function statusOf(exit: Exit): number {
  return exit.code ?? SIGNALED + (signals[exit.signal ?? ''] ?? 0)
}

async function signal(errand: Errand, circuit: Circuit): Promise<void> {
  const name = errand.text('name')
  if (signals[name] === undefined) {
    throw new Refusal('BAD_ARGUMENT', `signal is one of ${Object.keys(signals).join(', ')}`)
  }
  using process = await circuit.attach(errand.text('path'))
  await process.signal(name)
}
