/**
 * Daemons and verbs of the command line that die, over two peers.
 *
 * Lives here: processes of a killed peer, verbs killed while what they wait for is at another peer.
 * Does not live here: verbs and processes of one peer (test/cli), peers as libraries
 * (killed.test.ts).
 */
import * as assert from 'uvu/assert'
import { over } from '../alive.ts'
import { Place, type Running } from '../cli/place.ts'
import { suite } from '../suite.ts'

const test = suite('death: programs')
const place = new Place()
let bob: Running
test.before(async () => {
  const peers = await Promise.all([place.start('alice'), place.start('bob')])
  bob = peers[1]
  await place.until(['ls', '/'], ({ stdout }) => stdout === '/alice\n/bob\n', { at: 'alice' })
  await place.until(['ls', '/'], ({ stdout }) => stdout === '/alice\n/bob\n', { at: 'bob' })
})
test.after(() => place.end())

interface Stat { buffered: number, senders: number, receivers: number, out: number }

async function stat(path: string, fits: (stat: Stat) => boolean): Promise<void> {
  const parsed = (stdout: string) => JSON.parse(stdout) as Stat
  await place.until(['peek', path], ({ stdout }) => stdout !== '' && fits(parsed(stdout)),
    { at: 'alice' })
}

test('a killed recv, select and send leave nothing behind at another peer', async () => {
  await place.call(['mkchan', '/bob/far', '4'], { at: 'alice' })
  await place.call(['mkchan', '/bob/meet'], { at: 'alice' })
  for (const args of [['recv', '/bob/far'], ['select', 'recv:/bob/far', 'after:1h']]) {
    const verb = place.begin(args, 'alice')
    await stat('/bob/far', ({ receivers }) => receivers === 1)
    await verb.kill('SIGKILL')
    await stat('/bob/far', ({ receivers }) => receivers === 0)
  }
  const sender = place.begin(['send', '/bob/meet'], 'alice')
  sender.child.stdin!.end('never')
  await stat('/bob/meet', ({ senders }) => senders === 1)
  await sender.kill('SIGKILL')
  await stat('/bob/meet', ({ senders }) => senders === 0)
  assert.is((await place.call(['recv', '/bob/meet', '--try'], { at: 'bob' })).code, 75)
}, { timeout_ms: 30_000 })

test('a killed peer takes its processes along; who waits elsewhere is told', async () => {
  const started = await place.call(
    ['mkproc', '/bob/p', '--', '/bin/sh', '-c', 'sleep 1000 & echo $! $$; wait'], { at: 'alice' })
  assert.is(started.code, 0, started.stderr)
  const out = place.begin(['stdout', '/bob/p'], 'alice')
  const [, sleeper, shell] = await out.printed(/^(\d+) (\d+)\n/)
  const waiting = place.begin(['wait', '/bob/p'], 'alice')
  const receiving = place.begin(['recv', '/bob/far'], 'alice')
  await stat('/bob/far', ({ receivers }) => receivers === 1)
  await bob.kill('SIGKILL')
  const ended = await Promise.all([waiting.ended, receiving.ended, out.ended])
  assert.equal(ended.map(({ code }) => code), [69, 69, 69])
  for (const { stderr } of ended) assert.match(stderr, /has left the circuit/)
  await Promise.all([over(Number(sleeper)), over(Number(shell))])
  await place.until(['ls', '/'], ({ stdout }) => stdout === '/alice\n', { at: 'alice' })
}, { timeout_ms: 30_000 })

test.run()
