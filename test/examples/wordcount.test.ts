/**
 * The word count over three OS processes, one of which is killed in the middle of a text.
 *
 * The killed worker surely holds a text: a `sort` of the test's own stands first on PATH; told to,
 * it waits for ever instead of sorting, in that worker only.
 */
import * as assert from 'uvu/assert'
import { spawn, type ChildProcess } from 'node:child_process'
import {
  chmodSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, watch,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ROOT } from '../house/source.ts'
import { suite } from '../suite.ts'

const MAIN = `${ROOT}examples/wordcount/main.ts`
const RUN_MS = 60_000
const COUNTED_BEFORE_DEATH = 2

const test = suite('examples: wordcount')

/** The sort that holds: `hold` has the process id of the peer whose sorts wait. */
const sortOf = (folder: string) => `#!/bin/sh
if [ -e '${folder}/hold' ] && [ "$(cat '${folder}/hold')" = "$PPID" ]; then
  echo $$ > '${folder}/holding.new' && mv '${folder}/holding.new' '${folder}/holding'
  exec sleep 120
fi
PATH='${process.env['PATH']}'
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

  /** Resolves to the id of the process that holds, once it does. */
  async holding(signal: AbortSignal): Promise<number> {
    const file = join(this.folder, 'holding')
    while (!existsSync(file)) {
      await new Promise<void>((resolve) => {
        const watcher = watch(this.folder, { signal }, () => {
          watcher.close()
          resolve()
        })
        watcher.on('error', () => resolve())
        if (existsSync(file)) {
          watcher.close()
          resolve()
        }
      })
      signal.throwIfAborted()
    }
    return Number(readFileSync(file, 'utf8'))
  }

  end(): void {
    if (this.child?.exitCode === null) this.child.kill('SIGKILL')
    rmSync(this.folder, { recursive: true, force: true })
  }
}

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('a worker killed in the middle loses nothing and counts nothing twice', async (t) => {
  const place = new Place()
  t.after(() => place.end())
  let bob = 0
  let counted = 0
  let held: Promise<number> | undefined
  const code = await place.run((line) => {
    bob ||= Number(/^bob is process (\d+)$/.exec(line)?.[1] ?? 0)
    if (/^\d+\/\d+ bob counted /.test(line) && ++counted === COUNTED_BEFORE_DEATH) {
      held = place.holding(t.signal).then((pid) => {
        process.kill(bob, 'SIGKILL')
        return pid
      })
      writeFileSync(join(place.folder, 'hold'), String(bob))
    }
  })
  const printed = place.lines.join('\n')
  assert.is(code, 0, printed)
  assert.ok(held, printed)
  assert.not.ok(lives(await held), 'what the killed worker had started lives on')

  const left = place.lines.indexOf('bob left')
  assert.ok(left > 0, printed)
  const [, again = ''] = /^handed out again: (.*)$/.exec(place.lines[left + 1]!) ?? []
  assert.match(again, /README\.md/)
  const counts = place.lines.filter((line) => /^\d+\/\d+ /.test(line))
  const files = counts.map((line) => line.split(' ').at(-1))
  assert.is(new Set(files).size, files.length, 'a file was counted twice')
  for (const file of again.split(', ')) assert.ok(files.includes(file), file)
  for (const worker of ['producer', 'anna', 'bob']) {
    assert.ok(counts.some((line) => line.includes(` ${worker} counted `)), worker)
  }

  assert.is(place.lines.at(-1), 'same as alone')
  const here = countedHere()
  const commonest = place.lines.slice(-11, -1).map((line) => line.split(' '))
  assert.equal(commonest.map(([count]) => Number(count)),
    [...here.values()].sort((a, b) => b - a).slice(0, 10))
  for (const [count, word] of commonest) assert.is(here.get(word!), Number(count), word)
}, { timeout_ms: RUN_MS })

test.run()
