/**
 * What programs reach: how often the short ways of the core are taken, and which of its lines run.
 *
 * Lives here: counting calls without a record and frames of many in a range of seeds. Does not live
 * here: counters in the core (test/fuzz), what must hold (invariants/).
 */
import { readFileSync } from 'node:fs'
import { use_core } from '../core/door.ts'
import { ShortHost } from '../core/short.ts'
import { Coverage, instrumented } from '../fuzz/coverage.ts'
import { COUNTERS_FROM } from '../fuzz/instrument.ts'
import { read_header } from '../net/wire.ts'
import type { Crossing, Net } from '../net/net.ts'
import { play } from './play.ts'
import { program_of } from './seed.ts'
import type { World } from './world.ts'

/** How often something came about, and in how many programs. */
export interface Count { times: number, programs: number }
export type Counts = Map<string, Count>

/** Plays programs and counts what they reach; `coverage` takes the counters of their cores. */
export function reach(seeds: Iterable<number>, coverage?: Coverage): Counts {
  const counts: Counts = new Map()
  for (const seed of seeds) {
    const here = new Map<string, number>()
    let net: Net | undefined
    play(program_of(seed), (world) => { net = follow(world, here) })
    for (const { host } of net!.nodes) {
      coverage?.merge(host.door.bytes(COUNTERS_FROM, coverage.seen.length))
      if (!(host instanceof ShortHost)) continue
      for (const [call, times] of host.calls) add(here, several(call), times)
    }
    for (const [what, times] of here) {
      const one = counts.get(what) ?? { times: 0, programs: 0 }
      counts.set(what, { times: one.times + times, programs: one.programs + 1 })
    }
  }
  return counts
}

function add(here: Map<string, number>, what: string, times = 1): void {
  here.set(what, (here.get(what) ?? 0) + times)
}

/** `send_many_now of 7` as `send_many_now of several`. */
function several(call: string): string {
  return call.replace(/ of (\d+)$/,
    (_, count: string) => Number(count) > 1 ? ' of several' : ` of ${count}`)
}

/** Counts the frames of a run, and sends to one channel that leave together. */
function follow({ net }: World, here: Map<string, number>): Net {
  const before = net.watch
  let last = ''
  let together = 0
  net.watch = (crossing) => {
    before?.(crossing)
    const { name, fields } = read_header(crossing.header)
    add(here, `frame ${name}`)
    const line = name === 'offer_send' && fields.select === 0 ? line_of(crossing, fields) : ''
    together = line !== '' && line === last ? together + 1 : 1
    last = line
    if (together === 2) add(here, 'sends to one channel together')
    if (together === 10) add(here, 'ten sends to one channel together')
  }
  return net
}

function line_of({ from, to, at_ms }: Crossing, fields: Record<string, unknown>): string {
  return `${from.name}.${from.incarnation} ${to.name} ${String(fields.channel)} ${at_ms}`
}

/** Plays `count` programs with counters in the core, and tells what they reached. */
export function report(from: number, count: number): string {
  const { path, counters } = instrumented()
  const coverage = new Coverage(counters)
  use_core(new WebAssembly.Module(readFileSync(path)))
  const counts = reach(Array.from({ length: count }, (_, nth) => from + nth), coverage)
  const rows = [...counts].sort(([a], [b]) => a < b ? -1 : 1).map(([what, { times, programs }]) =>
    `${what.padEnd(36)}${(times / count).toFixed(3).padStart(10)} a program, in `
      + `${(100 * programs / count).toFixed(1).padStart(5)} % of them`)
  return [coverage.report(), '', `What ${count} programs from seed ${from} did`, ...rows].join('\n')
}
