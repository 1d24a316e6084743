/**
 * Links of one core: the handshake, which of two links stays, windows, and what strangers get.
 *
 * Lives here: spec/wire.md WIRE-3 … WIRE-7 and spec/abi.md ABI-22 … ABI-24 as the peers see them.
 * Does not live here: numbers and resending (session.test.ts), who is a member (member.test.ts).
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import {
  ANSWER, HIGHER, LEFT, LOWER, ME, Script, VERSION, codes, constants, limits
} from './session-script.ts'

const test = suite('core: links')

test('the dialler speaks first, and the session is spoken of after all three legs', () => {
  const s = new Script()
  s.up(1, LOWER, true)
  const [hello] = s.heard()
  assert.equal(hello!.row, [1, VERSION, 7, 0, 0, 0, 0])
  assert.is(hello!.payload, 'my chain')
  s.say(1, 'hello', [VERSION, 3, 7, 0, 0, ANSWER], 'their chain')
  assert.equal(s.asked, [{ link: 1, chain: 'their chain', id: LOWER }])
  assert.equal(s.names(), [], 'nothing before the chain is verified')
  s.verify(1)
  assert.equal(s.names(), ['ack', 'member'])
  assert.equal(s.joined(), [], 'it has not said its name')
  s.introduce(1, LOWER)
  assert.equal(s.events, [{
    event: 'joined', id: LOWER, name: 'AAA', incarnation: 3, rights: 7, info: 'info of aaa'
  }])
})

test('the acceptor says nothing before the chain is valid, and waits for the ack', () => {
  const s = new Script()
  s.up(1, LOWER, false)
  assert.equal(s.names(), [])
  s.say(1, 'hello', [VERSION, 3, 0, 0, 0, 0], 'their chain')
  assert.equal(s.names(), [])
  s.verify(1)
  const said = s.heard()
  assert.equal(said.map(({ row }) => row), [[1, VERSION, 7, 3, 0, 0, ANSWER]])
  s.wait(100)
  assert.equal(s.names(), [], 'the session waits for the ack')
  s.say(1, 'ack', [0])
  assert.equal(s.names(), ['member'])
})

test('a stranger without a valid chain gets a closed link and nothing else', () => {
  const s = new Script()
  s.up(1, LOWER, false)
  s.say(1, 'hello', [VERSION, 3, 0, 0, 0, 0], 'forged chain')
  s.verify(1, codes.BAD_CERTIFICATE!)
  assert.equal(s.unlinked, [{ link: 1, code: codes.NO_CHAIN! }])
  s.up(2, LOWER, false)
  s.say(2, 'hello', [VERSION, 3, 0, 0, 0, 0])
  assert.equal(s.unlinked[1], { link: 2, code: codes.NO_CHAIN! })
  s.up(3, LOWER, false)
  s.say(3, 'hello', [VERSION + 1, 3, 0, 0, 0, 0], 'their chain')
  assert.equal(s.unlinked[2], { link: 3, code: codes.BAD_VERSION! })
  s.up(4, LOWER, false)
  s.say(4, 'offer_receive', [1, 0, 1, 1, 0, 0])
  assert.equal(s.unlinked[3], { link: 4, code: codes.BAD_FRAME! })
  assert.equal(s.names(), [])
  s.host.check_settled(['my chain', 'my info'])
})

test('a dialled peer without a valid chain gets no session', () => {
  const s = new Script()
  s.up(1, LOWER, true)
  s.say(1, 'hello', [VERSION, 3, 7, 0, 0, ANSWER], 'forged chain')
  s.verify(1, codes.BAD_CERTIFICATE!)
  assert.equal(s.names(), ['hello'])
  assert.equal(s.unlinked, [{ link: 1, code: codes.NO_CHAIN! }])
})

test('an unverified peer cannot make this one renew', () => {
  const s = new Script()
  s.up(1, LOWER, true)
  s.say(1, 'refuse', [codes.DECLARED_LEFT!])
  assert.equal(s.renewed, [])
  assert.equal(s.unlinked.map(({ link }) => link), [1])
})

test('a link that does not show itself is closed', () => {
  const s = new Script()
  s.up(1, LOWER, false)
  s.up(2, HIGHER, true)
  s.wait(limits.HELLO_TIMEOUT_MS! - 1)
  assert.equal(s.unlinked, [])
  s.wait(1)
  assert.equal(s.unlinked.map(({ link, code }) => [link, code]),
    [[1, codes.SILENT!], [2, codes.SILENT!]])
})

test('LINKS_MAX links are held, one more is closed at once', () => {
  const s = new Script()
  for (let link = 1; link <= limits.LINKS_MAX!; link++) s.up(link, `p${link}`, false)
  assert.equal(s.unlinked, [])
  s.up(999, 'one more', false)
  assert.equal(s.unlinked, [{ link: 999, code: codes.OVER_LIMIT! }])
  s.down(5)
  s.up(999, 'one more', false)
  assert.is(s.unlinked.length, 1)
})

test('MEMBERS_MAX sessions are held, one more is refused', () => {
  const s = new Script()
  for (let nth = 1; nth <= limits.MEMBERS_MAX!; nth++) {
    s.join(1, `p${nth}`)
    s.down(1)
  }
  s.unlinked.length = 0
  s.up(999, 'late', false)
  s.hello(999)
  assert.equal(s.unlinked, [{ link: 999, code: codes.OVER_LIMIT! }])
  assert.equal(s.heard('refuse').map(({ row }) => row[1]), [codes.OVER_LIMIT!])
})

test('a link to oneself, and one with a bad id, is closed', () => {
  const s = new Script()
  s.up(1, ME, true)
  s.up(2, '', false)
  s.up(3, 'x'.repeat(limits.PEER_ID_BYTES_MAX! + 1), false)
  s.up(4, 'a\nb', false)
  assert.equal(s.unlinked.map(({ link }) => link), [1, 2, 3, 4])
  assert.equal(s.names(), [])
})

// Two links: every order of the two hellos, seen from the lower and from the higher id.

test('dials that cross before any answer: the lower id\'s dial stays', () => {
  const higher = new Script()
  higher.up(1, LOWER, true)
  higher.up(2, LOWER, false)
  higher.hello(2)
  assert.equal(higher.unlinked, [{ link: 1, code: codes.DUPLICATE_LINK! }])
  assert.equal(higher.names(2), ['hello'])
  higher.say(2, 'ack', [0])
  assert.equal(higher.names(), ['member'])

  const lower = new Script()
  lower.up(1, HIGHER, true)
  lower.up(2, HIGHER, false)
  lower.hello(2)
  assert.equal(lower.unlinked, [{ link: 2, code: codes.DUPLICATE_LINK! }])
  assert.equal(lower.heard('refuse').map(({ link, row }) => [link, row[1]]),
    [[2, codes.DUPLICATE_LINK!]])
  lower.hello(1, { your: 7, flags: ANSWER })
  assert.equal(lower.names(1), ['ack', 'member'])
})

test('a crossing hello that comes after the own dial was attached', () => {
  const lower = new Script()
  lower.up(1, HIGHER, true)
  lower.hello(1, { your: 7, flags: ANSWER })
  lower.up(2, HIGHER, false)
  lower.hello(2)
  assert.equal(lower.unlinked, [{ link: 2, code: codes.DUPLICATE_LINK! }])

  const higher = new Script()
  higher.up(1, LOWER, true)
  higher.hello(1, { your: 7, flags: ANSWER })
  higher.up(2, LOWER, false)
  higher.hello(2)
  assert.equal(higher.unlinked, [], 'the other link serves until the ack')
  higher.say(2, 'ack', [0])
  assert.equal(higher.unlinked, [{ link: 1, code: codes.DUPLICATE_LINK! }])
})

test('our own dial that comes up late is closed without a word', () => {
  for (const id of [LOWER, HIGHER]) {
    const s = new Script()
    s.up(1, id, false)
    s.hello(1)
    s.heard()
    s.up(2, id, true)
    assert.equal(s.unlinked, [{ link: 2, code: codes.DUPLICATE_LINK! }])
    s.say(1, 'ack', [0])
    s.up(3, id, true)
    assert.equal(s.unlinked[1], { link: 3, code: codes.DUPLICATE_LINK! })
    assert.equal(s.names(), ['member'])
  }
})

test('of two links by the same dialler the newer stays', () => {
  const s = new Script()
  s.join(1, HIGHER)
  s.up(2, HIGHER, false)
  s.hello(2, { your: 7, received: 1, epoch: 1 })
  s.up(3, HIGHER, false)
  s.hello(3, { your: 7, received: 1, epoch: 1 })
  assert.equal(s.unlinked, [{ link: 2, code: codes.DUPLICATE_LINK! }])
  s.say(3, 'ack', [1])
  assert.equal(s.unlinked[1], { link: 1, code: codes.DUPLICATE_LINK! })
  assert.equal(s.joined(), [HIGHER])
})

test('a hello that counts our link as attached says that it broke: the newer stays', () => {
  const s = new Script()
  s.up(1, HIGHER, true)
  s.hello(1, { your: 7, flags: ANSWER })
  s.up(2, HIGHER, false)
  s.hello(2, { your: 7, received: 1, epoch: 1 })
  assert.equal(s.unlinked, [])
  s.say(2, 'ack', [1])
  assert.equal(s.unlinked, [{ link: 1, code: codes.DUPLICATE_LINK! }])
})

test('a silent link of ours gives way though the other side never counted it', () => {
  const s = new Script()
  s.up(1, HIGHER, true)
  s.hello(1, { your: 7, flags: ANSWER })
  s.wait(limits.SUSPECT_MS!)
  s.up(2, HIGHER, false)
  s.hello(2)
  assert.equal(s.unlinked, [])
  assert.equal(s.heard('hello').filter(({ link }) => link === 2).length, 1)
})

test('a dialler refused as a duplicate waits for the other link, or dials again', () => {
  const s = new Script()
  s.found(HIGHER)
  assert.is(s.dials.length, 1)
  s.up(1, HIGHER, true)
  s.say(1, 'refuse', [codes.DUPLICATE_LINK!])
  assert.is(s.dials.length, 1)
  s.wait(2 * limits.REDIAL_MIN_MS!)
  assert.is(s.dials.length, 2)
  s.up(2, HIGHER, true)
  s.up(3, HIGHER, false)
  s.say(2, 'refuse', [codes.DUPLICATE_LINK!])
  s.hello(3)
  s.say(3, 'ack', [0])
  s.wait(limits.PROBE_INTERVAL_MS!)
  assert.is(s.dials.length, 2)
})

test('an answer to another incarnation of ours ends the link', () => {
  const s = new Script()
  s.up(1, LOWER, true)
  s.hello(1, { your: 6, flags: ANSWER })
  assert.equal(s.unlinked, [{ link: 1, code: codes.BAD_FRAME! }])
})

test('who was declared left is told so after it has shown its chain, and comes back on that link',
  () => {
    const s = new Script()
    s.join(1, LOWER)
    s.wait(limits.LEFT_MS!)
    assert.equal(s.history(), ['joined aaa', 'left aaa'])
    assert.equal(s.heard('refuse').map(({ row }) => row[1]), [codes.DECLARED_LEFT!])
    s.up(2, LOWER, false)
    s.say(2, 'hello', [VERSION, 3, 7, 1, 1, 0], 'their chain')
    assert.equal(s.heard('hello'), [])
    s.verify(2)
    assert.equal(s.heard('hello').map(({ row }) => row), [[1, VERSION, 7, 3, 0, 0, ANSWER | LEFT]])
    s.hello(2, { incarnation: 4, your: 7 })
    assert.equal(s.heard('hello').map(({ row }) => row), [[1, VERSION, 7, 4, 0, 0, ANSWER]])
    s.say(2, 'ack', [0])
    s.introduce(2, LOWER, 4)
    assert.equal(s.history(), ['joined aaa', 'left aaa', 'joined aaa'])
    assert.is(s.events[2]!.incarnation, 4)
  })

test('who was declared left and is dialled by us is refused, and comes back on that link', () => {
  const s = new Script()
  s.join(1, LOWER)
  s.wait(limits.LEFT_MS!)
  s.up(2, LOWER, true)
  s.heard()
  s.hello(2, { your: 7, flags: ANSWER, received: 1, epoch: 1 })
  assert.equal(s.heard().map(({ row }) => row), [[2, codes.DECLARED_LEFT!]])
  assert.equal(s.unlinked.filter(({ link }) => link === 2), [])
  s.hello(2, { incarnation: 4, your: 7, flags: ANSWER })
  assert.equal(s.names(2), ['ack', 'member'])
})

test('a link gets LINK_WINDOW_BYTES and no more until the host returns them', () => {
  const s = new Script()
  s.join(1, LOWER)
  const ref = s.host.channel(0, 'c')
  const room = limits.LINK_WINDOW_BYTES!
  s.host.put('link_ready', { link: 1, taken_bytes: 0xffffffff })
  const size = 100_000
  for (let nth = 0; nth < 5; nth++) {
    s.say(1, 'offer_receive', [2 + nth, 0, 100 + nth, ref, 0, 0])
    s.host.send(ref, `message ${nth}`, { bytes: size })
  }
  const first = s.heard('deliver')
  assert.is(first.length, Math.floor(room / size))
  s.host.put('link_ready', { link: 1, taken_bytes: size })
  assert.equal(s.heard('deliver').map(({ payload }) => payload), ['message 2'])
  s.host.put('link_ready', { link: 1, taken_bytes: 3 * size })
  assert.equal(s.heard('deliver').map(({ payload }) => payload), ['message 3', 'message 4'])
  s.host.put('link_ready', { link: 77, taken_bytes: size })
})

test('a frame larger than the window goes when nothing else is out', () => {
  const s = new Script()
  s.join(1, LOWER)
  const ref = s.host.channel(0, 'c')
  s.say(1, 'offer_receive', [2, 0, 100, ref, 0, 0])
  s.host.send(ref, 'large', { bytes: limits.MESSAGE_BYTES_MAX! })
  assert.equal(s.heard('deliver'), [], 'the member frame is still out')
  s.host.put('link_ready', { link: 1, taken_bytes: limits.LINK_WINDOW_BYTES! })
  assert.equal(s.heard('deliver').map(({ payload }) => payload), ['large'])
})

test('records about links that are none, and records of a wrong length, are ignored', () => {
  const s = new Script()
  s.join(1, LOWER)
  s.up(1, HIGHER, false)
  s.down(9)
  s.verify(9)
  s.verify(1)
  s.raw(9, Uint8Array.of(0x81, 5), 'payload of nobody')
  s.failed(12345, 'refused')
  s.host.put('link_up', { link: 5, outgoing: 0, id_bytes: 400 })
  s.host.put('verified', { link: 1, status: 0, rights: 0, expires_ms: 0, prefix_bytes: 0xfffffff0 })
  s.host.put('found', { id_bytes: 0xffffffff })
  s.host.put('frame', { link: 1, payload: s.host.give('lost'), payload_bytes: 4,
    header_bytes: 0xfffffffe })
  assert.equal(s.joined(), [LOWER])
  assert.equal(s.unlinked, [])
  s.host.check_settled(['my chain', 'my info', 'info of aaa'])
})

test('a peer that asks without reading gets answers for one window', () => {
  const s = new Script()
  s.join(1, LOWER)
  const count = 60_000
  s.host.batching = true
  for (let nth = 0; nth < count; nth++) s.say(1, 'ping', [70_000 + nth, 0])
  s.host.batching = false
  s.host.run()
  const pongs = s.heard('pong').length
  assert.ok(pongs > 1_000 && pongs < count, `${pongs} answers`)
  s.host.put('link_ready', { link: 1, taken_bytes: limits.LINK_WINDOW_BYTES! })
  s.say(1, 'ping', [5, 0])
  assert.is(s.heard('pong').length, 1)
})

// spec: MEM-17
test('strangers and hearsay fill no table for ever', () => {
  const s = new Script()
  s.join(1, LOWER)
  const count = limits.PEERS_KNOWN_MAX! + 200
  for (let nth = 0; nth < count; nth++) {
    s.up(2, `stranger ${nth}`, false)
    s.down(2)
  }
  for (let nth = 0; nth < count; nth++) {
    s.say(1, 'member', [2 + nth, 1, `hearsay ${nth}`, 1, 0, 1, 'x', '', 0], 'somewhere')
  }
  assert.ok(s.dials.length <= 40, `${s.dials.length} dials`)
  assert.is(s.joined().length, limits.MEMBERS_MAX!)
  for (let nth = 0; nth < count; nth++) {
    s.say(1, 'member', [2 + count + nth, 1, `hearsay ${nth}`, 1, 0, 2, '', '', 0])
  }
  assert.equal(s.joined(), [LOWER])
  s.up(2, 'hearsay 0', false)
  s.hello(2, { incarnation: 2 })
  s.say(2, 'ack', [0])
  s.introduce(2, 'hearsay 0', 2)
  assert.equal(s.joined(), [LOWER, 'hearsay 0'])
  s.host.check_settled(['my chain', 'my info', 'info of aaa', 'info of hearsay 0'])
})

test('rights and prefix come from the chain that was shown last', () => {
  const s = new Script()
  s.up(1, LOWER, false)
  s.say(1, 'hello', [VERSION, 3, 0, 0, 0, 0], 'their chain')
  s.verify(1, 0, 0, constants('right').channel!)
  s.say(1, 'ack', [0])
  s.introduce(1, LOWER)
  assert.is(s.events[0]!.rights, constants('right').channel!)
})

test.run()
