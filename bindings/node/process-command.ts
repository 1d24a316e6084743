/**
 * What is to be run: a command from anywhere in the circuit, checked, and its program found.
 *
 * Lives here: the shape of a command, its folder, the search along PATH. Does not live here:
 * running it (process.ts).
 *
 * Why the search is done here and not left to the system: a missing program, a missing folder and a
 * missing interpreter all come back from it as the same ENOENT, after the fact.
 */
import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { delimiter, resolve } from 'node:path'
import type { Command } from '../js/circuit.ts'
import { Refusal } from '../js/errors.ts'

/** A command ready to be run: `program` is an absolute path, `env` whole. */
export interface Prepared {
  program: string
  name: string
  args: string[]
  env: Record<string, string>
  dir: string
  detached: boolean
}

/**
 * Checks a command and finds its program. `env` adds to this peer's own environment; a relative
 * program or folder is taken from `dir`, which is this peer's working folder by default.
 *
 * Refusals, nothing changed: BAD_ARGUMENT for a wrong shape, PROGRAM_NOT_FOUND, CANNOT_START for a
 * folder that is none or a program that may not be run.
 */
export async function prepare(command: Command): Promise<Prepared> {
  checkShape(command)
  const env = { ...process.env, ...command.env } as Record<string, string>
  const dir = resolve(command.dir ?? '.')
  if (!await isFolder(dir)) throw new Refusal('CANNOT_START', `${command.path} in ${dir}`)
  const program = await find(command.path, dir, env['PATH'] ?? '')
  return {
    program, name: command.path, args: command.args ?? [], env, dir,
    detached: command.detached === true
  }
}

function checkShape(command: Command): void {
  const text = (value: unknown) => typeof value === 'string' && !value.includes('\0')
  const bad = (what: string): never => { throw new Refusal('BAD_ARGUMENT', what) }
  if (command === null || typeof command !== 'object') bad('a command is a map with a path')
  const { path, args, env, dir } = command
  if (!text(path) || path === '') bad('the path of a command is a text, not empty')
  if (args !== undefined && !(Array.isArray(args) && args.every(text))) {
    bad('the args of a command are a list of texts')
  }
  if (dir !== undefined && !text(dir)) bad('the dir of a command is a text')
  if (env === undefined) return
  if (env === null || typeof env !== 'object') bad('the env of a command is a map of texts')
  for (const [name, value] of Object.entries(env)) {
    if (name === '' || name.includes('=') || !text(name) || !text(value)) {
      bad('the env of a command is a map of texts')
    }
  }
}

async function find(name: string, dir: string, path: string): Promise<string> {
  const places = name.includes('/') ? [resolve(dir, name)]
    : path.split(delimiter).map((place) => resolve(dir, place, name))
  let there = false
  for (const place of places) {
    const fate = await fateOf(place)
    if (fate === 'runs') return place
    if (fate === 'there') there = true
  }
  throw new Refusal(there ? 'CANNOT_START' : 'PROGRAM_NOT_FOUND', name)
}

/** Folders and files without the mode for running are there, but do not run. */
async function fateOf(place: string): Promise<'runs' | 'there' | 'missing'> {
  try {
    if (!(await stat(place)).isFile()) return 'there'
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'missing' : 'there'
  }
  try {
    await access(place, constants.X_OK)
    return 'runs'
  } catch {
    return 'there'
  }
}

async function isFolder(dir: string): Promise<boolean> {
  try {
    await access(dir, constants.X_OK)
    return (await stat(dir)).isDirectory()
  } catch {
    return false
  }
}
