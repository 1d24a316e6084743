/**
 * Turns: of the two sides of a silent link one asks, then the other.
 *
 * Lives here: who asks when, what that costs a peer with nothing to do, and that no death is
 * noticed later for it. Does not live here: what follows when nobody answers (suspicion.test.ts).
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { HIGHER, LOWER, Script, limits } from '../core/session-script.ts'
import { Net, type Crossing } from './net.ts'
import type { Node } from './node.ts'
import { read_header } from './wire.ts'

const test = suite('net: turns')
const {
  ACK_DELAY_MS, PROBE_AGAIN_MS, PROBE_INTERVAL_MS, PROBE_TURN_MS, SUSPECT_MS, SUSPICION_MAX_MS,
  SYNC_MS
} = limits as Record<string, number>

/** A core and a peer of this id whom it has just asked. Gives the token of the ping. */
function asked(id: string): { s: Script, token: number } {
  const s = new Script()
  s.join(1, id)
  s.wait(ACK_DELAY_MS!)
  s.say(1, 'ack', [0])
  s.heard()
  s.wait(PROBE_INTERVAL_MS!)
  const [ping] = s.heard('ping')
  return { s, token: ping!.row[1] as number }
}

/** After how long the core asks next, nothing being heard. */
function asks_after_ms(s: Script): number {
  s.heard()
  const from_ms = s.host.now_ms
  while (s.heard('ping').length === 0) s.wait(1)
  return s.host.now_ms - from_ms
}

// spec: MEM-20
test('who asked last leaves the next ping to the other side, and no longer than its turn', () => {
  for (const id of [LOWER, HIGHER]) {
    const { s, token } = asked(id)
    s.say(1, 'pong', [token, 0])
    assert.is(asks_after_ms(s), PROBE_INTERVAL_MS! + PROBE_TURN_MS!)
  }
})

// spec: MEM-20
test('who was asked asks next', () => {
  for (const id of [LOWER, HIGHER]) {
    const { s, token } = asked(id)
    s.say(1, 'pong', [token, 0])
    s.wait(PROBE_INTERVAL_MS!)
    s.say(1, 'ping', [5, 0])
    assert.is(s.heard('pong').length, 1)
    assert.is(asks_after_ms(s), PROBE_INTERVAL_MS)
  }
})

// spec: MEM-20
test('of two pings that cross the one of the higher id counts as the last', () => {
  for (const [id, next_ms] of [
    [LOWER, PROBE_INTERVAL_MS! + PROBE_TURN_MS!], [HIGHER, PROBE_INTERVAL_MS!]
  ] as const) {
    const { s, token } = asked(id)
    s.say(1, 'ping', [5, 0])
    s.say(1, 'pong', [token, 0])
    assert.is(asks_after_ms(s), next_ms, id)
  }
})

// spec: MEM-20
test('a ping that is not answered is repeated, whoever asked last', () => {
  const { s } = asked(HIGHER)
  assert.is(asks_after_ms(s), PROBE_AGAIN_MS)
  assert.is(asks_after_ms(s), PROBE_AGAIN_MS)
})

interface Quiet { net: Net, nodes: Node[], pings: Crossing[] }

/** Some peers that have joined and have nothing to do, and the pings that they say. */
function quiet(count: number, seed: number, delay_min_ms: number, delay_max_ms: number): Quiet {
  const net = new Net({ seed, delay_min_ms, delay_max_ms })
  for (let nth = 0; nth < count; nth++) net.join(`n${nth}`)
  net.mesh()
  net.run_for(5_000)
  const pings: Crossing[] = []
  net.watch = (one) => { if (read_header(one.header).name === 'ping') pings.push(one) }
  return { net, nodes: [...net.nodes], pings }
}

test('two peers with nothing to do ask in turns, one ping an interval, near and far', () => {
  for (const [min_ms, max_ms] of [[1, 1], [1, 5], [20, 45]] as const) {
    const { net, nodes, pings } = quiet(2, 3, min_ms, max_ms)
    net.run_for(100 * PROBE_INTERVAL_MS!)
    const what = `${pings.length} pings in 100 intervals, ${min_ms} to ${max_ms} ms apart`
    assert.ok(pings.length <= 102, what)
    // A sign of life takes as long as the way here: then it is silent for an interval.
    assert.ok(pings.length >= 100 * PROBE_INTERVAL_MS! / (PROBE_INTERVAL_MS! + max_ms) - 2, what)
    const first = pings.filter(({ from }) => from === nodes[0]).length
    assert.ok(Math.abs(2 * first - pings.length) <= 6, `${what}, ${first} by the first`)
  }
})

test('what wakes a peer beside another: its ping, the answer, and the ping of the other', () => {
  const { net, nodes } = quiet(2, 4, 1, 2)
  let runs = 0
  const { host } = nodes[0]!
  const act = host.after_run!
  host.after_run = () => {
    runs++
    act()
  }
  const rounds = 50
  net.run_for(rounds * 2 * PROBE_INTERVAL_MS!)
  // That its two frames have gone it is told in runs of their own, which a host would spare.
  // Besides, lists are compared each ten seconds; looking after edges once a second costs no wake.
  const compared = rounds * 2 * PROBE_INTERVAL_MS! / SYNC_MS!
  assert.ok(runs <= 5 * rounds + 4 * compared, `${runs} runs in ${rounds} rounds`)
})

// spec: MEM-20
test('one that dies in its own turn is left as soon as one that dies in ours', () => {
  const most_ms = SUSPECT_MS! + SUSPICION_MAX_MS! + PROBE_AGAIN_MS!
  for (let at_ms = 0; at_ms < 2 * PROBE_INTERVAL_MS!; at_ms += 40) {
    const { net, nodes } = quiet(2, 5, 1, 2)
    const [living, dead] = nodes as [Node, Node]
    net.run_for(at_ms)
    const from_ms = net.now_ms
    dead.kill(true)
    net.until(() => !living.members.has(dead.id), 10_000, 'it is left')
    assert.ok(net.now_ms - from_ms <= most_ms, `${net.now_ms - from_ms} ms after ${at_ms}`)
  }
})

test.run()
