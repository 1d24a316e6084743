/**
 * Wounds of other systems, each by its own name and as a test of this core.
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { Host } from './host.ts'

const test = suite('core: named regressions')

test('a losing select withdraws its own waiter, not the first in the line', () => {
  const host = new Host()
  const [a, b] = [host.channel(), host.channel()]
  const first = host.receive(a)
  const select = host.select([{ receive: a }, { receive: b }])
  const third = host.receive(a)
  assert.is(host.status(host.send(b, 'b')), 'OK')
  assert.is(host.text(select), 'b')
  host.send(a, 'one')
  host.send(a, 'two')
  assert.equal([host.text(first), host.text(third)], ['one', 'two'])
  host.check_settled()
})

test('two selects on the same two channels lose and invent nothing', () => {
  const host = new Host(5)
  const [a, b] = [host.channel(), host.channel()]
  const received: string[] = []
  for (let round = 0; round < 500; round++) {
    const receives = [0, 1].map(() => host.select([{ receive: a }, { receive: b }]))
    const sends = [0, 1].map((nth) => host.select([
      { send: a, text: `a${round}.${nth}` }, { send: b, text: `b${round}.${nth}` }
    ]))
    const sent = sends.map((op, nth) => {
      const { which } = host.outcome(op)
      return `${which === 0 ? 'a' : 'b'}${round}.${nth}`
    })
    const texts = receives.map((op) => host.text(op))
    assert.equal([...texts].sort(), [...sent].sort())
    received.push(...texts)
  }
  assert.is(new Set(received).size, 1000)
  assert.equal([host.seen(a).senders, host.seen(b).receivers], [0, 0])
  host.check_settled()
})

test('a select that sends and receives on one channel', () => {
  const host = new Host()
  const a = host.channel()
  const both = [{ send: a, text: 'mine' }, { receive: a }]
  const alone = host.select(both)
  assert.is(host.status(alone), 'waiting', 'it never meets itself')
  assert.is(host.outcome(host.select(both, { try: true })).status, 'OK')
  const one = host.outcome(alone)
  if (one.which === 1) assert.is(one.text, 'mine')
  const again = host.select(both)
  assert.is(host.status(again), 'waiting')
  assert.is(host.status(host.send(a, 'theirs')), 'OK')
  assert.equal([host.text(again), host.outcome(again).which], ['theirs', 1])
  const third = host.select(both)
  assert.is(host.text(host.receive(a)), 'mine')
  assert.is(host.outcome(third).which, 0)
  host.check_settled()
})

test('a value equal to a "closed" marker', () => {
  const host = new Host()
  const c = host.channel(4)
  for (const text of ['', '\0', 'CLOSED', 'undefined']) {
    assert.is(host.status(host.send(c, text)), 'OK')
    assert.is(host.text(host.receive(c)), text)
  }
  host.send(c, '')
  host.close(c)
  const last = host.receive(c)
  assert.equal([host.status(last), host.text(last)], ['OK', ''])
  assert.is(host.status(host.receive(c)), 'CLOSED')
})

test('a memory view kept across growth', () => {
  const host = new Host()
  const before = host.door.memory_bytes()
  const c = host.channel(1)
  const receives: number[] = []
  while (host.door.memory_bytes() === before && receives.length < 200_000) {
    receives.push(host.receive(c))
  }
  assert.ok(host.door.memory_bytes() > before, 'the memory grew')
  receives.forEach((_, nth) => host.send(c, `${nth}`))
  receives.forEach((op, nth) => assert.is(host.text(op), `${nth}`))
  host.check_settled()
}, { timeout_ms: 30_000 })

test('a length one below a block border', () => {
  for (let bytes = 0; bytes <= 40; bytes++) {
    const host = new Host()
    const name = 'n'.repeat(bytes)
    const borders = [255, 256, 511, 512, 1023].map((size) => size - bytes)
    const path = bytes === 0 ? 'x' : name
    const c = host.channel(0, path)
    const opened = host.open(path)
    assert.is(host.outcome(opened).value, c)
    for (const border of borders) {
      // As many references as make the record end at, below and above a border.
      const count = Math.min(64, Math.max(0, border >> 2))
      const refs = new Array<number>(count).fill(c)
      const receive = host.receive(c)
      host.send(c, 'x', { refs })
      assert.equal(host.outcome(receive).refs, refs)
    }
    host.check_settled()
  }
})

test('a stale timer', () => {
  const host = new Host()
  const c = host.channel()
  const first = host.receive(c, { timeout: 50 })
  host.send(c, 'a')
  assert.is(host.text(first), 'a')
  // The same slot, a new generation, and a later deadline.
  host.advance(20)
  const later = [host.receive(c, { timeout: 100 }), host.receive(c, { timeout: 100 })]
  assert.ok(later.some((op) => (op & 0xfffff) === (first & 0xfffff)), 'the slot is used again')
  host.advance(40)
  assert.equal(later.map((op) => host.status(op)), ['waiting', 'waiting'])
  host.advance(60)
  assert.equal(later.map((op) => host.status(op)), ['TIMED_OUT', 'TIMED_OUT'])
})

test('a trap followed by a call', () => {
  const host = new Host()
  const c = host.channel(1)
  for (let nth = 0; nth < 5; nth++) host.send(c, `${nth}`)
  host.door.wipe()
  assert.throws(() => { for (let nth = 0; nth < 50; nth++) host.channel(1) }, /trapped at core/)
  // A core that is half changed would still answer: the host must not ask.
  assert.throws(() => host.receive(c), /poisoned/)
  assert.throws(() => host.run(), /poisoned/)
})

test('user code that sends inside a completion', () => {
  const host = new Host()
  const c = host.channel()
  let left = 100
  let receiving = false
  const receives: number[] = [host.receive(c)]
  // Answers each completed receive with the next receive and a send, inside the turn of the first.
  host.after_run = () => {
    if (left === 0 || receiving || host.status(receives.at(-1)!) === 'waiting') return
    left--
    receiving = true
    receives.push(host.receive(c))
    receiving = false
    host.send(c, `${left}`)
  }
  host.send(c, 'first')
  assert.is(left, 0)
  assert.equal(receives.slice(0, 3).map((op) => host.text(op)), ['first', '99', '98'])
  host.after_run = undefined
  host.check_settled()
})

test('a receiver killed while it waits', () => {
  const host = new Host()
  const c = host.channel()
  const killed = host.receive(c, { hold: true })
  const shown = host.send(c, 'a')
  host.withdraw(killed)
  assert.is(host.status(shown), 'waiting')
  assert.is(host.text(host.receive(c)), 'a')
  assert.is(host.status(shown), 'OK')
})

test('a sender killed while it waits', () => {
  const host = new Host()
  const c = host.channel()
  const killed = host.send(c, 'phantom')
  host.withdraw(killed)
  const receive = host.receive(c)
  assert.is(host.status(receive), 'waiting')
  assert.is(host.status(host.send(c, 'real')), 'OK')
  assert.is(host.text(receive), 'real')
  host.check_settled()
})

test('a channel scrubbed with waiters on both sides', () => {
  const host = new Host()
  const c = host.channel()
  // A select that sends and receives stands on both sides without meeting itself.
  const both = host.select([{ send: c, text: 'x' }, { receive: c }])
  const other = host.channel()
  const shown = host.receive(c, { hold: true })
  assert.is(host.offers.get(shown)?.text, 'x')
  const receives = [host.receive(c), host.select([{ receive: other }, { receive: c }])]
  host.scrub(c)
  assert.equal(receives.map((op) => host.status(op)), ['SCRUBBED', 'SCRUBBED'])
  assert.is(host.outcome(receives[1]!).which, 1)
  host.withdraw(shown)
  assert.is(host.status(both), 'SCRUBBED')
  host.check_settled()
})

test.run()
