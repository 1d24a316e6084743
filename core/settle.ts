/**
 * One step to its end: mail opened, channels matched, until nothing moves.
 *
 * Lives here: the order in which the consequences of one input happen. Does not live here: any
 * consequence.
 *
 * Invariants: all mail is opened before a channel is matched; a step ends with no mail and no
 * channel that wants matching; it ends because each match engages or ends an offer.
 */
import { away_blocked, away_flush } from './away'
import { channel_end } from './channel'
import { mail_take } from './claim'
import { match } from './match'
import { on_end, open_mail } from './select'
import { dirty_take, is } from './waiter'
import { ERROR_WOULD_BLOCK } from './tables'

export function settle(): void {
  while (true) {
    const w = mail_take()
    if (is(w)) {
      open_mail(w)
      continue
    }
    const c = dirty_take()
    if (is(c)) {
      match(c)
      channel_end(c)
      continue
    }
    away_flush()
    const blocked = away_blocked()
    if (!is(blocked)) return
    on_end(blocked, <u8>ERROR_WOULD_BLOCK)
  }
}
