/**
 * Private folders and the small files in them.
 *
 * Lives here: where the state folder is, making a folder that only its owner enters, reading a file
 * with a bound, replacing a file as a whole. Does not live here: what the files say (keys, state,
 * discovery-local).
 *
 * Invariants: nothing is followed through a symbolic link that somebody else could have put there;
 * a reader sees the old bytes or the new ones, never a part; what cannot be read is never
 * overwritten by a read.
 *
 * All of it is synchronous: the files are small, and a start reads a handful of them.
 */
import {
  chmodSync, closeSync, constants, existsSync, fstatSync, fsyncSync, lstatSync, mkdirSync, openSync,
  readdirSync, readFileSync, renameSync, rmSync, writeSync
} from 'node:fs'
import { homedir, userInfo } from 'node:os'
import { dirname, join, resolve } from 'node:path'

const FOLDER_MODE = 0o700
const FILE_MODE = 0o600
const OTHERS = 0o077

/** Why a folder or file is not used, as a part of a sentence. */
export class NotPrivate extends Error {}

/** Says whether this is the given system error. */
export function failedWith(error: unknown, code: string): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code
}

/**
 * Makes a folder and those above it, or takes one that is there.
 *
 * An empty folder of ours that others may enter is closed to them; one with files in it is not
 * ours to change.
 *
 * @throws NotPrivate when it is no folder, belongs to another user, or others may enter it.
 */
export function openFolder(path: string): void {
  try {
    makeFolder(path)
  } catch (error) {
    throw new NotPrivate(reasonOf(error))
  }
  const found = lstatSync(path)
  if (!found.isDirectory()) throw new NotPrivate('it is not a folder')
  if (found.uid !== userId()) throw new NotPrivate('it belongs to another user')
  if ((found.mode & OTHERS) === 0) return
  if (readdirSync(path).length > 0) throw new NotPrivate('others may enter it')
  chmodSync(path, FOLDER_MODE)
}

/**
 * Reads a whole file.
 *
 * @param bytes_max refuses longer ones.
 * @returns its bytes, or undefined when there is none.
 * @throws NotPrivate when it is no plain file, belongs to another user, is too long, or others may
 * read or change it.
 */
export function readPrivate(path: string, bytes_max: number): Uint8Array | undefined {
  let file: number
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (failedWith(error, 'ENOENT')) return undefined
    throw new NotPrivate(reasonOf(error))
  }
  try {
    const found = fstatSync(file)
    if (!found.isFile()) throw new NotPrivate('it is not a file')
    if (found.uid !== userId()) throw new NotPrivate('it belongs to another user')
    if ((found.mode & OTHERS) !== 0) throw new NotPrivate('others may open it')
    if (found.size > bytes_max) throw new NotPrivate('it is too long')
    return readFileSync(file)
  } finally {
    closeSync(file)
  }
}

/**
 * Writes a whole file in the place of what was there, open to its owner only.
 *
 * @param mark sets this writer's file beside it apart from others'.
 * @param lasting true waits until the disk has it.
 * @throws the system's error; what was there stays.
 */
export function writePrivate(
  path: string, bytes: Uint8Array | string, mark: string, lasting = false
): void {
  const beside = `${path}.${mark}.new`
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW
    const file = openSync(beside, flags, FILE_MODE)
    try {
      const whole = typeof bytes === 'string' ? Buffer.from(bytes) : bytes
      for (let at = 0; at < whole.length;) at += writeSync(file, whole, at)
      if (lasting) fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(beside, path)
  } catch (error) {
    rmSync(beside, { force: true })
    throw error
  }
}

/**
 * Where the state of a circuit's peer is: as given, else CIRCUIT_STATE, else
 * `$XDG_STATE_HOME/circuit/<circuit>`, by default below `~/.local/state`. Absolute.
 */
export function stateFolder(circuit = 'default', given?: string): string {
  const named = given ?? (process.env['CIRCUIT_STATE'] || undefined)
  if (named !== undefined) return resolve(named)
  const base = process.env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state')
  return resolve(base, 'circuit', circuit)
}

/** The user's number; 0 where the system has none. */
export function userId(): number {
  return process.getuid?.() ?? 0
}

/** The user's home folder as the system knows it, whatever the environment says. */
export function homeFolder(): string {
  return process.env['HOME'] || userInfo().homedir
}

/** Not by mkdir's own recursion, which never ends below a folder such as /proc. */
function makeFolder(path: string, above = true): void {
  try {
    mkdirSync(path, { mode: FOLDER_MODE })
  } catch (error) {
    if (failedWith(error, 'EEXIST')) return
    if (!above || !failedWith(error, 'ENOENT') || existsSync(dirname(path))) throw error
    makeFolder(dirname(path))
    makeFolder(path, false)
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
