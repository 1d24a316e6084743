/**
 * Makes the constants of each language from spec/tables/*.json.
 *
 * Lives here: the names that the tables get in code, and the files made of them. Does not live
 * here: the numbers themselves (spec/tables), what they mean (spec/abi.md, spec/wire.md).
 *
 * Invariants: the same tables give the same bytes; no two constants share a name; no number of the
 * tables is typed anywhere else.
 *
 * Run: `node scripts/tables.ts` writes the files, `node scripts/tables.ts --check` only compares.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

interface RecordRow { kind: number, name: string, fields: string[], payload?: string }
interface ConstantGroup { group: string, values: Record<string, number> }
interface ErrorRow { code: number, name: string, kind: string, sentence: string }
interface LimitRow { name: string, value: number, why: string }

/** The tables as they stand in spec/tables. */
export interface Tables {
  records: {
    header: string[]
    input: RecordRow[]
    output: RecordRow[]
    frames: RecordRow[]
    constants: ConstantGroup[]
  }
  errors: ErrorRow[]
  limits: LimitRow[]
}

/** A file that the tables make: its path from the root of the house, and its whole text. */
export interface GeneratedFile { path: string, text: string }

type Entry = { name: string, value: number } | { heading: string }

const ROOT = new URL('../', import.meta.url)
const U32_MAX = 0xffffffff

/** Reads the three tables. `root` is the folder of the house. */
export function readTables(root: URL = ROOT): Tables {
  const read = (name: string) =>
    JSON.parse(readFileSync(new URL(`spec/tables/${name}.json`, root), 'utf8'))
  return { records: read('records'), errors: read('errors').errors, limits: read('limits').limits }
}

/** Makes every generated file from the tables; writes nothing. Throws when two names collide. */
export function generateTables(tables: Tables): GeneratedFile[] {
  return [
    { path: 'core/tables.ts', text: coreText(tables) },
    { path: 'bindings/js/tables.ts', text: javascriptText(tables) },
    { path: 'transports/tables.ts', text: transportText(tables) }
  ]
}

const upper = (name: string) => name.toUpperCase()

function recordEntries(prefix: string, rows: RecordRow[], unit: number): Entry[] {
  const entries: Entry[] = []
  for (const row of rows) {
    const name = `${prefix}_${upper(row.name)}`
    entries.push({ name, value: row.kind })
    row.fields.forEach((field, i) => {
      entries.push({ name: `${name}_${upper(field)}`, value: (i + 1) * unit })
    })
    entries.push({ name: `${name}_BYTES`, value: (row.fields.length + 1) * 4 })
    if (unit === 1) entries.push({ name: `${name}_WORDS`, value: row.fields.length + 1 })
  }
  return entries
}

/** Every constant in the order of the tables; `unit` is what one cell counts: 4 bytes or 1 word. */
function constantEntries(tables: Tables, unit: 1 | 4): Entry[] {
  const { header, input, output, frames, constants } = tables.records
  const cell = unit === 4 ? 'byte offsets' : 'word indexes'
  const entries: Entry[] = [
    { heading: `Header cells: ${cell}.` },
    ...header.map((name, i) => ({ name: `HEADER_${upper(name)}`, value: i * unit })),
    { heading: `Input records: kind, ${cell} of the fields, length before the tail.` },
    ...recordEntries('IN', input, unit),
    { heading: `Output records: kind, ${cell} of the fields, length before the tail.` },
    ...recordEntries('OUT', output, unit),
    { heading: 'Frames: kind, and how many fields follow it in the header array.' }
  ]
  for (const frame of frames) {
    entries.push({ name: `FRAME_${upper(frame.name)}`, value: frame.kind })
    entries.push({ name: `FRAME_${upper(frame.name)}_FIELDS`, value: frame.fields.length })
  }
  entries.push({ heading: 'Values of fields.' })
  for (const { group, values } of constants) {
    for (const [name, value] of Object.entries(values)) {
      entries.push({ name: `${upper(group)}_${upper(name)}`, value })
    }
  }
  entries.push({ heading: 'Codes of refusals, losses, faults and violations.' })
  for (const { name, code } of tables.errors) entries.push({ name: `ERROR_${name}`, value: code })
  entries.push({ heading: 'Limits.' })
  for (const { name, value } of tables.limits) entries.push({ name, value })
  refuseBadEntries(entries)
  return entries
}

function refuseBadEntries(entries: Entry[]): void {
  const seen = new Set<string>()
  for (const entry of entries) {
    if ('heading' in entry) continue
    if (seen.has(entry.name)) throw new Error(`two constants are named ${entry.name}`)
    if (!/^[A-Z][A-Z0-9_]*$/.test(entry.name)) throw new Error(`${entry.name} is not a name`)
    if (!Number.isInteger(entry.value) || entry.value < 0 || entry.value > U32_MAX) {
      throw new Error(`${entry.name} is not a u32`)
    }
    seen.add(entry.name)
  }
}

function linesOf(entries: Entry[], type: string): string[] {
  return entries.flatMap((entry) => 'heading' in entry
    ? ['', `// ${entry.heading}`]
    : [`export const ${entry.name}${type} = ${entry.value}`])
}

function charter(what: string): string[] {
  return [
    '/**',
    ` * Made by scripts/tables.ts from spec/tables/*.json; edit those and run npm run tables.`,
    ' *',
    ` * Lives here: ${what}`,
    ' */'
  ]
}

function coreText(tables: Tables): string {
  const head = charter('every number of the core\'s door and of the wire, positions in bytes.')
  return [...head, ...linesOf(constantEntries(tables, 4), ': u32'), ''].join('\n')
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll('\'', '\\\'')}'`
}

function javascriptText(tables: Tables): string {
  return [
    ...charter('every number and sentence that a host needs, positions in words.'),
    ...linesOf(constantEntries(tables, 1), ''),
    ...errorLines(tables.errors),
    ...frameLines(tables.records.frames),
    ...signalLines(tables.records.constants),
    ''
  ].join('\n').replace(/,\n}/g, '\n}')
}

/** Transports import no binding: they have the limits, and the one sentence that is theirs. */
function transportText(tables: Tables): string {
  const refused = tables.errors.find((row) => row.name === 'CANNOT_LISTEN')
  if (refused === undefined) throw new Error('the errors lack CANNOT_LISTEN')
  return [
    ...charter('every limit, and what a transport says that cannot listen.'),
    '',
    ...tables.limits.map(({ name, value }) => `export const ${name} = ${value}`),
    '',
    `export const ERROR_${refused.name} = ${refused.code}`,
    `export const SENTENCE_${refused.name} = ${quote(refused.sentence)}`,
    ''
  ].join('\n')
}

function errorLines(rows: ErrorRow[]): string[] {
  const kinds = [...new Set(rows.map((row) => quote(row.kind)))]
  return [
    '',
    '/** Whose blame a code is. */',
    `export type ErrorKind = ${kinds.join(' | ')}`,
    '',
    '/** The name of every code. */',
    'export type ErrorName =',
    ...rows.map((row) => `  | ${quote(row.name)}`),
    '',
    '/** Code → name, kind and sentence; {what} in a sentence is filled by the host. */',
    'export const errors: { readonly [code: number]: {',
    '  readonly name: ErrorName, readonly kind: ErrorKind, readonly sentence: string',
    '} } = {',
    ...rows.flatMap((row) => [
      `  ${row.code}: {`,
      `    name: ${quote(row.name)},`,
      `    kind: ${quote(row.kind)},`,
      `    sentence: ${quote(row.sentence)}`,
      '  },'
    ]),
    '}'
  ]
}

function frameLines(rows: RecordRow[]): string[] {
  return [
    '',
    '/** Frame kind → name, the fields that follow the kind, and if a payload may follow. */',
    'export const frames: { readonly [kind: number]: {',
    '  readonly name: string, readonly fields: readonly string[], readonly payload: boolean',
    '} } = {',
    ...rows.flatMap((row) => [
      `  ${row.kind}: {`,
      `    name: ${quote(row.name)},`,
      `    fields: [${row.fields.map(quote).join(', ')}],`,
      `    payload: ${row.payload !== undefined}`,
      '  },'
    ]),
    '}'
  ]
}

function signalLines(groups: ConstantGroup[]): string[] {
  const values = groups.find((row) => row.group === 'signal')?.values ?? {}
  return [
    '',
    '/** Signal name, without SIG → number. */',
    'export const signals: { readonly [name: string]: number } = {',
    ...Object.entries(values).map(([name, value]) => `  ${name}: ${value},`),
    '}'
  ]
}

function main(): void {
  const check = process.argv.includes('--check')
  for (const { path, text } of generateTables(readTables())) {
    const file = new URL(path, ROOT)
    let present = ''
    try { present = readFileSync(file, 'utf8') } catch { /* not made yet: it differs */ }
    if (present === text) continue
    if (check) {
      console.error(`${path} is not what spec/tables makes; run: npm run tables`)
      process.exitCode = 1
    } else {
      writeFileSync(file, text)
      console.log(`wrote ${path}`)
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main()
