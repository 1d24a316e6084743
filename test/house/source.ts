/**
 * The house as the rules see it: files with their text, room and syntax.
 *
 * Lives here: which files belong to the house, and what is read out of one. Does not live here:
 * what is allowed (rules.ts, imports.ts).
 */
import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** A file of the house; `path` is from the root, with slashes. */
export interface Source { path: string, text: string }

/** One thing that breaks a rule. */
export interface Finding { path: string, line: number, what: string }

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const FOLDERS = ['core', 'bindings', 'transports', 'spec', 'test', 'examples', 'docs', 'scripts',
  '.ci']
const ROOT_FILES = /\.(json|md|ts)$|^LICENSE$|^\.npmrc$|^\.gitignore$/
const TEXT_FILES = /\.(ts|js|json|md|cddl|pml|py|go|sh|svg|txt|corpus)$|^\.ci\/run$/
const FILES_MAX = 5_000

/** Reads every text file of the house, from disk, so that a file not yet committed counts too. */
export function readHouse(): Source[] {
  const paths = readdirSync(ROOT).filter((name) => ROOT_FILES.test(name))
  for (const folder of FOLDERS) {
    const entries = listing(folder)
    for (const entry of entries) {
      const path = `${entry.parentPath}/${entry.name}`.slice(ROOT.length)
      if (entry.isFile() && TEXT_FILES.test(path) && !path.includes('node_modules/')) {
        paths.push(path)
      }
    }
  }
  if (paths.length > FILES_MAX) throw new Error(`${paths.length} files are more than a house has`)
  return paths.sort().map((path) => ({ path, text: readFileSync(ROOT + path, 'utf8') }))
}

function listing(folder: string) {
  try {
    return readdirSync(ROOT + folder, { recursive: true, withFileTypes: true })
  } catch {
    return []
  }
}

export const isTypeScript = (file: Source) => file.path.endsWith('.ts')
export const isGenerated = (file: Source) => basename(file.path) === 'tables.ts'
  && file.text.includes('Made by scripts/tables.ts')
export const isTest = (file: Source) => file.path.startsWith('test/')
export const isProduct = (file: Source) => /^(core|bindings|transports)\//.test(file.path)
/** A file of examples of what must not be: strings in it look like breaches. */
export const isPlantBed = (file: Source) => file.path.startsWith('test/house/')

/** `bindings/js` for bindings/js/x.ts, `core` for core/x.ts, and so on. */
export function roomOf(path: string): string {
  const [first = '', second = ''] = path.split('/')
  if (first === 'bindings' || first === 'transports') {
    return `${first}/${second.replace(/\.ts$/, '')}`
  }
  return first
}

const trees = new Map<string, ts.SourceFile>()

/** The syntax tree of a file; parsed once for each text. */
export function treeOf(file: Source): ts.SourceFile {
  const key = `${file.path}\n${file.text}`
  let tree = trees.get(key)
  if (tree === undefined) {
    tree = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.Latest, true)
    trees.set(key, tree)
  }
  return tree
}

/** Calls `visit` for every node, parents first. */
export function walk(file: Source, visit: (node: ts.Node) => void): void {
  const go = (node: ts.Node) => {
    visit(node)
    ts.forEachChild(node, go)
  }
  go(treeOf(file))
}

/** The line of a node, counted from 1, without the comment before it. */
export function lineOf(file: Source, node: ts.Node): number {
  const tree = treeOf(file)
  return tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1
}

/** A finding for each match of `pattern` in the file's text. */
export function findText(file: Source, pattern: RegExp, what: string): Finding[] {
  const findings: Finding[] = []
  file.text.split('\n').forEach((line, i) => {
    const found = pattern.exec(line)
    if (found !== null) {
      findings.push({ path: file.path, line: i + 1, what: `${what}: ${found[0].trim()}` })
    }
  })
  return findings
}

/** A finding for each match in code: comments and strings do not count. */
export function findCode(file: Source, pattern: RegExp, what: string): Finding[] {
  return findText({ path: file.path, text: codeOf(file) }, pattern, what)
}

/** The text with comments and the insides of strings blanked, lines kept. */
function codeOf(file: Source): string {
  const tree = treeOf(file)
  const characters = [...file.text.split('')]
  const blank = (from: number, to: number) => {
    for (let i = from; i < to; i++) if (characters[i] !== '\n') characters[i] = ' '
  }
  const go = (node: ts.Node) => {
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)
      || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)
      || ts.isRegularExpressionLiteral(node)) blank(node.getStart(tree) + 1, node.end - 1)
    for (const range of commentsBefore(file.text, node)) blank(range.pos, range.end)
    ts.forEachChild(node, go)
  }
  go(tree)
  blankComments(tree, blank)
  return characters.join('')
}

function commentsBefore(text: string, node: ts.Node): ts.CommentRange[] {
  return [
    ...ts.getLeadingCommentRanges(text, node.pos) ?? [],
    ...ts.getTrailingCommentRanges(text, node.end) ?? []
  ]
}

/** Comments inside of lists and blocks stand before tokens that are no nodes of their own. */
function blankComments(tree: ts.SourceFile, blank: (from: number, to: number) => void): void {
  const go = (node: ts.Node) => {
    for (const child of node.getChildren(tree)) {
      for (const range of commentsBefore(tree.text, child)) blank(range.pos, range.end)
      go(child)
    }
  }
  go(tree)
}
