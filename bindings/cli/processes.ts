/**
 * The verbs about processes: mkproc, stdin, stdout, stderr, wait, waitall, signal.
 *
 * Lives here: their words as requests. Does not live here: their work
 * (bindings/node/daemon-processes.ts).
 */
import { Refusal } from '../js/errors.ts'
import { signals } from '../js/tables.ts'
import { ask } from './ask.ts'
import { allText, pieces } from './input.ts'
import { misuse, pairsOf, valueOf, type Call } from './words.ts'

/** Does one of these verbs; gives its exit code. */
export async function run(call: Call): Promise<number> {
  const [first = '', second = ''] = call.words
  switch (call.name) {
    case 'mkproc': return ask(call, { path: first, command: await commandOf(call) })
    case 'stdin': return ask(call, { path: first }, pieces())
    case 'wait': return ask(call, { paths: call.words })
    case 'signal': return ask(call, { name: signalOf(first), path: second })
    default: return ask(call, { path: first })
  }
}

async function commandOf(call: Call): Promise<object> {
  const [path, ...args] = call.command ?? []
  if (call.command === undefined) return fromInput(call)
  if (path === undefined) return misuse('The verb mkproc takes a command after --')
  const dir = valueOf(call, 'dir')
  const env = pairsOf(call, 'env')
  return {
    path, args, detached: call.flags.has('detached'),
    ...dir === undefined ? {} : { dir }, ...env === undefined ? {} : { env }
  }
}

async function fromInput(call: Call): Promise<object> {
  if (call.flags.has('dir') || call.flags.has('env') || call.flags.has('detached')) {
    misuse('The verb mkproc takes --dir, --env and --detached with a command after --')
  }
  let command: unknown
  try {
    command = JSON.parse(await allText('standard input'))
  } catch (error) {
    if (error instanceof Refusal) throw error
    throw new Refusal('BAD_ARGUMENT', `the command is not JSON: ${(error as Error).message}`)
  }
  if (command !== null && typeof command === 'object' && !Array.isArray(command)) return command
  throw new Refusal('BAD_ARGUMENT', 'a command is an object with a path')
}

function signalOf(text: string): string {
  const name = text.toUpperCase().replace(/^SIG/, '')
  if (Object.hasOwn(signals, name)) return name
  return misuse(`NAME is one of ${Object.keys(signals).join(', ')}, not ${text}`)
}
