/**
 * Links of one core beside other links, and after them.
 *
 * Lives here: our own dials beside full links, the next link of a session, sessions with a later
 * run than the one that the circuit knows. Does not live here: one handshake and the choice between
 * two links (link.test.ts).
 */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { ANSWER, LOWER, Script, VERSION, constants, limits } from './session-script.ts'

const test = suite('core: links that follow')
const member_event = constants('member_event')

// spec: SES-11
test('who fills this peer with links does not keep it from its own dials', () => {
  const s = new Script()
  s.found(LOWER)
  s.wait(limits.REDIAL_MIN_MS! * 2)
  assert.equal(s.dials.map(({ id }) => id), [LOWER])
  for (let link = 1; link <= limits.LINKS_MAX!; link++) s.up(link, `p${link}`, false)
  s.up(999, LOWER, true)
  assert.equal(s.unlinked, [])
  assert.equal(s.names(999), ['hello'])
})

// spec: MEM-1
test('other rights on the next link of a session are told to the host', () => {
  const s = new Script()
  s.join(1, LOWER)
  s.down(1)
  s.events.length = 0
  s.up(2, LOWER, false)
  s.say(2, 'hello', [VERSION, 3, 7, 1, 1, 0], 'a chain of less')
  s.verify(2, 0, 0, 3)
  s.say(2, 'ack', [1])
  assert.equal(s.events.map((one) => [one.event, one.rights]), [['changed', 3]])
})

// spec: MEM-23
test('a suspicion of an earlier run is not the end of a session with a later one', () => {
  const s = new Script()
  s.join(1, 'c')
  // b is known by hearsay; its next run comes, and breaks off before it has said its name.
  s.say(1, 'member', [2, 0, 'b', 3, 0, member_event.alive!, 'B', '', 1])
  s.up(2, 'b', false)
  s.hello(2, { incarnation: 4 })
  s.say(2, 'ack', [0])
  s.down(2)
  s.say(1, 'member', [3, 0, 'b', 3, 0, member_event.suspect!, '', 'c', 1])
  for (let ms = 0; ms < limits.SUSPICION_MAX_MS!; ms += 100) {
    s.wait(100)
    s.say(1, 'ping', [0, 0])
  }
  assert.equal(s.events.filter(({ id }) => id === 'b').map(({ event }) => event),
    ['joined', 'changed', 'left'])
  s.heard()
  s.up(3, 'b', false)
  s.hello(3, { incarnation: 4, your: 7, epoch: 1 })
  assert.equal(s.heard('hello').map(({ fields }) => [fields.flags, fields.epoch]), [[ANSWER, 1]])
})

// spec: MEM-20
test('what is asked of a peer whose link comes up and breaks off does not wait for ever', () => {
  const s = new Script()
  s.join(1, LOWER)
  // A session that nobody needs a link for, and its silence watched no more.
  s.say(1, 'edge', [constants('edge_wish').off!])
  s.say(1, 'ack', [1])
  s.down(1)
  s.wait(limits.PROBE_INTERVAL_MS! * 2)
  s.dials.length = 0
  s.up(2, LOWER, false)
  const open = s.host.open(`/${LOWER}/x`)
  assert.is(s.host.status(open), 'waiting')
  s.down(2)
  const until_ms = limits.LEFT_MS! * 3
  for (let ms = 0; ms < until_ms && s.host.status(open) === 'waiting'; ms += 50) {
    for (const { peer } of s.dials.splice(0)) s.failed(peer, 'unreachable')
    s.wait(50)
  }
  assert.is(s.host.status(open), 'LEFT')
})

test.run()
