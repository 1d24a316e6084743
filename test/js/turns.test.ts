/** Turns between links, in virtual time: who is handed on when, and which link is paused. */
import * as assert from 'uvu/assert'
import { Turns } from '../../bindings/js/turns.ts'
import type { Taker } from '../../bindings/js/turns.ts'
import type { Frame, Link } from '../../transports/transport.ts'
import { limits } from '../core/door.ts'
import { suite } from '../suite.ts'

const SHARE = limits.LINK_FRAMES_PER_TURN!
const test = suite('js: turns')

interface Line extends Taker { name: string, paused: boolean }

/** Turns whose timer fires when the test says so. */
function stage() {
  const given: string[] = []
  let now_ms = 1_000
  let due: (() => void) | undefined
  const turns = new Turns<Line>({
    timers: { set: (fn) => { due = fn; return 1 }, clear: () => { due = undefined } },
    now: () => now_ms,
    give: ({ name }, frames) => {
      for (const { header } of frames) {
        given.push(`${name}${new DataView(header.buffer).getUint32(0)}`)
      }
    }
  })
  const line = (name: string): Line => {
    const one: Line = { name, paused: false, waiting: [], given: 0, link: {
      pause: () => { one.paused = true }, resume: () => { one.paused = false }
    } as unknown as Link }
    return one
  }
  return {
    given, turns, line,
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

/** Frames with the numbers from `from` on. */
function frames(count: number, from = 0): Frame[] {
  return Array.from({ length: count }, (_, nth) => {
    const header = new Uint8Array(4)
    new DataView(header.buffer).setUint32(0, from + nth)
    return { header, payload: undefined }
  })
}

const named = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, nth) => `${name}${nth}`)

test('LIM-12: a link that is alone hands on all at once', () => {
  const { given, turns, line, next } = stage()
  const a = line('a')
  turns.arrived(a, frames(10_000))
  assert.is(given.length, 10_000)
  assert.is(a.paused, false)
  assert.is(next(), false, 'and no turn is due')
})

test('LIM-11: of a flood only a share is before what another link brings', () => {
  const { given, turns, line } = stage()
  const [flood, honest] = [line('f'), line('h')]
  turns.arrived(honest, frames(1))
  turns.arrived(flood, frames(10_000))
  assert.ok(flood.paused)
  turns.arrived(honest, frames(1, 1))
  assert.equal(given, ['h0', ...named('f', SHARE), 'h1'])
})

test('LIM-11: turns go round, frames come in order, and the link goes on at the end', () => {
  const { given, turns, line, next } = stage()
  const [a, b] = [line('a'), line('b')]
  turns.arrived(a, frames(1))
  turns.arrived(b, frames(3 * SHARE))
  turns.arrived(a, frames(2 * SHARE, 1))
  assert.ok(a.paused && b.paused)
  next()
  assert.is(given.filter((name) => name.startsWith('b')).length, 2 * SHARE)
  while (next());
  assert.equal(given.filter((name) => name.startsWith('a')), named('a', 2 * SHARE + 1))
  assert.equal(given.filter((name) => name.startsWith('b')), named('b', 3 * SHARE))
  assert.is(a.paused || b.paused, false)
})

test('LIM-11: many small pieces in one turn are one share together', () => {
  const { given, turns, line } = stage()
  const [a, b] = [line('a'), line('b')]
  turns.arrived(a, frames(1))
  for (let nth = 0; nth < 100; nth++) turns.arrived(b, frames(10, nth * 10))
  assert.is(given.length, 1 + SHARE)
})

test('what came before the end of its link comes before the end', () => {
  const { given, turns, line } = stage()
  const [a, b] = [line('a'), line('b')]
  turns.arrived(a, frames(1))
  turns.arrived(b, frames(1_000))
  turns.ended(b)
  assert.equal(given, ['a0', ...named('b', 1_000)])
})

test('nothing of a link that the core let go is handed on', () => {
  const { given, turns, line, next } = stage()
  const [a, b] = [line('a'), line('b')]
  turns.arrived(a, frames(1))
  turns.arrived(b, frames(1_000))
  turns.forget(b)
  while (next());
  assert.is(given.length, 1 + SHARE)
})

test('LIM-12: a link that is alone again takes no turns any more', () => {
  const { given, turns, line, next, wait } = stage()
  const [a, b] = [line('a'), line('b')]
  turns.arrived(a, frames(1))
  turns.arrived(b, frames(1))
  next()
  wait(limits.LINK_ALONE_MS!)
  turns.arrived(b, frames(5_000, 1))
  assert.is(given.length, 5_002)
})

test.run()
