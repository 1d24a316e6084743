/**
 * Instances of select.pml: which cores, channels and operations there are, and what may happen.
 *
 * Lives here: the instances, and the rules that can be left out with the instance that shows each.
 * Does not live here: the text that is made of them (select.ts), the rules (select.pml), running
 * spin (check.ts).
 *
 * An operation is written `kind cases [at core] [after operation]`: `select 0! 1?` sends to channel
 * 0 or receives from channel 1. Without `at` every operation and every channel has a core of its
 * own, operations first. Operations are ordered by their number, as arbiters' ids are.
 */
/** One instance. Lists name operations, channels or cores by number. */
export interface SelectInstance {
  name: string
  /** The capacity of each channel. */
  channels: number[]
  /** The core of each channel; by default each has its own. */
  owners?: number[]
  operations: string[]
  /** Operations that may be withdrawn at any moment. */
  abort?: number[]
  close?: number[]
  scrub?: number[]
  /** Cores that may crash, at most `faults` of them in a run. */
  crash?: number[]
  faults?: number
  /** Cores that may be declared left though they live. */
  doubt?: number[]
  /** Cores that may leave with a goodbye, one in a run. */
  parts?: number[]
  /** Operations whose host is asked before a message is taken. */
  asks_host?: number[]
  /** First in, first out, for one reading core. */
  in_order?: boolean
  window?: number
  /** Too large for every run of the tests: searched in CI and by `check.ts --all`. */
  long?: boolean
  /** Millions of states. */
  huge?: boolean
  /** Readers whose host may stop reading for ever. */
  stops?: number[]
}

/** A rule that can be left out, and the instance in which that is seen. */
export interface RuleSwitch { rule: string, instance: string, says: string }

const MIXED = ['select 0! 1?', 'select 0? 1!', 'select 0? 1?', 'send 0!', 'receive 1?']
const FOUR = ['select 0! 1?', 'select 0? 1!', 'send 0!', 'receive 1?']
const RING = ['select 0! 2?', 'select 1! 0?', 'select 2! 1?']
/** More than any instance has. */
export const ALL = [0, 1, 2, 3, 4, 5, 6]

export const INSTANCES: SelectInstance[] = [
  // Two mixed selects that cross on two rendezvous channels, and a third beside them.
  { name: 'cross2', channels: [0, 0], operations: ['select 0! 1?', 'select 0? 1!'],
    abort: ALL, crash: ALL },
  { name: 'cross3', long: true, channels: [0, 0],
    operations: ['select 0! 1?', 'select 0? 1!', 'select 0? 1?'], abort: ALL, crash: ALL },
  { name: 'cross3-first', long: true, channels: [0, 0],
    operations: ['select 0? 1?', 'select 0! 1?', 'select 0? 1!'], abort: ALL, crash: ALL },
  { name: 'cross3-quiet', channels: [0, 0],
    operations: ['select 0! 1?', 'select 0? 1!', 'select 0? 1?'] },
  { name: 'ring3', long: true, channels: [0, 0, 0], operations: RING, abort: ALL, crash: ALL },
  { name: 'ring3-quiet', channels: [0, 0, 0], operations: RING },
  // Two owners, three mixed selects, a plain send and a plain receive.
  { name: 'mixed5-quiet', channels: [0, 1], operations: MIXED },
  { name: 'mixed5-timeouts', channels: [0, 1], operations: MIXED, abort: [3, 4] },
  { name: 'mixed5', long: true, huge: true, channels: [0, 1], operations: MIXED, abort: ALL },
  { name: 'mixed5-crash', long: true, channels: [0, 1], operations: MIXED, crash: ALL },
  { name: 'mixed4', long: true, channels: [0, 1], operations: FOUR, abort: ALL, crash: ALL },
  { name: 'mixed4-close', long: true, channels: [0, 1], operations: FOUR, abort: [0, 2, 3],
    close: ALL },
  { name: 'mixed4-scrub', long: true, channels: [0, 1], operations: FOUR, abort: [0, 2, 3],
    scrub: ALL },
  { name: 'mixed4-rendezvous', long: true, channels: [0, 0],
    operations: ['receive 1?', 'select 0! 1?', 'select 0? 1!', 'send 0!'], abort: ALL,
    crash: ALL },
  // One channel, several matches at once.
  { name: 'fan', channels: [0], operations: ['receive 0?', 'select 0!', 'select 0?', 'send 0!'],
    abort: ALL, crash: ALL, close: ALL },
  { name: 'fan-two-crashes', long: true, channels: [0],
    operations: ['receive 0?', 'select 0!', 'select 0?', 'send 0!'], abort: ALL, crash: ALL,
    faults: 2 },
  { name: 'buffer4', channels: [1],
    operations: ['receive 0?', 'select 0!', 'receive 0?', 'send 0!'], abort: ALL, crash: ALL,
    close: ALL },
  { name: 'buffer-close', channels: [1], operations: ['receive 0?', 'receive 0?', 'send 0!'],
    abort: [0, 1], close: ALL },
  { name: 'same', channels: [0], operations: ['select 0! 0?', 'select 0? 0!', 'select 0?'],
    abort: ALL, crash: ALL, close: ALL },
  { name: 'same4', long: true, channels: [0],
    operations: ['select 0! 0?', 'select 0? 0!', 'receive 0?', 'send 0!'], abort: ALL,
    crash: ALL },
  { name: 'default', long: true, channels: [0, 0],
    operations: ['try 0! 1?', 'select 0? 1!', 'try 0?', 'send 1!'], abort: ALL, crash: ALL },
  // The same with owners and arbiters in one core, whose mail waits while channels are matched.
  { name: 'default-local', channels: [0, 1], owners: [0, 0],
    operations: ['try 0! 1? at 0', 'select 0? 1! at 0', 'try 0? 1? at 1', 'try 0! 1! at 1'],
    abort: ALL, close: ALL },
  { name: 'close-selects', long: true, channels: [0, 0],
    operations: ['select 0! 1?', 'select 0? 1!', 'receive 0?'], abort: ALL, crash: ALL,
    close: ALL },
  { name: 'cross2-two-crashes', channels: [0, 0],
    operations: ['select 0! 1?', 'select 0? 1!', 'receive 0?'], abort: [0, 2], crash: ALL,
    faults: 2 },
  // Owner and arbiter in one core: its mail, and one line of frames for all that two cores share.
  { name: 'one-core', channels: [0, 1], owners: [0, 0],
    operations: ['select 0! 1? at 0', 'select 0? 1! at 0', 'send 0! at 0', 'receive 1? at 0'],
    abort: ALL, close: ALL },
  { name: 'two-cores', channels: [0, 0], owners: [0, 1],
    operations: ['select 0! 1? at 0', 'select 0? 1! at 1', 'select 0? 1? at 0', 'send 0! at 1'],
    abort: ALL, crash: ALL },
  { name: 'two-cores-buffer', channels: [1, 0], owners: [0, 1],
    operations: ['select 0! 1? at 0', 'select 0? 1! at 1', 'receive 0? at 1', 'send 0! at 1'],
    abort: ALL, close: ALL, crash: ALL },
  // Several channels at one owner.
  { name: 'one-owner', long: true, channels: [0, 1], owners: [3, 3],
    operations: ['select 0! 1?', 'select 0? 1!', 'select 0? 1?'], abort: ALL, crash: ALL,
    close: ALL },
  { name: 'one-owner-mixed', long: true, channels: [0, 1, 0], owners: [4, 4, 4],
    operations: ['select 0! 2?', 'select 0? 1!', 'select 1? 2!', 'send 0!'], abort: ALL,
    crash: [0, 4] },
  // Capacity 2.
  { name: 'capacity2', long: true, huge: true, channels: [2],
    operations: ['receive 0?', 'select 0!', 'receive 0?', 'send 0!', 'send 0!'], abort: ALL,
    crash: [0, 1, 5], close: ALL },
  { name: 'capacity2-selects', long: true, huge: true, channels: [2, 0],
    operations: ['select 0! 1?', 'select 0? 1!', 'send 0!', 'select 0! 1!'], abort: ALL,
    crash: [0, 4] },
  // First in, first out for one reader, over all its timeouts.
  { name: 'order', channels: [2], owners: [2], in_order: true,
    operations: ['send 0! at 0', 'send 0! at 0', 'send 0! at 0', 'receive 0? at 1',
      'receive 0? at 1 after 3', 'receive 0? at 1 after 4'], abort: [3, 4, 5] },
  { name: 'order-rendezvous', channels: [0], owners: [2], in_order: true,
    operations: ['send 0! at 0', 'send 0! at 0', 'send 0! at 0', 'receive 0? at 1',
      'receive 0? at 1 after 3', 'receive 0? at 1 after 4'], abort: [3, 4, 5] },
  // A host that is asked before a message is taken.
  { name: 'asks-host', long: true, channels: [0, 1],
    operations: ['select 0! 1?', 'select 0? 1?', 'receive 1?', 'send 1!'], asks_host: [1, 2],
    abort: ALL, crash: [1, 2, 4] },
  // A window of messages sent ahead.
  { name: 'reader', channels: [2], owners: [4], in_order: true, window: 2,
    operations: ['send 0! at 0', 'send 0! at 0', 'send 0! at 0', 'reader 0? at 1'],
    abort: [3], close: ALL, crash: [0, 1] },
  { name: 'reader-selects', channels: [1], window: 2,
    operations: ['select 0!', 'reader 0?', 'send 0!', 'receive 0?'], abort: ALL, crash: [0, 1],
    close: ALL },
  // A reader that stops reading, at a buffer and at a rendezvous.
  { name: 'reader-stops', channels: [0, 1], window: 2,
    operations: ['send 0!', 'reader 0?', 'select 0! 1?', 'send 1!', 'reader 1?'],
    abort: [0, 2, 3], stops: [1, 4] },
  // A peer that is declared left and lives on.
  { name: 'again', channels: [1], operations: ['receive 0?', 'send 0!', 'receive 0?'],
    abort: ALL, doubt: ALL },
  { name: 'again-rendezvous', channels: [0], operations: ['receive 0?', 'send 0!', 'receive 0?'],
    abort: ALL, doubt: ALL, close: ALL },
  { name: 'again-selects', channels: [0, 0],
    operations: ['select 0! 1?', 'select 0? 1!', 'receive 0?'], abort: ALL, doubt: ALL },
  // A peer that says goodbye.
  { name: 'goodbye', channels: [0, 1],
    operations: ['receive 0?', 'send 0!', 'select 0? 1?', 'send 1!'], abort: [0, 1], parts: ALL },
  { name: 'goodbye-selects', long: true, channels: [0, 0],
    operations: ['select 0! 1?', 'select 0? 1!', 'receive 0?'], abort: ALL, parts: ALL },
  { name: 'again-reader', channels: [2], window: 2,
    operations: ['send 0!', 'reader 0?', 'send 0!', 'receive 0?'], doubt: ALL },
]

export const SWITCHES: RuleSwitch[] = [
  { rule: 'RULE_1', instance: 'cross3-quiet', says: 'ids are totally ordered' },
  { rule: 'RULE_4', instance: 'order', says: 'a withdrawal is the only no' },
  { rule: 'RULE_5', instance: 'cross2', says: 'held as a receiver, an abort is at once' },
  { rule: 'RULE_6', instance: 'cross2', says: 'held as a sender, a lost owner means unknown' },
  { rule: 'RULE_9', instance: 'order', says: 'a denied message is back in its own place' },
  { rule: 'RULE_10', instance: 'fan', says: 'a plain receive is claimed last and never held' },
  { rule: 'RULE_11', instance: 'cross2', says: 'the receiver\'s grant commits the sender' },
  { rule: 'RULE_13', instance: 'cross2', says: 'a hold without a partner is released' },
  { rule: 'RULE_16', instance: 'fan', says: 'a withdrawn send waits for the answer' },
  { rule: 'RULE_17_OUT', instance: 'buffer-close', says: 'closed comes after what is out' },
  { rule: 'RULE_17_CLOSED', instance: 'fan', says: 'a sender whose message is out waits' },
  { rule: 'RULE_21', instance: 'default-local', says: 'nothing ready is said after the matches' },
  { rule: 'RULE_23', instance: 'goodbye', says: 'nothing is taken after a goodbye' },
  { rule: 'RULE_24', instance: 'reader-stops', says: 'a rendezvous channel has no window' },
  { rule: 'RULE_22', instance: 'again', says: 'a message that comes back is marked' },
  { rule: 'RULE_22_PLAIN', instance: 'again-rendezvous',
    says: 'a marked send that is not done says unknown' },
  { rule: 'RULE_22_SELECT', instance: 'again-selects',
    says: 'a select whose message was out to a receiver declared left ends as unknown' },
]
