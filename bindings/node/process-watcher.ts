/**
 * Ends this peer's processes when this peer itself is killed.
 *
 * Lives here: a small shell that holds the other end of a pipe from us and knows the process groups
 * that we run; when the pipe closes with groups still on the list, it ends them. Does not live
 * here: the groups' ordinary ends (process.ts).
 *
 * Why a shell: Node cannot ask the kernel for a signal at a parent's death, and such a signal would
 * reach the first process only, not its group. The kernel closes our end of the pipe however we
 * die, and a POSIX shell is on every machine on which processes with signals are.
 *
 * Invariants: a group is on the list from the turn in which it was started until it is gone; a
 * watcher that was killed is replaced, with the whole list, when the next group starts.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { Refusal } from '../js/errors.ts'

/** TERM, then this long, then KILL: the same grace as for a scrubbed process. */
const SCRIPT = `
groups=' '
while read -r act group; do
  case $act in
    add) groups="$groups$group " ;;
    del) case $groups in
      *" $group "*) groups="\${groups%%" $group "*} \${groups#*" $group "}" ;;
    esac ;;
  esac
done
[ "$groups" = ' ' ] && exit 0
for group in $groups; do kill -s TERM -- "-$group"; done
sleep "$1"
for group in $groups; do kill -s KILL -- "-$group"; done
`

/** The watcher of one peer; its shell starts with the first group. */
export class Watcher {
  readonly #grace_ms: number
  readonly #groups = new Set<number>()
  #shell: ChildProcess | undefined

  /** `grace_ms`: between TERM and KILL. */
  constructor(grace_ms: number) {
    this.#grace_ms = grace_ms
  }

  /**
   * Makes sure that a watcher runs; call it before a group is started, so that `add` in the same
   * turn as the start leaves no moment in which nobody would end it. Throws the refusal
   * CANNOT_START when there is no shell.
   */
  ready(): void {
    if (this.#shell !== undefined) return
    const seconds = String(this.#grace_ms / 1000)
    const shell = spawn('/bin/sh', ['-c', SCRIPT, 'circuit-watcher', seconds], {
      detached: true, stdio: ['pipe', 'ignore', 'ignore'], cwd: '/'
    })
    const gone = () => {
      if (this.#shell === shell) this.#shell = undefined
    }
    shell.once('error', gone)
    shell.once('exit', gone)
    shell.stdin?.on('error', gone)
    if (shell.pid === undefined) throw new Refusal('CANNOT_START', '/bin/sh')
    shell.unref()
    // The pipe must not keep a program alive that has nothing else to do.
    ;(shell.stdin as unknown as { unref(): void }).unref()
    this.#shell = shell
    for (const group of this.#groups) this.#say('add', group)
  }

  add(group: number): void {
    this.#groups.add(group)
    this.#say('add', group)
  }

  remove(group: number): void {
    if (this.#groups.delete(group)) this.#say('del', group)
  }

  /** Lets the watcher go: what is still on the list is ended by it. */
  end(): void {
    this.#shell?.stdin?.end()
    this.#shell = undefined
  }

  /** A short line to an idle reader is written by the time that `write` returns. */
  #say(act: 'add' | 'del', group: number): void {
    this.#shell?.stdin?.write(`${act} ${group}\n`)
  }
}
