/** A peer's life from the command line: start, who is here, leave. */
import * as assert from 'uvu/assert'
import { statSync } from 'node:fs'
import { suite } from '../suite.ts'
import { Place, type Ended } from './place.ts'

const test = suite('cli: peers')
const place = new Place()
test.before(async () => { await place.start('alice', '--label', 'shelf=left') })
test.after(() => place.end())

async function done(args: string[], input?: string | Uint8Array): Promise<string> {
  const ended = await place.call(args, input === undefined ? {} : { input })
  assert.equal([ended.code, ended.stderr], [0, ''], `circuit ${args.join(' ')}`)
  return ended.stdout
}

function refused(ended: Ended, code: number, sentence: RegExp): void {
  assert.is(ended.code, code, ended.stderr)
  assert.is(ended.stdout, '')
  assert.match(ended.stderr, sentence)
  assert.is(ended.stderr.trimEnd().split('\n').length, 1, ended.stderr)
}

test('start prints one line with name, id and addresses', async () => {
  const peer = await place.start('carol')
  assert.match(peer.stdout, /^carol [1-9A-HJ-NP-Za-km-z]{40,} \/ip4\/127\.0\.0\.1\/tcp\/\d+\S*\n$/)
  const { code, stderr } = await peer.kill('SIGTERM')
  assert.equal([code, stderr], [0, ''])
})

test('the socket is its owner\'s alone', () => {
  assert.is(statSync(`${place.state('alice')}/socket`).mode & 0o777, 0o600)
})

test('a second peer with the same state folder is refused', async () => {
  const second = place.run(['start', '--state', place.state('alice'), '--no-mdns'])
  refused(await second.ended, 1, /Another peer runs with the state folder/)
})

test('a state folder that cannot be used says so, also where folders cannot be made', async () => {
  for (const state of ['/proc/none', '/etc/passwd', '/etc/passwd/none']) {
    refused(await place.run(['start', '--state', state]).ended, 1, /The state folder .* cannot be/)
  }
  const listen = ['--listen', 'nowhere', '--state', place.state('mute')]
  refused(await place.run(['start', ...listen]).ended, 1, /Cannot listen at nowhere/)
})

test('without a peer every verb says how to start one', async () => {
  for (const args of [['ls'], ['recv', 'x'], ['select', 'recv:x'], ['leave'], ['invite']]) {
    refused(await place.call(args, { at: 'nobody' }), 1, /start one with: circuit start/)
  }
})

test('members prints who is here, and channels of events carry them', async () => {
  const [first] = (await done(['members'])).split('\n')
  const event = JSON.parse(first!) as { event: string, peer: { name: string, labels: object } }
  assert.equal([event.event, event.peer.name], ['joined', 'alice'])
  assert.equal(event.peer.labels, { shelf: 'left' })
  const following = place.begin(['members', '--follow'])
  await following.printed(/"joined".*"alice"/)
  await done(['mk@join', 'joins'])
  await done(['mk@leave', 'leaves'])
  assert.match(await done(['recv', 'joins']), /"joined".*"alice"/)
  const dave = await place.start('dave')
  assert.match(await done(['recv', 'joins']), /"joined".*"dave"/)
  await following.printed(/"joined".*"dave"/)
  await dave.kill('SIGINT')
  assert.match(await done(['recv', 'leaves']), /"left".*"dave"/)
  await following.printed(/"left".*"dave"/)
}, { timeout_ms: 20_000 })

test('leave ends the peer, and the state folder is free again', async () => {
  await place.start('erin')
  const waiting = place.begin(['recv', '--follow', 'x'], 'erin')
  await place.call(['mkchan', 'y'], { at: 'erin' })
  await waiting.ended
  const blocked = place.begin(['recv', 'y'], 'erin')
  await place.until(['peek', 'y'], ({ stdout }) => stdout.includes('"receivers":1'), { at: 'erin' })
  const { code, stdout, stderr } = await place.call(['leave'], { at: 'erin' })
  assert.equal([code, stdout, stderr], [0, '', ''])
  refused(await blocked.ended, 1, /leaving/)
  refused(await place.call(['ls'], { at: 'erin' }), 1, /No peer runs here/)
  await place.start('erin')
}, { timeout_ms: 20_000 })

test.run()
