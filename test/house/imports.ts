/**
 * Who may import whom.
 *
 * Lives here: the table of rooms and the check of one file against it. Does not live here:
 * the other rules (rules.ts).
 */
import { dirname, join, normalize } from 'node:path'
import ts from 'typescript'
import { isTypeScript, lineOf, roomOf, walk, type Finding, type Source } from './source.ts'

/** One import: a path from the root, or a package's specifier. */
export interface Import { target: string, line: number, names: string[], type_only: boolean }

/**
 * Files of the core from the ground up; a file calls only into lines above, so there is no circle.
 * The name of a type may come from anywhere: structs point at each other.
 */
export const CORE_ORDER: string[][] = [
  ['tables', 'random'],
  ['fault', 'heap'],
  ['bytes', 'ring', 'table', 'map', 'timer', 'limit'],
  ['payload', 'waiter'],
  ['peer', 'frame', 'reference'],
  ['roster'],
  ['directory'],
  ['watch', 'edge', 'post'],
  ['dial'],
  ['session'],
  ['link', 'news', 'notice'],
  ['tree', 'sync', 'vouch'],
  ['gossip'],
  ['suspicion'],
  ['overlay', 'probe'],
  ['hello'],
  ['member'],
  ['statement'],
  ['intake'],
  ['say', 'operation'],
  ['away', 'claim', 'errand'],
  ['match', 'path'],
  ['channel'],
  ['select', 'now'],
  ['settle', 'choice'],
  ['start'],
  ['reader'],
  ['parked'],
  ['serve'],
  ['program'],
  ['request'],
  ['reply'],
  ['node'],
  ['abi'],
  ['check']
]

const HOUSE = /^(core|bindings|transports|spec|test|examples|docs|scripts)\//
/** What all transports share: the contract, and how any byte stream becomes a link. */
const TRANSPORT_GROUND = /^transports\/(transport|link|dial|exchange|tables)\.ts$/
const LIBP2P = /^(libp2p|uint8arraylist|@libp2p\/|@chainsafe\/|@multiformats\/)/

/** For each room, what a specifier may be: a path from the root, or a package's name. */
const ALLOWED: Array<[room: RegExp, allowed: (target: string, one: Import) => boolean]> = [
  [/^core$/, (target) => target.startsWith('core/')],
  [/^bindings\/js$/, (target, { type_only }) => target.startsWith('bindings/js/')
    || target === 'cbor-x' || (type_only && target === 'transports/transport.ts')],
  [/^bindings\/browser$/, (target) => inRooms(target, ['bindings/browser', 'bindings/js'])
    || target.startsWith('transports/') || !/^(node:|\w+\/)/.test(target)],
  [/^bindings\/node$/, (target) => inRooms(target, ['bindings/node', 'bindings/js'])
    || target.startsWith('transports/') || isPackage(target)],
  [/^bindings\/(cli|fuse)$/, (target) => inRooms(target, ['bindings/cli', 'bindings/fuse',
    'bindings/node', 'bindings/js']) || target.startsWith('transports/') || isPackage(target)],
  [/^transports\/transport$/, () => false],
  [/^transports\/(link|dial|exchange|tables)$/, (target) => TRANSPORT_GROUND.test(target)],
  [/^transports\/memory$/, (target) => isOfTransport(target, 'memory')],
  [/^transports\/unix$/, (target) => isOfTransport(target, 'unix') || /^node:/.test(target)],
  [/^transports\/libp2p$/, (target) => isOfTransport(target, 'libp2p') || LIBP2P.test(target)
    || target === 'node:crypto'],
  // Programs that run the models stand beside them; nothing imports them.
  [/^spec$/, (target) => target.startsWith('spec/') || /^node:/.test(target)],
  [/^scripts$/, (target) => target.startsWith('scripts/') || isPackage(target)],
  [/^examples$/, (target) => target.startsWith('examples/') || isPackage(target)],
  [/^test$/, () => true]
]

/** Findings for every import of one file that its room may not make. */
export function checkImports(file: Source): Finding[] {
  if (!isTypeScript(file)) return []
  const room = roomOf(file.path)
  const row = ALLOWED.find(([pattern]) => pattern.test(room))
  const findings: Finding[] = []
  for (const one of importsOf(file)) {
    const { target, line } = one
    const say = (what: string) => findings.push({ path: file.path, line, what })
    if (row === undefined) say(`the room ${room} has no line in the import table`)
    else if (!row[1](target, one)) say(`${room} may not import ${target}`)
    else if (target.startsWith('test/') && room !== 'test') say('nobody imports test/')
    else if (room === 'core') coreFindings(file, one).forEach(say)
  }
  return findings
}

function coreFindings(file: Source, one: Import): string[] {
  const layer = (path: string) =>
    CORE_ORDER.findIndex((names) => names.includes(path.slice('core/'.length).replace('.ts', '')))
  const from = layer(file.path)
  const to = layer(one.target)
  if (from < 0) return [`${file.path} has no place in the order of the core`]
  if (to < 0) return [`${one.target} has no place in the order of the core`]
  // The compiler of the core does not tell.
  const unused = one.names.filter((name) => !isUsed(file, name))
    .map((name) => `${name} is imported and not used`)
  if (to < from) return unused
  return unused.concat(one.names.filter((name) => isCalled(file, name)).map((name) =>
    `${file.path} does not stand above ${one.target} and may not call its ${name}`))
}

/** True when a name stands anywhere but in an import. */
function isUsed(file: Source, name: string): boolean {
  let used = false
  walk(file, (node) => {
    used ||= ts.isIdentifier(node) && node.text === name && !ts.isImportSpecifier(node.parent)
  })
  return used
}

/** True when a name stands anywhere but in an import or where a type is named. */
export function isCalled(file: Source, name: string): boolean {
  let called = false
  walk(file, (node) => {
    if (!ts.isIdentifier(node) || node.text !== name) return
    if (ts.isImportSpecifier(node.parent) || ts.isTypeReferenceNode(node.parent)) return
    called = true
  })
  return called
}

/** Every import, export-from and import() of a file, relative ones as paths from the root. */
export function importsOf(file: Source): Import[] {
  const found: Import[] = []
  walk(file, (node) => {
    let literal: ts.Node | undefined
    let type_only = false
    if (ts.isImportDeclaration(node)) {
      literal = node.moduleSpecifier
      type_only = node.importClause?.isTypeOnly === true
    } else if (ts.isExportDeclaration(node)) {
      literal = node.moduleSpecifier
      type_only = node.isTypeOnly
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      literal = node.arguments[0]
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      literal = node.argument.literal
      type_only = true
    }
    if (literal === undefined || !ts.isStringLiteralLike(literal)) return
    const target = resolve(file.path, literal.text)
    found.push({ target, line: lineOf(file, node), names: namesOf(node), type_only })
  })
  return found
}

function namesOf(node: ts.Node): string[] {
  if (!ts.isImportDeclaration(node)) return []
  const bindings = node.importClause?.namedBindings
  if (bindings === undefined || !ts.isNamedImports(bindings)) return []
  return bindings.elements.map((element) => element.name.text)
}

function resolve(path: string, specifier: string): string {
  return specifier.startsWith('.') ? normalize(join(dirname(path), specifier)) : specifier
}

const inRooms = (target: string, rooms: string[]) => rooms.includes(roomOf(target))

/** Not a path into the house: relative ones were resolved to begin with a room's folder. */
const isPackage = (target: string) => !target.startsWith('..') && !HOUSE.test(target)

const isOfTransport = (target: string, name: string) => TRANSPORT_GROUND.test(target)
  || target === `transports/${name}.ts` || target.startsWith(`transports/${name}/`)
