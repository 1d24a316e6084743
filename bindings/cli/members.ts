/**
 * The verbs about members: members, mk@join, mk@leave, leave.
 *
 * Lives here: their words as requests. Does not live here: their work
 * (bindings/node/daemon-members.ts).
 */
import { ask } from './ask.ts'
import type { Call } from './words.ts'

/** Does one of these verbs; gives its exit code. */
export async function run(call: Call): Promise<number> {
  const [path = ''] = call.words
  return ask(call, { path, follow: call.flags.has('follow') })
}
