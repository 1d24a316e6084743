/**
 * A history as text: one line an operation, in the order of begin, with its time as a bar.
 *
 * Lives here: the drawing. Does not live here: what is drawn (blame.ts).
 *
 * Time runs from left to right by order, not by length: each begin and each end has a column of its
 * own while there are enough, so that what overlaps is seen, also within a microsecond.
 */
import { phraseOf, type Operation } from './history.ts'

const BAR_COLUMNS = 48
const OPERATIONS_MAX = 40

/** Draws operations, e.g. the offending part of a history; at most 40 of them. */
export function draw(operations: readonly Operation[]): string {
  const shown = operations.toSorted((a, b) => a.begin - b.begin).slice(0, OPERATIONS_MAX)
  const times = [...new Set(shown.flatMap(({ begin, end }) => [begin, end]))]
    .filter(Number.isFinite).sort((a, b) => a - b)
  const columns = Math.min(BAR_COLUMNS, Math.max(2, times.length * 3))
  const place = new Map(times.map((time, nth) =>
    [time, Math.round(nth * (columns - 1) / Math.max(1, times.length - 1))]))
  const from_us = times[0] ?? 0
  const names = shown.map(({ peer, client }) => `${peer}/${client}`)
  const phrases = shown.map(phraseOf)
  const [name_width, phrase_width] = [widest(names), widest(phrases)]
  const rows = shown.map(({ begin, end }, nth) => {
    const first = place.get(begin)!
    const last = place.get(end) ?? columns - 1
    const bar = `${' '.repeat(first)}|${'-'.repeat(Math.max(0, last - first - 1))}`
      + (end === Infinity ? '>' : last > first ? '|' : '')
    const took = end === Infinity ? 'no end' : `${us(begin - from_us)} … ${us(end - from_us)} ms`
    return `${names[nth]!.padEnd(name_width)}  ${phrases[nth]!.padEnd(phrase_width)}  `
      + `${bar.padEnd(columns)}  ${took}`
  })
  const more = operations.length - shown.length
  return [...rows, ...more > 0 ? [`and ${more} more`] : []].join('\n')
}

function us(microseconds: number): string {
  return (microseconds / 1000).toFixed(3)
}

function widest(texts: readonly string[]): number {
  return texts.reduce((width, text) => Math.max(width, text.length), 0)
}
