/**
 * Incarnations: restarting, being declared left, chains that expire, and sessions that one side
 * knows nothing of.
 *
 * Lives here: spec/wire.md WIRE-6 with peers played by hand. Does not live here: silence and
 * leaving (member.test.ts), the handshake itself (link.test.ts).
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { ANSWER, HIGHER, LEFT, LOWER, Script, VERSION, codes, limits } from './session-script.ts'

const test = suite('core: incarnations')

test('a restarted peer is left and joined in one turn', () => {
  const s = new Script()
  s.join(1, LOWER)
  s.up(2, LOWER, false)
  s.hello(2, { incarnation: 4 })
  assert.equal(s.history(), ['joined aaa', 'left aaa'])
  assert.equal(s.heard('hello').map(({ row }) => row), [[1, VERSION, 7, 4, 0, 0, ANSWER]])
  s.say(2, 'ack', [0])
  s.introduce(2, LOWER, 4)
  assert.equal(s.history(), ['joined aaa', 'left aaa', 'joined aaa'])
})

test('an earlier incarnation of a joined peer is told that it is over', () => {
  const s = new Script()
  s.join(1, LOWER, 5)
  s.up(2, LOWER, false)
  s.hello(2, { incarnation: 4 })
  assert.equal(s.heard('hello').map(({ row }) => row[6]), [ANSWER | LEFT])
  assert.equal(s.joined(), [LOWER])
})

test('a peer that has a session of which we know nothing is told to come back', () => {
  const s = new Script()
  s.up(1, LOWER, false)
  s.hello(1, { your: 7, received: 4, epoch: 2 })
  assert.equal(s.heard('hello').map(({ row }) => row[6]), [ANSWER | LEFT])
  const t = new Script()
  t.up(1, LOWER, true)
  t.hello(1, { your: 7, received: 4, epoch: 2, flags: ANSWER })
  assert.equal(t.heard().map(({ row }) => row[1]), [VERSION, codes.DECLARED_LEFT!])
})

test('a dialler whose ack was lost begins the session on its next link', () => {
  const s = new Script()
  s.up(1, LOWER, false)
  s.hello(1)
  s.down(1)
  s.up(2, LOWER, false)
  s.hello(2, { your: 7, received: 0, epoch: 1 })
  assert.equal(s.heard('hello').map(({ row }) => row[6]), [ANSWER, ANSWER])
  s.say(2, 'ack', [0])
  s.introduce(2, LOWER)
  assert.equal(s.joined(), [LOWER])
})

test('an acceptor that never saw our ack takes the session up from its beginning', () => {
  const s = new Script()
  s.up(1, LOWER, true)
  s.hello(1, { your: 7, flags: ANSWER })
  s.down(1)
  s.heard()
  s.up(2, LOWER, false)
  s.hello(2)
  s.say(2, 'ack', [0])
  assert.equal(s.heard('member').map(({ fields }) => fields.number), [1])
  s.introduce(2, LOWER)
  assert.equal(s.history(), ['joined aaa'])
})

test('a peer that forgot a session in which something passed has left', () => {
  const s = new Script()
  s.join(1, LOWER)
  s.down(1)
  s.up(2, LOWER, true)
  s.heard()
  s.hello(2, { your: 7, flags: ANSWER })
  assert.equal(s.history(), ['joined aaa', 'left aaa'])
  assert.equal(s.heard().map(({ name, row }) => [name, row[1]]), [['refuse', codes.DECLARED_LEFT!]])
})

// spec: MEM-8
test('declared left, this peer ends all sessions and comes back everywhere', () => {
  const s = new Script()
  s.join(1, LOWER)
  s.join(2, HIGHER)
  s.heard()
  s.up(3, LOWER, true)
  s.say(1, 'refuse', [codes.DECLARED_LEFT!])
  assert.equal(s.renewed, [8])
  assert.equal(s.unlinked.map(({ code }) => code), [codes.DUPLICATE_LINK!, codes.GONE!,
    codes.GONE!])
  assert.equal(s.joined(), [LOWER, HIGHER], 'the others are members as before')
  assert.equal(s.dials.map(({ id }) => id), [HIGHER])
  s.wait(2 * limits.REDIAL_MIN_MS!)
  assert.equal(s.dials.map(({ id }) => id), [HIGHER, LOWER])
  s.up(4, HIGHER, true)
  assert.equal(s.heard('hello').map(({ row }) => row.slice(2)), [[8, 0, 0, 0, 0]])
  s.hello(4, { your: 8, flags: ANSWER })
  assert.is(s.heard('member')[0]!.fields.incarnation, 8)
})

test('declared left in the answer, this peer says hello again on the same link', () => {
  const s = new Script()
  s.up(1, LOWER, true)
  s.hello(1, { your: 7, flags: ANSWER | LEFT })
  assert.equal(s.renewed, [8])
  assert.equal(s.heard('hello').map(({ row }) => row[2]), [7, 8])
  s.hello(1, { your: 8, flags: ANSWER })
  assert.equal(s.names(), ['ack', 'member'])
})

test('declared left in our answer, this peer answers again on the same link', () => {
  const s = new Script()
  s.join(2, HIGHER)
  s.up(1, LOWER, false)
  s.hello(1)
  s.heard()
  s.say(1, 'refuse', [codes.DECLARED_LEFT!])
  assert.equal(s.renewed, [8])
  assert.equal(s.heard('hello').filter(({ link }) => link === 1).map(({ row }) => row.slice(2)),
    [[8, 3, 0, 0, ANSWER]])
  s.say(1, 'ack', [0])
  s.introduce(1, LOWER)
  assert.equal(s.joined(), [LOWER, HIGHER])
})

test('when its chain expires a peer has left, and a new chain brings its next incarnation', () => {
  const s = new Script()
  s.join(1, LOWER, 3, 500)
  for (let nth = 0; nth < 4; nth++) {
    s.wait(100)
    s.say(1, 'ack', [0])
  }
  assert.equal(s.joined(), [LOWER])
  s.wait(100)
  assert.equal(s.joined(), [])
  assert.equal(s.unlinked, [{ link: 1, code: codes.NO_CHAIN! }])
  s.up(2, LOWER, false)
  s.hello(2, { incarnation: 4 }, 500)
  s.say(2, 'ack', [0])
  s.introduce(2, LOWER, 4)
  assert.equal(s.joined(), [LOWER])
})

test('a new link with a longer chain moves the expiry', () => {
  const s = new Script()
  s.join(1, LOWER, 3, 500)
  s.wait(100)
  s.up(2, LOWER, false)
  s.hello(2, { your: 7, received: 1, epoch: 1 }, 0)
  s.say(2, 'ack', [1])
  s.wait(1_000)
  assert.equal(s.joined(), [LOWER])
})

test.run()
