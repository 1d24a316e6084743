/**
 * One step to its end: mail opened, channels matched, until nothing moves.
 *
 * Lives here: the order in which the consequences of one input happen. Does not live here: any
 * consequence.
 *
 * Invariants: all mail is opened before a channel is matched; a step ends with no mail and no
 * channel that wants matching; it ends because each match engages or ends an offer.
 */
import { away_flush } from './away'
import { channel_end } from './channel'
import { mail_take } from './claim'
import { match } from './match'
import { open_mail } from './select'
import { dirty_take, is } from './waiter'

export function settle(): void {
  while (true) {
    const w = mail_take()
    if (is(w)) {
      open_mail(w)
      continue
    }
    const c = dirty_take()
    if (!is(c)) break
    match(c)
    channel_end(c)
  }
  away_flush()
}
