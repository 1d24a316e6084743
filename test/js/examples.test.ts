/**
 * The examples in the docstrings of the JavaScript binding, run as they stand.
 *
 * Lives here: finding them, and a small world in which each of them works. Does not live here: the
 * examples (bindings/js), programs in examples/.
 */
import * as assert from 'uvu/assert'
import { readdirSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import * as binding from '../../bindings/js/index.ts'
import type { Channel, Circuit, Processes } from '../../bindings/js/index.ts'
import { MemoryNetwork } from '../../transports/memory.ts'
import { suite } from '../suite.ts'
import type { TestContext } from '../suite.ts'
import { peer, peers, until } from './stand.ts'

const test = suite('js: examples')
const LINES_MAX = 8

interface Example { file: string, name: string, lines: string[] }

/** Everything between `@example` and the end of its docstring, and the name that follows. */
function examplesOf(file: string): Example[] {
  const text = readFileSync(new URL(`../../bindings/js/${file}`, import.meta.url), 'utf8')
  const found = text.matchAll(/@example\n(.*?)\n *\*\/\n(?:.*?\b(\w+)\b *(?=[<({]| extends| \{))/gs)
  return [...found].map(([, body, name]) => ({
    file, name: name!, lines: body!.split('\n').map((line) => line.replace(/^ *\* ?/, ''))
  }))
}

const folder = readdirSync(new URL('../../bindings/js/', import.meta.url))
const examples = folder.filter((file) => file.endsWith('.ts')).flatMap(examplesOf)

/** A process that says hello and ends. */
const greeting: Processes = {
  async start(order, ended) {
    void (async () => {
      await order.stdout.send(new TextEncoder().encode('hello\n'))
      await order.stdout.close()
      await order.exit.send({ code: 0, signal: null })
      ended()
    })()
  },
  signal: () => true,
  stop: () => {},
  close: async () => {}
}

/** What the examples speak of. */
interface World {
  circuit: Circuit, bob: Circuit, jobs: Channel<unknown>, results: Channel<unknown>
  logged: unknown[][]
}

/** What has to happen around some of them: by the name that they document. */
const around: Record<string, (world: World) => void> = {
  Loss: ({ jobs }) => { void jobs.receive() },
  writer: ({ jobs }) => { Array.fromAsync(jobs).catch(() => {}) },
  reader: ({ jobs }) => { void jobs.send(1).then(() => jobs.close()) },
  receive: ({ jobs }) => { void jobs.send(1) },
  tryReceive: ({ jobs }) => { void jobs.send(1) },
  receiveOffered: ({ jobs }) => { void jobs.send(1) },
  select: ({ jobs }) => { void jobs.send(1) },
  selectOffered: ({ jobs }) => { void jobs.send(1) },
  channel: ({ jobs }) => { void jobs.receive() },
  members: ({ bob, logged }) => { void until(() => logged.length > 1).then(() => bob.leave()) },
  open: ({ circuit }) => { void circuit.make('jobs') }
}

async function worldOf(t: TestContext): Promise<World> {
  const network = new MemoryNetwork()
  const [circuit] = await peers(t, ['alice'], network)
  const bob = await peer(t, {
    id: 'id-bob', name: 'bob', transports: [network.transport('id-bob')], processes: greeting
  })
  circuit.found('id-bob', [...bob.self.addresses])
  await until(() => circuit.peers().length === 2 && bob.peers().length === 2)
  const jobs = circuit.channel<unknown>({ capacity: 4 })
  const results = circuit.channel<unknown>({ capacity: 4 })
  return { circuit, bob, jobs, results, logged: [] }
}

async function run(t: TestContext, { name, lines }: Example): Promise<unknown[][]> {
  const world = await worldOf(t)
  around[name]?.(world)
  const names = {
    ...binding, ...world,
    join: (options: object) => peer(t, { id: 'id-other', ...options }),
    job: 1, again: [], delivered: async () => true,
    console: {
      log: (...said: unknown[]) => world.logged.push(said),
      error: (...said: unknown[]) => world.logged.push(said)
    }
  }
  const code = stripTypeScriptTypes(`async () => {\n${lines.join('\n')}\n}`)
  const body = new Function(...Object.keys(names), `return (${code})()`)
  await body(...Object.values(names))
  return world.logged
}

test('the calls that programs make have examples', () => {
  const documented = examples.map(({ name }) => name)
  const wanted = ['Channel', 'Circuit', 'Fault', 'Loss', 'Process', 'Refusal', 'after', 'channel',
    'list', 'make', 'members', 'open', 'reader', 'receive', 'receiveOffered', 'select',
    'selectOffered', 'send', 'stat', 'tryReceive', 'trySend', 'writer']
  assert.equal(wanted.filter((name) => !documented.includes(name)), [])
})

for (const example of examples) {
  test(`${example.file}: the example of ${example.name} runs`, async (t) => {
    assert.ok(example.lines.length <= LINES_MAX, `${example.lines.length} lines`)
    const logged = await run(t, example)
    if (example.name === 'Channel') assert.equal(logged, [[1], [2]])
    if (example.name === 'Process') assert.equal(logged, [['hello\n']])
    if (example.name === 'members') assert.equal(logged.at(-1), ['left', 'bob'])
  })
}

test.run()
