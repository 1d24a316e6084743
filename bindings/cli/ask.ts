/**
 * One verb's talk with the daemon.
 *
 * Lives here: asking, writing what comes, taking what is offered, withdrawing at a signal. Does not
 * live here: the order of messages (bindings/node/daemon-errand.ts), what is asked (channels.ts and
 * its siblings), where input comes from (input.ts).
 *
 * Invariants: what was offered is written only after the daemon has said that it is ours; a signal
 * takes back what waits and the exit code tells what became of it; a second one ends at once.
 */
import { Loss } from '../js/errors.ts'
import { ERROR_WITHDRAWN } from '../js/tables.ts'
import { stateFolder } from '../node/folder.ts'
import { connect, type Message, type Wire } from '../node/socket.ts'
import { EXIT_PIPE, EXIT_SIGNALED, fail, failureOf } from './exits.ts'
import { launcherGone } from './launcher.ts'
import { valueOf, type Call } from './words.ts'

/** Gives the next batch of input, undefined at its end. */
export type Input = () => Promise<Uint8Array[] | undefined>

/** Of the daemon's protocol with verbs; it refuses others. */
const VERSION = 1
const SIGNALS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const
/** A withdrawal is answered at once, or the daemon hangs. */
const WITHDRAWAL_MS = 2_000

/** The state folder that a call means. */
export function folderOf(call: Call): string {
  return stateFolder(valueOf(call, 'circuit'), valueOf(call, 'state'))
}

/**
 * Lets the running peer do a verb's work; gives the exit code. `request` goes as it is; `input` is
 * read only as fast as the work takes it. Throws NO_PEER_HERE when no peer runs.
 */
export async function ask(call: Call, request: Message, input?: Input): Promise<number> {
  const folder = folderOf(call)
  const wire = await connect(folder)
  const interrupted = withdrawAtSignals(wire)
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    wire.destroy()
    process.exit(error.code === 'EPIPE' ? EXIT_PIPE : fail(failureOf(error)))
  })
  await wire.send({ version: VERSION, verb: call.name, ...request })
  let held: Uint8Array[] = []
  for await (const word of wire.messages()) {
    if (word['print'] instanceof Uint8Array) await write(word['print'])
    else if (word['hold'] instanceof Uint8Array) held.push(word['hold'])
    else if (word['offer'] === true) {
      // Nobody would see it: the message stays where it is.
      if (launcherGone()) break
      await wire.send({ take: true })
    }
    else if (word['denied'] === true) held = []
    else if (word['taken'] === true) {
      for (const bytes of held.splice(0)) await write(bytes)
    } else if (word['want'] === true) {
      // Not awaited: an error may come while a terminal gives nothing.
      void feed(wire, input)
    } else if (word['done'] === true) return Number(word['status'])
    else if (typeof word['error'] === 'number') return failed(word, interrupted())
  }
  throw new Loss('LEFT', folder)
}

function failed(word: Message, signal: number | undefined): number {
  const number = Number(word['error'])
  if (number === ERROR_WITHDRAWN && signal !== undefined) return EXIT_SIGNALED + signal
  return fail({ number, message: String(word['sentence']), outcome: word['outcome'] })
}

async function feed(wire: Wire, input: Input | undefined): Promise<void> {
  try {
    const data = await input?.()
    await wire.send(data === undefined ? { end: true } : { data })
  } catch (error) {
    wire.destroy()
    process.exit(fail(error as Loss))
  }
}

/** Gives the signal that came, if one did. */
function withdrawAtSignals(wire: Wire): () => number | undefined {
  let came: number | undefined
  for (const [name, number] of Object.entries(SIGNALS)) {
    process.on(name, () => {
      if (came !== undefined) process.exit(EXIT_SIGNALED + number)
      came = number
      void wire.send({ withdraw: true })
      setTimeout(() => process.exit(EXIT_SIGNALED + number), WITHDRAWAL_MS).unref()
    })
  }
  return () => came
}

function write(bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(bytes, () => resolve())
  })
}
