/**
 * The door of the core, rule by rule of spec/abi.md, where the host (host.ts) does not already
 * check it at every record: payloads and completions (ABI-11, ABI-20, ABI-21) are checked always.
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { Door, Trap, bytes_of, codes, constants, input_record, limits, words } from './door.ts'
import { Host } from './host.ts'
import type { Output } from './door.ts'

const test = suite('core: the door')

function drain(door: Door, pending: Uint8Array[], now_ms = 0, count_max?: number): Output[] {
  const outputs: Output[] = []
  let loops = 0
  do {
    assert.ok(++loops < 100_000, 'more work for ever')
    outputs.push(...door.step(pending, now_ms, count_max))
  } while (pending.length > 0 || door.cell('more') === 1)
  return outputs
}

test('ABI-1: init gives the header, whose version and areas are those of the tables', () => {
  const door = new Door(1)
  assert.is(door.cell('abi_version'), limits.ABI_VERSION)
  assert.is(door.cell('input_bytes'), limits.INPUT_BYTES)
  assert.is(door.cell('output_bytes'), limits.OUTPUT_BYTES)
  assert.is(door.cell('has_deadline'), 0)
})

test('ABI-3: the output area may fill at any record: close with 10,000 waiters', () => {
  const host = new Host()
  const c = host.channel()
  host.batching = true
  const waiters = Array.from({ length: 10_000 }, (_, nth) => nth % 3 === 0
    ? host.select([{ receive: c }]) : host.receive(c))
  host.batching = false
  host.run()
  const before = host.runs
  host.close(c)
  assert.ok(host.runs - before > 2, 'it took several turns')
  assert.ok(waiters.every((op) => host.status(op) === 'CLOSED'))
  host.check_settled()
})

test('ABI-3: the output area may fill at any record: messages with many references', () => {
  for (let refs = 0; refs <= limits.REFS_PER_MESSAGE_MAX!; refs += 7) {
    const host = new Host()
    const c = host.channel(2000)
    const list = new Array<number>(refs).fill(c)
    const texts = Array.from({ length: 1500 }, (_, nth) => `${nth}`)
    for (const text of texts) host.send(c, text, { refs: list })
    host.batching = true
    const receives = texts.map(() => host.receive(c))
    host.batching = false
    host.run()
    receives.forEach((op, nth) => {
      assert.is(host.text(op), texts[nth])
      assert.is(host.outcome(op).refs.length, refs)
    })
    host.check_settled()
  }
})

test('ABI-3: a list of more names than the area holds goes on in later turns', () => {
  const host = new Host()
  const paths = Array.from({ length: 2500 }, (_, nth) => `${'n'.repeat(nth % 97)}/${nth}`)
    .map((path) => path.replace(/^\//, 'x'))
  for (const path of paths) host.channel(0, path)
  const op = host.list('/...', constants('list_flag').deep!)
  assert.is(host.status(op), 'OK')
  const listed = (host.entries.get(op) ?? []).map(({ path }) => path)
  for (const path of paths) assert.ok(listed.some((one) => one.endsWith(path)), path)
})

test('ABI-3: tiny steps give what large ones give', () => {
  const story = (records_per_run: number): string => {
    const host = new Host(77)
    host.records_per_run = records_per_run
    const [a, b] = [host.channel(), host.channel(2)]
    host.batching = true
    const ops: number[] = []
    for (let nth = 0; nth < 200; nth++) {
      ops.push(host.select([{ send: a, text: `a${nth}` }, { receive: b }]))
      ops.push(host.select([{ receive: a }, { send: b, text: `b${nth}` }]))
      if (nth % 5 === 0) ops.push(host.receive(a))
    }
    ops.push(host.scrub(a), host.scrub(b))
    host.batching = false
    host.run()
    return ops.map((op) => JSON.stringify(host.outcome(op))).join('\n')
  }
  const whole = story(1024)
  assert.is(story(1), whole)
  assert.is(story(7), whole)
})

test('ABI-5: the deadline is the earliest, and gone when nothing waits for it', () => {
  const host = new Host(1, 0xfffffff0)
  const c = host.channel()
  const late = host.receive(c, { timeout: 500 })
  const early = host.receive(c, { timeout: 20 })
  assert.is(host.due_in_ms(), 20)
  host.withdraw(early)
  assert.is(host.due_in_ms(), 500)
  host.advance(499)
  assert.is(host.status(late), 'waiting')
  host.advance(1)
  assert.is(host.status(late), 'TIMED_OUT')
  assert.is(host.door.cell('has_deadline'), 0)
})

test('ABI-5: a host that comes late finds everything that was due done, in order of time', () => {
  const host = new Host()
  const c = host.channel()
  const shown = host.receive(c, { hold: true, timeout: 20 })
  const send = host.send(c, 'm', { timeout: 60 })
  const next = host.receive(c, { timeout: 10 })
  host.now_ms += 100
  host.run()
  assert.equal([shown, send, next].map((op) => host.status(op)),
    ['TIMED_OUT', 'TIMED_OUT', 'TIMED_OUT'])
  host.check_settled()
})

test('ABI-8: the same seed and inputs give the same bytes, another seed another choice', () => {
  const run = (seed: number): string => {
    const door = new Door(seed)
    let told = ''
    const made = drain(door, [1, 2].map((slot) => input_record('make', { op: 1 << 20 | slot,
      capacity: 8 })))
    const refs = made.map(({ fields }) => fields.value!)
    for (let nth = 0; nth < 64; nth++) {
      const op = (2 + nth % 60) << 20
      const pending = [
        input_record('send', { op: op | 3, ref: refs[0]!, payload: 2 * nth + 1, payload_bytes: 1 }),
        input_record('send', { op: op | 4, ref: refs[1]!, payload: 2 * nth + 2, payload_bytes: 1 }),
        input_record('select', { op: op | 5, cases_count: 2 },
          words([1, refs[0]!, 0, 0, 1, refs[1]!, 0, 0])),
        input_record('receive', { op: op | 6, ref: refs[0]!, flags: 1 }),
        input_record('receive', { op: op | 7, ref: refs[1]!, flags: 1 })
      ]
      for (const output of drain(door, pending)) told += JSON.stringify(output)
    }
    return told
  }
  assert.is(run(5), run(5))
  assert.is.not(run(5), run(6))
})

test('ABI-9: an unknown kind and a wrong length change nothing', () => {
  const host = new Host()
  const c = host.channel()
  for (const kind of [0, 99, 0xffff]) host.raw(words([kind | 3 << 16, 1 << 20 | 9, 0]))
  const wrong = 3 << 20 | 9
  const receive = input_record('receive', { op: wrong, ref: c })
  host.running.set(wrong, { kind: 'receive', offered: false })
  host.raw(Uint8Array.of(...receive.slice(0, 2), 4, 0, ...receive.slice(4, 16)))
  assert.is(host.status(wrong), 'BAD_ARGUMENT')
  assert.is(host.seen(c).receivers, 0)
})

test('ABI-9: ids out of range are refused, slot 0 too', () => {
  const door = new Door(1)
  for (const op of [0, 5 << 20]) {
    const out = drain(door, [input_record('make', { op, capacity: 0 })])
    assert.equal(out.map(({ name, fields }) => [name, fields.op, fields.status]),
      [['completion', op, codes.BAD_ARGUMENT]])
  }
  const host = new Host()
  for (const ref of [0, 1, 77, 0x7fffffff, 0x80000000, 0xffffffff]) {
    assert.ok(['BAD_ARGUMENT', 'SCRUBBED'].includes(host.status(host.receive(ref))))
    assert.ok(['BAD_ARGUMENT', 'SCRUBBED'].includes(host.status(host.send(ref, 'm'))))
    assert.ok(['BAD_ARGUMENT', 'SCRUBBED'].includes(host.status(host.close(ref))))
    const select = host.select([{ receive: ref }, { send: ref, text: 'n' }])
    assert.ok(['BAD_ARGUMENT', 'SCRUBBED'].includes(host.status(select)))
    host.release(ref)
    host.retain(ref)
  }
  host.check_settled()
})

test('ABI-10: a slot that is in use is refused, and its operation goes on', () => {
  const door = new Door(1)
  const op = 1 << 20 | 1
  const [made] = drain(door, [input_record('make', { op, capacity: 0 })])
  const ref = made!.fields.value!
  const waiting = 2 << 20 | 1
  assert.equal(drain(door, [input_record('receive', { op: waiting, ref })]), [])
  for (const second of [waiting, 3 << 20 | 1]) {
    const out = drain(door, [input_record('send', { op: second, ref, payload: 9,
      payload_bytes: 1 })])
    assert.equal(out.map(({ name }) => name).sort(), ['completion', 'drop'])
    const completion = out.find(({ name }) => name === 'completion')!
    assert.equal([completion.fields.op, completion.fields.status], [second, codes.BAD_ARGUMENT])
  }
  const out = drain(door, [input_record('send', { op: 1 << 20 | 2, ref, payload: 10,
    payload_bytes: 1 })])
  assert.equal(out.map(({ fields }) => fields.op).sort(), [1 << 20 | 2, waiting].sort())
})

test('ABI-10: an old generation reaches nothing', () => {
  const host = new Host()
  const c = host.channel()
  const old = host.receive(c)
  host.withdraw(old)
  const now = [host.receive(c, { hold: true }), host.receive(c)]
  assert.ok(now.some((op) => (op & 0xfffff) === (old & 0xfffff)), 'the slot is used again')
  host.withdraw(old)
  host.take(old)
  assert.equal(now.map((op) => host.status(op)), ['waiting', 'waiting'])
  host.send(c, 'm')
  host.take(old)
  assert.is(host.status(now[0]!), 'waiting')
  host.take(now[0]!)
  assert.is(host.text(now[0]!), 'm')
})

test('ABI-17: an old reference reaches nothing, though its slot is used again', () => {
  const host = new Host()
  const seen = new Set<number>()
  for (let nth = 0; nth < 5000; nth++) {
    const c = host.channel(1)
    assert.not.ok(seen.has(c), 'a reference comes back too soon')
    seen.add(c)
    host.send(c, 'm')
    host.scrub(c)
    host.release(c)
  }
  const live = host.channel(1)
  for (const old of [...seen].slice(0, 50)) {
    assert.is(host.status(host.send(old, 'x')), 'SCRUBBED')
  }
  assert.is(host.seen(live).buffered, 0)
})

test('ABI-17: a channel without a name goes with its last handle', () => {
  const host = new Host()
  const base = host.channel()
  for (let nth = 0; nth < 200; nth++) host.release(host.channel(4))
  const before = host.door.cell('memory_bytes_used')
  for (let nth = 0; nth < 800; nth++) {
    const c = host.channel(4)
    host.retain(c)
    host.send(c, 'm')
    host.release(c)
    assert.is(host.seen(c).buffered, 1, 'one handle is left')
    host.release(c)
  }
  const after = host.door.cell('memory_bytes_used')
  assert.ok(after - before <= 65_536, `${after - before} bytes are left`)
  host.check_settled()
  host.release(base)
})

test('ABI-17: a handle that travels in a message keeps its channel', () => {
  const host = new Host()
  const jobs = host.channel(1)
  const reply = host.channel(1)
  host.send(jobs, 'question', { refs: [reply] })
  host.release(reply)
  const receive = host.receive(jobs)
  const [came] = host.outcome(receive).refs
  host.send(came!, 'answer')
  assert.is(host.text(host.receive(came!)), 'answer')
  host.release(came!)
  assert.is(host.status(host.send(came!, 'late')), 'SCRUBBED')
  // Also when nobody receives it.
  const other = host.channel(1)
  host.send(jobs, 'question', { refs: [other] })
  host.release(other)
  host.scrub(jobs)
  assert.is(host.status(host.send(other, 'late')), 'SCRUBBED')
  host.check_settled()
})

test('ABI-20: refused operations give their payloads back', () => {
  const host = new Host()
  const c = host.channel()
  host.send(0, 'no channel')
  host.send(c, 'bad reference', { refs: [12345] })
  host.send(c, 'too many references', { refs: new Array<number>(65).fill(c) })
  host.select([{ receive: c }, { send: c, text: 'fine' }, { send: 0, text: 'not' }])
  host.select(Array.from({ length: 257 }, (_, nth) => ({ send: c, text: `${nth}` })))
  host.start('a//b', 'command')
  host.check_settled()
})

test('ABI-19: a try never waits, a million times without a trace', () => {
  const host = new Host()
  const [a, b] = [host.channel(), host.channel(1)]
  const before = host.door.cell('memory_bytes_used')
  host.batching = true
  for (let round = 0; round < 2000; round++) {
    host.receive(a, { try: true })
    host.send(a, 'm', { try: true })
    host.select([{ receive: a }, { send: a, text: 'n' }, { receive: b }], { try: true })
    if (round % 100 === 0) {
      host.run()
      host.outcomes.clear()
    }
  }
  host.batching = false
  host.run()
  assert.is(host.running.size, 0)
  assert.ok(host.door.cell('memory_bytes_used') - before < 8192)
  host.check_settled()
})

test('ABI-7: a trap names its place, and the instance is not called again', () => {
  const host = new Host()
  const c = host.channel(3)
  for (let nth = 0; nth < 5; nth++) host.send(c, `${nth}`)
  host.door.wipe()
  let trap: unknown
  try {
    for (let nth = 0; nth < 50; nth++) {
      host.receive(c)
      host.release(c)
      host.channel(1)
    }
  } catch (error) { trap = error }
  assert.instance(trap, Trap)
  assert.match((trap as Trap).message, /core\/\w+\.ts:\d+:\d+/)
  assert.throws(() => host.run(), /poisoned/)
})

test('the text of a path may hold any bytes that the rules allow, up to the limit', () => {
  const host = new Host()
  const long = Array.from({ length: 4 }, () => 'ü'.repeat(127)).join('/')
  assert.ok(bytes_of(long).length <= limits.PATH_BYTES_MAX!)
  const c = host.channel(0, long)
  assert.is(host.outcome(host.open(long)).value, c)
})

test.run()
