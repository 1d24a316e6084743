/**
 * One run in readable lines.
 *
 * Lives here: when, who, what was said, which faults, how it ended; the hash of everything that
 * crossed. Does not live here: running (play.ts).
 */
import { createHash } from 'node:crypto'
import { read_header } from '../net/wire.ts'
import type { Crossing } from '../net/net.ts'
import type { Node } from '../net/node.ts'
import { INVARIANTS } from './invariants/names.ts'
import { play } from './play.ts'
import type { Played } from './play.ts'
import type { Program } from './program.ts'
import type { World } from './world.ts'

/** Frames that only keep a link or the list of members. */
const QUIET_MAX = 15
const QUIET_MIN = 48
const TIME_WIDTH = 8
const WHO_WIDTH = 5

export interface Story extends Played { lines: string[], hash: string }

/** Plays a program and tells it; `quiet` leaves the frames out. */
export function tell(program: Program, quiet = false): Story {
  const lines = [frame_of(program)]
  const hash = createHash('sha256')
  let world: World | undefined
  const note = (line: string): void => {
    const at = `${world?.net.now_ms ?? 0} ms`.padStart(TIME_WIDTH)
    lines.push(`${at}  ${line}`)
    hash.update(`${at} ${line}\n`)
  }
  const told = play(program, (given) => {
    world = given
    listen(given, (crossing) => {
      const { from, to, header, text, at_ms } = crossing
      hash.update(`${at_ms} ${from.name} ${to.name} ${text} `).update(header)
      if (!quiet) said(crossing, note)
    })
    for (const { node } of given.places) follow_events(node, note)
    given.entered = (node) => { follow_events(node, note) }
  }, note)
  lines.push(...ending(told))
  const digest = hash.digest('hex')
  lines.push(`sha256 of all that happened: ${digest}`)
  return { ...told, lines, hash: digest }
}

function frame_of({ seed, nodes, delay_max_ms, channels, steps, uneven, gather }: Program): string {
  const about = channels.map(({ owner, capacity }, nth) =>
    `c${nth} at ${'abcdef'[owner]} (capacity ${capacity})`)
  return `seed ${seed}: ${nodes} peers, 1 to ${delay_max_ms} ms apart${
    uneven ? ', some links slower' : ''}${gather ? ', hosts gather operations' : ''}; `
    + `${about.join(', ')}; ${steps.length} steps`
}

function listen(world: World, hear: (crossing: Crossing) => void): void {
  const { net } = world
  const before = net.watch
  net.watch = (crossing) => {
    before?.(crossing)
    hear(crossing)
  }
}

function said({ from, to, header, text }: Crossing, note: (line: string) => void): void {
  const { name, fields } = read_header(header)
  const kind = header[1]! > 23 ? header[2]! : header[1]!
  if (kind <= QUIET_MAX || kind >= QUIET_MIN) return
  const about = Object.entries(fields).filter(([field, value]) =>
    field !== 'number' && field !== 'received' && !(Array.isArray(value) && value.length === 0))
  const shown = about.map(([field, value]) => `${field} ${JSON.stringify(value)}`).join(', ')
  note(`${`${from.name}>${to.name}`.padEnd(WHO_WIDTH)} ${name} ${shown}${
    text === '' ? '' : `: ${text}`}`)
}

/** Tells of members as each core hears of them. */
function follow_events(watched: Node, note: (line: string) => void): void {
  const { push } = watched.events
  watched.events.push = (...events): number => {
    for (const { event, name, incarnation } of events) {
      note(`${watched.name} hears: ${name}(${incarnation}) ${event}`)
    }
    return push.apply(watched.events, events)
  }
}

function ending({ broken, excused }: Played): string[] {
  const lines = ['', 'invariants:']
  for (const { name, says } of INVARIANTS) {
    const found = broken.filter(({ invariant }) => invariant === name)
    lines.push(`  ${found.length === 0 ? 'holds ' : 'BROKEN'}  ${name}: ${says}`)
    for (const { sentence } of found) lines.push(`            ${sentence}`)
  }
  lines.push(...excuses_as_lines(excused))
  return lines
}

/** How often each excuse was needed. */
export function excuses_as_lines(excused: ReadonlyMap<string, number>): string[] {
  if (excused.size === 0) return ['excused: 0']
  const all = [...excused].sort(([a], [b]) => a < b ? -1 : 1)
  return [`excused: ${all.reduce((sum, [, times]) => sum + times, 0)}`,
    ...all.map(([name, times]) => `  ${String(times).padStart(7)}  ${name}`)]
}
