/**
 * Waiters, channels and the queues between them: shapes and lists, no decisions.
 *
 * Lives here: the structs of an offer (Waiter), of a channel and of an operation, queues in order
 * of arrival, the list of channels that want matching. Does not live here: who is matched with
 * whom (match), what a grant or a withdrawal does (claim), what an operation is (operation).
 *
 * A Waiter is one offer as its owner sees it, as its arbiter sees it, or both when channel and
 * operation live in the same core:
 *   op ≠ 0, channel ≠ 0   both here
 *   op ≠ 0, channel = 0   our operation, the channel is at `peer` ("away")
 *   op = 0, channel ≠ 0   the operation is at `peer` ("parked"), or a stored message
 *
 * Invariants: a waiter stands in at most one queue; queues are in order of `seq`; free senders,
 * free receivers and free messages are in their queues, engaged waiters in `engaged`.
 */
import { alloc, is, release } from './heap'
import { Payload } from './payload'
import { Out, Peer } from './peer'
import { Text } from './bytes'
import { Table, table_new } from './table'
import { Timer } from './timer'

// The rooms above speak of operations and offers, and take these with them from here.
export { is } from './heap'
export { no_peer } from './peer'
export { no_payload } from './payload'

/** Phases of an offer at its owner; the model in spec/models uses the same numbers. */
export const FREE: u8 = 1
/** A partner is being held first; nothing is out on this one. */
export const RESERVED: u8 = 2
/** A hold claim is out. */
export const CLAIMED: u8 = 3
/** In hand: a held offer, or a plain send or message that is matched. */
export const HELD: u8 = 4
/** A firm claim is out. */
export const FIRM: u8 = 5
/** A hold claim is out but the partner is gone: its grant is answered with unhold. */
export const ZOMBIE: u8 = 6
/** The sender is dead while its message is out. */
export const SHIPPED: u8 = 7

/** What a CLAIMED or FIRM offer is about. */
export const AIM_PARTNER: u8 = 0
export const AIM_ROOM: u8 = 1
export const AIM_END: u8 = 2
export const AIM_LATCH: u8 = 3

export const SEND: u8 = 1
export const RECEIVE: u8 = 2

export const IS_SELECT: u8 = 1
export const IS_TRY: u8 = 2
/** A message in the buffer; its sender was told. */
export const IS_STORED: u8 = 4
export const IS_READER: u8 = 8
/** The message comes back from a receiver that was declared left. */
export const IS_AGAIN: u8 = 16
/** A plain send whose withdrawal waits for the answer of a receiver. */
export const IS_ASKED: u8 = 32
/** Was struck while its mail was under way: freed when the mail is opened. */
export const IS_STRUCK: u8 = 64
/** An away offer that was handed to the session. */
export const IS_SENT: u8 = 128

// @ts-ignore: decorator
@unmanaged
export class Queue {
  first: Waiter
  last: Waiter
}

/** The fields up to `status` are there for every offer, those behind it only for a wide one. */
// @ts-ignore: decorator
@unmanaged
export class Waiter {
  next: Waiter
  previous: Waiter
  queue: Queue
  channel: Channel
  op: Operation
  peer: Peer
  case_next: Waiter
  /** Next in the mail or, later, in an operation's line of claims. */
  line_next: Waiter
  partner: Waiter
  payload: Payload
  /** Its place in line. Away: the number of the last frame about it; a reader's window before. */
  seq: u32
  which: u8
  /** All but an offer of an operation of this core at a channel of this core. */
  wide: bool
  phase: u8
  aim: u8
  direction: u8
  flags: u8
  /** What the mail or the claim in line says: MAIL_… */
  mail: u8
  status: u8
  peer_next: Waiter
  peer_previous: Waiter
  /** A reader's part at the owner (READER only). */
  outs: Outs
  /** At the owner: the deliver for it that its peer has not acknowledged, or null. */
  unheard: Out
  /**
   * Away: the reference. Parked: the id of the select, for the order of selects. Stored: the peer
   * whose message it is (0: this one), by its index.
   */
  key: u32
  /** The arbiter's number of the offer. Stored: the message's bytes. */
  offer: u32
}

/** What a reader has out: messages in order, and how many more it may get. */
// @ts-ignore: decorator
@unmanaged
export class Outs {
  first: Waiter
  last: Waiter
  count: u32
  credit: u32
  /** The channel's end was told; the reader goes when its last message was granted. */
  ended: bool
}

// @ts-ignore: decorator
@unmanaged
export class Channel {
  id: u32
  capacity: u32
  /** Places of the buffer in use: messages, also those out on a claim, and reserved rooms. */
  used: u32
  /** Offers with try among them. */
  tries: u32
  /** Counts of the reference: the host's handles and messages that carry it. */
  count: u32
  /** Waiters of any kind that point here, without stored messages. */
  waiters: u32
  /** Its path here, or null. */
  anchor: Text
  /** The peer that made it (0: this one), for its bound. */
  maker: Peer
  dirty_next: Channel
  // These four are one word: the short way looks at all of them, or at all but the first, at once.
  closed: bool
  dirty: bool
  scrubbed: bool
  latch: bool
  /** A reference to it has left this core: kept until it is scrubbed. */
  exported: bool
  senders_first: Waiter
  senders_last: Waiter
  receivers_first: Waiter
  receivers_last: Waiter
  messages_first: Waiter
  messages_last: Waiter
  engaged_first: Waiter
  engaged_last: Waiter
}

/** The fields up to `wide` are there for every operation, those behind it only for a wide one. */
// @ts-ignore: decorator
@unmanaged
export class Operation {
  id: u32
  first: Waiter
  holder: Waiter
  timer: Timer
  /** Of a request: the peer it went to. Of a read: the reader. `next`, `previous`: their lists. */
  subject: usize
  kind: u8
  state: u8
  hold: bool
  /** A case that met an error while another held the operation: its status; 0 none. */
  lost: u8
  /** An abort that waits for the outcome of a hold: its status; 0 none. */
  abort: u8
  /** A request's flags (list). */
  flags: u8
  /** It parked on the short way (now): without a timer, and not to be held. */
  plain: bool
  /** All but those that began as a send or a receive. */
  wide: bool
  /** Of a list: its offers that have not ended. They are not in its list of cases. */
  sends: u32
  line_first: Waiter
  line_last: Waiter
  /** The next of the select's timers, and whose case it is. */
  after: Timer
  next: Operation
  previous: Operation
  /** What a request asked for: the input record's kind. */
  verb: u32
  cases: u16
  nones: u16
  lost_case: u16
  after_case: u16
  /** Of a list of all: members up to this place were not asked yet. */
  unasked: u16
}

/** What an offer takes that is not wide. */
export const NARROW_WAITER_BYTES: u32 = offsetof<Waiter>('peer_next')
/** What an operation takes that is not wide. */
export const NARROW_OPERATION_BYTES: u32 = offsetof<Operation>('line_first')

export const no_waiter: Waiter = changetype<Waiter>(0)
export const no_channel: Channel = changetype<Channel>(0)
export const no_operation: Operation = changetype<Operation>(0)
const no_queue: Queue = changetype<Queue>(0)

// @ts-ignore: decorator
@inline export function senders(c: Channel): Queue {
  return changetype<Queue>(changetype<usize>(c) + offsetof<Channel>('senders_first'))
}
// @ts-ignore: decorator
@inline export function receivers(c: Channel): Queue {
  return changetype<Queue>(changetype<usize>(c) + offsetof<Channel>('receivers_first'))
}
// @ts-ignore: decorator
@inline export function messages(c: Channel): Queue {
  return changetype<Queue>(changetype<usize>(c) + offsetof<Channel>('messages_first'))
}
// @ts-ignore: decorator
@inline export function engaged(c: Channel): Queue {
  return changetype<Queue>(changetype<usize>(c) + offsetof<Channel>('engaged_first'))
}

export let channels: Table = changetype<Table>(0)
let arrivals: u32 = 0
let dirty_first: Channel = no_channel
let dirty_last: Channel = no_channel

export function waiters_open(): void {
  channels = table_new()
}

// @ts-ignore: decorator
@inline export function flagged(w: Waiter, flag: u8): bool { return (w.flags & flag) != 0 }

export function waiter_new(direction: u8, wide: bool): Waiter {
  const w = changetype<Waiter>(alloc(wide ? offsetof<Waiter>() : NARROW_WAITER_BYTES))
  w.direction = direction
  w.wide = wide
  return w
}

export function waiter_free(w: Waiter): void {
  assert(!is(w.queue), 'a waiter freed in a queue')
  const wide = w.wide
  if (wide && is(w.outs)) release(changetype<usize>(w.outs), offsetof<Outs>())
  release(changetype<usize>(w), wide ? offsetof<Waiter>() : NARROW_WAITER_BYTES)
}

/** The next number in the order of arrival. */
export function arrival(): u32 {
  return ++arrivals
}

/** Puts a waiter at its place by `seq`. Almost always the place is at one of the ends. */
export function queue_put(q: Queue, w: Waiter): void {
  assert(!is(w.queue), 'a waiter in two queues')
  w.queue = q
  let before = q.last
  if (is(before) && <i32>(w.seq - before.seq) < 0) {
    let after = q.first
    while (<i32>(after.seq - w.seq) < 0) after = after.next
    before = after.previous
    w.next = after
    after.previous = w
  } else {
    w.next = no_waiter
    q.last = w
  }
  w.previous = before
  if (is(before)) before.next = w
  else q.first = w
}

/** At the end, whatever its `seq` (the engaged list has no order). */
export function queue_push(q: Queue, w: Waiter): void {
  assert(!is(w.queue), 'a waiter in two queues')
  w.queue = q
  w.next = no_waiter
  w.previous = q.last
  if (is(q.last)) q.last.next = w
  else q.first = w
  q.last = w
}

export function queue_take(w: Waiter): void {
  const q = w.queue
  if (!is(q)) return
  if (is(w.previous)) w.previous.next = w.next
  else q.first = w.next
  if (is(w.next)) w.next.previous = w.previous
  else q.last = w.previous
  w.queue = no_queue
}

/** The queue in which this waiter stands while it is free. */
// @ts-ignore: decorator
@inline export function home(w: Waiter): Queue {
  if (flagged(w, IS_STORED)) return messages(w.channel)
  return w.direction == SEND ? senders(w.channel) : receivers(w.channel)
}

/** Marks a channel for matching at the end of this step. */
export function dirty(c: Channel): void {
  if (c.dirty) return
  c.dirty = true
  c.dirty_next = no_channel
  if (is(dirty_last)) dirty_last.dirty_next = c
  else dirty_first = c
  dirty_last = c
}

/** The next channel that wants matching, or null. */
export function dirty_take(): Channel {
  const c = dirty_first
  if (!is(c)) return c
  dirty_first = c.dirty_next
  if (!is(dirty_first)) dirty_last = no_channel
  c.dirty = false
  return c
}

/** Engages a free waiter: out of its queue, into the engaged list. */
export function engage(w: Waiter, phase: u8): void {
  queue_take(w)
  queue_push(engaged(w.channel), w)
  w.phase = phase
}
