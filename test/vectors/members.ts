/**
 * Stories of the member list: statements, edges, comparing lists.
 *
 * Lives here: what one core makes of what another says about members, and what three tell each
 * other. Does not live here: links and sessions (sessions.ts), how fast a thousand peers agree
 * (test/sim/members).
 */
import * as assert from 'uvu/assert'
import { bytes_of, constants, limits } from '../core/door.ts'
import { encode } from '../fuzz/header.ts'
import { set_up } from './invalid.ts'
import type { Set as Played } from './invalid.ts'
import { three, told } from './peers.ts'
import type { Set } from './peers.ts'
import type { Actor, Field } from './stage.ts'
import type { Vector } from './vector.ts'

type Line<Cast> = [id: string, shows: string[], story: (set: Cast) => void]

const say = constants('member_event') as Record<'alive' | 'left' | 'suspect' | 'parted', number>
const heard = constants('peer_event') as Record<'joined' | 'left' | 'changed', number>
const wish = constants('edge_wish') as Record<'off' | 'ask' | 'urgent' | 'accept', number>
const DIGEST = 12
const HOLDS = 13
const PROBE_FOR = 10
const PROBED = 11
const WANT = 14
const EDGE = 6

/** The statement of a member frame: id, incarnation, version, event, name, by, hops. */
function statement(id: string, incarnation: number, version: number, event: number,
  name = id.slice(-1)): Field[] {
  return [id, incarnation, version, event, event === say.alive ? name : '', '', 1]
}

/** What the host was told since the last look, as `event id incarnation`. */
function news(actor: Actor): string[] {
  return actor.orders.splice(0).filter(({ name }) => name === 'peer')
    .map(({ fields, tail }) => {
      const { event, incarnation, id_bytes } = fields as Record<string, number>
      const name = Object.entries(heard).find(([, value]) => value === event)?.[0]
      return `${name} ${new TextDecoder().decode(tail.subarray(0, id_bytes))} ${incarnation}`
    })
}

/** Rows of the frames that a core has written on the link and that nobody has taken yet. */
function written({ wire, a }: Played, kind: number): unknown[][] {
  return wire.end_of(a).out.splice(0).map(({ row }) => row).filter((row) => row[0] === kind)
}

const MEMBER = 48
const hear = (set: Played, fields: Field[], info = ''): void => {
  set.stage.forge(set.wire, set.b, 'member', fields, info)
}

/** FNV-1a, and the hash of a statement, as MEM-16 says them. */
function hash_of_id(id: string): number {
  return bytes_of(id).reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193) >>> 0, 0x811c9dc5)
}

function hash_of_statement(id: string, incarnation: number, version: number): number {
  let hash = Math.imul(hash_of_id(id) ^ incarnation, 0x9e3779b1)
  hash ^= hash >>> 15
  hash = Math.imul(hash ^ version, 0x85ebca6b)
  return (hash ^ hash >>> 13) >>> 0
}

const played: Line<Played>[] = [
  ['member-heard-of', ['MEM-1', 'MEM-4', 'MEM-5'], (set) => {
    news(set.a)
    hear(set, statement('peer-c', 3, 1, say.alive), 'info of c')
    assert.equal(news(set.a), ['joined peer-c 3'])
    hear(set, statement('peer-c', 3, 1, say.alive), 'info of c')
    hear(set, statement('peer-c', 2, 9, say.alive), 'old')
    assert.equal(news(set.a), [])
    hear(set, statement('peer-c', 3, 2, say.alive, 'anew'), 'other')
    assert.equal(news(set.a), ['changed peer-c 3'])
  }],
  ['member-left', ['MEM-1', 'MEM-4', 'MEM-7'], (set) => {
    hear(set, statement('peer-c', 3, 0, say.alive))
    news(set.a)
    written(set, MEMBER)
    hear(set, statement('peer-c', 3, 0, say.left))
    assert.equal(news(set.a), ['left peer-c 3'])
    hear(set, statement('peer-c', 3, 7, say.alive))
    assert.equal(news(set.a), [])
    assert.equal(written(set, MEMBER).map((row) => row.slice(3, 7)),
      [['peer-c', 3, 0, say.left]])
    hear(set, statement('peer-c', 4, 0, say.alive))
    assert.equal(news(set.a), ['joined peer-c 4'])
  }],
  ['member-older-than-known', ['MEM-7'], (set) => {
    hear(set, statement('peer-c', 1, 4, say.alive), 'info of c')
    written(set, MEMBER)
    hear(set, statement('peer-c', 1, 3, say.alive), 'old')
    assert.equal(written(set, MEMBER).map((row) => row.slice(3)),
      [['peer-c', 1, 4, say.alive, 'c', '', 0]])
  }],
  ['oneself-left', ['MEM-8', 'ABI-40'], (set) => {
    hear(set, statement(set.a.id, 1, 0, say.left))
    assert.is(set.a.incarnation, 2)
    assert.equal(set.wire.ends.map((end) => end.up), [false, false])
  }],
  ['oneself-suspected', ['MEM-5', 'MEM-4'], (set) => {
    written(set, MEMBER)
    set.stage.forge(set.wire, set.b, 'member', [set.a.id, 1, 0, say.suspect, '', set.b.id, 1])
    assert.equal(written(set, MEMBER).map((row) => row.slice(3, 7)),
      [[set.a.id, 1, 1, say.alive]])
  }],
  ['found-a-member', ['MEM-13'], ({ a }) => {
    for (const id of ['peer-b', 'peer-a']) {
      a.host.put('found', { id_bytes: id.length }, bytes_of(id))
    }
    assert.is(a.dials.length, 0)
  }],
  ['edge-asked-for', ['MEM-10'], (set) => {
    const { stage, wire, b } = set
    stage.raw(wire, b, encode([EDGE, wish.off]))
    written(set, EDGE)
    stage.raw(wire, b, encode([EDGE, wish.ask]))
    assert.equal(written(set, EDGE), [[EDGE, wish.accept]])
  }],
  ['lists-compared', ['MEM-15', 'MEM-16'], (set) => {
    const { stage, wire, b } = set
    written(set, MEMBER)
    const hashes = ['peer-a', 'peer-b'].map((id) => hash_of_statement(id, 1, 0))
    // Ids that differ in their last letter alone fall into one part.
    const bucket = hash_of_id('peer-a') >>> 27
    stage.raw(wire, b, encode([DIGEST, new Array<number>(limits.SYNC_BUCKETS!).fill(0)]))
    assert.equal(written(set, HOLDS), [[HOLDS, bucket, hashes]])
    stage.raw(wire, b, encode([WANT, bucket, [hashes[0]!]]))
    assert.equal(written(set, MEMBER).map((row) => row[3]), ['peer-a'])
  }],
  ['asked-of-a-member-without-a-session', ['MEM-2', 'ABI-34'], (set) => {
    const { a } = set
    hear(set, statement('peer-c', 1, 0, say.alive))
    const open = a.host.open('/c/x')
    assert.is(a.host.status(open), 'waiting')
    assert.ok(a.dials.some(({ id }) => id === 'peer-c'))
    for (let ms = 0; ms < limits.LEFT_MS!; ms += 100) {
      set.stage.wait(100, false, [a])
      // The other side lives.
      a.host.put('heard', { link: set.wire.end_of(a).number })
    }
    assert.is(a.host.status(open), 'LEFT')
    assert.is(a.host.outcome(open).unknown, false)
  }]
]

const together: Line<Set>[] = [
  ['asked-to-probe', ['MEM-21'], ({ stage, a, b, c }) => {
    const [wire] = stage.wires
    for (const id of [c.id, a.id]) {
      stage.raw(wire!, b, encode([PROBE_FOR, 77, id]))
      assert.equal(wire!.end_of(a).out.at(-1)!.row, [PROBED, 77, id])
    }
    stage.settle()
  }],
  ['member-parted', ['MEM-9', 'MEM-1'], ({ stage, a, b, c }) => {
    for (const actor of [a, b, c]) news(actor)
    c.host.leave()
    stage.settle()
    assert.equal([news(a), news(b)], [['left peer-c 1'], ['left peer-c 1']])
  }],
  ['member-changed', ['MEM-1', 'MEM-5', 'MEM-14', 'ABI-31'], ({ stage, a, b, c }) => {
    for (const actor of [a, b, c]) news(actor)
    b.introduce('new info')
    stage.settle()
    assert.equal([news(a), news(c)], [['changed peer-b 1'], ['changed peer-b 1']])
  }]
]

/** All stories of this file, after `alone` or `three`. */
export function member_vectors(): Vector[] {
  const alone = played.map((line): Vector => {
    const [id, shows, story] = line
    const set = set_up()
    set.stage.recorder.take()
    story(set)
    return set.stage.vector(id, shows, 'alone', true)
  })
  return [...alone, ...together.map((line) => told(line, three, 'three'))]
}
