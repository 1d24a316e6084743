/**
 * A file that one process holds.
 *
 * Lives here: taking, leaving, and telling a holder that lives from one that was killed. Does not
 * live here: what is guarded (state, discovery-local).
 *
 * The file appears with its content, by a hard link: nobody reads half a lock. It names the process
 * and when that process started, so that another process with a number used again is no holder.
 * Whoever finds a dead holder takes a second file of the same kind first, so that two finders do
 * not remove each other's.
 */
import { linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { failedWith } from './folder.ts'

/** A finder holds the second file for a few system calls; after this it was killed in them. */
const BREAKING_MS_MAX = 5000

/** A held lock. */
export interface Lock { release(): void }

/**
 * Takes a lock, if nobody who lives holds it.
 *
 * @param path the file; its folder is private.
 * @param now milliseconds since 1970.
 * @returns undefined when somebody holds it.
 */
export function takeLock(path: string, mark: string, now: number): Lock | undefined {
  const own = `${process.pid} ${startOf(process.pid) ?? ''}\n`
  const beside = `${path}.${mark}.new`
  writeFileSync(beside, own, { mode: 0o600 })
  try {
    if (linked(beside, path)) return held(path)
    if (holderLives(path)) return undefined
    return breakLock(path, beside, now)
  } finally {
    rmSync(beside, { force: true })
  }
}

function breakLock(path: string, beside: string, now: number): Lock | undefined {
  const breaking = `${path}.breaking`
  if (!linked(beside, breaking)) {
    if (now - changedAt(breaking) > BREAKING_MS_MAX) rmSync(breaking, { force: true })
    return undefined
  }
  try {
    if (holderLives(path)) return undefined
    rmSync(path, { force: true })
    return linked(beside, path) ? held(path) : undefined
  } finally {
    rmSync(breaking, { force: true })
  }
}

function held(path: string): Lock {
  let released = false
  return {
    release: () => {
      if (!released) rmSync(path, { force: true })
      released = true
    }
  }
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if (failedWith(error, 'EEXIST')) return false
    throw error
  }
}

/** True when the process that a lock file names runs. A file that names none holds nothing. */
function holderLives(path: string): boolean {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (failedWith(error, 'ENOENT')) return false
    throw error
  }
  const [, pid, start] = /^(\d{1,10}) (\d*)\n$/.exec(text) ?? []
  if (pid === undefined) return false
  const started = startOf(Number(pid))
  if (started !== undefined) return started === start
  return start === '' && signalable(Number(pid))
}

/** True when a process of this number runs, whichever it is; one that awaits reaping does not. */
export function runs(pid: number): boolean {
  // Where the kernel tells of processes, it tells of ourselves.
  return startOf(process.pid) === undefined ? signalable(pid) : startOf(pid) !== undefined
}

/** When a process started, in the kernel's ticks since boot; undefined when it does not run. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name in brackets, which may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

function signalable(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return failedWith(error, 'EPERM')
  }
}

function changedAt(path: string): number {
  try {
    return statSync(path).mtimeMs
  } catch {
    return Infinity // gone by now: not to be removed
  }
}
