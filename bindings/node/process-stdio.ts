/**
 * A process's pipes as channels.
 *
 * Lives here: output → channel and channel → input, piece by piece with backpressure. Does not
 * live here: starting and ending processes (process.ts), what a channel is (bindings/js).
 *
 * Invariants: a pipe is read on only when the channel has taken the last piece, so a process that
 * nobody reads waits in its own write, and what is held here is bounded by one read of the pipe; no
 * piece is over PROCESS_OUTPUT_BYTES_MAX; a piece goes as soon as it came.
 */
import type { Readable, Writable } from 'node:stream'
import { pipe } from 'it-pipe'
import type { Channel } from '../js/channel.ts'
import { PROCESS_OUTPUT_BYTES_MAX } from '../js/tables.ts'

/**
 * Pumps what a process prints into a channel, and closes the channel at the end of the output.
 *
 * Ends early, without an error, when the channel takes no more (closed or scrubbed by somebody, or
 * this peer leaves): then the pipe is destroyed, so that the process's next write fails as it would
 * in a shell; with `drain` the rest is read and dropped instead, and the process runs on.
 */
export async function pumpOutput(
  source: Readable, channel: Channel<Uint8Array>, drain: boolean
): Promise<void> {
  source.on('error', () => {})
  try {
    await pipe(source.iterator({ destroyOnReturn: false }), pieces, async (output) => {
      for await (const piece of output) await channel.send(piece)
    })
  } catch {
    // The channel took no more, or the pipe broke: either way the output ends here.
  }
  await channel.close().catch(() => {})
  if (drain) source.resume()
  else source.destroy()
}

/**
 * Pumps a channel into a process's input. The pipe is closed when the channel is; the channel is
 * closed when the process reads no more (it ended, or closed its input), so that senders are told.
 *
 * `ended` is aborted when the process has ended: a receive that waits is then withdrawn. A message
 * that is neither bytes nor text ends the input.
 */
export async function pumpInput(
  channel: Channel<Uint8Array>, sink: Writable, ended: AbortSignal
): Promise<void> {
  const broken = new AbortController()
  const stop = () => broken.abort()
  sink.on('error', stop)
  sink.on('close', stop)
  ended.addEventListener('abort', stop)
  if (ended.aborted) stop()
  try {
    await pipe(messages(channel, broken.signal), async (input) => {
      for await (const bytes of input) {
        if (!sink.write(bytes)) await room(sink, broken.signal)
      }
    })
    sink.end()
  } catch {
    sink.destroy()
  }
  ended.removeEventListener('abort', stop)
  await channel.close().catch(() => {})
}

/** A read of a pipe may come joined with the one before it. */
async function* pieces(source: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array> {
  for await (const bytes of source) {
    for (let at = 0; at < bytes.length; at += PROCESS_OUTPUT_BYTES_MAX) {
      yield bytes.subarray(at, at + PROCESS_OUTPUT_BYTES_MAX)
    }
  }
}

async function* messages(
  channel: Channel<Uint8Array>, signal: AbortSignal
): AsyncGenerator<Uint8Array | string> {
  for (;;) {
    const { value, ok } = await channel.receive({ signal })
    if (!ok) return
    const taken: unknown = value
    if (!(taken instanceof Uint8Array) && typeof taken !== 'string') {
      throw new TypeError('a process reads bytes')
    }
    if (taken.length > 0) yield taken
  }
}

/** Waits until the pipe has room; rejects when it broke. */
function room(sink: Writable, broken: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      sink.off('drain', settle)
      broken.removeEventListener('abort', settle)
      if (broken.aborted) reject(broken.reason)
      else resolve()
    }
    sink.on('drain', settle)
    broken.addEventListener('abort', settle)
    if (broken.aborted) settle()
  })
}
