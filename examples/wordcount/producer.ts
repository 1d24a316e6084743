/**
 * Hands texts out to whoever receives them, and adds up what comes back.
 *
 * Lives here: which text is waiting, handed out or counted. Does not live here: counting
 * (pipeline), what a worker does (work).
 *
 * Invariants: every text is in `open` until its counts were added, and they are added once, however
 * often it was handed out; what a peer had when it left is waiting again.
 */
import { select, type Channel, type Circuit } from 'circuit-csp'
import type { Job, Report } from './job.ts'

/** A text under the name of its file. */
export interface Text { name: string, bytes: Uint8Array }

const REPORTS_CAPACITY = 16

/**
 * Counts all texts with the workers that receive from `jobs`; resolves to the sum of their counts.
 * `tell` gets a line for each step. Workers may come and go meanwhile, also by kill -9.
 */
export async function countAll(
  circuit: Circuit, jobs: Channel<Job>, texts: readonly Text[], tell: (line: string) => void
): Promise<Map<string, number>> {
  const reports = circuit.channel<Report>({ capacity: REPORTS_CAPACITY })
  using members = circuit.members()
  const names = new Map<string, string>()
  const total = new Map<string, number>()
  const open = new Set(texts.keys())
  /** By number, the worker that said it has it; undefined until it says so. */
  const handed = new Map<number, string | undefined>()
  let waiting = [...open]

  while (open.size > 0) {
    const always = { report: reports.receiving(), member: members.receiving() }
    const next = waiting[0]
    const chosen = await select(next === undefined ? always : {
      ...always, job: jobs.sending({ number: next, text: texts[next]!.bytes, reports })
    })
    if (chosen.case === 'job') {
      handed.set(next!, undefined)
      waiting.shift()
    } else if (chosen.case === 'report' && chosen.ok) {
      const { number, worker, counts } = chosen.value
      // One that was handed out twice comes back twice: the first counts.
      if (!open.has(number)) continue
      if (counts === undefined) {
        handed.set(number, worker)
        continue
      }
      add(counts, total)
      open.delete(number)
      handed.delete(number)
      waiting = waiting.filter((one) => one !== number)
      const done = `${texts.length - open.size}/${texts.length}`
      tell(`${done} ${names.get(worker) ?? worker} counted ${texts[number]!.name}`)
    } else if (chosen.case === 'member' && chosen.ok) {
      const { event, peer } = chosen.value
      names.set(peer.id, peer.name)
      tell(`${peer.name} ${event}`)
      if (event === 'joined') continue
      // What nobody has claimed yet may have been with the dead one too.
      const back = [...handed].filter(([, worker]) => worker === undefined || worker === peer.id)
      for (const [number] of back) handed.delete(number)
      waiting.unshift(...back.map(([number]) => number))
      if (back.length > 0) tell(`handed out again: ${nameAll(back, texts)}`)
    }
  }
  return total
}

function nameAll(numbers: readonly [number, unknown][], texts: readonly Text[]): string {
  return numbers.map(([number]) => texts[number]!.name).join(', ')
}

function add(counts: Record<string, number>, total: Map<string, number>): void {
  for (const [word, count] of Object.entries(counts)) {
    total.set(word, (total.get(word) ?? 0) + count)
  }
}
