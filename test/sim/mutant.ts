/**
 * A core with a bug: its source changed in one place and compiled apart. And one that asserts the
 * invariants of all its rooms after each run (core/check.ts).
 *
 * Lives here: the change, the compiler's run, its results kept by their hash in dist/.mutants.
 * Does not live here: which bugs (mutations.ts), who notices them (mutations.test.ts).
 */
import asc from 'assemblyscript/asc'
import { createHash } from 'node:crypto'
import {
  existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync
} from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Text that becomes other text in one file of core/; `checked`: in the core with `check`. */
export interface Change { file: string, find: string, put: string, checked?: true }

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const KEPT = `${ROOT}dist/.mutants`
const OPTIONS = ['--runtime', 'stub', '--use', 'abort=core/fault/fault', '--optimizeLevel', '1',
  '--debug']

/** The changed text; throws a sentence that says what to do when the place is not found once. */
export function changed({ file, find, put }: Change, text: string): string {
  const parts = text.split(find)
  if (parts.length !== 2) {
    throw new Error(`core/${file} has ${parts.length - 1} places that read\n${find}\nso the bug `
      + 'cannot be put in: write its place in test/sim/mutations.ts as it reads now, or another '
      + 'bug that breaks the same invariant')
  }
  return parts.join(put)
}

/** The core with the change, compiled. */
export function mutant(change: Change): Promise<WebAssembly.Module> {
  return built(change.checked === true ? 'check' : 'abi', change)
}

/** The core as it is, with `check`: doors call it after each run. */
export function checked_core(): Promise<WebAssembly.Module> { return built('check') }

async function built(entry: string, change?: Change): Promise<WebAssembly.Module> {
  const sources = new Map<string, string>()
  for (const name of readdirSync(`${ROOT}core`)) {
    if (!name.endsWith('.ts')) continue
    const text = readFileSync(`${ROOT}core/${name}`, 'utf8')
    sources.set(`core/${name}`, name === change?.file ? changed(change, text) : text)
  }
  const hash = createHash('sha256').update(asc.version).update(OPTIONS.join(' ')).update(entry)
  for (const [name, text] of sources) hash.update(`${name}\n`).update(text)
  const kept = `${KEPT}/${hash.digest('hex').slice(0, 32)}.wasm`
  if (!existsSync(kept)) {
    mkdirSync(KEPT, { recursive: true })
    const fresh = `${KEPT}/.${process.pid}.wasm`
    writeFileSync(fresh, await compiled(entry, sources))
    renameSync(fresh, kept)
  }
  return new WebAssembly.Module(readFileSync(kept))
}

async function compiled(entry: string,
  sources: ReadonlyMap<string, string>): Promise<Uint8Array> {
  let bytes: Uint8Array | undefined
  let said = ''
  const { error } = await asc.main([`core/${entry}.ts`, ...OPTIONS, '--outFile', 'core.wasm'], {
    stdout: { write: () => {} },
    stderr: { write: (text: string | Uint8Array) => { said += String(text) } },
    readFile: (name: string) => sources.get(name) ?? null,
    writeFile: (name: string, contents: string | Uint8Array) => {
      if (name === 'core.wasm') bytes = contents as Uint8Array
    },
    listFiles: () => []
  })
  if (error !== null || bytes === undefined) throw new Error(`the change does not compile: ${said}`)
  return bytes
}
