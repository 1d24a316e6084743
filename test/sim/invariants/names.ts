/**
 * The invariants by name.
 *
 * Lives here: what each one says, in one sentence. Does not live here: the functions that check
 * them, which carry these names (outcome, messages, order, rest, tables, memory).
 */
export const INVARIANTS: readonly { name: string, says: string }[] = [
  { name: 'no_fault', says: 'no core traps' },
  { name: 'the_door_holds', says: 'one completion of each operation, each payload back once' },
  { name: 'nothing_is_invented', says: 'a message that is received was sent' },
  { name: 'partners_agree', says: 'a message comes out of the channel that its sender named' },
  { name: 'references_come_along', says: 'a message brings the references that it was sent with' },
  { name: 'at_most_once', says: 'a message is received once, unless it is marked again' },
  { name: 'again_only_after_left', says: 'again appears only where a receiver was declared left' },
  { name: 'accepted_is_kept',
    says: 'an accepted message is received, still buffered, or its owner died or scrubbed it' },
  { name: 'capacity_is_kept',
    says: 'a channel buffers its capacity at most, and a rendezvous nothing that is done' },
  { name: 'refused_is_not_seen', says: 'what was not done is with nobody' },
  { name: 'withdrawn_has_no_effect', says: 'what was withdrawn or timed out is with nobody' },
  { name: 'a_withdrawal_is_exact', says: 'a receive that is withdrawn has ended at once' },
  { name: 'timeouts_are_exact', says: 'no timeout is early, and that of a receive is not late' },
  { name: 'exactly_one_case', says: 'of a select one case happened, and it says which' },
  { name: 'order_per_sender', says: 'messages of one sender on one channel are seen in order' },
  { name: 'closed_is_final', says: 'nothing is accepted after close, nothing given after the end' },
  { name: 'all_join_again', says: 'after healing all peers that live have joined each other' },
  { name: 'every_operation_ends', says: 'after healing every operation that can end has ended' },
  { name: 'no_match_stays_parked', says: 'after healing no two offers that fit stay parked' },
  { name: 'no_phantoms', says: 'no offer is parked without an operation that waits' },
  { name: 'no_offer_is_forgotten', says: 'no operation waits without an offer that is parked' },
  { name: 'payloads_return', says: 'every payload comes back once nothing holds it' },
  { name: 'tables_return', says: 'tables return to their size when all is released' },
  { name: 'memory_is_steady', says: 'memory does not grow with the number of messages' }
]
