/**
 * The packages that are measured beside circuit, by the API that they really have.
 *
 * Lives here: installing them into this folder on first use, finding them, the types of channel
 * libraries as far as they are used. Does not live here: what is done with them (libraries.ts,
 * csp.ts, brokers.ts and others).
 *
 * Invariant: they are no dependency of the product: this folder's package.json names them, each
 * with its exact version; the licence of each is permissive, or that of a library that is linked.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const FOLDER = fileURLToPath(new URL('.', import.meta.url))
const require_here = createRequire(import.meta.url)

/** What each says of itself; the install is refused when one says anything else. */
export const LICENCES: Readonly<Record<string, string>> = {
  '@nats-io/transport-node': 'Apache-2.0',
  '@thi.ng/csp': 'Apache-2.0',
  'async-channel': 'ISC',
  capnweb: 'MIT',
  ioredis: 'MIT',
  'js-csp': 'MIT',
  medium: 'ISC',
  ws: 'MIT',
  zeromq: 'MIT AND MPL-2.0'
}

/** async-channel: `push` resolves when the item has a place or a receiver. No select. */
export interface AsyncChannels {
  BaseChannel: new (capacity: number) =>
    { push(value: number): Promise<void>, get(): Promise<number> }
}

/** medium: channels are handles; a channel is also thenable. `any` gives `[value, channel]`. */
export interface Medium {
  chan(capacity?: number): object
  put(channel: object, value: number): Promise<boolean>
  take(channel: object): Promise<number>
  any(...channels: object[]): Promise<[number, object]>
}

/**
 * @thi.ng/csp: `write` resolves when the value was read, whatever the buffer; least buffer 1.
 * `offer` and `poll` do not wait.
 */
export interface ThingChannel {
  write(value: number): Promise<boolean>
  read(): Promise<number | undefined>
  offer(value: number): boolean
  poll(): number | undefined
}
export interface Thing {
  channel(capacity: number): ThingChannel
  select(first: ThingChannel, ...more: ThingChannel[]):
    Promise<[number | undefined, ThingChannel]>
}

/** js-csp: processes are generators; what they yield waits. */
export interface JsCsp {
  chan(buffer?: number): object
  go(process: () => Generator<unknown, void, any>): object
  put(channel: object, value: number): unknown
  take(channel: object): unknown
  alts(channels: object[]): unknown
  putAsync(channel: object, value: number, done: (open: unknown) => void): void
  offer(channel: object, value: number): boolean
  poll(channel: object): number | object
}

export interface Peers {
  readonly async_channel: AsyncChannels, readonly medium: Medium
  readonly thing: Thing, readonly js_csp: JsCsp
}

/** Installs what is not there, or there in another version; throws when a licence has changed. */
export function installPeers(): void {
  const { dependencies } = JSON.parse(readFileSync(`${FOLDER}package.json`, 'utf8'))
  const wanted = Object.entries(dependencies)
  if (wanted.every(([name, version]) => described(name)?.version === version)) return
  console.log('installing what is compared with …')
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock',
    '--ignore-scripts', '--loglevel=error'], { cwd: FOLDER, stdio: 'inherit' })
  for (const [name] of wanted) {
    const licence = described(name)?.license
    if (licence !== LICENCES[name]) throw new Error(`${name} says that its licence is ${licence}`)
  }
}

/** The channel libraries; each is loaded when it is asked for. `installPeers` was called before. */
export const peers: Peers = {
  get async_channel() { return require_here('async-channel') as AsyncChannels },
  get medium() { return require_here('medium') as Medium },
  get thing() { return require_here('@thi.ng/csp') as Thing },
  get js_csp() { return require_here('js-csp') as JsCsp }
}

/** A package by its name; `installPeers` was called before. */
export async function loadPeer(name: string): Promise<unknown> {
  return import(name)
}

/** Its version, for the report. */
export function versionOf(name: string): string {
  return described(name)?.version ?? 'not installed'
}

function described(name: string): { version: string, license: string } | undefined {
  const file = `${FOLDER}node_modules/${name}/package.json`
  if (!existsSync(file)) return undefined
  const { version, license } = JSON.parse(readFileSync(file, 'utf8'))
  return { version, license: license?.type ?? license }
}
