/**
 * The table at the end: work, ours, what stands beside, ratio, target, met or not.
 *
 * Lives here: the table for a terminal and for Markdown. Does not live here: judging (goal.ts).
 */
import type { Row } from './goal.ts'

const HEADS: readonly (keyof Row)[] = ['work', 'ours', 'ratio', 'target', 'met', 'beside']
const WIDE = 60

/** Prints the table; what is too wide goes on in the next line. */
export function printTable(rows: readonly Row[]): void {
  const widths = HEADS.map((head) =>
    Math.min(WIDE, Math.max(head.length, ...rows.map((row) => row[head].length))))
  const line = (cells: readonly string[][], at: number) => cells.map((lines, column) =>
    (lines[at] ?? '').padEnd(widths[column]!)).join('  ').trimEnd()
  console.log(`\n${line(HEADS.map((head) => [head]), 0)}`)
  console.log(widths.map((width) => '─'.repeat(width)).join('  '))
  for (const row of rows) {
    const cells = HEADS.map((head, column) => folded(row[head], widths[column]!))
    const height = Math.max(...cells.map((lines) => lines.length))
    for (let at = 0; at < height; at++) console.log(line(cells, at))
  }
  const judged = rows.filter(({ met }) => met !== '')
  const count = (met: string) => judged.filter((row) => row.met === met).length
  console.log(`\n${count('met')} met, ${count('not met')} not met, ${count('no figure')} without `
    + `a figure here; ${rows.length - judged.length} rows are only printed`)
}

/** The table in Markdown. */
export function markdownTable(rows: readonly Row[]): string {
  const cell = (text: string) => text.replaceAll('|', '\\|')
  const lines = rows.map(({ work, ours, beside, ratio, target, met }) =>
    `| ${[work, `**${ours}**`, beside, ratio, target, met].map(cell).join(' | ')} |`)
  return ['| work | ours | beside | ratio | target | |', '|---|---|---|---|---|---|', ...lines]
    .join('\n')
}

/** A text in lines of at most so many columns, broken at spaces. */
function folded(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}
