/**
 * What was measured, beside what was promised.
 *
 * Lives here: figures, whether they keep to their targets, lines and Markdown. Does not live here:
 * measuring.
 *
 * Invariant: a figure over its target, or one that never came, is a miss, and a miss is the exit
 * code.
 */

/** What one measurement gave: any number of trials, the most that each may be. */
export interface Figure {
  what: string
  unit: 's' | 'B/s' | '' | '/s' | 'KiB'
  values: readonly number[]
  /** Every value is at most this; left out for what is only shown. */
  at_most?: number
  /** The mean is at most this, whatever the worst. */
  mean_at_most?: number
  note?: string
}

const sum = (values: readonly number[]): number => values.reduce((all, one) => all + one, 0)
export const mean = (values: readonly number[]): number => sum(values) / values.length
export const worst = (values: readonly number[]): number =>
  values.reduce((most, one) => Math.max(most, one), -Infinity)

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  if (sorted.length % 2 === 1 || sorted[half] === Infinity) return sorted[half]!
  return (sorted[half - 1]! + sorted[half]!) / 2
}

function text(value: number, unit: string): string {
  if (!Number.isFinite(value)) return 'never'
  const digits = unit === 's' ? 2 : Number.isInteger(value) ? 0 : 1
  return `${value.toFixed(digits)}${unit === '' ? '' : unit.startsWith('/') ? unit : ` ${unit}`}`
}

export function missed({ values, at_most, mean_at_most }: Figure): boolean {
  if (values.length === 0) return true
  if (at_most !== undefined && !(worst(values) <= at_most)) return true
  return mean_at_most !== undefined && !(mean(values) <= mean_at_most)
}

function target({ at_most, mean_at_most, unit }: Figure): string {
  if (at_most !== undefined) return at_most === 0 ? '0' : `≤ ${text(at_most, unit)}`
  return mean_at_most === undefined ? '' : `mean ≤ ${text(mean_at_most, unit)}`
}

export class Report {
  readonly figures: Figure[] = []
  private readonly print: (line: string) => void

  constructor(print: (line: string) => void) { this.print = print }

  add(figure: Figure): void {
    this.figures.push(figure)
    const { what, unit, values, note } = figure
    const aim = target(figure)
    const verdict = aim === '' ? '    ' : missed(figure) ? 'MISS' : 'ok  '
    const measured = values.length === 1 ? text(values[0]!, unit)
      : figure.mean_at_most !== undefined
        ? `mean ${text(mean(values), unit)}, worst ${text(worst(values), unit)}`
        : `median ${text(median(values), unit)}, worst ${text(worst(values), unit)}`
    const trials = values.length > 1 && figure.mean_at_most === undefined
      ? `${values.length} trials` : ''
    const rest = [aim === '' ? '' : `target ${aim}`, trials, note ?? ''].filter((one) => one !== '')
    this.print(`${verdict} ${what}: ${measured}${rest.length > 0 ? ` (${rest.join('; ')})` : ''}`)
  }

  misses(): Figure[] { return this.figures.filter(missed) }

  markdown(): string {
    const rows = this.figures.map((figure) => {
      const { what, unit, values, note } = figure
      const middle = figure.mean_at_most === undefined ? median(values) : mean(values)
      const ends = values.length > 1 ? text(worst(values), unit) : ''
      return `| ${what} | ${target(figure)} | ${text(middle, unit)} | ${ends} | ${note ?? ''} |`
    })
    return ['| What | Target | Median | Worst | |', '|---|---|---|---|---|', ...rows].join('\n')
  }
}
