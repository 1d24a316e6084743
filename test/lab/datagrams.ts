/**
 * A process that sends or counts datagrams, to see what a network does to them.
 *
 * Run in a namespace: `node test/lab/datagrams.ts count` prints `ready`, and at the end of its
 * standard input a JSON list of what came, in order: `[number, milliseconds under way]`.
 * `… send ADDRESS COUNT BYTES GAP_MS` sends numbered ones and ends.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { now_ms } from './log.ts'

const PORT = 4700
const HEAD_BYTES = 12
const [what, address = '', ...numbers] = process.argv.slice(2)
const socket = createSocket('udp4')

if (what === 'count') await count()
else await send(...numbers.map(Number) as [number, number, number])

async function count(): Promise<void> {
  const came: Array<[number, number]> = []
  const since = now_ms()
  socket.on('message', (bytes) => {
    const sent = bytes.readDoubleBE(4)
    // The kernel keeps what it has no neighbour for, and sends it when a cut is mended.
    if (sent >= since) came.push([bytes.readUInt32BE(0), Math.round((now_ms() - sent) * 10) / 10])
  })
  socket.bind(PORT)
  await once(socket, 'listening')
  console.log('ready')
  await once(process.stdin.resume(), 'end')
  console.log(JSON.stringify(came))
  socket.close()
}

async function send(times: number, bytes: number, gap_ms: number): Promise<void> {
  const packet = Buffer.alloc(Math.max(HEAD_BYTES, bytes))
  for (let nth = 0; nth < times; nth++) {
    packet.writeUInt32BE(nth, 0)
    packet.writeDoubleBE(now_ms(), 4)
    await new Promise((resolve) => socket.send(packet, PORT, address, resolve))
    if (gap_ms > 0) await new Promise((resolve) => setTimeout(resolve, gap_ms))
  }
  socket.close()
}
