/**
 * What a run of the laboratory showed, for people.
 *
 * Lives here: the lines and their units. Does not live here: the figures (check.ts, lab.ts).
 */
import { INVARIANTS, type Verdict } from './check.ts'
import type { Outside } from './lab.ts'

const MEGA = 1_000_000

/** The whole report; without `outside` it is what logs alone can tell. */
export function report({ failures, excuses, figures }: Verdict, outside?: Outside): string {
  const row = (name: string, value: string | number) => `  ${name.padEnd(22)} ${value}`
  const lines = [
    ...outside === undefined ? [] : aboutNetwork(outside, row),
    row('processes', `${figures.processes}, saw each other go ${figures.lefts} times; ` +
      `frozen or starved for ${figures.stalled_s} s in all`),
    row('operations',
      `${grouped(figures.operations)}, ${grouped(figures.selects)} of them selects, ` +
      `${grouped(figures.across)} of these over channels of several owners`),
    row('messages', `${grouped(figures.messages)} offered: ${grouped(figures.done)} done, ` +
      `${grouped(figures.not_done)} not done, ${grouped(figures.unknown)} unknown`),
    row('received', `${grouped(figures.received)}, ${figures.again} of them marked again`),
    row('excused', `${excuses.unlogged} in a killed process's hands, ${excuses.vanished} gone ` +
      'with their owner or a scrub')
  ]
  if (failures.length === 0) {
    lines.push(`All ${Object.keys(INVARIANTS).length} invariants hold.`)
  } else {
    lines.push(`${failures.length} failures:`, ...failures.map((one) => `  - ${one}`))
  }
  return lines.join('\n')
}

function aboutNetwork(
  {
    network, seconds, faults, rounds, quiet_rounds, healed_s, met_s, rested_s, drained, counts
  }: Outside,
  row: (name: string, value: string | number) => string
): string[] {
  const kinds = Object.entries(faults).sort().map(([kind, count]) => `${count} ${kind}`)
  const total = Object.values(faults).reduce((sum, count) => sum + count, 0)
  const sorted = healed_s.toSorted((one, two) => one - two)
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0
  return [
    network,
    row('time', `${seconds} s of work under faults`),
    row('met', `after ${met_s} s; came to rest within ${rested_s} s; ${drained} drained`),
    row('faults', `${total} in ${rounds} rounds: ${kinds.join(', ')}`),
    row('healed', `all saw all: median ${median} s, worst ${sorted.at(-1) ?? 0} s after the ` +
      `faults of ${sorted.length} rounds; in the other ${quiet_rounds} nobody was out of sight`),
    ...counts === undefined ? [] : [row('frames', `${grouped(counts.frames)} ` +
      `(${Math.round(counts.bytes / MEGA)} MB): ${grouped(counts.lost)} lost, ` +
      `${grouped(counts.cut)} cut off, ${counts.full} over the queue, ` +
      `${grouped(counts.overtook)} overtook`)]
  ]
}

function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ' ')
}
