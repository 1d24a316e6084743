/**
 * Operations as acts on channels, and what others can have caused meanwhile.
 *
 * Lives here: what an operation with its result was to each channel; traces that an operation may
 * have left at the others; how long they may last. Does not live here: what is allowed
 * (specification.ts), the search (check.ts).
 *
 * A select whose case is known is one act on one channel: by the locality of linearizability it
 * joins nothing. Its default is a failed try at each of its channels, each at a moment of its own,
 * since owners answer one by one. A select whose outcome is unknown may have been any one of its
 * cases: its acts are alternatives, and its channels are checked together.
 *
 * A *trace*: an offer that ended without effect at a channel may have held a message or a place
 * there, until the owner has heard of its end. Frames between two peers come in order, so that is
 * over once the owner has answered a later operation of the same peer.
 */
import type { Case, ChannelFact, History, Operation } from './history.ts'
import type { Kind } from './specification.ts'

export interface Act {
  readonly index: number
  readonly operation: Operation
  readonly channel: string
  readonly kind: Kind
  /** Undefined for a receive whose message nobody saw. */
  readonly value: number | undefined
  readonly begin: number
  readonly end: number
  /** It may have happened, or not. */
  readonly optional: boolean
}

/** What an operation may have left at a channel, from `begin` to `until`. */
export interface Trace {
  readonly operation: Operation
  /** `message`: it may have held one that it did not take; `place`: a place, or a partner. */
  readonly kind: 'message' | 'place'
  /** The place is taken only when this act has happened (a grant on its way), or before it has. */
  readonly behind?: Act
  readonly ahead?: Act
  readonly begin: number
  readonly until: number
}

/** An offer at a rendezvous that certainly stood at the owner from `from` until its act. */
export interface Waiting { readonly act: Act, readonly kind: 'send' | 'receive', from: number }

export interface ChannelActs {
  readonly fact: ChannelFact
  readonly acts: Act[]
  readonly traces: Trace[]
  readonly waiting: Waiting[]
  /** When the first send of each value began. */
  readonly sent: Map<number, number>
}

/** The acts of a history by channel, and which channels must be checked together. */
export interface Acts {
  readonly channels: Map<string, ChannelActs>
  readonly groups: string[][]
  /** Receives of a message that came back: seen, and not taken. */
  readonly phantoms: Set<Operation>
  /** Peers that parted from another. */
  readonly parted: Set<string>
}

/** Splits a history into acts. */
export function actsOf(history: History): Acts {
  return new Splitting(history).run()
}

class Splitting {
  readonly #history: History
  readonly #channels = new Map<string, ChannelActs>()
  readonly #joined = new Map<string, string>()
  readonly #answered: Answers
  readonly #partings: Partings
  #acts = 0

  constructor(history: History) {
    this.#history = history
    this.#partings = new Partings(history)
    for (const fact of history.channels) {
      const empty = { fact, acts: [], traces: [], waiting: [], sent: new Map<number, number>() }
      this.#channels.set(fact.name, empty)
      this.#joined.set(fact.name, fact.name)
    }
    this.#answered = new Answers(history)
  }

  run(): Acts {
    const phantoms = phantomsOf(this.#history, this.#partings)
    for (const operation of this.#history.operations) {
      operation.cases.forEach((one) => this.#noteSend(operation, one))
      this.#split(operation, phantoms.has(operation))
    }
    const groups = new Map<string, string[]>()
    for (const name of this.#channels.keys()) {
      const root = this.#root(name)
      groups.set(root, [...groups.get(root) ?? [], name])
    }
    const parted = new Set(this.#history.partings.flatMap(({ one, other }) => [one, other]))
    return { channels: this.#channels, groups: [...groups.values()], phantoms, parted }
  }

  #noteSend({ begin }: Operation, { kind, channel, value }: Case): void {
    if (kind !== 'send') return
    const { sent } = this.#channels.get(channel)!
    sent.set(value!, Math.min(begin, sent.get(value!) ?? Infinity))
  }

  #split(operation: Operation, phantom: boolean): void {
    const { cases, verb, result } = operation
    const chosen = 'which' in result && !phantom ? result.which : undefined
    cases.forEach((one, nth) => {
      const channel = this.#channels.get(one.channel)!
      let act: Act | undefined
      if (nth === chosen) act = this.#act(operation, one, kindOf(operation, one), false)
      else if (result.kind === 'blocked') {
        act = this.#act(operation, one, one.kind === 'send' ? 'full' : 'empty', false)
      } else if (result.kind === 'unknown') {
        act = this.#act(operation, one, verb === 'close' ? 'close' : one.kind, true)
      }
      if (verb !== 'close') this.#trace(channel, operation, one, act)
      if (act !== undefined) this.#wait(channel, operation, one, act)
    })
    if (result.kind === 'unknown') {
      const root = this.#root(cases[0]!.channel)
      for (const one of cases) this.#joined.set(this.#root(one.channel), root)
    }
  }

  #act(operation: Operation, one: Case, kind: Kind, optional: boolean): Act {
    const { begin, result } = operation
    const seen = result.kind === 'done' ? result.value : undefined
    const value = one.kind === 'send' ? one.value : seen
    const end = optional ? Infinity : operation.end
    const act: Act = {
      index: this.#acts++, operation, channel: one.channel, kind, value, begin, end, optional
    }
    this.#channels.get(one.channel)!.acts.push(act)
    return act
  }

  #trace(channel: ChannelActs, operation: Operation, one: Case, act: Act | undefined): void {
    const { begin, verb } = operation
    const until = this.#until(operation, channel.fact.owner)
    // A plain try is answered at once; a select with default may have been asked before.
    if (verb !== 'select' && (act?.kind === 'full' || act?.kind === 'empty')) return
    if (one.kind === 'receive') {
      if (act?.kind !== 'receive' || act.optional) {
        channel.traces.push({ operation, kind: 'message', begin, until })
      }
      if (act?.kind === 'receive') {
        channel.traces.push({ operation, kind: 'place', behind: act, begin, until })
      }
    } else if (verb === 'select') {
      const ahead = act?.kind === 'send' ? { ahead: act } : {}
      channel.traces.push({ operation, kind: 'place', ...ahead, begin, until })
    }
  }

  /** When the owner has certainly heard that an operation is over. */
  #until({ peer, end, result }: Operation, owner: string): number {
    if (peer !== owner && (result.kind === 'lost' || result.kind === 'unknown')) {
      return this.#partings.over(peer, owner)
    }
    const parted = this.#partings.over(peer, owner)
    return Math.min(peer === owner ? end : this.#answered.after(peer, owner, end),
      parted > end ? parted : Infinity)
  }

  #wait(channel: ChannelActs, operation: Operation, one: Case, act: Act): void {
    const { verb, trying, peer, called } = operation
    if (channel.fact.capacity > 0 || trying || verb === 'select' || verb === 'close') return
    if (act.kind !== one.kind || act.optional) return
    const from = peer === channel.fact.owner ? called
      : this.#answered.after(peer, channel.fact.owner, called)
    if (from < act.end) channel.waiting.push({ act, kind: one.kind, from })
  }

  #root(name: string): string {
    const up = this.#joined.get(name)!
    return up === name ? name : this.#root(up)
  }
}

function kindOf({ verb, result }: Operation, one: Case): Kind {
  const met_closed = result.kind === 'closed'
  if (verb === 'close') return met_closed ? 'closed' : 'close'
  if (met_closed) return one.kind === 'send' ? 'refused' : 'drained'
  return one.kind
}

/** When an owner has answered operations of a peer that began after a given time. */
class Answers {
  /** For each pair: begins, rising, and the least end of that and all later ones. */
  readonly #pairs = new Map<string, { begins: number[], ends: number[] }>()

  constructor({ channels, operations }: History) {
    const owners = new Map(channels.map(({ name, owner }) => [name, owner]))
    const rows = new Map<string, Operation[]>()
    for (const operation of operations) {
      for (const owner of new Set(answering(operation).map(({ channel }) => owners.get(channel)))) {
        const key = `${operation.peer} ${owner}`
        const row = rows.get(key)
        if (row === undefined) rows.set(key, [operation])
        else row.push(operation)
      }
    }
    for (const [key, row] of rows) {
      row.sort((a, b) => a.begin - b.begin)
      const ends = row.map(({ end }) => end)
      for (let i = ends.length - 2; i >= 0; i--) ends[i] = Math.min(ends[i]!, ends[i + 1]!)
      this.#pairs.set(key, { begins: row.map(({ begin }) => begin), ends })
    }
  }

  after(peer: string, owner: string, time: number): number {
    const pair = this.#pairs.get(`${peer} ${owner}`)
    if (pair === undefined) return Infinity
    let [low, high] = [0, pair.begins.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (pair.begins[middle]! > time) high = middle
      else low = middle + 1
    }
    return pair.ends[low] ?? Infinity
  }
}

/** The cases whose owners have answered. */
function answering({ cases, result }: Operation): Case[] {
  if ('which' in result) return [cases[result.which]!]
  return result.kind === 'blocked' ? cases : []
}

/** Between whom it is over, and since when. */
class Partings {
  readonly #pairs = new Map<string, number>()

  constructor({ partings }: History) {
    for (const { one, other, at } of partings) {
      for (const key of [`${one} ${other}`, `${other} ${one}`]) {
        this.#pairs.set(key, Math.max(at, this.#pairs.get(key) ?? 0))
      }
    }
  }

  parted(peer: string, owner: string): boolean {
    return this.#pairs.has(`${peer} ${owner}`)
  }

  /** When the last of their sessions was over; Infinity when none is known to be. */
  over(peer: string, owner: string): number {
    return this.#pairs.get(`${peer} ${owner}`) ?? Infinity
  }
}

/**
 * Receives of messages that came back: a peer that was declared left may have seen a message whose
 * grant never arrived. The message keeps its place; whoever gets it afterwards is told *again*. (A
 * sender who takes it back meanwhile is told that the outcome is not known.)
 */
function phantomsOf(history: History, partings: Partings): Set<Operation> {
  const owners = new Map(history.channels.map(({ name, owner }) => [name, owner]))
  const receives = new Map<number, Operation[]>()
  for (const operation of history.operations) {
    const { result } = operation
    if (result.kind !== 'done' || result.value === undefined) continue
    receives.set(result.value, [...receives.get(result.value) ?? [], operation])
  }
  const phantoms = new Set<Operation>()
  for (const seen of receives.values()) {
    const last = seen.toSorted((a, b) => b.end - a.end)
      .find(({ result }) => result.kind === 'done' && result.again === true)
    if (last === undefined) continue
    for (const one of seen) {
      const { channel } = one.cases[one.result.kind === 'done' ? one.result.which : 0]!
      if (one !== last && partings.parted(one.peer, owners.get(channel)!)) phantoms.add(one)
    }
  }
  return phantoms
}
