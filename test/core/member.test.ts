/**
 * Membership: joining, silence, leaving, coming back, by one core against hand-played peers and by
 * several cores on a network.
 *
 * Lives here: who is told joined and left, and when. Does not live here: the handshake's frames
 * (link.test.ts), incarnations (member-incarnation.test.ts), what the loss of a peer does to
 * operations (test/net).
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { Net } from '../net/net.ts'
import type { Node } from '../net/node.ts'
import { ANSWER, HIGHER, LEFT, LOWER, ME, Script, codes, limits } from './session-script.ts'

const test = suite('core: members')
const JOINED = 1
const GONE = 2
const SUSPECT = 3

/** Peers that have all met, `count` of them. */
function met(count: number, seed = 1, delay_ms = 1): { net: Net, nodes: Node[] } {
  const net = new Net({ seed, delay_min_ms: delay_ms, delay_max_ms: delay_ms })
  for (let nth = 0; nth < count; nth++) net.join(`n${nth}`)
  net.mesh()
  net.run_for(200)
  return { net, nodes: [...net.nodes] }
}

/** Links between peers that live. */
const living = (net: Net): number =>
  [...net.links].filter(({ dialler, acceptor }) => dialler.alive && acceptor.alive).length

const lefts = (node: Node): string[] =>
  node.events.filter(({ event }) => event === 'left').map(({ name }) => name)

// Joining

test('a newcomer that knows one member meets all, and all are told once', () => {
  const { net, nodes } = met(5)
  const late = net.join('late')
  late.find(nodes[2]!)
  net.until(() => net.meshed(), 2_000, 'the newcomer has met all')
  net.run_for(500)
  for (const node of nodes) {
    const told = node.events.filter(({ event, name }) => event === 'joined' && name === 'late')
    assert.is(told.length, 1)
  }
  assert.is(late.events.filter(({ event }) => event === 'joined').length, 5)
  assert.is(living(net), 15, 'one link for each pair')
})

test('all dial all at the same time: one link for each pair and one joined for each peer', () => {
  for (let seed = 1; seed <= 30; seed++) {
    const net = new Net({ seed, delay_min_ms: 1, delay_max_ms: 40 })
    for (let nth = 0; nth < 4; nth++) net.join(`n${nth}`)
    net.mesh()
    net.run_for(1_000)
    assert.is(living(net), 6, `seed ${seed}`)
    for (const node of net.nodes) {
      const told = node.events.map(({ event }) => event).filter((event) => event !== 'changed')
      assert.equal(told, ['joined', 'joined', 'joined'], `seed ${seed}`)
    }
  }
})

// spec: MEM-1 MEM-4
test('a member that others speak of is joined, with its addresses, and it is dialled', () => {
  const s = new Script()
  s.join(1, LOWER)
  s.say(1, 'member', [2, 1, HIGHER, 5, 0, JOINED, 'far', '', 0], 'where it is')
  assert.equal(s.events.at(-1), {
    event: 'joined', id: HIGHER, name: 'far', incarnation: 5, rights: 0, info: 'where it is'
  })
  assert.equal(s.dials.map(({ id }) => id), [HIGHER])
  s.say(1, 'member', [3, 1, HIGHER, 5, 0, GONE, '', '', 0])
  assert.is(s.events.at(-1)!.event, 'left')
  assert.not(s.host.held_payloads().includes('where it is'))
})

test('a peer that says something new about itself has changed', () => {
  const s = new Script()
  s.join(1, LOWER)
  s.introduce(1, LOWER, 3, 2, 'renamed', 1)
  assert.equal(s.events.map(({ event, name }) => `${event} ${name}`),
    ['joined AAA', 'changed renamed'])
})

// spec: MEM-5
test('a later self is told to all peers, and the old payloads come back', () => {
  const s = new Script()
  s.join(1, LOWER)
  s.self('new name', 7, 'new info')
  const [said] = s.heard('member')
  assert.is(said!.fields.name, 'new name')
  assert.is(said!.payload, 'new info')
  s.say(1, 'ack', [said!.fields.number as number])
  assert.equal(s.host.held_payloads().sort(), ['info of aaa', 'my chain', 'new info'])
})

test('the newcomer is told about the others and they about it', () => {
  const s = new Script()
  s.join(1, LOWER)
  s.up(2, HIGHER, false)
  s.hello(2)
  s.say(2, 'ack', [0])
  const told = s.heard('member').map(({ link, row, payload }) => [link, row[3], row[6], payload])
  assert.equal(told, [[2, 'mmm', JOINED, 'my info'], [2, LOWER, JOINED, 'info of aaa']])
  s.introduce(2, HIGHER)
  assert.equal(s.heard('member').map(({ link, row, payload }) => [link, row[3], payload]),
    [[1, HIGHER, 'info of zzz']])
})

// Silence

test('a silent link is probed, suspected and left', () => {
  const s = new Script()
  s.join(1, LOWER)
  s.wait(limits.ACK_DELAY_MS!)
  s.heard()
  s.wait(limits.PROBE_INTERVAL_MS! - limits.ACK_DELAY_MS!)
  assert.equal(s.names(), ['ping'])
  s.wait(limits.SUSPECT_MS! - limits.PROBE_INTERVAL_MS!)
  assert.is(s.dials.length, 1, 'the old connection may be dead')
  assert.equal(s.joined(), [LOWER])
  s.wait(limits.LEFT_MS! - limits.SUSPECT_MS! - 1)
  assert.equal(s.joined(), [LOWER])
  s.wait(1)
  assert.equal(s.joined(), [])
  assert.equal(s.heard('refuse').map(({ row }) => row[1]), [codes.DECLARED_LEFT!])
})

test('any frame is a sign of life, and a ping is answered with its token', () => {
  const s = new Script()
  s.join(1, LOWER)
  for (let nth = 0; nth < 10; nth++) {
    s.wait(limits.SUSPECT_MS! - 1)
    s.say(1, nth % 2 === 0 ? 'ping' : 'pong', [nth * 100, 0])
  }
  assert.equal(s.joined(), [LOWER])
  assert.is(s.dials.length, 0)
  assert.equal(s.heard('pong').map(({ row }) => row[1]), [0, 200, 400, 600, 800])
})

test('a crash is seen by all within a second', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const { net, nodes } = met(4, seed, 5)
    const [dead, ...rest] = nodes as [Node, ...Node[]]
    const at_ms = net.now_ms
    dead.kill()
    net.until(() => rest.every((node) => lefts(node).length === 1), 1_000, `seed ${seed}`)
    assert.ok(net.now_ms - at_ms >= limits.REFUSED_LEFT_MS!, 'not on the first refusal')
    net.run_for(3_000)
    assert.ok(rest.every((node) => lefts(node).length === 1))
    assert.is(living(net), 3)
  }
})

test('a frozen peer is left within 3 s and comes back as a new incarnation when it thaws', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const { net, nodes } = met(3, seed, 5)
    const [frozen, ...rest] = nodes as [Node, ...Node[]]
    frozen.freeze()
    net.until(() => rest.every((node) => lefts(node).length === 1), 3_000, `seed ${seed}`)
    net.run_for(1_000)
    frozen.thaw()
    net.until(() => net.meshed(), 3_000, `seed ${seed}: all joined again`)
    net.run_for(3_000)
    assert.is(frozen.incarnation, 2, `seed ${seed}`)
    assert.is(lefts(frozen).length, 0, 'nobody left it')
    assert.ok(rest.every((node) => node.incarnation === 1 && lefts(node).length === 1),
      'nobody was left but the frozen one')
    assert.is(living(net), 3)
  }
})

// spec: MEM-26
test('a host that calls late doubts itself first', () => {
  const s = new Script()
  s.join(1, LOWER)
  s.host.now_ms += limits.LEFT_MS! * 10
  s.host.run()
  assert.equal(s.joined(), [LOWER])
  s.wait(limits.LEFT_MS! - 1)
  assert.equal(s.joined(), [LOWER])
  s.wait(1)
  assert.equal(s.joined(), [], 'silence that we heard counts')
})

test('a broken link is dialled again at once by the lower id, soon by the higher', () => {
  for (const [id, at_once] of [[HIGHER, 1], [LOWER, 0]] as const) {
    const s = new Script()
    s.join(1, id)
    // Something is heard now and then, so the link is no new one when it breaks.
    for (let nth = 0; nth < 4; nth++) {
      s.wait(limits.REDIAL_MAX_MS! / 3)
      s.say(1, 'ack', [0])
    }
    s.down(1)
    assert.is(s.dials.length, at_once)
    s.wait(2 * limits.REDIAL_MIN_MS!)
    assert.is(s.dials.length, 1)
  }
})

test('waits between failed dials double, with jitter, up to their bound', () => {
  const s = new Script()
  s.found(HIGHER)
  const waits: number[] = []
  for (let nth = 0; nth < 12; nth++) {
    const at = s.host.now_ms
    s.failed(s.dials.at(-1)!.peer, 'unreachable')
    const before = s.dials.length
    while (s.dials.length === before) {
      assert.ok(s.host.now_ms - at <= limits.REJOIN_MAX_MS!, 'it is dialled again')
      s.wait(s.host.due_in_ms() ?? limits.REDIAL_MIN_MS!)
    }
    waits.push(s.host.now_ms - at)
  }
  waits.forEach((ms, nth) => {
    const full = Math.min(limits.REDIAL_MIN_MS! * 2 ** (nth + 1), limits.REJOIN_MAX_MS!)
    assert.ok(ms >= full / 2 - 1 && ms <= full, `wait ${nth} was ${ms}, full ${full}`)
  })
})

// spec: MEM-25
test('refused dials are evidence only after REFUSED_LEFT_MS and two in a row', () => {
  const s = new Script()
  s.join(1, HIGHER)
  s.down(1)
  const start = s.host.now_ms
  for (let nth = 0; s.joined().length > 0 && s.host.now_ms - start < 1_000; nth++) {
    while (s.dials.length <= nth && s.host.now_ms - start < 1_000) s.wait(1)
    s.failed(s.dials.at(-1)!.peer, 'refused')
  }
  const took = s.host.now_ms - start
  assert.ok(took >= limits.REFUSED_LEFT_MS! && took < 800, `${took} ms`)
  assert.ok(s.dials.length >= 2)
})

test('unreachable is no evidence: without a link a peer is left after LEFT_MS', () => {
  const s = new Script()
  s.join(1, HIGHER)
  s.down(1)
  const start = s.host.now_ms
  while (s.joined().length > 0 && s.host.now_ms - start < 10_000) {
    if (s.dials.length > 0) s.failed(s.dials.at(-1)!.peer, 'unreachable')
    s.wait(50)
  }
  const took = s.host.now_ms - start
  assert.ok(took >= limits.LEFT_MS! && took <= limits.LEFT_MS! + 50, `${took} ms`)
})

// spec: MEM-4 MEM-7
test('a peer that another has declared left is let go, for that incarnation and all before', () => {
  const s = new Script()
  s.join(1, LOWER)
  s.join(2, HIGHER)
  s.say(1, 'member', [2, 1, HIGHER, 2, 0, GONE, '', '', 0])
  assert.equal(s.joined(), [LOWER, HIGHER], 'an earlier incarnation')
  assert.equal(s.heard('member').map(({ link, row }) => [link, row[3], row[4], row[6]]),
    [[1, HIGHER, 3, JOINED]], 'who says what is over is told what is newer')
  s.say(1, 'member', [3, 1, HIGHER, 3, 0, GONE, '', '', 0])
  assert.equal(s.joined(), [LOWER])
  assert.equal(s.heard('refuse').map(({ link, row }) => [link, row[1]]),
    [[2, codes.DECLARED_LEFT!]])
  s.say(1, 'member', [4, 1, HIGHER, 3, 1, JOINED, 'back', '', 0], 'info')
  assert.equal(s.joined(), [LOWER], 'left is final')
  s.say(1, 'member', [5, 1, HIGHER, 4, 0, JOINED, 'back', '', 0], 'info')
  assert.equal(s.joined(), [LOWER, HIGHER])
})

// spec: MEM-9
test('who declares a peer left tells the others', () => {
  const s = new Script()
  s.join(1, LOWER)
  s.join(2, HIGHER)
  s.heard()
  for (let nth = 0; nth < 3; nth++) {
    s.wait(900)
    s.say(1, 'ack', [0])
  }
  assert.equal(s.heard('member').filter(({ link }) => link === 1)
    .map(({ row }) => row.slice(3, 9)),
  [[HIGHER, 3, 0, SUSPECT, '', ME], [HIGHER, 3, 0, GONE, '', '']])
})

test('a large frame on a slow link is no silence: its parts are heard', () => {
  const s = new Script()
  s.join(1, LOWER)
  for (let nth = 0; nth < 10; nth++) {
    s.wait(limits.LEFT_MS! - 100)
    s.host.put('heard', { link: 1 })
  }
  assert.equal(s.joined(), [LOWER])
  s.host.put('heard', { link: 77 })
  s.wait(limits.LEFT_MS! + limits.PROBE_INTERVAL_MS!)
  assert.equal(s.joined(), [], 'without them it is left')
})

// Leaving

test('a leave is told at once and answered before the link closes', () => {
  const s = new Script()
  s.join(1, LOWER)
  s.join(2, HIGHER)
  s.heard()
  s.say(1, 'leave', [2, 1])
  assert.equal(s.heard().map(({ link, name }) => `${link} ${name}`), ['1 leave_answer', '2 member'])
  assert.equal(s.unlinked, [{ link: 1, code: codes.GONE! }])
  assert.equal(s.joined(), [HIGHER])
  s.wait(limits.REDIAL_MAX_MS!)
  assert.equal(s.dials.filter(({ id }) => id === LOWER), [], 'nobody dials who said goodbye')
})

test('leaving waits for every answer, then closes all', () => {
  const s = new Script()
  s.join(1, LOWER)
  s.join(2, HIGHER)
  s.heard()
  const op = s.host.leave()
  assert.equal(s.names(), ['leave', 'leave'])
  s.say(1, 'leave_answer', [2, 1])
  s.down(1)
  assert.is(s.host.status(op), 'waiting')
  assert.equal(s.dials, [])
  s.say(2, 'leave_answer', [2, 1])
  assert.is(s.host.status(op), 'OK')
  assert.equal(s.unlinked, [{ link: 2, code: codes.GONE! }])
  assert.is(s.host.due_in_ms(), undefined)
  s.host.check_settled()
  s.up(3, LOWER, false)
  s.found(LOWER)
  assert.equal(s.unlinked[1], { link: 3, code: codes.GONE! })
  assert.equal(s.dials, [])
})

test('a leaver whose peer knows of no session any more needs no answer', () => {
  const s = new Script()
  s.join(1, HIGHER)
  const op = s.host.leave()
  s.down(1)
  s.wait(2 * limits.REDIAL_MIN_MS!)
  assert.equal(s.dials.map(({ id }) => id), [HIGHER])
  s.up(2, HIGHER, true)
  s.hello(2, { your: 7, flags: ANSWER | LEFT })
  assert.is(s.host.status(op), 'OK')
  assert.equal(s.renewed, [])
})

test('leaving does not wait longer than LEAVE_TIMEOUT_MS, nor for nobody', () => {
  const s = new Script()
  s.join(1, LOWER)
  const op = s.host.leave()
  s.wait(limits.LEAVE_TIMEOUT_MS! - 1)
  assert.is(s.host.status(op), 'waiting')
  s.wait(1)
  assert.is(s.host.status(op), 'OK')
  const alone = new Script()
  assert.is(alone.host.status(alone.host.leave()), 'OK')
})

test('a leaver over a real network is left by all at once', () => {
  const { net, nodes } = met(4, 1, 5)
  const [leaver, ...rest] = nodes as [Node, ...Node[]]
  const op = leaver.do(() => leaver.host.leave())
  net.run_for(25)
  assert.is(leaver.host.status(op), 'OK')
  assert.ok(rest.every((node) => lefts(node).length === 1))
  net.run_for(3_000)
  assert.is(living(net), 3)
})

test.run()
