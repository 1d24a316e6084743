/**
 * Processes as the core sees them, at this peer and at another: orders, channels, the one exit.
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { codes, constants } from '../core/host.ts'
import { trio } from './stage.ts'
import type { Trio } from './stage.ts'

const test = suite('net: processes')
const TERM = constants('signal').TERM!
const LATE = 200

/** Starts a process at b from a, and gives a's references to its channels. */
function started({ net, a, b }: Trio): { stdout: number, exit: number, process: number,
  own: number[] } {
  const op = a.do(() => a.host.start('/b/p', 'command'))
  net.run_for(LATE)
  assert.is(a.host.status(op), 'OK')
  const [order] = b.started
  assert.equal([order!.path, order!.text], ['p', 'command'])
  return { stdout: a.open('/b/p/stdout'), exit: a.open('/b/p/exit'), process: order!.process,
    own: order!.channels }
}

test('a process starts, its output comes live, its exit goes to all who wait, once each', () => {
  const stage = trio()
  const { net, a, b, c } = stage
  const { stdout, exit, process, own } = started(stage)
  const waits = [a.do(() => a.host.receive(exit)), a.do(() => a.host.select([{ receive: exit }]))]
  const other = c.open('/b/p/exit')
  waits.push(c.do(() => c.host.receive(other)))
  b.do(() => b.host.send(own[1]!, 'line'))
  const read = a.do(() => a.host.receive(stdout))
  net.run_for(LATE)
  assert.is(a.host.text(read), 'line')
  assert.equal([a, a, c].map((node, nth) => node.host.status(waits[nth]!)),
    ['waiting', 'waiting', 'waiting'])
  b.do(() => b.host.close(own[1]!))
  b.do(() => b.host.send(own[3]!, 'code 0'))
  b.do(() => b.host.put('ended', { process }))
  net.run_for(LATE)
  assert.equal([a, a, c].map((node, nth) => node.host.text(waits[nth]!)),
    ['code 0', 'code 0', 'code 0'])
  const late = a.do(() => a.host.receive(exit))
  const end = a.do(() => a.host.receive(stdout))
  net.run_for(LATE)
  assert.equal([a.host.text(late), a.host.status(end)], ['code 0', 'CLOSED'])
})

test('a start that the host refuses leaves no trace', () => {
  const { net, a, b } = trio()
  b.start_status = codes.PROGRAM_NOT_FOUND!
  const op = a.do(() => a.host.start('/b/p', 'command'))
  net.run_for(LATE)
  assert.is(a.host.status(op), 'PROGRAM_NOT_FOUND')
  const open = a.do(() => a.host.open('/b/p/stdout'))
  const free = a.do(() => a.host.make(0, '/b/p'))
  net.run_for(LATE)
  assert.equal([a.host.status(open), a.host.status(free)], ['NO_SUCH_ANCHOR', 'OK'])
})

test('a path that is taken, or whose channels would be, starts nothing', () => {
  const { net, a, b } = trio()
  b.do(() => b.host.channel(0, 'p/exit'))
  b.do(() => b.host.channel(0, 'q'))
  const ops = ['/b/p', '/b/q'].map((path) => a.do(() => a.host.start(path, 'command')))
  net.run_for(LATE)
  assert.equal(ops.map((op) => a.host.status(op)), ['ANCHOR_TAKEN', 'ANCHOR_TAKEN'])
  assert.is(b.started.length, 0)
})

test('signals reach a running process, and not one that has ended', () => {
  const stage = trio()
  const { net, a, b } = stage
  const { process } = started(stage)
  const signal = a.do(() => a.host.signal('/b/p', TERM))
  const nobody = a.do(() => a.host.signal('/b/none', TERM))
  net.run_for(LATE)
  assert.equal([a.host.status(signal), a.host.status(nobody)], ['OK', 'NO_SUCH_ANCHOR'])
  b.do(() => b.host.put('ended', { process }))
  const late = a.do(() => a.host.signal('/b/p', TERM))
  net.run_for(LATE)
  assert.is(a.host.status(late), 'NOT_RUNNING')
})

test('a scrub stops the process and ends who waits for it', () => {
  const stage = trio()
  const { net, a, b } = stage
  const { exit, stdout } = started(stage)
  const waits = [exit, stdout].map((ref) => a.do(() => a.host.receive(ref)))
  const scrub = a.do(() => a.host.scrub(0, '/b/p'))
  net.run_for(LATE)
  assert.is(a.host.status(scrub), 'OK')
  assert.equal(waits.map((op) => a.host.status(op)), ['SCRUBBED', 'SCRUBBED'])
  assert.is(b.stopped.length, 1)
  const again = a.do(() => a.host.start('/b/p', 'command'))
  net.run_for(LATE)
  assert.is(a.host.status(again), 'OK', 'the path is free again')
})

test('the one who asked dies while the process starts: it runs, and nothing is kept', () => {
  const { net, a, b } = trio()
  a.do(() => a.host.start('/b/p', 'command'))
  net.run_for(15)
  a.kill()
  net.run_for(4000)
  assert.is(b.started.length, 1)
  b.host.check_settled(b.own_texts())
})

test('a peer without the right starts, signals and scrubs no process', () => {
  const stage = trio(['a', 'b', 'c'])
  const { net, a, b } = stage
  started(stage)
  const weak = net.join('weak')
  b.verdict = (peer) => ({ status: 0, rights: peer === weak.id ? constants('right').channel! : 7,
    expires_ms: 0, prefix: '' })
  weak.find(b)
  net.until(() => weak.sees(b) && b.sees(weak), 5000, 'the weak peer joined')
  const ops = [
    weak.do(() => weak.host.start('/b/w', 'command')),
    weak.do(() => weak.host.signal('/b/p', TERM)),
    weak.do(() => weak.host.scrub(0, '/b/p'))
  ]
  const fine = weak.do(() => weak.host.make(0, '/b/x'))
  net.run_for(LATE)
  assert.equal(ops.map((op) => weak.host.status(op)),
    ['NOT_PERMITTED', 'NOT_PERMITTED', 'NOT_PERMITTED'])
  assert.is(weak.host.status(fine), 'OK')
  assert.equal([b.started.length, b.stopped.length], [1, 0])
  assert.is(a.host.status(a.do(() => a.host.stat(0, '/b/p'))), 'waiting')
})

test('a peer with a prefix does nothing beside it', () => {
  const { net, b } = trio()
  b.do(() => b.host.channel(1, 'open/x'))
  const secret = b.do(() => b.host.channel(1, 'secret'))
  b.do(() => b.host.channel(1, 'opener'))
  const guest = net.join('guest')
  b.verdict = () => ({ status: 0, rights: 7, expires_ms: 0, prefix: 'open' })
  guest.find(b)
  net.until(() => guest.sees(b) && b.sees(guest), 5000, 'the guest joined')
  const { host } = guest
  const ask = (input: () => number): string => {
    const op = guest.do(input)
    net.run_for(LATE)
    return host.status(op)
  }
  assert.is(ask(() => host.open('/b/open/x')), 'OK')
  assert.is(ask(() => host.make(0, '/b/open/y')), 'OK')
  assert.is(ask(() => host.open('/b/secret')), 'NOT_PERMITTED')
  assert.is(ask(() => host.open('/b/opener')), 'NOT_PERMITTED')
  assert.is(ask(() => host.open('/b/none')), 'NOT_PERMITTED', 'not even whether it is there')
  assert.is(ask(() => host.make(0, '/b/mine')), 'NOT_PERMITTED')
  assert.is(ask(() => host.scrub(0, '/b/secret')), 'NOT_PERMITTED')
  assert.is(ask(() => host.start('/b/p', 'command')), 'NOT_PERMITTED')
  assert.is(b.do(() => b.host.seen(secret)).closed, 0)
})

test('rights that expire end the session, and what waits ends with it', () => {
  const { net, b } = trio()
  const guest = net.join('guest')
  b.verdict = () => ({ status: 0, rights: 7, expires_ms: 1500, prefix: '' })
  const x = b.do(() => b.host.channel(0, 'x'))
  guest.find(b)
  net.until(() => guest.sees(b) && b.sees(guest), 5000, 'the guest joined')
  const ref = guest.open('/b/x')
  const receive = guest.do(() => guest.host.receive(ref))
  net.run_for(100)
  assert.is(b.do(() => b.host.seen(x)).receivers, 1)
  b.verdict = () => ({ status: codes.BAD_CERTIFICATE!, rights: 0, expires_ms: 0, prefix: '' })
  net.run_for(2000)
  assert.is(b.do(() => b.host.seen(x)).receivers, 0)
  net.run_for(4000)
  assert.is(guest.host.status(receive), 'LEFT')
})

test('who shows no valid chain gets nothing but a closed link', () => {
  const { net, a, b } = trio()
  const stranger = net.join('stranger')
  for (const node of [a, b]) {
    node.verdict = (peer) => ({ rights: 7, expires_ms: 0, prefix: '',
      status: peer === stranger.id ? codes.BAD_CERTIFICATE! : 0 })
  }
  const heard: string[] = []
  net.watch = ({ from, to, text }) => { if (to === stranger && from !== stranger) heard.push(text) }
  stranger.find(a)
  stranger.find(b)
  net.run_for(5000)
  assert.equal(heard, [], 'not a word')
  assert.is(stranger.members.size, 0)
  assert.not.ok(a.events.some(({ id }) => id === stranger.id))
})

test.run()
