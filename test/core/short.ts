/**
 * A host that takes the second door whenever it may, and writes records for the rest.
 *
 * Lives here: sends, receives, lists and choices without records, told as a completion would. Does
 * not live here: records (host.ts), what is expected of either (now.test.ts).
 *
 * Invariant: NOW_RECORD has changed nothing that a test can see: no payload, no operation.
 */
import { Host, constants } from './host.ts'
import type { Options } from './host.ts'
import { bytes_of, limits } from './door.ts'
import type { Call } from './door.ts'

const now = constants('now')
const TRY = constants('op_flag').try!
const names = new Map(Object.entries(now).map(([name, value]) => [value, name]))

export class ShortHost extends Host {
  /** How often each answer came. */
  readonly answers: Record<string, number> = { record: 0, done: 0, parked: 0, none: 0 }
  /** Called when the core was asked something that no run has said to others yet. */
  later: (() => void) | undefined

  override send(ref: number, text: string, options: Options = {}): number {
    if (!this.may(options)) return super.send(ref, text, options)
    const op = this.op('send')
    const payload = this.give(text)
    const bytes = options.bytes ?? bytes_of(text).length
    const found = this.asked('send_now', op, ref, payload, bytes, flags_of(options))
    if (found === 'record') {
      this.back(payload)
      this.forget(op)
      return super.send(ref, text, options)
    }
    if (found === 'none') {
      this.back(payload)
      this.told(op, 'WOULD_BLOCK')
    } else if (found === 'done') {
      const other = this.door.cell('now_op')
      this.told(op, 'OK')
      if (other !== 0) this.told(other, 'OK', payload)
    }
    return op
  }

  override receive(ref: number, options: Options = {}): number {
    if (!this.may(options)) return super.receive(ref, options)
    const op = this.op('receive')
    const found = this.asked('receive_now', op, ref, flags_of(options))
    if (found === 'record') {
      this.forget(op)
      return super.receive(ref, options)
    }
    if (found === 'none') this.told(op, 'WOULD_BLOCK')
    else if (found === 'done') this.took(op)
    return op
  }

  /** Sends a list as far as one call takes it. Gives the operations of what was sent. */
  send_list(ref: number, texts: readonly string[]): number[] {
    const payloads = texts.map((text) => this.give(text))
    this.door.write(texts.flatMap((text, nth) => [payloads[nth]!, bytes_of(text).length]))
    const sent = this.door.now('send_many_now', ref, texts.length)
    for (const payload of payloads.slice(sent)) this.back(payload)
    return this.entries_of(sent).map(([payload, other], nth) => {
      if (payload !== payloads[nth]) throw new Error('the list of payloads was changed')
      const op = this.op('send')
      this.told(op, 'OK')
      if (other !== 0) this.told(other, 'OK', payload)
      return op
    })
  }

  /** Receives what is there, at most `most`. Gives the operations that have the messages. */
  receive_list(ref: number, most: number): number[] {
    const received = this.door.now('receive_many_now', ref, most)
    return this.entries_of(received).map(([payload, other]) => {
      const op = this.op('receive')
      this.told(op, 'OK', payload)
      if (other !== 0) this.told(other, 'OK')
      return op
    })
  }

  /** The list that a call has left. */
  private entries_of(count: number): [number, number][] {
    if (count > limits.LIST_NOW_MAX!) throw new Error(`a list of ${count}`)
    const cells = this.door.written(2 * count)
    const list = Array.from({ length: count }, (_, nth): [number, number] =>
      [cells[2 * nth]!, cells[2 * nth + 1]!])
    const met = list.filter(([, other]) => other !== 0).length
    if (met !== this.door.cell('now_op')) throw new Error(`now_op is not ${met}`)
    return list
  }

  override read(reader: number, timeout = 0): number {
    // What is there comes at once, whatever the time that it might have taken.
    if (!this.may({})) return super.read(reader, timeout)
    const op = this.op('read')
    if (this.asked('read_now', reader) === 'done') {
      this.took(op)
      return op
    }
    this.forget(op)
    return super.read(reader, timeout)
  }

  /** A choice among receives: the case and the operation that has its message; else the answer. */
  choose(...refs: number[]): { which: number, op: number } | string {
    this.door.write(refs)
    const found = this.asked('choose_now', refs.length)
    if (found !== 'done') return found
    const which = this.door.cell('now_which')
    const op = this.op('select')
    this.took(op)
    return { which, op }
  }

  private may({ timeout = 0, hold, refs = [] }: Options): boolean {
    return timeout === 0 && hold !== true && refs.length === 0 &&
      this.pending.length === 0 && !this.batching
  }

  private asked(name: Call, ...values: number[]): string {
    const found = names.get(this.door.now(name, ...values))!
    this.answers[found]! += 1
    if (found === 'done' || found === 'parked') this.later?.()
    return found
  }

  private took(op: number): void {
    const other = this.door.cell('now_op')
    this.told(op, 'OK', this.door.cell('now_payload'))
    if (other !== 0) this.told(other, 'OK')
  }

  private forget(op: number): void {
    this.running.delete(op)
    this.reuse(op)
  }

  /** What the record of a completion would have said. */
  private told(op: number, status: string, payload = 0): void {
    if (!this.running.delete(op)) throw new Error(`an end of ${op}, which is not under way`)
    this.reuse(op)
    const text = payload === 0 ? undefined : this.back(payload)
    this.outcomes.set(op, {
      op, status, which: 0, value: 0, payload_bytes: text === undefined ? 0 : bytes_of(text).length,
      refs: [], text, again: false, shared: false, unknown: false
    })
  }
}

function flags_of(options: Options): number {
  return options.try === true ? TRY : 0
}
