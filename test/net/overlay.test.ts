/**
 * Edges, links on demand, and how news reach everybody over them.
 *
 * Lives here: how many links a circuit keeps, asking and refusing, idle links, sessions that begin
 * on demand, lists that are compared. Does not live here: suspicion (suspicion.test.ts), partitions
 * (partition.test.ts), a thousand members (test/sim/members).
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { constants } from '../core/door.ts'
import { HIGHER, LOWER, Script, codes, limits } from '../core/session-script.ts'
import { Net } from './net.ts'
import type { Node } from './node.ts'
import { read_header } from './wire.ts'

const test = suite('net: the overlay')
const wish = constants('edge_wish')
const event = constants('member_event')

/** Peers that have all met: each finds the one before it. The paths are so many times slower. */
function chained(count: number, seed = 1, slower = 1): { net: Net, nodes: Node[] } {
  const net = new Net({ seed, delay_min_ms: slower, delay_max_ms: 4 * slower })
  for (let nth = 0; nth < count; nth++) {
    const node = net.join(`n${nth}`)
    if (nth > 0) node.find(net.nodes[nth - 1]!)
    net.run_for(20)
  }
  net.until(() => net.meshed(), 20_000, 'all know all')
  net.run_for(3_000)
  return { net, nodes: [...net.nodes] }
}

const goal = (count: number): number => Math.min(count - 1, Math.ceil(Math.log2(count)) + 2)

// spec: MEM-10
test('a small circuit is a full mesh, a larger one has a few links each', () => {
  for (const count of [2, 6, 20, 40]) {
    const { net, nodes } = chained(count, count)
    net.run_for(limits.LINK_IDLE_MS! + 5_000)
    const links = nodes.map((node) => node.links.size)
    assert.ok(Math.min(...links) >= goal(count), `${count}: at least ${Math.min(...links)}`)
    assert.ok(Math.max(...links) <= goal(count) + limits.EDGES_SLACK! + 5,
      `${count}: at most ${Math.max(...links)}`)
    const seen = new Set([nodes[0]!])
    for (const node of seen) for (const link of node.links.values()) seen.add(link.other(node))
    assert.is(seen.size, count, 'all hang together')
  }
})

/** What the core wishes of the edge behind a link, in order. */
const wishes = (s: Script, link: number): number[] =>
  s.heard('edge').filter((one) => one.link === link).map(({ row }) => row[1] as number)

/** A core that has as many edges as it accepts, hand-played ones, and a member more. */
function full(): { s: Script, next: number } {
  const s = new Script()
  let link = 1
  // Hearsay first, so that the circuit is large.
  s.join(link, LOWER)
  for (let nth = 0; nth < 30; nth++) {
    s.say(1, 'member', [2 + nth, 0, `far${nth}`, 1, 0, event.alive!, '', '', 1])
  }
  const most = Math.ceil(Math.log2(45)) + 2 + limits.EDGES_SLACK!
  while (link < most) s.join(++link, `p${link}`)
  s.heard()
  return { s, next: link + 1 }
}

// spec: MEM-10
test('who has edges enough refuses another, but not one that has none', () => {
  const { s, next } = full()
  s.join(next, 'late')
  s.say(next, 'edge', [wish.ask!])
  assert.equal(wishes(s, next).at(-1), wish.off)
  s.say(next, 'edge', [wish.urgent!])
  const said = s.heard('edge').map(({ link, row }) => [link === next, row[1]])
  assert.ok(said.some(([own, what]) => own === true && what === wish.accept))
  assert.is(said.filter(([own, what]) => own === false && what === wish.off).length, 1,
    'another is let go')
})

test('an accepted edge that is not wished for is taken back, and a wish that is none cuts', () => {
  const { s, next } = full()
  s.up(next, 'late', false)
  s.hello(next)
  s.say(next, 'ack', [0])
  s.introduce(next, 'late')
  s.say(next, 'edge', [wish.accept!])
  assert.equal(wishes(s, next), [wish.off])
  s.say(next, 'edge', [9])
  assert.equal(s.unlinked, [{ link: next, code: codes.BAD_FRAME! }])
})

// spec: MEM-11
test('who refuses is not asked again before EDGE_PAUSE_MS; who does not answer is given up', () => {
  const s = new Script()
  s.up(1, LOWER, false)
  s.hello(1)
  s.say(1, 'ack', [0])
  s.introduce(1, LOWER)
  assert.equal(wishes(s, 1), [wish.urgent])
  s.say(1, 'edge', [wish.off!])
  const stay = (ms: number): void => {
    for (let left = ms; left > 0; left -= 200) {
      s.wait(200)
      s.say(1, 'ack', [0])
    }
  }
  stay(limits.EDGE_PAUSE_MS! - 1_500)
  assert.equal(wishes(s, 1), [])
  stay(4_000)
  assert.equal(wishes(s, 1), [wish.urgent], 'asked once more')
  stay(limits.EDGE_ASK_MS! + limits.EDGE_PAUSE_MS! + 3_000)
  assert.equal(wishes(s, 1), [wish.urgent], 'and again, since there was no answer')
})

// spec: MEM-10
test('an edge is asked for anew on the next link of its session', () => {
  const s = new Script()
  s.join(1, LOWER)
  s.heard()
  s.up(2, LOWER, false)
  s.hello(2, { your: 7, received: 1, epoch: 1 })
  s.say(2, 'ack', [1])
  assert.equal(wishes(s, 2), [wish.ask])
})

// spec: MEM-3
test('a link that is no edge is closed when it carries nothing, and the session stays', () => {
  const { net, nodes } = chained(24, 5)
  const [a] = nodes as [Node, ...Node[]]
  const far = nodes.find((node) => node !== a && net.between(a, node).length === 0)!
  const [x, x_far] = a.share('x', 4, far)
  far.do(() => far.host.send(x_far!, 'one'))
  net.run_for(100)
  assert.is(net.between(a, far).length, 1, 'a link on demand')
  const waits = far.do(() => far.host.receive(x_far!))
  net.run_for(100)
  assert.is(far.host.text(waits), 'one')
  const parked = far.do(() => far.host.receive(x_far!))
  net.run_for(limits.LINK_IDLE_MS! * 2)
  assert.is(net.between(a, far).length, 1, 'somebody waits')
  a.do(() => a.host.send(x!, 'two'))
  net.run_for(100)
  assert.is(far.host.text(parked), 'two')
  net.run_for(limits.LINK_IDLE_MS! * 2)
  assert.is(net.between(a, far).length, 0, 'nobody waits')
  assert.not(far.events.some(({ event: what }) => what === 'left'))
  far.do(() => far.host.send(x_far!, 'three'))
  net.run_for(200)
  assert.is(a.do(() => a.host.text(a.host.receive(x!))), 'three', 'the same session, its reference')
})

// spec: MEM-3
test('a link that nobody has used since it was attached is soon closed', () => {
  const { s, next } = full()
  const links = [next, next + 1]
  const acked = new Map(links.map((link) => [link, 0]))
  const live = (ms: number): void => {
    for (let left = ms; left > 0; left -= 200) {
      for (const { link, row } of s.heard('member')) {
        if (acked.has(link)) acked.set(link, row[1] as number)
      }
      for (let link = 1; link < next + 2; link++) {
        s.say(link, 'ack', [acked.get(link) ?? 0])
        s.host.put('link_ready', { link, taken_bytes: 0xffff_ffff })
      }
      s.wait(200)
    }
  }
  for (const link of links) {
    s.up(link, `late${link}`, false)
    s.hello(link)
    s.say(link, 'ack', [0])
    s.introduce(link, `late${link}`)
  }
  live(400)
  s.say(next + 1, 'withdraw', [2, acked.get(next + 1)!, 1])
  live(limits.LINK_BRIEF_MS! + 2_000)
  assert.equal(s.unlinked, [{ link: next, code: codes.GONE! }], 'only news of members')
  live(limits.LINK_IDLE_MS!)
  assert.equal(s.unlinked.slice(1), [{ link: next + 1, code: codes.GONE! }])
  assert.not(s.history().some((one) => one.startsWith('left')))
})

// spec: NAME-12 NAME-14
test('a list of all asks some members at a time, each once, and lets their links go', () => {
  const { net, nodes } = chained(80, 3, 8)
  const [a, ...others] = nodes as [Node, ...Node[]]
  for (const node of nodes) node.do(() => node.host.channel(1, 'jobs'))
  const before = a.links.size
  const list = a.do(() => a.host.list('/...'))
  const going = others.filter((node) => net.between(a, node).length === 0).slice(0, 5)
  const left = [...going]
  let most = 0
  while (a.host.status(list) === 'waiting') {
    net.run_for(1)
    most = Math.max(most, a.links.size)
    const next = going.pop()
    next?.do(() => next.host.leave())
  }
  assert.ok(most > before && most < before + 1.6 * limits.LIST_PEERS_MAX!, `${most} links`)
  const paths = a.host.entries.get(list)!.map(({ path }) => path)
  assert.is(new Set(paths).size, paths.length, 'each once')
  for (const { name } of nodes.filter((node) => !left.includes(node))) {
    assert.ok(paths.includes(`/${name}`) && paths.includes(`/${name}/jobs`), name)
  }
  net.run_for(4_000)
  assert.ok(a.links.size <= before + 5, `${a.links.size} links are left, ${before} before`)
})

// spec: MEM-1 MEM-2
test('members without a session are joined, listed, and can be asked', () => {
  const { net, nodes } = chained(20, 7)
  const [a] = nodes as [Node, ...Node[]]
  const others = nodes.filter((node) => node !== a && net.between(a, node).length === 0)
  assert.ok(others.length > 5)
  const [far, gone] = others as [Node, Node]
  far.do(() => far.host.channel(1, 'jobs'))
  assert.ok(a.open(`/${far.name}/jobs`) !== 0)
  const list = a.do(() => a.host.list('/'))
  assert.is(a.host.entries.get(list)!.length, nodes.length)
  for (const node of nodes) if (node !== gone) net.stall(node, gone)
  const asked = a.do(() => [a.host.open(`/${gone.name}/jobs`),
    a.host.make(1, `/${gone.name}/made`)])
  net.run_for(limits.LEFT_MS! + 1_000)
  for (const op of asked) {
    assert.equal([a.host.status(op), a.host.outcome(op).unknown], ['LEFT', false])
  }
})

// spec: MEM-4 MEM-14
test('a crash, a goodbye and a newcomer are known to all, each told once', () => {
  const { net, nodes } = chained(30, 11)
  const [dead, leaver, ...rest] = nodes as [Node, Node, ...Node[]]
  dead.kill()
  net.until(() => rest.every(({ members }) => !members.has(dead.id)), 1_000, 'the crash is known')
  const op = leaver.do(() => leaver.host.leave())
  net.until(() => rest.every(({ members }) => !members.has(leaver.id)), 500, 'the goodbye is known')
  net.run_for(1_500)
  assert.is(leaver.host.status(op), 'OK')
  leaver.kill()
  const late = net.join('late')
  late.find(rest[3]!)
  net.until(() => rest.every((node) => node.sees(late) && late.sees(node)), 3_000, 'one joins')
  net.run_for(20_000)
  for (const node of rest) {
    for (const [id, what] of [[dead.id, 'left'], [leaver.id, 'left'], [late.id, 'joined']]) {
      assert.is(node.events.filter((one) => one.event === what && one.id === id).length, 1)
    }
  }
})

// spec: MEM-6 MEM-15
test('a newcomer gets a long list in parts, and what gossip missed is made good', () => {
  const { net, nodes } = chained(60, 13)
  const late = net.join('late')
  const sizes: number[] = []
  net.watch = ({ from, header }) => {
    const { name, fields } = read_header(header)
    if (name === 'holds' && from === late) sizes.push((fields.hashes as number[]).length)
  }
  late.find(nodes[30]!)
  net.until(() => nodes.every((node) => late.sees(node)), 5_000, 'the newcomer has the list')
  assert.ok(sizes.length >= 4, 'it was compared')
})

// spec: MEM-15
test('who says what it holds is sent what it lacks, and asked for what we lack', () => {
  const s = new Script()
  s.join(1, LOWER)
  s.wait(limits.SYNC_AGAIN_MS!)
  const sums = s.heard('digest')[0]!.row[1] as number[]
  const bucket = sums.findIndex((sum) => sum !== 0)
  s.say(1, 'digest', [sums.map((sum, nth) => nth === bucket ? 0 : sum)])
  assert.equal(s.heard('holds').map(({ row }) => row[1]), [bucket])
  s.say(1, 'digest', [sums])
  assert.equal(s.heard('holds'), [], 'nothing differs')
  s.say(1, 'member', [2, 0, 'far', 5, 0, event.alive!, 'far', '', 0], 'info')
  const own = Array.from({ length: limits.SYNC_BUCKETS! }, (_, nth) => nth)
  s.heard()
  for (const nth of own) s.say(1, 'holds', [nth, [nth + 1]])
  const said = s.heard('member', 'want')
  assert.equal(said.filter(({ name }) => name === 'member').map(({ row }) => row[3]).sort(),
    ['far', 'mmm'])
  assert.equal(said.filter(({ name }) => name === 'want').map(({ row }) => row.slice(1)),
    own.map((nth) => [nth, [nth + 1]]))
})

// spec: MEM-13
test('a member that discovery proposes is not dialled for that', () => {
  const s = new Script()
  s.join(1, LOWER)
  for (let nth = 0; nth < 20; nth++) {
    s.say(1, 'member', [2 + nth, 0, `far${nth}`, 1, 0, event.alive!, '', '', 1])
  }
  s.wait(100)
  const dialled = new Set(s.dials.map(({ id }) => id))
  const other = Array.from({ length: 20 }, (_, nth) => `far${nth}`).find((id) => !dialled.has(id))!
  s.dials.length = 0
  s.found(other)
  s.found(HIGHER)
  assert.equal(s.dials.map(({ id }) => id), [HIGHER])
})

// spec: MEM-16
test('the hashes of lists are those of the specification', () => {
  const s = new Script()
  s.join(1, LOWER)
  s.heard()
  s.wait(limits.SYNC_AGAIN_MS!)
  const [digest] = s.heard('digest')
  const fnv = (text: string): number => [...text].reduce((hash, letter) =>
    Math.imul(hash ^ letter.charCodeAt(0), 0x01000193) >>> 0, 0x811c9dc5)
  const statement = (id: string, incarnation: number, version: number): number => {
    let hash = Math.imul(fnv(id) ^ incarnation, 0x9e3779b1) >>> 0
    hash ^= hash >>> 15
    hash = Math.imul(hash ^ version, 0x85ebca6b) >>> 0
    return (hash ^ hash >>> 13) >>> 0
  }
  const wanted = new Array<number>(limits.SYNC_BUCKETS!).fill(0)
  for (const [id, incarnation] of [['mmm', 7], [LOWER, 3]] as const) {
    const bucket = fnv(id) >>> 27
    wanted[bucket] = (wanted[bucket]! + statement(id, incarnation, 0)) >>> 0
  }
  assert.equal(digest!.row[1], wanted)
})

test('memory does not grow with peers that come and go', () => {
  const s = new Script()
  const used: number[] = []
  for (let nth = 0; nth < 4_000; nth++) {
    const id = `p${nth}`
    s.up(1, id, false)
    s.hello(1)
    s.say(1, 'ack', [0])
    s.introduce(1, id)
    s.say(1, 'leave', [2, 1])
    s.heard()
    s.events.length = 0
    if (nth % 1_000 === 999) used.push(s.host.door.cell('memory_bytes_used'))
  }
  assert.ok(used[3]! <= used[2]!, used.join(' '))
})

// spec: MEM-19
test('a duplicate prunes, marks go to lazy edges, and what does not follow is grafted', () => {
  const s = new Script()
  s.join(1, LOWER)
  s.join(2, HIGHER)
  let number = 2
  const far = (id: string, hops: number, version = 0, link = 1): void => {
    const nth = link === 1 ? number++ : 2
    s.say(link, 'member', [nth, 0, id, 1, version, event.alive!, '', '', hops])
  }
  for (let nth = 0; nth < limits.TREE_MIN!; nth++) far(`far${nth}`, 1)
  s.heard()
  far('far0', 0)
  assert.equal(s.heard('prune'), [], 'an answer is no push')
  far('far0', 1)
  assert.equal(s.heard('prune').map(({ link }) => link), [1])
  s.say(2, 'prune', [0])
  far('news', 1)
  assert.equal(s.heard('member'), [], 'nothing is pushed over a lazy edge')
  s.wait(limits.LAZY_MS!)
  const [have] = s.heard('have')
  assert.is(have!.link, 2)
  const [hash, incarnation, rank] = have!.row[1] as number[]
  assert.equal([incarnation, rank], [1, 1])
  s.say(2, 'graft', [[hash!]])
  assert.equal(s.heard('member').map(({ link, row }) => [link, row[3]]), [[2, 'news']])
  s.say(2, 'have', [[hash!, 1, 1, hash! ^ 1, 3, 1, hash!, 1, 5]])
  s.wait(limits.GRAFT_MS!)
  assert.equal(s.heard('graft').map(({ link, row }) => [link, row[1]]),
    [[2, [hash! ^ 1]], [2, [hash!]]], 'what is unknown, and what is newer')
  s.say(2, 'have', [[1, 2]])
  assert.ok(s.unlinked.some(({ link, code }) => link === 2 && code === codes.BAD_FRAME!))
})

test.run()
