/**
 * The laboratory's checker, on logs written by hand: a good one passes, each breach is named.
 */
import * as assert from 'uvu/assert'
import { spawnSync } from 'node:child_process'
import { suite } from '../suite.ts'
import { check, INVARIANTS, type Verdict } from './check.ts'
import { drawRound, waysOf } from './faults.ts'
import { Random } from '../property/random.ts'
import type { Case, End, Fault, Line, Run } from './log.ts'
import { netemWords } from './network.ts'

const test = suite('lab: the checker')

const HOSTS = ['h1', 'h2', 'h3']

/** Logs of three hosts in which little happens; a step takes ten milliseconds. */
class Book {
  readonly runs: Run[] = []
  readonly faults: Fault[] = []
  at = 100_000
  #ops = 0
  readonly #left = new Set<Run>()

  constructor() {
    for (const host of HOSTS) this.start(host, 1)
  }

  start(host: string, nth: number): Run {
    const run: Run = { host, run: nth, id: `id of ${host}`, start: this.at, lines: [] }
    run.lines.push({ e: 'start', at: this.at, host, run: nth, id: run.id })
    this.runs.push(run)
    return run
  }

  of(host: string): Run { return this.runs.findLast((run) => run.host === host)! }

  line(host: string, line: Line): void { this.of(host).lines.push(line) }

  begin(host: string, what: string, cases: Case[], timeout_ms?: number, worker = 'w'): number {
    this.at += 10
    const op = ++this.#ops
    this.line(host, {
      e: 'begin', at: this.at, op, worker, what, cases, ...timeout_ms && { timeout_ms }
    })
    return op
  }

  end(host: string, op: number, told: Omit<End, 'e' | 'at' | 'op'>): void {
    this.at += 10
    this.line(host, { e: 'end', at: this.at, op, ...told })
  }

  send(host: string, channel: string, message: string, more: Partial<End> = {}): void {
    const op = this.begin(host, 'send', [{ kind: 'send', channel, message }])
    this.end(host, op, { result: 'done', case: 0, ...more })
  }

  receive(host: string, channel: string, message: string, more: Partial<End> = {}): void {
    const op = this.begin(host, 'receive', [{ kind: 'receive', channel }])
    this.end(host, op, { result: 'done', case: 0, message, ...more })
  }

  left(at_host: string, host: string): void {
    this.at += 10
    this.line(at_host, { e: 'left', at: this.at, host, run: 1, incarnation: 1 })
  }

  /** It leaves before the others, in the middle of its work. */
  finish(host: string): void {
    this.at += 10
    this.line(host, { e: 'finish', at: this.at, resting: false })
    this.#left.add(this.of(host))
  }

  kill(host: string): void {
    this.at += 10
    const run = this.of(host)
    run.killed = this.at
    this.#left.add(run)
    this.faults.push({ what: 'kill', host, run: run.run, from: this.at, to: this.at })
  }

  /** Everyone who lives sees everyone and leaves. */
  verdict(): Verdict {
    const last = this.runs.filter((run) => !this.#left.has(run))
    const peers = last.map(({ host, run }) => ({ host, run, incarnation: 7 }))
    for (const { host, lines } of last) {
      if (!lines.some(({ e }) => e === 'seen')) {
        this.line(host, { e: 'seen', at: this.at, self: 7, peers })
      }
      this.line(host, { e: 'finish', at: this.at, resting: true })
    }
    return check({ runs: this.runs, faults: this.faults })
  }
}

/** The one invariant that the logs break, with its sentence. */
function broken(book: Book): string {
  const { failures } = book.verdict()
  assert.is(failures.length, 1, failures.join('\n') || 'nothing was found')
  return failures[0]!
}

const found = new Set<string>()

/** A breach of one invariant; the sentence must tell what `tells` asks for. */
function breach(
  name: keyof typeof INVARIANTS, what: string, tells: RegExp, write: (book: Book) => void
): void {
  assert.ok(INVARIANTS[name] !== undefined, `there is no invariant "${name}"`)
  test(`${name}: ${what}`, () => {
    const book = new Book()
    write(book)
    const sentence = broken(book)
    assert.ok(sentence.startsWith(`${name}: `), sentence)
    assert.match(sentence, tells)
  })
  found.add(name)
}

test('a good log passes, and its figures are right', () => {
  const book = new Book()
  book.send('h1', 'h2.1.c4', 'm1')
  book.send('h1', 'h2.1.c4', 'm2')
  book.receive('h3', 'h2.1.c4', 'm1')
  book.receive('h3', 'h2.1.c4', 'm2')
  const select = book.begin('h1', 'select', [
    { kind: 'send', channel: 'h2.1.c4', message: 'm3' }, { kind: 'receive', channel: 'h3.1.c1' }
  ])
  book.end('h1', select, { result: 'done', case: 0 })
  book.receive('h2', 'h2.1.c4', 'm3')
  book.send('h1', 'h2.1.c4', 'm4', { result: 'nothing', code: 'TIMED_OUT' })
  const { failures, excuses, figures } = book.verdict()
  assert.equal(failures, [])
  assert.equal(excuses, { unlogged: 0, vanished: 0 })
  assert.equal(figures, {
    processes: 3, operations: 7, selects: 1, across: 1, messages: 4, received: 3, again: 0,
    done: 3, not_done: 1, unknown: 0, lefts: 0, stalled_s: 0
  })
})

breach('only what was sent is received', 'a message out of nowhere', /ghost .*nobody sent/,
  (book) => book.receive('h1', 'h2.1.c4', 'ghost'))

breach('only what was sent is received', 'out of another channel', /m1 .*out of h2\.1\.c1/,
  (book) => {
    book.send('h1', 'h2.1.c4', 'm1')
    book.receive('h3', 'h2.1.c1', 'm1')
  })

breach('only what was sent is received', 'before it was sent', /m1 .*before its send/,
  (book) => {
    book.receive('h3', 'h2.1.c4', 'm1')
    book.send('h1', 'h2.1.c4', 'm1')
  })

breach('a message is received once', 'two receivers have it', /m1 .*h2\.1.* and h3\.1/,
  (book) => {
    book.send('h1', 'h2.1.c4', 'm1')
    book.receive('h3', 'h2.1.c4', 'm1')
    book.receive('h2', 'h2.1.c4', 'm1')
  })

breach('a message is received once', 'also where somebody left, without the mark', /m1/,
  (book) => {
    book.send('h1', 'h2.1.c4', 'm1')
    book.receive('h3', 'h2.1.c4', 'm1')
    book.left('h2', 'h3')
    book.receive('h2', 'h2.1.c4', 'm1')
  })

breach('again is said only where a receiver was declared left', 'nobody left', /declared none/,
  (book) => {
    book.send('h1', 'h2.1.c4', 'm1')
    book.receive('h3', 'h2.1.c4', 'm1', { again: true })
  })

breach('again is said only where a receiver was declared left', 'who left was no receiver of it',
  /declared none/, (book) => {
    book.send('h1', 'h2.1.c4', 'm1')
    book.left('h2', 'h1')
    book.receive('h3', 'h2.1.c4', 'm1', { again: true })
  })

test('a message may come again when the owner had declared its receiver left', () => {
  const book = new Book()
  book.send('h1', 'h2.1.c4', 'm1')
  book.receive('h3', 'h2.1.c4', 'm1')
  book.left('h2', 'h3')
  book.receive('h2', 'h2.1.c4', 'm1', { again: true })
  assert.equal(book.verdict().failures, [])
})

test('an owner that leaves declares others left without a word in its log', () => {
  const book = new Book()
  book.send('h1', 'h2.1.c4', 'm1')
  book.begin('h3', 'receive', [{ kind: 'receive', channel: 'h2.1.c4' }])
  book.finish('h2')
  book.receive('h2', 'h2.1.c4', 'm1', { again: true })
  book.kill('h3')
  assert.equal(book.verdict().failures, [])
})

breach('again is said only where a receiver was declared left', 'the owner left only after it',
  /declared none/, (book) => {
    book.send('h1', 'h2.1.c4', 'm1')
    book.begin('h3', 'receive', [{ kind: 'receive', channel: 'h2.1.c4' }])
    book.receive('h2', 'h2.1.c4', 'm1', { again: true })
    book.finish('h2')
    book.kill('h3')
  })

breach('what was accepted is received or still there', 'it is gone', /m1 was accepted .*is gone/,
  (book) => book.send('h1', 'h2.1.c4', 'm1'))

breach('what was accepted is received or still there', 'a killed receiver takes one, not two',
  /is gone/, (book) => {
    book.send('h1', 'h2.1.c4', 'm1')
    book.send('h1', 'h2.1.c4', 'm2')
    book.begin('h3', 'receive', [{ kind: 'receive', channel: 'h2.1.c4' }])
    book.kill('h3')
  })

test('what was accepted may go with its owner, a scrub or a killed receiver, counted', () => {
  const book = new Book()
  book.send('h1', 'h2.1.c4', 'm1')
  book.begin('h3', 'receive', [{ kind: 'receive', channel: 'h2.1.c4' }])
  book.send('h1', 'h3.1.c4', 'm2')
  book.send('h1', 'h1.1.m1', 'm3')
  book.line('h1', { e: 'scrubbed', at: book.at, channel: 'h1.1.m1' })
  book.kill('h3')
  const { failures, excuses } = book.verdict()
  assert.equal(failures, [])
  assert.equal(excuses, { unlogged: 1, vanished: 2 })
})

breach('what was not done was received by nobody', 'it was', /m1 of the send .*h3\.1/,
  (book) => {
    book.send('h1', 'h2.1.c4', 'm1', { result: 'nothing', code: 'TIMED_OUT' })
    book.receive('h3', 'h2.1.c4', 'm1')
  })

breach('what was not done was received by nobody', 'nor by who was declared left', /m1 of the send/,
  (book) => {
    book.send('h1', 'h2.1.c4', 'm1', { result: 'nothing', code: 'TIMED_OUT' })
    book.receive('h3', 'h2.1.c4', 'm1')
    book.left('h2', 'h3')
  })

test('what a receiver that was declared left may have is unknown to its sender', () => {
  const book = new Book()
  book.send('h1', 'h2.1.c0', 'm1', { result: 'unknown', code: 'RECEIVER_LEFT' })
  book.receive('h3', 'h2.1.c0', 'm1')
  book.left('h2', 'h3')
  assert.equal(book.verdict().failures, [])
})

breach('exactly one case of a select happened', 'two sends of it', /case 0 .*and case 1/,
  (book) => {
    const select = book.begin('h1', 'select', [
      { kind: 'send', channel: 'h2.1.c4', message: 'm1' },
      { kind: 'send', channel: 'h3.1.c4', message: 'm2' }
    ])
    book.end('h1', select, { result: 'unknown' })
    book.receive('h2', 'h2.1.c4', 'm1')
    book.receive('h3', 'h3.1.c4', 'm2')
  })

test('both partners agree: a select that received has sent nothing', () => {
  const book = new Book()
  book.send('h3', 'h3.1.c4', 'm2')
  const select = book.begin('h1', 'select', [
    { kind: 'send', channel: 'h2.1.c4', message: 'm1' }, { kind: 'receive', channel: 'h3.1.c4' }
  ])
  book.end('h1', select, { result: 'done', case: 1, message: 'm2' })
  book.receive('h2', 'h2.1.c4', 'm1')
  const { failures } = book.verdict()
  assert.ok(failures.some((one) => one.startsWith('exactly one case')), failures.join('\n'))
  assert.ok(failures.some((one) => one.startsWith('what was not done')), failures.join('\n'))
})

breach('order holds for each sender, channel and reader', 'the second came first', /m1 .*before m2/,
  (book) => {
    book.send('h1', 'h2.1.q', 'm1')
    book.send('h1', 'h2.1.q', 'm2')
    book.receive('h3', 'h2.1.q', 'm2')
    book.receive('h3', 'h2.1.q', 'm1')
  })

test('order is nobody\'s promise between two readers at once, or for what came again', () => {
  const book = new Book()
  book.send('h1', 'h2.1.q', 'm1')
  book.send('h1', 'h2.1.q', 'm2')
  const early = book.begin('h2', 'receive', [{ kind: 'receive', channel: 'h2.1.q' }])
  book.receive('h3', 'h2.1.q', 'm2')
  book.end('h2', early, { result: 'done', case: 0, message: 'm1' })
  for (const message of ['m3', 'm4']) book.send('h1', 'h2.1.r', message)
  book.begin('h1', 'receive', [{ kind: 'receive', channel: 'h2.1.r' }])
  book.kill('h1')
  book.left('h2', 'h1')
  book.receive('h3', 'h2.1.r', 'm4')
  book.receive('h3', 'h2.1.r', 'm3', { again: true })
  assert.equal(book.verdict().failures, [])
})

breach('closed is final', 'a later send was done', /h2\.1\.m1 was closed .*took m2/, (book) => {
  book.send('h1', 'h2.1.m1', 'm1')
  book.line('h2', { e: 'closed', at: book.at, channel: 'h2.1.m1' })
  book.send('h1', 'h2.1.m1', 'm2')
  book.receive('h3', 'h2.1.m1', 'm1')
  book.receive('h3', 'h2.1.m1', 'm2')
})

breach('every operation ends', 'one does not', /receive 1 of h1\.1 .*without an end/, (book) => {
  book.begin('h1', 'receive', [{ kind: 'receive', channel: 'h2.1.c0' }])
})

breach('a receive ends by its time-out', 'it took a minute', /took 5\d{4} ms more/, (book) => {
  const op = book.begin('h1', 'receive', [{ kind: 'receive', channel: 'h2.1.c0' }], 1000)
  book.at += 60_000
  book.end('h1', op, { result: 'nothing', code: 'TIMED_OUT' })
})

test('a process may be late by as long as it was frozen or starved', () => {
  const book = new Book()
  const op = book.begin('h1', 'receive', [{ kind: 'receive', channel: 'h2.1.c0' }], 1000)
  book.at += 60_000
  book.line('h1', { e: 'stalled', at: book.at, ms: 58_000 })
  book.end('h1', op, { result: 'nothing', code: 'TIMED_OUT' })
  assert.equal(book.verdict().failures, [])
})

breach('at the end everyone sees everyone', 'one is not seen', /h1\.1 sees h1\.1 .*there are/,
  (book) => {
    book.line('h1', {
      e: 'seen', at: book.at, self: 7, peers: [
        { host: 'h1', run: 1, incarnation: 7 }, { host: 'h2', run: 1, incarnation: 7 }
      ]
    })
  })

breach('at the end everyone sees everyone', 'as another incarnation', /h3\.1 \(6\)/, (book) => {
  const peers = HOSTS.map((host) => ({ host, run: 1, incarnation: host === 'h3' ? 6 : 7 }))
  book.line('h1', { e: 'seen', at: book.at, self: 7, peers })
})

breach('nothing ends in a way that nobody promised', 'a message is unreadable', /UNREADABLE/,
  (book) => {
    const op = book.begin('h1', 'receive', [{ kind: 'receive', channel: 'h2.1.c0' }])
    book.end('h1', op, { result: 'unknown', code: 'UNREADABLE' })
  })

test('every invariant has a breach above', () => {
  assert.equal([...found].sort(), Object.keys(INVARIANTS).sort())
})

test('the same seed draws the same rounds, and a round never takes a process twice', () => {
  const draw = (seed: number) => {
    const random = new Random(seed)
    return Array.from({ length: 200 }, () => drawRound(random, 5, { cuts_pairs: true }, 1))
  }
  assert.equal(draw(7), draw(7))
  assert.not.equal(draw(7), draw(8))
  for (const round of draw(9)) {
    const taken = round.filter(({ kind }) => ['freeze', 'kill', 'leave'].includes(kind))
      .flatMap(({ hosts }) => hosts)
    assert.is(new Set(taken).size, taken.length)
    const ways = round.flatMap((fault) => waysOf(fault, 5))
    for (const way of ways) assert.match(way, /^[0-4]>[0-4]$/)
  }
})

test('tc understands what is asked of netem, also where the kernel has none', (t) => {
  const shape =
    { delay_ms: 10, jitter_ms: 5, loss_percent: 2.5, reorder_percent: 1, rate_mbit: 10 }
  const { stderr, error, status } = spawnSync('tc', netemWords('no-such-device', shape),
    { encoding: 'utf8' })
  if (error !== undefined) t.skip(`tc of iproute2 is needed: ${error.message}`)
  assert.ok(status !== 0)
  // A word that tc does not know gives "What is …?" and the usage, before any device is sought.
  assert.not.match(stderr, /What is|Usage|Illegal|Garbage/)
})

test.run()
