/**
 * The verb select.
 *
 * Lives here: its cases as a request. Does not live here: selecting
 * (bindings/node/daemon-channels.ts).
 */
import { TIMEOUT_MS_MAX } from '../js/tables.ts'
import type { Message } from '../node/socket.ts'
import { ask } from './ask.ts'
import { misuse, timeOf, type Call } from './words.ts'

/** Does the verb select; gives its exit code. */
export async function run(call: Call): Promise<number> {
  const cases = call.words.map(caseOf)
  const defaults = cases.filter((one) => one['default'] === true).length
  if (defaults > 1) misuse('The verb select takes one default')
  if (defaults === cases.length) misuse('The verb select takes a case beside default')
  return ask(call, { cases })
}

function caseOf(text: string): Message {
  if (text === 'default') return { default: true }
  const at = text.indexOf(':')
  const kind = text.slice(0, Math.max(at, 0))
  const rest = text.slice(at + 1)
  if (rest !== '') {
    if (kind === 'recv') return { recv: rest }
    if (kind === 'exit') return { exit: rest }
    if (kind === 'send') return sending(rest)
    if (kind === 'after') return { after: delayOf(rest) }
  }
  const kinds = 'recv:PATH, send:PATH=TEXT, exit:PATH, after:TIME or default'
  return misuse(`A case is ${kinds}, not ${text}`)
}

function sending(rest: string): Message {
  const at = rest.indexOf('=')
  if (at < 1) misuse(`A case that sends is send:PATH=TEXT, not send:${rest}`)
  return { send: rest.slice(0, at), text: rest.slice(at + 1) }
}

function delayOf(text: string): number {
  const ms = timeOf(text, 'The case after')
  if (ms <= TIMEOUT_MS_MAX) return ms
  return misuse(`The case after takes at most ${TIMEOUT_MS_MAX}ms, not ${text}`)
}
