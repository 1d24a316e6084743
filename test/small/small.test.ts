/**
 * Every interleaving of up to three waiters on two channels, against the model.
 *
 * Lives here: the kinds of waiters, the order of begins, withdrawals, takes and closes.
 * Does not live here: what is allowed (test/model), going through all choices (explore.ts).
 */
import { explore } from './explore.ts'
import type { Choose } from './explore.ts'
import { Pair } from '../model/pair.ts'
import type { PairCase } from '../model/pair.ts'
import { suite } from '../suite.ts'

const test = suite('small: three waiters on two channels')
const RUNS_PER_HOST = 20_000
const WAITERS = 3

type Kind = { plain: PairCase, hold?: boolean } | { cases: PairCase[], hold?: boolean }

const single: PairCase[] = [
  { kind: 'send', channel: 0 }, { kind: 'receive', channel: 0 },
  { kind: 'send', channel: 1 }, { kind: 'receive', channel: 1 }
]

/** Plain operations, and selects of every combination of two or more cases. */
function all_kinds(): Kind[] {
  const kinds: Kind[] = single.map((plain) => ({ plain }))
  for (let set = 1; set < 16; set++) {
    const cases = single.filter((_, nth) => (set >> nth & 1) === 1)
    if (cases.length > 1) kinds.push({ cases })
  }
  return kinds
}

/** Plain operations and selects of one case, receives with and without hold. */
function hold_kinds(): Kind[] {
  const one = single.slice(0, 2)
  return [
    ...one.map((plain) => ({ plain })), ...one.map((plain) => ({ cases: [plain] })),
    { plain: one[1]!, hold: true }, { cases: [one[1]!], hold: true }
  ]
}

function begin(pair: Pair, kind: Kind): number {
  const options = kind.hold === true ? { hold: true } : {}
  if ('cases' in kind) return pair.select(kind.cases, options)
  return kind.plain.kind === 'send' ? pair.send(kind.plain.channel!)
    : pair.receive(kind.plain.channel!, options)
}

/**
 * One run: begins of `WAITERS` kinds with `others` other inputs between and after them. What may be
 * chosen depends on the inputs alone, never on what the core drew.
 */
function interleave(
  pair: Pair, choose: Choose, kinds: readonly Kind[], capacities: readonly number[], others: number
): void {
  for (const capacity of capacities) pair.make(capacity)
  const holding = kinds.some(({ hold }) => hold === true)
  const begun: number[] = []
  const open = capacities.map((_, nth) => nth)
  for (let left = WAITERS + others; left > 0; left--) {
    const may_begin = begun.length < WAITERS ? kinds.length : 0
    const may_end = left > WAITERS - begun.length ? begun.length * (holding ? 2 : 1) : 0
    const may_close = left > WAITERS - begun.length ? open.length : 0
    if (may_begin + may_end + may_close === 0) return
    const choice = choose(may_begin + may_end + may_close)
    if (choice < may_begin) begun.push(begin(pair, kinds[choice]!))
    else if (choice < may_begin + may_end) {
      const target = choice - may_begin
      const op = begun[target % begun.length]!
      if (target < begun.length) pair.withdraw(op)
      else pair.take(op)
    } else pair.close(open.splice(choice - may_begin - may_end, 1)[0]!)
  }
}

function check_all(kinds: readonly Kind[], capacities: readonly number[], others: number): number {
  let pair = new Pair(7)
  let left = RUNS_PER_HOST
  return explore((choose) => {
    if (left-- === 0) {
      pair = new Pair(7)
      left = RUNS_PER_HOST
    }
    const choices: number[] = []
    try {
      interleave(pair, (count) => {
        const choice = choose(count)
        choices.push(choice)
        return choice
      }, kinds, capacities, others)
      pair.finish()
    } catch (error) {
      const where = `capacities ${capacities.join(' ')}, choices ${choices.join(' ')}`
      throw new Error(`${where}\n${(error as Error).stack}`)
    }
  })
}

/** One more input takes minutes; nightly runs set it. */
const MORE = Number(process.env.CIRCUIT_DEEP ?? 0)

// Two channels of capacities 1 and 0 are those of 0 and 1 seen in a mirror.
for (const capacities of [[0, 0], [0, 1], [1, 1]]) {
  test(`plain operations and selects, capacities ${capacities.join(' and ')}`, () => {
    console.log(`small: ${check_all(all_kinds(), capacities, 1 + MORE)} interleavings`)
  }, { timeout_ms: 600_000 })
}
for (const capacity of [0, 1, 2]) {
  test(`receives with hold, capacity ${capacity}`, () => {
    console.log(`small: ${check_all(hold_kinds(), [capacity], 2 + MORE)} interleavings`)
  }, { timeout_ms: 600_000 })
}
test.run()
