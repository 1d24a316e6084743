/**
 * The process of one contender: does its work as often as it is told, and says how long that took.
 *
 * Lives here: the other side of apart.ts. Does not live here: the works.
 *
 * Run by apart.ts: `turn.ts MODULE WORDS…`; the module's `contender(...words)` makes it.
 */
import { timed, type Contender, type Taken } from './timing.ts'

/** What it says when it is ready, with nothing taken, and after each turn. */
export interface Answer { taken?: Taken, failure?: string }

async function answer(step: () => Promise<Taken>): Promise<void> {
  const said: Answer = {}
  try {
    said.taken = await step()
  } catch (error) {
    said.failure = error instanceof Error ? error.message : String(error)
  }
  process.send!(said)
}

const [module, ...words] = process.argv.slice(2)
process.on('disconnect', () => process.exit())
await answer(async () => {
  const { contender } = await import(module!) as {
    contender(...words: string[]): Promise<Contender>
  }
  const made = await contender(...words)
  process.on('message', (count: number) => answer(() => timed(made, count)))
  return { ms: 0, processor_ms: 0 }
})
