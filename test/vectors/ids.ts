/**
 * Requirements and what shows them.
 *
 * Lives here: the ids that spec/*.md defines, the ids that vectors and tests say they show, the
 * differences. Does not live here: whether a test is true to its word (a reader checks that), the
 * list of tests that show ids without naming them (shown.json).
 *
 * An id is defined where it stands in brackets, as `[CH-12]`; the numbered rules of protocol.md are
 * `PROTOCOL-n`. A test shows the ids that stand in its name, also as `rule 5` (of protocol.md), or
 * in a line `// spec: CH-12, SES-3` right above it; or shown.json names it beside the id.
 */
import { readdirSync, readFileSync } from 'node:fs'

export const ROOT = new URL('../../', import.meta.url)

export interface Defined { id: string, path: string }
/** A test by its file and name, with the ids that it says it shows. */
export interface Told { path: string, title: string, ids: string[] }
/** For an id, tests that show it: `path: the beginning of the name`. */
export type ShownTable = Record<string, string[]>

const ID = /\b(?:ABI|CERT|CH|END|JOIN|LIM|MEM|NAME|PR|PROTOCOL|SEL|SES|TR|VAL|WIRE)-\d+\b/g
const TITLE = /^[ \t]*(?:test|within)\((['"`])(.+?)\1,/

/** Every id that a text of spec/ defines. */
export function ids_of(path: string, text: string): Defined[] {
  const found = [...text.matchAll(/\[([A-Z]+-\d+)\]/g)].map(([, id]) => ({ id: id!, path }))
  if (!path.endsWith('protocol.md')) return found
  const rules = [...text.matchAll(/^(\d+)\. /gm)]
  return [...found, ...rules.map(([, nth]) => ({ id: `PROTOCOL-${nth}`, path }))]
}

/** Every test of a file, by its text. */
export function tests_of(path: string, text: string): Told[] {
  const lines = text.split('\n')
  return lines.flatMap((line, nth): Told[] => {
    const title = TITLE.exec(line)?.[2]
    if (title === undefined) return []
    const above = /^\s*\/\/ spec: (.*)$/.exec(lines[nth - 1] ?? '')?.[1] ?? ''
    const ids = [...`${title} ${above}`.matchAll(ID)].map(([id]) => id)
    const rule = /^rule (\d+)\b/.exec(title)?.[1]
    return [{ path, title, ids: rule === undefined ? ids : [...ids, `PROTOCOL-${rule}`] }]
  })
}

/** What is wrong: a list of sentences, empty when nothing is. */
export function disagreements(defined: Defined[], shown: ReadonlyMap<string, string[]>): string[] {
  const known = new Map<string, string>()
  const wrong: string[] = []
  for (const { id, path } of defined) {
    const before = known.get(id)
    if (before !== undefined) wrong.push(`${id} is defined twice, in ${before} and ${path}`)
    known.set(id, path)
    if (!shown.has(id)) wrong.push(`${id} (${path}) is shown by no vector and no test`)
  }
  for (const [id, by] of shown) {
    if (!known.has(id)) wrong.push(`${id} is defined nowhere; ${by[0]} shows it`)
  }
  return wrong
}

/** Ids that a text cites and nobody defines; numbers that went elsewhere may still be cited. */
export function unknown_ids(text: string, defined: Defined[], moved: readonly string[]): string[] {
  const known = new Set([...defined.map(({ id }) => id), ...moved])
  return [...new Set([...text.matchAll(ID)].map(([id]) => id))].filter((id) => !known.has(id))
}

/** The numbers of a document that went elsewhere: `WIRE-3: …` in the section that says so. */
export function moved_ids(text: string): string[] {
  const section = text.split('## Numbers that went elsewhere')[1] ?? ''
  return [...section.matchAll(/\b([A-Z]+-\d+): /g)].map(([, id]) => id!)
}

/** Entries of the table that name no test. */
export function lost_tests(table: ShownTable, tests: Told[]): string[] {
  return Object.entries(table).flatMap(([id, lines]) => lines
    .filter((line) => !tests.some(({ path, title }) => `${path}: ${title}`.startsWith(line)))
    .map((line) => `${id}: there is no test "${line}"`))
}

// The house as it is

function files_under(folder: string, ending: RegExp): string[] {
  return readdirSync(new URL(folder, ROOT), { recursive: true, encoding: 'utf8' })
    .map((path) => `${folder}${path}`)
    .filter((path) => ending.test(path) && !path.includes('node_modules/')).sort()
}

function text_at(path: string): string { return readFileSync(new URL(path, ROOT), 'utf8') }

export function defined_ids(): Defined[] {
  return files_under('spec/', /^spec\/[a-z]+\.md$/).flatMap((path) => ids_of(path, text_at(path)))
}

/** Every text of the house that may cite ids, by its path. */
export function citing_texts(): Map<string, string> {
  const folders = ['core/', 'bindings/', 'transports/', 'docs/', 'examples/', 'spec/', 'test/']
  const paths = folders.flatMap((folder) => files_under(folder, /\.(ts|md|pml|cddl)$/))
  return new Map(paths.filter((path) => !path.startsWith('test/vectors/ids'))
    .map((path) => [path, text_at(path)]))
}

export function moved(): string[] { return moved_ids(text_at('spec/wire.md')) }

export function told_tests(): Told[] {
  return files_under('test/', /\.test\.ts$|^test\/transports\/compliance\/\w+\.ts$/)
    .flatMap((path) => tests_of(path, text_at(path)))
}

export function shown_table(): ShownTable {
  return JSON.parse(text_at('test/vectors/shown.json')) as ShownTable
}

/** What the vectors of spec/ say that they show: ids, each with the vectors' names. */
export function shown_by_vectors(): Map<string, string[]> {
  const shown = new Map<string, string[]>()
  for (const path of files_under('spec/vectors/', /\.json$/)) {
    for (const { id, shows } of entries_of(JSON.parse(text_at(path)))) {
      for (const one of shows) shown.set(one, [...shown.get(one) ?? [], `${path}: ${id}`])
    }
  }
  return shown
}

function entries_of(file: unknown): { id: string, shows: string[] }[] {
  const lists = Object.values(file as Record<string, unknown>).filter((one) => Array.isArray(one))
  return (lists.flat() as { id: string, shows?: string[] }[])
    .filter((one) => one.shows !== undefined) as { id: string, shows: string[] }[]
}

/** Everything that shows an id. */
export function all_shown(): Map<string, string[]> {
  const shown = shown_by_vectors()
  const add = (id: string, by: string): void => {
    shown.set(id, [...shown.get(id) ?? [], by])
  }
  for (const { path, title, ids } of told_tests()) {
    for (const id of ids) add(id, `${path}: ${title}`)
  }
  for (const [id, lines] of Object.entries(shown_table())) for (const line of lines) add(id, line)
  return shown
}
