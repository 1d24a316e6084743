/**
 * One run of one program, from its first step to its last check.
 *
 * Lives here: what a run gives. Does not live here: how programs are found (search.ts) or told
 * (story.ts).
 */
import { Trap } from '../core/door.ts'
import type { Program } from './program.ts'
import { settle_and_check } from './settle.ts'
import { World } from './world.ts'
import type { Broken } from './world.ts'

export interface Played { broken: Broken[], excused: Map<string, number> }

/** Plays a program; what breaks is given, never thrown. */
export function play(program: Program, watch?: (world: World) => void,
  tell?: (line: string) => void): Played {
  const broken: Broken[] = []
  let world: World | undefined
  try {
    world = new World(program, tell)
    watch?.(world)
    world.run()
    settle_and_check(world)
  } catch (error) {
    const { stack, message } = error as Error
    const invariant = error instanceof Trap ? 'no_fault' : 'the_door_holds'
    broken.push({ invariant, sentence: error instanceof Trap ? message : stack ?? message })
  }
  return { broken: [...world?.broken ?? [], ...broken], excused: world?.excused ?? new Map() }
}
