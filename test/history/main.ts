/**
 * The long hunt for a history that could not have happened.
 *
 * Lives here: the command line and its table. Does not live here: rounds (hunt.ts), broken cores
 * (mutants.ts).
 *
 * Run: `npm run history -- [--minutes M] [--seed N] [--faults] [--mutants]`. Of every three rounds
 * with `--faults` one has a frozen peer and one a killed one. `--mutants` runs each broken core
 * until it is found out.
 */
import { huntOnce, type Fault, type Round } from './hunt.ts'
import { MUTATIONS, mutantTree } from './mutants.ts'
import { Place } from './place.ts'

const NAMES = ['a', 'b', 'c']
const SIZE = { clients: 4, operations: 300 }
const WITH_FAULT = { clients: 3, operations: 1_000_000 }
/** A peer's log and its memory begin anew after this many rounds. */
const ROUNDS_PER_PLACE = 20
const MUTANT_ROUNDS_MAX = 12

process.exitCode = process.argv.includes('--mutants') ? await mutants() : await hunt()

async function hunt(): Promise<number> {
  const until = performance.now() + numberOf('--minutes', 1) * 60_000
  const first = numberOf('--seed', 1)
  const faults: Fault[] = process.argv.includes('--faults') ? ['none', 'freeze', 'kill'] : ['none']
  const rounds: Round[] = []
  let seed = first
  let place: Place | undefined
  try {
    for (let nth = 0; rounds.length === 0 || performance.now() < until; nth++, seed++) {
      const fault = faults[nth % faults.length]!
      place ??= await freshPlace()
      const round = await huntOnce(place, seed, fault === 'none' ? SIZE : WITH_FAULT, fault)
      rounds.push(round)
      console.log(rowOf(round, fault))
      if (round.why !== '') return 1
      if (fault !== 'kill' && nth % ROUNDS_PER_PLACE !== ROUNDS_PER_PLACE - 1) continue
      await place.end()
      place = undefined
    }
  } finally {
    await place?.end()
  }
  const sum = (of: (round: Round) => number) => rounds.reduce((all, one) => all + of(one), 0)
  console.log(`${rounds.length} histories of ${NAMES.length} peers, `
    + `${sum((one) => one.operations)} operations, ${sum((one) => one.again)} marked again, `
    + `${sum((one) => one.lost)} lost or unknown: all accepted `
    + `(${Math.round(sum((one) => one.check_ms))} ms of checking)`)
  return 0
}

async function mutants(): Promise<number> {
  let missed = 0
  for (const mutation of MUTATIONS) {
    const { tree, remove } = mutantTree(mutation)
    const place = await freshPlace(tree)
    let round: Round | undefined
    let nth = 0
    try {
      while (nth < MUTANT_ROUNDS_MAX && (round === undefined || round.why === '')) {
        round = await huntOnce(place, ++nth, SIZE).catch((error: Error) => failedRound(nth, error))
      }
    } finally {
      await place.end()
      remove()
    }
    const found = round!.why !== ''
    if (!found) missed++
    console.log(`${found ? `round ${nth}` : 'MISSED'.padEnd(7)}  ${mutation.name}`)
    if (found) console.log(`         ${round!.why.split('\n')[0]}`)
  }
  console.log(`${MUTATIONS.length - missed} of ${MUTATIONS.length} broken cores found out`)
  return missed === 0 ? 0 : 1
}

/** A core that traps has given itself away. */
function failedRound(seed: number, { message }: Error): Round {
  return { seed, operations: 0, again: 0, lost: 0, steps: 0, check_ms: 0, why: message }
}

async function freshPlace(tree?: string): Promise<Place> {
  const place = new Place(tree === undefined ? {} : { tree, stuck_ms: 8_000 })
  await place.start(NAMES)
  return place
}

function rowOf(round: Round, fault: Fault): string {
  const { seed, operations, again, lost, steps, check_ms, why } = round
  const columns = [`seed ${seed}`, fault.padEnd(6), `${operations} operations`, `${again} again`,
    `${lost} lost`, `${steps} steps`, `${check_ms.toFixed(0)} ms`]
  return `${columns.join('  ')}  ${why === '' ? 'accepted' : `REJECTED: ${why}`}`
}

function numberOf(flag: string, otherwise: number): number {
  const at = process.argv.indexOf(flag)
  return at < 0 ? otherwise : Number(process.argv[at + 1])
}
