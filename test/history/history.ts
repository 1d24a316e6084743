/**
 * What a history is: operations with their begin, their end and what was seen of them.
 *
 * Lives here: the types, and reading the lines that peers wrote. Does not live here: who writes
 * them (peer.ts), what is allowed (specification.ts), the search (check.ts).
 *
 * Times are microseconds of one monotonic clock of the machine. `begin` is taken before the call,
 * `called` when the call has returned its promise, `end` when the promise has settled: so the true
 * interval lies inside of the written one, never around it.
 */

/** One case of an operation; a plain send or receive is an operation of one case. */
export interface Case { kind: 'send' | 'receive', channel: string, value?: number }

/** What was seen of an operation. */
export type Result =
  /** The case `which` happened; `value` is what it received. */
  | { kind: 'done', which: number, value?: number, again?: boolean }
  /** The case `which` met a closed channel: drained for a receive, refused for a send. */
  | { kind: 'closed', which: number }
  /** A try or a select with default that would have had to wait. */
  | { kind: 'blocked' }
  /** Timed out, withdrawn, or its timer was first: it had no effect. */
  | { kind: 'withdrawn' }
  /** A loss that says that nothing was done. */
  | { kind: 'lost' }
  /** A loss that does not say, or no end at all. */
  | { kind: 'unknown' }

export interface Operation {
  id: number
  /** The peer that called it, and which of its clients. */
  peer: string
  client: number
  verb: 'send' | 'receive' | 'select' | 'close'
  /** A try, or a select with default. */
  trying: boolean
  cases: Case[]
  begin: number
  called: number
  /** Infinity when it is not known to have ended. */
  end: number
  result: Result
}

export interface ChannelFact { name: string, owner: string, capacity: number }

/** Two peers of whom one declared the other left, or was killed: what is between them is over. */
export interface Parting { one: string, other: string, at: number }

export interface History { channels: ChannelFact[], operations: Operation[], partings: Parting[] }

/** A line of a peer's log: an operation begins, was called, ended; or a peer was heard to leave. */
export type Line =
  | { at: 'begin', id: number, client: number, verb: Operation['verb'], trying: boolean
    cases: Case[], us: number, round: number }
  | { at: 'called', id: number, us: number }
  | { at: 'end', id: number, us: number, result: Result }
  | { at: 'left', peer: string, us: number }

const PEER_IDS = 1_000_000

/** Microseconds of the machine's monotonic clock, the same in all processes. */
export function now_us(): number {
  return Number(process.hrtime.bigint() / 1000n)
}

/** The operations of one peer, from its log; the last line may be cut off by a kill. */
export function readLog(peer: string, nth: number, text: string): {
  operations: (Operation & { round: number })[], partings: Parting[]
} {
  const operations = new Map<number, Operation & { round: number }>()
  const partings: Parting[] = []
  for (const row of text.split('\n')) {
    const line = parse(row)
    if (line === undefined) continue
    if (line.at === 'left') {
      partings.push({ one: peer, other: line.peer, at: line.us })
    } else if (line.at === 'begin') {
      const { client, verb, trying, cases, us, round } = line
      operations.set(line.id, {
        id: nth * PEER_IDS + line.id, peer, client, verb, trying, cases, begin: us,
        called: Infinity, end: Infinity, result: { kind: 'unknown' }, round
      })
    } else if (line.at === 'called') {
      operations.get(line.id)!.called = line.us
    } else {
      Object.assign(operations.get(line.id)!, { end: line.us, result: line.result })
    }
  }
  return { operations: [...operations.values()], partings }
}

function parse(row: string): Line | undefined {
  try {
    return JSON.parse(row) as Line
  } catch {
    return undefined
  }
}

/** An operation in one short phrase. */
export function phraseOf({ verb, cases, trying, result }: Operation): string {
  const asked = cases.map(({ kind, channel, value }) =>
    kind === 'send' ? `send ${channel} ${value}` : `receive ${channel}`).join(' | ')
  const call = verb === 'close' ? `close ${cases[0]!.channel}`
    : verb === 'select' ? `select { ${asked}${trying ? ' | default' : ''} }`
      : `${trying ? 'try ' : ''}${asked}`
  return `${call} → ${outcomeOf(cases, verb, result)}`
}

function outcomeOf(cases: Case[], verb: Operation['verb'], result: Result): string {
  if (result.kind !== 'done' && result.kind !== 'closed') return result.kind
  const one = cases[result.which]!
  const which = verb === 'select' ? `case ${result.which}: ` : ''
  if (result.kind === 'closed') return `${which}closed`
  if (verb === 'close' || one.kind === 'send') return `${which}ok`
  return `${which}${result.value}${result.again === true ? ' again' : ''}`
}
