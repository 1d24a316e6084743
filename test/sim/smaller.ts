/**
 * Makes a failing program smaller.
 *
 * Lives here: what is simpler than what: fewer faults, peers, channels, steps, cases, options.
 * Does not live here: what failing means (play.ts), leaving parts of a list out (test/property).
 *
 * Invariant: what is given breaks the same invariant as what was taken.
 */
import { shrink } from '../property/shrink.ts'
import { play } from './play.ts'
import { FAULTS } from './program.ts'
import type { Program, Step } from './program.ts'

type Turn = Extract<Step, { do: 'turn' }>

const ROUNDS_MAX = 4
const STEP_TRIES = 300

/** The smallest program found that still breaks `invariant`; `tries_max` bounds the work. */
export function smaller(program: Program, invariant: string, tries_max = 1500): Program {
  let best = program
  let tries = 0
  const fails = (some: Program): boolean => ++tries <= tries_max
    && play(some).broken.some((one) => one.invariant === invariant)
  const attempt = (some: Program): boolean => {
    if (!fails(some)) return false
    best = some
    return true
  }
  for (let round = 0; round < ROUNDS_MAX && tries < tries_max; round++) {
    const before = JSON.stringify(best)
    attempt({ ...best, steps: best.steps.filter((step) => !FAULTS.includes(step.do)) })
    const steps = shrink(best.steps, (some) => fails({ ...best, steps: [...some] }), STEP_TRIES)
    best = { ...best, steps }
    for (const simpler of frames(best)) attempt(simpler)
    fewer_peers(best, attempt)
    for (let nth = best.steps.length - 1; nth >= 0; nth--) shorter_turn(best, nth, attempt)
    for (let nth = 0; nth < best.steps.length; nth++) {
      for (const step of simpler_steps(best.steps[nth]!)) {
        attempt({ ...best, steps: best.steps.toSpliced(nth, 1, step) })
      }
    }
    if (JSON.stringify(best) === before) break
  }
  return best
}

/** The same steps in a simpler world. */
function* frames(program: Program): Generator<Program> {
  if (program.uneven) yield { ...program, uneven: false }
  if (program.gather) yield { ...program, gather: false }
  if (program.doors !== undefined) {
    const { doors, ...rest } = program
    yield rest
    if (doors === 'half') yield { ...rest, doors: 'all' }
  }
  if (program.delay_max_ms > 1) yield { ...program, uneven: false, gather: false, delay_max_ms: 1 }
  const { channels } = program
  for (let count = 1; count < channels.length; count++) {
    yield { ...program, channels: channels.slice(0, count) }
  }
  for (let nth = 0; nth < channels.length; nth++) {
    if (channels[nth]!.capacity === 0) continue
    yield { ...program, channels: channels.with(nth, { ...channels[nth]!, capacity: 0 }) }
  }
}

/** Places beyond the last are those of the first again, so steps need no change. */
function fewer_peers(program: Program, attempt: (some: Program) => boolean): void {
  for (let nodes = 2; nodes < program.nodes; nodes++) {
    const channels = program.channels.map((one) => ({ ...one, owner: one.owner % nodes }))
    if (attempt({ ...program, nodes, channels })) return
  }
}

/** The steps of a turn one by one, or fewer of them. */
function shorter_turn(program: Program, nth: number, attempt: (some: Program) => boolean): void {
  const turn = program.steps[nth]!
  if (turn.do !== 'turn') return
  if (attempt({ ...program, steps: program.steps.toSpliced(nth, 1, ...turn.steps) })) return
  shrink(turn.steps, (steps) => steps.length > 0 && attempt({ ...program,
    steps: program.steps.with(nth, { ...turn, steps: [...steps] }) }), STEP_TRIES)
}

/** With a step that is simpler. */
function* simpler_turns(turn: Turn): Generator<Step> {
  const { steps, records, ...rest } = turn
  if (records === true) yield { ...rest, steps }
  for (let nth = 0; nth < steps.length; nth++) {
    for (const simpler of simpler_steps(steps[nth]!)) {
      yield { ...turn, steps: steps.with(nth, simpler) }
    }
  }
}

function* simpler_steps(step: Step): Generator<Step> {
  if (step.do === 'wait') {
    if (step.ms > 10) yield { ...step, ms: 10 }
    if (step.ms > 200) yield { ...step, ms: step.ms >> 1 }
    return
  }
  if (step.do === 'upon') {
    yield step.then
    if (step.ms > 0) yield { ...step, ms: 0 }
    if (step.nth > 0) yield { ...step, nth: 0 }
    return
  }
  if (step.do === 'turn') {
    yield* simpler_turns(step)
    return
  }
  if (step.do === 'reader' && step.prefetch > 1) yield { ...step, prefetch: 1 }
  if (step.do === 'send_list' || step.do === 'receive_list') {
    for (const count of [1, 2, step.count >> 1, step.count - 1]) {
      if (count > 0 && count < step.count) yield { ...step, count }
    }
  }
  if (!('options' in step)) return
  if (step.do === 'select') {
    for (let nth = 0; nth < step.cases.length && step.cases.length > 1; nth++) {
      yield { ...step, cases: step.cases.toSpliced(nth, 1) }
    }
  }
  for (const name of Object.keys(step.options)) {
    const options = { ...step.options, [name]: undefined }
    yield { ...step, options: JSON.parse(JSON.stringify(options)) as typeof options }
  }
}
