/**
 * Broken products: the checker must reject what they do.
 *
 * Lives here: a copy of the sources with one line of the core broken, built, for peers of their
 * own. Does not live here: running them (place.ts, hunt.ts).
 *
 * Invariant: a mutation whose line is not found exactly once is an error, so that none of them
 * fades away when the core changes.
 */
import { execFileSync } from 'node:child_process'
import {
  cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Mutation { name: string, file: string, from: string, to: string }

export const MUTATIONS: Mutation[] = [
  {
    name: 'a message that a receiver denied is dropped',
    file: 'core/channel.ts',
    from: 'else if (w.phase == FIRM && is(p)) sender_denied(p, died)',
    to: 'else if (w.phase == FIRM && is(p)) sender_done(p)'
  },
  {
    name: 'a message that a receiver denied goes to the end of the line',
    file: 'core/claim.ts', from: 'queue_put(home(w), w)', to: 'queue_push(home(w), w)'
  },
  {
    name: 'a buffer holds one more than its capacity',
    file: 'core/match.ts', from: 'c.used < c.capacity', to: 'c.used <= c.capacity'
  },
  {
    name: 'a closed channel goes on taking messages',
    file: 'core/match.ts', from: 'moved = !c.closed && fill(c)', to: 'moved = fill(c)'
  },
  {
    name: 'a try is turned away before it is matched',
    file: 'core/match.ts',
    from: 'export function match(c: Channel): void {',
    to: 'export function match(c: Channel): void {\n  if (c.tries != 0) turn_away(c)'
  },
  {
    name: 'a room that was reserved for a select is never given back',
    file: 'core/channel.ts',
    from: '      w.channel.used--\n      dirty(w.channel)\n',
    to: '      dirty(w.channel)\n'
  },
  {
    name: 'a select takes a message while it is held as a sender',
    file: 'core/select.ts',
    from: 'if (op.state == OP_FREE || op.state == OP_HELD && op.holder == w) accept(op, w)',
    to: 'if (op.state == OP_FREE || op.state == OP_HELD) accept(op, w)'
  },
  {
    name: 'a send that is withdrawn is said to be withdrawn, and its message stays',
    file: 'core/channel.ts',
    from: 'if (w.phase == FREE) answer(w, <u8>ERROR_WITHDRAWN)',
    to: 'if (w.phase == FREE && !is(w.peer)) answer(w, <u8>ERROR_WITHDRAWN)\n'
      + '  else if (w.phase == FREE) say_end(w, ERROR_WITHDRAWN)'
  }
]

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const PARTS = ['bindings/js', 'bindings/node', 'transports', 'core', 'test/history',
  'test/property/random.ts', 'asconfig.json', 'package.json']

/** Makes a broken tree; the caller removes it. */
export function mutantTree({ name, file, from, to }: Mutation): { tree: string, remove(): void } {
  const tree = mkdtempSync(join(tmpdir(), 'circuit-mutant-'))
  for (const part of PARTS) cpSync(join(ROOT, part), join(tree, part), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(tree, 'node_modules'))
  const text = readFileSync(join(tree, file), 'utf8')
  if (text.split(from).length !== 2) throw new Error(`"${name}" has not its one line in ${file}`)
  let broken = text.replace(from, () => to)
  if (to.includes('say_end') && !/\bsay_end\b/.test(text)) {
    broken = broken.replace(/\nimport /, '\nimport { say_end } from \'./say\'\nimport ')
  }
  writeFileSync(join(tree, file), broken)
  mkdirSync(join(tree, 'dist'), { recursive: true })
  execFileSync(process.execPath, [join(ROOT, 'node_modules/assemblyscript/bin/asc.js'), '--config',
    'asconfig.json', '--target', 'release', '--outFile', 'dist/circuit.wasm'],
  { cwd: tree, stdio: ['ignore', 'ignore', 'inherit'] })
  return { tree, remove: () => rmSync(tree, { recursive: true, force: true }) }
}
