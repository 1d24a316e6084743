/**
 * The command line as a table: every verb, what it takes, what is told about it.
 *
 * Lives here: names, flags, usage and help texts. Does not live here: reading the words of a call
 * (words.ts), doing the work (the file named by `room`), showing this table (help.ts).
 *
 * Invariant: a flag means the same and takes the same with every verb that has it.
 */

export interface Flag {
  /** What its value is called; a flag without one is on or off. */
  readonly value?: string
  readonly short?: string
  /** It may be given more than once. */
  readonly many?: boolean
  readonly about: string
}

export const flags = {
  state: { value: 'DIR', about: 'the state folder of the peer (CIRCUIT_STATE)' },
  circuit: { value: 'C', about: 'which circuit; each has a peer and a state folder of its own' },
  help: { short: 'h', about: 'shows this' },
  name: { value: 'N', about: 'a readable name for the peer' },
  key: { value: 'FILE', about: 'the key of the peer, made by keygen, instead of its own' },
  listen: { value: 'ADDR', many: true, about: 'a multiaddress to listen at' },
  join: { value: 'TICKET', about: 'joins the circuit of a ticket' },
  'no-mdns': { about: 'is not found, and finds nobody, over the local network' },
  'no-local': { about: 'is not found, and finds nobody, over the run directory of this user' },
  'no-unix': { about: 'links over TCP with peers of this user on this machine, too' },
  label: { value: 'K=V', many: true, about: 'a label that all peers see' },
  rights: { value: 'R,R', about: 'channel, process, admin; channel,process when left out' },
  expires: { value: 'TIME', about: 'how long it can be used, such as 30m, 1h, 7d' },
  long: { short: 'l', about: 'kinds and states too' },
  json: { about: 'JSON in and out' },
  lines: { about: 'one message a line' },
  try: { about: 'does not wait: exits 75 when it would have to' },
  follow: { about: 'goes on until the end' },
  dir: { value: 'DIR', about: 'the working folder of the process, at that peer' },
  env: { value: 'K=V', many: true, about: 'added to the environment of the process' },
  detached: { about: 'lives on when it is scrubbed, or when its peer ends' }
} as const satisfies Record<string, Flag>

export type FlagName = keyof typeof flags

type Room = 'start' | 'tickets' | 'channels' | 'select' | 'processes' | 'members' | 'shell' | 'help'

export interface Verb {
  readonly usage: string
  readonly about: string
  readonly more?: string
  readonly flags: readonly FlagName[]
  /** How many words it takes: least and most. */
  readonly words: readonly [number, number]
  /** It takes a command after `--`. */
  readonly command?: boolean
  /** The file that does it. */
  readonly room: Room
}

const JSON_NOTE = `In JSON, byte strings that are UTF-8 text are strings, others {"bytes": base64}.`
const PATH_NOTE = `PATH is /PEER/NAME…, or NAME… for this peer.`
const MANY = 256

export const verbs: { readonly [name: string]: Verb } = {
  start: {
    usage: 'start [--name N] [--circuit C] [--listen ADDR] [--join TICKET] [--no-mdns] '
      + '[--state DIR]',
    about: 'runs a peer until it is interrupted',
    more: `Prints one line when it is ready: its name, id and addresses. It leaves the circuit at
SIGINT and SIGTERM; a second signal ends it at once. Its processes end with it.`,
    flags: ['name', 'key', 'listen', 'join', 'no-mdns', 'no-local', 'no-unix', 'label'],
    words: [0, 0], room: 'start'
  },
  invite: {
    usage: 'invite [--rights R,R] [--expires TIME]',
    about: 'prints a ticket that admits one peer, from anywhere',
    more: `Give it to one person only: who has it can join with these rights until it expires.`,
    flags: ['rights', 'expires'], words: [0, 0], room: 'tickets'
  },
  join: {
    usage: 'join TICKET',
    about: 'lets the running peer leave its circuit for that of a ticket',
    more: `A peer that is not running yet: circuit start --join TICKET.`,
    flags: [], words: [1, 1], room: 'tickets'
  },
  ls: {
    usage: 'ls [PATH | /...] [-l] [--json]',
    about: 'lists what is at a path',
    more: `"ls /" lists the peers, "ls /PEER" a peer's anchors, "ls /..." everything; "ls" alone
lists what is at this peer. ${PATH_NOTE}`,
    flags: ['long', 'json'], words: [0, 1], room: 'channels'
  },
  mkchan: {
    usage: 'mkchan PATH [CAP]',
    about: 'makes a channel that holds CAP messages; 0, a rendezvous, when left out',
    more: PATH_NOTE,
    flags: [], words: [1, 2], room: 'channels'
  },
  send: {
    usage: 'send PATH [--json] [--lines] [--try]',
    about: 'sends standard input as one message, or with --lines each line',
    more: `Waits until the channel has it. The message is a byte string; with --json, the value.
${JSON_NOTE}
Interrupting it takes back what was not yet sent. Exits 3 when the channel is closed.`,
    flags: ['json', 'lines', 'try'], words: [1, 1], room: 'channels'
  },
  recv: {
    usage: 'recv PATH [--json] [--lines] [--follow] [--try]',
    about: 'prints one message, or with --follow all until the channel is closed',
    more: `Bytes and text are printed as they are (with --lines, each with a newline after it), all
other values, or all with --json, as a line of JSON. A message is taken from the channel only when
this verb has it: interrupted or killed before, it leaves it there. ${JSON_NOTE}
Exits 3 when the channel is closed and empty, 69 when its peer is lost.`,
    flags: ['json', 'lines', 'follow', 'try'], words: [1, 1], room: 'channels'
  },
  close: {
    usage: 'close PATH', about: 'closes a channel: what is in it can still be received',
    more: 'Exits 3 when it was closed before.', flags: [], words: [1, 1], room: 'channels'
  },
  scrub: {
    usage: 'scrub PATH', about: 'removes what is at a path; ends a process',
    more: 'A process gets TERM, then KILL after two seconds, unless it was made with --detached.',
    flags: [], words: [1, 1], room: 'channels'
  },
  peek: {
    usage: 'peek PATH', about: 'prints the state of what is at a path as JSON',
    flags: [], words: [1, 1], room: 'channels'
  },
  select: {
    usage: 'select CASE…',
    about: 'waits until one case can happen, lets exactly that one happen, and prints it',
    more: `A CASE is recv:PATH, send:PATH=TEXT, exit:PATH (of a process), after:TIME (such as 500ms,
2s), or default (taken when no other can happen at once). Prints {"case": N, "value": …}, N
counted from 0; "ok": false instead of a value when that channel is closed and empty.
${JSON_NOTE}`,
    flags: [], words: [1, MANY], room: 'select'
  },
  mkproc: {
    usage: 'mkproc PATH [--dir DIR] [--env K=V] [--detached] -- CMD ARG…',
    about: 'starts a process at a path, at the peer of that path',
    more: `Without "--" the command is read as JSON from standard input:
{"path": "make", "args": ["-j2"], "env": {}, "dir": "/src", "detached": false}.
Its channels are PATH/stdin, PATH/stdout, PATH/stderr and PATH/exit.`,
    flags: ['dir', 'env', 'detached'], words: [1, 1], command: true, room: 'processes'
  },
  stdin: {
    usage: 'stdin PATH', about: 'streams standard input to a process, and its end',
    flags: [], words: [1, 1], room: 'processes'
  },
  stdout: {
    usage: 'stdout PATH', about: 'prints what a process prints, as it comes',
    more: 'What one reader takes another does not get. A process that nobody reads waits.',
    flags: [], words: [1, 1], room: 'processes'
  },
  stderr: {
    usage: 'stderr PATH', about: 'prints the errors that a process prints, as they come',
    flags: [], words: [1, 1], room: 'processes'
  },
  wait: {
    usage: 'wait PATH…',
    about: 'waits for processes to end and prints how, each as a line of JSON',
    more: 'With one PATH it exits as the process did (a signal: 128 and its number).',
    flags: [], words: [1, MANY], room: 'processes'
  },
  waitall: {
    usage: 'waitall', about: 'waits for all processes of the circuit that are there now',
    flags: [], words: [0, 0], room: 'processes'
  },
  signal: {
    usage: 'signal NAME PATH',
    about: 'sends a signal, such as TERM or INT, to the group of a process',
    flags: [], words: [2, 2], room: 'processes'
  },
  members: {
    usage: 'members [--follow]', about: 'prints who is in the circuit, as lines of JSON',
    more: 'With --follow it goes on with who joins and who leaves.',
    flags: ['follow'], words: [0, 0], room: 'members'
  },
  'mk@join': {
    usage: 'mk@join PATH', about: 'makes a channel of those who are here and those who join',
    more: PATH_NOTE, flags: [], words: [1, 1], room: 'members'
  },
  'mk@leave': {
    usage: 'mk@leave PATH', about: 'makes a channel of those who leave',
    more: PATH_NOTE, flags: [], words: [1, 1], room: 'members'
  },
  leave: {
    usage: 'leave', about: 'lets the running peer leave the circuit and end',
    flags: [], words: [0, 0], room: 'members'
  },
  keygen: {
    usage: 'keygen FILE', about: 'makes a key for a peer in a new file, and prints its id',
    flags: [], words: [1, 1], room: 'tickets'
  },
  completion: {
    usage: 'completion SHELL', about: 'prints what completes these verbs in bash, zsh or fish',
    more: `bash, zsh: source <(circuit completion bash)
fish: circuit completion fish | source`,
    flags: [], words: [1, 1], room: 'shell'
  },
  version: {
    usage: 'version', about: 'prints the version', flags: [], words: [0, 0], room: 'shell'
  },
  help: {
    usage: 'help [VERB]', about: 'tells about a verb', flags: [], words: [0, 1], room: 'help'
  }
}

/** Accepted with every verb. */
export const shared_flags: readonly FlagName[] = ['state', 'circuit', 'help']
