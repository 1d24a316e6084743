/**
 * Random operations on one core against the model.
 *
 * Lives here: the programs (lists of plain steps), running one, making a failing one smaller.
 * Does not live here: what is allowed (test/model).
 *
 * Replay: `node test/property/channel.test.ts SEED` runs the one program of that seed.
 */
import { Random } from './random.ts'
import { shrink } from './shrink.ts'
import { Pair } from '../model/pair.ts'
import type { PairCase, PairOptions } from '../model/pair.ts'
import { suite } from '../suite.ts'

/** The same each time: what breaks here was broken by a change. */
const FIRST_SEED = 1
const OPERATIONS_PER_RUN = 100_000 * (1 + Number(process.env.CIRCUIT_DEEP ?? 0))
const STEPS_PER_PROGRAM = 120
/** Tables that widen and stay: of operations, channels and timers, by the step of doubling. */
const TABLES_BYTES = 2_048

type Step =
  | { do: 'make', capacity: number }
  | { do: 'advance', ms: number }
  | { do: 'select', cases: PairCase[], options: PairOptions }
  | { do: 'decide', act: 'withdraw' | 'take', target: number }
  | { do: 'plain', act: 'send' | 'receive', channel: number, options: PairOptions }
  | { do: 'other', act: 'close' | 'scrub' | 'stat', channel: number }

/** How a program leans; drawn once for each program, so that programs differ. */
interface Lean { hold: number, timeouts: number, tries: number, ends: number, channels: number }

function options_of(random: Random, lean: Lean, receives: boolean): PairOptions {
  const options: PairOptions = {}
  if (random.below(100) < lean.tries) options.try = true
  if (receives && random.below(100) < lean.hold) options.hold = true
  if (random.below(100) < lean.timeouts) options.timeout = random.between(1, 60)
  return options
}

function after_of(random: Random): PairCase {
  return { kind: 'after', ms: random.once_in(6) ? 0 : random.between(1, 60) }
}

function select_of(random: Random, lean: Lean): Step {
  // Beside operations made with hold, selects stand in one line only: what waits in the line of a
  // select that is held elsewhere is the protocol's matter (test/net), not the model's.
  const most = lean.hold > 0 ? 1 : 6
  const cases = Array.from({ length: random.between(1, most) }, (): PairCase => {
    if (most > 1 && random.once_in(12)) return after_of(random)
    const kind = random.once_in(2) ? 'send' : 'receive'
    return { kind, channel: random.below(lean.channels) }
  })
  if (most === 1 && random.once_in(3)) cases.push(after_of(random))
  return { do: 'select', cases, options: options_of(random, lean, true) }
}

function step_of(random: Random, lean: Lean): Step {
  const channel = random.below(lean.channels)
  const draw = random.below(100)
  if (draw < 22) {
    return { do: 'plain', act: 'send', channel, options: options_of(random, lean, false) }
  }
  if (draw < 44) {
    return { do: 'plain', act: 'receive', channel, options: options_of(random, lean, true) }
  }
  if (draw < 70) return select_of(random, lean)
  if (draw < 80) return { do: 'decide', act: 'withdraw', target: random.below(1000) }
  if (draw < 88) return { do: 'decide', act: 'take', target: random.below(1000) }
  if (draw < 92) return { do: 'other', act: 'stat', channel }
  if (draw < 98 - lean.ends) return { do: 'advance', ms: random.between(1, 20) }
  if (draw < 98) return { do: 'other', act: 'close', channel }
  if (random.below(4) < lean.ends) return { do: 'other', act: 'scrub', channel }
  return { do: 'make', capacity: random.below(4) }
}

/** The program of a seed. */
function program(seed: number): Step[] {
  const random = new Random(seed)
  const lean: Lean = {
    hold: random.pick([0, 0, 20, 50]), timeouts: random.pick([0, 10, 40]),
    tries: random.pick([0, 10, 30]), ends: random.pick([0, 1, 3]), channels: random.between(1, 4)
  }
  const steps: Step[] = Array.from({ length: lean.channels }, () =>
    ({ do: 'make', capacity: random.pick([0, 0, 1, 2, 3]) }))
  while (steps.length < STEPS_PER_PROGRAM) steps.push(step_of(random, lean))
  return steps
}

/** Times are made to differ, because what happens first at equal times is open. */
class Clock {
  private readonly taken = new Set<number>()
  private readonly pair: Pair
  constructor(pair: Pair) { this.pair = pair }

  free(ms: number): number {
    let at_ms = this.pair.model.now_ms + ms
    while (this.taken.has(at_ms)) at_ms++
    this.taken.add(at_ms)
    return at_ms - this.pair.model.now_ms
  }

  options(options: PairOptions): PairOptions {
    if (options.timeout === undefined) return options
    return { ...options, timeout: this.free(options.timeout) }
  }
}

/** Channels are named by count, newest replacing oldest, so that any part of a program is one. */
function channel_of(pair: Pair, nth: number): number {
  return pair.channels.length - 1 - nth % pair.channels.length
}

function perform(pair: Pair, clock: Clock, step: Step): void {
  if (step.do === 'make') return pair.make(step.capacity)
  if (step.do === 'advance') return pair.advance(step.ms)
  if (step.do === 'decide') {
    if (pair.live.length > 0) pair[step.act](pair.live[step.target % pair.live.length]!)
    return
  }
  if (pair.channels.length === 0) return
  if (step.do === 'select') {
    const cases = step.cases.map((one): PairCase => {
      if (one.kind !== 'after') return { kind: one.kind, channel: channel_of(pair, one.channel!) }
      // A timer of no time is ready at once, but for a select that does not wait.
      const ready = one.ms === 0 && step.options.try !== true
      return { kind: 'after', ms: ready ? 0 : clock.free(Math.max(1, one.ms!)) }
    })
    pair.select(cases, clock.options(step.options))
    return
  }
  const channel = channel_of(pair, step.channel)
  if (step.do === 'plain') pair[step.act](channel, clock.options(step.options))
  else pair[step.act](channel)
}

function run(seed: number, steps: readonly Step[]): void {
  const pair = new Pair(seed)
  const clock = new Clock(pair)
  const before = pair.host.door.cell('memory_bytes_used')
  for (const step of steps) perform(pair, clock, step)
  pair.finish()
  const after = pair.host.door.cell('memory_bytes_used')
  if (after - before <= TABLES_BYTES) return
  throw new Error(`${after - before} bytes of the core's memory are never given back`)
}

function failure(seed: number, steps: readonly Step[]): Error | undefined {
  try {
    run(seed, steps)
    return undefined
  } catch (error) { return error as Error }
}

/** Runs a program; a failing one is made smaller and told whole. */
function check(seed: number): void {
  const steps = program(seed)
  const first = failure(seed, steps)
  if (first === undefined) return
  const small = shrink(steps, (some) => failure(seed, some)?.constructor === first.constructor)
  const last = failure(seed, small) ?? first
  const told = small.map((step) => `  ${JSON.stringify(step)}`).join('\n')
  throw new Error(`seed ${seed}, ${small.length} of ${steps.length} steps:\n${told}\n${last.stack}`)
}

const test = suite('property: channels and select')
const replay = process.argv[2]
if (replay !== undefined && /^\d+$/.test(replay)) {
  test(`seed ${replay}`, () => check(Number(replay)), { timeout_ms: 120_000 })
} else {
  test('random operations do what the model allows', () => {
    const first = Number(process.env.CIRCUIT_SEED ?? FIRST_SEED)
    const programs = Math.ceil(OPERATIONS_PER_RUN / STEPS_PER_PROGRAM)
    console.log(`property: ${programs} programs from seed ${first}`)
    for (let nth = 0; nth < programs; nth++) check(first + nth)
  }, { timeout_ms: 1_200_000 })
}
test.run()
