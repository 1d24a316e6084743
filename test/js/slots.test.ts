/**
 * The two tables of a host: operations by their ids, payloads by their handles.
 *
 * Lives here: what is given out and taken back, counted beside a plain list. Does not live here:
 * who waits, what a payload holds.
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import type { Refusal } from '../../bindings/js/errors.ts'
import { Payloads } from '../../bindings/js/payload.ts'
import { Slots } from '../../bindings/js/slots.ts'
import { OPERATIONS_MAX } from '../../bindings/js/tables.ts'

const test = suite('js: slots')
const STEPS = 2000
const SLOT_MASK = (1 << 20) - 1

/** Numbers below `below` that look like chance and are the same each time. */
function drawing(): (below: number) => number {
  let state = 1
  return (below) => (state = state * 48_271 % 0x7fff_ffff) % below
}

test('the next id is the one that is given, and leads to who waits until it is released', () => {
  const slots = new Slots<{ step: number }>()
  const waiting = new Map<number, { step: number }>()
  const given = new Set<number>()
  const draw = drawing()
  for (let step = 0; step < STEPS; step++) {
    const ids = [...waiting.keys()]
    if (ids.length === 0 || draw(2) === 0) {
      const { next } = slots
      const listener = { step }
      assert.is(slots.take(listener), next)
      assert.not.ok(given.has(next), `${next} is given twice`)
      given.add(next)
      waiting.set(next, listener)
    } else {
      const id = ids[draw(ids.length)]!
      slots.release(id)
      waiting.delete(id)
      assert.is(slots.find(id), undefined)
    }
    assert.is(slots.size, waiting.size)
  }
  for (const [id, listener] of waiting) assert.is(slots.find(id), listener)
  const left: object[] = []
  slots.clear((listener) => { left.push(listener) })
  assert.is(left.length, waiting.size)
})

test('no id is given to one operation too many; a released one is given again', () => {
  const slots = new Slots<object>()
  const listener = {}
  const [first] = Array.from({ length: OPERATIONS_MAX }, () => slots.take(listener))
  assert.is(slots.next, 0)
  assert.is(slots.size, OPERATIONS_MAX)
  assert.throws(() => slots.take(listener), (error: Refusal) => error.code === 'TOO_MANY')
  slots.release(first!)
  assert.is(slots.size, OPERATIONS_MAX - 1)
  const again = slots.take(listener)
  assert.is(again & SLOT_MASK, first! & SLOT_MASK)
  assert.is.not(again, first)
  assert.is(slots.next, 0)
  slots.release(again)
  assert.is(slots.size, OPERATIONS_MAX - 1)
})

test('a handle holds its payload until that is taken, and is never 0', () => {
  const payloads = new Payloads()
  const held = new Map<number, number>()
  const draw = drawing()
  for (let step = 0; step < STEPS; step++) {
    const handles = [...held.keys()]
    if (handles.length === 0 || draw(2) === 0) {
      const { next } = payloads
      assert.is(payloads.put(step), next)
      assert.ok(next > 0 && !held.has(next))
      held.set(next, step)
    } else {
      const handle = handles[draw(handles.length)]!
      assert.is(payloads.peek(handle), held.get(handle))
      assert.is(payloads.take(handle), held.get(handle))
      held.delete(handle)
      assert.is(payloads.taken(handle), undefined)
      assert.throws(() => payloads.take(handle))
    }
    assert.is(payloads.size, held.size)
  }
})

test.run()
