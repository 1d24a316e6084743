/** What a new user does in two shells, word for word. */
import * as assert from 'uvu/assert'
import { suite } from '../suite.ts'
import { Place, type Ended, type Running } from './place.ts'

const test = suite('cli: two shells')
const place = new Place()
/** Follows who comes and goes, from before the second peer. */
let members: Running
test.before(async () => { await place.start('alice') })
test.after(() => place.end())

/** Ended well: printed exactly this, and nothing on standard error. */
function printed(ended: Ended, stdout: string): void {
  assert.equal({ ...ended, ms: 0 }, { code: 0, signal: null, stdout, stderr: '', ms: 0 })
}

test('a message goes through a channel', async () => {
  printed(await place.call(['mkchan', 'jobs', '2']), '')
  printed(await place.call(['send', 'jobs'], { input: 'hi\n' }), '')
  printed(await place.call(['recv', 'jobs']), 'hi\n')
})

test('a recv that is killed with -9 while it waits eats nothing', async () => {
  const waiting = place.begin(['recv', 'jobs'])
  await place.until(['peek', 'jobs'], ({ stdout }) => stdout.includes('"receivers":1'))
  await waiting.kill('SIGKILL')
  printed(await place.call(['send', 'jobs'], { input: 'a\n' }), '')
  printed(await place.call(['recv', 'jobs']), 'a\n')
})

test('a second peer appears within two seconds', async (t) => {
  members = place.begin(['members', '--follow'])
  await members.printed(/"joined".*"alice"/)
  const bob = place.run(['start', '--name', 'bob', '--state', place.state('bob'), '--no-mdns'])
  await bob.printed(/^bob \S+ \S+.*\n/)
  const began = performance.now()
  await members.printed(/"joined".*"bob"/)
  const ms = Math.round(performance.now() - began)
  console.log(`\nbob was seen ${ms} ms after his line`)
  printed(await place.call(['ls', '/']), '/alice\n/bob\n')
  t.within(3 * 2_000, ms, 'the second peer')
}, { timeout_ms: 20_000, timed: true })

test('a process at the other peer prints live', async () => {
  const script = 'echo one; read go; echo two'
  printed(await place.call(['mkproc', '/bob/p', '--', 'sh', '-c', script]), '')
  const reading = place.begin(['stdout', '/bob/p'])
  await reading.printed(/one\n/)
  assert.is(reading.stdout, 'one\n')
  printed(await place.call(['stdin', '/bob/p'], { input: 'go\n' }), '')
  printed(await reading.ended, 'one\ntwo\n')
  const slow = ['mkproc', '/bob/q', '--', 'sh', '-c', 'echo one; sleep 1; echo two']
  printed(await place.call(slow), '')
  printed(await place.call(['stdout', '/bob/q']), 'one\ntwo\n')
}, { timeout_ms: 20_000 })

test('a select of a path without an anchor says so at once', async (t) => {
  const ended = await place.call(['select', 'recv:/bob/none', 'after:5s'])
  assert.is(ended.code, 1)
  assert.match(ended.stderr, /^circuit: There is no anchor \/bob\/none; .*\n$/)
  t.within(3_000, ended.ms, 'the refusal')
}, { timed: true })

test('a select over two peers and a timer', async (t) => {
  printed(await place.call(['mkchan', '/bob/c']), '')
  const cases = ['select', 'recv:jobs', 'recv:/bob/c', 'after:300ms']
  const late = await place.call(cases)
  printed(late, '{"case":2}\n')
  assert.ok(late.ms >= 300, `it took ${late.ms} ms`)
  const chosen = place.begin(['select', 'recv:jobs', 'recv:/bob/c', 'after:9s'])
  await place.until(['peek', '/bob/c'], ({ stdout }) => stdout.includes('"receivers":1'))
  printed(await place.call(['send', '/bob/c'], { input: 'x' }), '')
  printed(await chosen.ended, '{"case":1,"value":"x"}\n')
  t.within(2_000, late.ms, 'the timer of 300 ms, with its command,')
}, { timed: true })

test('a peer that is killed is gone within a second, and who waits at it is told', async (t) => {
  const waiting = place.begin(['recv', '/bob/c'])
  await place.until(['peek', '/bob/c'], ({ stdout }) => stdout.includes('"receivers":1'))
  const [, pid] = /^(\d+)/.exec(await bobsProcess())!
  process.kill(Number(pid), 'SIGKILL')
  const began = performance.now()
  await members.printed(/"left".*"bob"/)
  const ms = Math.round(performance.now() - began)
  console.log(`\nbob was gone ${ms} ms after kill -9`)
  printed(await place.call(['ls', '/']), '/alice\n')
  const { code, stdout, stderr } = await waiting.ended
  assert.equal([code, stdout], [69, ''])
  assert.match(stderr, /^circuit: The peer of \/bob\/c has left the circuit; nothing was done\.\n$/)
  t.within(3 * 1_000, ms, 'the end of a peer')
}, { timeout_ms: 15_000, timed: true })

/** A process of bob's knows who its parent is. */
async function bobsProcess(): Promise<string> {
  printed(await place.call(['mkproc', '/bob/who', '--', 'sh', '-c', 'echo $PPID']), '')
  return (await place.call(['stdout', '/bob/who'])).stdout
}

test.run()
