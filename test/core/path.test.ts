/**
 * Names: making, opening, listing, at this peer and at another.
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { Host, REF_REMOTE, constants, limits } from './host.ts'
import { trio } from '../net/stage.ts'

const test = suite('core: paths')
const element = constants('element')
const DEEP = constants('list_flag').deep!

test('a channel is made once at a path, and opened there', () => {
  const host = new Host()
  const c = host.channel(1, 'jobs/in')
  assert.is(host.status(host.make(0, 'jobs/in')), 'ANCHOR_TAKEN')
  const opened = host.outcome(host.open('jobs/in'))
  assert.equal([opened.status, opened.value, opened.payload_bytes], ['OK', c, element.channel])
})

test('looking never makes', () => {
  const host = new Host()
  assert.is(host.status(host.open('nothing')), 'NO_SUCH_ANCHOR')
  assert.is(host.status(host.stat(0, 'nothing/here')), 'NO_SUCH_ANCHOR')
  assert.is(host.status(host.scrub(0, 'nothing')), 'NO_SUCH_ANCHOR')
  const list = host.list('...', DEEP)
  assert.is(host.status(list), 'OK')
  assert.equal(host.entries.get(list) ?? [], [])
})

test('a scrub frees the anchor', () => {
  const host = new Host()
  host.channel(0, 'jobs')
  assert.is(host.status(host.scrub(0, 'jobs')), 'OK')
  assert.is(host.status(host.open('jobs')), 'NO_SUCH_ANCHOR')
  assert.is(host.status(host.make(2, 'jobs')), 'OK')
})

test('paths that are no paths are refused', () => {
  const host = new Host()
  const long = 'n'.repeat(limits.SEGMENT_BYTES_MAX! + 1)
  const deep = new Array(limits.PATH_BYTES_MAX! / 2 + 1).fill('n').join('/')
  for (const path of ['a//b', 'a/', '.', '..', 'a/../b', 'a/./b', '...', 'a/.../b', 'a\0b', 'a\nb',
    long, deep, 'a\x7fb']) {
    assert.is(host.status(host.make(0, path)), 'BAD_PATH', JSON.stringify(path))
  }
  for (const path of ['a', 'a/b/c', 'ä/ö', ' ', '-', long.slice(1), '....', '.a']) {
    assert.is(host.status(host.make(0, path)), 'OK', JSON.stringify(path))
  }
})

test('a path at another peer: by name and by id, made, opened, used, scrubbed', () => {
  const { net, a, b } = trio()
  const made = a.do(() => a.host.make(1, '/b/x'))
  net.run_for(30)
  assert.is(a.host.status(made), 'OK')
  assert.ok(a.host.outcome(made).value >= REF_REMOTE, 'a reference to elsewhere')
  const here = b.open('x')
  assert.ok(here < REF_REMOTE)
  const by_id = a.open(`/${b.id}/x`)
  const send = a.do(() => a.host.send(by_id, 'm'))
  net.run_for(30)
  assert.is(a.host.status(send), 'OK')
  assert.is(b.do(() => b.host.text(b.host.receive(here))), 'm')
  const taken = a.do(() => a.host.make(0, `/${b.id}/x`))
  const none = a.do(() => a.host.open('/b/none'))
  const nobody = a.do(() => a.host.open('/nobody/x'))
  const self = a.do(() => a.host.make(0, '/a/mine'))
  net.run_for(30)
  assert.equal([taken, none, nobody, self].map((op) => a.host.status(op)),
    ['ANCHOR_TAKEN', 'NO_SUCH_ANCHOR', 'NO_SUCH_PEER', 'OK'])
  const scrub = a.do(() => a.host.scrub(0, '/b/x'))
  net.run_for(30)
  assert.is(a.host.status(scrub), 'OK')
  assert.is(b.host.status(b.do(() => b.host.receive(here))), 'SCRUBBED')
})

test('a name that two peers have is ambiguous, their ids are not', () => {
  const { net, a, b } = trio()
  const twin = net.join('b', 1, '9')
  for (const node of [a, b]) node.find(twin)
  net.until(() => a.sees(twin), 5_000, 'the twin joined')
  const op = a.do(() => a.host.make(0, '/b/x'))
  const sure = a.do(() => a.host.make(0, `/${twin.id}/x`))
  net.run_for(30)
  assert.equal([a.host.status(op), a.host.status(sure)], ['AMBIGUOUS_NAME', 'OK'])
})

test('a list shows peers and what is below them', () => {
  const { net, a, b } = trio()
  b.do(() => b.host.channel(0, 'x'))
  b.do(() => b.host.channel(0, 'deep/y'))
  const list = (path: string, flags: number): string[] => {
    const op = a.do(() => a.host.list(path, flags))
    net.run_for(60)
    assert.is(a.host.status(op), 'OK', path)
    return (a.host.entries.get(op) ?? []).map((entry) => entry.path).sort()
  }
  assert.is(list('/', 0).length, 3, 'a list of / shows the peers')
  const shallow = list('/b', 0)
  assert.ok(shallow.some((path) => path.endsWith('x')), shallow.join(' '))
  assert.not.ok(shallow.some((path) => path.endsWith('y')), shallow.join(' '))
  assert.ok(list('/b', DEEP).some((path) => path.endsWith('deep/y')))
})

test('the names of a peer that died fail with left', () => {
  const { net, a, b } = trio()
  const [, x_a] = b.share('x', 0, a)
  b.kill()
  net.run_for(4000)
  assert.is(a.host.status(a.do(() => a.host.receive(x_a!))), 'LEFT')
  const op = a.do(() => a.host.open('/b/x'))
  net.run_for(60)
  assert.ok(['LEFT', 'NO_SUCH_PEER'].includes(a.host.status(op)), a.host.status(op))
})

test.run()
