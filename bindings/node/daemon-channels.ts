/**
 * The daemon's side of the verbs about anchors and channels.
 *
 * Lives here: ls, mkchan, send, recv, close, scrub, peek and select, as calls of the public API.
 * Does not live here: arguments and printing at the shell (bindings/cli), the meaning of any of it
 * (core), processes (daemon-processes.ts).
 *
 * Invariant: a message leaves its channel only after the verb has said that it takes it.
 */
import type { Channel } from '../js/channel.ts'
import { receiveOffered } from '../js/channel.ts'
import type { Circuit, Peer } from '../js/circuit.ts'
import { Refusal } from '../js/errors.ts'
import { after, selectOffered, type Case } from '../js/select.ts'
import type { Entry } from '../js/tree.ts'
import type { Errand } from './daemon-errand.ts'
import { fromJson, shown, toJson } from './daemon-json.ts'

/** Does a verb's work; gives what the verb exits with, 0 when nothing is given. */
export type Worker = (errand: Errand, circuit: Circuit) => Promise<number | void>

export const channel_workers: { readonly [verb: string]: Worker } = {
  ls, mkchan, send, recv, close, scrub, peek, select
}

/** Opens the channel at a path for as long as `use` takes. */
export async function withChannel<T>(
  circuit: Circuit, path: string, use: (channel: Channel<unknown>) => Promise<T>
): Promise<T> {
  const channel = await circuit.open<unknown>(path)
  try {
    return await use(channel)
  } finally {
    channel[Symbol.dispose]()
  }
}

/**
 * Hands the next message of a channel to the verb. False when the channel is closed and drained.
 * Ended by the errand's signal.
 */
export async function handOver(
  errand: Errand, channel: Channel<unknown>,
  show: (value: unknown) => Uint8Array | string, options: { try?: boolean } = {}
): Promise<boolean> {
  const { signal } = errand
  const offered = await receiveOffered(channel, { signal, ...options })
  if (!offered.ok) return false
  let takes = false
  try {
    takes = await errand.offer(show(offered.value))
  } finally {
    if (!takes) offered.deny()
  }
  if (!takes) throw signal.reason
  try {
    await offered.take()
  } catch (error) {
    await errand.denied()
    throw error
  }
  await errand.taken()
  return true
}

async function ls(errand: Errand, circuit: Circuit): Promise<void> {
  const entries: Entry[] = []
  for await (const entry of circuit.list(errand.text('path'), { signal: errand.signal })) {
    entries.push(entry)
  }
  entries.sort((a, b) => a.path < b.path ? -1 : a.path > b.path ? 1 : 0)
  const lines = entries.map((entry) => {
    if (errand.flag('json')) return toJson({ ...entry, ...peersAt(circuit, entry)[0] })
    if (!errand.flag('long')) return entry.path
    const peers = peersAt(circuit, entry).flatMap(({ id, addresses }) => [id, ...addresses])
    return [entry.path, entry.kind, entry.state ?? '', ...peers].filter(Boolean).join('  ')
  })
  await errand.print(lines.map((line) => `${line}\n`).join(''))
}

/** The peer, or the peers of one name, that an entry stands for. */
function peersAt(circuit: Circuit, { path, kind }: Entry): Peer[] {
  if (kind !== 'peer') return []
  return circuit.peers().filter(({ id, name }) => path === `/${id}` || path === `/${name}`)
}

async function mkchan(errand: Errand, circuit: Circuit): Promise<void> {
  const capacity = errand.number('capacity')
  const options = capacity === undefined ? {} : { capacity }
  const channel = await circuit.make(errand.text('path'), options)
  channel[Symbol.dispose]()
}

/** One batch of input after the other, each message awaited: `try` stops at the first refused. */
async function send(errand: Errand, circuit: Circuit): Promise<void> {
  const { signal } = errand
  const path = errand.text('path')
  const value = (bytes: Uint8Array) => errand.flag('json') ? fromJson(textOf(bytes)) : bytes
  await withChannel(circuit, path, async (channel) => {
    for (let batch = await errand.want(); batch !== undefined; batch = await errand.want()) {
      for (const bytes of batch) {
        if (!errand.flag('try')) await channel.send(value(bytes), { signal })
        else if (!await channel.trySend(value(bytes))) throw new Refusal('WOULD_BLOCK', path)
      }
    }
  })
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Refusal('BAD_ARGUMENT', 'it is not JSON: it is not UTF-8')
  }
}

async function recv(errand: Errand, circuit: Circuit): Promise<void> {
  const path = errand.text('path')
  const lines = errand.flag('lines')
  const show = (value: unknown) => {
    const output = shown(value, errand.flag('json'))
    if (!lines || (typeof output === 'string' && output.endsWith('\n'))) return output
    return Buffer.concat([Buffer.from(output as Uint8Array), Buffer.from('\n')])
  }
  await withChannel(circuit, path, async (channel) => {
    const one = () => handOver(errand, channel, show, errand.flag('try') ? { try: true } : {})
    if (!errand.flag('follow')) {
      if (!await one()) throw new Refusal('CLOSED', path)
      return
    }
    while (await one());
  })
}

async function close(errand: Errand, circuit: Circuit): Promise<void> {
  await withChannel(circuit, errand.text('path'), (channel) => channel.close())
}

async function scrub(errand: Errand, circuit: Circuit): Promise<void> {
  await circuit.scrub(errand.text('path'))
}

async function peek(errand: Errand, circuit: Circuit): Promise<void> {
  await errand.print(`${toJson(await circuit.stat(errand.text('path')))}\n`)
}

/** A case as the verb wrote it: exactly one of these is there. */
interface CaseWords {
  recv?: string, send?: string, text?: string, exit?: string, after?: number, default?: boolean
}

async function select(errand: Errand, circuit: Circuit): Promise<void> {
  const { signal } = errand
  const words = errand.request['cases']
  if (!Array.isArray(words)) throw new Refusal('BAD_REQUEST', 'cases is a list')
  const opened: Channel<unknown>[] = []
  try {
    const cases: Case[] = []
    /** Where each case given stands among all: the default is none of the select's own. */
    const places: number[] = []
    let at_default = -1
    for (const [place, word] of (words as CaseWords[]).entries()) {
      if (word?.default === true) {
        at_default = place
        continue
      }
      cases.push(await caseOf(word, circuit, opened))
      places.push(place)
    }
    const offered = await selectOffered(cases, { signal, default: at_default >= 0 })
    const place = offered.case === 'default' ? at_default : places[Number(offered.case)]!
    const takes = await errand.offer(`${toJson(outcome(place, offered, words[place]))}\n`)
    if (!takes) {
      offered.deny()
      throw signal.reason
    }
    await offered.take()
    await errand.taken()
  } finally {
    for (const channel of opened) channel[Symbol.dispose]()
  }
}

async function caseOf(
  word: CaseWords, circuit: Circuit, opened: Channel<unknown>[]
): Promise<Case> {
  const exit = word?.exit === undefined ? undefined : `${word.exit}/exit`
  const path = word?.recv ?? word?.send ?? exit
  if (typeof path === 'string') {
    const channel = await circuit.open<unknown>(path)
    opened.push(channel)
    return word.send === undefined ? channel.receiving() : channel.sending(word.text ?? '')
  }
  if (typeof word?.after === 'number') return after(word.after)
  throw new Refusal('BAD_REQUEST', 'a case has recv, send, exit, after or default')
}

/** A case that receives says its value; a channel that is closed and drained says so instead. */
function outcome(
  place: number, offered: { value: unknown, ok: boolean, again: boolean }, word: CaseWords
): object {
  const chosen = { case: place }
  if (word.recv === undefined && word.exit === undefined) return chosen
  if (!offered.ok) return { ...chosen, ok: false }
  return { ...chosen, value: offered.value, ...offered.again ? { again: true } : {} }
}
