/**
 * Plots as SVG: bars and lines, with units and labels and nothing else.
 *
 * Lives here: drawing. Does not live here: what is drawn (plots.ts).
 *
 * Invariants: a plot has no background and takes light or dark colours as its reader's screen does;
 * every bar has its name and its figure beside it, so colour says nothing that words do not; an
 * axis begins at 0.
 */

/** A bar; `least` and `most` are drawn as a thin line. */
export interface Bar {
  name: string
  value: number
  least?: number
  most?: number
  /** Drawn in the colour of what the plot is about. */
  ours?: boolean
  /** In the place of a figure: why there is none. */
  missing?: string
}

/** Bars below a heading, all on one axis. */
export interface BarPanel {
  title: string
  unit: string
  groups: { name: string, bars: Bar[] }[]
  /** How a figure is written beside its bar. */
  figure(value: number): string
}

export interface Line { name: string, points: readonly (readonly [number, number])[] }

/** Lines over one axis. */
export interface LinePanel { title: string, x: string, y: string, lines: Line[] }

const WIDTH = 760
const GUTTER_LEAST = 236
/** A bold letter, as wide as they are on the average. */
const LETTER = 6.8
const RIGHT = 120
const BAR = 13
const STEP = 19
const LINE_HEIGHT = 210
const LINE_LEFT = 56
const LINE_RIGHT = 214
const TICKS = 5
const LABEL_STEP = 15
const COLOURS = `
    text { font: 12px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
    .title { font-weight: 600; font-size: 14px; } .group { font-weight: 600; }
    text { fill: #1f2328; } .quiet { fill: #59636e; }
    .ours { fill: #0969da; } .other { fill: #9aa4af; } .spread { stroke: #1f2328; }
    .grid { stroke: #d1d9e0; } .line { fill: none; stroke-width: 2; }
    .c0 { stroke: #0969da; } .c1 { stroke: #bc4c00; } .c2 { stroke: #1a7f37; }
    .c3 { stroke: #8250df; } .c4 { stroke: #bf3989; } .c5 { stroke: #59636e; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3; } .quiet { fill: #9198a1; }
      .ours { fill: #4493f8; } .other { fill: #656c76; } .spread { stroke: #e6edf3; }
      .grid { stroke: #3d444d; }
      .c0 { stroke: #4493f8; } .c1 { stroke: #f0883e; } .c2 { stroke: #3fb950; }
      .c3 { stroke: #ab7df8; } .c4 { stroke: #db61a2; } .c5 { stroke: #9198a1; }
    }`

interface Drawn { svg: string, height: number }

/** A whole file: panels below each other. `what` is said to those who do not see it. */
export function drawing(what: string, panels: readonly (BarPanel | LinePanel)[]): string {
  let top = 0
  const parts: string[] = []
  for (const panel of panels) {
    const { svg, height } = 'groups' in panel ? bars(panel) : lines(panel)
    parts.push(`<g transform="translate(0 ${top})">${svg}\n</g>`)
    top += height + 22
  }
  const height = Math.ceil(top)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" `
      + `width="${WIDTH}" height="${height}" role="img" aria-label="${escaped(what)}">`,
    `<style>${COLOURS}\n</style>`, ...parts, '</svg>', ''
  ].join('\n')
}

function bars({ title, unit, groups, figure }: BarPanel): Drawn {
  const all = groups.flatMap((group) => group.bars)
  const values = all.flatMap(({ value, most }) => [value, most ?? value]).filter(Number.isFinite)
  const ticks = ticksTo(Math.max(...values, 0))
  const longest = Math.max(...all.map(({ name }) => name.length))
  const gutter = Math.max(GUTTER_LEAST, Math.ceil(longest * LETTER) + 8)
  const scale = (WIDTH - gutter - RIGHT) / ticks.at(-1)!
  const x = (value: number) => gutter + value * scale
  const parts: string[] = []
  let y = 40
  for (const { name, bars: some } of groups) {
    if (name !== '') {
      parts.push(text(0, y + BAR - 2, name, 'group'))
      y += STEP
    }
    for (const bar of some) {
      parts.push(...drawBar(bar, y, x, figure))
      y += STEP
    }
    y += 7
  }
  const grid = ticks.map((tick) => line(x(tick), 34, x(tick), y, 'grid'))
  const numbers = ticks.map((tick) => text(x(tick), y + 15, plain(tick), 'quiet', 'middle'))
  return {
    svg: [text(0, 16, title, 'title'), ...grid, ...parts, ...numbers,
      text(x(ticks.at(-1)!) + 22, y + 15, unit, 'quiet')].map((part) => `\n  ${part}`).join(''),
    height: y + 22
  }
}

function drawBar(
  { name, value, least, most, ours, missing }: Bar, y: number, x: (value: number) => number,
  figure: (value: number) => string
): string[] {
  const label = text(x(0) - 8, y + BAR - 2, name, ours === true ? 'group' : '', 'end')
  if (missing !== undefined || !Number.isFinite(value)) {
    return [label, text(x(0) + 6, y + BAR - 2, missing ?? 'no figure', 'quiet')]
  }
  const middle = y + BAR / 2
  const parts = [
    label,
    `<rect x="${x(0)}" y="${y}" width="${round(Math.max(1, x(value) - x(0)))}" height="${BAR}" `
      + `class="${ours === true ? 'ours' : 'other'}"/>`
  ]
  if (least !== undefined && most !== undefined) {
    parts.push(line(x(least), middle, x(most), middle, 'spread'))
  }
  const end = Math.max(x(value), most === undefined ? 0 : x(most))
  parts.push(text(end + 6, y + BAR - 2, figure(value), ours === true ? 'group' : ''))
  return parts
}

function lines({ title, x: x_name, y: y_name, lines: all }: LinePanel): Drawn {
  const points = all.flatMap((one) => one.points)
  const xs = ticksTo(Math.max(...points.map(([x]) => x)))
  const ys = ticksTo(Math.max(...points.map(([, y]) => y)))
  const bottom = 44 + LINE_HEIGHT
  const x = (value: number) =>
    LINE_LEFT + value / xs.at(-1)! * (WIDTH - LINE_LEFT - LINE_RIGHT)
  const y = (value: number) => bottom - value / ys.at(-1)! * LINE_HEIGHT
  const parts = [text(0, 16, title, 'title'), text(LINE_LEFT, 36, y_name, 'quiet')]
  for (const tick of ys) {
    parts.push(line(x(0), y(tick), x(xs.at(-1)!), y(tick), 'grid'))
    parts.push(text(LINE_LEFT - 6, y(tick) + 4, plain(tick), 'quiet', 'end'))
  }
  for (const tick of xs) parts.push(text(x(tick), bottom + 17, plain(tick), 'quiet', 'middle'))
  parts.push(text(x(xs.at(-1)!), bottom + 34, x_name, 'quiet', 'end'))
  const ends = all.map(({ points: own }) => y(own.at(-1)![1]))
  const labels = apart(ends)
  all.forEach(({ name, points: own }, nth) => {
    const path = own.map(([px, py]) => `${round(x(px))},${round(y(py))}`).join(' ')
    parts.push(`<polyline points="${path}" class="line c${nth % 6}"/>`)
    const from = x(own.at(-1)![0])
    parts.push(line(from + 4, ends[nth]!, from + 14, labels[nth]!, `c${nth % 6}`))
    parts.push(text(from + 18, labels[nth]! + 4, `${name}: ${plain(own.at(-1)![1])}`))
  })
  return { svg: parts.map((part) => `\n  ${part}`).join(''), height: bottom + 42 }
}

/** Labels at these heights, moved so that none covers another. */
function apart(heights: readonly number[]): number[] {
  const order = heights.map((_, nth) => nth).sort((a, b) => heights[a]! - heights[b]!)
  const places = [...heights]
  for (let at = 1; at < order.length; at++) {
    const least = places[order[at - 1]!]! + LABEL_STEP
    if (places[order[at]!]! < least) places[order[at]!] = least
  }
  return places
}

/** Ticks from 0 to the first round number that is not below `most`. */
function ticksTo(most: number): number[] {
  const rough = Math.max(most, 1e-9) / TICKS
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((one) => one >= rough)!
  return Array.from({ length: Math.ceil(most / step - 1e-9) + 1 }, (_, nth) => nth * step)
}

const round = (value: number) => Math.round(value * 10) / 10
const plain = (value: number) => `${Number(value.toPrecision(3))}`

function text(x: number, y: number, content: string, kind = '', anchor = ''): string {
  const own = kind === '' ? '' : ` class="${kind}"`
  const at = anchor === '' ? '' : ` text-anchor="${anchor}"`
  return `<text x="${round(x)}" y="${round(y)}"${own}${at}>${escaped(content)}</text>`
}

function line(x1: number, y1: number, x2: number, y2: number, kind: string): string {
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" `
    + `class="${kind}"/>`
}

const escaped = (content: string) => content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  .replaceAll('>', '&gt;').replaceAll('"', '&quot;')
