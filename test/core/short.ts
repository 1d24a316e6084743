/**
 * A host that takes the second door whenever it may, and writes records for the rest.
 *
 * Lives here: sends, receives, lists and selects without records, told as a completion would. Does
 * not live here: records (host.ts), what is expected of either (now.test.ts).
 *
 * Invariant: NOW_RECORD has changed nothing that a test can see: no payload, no operation.
 */
import { Host, REF_REMOTE, WHICH_DEFAULT, constants } from './host.ts'
import type { Case, Options, Output } from './host.ts'
import { bytes_of, limits, status_name } from './door.ts'
import type { Call } from './door.ts'

const now = constants('now')
const TRY = constants('op_flag').try!
const { part: PART = 0, unknown: UNKNOWN = 0 } = constants('completion_flag')
const names = new Map(Object.entries(now).map(([name, value]) => [value, name]))

/** What is to be said: a send to others (ABI-49, ABI-54), what was read (ABI-48), or nothing. */
export type Owed = 'sent' | 'read' | 'nothing'

export class ShortHost extends Host {
  /** How often each answer came. */
  readonly answers: Record<string, number> = { record: 0, done: 0, parked: 0, none: 0 }
  /** How often each call gave each answer: `read_now done`, `send_many_now of 3`. */
  readonly calls = new Map<string, number>()
  /** Selects that parked in a call, with the payloads of their sends. */
  private readonly selects = new Map<number, number[]>()
  /** Lists to other peers: for the core's one operation one for each of its messages. */
  private readonly lists = new Map<number, number[]>()
  /** Called when the core was asked something that a run may have to say to others. */
  later: ((owed: Owed) => void) | undefined

  /** Whether calls without a record may be made now. */
  get idle(): boolean { return this.pending.length === 0 && !this.batching }

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
      this.told(op, 'OK')
      this.met(this.door.cell('now_op'), payload)
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
    if ((ref & REF_REMOTE) !== 0) return this.send_list_away(ref, payloads)
    const sent = this.door.now('send_many_now', ref, texts.length)
    this.called(`send_many_now of ${sent}`)
    if (sent > 0) this.went_ahead()
    for (const payload of payloads.slice(sent)) this.back(payload)
    return this.entries_of(sent).map(([payload, other], nth) => {
      if (payload !== payloads[nth]) throw new Error('the list of payloads was changed')
      const op = this.op('send')
      this.told(op, 'OK')
      this.met_in_list(other, payload)
      return op
    })
  }

  private send_list_away(ref: number, payloads: readonly number[]): number[] {
    const list = this.op('list')
    const sent = this.door.now('send_list_now', list, ref, payloads.length)
    this.called(`send_list_now of ${sent}`)
    if (sent > limits.LIST_AWAY_MAX!) throw new Error(`a list of ${sent}`)
    for (const payload of payloads.slice(sent)) this.back(payload)
    if (sent === 0) {
      this.forget(list)
      return []
    }
    this.lists.set(list, payloads.slice(0, sent).map(() => this.op('send')))
    this.later?.('sent')
    return [...this.lists.get(list)!]
  }

  /** Receives what is there, at most `most`. Gives the operations that have the messages. */
  receive_list(ref: number, most: number): number[] {
    return this.take_list('receive', 'receive_many_now', ref, most)
  }

  /** The same through a reader. */
  read_list(reader: number, most: number): number[] {
    const ops = this.take_list('read', 'read_many_now', reader, most)
    if (ops.length > 0) this.later?.('read')
    return ops
  }

  private take_list(kind: string, call: Call, from: number, most: number): number[] {
    const received = this.door.now(call, from, most)
    this.called(`${call} of ${received}`)
    return this.entries_of(received).map(([payload, other]) => {
      const op = this.op(kind)
      this.told(op, 'OK', payload)
      this.met_in_list(other)
      return op
    })
  }

  /** Only the last that a list met may be a select. */
  private met_in_list(other: number, payload = 0): void {
    if (this.selects.has(other)) this.met(other, payload)
    else if (other !== 0) this.told(other, 'OK', payload)
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

  override select(cases: readonly Case[], options: Options = {}): number {
    const far = cases.some(({ after, refs }) => after !== undefined || refs !== undefined)
    if (far || !this.may(options)) return super.select(cases, options)
    const op = this.op('select')
    const payloads = cases.map(({ send, text }) => send === undefined ? 0 : this.give(text ?? ''))
    this.door.write(cases.flatMap(({ receive, send, text }, nth) =>
      [(receive ?? send)!, payloads[nth]!, bytes_of(text ?? '').length]))
    const found = this.asked('select_now', op, cases.length, flags_of(options))
    if (found === 'parked') this.selects.set(op, payloads)
    else if (found === 'done') this.chosen(op, payloads)
    else for (const payload of payloads) if (payload !== 0) this.back(payload)
    if (found === 'none') this.told(op, 'OK', 0, WHICH_DEFAULT)
    if (found !== 'record') return op
    this.forget(op)
    return super.select(cases, options)
  }

  /** A select that was done at once, with the payloads of its sends. */
  private chosen(op: number, payloads: readonly number[]): void {
    const which = this.door.cell('now_which')
    payloads.forEach((payload, nth) => {
      if (nth !== which && payload !== 0) this.back(payload)
    })
    const sent = payloads[which]!
    this.told(op, 'OK', sent === 0 ? this.door.cell('now_payload') : 0, which)
    this.met(this.door.cell('now_op'), sent)
  }

  /** What ended together with an operation: nothing, or one that may have a message. */
  private met(other: number, payload = 0): void {
    if (other === 0) return
    const which = this.door.cell('now_case') - 1
    const payloads = this.selects.get(other)
    if ((payloads !== undefined) !== (which >= 0)) throw new Error('now_case of another operation')
    payloads?.forEach((one, nth) => { if (nth !== which && one !== 0) this.back(one) })
    if (payloads !== undefined) this.called('a select was met')
    this.told(other, 'OK', payload, Math.max(0, which))
  }

  protected override complete(record: Output): void {
    const { op, status, which, flags, value } = record.fields
    const ops = this.lists.get(op!)
    this.selects.delete(op!)
    if (ops === undefined) return super.complete(record)
    if (value === 0) throw new Error('an end of none of a list')
    for (const one of ops.slice(which, which! + value!)) {
      this.told(one, status_name(status!), 0, 0, (flags! & UNKNOWN) !== 0)
    }
    if (which! + value! > ops.length) throw new Error(`an end of more than a list of ${ops.length}`)
    if ((flags! & PART) !== 0) return
    this.lists.delete(op!)
    this.forget(op!)
    if (ops.some((one) => this.running.has(one))) throw new Error('a list ends before its sends')
  }

  private may({ timeout = 0, hold, refs = [] }: Options): boolean {
    return timeout === 0 && hold !== true && refs.length === 0 && this.idle
  }

  private asked(name: Call, ...values: number[]): string {
    const found = names.get(this.door.now(name, ...values))!
    this.answers[found]! += 1
    this.called(`${name} ${found}`)
    if (found === 'done' || found === 'parked') this.later?.(owed_of(name, values))
    const sends = name === 'send_now' || name === 'select_now'
    if (found === 'done' && sends && this.door.cell('now_op') === 0) this.went_ahead()
    return found
  }

  /** What was sent may be on its way to a reader elsewhere (ABI-54). */
  private went_ahead(): void {
    if (this.door.cell('now_out') === 0) return
    this.called('sent where messages are out')
    this.later?.('sent')
  }

  private called(how: string): void { this.calls.set(how, (this.calls.get(how) ?? 0) + 1) }

  private took(op: number): void {
    this.told(op, 'OK', this.door.cell('now_payload'))
    this.met(this.door.cell('now_op'))
  }

  private forget(op: number): void {
    this.running.delete(op)
    this.reuse(op)
  }

  /** What the record of a completion would have said. */
  private told(op: number, status: string, payload = 0, which = 0, unknown = false): void {
    this.selects.delete(op)
    if (!this.running.delete(op)) throw new Error(`an end of ${op}, which is not under way`)
    this.reuse(op)
    const text = payload === 0 ? undefined : this.back(payload)
    this.outcomes.set(op, {
      op, status, which, value: 0, payload_bytes: text === undefined ? 0 : bytes_of(text).length,
      refs: [], text, again: false, shared: false, unknown
    })
  }
}

function owed_of(name: Call, [, ref]: readonly number[]): Owed {
  if (name === 'send_now' && (ref! & REF_REMOTE) !== 0) return 'sent'
  return name === 'read_now' ? 'read' : 'nothing'
}

function flags_of(options: Options): number {
  return options.try === true ? TRY : 0
}
