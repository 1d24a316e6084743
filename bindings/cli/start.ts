/**
 * The verb start: a peer in the foreground.
 *
 * Lives here: its flags as options, its one line, its end by signals. Does not live here: the peer
 * and its socket (bindings/node/daemon.ts).
 */
import { readFileSync } from 'node:fs'
import { Refusal } from '../js/errors.ts'
import { startDaemon, type Daemon, type DaemonOptions } from '../node/daemon.ts'
import { folderOf } from './ask.ts'
import { compileSooner } from './engine.ts'
import { EXIT_SIGNALED, fail, failureOf } from './exits.ts'
import { pairsOf, valueOf, type Call } from './words.ts'

const SIGNALS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const

/** Runs a peer until it has left; gives the exit code. */
export async function run(call: Call): Promise<number> {
  const options = optionsOf(call)
  let daemon: Daemon | undefined
  let interrupted = false
  for (const [name, number] of Object.entries(SIGNALS)) {
    process.on(name, () => {
      if (interrupted || daemon === undefined) process.exit(EXIT_SIGNALED + number)
      interrupted = true
      daemon.leave().catch((error: unknown) => process.exit(fail(failureOf(error))))
    })
  }
  daemon = await startDaemon(options)
  compileSooner() // not before: starting runs much code a few times
  const { name, id, addresses } = daemon.circuit.self
  // Whoever started us may not read on, or may be gone: the peer runs all the same.
  process.stdout.on('error', () => {})
  process.stdout.write(`${[name, id, ...addresses].join(' ')}\n`)
  await daemon.ended
  return 0
}

function optionsOf(call: Call): DaemonOptions {
  const values = {
    name: valueOf(call, 'name'), circuit: valueOf(call, 'circuit'),
    listen: call.flags.get('listen'), labels: pairsOf(call, 'label'), key: keyOf(call)
  }
  const ticket = valueOf(call, 'join')
  const given = Object.entries(values).filter(([, value]) => value !== undefined)
  const unix = call.flags.has('no-unix') ? { unix: false } : {}
  const found = (['local', 'mdns'] as const).filter((way) => !call.flags.has(`no-${way}`))
  return {
    ...Object.fromEntries(given), ...unix,
    state: folderOf(call), discovery: found, ...ticket === undefined ? {} : { tickets: [ticket] }
  } as DaemonOptions
}

function keyOf(call: Call): string | undefined {
  const path = valueOf(call, 'key')
  if (path === undefined) return undefined
  try {
    return readFileSync(path, 'utf8')
  } catch {
    throw new Refusal('BAD_KEY', path)
  }
}
