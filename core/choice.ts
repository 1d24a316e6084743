/**
 * The short way of selects among channels of this core.
 *
 * Lives here: a select without timers that happens at once, or parks, in one call. Does not live
 * here: what each of its cases does (now), selects by record (start), the arbiter (select).
 *
 * Invariants: what gives NOW_RECORD has changed nothing; a select that parked is as one of a record
 * is, so that whatever meets it by a record goes on as with any.
 */
import { header } from './fault'
import { give, line_up, standing, take, vacant } from './now'
import { KIND_SELECT, op_new, op_usable } from './operation'
import { payload_new } from './payload'
import { random_below } from './random'
import { ref_channel } from './reference'
import { input } from './ring'
import { IS_SELECT, RECEIVE, SEND, waiter_new } from './waiter'
import {
  CASES_MAX, HEADER_NOW_WHICH, NOW_DONE, NOW_NONE, NOW_PARKED, NOW_RECORD, OP_FLAG_TRY,
} from './tables'

/** Bytes of a case: a reference, a payload (0: the case receives), its length. */
const CASE_BYTES: usize = 12

// @ts-ignore: decorator
@inline function case_at(which: u32): usize { return input + <usize>which * CASE_BYTES }

/** Parks the offers of a select that has found nothing. */
function park(id: u32, count: u32): void {
  const op = op_new(id, KIND_SELECT)
  op.plain = true
  op.cases = <u16>count
  for (let which: u32 = 0; which < count; which++) {
    const at = case_at(which)
    const handle = load<u32>(at, 4)
    const w = waiter_new(handle == 0 ? RECEIVE : SEND, false)
    if (handle != 0) w.payload = payload_new(handle, load<u32>(at, 8))
    w.which = <u8>which
    w.flags = IS_SELECT
    w.op = op
    w.case_next = op.first
    op.first = w
    line_up(ref_channel(load<u32>(at)), w)
  }
}

/**
 * One of the `count` cases in the input area, each as likely as the others that could happen; else
 * parks unless `flags` has try. spec: ABI-45
 */
export function select_now(id: u32, count: u32, flags: u32): u32 {
  const trying = (flags & OP_FLAG_TRY) != 0
  if (count - 1 >= CASES_MAX || !trying && !op_usable(id)) return NOW_RECORD
  const ready = case_at(CASES_MAX)
  let ready_count: u32 = 0
  for (let which: u32 = 0; which < count; which++) {
    const at = case_at(which)
    const c = ref_channel(load<u32>(at))
    const found = load<u32>(at, 4) == 0 ? standing(c) : vacant(c, load<u32>(at, 8))
    if (found == NOW_RECORD) return found
    if (found != NOW_DONE) continue
    store<u32>(ready + (<usize>ready_count << 2), which)
    ready_count++
  }
  if (ready_count == 0) {
    if (trying) return NOW_NONE
    park(id, count)
    return NOW_PARKED
  }
  const chosen = ready_count == 1 ? 0 : random_below(ready_count)
  const which = load<u32>(ready + (<usize>chosen << 2))
  store<u32>(header + HEADER_NOW_WHICH, which)
  const at = case_at(which)
  const c = ref_channel(load<u32>(at))
  const handle = load<u32>(at, 4)
  if (handle == 0) take(c)
  else give(c, handle, load<u32>(at, 8))
  return NOW_DONE
}
