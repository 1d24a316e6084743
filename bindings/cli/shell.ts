/**
 * The verbs that need no peer: completion and version.
 *
 * Lives here: their printing. Does not live here: the scripts (completion.ts).
 */
import { readFileSync } from 'node:fs'
import { Refusal } from '../js/errors.ts'
import { shells } from './completion.ts'
import { misuse, type Call } from './words.ts'

/** Does one of these verbs; gives its exit code. */
export async function run(call: Call): Promise<number> {
  if (call.name === 'version') {
    process.stdout.write(`${version()}\n`)
    return 0
  }
  const shell = call.words[0]!
  const script = Object.hasOwn(shells, shell) ? shells[shell] : undefined
  if (script === undefined) return misuse(`SHELL is one of ${Object.keys(shells).join(', ')}`)
  process.stdout.write(script())
  return 0
}

/** The package's own: two folders up from the sources, three from what is built of them. */
function version(): string {
  for (const place of ['../../package.json', '../../../package.json']) {
    try {
      const text = readFileSync(new URL(place, import.meta.url), 'utf8')
      return (JSON.parse(text) as { version: string }).version
    } catch {
      continue
    }
  }
  throw new Refusal('BAD_STATE', 'the package.json of circuit')
}
