/**
 * Every run of a program that makes choices.
 *
 * Lives here: going through all combinations of choices, first to last. Does not live here: what is
 * chosen.
 */

/** Gives a number from 0 to below `count`; over all runs, every one. */
export type Choose = (count: number) => number

/** Runs `program` once for every combination of choices that it asks for; gives how many. */
export function explore(program: (choose: Choose) => void): number {
  const taken: { at: number, count: number }[] = []
  let runs = 0
  for (;;) {
    let depth = 0
    program((count) => {
      const choice = taken[depth] ?? { at: 0, count }
      if (choice.count !== count) throw new Error('a program that is not the same twice')
      taken[depth++] = choice
      return choice.at
    })
    runs++
    taken.length = depth
    while (taken.length > 0 && taken.at(-1)!.at === taken.at(-1)!.count - 1) taken.pop()
    if (taken.length === 0) return runs
    taken.at(-1)!.at++
  }
}
