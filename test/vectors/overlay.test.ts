/**
 * What one core does about its edges when it has heard of many members: requirements that take long
 * or depend on chance, so that no vector shows them.
 */
import * as assert from 'uvu/assert'
import { constants, limits } from '../core/door.ts'
import { encode } from '../fuzz/header.ts'
import { suite } from '../suite.ts'
import { set_up } from './invalid.ts'
import type { Set } from './invalid.ts'

const test = suite('vectors: many members')

const { alive, left } = constants('member_event') as { alive: number, left: number }
const wish = constants('edge_wish') as Record<'off' | 'ask' | 'urgent' | 'accept', number>
const { unreachable } = constants('dial_reason') as { unreachable: number }
/** More than was ever given to a link. */
const TAKEN = 0xffffffff
const ACK = 5
const EDGE = 6
const MEMBERS = 20

/** A core that has met one peer, which tells it of many others and wants to be no edge. */
function crowd(): Set {
  const set = set_up()
  const { stage, wire, b } = set
  for (let nth = 0; nth < MEMBERS; nth++) {
    stage.forge(wire, b, 'member', [`peer-${nth}`, 1, 0, alive, `p${nth}`, '', 1])
  }
  stage.raw(wire, b, encode([EDGE, wish.off]))
  return set
}

/** Lets time pass; the one peer lives, and refuses to be an edge. Stops when `over` says so. */
function live(set: Set, ms: number, each: () => void, over: () => boolean): number {
  const { stage, wire, a, b } = set
  for (let passed = 0; passed < ms; passed += 100) {
    stage.wait(100, false, [a])
    if (over()) return passed + 100
    stage.raw(wire, b, encode([ACK, a.said]))
    a.host.put('link_ready', { link: wire.end_of(a).number, taken_bytes: TAKEN })
    const asks = wire.end_of(a).out.splice(0).filter(({ row }) => row[0] === EDGE)
    for (const { row } of asks) {
      if (row[1] !== wish.off) stage.raw(wire, b, encode([EDGE, wish.off]))
    }
    each()
  }
  return ms
}

test('MEM-3: a link that is no edge and carries nothing is closed until somebody waits', () => {
  const set = crowd()
  const { a, wire } = set
  const passed = live(set, 2 * limits.LINK_IDLE_MS!, () => {}, () => !wire.end_of(a).up)
  assert.ok(passed >= limits.LINK_IDLE_MS! - 2000 && passed < limits.LINK_IDLE_MS! + 5000,
    `closed after ${passed} ms`)
  assert.not.ok(a.orders.some(({ name, fields }) => name === 'peer' &&
    fields.event === constants('peer_event').left), 'the session stays, nobody left')
  const receive = a.host.receive(set.far)
  assert.is(a.host.status(receive), 'waiting')
  assert.is(a.dials.at(-1)!.id, 'peer-b', 'somebody waits: it is dialled')
})

test('MEM-11: as many members as edges are lacking are asked, others when they do not come', () => {
  const set = crowd()
  const { a, stage } = set
  const seek = Math.ceil(Math.log2(MEMBERS + 2)) + 2
  const at = new Map<string, number[]>()
  let seen = 0
  live(set, 20_000, () => {
    const fresh = a.dials.slice(seen)
    seen = a.dials.length
    for (const { peer, id } of fresh) {
      at.set(id, [...at.get(id) ?? [], stage.now_ms])
      a.host.put('dial_failed', { peer, reason: unreachable })
    }
  }, () => false)
  assert.ok(at.size > seek, `${at.size} members were tried`)
  for (const [id, times] of at) {
    times.slice(1).forEach((ms, nth) => assert.ok(
      ms - times[nth]! >= limits.REDIAL_MIN_MS!, `${id} at ${times.join(', ')}`))
  }
})

test('MEM-12: of those who left without a goodbye one is dialled now and then', () => {
  const set = crowd()
  const { a, b, stage, wire } = set
  for (let nth = 0; nth < MEMBERS; nth++) {
    stage.forge(wire, b, 'member', [`peer-${nth}`, 1, 0, left, '', '', 1])
  }
  for (const { peer } of a.dials.splice(0)) {
    a.host.put('dial_failed', { peer, reason: unreachable })
  }
  const times: number[] = []
  live(set, limits.LINK_IDLE_MS! - 5_000, () => {
    for (const { peer } of a.dials.splice(0)) {
      times.push(stage.now_ms)
      a.host.put('dial_failed', { peer, reason: unreachable })
    }
  }, () => false)
  const waits = times.slice(1).map((ms, nth) => ms - times[nth]!)
  assert.ok(times.length >= 5 && times.length <= 25, `${times.length} dials in 25 s`)
  assert.ok(waits.at(-1)! > 2 * waits[0]!, `waits of ${waits.join(', ')} ms`)
})

test.run()
