#!/usr/bin/env node
/**
 * The program `circuit`.
 *
 * Lives here: which file does a verb, and the end of the program. Does not live here: the table of
 * verbs (verbs.ts), reading a call (words.ts), exit codes (exits.ts).
 *
 * Only what every verb needs is imported here; the file of the verb comes when it is known, so that
 * a verb that asks the daemon loads neither a peer nor a core.
 */
import { fail, failureOf } from './exits.ts'
import { watchLauncher } from './launcher.ts'
import type { Verb } from './verbs.ts'
import { readCall, type Call } from './words.ts'

interface Room { run(call: Call): Promise<number> }

const rooms: { readonly [room in Verb['room']]: () => Promise<Room> } = {
  start: () => import('./start.ts'),
  tickets: () => import('./tickets.ts'),
  channels: () => import('./channels.ts'),
  select: () => import('./select.ts'),
  processes: () => import('./processes.ts'),
  members: () => import('./members.ts'),
  shell: () => import('./shell.ts'),
  help: () => import('./help.ts')
}

async function main(): Promise<number> {
  try {
    const call = readCall(process.argv.slice(2))
    watchLauncher(call.name === 'start')
    const { run } = await rooms[call.verb.room]()
    return await run(call)
  } catch (error) {
    return fail(failureOf(error))
  }
}

// Standard output to a pipe or file is written by now; what is still open is not waited for.
process.exit(await main())
