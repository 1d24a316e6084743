/** Real processes over channels of a plain array: bindings/node/process.ts alone. */
import * as assert from 'uvu/assert'
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createProcesses } from '../../bindings/node/process.ts'
import type { Command, ProcessOrder, Processes } from '../../bindings/js/circuit.ts'
import { lives } from '../alive.ts'
import { suite, type TestContext } from '../suite.ts'

const test = suite('node: processes')

/** A channel in this process, with only what processes use: FIFO, capacity, close, withdrawal. */
class PlainChannel<T> {
  readonly taken: T[] = []
  readonly buffer: T[] = []
  closed = false
  failing = false
  #changed: Array<() => void> = []
  readonly capacity: number
  disposed = 0

  constructor(capacity: number) {
    this.capacity = capacity
  }

  async send(value: T): Promise<void> {
    const full = () => this.buffer.length >= this.capacity
    while (!this.failing && !this.closed && full()) await this.changed()
    if (this.closed || this.failing) throw new Error('closed')
    this.buffer.push(value)
    this.#change()
  }

  async receive(options: { signal?: AbortSignal } = {}): Promise<{ value: T, ok: boolean }> {
    const { signal } = options
    const wake = () => this.#change()
    signal?.addEventListener('abort', wake)
    try {
      while (this.buffer.length === 0 && !this.closed && signal?.aborted !== true) {
        await this.changed()
      }
      signal?.throwIfAborted()
      const ok = this.buffer.length > 0
      const value = this.buffer.shift() as T
      if (ok) this.taken.push(value)
      this.#change()
      return { value, ok }
    } finally {
      signal?.removeEventListener('abort', wake)
    }
  }

  async close(): Promise<void> {
    if (this.closed) throw new Error('closed twice')
    this.closed = true
    this.#change()
  }

  [Symbol.dispose](): void {
    this.disposed++
  }

  /** As a scrubbed channel: every send fails. */
  fail(): void {
    this.failing = true
    this.#change()
  }

  /** Resolves at the next change. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#changed.push(resolve))
  }

  #change(): void {
    for (const wake of this.#changed.splice(0)) wake()
  }
}

interface Exit { code: number | null, signal: string | null }

interface Started {
  number: number
  stdin: PlainChannel<Uint8Array>
  stdout: PlainChannel<Uint8Array>
  stderr: PlainChannel<Uint8Array>
  exit: PlainChannel<Exit>
  ended(): number
}

let numbers = 0

async function start(processes: Processes, command: Command): Promise<Started> {
  const channels = {
    stdin: new PlainChannel<Uint8Array>(16), stdout: new PlainChannel<Uint8Array>(16),
    stderr: new PlainChannel<Uint8Array>(16), exit: new PlainChannel<Exit>(1)
  }
  const number = ++numbers
  const order = { process: number, path: '/test/p', command, ...channels }
  let ended = 0
  await processes.start(order as unknown as ProcessOrder, () => { ended++ })
  return { number, ...channels, ended: () => ended }
}

function shell(script: string, ...args: string[]): Command {
  return { path: 'sh', args: ['-c', script, 'sh', ...args] }
}

/** Processes that end with the test. */
function fresh(t: TestContext, grace_ms = 200): Processes {
  const processes = createProcesses({ grace_ms })
  t.after(() => processes.close())
  return processes
}

async function text(channel: PlainChannel<Uint8Array>): Promise<string> {
  const read: Uint8Array[] = []
  for (;;) {
    const { value, ok } = await channel.receive()
    if (!ok) return Buffer.concat(read).toString()
    read.push(value)
  }
}

async function line(channel: PlainChannel<Uint8Array>): Promise<string> {
  return Buffer.from((await channel.receive()).value).toString().trimEnd()
}

async function until(condition: () => boolean, what: string, limit_ms = 60_000): Promise<void> {
  for (const end = performance.now() + limit_ms; !condition();) {
    if (performance.now() > end) throw new Error(`waited in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

function residentBytes(pid: number | 'self'): number {
  const pages = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]
  return Number(pages) * 4096
}

async function refusedWith(name: string, started: Promise<unknown>): Promise<void> {
  const error = await started.then(() => undefined, (reason: unknown) => reason)
  assert.ok(error instanceof Error, 'it was not refused')
  assert.match(String((error as { code?: unknown }).code), new RegExp(`^${name}$`))
}

test('output comes live, piece by piece, and its channel closes when all was read', async (t) => {
  const p = await start(fresh(t), shell('echo one; read go; echo two; echo three >&2'))
  assert.is(await line(p.stdout), 'one')
  assert.is(p.exit.buffer.length, 0)
  await p.stdin.send(Buffer.from('go\n'))
  assert.is(await text(p.stdout), 'two\n')
  assert.is(await text(p.stderr), 'three\n')
  assert.equal((await p.exit.receive()).value, { code: 0, signal: null })
  await until(() => p.ended() === 1, 'its end was told')
  const all = [p.stdin, p.stdout, p.stderr, p.exit]
  await until(() => all.every(({ disposed }) => disposed === 1), 'its channels are given back')
})

test('closing the input channel ends the input, and bytes pass unchanged', async (t) => {
  const p = await start(fresh(t), { path: 'cat' })
  const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => i * 7 % 256)
  const read = (async () => {
    const out: Uint8Array[] = []
    for (;;) {
      const { value, ok } = await p.stdout.receive()
      if (!ok) return Buffer.concat(out)
      assert.ok(value.length <= 65_536, 'a piece is over 64 KiB')
      out.push(value)
    }
  })()
  for (let at = 0; at < bytes.length; at += 50_000) {
    await p.stdin.send(bytes.subarray(at, at + 50_000))
  }
  await p.stdin.close()
  assert.is(Buffer.compare(await read, bytes), 0)
  assert.equal((await p.exit.receive()).value, { code: 0, signal: null })
})

test('a process that prints without a reader waits, and no memory grows', async (t) => {
  const p = await start(fresh(t), shell('echo $$; exec yes'))
  const pid = Number((await line(p.stdout)).split('\n')[0])
  await until(() => p.stdout.buffer.length === 16, 'the channel is full')
  const stat = () => readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')
  const cpu = () => stat().slice(13, 15).join()
  let [last, still] = ['', 0]
  await until(() => {
    // Asleep again and again, and not in want of its turn.
    const asleep = stat()[2] === 'S' && cpu() === last
    last = cpu()
    still = asleep ? still + 1 : 0
    return still === 20
  }, 'yes waits in its write')
  const before = residentBytes('self')
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.is(cpu(), last, 'yes ran on although nobody reads')
  assert.is(p.stdout.buffer.length, 16)
  assert.ok(residentBytes('self') - before < 16 * 1024 * 1024, 'memory grew')
  for (let i = 0; i < 50; i++) await p.stdout.receive()
  assert.ok(lives(pid), 'it goes on when it is read again')
})

test('input that is not read holds its sender back', async (t) => {
  const p = await start(fresh(t), shell('read go; exec cat > /dev/null'))
  const piece = new Uint8Array(65_536)
  const feeding = (async () => {
    for (let i = 0; i < 200; i++) await p.stdin.send(piece)
  })()
  await until(() => p.stdin.buffer.length === 16, 'the input channel is full')
  await new Promise((resolve) => setTimeout(resolve, 100))
  assert.ok(p.stdin.taken.length < 20, `${p.stdin.taken.length} pieces were taken and not read`)
  const stop = feeding.catch(() => {})
  await p.stdin.close()
  await stop
})

test('a process that ends before its input was read closes the input channel', async (t) => {
  const p = await start(fresh(t), shell('exit 3'))
  assert.equal((await p.exit.receive()).value, { code: 3, signal: null })
  await until(() => p.stdin.closed, 'the input is closed')
})

test('writing to a process that closed its input harms nobody', async (t) => {
  const p = await start(fresh(t), shell('exec 0<&-; echo shut; sleep 5'))
  assert.is(await line(p.stdout), 'shut')
  for (let i = 0; i < 50 && !p.stdin.closed; i++) {
    await p.stdin.send(new Uint8Array(65_536)).catch(() => {})
  }
  await until(() => p.stdin.closed, 'the input is closed')
  assert.is(p.ended(), 0)
})

test('a missing program, a bad folder and a file that may not run are told apart', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'circuit-process-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'plain'), 'echo no\n')
  writeFileSync(join(folder, 'torn'), '#!/no/such/interpreter\n')
  chmodSync(join(folder, 'torn'), 0o755)
  const processes = fresh(t)
  const attempt = (command: unknown) => start(processes, command as Command)
  await refusedWith('PROGRAM_NOT_FOUND', attempt({ path: 'no-such-program' }))
  await refusedWith('PROGRAM_NOT_FOUND', attempt({ path: '/no/such/program' }))
  await refusedWith('PROGRAM_NOT_FOUND', attempt({ path: 'plain', dir: folder }))
  await refusedWith('PROGRAM_NOT_FOUND', attempt({ path: 'sh', env: { PATH: folder } }))
  await refusedWith('CANNOT_START', attempt({ path: 'sh', dir: join(folder, 'none') }))
  await refusedWith('CANNOT_START', attempt({ path: 'sh', dir: join(folder, 'plain') }))
  await refusedWith('CANNOT_START', attempt({ path: './plain', dir: folder }))
  await refusedWith('CANNOT_START', attempt({ path: './torn', dir: folder }))
  await refusedWith('CANNOT_START', attempt({ path: folder }))
  await refusedWith('CANNOT_START', attempt({ path: 'sh', args: ['x'.repeat(4_000_000)] }))
})

test('a command of the wrong shape is refused', async (t) => {
  const processes = fresh(t)
  const wrong: unknown[] = [
    null, 'sh', {}, { path: '' }, { path: 7 }, { path: 'sh\0' }, { path: 'sh', args: 'x' },
    { path: 'sh', args: [1] }, { path: 'sh', env: { A: 1 } }, { path: 'sh', env: { 'A=B': '' } },
    { path: 'sh', env: null }, { path: 'sh', dir: 5 }
  ]
  for (const command of wrong) {
    await refusedWith('BAD_ARGUMENT', start(processes, command as Command))
  }
})

test('the program is found along PATH, runs in its folder, with its environment', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'circuit-process-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'mine'), '#!/bin/sh\necho "$GREETING $1 $PWD"\n')
  chmodSync(join(folder, 'mine'), 0o755)
  const PATH = `/no/such:${folder}:${process.env['PATH']}`
  const p = await start(fresh(t), {
    path: 'mine', args: ['a b'], dir: folder, env: { GREETING: 'hi', PATH }
  })
  assert.is(await text(p.stdout), `hi a b ${folder}\n`)
})

test('signals go to the whole group, by number, and say so in the exit', async (t) => {
  const processes = fresh(t)
  const p = await start(processes, shell('sleep 100 & echo $!; wait'))
  const child = Number(await line(p.stdout))
  assert.is(processes.signal(p.number, 10), true)
  assert.equal((await p.exit.receive()).value, { code: null, signal: 'USR1' })
  await until(() => !lives(child), 'the whole group has ended')
  assert.is(processes.signal(p.number, 15), false)
  assert.is(processes.signal(987_654, 15), false)
})

test('stop ends a process with TERM, and with KILL one that ignores it', async (t) => {
  // As long as a busy machine may take until the process has its turn.
  const patient = fresh(t, 60_000)
  const mild = await start(patient, shell('trap "echo bye; exit 9" TERM; echo on; read x'))
  assert.is(await line(mild.stdout), 'on')
  patient.stop(mild.number)
  assert.is(await text(mild.stdout), 'bye\n')
  assert.equal((await mild.exit.receive()).value, { code: 9, signal: null })
  const processes = fresh(t)
  const stubborn = await start(processes, shell('trap "" TERM; sleep 100 & echo $!; wait; wait'))
  const child = Number(await line(stubborn.stdout))
  processes.stop(stubborn.number)
  assert.equal((await stubborn.exit.receive()).value, { code: null, signal: 'KILL' })
  await until(() => !lives(child), 'its child was killed too')
})

test('a scrubbed output breaks the pipe; a detached process runs on', async (t) => {
  const processes = fresh(t)
  const p = await start(processes, shell('exec yes'))
  p.stdout.fail()
  const { code, signal } = (await p.exit.receive()).value
  assert.ok(code !== 0, `its write did not fail: ${code} ${signal}`)
  const free = await start(processes, { ...shell('echo $$; exec yes'), detached: true })
  const pid = Number((await line(free.stdout)).split('\n')[0])
  t.after(() => process.kill(pid, 'SIGKILL'))
  processes.stop(free.number)
  free.stdout.fail()
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.ok(lives(pid), 'the detached process was ended')
})

test('close ends what runs, waits for it, and refuses new ones', async (t) => {
  const processes = fresh(t)
  const stubborn = await start(processes, shell('trap "" TERM; echo $$; sleep 100; sleep 100'))
  const pid = Number(await line(stubborn.stdout))
  await processes.close()
  assert.not(lives(pid))
  await refusedWith('LEAVING', start(processes, shell('true')))
})

test('a hundred processes start and end, each with its own exit', async (t) => {
  const processes = fresh(t)
  const all = await Promise.all(Array.from({ length: 100 }, (_, i) =>
    start(processes, { path: '/bin/sh', args: ['-c', `exit ${i}`] })))
  const codes = await Promise.all(all.map(async (p) => (await p.exit.receive()).value.code))
  assert.equal(codes, Array.from({ length: 100 }, (_, i) => i))
  await until(() => all.every((p) => p.ended() === 1), 'each end was told once')
}, { timeout_ms: 20_000 })

test('a peer that is killed with -9 takes its processes along, but not the detached', async (t) => {
  const module = fileURLToPath(new URL('../../bindings/node/process.ts', import.meta.url))
  const script = `
    const { createProcesses } = await import(${JSON.stringify(module)})
    const processes = createProcesses({ grace_ms: 200 })
    const channel = () => ({
      send: async (bytes) => { if (bytes.length) process.stdout.write(bytes) },
      receive: (o) => new Promise((_, no) => o.signal.addEventListener('abort', no)),
      close: async () => {}, [Symbol.dispose]() {}
    })
    const order = (n, script, detached) => ({ process: n, path: '/p', stdin: channel(),
      stdout: channel(), stderr: channel(), exit: channel(),
      command: { path: 'sh', args: ['-c', script], detached } })
    await processes.start(order(1, 'sleep 100 & echo mild $!; wait', false), () => {})
    await processes.start(order(2, 'trap "" TERM; echo hard $$; sleep 100; sleep 100', false),
      () => {})
    await processes.start(order(3, 'echo free $$; exec sleep 100', true), () => {})
    await processes.start(order(4, 'true', false), () => {})
  `
  const peer = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.after(() => peer.kill('SIGKILL'))
  let printed = ''
  peer.stdout.on('data', (bytes: Buffer) => { printed += bytes.toString() })
  await until(() => printed.trim().split('\n').length === 3, 'all three run')
  const pid = (name: string) => Number(new RegExp(`${name} (\\d+)`).exec(printed)![1])
  t.after(() => process.kill(pid('free'), 'SIGKILL'))
  peer.kill('SIGKILL')
  await until(() => !lives(pid('mild')) && !lives(pid('hard')), 'its processes ended')
  assert.ok(lives(pid('free')), 'the detached process was ended too')
}, { timeout_ms: 15_000 })

test.run()
