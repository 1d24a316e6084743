/**
 * The words of a call.
 *
 * Lives here: telling verb, words, flags and command apart; times and K=V. Does not live here:
 * which verbs and flags there are (verbs.ts).
 *
 * Flags may stand anywhere before `--`, with their value in the next word or after `=`. What is
 * wrong is refused with MISUSE before anything is done.
 */
import { Refusal } from '../js/errors.ts'
import { shared_flags, flags, verbs, type Flag, type FlagName, type Verb } from './verbs.ts'

export interface Call {
  readonly name: string
  readonly verb: Verb
  readonly words: readonly string[]
  /** What stands after `--`; undefined without one. */
  readonly command: readonly string[] | undefined
  /** Each flag that was given, with its values in order; none for one that takes none. */
  readonly flags: ReadonlyMap<FlagName, readonly string[]>
}

const UNITS_MS: { readonly [unit: string]: number } = {
  ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000
}

/** `what` begins the sentence. */
export function misuse(what: string): never {
  throw new Refusal('MISUSE', what)
}

/** Reads the arguments of the program. No arguments, and --help, are calls of help. */
export function readCall(args: readonly string[]): Call {
  const end = args.indexOf('--')
  const command = end < 0 ? undefined : args.slice(end + 1)
  const words: string[] = []
  const given = new Map<FlagName, string[]>()
  const rest = end < 0 ? [...args] : args.slice(0, end)
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word.length > 1 && word.startsWith('-')) readFlag(word, rest, given)
    else words.push(word)
  }
  const name = words.shift() ?? 'help'
  if (given.has('help') && name !== 'help') return call('help', [name], undefined, new Map())
  return call(name, words, command, given)
}

/** The single value of a flag. */
export function valueOf(given: Call, flag: FlagName): string | undefined {
  return given.flags.get(flag)?.[0]
}

/** The values of a flag that may be given more than once, each split at its first `=`. */
export function pairsOf(given: Call, flag: FlagName): Record<string, string> | undefined {
  const pairs = given.flags.get(flag)?.map((text) => {
    const at = text.indexOf('=')
    if (at < 1) misuse(`--${flag} takes ${(flags[flag] as Flag).value}, not ${text}`)
    return [text.slice(0, at), text.slice(at + 1)]
  })
  return pairs && Object.fromEntries(pairs) as Record<string, string>
}

/** A time such as 500ms, 2s, 1h in ms. `what` names it where it is wrong. */
export function timeOf(text: string, what: string): number {
  const [, digits, unit] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text) ?? []
  if (digits === undefined) misuse(`${what} takes a time such as 500ms, 2s, 1h, not ${text}`)
  return Math.round(Number(digits) * UNITS_MS[unit!]!)
}

function call(
  name: string, words: readonly string[], command: readonly string[] | undefined,
  given: ReadonlyMap<FlagName, readonly string[]>
): Call {
  const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined
  if (verb === undefined) return misuse(`There is no verb ${name}`)
  for (const flag of given.keys()) {
    if (!verb.flags.includes(flag) && !shared_flags.includes(flag)) {
      misuse(`The verb ${name} takes no --${flag}`)
    }
  }
  const [least, most] = verb.words
  const right = words.length >= least && words.length <= most
    && (command === undefined || verb.command === true)
  if (!right) misuse(`Write circuit ${verb.usage}`)
  return { name, verb, words, command, flags: given }
}

function readFlag(word: string, rest: string[], given: Map<FlagName, string[]>): void {
  const at = word.indexOf('=')
  const written = at < 0 ? word : word.slice(0, at)
  const flag = flagOf(written)
  if (flag === undefined) return misuse(`There is no flag ${written}`)
  const shape: Flag = flags[flag]
  const before = given.get(flag)
  if (before !== undefined && shape.many !== true) misuse(`--${flag} is given twice`)
  if (shape.value === undefined) {
    if (at >= 0) misuse(`--${flag} takes no value`)
    given.set(flag, [])
    return
  }
  const value = at < 0 ? rest.shift() : word.slice(at + 1)
  if (value === undefined || value === '') return misuse(`--${flag} takes ${shape.value}`)
  given.set(flag, [...before ?? [], value])
}

function flagOf(written: string): FlagName | undefined {
  const names = Object.keys(flags) as FlagName[]
  if (written.startsWith('--')) return names.find((name) => name === written.slice(2))
  return names.find((name) => (flags[name] as Flag).short === written.slice(1))
}
