/**
 * Histories that could not have happened, and neighbours of theirs that could.
 *
 * Lives here: for each kind of wrong, a history of it among innocent operations, the sentence that
 * must be said of it, the operations that are to blame (by their lines, counted from 0), and the
 * same history with one thing changed, that is right. Does not live here: the check (check.ts).
 */

export interface Wrong {
  name: string
  history: string
  sentence: RegExp
  /** Operations of the smallest offending part, by their place. */
  part: number[]
  /** Replaced in the text, this makes it right. */
  mend: [from: string, to: string]
}

/** On a channel of its own: operations that are right, and overlap with everything. */
const BYSTANDERS = `
  channel other 2 at b
  x/1 0..5 send other 901 -> ok
  x/2 3..9 receive other -> 901
  x/1 6..40 select { send other 902 | receive other } -> 0: ok
  x/2 20..60 receive other -> 902
  x/1 50..90 receive other -> withdrawn`

const q = (capacity: number, lines: string) =>
  `channel q ${capacity} at a\n${lines}\n${BYSTANDERS}`

export const WRONG: Wrong[] = [
  {
    name: 'a message is lost',
    history: q(1, `
      a/1 0..10 send q 1 -> ok
      b/1 12..14 try receive q -> 1
      a/1 12..20 send q 2 -> ok
      a/1 30..40 close q -> ok
      b/1 50..60 receive q -> closed`),
    sentence: /^2 was accepted by q, nobody received it, .* it is lost$/,
    part: [2, 3, 4],
    mend: ['a/1 30', 'b/1 26..28 receive q -> 2\na/1 30']
  },
  {
    name: 'a message is lost to a select that chose another case',
    history: q(1, `
      channel r 1 at b
      a/1 0..10 send q 1 -> ok
      b/1 0..9 send r 2 -> ok
      c/1 5..20 select { receive q | receive r } -> 1: 2
      a/1 30..40 close q -> ok
      b/1 50..60 receive q -> closed`),
    sentence: /^1 was accepted .* it is lost; a select that chose another case waited there$/,
    part: [0, 2, 3, 4],
    mend: ['-> 1: 2', '-> 0: 1']
  },
  {
    name: 'a message is doubled',
    history: q(3, `
      a/1 0..10 send q 1 -> ok
      a/1 11..20 send q 2 -> ok
      b/1 12..30 receive q -> 1
      c/1 40..50 receive q -> 1
      c/1 51..60 receive q -> 2`),
    sentence: /^1 was sent once and received twice$/,
    part: [0, 2, 3],
    mend: ['c/1 40..50 receive q -> 1', 'c/1 40..50 receive q -> withdrawn']
  },
  {
    name: 'a message comes again though nobody left',
    history: q(3, `
      a/1 0..10 send q 1 -> ok
      b/1 12..30 receive q -> 1
      c/1 40..50 receive q -> 1 again`),
    sentence: /^1 was marked again though its owner declared nobody left$/,
    part: [2],
    mend: ['c/1 40', 'parted a b 35\nc/1 40']
  },
  {
    name: 'a message comes again without the mark',
    history: q(3, `
      parted a b 35
      a/1 0..10 send q 1 -> ok
      b/1 12..30 receive q -> 1
      c/1 40..50 receive q -> 1`),
    sentence: /^1 was sent once and received twice$/,
    part: [0, 1, 2],
    mend: ['c/1 40..50 receive q -> 1', 'c/1 40..50 receive q -> 1 again']
  },
  {
    name: 'a message is invented',
    history: q(1, `
      a/1 0..10 send q 1 -> ok
      b/1 5..30 receive q -> 7`),
    sentence: /^7 was received from q, and nobody sent it$/,
    part: [1],
    mend: ['-> 7', '-> 1']
  },
  {
    name: 'messages of one sender are reordered',
    history: q(3, `
      a/1 0..10 send q 1 -> ok
      a/1 11..20 send q 2 -> ok
      a/1 21..25 send q 3 -> ok
      b/1 12..30 receive q -> 1
      b/1 31..40 receive q -> 3
      b/1 41..50 receive q -> 2`),
    sentence: /^3 was received before 2, which had been sent to q before it$/,
    part: [1, 2, 4],
    mend: ['a/1 21..25', 'a/2 11..25']
  },
  {
    name: 'a message is received before it is sent',
    history: q(1, `
      b/1 0..10 receive q -> 1
      a/1 20..30 send q 1 -> ok`),
    sentence: /^1 was received before it was sent$/,
    part: [0, 1],
    mend: ['b/1 0..10', 'b/1 0..21']
  },
  {
    name: 'both cases of a select happen',
    history: q(1, `
      channel r 1 at b
      a/1 0..10 send r 5 -> ok
      c/1 5..20 select { send q 1 | receive r } -> 1: 5
      b/1 12..30 receive q -> 1`),
    sentence: /^both cases of a select happened: 1, and 0 with 1$/,
    part: [1, 2],
    mend: ['receive q -> 1', 'receive q -> withdrawn']
  },
  {
    name: 'a message is accepted after close',
    history: q(3, `
      a/1 0..10 close q -> ok
      b/1 12..20 send q 1 -> ok
      c/1 30..40 receive q -> 1`),
    sentence: /^1 was accepted by q after it was closed$/,
    part: [0, 1],
    mend: ['b/1 12..20', 'b/1 9..20']
  },
  {
    name: 'a send that was withdrawn is received',
    history: q(1, `
      a/1 0..10 send q 1 -> withdrawn
      b/1 12..20 receive q -> 1`),
    sentence: /^the send of 1 was withdrawn, and yet it was received$/,
    part: [0, 1],
    mend: ['-> withdrawn\n      b', '-> unknown\n      b']
  },
  {
    name: 'a send that was refused is received',
    history: q(1, `
      c/1 0..3 close q -> ok
      a/1 1..10 send q 1 -> closed
      b/1 12..20 receive q -> 1`),
    sentence: /^the send of 1 was refused, and it was received$/,
    part: [0, 1, 2],
    mend: ['1..10 send q 1 -> closed', '1..10 send q 1 -> ok']
  },
  {
    name: 'a try to receive blocks with a message there',
    history: q(1, `
      a/1 0..10 send q 1 -> ok
      b/1 12..20 try receive q -> blocked
      b/1 30..40 receive q -> 1`),
    sentence: /^a try to receive from q would have blocked while 1 was in it$/,
    part: [0, 1],
    mend: ['b/1 12..20 try', 'c/1 2..22 receive q -> withdrawn\nb/1 12..20 try']
  },
  {
    name: 'a try to send blocks with room there',
    history: q(2, `
      a/1 0..10 send q 1 -> ok
      b/1 12..20 try send q 2 -> blocked
      b/1 30..40 receive q -> 1`),
    sentence: /^a try to send to q would have blocked while it had room for a message$/,
    part: [1],
    mend: ['channel q 2', 'channel q 1']
  },
  {
    name: 'a default is taken with a message there',
    history: q(1, `
      channel r 1 at b
      a/1 0..10 send q 1 -> ok
      b/1 12..20 select { receive r | receive q | default } -> blocked
      b/1 30..40 receive q -> 1`),
    sentence: /^a try to receive from q would have blocked while 1 was in it$/,
    part: [0, 1],
    mend: ['b/1 12', 'b/1 9']
  },
  {
    name: 'a try to send blocks with a receiver waiting',
    history: q(0, `
      a/1 0..40 receive q -> 2
      b/1 12..20 try send q 1 -> blocked
      b/1 30..41 send q 2 -> ok`),
    sentence: /^a try to send to q would have blocked while a receiver waited$/,
    part: [0, 1],
    mend: ['b/1 30', 'c/1 19']
  },
  {
    name: 'the capacity is exceeded',
    history: q(2, `
      a/1 0..10 send q 1 -> ok
      a/1 11..20 send q 2 -> ok
      a/1 21..30 send q 3 -> ok
      b/1 40..50 receive q -> 1
      b/1 51..60 receive q -> 2
      b/1 61..70 receive q -> 3`),
    sentence: /^3 was accepted by q of capacity 2 while it held 2 that nobody had received$/,
    part: [0, 1, 2],
    mend: ['b/1 40..50', 'b/1 29..50']
  },
  {
    name: 'a rendezvous is over before its receiver comes',
    history: q(0, `
      a/1 0..10 send q 1 -> ok
      b/1 12..20 receive q -> 1`),
    sentence: /^the send of 1 at the rendezvous q and its receive did not overlap$/,
    part: [0, 1],
    mend: ['b/1 12', 'b/1 9']
  },
  {
    name: 'a rendezvous had no receiver',
    history: q(0, `
      b/1 0..9 receive q -> withdrawn
      a/1 0..10 send q 1 -> ok`),
    sentence: /^1 was handed over at the rendezvous q, and nobody received it$/,
    part: [1],
    mend: ['receive q -> withdrawn', 'receive q -> 1']
  },
  {
    name: 'a channel is closed twice',
    history: q(1, `
      a/1 0..10 close q -> ok
      b/1 5..20 close q -> ok`),
    sentence: /^q was closed twice, and both times it worked$/,
    part: [0, 1],
    mend: ['5..20 close q -> ok', '5..20 close q -> closed']
  },
  {
    name: 'a channel is said to be closed, and nobody closed it',
    history: q(1, `
      a/1 0..10 receive q -> closed
      b/1 15..20 close q -> ok`),
    sentence: /^q was said to be closed before anybody closed it$/,
    part: [0],
    mend: ['15..20', '9..20']
  },
  {
    name: 'one unknown select happened in both of its cases',
    history: q(1, `
      channel r 1 at b
      d/1 0.. select { send q 1 | send r 2 } -> unknown
      a/1 20..30 receive q -> 1
      b/1 20..30 receive r -> 2`),
    sentence: /^both cases of a select happened: 0, and 1 with 2$/,
    part: [0, 1, 2],
    mend: ['receive r -> 2', 'receive r -> withdrawn']
  }
]
