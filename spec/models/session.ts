/**
 * Instances of session.pml: how many frames, dials and cuts.
 *
 * Lives here: the instances, the rules that can be left out with the instance that shows each, and
 * the inputs that stand in the model's text. Does not live here: the rules themselves
 * (session.pml), running spin (check.ts).
 */
import { readFileSync } from 'node:fs'
import type { RuleSwitch } from './instances.ts'

/** One instance. `frames` go each way; `dials` are all that both sides may make. */
export interface SessionInstance { name: string, frames: number, dials: number, cuts: number,
  long?: boolean, huge?: boolean }

export const SESSIONS: SessionInstance[] = [
  { name: 'session', frames: 2, dials: 2, cuts: 0 },
  { name: 'session-one-cut', frames: 2, dials: 2, cuts: 1 },
  { name: 'session-crossing', frames: 3, dials: 3, cuts: 1, long: true, huge: true },
  { name: 'session-two-cuts', frames: 2, dials: 3, cuts: 2, long: true, huge: true },
  { name: 'session-three-cuts', frames: 1, dials: 4, cuts: 3, long: true, huge: true },
]

export const SESSION_SWITCHES: RuleSwitch[] = [
  { rule: 'RESEND', instance: 'session-one-cut', says: 'what is not acknowledged is sent again' },
  { rule: 'DROP_TAKEN', instance: 'session-one-cut', says: 'a frame taken before is dropped' },
  { rule: 'ACK_AGAIN', instance: 'session-one-cut', says: 'and acknowledged again' },
  { rule: 'BY_THE_ACK', instance: 'session-one-cut', says: 'the acceptor goes by the ack' },
  { rule: 'TIE_BREAK', instance: 'session', says: 'of two dials the lower id\'s stays' },
]

/** The Promela text of an instance, with the rules in `left_out` switched off. */
export function sessionModel(instance: SessionInstance, left_out: string[] = []): string {
  const text = readFileSync(new URL('session.pml', import.meta.url), 'utf8')
  const defines = {
    FRAMES: instance.frames, DIALS: instance.dials, CUTS: instance.cuts,
    WIRE_FRAMES: instance.frames * 2 + 4, DIALS_SUFFICE: Number(instance.dials > instance.cuts),
    ...Object.fromEntries(SESSION_SWITCHES.map(({ rule }) =>
      [rule, Number(!left_out.includes(rule))]))
  }
  return [
    `/* ${instance.name}${left_out.map((rule) => ` without ${rule}`).join('')} */`,
    ...Object.entries(defines).map(([name, value]) => `#define ${name} ${value}`),
    text.replace(/^ *INPUTS$/m, () => inputs(instance.dials).join('\n'))
  ].join('\n')
}

/** All that can happen next, to side s or to link l. */
function inputs(dials: number): string[] {
  const lines: string[] = []
  const links = Array.from({ length: dials }, (_, l) => l)
  for (const l of links) {
    lines.push(`    :: dialler[${l}] != NO_LINK && !broken[${l}] && cuts < CUTS -> `
      + `l = ${l}; input = CUT`)
  }
  for (const s of [0, 1]) {
    const go = (input: string) => `s = ${s}; input = ${input}`
    // No dial while one of ours is under way, or a link is answered or attached.
    const still = links.map((l) => `(state[${2 * l + s}] == NONE || state[${2 * l + s}] == OVER`
      + ` || state[${2 * l + s}] == LINK_HELLO && dialler[${l}] != ${s})`)
    lines.push(`    :: dials < DIALS && attached[${s}] == NO_LINK && ${still.join(' && ')} -> `
      + `l = dials; ${go('DIAL')}`)
    lines.push(`    :: joined[${s}] && made[${s}] < FRAMES -> ${go('MAKE')}`)
    const linked = `attached[${s}] != NO_LINK`
    lines.push(`    :: ${linked} && unsent[${s}] <= made[${s}] -> ${go('SEND')}`)
    lines.push(`    :: ${linked} && received[${s}] != received_told[${s}] -> ${go('SAY_ACK')}`)
    for (const l of links) {
      lines.push(`    :: nempty(wire[${2 * l + s}]) -> l = ${l}; ${go('HEARD')}`)
      lines.push(`    :: broken[${l}] && state[${2 * l + s}] != OVER -> l = ${l}; ${go('DOWN')}`)
    }
  }
  return lines
}
