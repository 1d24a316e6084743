/**
 * The npm that launched this program, if one did.
 *
 * Lives here: noticing that it is gone. Does not live here: what a verb or a peer does at a signal
 * (ask.ts, start.ts).
 *
 * npm runs a program below a shell. Killed with -9 it leaves both running and unseen: a receive
 * that nobody waits for would still take a message, a peer that was ended would still answer.
 *
 * Invariant: launched without npm, or where /proc is not, nothing is ever gone.
 */
import { readFileSync } from 'node:fs'

const WATCH_MS = 200
/** A peer that does nothing is woken a few times a second: five more would be half its cost. */
const PEER_WATCH_MS = 1000
const SHELLS = /^(sh|dash|bash|zsh|busybox)$/

const launcher = process.env['npm_command'] === undefined ? undefined : launcherPid()

/** The parent, or its parent when the parent is the shell between. */
function launcherPid(): number | undefined {
  try {
    // `pid (name) state ppid …`; a name may hold blanks and brackets.
    const stat = readFileSync(`/proc/${process.ppid}/stat`, 'utf8')
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
    const ppid = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]
    return SHELLS.test(name) ? Number(ppid) : process.ppid
  } catch {
    return undefined
  }
}

/** True when the npm that launched this program is gone. Looks once; may read one small file. */
export function launcherGone(): boolean {
  // Without a shell between them no file is read: whoever loses its parent is given another one.
  return launcher !== undefined && process.ppid !== launcher && launcherPid() !== launcher
}

/**
 * Ends this program as SIGTERM would soon after its launcher is gone; `peer`: within a second.
 * Keeps nothing alive.
 */
export function watchLauncher(peer: boolean): void {
  if (launcher === undefined) return
  const timer = setInterval(() => {
    if (!launcherGone()) return
    clearInterval(timer)
    process.kill(process.pid, 'SIGTERM')
  }, peer ? PEER_WATCH_MS : WATCH_MS)
  timer.unref()
}
