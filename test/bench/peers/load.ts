/**
 * The libraries that are measured beside circuit, by the API that they really have.
 *
 * Lives here: installing them into this folder on first use, loading them, their types as far as
 * they are used. Does not live here: what is done with them (../local.ts).
 *
 * Invariant: they are no dependency of the product: this folder's package.json names them.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'

const FOLDER = fileURLToPath(new URL('.', import.meta.url))
const require_here = createRequire(import.meta.url)

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

/** @thi.ng/csp: `write` resolves when the value was read, whatever the buffer; least buffer 1. */
export interface ThingChannel {
  write(value: number): Promise<boolean>
  read(): Promise<number | undefined>
}
export interface Thing {
  channel(capacity: number): ThingChannel
  select(first: ThingChannel, ...more: ThingChannel[]):
    Promise<[number | undefined, ThingChannel]>
}

export interface Peers { async_channel: AsyncChannels, medium: Medium, thing: Thing }

/** Loads them; installs them first when they are not there, or in another version. */
export async function loadPeers(): Promise<Peers> {
  const { dependencies } = JSON.parse(readFileSync(`${FOLDER}package.json`, 'utf8'))
  if (!Object.entries(dependencies).every(([name, version]) => versionOf(name) === version)) {
    console.log('installing what is compared with …')
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock',
      '--ignore-scripts', '--loglevel=error'], { cwd: FOLDER, stdio: 'inherit' })
  }
  const thing = pathToFileURL(`${FOLDER}node_modules/@thi.ng/csp/index.js`).href
  return {
    async_channel: require_here('async-channel') as AsyncChannels,
    medium: require_here('medium') as Medium,
    thing: await import(thing) as Thing
  }
}

function versionOf(name: string): string | undefined {
  const file = `${FOLDER}node_modules/${name}/package.json`
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).version : undefined
}
