/**
 * The state tables of spec/tables/states.json, executed: every pair of state and input.
 *
 * Lives here: how each state is reached and each input is given, for channel, operation and offer.
 * Does not live here: sessions and links (test/net, test/fuzz).
 */
import { readFileSync } from 'node:fs'
import * as assert from 'uvu/assert'
import { codes } from '../core/door.ts'
import { Host } from '../core/host.ts'
import { suite } from '../suite.ts'
import { Stage } from './puppet.ts'
import type { Puppet } from './puppet.ts'

const test = suite('small: state tables')

interface Row { state: string, input: string, next: string, says: string[] }
interface Machine { name: string, start: string, inputs: string[], rows: Row[] }
/** Something that can be driven: an input gives what was said. */
interface Driven { give(input: string): string[], violated(): boolean }

const url = new URL('../../spec/tables/states.json', import.meta.url)
const { machines } = JSON.parse(readFileSync(url, 'utf8')) as { machines: Machine[] }

function machine(name: string): Machine {
  return machines.find((one) => one.name === name)!
}

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

/** Brings a machine into every state and gives it every input that the table has there. */
function execute(of: Machine, make: () => Driven): number {
  const reached = ways(of)
  let count = 0
  for (const row of of.rows) {
    const way = reached.get(row.state)
    assert.ok(way, `${of.name}: nothing leads to ${row.state}`)
    const driven = make()
    for (const step of [...way!, row]) {
      assert.equal(driven.give(step.input).sort(), [...step.says].sort(),
        `${of.name}: ${step.state}, ${step.input} (on the way to ${row.state}, ${row.input})`)
      assert.not.ok(driven.violated(), `${of.name}: ${step.state}, ${step.input}`)
    }
    count++
  }
  return count
}

/** Gives inputs that the table does not have: nothing may be said but the end of the session. */
function refuse_others(of: Machine, make: () => Driven, unless: (input: string) => boolean): void {
  for (const [state, way] of ways(of)) {
    for (const input of of.inputs) {
      const known = of.rows.some((row) => row.state === state && row.input === input)
      if (known || unless(input)) continue
      const driven = make()
      for (const step of way) driven.give(step.input)
      const said = driven.give(input)
      if (!driven.violated()) assert.equal(said, [], `${of.name}: ${state}, ${input}`)
    }
  }
}

class ChannelDriven implements Driven {
  private readonly host = new Host()
  private readonly ref = this.host.channel(1)

  give(input: string): string[] {
    const { host } = this
    const op = this.begin(input)
    const status = host.status(op)
    if (status !== 'waiting') return [status]
    host.withdraw(op)
    assert.is(host.status(op), 'WITHDRAWN')
    return ['waits']
  }

  private begin(input: string): number {
    const { host, ref } = this
    switch (input) {
      case 'send': return host.send(ref, 'm')
      case 'try to send': return host.send(ref, 'm', { try: true })
      case 'receive': return host.receive(ref)
      case 'try to receive': return host.receive(ref, { try: true })
      case 'close': return host.close(ref)
      case 'scrub': return host.scrub(ref)
      default: return host.stat(ref)
    }
  }

  violated(): boolean { return false }
}

/** A select of two cases at a puppet, which plays their owner. */
class OperationDriven implements Driven {
  private readonly stage = new Stage()
  private readonly owner: Puppet
  private readonly op: number
  private readonly send: number
  private readonly receive: number
  private told = false
  private lost = false

  constructor() {
    const { host } = this.stage
    this.owner = this.stage.puppet('Owner')
    // The references come inside a message, as they do.
    const carrier = host.channel(1)
    this.owner.say('offer_send', [9, carrier, 0, 0, [[0, 1, 7], [0, 1, 8]]], 'references')
    const [x, y] = host.outcome(host.receive(carrier)).refs
    this.owner.take()
    this.op = host.select([{ send: x!, text: 'mine' }, { receive: y! }], { timeout: 100 })
    const offers = this.owner.take()
    this.send = offers.find(({ name }) => name === 'offer_send')!.fields.offer as number
    this.receive = offers.find(({ name }) => name === 'offer_receive')!.fields.offer as number
  }

  give(input: string): string[] {
    const { owner, send, receive } = this
    const { host } = this.stage
    switch (input) {
      case 'claim send': owner.say('claim', [send, 0]); break
      case 'claim receive': owner.say('claim', [receive, 0]); break
      case 'deliver': owner.say('deliver', [receive, 0, []], 'theirs'); break
      case 'closed send': owner.say('claim', [send, codes.CLOSED!]); break
      case 'closed receive': owner.say('claim', [receive, codes.CLOSED!]); break
      case 'unhold send': owner.say('unhold', [send]); break
      case 'unhold receive': owner.say('unhold', [receive]); break
      case 'end send': owner.say('end', [send, 0]); break
      case 'withdraw': host.withdraw(this.op); break
      case 'timeout': host.advance(100); break
      default:
        this.lost = true
        owner.say('leave', [])
    }
    return this.said(input)
  }

  private said(input: string): string[] {
    const side = (offer: unknown): string => offer === this.send ? 'send' : 'receive'
    const frames = this.owner.take().filter(({ name }) => name === 'grant' || name === 'withdraw')
      .map(({ name, fields }) => `${name} ${side(fields.offer)}`)
    const outcome = this.stage.host.outcomes.get(this.op)
    if (outcome === undefined || this.told) return frames
    this.told = true
    return [...frames, input === 'lost' ? outcome.status : `${outcome.status} ${outcome.which}`]
  }

  violated(): boolean { return this.owner.unlinked !== undefined && !this.lost }
}

/** A select's send of one puppet and a plain receive of another, at a channel of the core. */
class OfferDriven implements Driven {
  private readonly stage = new Stage()
  private readonly arbiter = this.stage.puppet('Arbiter')
  private readonly receiver = this.stage.puppet('Receiver')
  private readonly ref = this.stage.host.channel(0, 'x')
  private offer = 10
  private receive = 20
  /** The claim that is out is firm: the channel's end. */
  private firm = false

  give(input: string): string[] {
    const { arbiter, receiver, ref } = this
    const { host } = this.stage
    switch (input) {
      case 'offer': arbiter.say('offer_send', [++this.offer, ref, 2, 5, []]); break
      case 'receiver comes': receiver.say('offer_receive', [++this.receive, ref, 0, 0]); break
      case 'receiver withdraws': receiver.say('withdraw', [this.receive]); break
      case 'receiver grants': receiver.say('grant', [this.receive, 1, []]); break
      case 'grant': this.grant(); break
      case 'withdraw': arbiter.say('withdraw', [this.offer]); break
      default: host.close(ref)
    }
    const said = [
      ...arbiter.take().map(({ name, fields }) => fields.status === codes.CLOSED ? `${name} closed`
        : name),
      ...receiver.take().map(({ name, fields }) => fields.status === codes.CLOSED
        ? 'closed to receiver' : `${name} to receiver`)
    ]
    if (said.includes('claim closed')) this.firm = true
    return said
  }

  /** A grant of a hold brings the message, one of a firm claim does not. */
  private grant(): void {
    this.arbiter.say('grant', [this.offer, 1, []], this.firm ? '' : 'message')
  }

  violated(): boolean {
    return this.arbiter.unlinked !== undefined || this.receiver.unlinked !== undefined
  }
}

test('a channel does what its table says', () => {
  const count = execute(machine('channel'), () => new ChannelDriven())
  assert.is(count, 5 * machine('channel').inputs.length, 'every state and input is in the table')
})

test('an operation does what its table says', () => {
  assert.ok(execute(machine('operation'), () => new OperationDriven()) > 30)
})

test('an operation answers what is not in its table with a violation or not at all', () => {
  refuse_others(machine('operation'), () => new OperationDriven(),
    (input) => ['withdraw', 'timeout', 'lost'].includes(input))
})

test('an offer does what its table says', () => {
  assert.ok(execute(machine('offer'), () => new OfferDriven()) > 20)
})

test('an offer answers what is not in its table with a violation or not at all', () => {
  refuse_others(machine('offer'), () => new OfferDriven(),
    (input) => ['offer', 'receiver comes', 'close'].includes(input))
})

test.run()
