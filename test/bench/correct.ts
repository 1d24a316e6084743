/**
 * Right and wrong: several selects wait on the same two channels; is every value that was accepted
 * received once, and does nobody wake up with nothing?
 *
 * Lives here: the check that goes with the figures of select. Does not live here: the figures
 * (local.ts), the tests of circuit itself (test/property, test/sim).
 */
import type { Circuit } from './circuit.ts'
import type { Fact } from './goal.ts'
import { circuitLibrary, medium, thing, type Choice, type Library } from './libraries.ts'
import type { JsCsp, Peers } from './peers.ts'

const TRIALS = 50
const VALUES = 20
const SELECTORS = [1, 2, 4]
/** Turns of the event loop without any news, after which nothing more will come. */
const QUIET_TURNS = 8

interface Score { lost: number, empty: number }

/** What is wrong with the selects of each library that has one, by its name; and as facts. */
export interface Correctness { wrong: Map<string, string>, facts: Fact[] }

/** Checks them all. */
export async function correctness(circuit: Circuit, peers: Peers): Promise<Correctness> {
  const libraries = [circuitLibrary(circuit), medium(peers), thing(peers)]
  const choices = libraries.map((library: Library) =>
    ({ name: library.name, make: () => library.choice!(2) }))
  choices.push({ name: 'js-csp', make: () => cspChoice(peers.js_csp) })
  const facts: Fact[] = []
  const sentences = new Map<string, string>()
  for (const { name, make } of choices) {
    const said: string[] = []
    let wrong = 0
    let worst = ''
    for (const selectors of SELECTORS) {
      const { lost, empty } = await tally(make, selectors)
      wrong += lost + empty
      if (lost + empty > 0) worst = `${selectors} selectors: ${sentence(lost, empty)}`
      said.push(`${selectors}: ${sentence(lost, empty)}`)
    }
    if (worst !== '') sentences.set(name, worst)
    facts.push({
      work: `selects on the same two channels, ${TRIALS} × ${VALUES} values`, name,
      value: wrong, unit: 'wrong', beside: said.join(' · '),
      ...(name === 'circuit' ? { target: { text: '0', most: 0 } } : {})
    })
  }
  return { wrong: sentences, facts }
}

function sentence(lost: number, empty: number): string {
  if (lost === 0 && empty === 0) return 'right'
  const parts = []
  if (lost > 0) parts.push(`${lost} values accepted and lost`)
  if (empty > 0) parts.push(`${empty} wake-ups with nothing`)
  return parts.join(', ')
}

async function tally(make: () => Choice, selectors: number): Promise<Score> {
  const score: Score = { lost: 0, empty: 0 }
  for (let trial = 0; trial < TRIALS; trial++) {
    const { lost, empty } = await once(make(), selectors)
    score.lost += lost
    score.empty += empty
  }
  return score
}

/** One trial; the selects that wait at its end are left to the collector. */
async function once({ pipes, choose, read }: Choice, selectors: number): Promise<Score> {
  const seen = new Set<number>()
  let accepted = 0
  let empty = 0
  let news = 0
  const selecting = async () => {
    while (seen.size < VALUES) {
      const value = read(await choose())
      if (typeof value === 'number') seen.add(value)
      else empty += 1
      news += 1
    }
  }
  // Rejected when the circuit ends with selects that still wait.
  for (let i = 0; i < selectors; i++) selecting().catch(() => {})
  pipes.forEach(async (pipe, at) => {
    for (let value = 1 + at; value <= VALUES; value += pipes.length) {
      if (await pipe.send(value) === false) continue
      accepted += 1
      news += 1
    }
  })
  let heard = -1
  for (let quiet = 0; quiet < QUIET_TURNS; quiet++) {
    await new Promise((resolve) => setImmediate(resolve))
    if (news !== heard) quiet = 0
    heard = news
  }
  return { lost: accepted - seen.size, empty }
}

function cspChoice(csp: JsCsp): Choice {
  const ends = [csp.chan(), csp.chan()]
  return {
    pipes: ends.map((end) => ({
      send: (value: number) => new Promise((resolve) => csp.putAsync(end, value, resolve)),
      receive: () => Promise.reject(new Error('not used here'))
    })),
    choose: () => new Promise((resolve) => {
      csp.go(function* () { resolve((yield csp.alts(ends)).value) })
    }),
    read: (chosen) => chosen
  }
}
