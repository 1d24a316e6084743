/**
 * The verb help: the table of verbs, for people.
 *
 * Lives here: its layout. Does not live here: its texts (verbs.ts).
 */
import { shared_flags, flags, verbs, type Flag, type FlagName } from './verbs.ts'
import { misuse, type Call } from './words.ts'

/** Prints about all verbs, or about the one that is named. */
export async function run(call: Call): Promise<number> {
  const [name] = call.words
  if (name !== undefined && !Object.hasOwn(verbs, name)) misuse(`There is no verb ${name}`)
  process.stdout.write(name === undefined ? allVerbs() : oneVerb(name))
  return 0
}

function allVerbs(): string {
  const rows = Object.entries(verbs).map(([name, { about }]) => [name, about] as const)
  return `Channels, select and processes across your machines; a peer that runs here does the work.

circuit VERB …

${columns(rows)}
Flags with every verb:

${columns(shared_flags.map(flagRow))}
Exit codes: 0 done · 1 refused · 2 not called so · 3 the channel is closed · 69 the peer is lost ·
75 --try would have to wait. "circuit help VERB" tells more of each.
`
}

function oneVerb(name: string): string {
  const { usage, about, more, flags: own } = verbs[name]!
  const told = more === undefined ? '' : `\n${more}\n`
  return `circuit ${usage}\n\n${about[0]!.toUpperCase()}${about.slice(1)}.\n${told}\n${
    columns([...own, ...shared_flags].map(flagRow))}`
}

function flagRow(name: FlagName): readonly [string, string] {
  const { value, short, about }: Flag = flags[name]
  const written = short === undefined ? `--${name}` : `-${short}, --${name}`
  return [value === undefined ? written : `${written} ${value}`, about]
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join('')
}
