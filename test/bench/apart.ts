/**
 * A contender in a process of its own, which stands still until its turn.
 *
 * Lives here: starting it, telling it how often, its end. Does not live here: what it does there
 * (turn.ts), whose turn it is and what is made of the figures (timing.ts).
 *
 * Why: an engine makes code for what a program has done so far. Of many works one after the other
 * in one process each would be measured in code that was made general by those before it, with
 * their garbage on the heap, which no program meets that does the work alone.
 *
 * Invariants: a process that ends, is wrong or says nothing in time has a sentence, and is ended;
 * none outlives the process that began it, unless that was killed while a turn hung.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Answer } from './turn.ts'
import { LIMIT_MS, type Apart, type Taken } from './timing.ts'

const PROGRAM = fileURLToPath(new URL('turn.ts', import.meta.url))

/**
 * Starts a process for the contender that `contender(...words)` of a module gives there. Rejects
 * when that fails. A turn may take `limit_ms`.
 */
export async function begin(
  module: string, words: readonly string[], limit_ms = LIMIT_MS
): Promise<Apart> {
  const child = fork(PROGRAM, [module, ...words])
  const kill = () => { child.kill('SIGKILL') }
  process.once('exit', kill)
  const ended = new Promise<void>((resolve) => child.once('exit', () => {
    process.off('exit', kill)
    resolve()
  }))
  const end = async () => {
    kill()
    await ended
  }
  try {
    await answerOf(child, LIMIT_MS, undefined)
  } catch (error) {
    await end()
    throw error
  }
  return { timed: (count) => answerOf(child, limit_ms, count), end }
}

/** What a process says next, to `count` if that is given. */
function answerOf(
  child: ChildProcess, limit_ms: number, count: number | undefined
): Promise<Taken> {
  return new Promise((resolve, reject) => {
    const over = (error?: Error | null) => {
      clearTimeout(late)
      child.off('message', said)
      child.off('exit', gone)
      if (error) reject(error)
    }
    const said = ({ taken, failure }: Answer) => {
      over(failure === undefined ? undefined : new Error(failure))
      if (taken !== undefined) resolve(taken)
    }
    const gone = (code: number | null, signal: string | null) =>
      over(new Error(`its process ended with ${code ?? signal}`))
    const late = setTimeout(
      () => over(new Error(`no end within ${limit_ms / 1000} s`)), limit_ms)
    child.once('message', said as (message: unknown) => void)
    child.once('exit', gone)
    if (count !== undefined) child.send(count, (error) => { if (error !== null) over(error) })
  })
}
