/**
 * Stories of channels and selects between cores, each step carried through and allowed by the
 * model.
 *
 * Lives here: what one core does on another's channels when nothing crosses. Does not live here:
 * frames that cross, deaths and links that break (crossings.ts, sessions.ts).
 */
import * as assert from 'uvu/assert'
import { Random } from '../property/random.ts'
import type { PairCase } from '../model/pair.ts'
import { Far } from './far.ts'
import { Stage } from './stage.ts'
import type { Actor } from './stage.ts'
import type { Vector } from './vector.ts'

export interface Set { stage: Stage, far: Far, a: Actor, b: Actor, c: Actor }
type Story = (set: Set) => void
type Line = [id: string, shows: string[], story: Story]

const RANDOM_STORIES = 6
const RANDOM_STEPS = 24

const receive = (channel: number): PairCase => ({ kind: 'receive', channel })
const send = (channel: number): PairCase => ({ kind: 'send', channel })
const after = (ms: number): PairCase => ({ kind: 'after', ms })

/** Two cores that have met; the second owns `x` (capacity 0) and `y` (capacity 1). */
export function two(): Omit<Set, 'c'> {
  const stage = new Stage()
  const [a, b] = [stage.actor('a'), stage.actor('b')]
  stage.meet(a, b)
  stage.wait(30)
  const far = new Far(stage)
  far.make(b, 'x', 0)
  far.make(b, 'y', 1)
  stage.wait(30)
  return { stage, far, a, b }
}

/** Three that have met; `x` (capacity 0) at a, `y` (0) at b, `z` (1) at c. */
export function three(): Set {
  const stage = new Stage()
  const [a, b, c] = [stage.actor('a'), stage.actor('b'), stage.actor('c')]
  stage.meet(a, b)
  stage.meet(a, c)
  stage.meet(b, c)
  stage.wait(30)
  const far = new Far(stage)
  far.make(a, 'x', 0)
  far.make(b, 'y', 0)
  far.make(c, 'z', 1)
  stage.wait(30)
  return { stage, far, a, b, c }
}

const plain: Line[] = [
  ['far-send', ['PROTOCOL-8', 'PROTOCOL-9', 'CH-4', 'WIRE-8', 'WIRE-10', 'WIRE-22'],
    ({ far, a, b }) => {
      far.send(a, 0)
      far.receive(b, 0)
    }],
  ['far-receive', ['PROTOCOL-9', 'CH-4', 'CH-11', 'WIRE-10'], ({ far, a, b }) => {
    far.receive(a, 0)
    far.send(b, 0)
  }],
  ['far-buffer', ['PROTOCOL-15', 'CH-5', 'CH-7', 'WIRE-10'], ({ far, a, b }) => {
    far.send(a, 1)
    far.send(a, 1)
    far.receive(b, 1)
    far.receive(a, 1)
  }],
  ['far-try', ['WIRE-23', 'CH-9', 'CH-14', 'ABI-19'], ({ far, a, b }) => {
    far.receive(a, 0, { try: true })
    far.send(a, 0, { try: true })
    far.send(b, 1)
    far.receive(a, 1, { try: true })
    far.receive(b, 0)
    far.send(a, 0, { try: true })
  }],
  ['far-withdrawals', ['PROTOCOL-4', 'PROTOCOL-16', 'CH-27', 'WIRE-10'], ({ far, a }) => {
    const waits = far.receive(a, 0)
    far.withdraw(a, waits)
    const send = far.send(a, 0)
    far.withdraw(a, send)
  }],
  ['far-timeouts', ['PROTOCOL-5', 'PROTOCOL-16', 'CH-26', 'ABI-15'], ({ far, a }) => {
    far.receive(a, 0, { timeout: 50 })
    far.send(a, 0, { timeout: 70 })
    far.withdraw(a, far.live(a)[0]!)
    far.advance(80)
  }],
  ['far-hold', ['CH-29', 'CH-30', 'CH-31', 'PROTOCOL-7', 'PROTOCOL-16', 'ABI-18'],
    ({ far, a, b }) => {
      for (const taken of [true, false]) {
        const shown = far.receive(a, 0, { hold: true })
        const send = far.send(b, 0)
        far.withdraw(b, send)
        if (taken) far.take(a, shown)
        else far.withdraw(a, shown)
      }
    }],
  ['far-close', ['PROTOCOL-17', 'CH-15', 'CH-16', 'CH-17', 'CH-18', 'CH-19'], ({ far, a, b }) => {
    far.receive(a, 0)
    far.close(b, 0)
    far.send(a, 1)
    far.send(a, 1)
    far.close(a, 1)
    far.close(a, 1)
    far.send(a, 1)
    far.receive(a, 1)
    far.receive(a, 1)
  }],
  ['far-close-while-shown', ['PROTOCOL-17', 'CH-20', 'CH-21'], ({ far, a, b }) => {
    const shown = far.receive(a, 0, { hold: true })
    far.send(b, 0)
    far.close(a, 0)
    far.withdraw(a, shown)
  }],
  ['far-scrub', ['PROTOCOL-18', 'CH-22', 'CH-23', 'CH-24', 'WIRE-24'], ({ far, a, b }) => {
    far.receive(a, 0)
    far.scrub(b, 0)
    far.send(a, 0)
    const shown = far.receive(a, 1, { hold: true })
    far.send(b, 1)
    far.send(b, 1)
    far.scrub(a, 1)
    far.withdraw(a, shown)
  }]
]

const selecting: Line[] = [
  ['far-select-receives', ['SEL-2', 'SEL-8', 'SEL-9', 'PROTOCOL-2', 'PROTOCOL-4'],
    ({ far, a, b }) => {
      far.select(a, [receive(0), receive(1)])
      far.send(b, 1)
      far.send(b, 0, { try: true })
    }],
  ['far-select-sends', ['PROTOCOL-8', 'PROTOCOL-10', 'PROTOCOL-15', 'WIRE-10'], ({ far, a, b }) => {
    far.select(a, [send(0)])
    far.receive(b, 0)
    far.select(a, [send(1), send(0)])
    far.receive(b, 1)
  }],
  ['far-select-default', ['SEL-13', 'PROTOCOL-21', 'WIRE-23'], ({ far, a, b }) => {
    far.select(a, [receive(0), send(0), receive(1)], { try: true })
    far.send(b, 1)
    far.select(a, [receive(0), receive(1)], { try: true })
    far.select(a, [receive(0), after(10)], { try: true })
  }],
  ['far-select-ends', ['SEL-15', 'SEL-16', 'SEL-17', 'PROTOCOL-17', 'PROTOCOL-18'],
    ({ far, a, b }) => {
      far.select(a, [send(0), receive(1)])
      far.close(b, 0)
      far.select(a, [send(1), receive(0)])
      far.send(b, 1)
      far.select(a, [send(1)])
      far.scrub(b, 1)
    }],
  ['far-select-times-out', ['SEL-10', 'SEL-12', 'PROTOCOL-5'], ({ far, a }) => {
    far.select(a, [receive(0), send(0), after(40)])
    far.advance(40)
    far.select(a, [receive(0), receive(1)], { timeout: 30 })
    far.advance(30)
  }],
  ['far-select-hold', ['SEL-21', 'PROTOCOL-7'], ({ far, a, b }) => {
    for (const taken of [true, false]) {
      const select = far.select(a, [receive(0), receive(1)], { hold: true })
      far.send(b, 1)
      if (taken) far.take(a, select)
      else far.withdraw(a, select)
    }
  }],
  ['far-select-held-as-sender', ['SEL-19', 'SEL-20', 'PROTOCOL-5', 'PROTOCOL-12'],
    ({ far, a, b }) => {
      for (const taken of [true, false]) {
        const shown = far.receive(b, 0, { hold: true })
        const select = far.select(a, [send(0)])
        far.withdraw(a, select)
        if (taken) far.take(b, shown)
        else far.withdraw(b, shown)
      }
    }],
  ['far-selects-meet', ['SEL-4', 'SEL-22', 'PROTOCOL-1', 'PROTOCOL-11'], ({ far, a, b }) => {
    far.select(a, [send(0)])
    far.select(b, [receive(0)])
    far.select(b, [send(0)])
    far.select(a, [receive(0)])
  }],
  ['far-select-never-meets-itself', ['SEL-3'], ({ far, a }) => {
    far.select(a, [send(0), receive(0)])
  }]
]

const among_three: Line[] = [
  ['three-selects-in-a-ring', ['PROTOCOL-1', 'PROTOCOL-11', 'SEL-4', 'SEL-22'],
    ({ far, a, b, c }) => {
      far.select(a, [send(1), receive(2)])
      far.select(b, [send(2), receive(0)])
      far.select(c, [send(0), receive(1)])
    }],
  ['sender-smaller', ['PROTOCOL-11', 'SEL-22'], ({ far, a, c }) => {
    far.select(a, [send(1)])
    far.select(c, [receive(1)])
  }],
  ['receiver-smaller', ['PROTOCOL-11', 'SEL-22'], ({ far, a, c }) => {
    far.select(c, [send(1)])
    far.select(a, [receive(1)])
  }],
  ['one-owner-two-readers', ['PROTOCOL-19', 'PROTOCOL-20', 'CH-11', 'CH-12'],
    ({ far, a, b, c }) => {
      const shown = far.receive(a, 1, { hold: true })
      far.receive(c, 1)
      far.send(b, 1)
      far.send(b, 1)
      far.take(a, shown)
    }],
  ['select-over-three-owners', ['SEL-2', 'SEL-8', 'SEL-9'], ({ far, a, b, c }) => {
    far.select(a, [receive(0), receive(1), receive(2)])
    far.send(c, 2)
    far.select(b, [send(0), send(2), after(20)])
    far.receive(c, 2)
  }]
]

/** Random operations of three cores on the channels of all. */
function random_story(seed: number): Story {
  return ({ far, stage }) => {
    const random = new Random(seed)
    const one = (): PairCase => random.once_in(2) ? send(random.below(3)) : receive(random.below(3))
    for (let step = 0; step < RANDOM_STEPS; step++) {
      const actor = random.pick(stage.actors)
      const channel = random.below(3)
      const options = random.once_in(6) ? { try: true } : {}
      switch (random.below(7)) {
        case 0: case 1: far.send(actor, channel, options); break
        case 2: case 3: far.receive(actor, channel, options); break
        case 4: case 5: far.select(actor, [one(), one()], options); break
        default:
          if (far.live(actor).length > 0) far.withdraw(actor, random.pick(far.live(actor)))
      }
    }
  }
}

/** A story told after what its cores have in common, which is the vector `after`. */
export function told<Cast extends { stage: Stage }>(line: [string, string[], (set: Cast) => void],
  cast: () => Cast, after: string): Vector {
  const [id, shows, story] = line
  const set = cast()
  set.stage.recorder.take()
  story(set)
  const vector = set.stage.vector(id, shows, after)
  assert.ok(vector.steps.length > 0, id)
  return vector
}

/** What several cores have in common before their stories begin. */
export function opening(id: string, shows: string[], cast: () => { stage: Stage }): Vector {
  return cast().stage.vector(id, shows)
}

/** All stories of cores that use each other's channels. */
export function peer_vectors(): { openings: Vector[], stories: Vector[] } {
  const random = Array.from({ length: RANDOM_STORIES }, (_, nth): Line =>
    [`three-random-${nth + 1}`, [], random_story(nth + 1)])
  return {
    openings: [
      opening('two', ['NAME-3', 'WIRE-2', 'WIRE-30', 'WIRE-32', 'ABI-14'], two),
      opening('three', [], three)
    ],
    stories: [
      ...[...plain, ...selecting].map((line) => told(line, two as () => Set, 'two')),
      ...among_three.map((line) => told(line, three, 'three')),
      ...random.map((line) => ({ ...told(line, three, 'three'), chance: true }))
    ]
  }
}
