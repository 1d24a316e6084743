/**
 * The count itself: `tr | tr | sort | uniq -c`.
 *
 * Lives here: the stages, running them as processes of the circuit with channels between them, and
 * alone without a circuit. Does not live here: which text is counted where (producer, worker).
 */
import { spawnSync } from 'node:child_process'
import type { Channel, Circuit, Process } from 'circuit-csp'

/** One word a line, in small letters, sorted, each once with its count. */
const STAGES = [
  { path: 'tr', args: ['-cs', 'A-Za-z', '\\n'] },
  { path: 'tr', args: ['A-Z', 'a-z'] },
  { path: 'sort', args: [] },
  { path: 'uniq', args: ['-c'] }
]
/** Bytes, whatever language the machine speaks. */
const ENVIRONMENT = { LC_ALL: 'C' }
const OUTPUT_BYTES_MAX = 1 << 28

let runs = 0

/**
 * Counts the words of a text with four processes at this peer, each stage's stdout channel carried
 * into the next one's stdin channel. Rejects when a stage fails; leaves no process behind.
 */
export async function countHere(
  circuit: Circuit, text: Uint8Array
): Promise<Record<string, number>> {
  runs += 1
  const processes: Process[] = []
  try {
    for (const { path, args } of STAGES) {
      const anchor = `count/${runs}/${processes.length}`
      processes.push(await circuit.start(anchor, { path, args, env: ENVIRONMENT }))
    }
    const carrying = processes.map(({ stdin }, stage) =>
      carry(stage === 0 ? [text] : processes[stage - 1]!.stdout, stdin))
    const output: Uint8Array[] = []
    for await (const bytes of processes.at(-1)!.stdout) output.push(bytes)
    await Promise.all(carrying)
    for (const process of processes) {
      const { code, signal } = await process.wait()
      if (code !== 0) throw new Error(`${process.path} ended with ${code ?? signal}`)
    }
    return parse(Buffer.concat(output))
  } finally {
    for (const process of processes) {
      await process.scrub()
      process[Symbol.dispose]()
    }
  }
}

/** Sends all of it, then closes the channel, which closes the pipe behind it. */
async function carry(
  from: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, to: Channel<Uint8Array>
): Promise<void> {
  for await (const bytes of from) await to.send(bytes)
  await to.close()
}

/** Counts with the same stages one after the other, without a circuit: what must come out. */
export function countAlone(text: Uint8Array): Record<string, number> {
  let bytes: Uint8Array = text
  for (const { path, args } of STAGES) {
    const env = { ...process.env, ...ENVIRONMENT }
    const ended = spawnSync(path, args, { input: bytes, env, maxBuffer: OUTPUT_BYTES_MAX })
    if (ended.status !== 0) throw new Error(`${path} ended with ${ended.status ?? ended.signal}`)
    bytes = ended.stdout
  }
  return parse(bytes)
}

/** Lines of `uniq -c`: spaces, a count, a space, a word; the empty word is none. */
function parse(bytes: Uint8Array): Record<string, number> {
  const lines = new TextDecoder().decode(bytes).matchAll(/^ *(\d+) ([a-z]+)$/gm)
  return Object.fromEntries([...lines].map(([, count, word]) => [word, Number(count)]))
}
