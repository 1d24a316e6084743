/**
 * Why a history could not have happened: its smallest offending part, in a sentence and a drawing.
 *
 * Lives here: making the rejected part smaller, and naming what is wrong with it. Does not live
 * here: whether it is wrong (check.ts), how it is drawn (draw.ts).
 *
 * Messages are removed whole, with their send and their receives, and closes with all that was
 * told of them, so that what remains is a history of its own that is rejected at the same act.
 */
import { actsOf, type Act, type Acts } from './acts.ts'
import { search, type Verdict } from './check.ts'
import { phraseOf, type Case, type History, type Operation } from './history.ts'

type Rejected = Extract<Verdict, { kind: 'rejected' }>

/** The offending part of a rejected history, and what is wrong with it. */
export interface Blame { sentence: string, operations: Operation[] }

/** Finds the smallest offending part. */
export function blame(history: History, verdict: Rejected): Blame {
  const { stuck, sentence } = verdict
  if (sentence !== undefined) return { sentence, operations: [stuck.operation] }
  const acts = actsOf(history)
  const same = acts.channels.get(stuck.channel)!.acts
    .find(({ operation, kind }) => operation.id === stuck.operation.id && kind === stuck.kind)!
  const part = shrink(acts, prefix(verdict.acts, stuck), stuck)
  const story = new Story(history, acts, part, same)
  const told = story.sentence()
  const operations = new Set([...part.map(({ operation }) => operation), ...story.also])
  return {
    sentence: told, operations: [...operations].sort((a, b) => a.begin - b.begin)
  }
}

/** What had begun when the act ended; what ended later may have happened, or not. */
function prefix(acts: readonly Act[], stuck: Act): Act[] {
  return acts.filter(({ begin }) => begin <= stuck.end).map((act) =>
    act.end > stuck.end ? { ...act, end: Infinity, optional: true } : act)
}

function shrink(acts: Acts, part: Act[], stuck: Act): Act[] {
  const fails = (some: Act[]) => {
    const verdict = search(acts, some)
    return verdict.kind === 'rejected' && verdict.stuck.index === stuck.index
  }
  let units = unitsOf(part).filter((unit) => !unit.some(({ index }) => index === stuck.index))
  const kept = part.filter((act) => !units.some((unit) => unit.includes(act)))
  const all = (some: Act[][]) => [...kept, ...some.flat()]
  for (let size = Math.ceil(units.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < units.length;) {
      const fewer = units.toSpliced(at, size)
      if (fails(all(fewer))) units = fewer
      else at += size
    }
  }
  return all(units)
}

/** Acts that only make sense together. */
function unitsOf(part: readonly Act[]): Act[][] {
  const units = new Map<string, Act[]>()
  for (const act of part) {
    const { kind, value, channel, index } = act
    const name = value !== undefined ? `message ${value}`
      : kind === 'close' || kind === 'closed' || kind === 'drained' || kind === 'refused'
        ? `close ${channel}` : `act ${index}`
    units.set(name, [...units.get(name) ?? [], act])
  }
  return [...units.values()]
}

const NONE = -1

/** One rejected part, and the words for it. */
class Story {
  /** Operations that the sentence names beside the part's own. */
  readonly also: Operation[] = []
  readonly #history: History
  readonly #acts: Acts
  readonly #part: Act[]
  readonly #stuck: Act

  constructor(history: History, acts: Acts, part: Act[], stuck: Act) {
    this.#history = history
    this.#acts = acts
    this.#part = part
    this.#stuck = stuck
  }

  sentence(): string {
    const { kind } = this.#stuck
    if (kind === 'receive') return this.#received()
    if (kind === 'send') return this.#sent()
    if (kind === 'drained') return this.#drained()
    if (kind === 'empty' || kind === 'full') return this.#blocked()
    return this.#closing()
  }

  #received(): string {
    const { value, end, operation, channel } = this.#stuck
    const sends = this.#sendsOf(value!)
    const send = sends[0]
    if (send === undefined) return `${value} was received from ${channel}, and nobody sent it`
    const trouble = this.#notSent(send, value!)
    if (trouble !== undefined) return trouble
    const other = this.#history.operations.find((one) => one !== operation
      && one.result.kind === 'done' && one.result.value === value && !this.#acts.phantoms.has(one))
    if (other !== undefined) {
      this.#name(other)
      return `${value} was sent once and received twice`
    }
    if (send.begin > end) {
      this.#name(send)
      return `${value} was received before it was sent`
    }
    const before = this.#part.find((one) =>
      one.kind === 'send' && one.value !== value && one.end < send.begin)
    if (before !== undefined && this.#fact().capacity > 0) {
      return `${value} was received before ${before.value}, which had been sent to ${channel} `
        + 'before it'
    }
    return `${value} was received from ${channel} when it could not be there`
  }

  /** A value that was received though its send says that it was not sent. */
  #notSent(send: Operation, value: number): string | undefined {
    const { result, cases } = send
    const nth = cases.findIndex((one) => one.value === value && one.kind === 'send')
    const which = 'which' in result ? result.which
      : result.kind === 'unknown' ? this.#receivedCase(cases, value) ?? nth : NONE
    if (which === nth && result.kind !== 'closed') return undefined
    this.#name(send)
    if (which !== nth && which !== NONE) {
      return `both cases of a select happened: ${which}, and ${nth} with ${value}`
    }
    if (result.kind === 'closed') return `the send of ${value} was refused, and it was received`
    return `the send of ${value} was ${result.kind}, and yet it was received`
  }

  /** Of a select of unknown outcome: another of its sends whose message was received. */
  #receivedCase(cases: readonly Case[], value: number): number | undefined {
    const nth = cases.findIndex((one) => one.kind === 'send' && one.value !== value
      && this.#part.some((act) => act.kind === 'receive' && act.value === one.value))
    return nth < 0 ? undefined : nth
  }

  #sent(): string {
    const { value, begin, channel } = this.#stuck
    const { capacity } = this.#fact()
    const close = this.#part.find((one) => one.kind === 'close' && one.end < begin)
    if (close !== undefined) return `${value} was accepted by ${channel} after it was closed`
    if (capacity > 0) {
      const held = this.#part.filter(({ kind, index }) =>
        kind === 'send' && index !== this.#stuck.index)
      return `${value} was accepted by ${channel} of capacity ${capacity} while it held `
        + `${held.length} that nobody had received`
    }
    const receive = this.#history.operations.find(({ result }) =>
      result.kind === 'done' && result.value === value)
    if (receive === undefined) {
      return `${value} was handed over at the rendezvous ${channel}, and nobody received it`
    }
    this.#name(receive)
    return `the send of ${value} at the rendezvous ${channel} and its receive did not overlap`
  }

  #drained(): string {
    const { channel, operation } = this.#stuck
    if (!this.#part.some(({ kind }) => kind === 'close')) return this.#closing()
    const lost = this.#part.find(({ kind, value }) => kind === 'send'
      && !this.#part.some((one) => one.kind === 'receive' && one.value === value))
    if (lost === undefined) return `${channel} was said to be drained while it held a message`
    const select = this.#history.operations.find(({ verb, cases, result, begin, end }) =>
      verb === 'select' && end > lost.begin && begin < operation.begin && 'which' in result
      && cases.some((one, nth) =>
        one.channel === channel && one.kind === 'receive' && nth !== result.which))
    if (select !== undefined) this.#name(select)
    return `${lost.value} was accepted by ${channel}, nobody received it, and the channel was `
      + `drained: it is lost${select === undefined ? '' : '; a select that chose another case '
        + 'waited there'}`
  }

  #blocked(): string {
    const { kind, channel } = this.#stuck
    const { capacity } = this.#fact()
    if (kind === 'full') {
      return capacity === 0
        ? `a try to send to ${channel} would have blocked while a receiver waited`
        : `a try to send to ${channel} would have blocked while it had room for a message`
    }
    const there = this.#part.find((one) => one.kind === 'send')
    const would = `a try to receive from ${channel} would have blocked`
    if (capacity === 0) return `${would} while a sender waited`
    return there === undefined ? `${would} though it is closed`
      : `${would} while ${there.value} was in it`
  }

  #closing(): string {
    const { kind, channel } = this.#stuck
    if (kind === 'close') return `${channel} was closed twice, and both times it worked`
    return `${channel} was said to be closed before anybody closed it`
  }

  #sendsOf(value: number): Operation[] {
    return this.#history.operations.filter(({ cases }) =>
      cases.some((one) => one.kind === 'send' && one.value === value))
  }

  #fact() {
    return this.#acts.channels.get(this.#stuck.channel)!.fact
  }

  #name(operation: Operation): void {
    this.also.push(operation)
  }
}

/** The blame as text: the sentence, then each operation. */
export function linesOf({ sentence, operations }: Blame): string[] {
  return [sentence, ...operations.map((one) => `  ${one.peer}/${one.client} ${phraseOf(one)}`)]
}
