/**
 * What a person waits for: a peer that joins, a verb of the command line, as whole processes.
 *
 * Lives here: starting them and stopping the clock. Does not live here: what they do.
 */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Place } from './place.ts'
import type { Contender, Part, Work } from './timing.ts'

const PROGRAM = fileURLToPath(new URL('../../dist/bindings/cli/main.js', import.meta.url))
const ROUNDS = 7
const CHANNELS = 3
const JOINED = 'from process start to joined, seen by the other'

/** The works of this file, beside a daemon that runs all the time. */
export async function startWorks(): Promise<Part> {
  const place = new Place()
  await startPeer(place, 'near')
  for (let i = 0; i < CHANNELS; i++) await run(place, ['mkchan', `channel-${i}`])
  const joined = watchMembers(place)
  const works: Work[] = [
    {
      name: 'start to joined: a new peer with new keys, one peer is there', unit: 'start',
      count: 1, rounds: ROUNDS,
      goals: [{ row: 'process start to joined, seen by the other', ours: JOINED,
        target: '≤ 500 ms', most_ns: 500e6 }],
      contenders: [
        joining(place, 'from process start to its line', async () => {}),
        joining(place, JOINED, joined)
      ]
    },
    {
      name: 'a verb as a whole process', unit: 'call', count: 1, rounds: ROUNDS,
      goals: [{
        row: '`circuit ls`', ours: 'circuit ls', shown: ['node -e 0'],
        target: '≤ 150 ms', most_ns: 150e6
      }],
      contenders: [
        { name: 'circuit ls', run: () => elapsed(() => run(place, ['ls'])) },
        { name: 'circuit version', run: () => elapsed(() => run(place, ['version'])) },
        { name: 'node -e 0', run: () => elapsed(() => outputOf(place, ['-e', '0'])) }
      ]
    }
  ]
  return { works, end: () => place.end() }
}

/** Follows the members as `near` sees them; resolves when a peer has joined there. */
export function watchMembers(place: Place): (name: string) => Promise<void> {
  const { state } = place.options('near')
  const child = place.start(process.execPath, [PROGRAM, 'members', '--follow', '--state', state])
  const seen = new Set<string>()
  let changed = () => {}
  createInterface({ input: child.stdout! }).on('line', (line) => {
    const { event, name, peer } = JSON.parse(line)
    if (event === 'joined') seen.add(name ?? peer.name)
    changed()
  })
  return async (name) => {
    while (!seen.has(name)) await new Promise<void>((resolve) => { changed = resolve })
  }
}

let peers = 0

/** A peer that did not exist before; it is ended outside of the time. */
function joining(
  place: Place, name: string, joined: (peer: string) => Promise<void>
): Contender {
  return {
    name,
    async run() {
      peers += 1
      const peer = `peer-${peers}`
      const from = performance.now()
      const child = await startPeer(place, peer)
      await joined(peer)
      const ms = performance.now() - from
      child.kill('SIGTERM')
      await once(child, 'exit')
      return ms
    }
  }
}

/** Starts a daemon; resolves when it says that it runs. */
export async function startPeer(place: Place, name: string): Promise<ChildProcess> {
  const { state, listen } = place.options(name)
  const child = place.start(process.execPath, [PROGRAM, 'start', '--name', name, '--state', state,
    '--listen', listen[0]!, '--no-mdns'])
  await once(createInterface({ input: child.stdout! }), 'line')
  return child
}

async function run(place: Place, verb: string[]): Promise<void> {
  const printed = await outputOf(place, [PROGRAM, ...verb, '--state', place.options('near').state])
  if (verb[0] === 'ls' && printed.split('\n').length !== CHANNELS + 1) {
    throw new Error(`ls printed ${printed}`)
  }
}

/** Said by the contender itself: what this process does meanwhile is not the work. */
async function elapsed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now()
  await work()
  return performance.now() - from
}

async function outputOf(place: Place, args: string[]): Promise<string> {
  const child = place.start(process.execPath, args)
  const parts: Buffer[] = []
  child.stdout!.on('data', (bytes: Buffer) => parts.push(bytes))
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`)
  return Buffer.concat(parts).toString()
}
