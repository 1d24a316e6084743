/**
 * Stories of the channels of one core, each step of which the plain model has allowed.
 *
 * Lives here: sends, receives, close, scrub, timeouts, withdrawals, hold and select, as calls of
 * the pair of core and model (test/model/pair.ts), which fails where the two differ. Does not live
 * here: what the model has not: latches, readers, references, paths, limits (door.ts).
 */
import { Pair } from '../model/pair.ts'
import type { PairCase } from '../model/pair.ts'
import { Random } from '../property/random.ts'
import { Recorder } from './vector.ts'
import type { Vector } from './vector.ts'

type Story = (pair: Pair) => void
type Line = [id: string, shows: string[], story: Story]

const RANDOM_STORIES = 24
const RANDOM_STEPS = 30

/** Makes channels of these capacities, then goes on. */
function with_channels(capacities: number[], story: Story): Story {
  return (pair) => {
    for (const capacity of capacities) pair.make(capacity)
    story(pair)
  }
}

function times(count: number, act: (nth: number) => void): void {
  for (let nth = 0; nth < count; nth++) act(nth)
}

const sending: Line[] = [
  ['rendezvous', ['CH-4', 'CH-10', 'ABI-2', 'ABI-11', 'ABI-13', 'ABI-20'],
    with_channels([0], (p) => {
      p.send(0)
      p.stat(0)
      p.receive(0)
    })],
  ['rendezvous-receiver-first', ['CH-4', 'CH-11'], with_channels([0], (p) => {
    p.receive(0)
    p.stat(0)
    p.send(0)
  })],
  ['buffer', ['CH-5', 'CH-6', 'CH-7'], with_channels([1], (p) => {
    times(3, () => p.send(0))
    p.stat(0)
    times(3, () => p.receive(0))
  })],
  ['buffer-of-two', ['CH-5', 'CH-7', 'CH-13'], with_channels([2], (p) => {
    times(5, () => p.send(0))
    times(5, () => p.receive(0))
  })],
  ['order-of-receivers', ['CH-11', 'CH-12'], with_channels([2], (p) => {
    times(3, () => p.receive(0))
    times(3, () => p.send(0))
  })],
  ['order-of-senders', ['CH-6', 'CH-10', 'CH-13'], with_channels([0], (p) => {
    times(3, () => p.send(0))
    times(3, () => p.receive(0))
  })],
  ['try', ['CH-9', 'CH-14', 'ABI-19'], with_channels([0, 1], (p) => {
    for (const channel of [0, 1]) {
      p.receive(channel, { try: true })
      p.send(channel, { try: true })
      p.send(channel, { try: true })
      p.receive(channel, { try: true })
      p.receive(channel, { try: true })
    }
    p.receive(0)
    p.send(0, { try: true })
    p.send(0)
    p.receive(0, { try: true })
    p.stat(0)
  })]
]

const ending: Line[] = [
  ['close-drains', ['CH-15', 'CH-18', 'CH-19', 'CH-2', 'ABI-13'], with_channels([2], (p) => {
    times(2, () => p.send(0))
    p.close(0)
    p.send(0)
    p.send(0, { try: true })
    p.close(0)
    times(3, () => p.receive(0))
    p.receive(0, { try: true })
    p.stat(0)
  })],
  ['close-with-waiters', ['CH-16', 'CH-17'], with_channels([0, 1], (p) => {
    p.receive(0)
    times(2, () => p.receive(0))
    p.close(0)
    times(3, () => p.send(1))
    p.close(1)
    times(2, () => p.receive(1))
  })],
  ['close-while-shown-taken', ['CH-20', 'CH-21'], with_channels([0], (p) => {
    const shown = p.receive(0, { hold: true })
    p.send(0)
    p.close(0)
    p.take(shown)
  })],
  ['close-while-shown-denied', ['CH-20', 'CH-21'], with_channels([0], (p) => {
    const shown = p.receive(0, { hold: true })
    p.send(0)
    p.close(0)
    p.withdraw(shown)
  })],
  ['closed-waits-for-what-is-out', ['CH-21', 'CH-31'], with_channels([1], (p) => {
    const shown = p.receive(0, { hold: true })
    p.send(0)
    p.close(0)
    p.receive(0)
    p.stat(0)
    p.withdraw(shown)
    p.receive(0)
  })],
  ['scrub', ['CH-22', 'CH-23', 'CH-2'], with_channels([0, 2], (p) => {
    p.receive(0)
    p.scrub(0)
    times(4, () => p.send(1))
    p.scrub(1)
    p.send(1)
    p.receive(1)
    p.receive(1, { try: true })
    p.close(1)
    p.scrub(1)
    p.stat(1)
  })],
  ['scrub-while-shown', ['CH-24', 'ABI-20', 'ABI-21'], with_channels([1, 1, 0], (p) => {
    for (const [channel, taken] of [[0, true], [1, false], [2, false]] as const) {
      const shown = p.receive(channel, { hold: true })
      p.send(channel)
      p.receive(channel)
      p.scrub(channel)
      if (taken) p.take(shown)
      else p.withdraw(shown)
    }
  })]
]

const early: Line[] = [
  ['timeout', ['CH-26', 'ABI-5', 'ABI-15', 'ABI-28'], with_channels([0, 1], (p) => {
    p.receive(0, { timeout: 30 })
    p.send(1)
    p.send(1, { timeout: 20 })
    p.advance(19)
    p.advance(1)
    p.advance(9)
    p.advance(1)
    p.stat(0)
    times(2, () => p.receive(1, { try: true }))
  })],
  ['withdraw', ['CH-27', 'CH-28', 'ABI-16'], with_channels([0, 1], (p) => {
    const receive = p.receive(0)
    p.withdraw(receive)
    const send = p.send(0)
    p.withdraw(send)
    p.withdraw(send)
    p.receive(0, { try: true })
    const done = p.send(1)
    p.withdraw(done)
    p.receive(1)
  })],
  ['withdraw-from-the-middle', ['CH-6', 'CH-11', 'CH-27'], with_channels([0], (p) => {
    const sends = [p.send(0), p.send(0), p.send(0)]
    p.withdraw(sends[1]!)
    times(3, () => p.receive(0))
    p.send(0)
    const receives = [p.receive(0), p.receive(0), p.receive(0)]
    p.withdraw(receives[0]!)
    times(2, () => p.send(0))
  })],
  ['hold-and-take', ['CH-30', 'CH-31', 'ABI-18'], with_channels([1], (p) => {
    const shown = p.receive(0, { hold: true })
    p.send(0)
    p.stat(0)
    p.receive(0, { try: true })
    p.take(shown)
    p.stat(0)
  })],
  ['hold-and-deny', ['CH-30', 'CH-31', 'CH-5', 'ABI-18'], with_channels([2], (p) => {
    const shown = p.receive(0, { hold: true })
    times(3, () => p.send(0))
    p.withdraw(shown)
    times(3, () => p.receive(0))
  })],
  ['hold-and-time-out', ['CH-31', 'CH-26'], with_channels([0], (p) => {
    p.receive(0, { hold: true, timeout: 25 })
    p.send(0)
    p.receive(0)
    p.advance(25)
  })],
  ['take-of-nothing', ['ABI-35'], with_channels([1], (p) => {
    const waits = p.receive(0, { hold: true })
    p.take(waits)
    p.send(0)
    p.take(waits)
    p.take(waits)
  })],
  ['sender-waits-for-the-answer', ['CH-29'], with_channels([0], (p) => {
    for (const taken of [true, false]) {
      const shown = p.receive(0, { hold: true })
      const send = p.send(0)
      p.withdraw(send)
      if (taken) p.take(shown)
      else p.withdraw(shown)
    }
    const shown = p.receive(0, { hold: true })
    p.send(0, { timeout: 10 })
    p.advance(10)
    p.withdraw(shown)
  })]
]

const receive = (channel: number): PairCase => ({ kind: 'receive', channel })
const send = (channel: number): PairCase => ({ kind: 'send', channel })
const after = (ms: number): PairCase => ({ kind: 'after', ms })

const selecting: Line[] = [
  ['select-the-ready-case', ['SEL-1', 'SEL-2', 'ABI-12'], with_channels([0, 1], (p) => {
    p.send(1)
    p.select([receive(0), receive(1)])
    p.stat(0)
  })],
  ['select-waits', ['SEL-2', 'SEL-9'], with_channels([0, 0], (p) => {
    p.select([receive(0), send(1)])
    p.stat(1)
    p.send(0)
    p.stat(1)
    p.select([receive(0), send(1)])
    p.receive(1)
    p.stat(0)
  })],
  ['select-sends-to-a-buffer', ['SEL-9', 'CH-5', 'CH-7'], with_channels([1], (p) => {
    times(2, () => p.select([send(0)]))
    times(2, () => p.receive(0))
  })],
  ['selects-meet', ['SEL-4'], with_channels([0, 0], (p) => {
    p.select([send(0), receive(1)])
    p.select([receive(0), send(1)])
  })],
  ['select-never-meets-itself', ['SEL-3'], with_channels([0], (p) => {
    p.select([send(0), receive(0)])
    p.stat(0)
    p.receive(0)
  })],
  ['select-default', ['SEL-13', 'SEL-14', 'ABI-19'], with_channels([0, 0], (p) => {
    p.select([receive(0), send(1)], { try: true })
    p.receive(1)
    p.select([receive(0), send(1)], { try: true })
    p.select([after(10)], { try: true })
    p.stat(0)
  })],
  ['select-timers', ['SEL-10', 'SEL-12', 'ABI-5'], with_channels([0], (p) => {
    p.select([after(80), receive(0), after(30)])
    p.advance(29)
    p.advance(1)
    p.select([receive(0), after(50)], { timeout: 20 })
    p.advance(20)
    p.stat(0)
    p.select([after(5)])
    p.advance(5)
  })],
  ['select-timer-of-zero', ['SEL-11'], with_channels([0], (p) => {
    p.select([receive(0), after(0)])
    p.stat(0)
  })],
  ['select-closed', ['SEL-15', 'SEL-16'], with_channels([0, 0, 0], (p) => {
    p.select([receive(1), receive(0)])
    p.select([receive(1), receive(1), send(0)])
    p.close(0)
    p.select([receive(1), send(0)])
    p.select([receive(1), receive(0)])
    p.stat(1)
  })],
  ['select-scrubbed', ['SEL-17'], with_channels([0, 0], (p) => {
    p.select([receive(1), receive(0)])
    p.select([receive(1), send(0)])
    p.scrub(0)
    p.stat(1)
  })],
  ['select-withdrawn', ['SEL-1', 'SEL-2', 'CH-27'], with_channels([0, 0], (p) => {
    const select = p.select([receive(0), send(1)])
    p.withdraw(select)
    p.stat(0)
    p.stat(1)
  })],
  ['select-hold', ['SEL-21', 'ABI-18'], with_channels([1, 1], (p) => {
    for (const taken of [true, false]) {
      const select = p.select([receive(0), receive(1)], { hold: true })
      p.send(1)
      if (taken) p.take(select)
      else p.withdraw(select)
    }
    p.stat(0)
    p.receive(1)
  })],
  ['select-held-as-sender', ['SEL-19', 'SEL-20', 'SEL-10'], with_channels([0], (p) => {
    for (const taken of [true, false]) {
      const shown = p.receive(0, { hold: true })
      p.select([send(0), after(10)])
      p.advance(15)
      if (taken) p.take(shown)
      else p.withdraw(shown)
    }
    const shown = p.receive(0, { hold: true })
    const select = p.select([send(0)])
    p.withdraw(select)
    p.withdraw(shown)
  })]
]

/** One of several ready cases: the seed decides. */
const chosen: Line[] = [1, 2, 3, 4].map((seed): Line => [`select-chooses-${seed}`, ['SEL-7'],
  with_channels([1, 1, 1], (p) => {
    for (let round = 0; round < 6; round++) {
      p.send(0, { try: true })
      p.receive(1, { try: true })
      p.send(2, { try: true })
      p.select([receive(0), send(1), receive(2), after(0)])
    }
  })])

/** A random story; what it does at each step is drawn from its own seed. */
function random_story(seed: number): Story {
  return (p) => {
    const random = new Random(seed)
    const capacities = [random.below(3), random.below(3)]
    for (const capacity of capacities) p.make(capacity)
    const one = (): PairCase => random.once_in(2) ? send(random.below(2)) : receive(random.below(2))
    for (let step = 0; step < RANDOM_STEPS; step++) {
      const channel = random.below(2)
      const options = random.once_in(6) ? { try: true } : {}
      switch (random.below(7)) {
        case 0: case 1: p.send(channel, options); break
        case 2: case 3: p.receive(channel, options); break
        case 4: p.select([one(), one(), one()], options); break
        case 5: if (p.live.length > 0) p.withdraw(random.pick(p.live)); break
        default: if (step > 20 && random.once_in(3)) p.close(channel); else p.stat(channel)
      }
    }
  }
}

function vector_of([id, shows, story]: Line, seed: number, chance: boolean): Vector {
  const pair = new Pair(seed)
  const recorder = new Recorder()
  recorder.attach(pair.host)
  story(pair)
  const steps = recorder.take()
  pair.finish()
  return { id, shows, ...(chance ? { chance } : {}), cores: [{ seed }], steps }
}

/** All stories of one core's channels and selects. */
export function local_vectors(): { channels: Vector[], selects: Vector[] } {
  const channels = [...sending, ...ending, ...early].map((line) => vector_of(line, 1, false))
  const selects = selecting.map((line) => vector_of(line, 1, line[0].endsWith('zero') ||
    line[0] === 'selects-meet'))
  chosen.forEach((line, nth) => selects.push(vector_of(line, nth + 1, true)))
  for (let seed = 1; seed <= RANDOM_STORIES; seed++) {
    selects.push(vector_of([`random-${seed}`, [], random_story(seed)], seed, true))
  }
  return { channels, selects }
}
