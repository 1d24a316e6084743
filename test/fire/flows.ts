/**
 * Streams of numbered messages between two peers, and whoever counts them.
 *
 * Lives here: sending and receiving numbers with and without windows, large and small. Does not
 * live here: what happens to the wire meanwhile (proxy.ts).
 *
 * Invariant: a receiver throws at the first message that is not the next one.
 */
import type { Channel } from '../../bindings/js/channel.ts'

/** How a flow is sent and received: window 0 is one send, or receive, at a time. */
export interface Flow { path: string, count: number, window: number, bytes: number }

const NUMBER_BYTES = 4

/** A message of so many bytes that carries its number at both ends. */
export function messageOf(number: number, bytes: number): Uint8Array {
  const message = new Uint8Array(Math.max(bytes, NUMBER_BYTES))
  const view = new DataView(message.buffer)
  view.setUint32(0, number)
  view.setUint32(message.length - NUMBER_BYTES, number)
  return message
}

/** The number of a message. Throws when it is not whole. */
export function numberOf(message: Uint8Array, bytes: number): number {
  const view = new DataView(message.buffer, message.byteOffset, message.length)
  const number = view.getUint32(0)
  const whole = message.length === Math.max(bytes, NUMBER_BYTES)
    && view.getUint32(message.length - NUMBER_BYTES) === number
  if (!whole) throw new Error(`message ${number} is not whole: ${message.length} bytes`)
  return number
}

/** Sends 1 … count; resolves when the owner has all of them. */
export async function sendFlow(channel: Channel<Uint8Array>, flow: Flow): Promise<void> {
  const { count, window, bytes } = flow
  if (window === 0) {
    for (let i = 1; i <= count; i++) await channel.send(messageOf(i, bytes))
    return
  }
  const writer = channel.writer({ window })
  for (let i = 1; i <= count; i++) await writer.send(messageOf(i, bytes))
  await writer.flush()
}

/** Receives 1 … count, each once and in order, none marked *again*; then nothing is left. */
export async function receiveFlow(channel: Channel<Uint8Array>, flow: Flow): Promise<void> {
  const { path, count, window, bytes } = flow
  using reader = window === 0 ? undefined : channel.reader({ prefetch: window })
  for (let i = 1; i <= count; i++) {
    const { value, again } = await (reader ?? channel).receive()
    const number = numberOf(value!, bytes)
    if (number !== i || again) {
      throw new Error(`${path}: ${number}${again ? ' again' : ''} came instead of ${i}`)
    }
  }
}
