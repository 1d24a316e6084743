/**
 * A channel machine in plain TypeScript: what the core does for a rendezvous, written as one would
 * without a core. Operations in, completions out, by number, as at the core's door.
 *
 * Lives here: send and receive of unbuffered channels, first come first served. Does not live here:
 * all else that the core does; it is a yardstick.
 */

/** What an operation ended with; `payload` is 0 for a send. */
export interface PlainCompletion { op: number, status: number, payload: number }

interface Waiter { op: number, payload: number }

interface PlainChannel { senders: Waiter[], receivers: Waiter[] }

/** Channels by number; completions are gathered until they are taken. */
export class PlainMachine {
  readonly #channels: PlainChannel[] = []
  #completions: PlainCompletion[] = []

  make(): number {
    return this.#channels.push({ senders: [], receivers: [] }) - 1
  }

  send(op: number, channel: number, payload: number): void {
    const { senders, receivers } = this.#channels[channel]!
    const receiver = receivers.shift()
    if (receiver === undefined) senders.push({ op, payload })
    else this.#pair({ op, payload }, receiver.op)
  }

  receive(op: number, channel: number): void {
    const { senders, receivers } = this.#channels[channel]!
    const sender = senders.shift()
    if (sender === undefined) receivers.push({ op, payload: 0 })
    else this.#pair(sender, op)
  }

  take(): PlainCompletion[] {
    const completions = this.#completions
    this.#completions = []
    return completions
  }

  #pair(sender: Waiter, receiver: number): void {
    this.#completions.push({ op: receiver, status: 0, payload: sender.payload })
    this.#completions.push({ op: sender.op, status: 0, payload: 0 })
  }
}
