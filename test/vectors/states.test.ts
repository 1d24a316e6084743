/**
 * The tables of links and sessions of spec/tables/states.json, executed: every row, and every pair
 * of state and input that is no row.
 *
 * Lives here: how each state is reached and each input is given, with a peer played by hand. Does
 * not live here: the tables of channel, operation and offer (test/small).
 */
import * as assert from 'uvu/assert'
import { readFileSync } from 'node:fs'
import { codes, constants, limits } from '../core/door.ts'
import { encode } from '../fuzz/header.ts'
import { suite } from '../suite.ts'
import { Stage } from './stage.ts'
import type { Actor, Field, Wire } from './stage.ts'
import type { Described } from './record.ts'

const test = suite('vectors: state tables')

interface Row { state: string, input: string, next: string, says: string[] }
interface Machine { name: string, start: string, inputs: string[], rows: Row[] }
/** Something that can be driven: an input gives what was said. */
interface Driven { give(input: string): string[] }

const url = new URL('../../spec/tables/states.json', import.meta.url)
const { machines } = JSON.parse(readFileSync(url, 'utf8')) as { machines: Machine[] }
const { answer: ANSWER, left: LEFT } = constants('hello_flag') as { answer: number, left: number }
const heard = constants('peer_event')
const HELLO = 1
const REFUSE = 2
const ACK = 5
/** Longer than any silence that is borne. */
const SILENCE_MS = 60_000

/** Inputs that lead from the start to each state: the shortest, by the table. */
function ways(of: Machine): Map<string, Row[]> {
  const found = new Map<string, Row[]>([[of.start, []]])
  for (const [state, way] of found) {
    for (const row of of.rows) {
      if (row.state === state && !found.has(row.next)) found.set(row.next, [...way, row])
    }
  }
  return found
}

/** Tries every state with every input; what is no row says nothing. Gives how many were tried. */
function execute(name: string, make: () => Driven): number {
  const of = machines.find((one) => one.name === name)!
  const wrong: string[] = []
  let count = 0
  const try_one = (driven: Driven, { state, input, says }: Omit<Row, 'next'>, at: string): void => {
    const said = driven.give(input).join(', ')
    if (said !== says.join(', ')) wrong.push(`${state}, ${input}: says ${said}${at}`)
  }
  for (const [state, way] of ways(of)) {
    for (const input of of.inputs) {
      const row = of.rows.find((one) => one.state === state && one.input === input)
      const driven = make()
      for (const step of way) try_one(driven, step, ` on the way to ${state}, ${input}`)
      try_one(driven, { state, input, says: row?.says ?? [] }, '')
      count++
    }
  }
  assert.equal(wrong, [], name)
  return count
}

/** One core, and what its peer says by hand. */
class Played implements Driven {
  protected readonly stage = new Stage()
  protected readonly a: Actor
  protected readonly b: Actor
  protected wire: Wire | undefined
  /** Of the run that is played. */
  protected incarnation = 1
  private number = 0

  constructor() {
    this.a = this.stage.actor('a')
    this.b = this.stage.actor('b')
    this.a.judging = false
    this.stage.recorder.take()
  }

  give(input: string): string[] {
    this.stage.recorder.take()
    this.act(input)
    return this.stage.recorder.take().filter(({ core }) => core === 0)
      .flatMap(({ out }) => out.flatMap((one) => this.word(one))).sort()
  }

  protected act(_input: string): void {}

  /** What a record says that the tables have a word for. */
  protected word({ record, reads, event }: Described): string[] {
    if (record === 'peer') {
      return Object.keys(heard).filter((one) => heard[one] === event && one !== 'changed')
    }
    if (record !== 'frame') return ['verify', 'unlink', 'renew'].filter((one) => one === record)
    const { frame } = reads as { frame: string }
    return ['hello', 'refuse', 'leave', 'leave_answer'].includes(frame) ? [frame] : []
  }

  protected raw(row: Field[], text = ''): void {
    if (this.wire !== undefined) this.stage.raw(this.wire, this.b, encode(row), text)
  }

  protected hello(flags: number,
    more: { received?: number, epoch?: number, your?: number } = {}): void {
    const { received = 0, epoch = 0, your = flags === 0 ? 0 : this.a.incarnation } = more
    this.raw([HELLO, 1, this.incarnation, your, received, epoch, flags], 'chain')
  }

  protected judge(status: number): void {
    const link = this.wire!.end_of(this.a).number
    this.a.host.put('verified', { link, status, rights: 7 })
  }

  protected session(kind: number, ...fields: Field[]): void {
    this.raw([kind, ++this.number, 0, ...fields])
  }

  /** Frames of the session that were said so far. */
  protected get said(): number { return this.number }
  protected fresh(): void { this.number = 0 }
}

/** One link: dialled by the other peer, or by the core itself. */
class LinkDriven extends Played {
  private readonly flags: number

  constructor(outgoing: boolean) {
    super()
    const [dialler, acceptor] = outgoing ? [this.a, this.b] : [this.b, this.a]
    this.wire = this.stage.link(dialler, acceptor)
    this.flags = outgoing ? ANSWER : 0
  }

  protected override act(input: string): void {
    switch (input) {
      case 'hello': this.hello(this.flags); break
      case 'valid': this.judge(0); break
      case 'not valid': this.judge(codes.BAD_CERTIFICATE!); break
      case 'ack': this.raw([ACK, 0]); break
      case 'refuse': this.raw([REFUSE, codes.BAD_VERSION!]); break
      case 'session frame': this.session(19, 77); break
      case 'late': this.late(); break
      default: this.a.host.put('link_down', { link: this.wire!.end_of(this.a).number })
    }
  }

  /** The time for a hello passes; the other side lives. */
  private late(): void {
    const { stage, a } = this
    for (let ms = 0; ms < limits.HELLO_TIMEOUT_MS!; ms += 100) {
      stage.wait(100, false, [a])
      a.host.put('heard', { link: this.wire!.end_of(a).number })
    }
  }
}

/** One run of a peer, over as many links as it takes. */
class SessionDriven extends Played {
  protected override act(input: string): void {
    switch (input) {
      case 'link attached': this.attach(); break
      case 'link broken': this.down(); break
      case 'silence': this.silence(); break
      case 'leave said': this.a.host.leave(); break
      case 'leave heard': this.session(49); break
      case 'leave answered': this.session(50); break
      case 'newer incarnation':
        this.incarnation++
        this.fresh()
        this.attach()
        break
      default:
        this.raw([REFUSE, codes.DECLARED_LEFT!])
        // The core's own next run knows of no session: the peer's begins anew.
        this.fresh()
    }
  }

  /** A link that the peer dials; it says who it is when its session is new. */
  private attach(): void {
    this.down()
    this.wire = this.stage.link(this.b, this.a)
    const known = this.said > 0
    this.hello(0, known ? { epoch: 1, your: this.a.incarnation } : {})
    this.judge(0)
    if (this.turned_away()) return
    this.raw([ACK, 0])
    if (!known) this.session(48, this.b.id, this.incarnation, 0, 1, 'b', '', 0)
  }

  /** True when the answer to the hello says that this run was declared left. */
  private turned_away(): boolean {
    const row = this.wire!.end_of(this.a).out.at(-1)?.row
    return row?.[0] === HELLO && ((row[6] as number) & LEFT) !== 0
  }

  private down(): void {
    if (this.wire?.end_of(this.a).up === true) this.stage.cut(this.wire, this.a)
  }

  private silence(): void {
    const { stage, a } = this
    for (let ms = 0; ms < SILENCE_MS; ms += 500) stage.wait(500, false, [a])
  }
}

test('a link that was dialled by the other peer does what its table says', () => {
  assert.ok(execute('incoming link', () => new LinkDriven(false)) >= 40)
})

test('a link that this peer dialled does what its table says', () => {
  assert.ok(execute('outgoing link', () => new LinkDriven(true)) >= 32)
})

test('a session does what its table says', () => {
  assert.ok(execute('session', () => new SessionDriven()) >= 40)
}, { timeout_ms: 30_000 })

test.run()
