/**
 * What must hold of a run of the laboratory, from the logs of all its processes.
 *
 * Lives here: each invariant as a function that gives sentences, and the excuses that the protocol
 * knows, counted. Does not live here: the index over the logs (history.ts), how a verdict is shown
 * (report.ts).
 *
 * Excuses, each justified by spec/protocol.md: `unlogged`: a process was killed between a receive
 * and its line; `vanished`: what was accepted went with its owner's death, a scrub, or the last
 * reference to a channel without a path. What a receiver that was declared left may have taken
 * needs none: its sender is told *unknown*, or it comes marked *again*.
 */
import { History, lived, nameOf, type Operation, type Receipt } from './history.ts'
import type { Logs, Run, Seen } from './log.ts'

export interface Excuses { unlogged: number, vanished: number }

export interface Figures {
  processes: number, operations: number, selects: number
  /** Selects over channels of more than one owner. */
  across: number
  messages: number, done: number, not_done: number, unknown: number
  received: number, again: number, lefts: number
  /** All processes together, frozen or starved. */
  stalled_s: number
}

export interface Verdict { failures: string[], excuses: Excuses, figures: Figures }

type Invariant = (history: History, excuses: Excuses) => string[]

/** A receive's time-out is exact; this much a busy machine may take beside its longer stalls. */
const LATE_MS = 3_000
const SENTENCES_PER_INVARIANT_MAX = 5

/** Each invariant by its name. */
export const INVARIANTS: Readonly<Record<string, Invariant>> = {
  'only what was sent is received': onlyWhatWasSent,
  'a message is received once': once,
  'again is said only where a receiver was declared left': againJustified,
  'what was accepted is received or still there': accepted,
  'what was not done was received by nobody': notDone,
  'exactly one case of a select happened': oneCase,
  'order holds for each sender, channel and reader': ordered,
  'closed is final': closedIsFinal,
  'every operation ends': ended,
  'a receive ends by its time-out': inTime,
  'at the end everyone sees everyone': everyoneSeen,
  'nothing ends in a way that nobody promised': asPromised
}

/** Reads all that was logged; `known` are failures that were seen from outside. */
export function check(logs: Logs, known: readonly string[] = []): Verdict {
  const history = new History(logs)
  const excuses: Excuses = { unlogged: 0, vanished: 0 }
  const failures = [...known]
  for (const [name, invariant] of Object.entries(INVARIANTS)) {
    const sentences = invariant(history, excuses)
    for (const sentence of sentences.slice(0, SENTENCES_PER_INVARIANT_MAX)) {
      failures.push(`${name}: ${sentence}`)
    }
    const more = sentences.length - SENTENCES_PER_INVARIANT_MAX
    if (more > 0) failures.push(`${name}: and ${more} more like it`)
  }
  return { failures, excuses, figures: figuresOf(history) }
}

/** An operation as sentences name it. */
function told({ run, begin, end }: Operation): string {
  const cases = begin.cases.map(({ kind, channel, message }) =>
    `${kind} ${message === undefined ? 'on' : `${message} to`} ${channel}`).join(', ')
  const how = end === undefined ? 'without an end'
    : `ended ${end.result}${end.code === undefined ? '' : ` (${end.code})`} at ${end.at}`
  return `${begin.what} ${begin.op} of ${nameOf(run)} (${cases}) begun at ${begin.at}, ${how}`
}

function toldReceipt({ operation, at, again }: Receipt): string {
  return `${nameOf(operation.run)}'s ${operation.begin.what} ${operation.begin.op} at ${at}` +
    `${again ? ' (again)' : ''}`
}

function onlyWhatWasSent(history: History): string[] {
  const wrong = history.sent_twice.map((message) => `${message} has two sends`)
  for (const [message, receipts] of history.receipts) {
    const sent = history.sent.get(message)
    for (const receipt of receipts) {
      const by = `${message} came to ${toldReceipt(receipt)}`
      if (sent === undefined) wrong.push(`${by}, and nobody sent it`)
      else if (sent.channel !== receipt.channel) {
        wrong.push(`${by} out of ${receipt.channel}, and was sent to ${sent.channel}`)
      } else if (receipt.at < sent.operation.begin.at) {
        wrong.push(`${by}, before its ${told(sent.operation)}`)
      }
    }
  }
  return wrong
}

function once(history: History): string[] {
  const wrong: string[] = []
  for (const [message, receipts] of history.receipts) {
    const fresh = receipts.filter(({ again }) => !again)
    if (fresh.length < 2) continue
    wrong.push(`${message} on ${fresh[0]!.channel} came to ${fresh.map(toldReceipt).join(' and ')}`)
  }
  return wrong
}

/** The owner saw somebody go, since the message was sent, who might have been given it. */
function againJustified(history: History): string[] {
  const wrong: string[] = []
  for (const receipt of [...history.receipts.values()].flat()) {
    if (!receipt.again) continue
    const { channel, message, at } = receipt
    const from = history.sent.get(message)?.operation.begin.at ?? 0
    const takers = (history.takers.get(channel) ?? []).filter(({ begin }) => begin.at < at)
    if (!takers.some((taker) => history.leftHolding(channel, taker, from, at))) {
      wrong.push(`${message} came again to ${toldReceipt(receipt)}, and the owner of ${channel} ` +
        'had declared none of its receivers left')
    }
  }
  return wrong
}

function accepted(history: History, excuses: Excuses): string[] {
  const missing = new Map<string, string[]>()
  for (const { message, channel, fate, operation } of history.sent.values()) {
    if (fate !== 'done' || history.receipts.has(message)) continue
    if (!history.counted(channel)) {
      excuses.vanished++
      continue
    }
    const list = missing.get(channel) ?? []
    missing.set(channel, list)
    list.push(`${message} was accepted by ${channel} in ${told(operation)}, and is gone`)
  }
  return [...missing].flatMap(([channel, sentences]) => {
    const unlogged = (history.takers.get(channel) ?? []).filter(mayHaveTaken).length
    excuses.unlogged += Math.min(unlogged, sentences.length)
    return sentences.slice(unlogged)
  })
}

/** A receive of a killed process, which may have taken one message and could not say so. */
function mayHaveTaken({ run, end }: Operation): boolean {
  return end === undefined ? !lived(run) : end.result === 'unknown'
}

function notDone(history: History): string[] {
  const wrong: string[] = []
  for (const { message, fate, operation } of history.sent.values()) {
    if (fate !== 'not done') continue
    for (const receipt of history.receipts.get(message) ?? []) {
      wrong.push(`${message} of the ${told(operation)} came to ${toldReceipt(receipt)}`)
    }
  }
  return wrong
}

function oneCase(history: History): string[] {
  const wrong: string[] = []
  for (const operation of history.operations) {
    const { begin: { what, cases }, end } = operation
    if (what !== 'select' || cases.length < 2) continue
    const happened = cases.flatMap(({ kind, message }, nth) => {
      if (kind === 'receive') {
        return end?.result === 'done' && end.case === nth ? [`case ${nth} received`] : []
      }
      const [receipt] = history.receipts.get(message ?? '') ?? []
      return receipt === undefined ? [] : [`case ${nth} was received by ${toldReceipt(receipt)}`]
    })
    if (happened.length > 1) wrong.push(`${told(operation)}: ${happened.join(', and ')}`)
  }
  return wrong
}

/** Where receives never overlap there is one reader; what is marked again has lost its place. */
function ordered(history: History): string[] {
  const wrong: string[] = []
  for (const [channel, takers] of history.takers) {
    const others = takers.filter(({ begin }) => begin.what !== 'drain')
    if (!oneAtATime(others)) continue
    const last = new Map<string, { number: number, message: string }>()
    const receipts = takers.flatMap((taker) => {
      const { message } = taker.end ?? {}
      return message === undefined ? []
        : (history.receipts.get(message) ?? []).filter(({ operation }) => operation === taker)
    }).sort((one, two) => one.at - two.at)
    for (const { message, again, operation } of receipts) {
      const sent = history.sent.get(message)
      if (again || sent === undefined || sent.channel !== channel) continue
      const { run, begin } = sent.operation
      const sender = `${nameOf(run)} ${begin.worker}`
      const before = last.get(sender)
      if (before !== undefined && before.number > begin.op) {
        wrong.push(`${message} of ${sender} was sent before ${before.message} to ${channel}, and ` +
          `came after it, to ${told(operation)}`)
      }
      last.set(sender, { number: begin.op, message })
    }
  }
  return wrong
}

function oneAtATime(operations: Operation[]): boolean {
  const sorted = operations.toSorted((one, two) => one.begin.at - two.begin.at)
  let busy_until = 0
  for (const { begin, end, run } of sorted) {
    if (begin.at < busy_until) return false
    busy_until = end?.at ?? run.killed ?? begin.at
  }
  return true
}

function closedIsFinal(history: History): string[] {
  const wrong: string[] = []
  for (const { message, channel, fate, operation } of history.sent.values()) {
    const closed = history.closed.get(channel)
    if (closed === undefined || fate !== 'done' || operation.begin.at <= closed) continue
    wrong.push(`${channel} was closed at ${closed}, and took ${message} in ${told(operation)}`)
  }
  return wrong
}

function ended({ operations }: History): string[] {
  return operations.filter(({ run, end }) => end === undefined && lived(run))
    .map((operation) => told(operation))
}

function inTime(history: History): string[] {
  return history.operations.flatMap((operation) => {
    const { run, begin: { at, cases, timeout_ms }, end } = operation
    if (timeout_ms === undefined || end === undefined) return []
    if (cases.some(({ kind }) => kind === 'send')) return []
    const stalled = history.stalled_within(run, at, end.at)
    const late = end.at - at - timeout_ms - stalled
    return late <= LATE_MS ? []
      : [`${told(operation)} took ${Math.round(late)} ms more than its ${timeout_ms} ms`]
  })
}

function everyoneSeen({ logs }: History): string[] {
  const last = logs.runs.filter(lived)
  const seen = (run: Run) => run.lines.findLast((line): line is Seen => line.e === 'seen')
  const incarnations = new Map(last.map((run) => [nameOf(run), seen(run)?.self]))
  const expected = [...incarnations].map(([name, one]) => `${name} (${one})`).sort().join(' ')
  return last.flatMap((run) => {
    const peers = (seen(run)?.peers ?? [])
      .map(({ host, run: nth, incarnation }) => `${host}.${nth} (${incarnation})`).sort().join(' ')
    return peers === expected ? []
      : [`${nameOf(run)} sees ${peers || 'nobody'}, and there are ${expected}`]
  })
}

function asPromised({ operations, logs }: History): string[] {
  const torn = operations.filter(({ end }) => end?.code === 'UNREADABLE').map(told)
  const crashed = logs.runs.filter(({ killed, lines }) => killed === undefined
    && lines.length > 0 && !lines.some(({ e }) => e === 'finish'))
    .map((run) => `${nameOf(run)} ended, and nobody had killed it`)
  return [...torn, ...crashed]
}

function figuresOf(history: History): Figures {
  const { operations, sent, receipts, logs } = history
  const fates = [...sent.values()].map(({ fate }) => fate)
  const all = [...receipts.values()].flat()
  const selects = operations.filter(({ begin }) => begin.what === 'select')
  return {
    processes: logs.runs.length,
    operations: operations.length,
    selects: selects.length,
    across: selects.filter(({ begin: { cases } }) =>
      new Set(cases.map(({ channel }) => history.owner(channel))).size > 1).length,
    messages: sent.size,
    received: all.length,
    again: all.filter(({ again }) => again).length,
    done: fates.filter((fate) => fate === 'done').length,
    not_done: fates.filter((fate) => fate === 'not done').length,
    unknown: fates.filter((fate) => fate === 'unknown').length,
    lefts: logs.runs.flatMap(({ lines }) => lines).filter(({ e }) => e === 'left').length,
    stalled_s: Math.round(logs.runs.flatMap(({ lines }) => lines)
      .reduce((sum, line) => sum + (line.e === 'stalled' ? line.ms : 0), 0) / 1000)
  }
}
