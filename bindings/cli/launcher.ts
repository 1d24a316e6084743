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

/** True when the npm that launched this program is gone. Looks once; reads one small file. */
export function launcherGone(): boolean {
  return launcher !== undefined && launcherPid() !== launcher
}

/** Ends this program as SIGTERM would soon after its launcher is gone. Keeps nothing alive. */
export function watchLauncher(): void {
  if (launcher === undefined) return
  const timer = setInterval(() => {
    if (!launcherGone()) return
    clearInterval(timer)
    process.kill(process.pid, 'SIGTERM')
  }, WATCH_MS)
  timer.unref()
}
