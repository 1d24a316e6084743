/** What was launched by npx goes when npx is killed, though npm leaves it running. */
import * as assert from 'uvu/assert'
import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { suite } from '../suite.ts'
import { Place } from './place.ts'

const PROGRAM = fileURLToPath(new URL('../../bindings/cli/main.ts', import.meta.url))
/** As npm does: a shell between, which does not become the program. */
const NPM = `
  const { spawn } = require('node:child_process')
  spawn('sh', ['-c', '"$0" "$@"; exit $?', ...process.argv.slice(1)], { stdio: 'inherit' })
  setInterval(() => {}, 1000)`

const test = suite('cli: launched by npx')
const place = new Place()
test.before(async () => { await place.start('alice') })
test.after(() => place.end())

function launch(...args: string[]): ChildProcess {
  const words = [process.execPath, PROGRAM, ...args]
  const env = { ...place.env, npm_command: 'exec' }
  return spawn(process.execPath, ['-e', NPM, ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] })
}

async function printed(child: ChildProcess): Promise<string> {
  let text = ''
  child.stdout!.on('data', (bytes: Buffer) => { text += bytes.toString() })
  await new Promise((resolve) => child.stdout!.once('data', resolve))
  return text
}

test('a recv whose npx is killed with -9 eats nothing', async () => {
  await place.call(['mkchan', 'jobs', '2'])
  const npx = launch('recv', '--state', place.state('alice'), 'jobs')
  await place.until(['peek', 'jobs'], ({ stdout }) => stdout.includes('"receivers":1'))
  npx.kill('SIGKILL')
  await place.call(['send', 'jobs'], { input: 'a\n' })
  assert.is((await place.call(['recv', 'jobs'])).stdout, 'a\n')
})

test('a waiting recv ends soon after its npx', async () => {
  const npx = launch('recv', '--state', place.state('alice'), 'jobs')
  await place.until(['peek', 'jobs'], ({ stdout }) => stdout.includes('"receivers":1'))
  npx.kill('SIGKILL')
  await place.until(['peek', 'jobs'], ({ stdout }) => stdout.includes('"receivers":0'))
})

test('a peer whose npx is killed with -9 leaves', async () => {
  const npx = launch('start', '--name', 'bob', '--state', place.state('bob'), '--no-mdns')
  assert.match(await printed(npx), /^bob /)
  await place.until(['ls', '/'], ({ stdout }) => stdout.includes('/bob'))
  npx.kill('SIGKILL')
  await place.until(['ls', '/'], ({ stdout }) => !stdout.includes('/bob'))
})

test('a peer goes on while its npx lives', async () => {
  const npx = launch('start', '--name', 'carl', '--state', place.state('carl'), '--no-mdns')
  await printed(npx)
  await place.until(['ls', '/'], ({ stdout }) => stdout.includes('/carl'))
  await new Promise((resolve) => setTimeout(resolve, 1500)) // it looks each second
  assert.match((await place.call(['ls', '/'])).stdout, /\/carl\n/)
  npx.kill('SIGKILL')
  await place.until(['ls', '/'], ({ stdout }) => !stdout.includes('/carl'))
})

test.run()
