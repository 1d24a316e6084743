/**
 * A million messages, and tables as long as before.
 *
 * Lives here: two cores and their own channels in virtual time: plain operations, windows, selects,
 * references, withdrawals, broken links. Does not live here: what one program leaves
 * (invariants/tables.ts).
 */
import * as assert from 'uvu/assert'
import { use_core } from '../core/door.ts'
import { Net } from '../net/net.ts'
import type { Node } from '../net/node.ts'
import { suite } from '../suite.ts'
import { memory_is_steady, sample } from './invariants/memory.ts'
import type { Sample } from './invariants/memory.ts'
import { mutant } from './mutant.ts'

const MESSAGES = 1_000_000
const SAMPLES = 10
/** Operations that a host hands over together. */
const TOGETHER = 500
const CUT_EVERY = 40
const DEADLINE_MS = 200_000

const test = suite('sim: memory')

/** Two peers, a channel of each kind at the first, and a reference of the second to each. */
class Stage {
  readonly net = new Net({ seed: 5 })
  readonly a: Node
  readonly b: Node
  readonly refs: { here: number, there: number }[]
  readonly reader: number
  /** So many were received. */
  messages = 0
  rounds = 0

  constructor() {
    this.a = this.net.join('a')
    this.b = this.net.join('b')
    this.net.mesh()
    this.refs = [0, 4, TOGETHER].map((capacity, nth) => {
      const [here, there] = this.a.share(`c${nth}`, capacity, this.b) as [number, number]
      return { here, there }
    })
    const { host } = this.b
    this.reader = this.b.do(() => host.outcome(host.reader(this.refs[2]!.there, 64))).value
    this.forget()
  }

  /** What a host gathers in one turn. */
  turn(node: Node, give: () => void): void {
    node.host.batching = true
    give()
    node.host.batching = false
    node.do(() => { node.host.run() })
  }

  /** Lets everything end, and drops what was told. */
  rest(): void {
    const { a, b, net } = this
    net.until(() => a.host.running.size + b.host.running.size === 0, 60_000, 'all has ended')
    this.forget()
  }

  private forget(): void {
    for (const { host } of [this.a, this.b]) {
      for (const { refs, text } of host.outcomes.values()) {
        if (text !== undefined) this.messages++
        for (const ref of refs) host.release(ref)
      }
      host.outcomes.clear()
    }
  }

  /** Messages of all kinds: near and far, with and without windows. */
  round(): void {
    const { a, b, refs } = this
    const [meet, few, many] = refs as [typeof refs[0], typeof refs[0], typeof refs[0]]
    this.rounds++
    this.turn(a, () => {
      for (let nth = 0; nth < TOGETHER; nth++) {
        const ref = nth % 2 === 0 ? meet.here : few.here
        a.host.send(ref, 'near', nth % 50 === 0 ? { refs: [many.here] } : {})
        a.host.receive(ref)
      }
      for (let nth = 0; nth < TOGETHER; nth++) a.host.send(many.here, 'ahead')
    })
    this.turn(b, () => {
      for (let nth = 0; nth < TOGETHER; nth++) b.host.read(this.reader)
    })
    this.rest()
    this.far(meet, few)
    if (this.rounds % CUT_EVERY === 0) this.net.cut(a, b)
  }

  private far(meet: { here: number, there: number }, few: { here: number, there: number }): void {
    const { a, b } = this
    const withdrawn: number[] = []
    this.turn(a, () => {
      for (let nth = 0; nth < TOGETHER / 2; nth++) a.host.receive(few.here)
      for (let nth = 0; nth < TOGETHER / 2; nth++) {
        a.host.select([{ receive: meet.here }, { after: 50_000 }])
      }
    })
    this.turn(b, () => {
      withdrawn.push(b.host.receive(meet.there), b.host.send(few.there, 'one more'))
      for (let nth = 0; nth < TOGETHER / 2; nth++) b.host.send(few.there, 'far')
      for (let nth = 0; nth < TOGETHER / 2; nth++) {
        b.host.select([{ send: meet.there, text: 'chosen' }, { receive: few.there }])
      }
    })
    this.turn(b, () => { for (const op of withdrawn) b.host.withdraw(op) })
    this.net.run_for(20)
    // What a select received or a withdrawal kept from somebody is made good here.
    this.turn(a, () => {
      for (const { kind } of a.host.running.values()) {
        if (kind === 'receive') a.host.send(few.here, 'near')
        else if (kind === 'select') a.host.send(meet.here, 'near')
      }
    })
    this.net.run_for(10)
    this.turn(b, () => {
      for (const [op, { kind }] of b.host.running) if (kind !== 'read') b.host.withdraw(op)
    })
    this.drain(few.here)
    this.rest()
  }

  private drain(ref: number): void {
    const { host } = this.a
    for (let left = 2 * TOGETHER; left > 0; left--) {
      const op = this.a.do(() => host.receive(ref, { try: true }))
      if (host.status(op) !== 'OK') return
    }
  }
}

/** What is wrong with a core's memory after so many messages, or undefined. */
function growth_over(messages: number): string | undefined {
  const stage = new Stage()
  const samples = new Map<Node, Sample[]>([[stage.a, []], [stage.b, []]])
  const every = messages / SAMPLES
  for (let due = every; due <= messages; due += every) {
    while (stage.messages < due) stage.round()
    stage.net.run_for(3_000)
    for (const [node, list] of samples) list.push(sample(node, stage.messages))
  }
  for (const [node, list] of samples) {
    const found = memory_is_steady(node.name, list)
    if (found !== undefined) return found
  }
  return undefined
}

test('tables and memory do not grow over a million messages', () => {
  assert.is(growth_over(MESSAGES), undefined)
}, { timeout_ms: DEADLINE_MS })

test('a frame that is never freed is noticed', async (t) => {
  t.after(() => { use_core(undefined) })
  use_core(await mutant({
    file: 'session.ts', put: 'return',
    find: 'release(changetype<usize>(out), out_bytes(out))\n    return'
  }))
  assert.match(growth_over(30_000) ?? '', /bytes more in use/)
}, { timeout_ms: 60_000 })

test.run()
