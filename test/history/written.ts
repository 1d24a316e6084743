/**
 * Histories written by hand, one operation a line.
 *
 * Lives here: reading `who begin..end what -> outcome`. Does not live here: the histories
 * themselves (wrong.ts and the tests).
 *
 * The first lines name channels: `channel q 2 at a` is a channel of capacity 2 owned by peer a, and
 * `parted a b 50` says that a and b parted at 50. Without `called`, a call returns at its begin.
 */
import type { Case, History, Operation, Result } from './history.ts'

const LINE = /^(\w+)\/(\d+) +(\d+)\.\.(\d*) +(try )?(send|receive|close|select)\b *(.*?) *-> *(.+)$/
const CHANNEL = /^channel (\w+) (\d+) at (\w+)$/
const PARTED = /^parted (\w+) (\w+) (\d+)$/

/** Reads a history. Throws for a line that it cannot read. */
export function written(text: string): History {
  const history: History = { channels: [], operations: [], partings: [] }
  for (const line of text.split('\n').map((row) => row.trim()).filter((row) => row !== '')) {
    const channel = CHANNEL.exec(line)
    const parted = PARTED.exec(line)
    if (channel !== null) {
      const [, name, capacity, owner] = channel
      history.channels.push({ name: name!, owner: owner!, capacity: Number(capacity) })
    } else if (parted !== null) {
      const [, one, other, at] = parted
      history.partings.push({ one: one!, other: other!, at: Number(at) })
    } else {
      history.operations.push(operationOf(line, history.operations.length))
    }
  }
  return history
}

function operationOf(line: string, id: number): Operation {
  const found = LINE.exec(line)
  if (found === null) throw new Error(`this is no operation: ${line}`)
  const [, peer, client, begin, end, trying, verb, rest, outcome] = found
  const inner = verb === 'select' ? /^\{ (.*) \}$/.exec(rest!)![1]! : `${verb} ${rest}`
  const parts = inner.split(' | ')
  return {
    id, peer: peer!, client: Number(client), verb: verb as Operation['verb'],
    trying: trying !== undefined || parts.includes('default'),
    cases: parts.filter((part) => part !== 'default').map(caseOf),
    begin: Number(begin), called: Number(begin), end: end === '' ? Infinity : Number(end),
    result: resultOf(outcome!)
  }
}

function caseOf(text: string): Case {
  const [verb, channel, value] = text.split(' ')
  return verb === 'send'
    ? { kind: 'send', channel: channel!, value: Number(value) }
    : { kind: 'receive', channel: channel! }
}

function resultOf(text: string): Result {
  const found = /^(?:(\d+): )?(ok|closed|\d+)( again)?$/.exec(text)
  if (found === null) return { kind: text as 'blocked' | 'withdrawn' | 'lost' | 'unknown' }
  const which = Number(found[1] ?? 0)
  if (found[2] === 'closed') return { kind: 'closed', which }
  if (found[2] === 'ok') return { kind: 'done', which }
  return { kind: 'done', which, value: Number(found[2]), ...found[3] && { again: true } }
}
