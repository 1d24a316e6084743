/*
 * Channels and select across cores: the rules of spec/protocol.md as a model.
 *
 * Lives here: what arbiters and owners do, by the names of the core (FREE, SHIPPED, held, killed,
 * sender_denied, on_hold) and of the wire (offer, grant), and what must hold in the end. Does
 * not live here: which cores, channels and operations there are. That is an instance; select.ts
 * writes its tables (OPS, OFFERS, OP_OF, …) and its INPUTS and MATCHES above this text.
 *
 * A step is one input at one core, worked off to its end (core/settle.ts): what two parties in one
 * core tell each other is passed on within the step. A message is named by the offer that sends
 * it. Each rule marked * in the protocol has a switch RULE_n; 0 leaves the rule out.
 */
mtype = { offer, grant, withdraw, ask, deny, claim, deliver, end, unhold, leave };

/* Inputs other than frames. */
#define NOTHING_IN 0
#define FRAME 1
#define BEGIN 2
#define ABORT 3
#define CLOSE 4
#define SCRUB 5
#define CRASH 6
#define PEER_LEFT 7
#define RENEW 8
#define TAKE 9
#define SAY_TAKEN 10
#define READER_END 11
#define QUIET 12
#define PART 13

/* Phases of an offer at its owner: core/waiter.ts. 0: there is none. */
#define NONE 0
#define FREE 1
#define RESERVED 2
#define CLAIMED 3
#define HELD 4
#define FIRM 5
#define ZOMBIE 6
#define SHIPPED 7

/* States of an operation at its arbiter: core/operation.ts. */
#define OP_NEW 0
#define OP_FREE 1
#define OP_HELD 2
#define OP_OFFERED 3
#define OP_ENDED 4

/* Statuses: of claims and ends, and how an operation ended. */
#define OK 1
#define CLOSED 2
#define WITHDRAWN 3
#define WOULD_BLOCK 4
#define LEFT 5
#define LEFT_UNKNOWN 6
#define DEFAULT 7
#define RECEIVER_LEFT 8

/* In place of a partner, beyond all offers: the aims ROOM and END, and messages of the buffer. */
#define NOBODY 63
#define ROOM 62
#define END 61
#define STORED 32
/* Beside a message: it comes back from a receiver that was declared left. */
#define AGAIN 128

/* At the arbiter. */
byte op_state[OPS];
byte holder[OPS] = NOBODY;
byte outcome[OPS];
byte which[OPS] = NOBODY;
byte nones[OPS];
bool aborted[OPS];
bool lost[OPS];
chan line[OPS] = [LINE] of { mtype, byte, byte };
#if OFFERING
byte offered[OPS];
#endif
#if READERS
byte taken[OPS];
chan arrived[OPS] = [WINDOW] of { byte };
#endif

/* At the owner. */
byte phase[OFFERS];
byte partner[OFFERS] = NOBODY;
bool asked[OFFERS];
bool again[OFFERS];
byte stored[OFFERS];
bool behind[OFFERS];
byte used[CHANNELS];
bool closed[CHANNELS];
bool scrubbed[CHANNELS];
#if TRIES
bool turned[OFFERS];
#endif
#if READERS
byte credit[OFFERS];
chan outs[OFFERS] = [WINDOW] of { byte };
#endif

/* Between them: one line of frames for each two cores, and both ways inside of one. */
chan link[LINKS] = [LINK_FRAMES] of { mtype, byte, byte };
#if LOCAL
chan door[CORES] = [LINK_FRAMES] of { mtype, byte, byte };
chan mail[CORES] = [LINK_FRAMES] of { mtype, byte, byte };
#endif
bool dead[CORES];
bool renewed[CORES];
/* It has said goodbye. */
bool parting[CORES];
/* over[AT(a, b)]: a has ended its session with b. */
bool over[CORES * CORES];
byte faults = FAULTS;
byte doubts = DOUBTS;
byte goodbyes = GOODBYES;

/* What was seen of each message: by which operation, last; how often without the mark. */
byte taker[OFFERS] = NOBODY;
bool seen[OFFERS];
byte last_taken[CORES];
bool any_left;

#define AT(a, b) ((a) * CORES + (b))
/* One of the two has ended their session: nothing is said, or it is not heard. */
#define APART(a, b) (over[AT(a, b)] || over[AT(b, a)])
#define ARBITER(o) (core_of_op[op_of[o]])
#define OWNER(o) (core_of_channel[channel_of[o]])
#define SENDS(o) (sends[o])
#define SELECTING(o) (kind_of[op_of[o]] == SELECT)
#define IS_SENDER_HELD(p) (op_state[p] == OP_HELD && SENDS(holder[p]))

/* ---- What is said ---- */

inline to_owner(named, frame, with) {
  if
  #if LOCAL
  :: ARBITER(named) == OWNER(named) -> door[OWNER(named)]!frame,named,with
  #endif
  :: ARBITER(named) != OWNER(named) ->
    if
    :: dead[OWNER(named)] || APART(OWNER(named), ARBITER(named))
    :: else -> link[LINK_TO_OWNER(named)]!frame,named,with
    fi
  fi
}

inline to_arbiter(named, frame, with) {
  if
  #if LOCAL
  :: ARBITER(named) == OWNER(named) -> mail[OWNER(named)]!frame,named,with
  #endif
  :: ARBITER(named) != OWNER(named) ->
    if
    :: dead[ARBITER(named)] || APART(ARBITER(named), OWNER(named))
    :: else -> link[LINK_TO_ARBITER(named)]!frame,named,with
    fi
  fi
}

/* ---- The owner: core/claim.ts, core/channel.ts ---- */

inline gone(w) { phase[w] = NONE; partner[w] = NOBODY; asked[w] = false }

inline free(w) { phase[w] = FREE; partner[w] = NOBODY }

/* Rules 10 and 11: the select is asked to be held for this offer. */
inline hold(w) { to_arbiter(w, claim, OK) }

inline unhold_offer(w) { to_arbiter(w, unhold, 0); free(w) }

/* A plain send that was once out to a receiver declared left says so (rule 22). */
inline answer(w, status) {
  to_arbiter(w, end, (RULE_22_PLAIN && again[w] && status != OK -> RECEIVER_LEFT : status));
  gone(w)
}

/* Rules 17 and 18. */
inline end_claim(w) { phase[w] = FIRM; partner[w] = END; to_arbiter(w, claim, CLOSED) }

/* The message is granted (rule 9). `w` may be a message of the buffer. */
inline sender_done(w) {
  if
  :: w >= STORED -> stored[w - STORED] = NONE; used[channel_of[w - STORED]]--
  :: else ->
    if
    :: phase[w] == SHIPPED -> gone(w)
    :: else -> answer(w, OK)
    fi
  fi
}

/* The receiver said no (rules 9, 12 and 14). */
inline sender_denied(w, died) {
  if
  :: w >= STORED ->
    if
    :: scrubbed[channel_of[w - STORED]] ->
      stored[w - STORED] = NONE; used[channel_of[w - STORED]]--
    :: else ->
      stored[w - STORED] = FREE;
      again[w - STORED] = again[w - STORED] || died;
      behind[w - STORED] = !RULE_9
    fi
  :: else ->
    again[w] = again[w] || died;
    if
    :: phase[w] == SHIPPED -> gone(w)
    :: phase[w] != SHIPPED && SELECTING(w) ->
      if
      :: died && RULE_22_SELECT -> answer(w, RECEIVER_LEFT)
      :: else -> unhold_offer(w)
      fi
    :: phase[w] != SHIPPED && !SELECTING(w) && asked[w] -> answer(w, WITHDRAWN)
    :: else -> free(w); behind[w] = !RULE_9
    fi
  fi
}

#define NAMED(w) ((w) >= STORED -> (w) - STORED : (w))
#define MESSAGE(w) (NAMED(w) + (RULE_22 && again[NAMED(w)] -> AGAIN : 0))

/* One firm claim with the message (rule 9), or the commit of a held receiver (rule 11). */
inline deliver_to(w, y, credited) {
  if
  :: w >= STORED -> stored[w - STORED] = HELD
  :: else -> phase[w] = HELD; partner[w] = y
  fi;
  if
  #if READERS
  :: kind_of[op_of[y]] == READER ->
    if :: credited :: else -> credit[y]-- fi;
    outs[y]!w
  #endif
  :: kind_of[op_of[y]] != READER -> phase[y] = FIRM; partner[y] = w
  fi;
  message = MESSAGE(w);
  to_arbiter(y, deliver, message);
  message = 0
}

/* A place in the buffer, and the sender is done (rule 15). */
inline place(w) { stored[w] = FREE; answer(w, OK) }

/* Gives back what kept q (rules 12 and 13). */
inline partner_free(q) {
  if
  #if READERS
  :: kind_of[op_of[q]] == READER -> credit[q]++
  #endif
  :: kind_of[op_of[q]] != READER && phase[q] == RESERVED -> free(q)
  :: kind_of[op_of[q]] != READER && phase[q] == HELD && SENDS(q) -> sender_denied(q, false)
  :: kind_of[op_of[q]] != READER && phase[q] == HELD && !SENDS(q) -> unhold_offer(q)
  :: else
  fi
}

/* w is held now (rules 10, 11, 15 and 17). */
inline held(w) {
  p = partner[w];
  if
  :: p == ROOM && closed[channel_of[w]] -> used[channel_of[w]]--; unhold_offer(w)
  :: p == ROOM && !closed[channel_of[w]] -> place(w)
  :: p != ROOM && closed[channel_of[w]] -> partner_free(p); unhold_offer(w)
  :: else ->
    phase[w] = HELD;
    if
    :: !SENDS(w) && phase[p] == RESERVED -> phase[p] = CLAIMED; hold(p)
    :: SENDS(w) && (phase[p] == RESERVED || kind_of[op_of[p]] == READER) ->
      if
      :: RULE_10 || SELECTING(p) || kind_of[op_of[p]] == READER -> deliver_to(w, p, true)
      :: else -> phase[p] = CLAIMED; hold(p)
      fi
    :: else ->
      if :: SENDS(w) -> x = w; y = p :: else -> x = p; y = w fi;
      deliver_to(x, y, true);
      if
      :: RULE_11
      :: !RULE_11 -> answer(x, OK); partner[y] = END
      fi
    fi
  fi
}

/* A grant came in. */
inline granted(w) {
  if
  :: phase[w] == ZOMBIE -> unhold_offer(w)
  :: phase[w] == CLAIMED -> held(w)
  :: phase[w] == FIRM ->
    p = partner[w];
    if
    :: p == END
    :: else -> sender_done(p)
    fi;
    gone(w)
  :: else -> assert(!RULE_13)
  fi
}

inline zombie(q) {
  if
  :: RULE_13 -> phase[q] = ZOMBIE; partner[q] = NOBODY
  :: else -> free(q)
  fi
}

/* Withdrawn, or its arbiter died (rule 7). */
inline killed(w, died) {
  p = partner[w];
  if
  :: phase[w] == RESERVED -> zombie(p); gone(w)
  :: phase[w] == CLAIMED ->
    if
    :: p == ROOM -> used[channel_of[w]]--
    :: else -> partner_free(p)
    fi;
    gone(w)
  :: phase[w] == HELD && phase[p] == CLAIMED -> zombie(p); gone(w)
  :: phase[w] == HELD && phase[p] != CLAIMED -> phase[w] = SHIPPED
  :: phase[w] == FIRM ->
    if
    :: p == END
    :: else -> sender_denied(p, died)
    fi;
    gone(w)
  :: phase[w] == SHIPPED || phase[w] == NONE
  :: else -> gone(w)
  fi
}

#if READERS
/* What it had out goes back to the head, in order; holds for it are zombies. */
inline reader_killed(w, died) {
  do
  :: outs[w]?p -> sender_denied(p, died)
  :: empty(outs[w]) -> break
  od;
  for (p : 0 .. OFFERS - 1) {
    if
    :: phase[p] == CLAIMED && partner[p] == w -> zombie(p)
    :: else
    fi
  }
  credit[w] = 0;
  gone(w)
}

inline reader_granted(w, count) {
  for (x : 1 .. count) {
    assert(nempty(outs[w]));
    outs[w]?p;
    credit[w]++;
    sender_done(p)
  }
  if
  :: partner[w] == END && empty(outs[w]) -> credit[w] = 0; gone(w)
  :: else
  fi
}
#endif

inline killed_any(w, died) {
  if
  #if READERS
  :: phase[w] != NONE && kind_of[op_of[w]] == READER -> reader_killed(w, died)
  #endif
  :: else -> killed(w, died)
  fi
}

inline owner_input() {
  if
  :: kind == offer ->
    phase[o] = FREE;
    #if READERS
    if :: kind_of[op_of[o]] == READER -> credit[o] = WINDOW :: else fi
    #endif
  :: kind == grant ->
    if
    #if READERS
    :: kind_of[op_of[o]] == READER ->
      if :: phase[o] != NONE -> reader_granted(o, m) :: else fi
    #endif
    :: else -> granted(o)
    fi
  :: kind == withdraw || kind == deny ->
    /* With a frame that denies, what is out waits for that (rule 4 left out). */
    if
    :: RULE_4 || kind == deny || phase[o] == FREE || phase[o] == RESERVED || phase[o] == HELD ->
      killed_any(o, false)
    :: else
    fi
  :: kind == ask ->
    if
    :: phase[o] == FREE -> answer(o, WITHDRAWN)
    :: phase[o] == NONE
    :: else ->
      if
      :: RULE_16 -> asked[o] = true
      :: else -> to_arbiter(o, end, WITHDRAWN); phase[o] = SHIPPED
      fi
    fi
  fi
}

/* ---- Who is matched: core/match.ts. MATCHES says which can be, and sets x, y and what. ---- */

#define NO_MATCH 0
#define PAIR 1
#define FILL 2
#define HAND_OUT 3
#define FINISH 4
#define TURN_AWAY 5
#define CLOSED_OUT 6

/* x may be held before y (rule 1). */
#define SMALLER(x, y) (!RULE_1 && choice || RULE_1 && op_of[x] < op_of[y])

inline pair() {
  choice = false;
  if
  :: !RULE_1 -> if :: choice = true :: choice = false fi
  :: else
  fi;
  if
  :: !SELECTING(x) -> deliver_to(x, y, false)
  :: SELECTING(x) && (RULE_10 && !SELECTING(y) || SMALLER(x, y)) ->
    phase[x] = CLAIMED; partner[x] = y;
    if
    #if READERS
    :: kind_of[op_of[y]] == READER -> credit[y]--
    #endif
    :: kind_of[op_of[y]] != READER -> phase[y] = RESERVED; partner[y] = x
    fi;
    hold(x)
  :: else ->
    phase[y] = CLAIMED; partner[y] = x;
    phase[x] = RESERVED; partner[x] = y;
    hold(y)
  fi
}

/*
 * One match at channel `here`, at the start of which it is any of core `at`, or none. A channel is
 * matched whole, and turns away whom it has nothing for, before mail is opened again.
 */
inline match() {
  what = NO_MATCH;
  if
  MATCHES
  #if !RULE_21
  TURN_AWAYS
  #endif
  :: else ->
    /* Rule 21: nothing else can be matched there. */
    if
    TURN_AWAYS
    :: else
    fi
  fi;
  if
  :: what == PAIR -> pair()
  :: what == FILL ->
    used[channel_of[x]]++;
    if
    :: !SELECTING(x) -> place(x)
    :: else -> phase[x] = CLAIMED; partner[x] = ROOM; hold(x)
    fi
  :: what == HAND_OUT -> x = x + STORED; deliver_to(x, y, false)
  :: what == FINISH ->
    if
    :: kind_of[op_of[x]] == SEND -> answer(x, CLOSED)
    #if READERS
    :: kind_of[op_of[x]] == READER ->
      to_arbiter(x, end, CLOSED);
      if
      :: empty(outs[x]) -> credit[x] = 0; gone(x)
      :: else -> partner[x] = END; credit[x] = 0
      fi
    #endif
    :: else -> end_claim(x)
    fi
  :: what == CLOSED_OUT -> to_arbiter(x, end, CLOSED); phase[x] = SHIPPED
  :: what == TURN_AWAY -> 
    answer(x, WOULD_BLOCK);
    #if TRIES
    turned[x] = true
    #endif
  :: else
  fi;
  here = (what == NO_MATCH -> NOBODY : channel_of[NAMED(x)]);
  x = 0; y = 0; p = 0
}

/* ---- The arbiter: core/select.ts ---- */

/* Withdraws every offer but `winner` (rule 4). */
inline drop_cases(winner) {
  for (i : 0 .. OFFERS - 1) {
    if
    :: op_of[i] == op && i != winner && !over[AT(ARBITER(i), OWNER(i))] -> to_owner(i, withdraw, 0)
    :: else
    fi
  }
  i = 0;
  do
  :: line[op]?kind,i,m ->
    if
    :: !RULE_4 && i != winner && !over[AT(ARBITER(i), OWNER(i))] -> to_owner(i, deny, 0)
    :: else
    fi
  :: empty(line[op]) -> break
  od;
  i = 0
}

inline end_operation(status, winner) {
  op_state[op] = OP_ENDED;
  outcome[op] = status;
  which[op] = winner;
  holder[op] = NOBODY;
  nones[op] = 0;
  lost[op] = false;
  drop_cases(winner)
}

/* A message is taken by an operation: at most once without the mark. */
inline saw(what_came) {
  p = what_came & 127;
  if
   :: what_came >= AGAIN -> assert(any_left)
  :: else ->
    assert(!seen[p]);
    seen[p] = true;
    if
    :: IN_ORDER -> assert(p >= last_taken[core_of_op[op]]); last_taken[core_of_op[op]] = p
    :: else
    fi
  fi;
  taker[p] = op;
  p = 0
}

/* The message's end at its receiver: the grant is final (rule 2). */
inline accept() {
  if
  :: kind == deliver -> x = m; y = o; saw(x); end_operation(OK, y); to_owner(y, grant, 1)
  :: else -> y = o; end_operation(CLOSED, y); to_owner(y, grant, 1)
  fi;
  x = 0; y = 0
}

inline on_firm() {
  if
  :: op_state[op] == OP_FREE || op_state[op] == OP_HELD && holder[op] == o ->
    if
    #if OFFERING
    :: asks_host[op] && kind == deliver ->
      op_state[op] = OP_OFFERED; holder[op] = o; offered[op] = m
    #endif
    :: else -> accept()
    fi
  :: else -> line[op]!kind,o,m
  fi
}

inline on_hold() {
  assert(kind_of[op] == SELECT);
  if
  :: op_state[op] == OP_FREE -> op_state[op] = OP_HELD; holder[op] = o; to_owner(o, grant, 1)
  :: else -> line[op]!kind,o,m
  fi
}

/* Rules 5, 6 and 21; then the line is served. */
inline on_unhold() {
  assert(op_state[op] == OP_HELD && holder[op] == o);
  op_state[op] = OP_FREE;
  holder[op] = NOBODY;
  if
  :: aborted[op] -> end_operation(WITHDRAWN, NOBODY)
  :: !aborted[op] && lost[op] -> end_operation(LEFT, NOBODY)
  :: !aborted[op] && !lost[op] && nones[op] != 0 && nones[op] == cases_of[op] ->
    end_operation(DEFAULT, NOBODY)
  :: else ->
    if
    :: line[op]?kind,o,m -> more = true
    :: empty(line[op])
    fi
  fi
}

inline on_end() {
  if
  #if READERS
  :: kind_of[op] == READER -> aborted[op] = true
  #endif
  :: kind_of[op] == SEND -> end_operation(m, o)
  :: kind_of[op] == SELECT && m != WOULD_BLOCK ->
    assert(op_state[op] == OP_HELD && holder[op] == o);
    y = o;
    end_operation(m, y)
  :: kind_of[op] == SELECT && m == WOULD_BLOCK ->
    nones[op]++;
    if
    :: op_state[op] == OP_FREE && nones[op] == cases_of[op] -> end_operation(DEFAULT, NOBODY)
    :: else
    fi
  fi;
  y = 0
}

inline arbiter_input() {
  op = op_of[o];
  if
  :: op_state[op] == OP_ENDED ->
    /* Ignored: the withdrawal is on its way (rule 3). */
    if
    :: !RULE_4 && (kind == claim || kind == deliver) -> to_owner(o, deny, 0)
    :: else
    fi
  :: else ->
    if
    :: RULE_23 && parting[at] && ARBITER(o) != OWNER(o) && (kind == claim || kind == deliver)
    :: else ->
    if
    :: kind == claim && m == OK -> on_hold()
    #if READERS
    :: kind == deliver && kind_of[op] == READER -> arrived[op]!m
    #endif
    :: kind == claim && m != OK || kind == deliver && kind_of[op] != READER -> on_firm()
    :: kind == unhold -> on_unhold()
    :: kind == end -> on_end()
    fi
    fi
  fi
}

/* Rules 5 and 16. */
inline abort() {
  if
  :: kind_of[op] == SEND -> aborted[op] = true; to_owner(first_of[op], ask, 0)
  :: kind_of[op] != SEND &&
    (IS_SENDER_HELD(op) || !RULE_5 && op_state[op] == OP_HELD) -> aborted[op] = true
  :: else -> end_operation(WITHDRAWN, NOBODY)
  fi;
  assert(kind_of[op] == SEND || IS_SENDER_HELD(op) || op_state[op] == OP_ENDED)
}

/* The owner of this offer is gone (rule 6). */
inline owner_lost(w) {
  op = op_of[w];
  if
  :: op_state[op] == OP_NEW || op_state[op] == OP_ENDED
  :: kind_of[op] == SEND && op_state[op] == OP_FREE -> end_operation(LEFT_UNKNOWN, w)
  :: kind_of[op] != SEND && (op_state[op] == OP_FREE || holder[op] == w) ->
    if
    :: RULE_6 && op_state[op] == OP_HELD && SENDS(w) -> end_operation(LEFT_UNKNOWN, w)
    :: else -> end_operation(LEFT, NOBODY)
    fi
  :: else -> lost[op] = true
  fi
}

/* ---- Sessions and deaths: core/node.ts, peer_lost ---- */

/* `at` ends its session with `other`: what was on its way from there is lost. */
inline peer_lost(other, died) {
  over[AT(at, other)] = true;
  any_left = any_left || died;
  for (o : 0 .. OFFERS - 1) {
    if
    :: OWNER(o) == at && ARBITER(o) == other -> y = o; killed_any(y, died)
    :: else
    fi
  }
  for (o : 0 .. OFFERS - 1) {
    if
    :: ARBITER(o) == at && OWNER(o) == other -> y = o; owner_lost(y)
    :: else
    fi
  }
  for (o : 0 .. LINKS - 1) {
    if
    :: from_of[o] == other && to_of[o] == at ->
      do
      :: link[o]?_,_,_
      :: empty(link[o]) -> break
      od
    :: else
    fi
  }
  o = 0; y = 0
}

/* A core stops for ever; what it has said may still arrive. */
inline crash() {
  dead[at] = true;
  for (o : 0 .. LINKS - 1) {
    if
    :: to_of[o] == at ->
      do
      :: link[o]?_,_,_
      :: empty(link[o]) -> break
      od
    :: else
    fi
  }
  for (o : 0 .. OFFERS - 1) {
    if
    :: ARBITER(o) == at ->
      op = op_of[o];
      op_state[op] = OP_ENDED; outcome[op] = 0; which[op] = NOBODY; holder[op] = NOBODY;
      nones[op] = 0; aborted[op] = false; lost[op] = false;
      do
      :: line[op]?_,_,_
      :: empty(line[op]) -> break
      od;
      #if READERS
      taken[op] = 0;
      do
      :: arrived[op]?_
      :: empty(arrived[op]) -> break
      od
      #endif
    :: else
    fi;
    if
    :: OWNER(o) == at ->
      gone(o); stored[o] = NONE; used[channel_of[o]] = 0;
      #if READERS
      credit[o] = 0;
      do
      :: outs[o]?_
      :: empty(outs[o]) -> break
      od
      #endif
    :: else
    fi
  }
  o = 0; op = 0
}

/* ---- One step ---- */

inline begin() {
  op_state[op] = OP_FREE;
  for (i : 0 .. OFFERS - 1) {
    if
    :: op_of[i] == op ->
      if
      :: over[AT(ARBITER(i), OWNER(i))] && op_state[op] == OP_FREE -> end_operation(LEFT, NOBODY)
      :: over[AT(ARBITER(i), OWNER(i))] && op_state[op] != OP_FREE
      :: else -> if :: op_state[op] == OP_FREE -> to_owner(i, offer, 0) :: else fi
      fi
    :: else
    fi
  }
  i = 0
}

inline work() {
  if
  :: input == FRAME && kind != leave -> more = true
  :: input == FRAME && kind == leave ->
    z = o; kind = 0;
    if :: !over[AT(at, z)] -> peer_lost(z, false) :: else fi
  :: input == BEGIN -> begin()
  :: input == ABORT -> abort()
  :: input == CLOSE -> closed[x] = true
  :: input == SCRUB ->
    closed[x] = true; scrubbed[x] = true;
    for (o : 0 .. OFFERS - 1) {
      if
      :: channel_of[o] == x && stored[o] == FREE -> stored[o] = NONE; used[x]--
      :: else
      fi
    }
    o = 0
  :: input == CRASH -> faults--; crash()
  :: input == PEER_LEFT || input == RENEW ->
    /* It ends one session, or comes back as a new incarnation and ends all. */
    renewed[at] = renewed[at] || input == RENEW;
    last = (input == RENEW -> CORES - 1 : y);
    for (z : (input == RENEW -> 0 : y) .. last) {
      if
      :: z != at && !over[AT(at, z)] -> peer_lost(z, true)
      :: else
      fi
    }
    last = 0
  :: input == PART ->
    /* Rule 23: nothing is taken from now on. */
    goodbyes--; parting[at] = true;
    for (o : 0 .. LINKS - 1) {
      if
      :: from_of[o] == at && !dead[to_of[o]] && !APART(at, to_of[o]) -> link[o]!leave,at,0
      :: else
      fi
    }
    o = 0
  #if OFFERING
  :: input == TAKE && kind_of[op] != READER ->
    o = holder[op]; m = offered[op]; kind = deliver; offered[op] = 0; accept()
  #endif
  #if READERS
  :: input == TAKE && kind_of[op] == READER ->
    arrived[op]?x; taken[op]++; saw(x)
  :: input == SAY_TAKEN -> to_owner(first_of[op], grant, taken[op]); taken[op] = 0
  :: input == READER_END ->
    if :: taken[op] != 0 -> to_owner(first_of[op], grant, taken[op]) :: else fi;
    taken[op] = 0;
    do
    :: arrived[op]?_
    :: empty(arrived[op]) -> break
    od;
    end_operation(WITHDRAWN, NOBODY)
  #endif
  fi;
  x = 0; y = 0; z = 0; p = 0
}

/* All mail is opened before channels are matched: core/settle.ts. */
inline settle() {
  do
  :: more -> more = false;
    if
    :: kind == offer || kind == grant || kind == withdraw || kind == ask || kind == deny ->
      owner_input()
    :: else -> arbiter_input()
    fi;
    op = 0; x = 0; y = 0; p = 0
  :: !more ->
    #if LOCAL
    if
    :: here != NOBODY
    :: here == NOBODY && nempty(door[at]) -> door[at]?kind,o,m; more = true
    :: here == NOBODY && empty(door[at]) && nempty(mail[at]) -> mail[at]?kind,o,m; more = true
    :: here == NOBODY && empty(door[at]) && empty(mail[at])
    fi;
    #endif
    if
    :: more
    :: else ->
      kind = 0; o = 0; m = 0; op = 0;
      last = here;
      match();
      if :: what == NO_MATCH && last == NOBODY -> break :: else fi
    fi
  od;
  last = 0;
  #if TRIES
  TURNED_RIGHTLY
  #endif
}

/* ---- What holds when nothing is on its way ---- */

inline check_offers() {
  for (o : 0 .. OFFERS - 1) {
    if
    :: dead[OWNER(o)]
    :: else ->
      /* Nothing is engaged but what a host was offered or has not read; a loser leaves no trace. */
      assert(phase[o] <= FREE);
      assert(phase[o] != FREE || !dead[ARBITER(o)] && op_state[op_of[o]] == OP_FREE);
      assert(!closed[channel_of[o]] || phase[o] == NONE);
      /* A message of the buffer waits in the window of who has stopped reading, and no other. */
      assert(stored[o] != HELD || STOPS)
    fi;
    /* An offer is not lost. */
    if
    :: dead[ARBITER(o)] || op_state[op_of[o]] == OP_ENDED || op_state[op_of[o]] == OP_NEW
    :: else -> assert(phase[o] != NONE || kind_of[op_of[o]] == READER && aborted[op_of[o]])
    fi
  }
}

inline check_operations() {
  for (op : 0 .. OPS - 1) {
    if
    :: dead[core_of_op[op]]
    :: else ->
      assert(op_state[op] != OP_HELD);
      assert(!aborted[op] || op_state[op] == OP_ENDED || kind_of[op] == READER);
      assert(!tries[op] || op_state[op] == OP_ENDED || op_state[op] == OP_NEW);
      if
      :: outcome[op] == CLOSED && !SENDS(which[op]) && !dead[OWNER(which[op])] ->
        /* Closed comes after the last message. */
        assert(used[channel_of[which[op]]] == 0)
      :: else
      fi
    fi
  }
}

/* Whoever took it lives, and the owner has not given it up. */
#define TAKER(o) (core_of_op[taker[o]])
#define TAKEN(o) (taker[o] != NOBODY && !dead[TAKER(o)] && !over[AT(OWNER(o), TAKER(o))])

/* Messages of a buffer go with their owner and with scrub. */
#define DROPPED(o) (capacity_of[channel_of[o]] > 0 && (dead[OWNER(o)] || scrubbed[channel_of[o]]))

inline check_messages() {
  for (o : 0 .. OFFERS - 1) {
    op = op_of[o];
    if
    :: !SENDS(o) || dead[ARBITER(o)]
    :: else ->
      if
      :: op_state[op] == OP_ENDED && which[op] == o && outcome[op] == OK ->
        assert(taker[o] != NOBODY || stored[o] != NONE || DROPPED(o))
      :: op_state[op] == OP_ENDED && which[op] == o &&
        (outcome[op] == LEFT_UNKNOWN || outcome[op] == RECEIVER_LEFT)
      /* Not done: nobody has it, not even who was declared left or died. */
      :: op_state[op] == OP_ENDED && (which[op] != o || outcome[op] != OK &&
        outcome[op] != LEFT_UNKNOWN && outcome[op] != RECEIVER_LEFT) ->
        assert(taker[o] == NOBODY && stored[o] == NONE)
      :: op_state[op] != OP_ENDED ->
        assert(!TAKEN(o) && stored[o] == NONE && (again[o] || taker[o] == NOBODY))
      fi
    fi
  }
}

/* No two offers that fit stay free. */
inline check_matches() {
  for (at : 0 .. CORES - 1) {
    if
    :: dead[at]
    :: else ->
      what = NO_MATCH;
      here = NOBODY;
      if
      MATCHES
      :: else
      fi;
      assert(what == NO_MATCH)
    fi
  }
}

init {
  mtype kind; byte o, m, op, x, y, z, p, i, at, input, what, message, last;
  byte here = NOBODY; bool more, choice;
  do
  :: atomic {
    if
    INPUTS
    fi;
    if
    :: input == QUIET -> goto quiet
    :: else -> work(); settle()
    fi;
    kind = 0; o = 0; m = 0; op = 0; at = 0; input = 0; what = 0; choice = false
  }
  od;
quiet:
  atomic { check_offers(); check_operations(); check_messages(); check_matches() }
}
