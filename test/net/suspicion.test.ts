/**
 * Suspicion: who is accused, how long that takes, and how it ends.
 *
 * Lives here: silence seen by one core with hand-played peers, and by several cores that lose
 * probes or sleep. Does not live here: whole sides that hear nothing of each other
 * (partition.test.ts), a thousand members (test/sim/members).
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { constants } from '../core/door.ts'
import { HIGHER, LOWER, ME, Script, limits } from '../core/session-script.ts'
import { Net } from './net.ts'
import type { Node } from './node.ts'
import { read_header } from './wire.ts'

const test = suite('net: suspicion')
const event = constants('member_event')
const { ACCUSERS_MAX, LEFT_MS, PROBE_AGAIN_MS, PROBE_INTERVAL_MS, SUSPECT_MS } = limits

/** A core with hand-played peers that are its edges; all but the first speak when told to. */
function stage(...others: string[]): Script {
  const s = new Script()
  s.join(1, LOWER)
  others.forEach((id, nth) => s.join(nth + 2, id))
  s.heard()
  return s
}

/** Lets time go by while the peers behind these links keep saying something. */
function talk(s: Script, ms: number, ...links: number[]): void {
  for (let left = ms; left > 0; left -= 100) {
    s.wait(Math.min(100, left))
    for (const link of links) s.say(link, 'ack', [0])
  }
}

/** The statements that the core says over a link, as event and rest. */
function statements(s: Script, link: number): unknown[][] {
  return s.heard('member').filter((one) => one.link === link)
    .map(({ row }) => [row[6], ...row.slice(3, 6), row[8]])
}

// spec: MEM-20
test('a probe that is not answered is repeated, then others are asked, then the peer is accused',
  () => {
    const s = stage(HIGHER)
    talk(s, PROBE_INTERVAL_MS!, 2)
    assert.is(s.heard('ping').filter(({ link }) => link === 1).length, 1)
    talk(s, (SUSPECT_MS! - PROBE_INTERVAL_MS!) / 2, 2)
    const said = s.heard('ping', 'probe_for')
    assert.ok(said.filter(({ link, name }) => link === 1 && name === 'ping').length >= 3)
    assert.equal(said.filter(({ name }) => name === 'probe_for').map(({ link, row }) =>
      [link, row[2]]), [[2, LOWER]])
    talk(s, (SUSPECT_MS! - PROBE_INTERVAL_MS!) / 2 + PROBE_AGAIN_MS!, 2)
    assert.equal(statements(s, 2), [[event.suspect, LOWER, 3, 0, ME]])
    assert.equal(s.joined(), [LOWER, HIGHER], 'it is suspect, not gone')
  })

// spec: MEM-21
test('one that a third hears is not accused', () => {
  const s = stage(HIGHER)
  for (let nth = 0; nth < 20; nth++) {
    talk(s, 300, 2)
    for (const { row } of s.heard('probe_for')) {
      s.say(2, 'probed', [row[1] as number, row[2] as string])
    }
  }
  assert.equal(statements(s, 2), [])
  talk(s, LEFT_MS! + 500, 2)
  assert.ok(statements(s, 2).length > 0, 'when the third says nothing any more it is')
})

// spec: MEM-21
test('who is asked to probe a peer answers when it hears it, and only then', () => {
  const s = stage(HIGHER)
  s.wait(300)
  s.say(2, 'ack', [0])
  s.say(1, 'probe_for', [77, HIGHER])
  assert.equal(s.heard('probed').map(({ link, row }) => [link, row[1], row[2]]), [[1, 77, HIGHER]])
  talk(s, PROBE_INTERVAL_MS! + 200, 1)
  s.heard()
  s.say(1, 'probe_for', [78, HIGHER])
  const asked = s.heard('ping', 'probed')
  assert.equal(asked.map(({ link, name }) => [link, name]), [[2, 'ping']])
  s.say(2, 'pong', [asked[0]!.row[1] as number, 0])
  assert.equal(s.heard('probed').map(({ link, row }) => [link, row[1]]), [[1, 78]])
})

// spec: MEM-23
test('each accuser makes the end come sooner, once, and only so many are passed on', () => {
  const took: number[] = []
  for (let count = 1; count <= ACCUSERS_MAX! + 1; count++) {
    const s = stage(HIGHER, 'p', 'q')
    s.say(1, 'member', [2, 0, 'far', 5, 0, event.alive!, 'far', '', 1], 'info')
    s.heard()
    const start = s.host.now_ms
    for (let nth = 0; nth < count; nth++) {
      s.say(1, 'member', [3 + 2 * nth, 0, 'far', 5, 0, event.suspect!, '', `by ${nth}`, 1])
      s.say(1, 'member', [4 + 2 * nth, 0, 'far', 5, 0, event.suspect!, '', `by ${nth}`, 1])
    }
    const passed = statements(s, 2).filter(([what]) => what === event.suspect)
    assert.is(passed.length, Math.min(count, ACCUSERS_MAX!), `${count} accusers`)
    while (s.joined().includes('far')) talk(s, 20, 1, 2, 3, 4)
    took.push(s.host.now_ms - start)
    assert.ok(statements(s, 2).some(([what, id]) => what === event.left && id === 'far'))
  }
  assert.ok(took[0]! >= limits.SUSPICION_MAX_MS! && took[0]! < limits.SUSPICION_MAX_MS! + 50)
  assert.ok(took[1]! < took[0]! && took[2]! < took[1]!, took.join(' '))
  assert.ok(took[2]! >= limits.SUSPICION_MIN_MS! && took[2]! < limits.SUSPICION_MIN_MS! + 50)
  assert.is(took[3], took[2], 'a fourth changes nothing')
})

// spec: MEM-5 MEM-24
test('the accused answers with its next version, which ends the suspicion and no session', () => {
  const s = stage(HIGHER)
  s.say(1, 'member', [2, 0, ME, 7, 0, event.suspect!, '', HIGHER, 1])
  assert.equal(s.renewed, [])
  assert.equal(s.heard('member').map(({ link, row }) => [link, row[6], ...row.slice(3, 6)])
    .sort(), [[1, event.alive, ME, 7, 1], [2, event.alive, ME, 7, 1]])
  s.say(1, 'member', [3, 0, ME, 7, 0, event.suspect!, '', 'other', 1])
  assert.equal(statements(s, 1), [[event.alive, ME, 7, 1, '']], 'an old one is told what is newer')
  s.say(1, 'member', [4, 0, HIGHER, 3, 0, event.suspect!, '', LOWER, 1])
  s.down(2)
  s.say(1, 'member', [5, 0, HIGHER, 3, 1, event.alive!, 'zzz', '', 1], 'info')
  talk(s, SUSPECT_MS! - 100, 1)
  assert.equal(s.joined(), [LOWER, HIGHER])
  assert.not(s.history().includes(`left ${HIGHER}`))
})

test('a suspicion of an older version is answered and changes nothing', () => {
  const s = stage(HIGHER)
  s.say(1, 'member', [2, 0, 'far', 5, 4, event.alive!, 'far', '', 1], 'info')
  s.heard()
  s.say(1, 'member', [3, 0, 'far', 5, 3, event.suspect!, '', 'by', 1])
  assert.equal(statements(s, 1), [[event.alive, 'far', 5, 4, '']])
  talk(s, LEFT_MS! * 2, 1, 2)
  assert.ok(s.joined().includes('far'))
})

test('who hears the accused passes the accusation on, and does not let it go', () => {
  const s = stage(HIGHER)
  s.say(2, 'ack', [0])
  s.say(1, 'member', [2, 0, HIGHER, 3, 0, event.suspect!, '', 'by', 1])
  assert.equal(statements(s, 2), [[event.suspect, HIGHER, 3, 0, 'by']], 'the accused hears of it')
  talk(s, 3 * LEFT_MS!, 1, 2)
  assert.equal(s.joined(), [LOWER, HIGHER])
})

/** Peers that have all met, over a network that loses some probes. */
function lossy(count: number, seed: number, once_in: number): { net: Net, nodes: Node[] } {
  const net = new Net({ seed, delay_min_ms: 1, delay_max_ms: 5 })
  for (let nth = 0; nth < count; nth++) net.join(`n${nth}`)
  net.mesh()
  net.run_for(300)
  const carry = net.carry.bind(net)
  let probe = false
  net.watch = ({ header }) => { probe = /^(ping|pong|probe)/.test(read_header(header).name) }
  net.carry = (link, to, act) => {
    const lost = probe && net.random.once_in(once_in)
    probe = false
    carry(link, to, lost ? () => {} : act)
  }
  return { net, nodes: [...net.nodes] }
}

test('lost probes, one in five each way, make nobody left and few accused', () => {
  for (let seed = 1; seed <= 3; seed++) {
    const { net, nodes } = lossy(6, seed, 5)
    net.run_for(60_000)
    for (const { events, incarnation } of nodes) {
      assert.not(events.some((one) => one.event === 'left'), `seed ${seed}`)
      assert.is(incarnation, 1)
    }
  }
})

/**
 * Five peers; nothing that the first says reaches the second, and the first hears all others too
 * late to answer an accusation in time. Gives who was declared left within 20 s, and how often the
 * first had to answer. `others`: the second may ask the rest.
 */
function one_way(seed: number, others: boolean): { left: string[], answers: number } {
  const net = new Net({ seed, delay_min_ms: 1, delay_max_ms: 5 })
  for (let nth = 0; nth < 5; nth++) net.join(`n${nth}`)
  net.mesh()
  net.run_for(1_000)
  const [first, second] = net.nodes as [Node, Node, ...Node[]]
  const carry = net.carry.bind(net)
  let asks = false
  let answers = 0
  net.watch = ({ header, from }) => {
    const { name, fields } = read_header(header)
    asks = name === 'probe_for'
    if (name === 'member' && from === first && fields.id === first.id) answers++
  }
  net.carry = (link, to, act) => carry(link, to, asks && !others ? () => {} : act)
  for (; first.lag_ms < 1_600; net.run_for(500)) first.lag_ms += 200
  net.stall_way(first, second)
  net.run_for(20_000)
  const left = net.nodes.flatMap(({ events }) =>
    events.filter(({ event: what }) => what === 'left').map(({ id }) => id))
  return { left, answers }
}

// spec: MEM-20 MEM-21
test('one that a third hears is spared an accusation that it could not answer in time', () => {
  for (let seed = 1; seed <= 3; seed++) {
    assert.equal(one_way(seed, true), { left: [], answers: 0 }, `seed ${seed}`)
    const alone = one_way(seed, false)
    assert.ok(alone.left.length > 0, `seed ${seed}: without the third it would be left`)
  }
})

test('ten peers: one that vanishes without a trace is known to all within 2 s', () => {
  for (let seed = 1; seed <= 5; seed++) {
    const net = new Net({ seed, delay_min_ms: 1, delay_max_ms: 5 })
    for (let nth = 0; nth < 10; nth++) net.join(`n${nth}`)
    net.mesh()
    net.run_for(2_000)
    const [dead, ...rest] = net.nodes as [Node, ...Node[]]
    dead.kill(true)
    net.until(() => rest.every(({ members }) => !members.has(dead.id)), 2_000, `seed ${seed}`)
    assert.ok(rest.every(({ incarnation }) => incarnation === 1), 'nobody else was left')
  }
})

test('a peer whose host sleeps now and then doubts itself instead of others', () => {
  const net = new Net({ seed: 9, delay_min_ms: 1, delay_max_ms: 5 })
  for (let nth = 0; nth < 5; nth++) net.join(`n${nth}`)
  net.mesh()
  net.run_for(500)
  const [sleeper, ...rest] = net.nodes as [Node, ...Node[]]
  for (let nth = 0; nth < 20; nth++) {
    sleeper.freeze()
    net.run_for(1_500)
    sleeper.thaw()
    net.run_for(400)
  }
  net.run_for(10_000)
  for (const { events } of rest) {
    assert.not(events.some(({ event: what, id }) => what === 'left' && id !== sleeper.id))
  }
  assert.ok(net.meshed())
})

test.run()
