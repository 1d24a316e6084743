/**
 * What happens to a large circuit, and what is measured then.
 *
 * Lives here: the scenarios of membership with their targets. Does not live here: the members and
 * their network (crowd.ts), which scenarios run (../members.ts).
 *
 * Invariant: each scenario leaves a circuit behind in which all that live list each other, or has
 * reported a miss.
 */
import { Crowd } from './crowd.ts'
import type { Member } from './member.ts'
import { mean, worst } from './report.ts'
import type { Report } from './report.ts'

export interface Scene {
  crowd: Crowd
  report: Report
  /** How many members joined. */
  members: number
  trials: number
  /** Simulated minutes under loss of probes. */
  minutes: number
  slow: number
  slow_turn_ms: readonly [number, number]
  /** Says what begins now, for those who watch. */
  begin(what: string): void
}

/** What is waited for at most, when the target is less. */
const WAIT_MS = 120_000
const SETTLE_MS = 45_000
const IDLE_MS = 60_000
const JOIN_TARGET_S = 10
const RETURN_TARGET_S = 10
const HEAL_TARGET_S = 30
const PARTITION_MS = 60_000
const DIALS_TARGET = 1.5
const EDGES_SLACK = 3
/** Links that look after members not heard of for long, made by both sides. */
const CHECK_LINKS = 2
const GOODBYE_TARGET_S = 2
const IDLE_TARGET_BYTES = 1024
/** TCP, IP and Ethernet, Noise and yamux around a frame that goes alone. */
const FRAME_OVERHEAD_BYTES = 60

/** Seconds in which a crash is known to all of so many: 2 at 10, 6 at 1,000, by the logarithm. */
export function crash_target_s(members: number): number {
  return Math.max(2, 2 + 2 * (Math.log10(members) - 1))
}

function pick(crowd: Crowd): Member { return crowd.random.pick(crowd.living()) }

/** A while that is no multiple of anything, so that trials meet the members' clocks anywhere. */
function pause(crowd: Crowd): void { crowd.run_for(3_000 + crowd.random.below(2_000)) }

const seconds = (ms: number): number => ms / 1000

/** Each newcomer finds one to three of those that came before; there is no other introduction. */
export function joining({ crowd, report, members, begin }: Scene): void {
  begin(`${members} members join`)
  for (let one = 0; one < members; one++) {
    const member = crowd.join()
    const finds = one === 0 ? 0 : 1 + crowd.random.below(3)
    for (let nth = 0; nth < finds; nth++) member.found(crowd.members[crowd.random.below(one)]!)
    crowd.run_for(10)
  }
  const ms = crowd.until(() => crowd.full(), WAIT_MS)
  report.add({ what: `all ${members} lists full after the last has joined`, unit: 's',
    values: [seconds(ms)], at_most: JOIN_TARGET_S,
    note: '100 join each second, each finds 1 to 3 earlier ones' })
  report.add({ what: 'memory of a core', unit: 'KiB',
    values: crowd.members.map(({ core }) => core.memory_bytes() / 1024), note: 'as held by wasm' })
}

export function idling(scene: Scene): void {
  const { crowd, report, members, begin } = scene
  begin(`idle for ${seconds(IDLE_MS)} s`)
  crowd.run_for(SETTLE_MS)
  crowd.clear()
  crowd.run_for(IDLE_MS)
  const living = crowd.living()
  const rate = (member: Member): number => member.bytes / seconds(IDLE_MS)
  const full = (member: Member): number =>
    (member.bytes + member.frames * FRAME_OVERHEAD_BYTES) / seconds(IDLE_MS)
  report.add({ what: 'bytes that an idle member says', unit: 'B/s', values: living.map(rate),
    mean_at_most: IDLE_TARGET_BYTES, note: `${(mean(living.map(({ frames }) => frames))
      / seconds(IDLE_MS)).toFixed(1)} frames/s: ${crowd.shares()}` })
  report.add({ what: `the same with ${FRAME_OVERHEAD_BYTES} bytes around each frame`, unit: 'B/s',
    values: living.map(full) })
  // Edges sought and accepted, and checks; a small circuit is a full mesh.
  const edges = Math.ceil(Math.log2(members)) + 2 + EDGES_SLACK
  report.add({ what: 'links of a member', unit: '', values: living.map((one) => one.links_count),
    mean_at_most: edges + CHECK_LINKS,
    note: `log₂ ${members} is ${Math.log2(members).toFixed(1)}` })
  report.add({ what: 'links that a member lacks to the edges it seeks', unit: '',
    values: [lacking(scene)], at_most: 0 })
  report.add({ what: 'false lefts while idle', unit: '', values: [crowd.false_lefts.length],
    at_most: 0 })
}

/** Links that the least linked member lacks to those that it seeks. */
function lacking({ crowd }: Scene): number {
  const living = crowd.living()
  const sought = Math.min(Math.ceil(Math.log2(living.length)) + 2, living.length - 1)
  return worst(living.map((one) => Math.max(sought - one.links_count, 0)))
}

export function losing(scene: Scene): void {
  const { crowd, report, minutes, begin } = scene
  const { turns, slow } = slow_down(scene)
  begin(`${minutes} min with 20 % of the probes lost and ${slow.length} slow members`)
  crowd.clear()
  crowd.probe_loss_ppm = 200_000
  crowd.run_for(minutes * 60_000)
  crowd.probe_loss_ppm = 0
  const about = new Set(crowd.false_lefts.map((left) => left.about))
  report.add({ what: `false lefts in ${minutes} min`, unit: '',
    values: [crowd.false_lefts.length], at_most: 0,
    note: `20 % one-way loss of probes; ${slow.length} members whose host takes ${turns} a turn; `
      + `${about.size} members falsely left; ${crowd.renewals} new incarnations` })
  report.add({ what: 'bytes that a member says meanwhile', unit: 'B/s',
    values: crowd.living().map((one) => one.bytes / (minutes * 60)), note: crowd.shares() })
  for (const member of slow) member.turn_max_us = 0
  const ms = crowd.until(() => crowd.full(), WAIT_MS)
  report.add({ what: 'lists full again after that', unit: 's', values: [seconds(ms)],
    at_most: RETURN_TARGET_S })
}

function slow_down({ crowd, slow, slow_turn_ms }: Scene): { turns: string, slow: Member[] } {
  const chosen = new Set<Member>()
  while (chosen.size < slow) chosen.add(pick(crowd))
  for (const member of chosen) {
    member.turn_min_us = slow_turn_ms[0] * 1000
    member.turn_max_us = slow_turn_ms[1] * 1000
  }
  return { turns: `${slow_turn_ms[0]} to ${slow_turn_ms[1]} ms`, slow: [...chosen] }
}

type Death = 'kill' | 'vanish'
const DEATHS: Record<Death, string> = {
  kill: 'process killed: links reset, dials refused', vanish: 'host off: silence'
}

/** One dies; the milliseconds until no living member lists it. */
function crash(crowd: Crowd, how: Death): number {
  const member = pick(crowd)
  crowd[how](member)
  return crowd.until(() => crowd.listed_by[member.index] === 0, WAIT_MS)
}

export function crashing({ crowd, report, members, trials, begin }: Scene): void {
  for (const how of ['kill', 'vanish'] as const) {
    begin(`${trials} members crash one after the other: ${how}`)
    crowd.clear()
    const values: number[] = []
    for (let trial = 0; trial < trials; trial++) {
      pause(crowd)
      values.push(seconds(crash(crowd, how)))
    }
    report.add({ what: `a crash known to all ${members} (${DEATHS[how]})`, unit: 's', values,
      at_most: crash_target_s(members), note: `${crowd.false_lefts.length} false lefts` })
  }
}

/** Members that say goodbye. */
export function leaving({ crowd, report, members, trials, begin }: Scene): void {
  begin(`${trials} members leave`)
  const values: number[] = []
  for (let trial = 0; trial < trials; trial++) {
    pause(crowd)
    const member = pick(crowd)
    member.leave()
    values.push(seconds(crowd.until(() => crowd.listed_by[member.index] === 0, WAIT_MS)))
    crowd.kill(member)
  }
  report.add({ what: `a goodbye known to all ${members}`, unit: 's', values,
    at_most: GOODBYE_TARGET_S })
}

/** Small circuits of their own: one dies, a newcomer takes its place. */
export function crashing_few(scene: Scene, members: number, seed: number): void {
  const { report, begin } = scene
  const trials = scene.trials * 4
  for (const how of ['kill', 'vanish'] as const) {
    begin(`${trials} crashes among ${members} members: ${how}`)
    const crowd = new Crowd({ seed, room: members + trials })
    const enter = (): void => {
      const member = crowd.join()
      if (member.index > 0) member.found(pick_other(crowd, member))
      crowd.run_for(10)
    }
    for (let one = 0; one < members; one++) enter()
    crowd.until(() => crowd.full(), WAIT_MS)
    const values: number[] = []
    for (let trial = 0; trial < trials; trial++) {
      pause(crowd)
      values.push(seconds(crash(crowd, how)))
      enter()
      crowd.until(() => crowd.full(), WAIT_MS)
    }
    report.add({ what: `a crash known to all ${members} (${DEATHS[how]})`, unit: 's', values,
      at_most: crash_target_s(members) })
  }
}

function pick_other(crowd: Crowd, member: Member): Member {
  return crowd.random.pick(crowd.living().filter((one) => one !== member))
}

export function freezing({ crowd, report, members, trials, begin }: Scene): void {
  begin(`${trials} members freeze and thaw`)
  const lefts: number[] = []
  const returns: number[] = []
  let blamed = 0
  for (let trial = 0; trial < trials; trial++) {
    pause(crowd)
    const member = pick(crowd)
    crowd.clear()
    member.freeze()
    lefts.push(seconds(crowd.until(() => crowd.listed_by[member.index] === 0, WAIT_MS)))
    pause(crowd)
    member.thaw()
    returns.push(seconds(crowd.until(() => crowd.full(), WAIT_MS)))
    blamed += crowd.false_lefts.filter(({ about }) => about !== member.index).length
  }
  report.add({ what: 'a frozen member left for all', unit: 's', values: lefts,
    at_most: crash_target_s(members) })
  report.add({ what: 'a thawed member back in all lists', unit: 's', values: returns,
    at_most: RETURN_TARGET_S })
  report.add({ what: 'lefts of members that did not freeze', unit: '', values: [blamed],
    at_most: 0, note: 'who slept doubts itself first' })
}

/** A member runs, hears all, and cannot be heard: it is declared left although it lives. */
export function accusing({ crowd, report, members, trials, begin }: Scene): void {
  begin(`${trials} members that run are declared left`)
  const lefts: number[] = []
  const returns: number[] = []
  for (let trial = 0; trial < trials; trial++) {
    pause(crowd)
    const member = pick(crowd)
    crowd.silence(member)
    lefts.push(seconds(crowd.until(() => crowd.listed_by[member.index] === 0, WAIT_MS)))
    crowd.heal()
    returns.push(seconds(crowd.until(() => crowd.full(), WAIT_MS)))
  }
  report.add({ what: 'a running member that nobody hears left for all', unit: 's', values: lefts,
    at_most: crash_target_s(members) })
  report.add({ what: 'a false left repaired everywhere', unit: 's', values: returns,
    at_most: RETURN_TARGET_S })
}

export function parting({ crowd, report, members, begin }: Scene): void {
  begin(`halves apart for ${seconds(PARTITION_MS)} s`)
  pause(crowd)
  const halves = crowd.members.map(() => crowd.random.below(2))
  crowd.partition((member) => halves[member.index]!)
  const sizes = [0, 1].map((half) => crowd.count(({ index }) => halves[index] === half))
  const apart = (): boolean => crowd.living().every((one) =>
    one.listed_count === sizes[halves[one.index]!]! - 1)
  const known = crowd.until_now_and_then(apart, PARTITION_MS)
  if (known < PARTITION_MS) crowd.run_for(PARTITION_MS - known)
  report.add({ what: 'each half lists only itself', unit: 's', values: [seconds(known)],
    at_most: seconds(PARTITION_MS) })
  const begun = Math.ceil(seconds(crowd.now_ms))
  begin('the halves meet')
  crowd.heal()
  const ms = crowd.until(() => crowd.full(), WAIT_MS)
  crowd.run_for(5_000)
  report.add({ what: 'lists full again after the partition', unit: 's', values: [seconds(ms)],
    at_most: HEAL_TARGET_S })
  const living = crowd.living().length
  const dials = Array.from(
    crowd.dials_of_second.slice(begun - Math.round(seconds(PARTITION_MS))),
    (count) => (count ?? 0) / living)
  report.add({ what: 'dials of a member in the worst second of all that', unit: '/s',
    values: [worst(dials)], at_most: 2 * (Math.ceil(Math.log2(members)) + 2) + 1,
    note: 'each edge once to mend it, once to replace it, and one who left' })
  report.add({ what: 'dials of a member all that time', unit: '/s', values: [mean(dials)],
    at_most: DIALS_TARGET })
}

/** A third less: some are killed, some vanish, all in one moment. */
export function dying(scene: Scene): void {
  const { crowd, report, begin } = scene
  begin('30 % die at once')
  crowd.run_for(SETTLE_MS)
  const living = crowd.living()
  crowd.clear()
  for (let count = Math.round(living.length * 0.3); count > 0; count--) {
    const member = pick(crowd)
    if (crowd.random.once_in(2)) crowd.kill(member)
    else crowd.vanish(member)
  }
  report.add({ what: 'parts of the survivors when 30 % die at once', unit: '',
    values: [crowd.parts().length], at_most: 1, note: 'links that stand at both ends' })
  const left = crowd.living().length
  const target = crash_target_s(living.length)
  const ms = crowd.until(() => crowd.full(), WAIT_MS)
  report.add({ what: `${living.length - left} deaths at once known to all ${left} survivors`,
    unit: 's', values: [seconds(ms)], at_most: target * 2 })
  crowd.run_for(SETTLE_MS)
  report.add({ what: `parts of the survivors ${seconds(SETTLE_MS)} s later`, unit: '',
    values: [crowd.parts().length], at_most: 1 })
  report.add({ what: 'links that a survivor then lacks to the edges it seeks', unit: '',
    values: [lacking(scene)], at_most: 0 })
  report.add({ what: 'false lefts of survivors', unit: '', values: [crowd.false_lefts.length],
    at_most: 0 })
}
