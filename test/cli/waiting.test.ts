/** Verbs that wait: interrupted, killed, or with nobody to read what they print. */
import * as assert from 'uvu/assert'
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { suite } from '../suite.ts'
import { Place, type Running } from './place.ts'

const test = suite('cli: waiting verbs')
const place = new Place()
test.before(async () => { await place.start('alice') })
test.after(() => place.end())

async function done(args: string[], input?: string): Promise<string> {
  const ended = await place.call(args, input === undefined ? {} : { input })
  assert.equal([ended.code, ended.stderr], [0, ''], `circuit ${args.join(' ')}`)
  return ended.stdout
}

interface Stat { buffered: number, senders: number, receivers: number, out: number }

async function stat(path: string, fits: (stat: Stat) => boolean): Promise<void> {
  const parsed = (stdout: string) => JSON.parse(stdout) as Stat
  await place.until(['peek', path], ({ stdout }) => stdout !== '' && fits(parsed(stdout)))
}

async function interrupted(verb: Running, path: string): Promise<void> {
  await stat(path, ({ receivers }) => receivers === 1)
  const { code, stdout, stderr } = await verb.kill('SIGINT')
  assert.equal([code, stdout, stderr], [130, '', ''])
  await stat(path, ({ receivers }) => receivers === 0)
}

test('an interrupted recv, follow and select withdraw', async () => {
  await done(['mkchan', 'a'])
  await interrupted(place.begin(['recv', 'a']), 'a')
  await interrupted(place.begin(['recv', 'a', '--follow']), 'a')
  await interrupted(place.begin(['select', 'recv:a', 'after:1h']), 'a')
  const terminated = place.begin(['recv', 'a'])
  await stat('a', ({ receivers }) => receivers === 1)
  assert.is((await terminated.kill('SIGTERM')).code, 143)
})

test('a recv, a follow and a select that are killed leave no receiver behind', async () => {
  await done(['mkchan', 'b', '4'])
  for (const args of [['recv', 'b'], ['recv', 'b', '--follow'], ['select', 'recv:b', 'after:1h']]) {
    const verb = place.begin(args)
    await stat('b', ({ receivers }) => receivers === 1)
    await verb.kill('SIGKILL')
    await done(['send', 'b'], args.join(' '))
    assert.is(await done(['recv', 'b']), args.join(' '))
  }
})

test('a stopped recv holds its message only while it lives', async () => {
  await done(['mkchan', 'c', '1'])
  const verb = place.begin(['recv', 'c'])
  await stat('c', ({ receivers }) => receivers === 1)
  verb.child.kill('SIGSTOP')
  await done(['send', 'c'], 'kept')
  await stat('c', ({ out }) => out === 1)
  await verb.kill('SIGKILL')
  assert.is(await done(['recv', 'c']), 'kept')
  assert.is(verb.stdout, '')
})

test('an interrupted send withdraws, and a killed one leaves no phantom', async () => {
  await done(['mkchan', 'd'])
  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    const verb = place.begin(['send', 'd'])
    verb.child.stdin!.end('never')
    await stat('d', ({ senders }) => senders === 1)
    const { code } = await verb.kill(signal)
    assert.is(code, signal === 'SIGINT' ? 130 : null)
    await stat('d', ({ senders }) => senders === 0)
  }
  assert.is((await place.call(['recv', 'd', '--try'])).code, 75)
})

test('an interrupted send of lines has sent what it sent', async () => {
  await done(['mkchan', 'e', '2'])
  const verb = place.begin(['send', 'e', '--lines'])
  verb.child.stdin!.end('1\n2\n3\n4\n')
  await stat('e', ({ senders }) => senders === 1)
  await verb.kill('SIGINT')
  assert.is(await done(['recv', 'e']), '1')
  assert.is(await done(['recv', 'e']), '2')
  assert.is((await place.call(['recv', 'e', '--try'])).code, 75)
})

test('a verb that waits for input ends at an interrupt', async () => {
  const verb = place.begin(['send', 'e', '--lines'])
  verb.child.stdin!.write('first\n')
  await stat('e', ({ buffered }) => buffered === 1)
  const { code, stderr } = await verb.kill('SIGINT')
  assert.equal([code, stderr], [130, ''])
})

test('a follow whose reader is gone ends quietly', async () => {
  await done(['mkchan', 'f', '64'])
  const program = fileURLToPath(new URL('../../bindings/cli/main.ts', import.meta.url))
  const state = place.state('alice')
  const script = `"$0" "$1" recv f --follow --lines --state "$2" | head -n 1`
  const shell = spawn('/bin/sh', ['-c', script, process.execPath, program, state], {
    env: place.env, stdio: ['ignore', 'pipe', 'pipe']
  })
  let [out, error] = ['', '']
  shell.stdout.on('data', (bytes: Buffer) => { out += bytes.toString() })
  shell.stderr.on('data', (bytes: Buffer) => { error += bytes.toString() })
  const ended = new Promise((resolve) => shell.once('close', resolve))
  let over = false
  void ended.then(() => { over = true })
  while (!over) await place.call(['send', 'f'], { input: 'x' })
  assert.equal([out, error], ['x\n', ''])
})

test('verbs that wait are told when the peer is killed', async () => {
  const peer = await place.start('bob')
  await place.call(['mkchan', 'x'], { at: 'bob' })
  const waiting = place.begin(['recv', 'x'], 'bob')
  await place.until(['peek', 'x'], ({ stdout }) => stdout.includes('"receivers":1'), { at: 'bob' })
  await peer.kill('SIGKILL')
  const { code, stderr } = await waiting.ended
  assert.is(code, 69)
  assert.match(stderr, /^circuit: The peer of .* has left the circuit.*\n$/)
  await place.start('bob')
  const { stdout } = await place.call(['ls', '/'], { at: 'bob' })
  assert.match(stdout, /\/bob\n/)
}, { timeout_ms: 20_000 })

test('a second interrupt ends a peer at once', async (t) => {
  const peer = await place.start('carol')
  peer.child.kill('SIGINT')
  peer.child.kill('SIGINT')
  const { ms, code } = await peer.ended
  assert.ok(code === 130 || code === 0, `it exited with ${code}`)
  t.within(9_000, ms, 'the whole life of that peer')
}, { timed: true })

test.run()
