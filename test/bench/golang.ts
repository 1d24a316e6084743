/**
 * Go's own channels, for scale: a small program that is built once and run for each round.
 *
 * Lives here: building and running it. Does not live here: what it does (channels.go).
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Contender } from './timing.ts'

const SOURCE = fileURLToPath(new URL('channels.go', import.meta.url))
const NAME = 'Go'

/** Makes a contender of each work; where there is no Go, it says so. */
export function goContender(): (work: string) => Contender {
  const folder = mkdtempSync(join(tmpdir(), 'circuit-bench-go-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const program = join(folder, 'channels')
  try {
    execFileSync('go', ['build', '-o', program, SOURCE],
      { stdio: 'pipe', env: { HOME: homedir(), ...process.env } })
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    const absent = missing ? 'not installed: apt-get install golang-go'
      : `does not build: ${(error as Error).message}`
    return () => ({ name: NAME, absent, run() {} })
  }
  const version = execFileSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' }).trim()
  return (work) => ({
    name: NAME,
    note: `${version}, its scheduler may use every processor`,
    run: (count) =>
      Number(execFileSync(program, [work, String(count)], { encoding: 'utf8' })) / 1e6
  })
}
