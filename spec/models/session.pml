/*
 * A session over links that are cut: numbers, acknowledgements, resending, and the handshake of
 * three legs (spec/wire.md WIRE-2 to WIRE-5; core/hello.ts, core/session.ts, core/link.ts).
 *
 * Lives here: two peers, both of which may dial, and what must hold. Does not live here: how many
 * frames, dials and cuts there are (session.ts writes them above this text), deaths and new
 * incarnations, certificates.
 *
 * Peer 0 has the lower id. A link that was cut or closed may still bring a part of what was on its
 * way, then it is down; each side learns of that by itself. Each rule that has a switch is left out
 * by 0.
 */
mtype = { hello, answer, ack, frame, refuse };

/* States of a side of a link: core/peer.ts. */
#define NONE 0
#define LINK_HELLO 1
#define LINK_ANSWERED 2
#define LINK_ATTACHED 3
#define OVER 4

#define NO_LINK 15

#define NOTHING_IN 0
#define DIAL 1
#define CUT 2
#define DOWN 3
#define HEARD 4
#define MAKE 5
#define SEND 6
#define SAY_ACK 7
#define QUIET 8

byte state[2 * DIALS];
byte dialler[DIALS] = NO_LINK;
bool broken[DIALS];
/* To side s of link l: kind, then number and received, or received and epoch. */
chan wire[2 * DIALS] = [WIRE_FRAMES] of { mtype, byte, byte };
/* What the hello of a link said of the dialler's place. */
byte their_received[DIALS];
byte their_epoch[DIALS];

bool joined[2];
byte epoch[2];
byte made[2];
byte sent[2];
byte acked[2];
byte received[2];
byte received_told[2];
byte attached[2] = NO_LINK;
/* The number of the next frame for the attached link. */
byte unsent[2];

byte dials;
byte cuts;

#define SIDE(l, s) (2 * (l) + (s))
#define OUTGOING(l, s) (dialler[l] == (s))

inline say(kind_said, first, second) {
  if
  :: broken[l]
  :: else -> wire[SIDE(l, 1 - s)]!kind_said,first,second
  fi
}

/* This side is done with link `which`; the other learns of it. */
inline link_over(which) {
  state[SIDE(which, s)] = OVER;
  broken[which] = true;
  do
  :: wire[SIDE(which, s)]?_,_,_
  :: empty(wire[SIDE(which, s)]) -> break
  od;
  if
  :: attached[s] == which -> attached[s] = NO_LINK
  :: else
  fi
}

/* core/hello.ts, give_way: our own dials, and what the same dialler said before. */
inline give_way(attached_too) {
  for (i : 0 .. DIALS - 1) {
    if
    :: i != l && state[SIDE(i, s)] != NONE && state[SIDE(i, s)] != OVER &&
      (OUTGOING(i, s) || state[SIDE(i, s)] >= LINK_ANSWERED) &&
      (attached_too || state[SIDE(i, s)] != LINK_ATTACHED) ->
      link_over(i)
    :: else
    fi
  }
  i = 0
}

/* The other side has everything up to `number`; it never says more than was sent. */
inline session_acked(number) {
  assert(number <= sent[s]);
  if
  :: number > acked[s] -> acked[s] = number
  :: else
  fi;
  if
  :: unsent[s] <= acked[s] -> unsent[s] = acked[s] + 1
  :: else
  fi
}

inline session_ack() { say(ack, received[s], 0); received_told[s] = received[s] }

inline attach(place) {
  joined[s] = true;
  give_way(true);
  state[SIDE(l, s)] = LINK_ATTACHED;
  attached[s] = l;
  epoch[s] = (epoch[s] > their_epoch[l] -> epoch[s] : their_epoch[l]) + 1;
  if
  :: RESEND -> unsent[s] = acked[s] + 1
  :: else -> unsent[s] = sent[s] + 1
  fi;
  session_acked(place);
  if
  :: OUTGOING(l, s) -> session_ack()
  :: else
  fi;
  their_epoch[l] = 0; their_received[l] = 0
}

/* core/hello.ts, continues: a living session is never taken for one that has ended. */
inline continues(place, count) {
  if
  :: !joined[s] -> assert(place == 0)
  :: else ->
    assert(count == 0 && acked[s] == 0 && received[s] == 0 || count != 0 && place <= sent[s])
  fi
}

/* core/hello.ts, stays: sets `stays`. A link is silent for long only when it is cut. */
inline judge_stays(count) {
  stays = true;
  for (i : 0 .. DIALS - 1) {
    if
    :: i != l && OUTGOING(i, s) && state[SIDE(i, s)] == LINK_HELLO ->
      if
      :: TIE_BREAK -> stays = stays && (s == 1)
      :: broken[i]
      :: !TIE_BREAK
      fi
    :: else
    fi
  }
  i = attached[s];
  if
  :: i != NO_LINK && OUTGOING(i, s) && count < epoch[s] ->
    if
    :: stays = stays && (s == 1)
    :: broken[i]
    fi
  :: else
  fi;
  i = 0
}

inline answer_hello(place, count) {
  judge_stays(count);
  if
  :: !stays -> say(refuse, 0, 0); link_over(l)
  :: else ->
    if
    :: BY_THE_ACK -> if :: !joined[s] -> continues(0, count) :: else fi
    :: else -> continues(place, count)
    fi;
    give_way(false);
    their_epoch[l] = count;
    say(answer, received[s], epoch[s]);
    state[SIDE(l, s)] = LINK_ANSWERED
  fi;
  stays = false
}

inline take(number, place) {
  session_acked(place);
  if
  :: number <= received[s] && DROP_TAKEN ->
    /* Its acknowledgement may have gone with the old link: it is owed again. */
    if
    :: ACK_AGAIN && received_told[s] >= number -> received_told[s] = number - 1
    :: else
    fi
  :: else ->
    /* Each once, and in order. */
    assert(number == received[s] + 1);
    received[s] = number
  fi
}

inline heard() {
  wire[SIDE(l, s)]?kind,a,b;
  if
  :: state[SIDE(l, s)] == OVER
  :: kind == refuse && state[SIDE(l, s)] != OVER -> link_over(l)
  :: kind == hello && state[SIDE(l, s)] != OVER ->
    assert(!OUTGOING(l, s));
    answer_hello(a, b)
  :: kind == answer && state[SIDE(l, s)] != OVER ->
    assert(OUTGOING(l, s) && state[SIDE(l, s)] == LINK_HELLO);
    their_epoch[l] = b;
    continues(a, b);
    attach(a)
  :: kind == ack && state[SIDE(l, s)] == LINK_ANSWERED ->
    assert(joined[s] || a == 0);
    attach(a)
  :: kind == ack && state[SIDE(l, s)] == LINK_ATTACHED -> session_acked(a)
  :: kind == frame && state[SIDE(l, s)] != OVER ->
    /* Nothing of the session comes before its link is attached. */
    assert(state[SIDE(l, s)] == LINK_ATTACHED);
    take(a, b)
  fi
}

inline dial() {
  dialler[l] = s;
  dials++;
  state[SIDE(l, s)] = LINK_HELLO;
  state[SIDE(l, 1 - s)] = LINK_HELLO;
  say(hello, received[s], epoch[s])
}

inline work() {
  if
  :: input == DIAL -> dial()
  :: input == CUT -> cuts++; broken[l] = true
  :: input == DOWN -> link_over(l)
  :: input == HEARD -> heard()
  :: input == MAKE -> made[s]++
  :: input == SEND ->
    l = attached[s];
    say(frame, unsent[s], received[s]);
    if :: unsent[s] > sent[s] -> sent[s] = unsent[s] :: else fi;
    received_told[s] = received[s];
    unsent[s]++
  :: input == SAY_ACK -> l = attached[s]; session_ack()
  fi
}

/* Nothing is to be done: all has come, or there is no dial left. */
inline check_end() {
  assert(joined[0] == joined[1] || dials == DIALS);
  if
  :: attached[0] != NO_LINK && attached[0] == attached[1] ->
    assert(received[0] == FRAMES && received[1] == FRAMES);
    assert(acked[0] == FRAMES && acked[1] == FRAMES)
  :: else -> assert(dials == DIALS && (cuts > 0 || !DIALS_SUFFICE))
  fi;
  assert(attached[0] == attached[1] || broken[attached[0]] || broken[attached[1]])
}

init {
  mtype kind; byte a, b, i, l, s, input; bool stays;
  do
  :: atomic {
    if
    INPUTS
    :: else -> break
    fi;
    work();
    kind = 0; a = 0; b = 0; i = 0; l = 0; s = 0; input = 0
  }
  od;
  atomic { check_end() }
}
