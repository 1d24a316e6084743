/** Tickets from the command line, between two machines that share nothing but a network. */
import * as assert from 'uvu/assert'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from '../suite.ts'
import { Place, type Ended } from './place.ts'

const test = suite('cli: tickets')
const here = new Place()
const there = new Place()
test.before(async () => { await here.start('alice') })
test.after(async () => {
  await there.end()
  await here.end()
})

async function ticket(...flags: string[]): Promise<string> {
  const { code, stdout, stderr } = await here.call(['invite', ...flags])
  assert.equal([code, stderr], [0, ''])
  assert.match(stdout, /^\S+\n$/)
  return stdout.trim()
}

function refused(ended: Ended, sentence: RegExp): void {
  assert.equal([ended.code, ended.stdout], [1, ''])
  assert.match(ended.stderr, sentence)
}

/** A start that is refused, on the other machine. */
function attempt(name: string, given: string): Promise<Ended> {
  const state = there.state(name)
  return there.run(['start', '--name', name, '--state', state, '--no-mdns', '--join', given]).ended
}

test('a ticket lets a peer of another machine in, once', async () => {
  const given = await ticket()
  await there.start('bob', '--join', given)
  await there.until(['ls', '/'], ({ stdout }) => stdout === '/alice\n/bob\n')
  await here.until(['ls', '/'], ({ stdout }) => stdout === '/alice\n/bob\n')
  refused(await attempt('carl', given), /was used by another peer/)
}, { timeout_ms: 20_000 })

test('a ticket gives no more than its rights', async () => {
  await there.start('dora', '--join', await ticket('--rights', 'channel'))
  const fits = ({ code }: Ended) => code === 0
  await there.until(['mkchan', '/alice/from-dora'], fits, { at: 'dora' })
  const command = ['mkproc', '/alice/p', '--', 'true']
  refused(await there.call(command, { at: 'dora' }), /does not permit that at \/alice\/p/)
  refused(await there.call(['invite', '--rights', 'admin'], { at: 'dora' }), /not permit/)
}, { timeout_ms: 20_000 })

test('a ticket that has expired, and what is no ticket, are refused', async () => {
  const brief = await ticket('--expires', '1s')
  await new Promise((resolve) => setTimeout(resolve, 1_100))
  refused(await attempt('eve', brief), /has expired/)
  refused(await attempt('eve', 'rubbish'), /not a whole ticket/)
  const cut = (await ticket()).slice(0, -4)
  refused(await attempt('eve', cut), /not a whole ticket/)
}, { timeout_ms: 20_000 })

test('a running peer goes over to the circuit of a ticket', async () => {
  await there.start('finn', '--no-local')
  const at = { at: 'finn' }
  assert.is((await there.call(['ls', '/'], at)).stdout, '/finn\n')
  refused(await there.call(['join', 'rubbish'], at), /not a whole ticket/)
  assert.is((await there.call(['ls', '/'], at)).stdout, '/finn\n')
  const { code, stdout, stderr } = await there.call(['join', await ticket()], at)
  assert.equal([code, stdout, stderr], [0, '', ''])
  await there.until(['ls', '/'], (ended) => ended.stdout.includes('/alice\n'), at)
  await here.until(['ls', '/'], (ended) => ended.stdout.includes('/finn\n'))
}, { timeout_ms: 20_000 })

test('keygen makes a key of one\'s own for a peer, and never over another file', async () => {
  const file = join(there.folder, 'my.key')
  const made = await there.run(['keygen', file]).ended
  assert.is(made.code, 0)
  assert.is(statSync(file).mode & 0o777, 0o600)
  refused(await there.run(['keygen', file]).ended, /is there already/)
  const gina = await there.start('gina', '--key', file, '--no-local')
  assert.ok(gina.stdout.includes(` ${made.stdout.trim()} `), gina.stdout)
  const state = there.state('hans')
  const wrong = there.run(['start', '--state', state, '--key', join(there.folder, 'none')])
  refused(await wrong.ended, /cannot be read as a key/)
}, { timeout_ms: 20_000 })

test.run()
