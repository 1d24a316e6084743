/**
 * The public types, as the compiler sees them.
 *
 * Lives here: running the compiler over types.ts. Does not live here: what must and must not
 * compile (types.ts).
 */
import * as assert from 'uvu/assert'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { suite } from '../suite.ts'

const test = suite('js: types')
const root = fileURLToPath(new URL('../../', import.meta.url))

function complaints(file: string, replaced?: string): string[] {
  const read = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(read.config, ts.sys, root)
  const host = ts.createCompilerHost(options)
  const open = host.getSourceFile.bind(host)
  host.getSourceFile = (name, version, ...rest) => replaced !== undefined && name === file
    ? ts.createSourceFile(name, replaced, version, true)
    : open(name, version, ...rest)
  const program = ts.createProgram([file], options, host)
  const source = program.getSourceFile(file)
  return [...program.getSemanticDiagnostics(source), ...program.getSyntacticDiagnostics(source)]
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))
}

test('cases, values and results have the types of their channels', () => {
  assert.equal(complaints(`${root}test/js/types.ts`), [])
}, { timeout_ms: 60_000 })

test('a wrong type would be seen', () => {
  const file = `${root}test/js/types.ts`
  const wrong = ts.sys.readFile(file)!
    .replace('same<typeof many.value, Job>(true)', 'same<typeof many.value, number>(true)')
  assert.is(complaints(file, wrong).length, 1)
}, { timeout_ms: 60_000 })

test.run()
