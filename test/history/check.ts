/**
 * Is there an order in which a history could have happened? Wing and Gong's search.
 *
 * Lives here: the search. Does not live here: what is allowed (specification.ts), what the
 * operations were (acts.ts), why not (blame.ts).
 *
 * Acts take effect at a moment between their begin and their end. The search goes through the ends
 * in the order of time; an act that ends must have taken effect, before it others that have begun
 * may have (just in time, after Lowe). What follows depends only on the channels' states and on
 * which open acts have taken effect: a configuration that failed once is not tried again. Channels
 * that nothing joins are searched one by one.
 *
 * Complete: an order exists if and only if the search finds one, since whatever an act needs to be
 * allowed is in the configuration, or does not depend on when it happens.
 */
import { actsOf, type Act, type Acts, type ChannelActs, type Trace } from './acts.ts'
import type { History, Operation } from './history.ts'
import { after, FRESH, meeting, type Allowance, type ChannelState } from './specification.ts'

/** What the search found. */
export type Verdict =
  | { kind: 'accepted', acts: number, steps: number }
  /** No order exists: `stuck` is the act that could not be, at the furthest point reached. */
  | { kind: 'rejected', acts: Act[], stuck: Act, steps: number, sentence?: string }
  | { kind: 'undecided', steps: number }

/** Steps of one group's search before it is given up. */
const STEPS_MAX = 5_000_000

/** Checks a whole history; the first group of channels that cannot be is the verdict. */
export function check(history: History): Verdict {
  const acts = actsOf(history)
  const marked = unfounded(acts)
  if (marked !== undefined) return marked
  let [count, steps] = [0, 0]
  for (const group of acts.groups) {
    const own = group.flatMap((name) => acts.channels.get(name)!.acts)
    const verdict = search(acts, own)
    steps += verdict.steps
    if (verdict.kind !== 'accepted') return { ...verdict, steps }
    count += own.length
  }
  return { kind: 'accepted', acts: count, steps }
}

/** A message that is marked *again* though its owner parted from nobody, and was none itself. */
function unfounded({ channels, parted }: Acts): Verdict | undefined {
  for (const { fact, acts } of channels.values()) {
    if (parted.has(fact.owner)) continue
    const stuck = acts.find(({ kind, operation: { result } }) =>
      kind === 'receive' && result.kind === 'done' && result.again === true)
    if (stuck === undefined) continue
    const sentence = `${stuck.value} was marked again though its owner declared nobody left`
    return { kind: 'rejected', acts: [stuck], stuck, steps: 0, sentence }
  }
  return undefined
}

/** Checks some of a history's acts; the others may still have left traces. */
export function search(acts: Acts, chosen: readonly Act[]): Verdict {
  return new Search(acts, chosen).run()
}

/** A configuration on the way, and what can be tried from it. */
interface Node {
  /** Which end is next. */
  at: number
  /** Open acts that have taken effect, and optional ones, by their place among `acts`. */
  did: readonly number[]
  states: readonly ChannelState[]
  moves: Move[] | undefined
}

interface Move { readonly first: number, readonly second: number, readonly state: ChannelState }
const ALONE = -1

class Search {
  readonly #acts: Act[]
  readonly #channels: ChannelActs[]
  readonly #place = new Map<string, number>()
  readonly #ends: number[]
  readonly #open: number[][] = []
  readonly #seen = new Set<string>()
  readonly #rank = new Map<number, number>()
  readonly #nth = new Map<number, number>()
  readonly #near = new Map<Act, Near>()

  constructor(acts: Acts, chosen: readonly Act[]) {
    this.#acts = chosen.toSorted((a, b) => a.begin - b.begin)
    this.#acts.forEach(({ index }, nth) => this.#nth.set(index, nth))
    this.#channels = [...new Set(chosen.map(({ channel }) => channel))]
      .map((name) => acts.channels.get(name)!)
    this.#channels.forEach(({ fact }, nth) => this.#place.set(fact.name, nth))
    this.#ends = this.#acts.map((_, nth) => nth).filter((nth) => !this.#acts[nth]!.optional)
      .sort((a, b) => this.#acts[a]!.end - this.#acts[b]!.end)
    this.#findOpen()
    for (const { kind, value, end } of this.#acts) {
      if (kind === 'receive' && value !== undefined) this.#rank.set(value, end)
    }
  }

  run(): Verdict {
    const first = this.#advance({
      at: 0, did: [], states: this.#channels.map(() => FRESH), moves: undefined
    })
    const path = [first]
    let [steps, furthest] = [0, first.at]
    while (path.length > 0) {
      const node = path.at(-1)!
      furthest = Math.max(furthest, node.at)
      if (node.at === this.#ends.length) {
        return { kind: 'accepted', acts: this.#acts.length, steps }
      }
      if (++steps > STEPS_MAX) return { kind: 'undecided', steps }
      node.moves ??= this.#moves(node).reverse()
      const move = node.moves.pop()
      if (move === undefined) {
        path.pop()
        continue
      }
      const next = this.#advance(this.#apply(node, move))
      const key = `${next.at}|${next.did.join()}|${textOf(next.states)}`
      if (this.#seen.has(key)) continue
      this.#seen.add(key)
      path.push(next)
    }
    const stuck = this.#acts[this.#ends[furthest]!]!
    return { kind: 'rejected', acts: this.#acts, stuck, steps }
  }

  /** For each end: the acts that have begun by then and not ended. */
  #findOpen(): void {
    let begun = 0
    let open: number[] = []
    for (const end of this.#ends) {
      const until = this.#acts[end]!.end
      while (begun < this.#acts.length && this.#acts[begun]!.begin <= until) open.push(begun++)
      this.#open.push(open)
      open = open.filter((nth) => nth !== end)
    }
  }

  /** Goes on over ends of acts that have taken effect. */
  #advance(node: Node): Node {
    let { at, did } = node
    while (at < this.#ends.length && did.includes(this.#ends[at]!)) {
      const ended = this.#ends[at]!
      did = did.filter((nth) => nth !== ended)
      at++
    }
    return { ...node, at, did }
  }

  #apply({ at, did, states }: Node, { first, second, state }: Move): Node {
    const more = second === ALONE ? [...did, first] : [...did, first, second]
    const place = this.#place.get(this.#acts[first]!.channel)!
    return {
      at, did: more.sort((a, b) => a - b), moves: undefined, states: states.with(place, state)
    }
  }

  /** What may happen next, the likeliest first. */
  #moves(node: Node): Move[] {
    const due = this.#ends[node.at]!
    const open = this.#open[node.at]!.filter((nth) => !node.did.includes(nth))
    const found: { move: Move, rank: number }[] = []
    for (const nth of open) {
      const act = this.#acts[nth]!
      if (act.optional && this.#excluded(node, act)) continue
      for (const { state, partner } of this.#outcomes(node, nth, open)) {
        const rank = nth === due || partner === due ? this.#rankOf(act) - 0.5 : this.#rankOf(act)
        found.push({ move: { first: nth, second: partner, state }, rank })
      }
    }
    return found.sort((a, b) => a.rank - b.rank).map(({ move }) => move)
  }

  /** A send goes in the order in which its message came out; what is optional goes last. */
  #rankOf({ kind, value, end, optional }: Act): number {
    const rank = kind === 'send' ? Math.min(end, this.#rank.get(value!) ?? Infinity) : end
    return optional && !this.#rank.has(value ?? NaN) ? Number.MAX_VALUE : rank
  }

  /** An operation of unknown outcome happened in one of its cases at most. */
  #excluded({ did }: Node, { operation }: Act): boolean {
    return did.some((nth) => this.#acts[nth]!.operation === operation)
  }

  #outcomes(
    node: Node, nth: number, open: number[]
  ): { state: ChannelState, partner: number }[] {
    const act = this.#acts[nth]!
    const place = this.#place.get(act.channel)!
    const state = node.states[place]!
    const channel = this.#channels[place]!
    const { capacity } = channel.fact
    const meets = capacity === 0 && (act.kind === 'send' || act.kind === 'receive')
    if (meets) {
      const met = act.kind === 'send' ? meeting(state) : undefined
      if (met === undefined) return []
      return open.filter((one) => this.#meets(node, act, one))
        .map((partner) => ({ state: met, partner }))
    }
    const allowance = this.#allowance(node, channel, act)
    const tries = act.kind === 'receive' && act.value === undefined
      ? Math.min(allowance.out + 1, state.buffer.length) : 1
    return Array.from({ length: tries }, (_, i) =>
      after(state, capacity, act.kind, act.value, allowance, i))
      .filter((one) => one !== undefined)
      .map((one) => ({ state: one, partner: ALONE }))
  }

  #meets(node: Node, send: Act, nth: number): boolean {
    const { kind, channel, value, operation, optional } = this.#acts[nth]!
    return kind === 'receive' && channel === send.channel && operation !== send.operation
      && (value === undefined ? !this.#rank.has(send.value!) : value === send.value)
      && !(optional && this.#excluded(node, this.#acts[nth]!))
  }

  #allowance(node: Node, channel: ChannelActs, act: Act): Allowance {
    if (act.kind !== 'receive' && act.kind !== 'full' && act.kind !== 'empty') return NOTHING
    let near = this.#near.get(act)
    if (near === undefined) {
      near = nearOf(channel, act, (one) => this.#nth.has(one.index))
      this.#near.set(act, near)
    }
    return allowanceOf(near, act, (one) => this.#happened(node, one))
  }

  #happened({ at, did }: Node, act: Act): boolean {
    const nth = this.#nth.get(act.index)
    if (nth === undefined) return act.end <= this.#acts[this.#ends[at]!]!.end
    if (did.includes(nth)) return true
    return !act.optional && act.end < this.#acts[this.#ends[at]!]!.end
  }
}

/** The traces and the partners in wait that can have touched an act, whatever the order was. */
interface Near { readonly traces: Trace[], readonly waiting: Act[] }

function nearOf(
  { traces, waiting, sent }: ChannelActs, act: Act, chosen: (act: Act) => boolean
): Near {
  const from = Math.max(act.begin, act.kind === 'receive' ? sent.get(act.value!) ?? 0 : 0)
  const partner = act.kind === 'full' ? 'receive' : 'send'
  return {
    traces: traces.filter(({ operation, begin, until }) => begin < act.end && until >= from
      && operation !== act.operation && !heardBefore(operation, act.operation)),
    waiting: act.kind === 'receive' ? [] : waiting.filter((one) =>
      one.kind === partner && one.from < act.begin && one.act.end > act.begin && chosen(one.act))
      .map((one) => one.act)
  }
}

/** What others can have caused at a channel while an act took place. */
function allowanceOf(near: Near, { kind }: Act, happened: (act: Act) => boolean): Allowance {
  let [out, places, behinds] = [0, 0, 0]
  for (const { kind: held, behind, ahead } of near.traces) {
    if (held === 'message') out++
    else if (behind !== undefined) behinds += happened(behind) ? 1 : 0
    else if (ahead === undefined || !happened(ahead)) places++
  }
  const ready = near.waiting.filter((one) => !happened(one)).length
  return {
    out, room: places + behinds, ready: Math.max(0, ready - (kind === 'full' ? places : out))
  }
}

const NOTHING: Allowance = { out: 0, room: 0, ready: 0 }

/** The same peer says what it says in order: its own earlier offers were over by then. */
function heardBefore(one: Operation, later: Operation): boolean {
  return one.peer === later.peer && one.end < later.begin
    && one.result.kind !== 'lost' && one.result.kind !== 'unknown'
}

function textOf(states: readonly ChannelState[]): string {
  return states.map(({ closed, buffer }) => `${closed ? 'c' : ''}${buffer.join()}`).join(';')
}
