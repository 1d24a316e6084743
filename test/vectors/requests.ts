/**
 * Stories of requests and processes, here and at another core.
 *
 * Lives here: make, open, list, stat, close and scrub over a link, starting, signalling and
 * stopping processes, requests that are given up. Does not live here: rights (sessions.ts), names
 * of one core (door.ts), programs that really run (test/node).
 */
import * as assert from 'uvu/assert'
import { codes, constants } from '../core/door.ts'
import { Host } from '../core/host.ts'
import { told, two } from './peers.ts'
import type { Actor, Stage } from './stage.ts'
import { Recorder } from './vector.ts'
import type { Vector } from './vector.ts'

type Two = ReturnType<typeof two>
type Line<Cast> = [id: string, shows: string[], story: (set: Cast) => void]

const { TERM } = constants('signal') as { TERM: number }
const { process: PROCESS } = constants('element') as { process: number }
const state = constants('process_state')
const PARTS = ['stdin', 'stdout', 'stderr', 'exit']

function statuses(host: Host, ops: number[], expected: string[]): void {
  assert.equal(ops.map((op) => host.status(op)), expected)
}

function paths(host: Host, op: number): string[] {
  return (host.entries.get(op) ?? []).map(({ path }) => path)
}

const asking: Line<Two>[] = [
  ['requests', ['WIRE-30', 'WIRE-31', 'WIRE-32', 'NAME-3', 'NAME-6', 'NAME-7', 'NAME-10', 'NAME-11',
    'NAME-13', 'ABI-25', 'CH-25', 'CH-47'], ({ stage, a, b }) => {
    const { host } = a
    const ask = (op: number): number => { stage.settle(); return op }
    const made = ask(host.make(2, '/b/n/1'))
    statuses(host, [made, ask(host.make(2, '/peer-b/n/1')), ask(host.open('/b/n/2')),
      ask(host.make(1 << 21, '/b/big'))], ['OK', 'ANCHOR_TAKEN', 'NO_SUCH_ANCHOR', 'BAD_ARGUMENT'])
    const ref = host.outcome(made).value
    ask(host.send(ref, 'm'))
    b.host.receive(b.host.outcome(b.host.open('n/1')).value, { hold: true })
    const stats = [ask(host.stat(ref)), ask(host.stat(0, '/b/n/1'))]
    for (const op of stats) {
      const { capacity, buffered, out } = host.stats.get(op)!
      assert.equal([capacity, buffered, out], [2, 1, 1])
    }
    assert.equal(paths(host, ask(host.list('/b'))), ['/b/n', '/b/x', '/b/y'])
    assert.equal(paths(host, ask(host.list('/b/...'))), ['/b/n/1', '/b/x', '/b/y'])
    assert.equal(paths(host, ask(host.list('/b/n'))), ['/b/n/1'])
    statuses(host, [ask(host.list('/b/none')), ask(host.close(ref)), ask(host.close(ref)),
      ask(host.scrub(0, '/b/n/1')), ask(host.scrub(ref)), ask(host.stat(ref)),
      ask(host.open('/b/n/1'))], ['NO_SUCH_ANCHOR', 'OK', 'CLOSED', 'OK', 'SCRUBBED', 'SCRUBBED',
      'NO_SUCH_ANCHOR'])
  }],
  ['requests-of-all', ['NAME-12', 'NAME-14', 'WIRE-30'], ({ stage, a, b }) => {
    a.host.channel(0, 'mine')
    const list = a.host.list('/...')
    stage.settle()
    assert.equal(paths(a.host, list), ['/b', '/a', '/a/mine', '/b/x', '/b/y'])
    const cut_short = a.host.list('/...')
    stage.lose(stage.wires[0]!, a)
    b.host.leave()
    stage.settle()
    statuses(a.host, [list, cut_short], ['OK', 'OK'])
  }],
  ['requests-given-up', ['ABI-33', 'WIRE-34'], ({ stage, a, b }) => {
    const ops = [a.host.make(0, '/b/z'), a.host.open('/b/x'), a.host.list('/b')]
    for (const op of ops) a.host.withdraw(op)
    statuses(a.host, ops, ['WITHDRAWN', 'WITHDRAWN', 'WITHDRAWN'])
    assert.ok(ops.every((op) => a.host.outcome(op).unknown))
    stage.settle()
    assert.is(b.host.status(b.host.open('z')), 'OK')
  }]
]

/** The order to start a process that a core has given last. */
function started(actor: Actor): { process: number, parts: number[] } {
  const order = actor.orders.filter(({ name }) => name === 'start').at(-1)!
  const { process, ...fields } = order.fields as Record<string, number>
  return { process: process!, parts: PARTS.map((part) => fields[part]!) }
}

/** A process at b that a has started. */
function runs({ stage, a, b }: Two, path = '/b/p'): { process: number, parts: number[] } {
  const op = a.host.start(path, 'command')
  stage.settle()
  const order = started(b)
  b.host.put('started', { process: order.process, status: codes.OK! })
  stage.settle()
  statuses(a.host, [op], ['OK'])
  return order
}

function opened(stage: Stage, actor: Actor, path: string): number {
  const op = actor.host.open(path)
  stage.settle()
  return actor.host.outcome(op).value
}

const programs: Line<Two>[] = [
  ['process', ['PR-1', 'PR-3', 'PR-4', 'PR-7', 'NAME-8', 'CH-32'], (set) => {
    const { stage, a, b } = set
    const { process, parts } = runs(set)
    const open = a.host.open('/b/p')
    stage.settle()
    const { value, payload_bytes } = a.host.outcome(open)
    assert.equal([value, payload_bytes], [0, PROCESS])
    const [exit, stdout] = [opened(stage, a, '/b/p/exit'), opened(stage, a, '/b/p/stdout')]
    const waits = [a.host.receive(exit), a.host.select([{ receive: exit }])]
    stage.settle()
    b.host.send(parts[1]!, 'output')
    b.host.close(parts[1]!)
    b.host.send(parts[3]!, 'code 0')
    b.host.put('ended', { process })
    b.host.put('started', { process, status: codes.CANNOT_START! })
    stage.settle()
    const [read, end] = [a.host.receive(stdout), a.host.receive(stdout)]
    const late = a.host.receive(exit)
    const stat = a.host.stat(0, '/b/p')
    stage.settle()
    assert.equal([...waits, read, late].map((op) => a.host.text(op)),
      ['code 0', 'code 0', 'output', 'code 0'])
    statuses(a.host, [end, stat], ['CLOSED', 'OK'])
    assert.is(a.host.stats.get(stat)!.closed, state.ended)
  }],
  ['process-refused', ['PR-1', 'PR-5', 'WIRE-31'], ({ stage, a, b }) => {
    const ops = ['PROGRAM_NOT_FOUND', 'LEFT'].map((status) => {
      const op = a.host.start('/b/p', 'command')
      stage.settle()
      b.host.put('started', { process: started(b).process, status: codes[status]! })
      stage.settle()
      return op
    })
    statuses(a.host, ops, ['PROGRAM_NOT_FOUND', 'CANNOT_START'])
    statuses(b.host, [b.host.open('p'), b.host.open('p/exit'), b.host.make(0, 'p')],
      ['NO_SUCH_ANCHOR', 'NO_SUCH_ANCHOR', 'OK'])
  }],
  ['process-taken', ['PR-2'], ({ stage, a, b }) => {
    b.host.channel(0, 'p/exit')
    const long = `/b/${'n'.repeat(255)}/${'n'.repeat(255)}/${'n'.repeat(255)}/${'n'.repeat(251)}`
    const ops = ['/b/p', '/b/x', long].map((path) => a.host.start(path, 'command'))
    stage.settle()
    statuses(a.host, ops, ['ANCHOR_TAKEN', 'ANCHOR_TAKEN', 'BAD_PATH'])
    assert.not.ok(b.orders.some(({ name }) => name === 'start'))
  }],
  ['process-signalled', ['PR-8'], (set) => {
    const { stage, a, b } = set
    const { process } = runs(set)
    const ops = [a.host.signal('/b/p', TERM), a.host.signal('/b/none', TERM),
      a.host.signal('/b/x', TERM), a.host.signal('/b/p', 65), a.host.signal('/b/p', 0)]
    stage.settle()
    const { token, signal } = b.orders.at(-1)!.fields as Record<string, number>
    assert.is(signal, TERM)
    b.host.put('signaled', { token: token!, status: codes.OK! })
    stage.settle()
    statuses(a.host, ops, ['OK', 'NO_SUCH_ANCHOR', 'WRONG_KIND', 'BAD_ARGUMENT', 'BAD_ARGUMENT'])
    b.host.put('ended', { process })
    const late = a.host.signal('/b/p', TERM)
    stage.settle()
    statuses(a.host, [late], ['NOT_RUNNING'])
  }],
  ['process-scrubbed', ['PR-9', 'CH-22'], (set) => {
    const { stage, a, b } = set
    const { process } = runs(set)
    const waits = PARTS.map((part) => a.host.receive(opened(stage, a, `/b/p/${part}`)))
    const scrub = a.host.scrub(0, '/b/p')
    stage.settle()
    statuses(a.host, [scrub, ...waits], ['OK', 'SCRUBBED', 'SCRUBBED', 'SCRUBBED', 'SCRUBBED'])
    const stops = b.orders.filter(({ name }) => name === 'stop')
    assert.equal(stops.map(({ fields }) => fields.process), [process])
    runs(set)
  }],
  ['process-scrubbed-while-it-starts', ['PR-18'], ({ stage, a, b }) => {
    const start = a.host.start('/b/p', 'command')
    stage.settle()
    const { process } = started(b)
    b.host.scrub(0, 'p')
    stage.settle()
    b.host.put('started', { process, status: codes.OK! })
    statuses(a.host, [start], ['CANNOT_START'])
    statuses(b.host, [b.host.open('p')], ['NO_SUCH_ANCHOR'])
  }],
  ['process-of-one-who-left', ['PR-6'], ({ stage, a, b }) => {
    a.host.start('/b/p', 'command')
    stage.settle()
    a.host.leave()
    stage.settle()
    b.host.put('started', { process: started(b).process, status: codes.OK! })
    const stat = b.host.stat(0, 'p')
    assert.is(b.host.stats.get(stat)!.closed, state.running)
  }]
]

/** A process of one core alone. */
function process_here(): Vector {
  const host = new Host(1)
  const recorder = new Recorder()
  recorder.attach(host)
  const start = host.start('p', 'command')
  const { process } = host.orders[0]!.fields as Record<string, number>
  host.put('started', { process: process!, status: codes.OK! })
  const signal = host.signal('p', TERM)
  const token = host.orders[1]!.fields.token!
  host.put('signaled', { token, status: codes.NOT_RUNNING! })
  host.put('ended', { process: process! })
  const list = host.list('...')
  const scrub = host.scrub(0, 'p')
  statuses(host, [start, signal, scrub], ['OK', 'NOT_RUNNING', 'OK'])
  assert.equal(paths(host, list), ['p', 'p/exit', 'p/stderr', 'p/stdin', 'p/stdout'])
  return { id: 'process-here', shows: ['PR-1', 'PR-3', 'PR-4', 'PR-8', 'PR-9'],
    cores: [{ seed: 1 }], steps: recorder.take() }
}

/** All stories of this file; those of two cores come after `two` of peers.ts. */
export function request_vectors(): Vector[] {
  return [process_here(), ...[...asking, ...programs].map((line) => told(line, two, 'two'))]
}
