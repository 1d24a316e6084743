/**
 * Two network namespaces joined by a veth pair: two peers find each other by mDNS alone.
 */
import * as assert from 'uvu/assert'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { suite, type TestContext } from '../suite.ts'

const test = suite('node: mDNS between network namespaces')

const PEER = fileURLToPath(new URL('./mdns-peer.ts', import.meta.url))

interface Line { event?: string, name?: string, heard?: string, ticket?: string }

function ip(...words: string[]): string | undefined {
  const { status, stderr, error } = spawnSync('ip', words, { encoding: 'utf8' })
  return status === 0 ? undefined : `ip ${words.join(' ')}: ${error?.message ?? stderr.trim()}`
}

/** Two namespaces with one cable between them, or a skipped test. */
function twoMachines(t: TestContext): [string, string] {
  const names: [string, string] = [`circuit-a-${process.pid}`, `circuit-b-${process.pid}`]
  const cable = [`ca${process.pid}`, `cb${process.pid}`] as const
  t.after(() => { for (const name of names) ip('netns', 'delete', name) })
  const failed = ip('netns', 'add', names[0]) ?? ip('netns', 'add', names[1]) ??
    ip('link', 'add', cable[0], 'netns', names[0], 'type', 'veth',
      'peer', 'name', cable[1], 'netns', names[1])
  if (failed !== undefined) t.skip(`network namespaces need root and iproute2: ${failed}`)
  names.forEach((name, at) => {
    assert.is(ip('-n', name, 'addr', 'add', `10.213.7.${at + 1}/24`, 'dev', cable[at]!), undefined)
    assert.is(ip('-n', name, 'link', 'set', cable[at]!, 'up'), undefined)
    assert.is(ip('-n', name, 'link', 'set', 'lo', 'up'), undefined)
  })
  return names
}

class Machine {
  readonly lines: Line[] = []
  readonly #child: ChildProcess

  constructor(t: TestContext, namespace: string, words: string[]) {
    const command = [process.execPath, PEER, ...words]
    this.#child = spawn('ip', ['netns', 'exec', namespace, ...command],
      { stdio: ['pipe', 'pipe', 'inherit'] })
    t.after(() => this.#child.kill('SIGKILL'))
    createInterface(this.#child.stdout!).on('line', (line) => {
      this.lines.push(JSON.parse(line) as Line)
    })
  }

  async until(t: TestContext, fits: (line: Line) => boolean): Promise<Line> {
    for (;;) {
      const line = this.lines.find(fits)
      if (line !== undefined) return line
      if (t.signal.aborted) throw new Error(`not among: ${JSON.stringify(this.lines)}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  async leave(): Promise<void> {
    this.#child.stdin!.end()
    if (this.#child.exitCode === null) await once(this.#child, 'exit')
  }
}

const joined = (name: string) => (line: Line) => line.event === 'joined' && line.name === name
const left = (name: string) => (line: Line) => line.event === 'left' && line.name === name
const heard = (name: string) => (line: Line) => line.heard === name

test('two peers on two machines meet, talk, and see each other leave', async (t) => {
  const [here, there] = twoMachines(t)
  const folder = mkdtempSync(join(tmpdir(), 'circuit-netns-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const states = [join(folder, 'a'), join(folder, 'b')] as const
  // The first peer makes the ticket while it is alone, and its addresses change afterwards: what
  // the ticket says of them leads nowhere when the second peer uses it.
  const founder = new Machine(t, here, [states[0], 'alice'])
  const { ticket } = await founder.until(t, (line) => line.ticket !== undefined)
  await founder.leave()
  rmSync(join(states[0], 'port'))
  const alice = new Machine(t, here, [states[0], 'alice'])
  await alice.until(t, joined('alice'))
  const bob = new Machine(t, there, [states[1], 'bob', ticket!])
  await alice.until(t, joined('bob'))
  await bob.until(t, joined('alice'))
  await Promise.all([alice.until(t, heard('bob')), bob.until(t, heard('alice'))])
  await bob.leave()
  await alice.until(t, left('bob'))
  await alice.leave()
}, { timeout_ms: 30_000 })

test.run()
