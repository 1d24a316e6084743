/**
 * Channels and select of one peer, as plain as they can be written.
 *
 * Lives here: what may happen, with nothing about how. An operation is one or more cases of which
 * exactly one happens; a plain send or receive is an operation of one case. Every operation stands
 * in the line of each of its channels, in the order of arrival. A channel's messages are those of
 * its buffer, then those of the senders in its line.
 * Does not live here: distance, references, names, payload handles. The checker that compares the
 * core with this model is pair.ts.
 *
 * Where several things may happen (a select with more than one ready case), the model asks its
 * judge, which looks at what the core did and must find it among the allowed events.
 *
 * The states of an operation:
 *   free     no case has happened
 *   offered  a message was shown to a receiver made with `hold`; take or deny decides
 *   held     its own message is shown to such a receiver: nothing else can happen to it meanwhile
 *   ended    one case happened, or it was withdrawn, or its time was over
 */

export interface Case { kind: 'send' | 'receive' | 'after', channel?: Channel, text?: string,
  at_ms?: number }
export interface Ending { status: string, which: number }
/** What can be seen from outside: an operation ended, or a message was offered to it. */
export interface Event { operation: number, kind: 'ended' | 'offered', status: string,
  which: number, text: string | undefined }
/** Says which of the allowed things happened; each is told by the events that show it. */
export type Judge = (allowed: readonly (readonly Event[])[]) => number

export interface Options { select?: boolean, hold?: boolean, try?: boolean, until_ms?: number }

export const WHICH_DEFAULT = 0xffffffff

interface Message { text: string, out: boolean }
interface Place { operation: Operation, nth: number }
type Source = Message | Place
interface Option { events: Event[], apply(): void }

export class Channel {
  readonly capacity: number
  state: 'open' | 'closed' | 'scrubbed' = 'open'
  buffer: Message[] = []
  senders: Place[] = []
  receivers: Place[] = []
  constructor(capacity: number) { this.capacity = capacity }
}

export class Operation {
  readonly id: number
  readonly cases: readonly Case[]
  readonly options: Options
  state: 'free' | 'offered' | 'held' | 'ended' = 'free'
  /** While offered: what is shown, and where it came from. */
  shown: { channel: Channel, source: Source, nth: number } | undefined
  /** While held: how it ends if the other side says no. */
  asked: Ending[] = []
  constructor(id: number, cases: readonly Case[], options: Options) {
    this.id = id
    this.cases = cases
    this.options = options
  }
}

export class Model {
  now_ms = 0
  events: Event[] = []
  readonly operations = new Map<number, Operation>()
  private readonly judge: Judge

  constructor(judge: Judge) { this.judge = judge }

  // What a caller can do

  /** Begins an operation: something happens at once, or it waits in the lines of its channels. */
  begin(id: number, cases: readonly Case[], options: Options = {}): void {
    const operation = new Operation(id, cases, options)
    this.operations.set(id, operation)
    cases.forEach((one, nth) => {
      if (one.channel !== undefined) line_of(one).push({ operation, nth })
    })
    this.attempt(operation)
    this.give_up(operation)
    // A timer of no time is due at once, also while a message is shown.
    this.advance(this.now_ms)
  }

  /** Takes an operation back. A sender whose message is shown waits for the answer. */
  withdraw(id: number): void {
    const operation = this.operations.get(id)
    if (operation !== undefined) this.interrupt(operation, { status: 'WITHDRAWN', which: 0 })
  }

  /** Takes the message that was offered. */
  take(id: number): void {
    const operation = this.operations.get(id)
    if (operation?.state !== 'offered') return
    const { channel, source, nth } = operation.shown!
    this.end(operation, { status: 'OK', which: nth }, text_of(source))
    this.taken(channel, source)
  }

  /** Closes a channel; gives the status. */
  close(channel: Channel): string {
    if (channel.state === 'closed') return 'CLOSED'
    if (channel.state === 'scrubbed') return 'SCRUBBED'
    channel.state = 'closed'
    this.attempt_all(channel)
    return 'OK'
  }

  /** Drops what is buffered and ends everyone; what is shown is kept only if it is taken. */
  scrub(channel: Channel): string {
    if (channel.state === 'scrubbed') return 'SCRUBBED'
    channel.state = 'scrubbed'
    channel.buffer = channel.buffer.filter((message) => message.out)
    this.attempt_all(channel)
    return 'OK'
  }

  /** Lets the time be `now_ms`; what was due before happens in the order of its time. */
  advance(now_ms: number): void {
    for (;;) {
      const due = this.timers().filter((timer) => timer.at_ms <= now_ms)[0]
      if (due === undefined) break
      this.now_ms = due.at_ms
      this.interrupt(due.operation, due.ending)
    }
    this.now_ms = now_ms
  }

  /** The next time at which something is due. */
  next_ms(): number | undefined { return this.timers()[0]?.at_ms }

  /** What `stat` counts: free messages and messages that are shown, and offers in line. */
  stat(channel: Channel): Record<string, number> {
    const free = (place: Place): boolean => place.operation.state === 'free'
    return {
      capacity: channel.capacity,
      buffered: channel.buffer.length,
      senders: channel.senders.filter(free).length,
      receivers: channel.receivers.filter(free).length,
      closed: channel.state === 'open' ? 0 : 1, out: this.shown(channel)
    }
  }

  // What may happen

  /** Everything that may happen now to a free operation. */
  private possible(operation: Operation): Option[] {
    if (operation.state !== 'free') return []
    return operation.cases.flatMap((one, nth) => {
      const channel = one.channel
      if (channel === undefined) {
        return one.at_ms! <= this.now_ms ? [this.ending(operation, 'OK', nth)] : []
      }
      if (channel.state === 'scrubbed') return [this.ending(operation, 'SCRUBBED', nth)]
      return one.kind === 'send' ? this.possible_send(operation, channel, nth)
        : this.possible_receive(operation, channel, nth)
    })
  }

  private possible_send(operation: Operation, channel: Channel, nth: number): Option[] {
    if (channel.state === 'closed') return [this.ending(operation, 'CLOSED', nth)]
    const place = { operation, nth }
    if (channel.buffer.length < channel.capacity) {
      return [{ events: [ended(operation, 'OK', nth)], apply: () => this.store(channel, place) }]
    }
    if (channel.capacity > 0) return []
    return this.partners(channel.receivers, operation)
      .map((receiver) => this.delivery(channel, place, receiver))
  }

  private possible_receive(operation: Operation, channel: Channel, nth: number): Option[] {
    const place = { operation, nth }
    const message = channel.buffer.find((one) => !one.out)
    if (message !== undefined) return [this.delivery(channel, message, place)]
    if (channel.capacity === 0 && channel.state === 'open') {
      return this.partners(channel.senders, operation)
        .map((sender) => this.delivery(channel, sender, place))
    }
    // A message that is shown keeps its place in the buffer: the end comes after it.
    if (channel.state === 'open' || channel.buffer.length > 0) return []
    return [this.ending(operation, 'CLOSED', nth)]
  }

  /** The places of the first free operation in a line that is not the one that asks. */
  private partners(line: readonly Place[], asking: Operation): Place[] {
    const first = line.find(({ operation }) =>
      operation.state === 'free' && operation !== asking)?.operation
    return line.filter(({ operation }) => operation === first)
  }

  // What happens

  /** Lets one of the possible things happen to an operation, if there is one. */
  private attempt(operation: Operation): void {
    const options = this.possible(operation)
    if (options.length > 0) options[this.judge(options.map(({ events }) => events))]!.apply()
  }

  private attempt_all(channel: Channel): void {
    const all = [...channel.senders, ...channel.receivers]
    for (const { operation } of all) this.attempt(operation)
  }

  /** An operation that must not wait ends when nothing can happen to it. */
  private give_up(operation: Operation): void {
    if (operation.options.try !== true || operation.state !== 'free') return
    if (operation.options.select === true) {
      this.end(operation, { status: 'OK', which: WHICH_DEFAULT })
    } else this.end(operation, { status: 'WOULD_BLOCK', which: 0 })
  }

  /** A message reaches a receiver: taken at once, or shown to one made with `hold`. */
  private delivery(channel: Channel, source: Source, to: Place): Option {
    const receiver = to.operation
    if (receiver.options.hold !== true) {
      const apply = (): void => {
        this.end(receiver, { status: 'OK', which: to.nth }, text_of(source))
        this.taken(channel, source)
      }
      const events = [ended(receiver, 'OK', to.nth, text_of(source))]
      if ('operation' in source) events.push(ended(source.operation, 'OK', source.nth))
      return { events, apply }
    }
    const event: Event = { operation: receiver.id, kind: 'offered', status: 'OK', which: to.nth,
      text: text_of(source) }
    const apply = (): void => {
      receiver.state = 'offered'
      receiver.shown = { channel, source, nth: to.nth }
      if ('operation' in source) source.operation.state = 'held'
      else source.out = true
      this.events.push(event)
    }
    return { events: [event], apply }
  }

  /** A sender's message gets a place in the buffer. */
  private store(channel: Channel, place: Place): void {
    channel.buffer.push({ text: text_of(place), out: false })
    this.end(place.operation, { status: 'OK', which: place.nth })
    this.serve(channel)
  }

  /** A message was received: it leaves its place, and the next sender may have it. */
  private taken(channel: Channel, source: Source): void {
    if ('operation' in source) this.end(source.operation, { status: 'OK', which: source.nth })
    else channel.buffer = channel.buffer.filter((message) => message !== source)
    this.serve(channel)
  }

  /** A message was denied: it is back in its own place, and its sender is free again. */
  private denied(channel: Channel, source: Source): void {
    if ('operation' in source) {
      const sender = source.operation
      sender.state = 'free'
      if (sender.asked.length > 0) {
        const options = sender.asked.map((one) => this.ending(sender, one.status, one.which))
        options[this.judge(options.map(({ events }) => events))]!.apply()
      }
      this.attempt(sender)
      this.give_up(sender)
    } else {
      source.out = false
      if (channel.state === 'scrubbed') channel.buffer = []
    }
    this.serve(channel)
  }

  /** First in line, first served. */
  private serve(channel: Channel): void {
    for (const { operation } of [...channel.senders]) this.attempt(operation)
    for (const { operation } of [...channel.receivers]) this.attempt(operation)
  }

  /** A withdrawal, a timeout or a timer of the operation's own. */
  private interrupt(operation: Operation, ending: Ending): void {
    if (operation.state === 'ended') return
    if (operation.state === 'held') { operation.asked.push(ending); return }
    const shown = operation.shown
    this.end(operation, ending)
    if (shown !== undefined) this.denied(shown.channel, shown.source)
  }

  private ending(operation: Operation, status: string, which: number): Option {
    return {
      events: [ended(operation, status, which)],
      apply: () => this.end(operation, { status, which })
    }
  }

  private end(operation: Operation, { status, which }: Ending, text?: string): void {
    operation.state = 'ended'
    for (const { channel } of operation.cases) {
      if (channel === undefined) continue
      channel.senders = channel.senders.filter((place) => place.operation !== operation)
      channel.receivers = channel.receivers.filter((place) => place.operation !== operation)
    }
    this.operations.delete(operation.id)
    this.events.push(ended(operation, status, which, text))
  }

  /** How many of a channel's messages are shown to somebody who has not decided. */
  private shown(channel: Channel): number {
    return [...this.operations.values()].filter((one) =>
      one.state === 'offered' && one.shown!.channel === channel).length
  }

  private timers(): { at_ms: number, operation: Operation, ending: Ending }[] {
    return [...this.operations.values()].flatMap((operation) => {
      const own = operation.cases.flatMap((one, which) => one.kind !== 'after' ? []
        : [{ at_ms: one.at_ms!, operation, ending: { status: 'OK', which } }])
      const until = operation.options.until_ms
      if (until !== undefined) {
        own.push({ at_ms: until, operation, ending: { status: 'TIMED_OUT', which: 0 } })
      }
      return own.filter(({ ending }) => !operation.asked.some((asked) =>
        asked.status === ending.status && asked.which === ending.which))
    }).sort((a, b) => a.at_ms - b.at_ms)
  }
}

function line_of({ channel, kind }: Case): Place[] {
  return kind === 'send' ? channel!.senders : channel!.receivers
}

function text_of(source: Source): string {
  return 'operation' in source ? source.operation.cases[source.nth]!.text! : source.text
}

function ended(operation: Operation, status: string, which: number, text?: string): Event {
  return { operation: operation.id, kind: 'ended', status, which, text }
}
