/** Processes from the command line: a peer's own, with their streams, signals and ends. */
import * as assert from 'uvu/assert'
import { readFileSync } from 'node:fs'
import { suite } from '../suite.ts'
import { Place } from './place.ts'

const test = suite('cli: processes')
const place = new Place()
test.before(async () => { await place.start('alice') })
test.after(() => place.end())

async function done(args: string[], input?: string | Uint8Array): Promise<string> {
  const ended = await place.call(args, input === undefined ? {} : { input })
  assert.equal([ended.code, ended.stderr], [0, ''], `circuit ${args.join(' ')}`)
  return ended.stdout
}

async function refused(args: string[], sentence: RegExp, input = ''): Promise<void> {
  const ended = await place.call(args, { input })
  assert.equal([ended.code, ended.stdout], [1, ''])
  assert.match(ended.stderr, sentence)
}

function gone(pid: number): boolean {
  try {
    return /^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return true
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10))
}

test('input, output, errors and exit of a process', async () => {
  const script = 'echo "$GREETING $PWD" >&2; tr a-z A-Z; exit 7'
  await done(['mkproc', 'p', '--env', 'GREETING=a=b', '--dir', '/', '--', 'sh', '-c', script])
  await done(['stdin', 'p'], 'some text\n')
  assert.is(await done(['stdout', 'p']), 'SOME TEXT\n')
  assert.is(await done(['stderr', 'p']), 'a=b /\n')
  const waited = await place.call(['wait', 'p'])
  assert.equal([waited.code, waited.stderr], [7, ''])
  assert.is(waited.stdout, '{"path":"p","code":7,"signal":null}\n')
  assert.is((await place.call(['wait', 'p'])).code, 7)
  const chosen = await done(['select', 'exit:p', 'after:9s'])
  assert.is(chosen, '{"case":0,"value":{"code":7,"signal":null}}\n')
})

test('a command comes as JSON too', async () => {
  await done(['mkproc', 'j'], '{"path": "echo", "args": ["a  b"]}')
  assert.is(await done(['stdout', 'j']), 'a  b\n')
  await refused(['mkproc', 'k'], /not JSON/, '{')
  await refused(['mkproc', 'k'], /a command is an object/, '[]')
  await refused(['mkproc', 'k'], /path of the program/, '{}')
})

test('what cannot start says why, and leaves nothing at the path', async () => {
  await refused(['mkproc', 'n', '--', 'no-such-program'], /no-such-program was not found/)
  await refused(['mkproc', 'n', '--dir', '/no/such', '--', 'true'], /could not be started/)
  await refused(['mkproc', 'n', '--', '/etc/passwd'], /could not be started/)
  await refused(['stdout', 'n'], /no anchor n/)
  await done(['mkproc', 'n', '--', 'true'])
  await refused(['mkproc', 'n', '--', 'true'], /already an element at n/)
})

test('large streams pass through unchanged, both ways', async () => {
  const bytes = Uint8Array.from({ length: 3_000_000 }, (_, i) => i * 31 % 251)
  await done(['mkproc', 'cat', '--', 'cat'])
  const reading = place.begin(['stdout', 'cat'])
  await done(['stdin', 'cat'], bytes)
  await reading.ended
  assert.is(Buffer.compare(reading.bytes, bytes), 0)
})

test('a process that prints without a reader waits, and the peer does not grow', async () => {
  await done(['mkproc', 'yes', '--', 'sh', '-c', 'echo $PPID; exec yes'])
  const first = place.begin(['stdout', 'yes'])
  const [, pid] = await first.printed(/^(\d+)\n/)
  await first.kill('SIGKILL')
  const resident = () => Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4096
  const full = /"buffered":16/
  await place.until(['peek', 'yes/stdout'], ({ stdout }) => full.test(stdout))
  const before = resident()
  await new Promise((resolve) => setTimeout(resolve, 500))
  assert.match(await done(['peek', 'yes/stdout']), full)
  assert.ok(resident() - before < 32 * 1024 * 1024, `it grew by ${resident() - before} bytes`)
  await done(['scrub', 'yes'])
})

test('signals go by name to the group, and the exit tells', async () => {
  await done(['mkproc', 's', '--', 'sh', '-c', 'sleep 100 & echo $!; wait'])
  const reading = place.begin(['stdout', 's'])
  const [, pid] = await reading.printed(/^(\d+)\n/)
  await done(['signal', 'sigusr1', 's'])
  const waited = await place.call(['wait', 's'])
  assert.is(waited.code, 128 + 10)
  assert.is(waited.stdout, '{"path":"s","code":null,"signal":"USR1"}\n')
  await until(() => gone(Number(pid)))
  await refused(['signal', 'TERM', 's'], /s has ended/)
  await refused(['signal', 'TERM', 'none'], /no anchor none/)
})

test('wait of many prints each as it ends, and waitall waits for all', async () => {
  await done(['mkproc', 'w1', '--', 'sh', '-c', 'read x; exit 1'])
  await done(['mkproc', 'w2', '--', 'true'])
  const waiting = place.begin(['wait', 'w1', 'w2'])
  await waiting.printed(/^\{"path":"w2","code":0,"signal":null\}\n$/)
  const all = place.begin(['waitall'])
  await all.printed(/w2/)
  assert.ok(all.running && waiting.running)
  await done(['stdin', 'w1'], '')
  assert.equal([(await waiting.ended).code, (await all.ended).code], [0, 0])
  assert.match(all.stdout, /"\/alice\/w1","code":1/)
})

test('scrub ends a process and frees its path', async () => {
  await done(['mkproc', 'x', '--', 'sh', '-c', 'echo $$; exec sleep 100'])
  const reading = place.begin(['stdout', 'x'])
  const [, pid] = await reading.printed(/^(\d+)\n/)
  await done(['scrub', 'x'])
  await until(() => gone(Number(pid)))
  assert.match((await reading.ended).stderr, /scrubbed/)
  await done(['mkproc', 'x', '--', 'true'])
})

test('a peer that is killed with -9 takes its processes along', async () => {
  const peer = await place.start('bob')
  const script = 'trap "" HUP; echo $$; exec sleep 100'
  await place.call(['mkproc', 'z', '--', 'sh', '-c', script], { at: 'bob' })
  const reading = place.begin(['stdout', 'z'], 'bob')
  const [, pid] = await reading.printed(/^(\d+)\n/)
  await peer.kill('SIGKILL')
  await until(() => gone(Number(pid)))
})

test('a peer that leaves takes its processes along', async () => {
  const peer = await place.start('carol')
  await place.call(['mkproc', 'z', '--', 'sh', '-c', 'echo $$; exec sleep 100'], { at: 'carol' })
  const reading = place.begin(['stdout', 'z'], 'carol')
  const [, pid] = await reading.printed(/^(\d+)\n/)
  await peer.kill('SIGTERM')
  assert.ok(gone(Number(pid)))
})

test.run()
