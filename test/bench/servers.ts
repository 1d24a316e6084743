/**
 * Servers that are measured: started on the loopback at a free port, ended with their place.
 *
 * Lives here: NATS and Redis as Debian has them. Does not live here: their clients (roads.ts).
 */
import { connect, createServer, type AddressInfo } from 'node:net'
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import type { Place } from './place.ts'
import type { System } from './roads.ts'

interface Server { program: string, install: string, args(port: number, folder: string): string[] }

const SERVERS: Partial<Record<System, Server>> = {
  NATS: {
    program: 'nats-server', install: 'apt-get install nats-server',
    args: (port) => ['-a', '127.0.0.1', '-p', String(port)]
  },
  Redis: {
    program: 'redis-server', install: 'apt-get install redis-server',
    // Nothing is written to disk, and a subscriber that lags is not thrown out.
    args: (port, folder) => ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder,
      '--save', '', '--appendonly', 'no', '--client-output-buffer-limit', 'pubsub 0 0 0',
      '--loglevel', 'warning']
  }
}
const FOLDERS = `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin`.split(':')
const STARTING_MS = 5_000

/** The port of a system's server, or what to install. ZeroMQ has none, and gets free ports. */
export async function serve(place: Place, system: System): Promise<number | string> {
  const server = SERVERS[system]
  const port = await freePort()
  if (server === undefined) return port
  const program = FOLDERS.map((folder) => join(folder, server.program)).find(runs)
  if (program === undefined) return `not installed: ${server.install}`
  place.start(program, server.args(port, place.folder), 'ignore')
  const late = performance.now() + STARTING_MS
  while (!await answers(port)) {
    if (performance.now() > late) return `${server.program} does not answer`
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return port
}

function runs(program: string): boolean {
  try {
    accessSync(program, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** A port that nobody has now. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const answer = (yes: boolean) => {
      socket.destroy()
      resolve(yes)
    }
    socket.once('connect', () => answer(true))
    socket.once('error', () => answer(false))
  })
}
