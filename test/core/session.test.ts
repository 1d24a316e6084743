/**
 * Sessions of one core: numbers, acknowledgements, resending, and frames that break the rules.
 *
 * Lives here: spec/wire.md WIRE-1, WIRE-2, WIRE-4 and WIRE-7 with a peer played by hand, and a
 * stream of messages between two cores that is cut at every frame. Does not live here: which link
 * carries a session (link.test.ts).
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { Net } from '../net/net.ts'
import {
  ANSWER, HIGHER, LOWER, Script, VERSION, cbor, codes, limits
} from './session-script.ts'
import type { Field } from './session-script.ts'

const test = suite('core: sessions')

/** A core joined with LOWER, and a channel of capacity 0; the peer's next number is 2. */
function stage(): { s: Script, ref: number } {
  const s = new Script()
  s.join(1, LOWER)
  const ref = s.host.channel(0, 'c')
  s.host.put('link_ready', { link: 1, taken_bytes: 0xffffffff })
  return { s, ref }
}

const offer = (number: number, received: number, ref: number): Field[] =>
  [number, received, 1000 + number, ref, 0, 0]

test('frames are numbered from 1 and what was received rides along', () => {
  const { s, ref } = stage()
  s.say(1, 'offer_receive', offer(2, 1, ref))
  s.host.send(ref, 'a')
  const [deliver] = s.heard()
  assert.equal(deliver!.row.slice(0, 4), [25, 2, 2, 1002])
  s.wait(limits.PROBE_INTERVAL_MS! - 1)
  assert.equal(s.names(), [], 'it rode along: no ack of its own')
})

test('a frame that finds nothing to ride on is acknowledged after ACK_DELAY_MS', () => {
  const { s, ref } = stage()
  s.wait(limits.ACK_DELAY_MS!)
  s.heard()
  s.say(1, 'offer_receive', offer(2, 1, ref))
  s.wait(limits.ACK_DELAY_MS! - 1)
  assert.equal(s.names(), [])
  s.wait(1)
  assert.equal(s.heard().map(({ row }) => row), [[5, 2]])
})

test('ACK_FRAMES frames are acknowledged at once, with one ack for a whole run', () => {
  const { s, ref } = stage()
  s.wait(limits.ACK_DELAY_MS!)
  s.heard()
  s.host.batching = true
  for (let nth = 0; nth < limits.ACK_FRAMES! + 5; nth++) {
    s.say(1, 'offer_receive', offer(2 + nth, 1, ref))
  }
  s.host.batching = false
  s.host.run()
  assert.equal(s.heard().map(({ row }) => row), [[5, limits.ACK_FRAMES! + 6]])
})

test('what was not acknowledged is sent again on the next link, in order', () => {
  const { s, ref } = stage()
  for (let nth = 0; nth < 4; nth++) {
    s.say(1, 'offer_receive', offer(2 + nth, 1, ref))
    s.host.send(ref, `m${nth}`)
  }
  s.heard()
  s.down(1)
  s.up(2, LOWER, false)
  s.hello(2, { your: 7, received: 1, epoch: 1 })
  assert.equal(s.heard('hello').map(({ row }) => row.slice(3)), [[3, 5, 1, ANSWER]])
  s.say(2, 'ack', [3])
  const again = s.heard('deliver')
  assert.equal(again.map(({ fields }) => fields.number), [4, 5], 'the ack says more than the hello')
  assert.equal(again.map(({ payload }) => payload), ['m2', 'm3'])
  s.say(2, 'ack', [5])
  assert.equal(s.host.held_payloads().filter((text) => /^m\d/.test(text)).length, 4,
    'the owner keeps messages until the grant')
})

test('what the old link had brought after all is not sent again on the new one', () => {
  const { s, ref } = stage()
  for (let nth = 0; nth < 4; nth++) {
    s.host.put('link_ready', { link: 1, taken_bytes: 0xffffffff })
    s.say(1, 'offer_receive', offer(2 + nth, 1, ref))
    s.host.send(ref, `m${nth}`, { bytes: 100_000 })
  }
  assert.is(s.heard('deliver').length, 4)
  s.up(2, LOWER, false)
  s.hello(2, { your: 7, received: 1, epoch: 1 })
  s.say(2, 'ack', [1])
  assert.equal(s.heard('deliver').map(({ fields }) => fields.number), [2, 3], 'one window')
  s.say(2, 'ack', [5])
  s.host.put('link_ready', { link: 2, taken_bytes: 0xffffffff })
  assert.equal(s.heard('deliver'), [])
  s.say(2, 'offer_receive', offer(6, 5, ref))
  s.host.send(ref, 'next')
  assert.equal(s.heard('deliver').map(({ fields }) => fields.number), [6])
})

test('a frame made while no link is there goes out on the next one', () => {
  const { s, ref } = stage()
  s.say(1, 'offer_receive', offer(2, 1, ref))
  s.down(1)
  s.heard()
  s.host.send(ref, 'late')
  assert.equal(s.names(), [])
  s.up(2, LOWER, true)
  s.hello(2, { your: 7, received: 1, epoch: 1, flags: ANSWER })
  assert.equal(s.heard().map(({ name }) => name), ['hello', 'ack', 'deliver'])
})

test('a frame that came before is dropped with its payload and changes nothing', () => {
  const { s, ref } = stage()
  s.say(1, 'offer_send', [2, 1, 50, ref, 0, 0, []], 'once')
  const receive = s.host.receive(ref)
  assert.is(s.host.text(receive), 'once')
  s.say(1, 'offer_send', [2, 1, 50, ref, 0, 0, []], 'once')
  s.say(1, 'offer_send', [1, 0, 51, ref, 0, 0, []], 'before')
  assert.is(s.host.status(s.host.receive(ref, { try: true })), 'WOULD_BLOCK')
  assert.equal(s.joined(), [LOWER])
  s.host.check_settled(['my chain', 'my info', 'info of aaa'])
})

test('payloads of frames come back when they are acknowledged, not before', () => {
  const s = new Script()
  s.join(1, LOWER)
  const [ref] = [s.host.channel(0, 'c')]
  s.say(1, 'offer_receive', offer(2, 1, ref))
  const send = s.host.send(ref, 'kept')
  assert.ok(s.host.held_payloads().includes('kept'), 'a link may break yet')
  s.say(1, 'grant', [3, 2, 1002, 1, []])
  assert.is(s.host.status(send), 'OK')
  assert.not(s.host.held_payloads().includes('kept'))
})

/** Frames that break the rules on an attached link, and the code that the link ends with. */
const WRONG: [string, (s: Script, ref: number) => void, number][] = [
  ['a number too far', (s, ref) => s.say(1, 'offer_receive', offer(3, 1, ref)), codes.BAD_NUMBER!],
  ['an ack of what was never sent', (s) => s.say(1, 'ack', [99]), codes.BAD_NUMBER!],
  ['received what was never sent', (s, ref) => s.say(1, 'offer_receive', offer(2, 99, ref)),
    codes.BAD_NUMBER!],
  ['an unknown kind', (s) => s.raw(1, cbor([99, 2, 1])), codes.BAD_FRAME!],
  ['a reserved kind', (s) => s.raw(1, cbor([56, 2, 1, 5])), codes.BAD_FRAME!],
  ['a field too few', (s) => s.raw(1, cbor([19, 2, 1])), codes.BAD_FRAME!],
  ['a field too many', (s) => s.raw(1, cbor([19, 2, 1, 5, 5])), codes.BAD_FRAME!],
  ['a text for a number', (s) => s.raw(1, cbor([19, 2, 1, 'x'])), codes.BAD_FRAME!],
  ['bytes after the header', (s) => s.raw(1, Uint8Array.of(...cbor([5, 1]), 0)), codes.BAD_FRAME!],
  ['an empty header', (s) => s.raw(1, new Uint8Array(0)), codes.BAD_FRAME!],
  ['no array', (s) => s.raw(1, Uint8Array.of(5)), codes.BAD_FRAME!],
  ['a number that is not in shortest form', (s) => s.raw(1, Uint8Array.of(0x82, 5, 0x18, 1)),
    codes.BAD_FRAME!],
  ['an indefinite array', (s) => s.raw(1, Uint8Array.of(0x9f, 5, 1, 0xff)), codes.BAD_FRAME!],
  ['a number of 64 bits', (s) =>
    s.raw(1, Uint8Array.of(0x82, 5, 0x1b, 0, 0, 0, 1, 0, 0, 0, 0)), codes.BAD_FRAME!],
  ['a text longer than its header', (s) =>
    s.raw(1, Uint8Array.of(0x85, 24 + 8, 2, 1, 1, 0x78, 200, 65)), codes.BAD_FRAME!],
  ['an array longer than its header', (s, ref) =>
    s.raw(1, Uint8Array.of(0x88, 17, 2, 1, 1, ref & 15, 0, 0, 0x9a, 255, 255, 255, 255)),
  codes.BAD_FRAME!],
  ['a payload where none may be', (s) => s.say(1, 'withdraw', [2, 1, 5], 'what?'),
    codes.BAD_FRAME!],
  ['a second hello', (s) => s.say(1, 'hello', [VERSION, 3, 7, 0, 0, 0], 'their chain'),
    codes.BAD_FRAME!],
  ['a member of an unknown event', (s) =>
    s.say(1, 'member', [2, 1, 'x', 1, 0, 9, 'x', '', 0], 'info'), codes.BAD_FRAME!],
  ['a member without an id', (s) => s.say(1, 'member', [2, 1, '', 1, 0, 1, 'x', '', 0], 'info'),
    codes.BAD_FRAME!],
  ['a name with a control character', (s) =>
    s.say(1, 'member', [2, 1, LOWER, 3, 0, 1, 'a\tb', '', 0], 'info'), codes.BAD_FRAME!],
  ['a peer that says that it has left as a member', (s) =>
    s.say(1, 'member', [2, 1, LOWER, 3, 0, 2, 'x', '', 0]), codes.BAD_FRAME!],
  ['a header over its bound', (s) =>
    s.raw(1, cbor([33, 2, 1, 1, 'x'.repeat(limits.HEADER_BYTES_MAX!)])), codes.OVER_LIMIT!]
]

for (const [what, act, code] of WRONG) {
  test(`${what} ends the session with a code, and nobody else's`, () => {
    const { s, ref } = stage()
    s.join(2, HIGHER)
    s.down(2)
    s.up(3, HIGHER, false)
    s.hello(3, { your: 7, received: 0, epoch: 1 })
    s.say(3, 'ack', [0])
    s.heard()
    act(s, ref)
    const said = s.heard()
    const refusals = said.filter(({ name }) => name === 'refuse')
    const numbers = said.filter(({ link, name }) => link === 3 && name === 'member')
      .map(({ fields }) => fields.number as number)
    s.say(3, 'ack', [Math.max(...numbers)])
    assert.equal(refusals.map(({ link, row }) => [link, row[1]]), [[1, code]])
    assert.equal(s.unlinked.at(-1), { link: 1, code })
    assert.equal(s.joined(), [HIGHER])
    const kept = ['my chain', 'my info', `info of ${HIGHER}`]
    assert.equal(s.host.held_payloads().filter((text) => !kept.includes(text)), [])
  })
}

test('a payload over the limit ends the session', () => {
  const { s, ref } = stage()
  const header = cbor([17, 2, 1, 50, ref, 0, 0, []])
  s.host.put('frame', { link: 1, payload: s.host.give('large'),
    payload_bytes: limits.MESSAGE_BYTES_MAX! + 1, header_bytes: header.length }, header)
  assert.equal(s.unlinked, [{ link: 1, code: codes.OVER_LIMIT! }])
  s.host.check_settled(['my chain', 'my info'])
})

test('every cut header of every kind is refused and none of it traps', () => {
  const whole = [
    cbor([17, 2, 1, 50, 70000, 0, 0, [[2, 300, 5, 'somebody']]]),
    cbor([48, 2, 1, LOWER, 3, 1, 'a name', 0]), cbor([32, 2, 1, 9, 'a/path', 4, 0]),
    cbor([1, VERSION, 300, 70000, 5, 0, 0])
  ]
  for (const header of whole) {
    for (let bytes = 0; bytes < header.length; bytes++) {
      const { s } = stage()
      s.raw(1, header.slice(0, bytes))
      assert.equal(s.joined(), [], `${bytes} of ${header.length}`)
    }
  }
})

test('an ack from behind is old, by signed distance, and changes nothing', () => {
  const { s } = stage()
  s.say(1, 'ack', [1])
  s.say(1, 'ack', [0])
  s.say(1, 'ack', [0xffffffff])
  assert.equal(s.joined(), [LOWER])
})

/** A stream of sends through a link that is cut once, after `frames` frames crossed. */
function stream(frames: number): { crossed: number, received: string[] } {
  const net = new Net({ delay_min_ms: 1, delay_max_ms: 1 })
  const a = net.join('a', 1, 'a')
  const b = net.join('b', 1, 'b')
  net.mesh()
  const [ref, remote] = b.share('c', 4, a)
  net.run_for(100)
  let crossed = 0
  net.watch = () => { if (++crossed === frames) net.after(0, () => net.cut(a, b)) }
  const count = 8
  const nths = Array.from({ length: count }, (_, nth) => nth)
  const sends = nths.map((nth) => a.do(() => a.host.send(remote!, `${nth}`)))
  const receives = nths.map(() => b.do(() => b.host.receive(ref!)))
  net.until(() => sends.every((op) => a.host.status(op) !== 'waiting')
    && receives.every((op) => b.host.status(op) !== 'waiting'), 5_000, `all after cut ${frames}`)
  net.run_for(100)
  assert.equal(sends.map((op) => a.host.status(op)), sends.map(() => 'OK'))
  assert.not(a.events.some(({ event }) => event === 'left'), 'the session outlives its link')
  return { crossed, received: receives.map((op) => b.host.text(op)) }
}

test('a stream that is cut at any frame brings each message once and in order', () => {
  const whole = stream(0)
  assert.ok(whole.crossed > 10)
  for (let frames = 1; frames <= whole.crossed; frames++) {
    assert.equal(stream(frames).received, whole.received, `cut at frame ${frames}`)
  }
})

test('many frames for a full output area all leave, in order', () => {
  const s = new Script()
  s.join(1, LOWER)
  const ref = s.host.channel(0, 'c')
  s.host.put('link_ready', { link: 1, taken_bytes: 0xffffffff })
  const count = limits.RECORDS_PER_RUN_MAX! + 500
  s.host.batching = true
  for (let nth = 0; nth < count; nth++) s.say(1, 'offer_receive', offer(2 + nth, 1, ref))
  s.host.run()
  for (let nth = 0; nth < count; nth++) s.host.send(ref, `${nth}`)
  s.host.batching = false
  s.host.run()
  const said = s.heard('deliver')
  assert.is(said.length, count)
  assert.ok(said.every(({ fields, payload }, nth) =>
    fields.number === nth + 2 && payload === `${nth}`))
})

test('a frame that comes again is acknowledged again', () => {
  const s = new Script()
  s.join(1, LOWER)
  s.heard()
  for (let nth = 0; nth < 2; nth++) {
    s.say(1, 'withdraw', [2, 1, 99])
    s.wait(limits.ACK_DELAY_MS!)
    assert.equal(s.heard('ack').map(({ row }) => row), [[5, 2]], `time ${nth + 1}`)
  }
})

test('pauses stay short while each link carries something, and double when none does', () => {
  for (const carries of [true, false]) {
    const s = new Script()
    s.join(1, HIGHER)
    let longest_ms = 0
    for (let link = 1, number = 2; link <= 6; link++) {
      if (carries) s.say(link, 'grant', [number++, 1, 12345, 0, []])
      s.down(link)
      const began = s.host.now_ms
      while (s.dials.length < link) s.wait(10)
      longest_ms = Math.max(longest_ms, s.host.now_ms - began)
      s.up(link + 1, HIGHER, true)
      s.hello(link + 1, { your: 7, received: 1, epoch: link, flags: ANSWER })
    }
    assert.is(longest_ms <= 2 * limits.REDIAL_MIN_MS! + 10, carries, `${longest_ms} ms`)
  }
})

test.run()
