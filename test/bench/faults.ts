/**
 * Contenders for bench.test.ts that are right, wrong, end, or never do.
 *
 * Lives here: what apart.ts must put up with. Does not live here: what is expected of it.
 */
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { join } from 'node:path'
import { same, type Contender } from './timing.ts'

const TURNS = 20

/** One by its name. It leaves its process id in `folder`, and a file `turn` during its turn. */
export async function contender(name: string, folder: string): Promise<Contender> {
  const run = RUNS[name]
  if (run === undefined) throw new Error(`there is no ${name}`)
  writeFileSync(join(folder, name), String(process.pid))
  return { name, run: () => run(join(folder, 'turn')) }
}

const RUNS: Record<string, (turn: string) => Promise<void> | void> = {
  async right(turn) {
    // Throws when there is one: two at a time.
    closeSync(openSync(turn, 'wx'))
    for (let i = 0; i < TURNS; i++) await setImmediate()
    rmSync(turn)
  },
  wrong() { same(1, 2, 'the sum') },
  ends() { process.exit(3) },
  hangs() { for (;;); }
}
RUNS['right as well'] = RUNS['right']!
