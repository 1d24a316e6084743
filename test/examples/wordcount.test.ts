/**
 * The word count over three OS processes, one of which is killed in the middle of a text.
 *
 * Who counts how many does not hang on who starts first: a `sort` of the test's own stands first on
 * PATH, which lets every worker count a few texts and then waits. Bob's waits for ever, so that he
 * surely holds a text when he is killed; the others go on once all have counted and he is dead.
 */
import * as assert from 'uvu/assert'
import { spawn, type ChildProcess } from 'node:child_process'
import {
  chmodSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { over } from '../alive.ts'
import { ROOT } from '../house/source.ts'
import { suite } from '../suite.ts'

const MAIN = `${ROOT}examples/wordcount/main.ts`
const RUN_MS = 60_000
const COUNTED_EACH = 2
const WORKERS = ['producer', 'anna', 'bob']

const test = suite('examples: wordcount')

/**
 * The sort that holds: `counts/N` has how often process N of a worker has sorted, `bob` is the
 * process whose sort is to be held for ever, `go` lets all others go on.
 */
const sortOf = (folder: string) => `#!/bin/sh
PATH='${process.env['PATH']}'
cd '${folder}/counts'
count=$(cat $PPID 2>/dev/null || echo 0)
echo $((count + 1)) > $PPID
[ $count -lt ${COUNTED_EACH} ] || while [ ! -e ../go ]; do
  if [ "$(cat ../bob 2>/dev/null)" = "$PPID" ]; then
    echo $$ > ../holding.new && mv ../holding.new ../holding
    exec sleep 120
  fi
  sleep 0.02
done
exec sort "$@"
`

/** The words of the same files, counted here and by nothing of the example. */
function countedHere(): Map<string, number> {
  const counts = new Map<string, number>()
  for (const file of globSync(['*/README.md', '@*/*/README.md'], { cwd: `${ROOT}node_modules` })) {
    const text = readFileSync(`${ROOT}node_modules/${file}`, 'latin1')
    for (const [word] of text.matchAll(/[A-Za-z]+/g)) {
      const small = word.toLowerCase()
      counts.set(small, (counts.get(small) ?? 0) + 1)
    }
  }
  return counts
}

class Place {
  readonly folder = mkdtempSync(join(tmpdir(), 'circuit-wordcount-'))
  readonly lines: string[] = []
  child: ChildProcess | undefined

  constructor() {
    mkdirSync(join(this.folder, 'bin'))
    mkdirSync(join(this.folder, 'counts'))
    mkdirSync(join(this.folder, 'run'), { mode: 0o700 })
    writeFileSync(join(this.folder, 'bin/sort'), sortOf(this.folder))
    chmodSync(join(this.folder, 'bin/sort'), 0o755)
  }

  /** Runs the example; `heard` gets each line that it prints. Gives its exit code. */
  run(heard: (line: string) => void): Promise<number | null> {
    const child = this.child = spawn(process.execPath, [MAIN], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...process.env, HOME: this.folder, TMPDIR: this.folder,
        XDG_RUNTIME_DIR: join(this.folder, 'run'), XDG_STATE_HOME: this.folder,
        PATH: `${join(this.folder, 'bin')}:${process.env['PATH']}`
      }
    })
    createInterface({ input: child.stdout! }).on('line', (line) => {
      this.lines.push(line)
      heard(line)
    })
    return new Promise((resolve) => child.once('close', resolve))
  }

  /** Tells the sorts something. */
  write(file: string, text: string): void {
    writeFileSync(join(this.folder, file), text)
  }

  /** Resolves to the id of the process that holds, once it does. */
  async holding(signal: AbortSignal): Promise<number> {
    const file = join(this.folder, 'holding')
    while (!existsSync(file)) await sleep(10, undefined, { signal })
    return Number(readFileSync(file, 'utf8'))
  }

  end(): void {
    if (this.child?.exitCode === null) this.child.kill('SIGKILL')
    rmSync(this.folder, { recursive: true, force: true })
  }
}

test('a worker killed in the middle loses nothing and counts nothing twice', async (t) => {
  const place = new Place()
  t.after(() => place.end())
  const counted = new Set<string>()
  const all = Promise.withResolvers<void>()
  let held: Promise<number> | undefined
  const kill = async (bob: number): Promise<number> => {
    const holding = await place.holding(t.signal)
    process.kill(bob, 'SIGKILL')
    await all.promise
    place.write('go', '')
    return holding
  }
  const code = await place.run((line) => {
    const [, bob] = /^bob is process (\d+)$/.exec(line) ?? []
    if (bob !== undefined) {
      place.write('bob', bob)
      held = kill(Number(bob))
    }
    const [, worker] = /^\d+\/\d+ (\w+) counted /.exec(line) ?? []
    if (worker !== undefined) counted.add(worker)
    if (WORKERS.every((one) => counted.has(one))) all.resolve()
  })
  const printed = place.lines.join('\n')
  assert.is(code, 0, printed)
  assert.ok(held, printed)
  // What the killed worker had started is ended.
  await over(await held)

  const left = place.lines.indexOf('bob left')
  assert.ok(left > 0, printed)
  const [, again = ''] = /^handed out again: (.*)$/.exec(place.lines[left + 1]!) ?? []
  assert.match(again, /README\.md/)
  const counts = place.lines.filter((line) => /^\d+\/\d+ /.test(line))
  const files = counts.map((line) => line.split(' ').at(-1))
  assert.is(new Set(files).size, files.length, 'a file was counted twice')
  for (const file of again.split(', ')) assert.ok(files.includes(file), file)
  for (const worker of WORKERS) assert.ok(counted.has(worker), worker)

  assert.is(place.lines.at(-1), 'same as alone')
  const here = countedHere()
  const commonest = place.lines.slice(-11, -1).map((line) => line.split(' '))
  assert.equal(commonest.map(([count]) => Number(count)),
    [...here.values()].sort((a, b) => b - a).slice(0, 10))
  for (const [count, word] of commonest) assert.is(here.get(word!), Number(count), word)
}, { timeout_ms: RUN_MS })

test.run()
