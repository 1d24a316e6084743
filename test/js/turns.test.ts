/** Turns between links, in virtual time: who is handed on when, and which link is paused. */
import * as assert from 'uvu/assert'
import { Turns } from '../../bindings/js/turns.ts'
import type { Taker } from '../../bindings/js/turns.ts'
import type { Link } from '../../transports/transport.ts'
import { limits } from '../core/door.ts'
import { suite } from '../suite.ts'

const SHARE = limits.LINK_FRAMES_PER_TURN!
const test = suite('js: turns')

/** What it has brought: frames by their numbers, not cut yet; `cut`, and not handed on yet. */
interface Line extends Taker { name: string, paused: boolean, brought: number[], cut: number[] }

/** Turns whose timer fires when the test says so. */
function stage() {
  const given: string[] = []
  let now_ms = 1_000
  let due: (() => void) | undefined
  const turns = new Turns<Line>({
    timers: { set: (fn) => { due = fn; return 1 }, clear: () => { due = undefined } },
    now: () => now_ms,
    cut: ({ brought, cut }, most) => {
      const taken = brought.splice(0, most)
      cut.push(...taken)
      return taken.length
    },
    give: ({ name, cut }) => {
      given.push(...cut.splice(0).map((number) => `${name}${number}`))
    }
  })
  const line = (name: string): Line => {
    const one: Line = { name, paused: false, waiting: false, given: 0, brought: [], cut: [], link: {
      pause: () => { one.paused = true }, resume: () => { one.paused = false }
    } as unknown as Link }
    return one
  }
  /** Frames with the numbers from `from` on come in. */
  const arrive = (one: Line, count: number, from = 0): boolean => {
    one.brought.push(...Array.from({ length: count }, (_, nth) => from + nth))
    return turns.arrived(one)
  }
  return {
    given, turns, line, arrive,
    wait: (ms: number) => { now_ms += ms },
    /** The next turn; false when none is due. */
    next: (): boolean => {
      const fn = due
      due = undefined
      fn?.()
      return fn !== undefined
    }
  }
}

const named = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, nth) => `${name}${nth}`)

test('LIM-12: a link that is alone hands on all at once', () => {
  const { given, line, arrive, next } = stage()
  const a = line('a')
  arrive(a, 10_000)
  assert.is(given.length, 10_000)
  assert.is(a.paused, false)
  assert.is(next(), false, 'and no turn is due')
})

test('LIM-11: of a flood only a share is before what another link brings', () => {
  const { given, line, arrive } = stage()
  const [flood, honest] = [line('f'), line('h')]
  arrive(honest, 1)
  arrive(flood, 10_000)
  assert.ok(flood.paused)
  arrive(honest, 1, 1)
  assert.equal(given, ['h0', ...named('f', SHARE), 'h1'])
})

test('LIM-11: turns go round, frames come in order, and the link goes on at the end', () => {
  const { given, line, arrive, next } = stage()
  const [a, b] = [line('a'), line('b')]
  arrive(a, 1)
  arrive(b, 3 * SHARE)
  arrive(a, 2 * SHARE, 1)
  assert.ok(a.paused && b.paused)
  next()
  assert.is(given.filter((name) => name.startsWith('b')).length, 2 * SHARE)
  while (next());
  assert.equal(given.filter((name) => name.startsWith('a')), named('a', 2 * SHARE + 1))
  assert.equal(given.filter((name) => name.startsWith('b')), named('b', 3 * SHARE))
  assert.is(a.paused || b.paused, false)
})

test('LIM-11: many small pieces in one turn are one share together', () => {
  const { given, line, arrive } = stage()
  const [a, b] = [line('a'), line('b')]
  arrive(a, 1)
  for (let nth = 0; nth < 100; nth++) arrive(b, 10, nth * 10)
  assert.is(given.length, 1 + SHARE)
})

test('what came before the end of its link comes before the end', () => {
  const { given, turns, line, arrive } = stage()
  const [a, b] = [line('a'), line('b')]
  arrive(a, 1)
  arrive(b, 1_000)
  turns.ended(b)
  assert.equal(given, ['a0', ...named('b', 1_000)])
})

test('nothing of a link that the core let go is handed on', () => {
  const { given, turns, line, arrive, next } = stage()
  const [a, b] = [line('a'), line('b')]
  arrive(a, 1)
  arrive(b, 1_000)
  turns.forget(b)
  while (next());
  assert.is(given.length, 1 + SHARE)
})

test('LIM-12: a link that is alone again takes no turns any more', () => {
  const { given, line, arrive, next, wait } = stage()
  const [a, b] = [line('a'), line('b')]
  arrive(a, 1)
  arrive(b, 1)
  next()
  wait(limits.LINK_ALONE_MS!)
  arrive(b, 5_000, 1)
  assert.is(given.length, 5_002)
})

test.run()
