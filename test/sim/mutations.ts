/**
 * Deliberate bugs in the core, one at least for each invariant.
 *
 * Lives here: which text of which file becomes which, what that breaks, and within how many seeds
 * it must be noticed. Does not live here: compiling and trying them (mutant.ts, mutations.test.ts).
 *
 * Invariant: `find` stands exactly once in its file; a change of the core that moves it changes it
 * here too, or finds another bug of the same kind.
 */
import type { Faults } from './draw.ts'

export interface Mutation {
  /** What the core does wrong. */
  bug: string
  file: string
  find: string
  put: string
  /** The core asserts its invariants after each run, so that it notices by itself. */
  checked?: true
  /** The invariant that notices it. */
  caught_by: string
  /** Programs with these faults show it, one of the seeds 1 … `within` at the latest. */
  faults: Faults
  /** In bursts: the first `within` of them. */
  bursts?: true
  within: number
}

export const MUTATIONS: readonly Mutation[] = [
  {
    bug: 'the timer of an operation outlives it',
    file: 'operation.ts', find: 'if (is(op.timer)) timer_clear(op.timer)', put: '',
    caught_by: 'no_fault', faults: 'none', within: 40
  },
  {
    bug: 'who is declared left before its ack comes is attached (SES-40)',
    file: 'hello.ts', find: '  if (incarnation <= peer.left_incarnation) return link_refuse(',
    put: '  if (false) return link_refuse(', checked: true,
    caught_by: 'no_fault', faults: 'moments', within: 1500
  },
  {
    bug: 'a payload that was given away is dropped as well',
    file: 'payload.ts', find: 'if (!gift) drop_handle(payload.handle)',
    put: 'drop_handle(payload.handle)',
    caught_by: 'the_door_holds', faults: 'none', within: 40
  },
  {
    bug: 'a message is handed over under the name of another payload',
    file: 'operation.ts',
    find: 'store<u32>(out + OUT_COMPLETION_PAYLOAD, handle)',
    put: 'store<u32>(out + OUT_COMPLETION_PAYLOAD, min<u32>(handle, 1))',
    caught_by: 'nothing_is_invented', faults: 'none', within: 40
  },
  {
    bug: 'of plain sends that are told together the last is left out',
    file: 'post.ts', find: 'put_u32(count == 1 ? ERROR_OK : count)',
    put: 'put_u32(count == 1 ? ERROR_OK : count - 1)',
    caught_by: 'every_operation_ends', faults: 'none', within: 200
  },
  {
    bug: 'of sends that go together the last is left out when one waits (WIRE-39)',
    file: 'parked.ts', find: '      fits = sends ? send_in(',
    put: '      if (sends && count == 1 && ref_channel(channel).senders_first) {\n'
      + '        payload_done(payload)\n      } else fits = sends ? send_in(',
    caught_by: 'every_operation_ends', faults: 'none', bursts: true, within: 100
  },
  {
    bug: 'a frame of sends grows after it was given to a link (WIRE-39)',
    file: 'post.ts', find: '<i32>(series.number - peer.sent) > 0) {',
    put: '(kind == FRAME_OFFER_SENDS || <i32>(series.number - peer.sent) > 0)) {',
    caught_by: 'every_operation_ends', faults: 'none', bursts: true, within: 100
  },
  {
    bug: 'a frame of messages for a reader grows after it was given to a link (WIRE-40)',
    file: 'post.ts', find: '<i32>(series.number - peer.sent) > 0) {',
    put: '(kind == FRAME_DELIVERS || <i32>(series.number - peer.sent) > 0)) {',
    caught_by: 'accepted_is_kept', faults: 'none', bursts: true, within: 300
  },
  {
    bug: 'of messages for a reader that come together the last is left out (WIRE-40)',
    file: 'parked.ts', find: ': delivered(away_find(peer, offer), payload, false)',
    put: ': delivered(away_find(peer, count == 1 ? 0 : offer), payload, false)',
    caught_by: 'accepted_is_kept', faults: 'none', bursts: true, within: 100
  },
  {
    bug: 'messages that a reader took back are sent again (LIM-14)',
    file: 'session.ts', find: '    changetype<Series>(out).count = 0\n', put: '',
    caught_by: 'the_door_holds', faults: 'cuts', bursts: true, within: 1000
  },
  {
    bug: 'the end of one message of a list is told as that of another (ABI-52)',
    file: 'away.ts', find: 'w.which = <u8>nth', put: 'w.which = <u8>max<u32>(nth, 1) - 1',
    caught_by: 'the_door_holds', faults: 'none', bursts: true, within: 100
  },
  {
    bug: 'a select says the wrong case with the message',
    file: 'select.ts', find: 'complete_message(op, which, flags, payload)',
    put: 'complete_message(op, op.cases > 1 && which == 1 ? 0 : which, flags, payload)',
    caught_by: 'partners_agree', faults: 'none', within: 200
  },
  {
    bug: 'only the first reference of a message comes along',
    file: 'operation.ts', find: 'store<u32>(out + OUT_COMPLETION_REFS_COUNT, refs_count)',
    put: 'store<u32>(out + OUT_COMPLETION_REFS_COUNT, min<u32>(refs_count, 1))',
    caught_by: 'references_come_along', faults: 'none', within: 60
  },
  {
    bug: 'a message that was taken stays in the buffer',
    file: 'claim.ts', find: '    x.channel.used--\n    gone(x)\n  } else answer(x, ERROR_OK)',
    put: '    x.payload.count++\n    free(x)\n  } else answer(x, ERROR_OK)',
    caught_by: 'at_most_once', faults: 'none', within: 60
  },
  {
    bug: 'a message that comes back from a dead receiver is not marked',
    file: 'claim.ts', find: 'if (died) x.flags |= IS_AGAIN', put: '',
    caught_by: 'at_most_once', faults: 'freezes', within: 2000
  },
  {
    bug: 'a message that a receiver did not want is marked again',
    file: 'claim.ts', find: 'if (died) x.flags |= IS_AGAIN', put: 'x.flags |= IS_AGAIN',
    caught_by: 'again_only_after_left', faults: 'none', within: 100
  },
  {
    bug: 'a message that a receiver did not want is dropped (PROTOCOL 9)',
    file: 'claim.ts', find: '      c.used--\n      gone(x)\n    } else free(x)',
    put: '      c.used--\n      gone(x)\n    } else { c.used--; gone(x) }',
    caught_by: 'accepted_is_kept', faults: 'none', within: 200
  },
  {
    bug: 'a send whose owner died says not done (PROTOCOL 6)',
    file: 'select.ts', find: 'complete_sends(op, ERROR_LEFT, which, sent ? unknown : 0, 1)',
    put: 'complete_sends(op, ERROR_LEFT, which, 0, 1)',
    caught_by: 'refused_is_not_seen', faults: 'stalls', within: 1000
  },
  {
    bug: 'a send that is withdrawn does not wait for the outcome (PROTOCOL 16)',
    file: 'select.ts', find: 'else if (flagged(w, IS_SENT)) say_ask(w)',
    put: 'else if (flagged(w, IS_SENT)) { say_ask(w); end_operation(op, status, 0, 0) }',
    caught_by: 'withdrawn_has_no_effect', faults: 'none', within: 100
  },
  {
    bug: 'a receive that is withdrawn waits on (PROTOCOL 5)',
    file: 'select.ts', find: 'if (op.state == OP_HELD && op.holder.direction == SEND) {',
    put: 'if (op.state == OP_HELD && op.holder.direction == SEND || op.kind == KIND_RECEIVE) {',
    caught_by: 'a_withdrawal_is_exact', faults: 'none', within: 100
  },
  {
    bug: 'a timeout is twice as long',
    file: 'operation.ts', find: 'if (ms != 0) op.timer = timer_set(ms,',
    put: 'if (ms != 0) op.timer = timer_set(ms * 2,',
    caught_by: 'timeouts_are_exact', faults: 'none', within: 60
  },
  {
    bug: 'a select that is held grants another hold (PROTOCOL 3)',
    file: 'select.ts', find: '  if (op.state != OP_FREE) {\n    line_push(op, w, MAIL_HOLD)',
    put: '  if (op.state == OP_OFFERED) {\n    line_push(op, w, MAIL_HOLD)',
    caught_by: 'exactly_one_case', faults: 'none', within: 300
  },
  {
    bug: 'who came last is served first',
    file: 'channel.ts', find: '  w.phase = FREE\n  w.seq = arrival()',
    put: '  w.phase = FREE\n  w.seq = 0x7fffffff - arrival()',
    caught_by: 'order_per_sender', faults: 'none', within: 300
  },
  {
    bug: 'a message that comes back goes to the end (PROTOCOL 9)',
    file: 'claim.ts', find: '  w.partner = no_waiter\n  queue_put(home(w), w)',
    put: '  w.partner = no_waiter\n  queue_push(home(w), w)',
    caught_by: 'order_per_sender', faults: 'none', within: 1500
  },
  {
    bug: 'a channel can be closed twice',
    file: 'channel.ts', find: '  if (c.closed) return false\n', put: '',
    caught_by: 'closed_is_final', faults: 'none', within: 1500
  },
  {
    bug: 'a send to a closed channel is done',
    file: 'match.ts', find: '    else answer(x, status)\n  }\n  if (!c.scrubbed',
    put: '    else answer(x, ERROR_OK)\n  }\n  if (!c.scrubbed',
    caught_by: 'closed_is_final', faults: 'none', within: 100
  },
  {
    bug: 'a peer that was declared left comes back as the one that it was',
    file: 'peer.ts', find: 'self_incarnation = max(self_incarnation, incarnation) + 1',
    put: 'self_incarnation = max(self_incarnation, incarnation)',
    caught_by: 'all_join_again', faults: 'freezes', within: 100
  },
  {
    bug: 'who waits to receive is not told of a close (PROTOCOL 17)',
    file: 'match.ts', find: 'if (!c.scrubbed && c.used != 0) return',
    put: 'if (!c.scrubbed) return',
    caught_by: 'every_operation_ends', faults: 'none', within: 100
  },
  {
    bug: 'an offer that is free again is not matched afresh (PROTOCOL 12)',
    file: 'claim.ts', find: '  queue_put(home(w), w)\n  dirty(w.channel)',
    put: '  queue_put(home(w), w)',
    caught_by: 'no_match_stays_parked', faults: 'none', within: 2000
  },
  {
    bug: 'an offer that comes is not matched',
    file: 'channel.ts', find: ' : receivers(c), w)\n  dirty(c)', put: ' : receivers(c), w)',
    caught_by: 'no_match_stays_parked', faults: 'none', within: 60
  },
  {
    bug: 'a select that ends leaves its other offers behind (PROTOCOL 4)',
    file: 'away.ts', find: 'if (flagged(w, IS_SENT)) say_withdraw(w)', put: '',
    caught_by: 'no_phantoms', faults: 'none', within: 60
  },
  {
    bug: 'an offer to send that nobody wants yet is forgotten',
    file: 'session.ts', find: '  peer.unsent = peer.first\n  session_dirty(peer)',
    put: '  session_dirty(peer)',
    caught_by: 'no_offer_is_forgotten', faults: 'cuts', within: 300
  },
  {
    bug: 'what is read ahead without a record is never granted (ABI-48)',
    file: 'reader.ts', find: '    took(r)\n  }\n  store<u32>(header',
    put: '  }\n  store<u32>(header',
    caught_by: 'at_most_once', faults: 'none', bursts: true, within: 100
  },
  {
    bug: 'a reader that ends gives back what was read (ABI-48)',
    file: 'reader.ts',
    find: '  if (r.taken != 0 && is(r.offer)) say_grant(r.offer, r.taken)\n  r.taken = 0\n'
      + '  if (is(r.offer)) away_withdraw', put: '  r.taken = 0\n  if (is(r.offer)) away_withdraw',
    caught_by: 'at_most_once', faults: 'none', bursts: true, within: 1000
  },
  {
    bug: 'a message that comes again is read ahead without its mark',
    file: 'reader.ts', find: 'if (!is(a) || a.again ||', put: 'if (!is(a) ||',
    caught_by: 'at_most_once', faults: 'freezes', bursts: true, within: 3000
  },
  {
    bug: 'a send to another peer waits, though it only tries (ABI-49)',
    file: 'away.ts', find: 'tries ? IS_TRY : 0, !tries)', put: '0, true)',
    caught_by: 'every_operation_ends', faults: 'none', bursts: true, within: 300
  },
  {
    bug: 'a send without a record overtakes those that are held back (WIRE-12)',
    file: 'away.ts', find: 'const room = !holds_back(peer) && has_room(peer, w)',
    put: 'const room = has_room(peer, w)',
    caught_by: 'order_per_sender', faults: 'none', bursts: true, within: 3000
  },
  {
    bug: 'sends that have no room keep receives back (WIRE-12)',
    file: 'away.ts', find: 'const sends = !waited && w.direction == SEND',
    put: 'const sends = false',
    caught_by: 'no_offer_is_forgotten', faults: 'none', bursts: true, within: 1000
  },
  {
    bug: 'what only tries waits for room (WIRE-12)',
    file: 'settle.ts', find: '    on_end(blocked, <u8>ERROR_WOULD_BLOCK)\n', put: '',
    caught_by: 'every_operation_ends', faults: 'none', bursts: true, within: 4000
  },
  {
    bug: 'a message that goes to a reader without a record has no place any more (ABI-54)',
    file: 'now.ts', find: '  if (is(y)) deliver(w, y)\n',
    put: '  if (is(y)) { deliver(w, y); c.used-- }\n',
    caught_by: 'capacity_is_kept', faults: 'none', bursts: true, within: 300
  },
  {
    bug: 'a list is sent further than there is room (ABI-46)',
    file: 'now.ts', find: 'if (handle == 0 || vacant(c, bytes) != NOW_DONE) break',
    put: 'if (handle == 0 || vacant(c, bytes) == NOW_RECORD) break',
    caught_by: 'capacity_is_kept', faults: 'none', bursts: true, within: 100
  },
  {
    bug: 'a list goes on after a select that it met (ABI-50)',
    file: 'now.ts', find: '  return load<u32>(header + HEADER_NOW_CASE) == 0',
    put: '  return true',
    caught_by: 'the_door_holds', faults: 'none', bursts: true, within: 1000
  },
  {
    bug: 'a list that receives leaves out what it met (ABI-47)',
    file: 'now.ts', find: '  list_met++\n', put: '',
    caught_by: 'the_door_holds', faults: 'none', bursts: true, within: 300
  },
  {
    bug: 'a select that a call meets is told its first case (ABI-50)',
    file: 'now.ts', find: 'store<u32>(header + HEADER_NOW_CASE, <u32>w.which + 1)',
    put: 'store<u32>(header + HEADER_NOW_CASE, 1)',
    caught_by: 'partners_agree', faults: 'none', bursts: true, within: 300
  },
  {
    bug: 'one of many ends names sends that do not follow each other (WIRE-37)',
    file: 'post.ts',
    find: 'if (peer.done_count != 0 && peer.done_first + peer.done_count == offer) {',
    put: 'if (peer.done_count != 0) {',
    caught_by: 'every_operation_ends', faults: 'none', bursts: true, within: 300
  },
  {
    bug: 'of many ends the last is not heard (WIRE-37)',
    file: 'parked.ts', find: '    if (w.op != op || w.which',
    put: '    if (i != 0 && i + 1 == count) break\n    if (w.op != op || w.which',
    caught_by: 'every_operation_ends', faults: 'none', bursts: true, within: 40
  },
  {
    bug: 'a message that is given up is kept',
    file: 'claim.ts', find: '  } else detach(w)\n  payload_done(w.payload)',
    put: '  } else detach(w)',
    caught_by: 'payloads_return', faults: 'none', within: 100
  },
  {
    bug: 'a waiter is never freed',
    file: 'waiter.ts', put: '',
    find: '  release(changetype<usize>(w), wide ? offsetof<Waiter>() : NARROW_WAITER_BYTES)',
    caught_by: 'tables_return', faults: 'none', within: 60
  }
]
