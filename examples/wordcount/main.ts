/**
 * Counts the words of every README below a folder, with workers in three OS processes.
 *
 * Lives here: which files, which processes, what is printed. Does not live here: handing out
 * (producer), counting (work, pipeline).
 *
 * Run: `npm run example:wordcount [-- FOLDER]`; node_modules by default.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import * as path from 'node:path'
import { fileURLToPath } from 'node:url'
import { join } from 'circuit-csp'
import type { Job } from './job.ts'
import { countAlone } from './pipeline.ts'
import { countAll, type Text } from './producer.ts'
import { work } from './work.ts'

const WORKERS = ['anna', 'bob']
const SHOWN = 10
/** A message has at most 1 MiB; a longer text goes in several. */
const TEXT_BYTES_MAX = 256 * 1024
const WORKER = fileURLToPath(new URL('worker.ts', import.meta.url))
const MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url))

const texts = readTexts(process.argv[2] ?? MODULES)
if (texts.length === 0) throw new Error('there is no README.md in the folders of that folder')
const state = mkdtempSync(path.join(tmpdir(), 'wordcount-'))
// A circuit of its own: it meets none of the user's peers.
const circuit_name = `wordcount-${process.pid}`
const workers: ChildProcess[] = []
try {
  await using circuit = await join({
    name: 'producer', circuit: circuit_name, state: path.join(state, 'producer'),
    discovery: ['local']
  })
  const jobs = await circuit.make<Job>('jobs')
  for (const name of WORKERS) workers.push(startWorker(name))
  const own = work(circuit, jobs)
  own.catch(() => {})
  const counting = countAll(circuit, jobs, texts, (line) => console.log(line))
  const total = await Promise.race([counting, own.then(() => counting)])
  await jobs.close()
  await Promise.all([own, ...workers.map(ended)])
  print(total)
} finally {
  for (const worker of workers) worker.kill('SIGKILL')
  rmSync(state, { recursive: true, force: true })
}

function readTexts(folder: string): Text[] {
  const files = globSync(['*/README.md', '@*/*/README.md'], { cwd: folder }).sort()
  return files.flatMap((name) => {
    const bytes = readFileSync(path.join(folder, name))
    return pieces(bytes).map((piece) => ({ name, bytes: piece }))
  })
}

/** Cut at the last line end that fits; only a line that is longer is cut inside. */
function pieces(bytes: Uint8Array): Uint8Array[] {
  const cut: Uint8Array[] = []
  let rest = bytes
  while (rest.length > TEXT_BYTES_MAX) {
    const end = rest.lastIndexOf(0x0a, TEXT_BYTES_MAX - 1) + 1
    const most = end === 0 ? TEXT_BYTES_MAX : end
    cut.push(rest.subarray(0, most))
    rest = rest.subarray(most)
  }
  cut.push(rest)
  return cut
}

function startWorker(name: string): ChildProcess {
  const args = [WORKER, name, circuit_name, path.join(state, name), 'producer']
  const worker = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  console.log(`${name} is process ${worker.pid}`)
  return worker
}

function ended(worker: ChildProcess): Promise<unknown> {
  if (worker.exitCode !== null || worker.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => worker.once('exit', resolve))
}

function print(total: Map<string, number>): void {
  const sorted = [...total].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  for (const [word, count] of sorted.slice(0, SHOWN)) console.log(`${count} ${word}`)
  const newline = new Uint8Array([0x0a])
  const alone = countAlone(Buffer.concat(texts.flatMap(({ bytes }) => [bytes, newline])))
  const same = sorted.length === Object.keys(alone).length
    && sorted.every(([word, count]) => alone[word] === count)
  console.log(same ? 'same as alone' : 'not the same as alone')
  if (!same) process.exitCode = 1
}
