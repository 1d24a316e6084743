/**
 * Stories of one core at its door that the plain model does not tell.
 *
 * Lives here: latches, readers and references of one core, paths, lists, bounds, refusals, records
 * that are none. Does not live here: channels and selects as such (local.ts), other peers
 * (peers.ts).
 *
 * Each story says what it expects of the outcomes, so that a wrong core writes no vectors.
 */
import * as assert from 'uvu/assert'
import { bytes_of, constants, input_record, limits, words } from '../core/door.ts'
import { Host } from '../core/host.ts'
import { Recorder } from './vector.ts'
import type { Vector } from './vector.ts'

type Story = (host: Host, recorder: Recorder) => void
type Line = [id: string, shows: string[], story: Story]

const LATCH = constants('make_flag').latch!
const DEEP = constants('list_flag').deep!
const bound = constants('limit')

/** The statuses of operations, `waiting` for those that have not ended. */
function told(host: Host, ops: number[], statuses: string[]): void {
  assert.equal(ops.map((op) => host.status(op)), statuses)
}

/** The paths of a list, in its order. */
function listed(host: Host, path: string, paths: string[], flags = 0): void {
  const op = host.list(path, flags)
  assert.is(host.status(op), 'OK')
  assert.equal((host.entries.get(op) ?? []).map((one) => one.path), paths)
}

const channels: Line[] = [
  ['capacity', ['CH-1'], (host) => {
    told(host, [limits.CAPACITY_MAX! + 1, limits.CAPACITY_MAX!, 0].map((one) => host.make(one)),
      ['BAD_ARGUMENT', 'OK', 'OK'])
  }],
  ['message-of-no-bytes', ['CH-3'], (host) => {
    const c = host.channel(1)
    host.send(c, '')
    host.close(c)
    const [first, second] = [host.receive(c), host.receive(c)]
    assert.is(host.text(first), '')
    told(host, [second], ['CLOSED'])
  }],
  ['message-too-large', ['CH-8', 'ABI-21'], (host) => {
    const c = host.channel(1)
    const bytes = limits.MESSAGE_BYTES_MAX!
    const sends = [bytes + 1, bytes].map((one) => host.send(c, 'm', { bytes: one }))
    told(host, sends, ['TOO_LARGE', 'OK'])
  }],
  ['latch', ['CH-32', 'ABI-20'], (host) => {
    const c = host.channel(0, '', LATCH)
    const early = host.receive(c)
    const sends = [host.send(c, 'once'), host.send(c, 'more')]
    told(host, sends, ['OK', 'CLOSED'])
    const late = host.receive(c)
    const select = host.select([{ receive: c }])
    assert.equal([early, late, select].map((op) => host.text(op)), ['once', 'once', 'once'])
    told(host, [host.scrub(c)], ['OK'])
  }],
  ['reader', ['CH-37', 'CH-41', 'ABI-14'], (host) => {
    const c = host.channel(4)
    const r = host.outcome(host.reader(c, 2)).value
    const waits = host.read(r, 20)
    const gone = host.read(r)
    host.withdraw(gone)
    host.advance(20)
    for (const text of ['a', 'b', 'c']) host.send(c, text)
    host.close(c)
    const reads = [host.read(r), host.read(r), host.read(r), host.read(r)]
    told(host, [waits, gone, ...reads], ['TIMED_OUT', 'WITHDRAWN', 'OK', 'OK', 'OK', 'CLOSED'])
    host.reader_end(r)
  }],
  ['reader-ended', ['CH-39'], (host) => {
    const r = host.outcome(host.reader(host.channel(1), 1)).value
    const waits = host.read(r)
    host.reader_end(r)
    told(host, [waits, host.read(r)], ['WITHDRAWN', 'BAD_ARGUMENT'])
  }],
  ['reader-window', ['CH-36'], (host) => {
    const c = host.channel()
    const readers = [0, limits.PREFETCH_MAX! + 1, limits.PREFETCH_MAX!].map((one) =>
      host.reader(c, one))
    told(host, readers, ['BAD_ARGUMENT', 'BAD_ARGUMENT', 'OK'])
  }],
  ['references', ['CH-42', 'CH-45', 'ABI-17'], (host) => {
    const jobs = host.channel(1)
    const reply = host.channel(1)
    host.send(jobs, 'question', { refs: [reply, jobs, reply] })
    host.release(reply)
    const { refs } = host.outcome(host.receive(jobs))
    assert.equal(refs, [reply, jobs, reply])
    const answer = host.send(refs[0]!, 'answer')
    host.release(refs[0]!)
    host.release(refs[2]!)
    told(host, [answer, host.receive(reply)], ['OK', 'SCRUBBED'])
  }],
  ['references-of-a-dropped-message', ['CH-46', 'CH-45'], (host) => {
    const jobs = host.channel(1)
    const reply = host.channel(1)
    host.send(jobs, 'question', { refs: [reply] })
    host.release(reply)
    host.scrub(jobs)
    told(host, [host.send(reply, 'late')], ['SCRUBBED'])
  }],
  ['references-too-many', ['CH-42', 'ABI-9'], (host) => {
    const c = host.channel(2)
    const many = (count: number): number[] => new Array<number>(count).fill(c)
    const most = limits.REFS_PER_MESSAGE_MAX!
    told(host, [host.send(c, 'm', { refs: many(most) }), host.send(c, 'm',
      { refs: many(most + 1) })], ['OK', 'BAD_ARGUMENT'])
    assert.is(host.outcome(host.receive(c)).refs.length, most)
  }],
  ['retain', ['ABI-17'], (host) => {
    const c = host.channel(1)
    host.retain(c)
    host.release(c)
    const first = host.send(c, 'm')
    host.release(c)
    told(host, [first, host.send(c, 'm')], ['OK', 'SCRUBBED'])
  }]
]

const selects: Line[] = [
  ['select-bounds', ['SEL-5', 'ABI-9', 'ABI-21'], (host) => {
    const a = host.channel()
    const many = Array.from({ length: limits.CASES_MAX! + 1 }, () => ({ receive: a }))
    told(host, [host.select(many), host.select([]), host.select([], { timeout: 5 }),
      host.select([], { try: true })], ['BAD_ARGUMENT', 'BAD_ARGUMENT', 'waiting', 'OK'])
    const most = host.select(many.slice(1))
    host.send(a, 'm')
    told(host, [most], ['OK'])
    host.advance(5)
  }],
  ['select-refused', ['SEL-6', 'ABI-12', 'ABI-21'], (host) => {
    const c = host.channel(1)
    const gone = host.channel()
    host.scrub(gone)
    const bad = [
      host.select([{ receive: c }, { send: c, text: 'm' }, { receive: 0 }]),
      host.select([{ send: c, text: 'm' }, { receive: gone }]),
      host.select([{ after: limits.TIMEOUT_MS_MAX! + 1 }])
    ]
    told(host, bad, ['BAD_ARGUMENT', 'SCRUBBED', 'BAD_ARGUMENT'])
    assert.equal(bad.map((op) => host.outcome(op).which), [2, 1, 0])
    assert.is(host.seen(c).buffered, 0)
  }],
  ['select-default-without-cases', ['SEL-14'], (host) => {
    const op = host.select([], { try: true })
    assert.is(host.outcome(op).which, constants('which').default)
  }],
  ['select-equal-timers', ['SEL-10'], (host) => {
    const op = host.select([{ after: 40 }, { after: 20 }, { after: 20 }])
    host.advance(20)
    assert.is(host.outcome(op).which, 1)
  }]
]

const names: Line[] = [
  ['paths', ['NAME-1', 'NAME-2'], (host) => {
    const segment = 'n'.repeat(limits.SEGMENT_BYTES_MAX!)
    const good = ['a', 'a/b', '....', 'ü/ ', segment, `${segment}/${segment}/${segment}`]
    const bad = ['/', 'a/', 'a//b', '.', 'a/..', '...', `${segment}n`, 'a\n', 'a\x7f',
      `${'a/'.repeat(limits.PATH_BYTES_MAX! / 2)}a`]
    told(host, good.map((path) => host.make(0, path)), good.map(() => 'OK'))
    told(host, bad.map((path) => host.make(0, path)), bad.map(() => 'BAD_PATH'))
  }],
  ['paths-that-are-no-text', ['NAME-2'], (host) => {
    const forms = [[0x80], [0xc1, 0x80], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80], [0x61, 0xc3]]
    const before = host.running.size
    forms.forEach((bytes, nth) => {
      const op = (1 << 20 | 100 + nth) >>> 0
      host.running.set(op, { kind: 'make', offered: false })
      host.put('make', { op, path_bytes: bytes.length }, Uint8Array.from(bytes))
      told(host, [op], ['BAD_PATH'])
    })
    assert.is(host.running.size, before)
  }],
  ['anchors', ['NAME-6', 'NAME-7', 'CH-25', 'ABI-14'], (host) => {
    told(host, [host.open('x'), host.stat(0, 'x'), host.scrub(0, 'x'), host.list('x')],
      ['NO_SUCH_ANCHOR', 'NO_SUCH_ANCHOR', 'NO_SUCH_ANCHOR', 'NO_SUCH_ANCHOR'])
    const c = host.channel(1, 'x')
    told(host, [host.make(1, 'x')], ['ANCHOR_TAKEN'])
    assert.is(host.outcome(host.open('x')).value, c)
    told(host, [host.scrub(0, 'x'), host.open('x'), host.make(1, 'x')],
      ['OK', 'NO_SUCH_ANCHOR', 'OK'])
  }],
  ['elements-below-others', ['NAME-9'], (host) => {
    host.channel(0, 'a')
    host.channel(0, 'a/b')
    told(host, [host.scrub(0, 'a'), host.open('a/b'), host.open('a')],
      ['OK', 'OK', 'NO_SUCH_ANCHOR'])
  }],
  ['own-name', ['NAME-3', 'NAME-5', 'ABI-31'], (host) => {
    myself(host)
    const c = host.channel(0, '/me/x')
    const opens = ['x', '/me/x', '/my-id/x'].map((path) => host.open(path))
    assert.equal(opens.map((op) => host.outcome(op).value), [c, c, c])
    told(host, [host.open('/nobody/x'), host.open('/me')], ['NO_SUCH_PEER', 'BAD_PATH'])
  }],
  ['lists', ['NAME-10', 'NAME-11', 'NAME-12', 'NAME-13'], (host) => {
    myself(host)
    for (const path of ['b', 'a/x', 'a/y/z', 'ab', 'b/c']) host.channel(0, path)
    listed(host, '', ['a', 'ab', 'b'])
    listed(host, 'a', ['a/x', 'a/y'])
    listed(host, 'a', ['a/x', 'a/y/z'], DEEP)
    listed(host, '...', ['a/x', 'a/y/z', 'ab', 'b', 'b/c'])
    listed(host, 'b', ['b/c'])
    listed(host, 'b/...', ['b', 'b/c'])
    listed(host, 'ab', ['ab'])
    listed(host, '/', ['/me'])
    listed(host, '/me', ['/me/a', '/me/ab', '/me/b'])
    listed(host, '/...', ['/me', '/me/a/x', '/me/a/y/z', '/me/ab', '/me/b', '/me/b/c'])
  }],
  ['limits', ['NAME-19', 'NAME-20', 'ABI-32'], (host) => {
    host.put('limit', { limit: bound.capacity!, value: 2 })
    host.put('limit', { limit: bound.message_bytes!, value: 3 })
    host.put('limit', { limit: bound.channels!, value: 1 })
    told(host, [host.make(3)], ['BAD_ARGUMENT'])
    const c = host.channel(2)
    told(host, [host.make(0), host.send(c, 'four'), host.send(c, 'abc')],
      ['TOO_MANY', 'TOO_LARGE', 'OK'])
    host.put('limit', { limit: bound.capacity!, value: 0xffffffff })
    host.put('limit', { limit: bound.channels!, value: 0xffffffff })
    told(host, [host.make(limits.CAPACITY_MAX! + 1), host.make(limits.CAPACITY_MAX!)],
      ['BAD_ARGUMENT', 'OK'])
  }]
]

/** Says who this core is. */
function myself(host: Host, name = 'me', id = 'my-id'): void {
  host.put('self', { incarnation: 1, chain: host.give('chain'), chain_bytes: 5,
    info: host.give('info'), info_bytes: 4, id_bytes: id.length, name_bytes: name.length },
  bytes_of(id + name))
}

const door: Line[] = [
  ['unknown-records', ['ABI-9'], (host) => {
    const c = host.channel()
    for (const kind of [0, 99, 0xffff]) host.raw(words([kind | 3 << 16, 1 << 20 | 9, 0]))
    host.raw(words([23 | 2 << 16, 1]))
    assert.is(host.seen(c).receivers, 0)
  }],
  ['record-of-wrong-length', ['ABI-9', 'ABI-29'], (host) => {
    const c = host.channel()
    const op = 3 << 20 | 9
    const whole = input_record('receive', { op, ref: c })
    host.running.set(op, { kind: 'receive', offered: false })
    host.raw(Uint8Array.of(...whole.slice(0, 2), 4, 0, ...whole.slice(4, 16)))
    told(host, [op], ['BAD_ARGUMENT'])
    assert.is(host.seen(c).receivers, 0)
  }],
  ['record-that-leads-out', ['ABI-30'], (host) => {
    const c = host.channel()
    host.batching = true
    host.raw(words([5 | 0xffff << 16, 1, 2]))
    host.put('withdraw', { op: 9 })
    host.batching = false
    host.run()
    assert.is(host.seen(c).receivers, 0)
  }],
  ['operation-ids', ['ABI-10', 'ABI-16'], (host) => {
    const c = host.channel()
    const waits = host.receive(c)
    for (const op of [waits, waits + (1 << 20)]) {
      const kept = host.running.get(waits)!
      if (op !== waits) host.running.set(op, { kind: 'close', offered: false })
      host.put('close', { op, ref: c })
      told(host, [op], ['BAD_ARGUMENT'])
      host.running.set(waits, kept)
      host.outcomes.delete(waits)
    }
    const zero = 1 << 20
    host.running.set(zero, { kind: 'close', offered: false })
    host.put('close', { op: zero, ref: c })
    host.withdraw(waits + (7 << 20))
    host.withdraw(12345)
    told(host, [zero, waits], ['BAD_ARGUMENT', 'waiting'])
  }],
  ['references-that-are-none', ['ABI-9', 'ABI-17'], (host) => {
    for (const ref of [0, 77, 0x80000000]) {
      const known = ref === 77 ? 'SCRUBBED' : 'BAD_ARGUMENT'
      told(host, [host.send(ref, 'm'), host.receive(ref), host.close(ref)],
        [known, known, known])
      host.retain(ref)
      host.release(ref)
    }
  }],
  ['timeout-too-long', ['ABI-15'], (host) => {
    const c = host.channel()
    const long = { timeout: limits.TIMEOUT_MS_MAX! + 1 }
    told(host, [host.receive(c, long), host.send(c, 'm', long)], ['BAD_ARGUMENT', 'BAD_ARGUMENT'])
  }],
  ['deadlines', ['ABI-5'], (host, recorder) => {
    const c = host.channel()
    host.receive(c, { timeout: 500 })
    recorder.deadline(host)
    const early = host.receive(c, { timeout: 20 })
    recorder.deadline(host)
    host.withdraw(early)
    recorder.deadline(host)
    host.advance(500)
  }],
  ['late-call', ['ABI-28', 'CH-26'], (host) => {
    const c = host.channel()
    const ops = [host.receive(c, { hold: true, timeout: 20 }), host.send(c, 'm', { timeout: 60 }),
      host.receive(c, { timeout: 10 })]
    host.now_ms += 100
    host.run()
    told(host, ops, ['TIMED_OUT', 'TIMED_OUT', 'TIMED_OUT'])
  }],
  ['self-again', ['ABI-31', 'ABI-21'], (host) => {
    myself(host)
    myself(host, 'anew')
    myself(host, 'other', 'another-id')
    listed(host, '/', ['/anew'])
  }],
  ['leave-alone', ['ABI-26'], (host) => {
    myself(host)
    const c = host.channel()
    const select = host.select([{ send: c, text: 'm' }, { after: 50 }])
    const receive = host.receive(host.channel())
    told(host, [select, receive, host.leave()], ['LEAVING', 'LEAVING', 'OK'])
  }]
]

/** Stories in which the seed decides something. */
const CHANCE = new Set(['select-bounds'])

function vector_of([id, shows, story]: Line): Vector {
  const host = new Host(1)
  const recorder = new Recorder()
  recorder.attach(host)
  story(host, recorder)
  const chance = CHANCE.has(id) ? { chance: true } : {}
  return { id, shows, ...chance, cores: [{ seed: 1 }], steps: recorder.take() }
}

/** All stories of one core that the model does not tell. */
export function door_vectors(): Record<'channels' | 'selects' | 'names' | 'door', Vector[]> {
  return { channels: channels.map(vector_of), selects: selects.map(vector_of),
    names: names.map(vector_of), door: door.map(vector_of) }
}
