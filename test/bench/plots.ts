/**
 * Which figures are drawn, and where to.
 *
 * Lives here: three plots, made of what a run found; a part that was not run leaves its plot out.
 * Does not live here: drawing (plot.ts).
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { undisturbed, type Fact } from './goal.ts'
import { drawing, type Bar, type BarPanel, type LinePanel } from './plot.ts'
import type { Run } from './report.ts'
import type { Figure } from './timing.ts'
import { rate } from './units.ts'

/** Writes the plots of a run into a folder; gives their paths. */
export function drawPlots({ figures, facts }: Run, folder: string): string[] {
  const plots: [name: string, what: string, panels: (BarPanel | LinePanel)[]][] = [
    ['local', 'Messages a second within one program, by library and kind of work',
      [localPanel(figures)].filter(hasBars)],
    ['remote', 'Messages a second and round trips between two programs, by system',
      [windowPanel(figures), strictPanel(figures), tripPanel(figures)].filter(hasBars)],
    ['memory', 'Memory and time over ten million messages', steadyPanels(facts)]
  ]
  const paths: string[] = []
  mkdirSync(folder, { recursive: true })
  for (const [name, what, panels] of plots) {
    if (panels.length === 0) continue
    const path = `${folder}/${name}.svg`
    writeFileSync(path, drawing(what, panels))
    paths.push(path)
  }
  return paths
}

const hasBars = ({ groups }: BarPanel) => groups.length > 0
const MILLION = 1e6

/** The figures of each work whose name fits, in their order. */
function worksOf(figures: readonly Figure[], fits: RegExp): [string, Figure[]][] {
  const works = new Map<string, Figure[]>()
  for (const figure of figures) {
    if (!fits.test(figure.work)) continue
    works.set(figure.work, [...works.get(figure.work) ?? [], figure])
  }
  return [...works]
}

/** A bar of what a figure says, by its median; its spread is that of the rounds. */
function bar(figure: Figure, name: string, value: (ns: number) => number): Bar {
  const { median_ns, least_ns, most_ns, absent, failure } = figure
  const drawn: Bar = { name, value: value(median_ns), ours: figure.contender.startsWith('circuit') }
  const [one, other] = [value(least_ns), value(most_ns)]
  if (absent !== undefined) drawn.missing = absent
  else if (failure !== undefined) drawn.missing = 'fails'
  else Object.assign(drawn, { least: Math.min(one, other), most: Math.max(one, other) })
  return drawn
}

const millions = (ns: number) => 1e9 / ns / MILLION
const perSecond = (value: number) => rate(1e9 / (value * MILLION))

function localPanel(figures: readonly Figure[]): BarPanel {
  const fits = /^(local await|ping-pong|select of|1,000 receivers|16 senders)/
  return {
    title: 'Within one program: how many a second, each awaited (more is better)',
    unit: 'million/s', figure: perSecond,
    groups: worksOf(figures, fits).map(([name, some]) => ({
      name,
      // Go is printed for scale, and would need an axis of its own.
      bars: undisturbed(some)
        .filter(({ contender }) => contender !== 'Go' && !contender.includes('{'))
        .map((figure) => bar(figure, named(figure), millions))
    }))
  }
}

const named = ({ contender, wrong }: Figure) =>
  wrong === undefined ? contender : `${contender} (not right)`

function windowPanel(figures: readonly Figure[]): BarPanel {
  return {
    title: 'Two programs, one way, many under way: messages a second (more is better)',
    unit: 'million/s', figure: perSecond,
    groups: worksOf(figures, /one way, windows/).map(([name, some]) => ({
      name, bars: some.map((figure) => bar(figure, shorter(figure.contender), millions))
    }))
  }
}

function shorter(contender: string): string {
  return contender.replace(/^(circuit.*), windows of \d+, /, '$1, ')
    .replace('a bare libp2p stream', 'bare libp2p').replace(' to 64 KiB', '')
    .replace('in pipelines of 256', 'pipelined')
}

function strictPanel(figures: readonly Figure[]): BarPanel {
  return {
    title: 'Two programs, one way, each send awaited: messages a second (more is better)',
    unit: 'thousand/s', figure: (value) => rate(1e6 / value),
    groups: worksOf(figures, /^16 bytes one way, each send awaited/).map(([name, some]) => ({
      name, bars: some.map((figure) => bar(figure, awaited(figure.contender), (ns) => 1e6 / ns))
    }))
  }
}

const awaited = (contender: string) => contender.replace(/, await each \w+/, '')

function tripPanel(figures: readonly Figure[]): BarPanel {
  return {
    title: 'Two programs, a round trip (less is better)', unit: 'µs',
    figure: (value) => `${Number(value.toPrecision(3))} µs`,
    groups: worksOf(figures, /^round trip of/).map(([name, some]) => ({
      name, bars: some.map((figure) =>
        bar(figure, shorter(figure.contender).replace(', a channel at each end', ''),
          (ns) => ns / 1e3))
    }))
  }
}

/** Memory of all processes in one panel, time in another. */
function steadyPanels(facts: readonly Fact[]): LinePanel[] {
  const curves = facts.flatMap(({ curves: own }) => own ?? [])
  const units = [...new Set(curves.map(({ y }) => y))]
  return units.map((y) => {
    const some = curves.filter((one) => one.y === y)
    return {
      title: y === 'MiB' ? 'Memory over ten million messages'
        : 'Processor time of a message over the same',
      x: some[0]!.x, y, lines: some.map(({ name, points }) => ({ name, points }))
    }
  })
}
