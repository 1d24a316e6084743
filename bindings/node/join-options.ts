/**
 * What a program gives to `join` under Node.
 *
 * Lives here: the options, and the refusals of wrong ones. Does not live here: what is done with
 * them (join), labels and the core's limits (bindings/js/options).
 *
 * Invariant: wrong options are refused before a file is touched.
 */
import { checkOptions, checkSignal, checkText, refuse } from '../js/check.ts'
import type { Limits, Processes } from '../js/circuit.ts'
import { checkLimits } from '../js/options.ts'
import { NAME_BYTES_MAX } from '../js/tables.ts'
import type { Transport } from '../../transports/transport.ts'

/** Ways to find other peers without being told of them. */
export type Discovery = 'local' | 'mdns'

export interface JoinOptions {
  /** 1 … 64 bytes, for people and paths; by default the machine's name, with a number if taken. */
  name?: string
  /** Which circuit of this user, by the name that it has on this machine; `default`. */
  circuit?: string
  /** The folder for keys and what else is kept; by default below `~/.local/state/circuit`. */
  state?: string
  /** This peer's key instead of the folder's: PEM text, or a seed of 32 bytes. */
  key?: string | Uint8Array
  /** Used when this peer is in none of their circuits yet; else their addresses are proposed. */
  tickets?: string[]
  /** Instead of Unix sockets and libp2p. An empty list: a circuit of one that touches no file. */
  transports?: Transport[]
  /** Multiaddrs to listen at; by default every IPv4 interface, at the port of the last run. */
  listen?: string[]
  /** Both by default; an empty list or `none` for neither. */
  discovery?: Discovery[] | 'none'
  /**
   * Links to this user's peers on this machine over a Unix socket in the run directory, which needs
   * `local` among the ways of discovery. With `false` they go over TCP, as to everyone else.
   */
  unix?: boolean
  /** Texts by name that every peer sees. */
  labels?: Record<string, string>
  /** Bounds of this peer, lowered. */
  limits?: Limits
  /** What starts processes here; by default this program does, with `false` nothing does. */
  processes?: Processes | false
  /** Aborts the joining, and afterwards leaves. */
  signal?: AbortSignal
}

const KNOWN = new Set(['name', 'circuit', 'state', 'key', 'tickets', 'transports', 'listen',
  'discovery', 'unix', 'labels', 'limits', 'processes', 'signal'])
const WAYS: readonly unknown[] = ['local', 'mdns']

/** Refuses wrong options with BAD_ARGUMENT; throws the signal's reason when it has aborted. */
export function checkJoin(options: JoinOptions): void {
  checkOptions(options)
  for (const name of Object.keys(options)) {
    if (!KNOWN.has(name)) refuse(`join has no option ${name}`)
  }
  checkName(options.name, 'name')
  checkName(options.circuit, 'circuit')
  if (options.state !== undefined && (typeof options.state !== 'string' || options.state === '')) {
    refuse('state must be the path of a folder')
  }
  checkTexts(options.tickets, 'tickets')
  checkTexts(options.listen, 'listen')
  if (options.transports !== undefined && !Array.isArray(options.transports)) {
    refuse('transports must be a list')
  }
  const ways: unknown = options.discovery
  if (ways !== undefined && ways !== 'none' &&
    !(Array.isArray(ways) && ways.every((way) => WAYS.includes(way)))) {
    refuse('discovery must be a list of local and mdns, or none')
  }
  if (options.unix !== undefined && typeof options.unix !== 'boolean') {
    refuse('unix must be true or false')
  }
  checkLimits(options.limits)
  checkSignal(options.signal)
}

function checkName(name: unknown, what: string): void {
  if (name === undefined) return
  checkText(name, what, NAME_BYTES_MAX)
  if (!/^[^/\p{Cc}]+$/u.test(name as string) || /^\.+$/.test(name as string)) {
    refuse(`${what} must be a name without slashes or control characters, and not only dots`)
  }
}

function checkTexts(list: unknown, what: string): void {
  if (list === undefined) return
  if (!Array.isArray(list) || !list.every((text) => typeof text === 'string')) {
    refuse(`${what} must be a list of strings`)
  }
}
