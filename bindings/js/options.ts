/**
 * What a host gives to make its peer of a circuit.
 *
 * Lives here: the options, and the refusals of wrong ones. Does not live here: what is done with
 * them (host), a program's `join` (bindings/node, bindings/browser).
 *
 * Invariant: wrong options are refused before anything starts.
 */
import type { Transport } from '../../transports/transport.ts'
import type { Admission } from './certificate.ts'
import { checkOptions, checkText, checkU32, checkWhole, refuse } from './check.ts'
import type { Timers } from './drive.ts'
import type { Fault } from './errors.ts'
import { encodeInfo } from './member.ts'
import type { Peer } from './member.ts'
import type { Processes } from './process.ts'
import {
  CHAIN_BYTES_MAX, INFO_BYTES_MAX, LIMIT_CAPACITY, LIMIT_CHANNELS, LIMIT_CHANNELS_PER_PEER,
  LIMIT_MESSAGE_BYTES, LIMIT_REFS_PER_PEER, LIMIT_STORED_BYTES, NAME_BYTES_MAX, PEER_ID_BYTES_MAX
} from './tables.ts'

/** What a certificate may permit. */
export type Right = 'channel' | 'process' | 'admin'

/** What the core takes as the name of a peer: well-formed, no slash, no control characters. */
const NAME = /^[^\p{Cc}\p{Cs}/]+$/u
const DOTS = ['.', '..', '...']
const U32_MAX = 0xffffffff
const RIGHTS: readonly unknown[] = ['channel', 'process', 'admin']

/** What `invite` takes. `expires`: milliseconds from now. */
export interface InviteOptions { rights?: Right[], expires?: number }

/** Bounds of this peer that its host lowers; what is left out or over the table's stays. */
export interface Limits {
  /** Channels that this peer owns at once. */
  channels?: number
  /** Channels here that one other peer may have made. */
  channelsPerPeer?: number
  /** Messages that a channel here may buffer. */
  capacity?: number
  /** Bytes of a message that is sent from here. */
  messageBytes?: number
  /** Bytes of one other peer's messages in all buffers here. */
  storedBytesPerPeer?: number
  /** References to one other peer's channels that are held here. */
  refsPerPeer?: number
}

/** The limits as the core's record names them. */
export const LIMITS: ReadonlyMap<keyof Limits, number> = new Map([
  ['channels', LIMIT_CHANNELS], ['channelsPerPeer', LIMIT_CHANNELS_PER_PEER],
  ['capacity', LIMIT_CAPACITY], ['messageBytes', LIMIT_MESSAGE_BYTES],
  ['storedBytesPerPeer', LIMIT_STORED_BYTES], ['refsPerPeer', LIMIT_REFS_PER_PEER]
])

/** What a host gives to make its peer of a circuit. */
export interface CircuitOptions {
  /** circuit.wasm, compiled. */
  wasm: WebAssembly.Module
  /** This peer's libp2p peer id as text, as links report it. */
  id: string
  /** 1 … 64 bytes, for people. */
  name: string
  /** A u32 greater than any that this key has had. */
  incarnation: number
  /** This peer's own certificate chain. */
  chain: Uint8Array
  labels?: Record<string, string>
  limits?: Limits
  transports: Transport[]
  /** Judges another peer's chain; undefined when it is not valid. */
  verify(peer: string, chain: Uint8Array): Promise<Admission | undefined>
  /** Without them this peer starts no processes. */
  processes?: Processes
  /** The peer came back as this incarnation: keep the number. */
  renewed?(incarnation: number): void
  /** Every peer that was heard of, joined or changed. */
  member?(peer: Peer): void
  /** This peer has other addresses than before. */
  moved?(): void
  /** Makes a ticket. */
  invite?(options: InviteOptions): Promise<string>
  /** Called when the core has left, before the transports stop. */
  ending?(): Promise<void>
  /** The core trapped: nothing works any more. */
  failed?(fault: Fault): void
  /** What the core's choices are made from; by default the platform's chance. */
  seed?: number
  /** Milliseconds that never go backwards; performance.now by default. */
  clock?: () => number
  timers?: Timers
}

/** Refuses wrong options with BAD_ARGUMENT. */
export function checkCircuitOptions(options: CircuitOptions): void {
  if (options === undefined) refuse('createCircuit needs options')
  checkOptions(options)
  if (!(options.wasm instanceof WebAssembly.Module)) refuse('wasm must be a WebAssembly.Module')
  const id = checkText(options.id, 'id', PEER_ID_BYTES_MAX)
  const name = checkText(options.name, 'name', NAME_BYTES_MAX)
  if (id.length === 0 || !NAME.test(options.id)) refuse('id must be a peer id')
  if (name.length === 0 || !NAME.test(options.name) || DOTS.includes(options.name)) {
    refuse('name must be readable, without slashes, and not only dots')
  }
  checkWhole(options.incarnation, 'incarnation', 1, U32_MAX)
  if (!(options.chain instanceof Uint8Array) || options.chain.length > CHAIN_BYTES_MAX) {
    refuse(`chain must be at most ${CHAIN_BYTES_MAX} bytes`)
  }
  if (!Array.isArray(options.transports)) refuse('transports must be a list')
  if (typeof options.verify !== 'function') refuse('verify must be a function')
  if (options.seed !== undefined) checkU32(options.seed, 'seed')
  checkLabels(options.labels)
  checkLimits(options.limits)
}

/** Refuses limits that are none with BAD_ARGUMENT. */
export function checkLimits(limits: unknown): void {
  if (limits === undefined) return
  if (typeof limits !== 'object' || limits === null) refuse('limits must be a record of numbers')
  for (const [name, value] of Object.entries(limits as object)) {
    if (!LIMITS.has(name as keyof Limits)) refuse(`limits has no ${name}`)
    if (value !== undefined) checkWhole(value, `limits.${name}`, 0, U32_MAX)
  }
}

function checkLabels(labels: unknown): void {
  if (labels === undefined) return
  if (typeof labels !== 'object' || labels === null ||
    !Object.values(labels).every((text) => typeof text === 'string')) {
    refuse('labels must be a record of strings')
  }
  const info = { addresses: [], labels: labels as Record<string, string> }
  if (encodeInfo(info).length > INFO_BYTES_MAX) refuse(`labels must fit in ${INFO_BYTES_MAX} bytes`)
}

/** Refuses wrong options of `invite` with BAD_ARGUMENT. */
export function checkInvite(options: InviteOptions): void {
  checkOptions(options)
  const { rights, expires } = options
  if (rights !== undefined && !(Array.isArray(rights) &&
    rights.every((right) => RIGHTS.includes(right)))) {
    refuse(`rights must be a list of ${RIGHTS.join(', ')}`)
  }
  if (expires !== undefined) checkWhole(expires, 'expires', 1, Number.MAX_SAFE_INTEGER)
}
