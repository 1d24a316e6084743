/**
 * The verbs about tickets and keys: invite, join, keygen.
 *
 * Lives here: their words as requests, and a key file, which needs no peer. Does not live here:
 * what a ticket is (bindings/js/ticket), how keys are kept (bindings/node/keys).
 */
import { Refusal } from '../js/errors.ts'
import { ask } from './ask.ts'
import { misuse, timeOf, valueOf, type Call } from './words.ts'

const RIGHTS = ['channel', 'process', 'admin']
const SEED_BYTES = 32

/** Does one of these verbs; gives its exit code. */
export async function run(call: Call): Promise<number> {
  switch (call.name) {
    case 'invite': return ask(call, invitation(call))
    case 'join': return ask(call, { ticket: call.words[0] })
    default: return keygen(call.words[0]!)
  }
}

function invitation(call: Call): { rights?: string[], expires?: number } {
  const rights = valueOf(call, 'rights')?.split(',')
  const expires = valueOf(call, 'expires')
  const unknown = rights?.find((right) => !RIGHTS.includes(right))
  if (unknown !== undefined) misuse(`--rights takes some of ${RIGHTS.join(',')}, not ${unknown}`)
  return {
    ...rights === undefined ? {} : { rights },
    ...expires === undefined ? {} : { expires: timeOf(expires, '--expires') }
  }
}

/** Never over a file that is there: a key that is lost is an identity that is lost. */
async function keygen(path: string): Promise<number> {
  const { existsSync } = await import('node:fs')
  const { makeKey } = await import('../node/keys.ts')
  const { drive } = await import('../node/drive.ts')
  if (existsSync(path)) throw new Refusal('BAD_ARGUMENT', `${path} is there already`)
  const mark = Buffer.from(drive.random(6)).toString('hex')
  try {
    const { signer } = await makeKey(path, drive.random(SEED_BYTES), mark)
    process.stdout.write(`${signer.id}\n`)
  } catch (error) {
    throw new Refusal('BAD_ARGUMENT', `${path} cannot be written (${(error as Error).message})`)
  }
  return 0
}
