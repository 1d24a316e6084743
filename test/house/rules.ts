/**
 * CONTRIBUTING's rules as functions of one file.
 *
 * Lives here: each rule's sentence, its check, and breaches of it that the check must find. Does
 * not live here: who imports whom (imports.ts), what is built and installed (their own tests).
 */
import { basename, dirname } from 'node:path'
import ts from 'typescript'
import { checkImports } from './imports.ts'
import {
  findCode, findText, isGenerated, isPlantBed, isProduct, isTest, isTypeScript, lineOf, treeOf,
  walk, type Finding, type Source
} from './source.ts'

/** What a rule may ask about the house beyond one file. */
export interface House { error_names: Set<string> }

/** A rule, and files that break it. */
export interface Rule {
  sentence: string
  check(file: Source, house: House): Finding[]
  planted: Source[]
}

const FUNCTION_LINES_MAX = 70
const FILE_LINES_MAX = 400
const COLUMNS_MAX = 100
/** Written apart, so that this file does not break its own rule. */
const UNDONE = ['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK'].join('|')
const EMPTY_NAMES = ['util', 'utils', 'common', 'helper', 'helpers', 'manager', 'misc']
const VIEW =
  /\bmemory\.buffer\b|new ((Uint|Int|Float)(8|16|32|64)Array|DataView)\(\w*[mM]emory\b/
const CLOCK_OR_CHANCE =
  /\b(Date\.now|new Date\(\)|performance\.\w+|Math\.random|getRandomValues|randomUUID)/
const DRAWN_OR_JUDGED = /\bMath\.random\b|\bDate\.now\(\) *%|assert.*performance\.now\(\).*</
const OUTSIDE = /\b(DESIGN|STYLE|FIELD-NOTES)\b|\bPREDECESSOR\b|\b(API|RECORDS)\.md\b/
/** A loop without a body keeps its semicolon. */
const SEMICOLON = /^(?!\s*(\} )?(while|for) \(.*\);$).*;\s*$/
const MACHINE_PLACE =
  /(^|[\s'"`(=])\/(work\/|root\/|home\/\w|Users\/\w)|[A-Z]:\\\\|registry\.\w+\.\w+/

/** Makes a file that exists in memory only. */
function plant(path: string, ...lines: string[]): Source {
  return { path, text: `${lines.join('\n')}\n` }
}
const CHARTER = '/** Charter. Lives here: this. Does not live here: that. */'

export const RULES: Rule[] = [
  {
    sentence: 'a charter heads every source file, and in the product says what lives where',
    check: checkCharter,
    planted: [
      plant('bindings/js/x.ts', 'export const a = 1', CHARTER),
      plant('core/x.ts', '/** Something. */', 'export const a = 1'),
      plant('test/x/y.test.ts', 'export {}')
    ]
  },
  {
    sentence: `a function has at most ${FUNCTION_LINES_MAX} lines`,
    check: checkFunctions,
    planted: [
      plant('core/x.ts', 'function long(): void {', ...Array(70).fill('  f()'), '}'),
      plant('test/x.test.ts', 'test("long", () => {', ...Array(70).fill('  f()'), '})')
    ]
  },
  {
    sentence: `a file has at most ${FILE_LINES_MAX} lines`,
    check: (file) => isTypeScript(file) && !isGenerated(file)
      && file.text.trimEnd().split('\n').length > FILE_LINES_MAX
      ? [{ path: file.path, line: FILE_LINES_MAX + 1, what: 'the file goes on' }]
      : [],
    planted: [plant('bindings/js/x.ts', ...Array(401).fill('f()'))]
  },
  {
    sentence: `a line has at most ${COLUMNS_MAX} columns`,
    check: (file) => isTypeScript(file) && !isGenerated(file)
      ? findText(file, new RegExp(`^.{${COLUMNS_MAX + 1},}`), 'too long')
      : [],
    planted: [plant('core/x.ts', `const a = ${'1'.repeat(100)}`)]
  },
  {
    sentence: 'a room imports only what the table of rooms allows, and nobody imports test',
    check: (file) => checkImports(file),
    planted: [
      plant('core/x.ts', 'import fs from \'node:fs\''),
      plant('core/bytes.ts', 'import { close } from \'./channel\'', 'close()'),
      plant('core/bytes.ts', 'import { alloc } from \'./unheard_of\''),
      plant('core/channel.ts', 'import { alloc } from \'./heap\''),
      // Two of one line could call each other.
      plant('core/vouch.ts', 'import { sync_soon } from \'./sync\'', 'sync_soon()'),
      plant('bindings/js/x.ts', 'import { readFileSync } from \'node:fs\''),
      plant('bindings/js/x.ts', 'import { x } from \'../../transports/transport.ts\''),
      plant('bindings/js/x.ts', 'import type { Libp2p } from \'../../transports/libp2p.ts\''),
      plant('bindings/js/x.ts', 'import { now } from \'../../test/clock.ts\''),
      plant('bindings/node/x.ts', 'import { main } from \'../cli/main.ts\''),
      plant('bindings/node/x.ts', 'export * from \'../../test/suite.ts\''),
      plant('transports/libp2p/x.ts', 'const a = await import(\'../memory.ts\')'),
      plant('transports/memory.ts', 'import { tcp } from \'@libp2p/tcp\''),
      plant('transports/transport.ts', 'import type { A } from \'node:net\''),
      plant('examples/x.ts', 'import { join } from \'../bindings/node/index.ts\''),
      plant('attic/x.ts', 'import { join } from \'circuit-csp\'')
    ]
  },
  {
    sentence: 'a name says what it is: no util, common, helpers, manager, misc, no get prefix',
    check: checkNames,
    planted: [
      plant('bindings/js/utils.ts', CHARTER),
      plant('bindings/js/common/x.ts', CHARTER),
      plant('bindings/js/x.ts', 'function getName() {}'),
      plant('bindings/js/x.ts', 'class A { getName() {} }'),
      plant('bindings/js/x.ts', 'class LinkManager {}'),
      plant('bindings/js/x.ts', 'const dialHelpers = 1')
    ]
  },
  {
    sentence: 'nothing is left undone in a comment',
    check: (file) => isPlantBed(file) ? []
      : findText(file, new RegExp(`\\b(${UNDONE})\\b`), 'undone'),
    planted: [plant('core/x.ts', `// ${UNDONE.slice(0, 4)}: later`)]
  },
  {
    sentence: 'the core has no console, no Date, no chance of its own, no fractions, '
      + 'no exceptions, no closures, and only unmanaged classes',
    check: checkCore,
    planted: [
      plant('core/x.ts', 'console.log(1)'),
      plant('core/x.ts', 'const t = Date.now()'),
      plant('core/x.ts', 'const t = Math.random()'),
      plant('core/x.ts', 'let x: f64 = 0'),
      plant('core/x.ts', 'throw new Error()'),
      plant('core/x.ts', 'const f = () => 1'),
      plant('core/x.ts', 'class Managed {}')
    ]
  },
  {
    sentence: 'the door of the core takes and gives i32 and u32 only',
    check: checkDoor,
    planted: [plant('core/abi.ts', 'export function init(seed: u64): u32 { return 0 }')]
  },
  {
    sentence: 'in bindings/js only drive.ts reads the clock or chance',
    check: (file) => file.path.startsWith('bindings/js/') && file.path !== 'bindings/js/drive.ts'
      ? findCode(file, CLOCK_OR_CHANCE, 'clock or chance')
      : [],
    planted: [
      plant('bindings/js/x.ts', 'const t = Date.now()'),
      plant('bindings/js/x.ts', 'const t = performance.now()'),
      plant('bindings/js/x.ts', 'const t = Math.random()'),
      plant('bindings/js/x.ts', 'crypto.getRandomValues(new Uint8Array(4))')
    ]
  },
  {
    sentence: 'bindings/js uses nothing of Node and nothing of the DOM',
    check: (file) => file.path.startsWith('bindings/js/')
      ? findCode(file, /\b(process|Buffer|window|document|navigator|localStorage|require)[.([]/,
        'a platform')
      : [],
    planted: [
      plant('bindings/js/x.ts', 'const a = process.env'),
      plant('bindings/js/x.ts', 'const a = Buffer.from([])'),
      plant('bindings/js/x.ts', 'document.title = \'x\'')
    ]
  },
  {
    sentence: 'in bindings/js only memory.ts makes views of the core\'s memory',
    check: (file) => file.path.startsWith('bindings/') && file.path !== 'bindings/js/memory.ts'
      ? findCode(file, VIEW, 'a view')
      : [],
    planted: [
      plant('bindings/js/x.ts', 'const v = new Uint8Array(memory.buffer)'),
      plant('bindings/node/x.ts', 'const b = core.memory.buffer')
    ]
  },
  {
    sentence: 'a test draws from a fixed seed, and judges the machine\'s clock by within only',
    check: (file) => file.path.endsWith('.test.ts')
      ? findCode(file, DRAWN_OR_JUDGED, 'chance, or a clock that is judged')
      : [],
    planted: [
      plant('test/x/y.test.ts', 'const seed = Math.random()'),
      plant('test/x/y.test.ts', 'const seed = Date.now() % 1000'),
      plant('test/x/y.test.ts', 'assert.ok(performance.now() - began < 500)')
    ]
  },
  {
    sentence: 'no test is marked only',
    check: checkOnly,
    planted: [plant('test/x/y.test.ts', 'test.only(\'a\', () => {})')]
  },
  {
    sentence: 'every error that is named in code is in the table',
    check: checkErrors,
    planted: [
      plant('core/x.ts', 'const e = ERROR_OF_MINE'),
      plant('bindings/js/x.ts', 'throw refusal(\'NO_SUCH_THING\', path)'),
      plant('bindings/node/x.ts', 'if (error.code === \'GONE_FISHING\') return')
    ]
  },
  {
    sentence: 'no path of one machine and no registry host is written down',
    check: (file) => isPlantBed(file) ? []
      : findText(file, MACHINE_PLACE, 'a place on one machine'),
    planted: [
      plant('docs/x.md', 'see /home/someone/x'),
      plant('package-lock.json', '"resolved": "https://registry.example.org/a.tgz"')
    ]
  },
  {
    sentence: 'only documents that are in the house are cited',
    check: (file) => isPlantBed(file) ? [] : findText(file, OUTSIDE, 'not in the house'),
    planted: [plant('core/x.ts', '// as ' + 'DESIGN 7 says')]
  },
  {
    sentence: 'no line ends in a semicolon',
    check: (file) => isTypeScript(file) ? findCode(file, SEMICOLON, 'a semicolon') : [],
    planted: [plant('core/x.ts', 'let a = 1;')]
  },
  {
    sentence: 'an exported function or class of the hosts, the transports and the door has a '
      + 'docstring',
    check: checkDocstrings,
    planted: [
      plant('bindings/js/x.ts', CHARTER, '', 'export function send(): void {}'),
      plant('bindings/js/x.ts', CHARTER, 'import x from \'./y.ts\'', 'export class Channel {}')
    ]
  }
]

function checkCharter(file: Source): Finding[] {
  if (!isTypeScript(file)) return []
  const head = file.text.replace(/^#!.*\n/, '')
  const charter = /^\/\*\*[^]*?\*\//.exec(head)?.[0]
  if (charter === undefined) return [{ path: file.path, line: 1, what: 'no charter' }]
  const missing = !isProduct(file) ? undefined
    : !/Lives here/.test(charter) ? 'Lives here'
    : !isGenerated(file) && !/Does\s+(\*\s+)?not\s+(\*\s+)?live\s+(\*\s+)?here/.test(charter)
      ? 'Does not live here' : undefined
  return missing === undefined ? []
    : [{ path: file.path, line: 1, what: `the charter does not say: ${missing}` }]
}

function checkFunctions(file: Source): Finding[] {
  if (!isTypeScript(file)) return []
  const findings: Finding[] = []
  const tree = treeOf(file)
  walk(file, (node) => {
    if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return
    const from = lineOf(file, node)
    const lines = tree.getLineAndCharacterOfPosition(node.end).line + 2 - from
    if (lines > FUNCTION_LINES_MAX) {
      findings.push({ path: file.path, line: from, what: `a function of ${lines} lines` })
    }
  })
  return findings
}

function checkNames(file: Source): Finding[] {
  const findings: Finding[] = []
  const parts = [...dirname(file.path).split('/'), basename(file.path).split('.')[0] ?? '']
  for (const part of parts.flatMap((name) => name.split(/[-_]/))) {
    if (EMPTY_NAMES.includes(part)) {
      findings.push({ path: file.path, line: 1, what: `the path says ${part}` })
    }
  }
  if (!isTypeScript(file)) return findings
  walk(file, (node) => {
    const named = ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node)
      || ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node)
      || ts.isVariableDeclaration(node) || ts.isMethodSignature(node)
    if (!named || node.name === undefined || !ts.isIdentifier(node.name)) return
    const name = node.name.text
    const words = name.replace(/([a-z])([A-Z])/g, '$1_$2').toLowerCase().split('_')
    const empty = words.find((word) => EMPTY_NAMES.includes(word))
    const what = empty ?? (words[0] === 'get' && words.length > 1 ? 'get' : undefined)
    if (what !== undefined) {
      findings.push({ path: file.path, line: lineOf(file, node), what: `${name} says ${what}` })
    }
  })
  return findings
}

function checkCore(file: Source): Finding[] {
  if (!file.path.startsWith('core/') || !isTypeScript(file)) return []
  const findings = findCode(file, /\b(console|Date|Math\.random|f32|f64)\b/, 'not for the core')
  walk(file, (node) => {
    const what = ts.isThrowStatement(node) || ts.isTryStatement(node) ? 'an exception'
      : ts.isArrowFunction(node) || ts.isFunctionExpression(node) ? 'a closure'
      : ts.isClassDeclaration(node) && !isUnmanaged(node) ? 'a managed class'
      : undefined
    if (what !== undefined) findings.push({ path: file.path, line: lineOf(file, node), what })
  })
  return findings
}

function isUnmanaged(node: ts.ClassDeclaration): boolean {
  return node.modifiers?.some((one) => one.getText() === '@unmanaged') === true
}

function checkDoor(file: Source): Finding[] {
  if (file.path !== 'core/abi.ts') return []
  const findings: Finding[] = []
  ts.forEachChild(treeOf(file), (node) => {
    if (!ts.isFunctionDeclaration(node)) return
    if (!node.modifiers?.some((one) => one.kind === ts.SyntaxKind.ExportKeyword)) return
    for (const type of [...node.parameters.map((one) => one.type), node.type]) {
      const text = type?.getText()
      if (text === 'u32' || text === 'i32' || text === 'usize' || text === 'void') continue
      findings.push({ path: file.path, line: lineOf(file, node), what: `${text} at the door` })
    }
  })
  return findings
}

function checkOnly(file: Source): Finding[] {
  if (!isTest(file) || !isTypeScript(file)) return []
  const findings: Finding[] = []
  walk(file, (node) => {
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)
      && ts.isIdentifier(node.expression.expression)
      && node.expression.expression.text === 'test' && node.expression.name.text === 'only') {
      findings.push({ path: file.path, line: lineOf(file, node), what: 'only' })
    }
  })
  return findings
}

function checkErrors(file: Source, house: House): Finding[] {
  if (!isTypeScript(file) || isPlantBed(file)) return []
  const findings: Finding[] = []
  const patterns = [
    /\bERROR_([A-Z_]+)\b/g,
    /\b(?:refusal|loss|fault|violation)\('([A-Z_]+)'/g,
    /\.code [!=]== '(?!E[A-Z]+')([A-Z]+(?:_[A-Z]+)*)'/g
  ]
  file.text.split('\n').forEach((line, i) => {
    for (const pattern of patterns) {
      for (const [, name = ''] of line.matchAll(pattern)) {
        if (house.error_names.has(name) || name.startsWith('ERR_')) continue
        findings.push({ path: file.path, line: i + 1, what: `${name} is no code of the table` })
      }
    }
  })
  return findings
}

function checkDocstrings(file: Source): Finding[] {
  if (!/^(bindings|transports)\/|^core\/abi\.ts$/.test(file.path)) return []
  if (!isTypeScript(file) || isGenerated(file)) return []
  const findings: Finding[] = []
  ts.forEachChild(treeOf(file), (node) => {
    if (!ts.isFunctionDeclaration(node) && !ts.isClassDeclaration(node)) return
    if (!node.modifiers?.some((one) => one.kind === ts.SyntaxKind.ExportKeyword)) return
    const above = file.text.slice(node.pos, node.getStart(treeOf(file)))
    if (/\/\*\*/.test(above) && node.pos > 0) return
    const what = `${node.name?.text} has none`
    findings.push({ path: file.path, line: lineOf(file, node), what })
  })
  return findings
}
