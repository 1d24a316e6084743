/**
 * Order and bounds between two and three peers, over links that break.
 *
 * Lives here: FIFO per sender and channel for one reader, exactly once while both live, the bounds
 * of WIRE-12 and ABI-23. Does not live here: programs of every kind
 * (random.test.ts).
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { WHICH_DEFAULT, limits } from '../core/host.ts'
import { Net } from './net.ts'
import type { Node } from './node.ts'
import { met, trio } from './stage.ts'

const test = suite('net: order and bounds')

/** Breaks something between two of the nodes, for less time than makes anyone leave. */
function disturb(net: Net, nodes: readonly Node[]): void {
  const [one, two] = [net.random.pick(nodes), net.random.pick(nodes)]
  if (one === two) return
  if (net.random.once_in(3)) {
    net.stall(one, two)
    net.after(net.random.between(1, 400), () => net.heal(one, two))
  } else net.cut(one, two)
}

test('one reader gets what each sender sent, in its order, once, over broken links', () => {
  for (let seed = 1; seed <= 24; seed++) {
    const net = new Net({ seed, delay_min_ms: 1, delay_max_ms: 20 })
    const { a, b, c } = met(net, 'a', 'b', 'c')
    const [owner, reader] = seed % 2 === 0 ? [b, c] : [b, b]
    const capacity = seed % 4
    const [own, ...others] = b.share('x', capacity, a, c)
    const ref_of = new Map([[b, own!], [a, others[0]!], [c, others[1]!]])
    const COUNT = 25
    const sends = [a, c].map((node) => ({ node, ops: [] as number[] }))
    const texts: string[] = []
    let receive: number | undefined
    for (let turn = 0; turn < 4000 && texts.length < 2 * COUNT; turn++) {
      for (const { node, ops } of sends) {
        if (ops.length < COUNT && net.random.once_in(3)) {
          const text = `${node.name}${ops.length}`
          ops.push(node.do(() => node.host.send(ref_of.get(node)!, text)))
        }
      }
      if (receive === undefined) {
        const timeout = net.random.between(20, 200)
        receive = reader.do(() => reader.host.receive(ref_of.get(reader)!, { timeout }))
      }
      if (net.random.once_in(25)) disturb(net, [a, b, c])
      net.run_for(net.random.between(0, 8))
      if (reader.host.status(receive) === 'OK') texts.push(reader.host.text(receive))
      if (reader.host.status(receive) !== 'waiting') receive = undefined
    }
    net.run_for(2000)
    for (const { node, ops } of sends) {
      const mine = texts.filter((text) => text.startsWith(node.name))
      const sent = ops.map((_, nth) => `${node.name}${nth}`)
      assert.equal(mine, sent, `seed ${seed}, owner ${owner.name}`)
      assert.ok(ops.every((op) => node.host.status(op) === 'OK'), `seed ${seed}`)
    }
  }
}, { timeout_ms: 60_000 })

test('WIRE-12: more offers than a peer may park are held back, and all are served in order', () => {
  const { net, a, b } = trio(['a', 'b', 'c'], { delay_min_ms: 1, delay_max_ms: 1 })
  const [x, x_a] = b.share('x', 0, a)
  const COUNT = limits.OFFERS_PER_PEER_MAX! + 500
  a.host.batching = true
  const sends = a.do(() => Array.from({ length: COUNT }, (_, nth) => a.host.send(x_a!, `${nth}`)))
  a.host.batching = false
  a.do(() => a.host.run())
  net.run_for(300)
  assert.is(b.do(() => b.host.seen(x!)).senders, limits.OFFERS_PER_PEER_MAX)
  for (let nth = 0; nth < COUNT; nth++) {
    const receive = b.do(() => b.host.receive(x!))
    if (b.host.status(receive) === 'waiting') net.run_for(50)
    assert.is(b.host.text(receive), `${nth}`)
    b.host.outcomes.clear()
  }
  net.run_for(300)
  assert.ok(sends.every((op) => a.host.status(op) === 'OK'))
}, { timeout_ms: 60_000 })

test('WIRE-12: a send that is held back is withdrawn for sure, though nobody answers', () => {
  const { net, a, b } = trio()
  const [x, x_a] = b.share('x', 0, a)
  const bytes = limits.MESSAGE_BYTES_MAX!
  const fit = limits.PARKED_BYTES_PER_PEER_MAX! / bytes
  const sends = Array.from({ length: fit + 3 }, (_, nth) =>
    a.do(() => a.host.send(x_a!, `${nth}`, { bytes })))
  net.run_for(500)
  assert.is(b.do(() => b.host.seen(x!)).senders, fit)
  b.freeze()
  a.do(() => a.host.withdraw(sends.at(-1)!))
  assert.is(a.host.status(sends.at(-1)!), 'WITHDRAWN')
  b.thaw()
  for (let nth = 0; nth < fit + 2; nth++) {
    const receive = b.do(() => b.host.receive(x!))
    net.until(() => b.host.status(receive) !== 'waiting', 2000, `message ${nth}`)
    assert.is(b.host.text(receive), `${nth}`)
  }
  net.run_for(500)
  assert.equal([...new Set(sends.slice(0, -1).map((op) => a.host.status(op)))], ['OK'])
})

test('WIRE-12: sends that are held back keep no receive from being sent', () => {
  const { net, a, b } = trio()
  const [x, x_a] = b.share('x', 0, a)
  const [y, y_a] = b.share('y', 1, a)
  const bytes = limits.MESSAGE_BYTES_MAX!
  const fit = limits.PARKED_BYTES_PER_PEER_MAX! / bytes
  const sends = Array.from({ length: fit + 2 }, (_, nth) =>
    a.do(() => a.host.send(x_a!, `${nth}`, { bytes })))
  const receive = a.do(() => a.host.receive(y_a!))
  sends.push(a.do(() => a.host.send(x_a!, 'small')))
  b.do(() => b.host.send(y!, 'work'))
  net.run_for(500)
  assert.is(a.host.text(receive), 'work')
  const seen = b.do(() => b.host.seen(x!))
  assert.is(seen.senders, fit, 'no small one went before the others')
  for (const text of [...sends.slice(0, -1).keys(), 'small']) {
    const op = b.do(() => b.host.receive(x!))
    net.until(() => b.host.status(op) !== 'waiting', 2000, `message ${text}`)
    assert.is(b.host.text(op), `${text}`)
  }
  net.run_for(500)
  assert.ok(sends.every((op) => a.host.status(op) === 'OK'))
})

test('WIRE-12: a send that would be held back would block when it only tries', () => {
  for (const second_door of ['all', undefined] as const) {
    const { net, a, b } = trio(['a', 'b', 'c'], second_door === undefined ? {} : { second_door })
    const [, x_a] = b.share('x', 0, a)
    const bytes = limits.MESSAGE_BYTES_MAX!
    const fit = limits.PARKED_BYTES_PER_PEER_MAX! / bytes
    for (let nth = 0; nth < fit; nth++) a.do(() => a.host.send(x_a!, 'big', { bytes }))
    const tried = a.do(() => a.host.send(x_a!, 'm', { try: true }))
    net.run_for(500)
    assert.is(a.host.status(tried), 'WOULD_BLOCK')
    assert.is(a.host.held_payloads().includes('m'), false)
  }
})

test('WIRE-12: a select with default takes it when its offers would be held back', () => {
  for (const full_of of ['bytes', 'offers'] as const) {
    const { net, a, b } = trio()
    const [, x_a] = b.share('x', 0, a)
    const bytes = limits.MESSAGE_BYTES_MAX!
    const fit = full_of === 'bytes'
      ? limits.PARKED_BYTES_PER_PEER_MAX! / bytes : limits.OFFERS_PER_PEER_MAX!
    a.do(() => {
      for (let nth = 0; nth <= fit; nth++) {
        if (full_of === 'bytes') a.host.send(x_a!, 'big', { bytes })
        else a.host.receive(x_a!)
      }
    })
    const cases = full_of === 'bytes'
      ? [{ send: x_a!, text: 'm' }, { send: x_a!, text: 'n' }]
      : [{ send: x_a!, text: 'm' }, { receive: x_a! }]
    const chosen = a.do(() => a.host.select(cases, { try: true }))
    net.run_for(500)
    assert.equal([a.host.status(chosen), a.host.outcome(chosen).which], ['OK', WHICH_DEFAULT])
    assert.equal(a.host.held_payloads().filter((text) => 'mn'.includes(text)), [], full_of)
  }
})

test('ABI-23: a link gets no more than its window until the host has taken it', () => {
  const { net, a, b } = trio(['a', 'b', 'c'], { delay_min_ms: 5, delay_max_ms: 5 })
  const [, x_a] = b.share('x', 64, a)
  let out = 0
  let most = 0
  net.watch = ({ from, header, text }) => {
    if (from !== a || text === '') return
    out += header.length + 50_000
    most = Math.max(most, out)
    net.after(0, () => { out = 0 })
  }
  const sends = Array.from({ length: 40 }, (_, nth) =>
    a.do(() => a.host.send(x_a!, `${nth}`, { bytes: 50_000 })))
  net.run_for(1000)
  assert.ok(sends.every((op) => a.host.status(op) === 'OK'))
  assert.ok(most > 0 && most <= limits.LINK_WINDOW_BYTES!, `${most} bytes at once`)
})

test('a million bytes in one message pass whole though the window is smaller', () => {
  const { net, a, b } = trio()
  const [x, x_a] = b.share('x', 1, a)
  const bytes = limits.MESSAGE_BYTES_MAX!
  const send = a.do(() => a.host.send(x_a!, 'large', { bytes }))
  net.run_for(200)
  assert.is(a.host.status(send), 'OK')
  const receive = b.do(() => b.host.receive(x!))
  assert.equal([b.host.text(receive), b.host.outcome(receive).payload_bytes], ['large', bytes])
})

test('nothing leaks: tables after many messages are as before', () => {
  const { net, a, b } = trio(['a', 'b', 'c'], { delay_min_ms: 1, delay_max_ms: 1 })
  const [x, x_a] = b.share('x', 4, a)
  const [y, y_a] = b.share('y', 0, a)
  const used = (): number[] => [a, b].map((node) => node.host.door.cell('memory_bytes_used'))
  const round = (): void => {
    const ops: number[] = []
    for (let nth = 0; nth < 50; nth++) {
      a.do(() => a.host.send(x_a!, 'm', { refs: nth % 5 === 0 ? [y_a!] : [] }))
      ops.push(b.do(() => b.host.select([{ receive: x! }, { send: y!, text: 'n' }])))
      if (nth % 2 === 0) a.do(() => a.host.receive(y_a!, { timeout: 30, hold: nth % 4 === 0 }))
      net.run_for(3)
      for (const [op] of a.host.offers) a.do(() => a.host.take(op))
    }
    net.run_for(200)
    for (const op of ops) b.do(() => b.host.withdraw(op))
    for (const [op] of a.host.running) a.do(() => a.host.withdraw(op))
    net.run_for(200)
    for (const node of [a, b]) {
      for (const { refs } of node.host.outcomes.values()) {
        for (const ref of refs) node.do(() => node.host.release(ref))
      }
      node.host.outcomes.clear()
      node.host.offers.clear()
    }
    for (;;) {
      const rest = b.do(() => b.host.receive(x!, { try: true }))
      for (const ref of b.host.outcome(rest).refs) b.do(() => b.host.release(ref))
      if (b.host.status(rest) !== 'OK') break
    }
    net.run_for(200)
  }
  for (let nth = 0; nth < 30; nth++) round()
  const before = used()
  for (let nth = 0; nth < 30; nth++) round()
  assert.equal(used(), before)
}, { timeout_ms: 30_000 })

test.run()
