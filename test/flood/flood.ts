/**
 * What a member that floods does to others, over real libp2p: round trips without and with it.
 *
 * Lives here: three processes, the two measurements in turn, their ratio. Does not live here: the
 * processes (peer.ts), the bounds of a peer (test/core/limits.test.ts).
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A busy machine takes its time; what hangs is ended by the test's deadline. */
const ANSWER_MS_MAX = 300_000

type Line = Record<string, number | boolean>

/** One process. */
class Far {
  readonly child: ChildProcess
  private readonly lines: Line[] = []
  private waiting: ((line: Line) => void) | undefined

  constructor(role: string, circuit: string, state: string) {
    this.child = spawn(process.execPath, [fileURLToPath(new URL('peer.ts', import.meta.url)), role,
      circuit, state], { stdio: ['pipe', 'pipe', 'inherit'] })
    createInterface({ input: this.child.stdout! }).on('line', (text) => {
      const line = JSON.parse(text) as Line
      const { waiting } = this
      this.waiting = undefined
      if (waiting === undefined) this.lines.push(line)
      else waiting(line)
    })
  }

  tell(order: string): void { this.child.stdin!.write(`${order}\n`) }

  /** The next line that it says. */
  async heard(): Promise<Line> {
    const said = this.lines.shift()
    if (said !== undefined) return said
    let timer: ReturnType<typeof setTimeout> | undefined
    return new Promise<Line>((resolve, reject) => {
      this.waiting = resolve
      timer = setTimeout(() => reject(new Error('a peer says nothing')), ANSWER_MS_MAX)
    }).finally(() => clearTimeout(timer))
  }

  async asked(order: string): Promise<Line> {
    this.tell(order)
    return this.heard()
  }

  async end(): Promise<void> {
    const gone = new Promise((resolve) => this.child.once('exit', resolve))
    this.child.stdin!.end()
    const late = setTimeout(() => this.child.kill('SIGKILL'), 30_000)
    await gone
    clearTimeout(late)
  }
}

export interface Round { quiet_ms: number, quiet_high_ms: number, flood_ms: number,
  flood_high_ms: number, frames_per_second: number }

/** Measures in rounds: without the flood, then with it. `trips` round trips for each. */
export async function measure_flood(rounds: number, trips: number): Promise<Round[]> {
  const folder = mkdtempSync(join(tmpdir(), 'circuit-flood-'))
  const circuit = `flood-${process.pid}`
  const far = ['owner', 'honest', 'flooder'].map((role) =>
    new Far(role, circuit, join(folder, role)))
  const [, honest, flooder] = far as [Far, Far, Far]
  try {
    for (const one of far) await one.heard()
    for (const one of far) while ((await one.asked('met')).peers !== far.length) await pause(50)
    await honest.asked(`measure ${trips}`)
    const found: Round[] = []
    for (let nth = 0; nth < rounds; nth++) {
      const quiet = await honest.asked(`measure ${trips}`)
      await flooder.asked('flood')
      await pause(200)
      const flooded = await honest.asked(`measure ${trips}`)
      const { per_second } = await flooder.asked('rest')
      found.push({ quiet_ms: quiet.median_ms as number, quiet_high_ms: quiet.high_ms as number,
        flood_ms: flooded.median_ms as number, flood_high_ms: flooded.high_ms as number,
        frames_per_second: per_second as number })
    }
    return found
  } finally {
    await Promise.all(far.map((one) => one.end()))
    rmSync(folder, { recursive: true, force: true })
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Of all rounds: the middle one by the ratio of the medians. */
export function middle(rounds: readonly Round[]): Round {
  return rounds.toSorted((a, b) => a.flood_ms / a.quiet_ms - b.flood_ms / b.quiet_ms)[
    rounds.length >> 1]!
}

/** A round as a line for people. */
export function told(round: Round): string {
  const ms = (value: number): string => `${value.toFixed(2)} ms`
  const { quiet_ms, quiet_high_ms, flood_ms, flood_high_ms, frames_per_second } = round
  return `round trip of an honest peer: median ${ms(quiet_ms)} (95 % under ${ms(quiet_high_ms)}) ` +
    `alone, ${ms(flood_ms)} (${ms(flood_high_ms)}) beside a flood of ${frames_per_second} ` +
    `messages/s: ${(flood_ms / quiet_ms).toFixed(1)} ×`
}
